import { expect, it } from "vitest";
import type { CaseStatus } from "../api/aml";
import { choiceOf } from "./decision";

const found = (decided_by: string) => ({ decision: "same" as const, decided_by });

it("lets anybody decide on what nobody has, and on nothing that was found to be somebody else", () => {
  expect(choiceOf({ decision: "open", decided_by: null }, "investigating", "me")).toBe("decide");
  expect(choiceOf({ decision: "other", decided_by: "another" }, "investigating", "me")).toBe("none");
});

it("has another person take back that it is the client", () => {
  for (const status of ["open", "investigating", "escalated"] satisfies CaseStatus[]) {
    expect(choiceOf(found("another"), status, "me"), status).toBe("takeBack");
    expect(choiceOf(found("me"), status, "me"), status).toBe("ownWord");
  }
});

it("asks for a confirmed case to be opened first, and leaves a reported one", () => {
  expect(choiceOf(found("another"), "confirmed", "me")).toBe("caseClosed");
  expect(choiceOf(found("me"), "confirmed", "me")).toBe("ownWord");
  expect(choiceOf(found("another"), "reported", "me")).toBe("none");
});
