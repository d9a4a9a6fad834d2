import type { Language } from "./decimal";

const LOCALE: Record<Language, string> = { en: "en-GB", id: "id-ID" };

export const locale = (language: Language): string => LOCALE[language];

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  const known = formatters.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(LOCALE[language], options);
  formatters.set(key, made);
  return made;
}

/** Local wall clock of a UTC microsecond time, seconds shown. */
export function formatClock(us: number, language: Language): string {
  return formatter(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(us / 1_000);
}

/** Day and clock, for anything that may be older than today. */
export function formatMoment(us: number, language: Language): string {
  return formatter(language, { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(us / 1_000);
}

/** The same with its year, for what may be years old or a year ahead. */
export function formatStamp(us: number, language: Language): string {
  return formatter(language, { year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(us / 1_000);
}

const UNITS: Record<Language, { ms: string; s: string; min: string; h: string; d: string }> = {
  en: { ms: "ms", s: "s", min: "min", h: "h", d: "d" },
  id: { ms: "ms", s: "dtk", min: "mnt", h: "jam", d: "hr" },
};

/** An age at a glance: milliseconds below ten seconds, then the largest whole unit. */
export function formatAge(ms: number, language: Language, finest: "ms" | "s" = "ms"): string {
  const unit = UNITS[language];
  const age = Math.max(0, ms);
  if (age < 10_000 && finest === "ms") return `${Math.round(age)} ${unit.ms}`;
  if (age < 120_000) return `${Math.floor(age / 1_000)} ${unit.s}`;
  if (age < 7_200_000) return `${Math.floor(age / 60_000)} ${unit.min}`;
  if (age < 172_800_000) return `${Math.floor(age / 3_600_000)} ${unit.h}`;
  return `${Math.floor(age / 86_400_000)} ${unit.d}`;
}

/** A latency with one digit below ten milliseconds. */
export function formatLatency(us: number, language: Language): string {
  const ms = us / 1_000;
  const text = ms < 10 && ms > -10 ? ms.toFixed(1) : ms.toFixed(0);
  return `${language === "id" ? text.replace(".", ",") : text} ms`;
}
