import { formatFigure, type Language } from "../../format/decimal";
import { formatMoment } from "../../format/time";
import { word, type Say, type TextKey } from "../i18n/text";

/** Facts of an alert as rows: numbers by language, times as moments, lists joined. The server's figures stay as they are. */
export function factRows(facts: Record<string, unknown>, language: Language): [name: string, value: string][] {
  return Object.entries(facts).flatMap(([name, value]): [string, string][] => {
    const text = written(name, value, language);
    return text === null ? [] : [[name, text]];
  });
}

function written(name: string, value: unknown, language: Language): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (Array.isArray(value)) return value.map((one) => written(name, one, language)).filter((one) => one !== null).join(", ") || null;
  if (typeof value === "number") return /(_at|_us)$/.test(name) ? formatMoment(value, language) : formatFigure(String(value), language);
  if (typeof value === "string") return formatFigure(value, language);
  if (typeof value === "boolean") return value ? "✓" : "✗";
  return JSON.stringify(value);
}

/** What a rule's sentence is made of, and which of it are words of a list. */
const FIGURES: Record<string, readonly string[]> = {
  large_movement: ["way", "usd", "limit_usd"],
  day_total: ["way", "usd", "limit_usd"],
  month_total: ["way", "usd", "limit_usd"],
  structuring: ["count", "from_usd", "limit_usd"],
  deposit_then_withdraw: ["usd", "deposit_usd", "lots"],
  third_party_payer: ["way"],
  velocity: ["count", "usual"],
  dormant_wakes: ["days"],
  linked_opposite: ["pairs"],
  sanctions: ["hits", "strength"],
};
const WORDS: Record<string, string> = { way: "amlWay", strength: "strength" };

/** What raised an alert in the reader's language, with its figures, and the facts that the sentence does not tell. `null`: a figure is missing. */
export function amlSentence({ rule, facts }: { rule: string; facts: Record<string, unknown> }, say: Say, language: Language): { text: string; rest: Record<string, unknown> } | null {
  const wanted = FIGURES[rule];
  if (!wanted) return null;
  const values: Record<string, string> = {};
  for (const name of wanted) {
    const value = facts[name];
    if (typeof value !== "string" && typeof value !== "number") return null;
    const group = WORDS[name];
    values[name] = group ? word(say, group, String(value)) : formatFigure(String(value), language);
  }
  const rest = Object.fromEntries(Object.entries(facts).filter(([name]) => !wanted.includes(name)));
  return { text: say(`amlTold.${rule}` as TextKey, values), rest };
}
