import { expect, it } from "vitest";
import { matches } from "./matches";

const commands = [{ text: "Sign out" }, { text: "Scenario: Calm" }];
const instruments = Array.from({ length: 70 }, (_, at) => ({ text: `Show S${at}/USD`, hint: at === 3 ? "Gold" : "" }));
const texts = (typed: string) => matches(commands, instruments, typed).map((one) => one.text);

it("shows every command first when nothing is typed", () => {
  expect(texts("").slice(0, 3)).toEqual(["Sign out", "Scenario: Calm", "Show S0/USD"]);
  expect(texts(" ")).toHaveLength(62);
});

it("finds symbols with or without the stroke, names and commands", () => {
  expect(texts("s12usd")).toEqual(["Show S12/USD"]);
  expect(texts("S12/")).toEqual(["Show S12/USD"]);
  expect(texts("gold")).toEqual(["Show S3/USD"]);
  expect(texts("sign")).toEqual(["Sign out"]);
});

it("cuts no command, however many symbols fit", () => {
  expect(texts("s").slice(-2)).toEqual(["Sign out", "Scenario: Calm"]);
});
