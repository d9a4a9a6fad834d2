import { describe, expect, it } from "vitest";
import { changeOf, draftOf, emptied, isMoney, lines, whole } from "./draft";

const before = draftOf({ name: "Budi", phone: "+6281234567811", email: null, city: "Bandung", interests: ["metals", "forex"] });

describe("a change of a lead's own data", () => {
  it("sends what changed, with the revision that was seen", () => {
    expect(changeOf(before, { ...before, city: " Jakarta ", email: "budi@contoh.id" }, 4)).toEqual({ city: "Jakarta", email: "budi@contoh.id", revision: 4 });
    expect(changeOf(before, { ...before, interests: ["metals"] }, 4)).toEqual({ interests: ["metals"], revision: 4 });
    expect(changeOf(before, { ...before, interests: [] }, 4)).toEqual({ interests: [], revision: 4 });
  });

  it("is none when nothing changed, whatever the order of the interests", () => {
    expect(changeOf(before, { ...before, name: "Budi ", interests: ["forex", "metals"] }, 4)).toBeNull();
  });

  it("empties nothing that was known", () => {
    expect(emptied(before, { ...before, name: " ", city: "" })).toEqual(["name", "city"]);
    expect(emptied(before, { ...before, email: "" })).toEqual([]);
  });
});

it("reads money, cities and whole numbers as they are typed", () => {
  expect(["0", "12", "12.5", "12.50"].every(isMoney)).toBe(true);
  expect([null, "-1", "1.234", "", "1.", "1234567890123"].some(isMoney)).toBe(false);
  expect(lines(" Bandung\n\nSurabaya \nBandung\n")).toEqual(["Bandung", "Surabaya"]);
  expect(["0", " 50 ", "51", "-1", "5.0", "", "1e1"].map((text) => whole(text, 50))).toEqual([0, 50, null, null, null, null, null]);
});
