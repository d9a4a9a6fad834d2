import type { CashStep, ReportStep } from "../api/aml";

/** The server names what may come next by the step, or by the state that the step leads to. */
const REPORT_STEPS: Record<string, ReportStep> = { submit: "submit", submitted: "submit", return: "return", draft: "return", approve: "approve", approved: "approve", filed: "filed", file: "filed" };
const CASH_STEPS: Record<string, CashStep> = {
  approve: "approve", approved: "approve", confirm: "confirm", confirmed: "confirm", reject: "reject", rejected: "reject", cancel: "cancel", cancelled: "cancel", hold: "hold", held: "hold", release: "release", requested: "release",
};

const known = <T>(table: Record<string, T>, moves: readonly string[]): T[] => [...new Set(moves.flatMap((move) => (table[move] === undefined ? [] : [table[move]])))];

/** Steps of a report that are open to this person; a later word is no step that this page knows. */
export const stepsOf = (moves: readonly string[]): ReportStep[] => known(REPORT_STEPS, moves);
export const cashStepsOf = (moves: readonly string[]): CashStep[] => known(CASH_STEPS, moves);
