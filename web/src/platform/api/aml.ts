import type { Decimal } from "../../api/types";
import { part, type Door, type PageOf } from "./door";

export type CaseStatus = "open" | "investigating" | "escalated" | "cleared" | "confirmed" | "reported";
export type CaseKind = "sanctions" | "transactions";
export type Level = "low" | "medium" | "high";

export interface AmlSource {
  name: string;
  title: string;
  format: string;
  urls: string[];
  enabled: boolean;
  version: number | null;
  entries: number;
  published: string | null;
  state: "never" | "good" | "failing";
  good_at_us: number | null;
  tried_at_us: number | null;
  error: string | null;
  revision: number;
}

/** How like the two are: whole percent, and what the sum is made of. */
export interface Grade {
  /** Our own, graded. */
  score: number;
  /** What the public search of the list would say. */
  list_score: number;
  name: number;
  query_coverage: number;
  entry_coverage: number;
  rarity: number;
  birth: "same" | "near" | "different" | "unknown";
  country: "same" | "different" | "unknown";
  strength: "exact" | "strong" | "possible";
}

/** An entry of a list that a name is like. */
export interface Hit {
  source: string;
  uid: string;
  entry_digest: string;
  name: string;
  grade: Grade;
}

export interface EntryName {
  text: string;
  quality: "primary" | "strong" | "weak";
}

export interface ListEntry {
  uid: string;
  kind: string;
  names: EntryName[];
  births: string[];
  countries: string[];
  programs: string[];
  remarks: string | null;
  listed: string | null;
}

export interface CaseHit {
  id: string;
  hit: Hit;
  decision: "open" | "same" | "other";
  reason: string | null;
  decided_by: string | null;
  decided_at_us: number | null;
  entry: ListEntry | null;
}

export interface AmlAlert {
  id: string;
  rule: string;
  detail: string;
  facts: Record<string, unknown>;
  created_at_us: number;
}

export interface CaseNote {
  id: string;
  text: string;
  author: string | null;
  created_at_us: number;
}

export interface CaseStep {
  from: string | null;
  to: string;
  by: string | null;
  reason: string | null;
  at_us: number;
}

export interface AmlReport {
  id: string;
  case_id: string;
  status: "draft" | "submitted" | "approved" | "filed";
  narrative: string;
  reference: string | null;
  drafted_by: string | null;
  submitted_by: string | null;
  approved_by: string | null;
  created_at_us: number;
  filed_at_us: number | null;
  revision: number;
  moves: string[];
}

export interface CaseRow {
  id: string;
  number: number;
  kind: CaseKind;
  status: CaseStatus;
  user_id: string;
  client: string | null;
  severity: Level;
  assigned_to: string | null;
  alerts: number;
  created_at_us: number;
  updated_at_us: number;
  revision: number;
  /** What this person may do next. */
  moves: string[];
}

/** A case whole: the row, and what stands behind it. */
export interface Case {
  case: CaseRow;
  alerts: AmlAlert[];
  hits: CaseHit[];
  notes: CaseNote[];
  history: CaseStep[];
  reports: AmlReport[];
}

/** A client who was seen not to be an entry; it ends by hand, or when the entry changes. */
export interface Exception {
  id: string;
  source: string;
  uid: string;
  entry_digest: string;
  reason: string;
  by: string;
  created_at_us: number;
  ended_at_us: number | null;
  ended_because: string | null;
}

/** A version of a list, or a try that was refused. */
export interface ListVersion {
  version: number | null;
  outcome: "adopted" | "refused";
  entries: number;
  added: number;
  changed: number;
  removed: number;
  published: string | null;
  reason: string | null;
  created_at_us: number;
}

export interface NewAddresses {
  urls: string[];
  enabled: boolean;
  revision: number;
}

export interface NameCheck {
  hits: Hit[];
  searched: number;
}

export const aml = {
  cases: (door: Door, filter: { status?: string; kind?: string }, cursor: string | null) => door.get<PageOf<CaseRow>>("aml/cases", { ...filter, cursor }),
  case: (door: Door, id: string) => door.get<Case>(`aml/cases/${part(id)}`),
  move: (door: Door, id: string, to: string, reason: string, revision: number) => door.post<CaseRow>(`aml/cases/${part(id)}/move`, { to, reason, revision }),
  assign: (door: Door, id: string, user_id: string | null, revision: number) => door.post<CaseRow>(`aml/cases/${part(id)}/assign`, { user_id, revision }),
  note: (door: Door, id: string, text: string) => door.post<CaseNote>(`aml/cases/${part(id)}/notes`, { text }),
  decide: (door: Door, id: string, hit: string, decision: "same" | "other", reason: string) => door.post<CaseHit>(`aml/cases/${part(id)}/hits/${part(hit)}`, { decision, reason }),
  sources: (door: Door) => door.get<{ items: AmlSource[] }>("aml/sources"),
  configure: (door: Door, source: string, addresses: NewAddresses) => door.put<AmlSource>(`aml/sources/${part(source)}`, addresses),
  versions: async (door: Door, source: string, cursor: string | null): Promise<PageOf<ListVersion & { id: number }>> => {
    const { items, next } = await door.get<PageOf<ListVersion>>(`aml/sources/${part(source)}/versions`, { cursor });
    return { items: items.map((one) => ({ ...one, id: one.created_at_us })), next };
  },
  exceptions: (door: Door, client: string) => door.get<{ items: Exception[] }>(`aml/clients/${part(client)}/whitelist`),
  revoke: (door: Door, id: string, reason: string) => door.post<Exception>(`aml/whitelist/${part(id)}/revoke`, { reason }),
  check: (door: Door, name: string, kind: string, birth: string, country: string) =>
    door.post<NameCheck>("aml/check", { name, kind, ...(birth ? { birth } : {}), ...(country ? { countries: [country] } : {}) }),
  draft: (door: Door, id: string) => door.post<AmlReport>(`aml/cases/${part(id)}/reports`),
  report: (door: Door, id: string) => door.get<AmlReport>(`aml/reports/${part(id)}`),
  write: (door: Door, { id, revision }: AmlReport, narrative: string) => door.put<AmlReport>(`aml/reports/${part(id)}`, { narrative, revision }),
  /** Submits, approves, returns (with a reason), or notes that it was filed (with the authority's reference). */
  step: (door: Door, { id, revision }: AmlReport, step: ReportStep, more: Record<string, string> = {}) => door.post<AmlReport>(`aml/reports/${part(id)}/${step}`, { ...more, revision }),
};

export type ReportStep = "submit" | "return" | "approve" | "filed";

export type CashKind = "deposit" | "withdrawal" | "correction";
export type CashStatus = "requested" | "held" | "approved" | "confirmed" | "rejected" | "cancelled";

export interface Cash {
  id: string;
  user_id: string | null;
  account: number;
  kind: CashKind;
  currency: string;
  amount: Decimal;
  usd: Decimal | null;
  status: CashStatus;
  method: string | null;
  payer: string | null;
  payer_is_client: boolean | null;
  note: string | null;
  requested_by: string | null;
  approved_by: string | null;
  booked_seq: number | null;
  created_at_us: number;
  decided_at_us: number | null;
  confirmed_at_us: number | null;
  revision: number;
  moves: string[];
}

export interface NewCash {
  account: number;
  kind: CashKind;
  amount: Decimal;
  method: string;
  payer?: string;
  note?: string;
}

export type CashStep = "approve" | "confirm" | "reject" | "cancel" | "hold" | "release";

/** Steps that keep a reason. */
export const CASH_REASONS: readonly CashStep[] = ["reject", "hold", "release"];

export const cash = {
  list: (door: Door, filter: { status?: string; account?: string }, cursor: string | null) => door.get<PageOf<Cash>>("cash/requests", { ...filter, cursor }),
  ask: (door: Door, request: NewCash) => door.post<Cash>("cash/requests", request),
  step: (door: Door, { id, revision }: Cash, step: CashStep, reason: string) => door.post<Cash>(`cash/requests/${part(id)}/${step}`, { ...(CASH_REASONS.includes(step) ? { reason } : {}), revision }),
};
