import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { formatDecimal, parseTyped, toTyped } from "../../format/decimal";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { crm, type Deal, type DealStatus, type Lead } from "../api/crm";
import { useDoor, useMay } from "../context";
import { useSay, word } from "../i18n";
import { usePeople } from "../people";
import { Ask } from "../ui/Ask";
import { TextField } from "../ui/Field";
import { Card, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { dealChange, isMoney } from "./draft";
import { partKey } from "./useLead";

const STATES: readonly DealStatus[] = ["open", "won", "lost"];

/** What a lead may bring, and what became of it. */
export function LeadDeals({ lead }: { lead: Lead }) {
  const say = useSay();
  const door = useDoor();
  const edits = useMay("lead.edit") && lead.status !== "merged";
  const query = useQuery({ queryKey: partKey(lead.id, "deals"), queryFn: () => crm.deals(door, lead.id), retry: false });
  const [adding, setAdding] = useState(false);
  return (
    <Card title={say("deals")} aside={edits && <Button size="sm" data-testid="deal-new" onClick={() => setAdding(true)}>{say("deal.new")}</Button>}>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Wait lines={1} />}
      {query.data?.items.length === 0 && <p className="text-xs text-ink-3">{say("deals.none")}</p>}
      <ul className="-my-2 divide-y divide-line empty:hidden">
        {query.data?.items.map((deal) => <DealRow key={deal.id} lead={lead.id} deal={deal} edits={edits} />)}
      </ul>
      {adding && <DealForm lead={lead.id} onClose={() => setAdding(false)} />}
    </Card>
  );
}

/** A deal does not change its lead's revision: what it changed besides itself is named here. */
function useReread(lead: string) {
  const cache = useQueryClient();
  return async () => {
    void cache.invalidateQueries({ queryKey: partKey(lead, "timeline") });
    await cache.invalidateQueries({ queryKey: partKey(lead, "deals") });
  };
}

function DealRow({ lead, deal, edits }: { lead: string; deal: Deal; edits: boolean }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const people = usePeople();
  const reread = useReread(lead);
  const { language } = useSettings();
  const [busy, setBusy] = useState(false);
  const [editing, setEditing] = useState(false);
  const title = deal.title ?? say("erased");
  const set = async (status: DealStatus) => {
    setBusy(true);
    await act(() => crm.changeDeal(door, deal.id, { status, revision: deal.revision }), say("deal.changed"));
    // Refused or not, what stands now is what the server says.
    await reread();
    setBusy(false);
  };
  return (
    <li data-deal={deal.id} data-status={deal.status} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2 text-sm">
      <div className="min-w-0 flex-1 basis-40 break-words">
        <p className="font-medium">{title}</p>
        <p className="text-xs text-ink-3">{formatDecimal(deal.expected_usd, language)} USD · {people(deal.owner_id)}</p>
      </div>
      {edits && deal.title !== null && <Button size="sm" className="h-9 wide:h-7" data-testid="deal-edit" aria-label={say("deal.edit.title", { title })} onClick={() => setEditing(true)}>{say("deal.edit")}</Button>}
      {edits ? (
        <select aria-label={say("deal.status", { title })} className="menu h-9 wide:h-7" disabled={busy} value={deal.status} onChange={(event) => void set(event.target.value as DealStatus)}>
          {STATES.map((status) => <option key={status} value={status}>{word(say, "deal", status)}</option>)}
        </select>
      ) : (
        <Tag>{word(say, "deal", deal.status)}</Tag>
      )}
      {editing && <DealForm lead={lead} deal={deal} onClose={() => setEditing(false)} />}
    </li>
  );
}

/** A new deal, or one that stands: then what changed is sent against the revision that was seen when the form opened. */
function DealForm({ lead, deal, onClose }: { lead: string; deal?: Deal; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const reread = useReread(lead);
  const { language } = useSettings();
  const [before] = useState(deal);
  const [title, setTitle] = useState(before?.title ?? "");
  const [amount, setAmount] = useState(before ? toTyped(before.expected_usd, language) : "");
  const expected = parseTyped(amount, language);
  const wrong = amount.trim() !== "" && !isMoney(expected);
  const filled = title.trim() !== "" && isMoney(expected);
  const change = before && filled ? dealChange(before, title, expected) : null;
  return (
    <Ask
      title={before ? say("deal.edit.title", { title: before.title ?? say("erased") }) : say("deal.new")}
      verb={say(before ? "deal.edit.save" : "deal.save")}
      blocked={!filled || (before !== undefined && change === null)}
      onDo={async () => {
        if (before) await crm.changeDeal(door, before.id, change!);
        else await crm.addDeal(door, lead, { title: title.trim(), expected_usd: expected! });
        toast("ok", say(before ? "deal.changed" : "deal.saved"));
        await reread();
      }}
      onClose={onClose}
    >
      <TextField label={say("deal.title")} maxLength={200} data-first-focus data-testid="deal-title" value={title} onChange={(event) => setTitle(event.target.value)} />
      <TextField label={say("deal.expected")} inputMode="decimal" autoComplete="off" maxLength={24} data-testid="deal-expected" value={amount} wrong={wrong ? say("deal.expected.wrong") : null} onChange={(event) => setAmount(event.target.value)} />
    </Ask>
  );
}
