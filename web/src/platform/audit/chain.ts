import type { AuditFlaw, AuditPiece } from "../api/records";

/** How far a month's chain was computed, and what was wrong so far. */
export interface Verified {
  rows: number;
  flaws: AuditFlaw[];
  ended: boolean;
}

/** Flaws that are listed; a chain with more is not more broken. */
export const FLAWS_MAX = 100;

/** Asks for piece after piece to the end of the month, telling after each how far it is; nobody is told who has gone. */
export async function verifyMonth(ask: (after: number | null) => Promise<AuditPiece>, tell: (verified: Verified) => void, isThere: () => boolean): Promise<void> {
  let after: number | null = null;
  let rows = 0;
  let flaws: AuditFlaw[] = [];
  for (;;) {
    const piece: AuditPiece = await ask(after);
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
