import type { MarginRule } from "../../api/types";
import { type Language, formatDecimal, trimZeros } from "../../format/decimal";
import type { Translate } from "../../i18n";

const WHOLE = "100";

/** The rules behind a margin in one line: the leverage and where it comes from, then whatever else changes it. */
export function ruleText(rule: MarginRule, t: Translate, language: Language): string {
  const pct = (value: string) => `${formatDecimal(trimZeros(value), language)} %`;
  const parts = [t(`rule.${rule.leverage_from}`, { n: rule.leverage })];
  if (trimZeros(rule.rate_pct) !== WHOLE) parts.push(t("rule.rate", { pct: pct(rule.rate_pct) }));
  if (trimZeros(rule.factor_pct) !== WHOLE) parts.push(rule.window === null ? t("rule.halt", { pct: pct(rule.factor_pct) }) : t("rule.window", { pct: pct(rule.factor_pct), window: rule.window }));
  if (rule.tier_rule !== null) parts.push(t("rule.tiers", { set: rule.tier_set ?? "", rule: rule.tier_rule }));
  if (rule.conversion === null) parts.push(t("rule.noRate", { currency: rule.currency }));
  else if (rule.conversion !== "1") parts.push(t("rule.converted", { currency: rule.currency, rate: formatDecimal(rule.conversion, language) }));
  return parts.join(" · ");
}
