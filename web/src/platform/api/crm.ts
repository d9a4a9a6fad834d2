import type { Decimal } from "../../api/types";
import { part, type Door, type PageOf } from "./door";
import type { UserProfile } from "./identity";

export type Stage = "new" | "contacted" | "interested" | "demo" | "kyc" | "verified" | "deposit" | "active";
export type ColumnId = "new" | "contacted" | "interested" | "demo" | "kyc" | "verified";
export type Urgency = "overdue" | "urgent" | "upcoming" | "scheduled";
export type TaskStatus = "todo" | "in_progress" | "review" | "done";
export type DealStatus = "open" | "won" | "lost";
export type Priority = "critical" | "high" | "medium" | "low";

export interface Lead {
  id: string;
  user_id: string | null;
  /** Under which key its person's data are kept, for whoever may see them. */
  subject_id: string | null;
  stage: Stage;
  column: ColumnId;
  status: "open" | "lost" | "merged";
  stage_since: number;
  due_at: number | null;
  overdue: boolean;
  score: number;
  band: "none" | "mql" | "sql";
  hot: boolean;
  name: string | null;
  phone: string | null;
  email: string | null;
  city: string | null;
  sight: "clear" | "masked";
  source: string | null;
  channel: string | null;
  territory: string | null;
  interests: string[];
  assigned_to: string | null;
  team_id: string | null;
  merged_into: string | null;
  reason: string | null;
  created_at: number;
  updated_at: number;
  revision: number;
}

export interface Column {
  column: ColumnId;
  title: string;
  total: number;
  hot: number;
  overdue: number;
  /** With more open leads there is too much in progress. */
  limit: number | null;
  stages: { stage: Stage; total: number }[];
  cards: Lead[];
  next: string | null;
}

export interface Board {
  columns: Column[];
  at: number;
}

export interface LeadMove {
  stage: Stage;
  by_hand: boolean;
  needs_reason: boolean;
}

export interface Event360 {
  id: string;
  kind: string;
  at: number;
  by: string | null;
  detail: Record<string, unknown>;
  text: string | null;
}

/** Of money, or of play money. */
export type AccountType = "live" | "demo";

/** A trading account of a lead that became a client. */
export interface LeadAccount {
  account: number;
  system: string;
  outside_id: string;
  account_type: AccountType;
}

/** An alert about one of them. */
export interface LeadAlert {
  id: string;
  title: string;
  severity: string;
  state: string;
  account: number;
  account_type: AccountType;
  at: number;
}

export interface Timeline360 extends PageOf<Event360> {
  accounts: LeadAccount[];
  alerts: LeadAlert[];
  /** Of the client it became, for staff. */
  profile: UserProfile | null;
}

export interface ScorePart {
  kind: string;
  points: number;
  of: number;
}

export interface Score {
  total: number;
  band: string;
  hot: boolean;
  parts: ScorePart[];
}

export interface Fact {
  id: string;
  kind: string;
  source: string;
  proof: string | null;
  at: number;
  withdrawn_at: number | null;
}

export interface Task {
  id: string;
  lead_id: string;
  /** Erased with the lead. */
  title: string | null;
  description: string | null;
  priority: Priority;
  status: TaskStatus;
  due_at: number;
  urgency: Urgency;
  assignee_id: string | null;
  creator_id: string | null;
  created_at: number;
  updated_at: number;
  revision: number;
}

export interface NewTask {
  lead: string;
  title: string;
  description?: string;
  priority: Priority;
  due_at: number;
}

export interface StageFigure {
  stage: Stage;
  now: number;
  overdue: number;
  average_s: number | null;
}

export interface Dashboard {
  total: { today: number; week: number; month: number; all: number };
  converted: number;
  conversion_percent: Decimal | null;
  kyc: { passed: number; failed: number; pass_percent: Decimal | null };
  stages: StageFigure[];
  pool: number;
  hot: number;
  at: number;
}

export interface Deal {
  id: string;
  lead_id: string;
  title: string | null;
  expected_usd: Decimal;
  status: DealStatus;
  owner_id: string | null;
  created_at: number;
  updated_at: number;
  revision: number;
}

/** What is to be changed of a lead's person: what is left out stays, null empties. */
export interface LeadChange {
  name?: string | null;
  phone?: string | null;
  email?: string | null;
  city?: string | null;
  interests?: string[];
  revision?: number;
}

export interface NewFact {
  kind: string;
  source: string;
  proof?: string;
}

export interface NewDeal {
  title: string;
  expected_usd: Decimal;
}

/** What is to be changed of a deal: what is left out stays. */
export interface DealChange {
  status?: DealStatus;
  title?: string;
  expected_usd?: Decimal;
  revision: number;
}

/** What became of one of several leads. */
export interface Verdict {
  lead_id: string;
  done: boolean;
  /** Why it was not done: a problem as every refusal is one. */
  problem: Record<string, unknown> | null;
}

/** In the order of the request. */
export interface Verdicts {
  items: Verdict[];
  done: number;
}

/** Most open leads of columns; one that is not named has no limit. */
export interface Limits {
  limits: Partial<Record<ColumnId, number>>;
}

export type NoteKind = "note" | "call" | "meeting";

export interface LeadFilter {
  column?: string;
  band?: string;
  assigned_to?: string;
}

export const crm = {
  board: (door: Door) => door.get<Board>("crm/board"),
  column: (door: Door, column: ColumnId, cursor: string | null) => door.get<PageOf<Lead>>("crm/leads", { column, status: "open", cursor, limit: 25 }),
  search: (door: Door, q: string, signal?: AbortSignal) => door.get<{ items: Lead[] }>("crm/leads/search", { q, limit: 10 }, signal),
  lead: (door: Door, id: string) => door.get<Lead>(`crm/leads/${part(id)}`),
  moves: (door: Door, id: string) => door.get<{ items: LeadMove[] }>(`crm/leads/${part(id)}/moves`),
  move: (door: Door, lead: Pick<Lead, "id" | "revision">, stage: Stage, reason: string) => door.post<Lead>(`crm/leads/${part(lead.id)}/stage`, { stage, revision: lead.revision, ...(reason ? { reason } : {}) }),
  moveAll: (door: Door, leads: readonly Pick<Lead, "id" | "revision">[], stage: Stage, reason: string) => door.post<Verdicts>("crm/leads/stage", { leads: leads.map(({ id, revision }) => ({ id, revision })), stage, ...(reason ? { reason } : {}) }),
  close: (door: Door, lead: Lead, reason: string) => door.post<Lead>(`crm/leads/${part(lead.id)}/close`, { reason, revision: lead.revision }),
  reopen: (door: Door, lead: Lead, reason: string) => door.post<Lead>(`crm/leads/${part(lead.id)}/reopen`, { reason }),
  change: (door: Door, id: string, change: LeadChange) => door.write<Lead>("PATCH", `crm/leads/${part(id)}`, change),
  /** `null` is the pool. */
  assign: (door: Door, id: string, to: string | null, reason: string) => door.post<Lead>(`crm/leads/${part(id)}/assign`, { to, ...(reason ? { reason } : {}) }),
  assignAll: (door: Door, leads: readonly Pick<Lead, "id">[], to: string | null, reason: string) => door.post<Verdicts>("crm/leads/assign", { leads: leads.map(({ id }) => id), to, ...(reason ? { reason } : {}) }),
  setLimits: (door: Door, limits: Limits) => door.put<Limits>("crm/limits", limits),
  undoMerge: (door: Door, merge: string, reason: string) => door.post<Lead>(`crm/merges/${part(merge)}/undo`, { reason }),
  timeline: (door: Door, id: string, cursor: string | null) => door.get<Timeline360>(`crm/leads/${part(id)}/timeline`, { cursor, limit: 25 }),
  facts: (door: Door, id: string) => door.get<{ items: Fact[]; score: Score }>(`crm/leads/${part(id)}/facts`),
  addFact: (door: Door, id: string, fact: NewFact) => door.post<Lead>(`crm/leads/${part(id)}/facts`, fact),
  withdrawFact: (door: Door, id: string, fact: string) => door.write<Lead>("DELETE", `crm/leads/${part(id)}/facts/${part(fact)}`),
  note: (door: Door, id: string, kind: NoteKind, text: string) => door.post<{ id: string }>(`crm/leads/${part(id)}/notes`, { kind, text }),
  deals: (door: Door, id: string) => door.get<{ items: Deal[] }>(`crm/leads/${part(id)}/deals`),
  addDeal: (door: Door, id: string, deal: NewDeal) => door.post<Deal>(`crm/leads/${part(id)}/deals`, deal),
  changeDeal: (door: Door, id: string, change: DealChange) => door.write<Deal>("PATCH", `crm/deals/${part(id)}`, change),
  tasks: (door: Door, filter: { lead?: string; assignee?: string; urgency?: string }, cursor: string | null) => door.get<PageOf<Task>>("crm/tasks", { ...filter, cursor }),
  addTask: (door: Door, task: NewTask) => door.post<Task>("crm/tasks", task),
  setTask: (door: Door, task: Task, status: TaskStatus) => door.write<Task>("PATCH", `crm/tasks/${part(task.id)}`, { status, revision: task.revision }),
  dashboard: (door: Door) => door.get<Dashboard>("crm/dashboard"),
  takeDashboard: (door: Door) => door.slow<Dashboard>("crm/dashboard/export"),
};
