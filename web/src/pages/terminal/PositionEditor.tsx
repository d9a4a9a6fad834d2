import { useState } from "react";
import type { Account, Position } from "../../api/types";
import { useInstrument } from "../../app/data";
import { useSettings, useTranslate } from "../../app/settings";
import { useTrading } from "../../app/trading";
import { formatDecimal, parseTyped } from "../../format/decimal";
import { Button } from "../../ui/Button";
import { NumberField } from "../../ui/NumberField";

export type EditorMode = "protect" | "close";

/** Moves the protective prices of a position, or closes a part of it. */
export function PositionEditor({ account, position, mode, onDone }: { account: Account; position: Position; mode: EditorMode; onDone: () => void }) {
  const t = useTranslate();
  const { language } = useSettings();
  const { close, protect } = useTrading(account.id);
  const instrument = useInstrument(position.symbol);
  const typed = (value: string | null) => (value === null ? "" : formatDecimal(value, language, { group: false }));
  const [stopLoss, setStopLoss] = useState(typed(position.stop_loss));
  const [takeProfit, setTakeProfit] = useState(typed(position.take_profit));
  const [qty, setQty] = useState(typed(position.qty));
  const [busy, setBusy] = useState(false);
  const tick = instrument?.tick ?? "0.00001";
  const lots = parseTyped(qty);
  // A price that cannot be read must not be saved as no price.
  const unreadable = [stopLoss, takeProfit].some((text) => text.trim() !== "" && parseTyped(text) === null);
  const submit = async () => {
    setBusy(true);
    const done = mode === "close" ? await close(position, lots ?? position.qty) : await protect(position, parseTyped(stopLoss), parseTyped(takeProfit));
    setBusy(false);
    if (done) onDone();
  };
  return (
    <form
      data-testid={`editor-${mode}`}
      className="rise flex flex-wrap items-end gap-2 pt-2"
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
          <div className="w-30"><NumberField optional label={t("positions.sl")} value={stopLoss} onChange={setStopLoss} step={tick} start={position.close_price} placeholder={t("ticket.optional")} /></div>
          <div className="w-30"><NumberField optional label={t("positions.tp")} value={takeProfit} onChange={setTakeProfit} step={tick} start={position.close_price} placeholder={t("ticket.optional")} /></div>
          <Button type="submit" tone="primary" disabled={busy || unreadable}>{t("positions.save")}</Button>
        </>
      ) : (
        <>
          <div className="w-30"><NumberField label={t("positions.closeQty")} value={qty} onChange={setQty} step={instrument?.qty_step ?? "0.01"} min={instrument?.qty_min} max={position.qty} /></div>
          <Button type="submit" tone="primary" disabled={busy || lots === null}>{t("positions.closeNow", { qty: lots === null ? "…" : formatDecimal(lots, language) })}</Button>
        </>
      )}
      <Button tone="quiet" onClick={onDone}>{t("positions.cancel")}</Button>
    </form>
  );
}
