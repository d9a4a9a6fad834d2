import { afterEach, describe, expect, it, vi } from "vitest";
import type { TopicEvent } from "../stream/protocol";
import { ageMs, feedOf, feedTrouble, freshness, GAP_FLOOR_MS, QuoteBook, type LiveQuote } from "./quotes";

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
  expect(feedTrouble(quote({ state: "refused" }), "live")).toBe("lost");
});

it("follows the stream before the next reading of the list", () => {
  expect(feedOf(quote({ stale: "feed_down" }), "live")).toBe("delayed");
  expect(feedOf(quote({ stale: "feed_down" }), "unavailable")).toBe("unavailable");
  expect(feedOf(quote({ stale: "session_closed" }), "live")).toBe("closed");
  // Well again: what was read before it was counts no more.
  expect(feedOf(quote({}), "delayed")).toBe("live");
  expect(feedOf(quote({ state: "lost" }), "delayed")).toBe("delayed");
  expect(feedOf(undefined, "unavailable")).toBe("unavailable");
  // A price that is old without a fault of its feed is no trouble of the feed.
  expect(feedOf(quote({ stale: "price_idle" }), "live")).toBe("live");
});

describe("the book", () => {
  const setup = () => {
    vi.useFakeTimers();
    vi.stubGlobal("requestAnimationFrame", (task: () => void) => setTimeout(task, 16));
    const listens: string[] = [];
    const leaves: string[] = [];
    let say: (event: TopicEvent) => void = () => undefined;
    const book = new QuoteBook({
      listen: (_channel, sym, listener) => {
        listens.push(sym);
        say = listener;
        return () => leaves.push(sym);
      },
    });
    const tick = (bid: string, seq: number) => say({ kind: "data", sym: "A", data: { bid, ask: "9", spread_points: "1", feed: "live", day_change_pct: null }, times: { te: 1, ti: 2, to: 3 }, seq, merged: 1, snapshot: false });
    return { book, listens, leaves, tick, say: (event: TopicEvent) => say(event) };
  };
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("draws the newest of many ticks once per frame, with its direction", () => {
    const { book, tick } = setup();
    const seen: [string | undefined, number][] = [];
    book.watch("A", (quote) => seen.push([quote.data?.bid, quote.bidMove]));
    tick("1.1", 1);
    vi.advanceTimersByTime(20);
    for (const [index, bid] of ["1.2", "1.3", "1.25"].entries()) tick(bid, 2 + index);
    vi.advanceTimersByTime(20);
    expect(seen).toEqual([["1.1", 0], ["1.25", -1]]);
  });

  it("keeps one subscription for all watchers and through a short absence", () => {
    const { book, listens, leaves } = setup();
    const first = book.watch("A", () => undefined);
    const second = book.watch("A", () => undefined);
    first();
    second();
    vi.advanceTimersByTime(1_000);
    const third = book.watch("A", () => undefined);
    vi.advanceTimersByTime(5_000);
    expect([listens, leaves]).toEqual([["A"], []]);
    third();
    vi.advanceTimersByTime(5_000);
    expect(leaves).toEqual(["A"]);
  });

  it("marks a price that nobody has followed since, for whoever looks again", () => {
    const { book, tick } = setup();
    const leave = book.watch("A", () => undefined);
    tick("1.1", 1);
    leave();
    vi.advanceTimersByTime(5_000);
    const seen: (string | undefined)[] = [];
    book.watch("A", ({ state, data }) => seen.push(state, data?.bid));
    expect(seen).toEqual(["lost", "1.1"]);
    tick("1.2", 2);
    expect(book.get("A")!.state).toBe("live");
  });

  it("forgets after a break what was wrong with the feed before it: the server says what still is", () => {
    const { book, tick, say } = setup();
    book.watch("A", () => undefined);
    tick("1.1", 1);
    say({ kind: "health", sym: "A", stale: true, reason: "session_closed" });
    say({ kind: "state", state: "lost" });
    say({ kind: "state", state: "live" });
    expect([book.get("A")?.state, book.get("A")?.stale]).toEqual(["live", null]);
    say({ kind: "health", sym: "A", stale: true, reason: "feed_down" });
    expect(book.get("A")?.stale).toBe("feed_down");
  });

  it("keeps the last price of a lost stream, marked", () => {
    const { book, tick, say } = setup();
    book.watch("A", () => undefined);
    tick("1.1", 1);
    say({ kind: "state", state: "lost" });
    expect(book.get("A")).toMatchObject({ state: "lost", data: { bid: "1.1" } });
    tick("1.2", 2);
    expect(book.get("A")!.state).toBe("live");
  });
});
