import { expect, it } from "vitest";
import { Problem } from "../api/client";
import { isCurrent, isOnline, isTold } from "./online";

it("is online only while the stream is open", () => {
  expect((["offline", "connecting", "hello", "open", "stopped"] as const).map((phase) => isOnline({ phase }))).toEqual([false, false, false, true, false]);
});

it("is current only while the stream goes on", () => {
  expect((["waiting", "live", "lost", "refused"] as const).map(isCurrent)).toEqual([false, true, false, false]);
});

it("tells once that the server cannot be reached", () => {
  const unreachable = new Problem(0, "the server cannot be reached", "");
  expect(isTold(unreachable, false)).toBe(true);
  // The stream goes on, so no banner says it.
  expect(isTold(unreachable, true)).toBe(false);
  expect(isTold(new Problem(500, "internal", ""), false)).toBe(false);
});
