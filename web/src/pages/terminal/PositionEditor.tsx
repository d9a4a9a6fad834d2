import { useState } from "react";
import type { Position, Traded } from "../../api/types";
import { useInstrument } from "../../app/data";
import { useSettings, useTranslate } from "../../app/settings";
import { useTrading } from "../../app/trading";
import { formatDecimal, halfOf, parseTyped, retype, toTyped } from "../../format/decimal";
import { Button } from "../../ui/Button";
import { NumberField } from "../../ui/NumberField";

export type EditorMode = "protect" | "close";

/** Moves the protective prices of a position, or closes a part of it. */
export function PositionEditor({ account, position, mode, onDone }: { account: Pick<Traded, "id">; position: Position; mode: EditorMode; onDone: () => void }) {
  const t = useTranslate();
  const { language } = useSettings();
  const { close, protect } = useTrading(account.id);
  const instrument = useInstrument(position.symbol);
  const typed = (value: string | null) => (value === null ? "" : toTyped(value, language));
  const [fields, setFields] = useState({ language, stopLoss: typed(position.stop_loss), takeProfit: typed(position.take_profit), qty: typed(halfOf(position.qty, instrument?.qty_step ?? "0.01", instrument?.qty_min ?? "0.01")) });
  const set = (change: Partial<typeof fields>) => setFields((before) => ({ ...before, ...change }));
  if (fields.language !== language) {
    const again = (text: string) => retype(text, fields.language, language);
    setFields({ language, stopLoss: again(fields.stopLoss), takeProfit: again(fields.takeProfit), qty: again(fields.qty) });
  }
  const { stopLoss, takeProfit, qty } = fields;
  const read = (text: string) => parseTyped(text, fields.language);
  const [busy, setBusy] = useState(false);
  const tick = instrument?.tick ?? "0.00001";
  const lots = read(qty);
  // A price that cannot be read must not be saved as no price.
  const unreadable = [stopLoss, takeProfit].some((text) => text.trim() !== "" && read(text) === null);
  const submit = async () => {
    setBusy(true);
    const done = mode === "close" ? await close(position, lots ?? position.qty) : await protect(position, read(stopLoss), read(takeProfit));
    setBusy(false);
    if (done) onDone();
  };
  return (
    <form
      data-testid={`editor-${mode}`}
      className="live rise flex flex-wrap items-end justify-end gap-2 pt-2 wide:justify-start"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onDone();
      }}
    >
      {mode === "protect" ? (
        <>
          <div className="min-w-23 flex-1 wide:w-30 wide:flex-none"><NumberField optional label={t("positions.sl")} value={stopLoss} onChange={(text) => set({ stopLoss: text })} step={tick} start={position.close_price} placeholder={t("ticket.optional")} /></div>
          <div className="min-w-23 flex-1 wide:w-30 wide:flex-none"><NumberField optional label={t("positions.tp")} value={takeProfit} onChange={(text) => set({ takeProfit: text })} step={tick} start={position.close_price} placeholder={t("ticket.optional")} /></div>
          <Button type="submit" tone="primary" disabled={busy || unreadable}>{t("positions.save")}</Button>
        </>
      ) : (
        <>
          <div className="min-w-23 flex-1 wide:w-30 wide:flex-none"><NumberField label={t("positions.closeQty")} value={qty} onChange={(text) => set({ qty: text })} step={instrument?.qty_step ?? "0.01"} min={instrument?.qty_min} max={position.qty} /></div>
          <Button type="submit" tone="primary" disabled={busy || lots === null}>{t("positions.closeNow", { qty: lots === null ? "…" : formatDecimal(lots, language) })}</Button>
        </>
      )}
      <Button tone="quiet" className="!px-2 wide:!px-3" onClick={onDone}>{t("positions.cancel")}</Button>
    </form>
  );
}
