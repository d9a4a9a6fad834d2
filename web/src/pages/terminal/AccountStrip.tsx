import type { ReactNode } from "react";
import type { Conversion, NextStopOut, Position, Traded } from "../../api/types";
import { explainProblem } from "../../app/trading";
import { useSettings, useTranslate } from "../../app/settings";
import { cutPercent, formatDecimal, signOf, trimZeros } from "../../format/decimal";
import { LevelRail } from "./LevelRail";
import { nextCloses } from "./nextStop";

interface Props {
  account: Traded | undefined;
  current: boolean;
  error: Error | null;
  symbol: string | null;
  wide: boolean;
}

/** The account in one line: what it is worth, what it uses, and how far it is from being called and stopped out. */
export function AccountStrip({ account, current, error, symbol, wide }: Props) {
  const t = useTranslate();
  const { language } = useSettings();
  if (!account) {
    return (
      <div className="flex h-15 shrink-0 items-center border-b border-line bg-panel px-3 text-sm text-ink-3">
        {error ? <span role="alert" className="text-crit">{t("app.broken", { what: explainProblem(error, t, language).text })}</span> : t("account.loading")}
      </div>
    );
  }
  const money = (value: string, sign = false) => formatDecimal(value, language, { sign });
  // Where no position has a price of its own (a locked loss), the pair it is converted at may have one.
  const priced: (Position | Conversion)[] = [...account.positions, ...account.conversions];
  const nearest = priced.find((one) => one.symbol === symbol && one.stop_out_at) ?? priced.find((one) => one.stop_out_at);
  const at = (price: (one: Position | Conversion) => string | null) =>
    nearest && price(nearest) ? t("account.at", { symbol: nearest.symbol, price: formatDecimal(price(nearest), language) }) : account.positions.length === 0 ? t("account.noPositions") : t("account.atNone");
  const profit = signOf(account.unrealised);
  return (
    <section
      aria-label={t("top.account")}
      data-testid="account-strip"
      data-current={current}
      className={`grid shrink-0 grid-cols-3 gap-x-3 gap-y-1 border-b border-line bg-panel px-3 py-2 wide:flex wide:h-15 wide:items-center wide:gap-4 wide:py-0 huge:gap-8 ${current ? "" : "old"}`}
    >
      <Figure label={t("account.equity")} unit={account.currency} help={signOf(account.haircut) === 0 ? undefined : t("account.haircut", { money: money(account.haircut) })} strong testid="equity">{money(account.equity)}</Figure>
      <Figure label={t("account.unrealised")} className={profit > 0 ? "text-up" : profit < 0 ? "text-down" : ""}>{money(account.unrealised, true)}</Figure>
      {wide && <Figure label={t("account.balance")}>{money(account.balance)}</Figure>}
      {wide && <Figure label={t("account.used")} help={t("account.basis")} testid="used">{money(account.used)}</Figure>}
      <Figure label={t("account.free")} help={t("account.basis")} testid="free" className={signOf(account.free) < 0 ? "text-crit" : ""}>{money(account.free)}</Figure>
      <LevelRail account={account} />
      <Distance label={t("account.toCall")} pct={account.warning_pct} money={money(account.to_warning)} past={signOf(account.to_warning) < 0} price={at((one) => one.warning_at)} testid="to-call" idle={account.positions.length === 0} />
      <Distance label={t("account.toStop")} pct={account.stop_out_pct} money={money(account.to_stop_out)} past={signOf(account.to_stop_out) < 0} price={at((one) => one.stop_out_at)} testid="to-stop" idle={account.positions.length === 0} />
      {account.next_stop_out && <Next next={account.next_stop_out} />}
      {account.next_stop_out_untold && (
        <Figure label={t("account.next")} help={t(`account.nextUntold.${account.next_stop_out_untold}`)} testid="next-stop-untold" className="text-ink-3">{t("account.nextUntold")}</Figure>
      )}
      {!wide && <Figure label={t("account.used")} help={t("account.basis")} testid="used">{money(account.used)}</Figure>}
      {!current && <span role="status" className="sr-only">{t("account.lost")}</span>}
    </section>
  );
}

function Figure({ label, unit, help, strong, className = "", testid, children }: { label: string; unit?: string; help?: string; strong?: boolean; className?: string; testid?: string; children: ReactNode }) {
  return (
    <div className="min-w-0" title={help}>
      <div className="label truncate">
        {label}
        {unit && <span className="ml-1 text-ink-3">{unit}</span>}
      </div>
      <div data-testid={testid} className={`truncate font-semibold wide:min-w-[9ch] ${strong ? "text-md wide:text-lg" : "text-sm wide:text-md"} ${className}`}>{children}</div>
    </div>
  );
}

function Distance({ label, pct, money, price, past, idle, testid }: { label: string; pct: string; money: string; price: string; past: boolean; idle: boolean; testid: string }) {
  const { language } = useSettings();
  return (
    <div className="min-w-0 wide:min-w-29">
      <div className="label truncate">{label} <span className="text-ink-3">{formatDecimal(trimZeros(pct), language)} %</span></div>
      <div data-testid={testid} className={`truncate text-sm font-semibold ${past ? "text-crit" : ""} ${idle ? "text-ink-3" : ""}`}>{idle ? "–" : money}</div>
      <div data-testid={`${testid}-price`} className="truncate text-2xs text-ink-3" title={price}>{price}</div>
    </div>
  );
}

/** Where the nearest stop-out is, what it closes first, and the margin level before and after that close. */
function Next({ next }: { next: NextStopOut }) {
  const t = useTranslate();
  const { language } = useSettings();
  const level = (pct: string | null) => (pct === null ? t("account.nextNone") : `${formatDecimal(cutPercent(pct), language)} %`);
  const closes = nextCloses(next, t, language);
  const levels = t("account.nextLevels", { before: level(next.level_before_pct), after: level(next.level_after_pct) });
  return (
    <div className="col-span-2 min-w-0 wide:col-span-1 wide:min-w-29" data-testid="next-stop">
      <div className="label truncate">{t("account.next")} <span data-testid="next-stop-price" className="text-ink-3">{t("account.at", { symbol: next.symbol, price: formatDecimal(next.price, language) })}</span></div>
      <div data-testid="next-stop-closes" className={`truncate text-sm font-semibold ${next.stuck ? "text-crit" : ""}`} title={closes}>{closes}</div>
      <div data-testid="next-stop-levels" className="truncate text-2xs text-ink-3" title={levels}>{levels}</div>
    </div>
  );
}
