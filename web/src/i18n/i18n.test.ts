import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { en, type Key } from "./en";
import { id } from "./id";
import { preferredLanguage, translate } from "./index";
import { problemNames, problemTitle } from "./problems";
import { explainReason, reasonNames } from "./reasons";
import { actorName, stepNames } from "./steps";

const marks = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

it("says everything in both languages, with the same values in each text", () => {
  expect(Object.keys(id).sort()).toEqual(Object.keys(en).sort());
  for (const key of Object.keys(en) as Key[]) {
    expect(id[key].trim(), key).not.toBe("");
    expect(marks(id[key]), key).toEqual(marks(en[key]));
  }
});

it("puts values into their places and leaves unknown ones visible", () => {
  expect(translate("en", "watch.empty", { text: "abc" })).toBe("No instrument matches “abc”.");
  expect(translate("id", "watch.empty")).toContain("{text}");
});

it("takes the first language of the browser that it speaks", () => {
  expect(preferredLanguage(["fr-FR", "id-ID", "en"])).toBe("id");
  expect(preferredLanguage(["de"])).toBe("en");
});

it("explains every refusal in both languages", () => {
  expect(reasonNames("id")).toEqual(reasonNames("en"));
  expect(explainReason({ code: 1, name: "something_new", lifts: "wait" }, "id")).toEqual({ title: "something new", lifts: "wait" });
});

const ours = (path: string): string => {
  const source = new URL(`../../../${path}`, import.meta.url);
  if (!existsSync(source)) throw new Error(`${path} is not where the workspace has it`);
  return readFileSync(source, "utf8");
};

it("names every error of the server", () => {
  const names = [...ours("src/gateway/error.rs").matchAll(/^ {4}\w+ = 10_\d+, \w+, "(\w+)"/gm)].map((match) => match[1]!);
  expect(names.length).toBeGreaterThan(20);
  expect(problemNames()).toEqual([...names].sort());
  expect(problemTitle("note_missing", "A note is required", "id")).toBe("Catatan wajib diisi");
  expect(problemTitle("note_missing", "A note is required", "en")).toBe("A note is required");
  expect(problemTitle("something_new", "Something new", "id")).toBe("Something new");
});

it("translates who acts by itself, and leaves the names of people", () => {
  expect([actorName("system", "en"), actorName("system", "id"), actorName("Sri", "id")]).toEqual(["the system", "sistem", "Sri"]);
});

it("names every step in the life of an alert", () => {
  const names = [...ours("src/desk/alert_desk.rs").matchAll(/ChangeKind::\w+ => "(\w+)"/g)].map((match) => match[1]!);
  expect(names.length).toBeGreaterThan(15);
  expect(stepNames()).toEqual([...names].sort());
});

it("knows every verdict that an order can meet", () => {
  const source = new URL("../../../risk/src/verdict.rs", import.meta.url);
  if (!existsSync(source)) throw new Error("risk/src/verdict.rs is not where the workspace has it");
  const names = [...readFileSync(source, "utf8").matchAll(/^\s+\w+ = (\d+), "(\w+)"/gm)].map((match) => match[2]!);
  expect(names.length).toBeGreaterThan(40);
  // Answers to commands that the console does not send.
  const foreign = new Set(["unknown_link", "unknown_source", "second_person_missing", "second_person_is_the_first", "named_person_missing", "terms_in_use", "already_exists", "unknown_leverage_rules", "leverage_rules_contradict", "terms_too_large", "terms_not_positive", "requirement_window_invalid", "levels_contradict", "hedge_rule_on_netting_account", "brackets_not_rising", "brackets_leave_a_gap", "bracket_amount_does_not_follow", "margin_schedule_invalid"]);
  expect(names.filter((name) => !foreign.has(name) && !reasonNames("en").includes(name))).toEqual([]);
});
