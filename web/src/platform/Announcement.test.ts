import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { beforeEach, expect, it, vi } from "vitest";
import type { Maintenance } from "../api/types";
import { MAINTENANCE } from "../app/maintenance";
import type { Values } from "../i18n";
import type { Key } from "../i18n/en";
import type { Status } from "../stream/protocol";
import { Announcement } from "./Announcement";

const stream = vi.hoisted(() => ({ status: {} as Partial<Status> }));
vi.mock("../app/services", () => ({ useServices: () => ({ api: { maintenance: () => Promise.resolve(null) } }), useStreamStatus: () => stream.status }));
vi.mock("../app/settings", async () => {
  const { translate } = await import("../i18n");
  return { useSettings: () => ({ language: "en" }), useTranslate: () => (key: Key, values?: Values) => translate("en", key, values) };
});

const hourUs = 3_600_000_000;
const planned = (message: string): Maintenance => ({ starts_at: Date.now() * 1_000 + hourUs, ends_at: Date.now() * 1_000 + 2 * hourUs, message });

beforeEach(() => {
  stream.status = { phase: "offline" };
});

/** The banner of a page whose last answer was this one. */
function shown(answer: Maintenance | null): string {
  const queries = new QueryClient();
  queries.setQueryData(MAINTENANCE, answer);
  const html = renderToStaticMarkup(createElement(QueryClientProvider, { client: queries }, createElement(Announcement, { me: null })));
  queries.clear();
  return html;
}

it("tells of a maintenance once on pages that have no stream", () => {
  const html = shown(planned("A new disk."));
  expect(html.match(/data-banner="maintenance"/g)).toHaveLength(1);
  expect(html).toContain("A new disk.");
  expect(shown(null)).toBe("");
});

it("goes by the stream while that is open", () => {
  stream.status = { phase: "open", maintenance: planned("By the stream.") };
  expect(shown(null)).toContain("By the stream.");
  stream.status = { phase: "open" };
  expect(shown(planned("Withdrawn since."))).toBe("");
});
