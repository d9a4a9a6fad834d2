import { expect, it } from "vitest";
import { scopeGroups, toggled } from "./scopes";

it("groups permissions by what they are about, each once and in the server's order", () => {
  expect(scopeGroups(["lead.read", "desk.read", "lead.move", "lead.read"])).toEqual([
    { resource: "lead", scopes: [{ name: "lead.read", act: "read" }, { name: "lead.move", act: "move" }] },
    { resource: "desk", scopes: [{ name: "desk.read", act: "read" }] },
  ]);
  expect(scopeGroups([])).toEqual([]);
});

it("puts a scope in and takes it out, and holds nothing that there is not", () => {
  const all = ["lead.read", "lead.move", "desk.read"];
  expect(toggled(["desk.read"], "lead.read", all)).toEqual(["lead.read", "desk.read"]);
  expect(toggled(["lead.read", "desk.read"], "lead.read", all)).toEqual(["desk.read"]);
  expect(toggled(["gone.fishing"], "lead.move", all)).toEqual(["lead.move"]);
});
