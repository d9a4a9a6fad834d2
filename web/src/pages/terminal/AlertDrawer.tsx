import { useQuery } from "@tanstack/react-query";
import { useId, useState, type ReactNode } from "react";
import type { AlertVerb } from "../../api/client";
import type { Alert } from "../../api/types";
import { useAccounts } from "../../app/data";
import { useServices } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { explainProblem } from "../../app/trading";
import { formatFigure } from "../../format/decimal";
import { formatMoment } from "../../format/time";
import { alertText, statementOf } from "../../i18n/rules";
import { actorName, labelName, stepName } from "../../i18n/steps";
import { needsNote } from "../../live/alerts";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { useAlertAct } from "./AckButton";
import { Age } from "./Age";
import { BAR, TEXT } from "./AlertList";
import { EvidenceChart } from "./EvidenceChart";

/** One alert whole: what raised it, who did what, and what can be done. */
export function AlertDrawer({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const t = useTranslate();
  const { language } = useSettings();
  const { title, summary, advice } = alertText(alert, language);
  const accounts = useAccounts();
  const accountName = (id: string | number) => accounts.data?.find((one) => String(one.id) === String(id))?.name ?? id;
  const number = (value: string | null) => formatFigure(value, language);
  return (
    <Dialog open onClose={onClose} label={title}>
      <div className="flex h-full flex-col" data-testid="alert-drawer" data-state={alert.state}>
        <header className="relative flex items-start gap-2 border-b border-line py-3 pr-2 pl-5">
          <span aria-hidden className={`absolute inset-y-3 left-2 w-1 rounded-full ${BAR[alert.severity]}`} />
          <div className="min-w-0 flex-1">
            <p className="text-2xs text-ink-3">
              <span className={`font-semibold ${TEXT[alert.severity]}`}>{t(`severity.${alert.severity}`)}</span> · {t(`alertState.${alert.state}`)} · {alert.rule} · <Age since={alert.since} />
            </p>
            <h2 className="mt-0.5 text-md font-semibold">{title}</h2>
            <p className="mt-0.5 text-sm text-ink-2">{summary}</p>
            {advice && <p className="mt-1.5 border-l-2 border-edge pl-2 text-sm text-ink">{advice}</p>}
          </div>
          <IconButton icon="close" name={t("alerts.close")} onClick={onClose} />
        </header>
        <div className="scroll min-h-0 flex-1 space-y-4 p-4" tabIndex={0} role="region" aria-label={title}>
          <dl className="grid grid-cols-4 gap-2">
            <Fact name={t("alerts.value")}>{number(alert.value)}</Fact>
            <Fact name={t("alerts.raise")}>{number(alert.raise)}</Fact>
            <Fact name={t("alerts.clear")}>{number(alert.clear)}</Fact>
            <Fact name={t("alerts.atRisk")}>{number(alert.money_at_risk && `${alert.money_at_risk} ${alert.money_at_risk_currency ?? ""}`.trim())}</Fact>
          </dl>
          <p className="flex flex-wrap gap-1">
            {Object.entries(alert.labels).map(([name, value]) => value !== null && value !== undefined && <span key={name} className="rounded bg-raised px-1.5 py-px text-2xs text-ink-2"><span className="text-ink-3">{labelName(name, language)}</span> {name === "account" ? accountName(value) : value}</span>)}
          </p>
          <EvidencePart alert={alert} />
          <Timeline alert={alert} />
        </div>
        <Actions alert={alert} />
      </div>
    </Dialog>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="label">{name}</dt>
      <dd className="truncate text-sm font-semibold">{children}</dd>
    </div>
  );
}

function EvidencePart({ alert }: { alert: Alert }) {
  const t = useTranslate();
  const { language } = useSettings();
  const { api } = useServices();
  const evidence = useQuery({ queryKey: ["alert", alert.id, "evidence", alert.since], queryFn: () => api.alertEvidence(alert.id), retry: false });
  const said = evidence.data && statementOf(evidence.data, language);
  return (
    <section aria-label={t("alerts.evidence")}>
      <h3 className="label mb-1">{t("alerts.evidence")}</h3>
      {evidence.error && <p className="text-xs text-crit">{explainProblem(evidence.error, t, language).text}</p>}
      {evidence.data && said && (
        <>
          {evidence.data.chart?.length > 1 && <EvidenceChart points={evidence.data.chart} mark={alert.since} />}
          {said.formula && <p className="mt-1.5 rounded bg-bg px-2 py-1.5 text-xs break-words text-ink-2">{said.formula}</p>}
          <Inputs inputs={said.inputs} />
          <p className="mt-1 text-2xs text-ink-3">{t("alerts.seq", { seq: evidence.data.seq })}</p>
        </>
      )}
    </section>
  );
}

function Inputs({ inputs }: { inputs: Record<string, string> }) {
  return (
    <dl className="mt-1.5 grid grid-cols-2 gap-x-4 gap-y-0.5 text-xs">
      {Object.entries(inputs).map(([name, value]) => (
        <div key={name} className="flex justify-between gap-2">
          <dt className="truncate text-ink-3">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Timeline({ alert }: { alert: Alert }) {
  const t = useTranslate();
  const { language } = useSettings();
  const { api } = useServices();
  const timeline = useQuery({ queryKey: ["alert", alert.id, "timeline", alert.revision], queryFn: () => api.alertTimeline(alert.id), retry: false });
  return (
    <section aria-label={t("alerts.timeline")}>
      <h3 className="label mb-1">{t("alerts.timeline")}</h3>
      {timeline.error && <p className="text-xs text-crit">{explainProblem(timeline.error, t, language).text}</p>}
      <ol data-testid="timeline" className="ml-1 border-l border-edge">
        {(timeline.data ?? []).map((item, index) => (
          <li key={index} className="relative pb-2 pl-4 text-xs last:pb-0">
            <span aria-hidden className="absolute top-1 -left-[3.5px] size-1.5 rounded-full bg-ink-3" />
            <p><span className="font-semibold">{stepName(item.what, language)}</span>{item.by && <span className="text-ink-2"> {t("alerts.by", { who: actorName(item.by, language) })}</span>}</p>
            {item.note && <p className="text-ink-2">“{item.note}”</p>}
            <p className="text-2xs text-ink-3">{formatMoment(item.at, language)}</p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Actions({ alert }: { alert: Alert }) {
  const t = useTranslate();
  const act = useAlertAct();
  const id = useId();
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  if (alert.state === "archived") return null;
  const missing = needsNote(alert) && note.trim() === "";
  const run = (verb: AlertVerb) => {
    setBusy(true);
    void act(alert, verb, note.trim() || undefined)
      .then((done) => done && setNote(""))
      .finally(() => setBusy(false));
  };
  const open = alert.state === "firing" || alert.state === "pending";
  return (
    <form
      className="border-t border-line p-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (!missing) run(open ? "ack" : "comment");
      }}
    >
      <label htmlFor={id} className="label mb-1 block">{t("alerts.note")}{missing && <span className="ml-2 text-warn">{t("alerts.noteNeeded")}</span>}</label>
      <input id={id} className="field" data-testid="alert-note" maxLength={500} data-first-focus value={note} onChange={(event) => setNote(event.target.value)} />
      <div className="mt-2 flex flex-wrap gap-2">
        {open && <Button type="submit" tone="primary" data-testid="drawer-ack" disabled={busy || missing}>{t("alerts.ack")}</Button>}
        {alert.state === "acknowledged" && <Button disabled={busy} onClick={() => run("unack")}>{t("alerts.unack")}</Button>}
        {alert.state !== "resolved" && <Button disabled={busy || missing} onClick={() => run("resolve")}>{t("alerts.resolve")}</Button>}
        <Button tone="quiet" disabled={busy || note.trim() === ""} onClick={() => run("comment")}>{t("alerts.comment")}</Button>
      </div>
    </form>
  );
}
