import { part, type Door, type PageOf } from "./door";

export type Rule = "round_robin" | "territory" | "skill";

/** Somebody who is given leads. */
export interface Agent {
  user_id: string;
  name: string | null;
  team_id: string | null;
  active_leads: number;
  cap: number;
  /** The account is active and its owner at work. */
  available: boolean;
  on_leave: boolean;
  accepting: boolean;
  territories: string[];
  skills: string[];
}

export interface Agents {
  items: Agent[];
  pool: number;
  rule: Rule;
}

export interface AgentChange {
  territories: string[];
  skills: string[];
  cap: number;
  accepting: boolean;
}

/** Somebody of sales who is given no leads yet. */
export interface Candidate {
  user_id: string;
  name: string | null;
  role: string;
  team_id: string | null;
}

/** What became of the work of somebody who left. */
export interface Left {
  user_id: string;
  leads_to_pool: number;
  leads_reassigned: number;
  deals_moved: number;
  tasks_moved: number;
  manager_id: string | null;
}

/** A landing page or partner that sends leads in. */
export interface LeadSource {
  id: string;
  name: string;
  channel: string;
  active: boolean;
  created_at: number;
  /** Shown once. */
  secret?: string | null;
}

export interface NewSource {
  name: string;
  channel: string;
}

export interface Notice {
  id: string;
  kind: string;
  lead_id: string | null;
  detail: Record<string, unknown>;
  at: number;
  read_at: number | null;
}

/** How many notices were not read. */
export interface Unread {
  unread: number;
}

/** The key under which agents are kept: names of colleagues come from there too. */
export const AGENTS = ["crm", "agents"] as const;
export const NOTICES = ["crm", "notices"] as const;

export const sales = {
  agents: (door: Door) => door.get<Agents>("crm/agents"),
  setAgent: (door: Door, user: string, change: AgentChange) => door.put<Agents>(`crm/agents/${part(user)}`, change),
  candidates: (door: Door) => door.get<{ items: Candidate[] }>("crm/agents/candidates"),
  setAbsence: (door: Door, user: string, on_leave: boolean) => door.put<Agents>(`crm/agents/${part(user)}/absence`, { on_leave }),
  leave: (door: Door, user: string, reason: string) => door.post<Left>(`crm/agents/${part(user)}/leave`, { reason }),
  setRule: (door: Door, rule: Rule) => door.put<{ rule: Rule }>("crm/rule", { rule }),
  sources: (door: Door) => door.get<{ items: LeadSource[] }>("crm/sources"),
  addSource: (door: Door, source: NewSource) => door.post<LeadSource>("crm/sources", source),
  switchSource: (door: Door, id: string, active: boolean) => door.write<LeadSource>("PATCH", `crm/sources/${part(id)}`, { active }),
  renewSecret: (door: Door, id: string) => door.write<{ secret: string }>("POST", `crm/sources/${part(id)}/secret`),
  notices: (door: Door, unread: boolean, cursor: string | null, limit = 25) => door.get<PageOf<Notice>>("crm/notices", { unread: unread || null, cursor, limit }),
  unread: (door: Door) => door.get<Unread>("crm/notices/count"),
  readNotice: (door: Door, id: string) => door.write<void>("POST", `crm/notices/${part(id)}/read`),
};
