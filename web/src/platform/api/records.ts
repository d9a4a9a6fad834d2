import { part, type Door, type PageOf } from "./door";

/** The newest word of a person on one purpose, or one of those before. */
export interface Consent {
  purpose: string;
  granted: boolean;
  source: string;
  text_version: string;
  recorded_by: string;
  time_us: number;
}

export interface Consents {
  items: Consent[];
  /** What can be agreed to. */
  purposes: string[];
}

export interface NewConsent {
  purpose: string;
  granted: boolean;
  source: ConsentSource;
  text_version: string;
}

export const CONSENT_SOURCES = ["telephone", "whatsapp", "paper", "web"] as const;
export type ConsentSource = (typeof CONSENT_SOURCES)[number];

/** A row of the history: none has a key of its own, and a person says one thing about a purpose at a time. */
export type SaidConsent = Consent & { id: string };

export interface SubjectRequest {
  id: string;
  subject: string;
  kind: "export" | "erasure";
  status: "open" | "held" | "done" | "refused";
  reason: string | null;
  made_us: number;
  due_us: number;
}

export interface LedgerLine {
  store: string;
  action: string;
  items: number;
  reason: string | null;
}

export interface Hold {
  id: string;
  category: string;
  subject: string | null;
  reason: string;
  placed_by: string;
  placed_us: number;
  lifted_us: number | null;
}

export interface NewHold {
  category: string;
  subject?: string;
  reason: string;
}

/** Values of a row before or after, by their field; none for what only was looked at. */
export type AuditValues = Record<string, unknown> | null;

export interface AuditRow {
  id: number;
  time_us: number;
  actor: string;
  action: string;
  entity: string;
  entity_id: string;
  subject: string | null;
  before: AuditValues;
  after: AuditValues;
  request: string | null;
  link: number | null;
}

/** Something that is wrong with a month's chain, and at which of its places. */
export interface AuditFlaw {
  kind: string;
  link: number | null;
}

/** A piece of a month's chain, computed anew by the server. */
export interface AuditPiece {
  rows: number;
  next: number | null;
  flaws: AuditFlaw[];
}

export interface AuditFilter {
  entity: string;
  entity_id: string;
  actor: string;
  subject: string;
  /** From this instant on, and before that one: UTC microseconds as text; empty where it is open. */
  from: string;
  to: string;
}

export interface Found {
  entity: string;
  id: string;
  share: number;
}

/** Everything that is kept about a person, store by store. */
export type Exported = Record<string, unknown>;

export const records = {
  consents: (door: Door, subject: string) => door.get<Consents>(`subjects/${part(subject)}/consents`),
  say: (door: Door, subject: string, consent: NewConsent) => door.post<void>(`subjects/${part(subject)}/consents`, consent),
  said: async (door: Door, subject: string, cursor: string | null): Promise<PageOf<SaidConsent>> => {
    const { items, next } = await door.get<PageOf<Consent>>(`subjects/${part(subject)}/consents/history`, { cursor });
    return { items: items.map((one) => ({ ...one, id: `${one.time_us}/${one.purpose}` })), next };
  },
  requests: (door: Door, subject: string) => door.get<{ items: SubjectRequest[] }>(`subjects/${part(subject)}/requests`),
  export: (door: Door, subject: string) => door.slow<Exported>(`subjects/${part(subject)}/export`),
  erase: (door: Door, subject: string) => door.write<void>("POST", `subjects/${part(subject)}/erasure`),
  ledger: (door: Door, request: string) => door.get<{ items: LedgerLine[] }>(`erasures/${part(request)}/ledger`),
  holds: (door: Door, cursor: string | null) => door.get<PageOf<Hold>>("holds", { cursor }),
  hold: (door: Door, hold: NewHold) => door.post<{ id: string }>("holds", hold),
  lift: (door: Door, id: string) => door.write<void>("DELETE", `holds/${part(id)}`),
  audit: (door: Door, filter: Partial<AuditFilter>, cursor: string | null) => door.get<PageOf<AuditRow>>("audit", { ...filter, cursor }),
  chain: (door: Door, month: string, after: number | null) => door.get<AuditPiece>("audit/chain", { month, after }),
  find: (door: Door, q: string) => door.get<{ items: Found[] }>("search", { q }),
};
