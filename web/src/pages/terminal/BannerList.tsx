import type { ReactNode } from "react";
import type { CallStep, DeskMode, Instrument, Traded } from "../../api/types";
import { useTranslate } from "../../app/settings";
import { formatDecimal, trimZeros, type Language } from "../../format/decimal";
import type { Key, Translate } from "../../i18n";
import { nowMs } from "../../stream/client";
import { announced, type Status } from "../../stream/protocol";
import { Button } from "../../ui/Button";
import { Icon, type IconName } from "../../ui/Icon";
import { RetryIn } from "./RetryIn";

type Tone = "stop" | "warn" | "info";

export interface Banner {
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

/** What is said of each step after a margin call, and what is pressed. */
export const CALL_STEPS: Record<Exclude<CallStep, "none">, { text: Key; press: Key }> = {
  acknowledge: { text: "banner.ackRisk", press: "banner.ackRiskDo" },
  confirm: { text: "banner.confirmCall", press: "banner.confirmCallDo" },
  logged_out: { text: "banner.loggedOut", press: "banner.loggedOutDo" },
};

/** Worst first; nothing where all is as usual. */
export function BannerList({ banners }: { banners: readonly Banner[] }) {
  const t = useTranslate();
  if (banners.length === 0) return null;
  const sorted = [...banners].sort((a, b) => URGENCY.indexOf(a.tone) - URGENCY.indexOf(b.tone));
  return (
    <div role="region" aria-label={t("alerts.title")} aria-live="polite" data-testid="banners" className="shrink-0">
      {sorted.map((banner) => (
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

/** The connection, what fails behind it, and what the server announces. */
export function streamBanners(status: Status, t: Translate, moment: (us: number) => string): Banner[] {
  return [...connectionBanners(status, t), ...incidentBanners(status, t), ...maintenanceBanners(status, t, moment)];
}

/** One for all: what fails behind one stream often fails behind many. */
function incidentBanners({ incidents }: Status, t: Translate): Banner[] {
  return incidents ? [{ key: "incident", tone: "warn", icon: "alert", text: t("banner.incident", { incidents: incidents.join(", ") }) }] : [];
}

/** A heartbeat draws it anew, so it leaves within seconds of its end. */
export function maintenanceBanners(status: Pick<Status, "maintenance" | "offsetUs">, t: Translate, moment: (us: number) => string): Banner[] {
  const planned = announced(status, nowMs());
  if (!planned) return [];
  const times = { from: moment(planned.starts_at), until: moment(planned.ends_at) };
  const text = planned.running ? t("banner.maintenanceNow", times) : t("banner.maintenance", times);
  return [{ key: "maintenance", tone: planned.running ? "warn" : "info", icon: "clock", text: planned.message ? `${text} ${planned.message}` : text }];
}

function connectionBanners(status: Status, t: Translate): Banner[] {
  if (status.phase === "stopped") return [{ key: "stopped", tone: "stop", icon: "alert", text: t("banner.stopped", { name: status.bye?.name ?? String(status.bye?.code ?? "") }) }];
  if (status.phase === "offline" && status.retryAt !== undefined) return [{ key: "offline", tone: "warn", icon: "alert", text: t("banner.offline"), action: <RetryIn at={status.retryAt} /> }];
  return status.note === "drain" ? [{ key: "drain", tone: "info", icon: "clock", text: t("banner.drain") }] : [];
}

/** The account: its level, what is owed after a margin call, a review. */
export function accountBanners(account: Pick<Traded, "state" | "restricted_pct" | "call" | "under_review">, onStep: (step: Exclude<CallStep, "none">) => void, t: Translate, language: Language): Banner[] {
  const banners: Banner[] = [];
  if (account.state === "restricted" || account.state === "stop_out") banners.push({ key: "restricted", tone: "stop", icon: "alert", text: t("banner.restricted", { pct: formatDecimal(trimZeros(account.restricted_pct), language) }) });
  if (account.call !== "none") {
    const step = account.call;
    const { text, press } = CALL_STEPS[step];
    banners.push({ key: "risk", tone: "warn", icon: "lock", text: t(text), action: <Button size="sm" tone="primary" data-testid="call-step" onClick={() => onStep(step)}>{t(press)}</Button> });
  }
  if (account.under_review) banners.push({ key: "review", tone: "warn", icon: "lock", text: t("banner.review") });
  return banners;
}

/** The prices of an instrument. */
export function feedBanners(instrument: Instrument, t: Translate, moment: (us: number) => string): Banner[] {
  const { symbol, feed } = instrument;
  const since = instrument.ti ? t("feed.lastUpdate", { time: moment(instrument.ti) }) : "";
  if (feed === "delayed") return [{ key: "delayed", tone: "warn", icon: "clock", text: t("banner.delayed", { symbol, since }) }];
  if (feed === "unavailable") return [{ key: "unavailable", tone: "warn", icon: "alert", text: t("banner.unavailable", { symbol, since }) }];
  if (feed === "closed") return [{ key: "closed", tone: "info", icon: "clock", text: t("banner.closed", { symbol, until: instrument.session_until ? t("feed.closedUntil", { time: moment(instrument.session_until) }) : "" }) }];
  return [];
}

/** A mode that is not normal, and what it is over. */
export function modeText(mode: Pick<DeskMode, "mode" | "allow_reducing">, scope: string, phone: string, t: Translate): string {
  if (mode.mode === "reducing") return t("banner.reducing", { scope });
  if (mode.mode !== "halt") return t("banner.closeOnly", { scope });
  return mode.allow_reducing ? t("banner.halt", { scope }) : t("banner.haltAll", { scope, phone });
}
