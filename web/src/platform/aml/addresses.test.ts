import { expect, it } from "vitest";
import { addressFault, readAddresses } from "./addresses";

it("reads one address a line and leaves out what is empty", () => {
  expect(readAddresses(" https://a.example/sdn.csv \n\n https://a.example/alt.csv\n")).toEqual(["https://a.example/sdn.csv", "https://a.example/alt.csv"]);
});

it("sends nothing but distinct https addresses", () => {
  expect(addressFault(["https://a.example/sdn.csv", "https://a.example/alt.csv"])).toBeNull();
  expect(addressFault([])).toBe("none");
  for (const url of ["http://a.example/x", "ftp://a.example", "https://", "https:///x", "a.example/x", "https://a.example/a b"]) expect(addressFault([url]), url).toBe("scheme");
  expect(addressFault(["https://a.example/x", "https://a.example/x"])).toBe("twice");
});
