import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Alert } from "../../api/types";
import { mergeAlert, needsNote, sortAlerts } from "../../live/alerts";
import { railPlace } from "./rail";

const alert = (change: Partial<Alert>): Alert => ({ id: "1", revision: 1, severity: "warning", state: "firing", started: 1, since: change.started ?? 1, last: 1, ...change }) as Alert;

it("shows the worst first, the newest of equals, what is acknowledged last", () => {
  const sorted = sortAlerts([
    alert({ id: "old", started: 1 }),
    alert({ id: "acked", severity: "emergency", state: "acknowledged" }),
    alert({ id: "new", started: 9 }),
    alert({ id: "done", state: "resolved" }),
    alert({ id: "worst", severity: "critical" }),
    // An old warning that has just become critical is news.
    alert({ id: "grown", severity: "critical", since: 8 }),
  ]);
  expect(sorted.map((one) => one.id)).toEqual(["grown", "worst", "new", "old", "acked"]);
});

it("asks for a note from critical on", () => {
  expect((["info", "warning", "critical", "emergency"] as const).map((severity) => needsNote(alert({ severity })))).toEqual([false, false, true, true]);
});

it("never replaces a newer revision of an alert by an older one", () => {
  const known = [alert({ revision: 5, state: "acknowledged" })];
  expect(mergeAlert(known, alert({ revision: 4 }))).toBe(known);
  expect(mergeAlert(known, alert({ revision: 6, state: "resolved" }))![0]!.state).toBe("resolved");
  expect(mergeAlert(known, alert({ id: "2" }))).toHaveLength(2);
  expect(mergeAlert(undefined, alert({}))).toBeUndefined();
});

it("places margin levels in order and inside the rail", () => {
  const places = [0, 30, 50, 100, 500, 1e9].map(railPlace);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places[0]).toBe(0);
  expect(places.at(-1)).toBe(100);
});

it("uses the chart library's style whose hash the server's content security policy allows", () => {
  const source = readFileSync(new URL("../../../node_modules/lightweight-charts/dist/lightweight-charts.production.mjs", import.meta.url), "utf8");
  const style = /innerText="(a#tv-attr-logo.*?)"/.exec(source)?.[1];
  expect(style).toBeDefined();
  expect(createHash("sha256").update(style!).digest("base64")).toBe("3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY=");
});
