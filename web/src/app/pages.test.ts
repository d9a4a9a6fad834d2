import { describe, expect, it } from "vitest";
import type { Me, User } from "../api/types";
import { isClient, landing, mayFollow, mayOpen, mayTrade, offered } from "./pages";

const user = (role: string, staff: boolean): User => ({ id: "u", email: null, name: null, phone: null, role, staff, status: "active", verified: true, tier: null, locale: null, org_id: null, team_id: null, actor: null, revision: 1 });
const me = (who: User, permissions: string[], more: Partial<Me> = {}): Me => ({ user: who, session: "s", mfa: true, enrol: false, csrf: "t", factors: ["totp"], permissions, ...more });
const pages = (who: Me | null) => offered(who).map(({ page }) => page);

const agent = me(user("sales_agent", true), ["lead.read", "lead.move", "lead.edit", "task.read", "task.write", "analytics.view"]);
const compliance = me(user("compliance_officer", true), ["lead.read", "task.read", "kyc.upload", "kyc.read", "kyc.review", "aml.read", "aml.work", "sanctions.read", "cash.read", "analytics.view"]);
const client = me(user("end_user", false), ["kyc.upload", "kyc.read", "kyc.dispute", "cash.read", "cash.request", "desk.read", "desk.write"]);

describe("the pages that are offered", () => {
  it("are those that the session's permissions open, and no others", () => {
    expect(pages(agent)).toEqual(["board", "tasks", "dashboard", "notices"]);
    expect(pages(compliance)).toEqual(["board", "tasks", "dashboard", "notices", "reviews", "cases", "lists", "cash"]);
    expect(pages(client)).toEqual(["verify", "cash"]);
    expect(pages(null)).toEqual([]);
    expect(pages(me(user("auditor", true), []))).toEqual([]);
  });

  it("are none until a role that needs a second factor has one", () => {
    const fresh = { ...compliance, enrol: true };
    expect(pages(fresh)).toEqual([]);
    expect(landing(fresh)).toBe("security");
    expect(mayTrade(fresh, false)).toBe(false);
  });

  it("stand behind the list they belong to", () => {
    expect(mayOpen(agent, "lead")).toBe(true);
    expect(mayOpen(agent, "review")).toBe(false);
    expect(mayOpen(compliance, "report")).toBe(true);
    expect(mayOpen(client, "reviews")).toBe(false);
    expect(mayOpen(client, "sessions")).toBe(true);
    expect(mayOpen(null, "sessions")).toBe(false);
  });

  it("are offered to whoever keeps the house's records, and a person's own to everybody", () => {
    const officer = me(user("compliance_officer", true), ["consent.read", "aml.read", "hold.read", "hold.write", "audit.read"]);
    expect(pages(officer)).toEqual(["cases", "subjects", "holds", "audit"]);
    expect(mayOpen(officer, "exceptions")).toBe(true);
    // Consents of one client are open to sales, the list of everybody's data is not.
    const seller = me(user("sales_agent", true), ["lead.read", "consent.read"]);
    expect([mayOpen(seller, "subject"), mayOpen(seller, "subjects"), mayOpen({ ...seller, enrol: true }, "subject")]).toEqual([true, false, false]);
    expect([mayOpen(client, "subject"), mayOpen(client, "mydata"), mayOpen(client, "keys"), mayOpen(null, "keys")]).toEqual([false, true, true, false]);
    expect([mayOpen(client, "profile"), mayOpen(agent, "profile"), mayOpen(null, "profile")]).toEqual([true, true, false]);
  });
});

it("offers agents and sources to whoever may see them", () => {
  const manager = me(user("sales_manager", true), ["lead.read", "agent.read", "agent.write", "analytics.view", "analytics.export"]);
  const admin = me(user("super_admin", true), ["lead.read", "agent.read", "crm.configure", "analytics.view"]);
  expect(pages(manager)).toEqual(["board", "dashboard", "notices", "agents"]);
  expect(pages(admin)).toEqual(["board", "dashboard", "notices", "agents", "sources"]);
  expect(pages(me(user("ib_partner", false), ["lead.read", "agent.read", "analytics.view"]))).toEqual(["board", "dashboard", "notices"]);
  expect(pages(me(user("ib_partner", false), ["lead.read"]))).toEqual(["board", "notices"]);
});

it("follows the stream for traders and for staff whose lists it tells of", () => {
  expect([mayFollow(null, true), mayFollow(agent, false), mayFollow(client, false), mayFollow(null, false)]).toEqual([true, true, true, false]);
  expect(mayFollow({ ...agent, enrol: true }, false)).toBe(false);
  expect(mayFollow(me(user("finance", true), ["cash.read"]), false)).toBe(true);
  expect(mayFollow(me(user("content_editor", true), ["content.write"]), false)).toBe(false);
  expect(mayFollow(me(user("ib_partner", false), ["lead.read"]), false)).toBe(false);
});

it("opens the desk for the secret and for people who trade", () => {
  expect([mayTrade(null, true), mayTrade(null, false), mayTrade(agent, false), mayTrade(client, false)]).toEqual([true, false, false, true]);
  expect(landing(agent)).toBe("board");
  // In its place a client has a page of their own.
  expect([isClient(client), isClient(agent), isClient(null)]).toEqual([true, false, false]);
});
