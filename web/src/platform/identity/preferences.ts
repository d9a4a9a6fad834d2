import type { User } from "../../api/types";
import type { OwnCorrection, PreferencesChange, RiskAppetite, UserPreferences } from "../api/identity";

/** The classes of instruments, as the server names them. */
export const CLASSES = ["forex", "metal", "energy", "index", "crypto"] as const;

export const APPETITES: readonly RiskAppetite[] = ["low", "medium", "high"];

/** The server takes no more. */
export const ASSETS_MAX = 20;

export interface PreferencesDraft {
  /** Empty when nothing is said. */
  risk: RiskAppetite | "";
  classes: string[];
  /** Symbols as they are typed, apart by commas or spaces. */
  symbols: string;
}

const isClass = (asset: string): boolean => (CLASSES as readonly string[]).includes(asset);

export function draftOf({ risk_appetite, preferred_assets }: UserPreferences): PreferencesDraft {
  return { risk: risk_appetite ?? "", classes: preferred_assets.filter(isClass), symbols: preferred_assets.filter((asset) => !isClass(asset)).join(", ") };
}

/** The symbols of a text, in capitals and each once. */
export function symbolsOf(typed: string): string[] {
  return [...new Set(typed.toUpperCase().split(/[\s,;]+/).filter((symbol) => symbol !== ""))];
}

/** Classes in their own order, then symbols. */
export function assetsOf(draft: PreferencesDraft): string[] {
  return [...CLASSES.filter((one) => draft.classes.includes(one)), ...symbolsOf(draft.symbols)];
}

/** What is sent; `null` when it says what the server has. */
export function changeOf(held: UserPreferences, draft: PreferencesDraft): PreferencesChange | null {
  const change: PreferencesChange = { risk_appetite: draft.risk === "" ? null : draft.risk, preferred_assets: assetsOf(draft), revision: held.revision };
  const same = change.risk_appetite === held.risk_appetite && change.preferred_assets.join() === assetsOf(draftOf(held)).join();
  return same ? null : change;
}

/** What is kept of a person that they correct themselves. */
export const CORRECTED = ["name", "phone", "locale"] as const;

export type OwnDraft = Record<(typeof CORRECTED)[number], string>;

export const ownDraftOf = (user: User): OwnDraft => ({ name: user.name ?? "", phone: user.phone ?? "", locale: user.locale ?? "" });

/** The fields that were changed, against the revision that was seen; `null` when none was, or one was emptied. */
export function correctionOf(user: User, draft: OwnDraft): OwnCorrection | null {
  const before = ownDraftOf(user);
  const changed = CORRECTED.filter((name) => draft[name].trim() !== before[name]);
  if (changed.length === 0 || changed.some((name) => draft[name].trim() === "")) return null;
  const correction: OwnCorrection = { revision: user.revision };
  for (const name of changed) correction[name] = draft[name].trim();
  return correction;
}
