import { useSyncExternalStore } from "react";

/** A page of the console. */
export type PageId =
  | "desk" | "board" | "lead" | "tasks" | "dashboard" | "notices" | "agents" | "sources" | "verify" | "reviews" | "review" | "cases" | "case" | "lists" | "report" | "cash" | "people" | "person" | "security" | "sessions" | "unknown"
  | "subjects" | "subject" | "holds" | "audit" | "exceptions" | "keys" | "mydata" | "profile";

/** What the address says: the page, and the one thing it is about. */
export interface Route {
  page: PageId;
  id: string | null;
}

const PATHS: readonly (readonly [pattern: string, page: PageId])[] = [
  ["/", "desk"],
  ["/crm", "board"],
  ["/crm/leads/:id", "lead"],
  ["/crm/tasks", "tasks"],
  ["/crm/dashboard", "dashboard"],
  ["/crm/notices", "notices"],
  ["/crm/agents", "agents"],
  ["/crm/sources", "sources"],
  ["/verify", "verify"],
  ["/kyc", "reviews"],
  ["/kyc/:id", "review"],
  ["/aml", "cases"],
  ["/aml/cases/:id", "case"],
  ["/aml/lists", "lists"],
  ["/aml/reports/:id", "report"],
  ["/cash", "cash"],
  ["/people", "people"],
  ["/people/:id", "person"],
  ["/me", "security"],
  ["/me/sessions", "sessions"],
  ["/subjects", "subjects"],
  ["/subjects/:id", "subject"],
  ["/holds", "holds"],
  ["/audit", "audit"],
  ["/aml/clients/:id", "exceptions"],
  ["/me/keys", "keys"],
  ["/me/data", "mydata"],
  ["/me/profile", "profile"],
];

/** Reads an address. What nobody knows is a page of its own that says so. */
export function readRoute(pathname: string): Route {
  const parts = split(pathname);
  for (const [pattern, page] of PATHS) {
    const wanted = split(pattern);
    if (wanted.length !== parts.length || !wanted.every((part, at) => part === ":id" || part === parts[at])) continue;
    const at = wanted.indexOf(":id");
    const id = at < 0 ? null : decode(parts[at]!);
    return at >= 0 && id === null ? { page: "unknown", id: null } : { page, id };
  }
  return { page: "unknown", id: null };
}

/** The address of a page. */
export function pathOf(page: PageId, id?: string): string {
  const pattern = PATHS.find(([, one]) => one === page)?.[0] ?? "/";
  return pattern.replace(":id", encodeURIComponent(id ?? ""));
}

const split = (path: string): string[] => path.split("/").filter((part) => part !== "");

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

let current: Route | null = null;
const watchers = new Set<() => void>();

const now = (): Route => (current ??= readRoute(location.pathname));

/** Opens a page; the browser's way back leads to the one before. */
export function open(path: string): void {
  if (path !== location.pathname + location.search) history.pushState(null, "", path);
  reread();
}

/** Opens a page in place of the present one. */
export function openInstead(path: string): void {
  history.replaceState(null, "", path);
  reread();
}

function reread(): void {
  current = readRoute(location.pathname);
  for (const watcher of watchers) watcher();
}

export function useRoute(): Route {
  return useSyncExternalStore(watch, now);
}

function watch(watcher: () => void): () => void {
  if (watchers.size === 0) addEventListener("popstate", reread);
  watchers.add(watcher);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) removeEventListener("popstate", reread);
  };
}
