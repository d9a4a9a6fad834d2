import { expect, it } from "vitest";
import { cashStepsOf, stepsOf } from "./steps";

it("offers the steps that the server names, by the step or by the state it leads to", () => {
  expect(stepsOf(["return", "approve"])).toEqual(["return", "approve"]);
  expect(stepsOf(["draft", "approved"])).toEqual(["return", "approve"]);
  expect(cashStepsOf(["approved", "rejected", "held"])).toEqual(["approve", "reject", "hold"]);
});

it("offers each once, and nothing it does not know", () => {
  expect(stepsOf(["submit", "submitted", "shred"])).toEqual(["submit"]);
  expect(cashStepsOf([])).toEqual([]);
});
