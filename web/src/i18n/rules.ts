import type { Alert, AlertText, Evidence, Statement } from "../api/types";
import type { Language } from "../format/decimal";

/** What an alert says in the reader's language. */
export function alertText(alert: Alert, language: Language): AlertText {
  return alert.texts[language];
}

/** What it stands on, in the reader's language. */
export function statementOf(evidence: Evidence, language: Language): Statement {
  return evidence.texts[language];
}
