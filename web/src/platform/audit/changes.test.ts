import { expect, it } from "vitest";
import { changesOf, endsBefore, filterQuery, instantOf, localOf, NO_FILTER, readFilter } from "./changes";

it("sets what was beside what became of it, also where a field came or went", () => {
  const row = { before: { stage: "new", owner: null, old: "x" }, after: { stage: "demo", owner: "u", limit: 12_500, urgent: true } };
  expect(changesOf(row, "id")).toEqual([
    { field: "stage", before: "new", after: "demo" },
    { field: "owner", before: null, after: "u" },
    { field: "old", before: "x", after: null },
    { field: "limit", before: null, after: "12.500" },
    { field: "urgent", before: null, after: "✓" },
  ]);
});

it("has nothing to show of a row that only says that somebody looked", () => {
  expect(changesOf({ before: null, after: null }, "en")).toEqual([]);
});

it("writes times as moments and what has parts as it came", () => {
  const [at, filter] = changesOf({ before: null, after: { due_us: 1_744_156_800_000_000, filter: { entity: "lead" } } }, "en");
  expect(at!.after).toMatch(/Apr/);
  expect(filter!.after).toBe('{"entity":"lead"}');
});

it("keeps a filter in the address and reads it from there", () => {
  const filter = { ...NO_FILTER, entity: "kyc_case", actor: "core:7 " };
  expect(filterQuery(filter)).toBe("?entity=kyc_case&actor=core%3A7");
  expect(readFilter(filterQuery(filter))).toEqual({ ...filter, actor: "core:7" });
  expect(filterQuery(NO_FILTER)).toBe("");
  expect(readFilter("?other=1")).toEqual(NO_FILTER);
});

it("takes a time as the field gives it, sends the instant, and shows it again", () => {
  const from = instantOf("2026-11-29T19:30");
  expect(Number(from)).toBe(new Date(2026, 10, 29, 19, 30).getTime() * 1_000);
  expect(localOf(from)).toBe("2026-11-29T19:30");
  expect(readFilter(filterQuery({ ...NO_FILTER, from }))).toEqual({ ...NO_FILTER, from });
  for (const none of ["", "yesterday", "-5"]) expect([instantOf(none), localOf(none)], none).toEqual(["", ""]);
  expect(readFilter("?from=yesterday&to=1e9")).toEqual(NO_FILTER);
});

it("sees that nothing lies between an end and a later beginning", () => {
  expect(endsBefore({ from: "2000", to: "1000" })).toBe(true);
  expect(endsBefore({ from: "1000", to: "1000" })).toBe(true);
  expect(endsBefore({ from: "999", to: "1000" })).toBe(false);
  expect(endsBefore({ from: "", to: "1000" })).toBe(false);
});
