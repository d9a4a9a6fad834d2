import type { Traded } from "../../api/types";
import { useAlerts } from "../../app/data";
import { goTo, usePlace, VIEWS, type View } from "../../app/place";
import { useStreamStatus } from "../../app/services";
import { useTranslate } from "../../app/settings";
import { Icon, type IconName } from "../../ui/Icon";
import { sortAlerts } from "../../live/alerts";

const ICONS: Record<View, IconName> = { market: "list", chart: "chart", trade: "swap", positions: "layers", alerts: "alert" };

/** The parts of the terminal on a small screen, alerts among them. */
export function DeskNav({ account }: { account: Pick<Traded, "positions"> | undefined }) {
  const { view } = usePlace();
  const alerts = useAlerts();
  return <NavBar views={VIEWS} shown={view} counts={{ positions: account?.positions.length, alerts: sortAlerts(alerts.data ?? []).length }} />;
}

/** One part at a time, and how much there is in each. */
export function NavBar({ views, shown, counts }: { views: readonly View[]; shown: View; counts: Partial<Record<View, number>> }) {
  const t = useTranslate();
  const status = useStreamStatus();
  return (
    <nav aria-label={t("nav.market")} className="relative grid shrink-0 auto-cols-fr grid-flow-col border-t border-line bg-panel pb-[env(safe-area-inset-bottom)]">
      {status.quiet && <span role="status" className="absolute -top-6 left-1/2 -translate-x-1/2 rounded-full border border-warn bg-panel px-2 text-2xs text-warn">{t("foot.conn.quiet")}</span>}
      {views.map((one) => (
        <button key={one} type="button" aria-current={shown === one ? "page" : undefined} onClick={() => goTo({ view: one })} className={`relative flex h-13 flex-col items-center justify-center gap-0.5 text-2xs font-medium ${shown === one ? "text-ink shadow-[inset_0_2px_0_var(--ink)]" : "text-ink-3"}`}>
          <Icon name={ICONS[one]} size={19} />
          {t(`nav.${one}`)}
          {counts[one] ? <span className={`absolute top-1 left-1/2 ml-2 min-w-4 rounded-full px-1 text-2xs font-bold ${one === "alerts" ? "bg-emergency text-white" : "bg-raised text-ink-2"}`}>{counts[one]}</span> : null}
        </button>
      ))}
    </nav>
  );
}
