import { useState, type ReactNode } from "react";
import type { User } from "../../api/types";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { Button } from "../../ui/Button";
import { identity } from "../api/identity";
import { sales, type Agent, type AgentChange, type Agents } from "../api/sales";
import { useDoor } from "../context";
import { wrongField } from "../fault";
import { useSay, word } from "../i18n";
import { usePages } from "../pages";
import { Ask } from "../ui/Ask";
import { Check, Checks } from "../ui/Checks";
import { SelectField, TextArea, TextField } from "../ui/Field";
import { Trouble } from "../ui/Page";
import { lines, whole } from "./draft";
import { INTERESTS } from "./hand";

/** Most active leads of one agent; the database holds it. */
const CAP_MAX = 50;
/** Roles that may be given leads. */
const SELLERS: readonly string[] = ["sales_agent", "sales_manager", "super_admin"];

interface Form {
  territories: string;
  skills: string[];
  cap: string;
  accepting: boolean;
}

const formOf = (agent: Pick<Agent, keyof AgentChange> | null): Form => ({ territories: agent?.territories.join("\n") ?? "", skills: agent?.skills ?? [], cap: String(agent?.cap ?? CAP_MAX), accepting: agent?.accepting ?? true });

function read(form: Form): AgentChange | null {
  const cap = whole(form.cap, CAP_MAX);
  return cap === null ? null : { territories: lines(form.territories), skills: form.skills, cap, accepting: form.accepting };
}

/** What is said of an agent. */
export function AgentForm({ agent, onDone, onClose }: { agent: Agent; onDone: (now: Agents) => void; onClose: () => void }) {
  const say = useSay();
  const [form, setForm] = useState(() => formOf(agent));
  return <Dialog title={say("agent.change.title", { name: agent.name ?? agent.user_id.slice(0, 8) })} user={agent.user_id} form={form} onForm={setForm} onDone={onDone} onClose={onClose} />;
}

/** Makes somebody of sales one who is given leads; who has not signed in yet gets them from then on. */
export function NewAgent({ agents, onDone, onClose }: { agents: readonly Agent[]; onDone: (now: Agents) => void; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const [form, setForm] = useState(() => formOf(null));
  const [user, setUser] = useState("");
  const people = usePages<User>(["users"], (cursor) => identity.users(door, cursor));
  const known = new Set(agents.map((agent) => agent.user_id));
  const sellers = people.items.filter((one) => SELLERS.includes(one.role) && (one.status === "active" || one.status === "pending") && !known.has(one.id));
  return (
    <Dialog title={say("agent.new")} user={user} form={form} onForm={setForm} onDone={onDone} onClose={onClose}>
      {people.error && <Trouble error={people.error} onRetry={people.reread} />}
      <SelectField label={say("agent.new.who")} data-first-focus data-testid="agent-user" value={user} help={!people.waiting && sellers.length === 0 ? say("agent.new.none") : undefined} onChange={(event) => setUser(event.target.value)}>
        <option value="">{say("choose")}</option>
        {sellers.map((one) => <option key={one.id} value={one.id}>{`${one.name ?? one.email ?? one.id.slice(0, 8)} (${word(say, "role", one.role)})`}</option>)}
      </SelectField>
      {people.more && <Button size="sm" className="h-9 wide:h-7" disabled={people.busy} onClick={people.onMore}>{say("agent.new.more")}</Button>}
    </Dialog>
  );
}

function Dialog({ title, user, form, children, onForm, onDone, onClose }: { title: string; user: string; form: Form; children?: ReactNode; onForm: (form: Form) => void; onDone: (now: Agents) => void; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const [refused, setRefused] = useState<unknown>(null);
  const change = read(form);
  return (
    <Ask
      title={title}
      verb={say("agent.save")}
      blocked={user === "" || change === null}
      onDo={async () => {
        try {
          onDone(await sales.setAgent(door, user, change!));
          toast("ok", say("agent.saved"));
        } catch (error) {
          setRefused(error);
          throw error;
        }
      }}
      onClose={onClose}
    >
      {children}
      <Check label={say("agent.accepting")} data-testid="agent-accepting" checked={form.accepting} onChange={(accepting) => onForm({ ...form, accepting })} />
      <TextField label={say("agent.cap")} inputMode="numeric" maxLength={2} data-testid="agent-cap" value={form.cap} wrong={change === null ? say("agent.cap.wrong", { most: String(CAP_MAX) }) : wrongField(refused, "cap", language)} onChange={(event) => onForm({ ...form, cap: event.target.value })} />
      <TextArea label={say("agent.territories")} help={say("agent.territories.help")} wrong={wrongField(refused, "territories", language)} maxLength={4_000} data-testid="agent-territories" value={form.territories} onChange={(event) => onForm({ ...form, territories: event.target.value })} />
      <Checks legend={say("agent.skills")} options={INTERESTS.map((value) => ({ value, text: word(say, "interest", value) }))} chosen={form.skills} onChange={(skills) => onForm({ ...form, skills })} />
    </Ask>
  );
}
