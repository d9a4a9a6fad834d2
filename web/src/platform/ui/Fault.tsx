import { Icon } from "../../ui/Icon";
import type { Told } from "../fault";

/** A refusal beside the form that it is about. */
export function Fault({ told }: { told: Told }) {
  return (
    <p role="alert" className="flex gap-2 rounded-md border border-crit/60 p-2 text-xs text-ink">
      <Icon name="alert" className="text-crit" />
      <span className="min-w-0 break-words">
        <span className="block font-semibold">{told.text}</span>
        {told.detail}
      </span>
    </p>
  );
}
