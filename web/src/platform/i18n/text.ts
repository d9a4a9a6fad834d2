import type { Language } from "../../format/decimal";
import { fill, type Values } from "../../i18n";
import { en, type TextKey } from "./en";
import { id } from "./id";

export type { TextKey };
export type Say = (key: TextKey, values?: Values) => string;

const CATALOGS: Record<Language, Record<TextKey, string>> = { en, id };

/** A text of the platform's pages. They come apart from the desk's, which does not wait for them. */
export function text(language: Language, key: TextKey, values?: Values): string {
  return fill(CATALOGS[language][key], values);
}

/** The text for a word of the server, such as a state; a later word is shown as it comes. */
export function word(say: Say, group: string, name: string): string {
  const key = `${group}.${name}`;
  return Object.hasOwn(en, key) ? say(key as TextKey) : name.replaceAll("_", " ");
}
