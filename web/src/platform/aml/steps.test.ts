import { expect, it } from "vitest";
import { cashStepsOf, stepsOf } from "./steps";

it("offers the steps that the server names, each once and in the order of the buttons", () => {
  expect(stepsOf(["approve", "return", "edit"])).toEqual(["return", "approve"]);
  expect(cashStepsOf(["reject", "hold", "approve"])).toEqual(["approve", "hold", "reject"]);
});

it("offers nothing that it does not know", () => {
  expect(stepsOf(["shred", "submit", "submit"])).toEqual(["submit"]);
  expect(cashStepsOf([])).toEqual([]);
});
