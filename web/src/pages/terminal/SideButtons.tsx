import { useEffect, useRef } from "react";
import type { Instrument, Side } from "../../api/types";
import { useServices } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { feedTrouble, freshness, ageMs, type LiveQuote } from "../../live/quotes";
import { every } from "../../live/ticker";
import { nowMs } from "../../stream/client";
import { drawPrice } from "./WatchRow";

/** Sell at the bid, buy at the ask, the spread between them. */
export function SideButtons({ instrument, side, onChange }: { instrument: Instrument; side: Side | null; onChange: (side: Side) => void }) {
  const { quotes } = useServices();
  const { language } = useSettings();
  const t = useTranslate();
  const root = useRef<HTMLDivElement>(null);
  const { symbol, price_digits: digits, usual_gap_ms: gap, feed } = instrument;

  useEffect(() => {
    const element = root.current!;
    const part = (name: string) => element.querySelector<HTMLElement>(`[data-part="${name}"]`)!;
    let last: LiveQuote | undefined;
    const age = () => {
      const trouble = feedTrouble(last, feed);
      element.dataset.trouble = trouble ?? "";
      element.dataset.fresh = last?.data && trouble !== "closed" ? freshness(ageMs(last, nowMs()), gap) : "fresh";
    };
    const leave = quotes.watch(symbol, (quote) => {
      drawPrice(part("bid"), undefined, quote.data?.bid ?? instrument.bid, 0, digits, language);
      drawPrice(part("ask"), undefined, quote.data?.ask ?? instrument.ask, 0, digits, language);
      part("spread").textContent = quote.data ? formatDecimal(String(quote.data.spread_points), language) : "";
      last = quote;
      age();
    });
    const stop = every(age);
    return () => (leave(), stop());
  }, [quotes, symbol, digits, gap, feed, language, instrument.bid, instrument.ask]);

  const look = (mine: Side) => {
    const chosen = side === mine;
    const colour = mine === "buy" ? "border-up" : "border-down";
    const fill = mine === "buy" ? "bg-up/15" : "bg-down/15";
    return `flex-1 rounded-md border px-2.5 py-1.5 ${mine === "buy" ? "text-right" : "text-left"} ${chosen ? `${colour} ${fill} shadow-[inset_0_0_0_1px_currentColor] ${mine === "buy" ? "text-up" : "text-down"}` : "border-edge text-ink-2 hover:bg-hover"}`;
  };
  return (
    <div
      ref={root}
      role="radiogroup"
      aria-label={t("ticket.side")}
      data-trouble=""
      data-fresh="fresh"
      className="relative flex gap-1.5"
      onKeyDown={(event) => {
        if (!event.key.startsWith("Arrow")) return;
        event.preventDefault();
        const other = side === "buy" ? "sell" : "buy";
        onChange(other);
        root.current?.querySelector<HTMLElement>(`[data-side="${other}"]`)?.focus();
      }}
    >
      <button type="button" role="radio" data-side="sell" tabIndex={side === "buy" ? -1 : 0} aria-checked={side === "sell"} aria-label={t("side.sell")} className={look("sell")} onClick={() => onChange("sell")}>
        <span className="block text-2xs font-semibold">{t("side.sell")}</span>
        <span data-part="bid" className="price block text-lg text-ink" />
      </button>
      <span data-part="spread" className="absolute top-1/2 left-1/2 z-10 -translate-1/2 rounded bg-panel px-1 text-2xs text-ink-3 ring-1 ring-line" />
      <button type="button" role="radio" data-side="buy" tabIndex={side === "sell" ? -1 : 0} aria-checked={side === "buy"} aria-label={t("side.buy")} className={look("buy")} onClick={() => onChange("buy")}>
        <span className="block text-2xs font-semibold">{t("side.buy")}</span>
        <span data-part="ask" className="price block text-lg text-ink" />
      </button>
    </div>
  );
}
