import { useQuery } from "@tanstack/react-query";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { AGENTS, sales, type Agent } from "../api/sales";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { SelectField } from "../ui/Field";
import { Trouble } from "../ui/Page";
import { room } from "./hand";

/** The pool as a choice; keys of people are never this. */
export const POOL = "pool";

/** To whom leads are given. Who is full or away stands in the list and cannot be chosen. */
export function AgentChoice({ value, except, onChange }: { value: string; except?: string | null; onChange: (value: string) => void }) {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const query = useQuery({ queryKey: AGENTS, queryFn: () => sales.agents(door), retry: false });
  const agents = query.data?.items.filter((agent) => agent.user_id !== except) ?? [];
  const number = (count: number) => formatDecimal(String(count), language);
  const text = (agent: Agent) => {
    const values = { name: agent.name ?? agent.user_id.slice(0, 8), active: number(agent.active_leads), cap: number(agent.cap) };
    const how = room(agent);
    return how === "free" ? say("assign.option", values) : how === "full" ? say("assign.option.full", values) : say("assign.option.away", { name: values.name });
  };
  return (
    <>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {query.data?.items.length === 0 && <p className="text-sm text-ink-2">{say("assign.none")}</p>}
      <SelectField label={say("assign.to")} data-first-focus data-testid="assign-to" value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{say("choose")}</option>
        {except !== null && <option value={POOL}>{say("assign.pool")}</option>}
        {agents.map((agent) => <option key={agent.user_id} value={agent.user_id} disabled={room(agent) !== "free"}>{text(agent)}</option>)}
      </SelectField>
    </>
  );
}

/** What is sent for a choice. */
export const giveTo = (choice: string): string | null => (choice === POOL ? null : choice);
