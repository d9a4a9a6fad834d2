import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { Bar, Instrument, Span, Traded } from "../../api/types";
import { useTopic } from "../../app/data";
import { goTo, SPANS } from "../../app/place";
import { useServices } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { explainProblem, useTrading } from "../../app/trading";
import { useWide } from "../../ui/media";
import { Segmented } from "../../ui/Segmented";
import { CandleChart, type Dragged } from "./candles";
import { chartLines } from "./lines";
import { QuoteHead } from "./QuoteHead";
import { SideButtons } from "./SideButtons";

/** As many bars as a wide screen shows without scrolling, and some more to scroll to. */
const BARS = 600;

/** Candles of one symbol: history by REST, the open bar by the stream, and the account's lines over them. */
export default function Chart({ instrument, account, span }: { instrument: Instrument | undefined; account: Pick<Traded, "id" | "positions" | "orders"> | undefined; span: Span }) {
  const t = useTranslate();
  const { api, quotes } = useServices();
  const { theme, colours, language } = useSettings();
  const wide = useWide();
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<CandleChart>(null);
  const [ready, setReady] = useState(0);
  const { protect } = useTrading(account?.id ?? null);
  const onDragged = useRef<Dragged>(() => undefined);
  useEffect(() => {
    onDragged.current = (drag, price) => {
      const position = account?.positions.find((one) => one.id === drag.position);
      if (!position) return;
      const moved = { stop_loss: position.stop_loss, take_profit: position.take_profit, [drag.kind]: price };
      // Refused: the lines are drawn anew where the engine holds them.
      void protect(position, moved.stop_loss, moved.take_profit).then((done) => !done && setReady((count) => count + 1));
    };
  });
  const symbol = instrument?.symbol ?? null;
  const digits = instrument?.price_digits ?? 5;
  const tick = instrument?.tick ?? "0.00001";
  const bars = useQuery({ queryKey: ["bars", symbol, span], queryFn: () => api.bars(symbol!, span, BARS), enabled: symbol !== null, staleTime: 0, gcTime: 0 });

  useEffect(() => {
    if (!box.current) return;
    const made = new CandleChart(box.current, { digits, tick, language, seconds: span === "1s", daily: span === "1d", onDragged: (drag, price) => onDragged.current(drag, price) });
    chart.current = made;
    setReady((count) => count + 1);
    return () => {
      chart.current = null;
      made.remove();
    };
  }, [digits, tick, language, theme, colours, span]);

  useEffect(() => {
    if (bars.data) chart.current?.setBars(bars.data);
  }, [bars.data, ready]);

  useTopic("candle", symbol === null ? null : `${symbol}@${span}`, (event) => {
    if (event.kind === "data") chart.current?.update(event.data as Bar);
    // After a break the bars between are only in the history.
    if (event.kind === "data" && event.snapshot) void bars.refetch();
  });

  useEffect(() => (symbol === null ? undefined : quotes.watch(symbol, (quote) => quote.data && quote.state === "live" && chart.current?.setAsk(quote.data.ask, t("chart.line.ask")))), [quotes, symbol, t, ready]);

  const lines = symbol === null ? [] : chartLines(account, symbol, t, language);
  const drawn = JSON.stringify(lines);
  useEffect(() => chart.current?.setLines(JSON.parse(drawn) as ReturnType<typeof chartLines>), [drawn, ready]);

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3 py-1">
        {instrument && <QuoteHead key={instrument.symbol} instrument={instrument} />}
        <Segmented label={t("chart.span")} className="ml-auto" value={span} options={SPANS.map((value) => ({ value, text: value }))} onChange={(value) => goTo({ span: value })} />
      </div>
      <div className="relative min-h-0 flex-1">
        <div ref={box} data-testid="chart" data-bars={bars.data?.length ?? 0} data-lines={lines.length} role="figure" aria-label={`${t("chart.title")} ${symbol ?? ""} ${span}`} className="absolute inset-0" />
        {bars.isLoading && <Note text={t("chart.loading")} />}
        {bars.error && <Note text={t("chart.failed", { what: explainProblem(bars.error, t, language).text })} alert />}
        {bars.data?.length === 0 && <Note text={t("chart.empty")} />}
        <span className="pointer-events-none absolute top-1.5 left-3 z-10 text-2xs text-ink-3">{span} · {t("chart.side")}</span>
      </div>
      {!wide && instrument && (
        <div className="shrink-0 border-t border-line p-2">
          <SideButtons instrument={instrument} side={null} onChange={(side) => goTo({ view: "trade", side })} />
        </div>
      )}
    </div>
  );
}

function Note({ text, alert }: { text: string; alert?: boolean }) {
  return (
    <p role={alert ? "alert" : "status"} className={`pointer-events-none absolute inset-x-0 top-1/2 z-10 text-center text-sm ${alert ? "text-crit" : "text-ink-3"}`}>
      {text}
    </p>
  );
}
