import type { Side } from "../../api/types";
import { useSettings, useTranslate } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";

/** Direction and size in one tag. */
export function SideTag({ side, qty }: { side: Side; qty: string }) {
  const t = useTranslate();
  const { language } = useSettings();
  return (
    <span className={`rounded px-1 py-px text-2xs font-semibold whitespace-nowrap ${side === "buy" ? "bg-up/15 text-up" : "bg-down/15 text-down"}`}>
      {t(`side.${side}`)} {formatDecimal(qty, language)}
    </span>
  );
}
