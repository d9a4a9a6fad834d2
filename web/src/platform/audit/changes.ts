import { formatFigure, type Language } from "../../format/decimal";
import { formatStamp } from "../../format/time";
import type { AuditFilter, AuditRow, AuditValues } from "../api/records";

/** A field of a row: what it was and what it became; `null` where there was or is nothing. */
export interface Change {
  field: string;
  before: string | null;
  after: string | null;
}

/** What a row of the log changed, field by field; first those that were there before. */
export function changesOf({ before, after }: Pick<AuditRow, "before" | "after">, language: Language): Change[] {
  const fields = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...fields].map((field) => ({ field, before: written(before, field, language), after: written(after, field, language) }));
}

function written(values: AuditValues, field: string, language: Language): string | null {
  const value = values?.[field];
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "number") return /(_at|_us)$/.test(field) ? formatStamp(value, language) : formatFigure(String(value), language);
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "✓" : "✗";
  return JSON.stringify(value);
}

/** What the server shows of a value whose key is destroyed. */
export const SEALED = "sealed";

export const NO_FILTER: AuditFilter = { entity: "", entity_id: "", actor: "", subject: "", from: "", to: "" };

/** Microseconds of an instant, as the server takes it. */
const INSTANT = /^\d{1,18}$/;
/** A local time as the browser's field gives it. */
const LOCAL = /^\d{4,6}-\d{2}-\d{2}T\d{2}:\d{2}/;
const MINUTE_CHARS = "2026-11-29T19:30".length;

/** An instant as the browser's field for a local time shows it. */
export function localOf(us: string): string {
  const at = new Date(INSTANT.test(us) ? Number(us) / 1_000 : Number.NaN);
  if (Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, MINUTE_CHARS);
}

/** The instant that a local time of the browser's field is. */
export function instantOf(local: string): string {
  const ms = LOCAL.test(local) ? new Date(local).getTime() : Number.NaN;
  return Number.isNaN(ms) || ms < 0 ? "" : String(ms * 1_000);
}

/** Whether the filter ends before it begins: no row can pass it. */
export const endsBefore = ({ from, to }: Pick<AuditFilter, "from" | "to">): boolean => from !== "" && to !== "" && Number(from) >= Number(to);

/** The filter as the address brings it along; what it does not name is left open. */
export function readFilter(search: string): AuditFilter {
  const given = new URLSearchParams(search);
  const all = { ...NO_FILTER };
  for (const name of Object.keys(NO_FILTER) as (keyof AuditFilter)[]) all[name] = given.get(name)?.trim() ?? "";
  for (const name of ["from", "to"] as const) if (!INSTANT.test(all[name])) all[name] = "";
  return all;
}

/** The address that shows the log through this filter. */
export function filterQuery(filter: AuditFilter): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value.trim() !== "") given.set(name, value.trim());
  const text = given.toString();
  return text === "" ? "" : `?${text}`;
}

/** What the log is usually looked through for. */
export const ENTITIES = ["user", "session", "api_key", "lead", "deal", "task", "kyc_case", "kyc_document", "kyc_dispute", "aml_case", "aml_hit", "aml_report", "sanctions_source", "sanctions_check", "sanctions_whitelist", "cash_request", "consent", "subject", "subject_request", "legal_hold", "retention_run", "audit_log"] as const;
