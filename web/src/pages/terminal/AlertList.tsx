import { useState } from "react";
import type { Alert, Severity } from "../../api/types";
import { useAlerts } from "../../app/data";
import { useSettings, useTranslate } from "../../app/settings";
import { actorName } from "../../i18n/steps";
import { alertText } from "../../i18n/rules";
import { explainProblem } from "../../app/trading";
import { formatDecimal } from "../../format/decimal";
import { isOpen, sortAlerts } from "../../live/alerts";
import { Empty } from "../../ui/Panel";
import { AckButton } from "./AckButton";
import { AlertDrawer } from "./AlertDrawer";
import { Age } from "./Age";

export const BAR: Record<Severity, string> = { info: "bg-ink-3", warning: "bg-warn", critical: "bg-crit", emergency: "bg-emergency" };
export const TEXT: Record<Severity, string> = { info: "text-ink-2", warning: "text-warn", critical: "text-crit", emergency: "text-crit" };

export function AlertList() {
  const t = useTranslate();
  const { language } = useSettings();
  const alerts = useAlerts();
  const [shown, setShown] = useState<Alert["id"] | null>(null);
  const open = sortAlerts(alerts.data ?? []);
  const resolved = (alerts.data ?? []).filter((alert) => !isOpen(alert)).sort((a, b) => b.last - a.last);
  const detail = alerts.data?.find((alert) => alert.id === shown);
  return (
    <>
      <header className="flex h-9 shrink-0 items-center gap-2 border-b border-line px-3">
        <h2 className="text-xs font-semibold tracking-wide text-ink-2">{t("alerts.title")}</h2>
        <span data-testid="alerts-open" data-count={open.length} className={`ml-auto text-2xs font-semibold ${open.length > 0 ? TEXT[open[0]!.severity] : "text-ink-3"}`}>{t("alerts.open", { n: open.length })}</span>
      </header>
      {alerts.error && <p role="alert" className="p-3 text-xs text-crit">{t("alerts.failed", { what: explainProblem(alerts.error, t, language).text })}</p>}
      <div className="scroll flex min-h-0 flex-1 flex-col" tabIndex={0} role="region" aria-label={t("alerts.title")}>
        {alerts.data && open.length === 0 && <Empty icon="check" title={t("alerts.empty")} help={t("alerts.emptyHelp")} />}
        <ul data-testid="alerts">
          {open.map((alert) => (
            <Row key={alert.id} alert={alert} onShow={() => setShown(alert.id)} />
          ))}
        </ul>
        {resolved.length > 0 && (
          <details className="mt-auto border-t border-line">
            <summary className="label cursor-pointer px-3 py-2 hover:text-ink">{t("alerts.showResolved", { n: resolved.length })}</summary>
            <ul>
              {resolved.slice(0, 50).map((alert) => (
                <Row key={alert.id} alert={alert} onShow={() => setShown(alert.id)} />
              ))}
            </ul>
          </details>
        )}
      </div>
      {detail && <AlertDrawer alert={detail} onClose={() => setShown(null)} />}
    </>
  );
}

function Row({ alert, onShow }: { alert: Alert; onShow: () => void }) {
  const t = useTranslate();
  const { language } = useSettings();
  const over = !isOpen(alert);
  const { title, summary } = alertText(alert, language);
  const facts = [
    alert.state === "acknowledged" && alert.acked_by ? t("alerts.ackedBy", { who: actorName(alert.acked_by, language) }) : t(`alertState.${alert.state}`),
    alert.money_at_risk ? `${t("alerts.atRisk")} ${formatDecimal(alert.money_at_risk, language)} ${alert.money_at_risk_currency ?? ""}` : null,
    alert.unrecorded ? t("alerts.unrecorded") : null,
    alert.owner && actorName(alert.owner, language),
    alert.escalated ? t("alerts.escalated") : null,
    alert.flapping ? t("alerts.flapping") : null,
    alert.silenced ? t("alerts.silenced") : null,
  ];
  return (
    <li data-alert={alert.id} data-state={alert.state} data-severity={alert.severity} className="relative border-b border-line/60 pt-1.5 pr-2 pb-1 pl-4 hover:bg-hover">
      <span aria-hidden className={`absolute inset-y-2 left-1.5 w-1 rounded-full ${alert.state === "firing" || alert.state === "pending" ? BAR[alert.severity] : "bg-edge"}`} />
      <div className="flex items-baseline gap-2">
        <button type="button" aria-label={t("alerts.details", { title })} onClick={onShow} className="min-w-0 flex-1 text-left after:absolute after:inset-0">
          <span className={`block text-sm font-semibold break-words ${alert.state === "firing" ? "" : "text-ink-2"}`}>{title}</span>
        </button>
        <span className="shrink-0 text-2xs text-ink-3"><Age since={over ? alert.last : alert.since} /></span>
      </div>
      <p className="line-clamp-3 text-xs text-ink-2">{summary}</p>
      <div className="mt-0.5 flex min-h-6 items-center gap-2">
        <p className="min-w-0 flex-1 text-2xs text-ink-3">
          <span className={`font-semibold ${TEXT[alert.severity]}`}>{t(`severity.${alert.severity}`)}</span> · {facts.filter(Boolean).join(" · ")}
        </p>
        {!over && alert.state !== "acknowledged" && <AckButton alert={alert} onNeedsNote={onShow} />}
      </div>
    </li>
  );
}
