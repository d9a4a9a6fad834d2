import { Problem } from "../api/client";
import type { Language } from "../format/decimal";
import type { Translate } from "../i18n";
import { problemTitle } from "../i18n/problems";
import { explainReason } from "../i18n/reasons";

/** What a person reads when a call failed: every reason with what lifts it, or the network's fault. */
export function explainProblem(error: unknown, t: Translate, language: Language): { text: string; detail: string } {
  if (!(error instanceof Problem)) return { text: String(error), detail: "" };
  if (error.status === 0) return { text: t(error.title.includes("time") ? "error.timeout" : "error.unreachable"), detail: "" };
  if (error.reasons.length > 0) {
    const lines = error.reasons.map((reason) => explainReason(reason, language));
    return { text: `${t("ticket.refused")}: ${lines.map((line) => line.title).join(" · ")}`, detail: lines.map((line) => line.lifts).join(" ") };
  }
  return { text: problemTitle(error.problemName, error.title, language), detail: error.detail };
}
