import { describe, expect, it } from "vitest";
import { changeOf, dealChange, draftOf, emptied, isMoney, limitsOf, lines, unreachable, whole } from "./draft";

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

  it("empties what was known, but not the last way to the person", () => {
    const without = { ...before, name: " ", city: "" };
    expect(emptied(before, without)).toEqual(["name", "city"]);
    expect(changeOf(before, without, 4)).toEqual({ name: null, city: null, revision: 4 });
    expect([emptied(before, { ...before, email: "" }), unreachable(before, without)]).toEqual([[], []]);
    expect(unreachable(before, { ...before, phone: " " })).toEqual(["phone"]);
    expect(unreachable(before, { ...before, phone: "", email: "budi@contoh.id" })).toEqual([]);
    const erased = draftOf({ name: null, phone: null, email: null, city: null, interests: [] });
    expect(unreachable(erased, erased)).toEqual([]);
  });
});

it("sends of a deal what changed", () => {
  const deal = { title: "Gold", expected_usd: "5000.00", revision: 3 };
  expect(dealChange(deal, " Gold bars ", "5000.00")).toEqual({ title: "Gold bars", revision: 3 });
  expect(dealChange(deal, "Gold", "1250.5")).toEqual({ expected_usd: "1250.5", revision: 3 });
  expect(dealChange(deal, "Gold ", "5000.00")).toBeNull();
});

it("reads limits of columns; none is none", () => {
  expect(limitsOf({ new: " 40 ", demo: "" })).toEqual({ new: 40 });
  expect(limitsOf({})).toEqual({});
  expect([limitsOf({ new: "0" }), limitsOf({ new: "100001" }), limitsOf({ new: "many" })]).toEqual([null, null, null]);
});

it("reads money, cities and whole numbers as they are typed", () => {
  expect(["0", "12", "12.5", "12.50"].every(isMoney)).toBe(true);
  expect([null, "-1", "1.234", "", "1.", "1234567890123"].some(isMoney)).toBe(false);
  expect(lines(" Bandung\n\nSurabaya \nBandung\n")).toEqual(["Bandung", "Surabaya"]);
  expect(["0", " 50 ", "51", "-1", "5.0", "", "1e1"].map((text) => whole(text, 50))).toEqual([0, 50, null, null, null, null, null]);
});
