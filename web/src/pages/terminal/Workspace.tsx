import { lazy, Suspense, type ReactNode } from "react";
import type { Instrument, Traded } from "../../api/types";
import { usePlace, type View } from "../../app/place";
import { useTranslate } from "../../app/settings";
import { Panel } from "../../ui/Panel";
import { Dock } from "./Dock";
import { Ticket } from "./Ticket";
import { Watch } from "./Watch";

/** The chart library is a third of the page: prices do not wait for it. */
const Chart = lazy(() => import("./Chart"));

interface Props {
  instruments: Instrument[] | undefined;
  instrument: Instrument | undefined;
  symbol: string | null;
  account: Traded | undefined;
  /** The account's numbers are of now. */
  current: boolean;
  wide: boolean;
  /** What stands below the ticket, for whoever has alerts. */
  alerts?: ReactNode;
}

/** The part that is shown where one is shown at a time; whoever has no alerts begins with the market. */
export const viewOf = (view: View, alerts: boolean): View => (view === "alerts" && !alerts ? "market" : view);

/** The market, a chart, a ticket and what is held: all at once, or one at a time on a phone. */
export function Workspace({ instruments, instrument, symbol, account, current, wide, alerts }: Props) {
  const t = useTranslate();
  const place = usePlace();
  const view = viewOf(place.view, alerts !== undefined);
  const shows = (one: View) => wide || view === one;
  return (
    <main className="grid min-h-0 flex-1 gap-px bg-line wide:grid-cols-[316px_minmax(0,1fr)_300px] wide:grid-rows-[minmax(0,1fr)_minmax(196px,36%)] huge:grid-cols-[360px_minmax(0,1fr)_340px]">
      {shows("market") && (
        <Panel title={t("watch.title")} area="wide:row-span-2" heading={false}>
          <Watch instruments={instruments} selected={symbol} />
        </Panel>
      )}
      {shows("chart") && (
        <Panel title={t("chart.title")} area="" heading={false}>
          <Suspense fallback={null}>
            <Chart key={symbol} instrument={instrument} account={account} span={place.span} />
          </Suspense>
        </Panel>
      )}
      {(shows("trade") || shows("alerts")) && (
        <div className="flex min-h-0 min-w-0 flex-col gap-px bg-line wide:col-start-3 wide:row-span-2 wide:row-start-1">
          {shows("trade") && (
            <Panel title={t("ticket.title")} area={wide && alerts !== undefined ? "" : "flex-1"} id="ticket" heading={false}>
              <Ticket key={`${symbol}/${place.account}`} instrument={instrument} account={account} />
            </Panel>
          )}
          {alerts !== undefined && shows("alerts") && (
            <Panel title={t("alerts.title")} area="flex-1 wide:min-h-40" id="alerts" heading={false}>
              {alerts}
            </Panel>
          )}
        </div>
      )}
      {shows("positions") && (
        <Panel title={t("positions.title")} area="wide:col-start-2" id="positions" heading={false}>
          <Dock account={account} current={current} />
        </Panel>
      )}
    </main>
  );
}
