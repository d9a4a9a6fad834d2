import { expect, it } from "vitest";
import { changesOf, filterQuery, NO_FILTER, readFilter } from "./changes";

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
