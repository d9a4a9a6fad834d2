import type { Me } from "../api/types";
import type { IconName } from "../ui/Icon";
import type { PageId } from "./route";

/** A page as it is offered: whoever has one of its permissions sees it. */
export interface PageEntry {
  page: PageId;
  icon: IconName;
  group: "crm" | "kyc" | "aml" | "house";
  /** Any of them; the names are the server's. */
  needs: readonly string[];
}

export const ENTRIES: readonly PageEntry[] = [
  { page: "board", icon: "board", group: "crm", needs: ["lead.read"] },
  { page: "tasks", icon: "check", group: "crm", needs: ["task.read"] },
  { page: "dashboard", icon: "chart", group: "crm", needs: ["analytics.view"] },
  { page: "notices", icon: "bell", group: "crm", needs: ["lead.read"] },
  { page: "agents", icon: "people", group: "crm", needs: ["agent.read"] },
  { page: "sources", icon: "link", group: "crm", needs: ["crm.configure"] },
  { page: "verify", icon: "upload", group: "kyc", needs: ["kyc.upload"] },
  { page: "reviews", icon: "id", group: "kyc", needs: ["kyc.read"] },
  { page: "cases", icon: "alert", group: "aml", needs: ["aml.read"] },
  { page: "lists", icon: "search", group: "aml", needs: ["sanctions.read"] },
  { page: "cash", icon: "swap", group: "house", needs: ["cash.read", "cash.request"] },
  { page: "people", icon: "people", group: "house", needs: ["user.read"] },
  { page: "subjects", icon: "id", group: "house", needs: ["subject.read", "hold.read"] },
  { page: "holds", icon: "lock", group: "house", needs: ["hold.read"] },
  { page: "audit", icon: "list", group: "house", needs: ["audit.read"] },
];

/** Pages about one thing stand behind the page that lists them. */
const BEHIND: Partial<Record<PageId, PageId>> = { lead: "board", review: "reviews", case: "cases", report: "cases", person: "people", subject: "subjects", exceptions: "cases" };

/** What opens a page about one thing to people who are not offered its list. */
const ALSO: Partial<Record<PageId, readonly string[]>> = { subject: ["consent.read"] };

/** What everybody has who is signed in as a person. */
const OWN: readonly PageId[] = ["profile", "security", "sessions", "keys", "mydata"];

/** What opens the trader's desk. */
const DESK = "desk.read";

export const may = (me: Me | null, permission: string): boolean => me?.permissions.includes(permission) ?? false;

/** A client has a case of their own and no queue of cases; whoever works for the house has the queue. Partners see their leads and no colleagues. */
function fits(me: Me, page: PageId): boolean {
  if (page === "agents") return me.user.staff;
  if (page === "verify") return !me.user.staff;
  return page !== "reviews" || me.user.staff;
}

const offers = (me: Me, entry: PageEntry): boolean => fits(me, entry.page) && entry.needs.some((permission) => may(me, permission));

/** The pages that this person is offered, in their order. */
export function offered(me: Me | null): PageEntry[] {
  if (!me || me.enrol) return [];
  return ENTRIES.filter((entry) => offers(me, entry));
}

/** The trader's desk stands open to whoever has the secret, and to people who trade. */
export function mayTrade(me: Me | null, bySecret: boolean): boolean {
  return bySecret || (me !== null && !me.enrol && may(me, DESK));
}

/** Whoever is a client trades on their own accounts, by a page of their own in the desk's place. */
export const isClient = (me: Me | null): boolean => me !== null && !me.user.staff;

/** What the stream tells staff of when it changes: leads, cases of identity, cases of sanctions and transactions, requests for money. */
const TOLD = ["lead.read", "kyc.read", "aml.read", "cash.read"] as const;

/** Whose pages change by themselves: the stream tells traders of prices, and staff of what they work on. */
export function mayFollow(me: Me | null, bySecret: boolean): boolean {
  return mayTrade(me, bySecret) || (me !== null && !me.enrol && me.user.staff && TOLD.some((permission) => may(me, permission)));
}

/** Whether an address may be opened; the server decides anew about everything on it. */
export function mayOpen(me: Me | null, page: PageId): boolean {
  if (OWN.includes(page)) return me !== null;
  if (me !== null && !me.enrol && ALSO[page]?.some((permission) => may(me, permission))) return true;
  const listed = BEHIND[page] ?? page;
  return offered(me).some((entry) => entry.page === listed);
}

/** The list that a page belongs to, for the mark in the menu. */
export const listOf = (page: PageId): PageId => BEHIND[page] ?? page;

/** Where somebody lands who has no desk. */
export const landing = (me: Me | null): PageId => (me?.enrol ? "security" : (offered(me)[0]?.page ?? "security"));
