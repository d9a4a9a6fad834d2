import { Problem } from "../api/client";
import { explainProblem } from "../app/explain";
import type { Language } from "../format/decimal";
import { translate } from "../i18n";
import { faultText } from "./i18n/faults";

/** What happened, and what to do about it. */
export interface Told {
  text: string;
  detail: string;
}

/** A refusal of the platform in the reader's language; what the desk or the network says is told as everywhere. */
export function explainFault(error: unknown, language: Language): Told {
  const known = error instanceof Problem && error.status !== 0 && error.reasons.length === 0 ? faultText(error.problemName) : undefined;
  if (!known || language === "en") {
    return explainProblem(error, (key, values) => translate(language, key, values), language);
  }
  return { text: known.title, detail: known.todo };
}

/** Seconds to wait, or `null` when it may be tried at once. */
export const waitOf = (error: unknown): number | null => (error instanceof Problem ? error.retryAfter : null);

/** The field that the server found wrong, and why. */
export function wrongField(error: unknown, field: string, language: Language): string | null {
  return error instanceof Problem && error.field === field ? explainFault(error, language).detail || explainFault(error, language).text : null;
}
