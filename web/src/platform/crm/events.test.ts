import { describe, expect, it } from "vitest";
import type { Values } from "../../i18n";
import { text, type TextKey } from "../i18n/text";
import { accountWord, ofCents, standingMerge, summary } from "./events";

const say = (key: TextKey, values?: Values) => text("en", key, values);
const names = (id: string | null | undefined) => (id === "a" ? "Ayu" : (id ?? "nobody"));
const told = (kind: string, detail: Record<string, unknown>) => summary({ kind, detail }, say, names, "en");

describe("an account beside a lead", () => {
  it("says that it is one of play money", () => {
    expect(say(accountWord({ account_type: "demo" }), { id: 7 })).toBe("demo account 7");
    expect(say(accountWord({ account_type: "live" }), { id: 7 })).toBe("account 7");
  });
});

describe("an event in one line", () => {
  it("names people where a lead goes from one to another, and the pool", () => {
    expect(told("assigned", { from: null, to: "a" })).toBe("in the pool → Ayu");
    expect(told("assigned", { from: "a", to: null })).toBe("Ayu → in the pool");
  });

  it("tells each kind in its own words", () => {
    expect(told("stage", { from: "new", to: "contacted", cause: "outreach" })).toBe("New lead → Contacted · first outreach sent");
    expect(told("deal", { deal_id: "d", status: "won", from: "open" })).toBe("open → won");
    expect(told("deal", { deal_id: "d", status: "open", expected_usd_cents: 125_050 })).toBe("open · 1,250.50 USD");
    expect(told("deal", { deal_id: "d", fields: ["title"], expected_usd_cents: 7_500, from_usd_cents: 125_050 })).toBe("75.00 USD · changed: What it is about");
    expect(told("task", { task_id: "t", status: "todo", priority: "high", assignee: "a" })).toBe("To do");
    expect(told("fact", { kind: "budget_confirmed", withdrawn: true })).toBe("Budget confirmed · withdrawn");
    expect(told("fact", { kind: "name", replaced: true })).toMatch(/ · another before$/);
    expect(told("sla", { stage: "new", why: "no_channel" })).toBe("no way to reach them");
    expect(told("score", { from: 55, to: 80, band: "sql" })).toBe("55 → 80 · SQL");
    expect(told("reopened", { cause: "captured" })).toBe("came in again");
    expect(told("merged", { merge_id: "m", fields: ["phone", "city"], source: "web" })).toBe("changed: Telephone, City · web");
  });

  it("leaves out what an answer does not say", () => {
    expect(told("stage", { from: "new" })).toBe("");
    expect(told("merged", { merge_id: "m", fields: [], source: null })).toBe("");
  });
});

it("puts the point into cents", () => {
  expect([0, 5, 1_250, 125_050, -70].map(ofCents)).toEqual(["0.00", "0.05", "12.50", "1250.50", "-0.70"]);
});

describe("the merge that may be taken back", () => {
  const merged = (id: string, kind = "merged") => ({ kind, detail: { merge_id: id } });

  it("is the newest that still stands", () => {
    expect(standingMerge([merged("b", "joined"), merged("a")])).toBe("b");
    expect(standingMerge([merged("b", "undone"), merged("b"), merged("a")])).toBe("a");
    expect(standingMerge([merged("a", "undone"), merged("a")])).toBeNull();
  });

  it("is none where none was", () => {
    expect(standingMerge([])).toBeNull();
    expect(standingMerge([{ kind: "note", detail: { merge_id: "x" } }])).toBeNull();
  });
});
