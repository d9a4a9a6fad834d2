import { useCallback } from "react";
import { useSettings } from "../app/settings";
import { toast } from "../app/toasts";
import { explainFault } from "./fault";

/** Does something and says how it ended. `true` when it was done. */
export function useAct(): (work: () => Promise<unknown>, done?: string) => Promise<boolean> {
  const { language } = useSettings();
  return useCallback(
    async (work, done) => {
      try {
        await work();
        if (done) toast("ok", done);
        return true;
      } catch (error) {
        const { text, detail } = explainFault(error, language);
        toast("bad", text, detail);
        return false;
      }
    },
    [language],
  );
}
