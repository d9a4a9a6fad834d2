import { useEffect, useRef } from "react";
import { useTopic } from "../../app/data";

/** A busy house changes something each second; a person's requests a minute are counted by the server. */
const NEWS_MS = 2_000;

/** Does something soon after the stream told that sales changed, once for all news meanwhile. */
export function useNews(work: () => void): void {
  const newest = useRef(work);
  useEffect(() => {
    newest.current = work;
  });
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(() => () => clearTimeout(timer.current ?? undefined), []);
  useTopic("crm", "*", (event) => {
    if (event.kind !== "data" || timer.current !== null) return;
    timer.current = setTimeout(() => {
      timer.current = null;
      newest.current();
    }, NEWS_MS);
  });
}
