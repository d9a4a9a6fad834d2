import { formatDecimal, type Language } from "../../format/decimal";
import type { Event360, LeadAccount } from "../api/crm";
import { word, type Say, type TextKey } from "../i18n/text";

type Told = Pick<Event360, "kind" | "detail">;
type Names = (id: string | null | undefined) => string;

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** What an event says in one line: where from, where to, why. */
export function summary({ kind, detail }: Told, say: Say, names: Names, language: Language): string {
  return [change(kind, detail, say, names), ...rest(kind, detail, say, language)].filter((one) => one !== null && one !== "").join(" · ");
}

/** How an account beside a lead is called: play money is never taken for money. */
export function accountWord({ account_type }: Pick<LeadAccount, "account_type">): TextKey {
  return account_type === "demo" ? "lead.demoAccount" : "cash.account";
}

/** From what to what, each kind of event in its own words. */
function change(kind: string, { from, to, status }: Record<string, unknown>, say: Say, names: Names): string | null {
  if (kind === "assigned") {
    const whose = (who: unknown) => (text(who) === null ? say("lead.pool") : names(text(who)));
    return `${whose(from)} → ${whose(to)}`;
  }
  const shown = (value: unknown) => (typeof value === "number" ? String(value) : text(value) === null ? null : word(say, kind === "deal" ? "deal" : "stage", text(value)!));
  const [before, after] = [shown(from), shown(kind === "deal" ? status : to)];
  return before !== null && after !== null ? `${before} → ${after}` : null;
}

function rest(kind: string, detail: Record<string, unknown>, say: Say, language: Language): (string | null)[] {
  const { cause, reason, status, kind: about, score, title, why, fields, source, withdrawn, replaced, band, expected_usd_cents: cents } = detail;
  const states = kind === "deal" ? "deal" : kind === "task" ? "taskState" : "state";
  return [
    text(title),
    text(about) && word(say, kind === "cash" ? "cashKind" : "fact", text(about)!),
    withdrawn === true ? say("event.withdrawn") : replaced === true ? say("event.replaced") : null,
    // A deal that changed has said it already.
    text(status) && !(kind === "deal" && text(detail.from)) ? word(say, states, text(status)!) : null,
    typeof cents === "number" ? `${formatDecimal(ofCents(cents), language)} USD` : null,
    typeof score === "number" ? say("notice.points", { n: String(score) }) : null,
    text(band) && text(band) !== "none" ? word(say, "band", text(band)!) : null,
    text(cause) && word(say, "cause", text(cause)!),
    text(why) && word(say, "sla", text(why)!),
    Array.isArray(fields) && fields.length > 0 ? say("event.fields", { fields: fields.map((field) => word(say, kind === "deal" ? "deal" : "lead", String(field))).join(", ") }) : null,
    kind === "task" ? null : text(source),
    text(reason) && `“${text(reason)}”`,
  ];
}

/** Cents as a decimal: the point is put in, nothing is counted. */
export function ofCents(cents: number): string {
  const digits = String(Math.abs(Math.trunc(cents))).padStart(3, "0");
  return `${cents < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** The merge that may be taken back: the newest that still stands. An older one waits for it. Items are the newest first. */
export function standingMerge(items: readonly Told[]): string | null {
  const undone = new Set(items.filter(({ kind }) => kind === "undone").map(({ detail }) => text(detail.merge_id)));
  const merges = items.filter(({ kind }) => kind === "merged" || kind === "joined").map(({ detail }) => text(detail.merge_id));
  return merges.find((merge) => merge !== null && !undone.has(merge)) ?? null;
}
