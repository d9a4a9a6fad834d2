import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, it, vi } from "vitest";
import type { Traded } from "../../api/types";
import { isCurrent } from "../../app/online";
import type { Values } from "../../i18n";
import type { Key } from "../../i18n/en";
import { Protocol, type TopicState } from "../../stream/protocol";
import { AccountStrip } from "./AccountStrip";

vi.mock("../../app/settings", async () => {
  const { translate } = await import("../../i18n");
  return { useSettings: () => ({ language: "en" }), useTranslate: () => (key: Key, values?: Values) => translate("en", key, values) };
});

const account: Traded = {
  id: 7, currency: "USD", accounting: "hedging", leverage: "100", state: "healthy", unknown: false, balance: "1000.00", equity: "1000.00", unrealised: "0.00", haircut: "0.00", used: "0.00", free: "1000.00",
  level_pct: null, warning_pct: "100.00", restricted_pct: "50.00", stop_out_pct: "30.00", to_warning: "0.00", to_stop_out: "0.00", conversions: [], next_stop_out: null, next_stop_out_untold: null, call: "none",
  under_review: false, positions: [], orders: [], seq: 1,
};

const strip = (topic: TopicState): string => renderToStaticMarkup(createElement(AccountStrip, { account, current: isCurrent(topic), error: null, symbol: null, wide: true }));

/** Follows the account's margin; each frame is answered by what the page then knows of the topic. */
function follow(): (frame: object) => TopicState {
  const protocol = new Protocol({ client: "test", random: () => 0.5 });
  let state: TopicState = "waiting";
  let asked: unknown;
  const hear = (frame: object): TopicState => {
    protocol.onFrame(JSON.stringify(frame), 1_000);
    for (let action = protocol.poll(); action; action = protocol.poll()) {
      if (action.do === "tell" && action.event.kind === "state") state = action.event.state;
      const request = action.do === "send" ? (JSON.parse(action.text) as { op: string; id: number }) : undefined;
      if (request?.op === "sub") asked = request.id;
    }
    return state;
  };
  protocol.want("margin", "7");
  protocol.onTick(1_000);
  protocol.onOpen("ticket", 1_000);
  hear({ t: "welcome", conn: "c1", server: "s", now: 1, hb_ms: 5_000 });
  hear({ t: "ok", id: asked, subs: [{ sub: 1, ch: "margin", sym: "7" }] });
  return hear;
}

it("does not call numbers current whose stream fails, until the next ones come", () => {
  const hear = follow();
  const frame = { sub: 1, sym: "7", epoch: 1, data: {} };
  expect(strip(hear({ ...frame, t: "snap", seq: 10 }))).toContain('data-current="true"');
  const failed = strip(hear({ t: "err", code: 1500, name: "internal", msg: "tell the desk incident 6b1f09aa", retry: "after", incident: "6b1f09aa", sub: 1 }));
  expect(failed).toContain('data-current="false"');
  expect(failed).toContain("Account numbers are not current");
  expect(strip(hear({ ...frame, t: "upd", prev: 10, seq: 11 }))).toContain('data-current="true"');
});

it("calls nothing current that the stream does not tell", () => {
  const told = (["waiting", "live", "lost", "refused"] as const).map((topic) => strip(topic).includes('data-current="true"'));
  expect(told).toEqual([false, true, false, false]);
});
