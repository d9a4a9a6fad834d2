import type { Traded } from "../../api/types";
import { useSettings, useTranslate } from "../../app/settings";
import { cutPercent, formatDecimal, trimZeros } from "../../format/decimal";
import { railPlace } from "./rail";

const COLOURS = { healthy: "bg-ok", warning: "bg-warn", restricted: "bg-crit", stop_out: "bg-emergency" } as const;
const TEXTS = { healthy: "text-ink", warning: "text-warn", restricted: "text-crit", stop_out: "text-crit" } as const;

/** The margin level with its three thresholds on one line. */
export function LevelRail({ account }: { account: Traded }) {
  const t = useTranslate();
  const { language } = useSettings();
  const short = (value: string) => formatDecimal(trimZeros(value), language);
  const level = account.unknown ? null : account.level_pct;
  const text = level === null ? "–" : `${formatDecimal(cutPercent(level), language)} %`;
  return (
    <div className="col-span-3 min-w-0 wide:min-w-36 wide:flex-1" title={t(account.unknown ? "account.unknownLevel" : "account.basis")}>
      <div className="flex items-baseline justify-between gap-2">
        <span className="label truncate">{t("account.level")}</span>
        <span data-testid="level" data-level={level ?? ""} className={`text-sm font-semibold whitespace-nowrap wide:text-md ${TEXTS[account.state]}`}>{account.unknown ? "?" : text}</span>
      </div>
      <div
        role="img"
        aria-label={t("account.rail", { level: level === null ? "–" : short(cutPercent(level)), call: short(account.warning_pct), restricted: short(account.restricted_pct), stop: short(account.stop_out_pct) })}
        className="relative mt-1 h-1.5 rounded-full bg-raised"
      >
        {level !== null && <div className={`absolute inset-y-0 left-0 rounded-full transition-[width] duration-200 ${COLOURS[account.state]}`} style={{ width: `${railPlace(Number(level))}%` }} />}
        {[account.stop_out_pct, account.restricted_pct, account.warning_pct].map((pct) => (
          <div key={pct} className="absolute -inset-y-0.5 w-0.5 rounded bg-ink-3" style={{ left: `${railPlace(Number(pct))}%` }} />
        ))}
      </div>
      <div className="relative mt-0.5 h-3.5 text-2xs text-ink-3" aria-hidden>
        {[account.stop_out_pct, account.restricted_pct, account.warning_pct].map((pct) => (
          <span key={pct} className="absolute -translate-x-1/2" style={{ left: `${railPlace(Number(pct))}%` }}>{short(pct)}</span>
        ))}
      </div>
    </div>
  );
}
