import { expect, it } from "vitest";
import { factRows } from "./evidence";

it("writes an alert's facts by language and leaves out what is not known", () => {
  const facts = { amount: "11000.00 USD", count: 4, payer: "PT Contoh", none: null, empty: "", accounts: [7, 12], own: false };
  expect(factRows(facts, "en")).toEqual([["amount", "11,000.00 USD"], ["count", "4"], ["payer", "PT Contoh"], ["accounts", "7, 12"], ["own", "✗"]]);
  expect(factRows(facts, "id")[0]).toEqual(["amount", "11.000,00 USD"]);
});

it("writes times as moments", () => {
  const [row] = factRows({ booked_at: 1_744_156_800_000_000 }, "en");
  expect(row![1]).toMatch(/2025|Apr/);
});
