import type { Mfa, MfaMethod, SignedIn, User } from "../../api/types";
import type { Api } from "../../api/client";
import { part, type Door, type PageOf } from "./door";

export interface SessionRow {
  id: string;
  current: boolean;
  client: string | null;
  created_at: number;
  seen_at: number;
  mfa: boolean;
}

export interface Passkey {
  id: string;
  name: string;
  created_at: number;
  used_at: number | null;
}

/** An account at a provider that signs its owner in. */
export interface LinkedAccount {
  id: string;
  /** The provider's name in addresses, and for people. */
  name: string;
  title: string;
  created_at: number;
  used_at: number | null;
}

export interface ApiKey {
  id: string;
  name: string;
  /** It begins with `sk_` and this. */
  prefix: string;
  scopes: string[];
  tier: string;
  created_at: number;
  used_at: number | null;
  expires_at: number;
  /** The key itself; once, when it is made. */
  key?: string | null;
}

export interface NewKey {
  name: string;
  scopes: string[];
  days: number;
}

export interface TotpSetup {
  secret: string;
  uri: string;
  qr_svg: string;
}

export interface Grant {
  area: string;
  verb: string;
  scope: string;
  masked: boolean;
}

export interface RoleRow {
  name: string;
  staff: boolean;
  grants: Grant[];
}

/** Somebody who works for the house, and nothing else of them. */
export interface Colleague {
  id: string;
  name: string;
}

/** A trading account in a profile. */
export interface ProfileAccount {
  account: number;
  account_type: "live" | "demo";
  /** The broker link; null while the core does not know the account. */
  broker_connection: string | null;
  status: "active" | "suspended" | null;
}

export type RiskAppetite = "low" | "medium" | "high";

/** What a person says of themselves. */
export interface UserPreferences {
  risk_appetite: RiskAppetite | null;
  /** Classes of instruments, and symbols. */
  preferred_assets: string[];
  updated_at: number | null;
  revision: number;
}

export interface PreferencesChange {
  risk_appetite: RiskAppetite | null;
  preferred_assets: string[];
  revision: number;
}

/** What is right of oneself; what is absent stays. */
export interface OwnCorrection {
  name?: string;
  phone?: string;
  locale?: string;
  revision: number;
}

/** A part of the score of engagement. */
export interface EngagementPart {
  reason: string;
  count: number | null;
  points: number;
  of: number;
}

/** What a person did in four weeks. */
export interface UserActivity {
  login_frequency: string;
  last_login_at: number | null;
  engagement_score: number;
  parts: EngagementPart[];
}

export interface UserProfile {
  user_id: string;
  verified_status: "verified" | "unverified";
  status: string;
  tier_level: string;
  account_numbers: number[];
  accounts: ProfileAccount[];
  preferences: UserPreferences;
  activity: UserActivity;
}

/** A browser's own JSON of a ceremony; what stands in it is the browser's business. */
export type Ceremony = Record<string, unknown>;

export interface NewUser {
  email: string;
  name: string;
  phone?: string;
  role: string;
  team_id?: string;
}

/** Which people are listed; `q` is looked for in names, addresses and numbers. */
export interface PeopleFilter {
  q?: string;
  role?: string;
  limit?: number;
}

/** Another role; a team that is left out stays. */
export interface RoleChange {
  role: string;
  team_id?: string | null;
  revision: number;
}

/** Another tier of rates. */
export interface TierChange {
  tier: string;
  revision: number;
}

/** People whose leads their manager reaches. */
export interface Team {
  id: string;
  name: string;
  manager_id: string | null;
  manager_name: string | null;
  members: number;
  revision: number;
}

export interface NewTeam {
  name: string;
  manager_id?: string | null;
}

/** What is left out stays. */
export interface TeamChange {
  name?: string;
  manager_id?: string | null;
  revision: number;
}

/** Signing in: a refusal is an answer here, no session ends by it. */
export const signIn = {
  login: (api: Api, email: string, password: string) => api.call<SignedIn>("POST", "auth/login", { email, password }, { quiet: true }),
  register: (api: Api, person: { email: string; password: string; name: string; phone: string; locale: string }) => api.call<SignedIn>("POST", "auth/register", person, { quiet: true }),
  firstAdministrator: (api: Api, person: { secret: string; email: string; password: string; name: string; phone: string }) => api.call<SignedIn>("POST", "auth/first-administrator", person, { quiet: true }),
  send: (api: Api, challenge: string, method: "email" | "sms") => api.call<void>("POST", "auth/mfa/send", { challenge, method }, { quiet: true }),
  passkey: (api: Api, challenge: string) => api.call<{ options: Ceremony }>("POST", "auth/mfa/passkey", { challenge }, { quiet: true }),
  verify: (api: Api, challenge: string, method: MfaMethod, proof: { code: string } | { credential: Ceremony }) => api.call<SignedIn>("POST", "auth/mfa/verify", { challenge, method, ...proof }, { quiet: true }),
  forgot: (api: Api, email: string) => api.call<void>("POST", "auth/password/forgot", { email }, { quiet: true }),
  reset: (api: Api, email: string, code: string, password: string) => api.call<void>("POST", "auth/password/reset", { email, code, password }, { quiet: true }),
  providers: (api: Api) => api.call<{ name: string; title: string }[]>("GET", "auth/oidc", undefined, { quiet: true }),
};

export const identity = {
  beginConfirmation: (door: Door) => door.write<Mfa>("POST", "auth/mfa/begin"),
  password: (door: Door, current: string, password: string) => door.post<void>("auth/password", { current, new: password }),
  confirmSend: (door: Door, what: "email" | "phone") => door.post<void>("auth/confirm/send", { what }),
  confirm: (door: Door, what: "email" | "phone", code: string) => door.post<User>("auth/confirm", { what, code }),
  beginTotp: (door: Door) => door.write<TotpSetup>("POST", "auth/mfa/totp"),
  confirmTotp: (door: Door, code: string) => door.post<{ recovery_codes: string[] }>("auth/mfa/totp/confirm", { code }),
  dropTotp: (door: Door) => door.write<void>("DELETE", "auth/mfa/totp"),
  recoveryCodes: (door: Door) => door.write<{ recovery_codes: string[] }>("POST", "auth/mfa/recovery-codes"),
  passkeys: (door: Door) => door.get<Passkey[]>("auth/passkeys"),
  beginPasskey: (door: Door) => door.write<{ ceremony: string; options: Ceremony }>("POST", "auth/passkeys/begin"),
  finishPasskey: (door: Door, ceremony: string, name: string, credential: Ceremony) => door.post<Passkey>("auth/passkeys/finish", { ceremony, name, credential }),
  dropPasskey: (door: Door, id: string) => door.write<void>("DELETE", `auth/passkeys/${part(id)}`),
  linked: (door: Door) => door.get<LinkedAccount[]>("auth/providers"),
  beginLink: (door: Door, name: string) => door.post<{ url: string }>("auth/providers", { name }),
  unlink: (door: Door, id: string) => door.write<void>("DELETE", `auth/providers/${part(id)}`),
  useContact: (door: Door, what: "email" | "phone", on: boolean) => door.put<void>("auth/mfa/contacts", { what, on }),
  keys: (door: Door) => door.get<ApiKey[]>("auth/keys"),
  makeKey: (door: Door, key: NewKey) => door.post<ApiKey>("auth/keys", key),
  revokeKey: (door: Door, id: string) => door.write<void>("DELETE", `auth/keys/${part(id)}`),
  sessions: (door: Door) => door.get<SessionRow[]>("auth/sessions"),
  endSession: (door: Door, id: string) => door.write<void>("DELETE", `auth/sessions/${part(id)}`),
  users: (door: Door, cursor: string | null, filter: PeopleFilter = {}) => door.get<PageOf<User>>("users", { cursor, ...filter }),
  user: (door: Door, id: string) => door.get<User>(`users/${part(id)}`),
  profile: (door: Door) => door.get<UserProfile>("profile"),
  profileOf: (door: Door, id: string) => door.get<UserProfile>(`users/${part(id)}/profile`),
  correct: (door: Door, correction: OwnCorrection) => door.write<User>("PATCH", "profile", correction),
  askAddress: (door: Door, email: string, password: string) => door.post<void>("auth/email", { email, password }),
  takeAddress: (door: Door, code: string) => door.post<User>("auth/email/confirm", { code }),
  setPreferences: (door: Door, change: PreferencesChange) => door.put<UserPreferences>("profile/preferences", change),
  addUser: (door: Door, user: NewUser) => door.post<User>("users", user),
  setRole: (door: Door, id: string, change: RoleChange) => door.post<User>(`users/${part(id)}/role`, change),
  setTier: (door: Door, id: string, change: TierChange) => door.post<User>(`users/${part(id)}/tier`, change),
  setStatus: (door: Door, { id, revision }: User, status: "active" | "suspended", reason: string) => door.post<User>(`users/${part(id)}/status`, { status, reason, revision }),
  unlock: (door: Door, id: string) => door.write<void>("POST", `users/${part(id)}/unlock`),
  endSessions: (door: Door, id: string) => door.write<void>("DELETE", `users/${part(id)}/sessions`),
  colleagues: (door: Door, ids: readonly string[]) => door.get<{ items: Colleague[] }>("colleagues", { ids: ids.join(",") }),
  roles: (door: Door) => door.get<RoleRow[]>("roles"),
  teams: (door: Door) => door.get<{ items: Team[] }>("teams"),
  addTeam: (door: Door, team: NewTeam) => door.post<Team>("teams", team),
  changeTeam: (door: Door, id: string, change: TeamChange) => door.write<Team>("PATCH", `teams/${part(id)}`, change),
};
