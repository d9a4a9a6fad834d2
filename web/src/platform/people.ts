import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { useDoor, useHere, useMay } from "./context";
import { useSay } from "./i18n";

interface AgentRow {
  user_id: string;
  name: string | null;
}

/** A key is shown by its beginning; a name is shown whole. */
const KEY = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** Names of people behind their keys, as far as this person may know them. */
export function usePeople(): (id: string | null | undefined) => string {
  const say = useSay();
  const door = useDoor();
  const { me } = useHere();
  const known = useMay("agent.read");
  const agents = useQuery({ queryKey: ["crm", "agents"], queryFn: () => door.get<{ items: AgentRow[] }>("crm/agents"), enabled: known, staleTime: 300_000 });
  const rows = agents.data?.items;
  return useCallback(
    (id) => {
      if (id === null || id === undefined) return say("nobody");
      if (id === "system") return say("system");
      if (id === me?.user.id) return me.user.name ?? say("you");
      return rows?.find((row) => row.user_id === id)?.name ?? (KEY.test(id) ? id.slice(0, 8) : id);
    },
    [say, me, rows],
  );
}
