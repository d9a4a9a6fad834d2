import { beforeEach, expect, it, vi } from "vitest";
import { translate, type Translate } from "../i18n";
import { sayDone } from "./done";
import { toast } from "./toasts";

vi.mock("./toasts", () => ({ toast: vi.fn() }));
beforeEach(() => void vi.mocked(toast).mockClear());

const english: Translate = (key, values) => translate("en", key, values);
const indonesian: Translate = (key, values) => translate("id", key, values);

it("warns when the disk did not take the reason, in the reader's language", () => {
  sayDone({ seq: 7, note_kept: false }, "done", english);
  sayDone({ seq: 8, note_kept: false }, "done", indonesian);
  const said = vi.mocked(toast).mock.calls;
  expect(said.map(([tone]) => tone)).toEqual(["ok", "info", "ok", "info"]);
  expect(said[1]![1]).toBe("The reason is not kept: the disk is full.");
  expect(said[3]![1]).toBe("Alasannya tidak tersimpan: disk penuh.");
});

it("says no more than that it is done when the reason is kept", () => {
  for (const done of [{ seq: 7 }, { seq: 7, note_kept: true }, { seq: 7, note_kept: null }]) sayDone(done, "done", english);
  expect(vi.mocked(toast).mock.calls).toEqual([["ok", "done"], ["ok", "done"], ["ok", "done"]]);
});
