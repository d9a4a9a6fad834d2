import { expect, it } from "vitest";
import { creationOptions, fromBase64Url, requestOptions, toBase64Url } from "./passkey";

it("writes bytes as ceremonies do, and reads them back", () => {
  const bytes = Uint8Array.from([0, 251, 255, 254, 62, 63]);
  expect(toBase64Url(bytes.buffer)).toBe("APv__j4_");
  expect(fromBase64Url("APv__j4_")).toEqual(bytes);
  for (let length = 0; length < 5; length += 1) {
    const some = new Uint8Array(length).fill(250);
    expect(fromBase64Url(toBase64Url(some.buffer))).toEqual(some);
  }
});

it("hands the browser bytes where the server wrote text", () => {
  const made = creationOptions({ publicKey: { challenge: "AQID", user: { id: "BAU", name: "sri@contoh.id", displayName: "Sri" }, rp: { name: "Siaga" }, pubKeyCredParams: [], excludeCredentials: [{ type: "public-key", id: "Bg" }] } });
  expect(made.challenge).toEqual(Uint8Array.from([1, 2, 3]));
  expect(made.user).toMatchObject({ id: Uint8Array.from([4, 5]), name: "sri@contoh.id" });
  expect(made.excludeCredentials).toEqual([{ type: "public-key", id: Uint8Array.from([6]) }]);
});

it("takes a request with and without its wrapping, and one that names no keys", () => {
  expect(requestOptions({ publicKey: { challenge: "AQ", rpId: "localhost" } })).toEqual({ challenge: Uint8Array.from([1]), rpId: "localhost", allowCredentials: [] });
  expect(requestOptions({ challenge: "AQ", allowCredentials: [{ type: "public-key", id: "Ag" }] }).allowCredentials).toEqual([{ type: "public-key", id: Uint8Array.from([2]) }]);
});
