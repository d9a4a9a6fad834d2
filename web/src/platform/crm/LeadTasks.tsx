import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { crm, type Priority, type Task } from "../api/crm";
import { useDoor, useMay } from "../context";
import { useSay } from "../i18n";
import { usePages } from "../pages";
import { SelectField, TextField } from "../ui/Field";
import { More } from "../ui/More";
import { Card, Trouble, Wait } from "../ui/Page";
import { TaskRow } from "./TaskRow";
import { dueChoices } from "./urgency";

const PRIORITIES: readonly Priority[] = ["critical", "high", "medium", "low"];
type Due = keyof ReturnType<typeof dueChoices>;

/** What is still to be done for a lead. */
export function LeadTasks({ lead }: { lead: string }) {
  const say = useSay();
  const door = useDoor();
  const list = usePages<Task>(["crm", "tasks", "lead", lead], (cursor) => crm.tasks(door, { lead }, cursor));
  const writes = useMay("task.write");
  const [adding, setAdding] = useState(false);
  return (
    <Card title={say("tasks")} aside={writes && <Button size="sm" data-testid="task-new" aria-expanded={adding} onClick={() => setAdding(!adding)}>{say("task.new")}</Button>}>
      {adding && <TaskForm lead={lead} onDone={() => setAdding(false)} />}
      {list.error && <Trouble error={list.error} onRetry={list.reread} />}
      {list.waiting && <Wait />}
      {!list.waiting && list.items.length === 0 && <p className="text-xs text-ink-3">{say("tasks.none")}</p>}
      <ul className="divide-y divide-line">
        {list.items.map((task) => <TaskRow key={task.id} task={task} />)}
      </ul>
      <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
    </Card>
  );
}

function TaskForm({ lead, onDone }: { lead: string; onDone: () => void }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const [title, setTitle] = useState("");
  const [priority, setPriority] = useState<Priority>("medium");
  const [due, setDue] = useState<Due>("tomorrow");
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    const due_at = dueChoices(new Date())[due];
    if (await act(() => crm.addTask(door, { lead, title: title.trim(), priority, due_at }), say("task.saved"))) {
      await cache.invalidateQueries({ queryKey: ["crm", "tasks"] });
      onDone();
    } else setBusy(false);
  };
  return (
    <form
      className="mb-3 space-y-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (title.trim() !== "" && !busy) void save();
      }}
    >
      <TextField label={say("task.title")} maxLength={200} autoFocus data-testid="task-title" value={title} onChange={(event) => setTitle(event.target.value)} />
      <div className="grid grid-cols-2 gap-2">
        <SelectField label={say("task.due")} value={due} onChange={(event) => setDue(event.target.value as Due)}>
          {(["hour", "tomorrow", "week"] as const).map((one) => <option key={one} value={one}>{say(`due.${one}`)}</option>)}
        </SelectField>
        <SelectField label={say("task.priority")} value={priority} onChange={(event) => setPriority(event.target.value as Priority)}>
          {PRIORITIES.map((one) => <option key={one} value={one}>{say(`priority.${one}`)}</option>)}
        </SelectField>
      </div>
      <Button type="submit" data-testid="task-save" disabled={busy || title.trim() === ""}>{say("task.save")}</Button>
    </form>
  );
}
