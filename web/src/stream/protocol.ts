import type { Maintenance } from "../api/types";
import { DURABLE, readFrame, type Channel, type Position, type ServerFrame, type SubInfo, type Times } from "./frames";
import { backoffMs, clockOffset, type ClockSample } from "./timing";

export type SubId = number | string;
export type Phase = "offline" | "connecting" | "hello" | "open" | "stopped";
export type TopicState = "waiting" | "live" | "lost" | "refused";

/** What a page is told about its topic. */
export type TopicEvent =
  | { kind: "data"; sym: string; data: unknown; times: Times; seq: number; merged: number; snapshot: boolean }
  | { kind: "event"; data: unknown; seq: number }
  | { kind: "health"; sym: string; stale: boolean; reason?: string; ageMs?: number }
  | { kind: "state"; state: TopicState; message?: string }
  /** Events before this moment were not seen: read the list by REST now, what follows comes as events. `incident`: one could not be told. */
  | { kind: "reread"; incident?: string };

export type Action = { do: "connect" } | { do: "close"; code: number } | { do: "send"; text: string } | { do: "tell"; topic: string; event: TopicEvent } | { do: "status" };

export interface Status {
  phase: Phase;
  /** No heartbeat for twice its period. */
  quiet: boolean;
  /** Local milliseconds of the next attempt. */
  retryAt?: number;
  /** Breaks of sequence seen since the page was opened. */
  gaps: number;
  /** Server clock less ours, microseconds, by the best of the last echoes. */
  offsetUs?: number;
  roundTripMs?: number;
  lagMs?: number;
  bye?: { code: number; name: string };
  note?: string;
  /** What is announced; it may be over by now. */
  maintenance?: Maintenance;
  /** Failures of the server behind streams that we follow, by the numbers it tells the desk. */
  incidents?: readonly string[];
}

interface Sub {
  id: SubId;
  topic: string;
  sym: string;
  position?: Position;
  lost: boolean;
  /** Its frames fail, or the first one waits for the core; the next frame says that this is over. */
  fault?: { incident?: string };
  /** An event could not be told: until the next one comes, the tip is ahead of where we stand, and nothing is missing. */
  leftOut?: boolean;
  resyncAt?: number;
  tip?: number;
}

interface Topic {
  channel: Channel;
  sym: string;
  asked: boolean;
  from?: Position;
  state: TopicState;
}

interface Pending {
  op: "sub" | "resync" | "ping" | "other";
  topics: string[];
  sub?: SubId;
  at: number;
}

/** The maintenance that is ahead or running at this time of ours, and whether it runs. */
export function announced(status: Pick<Status, "maintenance" | "offsetUs">, nowMs: number): (Maintenance & { running: boolean }) | undefined {
  const nowUs = nowMs * 1_000 + (status.offsetUs ?? 0);
  const planned = status.maintenance;
  return planned && nowUs < planned.ends_at ? { ...planned, running: nowUs >= planned.starts_at } : undefined;
}

const HB_DEFAULT_MS = 5_000;
/** A hello or ticket without an answer for this long counts as a lost connection (the server gives up after 5 s). */
const HELLO_MS = 8_000;
/** A snapshot that did not come is asked for again. */
const RESYNC_MS = 3_000;
const PING_MS = 10_000;
/** Symbols in one `sub`: keeps the request far below the server's frame limit. */
const BATCH = 100;

export const topicKey = (channel: Channel, sym: string): string => `${channel}|${sym}`;

/**
 * The protocol without a socket or a clock. Order of calls: `want` and `unwant` at any time; after `connect` was polled: `onOpen(ticket)`,
 * `onFrame` for each text, `onClose` once; `onTick` at least every second; after each call drain `poll`.
 */
export class Protocol {
  readonly status: Status = { phase: "offline", quiet: false, gaps: 0 };
  private readonly topics = new Map<string, Topic>();
  private readonly subs = new Map<SubId, Sub>();
  private readonly pending = new Map<number, Pending>();
  private readonly actions: Action[] = [];
  private readonly clock: ClockSample[] = [];
  private conn?: string;
  private nextId = 1;
  private attempt = 0;
  private hbMs = HB_DEFAULT_MS;
  private heardAt = 0;
  private openedAt = 0;
  private pingAt = 0;
  private retryAt: number | undefined = 0;

  constructor(private readonly options: { client: string; random: () => number }) {}

  poll(): Action | undefined {
    return this.actions.shift();
  }

  want(channel: Channel, sym: string): void {
    const key = topicKey(channel, sym);
    if (!this.topics.has(key)) this.topics.set(key, { channel, sym, asked: false, state: "waiting" });
  }

  unwant(channel: Channel, sym: string): void {
    const key = topicKey(channel, sym);
    this.topics.delete(key);
    for (const sub of [...this.subs.values()]) {
      if (sub.topic !== key) continue;
      this.subs.delete(sub.id);
      if (this.status.phase === "open") this.send({ op: "unsub", sub: sub.id }, { op: "other", topics: [] });
    }
    this.listIncidents();
  }

  /** Sends the subscriptions that were asked for since the last call, one request per channel. */
  flush(now: number): void {
    if (this.status.phase !== "open") return;
    const plain = new Map<Channel, string[]>();
    for (const [key, topic] of this.topics) {
      if (topic.asked) continue;
      topic.asked = true;
      if (topic.from) {
        this.send({ op: "sub", ch: topic.channel, sym: [topic.sym], from: topic.from }, { op: "sub", topics: [key] }, now);
      } else {
        plain.set(topic.channel, [...(plain.get(topic.channel) ?? []), key]);
      }
    }
    for (const [channel, keys] of plain) {
      for (let start = 0; start < keys.length; start += BATCH) {
        const slice = keys.slice(start, start + BATCH);
        this.send({ op: "sub", ch: channel, sym: slice.map((key) => this.topics.get(key)!.sym), mode: "latest", snap: true }, { op: "sub", topics: slice }, now);
      }
    }
  }

  onOpen(ticket: string, now: number): void {
    this.setPhase("hello");
    this.heardAt = now;
    this.openedAt = now;
    const known = [...this.subs.values()].filter((sub) => sub.position);
    const wildcards = this.wildcards(new Set(known.map((sub) => sub.topic)));
    const subs = known.map((sub) => ({ sub: sub.id, ...sub.position! }));
    const resume = this.conn ? { conn: this.conn, subs, ...(wildcards.length > 0 ? { wildcards } : {}) } : undefined;
    this.actions.push({ do: "send", text: JSON.stringify({ op: "hello", ticket, client: this.options.client, ...(resume ? { resume } : {}) }) });
  }

  /** Wildcards among topics: only by them the server finds instruments that come later, as it did before. */
  private wildcards(keys: Set<string>): { id: number; ch: Channel; sym: string }[] {
    const topics = [...keys].flatMap((key) => this.topics.get(key) ?? []);
    const wild = topics.filter((topic) => (topic.channel === "quote" || topic.channel === "candle") && topic.sym.includes("*"));
    return wild.map((topic) => ({ id: this.nextId++, ch: topic.channel, sym: topic.sym }));
  }

  /** The page leaves its stream on purpose, as by signing out: the next start is a new connection, also after a final refusal. */
  reset(): void {
    this.pending.clear();
    this.subs.clear();
    this.clock.length = 0;
    for (const [key, topic] of this.topics) {
      topic.asked = false;
      delete topic.from;
      this.setTopic(key, "lost");
    }
    delete this.conn;
    this.attempt = 0;
    this.retryAt = 0;
    this.status.quiet = false;
    delete this.status.bye;
    delete this.status.note;
    delete this.status.maintenance;
    delete this.status.retryAt;
    this.listIncidents();
    this.setPhase("offline");
  }

  /** A ticket or a socket could not be had; `final` when trying again makes no sense (signed out). */
  onFailed(now: number, final = false): void {
    this.drop(now, final ? "stopped" : "offline");
  }

  onClose(code: number, now: number): void {
    if (this.status.phase === "stopped") return;
    // 45xx do not reconnect, except where only the ticket was at fault: the next attempt has a new one.
    const final = code >= 4500 && code <= 4999 && code !== 4501 && code !== 4502;
    if (final && !this.status.bye) this.status.bye = { code, name: "closed" };
    this.drop(now, final ? "stopped" : "offline");
  }

  onTick(now: number): void {
    if (this.status.phase === "offline") {
      if (this.retryAt !== undefined && now >= this.retryAt && this.topics.size > 0) {
        this.retryAt = undefined;
        this.openedAt = now;
        this.setPhase("connecting");
        this.actions.push({ do: "connect" });
      }
      return;
    }
    if (this.status.phase === "connecting" || this.status.phase === "hello") {
      if (now - this.openedAt > HELLO_MS) this.abandon(now);
      return;
    }
    if (this.status.phase !== "open") return;
    this.watch(now);
    this.flush(now);
    if (this.status.phase === "open" && now >= this.pingAt) {
      this.pingAt = now + PING_MS;
      this.send({ op: "ping" }, { op: "ping", topics: [] }, now);
    }
  }

  onFrame(text: string, now: number): void {
    const frame = readFrame(text);
    if (!frame) return;
    switch (frame.t) {
      case "welcome": return this.onWelcome(frame, now);
      case "ok": return this.onOk(frame, now);
      case "err": return this.onErr(frame, now);
      case "snap": return this.onSnap(frame);
      case "upd": return this.onUpd(frame, now);
      case "ev": return this.onEvent(frame);
      case "hb": return this.onHeartbeat(frame, now);
      case "stale":
      case "live": return this.onHealth(frame);
      case "gap": return this.onGap(frame, now);
      case "note":
        if (frame.kind !== "maintenance") this.status.note = frame.kind;
        else if (frame.window) this.status.maintenance = frame.window;
        else delete this.status.maintenance;
        this.actions.push({ do: "status" });
        return;
      case "bye":
        this.status.bye = { code: frame.code, name: frame.name };
        if (frame.reconnect) this.retryAt = now + (frame.after_ms ?? 0);
        else this.setPhase("stopped");
        this.actions.push({ do: "status" });
    }
  }

  private onWelcome(frame: Extract<ServerFrame, { t: "welcome" }>, now: number): void {
    this.conn = frame.conn;
    this.hbMs = frame.hb_ms > 0 ? frame.hb_ms : HB_DEFAULT_MS;
    this.heardAt = now;
    this.pingAt = now;
    this.status.quiet = false;
    delete this.status.bye;
    delete this.status.note;
    // What is still announced follows the welcome.
    delete this.status.maintenance;
    const resumed = new Set(frame.resumed ?? []);
    const kept = new Set<string>();
    const dropped = new Set<string>();
    for (const sub of [...this.subs.values()]) {
      if (resumed.has(sub.id)) {
        // The chain goes on from our position, also where it had broken before.
        sub.lost = false;
        delete sub.resyncAt;
        delete sub.tip;
        kept.add(sub.topic);
      } else {
        this.subs.delete(sub.id);
        dropped.add(sub.topic);
      }
    }
    for (const [key, topic] of this.topics) {
      topic.asked = kept.has(key) && !dropped.has(key);
      // What we hold is the newest there is, or its successor follows: no frame says so where nothing is newer.
      if (topic.asked) this.revive(key);
    }
    this.listIncidents();
    this.setPhase("open");
    this.flush(now);
  }

  private onOk(frame: Extract<ServerFrame, { t: "ok" }>, now: number): void {
    const request = frame.id === undefined ? undefined : this.pending.get(frame.id);
    if (frame.id !== undefined) this.pending.delete(frame.id);
    if (request?.op === "ping" && frame.now !== undefined) {
      this.clock.push({ sentMs: request.at, receivedMs: now, serverUs: frame.now });
      if (this.clock.length > 6) this.clock.shift();
      Object.assign(this.status, clockOffset(this.clock));
      this.actions.push({ do: "status" });
    }
    for (const info of frame.subs ?? []) this.adopt(info, request?.topics);
  }

  private adopt(info: SubInfo, asked: string[] | undefined): void {
    const exact = topicKey(info.ch, info.sym);
    const wildcard = (key: string) => key.endsWith("*") && exact.startsWith(key.slice(0, -1));
    const key = this.topics.has(exact) ? exact : (asked ?? [...this.topics.keys()]).find(wildcard);
    if (key === undefined || !this.topics.has(key)) {
      this.send({ op: "unsub", sub: info.sub }, { op: "other", topics: [] });
      return;
    }
    const position = DURABLE.has(info.ch) && info.epoch !== undefined && info.seq !== undefined ? { epoch: info.epoch, seq: info.seq } : undefined;
    const from = this.topics.get(key)!.from;
    this.subs.set(info.sub, { id: info.sub, topic: key, sym: info.sym, position: from ?? position, lost: false });
    if (!DURABLE.has(info.ch)) return;
    this.setTopic(key, "live");
    // The cursor stands: a list read from now on and the events after it overlap, but leave no hole.
    if (!from) this.tell(key, { kind: "reread" });
  }

  private onErr(frame: Extract<ServerFrame, { t: "err" }>, now: number): void {
    const request = frame.id === undefined ? undefined : this.pending.get(frame.id);
    if (frame.id !== undefined) this.pending.delete(frame.id);
    if (frame.id === undefined && frame.sub !== undefined) return this.onFault(frame.sub, frame);
    if (!request) return;
    if (request.op === "resync") {
      const sub = request.sub === undefined ? undefined : this.subs.get(request.sub);
      if (sub) sub.resyncAt = now + (frame.after_ms ?? RESYNC_MS);
      return;
    }
    if (request.op !== "sub") return;
    if (frame.name === "already_subscribed" && (frame.subs?.length || frame.sub !== undefined)) return this.onAlready(frame, request, now);
    for (const key of request.topics) {
      const topic = this.topics.get(key);
      if (!topic) continue;
      if (frame.name === "history_gone") {
        delete topic.from;
        topic.asked = false;
      } else if (frame.retry === "now" || frame.retry === "after") {
        topic.asked = false;
      } else if (request.topics.length > 1) {
        this.send({ op: "sub", ch: topic.channel, sym: [topic.sym], mode: "latest", snap: true }, { op: "sub", topics: [key] }, now);
      } else {
        this.setTopic(key, "refused", frame.msg);
      }
    }
  }

  /** Answers no request: what the stream would tell now cannot be told. */
  private onFault(id: SubId, frame: Extract<ServerFrame, { t: "err" }>): void {
    const sub = this.subs.get(id);
    if (!sub) return;
    if (this.isDurable(sub)) return this.onLeftOut(sub, frame.incident);
    sub.fault = frame.incident === undefined ? {} : { incident: frame.incident };
    this.setTopic(sub.topic, "lost", frame.msg);
    this.listIncidents();
  }

  /** An event was left out, and those behind it come: what it changed stands in the list, so with the list the fault is over. */
  private onLeftOut(sub: Sub, incident: string | undefined): void {
    // Of several in a row the first is enough to tell.
    this.tell(sub.topic, { kind: "reread", ...(sub.leftOut || incident === undefined ? {} : { incident }) });
    sub.leftOut = true;
  }

  private isDurable(sub: Sub): boolean {
    const topic = this.topics.get(sub.topic);
    return topic !== undefined && DURABLE.has(topic.channel);
  }

  private onAlready(frame: Extract<ServerFrame, { t: "err" }>, request: Pending, now: number): void {
    const key = request.topics[0]!;
    const topic = this.topics.get(key);
    const infos = frame.subs ?? (topic ? [{ sub: frame.sub!, ch: topic.channel, sym: topic.sym }] : []);
    for (const info of infos) {
      this.adopt(info, request.topics);
      const sub = this.subs.get(info.sub);
      if (sub && !DURABLE.has(info.ch)) this.lose(sub, now, true);
    }
    this.listIncidents();
  }

  private onSnap(frame: Extract<ServerFrame, { t: "snap" }>): void {
    const sub = this.subs.get(frame.sub);
    if (!sub) return;
    this.noteEpoch(sub, frame.epoch);
    sub.position = { epoch: frame.epoch, seq: frame.seq };
    sub.lost = false;
    delete sub.resyncAt;
    delete sub.tip;
    this.recover(sub);
    this.revive(sub.topic);
    this.tell(sub.topic, { kind: "data", sym: sub.sym, data: frame.data, times: frame, seq: frame.seq, merged: 1, snapshot: true });
  }

  private onUpd(frame: Extract<ServerFrame, { t: "upd" }>, now: number): void {
    const sub = this.subs.get(frame.sub);
    if (!sub || sub.lost) return;
    const changed = this.noteEpoch(sub, frame.epoch);
    if (changed || !sub.position || sub.position.seq !== frame.prev) return this.lose(sub, now, true);
    sub.position.seq = frame.seq;
    if (this.recover(sub)) this.revive(sub.topic);
    this.tell(sub.topic, { kind: "data", sym: sub.sym, data: frame.data, times: frame, seq: frame.seq, merged: frame.n ?? 1, snapshot: false });
  }

  private onEvent(frame: Extract<ServerFrame, { t: "ev" }>): void {
    const sub = this.subs.get(frame.sub);
    if (!sub) return;
    const changed = this.noteEpoch(sub, frame.epoch);
    if (changed) this.tell(sub.topic, { kind: "reread" });
    if (!changed && sub.position && frame.seq <= sub.position.seq) return;
    sub.position = { epoch: frame.epoch, seq: frame.seq };
    const topic = this.topics.get(sub.topic);
    if (topic) topic.from = { ...sub.position };
    this.actions.push({ do: "send", text: JSON.stringify({ op: "seen", sub: sub.id, seq: frame.seq }) });
    delete sub.leftOut;
    this.tell(sub.topic, { kind: "event", data: frame.data, seq: frame.seq });
  }

  /** A stream whose history is new makes every position of the old history worthless, not only its own. */
  private noteEpoch(sub: Sub, epoch: number | string): boolean {
    const known = sub.position?.epoch;
    if (known === undefined || known === epoch) return false;
    for (const other of this.subs.values()) {
      if (other.position && other.position.epoch !== epoch) delete other.position;
    }
    for (const topic of this.topics.values()) {
      if (topic.from && topic.from.epoch !== epoch) delete topic.from;
    }
    return true;
  }

  private onHeartbeat(frame: Extract<ServerFrame, { t: "hb" }>, now: number): void {
    this.heardAt = now;
    this.attempt = 0;
    if (frame.lag_ms !== undefined) this.status.lagMs = frame.lag_ms;
    this.status.quiet = false;
    this.actions.push({ do: "status" });
    const tips = frame.tips ?? {};
    for (const sub of this.subs.values()) {
      const tip = tips[String(sub.id)];
      // Where frames fail, what is newer is known to be missing, and a snapshot would be the old one.
      const behind = tip !== undefined && sub.position !== undefined && sub.position.seq < tip && !sub.fault && !sub.leftOut;
      if (behind && sub.tip !== undefined && sub.position!.seq < sub.tip && !sub.lost) this.lose(sub, now, true);
      if (behind) sub.tip = tip;
      else delete sub.tip;
    }
  }

  private onHealth(frame: Extract<ServerFrame, { t: "stale" | "live" }>): void {
    const sub = this.subs.get(frame.sub);
    if (sub) this.tell(sub.topic, { kind: "health", sym: sub.sym, stale: frame.t === "stale", reason: frame.reason, ageMs: frame.age_ms });
  }

  private onGap(frame: Extract<ServerFrame, { t: "gap" }>, now: number): void {
    const sub = this.subs.get(frame.sub);
    if (sub) this.lose(sub, now, frame.action === "resync");
  }

  private lose(sub: Sub, now: number, ask: boolean): void {
    sub.lost = true;
    this.status.gaps += 1;
    this.setTopic(sub.topic, "lost");
    this.actions.push({ do: "status" });
    if (ask && this.isDurable(sub)) return this.followAnew(sub, now);
    sub.resyncAt = now + RESYNC_MS;
    if (ask) this.send({ op: "resync", sub: sub.id }, { op: "resync", topics: [], sub: sub.id }, now);
  }

  /** A durable stream has no snapshot to ask for: it is subscribed again from where we stand. */
  private followAnew(sub: Sub, now: number): void {
    const topic = this.topics.get(sub.topic)!;
    if (sub.position) topic.from ??= { ...sub.position };
    topic.asked = false;
    this.subs.delete(sub.id);
    this.listIncidents();
    this.send({ op: "unsub", sub: sub.id }, { op: "other", topics: [] }, now);
  }

  private watch(now: number): void {
    const silent = now - this.heardAt;
    if (silent >= 3 * this.hbMs) return this.abandon(now);
    const quiet = silent >= 2 * this.hbMs;
    if (quiet !== this.status.quiet) {
      this.status.quiet = quiet;
      this.actions.push({ do: "status" });
    }
    for (const sub of this.subs.values()) {
      if (!sub.lost || sub.resyncAt === undefined || now < sub.resyncAt) continue;
      sub.resyncAt = now + RESYNC_MS;
      this.send({ op: "resync", sub: sub.id }, { op: "resync", topics: [], sub: sub.id }, now);
    }
  }

  private abandon(now: number): void {
    this.actions.push({ do: "close", code: 4000 });
    this.drop(now, "offline");
  }

  private drop(now: number, phase: "offline" | "stopped"): void {
    if (this.status.phase === "offline" && this.retryAt !== undefined && phase === "offline") return;
    this.pending.clear();
    for (const key of this.topics.keys()) this.setTopic(key, "lost");
    for (const topic of this.topics.values()) topic.asked = false;
    const told = this.retryAt;
    this.retryAt = phase === "offline" ? Math.max(told ?? 0, now + backoffMs(this.attempt, this.options.random())) : undefined;
    this.attempt += 1;
    this.status.quiet = false;
    if (this.retryAt === undefined) delete this.status.retryAt;
    else this.status.retryAt = this.retryAt;
    this.setPhase(phase);
  }

  private setPhase(phase: Phase): void {
    this.status.phase = phase;
    if (phase === "open" || phase === "connecting") delete this.status.retryAt;
    this.actions.push({ do: "status" });
  }

  /** The frames of a stream come again. False when they never failed. */
  private recover(sub: Sub): boolean {
    if (!sub.fault) return false;
    delete sub.fault;
    this.listIncidents();
    return true;
  }

  /** A topic is live when none of its streams is broken or fails. */
  private revive(key: string): void {
    for (const sub of this.subs.values()) {
      if (sub.topic === key && (sub.lost || sub.fault)) return;
    }
    this.setTopic(key, "live");
  }

  private listIncidents(): void {
    const all = new Set([...this.subs.values()].flatMap((sub) => sub.fault?.incident ?? []));
    if (all.size === 0 && this.status.incidents === undefined) return;
    if (all.size > 0) this.status.incidents = [...all];
    else delete this.status.incidents;
    this.actions.push({ do: "status" });
  }

  private setTopic(key: string, state: TopicState, message?: string): void {
    const topic = this.topics.get(key);
    if (!topic || topic.state === state) return;
    topic.state = state;
    this.tell(key, { kind: "state", state, ...(message === undefined ? {} : { message }) });
  }

  private tell(topic: string, event: TopicEvent): void {
    this.actions.push({ do: "tell", topic, event });
  }

  private send(request: Record<string, unknown>, pending: Omit<Pending, "at">, now = 0): void {
    const id = this.nextId++;
    this.pending.set(id, { ...pending, at: now });
    this.actions.push({ do: "send", text: JSON.stringify({ ...request, id }) });
  }
}
