import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Account, Alert, Desk, Instrument, Order } from "../api/types";
import { feedOf } from "../live/quotes";
import { newest } from "../live/newest";
import { keepChanged, mergeAlert } from "../live/alerts";
import type { Channel } from "../stream/frames";
import type { TopicEvent, TopicState } from "../stream/protocol";
import { sayLeftOut } from "./leftOut";
import { isCurrent } from "./online";
import { useServices } from "./services";

/** Terms change rarely; feed and halt states are shown from here when no price frame carries them. */
const INSTRUMENTS_MS = 5_000;
/** The status channel is the source; this catches what it could not say. */
const DESK_MS = 15_000;

/** Listens to a topic while the component lives; `null` listens to nothing. */
export function useTopic(channel: Channel, sym: string | null, onEvent: (event: TopicEvent) => void): TopicState {
  const { stream } = useServices();
  const handler = useRef(onEvent);
  useEffect(() => {
    handler.current = onEvent;
  });
  const [state, setState] = useState<TopicState>("waiting");
  useEffect(() => {
    if (sym === null) return;
    setState("waiting");
    return stream.listen(channel, sym, (event) => {
      if (event.kind === "state") setState(event.state);
      else if (event.kind === "data" && event.snapshot) setState("live");
      else if (event.kind === "reread") sayLeftOut(event.incident);
      handler.current(event);
    });
  }, [stream, channel, sym]);
  return state;
}

export function useInstruments() {
  const { api } = useServices();
  return useQuery({ queryKey: ["instruments"], queryFn: api.instruments, refetchInterval: INSTRUMENTS_MS });
}

/** An instrument with the feed's state as the stream tells it; the list is read again when that changes, and need not be waited for. */
export function useLiveFeed(instrument: Instrument | undefined): Instrument | undefined {
  const { quotes } = useServices();
  const cache = useQueryClient();
  const symbol = instrument?.symbol ?? null;
  const watch = useCallback((watcher: () => void) => (symbol === null ? () => undefined : quotes.watch(symbol, watcher)), [quotes, symbol]);
  const quote = () => (symbol === null ? undefined : quotes.get(symbol));
  const signs = useSyncExternalStore(watch, () => `${quote()?.data?.feed ?? ""} ${quote()?.stale ?? ""}`);
  const known = useRef({ symbol, signs });
  useEffect(() => {
    const before = known.current;
    known.current = { symbol, signs };
    if (before.symbol === symbol && before.signs !== signs) void cache.invalidateQueries({ queryKey: ["instruments"] });
  }, [cache, symbol, signs]);
  return instrument && { ...instrument, feed: feedOf(quote(), instrument.feed) };
}

export function useInstrument(symbol: string | null): Instrument | undefined {
  return useInstruments().data?.find((instrument) => instrument.symbol === symbol);
}

export function useAccounts() {
  const { api } = useServices();
  return useQuery({ queryKey: ["accounts"], queryFn: api.accounts, refetchInterval: DESK_MS });
}

/** The house's state; `useDeskStream` keeps it current. */
export function useDesk() {
  const { api } = useServices();
  const cache = useQueryClient();
  return useQuery({ queryKey: ["desk"], queryFn: async () => newest(await api.desk(), () => cache.getQueryData<Desk>(["desk"])), refetchInterval: DESK_MS });
}

export function useDeskStream(): void {
  const cache = useQueryClient();
  useTopic("status", "*", (event) => {
    if (event.kind !== "data") return;
    const before = cache.getQueryData<Desk>(["desk"]);
    const desk = event.data as Desk;
    cache.setQueryData(["desk"], desk);
    if (before?.halted?.join() !== desk.halted?.join()) void cache.invalidateQueries({ queryKey: ["instruments"] });
  });
}

export interface AccountNow<A = Account> {
  account: A | undefined;
  error: Error | null;
  /** False while the numbers are not those of this moment. */
  current: boolean;
}

export function useAccount(id: number | null): AccountNow {
  const { api } = useServices();
  const cache = useQueryClient();
  const query = useQuery({ queryKey: ["account", id], queryFn: async () => newest(await api.account(id!), () => cache.getQueryData<Account>(["account", id])), enabled: id !== null, staleTime: Infinity });
  const topic = useAccountTopic(id);
  return { account: query.data, error: query.error, current: isCurrent(topic) };
}

/** Feeds the cached account from the margin channel. */
export function useAccountTopic(id: number | null): TopicState {
  const cache = useQueryClient();
  return useTopic("margin", id === null ? null : String(id), (event) => {
    if (event.kind === "data") cache.setQueryData(["account", id], event.data as Account);
  });
}

export function useOrders(account: number | null, onOrder: (order: Order) => void): void {
  const cache = useQueryClient();
  useTopic("order", account === null ? null : String(account), (event) => {
    if (event.kind === "event") onOrder(event.data as Order);
    else if (event.kind === "reread") void cache.invalidateQueries({ queryKey: ["account", account] });
  });
}

export function useAlerts() {
  const { api } = useServices();
  const cache = useQueryClient();
  const known = () => cache.getQueryData<Alert[]>(["alerts"]);
  const read = async () => {
    const before = known();
    return keepChanged(await api.alerts(), before, known());
  };
  return useQuery({ queryKey: ["alerts"], queryFn: read });
}

/** Applies alert events by id and revision; an older revision never replaces a newer one. */
export function useAlertStream(): void {
  const cache = useQueryClient();
  useTopic("alert", "*", (event) => {
    if (event.kind === "reread") return void cache.invalidateQueries({ queryKey: ["alerts"] });
    if (event.kind !== "event" && event.kind !== "data") return;
    const changed = Array.isArray(event.data) ? (event.data as Alert[]) : [event.data as Alert];
    for (const alert of changed) {
      cache.setQueryData<Alert[]>(["alerts"], (known) => mergeAlert(known ?? [], alert));
      if (alert.rule?.includes("halt")) void cache.invalidateQueries({ queryKey: ["instruments"] });
    }
  });
}
