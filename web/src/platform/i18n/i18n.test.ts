import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Problem } from "../../api/client";
import { explainFault } from "../fault";
import { en, type TextKey } from "./en";
import { faultNames, faultText } from "./faults";
import { id } from "./id";
import { text, word } from "./text";

const ROOT = new URL("../../../../", import.meta.url);
const marks = (given: string) => [...given.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

function sources(folder: URL, ending: RegExp): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return sources(new URL(`${entry.name}/`, folder), ending);
    return ending.test(entry.name) ? [readFileSync(new URL(entry.name, folder), "utf8")] : [];
  });
}

it("says everything in both languages, with the same values in each text", () => {
  expect(Object.keys(id).sort()).toEqual(Object.keys(en).sort());
  for (const key of Object.keys(en) as TextKey[]) {
    expect(id[key].trim(), key).not.toBe("");
    expect(marks(id[key]), key).toEqual(marks(en[key]));
  }
});

it("puts values in, and shows a later word of the server as it comes", () => {
  expect(text("en", "moreOf", { shown: "25", total: "310" })).toBe("Show more (25 of 310)");
  const say = (key: TextKey) => text("id", key);
  expect(word(say, "stage", "deposit")).toBe("Setoran");
  expect(word(say, "stage", "gone_fishing")).toBe("gone fishing");
});

it("names every page, stage and role that an address or an answer can hold", () => {
  const paths = [...readFileSync(new URL("web/src/app/pages.ts", ROOT), "utf8").matchAll(/page: "(\w+)"/g)].map((match) => `page.${match[1]}`);
  const roles = [...readFileSync(new URL("platform/src/people/role.rs", ROOT), "utf8").matchAll(/Role::\w+ => "(\w+)"/g)].map((match) => `role.${match[1]}`);
  expect(roles.length).toBeGreaterThan(10);
  for (const key of [...paths, ...roles]) expect(Object.keys(en), key).toContain(key);
});

describe("refusals of the platform", () => {
  const names = sources(new URL("platform/src/", ROOT), /^(faults|refusal)\.rs$/).flatMap((source) => [...source.matchAll(/Fault::new\(\s*11_\d{3},\s*"(\w+)"/g)].map((match) => match[1]!));

  it("are all told in Indonesian", () => {
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !faultNames().includes(name))).toEqual([]);
  });

  it("say what happened and what to do, in the reader's language", () => {
    const stale = new Problem(412, "It changed since you looked", "read it again", 11_005, "stale");
    expect(explainFault(stale, "en")).toEqual({ text: "It changed since you looked", detail: "read it again" });
    expect(explainFault(stale, "id")).toEqual({ text: faultText("stale")!.title, detail: faultText("stale")!.todo });
    expect(explainFault(new Problem(0, "no answer in time", ""), "id").text).toBe("tidak ada jawaban tepat waktu");
  });
});
