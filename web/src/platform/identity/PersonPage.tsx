import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { User } from "../../api/types";
import { pathOf } from "../../app/route";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { identity } from "../api/identity";
import { useDoor, useHere, useMay } from "../context";
import { useSay, word } from "../i18n";
import { DataLink } from "../subjects/DataLink";
import { Ask } from "../ui/Ask";
import { SelectField } from "../ui/Field";
import { Link } from "../ui/Link";
import { Body, Card, Facts, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { USER_TONES, useRoles } from "./PeoplePage";
import { ProfileFacts } from "./Profile";
import { TeamChoice, useTeams } from "./Teams";

/** As the server has them. */
const TIERS = ["standard", "plus", "bridge"] as const;

/** One person: their role, their state, and the ways to let them in again or to keep them out. */
export default function PersonPage({ id }: { id: string }) {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({ queryKey: ["users", id], queryFn: () => identity.user(door, id), retry: false });
  const teams = useTeams().data?.items;
  const user = query.data;
  return (
    <Page title={user ? (user.name ?? user.email ?? user.id.slice(0, 8)) : say("page.people")} aside={user && <DataLink subject={user.id} />} back={<Link to={pathOf("people")} className="text-sm text-ink-2 underline underline-offset-2">{say("page.people")}</Link>}>
      <Body className="max-w-180">
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={4} />}
        {user && (
          <>
            <Card title={say("person.who")} aside={<Tag tone={USER_TONES[user.status] ?? "plain"} data-testid="user-status">{word(say, "userStatus", user.status)}</Tag>}>
              <Facts
                rows={[
                  [say("signin.email"), user.email ?? say("none")],
                  [say("signin.phone"), user.phone ?? say("none")],
                  [say("role"), word(say, "role", user.role)],
                  [say("team"), user.team_id === null ? say("team.none") : (teams?.find((team) => team.id === user.team_id)?.name ?? user.team_id.slice(0, 8))],
                  [say("person.verified"), say(user.verified ? "yes" : "no")],
                ]}
              />
            </Card>
            <Profile id={user.id} />
            <Doings key={user.revision} user={user} />
          </>
        )}
      </Body>
    </Page>
  );
}

function Profile({ id }: { id: string }) {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({ queryKey: ["users", id, "profile"], queryFn: () => identity.profileOf(door, id), retry: false });
  return (
    <Card title={say("page.profile")}>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Wait lines={4} />}
      {query.data && <ProfileFacts profile={query.data} />}
    </Card>
  );
}

function Doings({ user }: { user: User }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const { me } = useHere();
  const writes = useMay("user.write");
  const grants = useMay("user.role");
  const roles = useRoles();
  const [role, setRole] = useState(user.role);
  const [team, setTeam] = useState(user.team_id ?? "");
  const [tier, setTier] = useState(user.tier ?? "standard");
  const [wish, setWish] = useState<"role" | "tier" | "suspended" | "active" | null>(null);
  const moves = team !== (user.team_id ?? "");
  const own = me?.user.id === user.id;
  if (own || (!writes && !grants)) return null;
  const reread = () => Promise.all([["users"], ["teams"]].map((key) => cache.invalidateQueries({ queryKey: key })));
  return (
    <Card title={say("person.doings")}>
      <div className="flex flex-wrap items-end gap-2">
        {grants && (
          <>
            <SelectField label={say("role")} value={role} onChange={(event) => setRole(event.target.value)}>
              {roles.data?.map((one) => <option key={one.name} value={one.name}>{word(say, "role", one.name)}</option>)}
            </SelectField>
            <TeamChoice value={team} onChange={setTeam} />
            <Button disabled={role === user.role && !moves} data-testid="person-role" onClick={() => setWish("role")}>{say("person.role")}</Button>
          </>
        )}
        {writes && (
          <>
            <SelectField label={say("person.tier")} data-testid="tier" value={tier} onChange={(event) => setTier(event.target.value)}>
              {TIERS.map((one) => <option key={one} value={one}>{word(say, "tier", one)}</option>)}
            </SelectField>
            <Button disabled={tier === (user.tier ?? "standard")} data-testid="person-tier" onClick={() => setWish("tier")}>{say("person.tier.set")}</Button>
          </>
        )}
        {writes && user.status === "active" && <Button tone="danger" onClick={() => setWish("suspended")}>{say("person.suspend")}</Button>}
        {writes && user.status === "suspended" && <Button onClick={() => setWish("active")}>{say("person.restore")}</Button>}
        {writes && <Button onClick={() => void act(() => identity.unlock(door, user.id), say("person.unlocked"))}>{say("person.unlock")}</Button>}
        {writes && <Button onClick={() => void act(() => identity.endSessions(door, user.id), say("session.ended"))}>{say("person.endSessions")}</Button>}
      </div>
      {wish === "role" && (
        <Ask
          title={say("person.role.title", { role: word(say, "role", role) })}
          help={say("person.role.help")}
          verb={say("person.role")}
          onDo={async () => {
            await identity.setRole(door, user.id, { role, revision: user.revision, ...(moves ? { team_id: team === "" ? null : team } : {}) });
            await reread();
          }}
          onClose={() => setWish(null)}
        />
      )}
      {wish === "tier" && (
        <Ask
          title={say("person.tier.title", { tier: word(say, "tier", tier) })}
          help={say("person.tier.help")}
          verb={say("person.tier.set")}
          onDo={async () => {
            await identity.setTier(door, user.id, { tier, revision: user.revision });
            await reread();
          }}
          onClose={() => setWish(null)}
        />
      )}
      {(wish === "suspended" || wish === "active") && (
        <Ask
          title={say(wish === "suspended" ? "person.suspend" : "person.restore")}
          help={say(wish === "suspended" ? "person.suspend.help" : "person.restore.help")}
          reason={say("reason")}
          verb={say(wish === "suspended" ? "person.suspend" : "person.restore")}
          danger={wish === "suspended"}
          onDo={async (reason) => {
            await identity.setStatus(door, user, wish, reason);
            await reread();
          }}
          onClose={() => setWish(null)}
        />
      )}
    </Card>
  );
}
