import { useState } from "react";
import { useInstruments, useLiveFeed, useOrders } from "../../app/data";
import { isTold, useOnline } from "../../app/online";
import { useOwnAccount, useOwnAccounts, useStanding } from "../../app/own";
import { useFirstAccount, usePlace, VIEWS } from "../../app/place";
import { useSettings, useTranslate } from "../../app/settings";
import { explainProblem } from "../../app/trading";
import { orderOutcomes } from "../../live/outcomes";
import { Guard } from "../../ui/Panel";
import { useWide } from "../../ui/media";
import { AccountStrip } from "../terminal/AccountStrip";
import { Footer } from "../terminal/Footer";
import { NavBar } from "../terminal/NavBar";
import { TopBar } from "../terminal/TopBar";
import { viewOf, Workspace } from "../terminal/Workspace";
import { NoAccount } from "./NoAccount";
import { OwnBanners } from "./OwnBanners";

const OWN_VIEWS = VIEWS.filter((view) => view !== "alerts");

interface Props {
  /** Who trades. */
  user: string;
  onPages: () => void;
  onSignOut: () => void;
}

/** A client's page: one of their own accounts, and the market as everybody sees it. */
export default function Trading({ user, onPages, onSignOut }: Props) {
  const t = useTranslate();
  const { language } = useSettings();
  const place = usePlace();
  const wide = useWide();
  const online = useOnline();
  const [awaited, setAwaited] = useState<number | null>(null);
  const accounts = useOwnAccounts(awaited);
  const instruments = useInstruments();
  useFirstAccount(accounts.data, place.account);
  const own = accounts.data?.find((one) => one.id === place.account);
  // An address may name somebody else's: nothing is asked about it.
  const id = own?.id ?? null;
  const { account, current, error } = useOwnAccount(id);
  useOrders(id, (order) => orderOutcomes.publish(order));
  const standing = useStanding(id);

  const symbol = place.symbol ?? instruments.data?.[0]?.symbol ?? null;
  const instrument = instruments.data?.find((one) => one.symbol === symbol);
  const live = useLiveFeed(instrument);

  const demo = own?.account_type === "demo" ? t("own.demoHelp") : standing.data?.demo ? t("app.demo.help") : null;
  const trouble = instruments.error ?? accounts.error ?? standing.error;
  const bar = (accounts.data ?? []).map((one) => ({ id: one.id, text: `${one.id} · ${one.currency} · ${t(`own.${one.account_type}`)}` }));
  return (
    <div data-testid="trading" className="flex h-dvh flex-col overflow-hidden bg-bg">
      <a href="#positions" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-panel focus:p-2">{t("nav.skip")}</a>
      <TopBar accounts={bar} account={account ?? null} demo={demo} onPages={onPages} onSignOut={onSignOut} wide={wide} />
      <OwnBanners standing={standing.data} account={account} instrument={live} onConfirmed={onSignOut} />
      {trouble && !isTold(trouble, online) && <p role="alert" className="border-b border-crit bg-panel px-3 py-1.5 text-sm text-crit">{t("app.broken", { what: explainProblem(trouble, t, language).text })}</p>}
      {accounts.data?.length === 0 ? (
        <NoAccount user={user} opening={awaited !== null} onOpened={setAwaited} onPages={onPages} />
      ) : (
        <>
          <Guard name={t("top.account")}>
            <AccountStrip account={account} current={current && online} error={error} symbol={symbol} wide={wide} />
          </Guard>
          <Workspace instruments={instruments.data} instrument={instrument} symbol={symbol} account={account} current={current && online} wide={wide} />
          {wide ? <Footer symbol={symbol} desk={undefined} /> : <NavBar views={OWN_VIEWS} shown={viewOf(place.view, false)} counts={{ positions: account?.positions.length }} />}
        </>
      )}
    </div>
  );
}
