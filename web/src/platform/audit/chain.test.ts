import { expect, it } from "vitest";
import { Problem } from "../../api/client";
import type { AuditPiece } from "../api/records";
import { FLAWS_MAX, monthOf, verifyMonth, type Verified } from "./chain";

const walk = async (pieces: readonly AuditPiece[], isThere = () => true) => {
  const asked: (number | null)[] = [];
  const told: Verified[] = [];
  await verifyMonth(
    async (after) => {
      asked.push(after);
      return pieces[asked.length - 1]!;
    },
    (verified) => told.push(verified),
    isThere,
  );
  return { asked, told };
};

it("goes on behind each piece to the end of the month, and tells how far it is", async () => {
  const { asked, told } = await walk([{ rows: 5_000, next: 5_000, flaws: [] }, { rows: 12, next: null, flaws: [{ kind: "changed", link: 5_003 }] }]);
  expect(asked).toEqual([null, 5_000]);
  expect(told.map(({ rows, flaws, ended }) => [rows, flaws.length, ended])).toEqual([[5_000, 0, false], [5_012, 1, true]]);
});

it("ends where an answer leads nowhere, and lists no more than anybody reads", async () => {
  const flaws = Array.from({ length: FLAWS_MAX }, (_, at) => ({ kind: "changed", link: at + 1 }));
  const { asked, told } = await walk([{ rows: 200, next: 200, flaws }, { rows: 0, next: 200, flaws }]);
  expect(asked).toEqual([null, 200]);
  expect(told.at(-1)).toEqual({ rows: 200, flaws, ended: true });
});

it("asks no further when nobody waits for it any more", async () => {
  const { asked, told } = await walk([{ rows: 5_000, next: 5_000, flaws: [] }], () => false);
  expect([asked, told]).toEqual([[null], []]);
});

it("waits where it asked too often, and goes on where it was", async () => {
  const tooOften = new Problem(429, "Too many requests", "", null, null, [], null, 7);
  const answers: (AuditPiece | Problem)[] = [{ rows: 5_000, next: 5_000, flaws: [] }, tooOften, tooOften, { rows: 12, next: null, flaws: [] }];
  const asked: (number | null)[] = [];
  const told: Verified[] = [];
  const paused: number[] = [];
  const ask = async (after: number | null) => {
    const answer = answers[asked.length]!;
    asked.push(after);
    if (answer instanceof Problem) throw answer;
    return answer;
  };
  const pause = async (ms: number) => void paused.push(ms);
  await verifyMonth(ask, (verified) => told.push(verified), () => true, pause);
  expect([asked, paused]).toEqual([[null, 5_000, 5_000, 5_000], [7_000, 7_000]]);
  expect(told.map(({ rows, ended }) => [rows, ended])).toEqual([[5_000, false], [5_012, true]]);
  const gone = verifyMonth(() => Promise.reject(tooOften), () => undefined, () => false, pause);
  await expect(gone).resolves.toBeUndefined();
  const broken = verifyMonth(() => Promise.reject(new Problem(503, "Busy", "")), () => undefined, () => true, pause);
  await expect(broken).rejects.toThrow("Busy");
});

it("names the month by UTC, as the chains are kept", () => {
  expect(monthOf(Date.UTC(2026, 10, 30, 23, 59))).toBe("2026-11");
});
