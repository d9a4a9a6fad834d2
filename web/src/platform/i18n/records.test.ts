import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { HOLD_CATEGORIES } from "../subjects/consents";
import { recordsEn } from "./records.en";

const ROOT = new URL("../../../../", import.meta.url);

function sources(folder: URL): string {
  return readdirSync(folder, { withFileTypes: true }).map((entry) => (entry.isDirectory() ? sources(new URL(`${entry.name}/`, folder)) : entry.name.endsWith(".rs") ? readFileSync(new URL(entry.name, folder), "utf8") : "")).join("\n");
}

const platform = sources(new URL("platform/src/", ROOT));
const names = (pattern: RegExp, source = platform): string[] => [...new Set([...source.matchAll(pattern)].map((match) => match[1]!))];
const told = Object.keys(recordsEn);

it("names every scope that a key can have", () => {
  const scopes = names(/Permission::new\(\s*"(\w+\.\w+)"/g);
  expect(scopes.length).toBeGreaterThan(40);
  for (const scope of scopes) {
    const [resource, act] = scope.split(".");
    expect(told, scope).toContain(`resource.${resource}`);
    expect(told, scope).toContain(`act.${act}`);
  }
});

it("names everything that the platform's log is written about", () => {
  const entities = names(/Change::new\(\s*Action::\w+,\s*"(\w+)"/g);
  expect(entities.length).toBeGreaterThan(30);
  expect(entities.filter((entity) => !told.includes(`entity.${entity}`))).toEqual([]);
});

it("offers a hold for every kind of rows that has a term, and for erasures and everything", () => {
  const categories = names(/impl Category for \w+ \{\s*fn name\(&self\) -> &'static str \{\s*"(\w+)"/g);
  expect([...HOLD_CATEGORIES].sort()).toEqual([...categories, "all", "erasure"].sort());
  for (const category of HOLD_CATEGORIES) expect(told).toContain(`holdCategory.${category}`);
});

it("names every purpose of a consent, every store of an erasure, and what was done there", () => {
  const purposes = names(/"(\w+)"/g, /PURPOSES: &\[&str\] = &\[([^\]]*)\]/.exec(platform)![1]);
  expect(purposes.length).toBeGreaterThan(5);
  const stores = names(/impl Store for \w+ \{\s*fn name\(&self\) -> &'static str \{\s*"(\w+)"/g);
  expect(stores.length).toBeGreaterThan(8);
  const actions = names(/Done::\w+ => "(\w+)"/g);
  const wanted = [...purposes.map((one) => `purpose.${one}`), ...stores.map((one) => `store.${one}`), ...actions.map((one) => `ledgerAction.${one}`)];
  expect(wanted.filter((key) => !told.includes(key))).toEqual([]);
});
