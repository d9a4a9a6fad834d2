import { expect, it } from "vitest";
import { faultOf, startDraft, toOrder, translateDraft } from "./draft";

const GOLD = { qty_step: "0.01", qty_min: "0.01", qty_max: "50" };

it("reads every number in the language it was typed in", () => {
  const english = { ...startDraft(GOLD, "buy", "en"), kind: "limit" as const, price: "5,250" };
  expect(toOrder(english, "US500", 1)).toMatchObject({ qty: "0.10", price: "5250" });
  const indonesian = { ...startDraft(GOLD, "buy", "id"), qty: "1.000" };
  expect(toOrder(indonesian, "XAU/USD", 1)).toMatchObject({ qty: "1000" });
  expect(toOrder({ ...indonesian, qty: "0.10" }, "XAU/USD", 1)).toBeNull();
});

it("means the same after the page's language has changed", () => {
  const english = { ...startDraft(GOLD, "sell", "en"), kind: "stop_limit" as const, stop: "2,391.5", price: "2390.25", stopLoss: "2,400", takeProfit: "", slippage: "1,234" };
  const indonesian = translateDraft(english, "id");
  expect(indonesian).toMatchObject({ language: "id", qty: "0,10", stop: "2391,5", slippage: "1234" });
  expect(toOrder(indonesian, "XAU/USD", 1)).toEqual(toOrder(english, "XAU/USD", 1));
});

it("finds the number that the instrument has no digits for, among those that count", () => {
  const euro = { qty_digits: 2, price_digits: 5 };
  const draft = { ...startDraft(GOLD, "buy", "id"), stopLoss: "1,08412" };
  expect(faultOf(draft, euro)).toBeNull();
  expect(faultOf({ ...draft, qty: "0,015" }, euro)).toEqual({ field: "qty", digits: 2, large: false });
  expect(faultOf({ ...draft, stopLoss: "1,084123" }, euro)).toMatchObject({ field: "stopLoss", digits: 5 });
  // A limit price of a market order is out of sight and not sent.
  expect(faultOf({ ...draft, price: "1,0841234" }, euro)).toBeNull();
  expect(faultOf({ ...draft, kind: "limit", price: "1,0841234" }, euro)).toMatchObject({ field: "price" });
  expect(faultOf({ ...draft, qty: "99999999999999999999" }, euro)).toMatchObject({ field: "qty", large: true });
});
