import type { ReactNode } from "react";
import type { Account, Desk, DeskMode, DeskScope, Instrument } from "../../api/types";
import { useStreamStatus } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { useTrading } from "../../app/trading";
import { formatDecimal, trimZeros } from "../../format/decimal";
import { formatMoment } from "../../format/time";
import type { Translate } from "../../i18n";
import { Button } from "../../ui/Button";
import { Icon, type IconName } from "../../ui/Icon";
import type { LinkWish } from "./LinkDialog";
import { RetryIn } from "./RetryIn";
import { byPerson, symbolsOf, waiting } from "./halts";

interface Props {
  desk: Desk | undefined;
  account: Account | undefined;
  instrument: Instrument | undefined;
  onShowAlarm: () => void;
  onLink: (wish: LinkWish) => void;
  onResume: (symbol: string) => void;
}

type Tone = "stop" | "warn" | "info";

interface Banner {
  key: string;
  tone: Tone;
  icon: IconName;
  text: string;
  /** What the failing part itself said: for whoever repairs it, so one line of it at first. */
  detail?: string;
  action?: ReactNode;
}

const URGENCY: readonly Tone[] = ["stop", "warn", "info"];

const TONES: Record<Tone, string> = {
  stop: "bg-emergency text-white",
  warn: "bg-panel text-ink shadow-[inset_3px_0_0_var(--warn)]",
  info: "bg-panel text-ink-2 shadow-[inset_3px_0_0_var(--ink-3)]",
};

/** Everything that is not as usual, worst first: each part that is broken names itself and says what still works. */
export function Banners(props: Props) {
  const t = useTranslate();
  const { language } = useSettings();
  const status = useStreamStatus();
  const { acknowledgeRisk } = useTrading(props.account?.id ?? null);
  const banners: Banner[] = [];
  if (status.phase === "stopped") banners.push({ key: "stopped", tone: "stop", icon: "alert", text: t("banner.stopped", { name: status.bye?.name ?? String(status.bye?.code ?? "") }) });
  else if (status.phase === "offline" && status.retryAt !== undefined) banners.push({ key: "offline", tone: "warn", icon: "alert", text: t("banner.offline"), action: <RetryIn at={status.retryAt} /> });
  else if (status.note === "drain") banners.push({ key: "drain", tone: "info", icon: "clock", text: t("banner.drain") });
  if (props.desk) banners.push(...deskBanners(props.desk, props, t));
  if (props.account) {
    const { account } = props;
    if (account.state === "restricted" || account.state === "stop_out") banners.push({ key: "restricted", tone: "stop", icon: "alert", text: t("banner.restricted", { pct: formatDecimal(trimZeros(account.restricted_pct), language) }) });
    if (account.risk_unacknowledged) banners.push({ key: "risk", tone: "warn", icon: "lock", text: t("banner.ackRisk"), action: <Button size="sm" tone="primary" onClick={() => void acknowledgeRisk()}>{t("banner.ackRiskDo")}</Button> });
    if (account.under_review) banners.push({ key: "review", tone: "warn", icon: "lock", text: t("banner.review") });
  }
  if (props.instrument) banners.push(...feedBanners(props.instrument, t, (us) => formatMoment(us, language)));
  if (banners.length === 0) return null;
  banners.sort((a, b) => URGENCY.indexOf(a.tone) - URGENCY.indexOf(b.tone));
  return (
    <div role="region" aria-label={t("alerts.title")} aria-live="polite" data-testid="banners" className="shrink-0">
      {banners.map((banner) => (
        <div key={banner.key} data-banner={banner.key} className={`flex min-h-8 items-center gap-2 border-b border-line px-3 py-1 text-sm ${TONES[banner.tone]}`}>
          <Icon name={banner.icon} className={banner.tone === "warn" ? "text-warn" : ""} />
          <span className="min-w-0 flex-1">
            {banner.text}
            {banner.detail && (
              <details className="group text-xs text-ink-2">
                <summary className="cursor-pointer truncate group-open:whitespace-normal">{banner.detail}</summary>
              </details>
            )}
          </span>
          {banner.action}
        </div>
      ))}
    </div>
  );
}

function deskBanners(desk: Desk, props: Props, t: Translate): Banner[] {
  const banners: Banner[] = [];
  const phone = desk.phone || t("banner.noPhone");
  if (desk.journal.state === "poisoned") banners.push({ key: "journal", tone: "stop", icon: "phone", text: t("banner.journal", { reason: desk.journal.reason ?? "?", phone }) });
  for (const kill of desk.kills) {
    const parts: DeskScope[] = [kill, ...kill.also];
    if (!parts.every((part) => concerns(part, props))) continue;
    const scope = parts.map((part) => scopeText(part, t)).join(" + ");
    const text = kill.allow_reducing ? t("banner.kill", { scope }) : t("banner.killAll", { scope, phone });
    banners.push({ key: `kill-${parts.map((part) => `${part.scope}-${part.id}`).join("-")}`, tone: "stop", icon: "lock", text });
  }
  for (const mode of desk.modes) {
    if (mode.mode === "normal" || !concerns(mode, props)) continue;
    banners.push({ key: `mode-${mode.scope}-${mode.id}`, tone: mode.mode === "halt" ? "stop" : "warn", icon: "lock", text: modeText(mode, phone, t) });
  }
  for (const link of desk.links) {
    // Another account's broker is no trouble of this one.
    if (props.account && props.account.link !== link.id) continue;
    const back = link.manual ? <Button size="sm" data-testid="link-give-back" onClick={() => props.onLink({ link, mode: "live" })}>{t("link.giveDo")}</Button> : undefined;
    if (link.mode === "read_only") banners.push({ key: `link-${link.id}`, tone: "warn", icon: "swap", text: t("banner.readOnly", { name: link.name, n: link.queued }), action: back });
    if (link.mode === "recovering") banners.push({ key: `link-${link.id}`, tone: "warn", icon: "swap", text: t("banner.recovering", { name: link.name, n: link.queued, doubt: link.in_doubt }) });
  }
  if (desk.halts.length > 0) {
    const look = "!border-white/60 !bg-transparent !text-white";
    const needed = byPerson(desk.halts);
    const now = waiting(desk.halts);
    const waits = now.length > 0 ? ` ${t("halt.waits", { symbols: symbolsOf(now) })}` : needed.length > 0 ? ` ${t("halt.byPerson", { symbols: symbolsOf(needed) })}` : "";
    const action = (
      <span className="flex flex-wrap justify-end gap-1">
        {needed.map((halt) => <Button key={halt.symbol} size="sm" data-testid="resume" className={look} onClick={() => props.onResume(halt.symbol)}>{needed.length > 1 ? t("halt.resumeShort", { symbol: halt.symbol }) : t("halt.resume")}</Button>)}
        <Button size="sm" className={look} onClick={props.onShowAlarm}>{t("banner.show")}</Button>
      </span>
    );
    banners.push({ key: "halted", tone: "stop", icon: "alert", text: t("banner.halted", { symbols: symbolsOf(desk.halts) }) + waits, action });
  }
  // Left out by configuration is no failure.
  if (desk.store.kind === "none") banners.push({ key: "store", tone: "info", icon: "layers", text: t("banner.storeOff") });
  else if (!desk.store.ok) banners.push({ key: "store", tone: "warn", icon: "layers", text: t("banner.store", { kind: desk.store.kind }), detail: desk.store.detail ?? "" });
  return banners;
}

function feedBanners(instrument: Instrument, t: Translate, moment: (us: number) => string): Banner[] {
  const { symbol, feed } = instrument;
  const since = instrument.ti ? t("feed.lastUpdate", { time: moment(instrument.ti) }) : "";
  if (feed === "delayed") return [{ key: "delayed", tone: "warn", icon: "clock", text: t("banner.delayed", { symbol, since }) }];
  if (feed === "unavailable") return [{ key: "unavailable", tone: "warn", icon: "alert", text: t("banner.unavailable", { symbol, since }) }];
  if (feed === "closed") return [{ key: "closed", tone: "info", icon: "clock", text: t("banner.closed", { symbol, until: instrument.session_until ? t("feed.closedUntil", { time: moment(instrument.session_until) }) : "" }) }];
  return [];
}

function modeText(mode: DeskMode, phone: string, t: Translate): string {
  const scope = scopeText(mode, t);
  if (mode.mode === "reducing") return t("banner.reducing", { scope });
  if (mode.mode !== "halt") return t("banner.closeOnly", { scope });
  return mode.allow_reducing ? t("banner.halt", { scope }) : t("banner.haltAll", { scope, phone });
}

/** Whether a mode or switch of this scope touches what the page shows. */
function concerns(row: DeskScope, { account, instrument }: Props): boolean {
  const same = (value: string | number | undefined) => value !== undefined && (String(row.id) === String(value) || row.name === value);
  if (row.scope === "house") return true;
  if (row.scope === "account") return same(account?.id) || same(account?.name);
  if (row.scope === "group") return account === undefined || row.name === undefined || row.name === null || same(account.group);
  // Desks, traders and strategies are not known here: better told once too often.
  if (row.scope !== "instrument") return true;
  return same(instrument?.id) || same(instrument?.symbol);
}

function scopeText(row: DeskScope, t: Translate): string {
  return t(`scope.${row.scope}`, { name: row.name ?? String(row.id ?? "") });
}
