import { useEffect, useRef, useState } from "react";
import { newClientId, Problem } from "../../api/client";
import type { Instrument, NewOrder, Order, OrderKind, Reason, Traded } from "../../api/types";
import { useOnline } from "../../app/online";
import { usePlace } from "../../app/place";
import { useServices } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { explainProblem } from "../../app/trading";
import { formatDecimal } from "../../format/decimal";
import type { Key } from "../../i18n";
import { Button } from "../../ui/Button";
import { NumberField } from "../../ui/NumberField";
import { Segmented } from "../../ui/Segmented";
import { useWide } from "../../ui/media";
import { faultOf, startDraft, toOrder, translateDraft, type Draft, type DraftField } from "./draft";
import { isOwn, orderOutcomes } from "../../live/outcomes";
import { PreviewBox, Refusals } from "./PreviewBox";
import { SideButtons } from "./SideButtons";
import { usePreview } from "./usePreview";

const KINDS: readonly OrderKind[] = ["market", "limit", "stop", "stop_limit"];
const OVER: ReadonlySet<Order["state"]> = new Set(["filled", "rejected", "cancelled", "expired", "working", "pending", "queued"]);

const FIELDS: Record<DraftField, Key> = { qty: "ticket.qty", price: "ticket.price", stop: "ticket.stop", stopLoss: "ticket.sl", takeProfit: "ticket.tp", slippage: "ticket.slippage" };

type Outcome =
  | { kind: "sending" }
  | { kind: "order"; order: Order }
  | { kind: "refused"; reasons: Reason[]; text: string; detail: string }
  | { kind: "unknown"; order: NewOrder };

/** Writes one order. What it would do is asked from the same check that it meets when it is sent. */
export function Ticket({ instrument, account }: { instrument: Instrument | undefined; account: Pick<Traded, "id" | "currency"> | undefined }) {
  const t = useTranslate();
  if (!instrument || !account) return <p className="p-3 text-sm text-ink-3">{t("account.loading")}</p>;
  return <TicketForm instrument={instrument} account={account} />;
}

function TicketForm({ instrument, account }: { instrument: Instrument; account: Pick<Traded, "id" | "currency"> }) {
  const t = useTranslate();
  const { language } = useSettings();
  const { api, quotes } = useServices();
  const wide = useWide();
  const place = usePlace();
  const [draft, setDraft] = useState<Draft>(() => startDraft(instrument, place.side, language));
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  if (draft.language !== language) setDraft(translateDraft(draft, language));
  const order = toOrder(draft, instrument.symbol, account.id);
  const online = useOnline();
  const fault = faultOf(draft, instrument);
  const preview = usePreview(online && !fault ? order : null);
  const sent = useRef<string | null>(null);

  useEffect(
    () =>
      orderOutcomes.watch((changed) => {
        if (isOwn(changed, sent.current) && OVER.has(changed.state)) setOutcome({ kind: "order", order: changed });
      }),
    [],
  );

  const submit = async (wanted: NewOrder) => {
    setOutcome({ kind: "sending" });
    sent.current = wanted.client_id;
    try {
      const placed = await api.placeOrder(wanted);
      setOutcome((now) => (now?.kind === "order" ? now : { kind: "order", order: placed.order }));
    } catch (error) {
      if (error instanceof Problem && error.status === 0) return setOutcome({ kind: "unknown", order: wanted });
      const { text, detail } = explainProblem(error, t, language);
      setOutcome({ kind: "refused", reasons: error instanceof Problem ? error.reasons : [], text, detail });
    }
  };

  const refused = preview.data?.reasons ?? [];
  // The order itself cannot be read; sending it would get the same answer.
  const malformed = preview.error instanceof Problem && (preview.error.status === 400 || preview.error.status === 422);
  const quote = quotes.get(instrument.symbol)?.data;
  const near = (draft.side === "buy" ? quote?.ask : quote?.bid) ?? instrument.bid;
  const { tick } = instrument;
  const priceField = { step: tick, start: near };
  const withPrice = draft.kind === "limit" || draft.kind === "stop_limit";
  const withStop = draft.kind === "stop" || draft.kind === "stop_limit";
  const price = order && [order.stop, order.price].flatMap((one) => (one === undefined ? [] : [formatDecimal(one, language)])).join(" → ");
  const label = t(price ? "ticket.submitAt" : "ticket.submit", { side: t(`side.${draft.side}`), qty: order ? formatDecimal(order.qty, language) : "…", symbol: instrument.symbol, price: price ?? "" });
  return (
    <form
      data-testid="ticket"
      data-online={online}
      className={`scroll flex min-h-0 flex-1 flex-col gap-2 p-3 ${online ? "" : "old"}`}
      onSubmit={(event) => {
        event.preventDefault();
        if (order && online && !fault && outcome?.kind !== "sending") void submit({ ...order, client_id: newClientId() });
      }}
    >
      {!wide && (
        <div className="flex items-baseline gap-2">
          <h2 className="text-md font-semibold">{instrument.symbol}</h2>
          <span className="truncate text-xs text-ink-3">{instrument.name}</span>
        </div>
      )}
      <SideButtons instrument={instrument} side={draft.side} onChange={(side) => set({ side })} />
      <Segmented label={t("ticket.kind")} value={draft.kind} options={KINDS.map((value) => ({ value, text: t(`kind.${value}`) }))} onChange={(kind) => set({ kind })} />
      <div className="grid grid-cols-2 gap-2">
        <NumberField label={t("ticket.qty")} value={draft.qty} onChange={(qty) => set({ qty })} step={instrument.qty_step} min={instrument.qty_min} max={instrument.qty_max} help={t("ticket.qtyHelp", { min: formatDecimal(instrument.qty_min, language), max: formatDecimal(instrument.qty_max, language), step: formatDecimal(instrument.qty_step, language) })} />
        {draft.kind === "market" && <NumberField optional label={t("ticket.slippage")} value={draft.slippage} onChange={(slippage) => set({ slippage })} step={tick} min="0" placeholder={t("ticket.optional")} />}
        {withStop && <NumberField label={t("ticket.stop")} value={draft.stop} onChange={(stop) => set({ stop })} {...priceField} />}
        {withPrice && <NumberField label={t("ticket.price")} value={draft.price} onChange={(price) => set({ price })} {...priceField} />}
        {draft.kind === "stop_limit" && <span />}
        <NumberField optional label={t("ticket.sl")} value={draft.stopLoss} onChange={(stopLoss) => set({ stopLoss })} {...priceField} placeholder={t("ticket.optional")} />
        <NumberField optional label={t("ticket.tp")} value={draft.takeProfit} onChange={(takeProfit) => set({ takeProfit })} {...priceField} placeholder={t("ticket.optional")} />
      </div>
      <PreviewBox preview={preview.data} error={preview.error} pending={preview.pending} complete={order !== null} online={online} fault={fault && t(fault.large ? "ticket.tooLarge" : "ticket.digits", { what: t(FIELDS[fault.field]), n: fault.digits })} currency={account.currency} kind={draft.kind} />
      <div className="sticky -bottom-3 z-10 -my-1 bg-panel py-1">
        <Button type="submit" size="lg" tone={draft.side === "buy" ? "buy" : "sell"} data-testid="submit-order" className="w-full" disabled={!order || !online || fault !== null || refused.length > 0 || malformed || outcome?.kind === "sending"}>
          {outcome?.kind === "sending" ? t("ticket.sending") : label}
        </Button>
      </div>
      <OutcomeLine outcome={outcome} onAgain={(again) => void submit(again)} />
    </form>
  );
}

function OutcomeLine({ outcome, onAgain }: { outcome: Outcome | null; onAgain: (order: NewOrder) => void }) {
  const t = useTranslate();
  const { language } = useSettings();
  const line = () => {
    if (!outcome || outcome.kind === "sending") return null;
    if (outcome.kind === "refused") {
      return outcome.reasons.length > 0 ? <Refusals title={t("ticket.refused")} reasons={outcome.reasons} /> : <p className="text-crit">{[outcome.text, outcome.detail].filter(Boolean).join(": ")}</p>;
    }
    if (outcome.kind === "unknown") {
      return (
        <p className="flex items-center gap-2 text-warn">
          {t("ticket.unknown")}
          <Button size="sm" onClick={() => onAgain(outcome.order)}>{t("ticket.again")}</Button>
        </p>
      );
    }
    const { order } = outcome;
    if (order.reason && order.state === "rejected") return <Refusals title={t("order.rejected")} reasons={[order.reason]} />;
    const text =
      order.state === "filled"
        ? t("ticket.filled", { side: t(`side.${order.side}`), qty: formatDecimal(order.filled, language), symbol: order.symbol, price: formatDecimal(order.avg_price, language) })
        : t("ticket.accepted", { kind: t(`kind.${order.kind}`), id: order.id, state: t(`order.${order.state}`) });
    return <p className={order.state === "filled" ? "text-ok" : "text-ink-2"}>{text}</p>;
  };
  return (
    <div role="status" aria-live="polite" data-testid="ticket-outcome" data-outcome={outcome?.kind === "order" ? outcome.order.state : (outcome?.kind ?? "")} className="text-xs empty:hidden">
      {line()}
    </div>
  );
}
