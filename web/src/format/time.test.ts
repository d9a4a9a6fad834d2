import { expect, it } from "vitest";
import { formatAge, formatLatency, formatStamp } from "./time";

it("shows ages in milliseconds first and then in whole units", () => {
  expect(formatAge(120.4, "en")).toBe("120 ms");
  expect(formatAge(9_999, "en")).toBe("9999 ms");
  expect(formatAge(10_000, "en")).toBe("10 s");
  expect(formatAge(3_900, "en", "s")).toBe("3 s");
  expect(formatAge(125_000, "id")).toBe("2 mnt");
  expect(formatAge(-5, "en")).toBe("0 ms");
});

it("writes latencies with the reader's decimal mark", () => {
  expect(formatLatency(1_234, "en")).toBe("1.2 ms");
  expect(formatLatency(1_234, "id")).toBe("1,2 ms");
  expect(formatLatency(42_000, "en")).toBe("42 ms");
});

it("names the year of what may be years old", () => {
  for (const language of ["en", "id"] as const) expect(formatStamp(1_744_156_800_000_000, language)).toContain("2025");
});
