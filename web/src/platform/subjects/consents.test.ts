import { expect, it } from "vitest";
import type { Consent } from "../api/records";
import { exportName, readKey, standingOf } from "./consents";

const said = (purpose: string, granted: boolean): Consent => ({ purpose, granted, source: "web", text_version: "1", recorded_by: "u", time_us: 1 });

it("shows every purpose once, and what was never said as nothing", () => {
  const rows = standingOf({ purposes: ["marketing_email", "profiling"], items: [said("profiling", true)] });
  expect(rows.map(({ purpose, said }) => [purpose, said?.granted ?? null])).toEqual([["marketing_email", null], ["profiling", true]]);
});

it("keeps a word on a purpose that is asked about no more", () => {
  expect(standingOf({ purposes: ["profiling"], items: [said("newsletter", false)] }).map(({ purpose }) => purpose)).toEqual(["profiling", "newsletter"]);
});

it("takes the key of a person and nothing else", () => {
  expect(readKey(" 01980A7C-0000-7000-8000-0123456789AB ")).toBe("01980a7c-0000-7000-8000-0123456789ab");
  for (const text of ["", "siti@contoh.id", "01980a7c", "01980a7c-0000-7000-8000-0123456789ab0"]) expect(readKey(text), text).toBeNull();
  expect(exportName("01980a7c-0000-7000-8000-0123456789ab")).toBe("siaga-01980a7c.json");
});
