/** Half an hour without a person ends a session; the console keeps none alive beyond it. */
export const IDLE_MS = 30 * 60_000;

let lastAct = 0;

/** Follows what a person does on the page. */
export function watchPresence(now: () => number = Date.now): void {
  lastAct = now();
  const note = () => (lastAct = now());
  for (const event of ["pointerdown", "keydown", "wheel"]) addEventListener(event, note, { capture: true, passive: true });
}

/** Whether somebody has done something lately. */
export const isPresent = (now: number = Date.now()): boolean => now - lastAct < IDLE_MS;
