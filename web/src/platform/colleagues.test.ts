import { expect, it } from "vitest";
import { Colleagues, KEYS_MAX } from "./colleagues";

it("asks for what the rows of a page want in one question, each key once", async () => {
  const asked: (readonly string[])[] = [];
  const colleagues = new Colleagues(async (ids) => {
    asked.push(ids);
    return ids.filter((id) => id !== "client").map((id) => ({ id, name: `name of ${id}` }));
  });
  const found = await Promise.all(["a", "b", "a", "client"].map((id) => colleagues.find(id)));
  expect(asked).toEqual([["a", "b", "client"]]);
  expect(found.map((one) => one?.name ?? null)).toEqual(["name of a", "name of b", "name of a", null]);
  expect(await colleagues.find("c")).toEqual({ id: "c", name: "name of c" });
  expect(asked).toHaveLength(2);
});

it("cuts what is more than a question takes, and tells those alone whose question failed", async () => {
  const colleagues = new Colleagues(async (ids) => {
    if (ids.includes("last")) throw new Error("no answer");
    return ids.map((id) => ({ id, name: id }));
  });
  const many = Array.from({ length: KEYS_MAX }, (_, n) => `k${n}`);
  const asked = [...many, "last"].map((id) => colleagues.find(id));
  const [last] = (await Promise.allSettled(asked)).slice(-1);
  expect(last?.status).toBe("rejected");
  expect(await asked[0]).toEqual({ id: "k0", name: "k0" });
});
