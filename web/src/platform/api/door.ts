import { Once, type Api } from "../../api/client";

/** A page of a list, and where the next one begins. */
export interface PageOf<T> {
  items: T[];
  next: string | null;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** A document takes longer than an order: it is decoded and read before the answer. */
const UPLOAD_MS = 60_000;

/** The platform's part of the API. A write that got no answer keeps its idempotency key: sent again it is not done twice. */
export class Door {
  private readonly once: Once;

  constructor(
    private readonly api: Pick<Api, "call">,
    newKey?: () => string,
  ) {
    this.once = new Once(newKey);
  }

  get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.api.call<T>("GET", withQuery(path, query), undefined, signal ? { signal } : {});
  }

  write<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const same = `${method} ${path} ${JSON.stringify(body) ?? ""}`;
    return this.once.send(same, (key) => this.api.call<T>(method, path, body, { headers: { "Idempotency-Key": key, ...headers } }));
  }

  post = <T>(path: string, body: unknown = {}): Promise<T> => this.write<T>("POST", path, body);
  put = <T>(path: string, body: unknown): Promise<T> => this.write<T>("PUT", path, body);

  /** Reads through every store: it takes longer, changes nothing, and may be asked again. */
  slow<T>(path: string): Promise<T> {
    return this.api.call<T>("POST", path, undefined, { timeoutMs: UPLOAD_MS });
  }

  upload<T>(path: string, form: FormData): Promise<T> {
    return this.once.send(`POST ${path} ${described(form)}`, (key) => this.api.call<T>("POST", path, form, { timeoutMs: UPLOAD_MS, headers: { "Idempotency-Key": key } }));
  }
}

/** What makes two forms the same before they are read: the server compares their files byte by byte. */
const described = (form: FormData): string => JSON.stringify([...form].map(([name, value]) => (typeof value === "string" ? [name, value] : [name, value.name, value.size, value.lastModified])));

/** Leaves out what was not chosen. */
export function withQuery(path: string, query: Query): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null && value !== undefined && value !== "") given.set(name, String(value));
  const text = given.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** A part of an address. */
export const part = (text: string): string => encodeURIComponent(text);
