import { useEffect, useRef, useState } from "react";
import { explainProblem } from "../../app/trading";
import { useAccount, useAccounts, useAlertStream, useDesk, useDeskStream, useInstruments, useLiveFeed, useOrders } from "../../app/data";
import { isTold, useOnline } from "../../app/online";
import { useFirstAccount, usePlace } from "../../app/place";
import { useSettings, useTranslate } from "../../app/settings";
import { Guard } from "../../ui/Panel";
import { useWide } from "../../ui/media";
import { AccountStrip } from "./AccountStrip";
import { AlertList } from "./AlertList";
import { Banners } from "./Banners";
import { Footer } from "./Footer";
import { LinkDialog, type LinkWish } from "./LinkDialog";
import { DeskNav } from "./NavBar";
import { Palette } from "./Palette";
import { ResumeDialog } from "./ResumeDialog";
import { ScenarioSwitch, TopBar } from "./TopBar";
import { VolatilityAlarm } from "./VolatilityAlarm";
import { Workspace } from "./Workspace";
import { orderOutcomes } from "../../live/outcomes";

/** The trader's page: everything about one account and one symbol, and the market around it. */
export function Terminal({ onSignOut, onPages }: { onSignOut: () => void; onPages?: () => void }) {
  const t = useTranslate();
  const { language } = useSettings();
  const place = usePlace();
  const wide = useWide();
  const online = useOnline();
  const instruments = useInstruments();
  const accounts = useAccounts();
  const desk = useDesk();
  useDeskStream();
  useAlertStream();
  const { account, current, error } = useAccount(place.account);
  useOrders(place.account, (order) => orderOutcomes.publish(order));
  const [palette, setPalette] = useState(false);
  const [alarmShown, setAlarmShown] = useState(0);
  const [resuming, setResuming] = useState<string | null>(null);
  const [linkWish, setLinkWish] = useState<LinkWish | null>(null);

  const symbol = place.symbol ?? instruments.data?.[0]?.symbol ?? null;
  const instrument = instruments.data?.find((one) => one.symbol === symbol);
  const live = useLiveFeed(instrument);
  useFirstAccount(accounts.data, place.account);

  useKeys(() => setPalette(true));

  const trouble = instruments.error ?? accounts.error;
  return (
    <div className="flex h-dvh flex-col overflow-hidden bg-bg">
      <a href="#positions" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-panel focus:p-2">{t("nav.skip")}</a>
      <TopBar accounts={(accounts.data ?? []).map((row) => ({ id: row.id, text: `${row.name} · ${row.currency}` }))} account={account ?? null} group={account?.group} demo={desk.data?.demo ? t("app.demo.help") : null} market={desk.data?.demo && wide && <ScenarioSwitch desk={desk.data} symbol={symbol} />} onPalette={() => setPalette(true)} onPages={onPages} onSignOut={onSignOut} wide={wide} />
      <Banners desk={desk.data} account={account} instrument={live} onShowAlarm={() => setAlarmShown((count) => count + 1)} onLink={setLinkWish} onResume={setResuming} />
      {trouble && !isTold(trouble, online) && <p role="alert" className="border-b border-crit bg-panel px-3 py-1.5 text-sm text-crit">{t("app.broken", { what: explainProblem(trouble, t, language).text })}</p>}
      <Guard name={t("top.account")}>
        <AccountStrip account={account} current={current && online} error={error} symbol={symbol} wide={wide} />
      </Guard>
      <Workspace instruments={instruments.data} instrument={instrument} symbol={symbol} account={account} current={current && online} wide={wide} alerts={<AlertList />} />
      {wide ? <Footer symbol={symbol} desk={desk.data} /> : <DeskNav account={account} />}
      <VolatilityAlarm desk={desk.data} account={account} shown={alarmShown} onResume={setResuming} />
      <Palette open={palette} onClose={() => setPalette(false)} instruments={instruments.data ?? []} demo={desk.data?.demo ?? false} symbol={symbol} links={desk.data?.links ?? []} onLink={setLinkWish} halts={desk.data?.halts ?? []} onResume={setResuming} onPages={onPages} onSignOut={onSignOut} />
      <LinkDialog wish={linkWish} onClose={() => setLinkWish(null)} />
      <ResumeDialog symbol={resuming} onClose={() => setResuming(null)} />
    </div>
  );
}

/** Ctrl-K and ⌘-K open the commands from anywhere. */
function useKeys(openPalette: () => void): void {
  const open = useRef(openPalette);
  useEffect(() => {
    open.current = openPalette;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      open.current();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
