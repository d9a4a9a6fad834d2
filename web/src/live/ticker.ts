/** Ages are redrawn four times a second, all in one timer. */
const PERIOD_MS = 250;

const tasks = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Runs `task` with every redraw of the ages until the returned function is called. */
export function every(task: () => void): () => void {
  tasks.add(task);
  timer ??= setInterval(() => {
    if (document.hidden) return;
    for (const each of tasks) each();
  }, PERIOD_MS);
  return () => {
    tasks.delete(task);
    if (tasks.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
