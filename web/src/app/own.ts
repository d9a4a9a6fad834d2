import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { Held, Traded } from "../api/types";
import { isListed, tradedOf } from "../live/held";
import { newest } from "../live/newest";
import { useTopic, type AccountNow } from "./data";
import { isCurrent } from "./online";
import { useServices } from "./services";

/** An account that an approval opens is found after this long at the latest. */
const OWN_MS = 15_000;
/** One that is just being opened is waited for. */
const OPENING_MS = 1_000;
/** Modes and switches are told by no stream of a client's. */
const STANDING_MS = 10_000;

/** The client's own accounts; one that was just opened comes when the core knows it. */
export function useOwnAccounts(awaited: number | null = null) {
  const { api } = useServices();
  return useQuery({ queryKey: ["own-accounts"], queryFn: api.ownAccounts, refetchInterval: ({ state }) => (isListed(state.data, awaited) ? OWN_MS : OPENING_MS) });
}

/** One of the client's own accounts; the channel `portfolio` keeps it current. */
export function useOwnAccount(id: number | null): AccountNow<Traded> {
  const { api, stream } = useServices();
  const cache = useQueryClient();
  const query = useQuery({ queryKey: ["account", id], queryFn: async () => newest(tradedOf(await api.ownAccount(id!)), () => cache.getQueryData<Traded>(["account", id])), enabled: id !== null, staleTime: Infinity });
  const topic = useTopic("portfolio", id === null ? null : String(id), (event) => {
    if (event.kind === "data") cache.setQueryData(["account", id], tradedOf(event.data as Held));
  });
  const asked = useRef(new Set<number>());
  useEffect(() => {
    if (topic !== "refused" || id === null || asked.current.has(id)) return;
    // A connection follows the accounts there were when it was let in: one that is younger needs another, once.
    asked.current.add(id);
    stream.stop();
    stream.start();
  }, [topic, id, stream]);
  return { account: query.data, error: query.error, current: isCurrent(topic) };
}

/** What stands between an account and its orders. */
export function useStanding(id: number | null) {
  const { api } = useServices();
  return useQuery({ queryKey: ["standing", id], queryFn: () => api.standing(id!), enabled: id !== null, refetchInterval: STANDING_MS });
}

/** Whose money somebody may ask for: the house anybody's, a client that of their own live accounts. */
export function useCashAccounts(client: boolean) {
  const { api } = useServices();
  const read = async (): Promise<{ id: number; text: string }[]> => {
    if (!client) return (await api.accounts()).map((row) => ({ id: row.id, text: `${row.name} · ${row.currency}` }));
    const live = (await api.ownAccounts()).filter((one) => one.account_type === "live");
    return live.map((one) => ({ id: one.id, text: `${one.id} · ${one.currency}` }));
  };
  return useQuery({ queryKey: ["cash-accounts", client], queryFn: read });
}
