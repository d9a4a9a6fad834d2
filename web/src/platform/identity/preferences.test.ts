import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { User } from "../../api/types";
import type { UserPreferences } from "../api/identity";
import { APPETITES, ASSETS_MAX, assetsOf, changeOf, CLASSES, correctionOf, draftOf, ownDraftOf, symbolsOf } from "./preferences";

const held: UserPreferences = { risk_appetite: "low", preferred_assets: ["metal", "XAU/USD"], updated_at: 1, revision: 3 };

it("sends nothing while the draft says what the server has", () => {
  expect(changeOf(held, draftOf(held))).toBeNull();
  expect(changeOf(held, { ...draftOf(held), symbols: " xau/usd ,XAU/USD" })).toBeNull();
});

it("sends all of it against the revision that was seen", () => {
  const draft = { risk: "" as const, classes: ["crypto", "forex"], symbols: "eur/usd btc/usd" };
  expect(changeOf(held, draft)).toEqual({ risk_appetite: null, preferred_assets: ["forex", "crypto", "EUR/USD", "BTC/USD"], revision: 3 });
});

it("takes symbols apart at commas and spaces, each once", () => {
  expect(symbolsOf("")).toEqual([]);
  expect(symbolsOf("eur/usd, EUR/USD;btc/usd\n")).toEqual(["EUR/USD", "BTC/USD"]);
  expect(assetsOf({ risk: "", classes: ["crypto", "metal"], symbols: "X" })).toEqual(["metal", "crypto", "X"]);
});

it("corrects the fields that were changed, and empties none", () => {
  const user: User = { id: "u", email: "sari@contoh.id", name: "Sari", phone: null, role: "end_user", staff: false, status: "active", verified: false, tier: null, locale: "id", org_id: null, team_id: null, actor: null, revision: 4 };
  const same = ownDraftOf(user);
  expect(correctionOf(user, { ...same, name: " Sari " })).toBeNull();
  expect(correctionOf(user, { ...same, name: " " })).toBeNull();
  expect(correctionOf(user, { ...same, name: "Sari Dewi", phone: "+62 811" })).toEqual({ name: "Sari Dewi", phone: "+62 811", revision: 4 });
});

it("knows the words and the limit of the server", () => {
  const root = new URL("../../../../", import.meta.url);
  const rust = readFileSync(new URL("platform/src/identity/preferences.rs", root), "utf8");
  expect(rust).toContain(`ASSETS_MAX: usize = ${ASSETS_MAX};`);
  for (const name of APPETITES) expect(rust).toContain(`=> "${name}"`);
  const classes = /pub enum AssetClass: u8 \{([^}]*)\}/.exec(readFileSync(new URL("risk/src/terms.rs", root), "utf8"))![1]!;
  expect([...classes.matchAll(/(\w+) = \d/g)].map((match) => match[1]!.toLowerCase())).toEqual([...CLASSES]);
});
