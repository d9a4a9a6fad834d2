import { formatFigure, type Language } from "../../format/decimal";
import { formatMoment } from "../../format/time";

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
