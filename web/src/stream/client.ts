import { SUB_PROTOCOL, type Channel } from "./frames";
import { Protocol, topicKey, type Status, type TopicEvent } from "./protocol";

export type Listener = (event: TopicEvent) => void;

export interface ClientOptions {
  url: string;
  /** A single-use ticket; `null` when the session is over. */
  ticket: () => Promise<string | null>;
  client: string;
}

const TICK_MS = 250;

/** The socket around the protocol: the only place of the console that opens a WebSocket. */
export class StreamClient {
  private readonly protocol: Protocol;
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly watchers = new Set<() => void>();
  private snapshot: Status;
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private flushing = false;

  constructor(private readonly options: ClientOptions) {
    this.protocol = new Protocol({ client: options.client, random: Math.random });
    this.snapshot = { ...this.protocol.status };
  }

  start(): void {
    this.timer ??= setInterval(() => this.step((now) => this.protocol.onTick(now)), TICK_MS);
    this.step((now) => this.protocol.onTick(now));
  }

  stop(): void {
    this.hangUp(1000);
    this.step(() => this.protocol.reset());
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Listens to one topic; the first listener subscribes, the last one to leave unsubscribes. */
  listen(channel: Channel, sym: string, listener: Listener): () => void {
    const key = topicKey(channel, sym);
    const set = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, set);
    if (set.size === 0) this.protocol.want(channel, sym);
    set.add(listener);
    this.flushSoon();
    return () => {
      set.delete(listener);
      if (set.size > 0 || this.listeners.get(key) !== set) return;
      this.listeners.delete(key);
      this.step(() => this.protocol.unwant(channel, sym));
    };
  }

  status = (): Status => this.snapshot;

  watchStatus = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Everything asked for in one turn of the page leaves as one request per channel. */
  private flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    queueMicrotask(() => {
      this.flushing = false;
      this.step((now) => {
        this.protocol.onTick(now);
        this.protocol.flush(now);
      });
    });
  }

  private step(work: (now: number) => void): void {
    if (this.timer === undefined) return;
    work(nowMs());
    let changed = false;
    for (let action = this.protocol.poll(); action; action = this.protocol.poll()) {
      if (action.do === "connect") void this.connect();
      else if (action.do === "close") this.hangUp(action.code);
      else if (action.do === "send") this.send(action.text);
      else if (action.do === "status") changed = true;
      else for (const listener of [...(this.listeners.get(action.topic) ?? [])]) listener(action.event);
    }
    if (!changed) return;
    this.snapshot = { ...this.protocol.status };
    for (const watcher of this.watchers) watcher();
  }

  private async connect(): Promise<void> {
    let ticket: string | null;
    try {
      ticket = await this.options.ticket();
    } catch {
      return this.step((now) => this.protocol.onFailed(now));
    }
    if (ticket === null) return this.step((now) => this.protocol.onFailed(now, true));
    const socket = new WebSocket(this.options.url, SUB_PROTOCOL);
    this.socket = socket;
    const mine = (work: (now: number) => void) => {
      if (this.socket === socket) this.step(work);
    };
    socket.onopen = () => mine((now) => this.protocol.onOpen(ticket, now));
    socket.onmessage = (message) => mine((now) => this.protocol.onFrame(String(message.data), now));
    socket.onclose = (event) => mine((now) => this.protocol.onClose(event.code, now));
  }

  private send(text: string): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  private hangUp(code: number): void {
    const socket = this.socket;
    this.socket = undefined;
    socket?.close(code);
  }
}

/** Wall-clock milliseconds with fractions that never go back while the page is open. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
