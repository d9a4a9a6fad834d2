import { describe, expect, it } from "vitest";
import { ABSENT, compareDecimal, cutPercent, formatDecimal, formatFigure, halfOf, parseTyped, retype, signOf, snapDecimal, splitPrice, stepDecimal, toTyped, trimZeros } from "./decimal";

describe("formatDecimal", () => {
  it("keeps every digit the server said", () => {
    expect(formatDecimal("9007199254740993.10", "en")).toBe("9,007,199,254,740,993.10");
    expect(formatDecimal("1234567.50", "id")).toBe("1.234.567,50");
    expect(formatDecimal("0.00001", "id")).toBe("0,00001");
    expect(formatDecimal("999", "en")).toBe("999");
    expect(formatDecimal("1000", "en")).toBe("1,000");
  });

  it("writes signs so that columns stay aligned, and none before zero", () => {
    expect(formatDecimal("-12.5", "en")).toBe("\u221212.5");
    expect(formatDecimal("12.5", "en", { sign: true })).toBe("+12.5");
    expect(formatDecimal("-0.00", "en", { sign: true })).toBe("0.00");
  });

  it("shows what is absent as absent and what is no number as it is", () => {
    expect(formatDecimal(null, "en")).toBe(ABSENT);
    expect(formatDecimal(undefined, "en")).toBe(ABSENT);
    expect(formatDecimal("n/a", "en")).toBe("n/a");
  });
});

it("formats figures with their unit", () => {
  expect(formatFigure("1627.58 USD", "en")).toBe("1,627.58 USD");
  expect(formatFigure("-1627.58 USD", "id")).toBe("\u22121.627,58 USD");
  expect(formatFigure("49.99 %", "id")).toBe("49,99 %");
  expect([formatFigure("", "en"), formatFigure(null, "en"), formatFigure("2 min", "en"), formatFigure("soon", "id")]).toEqual([ABSENT, ABSENT, "2 min", "soon"]);
});

describe("splitPrice", () => {
  it("puts the two digits that move in the middle", () => {
    expect(splitPrice("1.08452", 5, "en")).toEqual(["1.08", "45", "2"]);
    expect(splitPrice("155.204", 3, "en")).toEqual(["155.", "20", "4"]);
    expect(splitPrice("2391.52", 2, "id")).toEqual(["2.391,", "52", ""]);
    expect(splitPrice("2350.141", 3, "en")).toEqual(["2,350.", "14", "1"]);
    expect(splitPrice("16214", 0, "en")).toEqual(["16,214", "", ""]);
    expect(splitPrice(null, 5, "en")).toEqual([ABSENT, "", ""]);
  });
});

describe("parseTyped", () => {
  it.each([
    ["1.5", "1.5"],
    ["5,250", "5250"],
    ["1,234.50", "1234.50"],
    ["1,234,567", "1234567"],
    [".5", "0.5"],
    ["5.", "5"],
    ["-0.01", "-0.01"],
    [" 12 000.5 ", "12000.5"],
    ["+3", "3"],
    ["007", "007"],
  ])("reads %s in English", (text, wanted) => expect(parseTyped(text, "en")).toBe(wanted));

  it.each([
    ["1,5", "1.5"],
    ["1.000", "1000"],
    ["1.234,50", "1234.50"],
    ["1.234.567", "1234567"],
    [",5", "0.5"],
    ["0,01", "0.01"],
    ["12\u00a0000", "12000"],
  ])("reads %s in Indonesian", (text, wanted) => expect(parseTyped(text, "id")).toBe(wanted));

  it.each(["", "abc", "1e5", "--1", ".", "1,5", "1.234,50", "12,34", "1,2345", "0,500", "1,234 567", "1'000", "1.2.3"])("refuses %s in English", (text) => expect(parseTyped(text, "en")).toBeNull());
  it.each(["", "1.5", "0.01", "1,234.50", "1.23", "0.500", "1,2,3"])("refuses %s in Indonesian", (text) => expect(parseTyped(text, "id")).toBeNull());

  it("reads back what is shown and what is typed, in both languages", () => {
    for (const value of ["0.01", "123.456", "-98765.4", "1234567.89"]) {
      for (const language of ["en", "id"] as const) {
        expect(parseTyped(formatDecimal(value, language), language)).toBe(value);
        expect(parseTyped(toTyped(value, language), language)).toBe(value);
      }
    }
  });

  it("carries a draft into the other language", () => {
    expect(retype("5,250.5", "en", "id")).toBe("5250,5");
    expect(retype("0,10", "id", "en")).toBe("0.10");
    expect(retype("soon", "en", "id")).toBe("soon");
    expect(retype("", "en", "id")).toBe("");
  });
});

describe("steps and comparisons", () => {
  it("moves by exact steps within bounds", () => {
    expect(stepDecimal("0.10", "0.01", 1)).toBe("0.11");
    expect(stepDecimal("0.3", "0.1", -3)).toBe("0.0");
    expect(stepDecimal("0.01", "0.01", -1, "0.01")).toBe("0.01");
    expect(stepDecimal("49.99", "0.01", 10, "0.01", "50")).toBe("50.00");
    expect(stepDecimal("0.1", "0.2", 1)).toBe("0.3");
  });

  it("halves down to the step, within what can be closed", () => {
    expect(halfOf("0.10", "0.01", "0.01")).toBe("0.05");
    expect(halfOf("0.15", "0.01", "0.01")).toBe("0.07");
    expect(halfOf("1.00", "0.10", "0.10")).toBe("0.50");
    expect(halfOf("0.01", "0.01", "0.01")).toBe("0.01");
    expect(halfOf("0.005", "0.01", "0.01")).toBe("0.005");
    expect(halfOf("3", "1", "1")).toBe("1");
  });

  it("snaps to the nearest step", () => {
    expect(snapDecimal("1.08453", "0.00005")).toBe("1.08455");
    expect(snapDecimal("1.08452", "0.00005")).toBe("1.08450");
    expect(snapDecimal("2391.57", "0.1")).toBe("2391.6");
    expect(snapDecimal("16213.6", "1")).toBe("16214");
    expect(snapDecimal("-1.27", "0.1")).toBe("-1.3");
  });

  it("compares without rounding", () => {
    expect(compareDecimal("1.10", "1.1")).toBe(0);
    expect(compareDecimal("-1", "0.5")).toBe(-1);
    expect(compareDecimal("9007199254740993", "9007199254740992")).toBe(1);
  });

  it("knows signs, trims bounds and cuts percentages without rounding up", () => {
    expect([signOf("-0.10"), signOf("0.000"), signOf("3"), signOf(null)]).toEqual([-1, 0, 1, 0]);
    expect([trimZeros("100"), trimZeros("30.00"), trimZeros("12.50")]).toEqual(["100", "30", "12.5"]);
    expect(cutPercent("99.9999")).toBe("99.99");
  });
});
