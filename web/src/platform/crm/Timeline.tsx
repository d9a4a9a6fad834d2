import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Severity } from "../../api/types";
import { pathOf } from "../../app/route";
import { useSettings, useTranslate } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Segmented";
import { useAct } from "../act";
import { crm, type Event360, type Lead, type LeadAlert, type NoteKind, type Timeline360 } from "../api/crm";
import { useDoor, useMay } from "../context";
import { useSay, word } from "../i18n";
import { ProfileFacts } from "../identity/Profile";
import { usePages } from "../pages";
import { usePeople } from "../people";
import { Ask } from "../ui/Ask";
import { TextArea } from "../ui/Field";
import { Link } from "../ui/Link";
import { More } from "../ui/More";
import { Card, Trouble, Wait } from "../ui/Page";
import { Tag, type Tone } from "../ui/Tag";
import { accountWord, standingMerge, summary } from "./events";
import { leadKey, partKey, useTookLead } from "./useLead";

const NOTES: readonly NoteKind[] = ["note", "call", "meeting"];
const TONES: Record<Severity, Tone> = { info: "plain", warning: "warn", critical: "crit", emergency: "crit" };

/** What happened with a lead, the newest first, and the place to write down what happens now. */
export function Timeline({ lead }: { lead: Lead }) {
  const say = useSay();
  const door = useDoor();
  const people = usePeople();
  const { language } = useSettings();
  const took = useTookLead();
  const writes = useMay("lead.note") && lead.status !== "merged";
  const edits = useMay("lead.edit") && lead.status !== "merged";
  const [undoing, setUndoing] = useState<string | null>(null);
  const list = usePages<Event360, Timeline360>(partKey(lead.id, "timeline"), (cursor) => crm.timeline(door, lead.id, cursor));
  const standing = edits ? standingMerge(list.items) : null;
  return (
    <Card title={say("timeline")}>
      {writes && <NoteForm lead={lead.id} />}
      {list.error && <Trouble error={list.error} onRetry={list.reread} />}
      {list.waiting && <Wait lines={5} />}
      {list.first && <Trading accounts={list.first.accounts} alerts={list.first.alerts} />}
      {list.first?.profile && <div className="mb-4 rounded-md border border-line p-2"><ProfileFacts profile={list.first.profile} /></div>}
      <ol data-testid="timeline" className="ml-1 border-l border-edge">
        {list.items.map((item) => (
          <li key={item.id} data-kind={item.kind} className="relative pb-3 pl-4 text-sm">
            <span aria-hidden className="absolute top-1.5 -left-[3.5px] size-1.5 rounded-full bg-ink-3" />
            <p><span className="font-semibold">{word(say, "event", item.kind)}</span> <span className="break-words text-ink-2">{summary(item, say, people, language)}</span></p>
            {item.text && <p className="break-words whitespace-pre-wrap text-ink-2">{item.text}</p>}
            <p className="text-2xs text-ink-3">
              {formatMoment(item.at, language)} · {people(item.by)}
              <Other item={item} lead={lead} />
            </p>
            {standing !== null && item.detail.merge_id === standing && item.kind !== "undone" && (
              <Button size="sm" className="mt-1 h-8 wide:h-6" data-testid="merge-undo" onClick={() => setUndoing(standing)}>{say("merge.undo")}</Button>
            )}
          </li>
        ))}
      </ol>
      <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
      {undoing !== null && (
        <Ask title={say("merge.undo")} help={say("merge.undo.help")} reason={say("reason")} verb={say("merge.undo")} danger onDo={async (reason) => took(await crm.undoMerge(door, undoing, reason))} onClose={() => setUndoing(null)} />
      )}
    </Card>
  );
}

/** The lead that two-become-one, or one-becomes-two, is also about. */
function Other({ item, lead }: { item: Event360; lead: Lead }) {
  const say = useSay();
  const other = item.detail.other_id;
  if (typeof other !== "string" || other === lead.id) return null;
  return <> · <Link to={pathOf("lead", other)} className="underline underline-offset-2">{say("lead.other")}</Link></>;
}

/** The lead's trading accounts, and what the risk desk says about them. */
function Trading({ accounts, alerts }: Pick<Timeline360, "accounts" | "alerts">) {
  const say = useSay();
  const t = useTranslate();
  const { language } = useSettings();
  if (accounts.length === 0 && alerts.length === 0) return null;
  const named = (severity: string) => (severity in TONES ? t(`severity.${severity as Severity}`) : severity);
  return (
    <div className="mb-4 space-y-2 rounded-md border border-line p-2 text-sm" data-testid="trading">
      {accounts.length > 0 && <p>{say("lead.accounts")} {accounts.map((one) => <Tag key={one.account}>{say(accountWord(one), { id: one.account })}</Tag>)}</p>}
      <ul className="space-y-1">
        {alerts.map((alert: LeadAlert) => (
          <li key={alert.id} className="flex flex-wrap items-center gap-2">
            <Tag tone={TONES[alert.severity as Severity] ?? "plain"}>{named(alert.severity)}</Tag>
            {alert.title}
            {alert.account_type === "demo" && <Tag>{say("lead.demo")}</Tag>}
            <span className="text-2xs text-ink-3">{formatMoment(alert.at, language)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function NoteForm({ lead }: { lead: string }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const [kind, setKind] = useState<NoteKind>("note");
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    const done = await act(() => crm.note(door, lead, kind, text.trim()), say("note.saved"));
    if (done) {
      setText("");
      // A note changes the lead too: a move that names the revision before it would be refused.
      await cache.invalidateQueries({ queryKey: leadKey(lead) });
    }
    setBusy(false);
  };
  return (
    <form
      className="mb-4 space-y-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "" && !busy) void save();
      }}
    >
      <Segmented label={say("note.kind")} value={kind} options={NOTES.map((one) => ({ value: one, text: word(say, "event", one) }))} onChange={setKind} className="w-full max-w-80" />
      <TextArea label={say("note.text")} maxLength={4_000} data-testid="note-text" value={text} onChange={(event) => setText(event.target.value)} />
      <Button type="submit" data-testid="note-save" disabled={busy || text.trim() === ""}>{say("note.save")}</Button>
    </form>
  );
}
