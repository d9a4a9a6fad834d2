import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { text, type TextKey } from "../i18n/text";
import { amlSentence, factRows } from "./evidence";

it("writes an alert's facts by language and leaves out what is not known", () => {
  const facts = { amount: "11000.00 USD", count: 4, payer: "PT Contoh", none: null, empty: "", accounts: [7, 12], own: false };
  expect(factRows(facts, "en")).toEqual([["amount", "11,000.00 USD"], ["count", "4"], ["payer", "PT Contoh"], ["accounts", "7, 12"], ["own", "✗"]]);
  expect(factRows(facts, "id")[0]).toEqual(["amount", "11.000,00 USD"]);
});

it("writes times as moments", () => {
  const [row] = factRows({ booked_at: 1_744_156_800_000_000 }, "en");
  expect(row![1]).toMatch(/2025|Apr/);
});

describe("the sentence of an alert", () => {
  const say = (language: "en" | "id") => (key: TextKey, values?: Record<string, string | number>) => text(language, key, values);
  const large = { rule: "large_movement", facts: { way: "in", usd: "11000.00", limit_usd: "10000.00", requests: ["r"] } };

  it("has its figures in both languages, and leaves the other facts", () => {
    expect(amlSentence(large, say("en"), "en")).toEqual({ text: "11,000.00 USD in one deposit; the threshold is 10,000.00 USD.", rest: { requests: ["r"] } });
    expect(amlSentence(large, say("id"), "id")!.text).toContain("11.000,00 USD");
  });

  it("is told for every rule that the server has", () => {
    const rules = [...readFileSync(new URL("../../../../platform/src/aml/rules/mod.rs", import.meta.url), "utf8").matchAll(/Rule::\w+ => "(\w+)"/g)].map((match) => match[1]!);
    expect(rules.length).toBe(10);
    const facts = { way: "out", strength: "strong", usd: "1.00", limit_usd: "2.00", from_usd: "3.00", deposit_usd: "4.00", lots: "0.05", count: 5, usual: 6, days: 7, pairs: 8, hits: 9 };
    for (const rule of rules) for (const language of ["en", "id"] as const) expect(amlSentence({ rule, facts }, say(language), language)?.text ?? rule, rule).not.toMatch(/\{|^\w+$/);
  });

  it("is left to the server where a figure is missing", () => {
    expect(amlSentence({ rule: "velocity", facts: { requests: ["r"] } }, say("id"), "id")).toBeNull();
    expect(amlSentence({ rule: "of_tomorrow", facts: {} }, say("id"), "id")).toBeNull();
  });
});
