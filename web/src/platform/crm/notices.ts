import type { Notice } from "../api/sales";
import { word, type Say } from "../i18n/text";

/** What a notice says besides its kind: the server's figures in the reader's words. */
export function figures({ kind, detail }: Pick<Notice, "kind" | "detail">, say: Say, names: (id: string) => string, number: (count: number) => string): string {
  const { score, stage, why, field, user_id: who, leads, deals, tasks } = detail;
  if (kind === "left") {
    const counts = [leads, deals, tasks].every((count) => typeof count === "number");
    return [typeof who === "string" ? names(who) : null, counts ? say("notice.left.figures", { leads: number(leads as number), deals: number(deals as number), tasks: number(tasks as number) }) : null].filter(Boolean).join(": ");
  }
  return [
    typeof stage === "string" ? word(say, "stage", stage) : null,
    typeof score === "number" ? say("notice.points", { n: number(score) }) : null,
    typeof why === "string" ? word(say, "sla", why) : null,
    typeof field === "string" ? word(say, "lead", field) : null,
  ].filter(Boolean).join(" · ");
}
