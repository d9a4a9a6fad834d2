import type { ColumnId, Deal, DealChange, Lead, LeadChange, Limits } from "../api/crm";

/** A lead's own data as they stand in a form. */
export interface Draft {
  name: string;
  phone: string;
  email: string;
  city: string;
  interests: string[];
}

export const TEXTS = ["name", "phone", "email", "city"] as const;
export type TextName = (typeof TEXTS)[number];

export const draftOf = (lead: Pick<Lead, TextName | "interests">): Draft => ({ name: lead.name ?? "", phone: lead.phone ?? "", email: lead.email ?? "", city: lead.city ?? "", interests: lead.interests });

/** Fields that were known and stand empty now. */
export const emptied = (before: Draft, draft: Draft): TextName[] => TEXTS.filter((name) => before[name] !== "" && draft[name].trim() === "");

/** Number and address that stand empty where one of them was known: a lead keeps a way to its person. */
export const unreachable = (before: Draft, draft: Draft): TextName[] => {
  const contacts: TextName[] = ["phone", "email"];
  return contacts.every((name) => draft[name].trim() === "") ? contacts.filter((name) => before[name] !== "") : [];
};

/** What is sent: the fields that changed, null where one was emptied, and the revision that was seen; `null` when nothing changed. */
export function changeOf(before: Draft, draft: Draft, revision: number): LeadChange | null {
  const texts = TEXTS.filter((name) => draft[name].trim() !== before[name]);
  const interests = [...draft.interests].sort().join() !== [...before.interests].sort().join();
  if (texts.length === 0 && !interests) return null;
  return { ...Object.fromEntries(texts.map((name) => [name, draft[name].trim() || null])), ...(interests ? { interests: draft.interests } : {}), revision };
}

/** A sum of money as it was typed: at most two decimals, no sign. */
export const isMoney = (decimal: string | null): decimal is string => decimal !== null && /^\d{1,12}(\.\d{1,2})?$/.test(decimal);

/** What is sent of a deal: what changed, and the revision that was seen; `null` when nothing changed. */
export function dealChange(before: Pick<Deal, "title" | "expected_usd" | "revision">, title: string, expected: string): DealChange | null {
  const retitled = title.trim() !== (before.title ?? "") ? { title: title.trim() } : null;
  const counted = expected !== before.expected_usd ? { expected_usd: expected } : null;
  return retitled || counted ? { ...retitled, ...counted, revision: before.revision } : null;
}

/** Most open leads that a column may be said to hold. */
export const LIMIT_MAX = 100_000;

/** Limits as they were typed: an empty one is none; `null` when one is no limit. */
export function limitsOf(typed: Partial<Record<ColumnId, string>>): Limits["limits"] | null {
  const given = Object.entries(typed).filter(([, text]) => text.trim() !== "");
  const limits = given.map(([column, text]) => [column, whole(text, LIMIT_MAX) ?? 0] as const);
  return limits.every(([, limit]) => limit > 0) ? Object.fromEntries(limits) : null;
}

/** Cities one a line, each once. */
export const lines = (text: string): string[] => [...new Set(text.split("\n").map((line) => line.trim()).filter((line) => line !== ""))];

/** A whole number within its bounds, or `null`. */
export function whole(text: string, most: number): number | null {
  const plain = text.trim();
  return /^\d{1,9}$/.test(plain) && Number(plain) <= most ? Number(plain) : null;
}
