import { Problem } from "../../api/client";
import type { AuditFlaw, AuditPiece } from "../api/records";

/** How far a month's chain was computed, and what was wrong so far. */
export interface Verified {
  rows: number;
  flaws: AuditFlaw[];
  ended: boolean;
}

/** Flaws that are listed; a chain with more is not more broken. */
export const FLAWS_MAX = 100;

/** Seconds until the next try where the server does not say. */
const PAUSE_S = 5;

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Asks for piece after piece to the end of the month, telling after each how far it is; nobody is told who has gone. A long month has
 * more pieces than one may ask for in a minute: where it is too many it waits and goes on. */
export async function verifyMonth(
  ask: (after: number | null) => Promise<AuditPiece>,
  tell: (verified: Verified) => void,
  isThere: () => boolean,
  pause: (ms: number) => Promise<void> = sleep,
): Promise<void> {
  let after: number | null = null;
  let rows = 0;
  let flaws: AuditFlaw[] = [];
  for (;;) {
    let piece: AuditPiece;
    try {
      piece = await ask(after);
    } catch (error) {
      if (!(error instanceof Problem && error.status === 429)) throw error;
      await pause((error.retryAfter ?? PAUSE_S) * 1_000);
      if (!isThere()) return;
      continue;
    }
    if (!isThere()) return;
    rows += piece.rows;
    flaws = [...flaws, ...piece.flaws].slice(0, FLAWS_MAX);
    // A piece that goes on behind where it began would never end.
    const ended = piece.next === null || piece.next <= (after ?? 0);
    tell({ rows, flaws, ended });
    if (ended) return;
    after = piece.next;
  }
}

/** The month of an instant as the server's chains are kept: by UTC. */
export const monthOf = (ms: number): string => new Date(ms).toISOString().slice(0, "2026-11".length);
