/** Half an hour without a person ends a session; the console keeps none alive beyond it. */
export const IDLE_MS = 30 * 60_000;

/** Who has done nothing for a minute did not ask for what the page asks now. */
export const ATTENDED_MS = 60_000;

let lastAct = 0;

/** Follows what a person does on the page. */
export function watchPresence(now: () => number = Date.now): void {
  lastAct = now();
  const note = () => (lastAct = now());
  for (const event of ["pointerdown", "keydown", "wheel"]) addEventListener(event, note, { capture: true, passive: true });
}

/** Whether somebody has done something lately. */
export const isPresent = (now: number = Date.now()): boolean => now - lastAct < IDLE_MS;

/** Whether somebody may have asked for what the page asks now. */
export const isAttended = (now: number = Date.now()): boolean => now - lastAct < ATTENDED_MS;
