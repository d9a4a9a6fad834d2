import { expect, it } from "vitest";
import type { Held, OwnAccount, Stop } from "../api/types";
import { isListed, stopsOn, tradedOf } from "./held";

const held: Held = {
  id: 7, currency: "USD", accounting: "hedging", leverage: "100", state: "healthy", unknown: false, balance: "100.00", equity: "99.00", pnl: "-1.00", haircut: "0.00", used: "10.00", free: "89.00", level_pct: "990.00",
  warning_pct: "100.00", restricted_pct: "50.00", stop_out_pct: "30.00", to_warning: "89.00", to_stop_out: "96.00", conversions: [], next_stop_out: null, next_stop_out_untold: null, call: "none", under_review: false, positions: [], orders: [], seq: 4, now: 5,
};

it("shows a client's account in the words of the desk's parts", () => {
  const shown = tradedOf(held);
  expect([shown.unrealised, shown.equity, shown.seq]).toEqual(["-1.00", "99.00", 4]);
  expect(Object.keys(shown)).not.toContain("pnl");
});

it("tells of what is over everything and over the chosen instrument", () => {
  const stop = (symbol: string | null): Stop => ({ symbol, mode: "close_only", allow_reducing: true });
  const stops = [stop(null), stop("EUR/USD"), stop("XAU/USD")];
  expect(stopsOn(stops, "EUR/USD").map((one) => one.symbol)).toEqual([null, "EUR/USD"]);
  expect(stopsOn(stops, null).map((one) => one.symbol)).toEqual([null]);
});

it("waits for an account that was opened until it is listed, and for none otherwise", () => {
  const accounts: OwnAccount[] = [{ id: 7, account_type: "demo", currency: "USD" }];
  expect([isListed(undefined, null), isListed(accounts, null), isListed(accounts, 7)]).toEqual([true, true, true]);
  expect([isListed(undefined, 7), isListed([], 7), isListed(accounts, 8)]).toEqual([false, false, false]);
});
