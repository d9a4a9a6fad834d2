import { expect, it } from "vitest";
import { atOnce, isOwn } from "./outcomes";

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
