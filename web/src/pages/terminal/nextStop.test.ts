import { expect, it } from "vitest";
import type { NextStopOut } from "../../api/types";
import { translate, type Translate } from "../../i18n";
import { nextCloses } from "./nextStop";

const next: NextStopOut = { symbol: "BTC/USDT", price: "64000.00", cancels: 0, position: 669, position_symbol: "ETH/USDT", qty: "20.0000", stuck: false, level_before_pct: "30.00", level_after_pct: "60.00" };
const english: Translate = (key, values) => translate("en", key, values);
const told = (change: Partial<NextStopOut>) => nextCloses({ ...next, ...change }, english, "en");
const none = { position: null, position_symbol: null, qty: "0" };

it("names the instrument that is closed, which need not be the one that moves", () => {
  expect(told({})).toBe("closes 20.0000 ETH/USDT of #669");
  expect(told({ cancels: 2 })).toBe("2 orders cancelled first, closes 20.0000 ETH/USDT of #669");
});

it("says that orders are cancelled where that is enough", () => {
  expect(told({ ...none, cancels: 2 })).toBe("cancels 2 orders");
});

it("says that the account stays below its line where not enough may be closed", () => {
  expect(told({ stuck: true })).toBe("closes 20.0000 ETH/USDT of #669; the account stays below its line");
  expect(told({ stuck: true, cancels: 2 })).toBe("2 orders cancelled first, closes 20.0000 ETH/USDT of #669; the account stays below its line");
  const indonesian = nextCloses({ ...next, stuck: true }, (key, values) => translate("id", key, values), "id");
  expect(indonesian).toMatch(/; akun tetap di bawah batasnya$/);
});

it("says that nothing may be closed where the account stays behind, whatever is cancelled", () => {
  expect(told({ ...none, stuck: true })).toBe("nothing may be closed now");
  expect(told({ ...none, stuck: true, cancels: 2 })).toBe("2 orders cancelled first, nothing may be closed now");
  const indonesian = nextCloses({ ...next, ...none, stuck: true, cancels: 2 }, (key, values) => translate("id", key, values), "id");
  expect(indonesian).toBe("2 order dibatalkan dulu, tidak ada yang boleh ditutup sekarang");
});
