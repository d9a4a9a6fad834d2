import type { ReactNode } from "react";

export type Tone = "plain" | "ok" | "warn" | "crit" | "lead";

const TONES: Record<Tone, string> = {
  plain: "border-edge text-ink-2",
  ok: "border-ok/60 text-ok",
  warn: "border-warn/70 text-warn",
  crit: "border-crit/70 text-crit",
  lead: "border-up/60 text-up",
};

/** A word for a state. The word says it; its colour only helps the eye. */
export function Tag({ tone = "plain", children, ...rest }: { tone?: Tone; children: ReactNode; title?: string; "data-testid"?: string }) {
  return (
    <span className={`inline-flex items-center rounded border px-1.5 text-2xs font-semibold whitespace-nowrap ${TONES[tone]}`} {...rest}>
      {children}
    </span>
  );
}
