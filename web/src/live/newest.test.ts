import { expect, it } from "vitest";
import type { Alert } from "../api/types";
import { keepChanged } from "./alerts";
import { newest } from "./newest";

it("keeps what the stream said while the answer was on its way", () => {
  const held = { seq: 9, equity: "1" };
  expect(newest({ seq: 8, equity: "2" }, () => held)).toBe(held);
  expect(newest({ seq: 9, equity: "2" }, () => held).equity).toBe("2");
  expect(newest({ seq: 1, equity: "2" }, () => undefined).equity).toBe("2");
});

it("takes a new history whatever its position", () => {
  expect(newest({ seq: 1, epoch: 2 }, () => ({ seq: 9, epoch: 1 })).seq).toBe(1);
});

it("keeps the alerts that came while the list was being read", () => {
  const alert = (id: string, revision: number) => ({ id, revision }) as Alert;
  const old = [alert("a", 1), alert("b", 1)];
  const now = [alert("c", 1), alert("a", 2), old[1]!];
  expect(keepChanged([alert("a", 1), alert("b", 2)], old, now).map((one) => [one.id, one.revision])).toEqual([["c", 1], ["a", 2], ["b", 2]]);
});
