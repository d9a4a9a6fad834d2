import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Status } from "../stream/protocol";
import { isOnline } from "./online";
import { useServices, useStreamStatus } from "./services";

/** The stream tells at once; this is for who has none, and a maintenance is announced long before. */
const MAINTENANCE_MS = 60_000;

export const MAINTENANCE = ["maintenance"] as const;

/** What is announced: by the stream while it is open, and asked for while it is not. */
export function useMaintenance(asks: boolean): Pick<Status, "maintenance" | "offsetUs"> {
  const { api } = useServices();
  const cache = useQueryClient();
  const status = useStreamStatus();
  const online = isOnline(status);
  const told = status.maintenance ?? null;
  // What the stream said last stands until the next answer, also where the server is away for its maintenance.
  useEffect(() => {
    if (online) cache.setQueryData(MAINTENANCE, told);
  }, [cache, online, told]);
  // Each answer draws it anew, the same one too: what was ahead runs by then.
  const { data } = useQuery({ queryKey: MAINTENANCE, queryFn: api.maintenance, enabled: asks && !online, refetchInterval: MAINTENANCE_MS, retry: false, notifyOnChangeProps: "all" });
  return { maintenance: (online ? told : data) ?? undefined, offsetUs: status.offsetUs };
}
