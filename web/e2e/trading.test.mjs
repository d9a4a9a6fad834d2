import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, openPage, ready, skip, trade } from "./harness/browser.mjs";
import { Server, until } from "./harness/server.mjs";

describe("trading on the page", { skip }, () => {
  let server;
  let browser;
  let page;
  let account;
  before(async () => {
    server = await Server.start();
    await server.scenario("calm");
    browser = await launch();
    page = await openPage(browser, server, { path: "?symbol=EUR/USD" });
    account = Number(new URL(page.url()).searchParams.get("account"));
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const view = () => server.get(`accounts/${account}`);
  const row = (id) => page.locator(`[data-position="${id}"]`);
  const newest = async (before) => until(async () => (await view()).positions.find((position) => !before.includes(position.id)), { what: () => "a new position" });
  const ids = async () => (await view()).positions.map((position) => position.id);

  it("previews what the engine then does", async () => {
    const before = await view();
    await page.locator('[data-testid="ticket"] [data-side="buy"]').click();
    await page.getByTestId("ticket").getByLabel("Lots", { exact: true }).fill("0.20");
    await page.locator('[data-testid="preview"][data-pending="false"]').waitFor();
    const shown = (await page.getByTestId("pv-margin").textContent()).replaceAll(",", "");
    const { body } = await server.api("POST", "orders/preview", { account, symbol: "EUR/USD", side: "buy", kind: "market", qty: "0.20", client_id: "check" });
    assert.ok(Math.abs(Number(shown) - Number(body.margin_order)) < 0.005 * Number(body.margin_order), `${shown} is near ${body.margin_order}`);
    await trade(page, "buy", "0.20");
    const made = await newest(before.positions.map((position) => position.id));
    assert.equal(made.qty, "0.20");
    await row(made.id).waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("sets protective prices and shows them", async () => {
    const [position] = (await view()).positions.filter((one) => one.symbol === "EUR/USD" && one.side === "buy");
    await row(position.id).getByRole("button", { name: /SL \/ TP/ }).click();
    const stop = (Number(position.close_price) * 0.95).toFixed(5);
    const target = (Number(position.close_price) * 1.05).toFixed(5);
    await page.getByTestId("editor-protect").getByLabel("Stop-loss", { exact: true }).fill(stop);
    await page.getByTestId("editor-protect").getByLabel("Take-profit", { exact: true }).fill(target);
    await page.getByTestId("editor-protect").getByRole("button", { name: "Save" }).click();
    await row(position.id).getByText(stop).waitFor();
    await until(async () => {
      const now = (await view()).positions.find((one) => one.id === position.id);
      return Number(now.stop_loss) === Number(stop) && Number(now.take_profit) === Number(target);
    }, { what: () => "the engine to hold both prices" });
    assert.deepEqual(page.faults, []);
  });

  it("moves a stop-loss by its line on the chart, and it stays after a reload", async () => {
    const [position] = (await view()).positions.filter((one) => one.symbol === "EUR/USD" && one.side === "buy");
    const span = async () => {
      const bars = (await server.get("bars?symbol=EUR%2FUSD&span=1m&limit=200")).items;
      const least = Math.min(...bars.map((bar) => Number(bar.l)));
      return [least, Math.max(...bars.map((bar) => Number(bar.h))) - least];
    };
    // A calm market takes up to a minute for a pip; a trend takes seconds.
    await server.scenario("trend", "EUR/USD");
    await until(async () => (await span())[1] > 0.0002, { what: () => "bars with some height" });
    // In a closed session the scale stands still and no price can hit the stop, however slow this machine is.
    await server.scenario("weekend", "EUR/USD");
    const feed = async () => (await server.get("instruments")).items.find((one) => one.symbol === "EUR/USD").feed;
    await until(async () => (await feed()) === "closed", { what: () => "the session to close" });
    // Its banner pushes the chart down: the line is looked for where it then stands.
    await page.locator('[data-banner="closed"]').waitFor();
    // Close enough to the bars to be in sight, also while the page's last bar lacks a tick that the server has.
    const [low, reach] = await span();
    const stop = (low - reach * 0.5).toFixed(5);
    assert.ok((await server.api("PUT", `positions/${position.id}/protection`, { account, stop_loss: stop, take_profit: null, trailing: null })).status < 300);
    await row(position.id).getByText(stop).waitFor();
    const box = await page.getByTestId("chart").boundingBox();
    const x = box.x + box.width * 0.3;
    // Each move waits for a drawn frame, a fifth of a second without a graphics card. The stop is the lowest of the lines, so it is
    // looked for from below, in steps that no line fits between. The scale settles when the last bar closes; a line that slipped from
    // under the pointer by that is taken again.
    const y = await until(async () => {
      for (let at = box.y + box.height - 30; at > box.y + 8; at -= 10) {
        await page.mouse.move(x, at);
        if (!(await page.getByTestId("chart").evaluate((chart) => chart.style.cursor === "ns-resize"))) continue;
        await page.mouse.down();
        if (await page.getByTestId("chart").evaluate((chart) => chart.dataset.held === "stop_loss")) return at;
        await page.mouse.up();
      }
      return false;
    }, { what: () => "the line to be taken" });
    await page.mouse.move(x, y - 40, { steps: 6 });
    await page.mouse.up();
    const moved = await until(async () => {
      const now = (await view()).positions.find((one) => one.id === position.id).stop_loss;
      return Number(now) !== Number(stop) && now;
    }, { what: () => "the engine to hold the moved stop" });
    assert.ok(Number(moved) > Number(stop));
    await page.reload();
    await ready(page);
    await row(position.id).getByText(moved).waitFor();
    assert.ok((await server.api("PUT", `positions/${position.id}/protection`, { account, stop_loss: null, take_profit: null, trailing: null })).status < 300);
    await server.scenario("calm", "EUR/USD");
    await until(async () => (await feed()) === "live", { what: () => "the session to open" });
    assert.deepEqual(page.faults, []);
  });

  it("places a limit order, shows it and cancels it", async () => {
    const bid = Number((await server.get("quotes?symbols=EUR%2FUSD")).items[0].bid);
    const ticket = page.getByTestId("ticket");
    await ticket.getByRole("radio", { name: "Limit", exact: true }).click();
    await ticket.getByLabel("Lots", { exact: true }).fill("0.10");
    await ticket.getByLabel("Limit price", { exact: true }).fill((bid * 0.99).toFixed(5));
    await page.locator('[data-testid="submit-order"]:enabled').click();
    const order = await until(async () => (await view()).orders.find((one) => one.kind === "limit"), { what: () => "the working order" });
    await page.getByRole("tab", { name: /Orders/ }).click();
    await page.locator(`[data-order="${order.id}"]`).getByRole("button", { name: /Cancel/ }).click();
    await page.locator(`[data-order="${order.id}"]`).waitFor({ state: "detached" });
    await page.getByRole("tab", { name: /Positions/ }).click();
    await ticket.getByRole("radio", { name: "Market", exact: true }).click();
    assert.deepEqual(page.faults, []);
  });

  it("lists every reason of a refusal with what lifts it, and the server agrees", async () => {
    const lots = page.getByTestId("ticket").getByLabel("Lots", { exact: true });
    await lots.fill("250.00");
    await page.locator('[data-testid="preview"] [data-reason="qty_above_maximum"]').waitFor();
    assert.ok(await page.getByTestId("submit-order").isDisabled());
    const { status, body } = await server.api("POST", "orders", { account, symbol: "EUR/USD", side: "buy", kind: "market", qty: "250.00", client_id: "too-much" });
    assert.equal(status, 422);
    const shown = await page.locator('[data-testid="preview"] [data-reason]').evaluateAll((rows) => rows.map((row) => row.dataset.reason));
    assert.deepEqual(shown, body.reasons.map((reason) => reason.name));
    assert.ok(body.reasons.every((reason) => reason.lifts !== ""));
    // So is a stop-loss on the wrong side, which would close the position at once.
    await lots.fill("0.10");
    await page.locator('[data-testid="ticket"] [data-side="buy"]').click();
    const ask = Number((await server.get("quotes?symbols=EUR%2FUSD")).items[0].ask);
    const stopLoss = page.getByTestId("ticket").getByLabel("Stop-loss", { exact: true });
    await stopLoss.fill((ask * 1.02).toFixed(5));
    await page.locator('[data-testid="preview"] [data-reason="price_on_the_wrong_side"]').waitFor();
    assert.ok(await page.getByTestId("submit-order").isDisabled());
    await stopLoss.fill("");
    // A limit beyond the market is an order, and it says that it would not wait.
    await page.getByTestId("ticket").getByRole("radio", { name: "Limit", exact: true }).click();
    await page.getByTestId("ticket").getByLabel("Limit price", { exact: true }).fill((ask * 1.003).toFixed(5));
    await page.getByTestId("at-once").waitFor();
    await page.getByTestId("ticket").getByRole("radio", { name: "Market", exact: true }).click();
    // What is no order at all is refused in words too.
    await lots.fill("0.015");
    await page.getByTestId("preview").getByText("use at most 2 decimals").waitFor();
    assert.ok(await page.getByTestId("submit-order").isDisabled());
    await lots.fill("0.10");
    await page.locator('[data-testid="submit-order"]:enabled').waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("closes a part, and then the rest, at a press", async () => {
    const before = await ids();
    await trade(page, "sell", "0.30");
    const made = await newest(before);
    await row(made.id).getByRole("button", { name: "Lots to close" }).click();
    await page.getByTestId("editor-close").getByLabel("Lots to close", { exact: true }).fill("0.10");
    await page.getByTestId("editor-close").getByRole("button", { name: /Close 0\.10/ }).click();
    await until(async () => (await view()).positions.find((one) => one.id === made.id)?.qty === "0.20", { what: () => "0.20 lots left" });
    await row(made.id).getByRole("button", { name: /^Close (Buy|Sell)/ }).click();
    await row(made.id).waitFor({ state: "detached" });
    assert.deepEqual(page.faults, []);
  });

  it("keeps closing possible while the broker is read-only: the close is queued and goes out first when it is back", async () => {
    const before = await ids();
    await trade(page, "buy", "0.10");
    const made = await newest(before);
    const [link] = (await server.get("desk")).links;
    await page.keyboard.press("Control+k");
    await page.getByTestId("palette").getByRole("combobox").fill("out of service");
    await page.keyboard.press("Enter");
    const dialog = page.getByTestId("link-dialog");
    await dialog.getByRole("heading", { name: link.name }).waitFor();
    assert.ok(await dialog.getByTestId("link-do").isDisabled(), "it asks why");
    await dialog.getByTestId("link-note").fill("The broker maintains its bridge.");
    // What a full disk answers.
    await page.route("**/api/v1/links/*/mode", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), note_kept: false } });
    });
    await dialog.getByTestId("link-do").click();
    await page.locator('[data-testid="toast"][data-tone="info"]').filter({ hasText: "The reason is not kept" }).waitFor();
    await page.unroute("**/api/v1/links/*/mode");
    await dialog.waitFor({ state: "detached" });
    await page.locator(`[data-banner="link-${link.id}"]`).waitFor();
    await page.locator('[data-testid="preview"] [data-reason="broker_read_only"]').waitFor();
    const refused = await server.api("POST", "orders", { account, symbol: "EUR/USD", side: "buy", kind: "market", qty: "0.10", client_id: "blocked" });
    assert.equal(refused.status, 422);
    await row(made.id).getByRole("button", { name: /^Close (Buy|Sell)/ }).click();
    await page.getByTestId("toast").filter({ hasText: "queued" }).first().waitFor();
    await until(async () => (await server.get("desk")).links[0].queued > 0, { what: () => "a queued close" });
    assert.ok((await view()).positions.some((one) => one.id === made.id), "nothing closed while read-only");
    await page.getByTestId("link-give-back").click();
    await dialog.getByTestId("link-note").fill("The maintenance is over.");
    await dialog.getByTestId("link-do").click();
    await row(made.id).waitFor({ state: "detached", timeout: 60_000 });
    await page.locator(`[data-banner="link-${link.id}"]`).waitFor({ state: "detached" });
    assert.deepEqual(page.faults, []);
  });

  it("keeps closing possible in close-only, and says who is blocked from what", async () => {
    const before = await ids();
    await trade(page, "buy", "0.10");
    const made = await newest(before);
    assert.ok((await server.api("POST", "modes", { scope: "account", id: account, mode: "close_only", note: "test" })).status < 300);
    await page.locator(`[data-banner="mode-account-${account}"]`).waitFor();
    await page.locator('[data-testid="preview"] [data-reason="close_only"]').waitFor();
    await row(made.id).getByRole("button", { name: /^Close (Buy|Sell)/ }).click();
    await row(made.id).waitFor({ state: "detached" });
    assert.deepEqual(page.faults, []);
  });

  it("shows the same after a reload", async () => {
    const positions = (await ids()).map(String).sort();
    await page.reload();
    await ready(page);
    await page.waitForFunction((count) => document.querySelectorAll("[data-position]").length === count, positions.length);
    const shown = await page.locator("[data-position]").evaluateAll((rows) => rows.map((one) => one.dataset.position).sort());
    assert.deepEqual(shown, positions);
    assert.equal(Number(new URL(page.url()).searchParams.get("account")), account);
    assert.deepEqual(page.faults, []);
  });
});
