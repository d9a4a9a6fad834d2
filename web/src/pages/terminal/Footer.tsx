import { useEffect, useRef } from "react";
import type { Desk } from "../../api/types";
import { useServices, useStreamStatus } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { ABSENT, formatDecimal } from "../../format/decimal";
import { formatLatency } from "../../format/time";
import { every } from "../../live/ticker";

/** How long the last price took on each part of its way, from the times on its frame. */
export function Footer({ symbol, desk }: { symbol: string | null; desk: Desk | undefined }) {
  const t = useTranslate();
  const { language } = useSettings();
  const { quotes, stream } = useServices();
  const status = useStreamStatus();
  const root = useRef<HTMLElement>(null);

  useEffect(() => {
    const part = (name: string) => root.current!.querySelector<HTMLElement>(`[data-part="${name}"]`)!;
    const put = (name: string, text: string) => {
      const element = part(name);
      if (element.textContent !== text) element.textContent = text;
    };
    const draw = () => {
      const quote = symbol === null ? undefined : quotes.get(symbol);
      const { offsetUs } = stream.status();
      const known = quote?.data ? quote : undefined;
      put("venue", known ? formatLatency(known.ti - known.te, language) : ABSENT);
      put("stream", known ? formatLatency(known.to - known.ti, language) : ABSENT);
      put("browser", known && offsetUs !== undefined ? formatLatency(Math.max(0, known.heardMs * 1_000 + offsetUs - known.to), language) : ABSENT);
      put("seq", known ? formatDecimal(String(known.seq), language) : ABSENT);
      put("source", known?.data?.source ?? ABSENT);
    };
    draw();
    return every(draw);
  }, [quotes, stream, symbol, language]);

  const connection = status.quiet ? "quiet" : status.phase;
  const colour = connection === "open" ? "bg-ok" : connection === "quiet" || connection === "connecting" || connection === "hello" ? "bg-warn" : "bg-crit";
  return (
    <footer ref={root} className="flex h-6.5 shrink-0 items-center gap-4 overflow-hidden border-t border-line bg-panel px-3 text-2xs whitespace-nowrap text-ink-3">
      <span data-testid="connection" data-connection={connection} className="flex items-center gap-1.5 text-ink-2">
        <span aria-hidden className={`size-1.5 rounded-full ${colour}`} />
        {t(`foot.conn.${connection}`)}
      </span>
      <span className="text-ink-2">{symbol}</span>
      <span>{t("foot.venue")} <b data-part="venue" className="inline-block min-w-[7ch] font-medium text-ink-2" /></span>
      <span>{t("foot.stream")} <b data-part="stream" className="inline-block min-w-[7ch] font-medium text-ink-2" /></span>
      <span>{t("foot.browser")} <b data-part="browser" className="inline-block min-w-[7ch] font-medium text-ink-2" /></span>
      <span>{t("foot.seq")} <b data-part="seq" className="inline-block min-w-[9ch] font-medium text-ink-2" /></span>
      <span>{t("foot.gaps")} <b data-testid="gaps" className={`font-medium ${status.gaps > 0 ? "text-warn" : "text-ink-2"}`}>{status.gaps}</b></span>
      <span>{t("foot.source")} <b data-part="source" className="font-medium text-ink-2" /></span>
      <span className="ml-auto">{status.roundTripMs !== undefined && <>{t("foot.rtt")} <b className="inline-block min-w-[7ch] text-right font-medium text-ink-2">{formatLatency(status.roundTripMs * 1_000, language)}</b></>}</span>
      {desk && <span>Siaga {desk.version}</span>}
    </footer>
  );
}
