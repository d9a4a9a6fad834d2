import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { sales, type Agent, type AgentChange, type Agents } from "../api/sales";
import { useDoor } from "../context";
import { wrongField } from "../fault";
import { useSay, word } from "../i18n";
import { Ask } from "../ui/Ask";
import { Check, Checks } from "../ui/Checks";
import { SelectField, TextArea, TextField } from "../ui/Field";
import { Trouble } from "../ui/Page";
import { lines, whole } from "./draft";
import { INTERESTS } from "./hand";

/** Most active leads of one agent; the database holds it. */
const CAP_MAX = 50;
const CANDIDATES = ["crm", "candidates"] as const;

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
export function NewAgent({ onDone, onClose }: { onDone: (now: Agents) => void; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const [form, setForm] = useState(() => formOf(null));
  const [user, setUser] = useState("");
  const cache = useQueryClient();
  const query = useQuery({ queryKey: CANDIDATES, queryFn: () => sales.candidates(door), retry: false });
  const done = (now: Agents) => {
    void cache.invalidateQueries({ queryKey: CANDIDATES });
    onDone(now);
  };
  return (
    <Dialog title={say("agent.new")} user={user} form={form} onForm={setForm} onDone={done} onClose={onClose}>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      <SelectField label={say("agent.new.who")} data-first-focus data-testid="agent-user" value={user} help={query.data?.items.length === 0 ? say("agent.new.none") : undefined} onChange={(event) => setUser(event.target.value)}>
        <option value="">{say("choose")}</option>
        {query.data?.items.map((one) => <option key={one.user_id} value={one.user_id}>{`${one.name ?? one.user_id.slice(0, 8)} (${word(say, "role", one.role)})`}</option>)}
      </SelectField>
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
