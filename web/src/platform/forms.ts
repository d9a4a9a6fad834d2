/** What a form can say before it is sent. The server decides; nothing here makes it accept more. */

export type PasswordRule = "length" | "upper" | "digit" | "special" | "email";

/** Rules of passwords that a browser can see unmet; the server also knows the common ones. */
export function passwordLacks(password: string, email: string): PasswordRule[] {
  const lacks: PasswordRule[] = [];
  if ([...password].length < 8) lacks.push("length");
  if (!/\p{Lu}/u.test(password)) lacks.push("upper");
  if (!/\p{Nd}/u.test(password)) lacks.push("digit");
  if (!/[^\p{L}\p{N}\s]/u.test(password)) lacks.push("special");
  const name = email.split("@")[0]!.toLowerCase();
  if (name.length >= 4 && password.toLowerCase().includes(name)) lacks.push("email");
  return lacks;
}

/** The shape of an address; whether mail arrives only a mail shows. */
export const looksLikeEmail = (text: string): boolean => /^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(text.trim());

/** Six digits of an authenticator or a message, however they were typed or pasted. */
export function readCode(text: string): string | null {
  const digits = text.replaceAll(/[\s-]/g, "");
  return /^\d{6}$/.test(digits) ? digits : null;
}

/** A telephone number as Indonesians type it, or with its country; `null` when it cannot be one. */
export function readPhone(text: string): string | null {
  const plain = text.replaceAll(/[\s().-]/g, "");
  if (/^\+\d{8,15}$/.test(plain)) return plain;
  if (/^0\d{8,13}$/.test(plain)) return `+62${plain.slice(1)}`;
  return /^62\d{8,13}$/.test(plain) ? `+${plain}` : null;
}

/** The date as the form's own field gives it, only if the calendar has it. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
