import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { explainProblem } from "../../app/trading";
import { useAccount, useAccounts, useAlertStream, useDesk, useDeskStream, useInstruments, useLiveFeed, useOrders } from "../../app/data";
import { isTold, useOnline } from "../../app/online";
import { goTo, usePlace } from "../../app/place";
import { useSettings, useTranslate } from "../../app/settings";
import { Guard, Panel } from "../../ui/Panel";
import { useWide } from "../../ui/media";
import { AccountStrip } from "./AccountStrip";
import { AlertList } from "./AlertList";
import { Banners } from "./Banners";
import { Dock } from "./Dock";
import { Footer } from "./Footer";
import { LinkDialog, type LinkWish } from "./LinkDialog";
import { NavBar } from "./NavBar";
import { Palette } from "./Palette";
import { ResumeDialog } from "./ResumeDialog";
import { Ticket } from "./Ticket";
import { TopBar } from "./TopBar";
import { VolatilityAlarm } from "./VolatilityAlarm";
import { Watch } from "./Watch";
import { orderOutcomes } from "../../live/outcomes";

/** The chart library is a third of the page: prices do not wait for it. */
const Chart = lazy(() => import("./Chart"));

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
  const firstAccount = accounts.data?.[0]?.id ?? null;
  const known = accounts.data?.some((one) => one.id === place.account);
  useEffect(() => {
    if (firstAccount !== null && !known) goTo({ account: firstAccount });
  }, [firstAccount, known]);

  useKeys(() => setPalette(true));

  const shows = (view: typeof place.view) => wide || place.view === view;
  const trouble = instruments.error ?? accounts.error;
  return (
    <div className="flex h-dvh flex-col overflow-hidden bg-bg">
      <a href="#positions" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-panel focus:p-2">{t("nav.skip")}</a>
      <TopBar accounts={accounts.data ?? []} account={account ?? null} desk={desk.data} symbol={symbol} onPalette={() => setPalette(true)} onPages={onPages} onSignOut={onSignOut} wide={wide} />
      <Banners desk={desk.data} account={account} instrument={live} onShowAlarm={() => setAlarmShown((count) => count + 1)} onLink={setLinkWish} onResume={setResuming} />
      {trouble && !isTold(trouble, online) && <p role="alert" className="border-b border-crit bg-panel px-3 py-1.5 text-sm text-crit">{t("app.broken", { what: explainProblem(trouble, t, language).text })}</p>}
      <Guard name={t("top.account")}>
        <AccountStrip account={account} current={current && online} error={error} symbol={symbol} wide={wide} />
      </Guard>
      <main className="grid min-h-0 flex-1 gap-px bg-line wide:grid-cols-[316px_minmax(0,1fr)_300px] wide:grid-rows-[minmax(0,1fr)_minmax(196px,36%)] huge:grid-cols-[360px_minmax(0,1fr)_340px]">
        {shows("market") && (
          <Panel title={t("watch.title")} area="wide:row-span-2" heading={false}>
            <Watch instruments={instruments.data} selected={symbol} />
          </Panel>
        )}
        {shows("chart") && (
          <Panel title={t("chart.title")} area="" heading={false}>
            <Suspense fallback={null}>
              <Chart key={symbol} instrument={instrument} account={account} span={place.span} />
            </Suspense>
          </Panel>
        )}
        {(wide || place.view === "trade" || place.view === "alerts") && (
          <div className="flex min-h-0 min-w-0 flex-col gap-px bg-line wide:col-start-3 wide:row-span-2 wide:row-start-1">
            {shows("trade") && (
              <Panel title={t("ticket.title")} area={wide ? "" : "flex-1"} id="ticket" heading={false}>
                <Ticket key={`${symbol}/${place.account}`} instrument={instrument} account={account} />
              </Panel>
            )}
            {shows("alerts") && (
              <Panel title={t("alerts.title")} area="flex-1 wide:min-h-40" id="alerts" heading={false}>
                <AlertList />
              </Panel>
            )}
          </div>
        )}
        {shows("positions") && (
          <Panel title={t("positions.title")} area="wide:col-start-2" id="positions" heading={false}>
            <Dock account={account} current={current && online} />
          </Panel>
        )}
      </main>
      {wide ? <Footer symbol={symbol} desk={desk.data} /> : <NavBar account={account} />}
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
