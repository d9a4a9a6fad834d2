import { useEffect, useRef } from "react";
import { useTranslate } from "../../app/settings";
import { every } from "../../live/ticker";
import { nowMs } from "../../stream/client";

/** Seconds until the next attempt. */
export function RetryIn({ at }: { at: number }) {
  const t = useTranslate();
  const span = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const draw = () => {
      const seconds = Math.ceil((at - nowMs()) / 1_000);
      if (span.current) span.current.textContent = seconds > 0 ? t("banner.retryIn", { s: seconds }) : t("banner.retryNow");
    };
    draw();
    return every(draw);
  }, [at, t]);
  return <span ref={span} aria-hidden className="text-xs text-ink-3" />;
}
