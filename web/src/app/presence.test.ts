import { expect, it, vi } from "vitest";
import { ATTENDED_MS, IDLE_MS, isAttended, isPresent, watchPresence } from "./presence";

it("tells who acts from who only has the page open", () => {
  const acts = new Map<string, () => void>();
  vi.stubGlobal("addEventListener", (event: string, act: () => void) => void acts.set(event, act));
  let now = 1_000;
  watchPresence(() => now);
  expect(isAttended(now + ATTENDED_MS - 1)).toBe(true);
  expect([isAttended(now + ATTENDED_MS), isPresent(now + ATTENDED_MS)]).toEqual([false, true]);
  expect(isPresent(now + IDLE_MS)).toBe(false);
  now += IDLE_MS;
  acts.get("keydown")?.();
  expect([isAttended(now), isPresent(now)]).toEqual([true, true]);
  vi.unstubAllGlobals();
});
