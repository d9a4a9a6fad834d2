import { expect, it } from "vitest";
import { ageMs, feedTrouble, freshness, GAP_FLOOR_MS, type LiveQuote } from "./quotes";

const quote = (change: Partial<LiveQuote>): LiveQuote => ({
  symbol: "A",
  data: { bid: "1", ask: "2", spread_points: "1", feed: "live", day_change_pct: null },
  te: 0, ti: 1_000_000, to: 1_250_000, heardMs: 5_000, seq: 1, state: "live", stale: null, bidMove: 0, askMove: 0,
  ...change,
});

it("is amber at twice and red at five times the symbol's usual gap", () => {
  expect([1_999, 2_000, 4_999, 5_000].map((age) => freshness(age, 1_000))).toEqual(["fresh", "amber", "amber", "red"]);
});

it("does not call a quick symbol stale for the stream's own rhythm", () => {
  expect(freshness(2 * GAP_FLOOR_MS - 1, 5)).toBe("fresh");
  expect(freshness(5 * GAP_FLOOR_MS, 5)).toBe("red");
});

it("counts the age that the price had when it left the server", () => {
  expect(ageMs(quote({}), 5_100)).toBe(350);
});

it("names the worst that is known of a feed", () => {
  expect(feedTrouble(quote({}), "live")).toBeNull();
  expect(feedTrouble(undefined, "delayed")).toBe("delayed");
  expect(feedTrouble(quote({ stale: "session_closed" }), "live")).toBe("closed");
  expect(feedTrouble(quote({ state: "lost" }), "live")).toBe("lost");
});
