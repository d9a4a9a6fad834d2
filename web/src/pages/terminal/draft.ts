import type { Instrument, NewOrder, OrderKind, Side } from "../../api/types";
import { fractionDigits, parseTyped, retype, stepDecimal, toTyped, type Language } from "../../format/decimal";

/** An order while it is being written. Its numbers are what stands in the fields, in the language they were typed in. */
export interface Draft {
  language: Language;
  side: Side;
  kind: OrderKind;
  qty: string;
  price: string;
  stop: string;
  stopLoss: string;
  takeProfit: string;
  slippage: string;
}

/** Ten steps, within the instrument's bounds: small enough to be no accident. */
export function startDraft(instrument: Pick<Instrument, "qty_step" | "qty_min" | "qty_max">, side: Side, language: Language): Draft {
  const qty = stepDecimal("0", instrument.qty_step, 10, instrument.qty_min, instrument.qty_max);
  return { language, side, kind: "market", qty: toTyped(qty, language), price: "", stop: "", stopLoss: "", takeProfit: "", slippage: "" };
}

/** The same order in another language: the same numbers, fields out of sight too. */
export function translateDraft(draft: Draft, to: Language): Draft {
  const again = (text: string) => retype(text, draft.language, to);
  return { ...draft, language: to, qty: again(draft.qty), price: again(draft.price), stop: again(draft.stop), stopLoss: again(draft.stopLoss), takeProfit: again(draft.takeProfit), slippage: again(draft.slippage) };
}

/** Digits of one number: more do not fit what the server counts in. */
const DIGITS_MAX = 15;

export type DraftField = "qty" | "price" | "stop" | "stopLoss" | "takeProfit" | "slippage";

/** The first number that the instrument has no digits for; asking the server about it would only bring that answer. `digits` are those it has. */
export function faultOf(draft: Draft, instrument: Pick<Instrument, "qty_digits" | "price_digits">): { field: DraftField; digits: number; large: boolean } | null {
  const withPrice = draft.kind === "limit" || draft.kind === "stop_limit";
  const withStop = draft.kind === "stop" || draft.kind === "stop_limit";
  const used: [DraftField, boolean][] = [["qty", true], ["stop", withStop], ["price", withPrice], ["stopLoss", true], ["takeProfit", true], ["slippage", draft.kind === "market"]];
  for (const [field, counts] of used) {
    const value = counts ? parseTyped(draft[field], draft.language) : null;
    if (value === null) continue;
    const digits = field === "qty" ? instrument.qty_digits : instrument.price_digits;
    const large = value.replace(/^-/, "").split(".")[0]!.length + digits > DIGITS_MAX;
    if (large || fractionDigits(value) > digits) return { field, digits, large };
  }
  return null;
}

/** The order as the server takes it, or nothing while a part is missing. */
export function toOrder(draft: Draft, symbol: string, account: number): NewOrder | null {
  const read = (text: string) => parseTyped(text, draft.language);
  const qty = read(draft.qty);
  const price = read(draft.price);
  const stop = read(draft.stop);
  const withPrice = draft.kind === "limit" || draft.kind === "stop_limit";
  const withStop = draft.kind === "stop" || draft.kind === "stop_limit";
  if (qty === null || (withPrice && price === null) || (withStop && stop === null)) return null;
  const extras: Pick<NewOrder, "stop_loss" | "take_profit" | "slippage_max"> = {};
  const optional: [keyof typeof extras, string][] = [["stop_loss", draft.stopLoss], ["take_profit", draft.takeProfit], ["slippage_max", draft.kind === "market" ? draft.slippage : ""]];
  for (const [key, text] of optional) {
    if (text.trim() === "") continue;
    const value = read(text);
    if (value === null) return null;
    extras[key] = value;
  }
  return { account, symbol, side: draft.side, kind: draft.kind, qty, ...(withPrice ? { price: price! } : {}), ...(withStop ? { stop: stop! } : {}), ...extras, client_id: "preview" };
}
