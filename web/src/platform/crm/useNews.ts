import { useEffect, useRef } from "react";
import { useTopic } from "../../app/data";

/** Parts of the house whose changes the stream tells. */
export type NewsChannel = "crm" | "kyc" | "aml" | "cash";

/** A busy house changes something each second; a person's requests a minute are counted by the server. */
const NEWS_MS = 2_000;

/** Does something soon after the stream told that this part changed, once for all news meanwhile; `null` listens to nothing. */
export function useNews(work: () => void, channel: NewsChannel | null = "crm"): void {
  const newest = useRef(work);
  useEffect(() => {
    newest.current = work;
  });
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(() => () => clearTimeout(timer.current ?? undefined), []);
  useTopic(channel ?? "crm", channel === null ? null : "*", (event) => {
    if (event.kind !== "data" || timer.current !== null) return;
    timer.current = setTimeout(() => {
      timer.current = null;
      newest.current();
    }, NEWS_MS);
  });
}
