import type { Consent, Consents } from "../api/records";

/** A purpose, and the newest word on it; `null`: nothing was said, which is no. */
export interface Standing {
  purpose: string;
  said: Consent | null;
}

/** Every purpose there is in the server's order, and those that are not asked about any more where something was said. */
export function standingOf({ items, purposes }: Consents): Standing[] {
  const rows = purposes.map((purpose): Standing => ({ purpose, said: items.find((one) => one.purpose === purpose) ?? null }));
  return [...rows, ...items.filter((one) => !purposes.includes(one.purpose)).map((said): Standing => ({ purpose: said.purpose, said }))];
}

/** The text beside a person's own choice on this page; it changes its name whenever the text changes. */
export const OWN_TEXT_VERSION = "console-1";

/** Longest name of a text, as the server takes it. */
export const TEXT_VERSION_CHARS_MAX = 64;

const KEY = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The key of a person as it is typed or pasted; `null` when it is none. */
export function readKey(text: string): string | null {
  const plain = text.trim().toLowerCase();
  return KEY.test(plain) ? plain : null;
}

/** The name of the file that an export is kept in. */
export const exportName = (subject: string): string => `siaga-${subject.slice(0, 8)}.json`;

/** What a hold can keep: everything, erasures alone, or the kinds of rows that have a term. */
export const HOLD_CATEGORIES = ["all", "erasure", "kyc_documents", "leads", "operations", "audit", "sessions", "sign_in_attempts", "receipts", "idempotency", "documents"] as const;
