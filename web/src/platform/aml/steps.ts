import type { CashStep, ReportStep } from "../api/aml";

const REPORT_STEPS: readonly ReportStep[] = ["submit", "return", "approve", "filed"];
const CASH_STEPS: readonly CashStep[] = ["approve", "confirm", "release", "hold", "reject", "cancel"];

/** Steps of a report that are open to this person, in the order of their buttons; a later word of the server is no step that this page knows. */
export const stepsOf = (moves: readonly string[]): ReportStep[] => REPORT_STEPS.filter((step) => moves.includes(step));
export const cashStepsOf = (moves: readonly string[]): CashStep[] => CASH_STEPS.filter((step) => moves.includes(step));
