import { useQueries, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { identity } from "./api/identity";
import { AGENTS, sales } from "./api/sales";
import { colleaguesOf, namesColleagues } from "./colleagues";
import { useDoor, useHere, useMay } from "./context";
import { useSay } from "./i18n";

/** A key is shown by its beginning; a name is shown whole. */
const KEY = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
/** Names change rarely. */
const NAMES_MS = 300_000;
/** People that one page asks for by their keys; more are shown by their beginnings. */
const ASKED_MAX = 50;

interface Named {
  id: string;
  name: string | null;
}

const namesOf = (found: readonly { data?: Named | null | undefined }[]): ReadonlyMap<string, string> => new Map(found.flatMap(({ data }) => (data?.name ? [[data.id, data.name] as const] : [])));

/** Names of people behind their keys, as far as this person may know them: agents from their list, others one by one where people may be seen,
 * staff together where cases, payments or the log are read. */
export function usePeople(): (id: string | null | undefined) => string {
  const say = useSay();
  const door = useDoor();
  const { me } = useHere();
  const known = useMay("agent.read");
  const asks = useMay("user.read");
  const colleagues = !asks && namesColleagues(me);
  const agents = useQuery({ queryKey: AGENTS, queryFn: () => sales.agents(door), enabled: known, staleTime: NAMES_MS });
  const rows = agents.data?.items;
  const settled = !known || !agents.isPending;
  const [asked, setAsked] = useState<readonly string[]>([]);
  const missing = useRef(new Set<string>());
  const names = useQueries({
    queries: (asks ? asked : []).map((id) => ({ queryKey: ["users", id], queryFn: () => identity.user(door, id), staleTime: NAMES_MS, retry: false })),
    combine: namesOf,
  });
  const staff = useQueries({
    queries: (colleagues ? asked : []).map((id) => ({ queryKey: ["colleagues", id], queryFn: () => colleaguesOf(door).find(id), staleTime: NAMES_MS, retry: false })),
    combine: namesOf,
  });
  useEffect(() => {
    // What was shown without a name is asked for after it was drawn, each key once.
    const wanted = [...missing.current].filter((id) => !asked.includes(id)).slice(0, ASKED_MAX - asked.length);
    missing.current.clear();
    if (wanted.length > 0) setAsked([...asked, ...wanted]);
  });
  return useCallback(
    (id) => {
      if (id === null || id === undefined) return say("nobody");
      if (id === "system") return say("system");
      if (id === me?.user.id) return me.user.name ?? say("you");
      const name = rows?.find((row) => row.user_id === id)?.name ?? names.get(id) ?? staff.get(id);
      if (name) return name;
      if (!KEY.test(id)) return id;
      if ((asks || colleagues) && settled) missing.current.add(id);
      return id.slice(0, 8);
    },
    [say, me, rows, names, staff, asks, colleagues, settled],
  );
}
