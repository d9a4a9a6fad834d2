import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { Button } from "../../ui/Button";
import { identity, type Team } from "../api/identity";
import { useDoor, useMay } from "../context";
import { useSay } from "../i18n";
import { Ask } from "../ui/Ask";
import { SelectField, TextField } from "../ui/Field";
import { Card, Trouble, Wait } from "../ui/Page";

const TEAMS = ["teams"] as const;
/** As the server takes it. */
const NAME_MAX = 120;
/** Whose role reaches the rows of a team; others the server refuses. */
const LEADING = ["sales_manager", "super_admin"] as const;

export function useTeams() {
  const door = useDoor();
  return useQuery({ queryKey: TEAMS, queryFn: () => identity.teams(door), retry: false });
}

/** The teams of the house: made, renamed, given a manager. */
export function Teams() {
  const say = useSay();
  const { language } = useSettings();
  const writes = useMay("user.write");
  const query = useTeams();
  const [wish, setWish] = useState<Team | "new" | null>(null);
  const teams = query.data?.items ?? [];
  return (
    <Card title={say("teams.title")} aside={writes && <Button size="sm" data-testid="team-new" onClick={() => setWish("new")}>{say("team.new")}</Button>}>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Wait lines={2} />}
      {query.data && teams.length === 0 && <p className="text-sm text-ink-2">{say("teams.none")}</p>}
      <ul className="space-y-2 empty:hidden" data-testid="teams">
        {teams.map((team) => (
          <li key={team.id} data-team={team.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
            <div className="min-w-0 flex-1 basis-52">
              <p className="font-semibold break-words">{team.name}</p>
              <p className="text-xs text-ink-3">
                {team.manager_id === null ? say("team.manager.none") : say("team.led", { name: team.manager_name ?? team.manager_id.slice(0, 8) })}
                {" · "}
                {say("team.members", { count: formatDecimal(String(team.members), language) })}
              </p>
            </div>
            {writes && <Button size="sm" data-testid="team-change" aria-label={`${say("team.change")}: ${team.name}`} onClick={() => setWish(team)}>{say("team.change")}</Button>}
          </li>
        ))}
      </ul>
      {wish !== null && <TeamForm team={wish === "new" ? null : wish} onClose={() => setWish(null)} />}
    </Card>
  );
}

/** Makes a team, or gives one another name or manager. */
function TeamForm({ team, onClose }: { team: Team | null; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const [name, setName] = useState(team?.name ?? "");
  const [manager, setManager] = useState(team?.manager_id ?? "");
  const query = useQuery({ queryKey: ["users", "leading"], queryFn: () => Promise.all(LEADING.map((role) => identity.users(door, null, { role, limit: 100 }))), retry: false });
  const leading = (query.data ?? []).flatMap((page) => page.items).filter((user) => user.status === "active" || user.status === "pending");
  // Who leads it already may have another role by now.
  const led = team?.manager_id ?? null;
  const chosen = manager === "" ? null : manager;
  return (
    <Ask
      title={team ? say("team.title", { name: team.name }) : say("team.new")}
      verb={say(team ? "team.save" : "team.add")}
      blocked={name.trim() === "" || (team !== null && name.trim() === team.name && chosen === led)}
      onDo={async () => {
        if (team) await identity.changeTeam(door, team.id, { name: name.trim(), manager_id: chosen, revision: team.revision });
        else await identity.addTeam(door, { name: name.trim(), manager_id: chosen });
        await cache.invalidateQueries({ queryKey: TEAMS });
      }}
      onClose={onClose}
    >
      <TextField label={say("team.name")} data-first-focus data-testid="team-name" maxLength={NAME_MAX} value={name} onChange={(event) => setName(event.target.value)} />
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      <SelectField label={say("team.manager")} help={say("team.manager.help")} data-testid="team-manager" value={manager} onChange={(event) => setManager(event.target.value)}>
        <option value="">{say("team.manager.none")}</option>
        {led !== null && !leading.some((user) => user.id === led) && <option value={led}>{team?.manager_name ?? led.slice(0, 8)}</option>}
        {leading.map((user) => <option key={user.id} value={user.id}>{user.name ?? user.email ?? user.id.slice(0, 8)}</option>)}
      </SelectField>
    </Ask>
  );
}

/** A team as a choice; an empty one is none. */
export function TeamChoice({ value, onChange }: { value: string; onChange: (team: string) => void }) {
  const say = useSay();
  const teams = useTeams().data?.items ?? [];
  return (
    <SelectField label={say("team")} data-testid="team" value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{say("team.none")}</option>
      {value !== "" && !teams.some((team) => team.id === value) && <option value={value}>{value.slice(0, 8)}</option>}
      {teams.map((team) => <option key={team.id} value={team.id}>{team.name}</option>)}
    </SelectField>
  );
}
