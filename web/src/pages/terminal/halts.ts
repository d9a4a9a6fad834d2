import type { DeskHalt } from "../../api/types";

const KEY = "siaga.halts";

/** One halt, told apart from a later one of the same instrument. */
export const haltKey = (halt: DeskHalt): string => `${halt.symbol}@${halt.since}`;

/** Halts that nobody has confirmed in this browser. */
export const unconfirmed = (halts: readonly DeskHalt[], confirmed: ReadonlySet<string>): DeskHalt[] => halts.filter((halt) => !confirmed.has(haltKey(halt)));

/** Halts that wait for a person now. */
export const waiting = (halts: readonly DeskHalt[]): DeskHalt[] => halts.filter((halt) => halt.awaiting_resume);

/** Halts that only a person lifts, sooner or later. */
export const byPerson = (halts: readonly DeskHalt[]): DeskHalt[] => halts.filter((halt) => halt.by_person);

export const symbolsOf = (halts: readonly DeskHalt[]): string => halts.map((halt) => halt.symbol).join(", ");

/** What was confirmed in this browser, over reloads. */
export function readConfirmed(store: Pick<Storage, "getItem">): Set<string> {
  try {
    const kept: unknown = JSON.parse(store.getItem(KEY) ?? "[]");
    return new Set(Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : []);
  } catch {
    // What cannot be read was not confirmed: the warning comes once more.
    return new Set();
  }
}

/** Keeps the halts in force as confirmed; those that are over are forgotten. */
export function keepConfirmed(store: Pick<Storage, "setItem">, halts: readonly DeskHalt[]): Set<string> {
  const keys = halts.map(haltKey);
  try {
    store.setItem(KEY, JSON.stringify(keys));
  } catch {
    // A browser that keeps nothing asks again after a reload.
  }
  return new Set(keys);
}
