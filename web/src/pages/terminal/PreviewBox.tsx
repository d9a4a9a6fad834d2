import type { ReactNode } from "react";
import type { OrderKind, Preview, Reason } from "../../api/types";
import { useSettings, useTranslate } from "../../app/settings";
import { explainProblem } from "../../app/trading";
import { cutPercent, formatDecimal, signOf } from "../../format/decimal";
import { explainReason } from "../../i18n/reasons";
import { Icon } from "../../ui/Icon";
import { atOnce } from "../../live/outcomes";
import { ruleText } from "./ruleText";

interface Props {
  preview: Preview | undefined;
  error: Error | null;
  complete: boolean;
  /** Without the server there is no answer, and an earlier one counts no more. */
  online: boolean;
  /** Why the draft is no order. */
  fault: string | null;
  /** The figures are those of an earlier draft. */
  pending: boolean;
  currency: string;
  kind: OrderKind;
}

/** Margin before and after, the loss at the stop, the net position: the engine's answer, not the page's. */
export function PreviewBox({ preview, error, complete, online, fault, pending, currency, kind }: Props) {
  const t = useTranslate();
  const { language } = useSettings();
  const money = (value: string | null) => formatDecimal(value, language);
  return (
    <section aria-label={t("ticket.preview")} data-testid="preview" data-pending={pending} aria-busy={pending} className="rounded-md border border-line bg-bg/60 px-2.5 py-2">
      <h3 className="label mb-1 flex justify-between">{t("ticket.preview")}<span>{currency}</span></h3>
      {!online ? (
        <p className="text-xs text-ink-3">{t("ticket.offline")}</p>
      ) : fault ? (
        <p role="alert" className="text-xs text-crit">{fault}</p>
      ) : !complete ? (
        <p className="text-xs text-ink-3">{t("ticket.previewWait")}</p>
      ) : error && !preview ? (
        <p role="alert" className="text-xs text-crit">{t("ticket.previewFailed", { what: whole(explainProblem(error, t, language)) })}</p>
      ) : (
        <>
          <dl className={`grid grid-cols-2 gap-x-4 gap-y-1 text-xs ${pending ? "old" : ""}`}>
            <Fact name={t("ticket.pv.margin")} testid="pv-margin">{money(preview?.margin_order ?? null)}</Fact>
            <Fact name={t("ticket.pv.free")} bad={signOf(preview?.free_after) < 0}>{money(preview?.free_after ?? null)}</Fact>
            <Fact name={t("ticket.pv.level")}>{preview?.level_after_pct ? `${formatDecimal(cutPercent(preview.level_after_pct), language)} %` : "–"}</Fact>
            <Fact name={t("ticket.pv.net")}>{formatDecimal(preview?.net_after, language, { sign: true })}</Fact>
            <Fact name={t("ticket.pv.loss")} wide>{preview && preview.loss_at_stop === null ? <span className="text-ink-3">{t("ticket.pv.noStop")}</span> : money(preview?.loss_at_stop ?? null)}</Fact>
            <Fact name={t("ticket.pv.used")} wide>
              {money(preview?.used_before ?? null)} <span className="text-ink-3">→</span> {money(preview?.used_after ?? null)}
            </Fact>
            {preview?.rule && <Fact name={t("ticket.pv.rule")} wide testid="pv-rule">{ruleText(preview.rule, t, language)}</Fact>}
          </dl>
          {preview && atOnce(preview, kind) && (
            <p data-testid="at-once" className="mt-2 flex gap-1.5 border-t border-line pt-2 text-xs text-warn"><Icon name="alert" size={13} className="mt-px shrink-0" />{t(atOnce(preview, kind)!)}</p>
          )}
          {preview && preview.reasons.length > 0 && (
            <div className="mt-2 border-t border-line pt-2">
              <Refusals title={t("ticket.reasons")} reasons={preview.reasons} />
            </div>
          )}
        </>
      )}
    </section>
  );
}

/** The title says that a field is wrong, the detail what is wrong with it. */
const whole = ({ text, detail }: { text: string; detail: string }): string => [text, detail].filter(Boolean).join(": ");

function Fact({ name, children, bad, wide, testid }: { name: string; children: ReactNode; bad?: boolean; wide?: boolean; testid?: string }) {
  return (
    <div className={wide ? "col-span-2 flex flex-wrap items-baseline justify-between gap-x-2" : "min-w-0"}>
      <dt className="text-2xs text-ink-3">{name}</dt>
      <dd data-testid={testid} className={`font-semibold break-words ${wide ? "ml-auto text-right" : ""} ${bad ? "text-crit" : ""}`}>{children}</dd>
    </div>
  );
}

/** Every reason of a refusal, each with what lifts it. */
export function Refusals({ title, reasons }: { title: string; reasons: Reason[] }) {
  const { language } = useSettings();
  return (
    <div data-testid="refusals" className="text-xs">
      <p className="mb-1 flex items-center gap-1.5 font-semibold text-crit"><Icon name="lock" size={13} />{title}</p>
      <ul className="space-y-1">
        {reasons.map((reason) => {
          const { title: what, lifts } = explainReason(reason, language);
          return (
            <li key={reason.code} data-reason={reason.name}>
              <span className="font-medium">{what}</span> <span className="text-2xs text-ink-3">{reason.code}</span>
              <span className="block text-ink-2">{lifts}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
