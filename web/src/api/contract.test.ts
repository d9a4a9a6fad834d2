import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Protocol, type Action } from "../stream/protocol";
import { readFrame } from "../stream/frames";
import { fieldsOf, follow, kinds, written, type Schema } from "./contract";

const ROOT = new URL("../../../", import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

const schemas = (path: string): Record<string, Schema> => (JSON.parse(text(path)) as { components: { schemas: Record<string, Schema> } }).components.schemas;
const rest = schemas("docs/openapi.json");
const stream = schemas("docs/asyncapi.json");

/** Our interfaces and what the server publishes under which name. */
const INTERFACES: Record<string, [Record<string, Schema>, string]> = {
  Maintenance: [stream, "MaintenanceDto"],
  Announced: [rest, "AnnouncedDto"],
  Done: [rest, "Done"],
  Instrument: [rest, "InstrumentDto"],
  QuoteData: [stream, "QuoteData"],
  Bar: [rest, "BarDto"],
  AccountRow: [rest, "AccountRow"],
  Account: [rest, "AccountDto"],
  Position: [rest, "PositionDto"],
  Held: [stream, "HeldDto"],
  OwnAccount: [rest, "OwnAccountDto"],
  Standing: [rest, "StandingDto"],
  Stop: [rest, "StopDto"],
  Conversion: [rest, "ConversionDto"],
  NextStopOut: [rest, "NextStopOutDto"],
  MarginRule: [rest, "MarginRuleDto"],
  Liquidation: [rest, "LiquidationDto"],
  Order: [rest, "OrderDto"],
  NewOrder: [rest, "OrderRequest"],
  Preview: [rest, "PreviewDto"],
  Placed: [rest, "PlacedDto"],
  Reason: [rest, "Reason"],
  Alert: [rest, "AlertDto"],
  AlertText: [rest, "AlertTextDto"],
  Statement: [rest, "StatementDto"],
  Evidence: [rest, "EvidenceDto"],
  TimelineItem: [rest, "TimelineDto"],
  Desk: [rest, "DeskDto"],
  DeskLink: [rest, "LinkDto"],
  DeskMode: [rest, "ModeDto"],
  DeskHalt: [rest, "HaltDto"],
  DeskKill: [rest, "KillDto"],
  DeskScope: [rest, "ScopeDto"],
};

const ENUMS: Record<string, string> = { Side: "Side", OrderKind: "OrderKind", Tif: "Tif", MarginState: "MarginState", CallStep: "CallStep", Severity: "Severity", AlertState: "AlertState", OrderState: "OrderState", Scenario: "Scenario", FeedState: "Feed", Span: "Span", LeverageFrom: "LeverageFrom" };

const types = text("web/src/api/types.ts");
const fields = (name: string) => fieldsOf(types, name);

describe("types of the API as the server publishes them", () => {
  for (const [ours, [all, theirs]] of Object.entries(INTERFACES)) {
    it(`${ours} is ${theirs}`, () => {
      const schema = all[theirs]!;
      const found = fields(ours);
      expect(found.length).toBeGreaterThan(0);
      for (const field of found) {
        const published = schema.properties?.[field.name];
        expect(published, `${theirs} has no ${field.name}`).toBeDefined();
        const possible = kinds(all, published!);
        const readable = written(field.type, Object.keys(ENUMS));
        // A request may leave out what an answer may not.
        if (ours === "NewOrder") possible.delete("null");
        else if (!schema.required?.includes(field.name)) expect(field.optional || readable.has("null"), `${ours}.${field.name} may be absent`).toBe(true);
        for (const kind of possible) expect([...readable], `${ours}.${field.name}`).toContain(kind === "null" && field.optional ? [...readable][0] : kind);
      }
    });
  }

  it("knows every word of every set of words", () => {
    for (const [ours, theirs] of Object.entries(ENUMS)) {
      const body = new RegExp(`export type ${ours} =([\\s\\S]*?);`).exec(types)?.[1] ?? "";
      const words = [...body.matchAll(/"(\w+)"/g)].map((match) => match[1]!).sort();
      expect(words, ours).toEqual([...(follow(rest, rest[theirs]!).enum as string[])].sort());
    }
  });

  it("sends with an order only what the server takes, and all that it needs", () => {
    const sent = fields("NewOrder");
    const needed = sent.filter((field) => !field.optional).map((field) => field.name);
    expect(needed).toEqual(expect.arrayContaining(rest.OrderRequest!.required!));
  });
});

describe("the published examples of frames", () => {
  const files = readdirSync(new URL("protocol/", ROOT));
  const server = files.map((file) => ({ file, frame: JSON.parse(text(`protocol/${file}`)) as { t?: string; sub?: number; data?: unknown; kind?: string; window?: unknown } })).filter(({ frame }) => frame.t !== undefined);

  it("have no name twice in one object, of which a reader sees the last alone", () => {
    const names = (value: unknown): number => {
      if (typeof value !== "object" || value === null) return 0;
      const own = Array.isArray(value) ? 0 : Object.keys(value).length;
      return Object.values(value).reduce<number>((sum, inner) => sum + names(inner), own);
    };
    for (const file of files) {
      const said = text(`protocol/${file}`);
      const there = [...said.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter((token) => token[1] !== undefined);
      expect(there.length, file).toBe(names(JSON.parse(said)));
    }
  });

  it("are all read", () => {
    expect(server.length).toBeGreaterThan(15);
    for (const { file, frame } of server) expect(readFrame(JSON.stringify(frame)), file).toEqual(frame);
  });

  it("are taken by a client that follows their streams", () => {
    for (const { file, frame } of server) {
      const protocol = new Protocol({ client: "test", random: () => 0.5 });
      protocol.want("quote", "EUR/USD");
      protocol.onTick(1_000);
      protocol.onOpen("ticket", 1_000);
      protocol.onFrame(text("protocol/welcome.json"), 1_000);
      const actions = (): Action[] => {
        const all: Action[] = [];
        for (let action = protocol.poll(); action; action = protocol.poll()) all.push(action);
        return all;
      };
      const asked = actions().flatMap((action) => (action.do === "send" ? [JSON.parse(action.text) as { op: string; id: number }] : [])).find((request) => request.op === "sub")!;
      const info = { sub: frame.sub ?? 1, ch: frame.t === "ev" ? "order" : "quote", sym: "EUR/USD", epoch: 1, seq: 0 };
      if (frame.t === "ev") protocol.want("order", "EUR/USD");
      protocol.onFrame(JSON.stringify({ t: "ok", id: asked.id, subs: [info] }), 1_000);
      actions();
      protocol.onFrame(JSON.stringify(frame), 1_000);
      const told = actions().filter((action) => action.do === "tell").map((action) => action.event);
      if (frame.t === "snap") expect(told, file).toContainEqual(expect.objectContaining({ kind: "data", data: frame.data, snapshot: true }));
      if (frame.t === "ev") expect(told, file).toContainEqual(expect.objectContaining({ kind: "event", data: frame.data }));
      if (frame.t === "stale" || frame.t === "live") expect(told, file).toContainEqual(expect.objectContaining({ kind: "health", stale: frame.t === "stale" }));
      if (frame.t === "gap") expect(told, file).toContainEqual({ kind: "state", state: "lost" });
      if (frame.t === "bye") expect(protocol.status.bye, file).toBeDefined();
      if (frame.t === "note" && frame.kind !== "maintenance") expect(protocol.status.note, file).toBe(frame.kind);
      if (frame.t === "note" && frame.kind === "maintenance") expect(protocol.status.maintenance, file).toEqual(frame.window);
    }
  });
});
