import type { Task, Urgency } from "../api/crm";

/** What has to be done first stands first. */
export const URGENCIES: readonly Urgency[] = ["overdue", "urgent", "upcoming", "scheduled"];

export interface UrgencyGroup {
  urgency: Urgency;
  tasks: Task[];
}

/** Tasks by the server's urgency, each group by its due time; empty groups are left out. */
export function byUrgency(tasks: readonly Task[]): UrgencyGroup[] {
  return URGENCIES.map((urgency) => ({
    urgency,
    tasks: tasks.filter((task) => task.urgency === urgency && task.status !== "done").sort((a, b) => a.due_at - b.due_at || (a.id < b.id ? -1 : 1)),
  })).filter((group) => group.tasks.length > 0);
}

/** Due dates that are chosen with one press: in an hour, tomorrow at nine, in a week at nine, in the person's own time zone. */
export function dueChoices(now: Date): { hour: number; tomorrow: number; week: number } {
  const at = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 9).getTime() * 1_000;
  return { hour: (now.getTime() + 3_600_000) * 1_000, tomorrow: at(1), week: at(7) };
}
