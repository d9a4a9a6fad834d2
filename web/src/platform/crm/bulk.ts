import { problemOf, type Problem } from "../../api/client";
import type { LeadMove, Stage, Verdict } from "../api/crm";
import { STAGES } from "./columns";

/** Cards chosen at a time: each is asked about on its own, where it may go. */
export const CHOSEN_MAX = 50;
/** Questions on their way at once. */
const ASKED_MAX = 4;

/** A stage, and which of the chosen can go there by hand. */
export interface Target {
  stage: Stage;
  ids: string[];
  /** At least one of them has to say why. */
  needsReason: boolean;
}

/** Where the chosen can go, in the order of the stages. */
export function targets(moves: ReadonlyMap<string, readonly LeadMove[]>): Target[] {
  return STAGES.map((stage) => {
    const open = [...moves].flatMap(([id, each]) => each.filter((move) => move.stage === stage && move.by_hand).map((move) => ({ id, move })));
    return { stage, ids: open.map(({ id }) => id), needsReason: open.some(({ move }) => move.needs_reason) };
  }).filter(({ ids }) => ids.length > 0);
}

export interface Refused<T> {
  item: T;
  error: Problem;
}

/** Who of those that were sent was done, and why the others were not; one that the answer does not name was not done. */
export function outcome<T extends { id: string }>(sent: readonly T[], verdicts: readonly Verdict[]): { done: T[]; refused: Refused<T>[] } {
  const said = new Map(verdicts.map((verdict) => [verdict.lead_id, verdict]));
  const isDone = ({ id }: T) => said.get(id)?.done === true;
  return { done: sent.filter(isDone), refused: sent.filter((item) => !isDone(item)).map((item) => ({ item, error: problemOf(said.get(item.id)?.problem) })) };
}

/** Asks about each, a few at once; answers come in the order of the questions. */
export async function askAll<T, A>(items: readonly T[], ask: (item: T) => Promise<A>): Promise<A[]> {
  const answers = new Array<A>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      answers[at] = await ask(items[at]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(ASKED_MAX, items.length) }, worker));
  return answers;
}
