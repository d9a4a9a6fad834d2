import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { useAct } from "../act";
import { crm, type Task, type TaskStatus, type Urgency } from "../api/crm";
import { useDoor, useMay } from "../context";
import { useSay } from "../i18n";
import { usePeople } from "../people";
import { Link } from "../ui/Link";
import { Tag, type Tone } from "../ui/Tag";

const TONES: Record<Urgency, Tone> = { overdue: "crit", urgent: "warn", upcoming: "lead", scheduled: "plain" };
const STATES: readonly TaskStatus[] = ["todo", "in_progress", "review", "done"];

/** A task: what, until when, how far. */
export function TaskRow({ task, withLead = false }: { task: Task; withLead?: boolean }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const { language } = useSettings();
  const people = usePeople();
  const writes = useMay("task.write");
  const [busy, setBusy] = useState(false);
  const title = task.title ?? say("erased");
  const set = async (status: TaskStatus) => {
    setBusy(true);
    await act(() => crm.setTask(door, task, status), say("task.changed"));
    // Refused or not, what stands now is what the server says.
    await cache.invalidateQueries({ queryKey: ["crm", "tasks"] });
    setBusy(false);
  };
  return (
    <li data-task={task.id} data-urgency={task.urgency} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2 text-sm">
      <div className="min-w-0 flex-1 basis-40">
        <p className="font-medium break-words">{title}</p>
        <p className="text-xs text-ink-3">{formatMoment(task.due_at, language)} · {say(`priority.${task.priority}`)} · <span data-part="assignee">{people(task.assignee_id)}</span>{withLead && <> · <Link to={pathOf("lead", task.lead_id)} className="underline underline-offset-2">{say("task.lead")}</Link></>}</p>
      </div>
      <Tag tone={TONES[task.urgency]}>{say(`urgency.${task.urgency}`)}</Tag>
      {writes ? (
        <select aria-label={say("task.status", { title })} className="menu h-9 wide:h-7" disabled={busy} value={task.status} onChange={(event) => void set(event.target.value as TaskStatus)}>
          {STATES.map((status) => <option key={status} value={status}>{say(`taskState.${status}`)}</option>)}
        </select>
      ) : (
        <Tag>{say(`taskState.${task.status}`)}</Tag>
      )}
    </li>
  );
}
