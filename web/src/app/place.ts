import { useEffect, useSyncExternalStore } from "react";
import type { Side, Span } from "../api/types";

/** What the page looks at. It lives in the address, so a reload and a shared link show the same. */
export interface Place {
  symbol: string | null;
  account: number | null;
  span: Span;
  view: View;
  /** The side a new ticket starts with. Not in the address: a link opens no trade. */
  side: Side;
}

export type View = "market" | "chart" | "trade" | "positions" | "alerts";

export const SPANS: readonly Span[] = ["1s", "1m", "5m", "15m", "1h", "1d"];
export const VIEWS: readonly View[] = ["market", "chart", "trade", "positions", "alerts"];

let current = read();
const watchers = new Set<() => void>();

export function goTo(change: Partial<Place>): void {
  current = { ...current, ...change };
  history.replaceState(null, "", location.pathname + query());
  for (const watcher of watchers) watcher();
}

/** The desk's address as it was left. */
export const deskPath = (): string => `/${query()}`;

export function usePlace(): Place {
  return useSyncExternalStore(watch, () => current);
}

/** Looks at the first account where the address names none of these. */
export function useFirstAccount(accounts: readonly { id: number }[] | undefined, chosen: number | null): void {
  const first = accounts?.[0]?.id ?? null;
  const known = accounts?.some((one) => one.id === chosen);
  useEffect(() => {
    if (first !== null && !known) goTo({ account: first });
  }, [first, known]);
}

function query(): string {
  const all = new URLSearchParams();
  if (current.symbol) all.set("symbol", current.symbol);
  if (current.account !== null) all.set("account", String(current.account));
  all.set("span", current.span);
  all.set("view", current.view);
  return `?${all.toString().replaceAll("%2F", "/")}`;
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function read(): Place {
  const given = new URLSearchParams(location.search);
  const account = Number(given.get("account") ?? "");
  const span = given.get("span") as Span;
  const view = given.get("view") as View;
  return {
    symbol: given.get("symbol"),
    account: Number.isInteger(account) && account > 0 ? account : null,
    span: SPANS.includes(span) ? span : "1m",
    view: VIEWS.includes(view) ? view : "market",
    side: "buy",
  };
}
