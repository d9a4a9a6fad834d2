import type { FeedState, QuoteData } from "../api/types";
import type { StreamClient } from "../stream/client";
import { nowMs } from "../stream/client";
import type { TopicEvent, TopicState } from "../stream/protocol";

/** The newest price of a symbol as the page draws it. Held outside React: a tick touches two text nodes, not a component tree. */
export interface LiveQuote {
  symbol: string;
  data: QuoteData | null;
  te: number;
  ti: number;
  to: number;
  /** Our clock when the frame came, milliseconds. */
  heardMs: number;
  seq: number;
  state: TopicState;
  /** The server's judgement of the feed, newer than the one in the quote when set. */
  stale: string | null;
  /** Direction of the last change of the bid and of the ask. */
  bidMove: -1 | 0 | 1;
  askMove: -1 | 0 | 1;
}

export type QuoteWatcher = (quote: LiveQuote) => void;

/** Below this, a conflated stream would look stale although every price arrives. */
export const GAP_FLOOR_MS = 250;
/** Without a known rhythm of the symbol. */
export const GAP_UNKNOWN_MS = 2_000;

/** A part of the page that is drawn anew or scrolled back within this time costs no new subscription. */
const GRACE_MS = 2_000;

export type Freshness = "fresh" | "amber" | "red";

/** Amber at twice, red at five times the symbol's usual time between quotes. */
export function freshness(ageMs: number, usualGapMs: number | null | undefined): Freshness {
  const gap = usualGapMs ? Math.max(usualGapMs, GAP_FLOOR_MS) : GAP_UNKNOWN_MS;
  return ageMs >= 5 * gap ? "red" : ageMs >= 2 * gap ? "amber" : "fresh";
}

/** Age of the price when it left the server, and the time since then on our clock: needs no common clock. */
export function ageMs(quote: LiveQuote, now: number): number {
  if (!quote.data) return 0;
  return Math.max(0, (quote.to - quote.ti) / 1_000) + (now - quote.heardMs);
}

/** Newest quotes by symbol; watchers are called once per frame of the screen, however many ticks came. */
export class QuoteBook {
  private readonly quotes = new Map<string, LiveQuote>();
  private readonly watchers = new Map<string, Set<QuoteWatcher>>();
  private readonly leave = new Map<string, () => void>();
  private readonly dirty = new Set<string>();
  private frame: number | undefined;

  constructor(private readonly stream: Pick<StreamClient, "listen">) {}

  get(symbol: string): LiveQuote | undefined {
    return this.quotes.get(symbol);
  }

  watch(symbol: string, watcher: QuoteWatcher): () => void {
    const set = this.watchers.get(symbol) ?? new Set();
    this.watchers.set(symbol, set);
    if (!this.leave.has(symbol)) this.leave.set(symbol, this.stream.listen("quote", symbol, (event) => this.onEvent(symbol, event)));
    set.add(watcher);
    const known = this.quotes.get(symbol);
    if (known) watcher(known);
    return () => {
      set.delete(watcher);
      if (set.size === 0) setTimeout(() => this.drop(symbol), GRACE_MS);
    };
  }

  private drop(symbol: string): void {
    if (this.watchers.get(symbol)?.size) return;
    this.watchers.delete(symbol);
    this.leave.get(symbol)?.();
    this.leave.delete(symbol);
    // Whoever looks again meets an old price, also where the stream does not come back.
    const known = this.quotes.get(symbol);
    if (known) this.quotes.set(symbol, { ...known, state: "lost" });
  }

  private onEvent(symbol: string, event: TopicEvent): void {
    const before = this.quotes.get(symbol) ?? blank(symbol);
    if (event.kind === "data") {
      const data = event.data as QuoteData;
      const { te = 0, ti = 0, to = 0 } = event.times;
      this.quotes.set(symbol, {
        symbol, data, te, ti, to,
        heardMs: nowMs(),
        seq: event.seq,
        state: "live",
        stale: event.snapshot ? null : before.stale,
        bidMove: move(before.data?.bid, data.bid, before.bidMove),
        askMove: move(before.data?.ask, data.ask, before.askMove),
      });
    } else if (event.kind === "state") {
      // A stream that goes on is judged anew: the server repeats what is still wrong, not what has become right.
      const stale = event.state === "live" && before.state === "lost" ? null : before.stale;
      this.quotes.set(symbol, { ...before, state: event.state, stale });
    } else if (event.kind === "health") {
      this.quotes.set(symbol, { ...before, stale: event.stale ? (event.reason ?? "stale") : null });
    }
    this.dirty.add(symbol);
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame = undefined;
    for (const symbol of this.dirty) {
      const quote = this.quotes.get(symbol);
      if (quote) for (const watcher of this.watchers.get(symbol) ?? []) watcher(quote);
    }
    this.dirty.clear();
  }
}

/** The state a person must know of, worst first; `null` when prices are live. */
export function feedTrouble(quote: LiveQuote | undefined, fallback: FeedState): Exclude<FeedState, "live"> | "lost" | null {
  if (quote && (quote.state === "lost" || quote.state === "refused")) return "lost";
  const feed = quote?.data?.feed ?? fallback;
  if (feed === "closed" || feed === "unavailable" || feed === "delayed") return feed;
  if (quote?.stale === "session_closed") return "closed";
  // The last price came while its feed was well; which of the two it is by now is read again at once.
  if (quote?.stale === "feed_down") return fallback === "unavailable" ? "unavailable" : "delayed";
  return null;
}

/** The feed's state by the stream, and while that is lost by what was read last. */
export function feedOf(quote: LiveQuote | undefined, fallback: FeedState): FeedState {
  const trouble = feedTrouble(quote, fallback);
  return trouble === "lost" ? fallback : (trouble ?? "live");
}

function move(before: string | undefined, after: string, last: -1 | 0 | 1): -1 | 0 | 1 {
  if (before === undefined) return 0;
  if (before === after) return last;
  return Number(after) > Number(before) ? 1 : -1;
}

function blank(symbol: string): LiveQuote {
  return { symbol, data: null, te: 0, ti: 0, to: 0, heardMs: 0, seq: 0, state: "waiting", stale: null, bidMove: 0, askMove: 0 };
}
