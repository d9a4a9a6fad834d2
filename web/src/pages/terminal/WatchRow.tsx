import { useEffect, useRef } from "react";
import type { Instrument } from "../../api/types";
import { useServices } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { ABSENT, formatDecimal, signOf, splitPrice, type Language } from "../../format/decimal";
import { formatAge } from "../../format/time";
import type { Translate } from "../../i18n";
import { ageMs, feedTrouble, freshness, type LiveQuote } from "../../live/quotes";
import { every } from "../../live/ticker";
import { nowMs } from "../../stream/client";
import { Spark } from "./Spark";

interface Props {
  instrument: Instrument;
  selected: boolean;
  onChoose: (symbol: string, open: boolean) => void;
}

/** One instrument. Its numbers are written straight into the page: a tick does not wake React. */
export function WatchRow({ instrument, selected, onChoose }: Props) {
  const { quotes } = useServices();
  const { language } = useSettings();
  const t = useTranslate();
  const row = useRef<HTMLTableRowElement>(null);
  const { symbol, price_digits: digits, usual_gap_ms: gap, feed } = instrument;

  useEffect(() => {
    const element = row.current;
    if (!element) return;
    const parts = findParts(element);
    let last: LiveQuote | undefined;
    const age = () => drawAge(element, parts, last, gap, feed, instrument.halted, language, t);
    const leave = quotes.watch(symbol, (quote) => {
      drawPrice(parts.bid, last?.data?.bid, quote.data?.bid ?? instrument.bid, quote.bidMove, digits, language);
      drawPrice(parts.ask, last?.data?.ask, quote.data?.ask ?? instrument.ask, quote.askMove, digits, language);
      drawFacts(parts, quote, t, language);
      last = quote;
      age();
    });
    const stop = every(age);
    return () => (leave(), stop());
  }, [quotes, symbol, digits, gap, feed, instrument.halted, language, t]);

  useEffect(() => {
    // It may have been chosen elsewhere: by a command, from a position.
    if (selected) row.current?.scrollIntoView({ block: "nearest" });
  }, [selected]);

  return (
    <tr ref={row} data-symbol={symbol} data-fresh="fresh" data-trouble="" aria-selected={selected} className={`group relative h-11.5 scroll-mt-7 border-b border-line/60 hover:bg-hover ${selected ? "bg-raised shadow-[inset_2px_0_0_var(--ink-2)]" : ""}`}>
      <th scope="row" className="py-1 pl-3 text-left font-normal">
        <div className="flex items-center gap-1.5">
          <span aria-hidden className="dot size-1.5 shrink-0 rounded-full bg-ink-3" />
          <button type="button" aria-current={selected} className="text-sm font-semibold whitespace-nowrap after:absolute after:inset-0" onClick={() => onChoose(symbol, true)}>{symbol}</button>
        </div>
        <div className="truncate pl-3 text-2xs text-ink-3">
          <span data-part="age" className="age">{ABSENT}</span>
        </div>
      </th>
      <td className="pt-1.5 align-top"><Spark symbol={symbol} /></td>
      <td className="pr-2 text-right">
        <div data-part="bid" className="price -mx-1 inline-block rounded px-1 text-sm font-medium whitespace-nowrap">{ABSENT}</div>
        <div data-part="day" className="text-2xs text-ink-3">{ABSENT}</div>
      </td>
      <td className="pr-3 text-right">
        <div data-part="ask" className="price -mx-1 inline-block rounded px-1 text-sm font-medium whitespace-nowrap">{ABSENT}</div>
        <div data-part="spread" className="text-2xs text-ink-3">{ABSENT}</div>
      </td>
    </tr>
  );
}

interface Parts {
  bid: HTMLElement;
  ask: HTMLElement;
  day: HTMLElement;
  spread: HTMLElement;
  age: HTMLElement;
}

function findParts(row: HTMLElement): Parts {
  const part = (name: string) => row.querySelector<HTMLElement>(`[data-part="${name}"]`)!;
  return { bid: part("bid"), ask: part("ask"), day: part("day"), spread: part("spread"), age: part("age") };
}

/** Writes a price and lights its ground; two classes in turn, so that the same direction twice lights twice. */
export function drawPrice(cell: HTMLElement, before: string | null | undefined, price: string | null | undefined, move: number, digits: number, language: Language): void {
  const [lead, main, pip] = splitPrice(price, digits, language);
  if (cell.childElementCount !== 3) cell.replaceChildren(...["lead", "font-semibold", "text-[0.8em] align-[0.18em]"].map((name) => Object.assign(document.createElement("span"), { className: name })));
  const [first, second, third] = cell.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
  first.textContent = lead;
  second.textContent = main;
  third.textContent = pip;
  cell.dataset.value = price ?? "";
  if (before === undefined || before === null || before === price || move === 0) return;
  const side = move > 0 ? "tick-up" : "tick-down";
  const next = cell.dataset.lit === `${side}-a` ? `${side}-b` : `${side}-a`;
  if (cell.dataset.lit) cell.classList.remove(cell.dataset.lit);
  cell.classList.add(next);
  cell.dataset.lit = next;
}

function drawFacts(parts: Parts, quote: LiveQuote, t: Translate, language: Language): void {
  const change = quote.data?.day_change_pct;
  const sign = signOf(change);
  parts.day.textContent = change === null || change === undefined ? ABSENT : `${sign > 0 ? "▲" : sign < 0 ? "▼" : ""} ${formatDecimal(change, language, { sign: true })} %`;
  parts.day.className = `text-2xs whitespace-nowrap ${sign > 0 ? "text-up" : sign < 0 ? "text-down" : "text-ink-3"}`;
  const spread = quote.data?.spread_points;
  parts.spread.textContent = spread === undefined ? ABSENT : `${formatDecimal(String(spread), language)} ${t("unit.points")}`;
}

function drawAge(row: HTMLElement, parts: Parts, quote: LiveQuote | undefined, gap: number | null, feed: Instrument["feed"], halted: boolean, language: Language, t: Translate): void {
  const trouble = feedTrouble(quote, feed);
  const age = quote?.data ? ageMs(quote, nowMs()) : null;
  row.dataset.trouble = trouble ?? "";
  row.dataset.fresh = age === null || trouble === "closed" ? "fresh" : freshness(age, gap);
  const words = [halted ? t("feed.halted") : trouble ? t(`feed.${trouble}`) : null, age === null || trouble === "closed" ? null : formatAge(age, language, trouble || halted ? "s" : "ms")];
  const text = words.filter(Boolean).join(" · ") || ABSENT;
  if (parts.age.textContent !== text) parts.age.textContent = parts.age.title = text;
  parts.age.classList.toggle("text-crit", halted);
}
