import { expect, it } from "vitest";
import type { Me } from "../../api/types";
import type { Values } from "../../i18n";
import { text, type TextKey } from "../i18n/text";
import { distributes, room, seats, standing } from "./hand";
import { figures } from "./notices";
import { isWord } from "./sources";

const me = (role: string, ...permissions: string[]) => ({ user: { role }, permissions }) as unknown as Me;

it("lets managers distribute, and agents not, who have the permission for their own leads", () => {
  expect(distributes(me("sales_manager", "lead.assign"))).toBe(true);
  expect(distributes(me("super_admin", "lead.assign"))).toBe(true);
  expect(distributes(me("sales_agent", "lead.assign"))).toBe(false);
  expect(distributes(me("super_admin"))).toBe(false);
  expect(seats(me("sales_manager", "agent.write"))).toBe(true);
  expect(seats(me("sales_agent", "agent.write"))).toBe(false);
  expect([distributes(null), seats(null)]).toEqual([false, false]);
});

it("says why an agent gets no lead now", () => {
  const agent = { available: true, accepting: true, active_leads: 49, cap: 50 };
  expect(room(agent)).toBe("free");
  expect(room({ ...agent, active_leads: 50 })).toBe("full");
  expect(room({ ...agent, available: false })).toBe("away");
  expect(room({ ...agent, accepting: false, active_leads: 50 })).toBe("away");
});

it("says of an agent on leave that they are, and of one who left that they are away", () => {
  const told = (on_leave: boolean, available: boolean, accepting: boolean) => standing({ on_leave, available, accepting }).text;
  expect(told(true, false, true)).toBe("agent.onLeave");
  expect(told(false, false, true)).toBe("agent.away");
  expect([told(false, true, true), told(false, true, false)]).toEqual(["agent.takes", "agent.takes.not"]);
});

it("tells a notice's figures in words", () => {
  const say = (key: TextKey, values?: Values) => text("en", key, values);
  const told = (kind: string, detail: Record<string, unknown>) => figures({ kind, detail }, say, (id) => `<${id}>`, String);
  expect(told("assigned", { score: 45, stage: "new" })).toBe("New lead · 45 points");
  expect(told("sla", { stage: "kyc", why: "overdue" })).toBe("KYC · the stage takes too long");
  expect(told("left", { user_id: "u", leads: 3, deals: 1, tasks: 2 })).toBe("<u>: leads 3, deals 1, tasks 2");
  expect(told("contact", { field: "phone" })).toBe("Telephone");
  expect(told("merged", { merge_id: "m", other_id: null })).toBe("");
});

it("knows a name that an address can hold", () => {
  expect(["landing-page", "ib.7", "web_2"].every(isWord)).toBe(true);
  expect(["", "Landing", "a b", "é", "a/b"].some(isWord)).toBe(false);
});
