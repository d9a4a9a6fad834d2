import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Severity } from "../../api/types";
import { useSettings, useTranslate } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Segmented";
import { useAct } from "../act";
import { crm, type Event360, type LeadAlert, type NoteKind, type Timeline360 } from "../api/crm";
import { useDoor, useMay } from "../context";
import { useSay, word, type Say } from "../i18n";
import { usePages } from "../pages";
import { usePeople } from "../people";
import { TextArea } from "../ui/Field";
import { More } from "../ui/More";
import { Card, Trouble, Wait } from "../ui/Page";
import { Tag, type Tone } from "../ui/Tag";

const NOTES: readonly NoteKind[] = ["note", "call", "meeting"];
const TONES: Record<Severity, Tone> = { info: "plain", warning: "warn", critical: "crit", emergency: "crit" };

/** What happened with a lead, the newest first, and the place to write down what happens now. */
export function Timeline({ lead, revision }: { lead: string; revision: number }) {
  const say = useSay();
  const door = useDoor();
  const people = usePeople();
  const { language } = useSettings();
  const writes = useMay("lead.note");
  const list = usePages<Event360, Timeline360>(["crm", "lead", lead, "timeline", revision], (cursor) => crm.timeline(door, lead, cursor));
  return (
    <Card title={say("timeline")}>
      {writes && <NoteForm lead={lead} />}
      {list.error && <Trouble error={list.error} onRetry={list.reread} />}
      {list.waiting && <Wait lines={5} />}
      {list.first && <Trading accounts={list.first.accounts} alerts={list.first.alerts} />}
      <ol data-testid="timeline" className="ml-1 border-l border-edge">
        {list.items.map((item) => (
          <li key={item.id} data-kind={item.kind} className="relative pb-3 pl-4 text-sm">
            <span aria-hidden className="absolute top-1.5 -left-[3.5px] size-1.5 rounded-full bg-ink-3" />
            <p><span className="font-semibold">{word(say, "event", item.kind)}</span> <span className="text-ink-2">{summary(item, say)}</span></p>
            {item.text && <p className="break-words whitespace-pre-wrap text-ink-2">{item.text}</p>}
            <p className="text-2xs text-ink-3">{formatMoment(item.at, language)} · {people(item.by)}</p>
          </li>
        ))}
      </ol>
      <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
    </Card>
  );
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
      {accounts.length > 0 && <p>{say("lead.accounts")} {accounts.map((one) => <Tag key={one.account}>{say("cash.account", { id: one.account })}</Tag>)}</p>}
      <ul className="space-y-1">
        {alerts.map((alert: LeadAlert) => (
          <li key={alert.id} className="flex flex-wrap items-center gap-2">
            <Tag tone={TONES[alert.severity as Severity] ?? "plain"}>{named(alert.severity)}</Tag>
            {alert.title}
            <span className="text-2xs text-ink-3">{formatMoment(alert.at, language)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What an event says in one line: where from, where to, why. */
export function summary(item: Pick<Event360, "kind" | "detail">, say: Say): string {
  const { from, to, cause, reason, status, kind, score, title } = item.detail as Record<string, unknown>;
  const state = (value: unknown) => (typeof value === "string" ? word(say, "stage", value) : null);
  const parts = [
    state(from) && state(to) ? `${state(from)} → ${state(to)}` : null,
    typeof title === "string" ? title : null,
    typeof kind === "string" ? word(say, "fact", kind) : null,
    typeof status === "string" ? word(say, "state", status) : null,
    typeof score === "number" ? String(score) : null,
    typeof cause === "string" ? word(say, "cause", cause) : null,
    typeof reason === "string" ? `“${reason}”` : null,
  ];
  return parts.filter((one) => one !== null && one !== "").join(" · ");
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
      await cache.invalidateQueries({ queryKey: ["crm", "lead", lead, "timeline"] });
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
