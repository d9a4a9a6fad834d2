import type { Done } from "../api/types";
import type { Translate } from "../i18n";
import { toast } from "./toasts";

/** Says that a command was done, and where its reason is not kept: what stops something goes through without one. */
export function sayDone(done: Done, text: string, t: Translate): void {
  toast("ok", text);
  if (done.note_kept === false) toast("info", t("note.lost"), t("note.lostHelp"));
}
