import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import type { User } from "../../api/types";
import { pathOf } from "../../app/route";
import { Button } from "../../ui/Button";
import { identity } from "../api/identity";
import { useDoor, useMay } from "../context";
import { looksLikeEmail, readPhone } from "../forms";
import { useSay, word } from "../i18n";
import { usePages } from "../pages";
import { Ask } from "../ui/Ask";
import { SelectField, TextField } from "../ui/Field";
import { Link } from "../ui/Link";
import { More } from "../ui/More";
import { Body, Card, Page, Trouble, Wait } from "../ui/Page";
import { Tag, type Tone } from "../ui/Tag";
import { TeamChoice, Teams } from "./Teams";

export const USER_TONES: Record<string, Tone> = { active: "ok", pending: "warn", suspended: "crit", under_review: "crit", deleted: "plain" };

/** Fewer letters find everybody. */
const LETTERS_MIN = 2;

/** The people of the house and its clients, its teams, and what each role may do. */
export default function PeoplePage() {
  const say = useSay();
  const door = useDoor();
  const writes = useMay("user.write");
  const roles = useRoles();
  const [text, setText] = useState("");
  const [role, setRole] = useState("");
  const typed = useDeferredValue(text.trim());
  const filter = { ...(typed.length >= LETTERS_MIN ? { q: typed } : {}), ...(role === "" ? {} : { role }) };
  const list = usePages<User>(["users", "list", filter], (cursor) => identity.users(door, cursor, filter));
  const [adding, setAdding] = useState(false);
  return (
    <Page title={say("page.people")} aside={writes && <Button tone="primary" data-testid="user-new" onClick={() => setAdding(true)}>{say("user.new")}</Button>}>
      <Body>
        <div className="flex flex-wrap items-end gap-2">
          <TextField label={say("people.search")} type="search" data-testid="people-search" maxLength={100} value={text} onChange={(event) => setText(event.target.value)} />
          <SelectField label={say("people.only")} data-testid="people-role" value={role} onChange={(event) => setRole(event.target.value)}>
            <option value="">{say("people.all")}</option>
            {roles.data?.map((one) => <option key={one.name} value={one.name}>{word(say, "role", one.name)}</option>)}
          </SelectField>
        </div>
        {list.error && <Trouble error={list.error} onRetry={list.reread} />}
        {list.waiting && <Wait lines={5} />}
        {!list.waiting && !list.error && list.items.length === 0 && <p role="status" className="text-sm text-ink-2">{say("people.none")}</p>}
        <ul className="space-y-2" data-testid="users">
          {list.items.map((user) => (
            <li key={user.id} data-user={user.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg border border-line bg-panel p-3 text-sm">
              <div className="min-w-0 flex-1 basis-52">
                <Link to={pathOf("person", user.id)} className="font-semibold hover:underline">{user.name ?? user.email ?? user.id.slice(0, 8)}</Link>
                <p className="truncate text-xs text-ink-3">{[user.email, user.phone].filter(Boolean).join(" · ")}</p>
              </div>
              <Tag>{word(say, "role", user.role)}</Tag>
              <Tag tone={USER_TONES[user.status] ?? "plain"}>{word(say, "userStatus", user.status)}</Tag>
            </li>
          ))}
        </ul>
        <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
        <Teams />
        <Roles />
      </Body>
      {adding && <NewUser onClose={() => setAdding(false)} />}
    </Page>
  );
}

/** The table of roles as the server has it; nothing is decided here. */
function Roles() {
  const say = useSay();
  const query = useRoles();
  const areas = ["crm", "kyc", "finance", "trading", "aml", "content", "people", "audit", "analytics"];
  return (
    <Card title={say("roles.title")}>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Wait lines={4} />}
      {query.data && (
        <div className="scroll -m-3" tabIndex={0} role="region" aria-label={say("roles.title")}>
          <table className="table w-full text-xs" data-testid="roles">
            <thead>
              <tr>
                <th scope="col">{say("role")}</th>
                {areas.map((area) => <th key={area} scope="col">{word(say, "area", area)}</th>)}
              </tr>
            </thead>
            <tbody>
              {query.data.map((role) => (
                <tr key={role.name} className="h-8 border-t border-line">
                  <th scope="row" className="!static font-medium">{word(say, "role", role.name)}</th>
                  {areas.map((area) => (
                    <td key={area}>
                      {role.grants.filter((grant) => grant.area === area).map((grant) => (
                        <span key={`${grant.verb}/${grant.scope}`} className="block">{word(say, "verb", grant.verb)}, {word(say, "scope", grant.scope)}{grant.masked && ` (${say("maskedShort")})`}</span>
                      ))}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

export function useRoles() {
  const door = useDoor();
  return useQuery({ queryKey: ["roles"], queryFn: () => identity.roles(door), staleTime: Infinity });
}

function NewUser({ onClose }: { onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const roles = useRoles();
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [phone, setPhone] = useState("");
  const [role, setRole] = useState("");
  const [team, setTeam] = useState("");
  const number = phone.trim() === "" ? undefined : (readPhone(phone) ?? null);
  return (
    <Ask
      title={say("user.new")}
      help={say("user.new.help")}
      verb={say("user.new.do")}
      blocked={!looksLikeEmail(email) || name.trim() === "" || role === "" || number === null}
      onDo={async () => {
        await identity.addUser(door, { email: email.trim(), name: name.trim(), role, ...(number ? { phone: number } : {}), ...(team === "" ? {} : { team_id: team }) });
        for (const key of [["users"], ["teams"]]) await cache.invalidateQueries({ queryKey: key });
      }}
      onClose={onClose}
    >
      <TextField label={say("signin.name")} data-first-focus maxLength={120} value={name} onChange={(event) => setName(event.target.value)} />
      <TextField label={say("signin.email")} type="email" value={email} onChange={(event) => setEmail(event.target.value)} />
      <TextField label={say("signin.phone")} type="tel" value={phone} help={say("signin.phone.help")} wrong={number === null ? say("user.phone.wrong") : null} onChange={(event) => setPhone(event.target.value)} />
      <SelectField label={say("role")} value={role} onChange={(event) => setRole(event.target.value)}>
        <option value="">{say("choose")}</option>
        {roles.data?.map((one) => <option key={one.name} value={one.name}>{word(say, "role", one.name)}</option>)}
      </SelectField>
      <TeamChoice value={team} onChange={setTeam} />
    </Ask>
  );
}
