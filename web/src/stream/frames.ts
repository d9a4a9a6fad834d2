import type { Maintenance } from "../api/types";

/** The wire of `/ws/v1`, sub-protocol `siaga.json.v1`. Times are UTC microseconds, prices are decimal strings. */

export const SUB_PROTOCOL = "siaga.json.v1";

export type Channel = "quote" | "candle" | "margin" | "portfolio" | "alert" | "order" | "status" | "crm" | "kyc" | "aml" | "cash";

/** Durable channels are never merged and never dropped; the others carry the newest state. */
export const DURABLE: ReadonlySet<Channel> = new Set<Channel>(["alert", "order"]);

export interface Position {
  epoch: number | string;
  seq: number;
}

export interface SubInfo extends Partial<Position> {
  sub: number | string;
  ch: Channel;
  sym: string;
}

export interface Times {
  /** Venue event, our receive, our send: UTC microseconds. */
  te?: number;
  ti?: number;
  to?: number;
}

export type ServerFrame =
  | { t: "welcome"; conn: string; server: string; now: number; hb_ms: number; resumed?: (number | string)[]; lost?: (number | string)[] }
  | { t: "ok"; id?: number; now?: number; subs?: SubInfo[] }
  | { t: "err"; id?: number; code: number; name: string; msg: string; field?: string; retry?: "no" | "now" | "after"; after_ms?: number; incident?: string; sub?: number | string; subs?: SubInfo[] }
  | ({ t: "snap"; sub: number | string; sym: string; data: unknown } & Position & Times)
  | ({ t: "upd"; sub: number | string; sym: string; prev: number; n?: number; data: unknown } & Position & Times)
  | ({ t: "ev"; sub: number | string; data: unknown } & Position)
  | { t: "hb"; cs: number; now: number; tips?: Record<string, number>; lag_ms?: number }
  | { t: "stale" | "live"; sub: number | string; sym: string; age_ms?: number; reason?: string }
  | { t: "gap"; sub: number | string; sym: string; have: number; want: number; action: "snap_follows" | "resync" }
  | { t: "note"; kind: string; after_ms?: number; window?: Maintenance }
  | { t: "bye"; code: number; name: string; reconnect: boolean; after_ms?: number };

const KNOWN = new Set(["welcome", "ok", "err", "snap", "upd", "ev", "hb", "stale", "live", "gap", "note", "bye"]);

/** Reads one text frame; `undefined` for frames of a later server, `null` for something that is not a frame. */
export function readFrame(text: string): ServerFrame | undefined | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || typeof (value as { t?: unknown }).t !== "string") return null;
  return KNOWN.has((value as { t: string }).t) ? (value as ServerFrame) : undefined;
}
