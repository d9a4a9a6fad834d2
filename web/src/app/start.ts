import type { MfaMethod } from "../api/types";

/** What the address brings along when the page opens: a printed secret, or what a provider's sign-in ended with. */
export type Start =
  | { kind: "plain" }
  | { kind: "secret"; secret: string }
  | { kind: "signed-in" }
  | { kind: "mfa"; challenge: string; methods: MfaMethod[] }
  | { kind: "failed"; code: number | null }
  | { kind: "linked" }
  | { kind: "not-linked"; code: number | null };

export const MFA_METHODS: readonly MfaMethod[] = ["passkey", "totp", "email", "sms", "recovery"];

/** Reads the part of the address that never reaches a server. */
export function readStart(hash: string): Start {
  const secret = /^#secret=(.+)$/.exec(hash)?.[1];
  if (secret !== undefined) return { kind: "secret", secret: decode(secret) };
  if (hash === "#signed-in") return { kind: "signed-in" };
  if (hash.startsWith("#mfa=")) {
    const given = new URLSearchParams(hash.slice(1));
    const asked = (given.get("methods") ?? "").split(",");
    return { kind: "mfa", challenge: given.get("mfa") ?? "", methods: MFA_METHODS.filter((method) => asked.includes(method)) };
  }
  const failed = /^#sign-in-failed=(.*)$/.exec(hash)?.[1];
  if (failed !== undefined) return { kind: "failed", code: numberOf(failed) };
  if (hash === "#linked") return { kind: "linked" };
  const notLinked = /^#link-failed=(.*)$/.exec(hash)?.[1];
  if (notLinked !== undefined) return { kind: "not-linked", code: numberOf(notLinked) };
  return { kind: "plain" };
}

/** Used once: the address bar keeps nothing of it. */
export function takeStart(): Start {
  const start = readStart(location.hash);
  if (start.kind !== "plain") history.replaceState(null, "", location.pathname + location.search);
  return start;
}

const numberOf = (text: string): number | null => (/^\d+$/.test(text) ? Number(text) : null);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
