import { expect, it } from "vitest";
import { pathOf, readRoute, type PageId } from "./route";

const PAGES: [PageId, string][] = [
  ["desk", "/"], ["board", "/crm"], ["lead", "/crm/leads/7f"], ["tasks", "/crm/tasks"], ["dashboard", "/crm/dashboard"], ["verify", "/verify"], ["reviews", "/kyc"], ["review", "/kyc/7f"],
  ["cases", "/aml"], ["case", "/aml/cases/7f"], ["lists", "/aml/lists"], ["report", "/aml/reports/7f"], ["cash", "/cash"],
  ["people", "/people"], ["person", "/people/7f"], ["security", "/me"], ["sessions", "/me/sessions"],
  ["subjects", "/subjects"], ["subject", "/subjects/7f"], ["holds", "/holds"], ["audit", "/audit"], ["exceptions", "/aml/clients/7f"], ["keys", "/me/keys"], ["mydata", "/me/data"], ["profile", "/me/profile"],
];

it("reads the address that it writes", () => {
  for (const [page, path] of PAGES) {
    const id = path.endsWith("/7f") ? "7f" : null;
    expect(readRoute(path), path).toEqual({ page, id });
    expect(pathOf(page, id ?? undefined)).toBe(path);
  }
});

it("takes a slash at the end, and names what it does not know", () => {
  expect(readRoute("/crm/")).toEqual({ page: "board", id: null });
  for (const path of ["/crm/leads", "/crm/leads/1/2", "/nowhere", "/kyc/%E0%A4%A"]) expect(readRoute(path).page, path).toBe("unknown");
});

it("keeps what an id holds out of the address's own signs", () => {
  const path = pathOf("lead", "a/b?c");
  expect(path).toBe("/crm/leads/a%2Fb%3Fc");
  expect(readRoute(path)).toEqual({ page: "lead", id: "a/b?c" });
});
