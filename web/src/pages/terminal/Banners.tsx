import type { Account, Desk, DeskScope, Instrument } from "../../api/types";
import { useStreamStatus } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { useTrading } from "../../app/trading";
import { formatMoment } from "../../format/time";
import type { Translate } from "../../i18n";
import { Button } from "../../ui/Button";
import { accountBanners, BannerList, feedBanners, modeText, streamBanners, type Banner } from "./BannerList";
import type { LinkWish } from "./LinkDialog";
import { byPerson, symbolsOf, waiting } from "./halts";

interface Props {
  desk: Desk | undefined;
  account: Account | undefined;
  instrument: Instrument | undefined;
  onShowAlarm: () => void;
  onLink: (wish: LinkWish) => void;
  onResume: (symbol: string) => void;
}

/** Everything that is not as usual, worst first: each part that is broken names itself and says what still works. */
export function Banners(props: Props) {
  const t = useTranslate();
  const { language } = useSettings();
  const status = useStreamStatus();
  const { answerCall } = useTrading(props.account?.id ?? null);
  const banners: Banner[] = streamBanners(status, t, (us) => formatMoment(us, language));
  if (props.desk) banners.push(...deskBanners(props.desk, props, t));
  if (props.account) banners.push(...accountBanners(props.account, (step) => void answerCall(step), t, language));
  if (props.instrument) banners.push(...feedBanners(props.instrument, t, (us) => formatMoment(us, language)));
  return <BannerList banners={banners} />;
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
    banners.push({ key: `mode-${mode.scope}-${mode.id}`, tone: mode.mode === "halt" ? "stop" : "warn", icon: "lock", text: modeText(mode, scopeText(mode, t), phone, t) });
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
