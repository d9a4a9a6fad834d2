import type { NextStopOut } from "../../api/types";
import { type Language, formatDecimal } from "../../format/decimal";
import type { Translate } from "../../i18n";

/** What the next stop-out does first. Cancels may be enough by themselves: then nothing is closed, and nothing needs to be. */
export function nextCloses(next: NextStopOut, t: Translate, language: Language): string {
  if (next.position === null) return next.cancels > 0 ? t("account.nextCancelsOnly", { n: next.cancels }) : t("account.nextNothing");
  const what = t("account.nextCloses", { qty: formatDecimal(next.qty, language), symbol: next.position_symbol ?? "", position: next.position });
  return next.cancels > 0 ? `${t("account.nextCancels", { n: next.cancels })} ${what}` : what;
}
