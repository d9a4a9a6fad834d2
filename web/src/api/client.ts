import type {
  Account, AccountRow, Alert, Announced, Bar, Decimal, Desk, Done, Evidence, Held, Instrument, Maintenance, Me, NewOrder, OwnAccount, Placed, Preview, Reason, Scenario, Span, Standing, TimelineItem,
} from "./types";

/** The server's refusal (RFC 9457), or the network's: `status` 0 means that no answer came. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly code: number | null = null,
    readonly problemName: string | null = null,
    readonly reasons: Reason[] = [],
    readonly field: string | null = null,
    /** Seconds after which it may be sent again. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail || title);
    this.name = "Problem";
  }
}

/** Writes whose answer was lost; older ones are forgotten, nobody repeats them any more. */
const LOST_MAX = 50;

/** No answer, or one of whoever stands between: it may be done or not. */
const isLost = (error: unknown): boolean => error instanceof Problem && (error.status === 0 || error.status >= 500);

/** A write that got no answer keeps its idempotency key: sent again it is not done twice. */
export class Once {
  private readonly lost = new Map<string, string>();

  constructor(private readonly newKey: () => string = newClientId) {}

  /** `same` tells one write from another: what is sent again under it gets the key of before. */
  async send<T>(same: string, send: (key: string) => Promise<T>): Promise<T> {
    const key = this.lost.get(same) ?? this.newKey();
    try {
      const answer = await send(key);
      this.lost.delete(same);
      return answer;
    } catch (error) {
      if (isLost(error)) this.remember(same, key);
      else this.lost.delete(same);
      throw error;
    }
  }

  /** What begins like this is another write from now on. */
  forget(beginning: string): void {
    for (const same of this.lost.keys()) if (same.startsWith(beginning)) this.lost.delete(same);
  }

  private remember(same: string, key: string): void {
    this.lost.set(same, key);
    const oldest = this.lost.keys().next();
    if (this.lost.size > LOST_MAX && !oldest.done) this.lost.delete(oldest.value);
  }
}

export type AlertVerb = "ack" | "resolve" | "comment" | "snooze" | "assign" | "unack";

export interface ApiOptions {
  fetch?: typeof fetch;
  /** Called when the server says that the session is over, with what it said. */
  onSignedOut?: (why: Problem) => void;
  /** Whether a person has done something lately: without one nothing keeps a session alive. */
  present?: () => boolean;
  /** Whether a person may have asked for what is asked now; what the page asks by itself keeps no session alive. */
  attended?: () => boolean;
  /** Where the browser keeps that it has signed in: asking for a session that cannot be is an error on its console. */
  memory?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
}

const SESSION_KEY = "siaga.session";
/** Of the two kinds of session the browser's memory names the one it has: the secret's, or a person's. */
const BY_SECRET = "yes";
const AS_PERSON = "person";

/** The access token is over, or its cookie has left the browser: the refresh token brings another. */
const TOKEN_OVER: readonly number[] = [11_103, 10_001];
/** The token is not valid; the session was replaced, rested too long, has ended, or was used twice; the secret signs nobody in any more. */
const SESSION_OVER: readonly number[] = [11_104, 11_105, 11_106, 11_107, 11_108, 11_122];

/** No answer for this long counts as none: the order may have arrived, the same client id asks again without doubling it. */
const TIMEOUT_MS = 10_000;
/** The server answers what is done with an alert within 12 s, and every request within 15 s: its word is worth more than our giving up. */
const ALERT_MS = 15_000;

/** The public API as the console uses it. Holds the CSRF token of its session; the session itself is an HttpOnly cookie. */
export class Api {
  private csrf: string | null = null;
  private kept: string | null = null;
  private refreshing: Promise<boolean> | null = null;
  private readonly once = new Once();

  constructor(private readonly options: ApiOptions = {}) {}

  async signIn(secret: string): Promise<void> {
    this.csrf = (await this.call<{ csrf: string }>("POST", "session", { secret }, { quiet: true })).csrf;
    this.remember(BY_SECRET);
  }

  /** A person has signed in: their token goes with every write from now on. */
  signedIn(csrf: string | null): void {
    this.csrf = csrf;
    this.remember(AS_PERSON);
  }

  /** Which session the browser still has; keeps its CSRF token. A browser that never signed in here is not asked for one. */
  async resumeSession(): Promise<"secret" | "person" | null> {
    const kept = this.remembered();
    if (kept === null) return null;
    try {
      this.csrf = (await this.call<{ csrf: string | null }>("GET", kept === AS_PERSON ? "auth/me" : "session", undefined, { quiet: true })).csrf;
      return kept === AS_PERSON ? "person" : "secret";
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
        this.remember(null);
        return null;
      }
      throw error;
    }
  }

  /** Who is signed in; their token is the one that writes carry. */
  async me(): Promise<Me> {
    const me = await this.call<Me>("GET", "auth/me", undefined, { quiet: true });
    this.csrf = me.csrf ?? this.csrf;
    return me;
  }

  async signOut(): Promise<void> {
    if (this.remembered() === AS_PERSON) await this.call<void>("POST", "auth/logout", undefined, { quiet: true });
    else await this.call<void>("DELETE", "session", undefined, { quiet: true });
    this.csrf = null;
    this.remember(null);
  }

  /** Where nothing is remembered every browser may have the secret's session. */
  private remembered(): string | null {
    try {
      return this.kept ?? (this.options.memory === undefined ? BY_SECRET : this.options.memory.getItem(SESSION_KEY));
    } catch {
      return BY_SECRET;
    }
  }

  private remember(session: string | null): void {
    this.kept = session;
    try {
      if (session !== null) this.options.memory?.setItem(SESSION_KEY, session);
      else this.options.memory?.removeItem(SESSION_KEY);
    } catch {
      // Then the server is asked at every start.
    }
  }

  private mayRefresh(problem: Problem): boolean {
    return problem.code !== null && TOKEN_OVER.includes(problem.code) && this.remembered() === AS_PERSON && (this.options.present?.() ?? true);
  }

  /** A new access token for everybody who waits; one request for all of them. */
  private refresh(): Promise<boolean> {
    this.refreshing ??= this.call<{ csrf: string | null }>("POST", "auth/refresh", {}, { quiet: true })
      .then(
        ({ csrf }) => ((this.csrf = csrf ?? this.csrf), true),
        (error: unknown) => {
          // Not refused but not answered: the session may well go on.
          if (error instanceof Problem && error.status === 0) throw error;
          return false;
        },
      )
      .finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  async streamTicket(): Promise<string> {
    return (await this.call<{ ticket: string }>("POST", "ws-tickets", {})).ticket;
  }

  instruments = () => this.items<Instrument>("instruments");
  accounts = () => this.items<AccountRow>("accounts");
  account = (id: number) => this.call<Account>("GET", `accounts/${id}`);
  desk = () => this.call<Desk>("GET", "desk");
  maintenance = async (): Promise<Maintenance | null> => (await this.call<Announced>("GET", "maintenance")).maintenance;

  /** A client's own accounts, one of them, and what stands between it and its orders. */
  ownAccounts = () => this.items<OwnAccount>("trading/accounts");
  ownAccount = (id: number) => this.call<Held>("GET", `trading/accounts/${id}`);
  standing = (id: number) => this.call<Standing>("GET", `trading/accounts/${id}/standing`);

  /** Play money; a second time it is the same account. */
  openDemo = (user: string) => this.call<{ account_id: number }>("POST", "trading/account/open", { user_id: user, account_type: "demo" });

  bars(symbol: string, span: Span, limit: number): Promise<Bar[]> {
    return this.items<Bar>(`bars?${new URLSearchParams({ symbol, span, limit: String(limit) })}`);
  }

  preview = (order: NewOrder, signal?: AbortSignal) => this.call<Preview>("POST", "orders/preview", order, { signal });

  placeOrder(order: NewOrder): Promise<Placed> {
    return this.call("POST", "orders", order, { headers: { "Idempotency-Key": order.client_id } });
  }

  cancelOrder = (account: number, id: number) => this.call<{ seq: number }>("DELETE", `orders/${id}?account=${account}`);

  closePosition(account: number, id: number, client_id: string, qty?: Decimal): Promise<Placed> {
    return this.call("POST", `positions/${id}/close`, { account, client_id, ...(qty ? { qty } : {}) }, { headers: { "Idempotency-Key": client_id } });
  }

  protect(account: number, id: number, stop_loss: Decimal | null, take_profit: Decimal | null, trailing: Decimal | null): Promise<{ seq: number }> {
    return this.call("PUT", `positions/${id}/protection`, { account, stop_loss, take_profit, trailing });
  }

  acknowledgeRisk = (account: number) => this.call<unknown>("POST", `accounts/${account}/acknowledge-risk`, {});
  confirmCall = (account: number) => this.call<unknown>("POST", `accounts/${account}/confirm-call`, {});
  loggedIn = (account: number) => this.call<unknown>("POST", `accounts/${account}/logged-in`, {});

  alerts = () => this.items<Alert>("alerts?limit=200");
  alertTimeline = (id: Alert["id"]) => this.items<TimelineItem>(`alerts/${id}/timeline`);
  alertEvidence = (id: Alert["id"]) => this.call<Evidence>("GET", `alerts/${id}/evidence`);

  /**
   * The revision is no part of what is the same: a command whose answer was lost may have raised it. Once another command counted, the one
   * of before is not what is asked for any more.
   */
  async alertAct(alert: Alert, verb: AlertVerb, note?: string): Promise<Alert> {
    const path = `alerts/${alert.id}/${verb}`;
    const answer = await this.once.send(`${path} ${note ?? ""}`, (key) =>
      this.call<Alert>("POST", path, note ? { note } : {}, { timeoutMs: ALERT_MS, headers: { "If-Match": String(alert.revision), "Idempotency-Key": key } }),
    );
    this.once.forget(`alerts/${alert.id}/`);
    return answer;
  }

  setLink = (id: number, mode: "live" | "read_only", note: string) => this.call<Done>("POST", `links/${id}/mode`, { mode, note });

  /** Halts an instrument by hand, or lifts its halt. */
  setHalt = (symbol: string, on: boolean, note: string) => this.call<Done>("POST", "halts", { symbol, on, note });

  setScenario = (scenario: Scenario, symbol?: string) => this.call<unknown>("POST", "demo/scenario", { scenario, ...(symbol ? { symbol } : {}) });

  private async items<T>(path: string): Promise<T[]> {
    return (await this.call<{ items: T[] }>("GET", path)).items;
  }

  /** One request. A form is sent as it is, everything else as JSON; whatever changes something carries the session's CSRF token. */
  async call<T>(method: string, path: string, body?: unknown, extra: Extra = {}): Promise<T> {
    const timeout = AbortSignal.timeout(extra.timeoutMs ?? TIMEOUT_MS);
    const headers: Record<string, string> = { Accept: "application/json", ...extra.headers };
    const form = body instanceof FormData;
    // The browser writes a form's own header, with the mark between its parts.
    if (body !== undefined && !form) headers["Content-Type"] = "application/json";
    if (method !== "GET" && this.csrf) headers["X-CSRF-Token"] = this.csrf;
    if (this.options.attended?.() === false) headers["X-Unattended"] = "1";
    let response: Response;
    try {
      response = await (this.options.fetch ?? fetch)(`/api/v1/${path}`, {
        method,
        headers,
        credentials: "same-origin",
        signal: extra.signal ? AbortSignal.any([extra.signal, timeout]) : timeout,
        ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
      });
    } catch (error) {
      if (extra.signal?.aborted) throw error;
      const late = error instanceof DOMException && error.name === "TimeoutError";
      throw new Problem(0, late ? "no answer in time" : "the server cannot be reached", String(error));
    }
    // Nothing to say, or nothing to say yet.
    if (response.status === 204 || response.status === 202) return undefined as T;
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok && answer !== undefined) return answer as T;
    const problem = readProblem(response, answer);
    if (!extra.repeated && path !== "auth/refresh" && this.mayRefresh(problem) && (await this.refresh())) {
      return this.call<T>(method, path, body, { ...extra, repeated: true });
    }
    if (!extra.quiet && endsSession(problem)) this.options.onSignedOut?.(problem);
    throw problem;
  }
}

/** A wrong password or code within a session is refused with the same status, and ends none. */
const endsSession = ({ status, code }: Problem): boolean => status === 401 && (code === null || TOKEN_OVER.includes(code) || SESSION_OVER.includes(code));

interface Extra {
  headers?: Record<string, string>;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** That nobody is signed in is an answer to it, not the end of a session. */
  quiet?: boolean;
  /** Sent again with a new token. */
  repeated?: boolean;
}

/** A new client order id: 16 characters, so that it fits the core's 16 bytes. */
export function newClientId(random: (bytes: Uint8Array) => Uint8Array = (bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)): string {
  return Array.from(random(new Uint8Array(16)), (byte) => (byte % 36).toString(36)).join("");
}

const readProblem = ({ status, statusText, headers }: Response, answer: unknown): Problem => problemOf(answer, status, statusText, seconds(headers.get("Retry-After")));

/** A problem as the server writes it: a whole answer, or what an answer says about one of several things. */
export function problemOf(answer: unknown, status?: number, statusText = "", retryAfter: number | null = null): Problem {
  const body = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const text = (key: string) => (typeof body[key] === "string" ? (body[key] as string) : null);
  return new Problem(
    status ?? (typeof body.status === "number" ? body.status : 500),
    text("title") ?? statusText,
    text("detail") ?? "",
    typeof body.code === "number" ? body.code : null,
    text("name"),
    Array.isArray(body.reasons) ? (body.reasons as Reason[]) : [],
    text("field"),
    retryAfter,
  );
}

function seconds(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}
