import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Panel";
import { useAct } from "../act";
import { AGENTS, sales, type Agent, type Agents, type Left, type Rule } from "../api/sales";
import { useDoor, useHere, useMay } from "../context";
import { useSay, word } from "../i18n";
import { usePeople } from "../people";
import { Ask } from "../ui/Ask";
import { SelectField } from "../ui/Field";
import { Body, Card, Facts, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { AgentForm, NewAgent } from "./AgentForm";
import { room, seats, standing } from "./hand";
import { useNews } from "./useNews";

const RULES: readonly Rule[] = ["round_robin", "territory", "skill"];
/** The stream tells of leads; that somebody is at work again nobody tells. */
const AGENTS_MS = 60_000;

type Wish = { kind: "change" | "leave"; agent: Agent } | { kind: "new" } | null;

/** Who is given leads, how many, of which kind, and how they are chosen. */
export default function AgentsPage() {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const { me } = useHere();
  const writes = seats(me);
  const query = useQuery({ queryKey: AGENTS, queryFn: () => sales.agents(door), refetchInterval: AGENTS_MS });
  useNews(() => void query.refetch());
  const [wish, setWish] = useState<Wish>(null);
  const [left, setLeft] = useState<{ name: string; what: Left } | null>(null);
  const took = (now: Agents) => cache.setQueryData(AGENTS, now);
  const end = () => setWish(null);
  const data = query.data;
  return (
    <Page title={say("page.agents")} aside={writes && <Button tone="primary" data-testid="agent-new" onClick={() => setWish({ kind: "new" })}>{say("agent.new")}</Button>}>
      <Body>
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={5} />}
        {left && <LeftCard name={left.name} left={left.what} onClose={() => setLeft(null)} />}
        {data && <RuleCard data={data} />}
        {data?.items.length === 0 && <Empty icon="people" title={say("agents.none")} help={say(writes ? "agents.none.help" : "agents.none.readonly")} />}
        <ul className="grid gap-2 wide:grid-cols-2" data-testid="agents">
          {data?.items.map((agent) => <AgentCard key={agent.user_id} agent={agent} onWish={(kind) => setWish({ kind, agent })} onTook={took} />)}
        </ul>
      </Body>
      {wish?.kind === "new" && data && <NewAgent onDone={took} onClose={end} />}
      {wish?.kind === "change" && <AgentForm agent={wish.agent} onDone={took} onClose={end} />}
      {wish?.kind === "leave" && (
        <Ask
          title={say("agent.leave.title", { name: nameOf(wish.agent) })}
          help={say("agent.leave.help")}
          reason={say("reason")}
          verb={say("agent.leave")}
          danger
          onDo={async (reason) => {
            setLeft({ name: nameOf(wish.agent), what: await sales.leave(door, wish.agent.user_id, reason) });
            for (const key of [["crm"], ["users"]]) void cache.invalidateQueries({ queryKey: key });
          }}
          onClose={end}
        />
      )}
    </Page>
  );
}

const nameOf = (agent: Agent): string => agent.name ?? agent.user_id.slice(0, 8);

function RuleCard({ data }: { data: Agents }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const { language } = useSettings();
  const configures = useMay("crm.configure");
  const [busy, setBusy] = useState(false);
  const set = async (rule: Rule) => {
    setBusy(true);
    await act(() => sales.setRule(door, rule), say("agents.rule.set"));
    await cache.invalidateQueries({ queryKey: AGENTS });
    setBusy(false);
  };
  return (
    <Card>
      <div className="grid gap-3 wide:grid-cols-[minmax(0,1fr)_auto]">
        {configures ? (
          <SelectField label={say("agents.rule")} data-testid="rule" className="max-w-80" disabled={busy} value={data.rule} help={word(say, "rule", `${data.rule}.help`)} onChange={(event) => void set(event.target.value as Rule)}>
            {RULES.map((rule) => <option key={rule} value={rule}>{word(say, "rule", rule)}</option>)}
          </SelectField>
        ) : (
          <div>
            <p className="label">{say("agents.rule")}</p>
            <p className="text-sm">{word(say, "rule", data.rule)}</p>
            <p className="text-xs text-ink-3">{word(say, "rule", `${data.rule}.help`)}</p>
          </div>
        )}
        <div>
          <p className="label">{say("agents.pool")}</p>
          <p className="text-xl font-semibold" data-testid="pool">{formatDecimal(String(data.pool), language)}</p>
        </div>
      </div>
    </Card>
  );
}

function AgentCard({ agent, onWish, onTook }: { agent: Agent; onWish: (kind: "change" | "leave") => void; onTook: (now: Agents) => void }) {
  const say = useSay();
  const { me } = useHere();
  const { language } = useSettings();
  const leaves = useMay("user.leave") && agent.user_id !== me?.user.id;
  const number = (count: number) => formatDecimal(String(count), language);
  const door = useDoor();
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const how = room(agent);
  const stands = standing(agent);
  const turn = async () => {
    setBusy(true);
    await act(async () => onTook(await sales.setAbsence(door, agent.user_id, !agent.on_leave)), say("agent.saved"));
    setBusy(false);
  };
  return (
    <li data-agent={agent.user_id} data-room={how} data-leave={agent.on_leave || undefined} className="min-w-0 space-y-2 rounded-lg border border-line bg-panel p-3 text-sm">
      <p className="flex flex-wrap items-center gap-1.5">
        <span className="min-w-0 font-semibold break-words">{nameOf(agent)}</span>
        <Tag tone={stands.tone}>{say(stands.text)}</Tag>
        {how === "full" && <Tag tone="warn">{say("agent.full")}</Tag>}
      </p>
      <p data-testid="load">{say("agent.load", { active: number(agent.active_leads), cap: number(agent.cap) })}</p>
      <Facts
        rows={[
          [say("agent.territories"), agent.territories.join(", ") || say("none")],
          [say("agent.skills"), agent.skills.map((skill) => word(say, "interest", skill)).join(", ") || say("none")],
        ]}
      />
      <div className="flex flex-wrap gap-2 empty:hidden">
        {seats(me) && <Button className="h-9 wide:h-8" data-testid="agent-change" aria-label={`${say("agent.change")}: ${nameOf(agent)}`} onClick={() => onWish("change")}>{say("agent.change")}</Button>}
        {seats(me) && <Button tone="quiet" className="h-9 wide:h-8" data-testid="agent-absence" disabled={busy} aria-label={`${say(agent.on_leave ? "agent.back" : "agent.absent")}: ${nameOf(agent)}`} onClick={() => void turn()}>{say(agent.on_leave ? "agent.back" : "agent.absent")}</Button>}
        {leaves && <Button tone="quiet" className="h-9 wide:h-8" data-testid="agent-leave" aria-label={`${say("agent.leave")}: ${nameOf(agent)}`} onClick={() => onWish("leave")}>{say("agent.leave")}</Button>}
      </div>
    </li>
  );
}

/** What became of the work of somebody who has just left; the answer alone says it. */
function LeftCard({ name, left, onClose }: { name: string; left: Left; onClose: () => void }) {
  const say = useSay();
  const people = usePeople();
  const { language } = useSettings();
  const number = (count: number) => formatDecimal(String(count), language);
  return (
    <Card title={say("agent.left", { name })} aside={<Button size="sm" onClick={onClose}>{say("close")}</Button>}>
      <div role="status" data-testid="left">
        <Facts
          rows={[
            [say("agent.left.leads"), number(left.leads_to_pool)],
            [say("agent.left.reassigned"), number(left.leads_reassigned)],
            [say("agent.left.deals"), number(left.deals_moved)],
            [say("agent.left.tasks"), number(left.tasks_moved)],
            [say("agent.left.manager"), people(left.manager_id)],
          ]}
        />
      </div>
    </Card>
  );
}
