import { useCallback } from "react";
import { useSettings } from "../../app/settings";
import { text, word, type Say, type TextKey } from "./text";

export { word, type Say, type TextKey };

export function useSay(): Say {
  const { language } = useSettings();
  return useCallback<Say>((key, values) => text(language, key, values), [language]);
}
