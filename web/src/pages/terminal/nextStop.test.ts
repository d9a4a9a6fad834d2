import { expect, it } from "vitest";
import type { NextStopOut } from "../../api/types";
import { translate, type Translate } from "../../i18n";
import { nextCloses } from "./nextStop";

const next: NextStopOut = { symbol: "BTC/USDT", price: "64000.00", cancels: 0, position: 669, position_symbol: "ETH/USDT", qty: "20.0000", level_before_pct: "30.00", level_after_pct: "60.00" };
const english: Translate = (key, values) => translate("en", key, values);
const told = (change: Partial<NextStopOut>) => nextCloses({ ...next, ...change }, english, "en");

it("names the instrument that is closed, which need not be the one that moves", () => {
  expect(told({})).toBe("closes 20.0000 ETH/USDT of #669");
  expect(told({ cancels: 2 })).toBe("2 orders cancelled first, closes 20.0000 ETH/USDT of #669");
});

it("says that orders are cancelled where nothing is closed", () => {
  const none = { position: null, position_symbol: null, qty: "0" };
  expect(told({ ...none, cancels: 2 })).toBe("cancels 2 orders");
  expect(told(none)).toBe("nothing may be closed now");
});
