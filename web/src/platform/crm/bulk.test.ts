import { describe, expect, it } from "vitest";
import { Problem } from "../../api/client";
import type { LeadMove, Stage } from "../api/crm";
import { askAll, outcome, targets, type Refused } from "./bulk";

const way = (stage: Stage, needs_reason = false, by_hand = true): LeadMove => ({ stage, by_hand, needs_reason });
const refusal = (status: number) => new Problem(status, "no", "", 11_000, "conflict");

describe("where several can go", () => {
  it("is told for each stage, in the order of the stages, with who can go there", () => {
    const found = targets(new Map([["a", [way("interested"), way("contacted")]], ["b", [way("contacted", true), way("kyc", false, false)]]]));
    expect(found).toEqual([
      { stage: "contacted", ids: ["a", "b"], needsReason: true },
      { stage: "interested", ids: ["a"], needsReason: false },
    ]);
  });

  it("is nowhere when none may be moved by hand", () => {
    expect(targets(new Map([["a", []], ["b", [way("active", false, false)]]]))).toEqual([]);
  });
});

describe("what became of several", () => {
  const stale = { type: "/problems/stale", title: "It changed since you looked", status: 412, code: 11_005, name: "stale", detail: "read it again", doc: "" };

  it("is told for each: who was done, and why the others were not", () => {
    const sent = ["a", "b", "c"].map((id) => ({ id }));
    const { done, refused } = outcome(sent, [{ lead_id: "a", done: true, problem: null }, { lead_id: "b", done: false, problem: stale }, { lead_id: "c", done: true, problem: null }]);
    expect(done).toEqual([{ id: "a" }, { id: "c" }]);
    expect(refused.map(({ item }) => item.id)).toEqual(["b"]);
    const [{ error }] = refused as [Refused<{ id: string }>];
    expect([error.status, error.title, error.detail, error.code, error.problemName]).toEqual([412, "It changed since you looked", "read it again", 11_005, "stale"]);
  });

  it("takes one that the answer does not name for refused", () => {
    const { done, refused } = outcome([{ id: "a" }], []);
    expect([done, refused.length, refused[0]!.error instanceof Problem]).toEqual([[], 1, true]);
  });
});

it("asks a few at once and keeps the order", async () => {
  let now = 0;
  let most = 0;
  const answers = await askAll([5, 1, 4, 2, 3, 0], async (item) => {
    most = Math.max(most, ++now);
    await new Promise((done) => setTimeout(done, item));
    now -= 1;
    return item * 10;
  });
  expect(answers).toEqual([50, 10, 40, 20, 30, 0]);
  expect(most).toBe(4);
  await expect(askAll([1, 2], async () => Promise.reject(refusal(404)))).rejects.toBeInstanceOf(Problem);
  expect(await askAll([], async () => 1)).toEqual([]);
});
