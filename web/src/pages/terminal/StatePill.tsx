import type { MarginState } from "../../api/types";
import { useTranslate } from "../../app/settings";

const STYLES: Record<MarginState, string> = {
  healthy: "border-ok/50 text-ok",
  warning: "border-warn text-warn",
  restricted: "border-crit text-crit",
  stop_out: "border-emergency bg-emergency text-white",
};

/** The account's margin state in a word and a colour. */
export function StatePill({ state }: { state: MarginState }) {
  const t = useTranslate();
  return (
    <span data-testid="margin-state" data-state={state} className={`rounded-full border px-2 py-px text-2xs font-semibold whitespace-nowrap ${STYLES[state]}`}>
      {t(`state.${state}`)}
    </span>
  );
}
