import type { Language } from "../format/decimal";
import { en, type Key } from "./en";
import { id } from "./id";

export type { Key };
export type Values = Record<string, string | number>;
export type Translate = (key: Key, values?: Values) => string;

const CATALOGS: Record<Language, Record<Key, string>> = { en, id };

/** The text in this language with its values put in. */
export function translate(language: Language, key: Key, values?: Values): string {
  return fill(CATALOGS[language][key], values);
}

/** Puts values into their places. */
export function fill(text: string, values?: Values): string {
  return values ? text.replace(/\{(\w+)\}/g, (mark, name: string) => String(values[name] ?? mark)) : text;
}

/** The language a browser asks for first that we speak. */
export function preferredLanguage(asked: readonly string[]): Language {
  for (const tag of asked) {
    const short = tag.toLowerCase().split("-")[0];
    if (short === "id" || short === "in") return "id";
    if (short === "en") return "en";
  }
  return "en";
}
