import { expect, it, vi } from "vitest";
import { translate, type Translate } from "../../i18n";
import type { Status } from "../../stream/protocol";
import { streamBanners } from "./BannerList";

vi.mock("../../app/settings", () => ({ useSettings: () => ({ language: "en" }), useTranslate: () => (key: string) => key }));

const english: Translate = (key, values) => translate("en", key, values);
const banners = (change: Partial<Status>) => streamBanners({ phase: "open", quiet: false, gaps: 0, ...change }, english, String);

it("tells the incidents behind what is not current, all in one banner", () => {
  expect(banners({ incidents: ["6b1f09aa", "0c11d2e3"] })).toMatchObject([{ key: "incident", tone: "warn", text: expect.stringContaining("incident 6b1f09aa, 0c11d2e3") as string }]);
  expect(banners({})).toEqual([]);
});
