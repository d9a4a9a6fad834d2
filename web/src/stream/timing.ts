/** Reconnect bounds of the stream protocol. */
export const BACKOFF_MIN_MS = 250;
export const BACKOFF_MAX_MS = 30_000;

/** Doubling wait with jitter over its upper half, so that many browsers do not come back in one moment. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(attempt + 1, 16));
  return Math.round(Math.max(BACKOFF_MIN_MS, ceiling / 2 + (ceiling / 2) * random));
}

export interface ClockSample {
  sentMs: number;
  receivedMs: number;
  serverUs: number;
}

/** Server clock less ours by the echo with the shortest way there and back: its error is at most half of that way. */
export function clockOffset(samples: readonly ClockSample[]): { offsetUs?: number; roundTripMs?: number } {
  let best: ClockSample | undefined;
  for (const sample of samples) {
    if (!best || sample.receivedMs - sample.sentMs < best.receivedMs - best.sentMs) best = sample;
  }
  if (!best) return {};
  return {
    offsetUs: Math.round(best.serverUs - ((best.sentMs + best.receivedMs) / 2) * 1_000),
    roundTripMs: best.receivedMs - best.sentMs,
  };
}
