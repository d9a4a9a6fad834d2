import { expect, it } from "vitest";
import { readStart } from "./start";

it("reads the secret of a printed address", () => {
  expect(readStart("#secret=a%2Fb")).toEqual({ kind: "secret", secret: "a/b" });
  expect(readStart("#secret=100%")).toEqual({ kind: "secret", secret: "100%" });
});

it("reads how a sign-in at a provider ended", () => {
  expect(readStart("#signed-in")).toEqual({ kind: "signed-in" });
  expect(readStart("#mfa=abc-1&methods=totp,passkey,pigeon")).toEqual({ kind: "mfa", challenge: "abc-1", methods: ["passkey", "totp"] });
  expect(readStart("#sign-in-failed=11109")).toEqual({ kind: "failed", code: 11109 });
  expect(readStart("#sign-in-failed=x")).toEqual({ kind: "failed", code: null });
});

it("reads how the linking of an account ended", () => {
  expect(readStart("#linked")).toEqual({ kind: "linked" });
  expect(readStart("#link-failed=11129")).toEqual({ kind: "not-linked", code: 11129 });
  expect(readStart("#link-failed=")).toEqual({ kind: "not-linked", code: null });
});

it("leaves every other address alone", () => {
  for (const hash of ["", "#", "#positions", "#secret="]) expect(readStart(hash)).toEqual({ kind: "plain" });
});
