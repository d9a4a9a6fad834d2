import type { Evidence } from "../../api/types";
import { useSettings, useTranslate } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { formatClock } from "../../format/time";

const WIDTH = 420;
const HEIGHT = 96;

/** Bid and ask half a minute either side of the moment the alert was raised, or became more severe. */
export function EvidenceChart({ points, mark }: { points: Evidence["chart"]; mark: number }) {
  const t = useTranslate();
  const { language } = useSettings();
  const first = points[0]!.t;
  const span = points.at(-1)!.t - first || 1;
  const prices = points.flatMap((point) => [Number(point.bid), Number(point.ask)]);
  const low = Math.min(...prices);
  const height = Math.max(...prices) - low || 1;
  const x = (at: number) => ((at - first) / span) * WIDTH;
  const y = (price: string) => 6 + (HEIGHT - 12) * (1 - (Number(price) - low) / height);
  const path = (side: "bid" | "ask") => points.map((point, index) => `${index === 0 ? "M" : "L"}${x(point.t).toFixed(1)} ${y(point[side]).toFixed(1)}`).join("");
  const at = Math.min(WIDTH, Math.max(0, x(mark)));
  return (
    <figure className="rounded border border-line bg-bg">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="block w-full" role="img" aria-label={t("alerts.evidence")} preserveAspectRatio="none">
        <line x1={at} x2={at} y1="0" y2={HEIGHT} stroke="var(--crit)" strokeDasharray="3 3" />
        <path d={path("ask")} fill="none" stroke="var(--ink-3)" strokeWidth="1.2" />
        <path d={path("bid")} fill="none" stroke="var(--up)" strokeWidth="1.6" />
      </svg>
      <figcaption className="flex justify-between border-t border-line px-2 py-0.5 text-2xs text-ink-3">
        <span>{formatClock(first, language)}</span>
        <span>{t("watch.bid")} {formatDecimal(points.at(-1)!.bid, language)}</span>
        <span>{formatClock(points.at(-1)!.t, language)}</span>
      </figcaption>
    </figure>
  );
}
