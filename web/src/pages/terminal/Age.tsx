import { useEffect, useRef } from "react";
import { useServices } from "../../app/services";
import { useSettings } from "../../app/settings";
import { formatAge, formatMoment } from "../../format/time";
import { every } from "../../live/ticker";
import { nowMs } from "../../stream/client";

/** How long ago a server time was, on the server's clock; the moment itself as a hint. */
export function Age({ since }: { since: number }) {
  const { stream } = useServices();
  const { language } = useSettings();
  const span = useRef<HTMLTimeElement>(null);
  useEffect(() => {
    const draw = () => {
      const offset = stream.status().offsetUs ?? 0;
      const text = formatAge(Math.max(0, nowMs() + offset / 1_000 - since / 1_000), language, "s");
      if (span.current && span.current.textContent !== text) span.current.textContent = text;
    };
    draw();
    return every(draw);
  }, [since, stream, language]);
  return <time ref={span} dateTime={new Date(since / 1_000).toISOString()} title={formatMoment(since, language)} />;
}
