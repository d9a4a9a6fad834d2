import { expect, it, vi } from "vitest";
import { sayLeftOut } from "./leftOut";
import { toast } from "./toasts";

vi.mock("./settings", () => ({ settings: () => ({ language: "en" }) }));
vi.mock("./toasts", () => ({ toast: vi.fn() }));

it("tells the incident of an event that was left out, and nothing of a list that is read again as always", () => {
  sayLeftOut(undefined);
  expect(vi.mocked(toast).mock.calls).toEqual([]);
  sayLeftOut("6b1f09aa");
  expect(vi.mocked(toast).mock.calls).toEqual([["info", expect.stringContaining("incident 6b1f09aa") as string]]);
});
