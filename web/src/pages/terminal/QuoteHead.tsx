import { useEffect, useRef } from "react";
import type { Instrument } from "../../api/types";
import { useServices } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { formatDecimal, signOf } from "../../format/decimal";
import { formatAge, formatClock } from "../../format/time";
import { ageMs, feedTrouble, freshness, type LiveQuote } from "../../live/quotes";
import { every } from "../../live/ticker";
import { nowMs } from "../../stream/client";
import { drawPrice } from "./WatchRow";

/** The chosen symbol with its price, its change and how old the price is. */
export function QuoteHead({ instrument }: { instrument: Instrument }) {
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
      const old = last?.data ? ageMs(last, nowMs()) : null;
      element.dataset.trouble = trouble ?? "";
      element.dataset.fresh = old === null || trouble === "closed" ? "fresh" : freshness(old, gap);
      const text = [trouble ? t(`feed.${trouble}`) : null, old === null ? null : trouble ? t("feed.lastUpdate", { time: formatClock(last!.ti / 1_000 * 1_000, language) }) : formatAge(old, language)];
      part("age").textContent = text.filter(Boolean).join(" · ");
    };
    const leave = quotes.watch(symbol, (quote) => {
      drawPrice(part("bid"), last?.data?.bid, quote.data?.bid, quote.bidMove, digits, language);
      drawPrice(part("ask"), last?.data?.ask, quote.data?.ask, quote.askMove, digits, language);
      const change = quote.data?.day_change_pct;
      const sign = signOf(change);
      part("day").textContent = change ? `${sign > 0 ? "▲" : sign < 0 ? "▼" : ""} ${formatDecimal(change, language, { sign: true })} %` : "";
      part("day").className = `inline-block min-w-[10ch] text-xs font-semibold ${sign > 0 ? "text-up" : sign < 0 ? "text-down" : "text-ink-3"}`;
      last = quote;
      age();
    });
    const stop = every(age);
    return () => (leave(), stop());
  }, [quotes, symbol, digits, gap, feed, language, t]);

  return (
    <div ref={root} data-testid="quote-head" data-fresh="fresh" data-trouble="" className="flex min-w-0 items-baseline gap-x-2.5 whitespace-nowrap">
      <h2 className="text-md font-semibold tracking-tight">{symbol}</h2>
      <span className="text-md"><span data-part="bid" className="price rounded px-0.5" /><span className="mx-0.5 text-ink-3">/</span><span data-part="ask" className="price rounded px-0.5" /></span>
      <span data-part="day" className="inline-block min-w-[10ch] text-xs" />
      <span className="hidden items-center gap-1 text-2xs text-ink-3 huge:inline-flex"><span aria-hidden className="dot size-1.5 rounded-full" /><span data-part="age" className="age" /></span>
    </div>
  );
}
