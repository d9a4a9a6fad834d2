import type {
  Account, AccountRow, Alert, Bar, Decimal, Desk, Evidence, Instrument, NewOrder, Placed, Preview, Reason, Scenario, Span, TimelineItem,
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
  ) {
    super(detail || title);
    this.name = "Problem";
  }
}

export type AlertVerb = "ack" | "resolve" | "comment" | "snooze" | "assign" | "unack";

export interface ApiOptions {
  fetch?: typeof fetch;
  /** Called once when the server says that the session is over. */
  onSignedOut?: () => void;
  /** Where the browser keeps that it has signed in: asking for a session that cannot be is an error on its console. */
  memory?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
}

const SESSION_KEY = "siaga.session";

/** No answer for this long counts as none: the order may have arrived, the same client id asks again without doubling it. */
const TIMEOUT_MS = 10_000;

/** The public API as the console uses it. Holds the CSRF token of its session; the session itself is an HttpOnly cookie. */
export class Api {
  private csrf: string | null = null;

  constructor(private readonly options: ApiOptions = {}) {}

  async signIn(secret: string): Promise<void> {
    this.csrf = (await this.call<{ csrf: string }>("POST", "session", { secret })).csrf;
    this.remember(true);
  }

  /** True when the browser still has a session; keeps its CSRF token. A browser that never signed in here is not asked for one. */
  async resumeSession(): Promise<boolean> {
    if (!this.mayBeSignedIn()) return false;
    try {
      this.csrf = (await this.call<{ csrf: string }>("GET", "session")).csrf;
      return true;
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
        this.remember(false);
        return false;
      }
      throw error;
    }
  }

  async signOut(): Promise<void> {
    await this.call<void>("DELETE", "session");
    this.csrf = null;
    this.remember(false);
  }

  private mayBeSignedIn(): boolean {
    try {
      return this.options.memory === undefined || this.options.memory.getItem(SESSION_KEY) !== null;
    } catch {
      return true;
    }
  }

  private remember(signedIn: boolean): void {
    try {
      if (signedIn) this.options.memory?.setItem(SESSION_KEY, "yes");
      else this.options.memory?.removeItem(SESSION_KEY);
    } catch {
      // Then the server is asked at every start.
    }
  }

  async streamTicket(): Promise<string> {
    return (await this.call<{ ticket: string }>("POST", "ws-tickets", {})).ticket;
  }

  instruments = () => this.items<Instrument>("instruments");
  accounts = () => this.items<AccountRow>("accounts");
  account = (id: number) => this.call<Account>("GET", `accounts/${id}`);
  desk = () => this.call<Desk>("GET", "desk");

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

  alerts = () => this.items<Alert>("alerts?limit=200");
  alertTimeline = (id: Alert["id"]) => this.items<TimelineItem>(`alerts/${id}/timeline`);
  alertEvidence = (id: Alert["id"]) => this.call<Evidence>("GET", `alerts/${id}/evidence`);

  alertAct(alert: Alert, verb: AlertVerb, note?: string): Promise<Alert> {
    return this.call("POST", `alerts/${alert.id}/${verb}`, note ? { note } : {}, { headers: { "If-Match": String(alert.revision) } });
  }

  setLink = (id: number, mode: "live" | "read_only", note: string) => this.call<{ seq: number }>("POST", `links/${id}/mode`, { mode, note });

  /** Halts an instrument by hand, or lifts its halt. */
  setHalt = (symbol: string, on: boolean, note: string) => this.call<{ seq: number }>("POST", "halts", { symbol, on, note });

  setScenario = (scenario: Scenario, symbol?: string) => this.call<unknown>("POST", "demo/scenario", { scenario, ...(symbol ? { symbol } : {}) });

  private async items<T>(path: string): Promise<T[]> {
    return (await this.call<{ items: T[] }>("GET", path)).items;
  }

  private async call<T>(method: string, path: string, body?: unknown, extra: { headers?: Record<string, string>; signal?: AbortSignal } = {}): Promise<T> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const headers: Record<string, string> = { Accept: "application/json", ...extra.headers };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method !== "GET" && this.csrf) headers["X-CSRF-Token"] = this.csrf;
    let response: Response;
    try {
      response = await (this.options.fetch ?? fetch)(`/api/v1/${path}`, {
        method,
        headers,
        credentials: "same-origin",
        signal: extra.signal ? AbortSignal.any([extra.signal, timeout]) : timeout,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      if (extra.signal?.aborted) throw error;
      const late = error instanceof DOMException && error.name === "TimeoutError";
      throw new Problem(0, late ? "no answer in time" : "the server cannot be reached", String(error));
    }
    if (response.status === 204) return undefined as T;
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok && answer !== undefined) return answer as T;
    if (response.status === 401 && path !== "session") this.options.onSignedOut?.();
    throw readProblem(response.status, response.statusText, answer);
  }
}

/** A new client order id: 16 characters, so that it fits the core's 16 bytes. */
export function newClientId(random: (bytes: Uint8Array) => Uint8Array = (bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)): string {
  return Array.from(random(new Uint8Array(16)), (byte) => (byte % 36).toString(36)).join("");
}

function readProblem(status: number, statusText: string, answer: unknown): Problem {
  const body = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const text = (key: string) => (typeof body[key] === "string" ? (body[key] as string) : null);
  return new Problem(
    status,
    text("title") ?? statusText,
    text("detail") ?? "",
    typeof body.code === "number" ? body.code : null,
    text("name"),
    Array.isArray(body.reasons) ? (body.reasons as Reason[]) : [],
    text("field"),
  );
}
