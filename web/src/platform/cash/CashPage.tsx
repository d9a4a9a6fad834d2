import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useCashAccounts } from "../../app/own";
import { isClient } from "../../app/pages";
import { useSettings } from "../../app/settings";
import { formatDecimal, parseTyped } from "../../format/decimal";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { NumberField } from "../../ui/NumberField";
import { Empty } from "../../ui/Panel";
import { Segmented } from "../../ui/Segmented";
import { cash, CASH_REASONS, type Cash, type CashKind, type CashStatus, type CashStep } from "../api/aml";
import { cashStepsOf } from "../aml/steps";
import { useDoor, useHere, useMay } from "../context";
import { useNews } from "../crm/useNews";
import { useSay, word } from "../i18n";
import { usePages } from "../pages";
import { usePeople } from "../people";
import { Ask } from "../ui/Ask";
import { SelectField, TextField } from "../ui/Field";
import { More } from "../ui/More";
import { Body, Page, Trouble, Wait } from "../ui/Page";
import { Tag, type Tone } from "../ui/Tag";

const STATUSES: readonly CashStatus[] = ["requested", "held", "approved", "confirmed", "rejected", "cancelled"];
const TONES: Record<CashStatus, Tone> = { requested: "warn", held: "crit", approved: "lead", confirmed: "ok", rejected: "crit", cancelled: "plain" };
/** The stream tells staff of changes; this is for those of them whom it does not reach. */
const CASH_MS = 60_000;
/** A client's own requests are told by nobody. */
const OWN_MS = 15_000;

/** Deposits and withdrawals: asked for by one person, approved by another, booked in the core when they are confirmed. */
export default function CashPage() {
  const say = useSay();
  const door = useDoor();
  const asks = useMay("cash.request");
  const { me } = useHere();
  const told = me?.user.staff ?? false;
  // Whose money it is reads a held movement as requested.
  const shown = told ? STATUSES : STATUSES.filter((one) => one !== "held");
  const [status, setStatus] = useState("");
  const [asking, setAsking] = useState(false);
  const list = usePages<Cash>(["cash", status], (cursor) => cash.list(door, { status }, cursor), { everyMs: told ? CASH_MS : OWN_MS });
  useNews(list.reread, told ? "cash" : null);
  return (
    <Page
      title={say("cash.title")}
      aside={
        <>
          <select aria-label={say("cash.status")} className="menu h-10 wide:h-8" value={status} onChange={(event) => setStatus(event.target.value)}>
            <option value="">{say("cash.any")}</option>
            {shown.map((one) => <option key={one} value={one}>{say(`cash.${one}`)}</option>)}
          </select>
          {asks && <Button tone="primary" data-testid="cash-new" onClick={() => setAsking(true)}>{say("cash.new")}</Button>}
        </>
      }
    >
      <Body>
        {list.error && <Trouble error={list.error} onRetry={list.reread} />}
        {list.waiting && <Wait lines={5} />}
        {!list.waiting && !list.error && list.items.length === 0 && <Empty icon="swap" title={say("cash.empty")} />}
        <ul className="space-y-2" data-testid="cash">
          {list.items.map((one) => <CashRow key={one.id} row={one} />)}
        </ul>
        <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
      </Body>
      {asking && <NewRequest onClose={() => setAsking(false)} />}
    </Page>
  );
}

function CashRow({ row }: { row: Cash }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const people = usePeople();
  const { language } = useSettings();
  const [wish, setWish] = useState<CashStep | null>(null);
  const amount = `${formatDecimal(row.amount, language)} ${row.currency}`;
  return (
    <li data-cash={row.id} data-status={row.status} className="rounded-lg border border-line bg-panel p-3 text-sm">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <p className="min-w-0 flex-1 basis-48">
          <span className="font-semibold">{say(`cashKind.${row.kind}`)} {amount}</span>
          <span className="block text-xs text-ink-3">
            {say("cash.account", { id: row.account })} · {formatMoment(row.created_at_us, language)} · {people(row.requested_by)}
            {row.usd && row.currency !== "USD" && ` · ${formatDecimal(row.usd, language)} USD`}
            {row.method && ` · ${row.method}`}
          </span>
          {row.payer && <span className="block text-xs">{say("cash.payer", { name: row.payer })} {row.payer_is_client === false && <Tag tone="crit">{say("cash.thirdParty")}</Tag>}</span>}
          {row.note && <span className="block text-xs break-words text-ink-2">{row.note}</span>}
          {row.booked_seq !== null && <span className="block text-xs text-ink-3">{say("cash.booked", { seq: row.booked_seq })}</span>}
        </p>
        <Tag tone={TONES[row.status]}>{say(`cash.${row.status}`)}</Tag>
        <div className="flex flex-wrap gap-1">
          {cashStepsOf(row.moves).map((step) => <Button key={step} size="sm" data-step={step} tone={step === "approve" || step === "confirm" ? "primary" : "plain"} className="h-9 wide:h-7" onClick={() => setWish(step)}>{say(`cashStep.${step}`)}</Button>)}
        </div>
      </div>
      {wish && (
        <Ask
          title={`${say(`cashStep.${wish}`)}: ${say(`cashKind.${row.kind}`)} ${amount}`}
          help={say(`cashStep.${wish}.help`)}
          reason={CASH_REASONS.includes(wish) ? say("reason") : undefined}
          verb={say(`cashStep.${wish}`)}
          danger={wish === "reject"}
          onDo={async (reason) => {
            await cash.step(door, row, wish, reason);
            await cache.invalidateQueries({ queryKey: ["cash"] });
          }}
          onClose={() => setWish(null)}
        />
      )}
    </li>
  );
}

function NewRequest({ onClose }: { onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const accounts = useCashAccounts(isClient(useHere().me));
  const { language } = useSettings();
  const corrects = useMay("cash.correct");
  const [account, setAccount] = useState<number | null>(null);
  const [kind, setKind] = useState<CashKind>("deposit");
  const [amount, setAmount] = useState("");
  const [method, setMethod] = useState("bank_transfer");
  const [payer, setPayer] = useState("");
  const chosen = account ?? accounts.data?.[0]?.id ?? null;
  const value = parseTyped(amount, language);
  const kinds: CashKind[] = corrects ? ["deposit", "withdrawal", "correction"] : ["deposit", "withdrawal"];
  return (
    <Ask
      title={say("cash.new")}
      help={say("cash.new.help")}
      reason={say("cash.note")}
      optional
      blocked={chosen === null || value === null || !/[1-9]/.test(value)}
      verb={say("cash.new.do")}
      onDo={async (note) => {
        if (chosen === null || value === null) return;
        await cash.ask(door, { account: chosen, kind, amount: value, method, ...(payer.trim() ? { payer: payer.trim() } : {}), ...(note ? { note } : {}) });
        await cache.invalidateQueries({ queryKey: ["cash"] });
      }}
      onClose={onClose}
    >
      {accounts.error && <Trouble error={accounts.error} />}
      <Segmented label={say("cash.kind")} value={kind} options={kinds.map((one) => ({ value: one, text: say(`cashKind.${one}`) }))} onChange={setKind} />
      <SelectField label={say("cash.account.name")} value={chosen ?? ""} onChange={(event) => setAccount(Number(event.target.value))}>
        {accounts.data?.map((row) => <option key={row.id} value={row.id}>{row.text}</option>)}
      </SelectField>
      <NumberField label={say("cash.amount")} value={amount} onChange={setAmount} step="1" min="0" />
      <SelectField label={say("cash.method")} value={method} onChange={(event) => setMethod(event.target.value)}>
        {(["bank_transfer", "virtual_account", "e_wallet", "card"] as const).map((one) => <option key={one} value={one}>{word(say, "method", one)}</option>)}
      </SelectField>
      {kind === "deposit" && <TextField label={say("cash.payer.name")} help={say("cash.payer.help")} maxLength={120} value={payer} onChange={(event) => setPayer(event.target.value)} />}
    </Ask>
  );
}
