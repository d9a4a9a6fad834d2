import { useCallback, useSyncExternalStore } from "react";
import type { Language } from "../format/decimal";
import { preferredLanguage, translate, type Translate } from "../i18n";

/** How this browser shows the console. Nothing in it changes what an order does. */
export interface Settings {
  theme: "dark" | "light";
  colours: "safe" | "classic";
  language: Language;
}

const KEY = "siaga.settings";

let current: Settings = read();
const watchers = new Set<() => void>();

export function changeSettings(change: Partial<Settings>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // A browser that keeps nothing still shows the change until it is closed.
  }
  apply();
  for (const watcher of watchers) watcher();
}

export const settings = (): Settings => current;

export function useSettings(): Settings {
  return useSyncExternalStore(watch, settings);
}

export function useTranslate(): Translate {
  const { language } = useSettings();
  return useCallback<Translate>((key, values) => translate(language, key, values), [language]);
}

/** Puts the settings on the document, where the style sheet reads them. */
export function apply(): void {
  const root = document.documentElement;
  root.lang = current.language;
  root.dataset.theme = current.theme;
  root.dataset.colours = current.colours;
  document.querySelector('meta[name="theme-color"]')?.setAttribute("content", current.theme === "dark" ? "#090d13" : "#e9edf2");
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function read(): Settings {
  const fresh: Settings = {
    theme: matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark",
    colours: "safe",
    language: preferredLanguage(navigator.languages),
  };
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>;
    if (kept.theme === "dark" || kept.theme === "light") fresh.theme = kept.theme;
    if (kept.colours === "safe" || kept.colours === "classic") fresh.colours = kept.colours;
    if (kept.language === "en" || kept.language === "id") fresh.language = kept.language;
  } catch {
    // Unreadable settings are no settings.
  }
  return fresh;
}
