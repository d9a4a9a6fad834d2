import { describe, expect, it } from "vitest";
import type { Board, Column, ColumnId, Lead, LeadMove, Stage } from "../api/crm";
import { columnOf, COLUMNS, excess, moveTo, nextColumn, STAGES, withEach, withLead, withMore, withMove } from "./columns";

const lead = (id: string, stage: Stage, more: Partial<Lead> = {}): Lead => ({
  id, user_id: null, subject_id: null, stage, column: columnOf(stage), status: "open", stage_since: 0, due_at: null, overdue: false, score: 0, band: "none", hot: false, name: id, phone: null, email: null, city: null,
  sight: "clear", source: null, channel: null, territory: null, interests: [], assigned_to: null, team_id: null, merged_into: null, reason: null, created_at: 0, updated_at: 0, revision: 1, ...more,
});
const column = (id: ColumnId, cards: Lead[], total = cards.length): Column => ({ column: id, title: id, total, hot: cards.filter((card) => card.hot).length, overdue: cards.filter((card) => card.overdue).length, limit: null, stages: [], cards, next: null });
const board = (cards: Lead[]): Board => ({ at: 0, columns: COLUMNS.map((id) => column(id, cards.filter((card) => card.column === id))) });
const ids = (given: Board, id: ColumnId) => given.columns.find((one) => one.column === id)!.cards.map((card) => card.id);
const total = (given: Board, id: ColumnId) => given.columns.find((one) => one.column === id)!.total;
const byHand = (...stages: Stage[]): LeadMove[] => stages.map((stage) => ({ stage, by_hand: true, needs_reason: false }));

describe("columns over stages", () => {
  it("puts each of the eight stages into one of the six columns", () => {
    expect(STAGES.map(columnOf)).toEqual(["new", "contacted", "interested", "demo", "kyc", "verified", "verified", "verified"]);
    expect([...new Set(STAGES.map(columnOf))]).toEqual(COLUMNS);
  });

  it("takes the earliest stage of a column that the server allows by hand", () => {
    expect(moveTo("verified", byHand("active", "deposit"))?.stage).toBe("deposit");
    expect(moveTo("verified", [{ stage: "verified", by_hand: false, needs_reason: false }])).toBeUndefined();
    expect(moveTo("demo", byHand("interested"))).toBeUndefined();
  });

  it("passes over columns where the lead may not go, and always leads home", () => {
    const moves = byHand("interested", "kyc");
    expect(nextColumn("contacted", 1, "contacted", moves)).toBe("interested");
    expect(nextColumn("interested", 1, "contacted", moves)).toBe("kyc");
    expect(nextColumn("kyc", 1, "contacted", moves)).toBe("kyc");
    expect(nextColumn("interested", -1, "contacted", moves)).toBe("contacted");
    expect(nextColumn("contacted", -1, "contacted", moves)).toBe("contacted");
  });
});

describe("a move that is shown before the answer", () => {
  it("carries the card and what it counts for", () => {
    const before = board([lead("a", "new", { hot: true, overdue: true }), lead("b", "contacted")]);
    const after = withMove(before, before.columns[0]!.cards[0]!, "contacted");
    expect([ids(after, "new"), ids(after, "contacted")]).toEqual([[], ["a", "b"]]);
    expect(after.columns.slice(0, 2).map(({ total: all, hot, overdue }) => [all, hot, overdue])).toEqual([[0, 0, 0], [2, 1, 0]]);
    expect(ids(before, "new")).toEqual(["a"]);
  });

  it("leaves a board alone when the column stays the same", () => {
    const before = board([lead("a", "verified")]);
    expect(withMove(before, before.columns[5]!.cards[0]!, "deposit")).toBe(before);
  });

  it("never counts below nothing", () => {
    const before = { at: 0, columns: COLUMNS.map((id) => column(id, id === "new" ? [lead("a", "new")] : [], 0)) };
    expect(total(withMove(before, lead("a", "new"), "demo"), "new")).toBe(0);
  });
});

it("replaces a card by the server's, and takes it from where it no longer stands", () => {
  const before = board([lead("a", "new"), lead("b", "demo")]);
  expect(withLead(before, lead("a", "new", { revision: 7 })).columns[0]!.cards[0]!.revision).toBe(7);
  expect(ids(withLead(before, lead("a", "demo")), "new")).toEqual([]);
});

it("carries several cards at once, and shows what was done where they stand", () => {
  const before = board([lead("a", "new", { hot: true }), lead("b", "contacted"), lead("c", "new")]);
  const chosen = before.columns.flatMap((one) => one.cards).filter((card) => card.id !== "c");
  const moved = withEach(before, chosen, (card) => ({ ...card, stage: "demo", column: "demo" }));
  expect([ids(moved, "new"), ids(moved, "contacted"), ids(moved, "demo").sort()]).toEqual([["c"], [], ["a", "b"]]);
  expect([total(moved, "new"), total(moved, "contacted"), total(moved, "demo")]).toEqual([1, 0, 2]);
  const given = withEach(before, chosen, (card) => ({ ...card, assigned_to: "ayu" }));
  expect(given.columns[0]!.cards.map((card) => card.assigned_to)).toEqual(["ayu", null]);
  expect(total(given, "new")).toBe(2);
});

it("tells too much in progress from what a column may hold", () => {
  expect([excess({ total: 41, limit: 40 }), excess({ total: 40, limit: 40 }), excess({ total: 900, limit: null })]).toEqual([1, null, null]);
});

it("appends the next page once", () => {
  const before = board([lead("a", "new")]);
  const after = withMore(before, "new", [lead("a", "new"), lead("c", "new")], "more");
  expect(ids(after, "new")).toEqual(["a", "c"]);
  expect(after.columns[0]!.next).toBe("more");
});
