import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { bidMoves, launch, openPage, ready, skip } from "./harness/browser.mjs";
import { ROOT, Server, until } from "./harness/server.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

describe("the console", { skip }, () => {
  let server;
  let browser;
  before(async () => {
    server = await Server.start();
    await server.scenario("calm");
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  it("signs in by the printed address, forgets the secret, and shows moving prices with a DEMO mark", async () => {
    const page = await openPage(browser, server);
    assert.equal(new URL(page.url()).hash, "");
    const symbol = (await server.get("instruments")).items.find((one) => one.feed === "live").symbol;
    const [first, second] = await bidMoves(page, symbol);
    assert.notEqual(first, second);
    assert.equal(await page.getByTestId("demo").textContent(), "DEMO");
    assert.equal(await page.getByTestId("connection").getAttribute("data-connection"), "open");
    await page.waitForFunction(() => /\d ms/.test(document.querySelector('footer [data-part="venue"]')?.textContent ?? ""));
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  it("shows the engine's own figures to the last digit", async () => {
    const symbol = "EUR/USD";
    const page = await openPage(browser, server, { path: `?symbol=${symbol}` });
    const id = Number(new URL(page.url()).searchParams.get("account"));
    const spread = page.locator(`[data-testid="watch"] [data-symbol="${symbol}"] [data-part="spread"]`);
    const shown = async (part) => (await (part === "spread" ? spread : page.getByTestId(part)).textContent()).replaceAll(",", "").replace("\u2212", "-");
    // Every market of this account is closed: its figures stand still, so each look at them sees the same.
    await server.scenario("weekend");
    let engine;
    let shownNow;
    await until(async () => {
      const now = await server.get(`accounts/${id}`);
      const [quote] = (await server.get(`quotes?symbols=${encodeURIComponent(symbol)}`)).items;
      // What is not there yet, a position or its price, makes a text that the page never shows.
      const position = now.positions.find((one) => one.symbol === symbol);
      engine = {
        equity: now.equity,
        used: now.used,
        free: now.free,
        "to-call": now.to_warning,
        "to-call-price": `${symbol} at ${position?.warning_at}`,
        "to-stop": now.to_stop_out,
        "to-stop-price": `${symbol} at ${position?.stop_out_at}`,
        "next-stop-price": `${now.next_stop_out?.symbol} at ${now.next_stop_out?.price}`,
        spread: `${quote?.spread_points} pts`,
      };
      shownNow = {};
      for (const part of Object.keys(engine)) shownNow[part] = await shown(part);
      return JSON.stringify(shownNow) === JSON.stringify(engine) && (await page.getByTestId("level").getAttribute("data-level")) === now.level_pct;
    }, { what: () => `the shown figures ${JSON.stringify(shownNow)} to be the engine's ${JSON.stringify(engine)}` });
    assert.notEqual(engine.used, "0.00");
    await server.scenario("calm");
    await bidMoves(page, symbol);
    await until(async () => (await server.get("instruments")).items.filter((one) => one.class === "forex").every((one) => one.feed === "live"), { what: () => "the markets to be open again" });
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  it("refuses a wrong secret and says what to do", async () => {
    const page = await openPage(browser, server, { signIn: false });
    await page.getByLabel("First-start secret").fill("not-the-secret");
    await page.getByRole("button", { name: "Open the console" }).click();
    await page.getByRole("alert").filter({ hasText: "not the one of this server" }).waitFor();
    await page.getByLabel("First-start secret").fill(server.secret);
    await page.getByRole("button", { name: "Open the console" }).click();
    await ready(page);
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  it("draws candles for every span, and the chosen one survives a reload with the symbol", async () => {
    const page = await openPage(browser, server);
    const symbols = (await server.get("instruments")).items.filter((one) => one.feed === "live").map((one) => one.symbol);
    await page.locator(`[data-testid="watch"] [data-symbol="${symbols[1]}"] button`).click();
    for (const span of ["5m", "15m", "1h", "1d", "1s"]) await page.getByRole("radio", { name: span, exact: true }).click();
    await page.waitForFunction(() => Number(document.querySelector('[data-testid="chart"]')?.dataset.bars) > 0);
    await page.locator('[data-testid="chart"] canvas').first().waitFor();
    assert.equal(await page.locator("#tv-attr-logo").count(), 1, "the chart library's attribution stays on");
    await page.reload();
    await ready(page);
    assert.equal(await page.getByTestId("quote-head").getByRole("heading").textContent(), symbols[1]);
    assert.equal(await page.getByRole("radio", { name: "1s", exact: true }).getAttribute("aria-checked"), "true");
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  it("switches language and theme without a reload, and keeps both", async () => {
    const page = await openPage(browser, server);
    await page.evaluate(() => (globalThis.marker = "same page"));
    await page.getByTestId("language").click();
    await page.getByText("Ekuitas").first().waitFor();
    await page.getByRole("columnheader", { name: "Simbol" }).first().waitFor();
    await page.waitForFunction(() => /^[\d.]+,\d\d$/.test(document.querySelector('[data-testid="equity"]')?.textContent ?? ""));
    assert.equal(await page.evaluate(() => document.documentElement.lang), "id");
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await ground();
    await page.getByTestId("theme").click();
    assert.notEqual(await ground(), dark);
    assert.equal(await page.evaluate(() => globalThis.marker), "same page");
    await page.reload();
    await ready(page);
    assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.theme]), ["id", "light"]);
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  it("does everything by keyboard", async () => {
    const page = await openPage(browser, server);
    const symbol = (await server.get("instruments")).items[2].symbol;
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Commands" }).waitFor();
    await page.keyboard.type(symbol);
    await page.keyboard.press("Enter");
    await page.waitForFunction((name) => document.querySelector('[data-testid="quote-head"] h2')?.textContent === name, symbol);
    await page.keyboard.press("Control+k");
    await page.getByTestId("palette").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("palette").waitFor({ state: "detached" });
    await page.keyboard.press("Control+k");
    await page.keyboard.type("order ticket");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.id === "ticket");
    await page.keyboard.press("Tab");
    await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "radio");
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction(() => document.querySelector('[data-side="sell"]')?.getAttribute("aria-checked") === "true");
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  for (const [name, options] of [["at 1280 px, dark", {}], ["at 1280 px, light", { theme: "light" }], ["on a phone", { phone: true }], ["on a phone, light, Indonesian", { phone: true, theme: "light", locale: "id-ID" }]]) {
    it(`has no accessibility fault ${name}`, async () => {
      const page = await openPage(browser, server, options);
      const views = options.phone ? ["market", "chart", "trade", "positions", "alerts"] : [null];
      for (const view of views) {
        if (view) await page.locator(`nav button:nth-of-type(${views.indexOf(view) + 1})`).click();
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view ?? "page"} is wider than the screen`);
        // Evaluated through the debugger, not as a script of the page: its content security policy stays as it is.
        await page.evaluate(await axeSource());
        const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
        const faults = found.violations.map((fault) => `${view ?? "page"}: ${fault.id}: ${fault.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
        assert.deepEqual(faults, []);
      }
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  }

  it("says so when the server is gone, and goes on by itself when it is back", async () => {
    const page = await openPage(browser, server);
    const symbol = (await server.get("instruments")).items.find((one) => one.feed === "live").symbol;
    await server.kill();
    await page.locator('[data-banner="offline"]').waitFor();
    const frozen = await page.locator(`[data-symbol="${symbol}"] [data-part="bid"]`).getAttribute("data-value");
    await page.locator(`[data-symbol="${symbol}"][data-trouble="lost"]`).waitFor();
    await page.locator('[data-testid="ticket"][data-online="false"]').waitFor();
    assert.ok(await page.getByTestId("submit-order").isDisabled(), "nothing is sent into nowhere");
    assert.equal(await page.locator(`[data-symbol="${symbol}"] [data-part="bid"]`).getAttribute("data-value"), frozen);
    await server.restart();
    // A restart may end sessions: then the page asks for the secret instead of showing old prices.
    const login = page.getByLabel("First-start secret");
    await page.locator('[data-testid="connection"][data-connection="open"]').or(login).first().waitFor({ timeout: 60_000 });
    if (await login.isVisible()) {
      await login.fill(server.secret);
      await page.getByRole("button", { name: "Open the console" }).click();
      await ready(page);
    }
    await bidMoves(page, symbol);
    await page.context().close();
  });

  if (process.env.SIAGA_SCREENSHOT) it("takes its picture", async () => {
    // An account on its way to the margin call, in a falling market: every part of the page has something to say.
    const account = (await server.get("accounts")).items.find((one) => one.name.includes("margin call")).id;
    // Its free margin is a few dollars: what a second position needs is paid in first, with room for where the market has gone.
    const deposit = { kind: "deposit", amount: "150.00", reference: "picture" };
    assert.ok((await server.api("POST", `accounts/${account}/cash`, deposit)).status < 300);
    const order = { account, symbol: "GBP/USD", side: "sell", kind: "market", qty: "0.05", client_id: "picture" };
    assert.ok((await server.api("POST", "orders", order)).status < 300);
    await until(async () => (await server.get(`accounts/${account}`)).positions.length > 1, { what: () => "the second position" });
    await server.scenario("trend", "EUR/USD");
    const called = async () => (await server.get(`alerts?state=firing&account=${account}`)).items.some((one) => one.rule === "margin_warning");
    await until(called, { ms: 600_000, what: () => "a margin call", every: 1_000 });
    await until(async () => (await server.get("bars?symbol=EUR%2FUSD&span=1s&limit=200")).items.length > 90, { ms: 180_000, what: () => "90 bars", every: 1_000 });
    const page = await openPage(browser, server, { path: `?symbol=EUR/USD&span=1s&account=${account}` });
    await page.locator('[data-testid="chart"] canvas').first().waitFor();
    await page.locator("[data-alert]").first().waitFor();
    await page.locator('[data-testid="preview"][data-pending="false"]').waitFor();
    // Enough ticks for a trend line in every row.
    for (let tick = 0; tick < 40; tick += 1) await bidMoves(page, "EUR/USD");
    await mkdir(join(ROOT, "docs"), { recursive: true });
    await page.screenshot({ path: join(ROOT, "docs/console.png") });
    await page.context().close();
  });
});

let axe;
async function axeSource() {
  axe ??= await (await import("node:fs/promises")).readFile(AXE, "utf8");
  return axe;
}
