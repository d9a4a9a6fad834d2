import { expect, it, vi } from "vitest";
import type { Order } from "../api/types";
import { atOnce, isOwn, Outcomes, TOLD_MS } from "./outcomes";

it("claims no order that it never sent", () => {
  expect(isOwn({ client_id: null }, null)).toBe(false);
  expect(isOwn({ client_id: null }, "mine")).toBe(false);
  expect(isOwn({ client_id: "other" }, "mine")).toBe(false);
  expect(isOwn({ client_id: "mine" }, "mine")).toBe(true);
});

it("says of a limit or stop that the market has reached that it would not wait", () => {
  const preview = { at_once: true, reasons: [] };
  expect([atOnce(preview, "limit"), atOnce(preview, "stop"), atOnce(preview, "stop_limit")]).toEqual(["ticket.atOnce.limit", "ticket.atOnce.stop", "ticket.atOnce.stop"]);
  expect(atOnce(preview, "market")).toBeNull();
  expect(atOnce({ at_once: false, reasons: [] }, "limit")).toBeNull();
  // A refusal says enough.
  expect(atOnce({ at_once: true, reasons: [{ code: 1208, name: "price_on_the_wrong_side", lifts: "" }] }, "stop")).toBeNull();
});

it("tells how the own order ended, and gives up after a while", async () => {
  vi.useFakeTimers();
  const outcomes = new Outcomes();
  const order = (client_id: string | null, state: Order["state"], avg_price: string | null = null) => ({ client_id, state, avg_price }) as Order;
  const ended = outcomes.ended("mine");
  const late = outcomes.ended("lost");
  for (const one of [order(null, "filled"), order("other", "filled"), order("mine", "submitted"), order("mine", "filled", "1.08441"), order("mine", "cancelled")]) outcomes.publish(one);
  expect((await ended)?.avg_price).toBe("1.08441");
  vi.advanceTimersByTime(TOLD_MS);
  expect(await late).toBeNull();
  vi.useRealTimers();
});
