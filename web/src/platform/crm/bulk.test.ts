import { describe, expect, it } from "vitest";
import { Problem } from "../../api/client";
import type { LeadMove, Stage } from "../api/crm";
import { askAll, each, targets } from "./bulk";

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

describe("one after the other", () => {
  it("goes on after a refusal and tells who was refused why", async () => {
    const stale = refusal(412);
    const steps: number[] = [];
    const result = await each(["a", "b", "c"], async (item) => (item === "b" ? Promise.reject(stale) : undefined), (step) => steps.push(step));
    expect(result).toEqual({ done: ["a", "c"], refused: [{ item: "b", error: stale }] });
    expect(steps).toEqual([1, 2, 3]);
  });

  it("tries no more when nothing gets through", async () => {
    for (const status of [0, 401, 429]) {
      const tried: string[] = [];
      const result = await each(["a", "b", "c"], async (item) => {
        tried.push(item);
        if (item === "b") throw refusal(status);
      });
      expect(tried).toEqual(["a", "b"]);
      expect([result.done, result.refused.map(({ item }) => item)]).toEqual([["a"], ["b", "c"]]);
    }
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
