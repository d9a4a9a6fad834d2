import { expect, it } from "vitest";
import type { DeskHalt } from "../../api/types";
import { byPerson, keepConfirmed, readConfirmed, unconfirmed, waiting } from "./halts";

const halt = (symbol: string, since: number, change: Partial<DeskHalt> = {}): DeskHalt => ({ symbol, since, awaiting_resume: false, by_person: false, ...change });

function memory() {
  const kept = new Map<string, string>();
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
}

it("warns of a halt once, over reloads, and of the next one of the same instrument again", () => {
  const store = memory();
  const first = halt("EUR/USD", 1);
  expect(unconfirmed([first], readConfirmed(store))).toEqual([first]);
  keepConfirmed(store, [first]);
  expect(unconfirmed([first], readConfirmed(store))).toEqual([]);
  // That it waits for a person by now makes it no other halt.
  expect(unconfirmed([{ ...first, awaiting_resume: true }], readConfirmed(store))).toEqual([]);
  const next = halt("EUR/USD", 2);
  expect(unconfirmed([next, halt("XAU/USD", 1)], readConfirmed(store))).toHaveLength(2);
});

it("warns again when what was kept cannot be read, and goes on where nothing can be kept", () => {
  expect(readConfirmed({ getItem: () => "{" }).size).toBe(0);
  expect(readConfirmed({ getItem: () => "{}" }).size).toBe(0);
  const full = { setItem: () => { throw new Error("full"); } };
  expect(keepConfirmed(full, [halt("EUR/USD", 1)]).size).toBe(1);
});

it("knows which halts wait for a person", () => {
  const all = [halt("A", 1), halt("B", 1, { by_person: true }), halt("C", 1, { by_person: true, awaiting_resume: true })];
  expect(waiting(all).map((one) => one.symbol)).toEqual(["C"]);
  expect(byPerson(all).map((one) => one.symbol)).toEqual(["B", "C"]);
});
