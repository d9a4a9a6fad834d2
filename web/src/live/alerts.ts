import type { Alert, AlertState, Severity } from "../api/types";

const RANK: Record<Severity, number> = { emergency: 3, critical: 2, warning: 1, info: 0 };
const OPEN: ReadonlySet<AlertState> = new Set(["pending", "firing", "acknowledged"]);

export const isOpen = (alert: Alert): boolean => OPEN.has(alert.state);

/** Severities whose acknowledgement and end need a word of explanation. */
export const needsNote = (alert: Alert): boolean => RANK[alert.severity] >= RANK.critical;

/** Worst first, then the newest, what somebody has taken last: no switch decides what is seen. */
export function sortAlerts(alerts: readonly Alert[]): Alert[] {
  const waiting = (alert: Alert) => (alert.state === "acknowledged" ? 0 : 1);
  return alerts.filter(isOpen).sort((a, b) => waiting(b) - waiting(a) || RANK[b.severity] - RANK[a.severity] || b.since - a.since);
}

/** Puts a changed alert into the list; an older revision never replaces a newer one. */
export function mergeAlert(known: Alert[] | undefined, alert: Alert): Alert[] | undefined {
  if (!known) return known;
  const at = known.findIndex((one) => one.id === alert.id);
  if (at < 0) return [alert, ...known];
  if (known[at]!.revision > alert.revision) return known;
  return known.map((one, index) => (index === at ? alert : one));
}

/** A list that was read, with what the stream changed while it was being read. */
export function keepChanged(list: Alert[], before: readonly Alert[] | undefined, now: readonly Alert[] | undefined): Alert[] {
  const old = new Set(before ?? []);
  return (now ?? []).filter((alert) => !old.has(alert)).reduce((merged, alert) => mergeAlert(merged, alert)!, list);
}
