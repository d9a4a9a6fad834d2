import { expect, it, vi } from "vitest";
import { Api, newClientId, Problem } from "./client";
import type { Alert, NewOrder } from "./types";

type Call = { url: string; init: RequestInit & { headers: Record<string, string> } };

function server(...answers: (Response | Error)[]) {
  const calls: Call[] = [];
  const fetch = vi.fn(async (url: string, init: RequestInit) => {
    calls.push({ url, init: init as Call["init"] });
    const answer = answers.shift();
    if (!answer || answer instanceof Error) throw answer ?? new Error("no answer left");
    return answer;
  }) as unknown as typeof globalThis.fetch;
  return { calls, fetch };
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
const order: NewOrder = { account: 7, symbol: "EUR/USD", side: "buy", kind: "market", qty: "0.10", client_id: "abc" };

it("sends the session's CSRF token with everything that changes something", async () => {
  const { calls, fetch } = server(json({ csrf: "tok" }), json({ items: [] }), json({ order: {}, seq: 1, repeated: false }, 201));
  const api = new Api({ fetch });
  await api.signIn("s3cret");
  await api.instruments();
  await api.placeOrder(order);
  expect(calls.map((call) => call.init.headers["X-CSRF-Token"])).toEqual([undefined, undefined, "tok"]);
  expect(calls[2]!.init.headers["Idempotency-Key"]).toBe("abc");
  expect(calls[0]!.url).toBe("/api/v1/session");
  expect(calls.every((call) => !call.url.includes("s3cret"))).toBe(true);
});

it("keeps every reason of a refusal", async () => {
  const reasons = [{ code: 2106, name: "volatility_halt", lifts: "wait" }, { code: 2201, name: "not_enough_margin", lifts: "deposit" }];
  const { fetch } = server(json({ title: "refused", status: 422, code: 2106, name: "volatility_halt", detail: "two reasons", reasons }, 422));
  const error = await new Api({ fetch }).placeOrder(order).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(Problem);
  expect(error).toMatchObject({ status: 422, code: 2106, reasons, message: "two reasons" });
});

it("tells no answer from a refusal", async () => {
  const lost = await new Api({ fetch: server(new TypeError("fetch failed")).fetch }).placeOrder(order).catch((caught: unknown) => caught);
  expect(lost).toMatchObject({ status: 0, title: "the server cannot be reached" });
  const late = await new Api({ fetch: server(new DOMException("late", "TimeoutError")).fetch }).placeOrder(order).catch((caught: unknown) => caught);
  expect(late).toMatchObject({ status: 0, title: "no answer in time" });
  const page = await new Api({ fetch: server(new Response("<html>", { status: 502, statusText: "Bad Gateway" })).fetch }).desk().catch((caught: unknown) => caught);
  expect(page).toMatchObject({ status: 502, title: "Bad Gateway" });
});

it("notices the end of the session, but not while asking for one", async () => {
  const onSignedOut = vi.fn();
  const { fetch } = server(json({ title: "no", status: 401 }, 401), json({ title: "no", status: 401 }, 401));
  const api = new Api({ fetch, onSignedOut });
  expect(await api.resumeSession()).toBeNull();
  expect(onSignedOut).not.toHaveBeenCalled();
  await api.desk().catch(() => undefined);
  expect(onSignedOut).toHaveBeenCalledOnce();
});

it("asks for no session where nobody signed in, and for the one that was kept", async () => {
  const kept = new Map<string, string>();
  const memory = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) };
  const { calls, fetch } = server(json({ csrf: "tok" }), json({ csrf: "tok" }), new Response(null, { status: 204 }));
  const api = new Api({ fetch, memory });
  expect(await api.resumeSession()).toBeNull();
  expect(calls).toHaveLength(0);
  await api.signIn("s3cret");
  expect([...kept.values()]).toEqual(["yes"]);
  expect(await new Api({ fetch, memory }).resumeSession()).toBe("secret");
  await api.signOut();
  expect(await api.resumeSession()).toBeNull();
  expect(calls).toHaveLength(3);
});

it("asks for a new token when the old one is over, once for all who wait, and sends each again", async () => {
  const kept = new Map<string, string>();
  const memory = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) };
  const over = () => json({ title: "expired", status: 401, code: 11103, name: "token_expired" }, 401);
  const { calls, fetch } = server(over(), over(), json({ csrf: "new" }), json({}), json({}), over(), json({ title: "no", status: 401, code: 11104 }, 401));
  const onSignedOut = vi.fn();
  let present = true;
  const api = new Api({ fetch, memory, onSignedOut, present: () => present });
  api.signedIn("old");
  await Promise.all([api.acknowledgeRisk(1), api.acknowledgeRisk(2)]);
  expect(calls.map((call) => call.url.replace("/api/v1/", ""))).toEqual(["accounts/1/acknowledge-risk", "accounts/2/acknowledge-risk", "auth/refresh", "accounts/1/acknowledge-risk", "accounts/2/acknowledge-risk"]);
  expect(calls.map((call) => call.init.headers["X-CSRF-Token"])).toEqual(["old", "old", "old", "new", "new"]);
  expect(onSignedOut).not.toHaveBeenCalled();
  // A refused token ends the session, and says so once.
  await api.desk().catch(() => undefined);
  expect(onSignedOut).toHaveBeenCalledOnce();
  // Nobody is there: nothing keeps the session alive.
  present = false;
  const idle = server(over());
  const alone = new Api({ fetch: idle.fetch, memory, onSignedOut, present: () => present });
  await alone.desk().catch(() => undefined);
  expect(idle.calls).toHaveLength(1);
  expect(onSignedOut).toHaveBeenCalledTimes(2);
});

it("says of what it asks while nobody is there that it is unattended, and of a new token for it", async () => {
  const over = json({ title: "expired", status: 401, code: 11103, name: "token_expired" }, 401);
  const { calls, fetch } = server(json({}), json({}), over, json({ csrf: "new" }), json({}));
  let attended = true;
  const api = new Api({ fetch, present: () => true, attended: () => attended });
  api.signedIn("old");
  await api.desk();
  attended = false;
  await api.desk();
  await api.desk();
  expect(calls.map((call) => call.url.replace("/api/v1/", ""))).toEqual(["desk", "desk", "desk", "auth/refresh", "desk"]);
  expect(calls.map((call) => call.init.headers["X-Unattended"])).toEqual([undefined, "1", "1", "1", "1"]);
});

it("ends no session for a wrong password within it", async () => {
  const onSignedOut = vi.fn();
  const no = (code: number) => json({ title: "no", status: 401, code }, 401);
  const { fetch } = server(no(11101), no(11114), no(11105));
  const api = new Api({ fetch, onSignedOut });
  for (const _ of [1, 2]) await api.call("POST", "auth/password", {}).catch(() => undefined);
  expect(onSignedOut).not.toHaveBeenCalled();
  await api.desk().catch(() => undefined);
  expect(onSignedOut).toHaveBeenCalledOnce();
});

it("never asks for a token in the secret's session", async () => {
  const { calls, fetch } = server(json({ csrf: "tok" }), json({ title: "no", status: 401, code: 10001 }, 401));
  const api = new Api({ fetch });
  await api.signIn("s3cret");
  await api.desk().catch(() => undefined);
  expect(calls.map((call) => call.url)).toEqual(["/api/v1/session", "/api/v1/desk"]);
});

it("sends a form as the browser writes it", async () => {
  const { calls, fetch } = server(json({}));
  const form = new FormData();
  form.append("ktp", new Blob(["x"]), "a.jpg");
  await new Api({ fetch }).call("POST", "kyc/upload", form);
  expect(calls[0]!.init.body).toBe(form);
  expect(calls[0]!.init.headers["Content-Type"]).toBeUndefined();
});

it("hands on what is announced, and that a reason was not kept", async () => {
  const window = { starts_at: 1, ends_at: 2, message: "a new disk" };
  const { calls, fetch } = server(json({ maintenance: window }), json({ maintenance: null }), json({ seq: 3, note_kept: false }), json({ seq: 4 }));
  const api = new Api({ fetch });
  expect([await api.maintenance(), await api.maintenance()]).toEqual([window, null]);
  expect([await api.setLink(1, "read_only", "why"), await api.setHalt("EUR/USD", true, "why")]).toEqual([{ seq: 3, note_kept: false }, { seq: 4 }]);
  expect(calls.map((call) => call.url)).toEqual(["/api/v1/maintenance", "/api/v1/maintenance", "/api/v1/links/1/mode", "/api/v1/halts"]);
});

it("acts on the revision that was seen", async () => {
  const { calls, fetch } = server(json({}));
  await new Api({ fetch }).alertAct({ id: "9", revision: 4 } as Alert, "ack", "seen");
  expect(calls[0]!.url).toBe("/api/v1/alerts/9/ack");
  expect(calls[0]!.init.headers["If-Match"]).toBe("4");
  expect(calls[0]!.init.body).toBe('{"note":"seen"}');
});

it("keeps the key of what is done with an alert until an answer comes, and waits for it longer than the server may take", async () => {
  const late = () => new DOMException("late", "TimeoutError");
  const { calls, fetch } = server(late(), json({ title: "timeout", status: 504 }, 504), json({}), json({}), late(), late(), json({ title: "stale", status: 412 }, 412), json({}));
  const waits = vi.spyOn(AbortSignal, "timeout");
  const api = new Api({ fetch });
  const act = (revision: number, verb: "ack" | "comment", note?: string, id = "9") => api.alertAct({ id, revision } as Alert, verb, note).catch(() => undefined);
  await act(1, "comment", "seen");
  // It was recorded, and the stream told of the next revision.
  await act(2, "comment", "seen");
  await act(2, "comment", "seen");
  await act(3, "comment", "seen");
  await act(3, "ack");
  await act(3, "ack", undefined, "10");
  await act(3, "ack");
  await act(4, "ack");
  const keys = calls.map((call) => call.init.headers["Idempotency-Key"]!);
  const [first, second, ack, other, last] = [keys[0], keys[3], keys[4], keys[5], keys[7]];
  expect(keys).toEqual([first, first, first, second, ack, other, ack, last]);
  expect(new Set([first, second, ack, other, last]).size).toBe(5);
  for (const key of keys) expect(key).toMatch(/^[0-9a-z]{16}$/);
  expect(calls.map((call) => call.init.headers["If-Match"])).toEqual(["1", "2", "2", "3", "3", "3", "3", "4"]);
  expect(waits.mock.calls.every(([ms]) => ms === 15_000)).toBe(true);
  waits.mockRestore();
});

it("asks anew for what was done with an alert before another command counted", async () => {
  const { calls, fetch } = server(new DOMException("late", "TimeoutError"), new DOMException("late", "TimeoutError"), json({}), json({}), json({}));
  const api = new Api({ fetch });
  const act = (revision: number, verb: "ack" | "unack", id = "9") => api.alertAct({ id, revision } as Alert, verb).catch(() => undefined);
  await act(1, "ack");
  await act(1, "ack", "10");
  await act(2, "unack");
  await act(3, "ack");
  await act(1, "ack", "10");
  const keys = calls.map((call) => call.init.headers["Idempotency-Key"]!);
  expect(new Set(keys.slice(0, 4)).size).toBe(4);
  expect(keys[4]).toBe(keys[1]);
});

it("makes client ids that fit the core's 16 bytes", () => {
  const ids = new Set(Array.from({ length: 200 }, () => newClientId()));
  expect(ids.size).toBe(200);
  for (const id of ids) expect(id).toMatch(/^[0-9a-z]{16}$/);
});
