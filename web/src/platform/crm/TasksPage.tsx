import { useState } from "react";
import { Empty } from "../../ui/Panel";
import { Segmented } from "../../ui/Segmented";
import { crm, type Task } from "../api/crm";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { usePages } from "../pages";
import { More } from "../ui/More";
import { Body, Card, Page, Trouble, Wait } from "../ui/Page";
import { TaskRow } from "./TaskRow";
import { byUrgency } from "./urgency";

const TASKS_MS = 60_000;

/** What has to be done, the most urgent first. */
export default function TasksPage() {
  const say = useSay();
  const door = useDoor();
  const [whose, setWhose] = useState<"me" | "all">("me");
  const list = usePages<Task>(["crm", "tasks", whose], (cursor) => crm.tasks(door, whose === "me" ? { assignee: "me" } : {}, cursor), { everyMs: TASKS_MS });
  const groups = byUrgency(list.items);
  return (
    <Page title={say("tasks")} aside={<Segmented label={say("tasks.whose")} value={whose} options={[{ value: "me", text: say("tasks.mine") }, { value: "all", text: say("tasks.all") }]} onChange={setWhose} />}>
      <Body>
        {list.error && <Trouble error={list.error} onRetry={list.reread} />}
        {list.waiting && <Wait lines={5} />}
        {!list.waiting && !list.error && groups.length === 0 && <Empty icon="check" title={say("tasks.none")} help={say("tasks.none.help")} />}
        {groups.map(({ urgency, tasks }) => (
          <Card key={urgency} title={say(`urgency.${urgency}`)}>
            <ul className="-my-2 divide-y divide-line">
              {tasks.map((task) => <TaskRow key={task.id} task={task} withLead />)}
            </ul>
          </Card>
        ))}
        <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
      </Body>
    </Page>
  );
}
