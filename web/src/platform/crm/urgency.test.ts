import { expect, it } from "vitest";
import type { Task, Urgency } from "../api/crm";
import { byUrgency, dueChoices } from "./urgency";

const task = (id: string, urgency: Urgency, due_at: number, status: Task["status"] = "todo"): Task => ({
  id, lead_id: "l", title: id, description: null, priority: "medium", status, due_at, urgency, assignee_id: null, creator_id: null, created_at: 0, updated_at: 0, revision: 1,
});

it("groups tasks by the server's urgency, the earliest first, and leaves out what is done", () => {
  const groups = byUrgency([task("d", "scheduled", 90), task("b", "overdue", 20), task("a", "overdue", 10), task("x", "overdue", 1, "done"), task("c", "urgent", 5)]);
  expect(groups.map(({ urgency, tasks }) => [urgency, tasks.map(({ id }) => id)])).toEqual([["overdue", ["a", "b"]], ["urgent", ["c"]], ["scheduled", ["d"]]]);
});

it("offers due times that lie ahead, at nine in the morning", () => {
  const now = new Date(2026, 10, 30, 23, 30);
  const { hour, tomorrow, week } = dueChoices(now);
  expect(hour).toBe((now.getTime() + 3_600_000) * 1_000);
  expect(new Date(tomorrow / 1_000)).toEqual(new Date(2026, 11, 1, 9));
  expect(new Date(week / 1_000)).toEqual(new Date(2026, 11, 7, 9));
});
