import { Problem } from "../../api/client";
import type { LeadMove, Stage } from "../api/crm";
import { STAGES } from "./columns";

/** Cards chosen at a time; each is a request of its own. */
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
  error: unknown;
}

/** Does one after the other and goes on after a refusal; where nothing gets through any more the rest is not tried. */
export async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>, onStep: (done: number) => void = () => undefined): Promise<{ done: T[]; refused: Refused<T>[] }> {
  const done: T[] = [];
  const refused: Refused<T>[] = [];
  for (const [at, item] of items.entries()) {
    try {
      await work(item);
      done.push(item);
    } catch (error) {
      if (hopeless(error)) return { done, refused: [...refused, ...items.slice(at).map((rest) => ({ item: rest, error }))] };
      refused.push({ item, error });
    }
    onStep(at + 1);
  }
  return { done, refused };
}

/** No answer, no session, or too many requests: the next would end the same way. */
const hopeless = (error: unknown): boolean => error instanceof Problem && [0, 401, 429].includes(error.status);

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
