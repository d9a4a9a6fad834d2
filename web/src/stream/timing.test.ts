import { expect, it } from "vitest";
import { backoffMs, BACKOFF_MAX_MS, BACKOFF_MIN_MS, clockOffset } from "./timing";

it("waits longer each time, within its bounds, never the same for everybody", () => {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    for (const random of [0, 0.5, 0.999]) {
      const wait = backoffMs(attempt, random);
      expect(wait).toBeGreaterThanOrEqual(BACKOFF_MIN_MS);
      expect(wait).toBeLessThanOrEqual(BACKOFF_MAX_MS);
    }
  }
  expect(backoffMs(3, 0.1)).toBeLessThan(backoffMs(3, 0.9));
  expect(backoffMs(5, 0.5)).toBeGreaterThan(backoffMs(2, 0.5));
});

it("trusts the echo with the shortest way", () => {
  const slow = { sentMs: 0, receivedMs: 400, serverUs: 900_000 };
  const quick = { sentMs: 1_000, receivedMs: 1_002, serverUs: 1_501_000 };
  expect(clockOffset([slow, quick])).toEqual({ offsetUs: 500_000, roundTripMs: 2 });
  expect(clockOffset([])).toEqual({});
});
