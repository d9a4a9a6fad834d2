import { beforeEach, describe, expect, it } from "vitest";
import { announced, Protocol, type Action, type TopicEvent } from "./protocol";

type Request = Record<string, unknown> & { op: string; id: number };

/** A protocol with its far end played by hand. */
class Wire {
  readonly protocol = new Protocol({ client: "test", random: () => 0.5 });
  now = 1_000;
  sent: Request[] = [];
  told: { topic: string; event: TopicEvent }[] = [];
  other: Action[] = [];

  drain(): void {
    for (let action = this.protocol.poll(); action; action = this.protocol.poll()) {
      if (action.do === "send") this.sent.push(JSON.parse(action.text) as Request);
      else if (action.do === "tell") this.told.push(action);
      else if (action.do !== "status") this.other.push(action);
    }
  }

  tick(ms = 0): void {
    this.now += ms;
    this.protocol.onTick(this.now);
    this.drain();
  }

  frame(value: unknown): void {
    this.protocol.onFrame(typeof value === "string" ? value : JSON.stringify(value), this.now);
    this.drain();
  }

  connect(extra: Record<string, unknown> = {}): void {
    this.tick();
    expect(this.other.pop()).toEqual({ do: "connect" });
    this.protocol.onOpen("ticket", this.now);
    this.drain();
    this.frame({ t: "welcome", conn: "c1", server: "s", now: 1, hb_ms: 5_000, resumed: [], lost: [], ...extra });
  }

  take(op: string): Request[] {
    const found = this.sent.filter((request) => request.op === op);
    this.sent = this.sent.filter((request) => request.op !== op);
    return found;
  }

  heard(topic: string, kind: TopicEvent["kind"]): TopicEvent[] {
    return this.told.filter((one) => one.topic === topic && one.event.kind === kind).map((one) => one.event);
  }

  /** Subscribes `quote|A` as sub 1 with a snapshot at seq 10 of epoch 1. */
  quoteA(): void {
    this.protocol.want("quote", "A");
    this.connect();
    const [sub] = this.take("sub");
    this.frame({ t: "ok", id: sub!.id, subs: [{ sub: 1, ch: "quote", sym: "A" }] });
    this.snap(10);
  }

  snap(seq: number, epoch = 1, sub = 1): void {
    this.frame({ t: "snap", sub, sym: "A", epoch, seq, data: { seq } });
  }

  upd(prev: number, seq: number, epoch = 1, sub = 1): void {
    this.frame({ t: "upd", sub, sym: "A", epoch, seq, prev, n: 1, te: 1, ti: 2, to: 3, data: { seq } });
  }
}

let wire: Wire;
beforeEach(() => {
  wire = new Wire();
});

describe("opening", () => {
  it("does not connect for nobody", () => {
    wire.tick(60_000);
    expect(wire.other).toEqual([]);
  });

  it("says hello with the ticket and asks for everything in one request per channel", () => {
    for (const sym of ["A", "B", "C"]) wire.protocol.want("quote", sym);
    wire.protocol.want("status", "*");
    wire.connect();
    expect(wire.take("hello")).toEqual([{ op: "hello", ticket: "ticket", client: "test" }]);
    const subs = wire.take("sub");
    expect(subs.map((sub) => [sub.ch, sub.sym])).toEqual([["quote", ["A", "B", "C"]], ["status", ["*"]]]);
    expect(new Set(subs.map((sub) => sub.id)).size).toBe(2);
  });

  it("gives up a server that does not welcome", () => {
    wire.protocol.want("quote", "A");
    wire.tick();
    wire.protocol.onOpen("ticket", wire.now);
    wire.drain();
    wire.other = [];
    wire.tick(9_000);
    expect(wire.other).toEqual([{ do: "close", code: 4000 }]);
    expect(wire.protocol.status.phase).toBe("offline");
  });

  it("ignores frames of a later server and text that is no frame", () => {
    wire.quoteA();
    const told = wire.told.length;
    for (const text of ['{"t":"hologram","sub":1}', "not json", "null", "[]", '{"t":5}']) wire.frame(text);
    expect(wire.told.length).toBe(told);
    expect(wire.protocol.status.phase).toBe("open");
  });
});

describe("sequence", () => {
  it("takes a conflated jump when prev is what it was last sent", () => {
    wire.quoteA();
    wire.upd(10, 17);
    wire.upd(17, 18);
    expect(wire.heard("quote|A", "data").map((event) => (event as { seq: number }).seq)).toEqual([10, 17, 18]);
    expect(wire.protocol.status.gaps).toBe(0);
  });

  it("marks a broken chain lost, asks once, ignores deltas until the snapshot", () => {
    wire.quoteA();
    wire.upd(12, 13);
    wire.upd(13, 14);
    expect(wire.take("resync").map((request) => request.sub)).toEqual([1]);
    expect(wire.heard("quote|A", "state").at(-1)).toEqual({ kind: "state", state: "lost" });
    expect(wire.heard("quote|A", "data")).toHaveLength(1);
    wire.snap(20);
    wire.upd(20, 21);
    expect(wire.heard("quote|A", "state").at(-1)).toEqual({ kind: "state", state: "live" });
    expect(wire.heard("quote|A", "data")).toHaveLength(3);
    expect(wire.protocol.status.gaps).toBe(1);
  });

  it("asks again when the snapshot does not come, and waits when told so", () => {
    wire.quoteA();
    wire.upd(12, 13);
    const [first] = wire.take("resync");
    wire.frame({ t: "err", id: first!.id, code: 1401, name: "resync_busy", msg: "", retry: "after", after_ms: 4_000 });
    wire.tick(3_500);
    expect(wire.take("resync")).toEqual([]);
    wire.tick(600);
    expect(wire.take("resync")).toHaveLength(1);
  });

  it("forgets every position when one stream has a new epoch", () => {
    wire.quoteA();
    wire.protocol.want("quote", "B");
    wire.tick();
    wire.frame({ t: "ok", id: wire.take("sub")[0]!.id, subs: [{ sub: 2, ch: "quote", sym: "B" }] });
    wire.snap(5, 1, 2);
    wire.snap(1, 2);
    // The same numbers in the old chain of the other stream would look right, and are not.
    wire.upd(5, 6, 2, 2);
    expect(wire.take("resync").map((request) => request.sub)).toEqual([2]);
  });

  it("finds a silent stall by the tips of two heartbeats", () => {
    wire.quoteA();
    wire.frame({ t: "hb", cs: 1, now: 1, tips: { 1: 14 } });
    expect(wire.take("resync")).toEqual([]);
    wire.frame({ t: "hb", cs: 2, now: 2, tips: { 1: 15 } });
    expect(wire.take("resync")).toHaveLength(1);
  });

  it("lets a heartbeat pass when the stream caught up between two of them", () => {
    wire.quoteA();
    wire.frame({ t: "hb", cs: 1, now: 1, tips: { 1: 14 } });
    wire.upd(10, 14);
    wire.frame({ t: "hb", cs: 2, now: 2, tips: {} });
    expect(wire.take("resync")).toEqual([]);
  });

  it("follows a gap that the server found", () => {
    wire.quoteA();
    wire.frame({ t: "gap", sub: 1, sym: "A", have: 3, want: 4, action: "snap_follows" });
    expect(wire.take("resync")).toEqual([]);
    expect(wire.heard("quote|A", "state").at(-1)).toEqual({ kind: "state", state: "lost" });
    wire.frame({ t: "gap", sub: 1, sym: "A", have: 3, want: 4, action: "resync" });
    expect(wire.take("resync")).toHaveLength(1);
  });

  it("passes on the server's judgement of a feed", () => {
    wire.quoteA();
    wire.frame({ t: "stale", sub: 1, sym: "A", age_ms: 900, reason: "feed_down" });
    wire.frame({ t: "live", sub: 1, sym: "A" });
    expect(wire.heard("quote|A", "health").map((event) => (event as { stale: boolean }).stale)).toEqual([true, false]);
  });
});

describe("durable channels", () => {
  const open = () => {
    wire.protocol.want("alert", "*");
    wire.connect();
    wire.frame({ t: "ok", id: wire.take("sub")[0]!.id, subs: [{ sub: 7, ch: "alert", sym: "*", epoch: 1, seq: 40 }] });
  };
  const event = (seq: number, epoch = 1) => wire.frame({ t: "ev", sub: 7, epoch, seq, data: { id: seq } });

  it("delivers each event once and confirms it", () => {
    open();
    event(41);
    event(41);
    event(44);
    expect(wire.heard("alert|*", "event").map((one) => (one as { seq: number }).seq)).toEqual([41, 44]);
    expect(wire.take("seen").map((request) => request.seq)).toEqual([41, 44]);
  });

  it("resumes, and asks from its position when the server lost the subscription", () => {
    open();
    event(41);
    wire.take("hello");
    wire.protocol.onClose(1006, wire.now);
    wire.drain();
    wire.tick(2_000);
    wire.protocol.onOpen("second", wire.now);
    wire.drain();
    expect(wire.take("hello")[0]).toMatchObject({ ticket: "second", resume: { conn: "c1", subs: [{ sub: 7, epoch: 1, seq: 41 }] } });
    wire.frame({ t: "welcome", conn: "c2", server: "s", now: 1, hb_ms: 5_000, resumed: [], lost: [7] });
    const [sub] = wire.take("sub");
    expect(sub).toMatchObject({ ch: "alert", from: { epoch: 1, seq: 41 } });
    wire.frame({ t: "err", id: sub!.id, code: 1402, name: "history_gone", msg: "", retry: "now" });
    wire.told = [];
    wire.tick();
    const [again] = wire.take("sub");
    expect(again).not.toHaveProperty("from");
    wire.frame({ t: "ok", id: again!.id, subs: [{ sub: 8, ch: "alert", sym: "*", epoch: 1, seq: 90 }] });
    expect(wire.heard("alert|*", "reread")).toHaveLength(1);
  });

  it("keeps a resumed subscription without asking again", () => {
    open();
    event(41);
    wire.take("sub");
    wire.protocol.onClose(4001, wire.now);
    wire.tick(2_000);
    wire.protocol.onOpen("second", wire.now);
    wire.frame({ t: "welcome", conn: "c2", server: "s", now: 1, hb_ms: 5_000, resumed: [7], lost: [] });
    expect(wire.take("sub")).toEqual([]);
    event(42);
    expect(wire.heard("alert|*", "event")).toHaveLength(2);
  });

  const resume = (conn: string) => {
    wire.protocol.onClose(1006, wire.now);
    wire.drain();
    wire.tick(2_000);
    wire.protocol.onOpen("again", wire.now);
    wire.drain();
    wire.frame({ t: "welcome", conn, server: "s", now: 1, hb_ms: 5_000, resumed: [1], lost: [] });
  };
  const states = () => wire.heard("quote|A", "state").map((event) => (event as { state: string }).state);

  it("calls a resumed price live although nothing newer comes, and lost at the next break", () => {
    wire.quoteA();
    resume("c2");
    expect(states()).toEqual(["live", "lost", "live"]);
    resume("c3");
    expect(states()).toEqual(["live", "lost", "live", "lost", "live"]);
    wire.upd(10, 11);
    expect(wire.heard("quote|A", "data")).toHaveLength(2);
    expect(wire.protocol.status.gaps).toBe(0);
  });

  it("goes on from its position where the chain had broken before the connection did", () => {
    wire.quoteA();
    wire.upd(12, 13);
    resume("c2");
    wire.upd(10, 15);
    expect(states().at(-1)).toBe("live");
    expect(wire.heard("quote|A", "data").map((event) => (event as { seq: number }).seq)).toEqual([10, 15]);
  });

  it("resumes a wildcard, so that instruments that come later are found", () => {
    wire.protocol.want("quote", "E*");
    wire.connect();
    wire.frame({ t: "ok", id: wire.take("sub")[0]!.id, subs: [{ sub: 1, ch: "quote", sym: "EA" }] });
    wire.snap(1);
    wire.take("hello");
    resume("c2");
    expect(wire.take("hello")[0]).toMatchObject({ resume: { wildcards: [{ ch: "quote", sym: "E*" }] } });
    expect(wire.take("sub")).toEqual([]);
    wire.frame({ t: "ok", id: 99, more: true, subs: [{ sub: 2, ch: "quote", sym: "EB" }] });
    wire.snap(1, 1, 2);
    expect(wire.heard("quote|E*", "data")).toHaveLength(2);
  });

  it("asks again for a topic of which only a part was resumed", () => {
    wire.protocol.want("quote", "E*");
    wire.connect();
    wire.frame({ t: "ok", id: wire.take("sub")[0]!.id, subs: [{ sub: 1, ch: "quote", sym: "EA" }, { sub: 2, ch: "quote", sym: "EB" }] });
    wire.snap(1, 1, 1);
    wire.snap(1, 1, 2);
    resume("c2");
    expect(wire.take("sub").map((request) => request.sym)).toEqual([["E*"]]);
  });

  it("subscribes again from where it stands when events do not come", () => {
    open();
    event(41);
    for (const cs of [1, 2]) wire.frame({ t: "hb", cs, now: cs, tips: { 7: 44 } });
    expect(wire.take("resync")).toEqual([]);
    expect(wire.take("unsub").map((request) => request.sub)).toEqual([7]);
    expect(wire.heard("alert|*", "state").at(-1)).toEqual({ kind: "state", state: "lost" });
    wire.tick();
    const [sub] = wire.take("sub");
    expect(sub).toMatchObject({ ch: "alert", sym: ["*"], from: { epoch: 1, seq: 41 } });
    wire.frame({ t: "ok", id: sub!.id, subs: [{ sub: 7, ch: "alert", sym: "*", epoch: 1, seq: 44 }] });
    event(42);
    expect(wire.heard("alert|*", "state").at(-1)).toEqual({ kind: "state", state: "live" });
    expect(wire.heard("alert|*", "event")).toHaveLength(2);
  });

  it("has the list read once the cursor stands, and again when the epoch is new", () => {
    open();
    event(41);
    expect(wire.heard("alert|*", "reread")).toHaveLength(1);
    event(1, 2);
    expect(wire.heard("alert|*", "reread")).toHaveLength(2);
    expect(wire.heard("alert|*", "event")).toHaveLength(2);
  });
});

describe("failures of the server", () => {
  const fail = (sub: number, incident: string) => wire.frame({ t: "err", code: 1500, name: "internal", msg: `tell the desk incident ${incident}`, retry: "after", after_ms: 1_000, incident, sub });
  const last = (topic: string) => (wire.heard(topic, "state").at(-1) as { state: string }).state;
  const tips = (all: Record<string, number>) => {
    for (const cs of [1, 2]) wire.frame({ t: "hb", cs, now: cs, tips: all });
  };

  it("mark the stream whose frames fail, with the incident, until they come again", () => {
    wire.quoteA();
    fail(1, "6b1f09aa");
    expect(wire.heard("quote|A", "state").at(-1)).toEqual({ kind: "state", state: "lost", message: "tell the desk incident 6b1f09aa" });
    expect(wire.protocol.status.incidents).toEqual(["6b1f09aa"]);
    wire.upd(10, 11);
    expect(last("quote|A")).toBe("live");
    expect(wire.protocol.status.incidents).toBeUndefined();
    expect(wire.heard("quote|A", "data")).toHaveLength(2);
    expect(wire.protocol.status.gaps).toBe(0);
  });

  it("ask for no snapshot while they last: it would be the old frame", () => {
    wire.quoteA();
    fail(1, "6b1f09aa");
    tips({ 1: 14 });
    expect(wire.take("resync")).toEqual([]);
    expect(last("quote|A")).toBe("lost");
  });

  it("outlast a connection, and end with the topic", () => {
    wire.quoteA();
    fail(1, "6b1f09aa");
    wire.protocol.onClose(1006, wire.now);
    wire.drain();
    wire.now = wire.protocol.status.retryAt!;
    wire.connect({ conn: "c2", resumed: [1] });
    expect(last("quote|A")).toBe("lost");
    expect(wire.protocol.status.incidents).toEqual(["6b1f09aa"]);
    // Where positions say nothing any more, the old frame comes anew, and behind it that nothing newer does.
    wire.snap(10);
    fail(1, "6b1f09aa");
    expect(last("quote|A")).toBe("lost");
    expect(wire.protocol.status.incidents).toEqual(["6b1f09aa"]);
    wire.protocol.unwant("quote", "A");
    expect(wire.protocol.status.incidents).toBeUndefined();
  });

  it("are told before a first frame too, which ends them", () => {
    wire.protocol.want("margin", "7");
    wire.connect();
    wire.frame({ t: "ok", id: wire.take("sub")[0]!.id, subs: [{ sub: 1, ch: "margin", sym: "7" }] });
    wire.frame({ t: "err", code: 1503, name: "degraded", msg: "the core does not answer", retry: "after", after_ms: 1_000, sub: 1 });
    expect(wire.heard("margin|7", "state")).toEqual([{ kind: "state", state: "lost", message: "the core does not answer" }]);
    expect(wire.protocol.status.incidents).toBeUndefined();
    wire.snap(1);
    expect(last("margin|7")).toBe("live");
  });

  it("of one stream keep a topic of many from being live", () => {
    wire.protocol.want("quote", "E*");
    wire.connect();
    wire.frame({ t: "ok", id: wire.take("sub")[0]!.id, subs: [{ sub: 1, ch: "quote", sym: "EA" }, { sub: 2, ch: "quote", sym: "EB" }] });
    wire.snap(1, 1, 1);
    fail(1, "6b1f09aa");
    wire.snap(1, 1, 2);
    expect(last("quote|E*")).toBe("lost");
    wire.upd(1, 2);
    expect(last("quote|E*")).toBe("live");
  });

  const orders = () => {
    wire.protocol.want("order", "7");
    wire.connect();
    wire.frame({ t: "ok", id: wire.take("sub")[0]!.id, subs: [{ sub: 7, ch: "order", sym: "7", epoch: 1, seq: 40 }] });
    wire.told = [];
  };

  it("leave an event out: the list is read again, which ends it, and what follows comes", () => {
    orders();
    fail(7, "6b1f09aa");
    fail(7, "0c11d2e3");
    // Told once, and the topic stays live.
    expect(wire.told.map((one) => one.event)).toEqual([{ kind: "reread", incident: "6b1f09aa" }, { kind: "reread" }]);
    expect(wire.protocol.status.incidents).toBeUndefined();
    tips({ 7: 42 });
    expect(wire.take("unsub")).toEqual([]);
    wire.frame({ t: "ev", sub: 7, epoch: 1, seq: 43, data: {} });
    expect(wire.heard("order|7", "event")).toHaveLength(1);
    wire.told = [];
    fail(7, "7d20e3f4");
    expect(wire.told.map((one) => one.event)).toEqual([{ kind: "reread", incident: "7d20e3f4" }]);
    wire.frame({ t: "ev", sub: 7, epoch: 1, seq: 45, data: {} });
    tips({ 7: 46 });
    expect(wire.take("unsub")).toHaveLength(1);
  });

  it("that left an event out keep no quiet account from being live on the next connection", () => {
    orders();
    fail(7, "6b1f09aa");
    wire.protocol.onClose(1006, wire.now);
    wire.drain();
    expect(last("order|7")).toBe("lost");
    wire.now = wire.protocol.status.retryAt!;
    wire.connect({ conn: "c2", resumed: [7] });
    expect(last("order|7")).toBe("live");
  });
});

describe("silence and closing", () => {
  it("is quiet after two periods and leaves after three", () => {
    wire.quoteA();
    wire.tick(9_900);
    expect(wire.protocol.status.quiet).toBe(false);
    wire.tick(200);
    expect(wire.protocol.status.quiet).toBe(true);
    wire.frame({ t: "hb", cs: 1, now: 1 });
    expect(wire.protocol.status.quiet).toBe(false);
    wire.tick(15_100);
    expect(wire.other).toEqual([{ do: "close", code: 4000 }]);
    expect(wire.protocol.status.phase).toBe("offline");
  });

  it("does not take other frames for a heartbeat", () => {
    wire.quoteA();
    wire.tick(10_500);
    wire.upd(10, 11);
    expect(wire.protocol.status.quiet).toBe(true);
  });

  it("waits longer after each failure and connects again", () => {
    wire.quoteA();
    const waits: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      wire.protocol.onClose(1006, wire.now);
      waits.push(wire.protocol.status.retryAt! - wire.now);
      wire.now = wire.protocol.status.retryAt!;
      wire.tick();
      expect(wire.other.pop()).toEqual({ do: "connect" });
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits[3]!).toBeGreaterThan(waits[0]!);
  });

  it("does what bye says", () => {
    wire.quoteA();
    wire.frame({ t: "bye", code: 4001, name: "server_restart", reconnect: true, after_ms: 6_000 });
    wire.protocol.onClose(4001, wire.now);
    expect(wire.protocol.status.retryAt! - wire.now).toBe(6_000);
    wire.drain();
    wire.other = [];
    wire.tick(5_900);
    expect(wire.other).toEqual([]);
    wire.tick(200);
    expect(wire.other).toEqual([{ do: "connect" }]);
  });

  it.each([[4503, "stopped"], [4504, "stopped"], [4502, "offline"], [4501, "offline"], [4008, "offline"], [1006, "offline"]])("after close %i is %s", (code, phase) => {
    wire.quoteA();
    wire.protocol.onClose(code, wire.now);
    expect(wire.protocol.status.phase).toBe(phase);
  });

  it("starts anew after a reset, also when it was refused for good, and marks old prices until then", () => {
    wire.quoteA();
    wire.protocol.onFailed(wire.now, true);
    wire.protocol.reset();
    wire.drain();
    expect(wire.heard("quote|A", "state").at(-1)).toEqual({ kind: "state", state: "lost" });
    wire.connect({ conn: "c2" });
    expect(wire.take("hello").at(-1)).toEqual({ op: "hello", ticket: "ticket", client: "test" });
    const sub = wire.take("sub").at(-1)!;
    wire.frame({ t: "ok", id: sub.id, subs: [{ sub: 2, ch: "quote", sym: "A" }] });
    wire.snap(1, 2, 2);
    expect(wire.heard("quote|A", "state").at(-1)).toEqual({ kind: "state", state: "live" });
  });
});

describe("maintenance", () => {
  const planned = { starts_at: 2_000_000, ends_at: 3_000_000, message: "a new disk" };
  const announce = (said?: object) => wire.frame({ t: "note", kind: "maintenance", ...(said ? { window: said } : {}) });

  it("is known beside every other note until it is withdrawn", () => {
    wire.quoteA();
    announce(planned);
    wire.frame({ t: "note", kind: "throttled", hz: 2 });
    expect(wire.protocol.status).toMatchObject({ note: "throttled", maintenance: planned });
    announce();
    expect(wire.protocol.status.maintenance).toBeUndefined();
    expect(wire.protocol.status.note).toBe("throttled");
  });

  it("stays while the server is away and is what the server says when it is back", () => {
    wire.quoteA();
    announce(planned);
    wire.protocol.onClose(4001, wire.now);
    wire.drain();
    expect(wire.protocol.status.maintenance).toEqual(planned);
    wire.now = wire.protocol.status.retryAt!;
    wire.connect();
    expect(wire.protocol.status.maintenance).toBeUndefined();
    announce({ ...planned, ends_at: 4_000_000 });
    wire.protocol.reset();
    expect(wire.protocol.status.maintenance).toBeUndefined();
  });

  it("is ahead, runs and is over by the server's clock", () => {
    const at = (nowMs: number, offsetUs?: number) => announced({ maintenance: planned, ...(offsetUs === undefined ? {} : { offsetUs }) }, nowMs)?.running;
    expect([at(1_999), at(2_000), at(2_999), at(3_000)]).toEqual([false, true, true, undefined]);
    expect([at(1_999, 1_000), at(3_000, -1_000)]).toEqual([true, true]);
    expect(announced({}, 2_000)).toBeUndefined();
  });
});

describe("subscriptions", () => {
  it("splits a refused batch so that one unknown symbol does not cost the others", () => {
    for (const sym of ["A", "B"]) wire.protocol.want("quote", sym);
    wire.connect();
    wire.frame({ t: "err", id: wire.take("sub")[0]!.id, code: 1201, name: "unknown_symbol", msg: "no B", field: "sym", retry: "no" });
    const single = wire.take("sub");
    expect(single.map((sub) => sub.sym)).toEqual([["A"], ["B"]]);
    wire.frame({ t: "err", id: single[1]!.id, code: 1201, name: "unknown_symbol", msg: "no B", retry: "no" });
    expect(wire.heard("quote|B", "state")).toEqual([{ kind: "state", state: "refused", message: "no B" }]);
  });

  it("gives back a subscription that nobody waits for any more", () => {
    wire.protocol.want("quote", "A");
    wire.connect();
    wire.protocol.unwant("quote", "A");
    wire.frame({ t: "ok", id: wire.take("sub")[0]!.id, subs: [{ sub: 1, ch: "quote", sym: "A" }] });
    expect(wire.take("unsub").map((request) => request.sub)).toEqual([1]);
  });

  it("adopts what the server says it already has", () => {
    wire.protocol.want("quote", "A");
    wire.connect();
    wire.frame({ t: "err", id: wire.take("sub")[0]!.id, code: 1203, name: "already_subscribed", msg: "", retry: "no", sub: 9 });
    expect(wire.take("resync").map((request) => request.sub)).toEqual([9]);
    wire.snap(3, 1, 9);
    expect(wire.heard("quote|A", "data")).toHaveLength(1);
  });

  it("measures the server's clock with its echo", () => {
    wire.quoteA();
    const [ping] = wire.take("ping").concat((wire.tick(), wire.take("ping")));
    const sentAt = wire.now;
    wire.now += 4;
    wire.frame({ t: "ok", id: ping!.id, now: (sentAt + 2) * 1_000 + 250 });
    expect(wire.protocol.status).toMatchObject({ offsetUs: 250, roundTripMs: 4 });
  });
});
