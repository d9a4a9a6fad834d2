import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import { crm, type Lead } from "../api/crm";
import { AGENTS } from "../api/sales";
import { useDoor } from "../context";
import { useNews } from "./useNews";

type Part = "facts" | "deals" | "timeline" | "moves";

export const leadKey = (id: string) => ["crm", "lead", id] as const;
export const partKey = (id: string, part: Part) => [...leadKey(id), part] as const;

/** One lead, read anew when the stream tells of a change; its facts, deals and timeline follow its revision. */
export function useLead(id: string) {
  const door = useDoor();
  const cache = useQueryClient();
  const query = useQuery({ queryKey: leadKey(id), queryFn: () => crm.lead(door, id), retry: false });
  useNews(() => void query.refetch());
  const revision = query.data?.revision;
  const seen = useRef(revision);
  useEffect(() => {
    if (revision === undefined || seen.current === revision) return;
    // The parts were read with the first revision; they are read again with each later one.
    if (seen.current !== undefined) for (const part of ["facts", "deals", "timeline", "moves"] as const) void cache.invalidateQueries({ queryKey: partKey(id, part) });
    seen.current = revision;
  }, [cache, id, revision]);
  return query;
}

/** Takes over a lead as an answer gave it; what hangs on it is read anew. */
export function useTookLead(): (lead: Lead) => void {
  const cache = useQueryClient();
  return useCallback(
    (lead) => {
      cache.setQueryData(leadKey(lead.id), lead);
      for (const key of [["crm", "board"], ["crm", "tasks"], AGENTS]) void cache.invalidateQueries({ queryKey: key });
    },
    [cache],
  );
}
