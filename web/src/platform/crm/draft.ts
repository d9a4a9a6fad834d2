import type { Lead, LeadChange } from "../api/crm";

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

/** Fields that were known and stand empty now: the server keeps what it knows until something else is known. */
export const emptied = (before: Draft, draft: Draft): TextName[] => TEXTS.filter((name) => before[name] !== "" && draft[name].trim() === "");

/** What is sent: the fields that changed, and the revision that was seen; `null` when nothing changed. */
export function changeOf(before: Draft, draft: Draft, revision: number): LeadChange | null {
  const texts = TEXTS.filter((name) => draft[name].trim() !== before[name]);
  const interests = [...draft.interests].sort().join() !== [...before.interests].sort().join();
  if (texts.length === 0 && !interests) return null;
  return { ...Object.fromEntries(texts.map((name) => [name, draft[name].trim()])), ...(interests ? { interests: draft.interests } : {}), revision };
}

/** A sum of money as it was typed: at most two decimals, no sign. */
export const isMoney = (decimal: string | null): decimal is string => decimal !== null && /^\d{1,12}(\.\d{1,2})?$/.test(decimal);

/** Cities one a line, each once. */
export const lines = (text: string): string[] => [...new Set(text.split("\n").map((line) => line.trim()).filter((line) => line !== ""))];

/** A whole number within its bounds, or `null`. */
export function whole(text: string, most: number): number | null {
  const plain = text.trim();
  return /^\d{1,9}$/.test(plain) && Number(plain) <= most ? Number(plain) : null;
}
