import { translate } from "../i18n";
import { settings } from "./settings";
import { toast } from "./toasts";

/** Says that an event could not be told. The list is read again at once, so nothing on the page stays old for it. */
export function sayLeftOut(incident: string | undefined): void {
  if (incident !== undefined) toast("info", translate(settings().language, "toast.leftOut", { incident }));
}
