import { expect, it } from "vitest";
import { isDate, looksLikeEmail, passwordLacks, readCode, readPhone } from "./forms";

it("names each rule that a password lacks", () => {
  expect(passwordLacks("Meja-Risiko-7", "sri@contoh.id")).toEqual([]);
  expect(passwordLacks("", "")).toEqual(["length", "upper", "digit", "special"]);
  expect(passwordLacks("Abcdef1!", "")).toEqual([]);
  expect(passwordLacks("Abcde1!", "")).toEqual(["length"]);
  expect(passwordLacks("abcdefg1!", "")).toEqual(["upper"]);
  expect(passwordLacks("Abcdefgh!", "")).toEqual(["digit"]);
  expect(passwordLacks("Abcdefg1", "")).toEqual(["special"]);
  expect(passwordLacks("Nurhaliza-1", "NURHALIZA@contoh.id")).toEqual(["email"]);
  // A space is no special character, and a letter of another alphabet is a letter.
  expect(passwordLacks("Abcdefg 1é", "")).toEqual(["special"]);
});

it("knows the shape of an address", () => {
  for (const good of ["a@b.id", " sri.n+x@mail.contoh.co.id "]) expect(looksLikeEmail(good), good).toBe(true);
  for (const bad of ["", "a@b", "a b@c.id", "@c.id", "a@c.", "a@@c.id"]) expect(looksLikeEmail(bad), bad).toBe(false);
});

it("takes a code as it was typed or pasted", () => {
  expect(readCode(" 123 456 ")).toBe("123456");
  expect(readCode("123-456")).toBe("123456");
  for (const bad of ["12345", "1234567", "12345a", ""]) expect(readCode(bad), bad).toBeNull();
});

it("writes Indonesian telephone numbers with their country", () => {
  expect(readPhone("0812-3456-7842")).toBe("+6281234567842");
  expect(readPhone("62 812 3456 7842")).toBe("+6281234567842");
  expect(readPhone("+1 (202) 555-0123")).toBe("+12025550123");
  for (const bad of ["", "12345", "08x", "+12"]) expect(readPhone(bad), bad).toBeNull();
});

it("takes a date only if the calendar has it", () => {
  expect([isDate("2028-02-29"), isDate("2027-02-29"), isDate("2027-13-01"), isDate("1-1-2027")]).toEqual([true, false, false, false]);
});
