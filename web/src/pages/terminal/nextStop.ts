import type { NextStopOut } from "../../api/types";
import { type Language, formatDecimal } from "../../format/decimal";
import type { Translate } from "../../i18n";

/** What the next stop-out does first, and where the account stays behind after all it closes. Without a close the cancels are enough by themselves, or nothing may be closed and it stays behind. */
export function nextCloses(next: NextStopOut, t: Translate, language: Language): string {
  if (next.position === null && !next.stuck && next.cancels > 0) return t("account.nextCancelsOnly", { n: next.cancels });
  const what = next.position === null ? t("account.nextNothing") : t("account.nextCloses", { qty: formatDecimal(next.qty, language), symbol: next.position_symbol ?? "", position: next.position });
  const all = next.cancels > 0 ? `${t("account.nextCancels", { n: next.cancels })} ${what}` : what;
  return next.stuck && next.position !== null ? t("account.nextStays", { what: all }) : all;
}
