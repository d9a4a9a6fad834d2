import type { CaseHit, CaseStatus } from "../api/aml";

/** What somebody can do with a hit: decide on it, take back that it is the client, or why they cannot. */
export type HitChoice = "decide" | "takeBack" | "ownWord" | "caseClosed" | "none";

const LIVE: readonly CaseStatus[] = ["open", "investigating", "escalated"];

/** That a hit is the client is taken back by another person than who found it, in a case that is under way. Reported ones stay. */
export function choiceOf({ decision, decided_by }: Pick<CaseHit, "decision" | "decided_by">, status: CaseStatus, me: string | null): HitChoice {
  if (decision === "open") return "decide";
  if (decision === "other" || status === "reported") return "none";
  if (me !== null && decided_by === me) return "ownWord";
  return LIVE.includes(status) ? "takeBack" : "caseClosed";
}
