import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { bidMoves, launch, openPage, signInAs, skip, trade } from "./harness/browser.mjs";
import { Person } from "./harness/people.mjs";
import { Server, until } from "./harness/server.mjs";

const CLIENT = { email: "dewi@contoh.id", password: "Danau-Toba-63", name: "Dewi Lestari", phone: "+6281234567803" };
const ADMIN = { email: "kepala@contoh.id", password: "Gunung-Agung-72", name: "Made Wirawan", phone: "081234567801" };
const SYMBOL = "EUR/USD";

describe("a client's own trading page", { skip }, () => {
  let server;
  let browser;
  let page;
  let client;
  let account;
  before(async () => {
    server = await Server.start();
    await server.scenario("calm");
    await server.accountsOpen();
    client = await Person.register(server, CLIENT);
    const code = await until(() => server.sentCode(CLIENT.email), { what: () => "the code to be sent" });
    await client.post("auth/confirm", { what: "email", code });
    browser = await launch();
    page = await openPage(browser, server, { signIn: false });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const signIn = () => signInAs(page, CLIENT);
  const current = () => page.locator('[data-testid="account-strip"][data-current="true"]').waitFor();
  const positions = async () => (await client.get(`trading/accounts/${account}`)).positions;

  it("begins without an account where one is got, and opens one with play money", async () => {
    await signIn();
    await page.waitForURL(`${server.origin}/verify`);
    await page.getByRole("link", { name: "Trading", exact: true }).click();
    await page.getByTestId("no-account").waitFor();
    await page.getByTestId("open-demo").click();
    await current();
    await page.getByTestId("demo").waitFor();
    account = (await client.get("trading/accounts")).items[0].id;
    assert.equal(new URL(page.url()).searchParams.get("account"), String(account));
    await page.waitForFunction(() => document.querySelector('[data-testid="equity"]')?.textContent === "10,000.00");
    assert.deepEqual(page.faults, []);
  });

  it("follows prices, buys, sees how far the stop-out is, and closes", async () => {
    await page.locator(`[data-testid="watch"] [data-symbol="${SYMBOL}"] button`).click();
    await page.getByTestId("quote-head").getByText(SYMBOL, { exact: true }).waitFor();
    await bidMoves(page, SYMBOL);
    await page.waitForFunction(() => Number(document.querySelector('[data-testid="chart"]')?.dataset.bars) > 0);
    await page.locator('[data-testid="preview"]').waitFor();
    await trade(page, "buy", "0.10");
    const [held] = await until(async () => {
      const now = await positions();
      return now.length === 1 && now;
    }, { what: () => "the position" });
    assert.equal(held.qty, "0.10");
    const row = page.locator(`[data-position="${held.id}"]`);
    await row.waitFor();
    await page.waitForFunction(() => /\d/.test(document.querySelector('[data-testid="to-stop"]')?.textContent ?? ""));
    await row.getByRole("button", { name: /^Close (Buy|Sell)/ }).first().click();
    await row.waitFor({ state: "detached" });
    assert.deepEqual(await positions(), []);
    assert.deepEqual(page.faults, []);
  });

  it("lands on the page after signing in again, in the reader's language", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await signIn();
    await current();
    assert.equal(new URL(page.url()).pathname, "/");
    await page.getByTestId("language").click();
    await page.getByText("Ekuitas").first().waitFor();
    await page.getByTestId("language").click();
    await page.getByText("Equity").first().waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("asks for the risk notice after a margin call, and shows what the house stops", async () => {
    const order = { account, symbol: SYMBOL, side: "buy", kind: "market", qty: "1.00", client_id: "called" };
    await client.post("orders", order);
    await until(async () => (await positions()).length === 1, { what: () => "the position" });
    // What is left is below the restriction.
    const taken = await server.api("POST", `accounts/${account}/cash`, { kind: "correction", amount: "-9550.00", reference: "call" });
    assert.equal(taken.status, 201, JSON.stringify(taken.body));
    const notice = page.locator('[data-banner="risk"]');
    await notice.waitFor();
    await notice.getByTestId("call-step").click();
    await notice.waitFor({ state: "detached" });
    assert.equal((await client.get(`trading/accounts/${account}`)).call, "none");

    const stopped = await server.api("POST", "modes", { scope: "account", id: account, mode: "close_only", note: "asked by telephone today" });
    assert.equal(stopped.status, 200, JSON.stringify(stopped.body));
    await page.locator('[data-banner="mode-"]').waitFor();
    assert.deepEqual(page.faults, []);
  });

  // The last one: the secret is spent on the administrator.
  it("tells of a maintenance once, by the stream and on pages without one", async () => {
    const { recovery } = await Person.first(server, ADMIN);
    const admin = await Person.signIn(server, ADMIN, recovery[0]);
    const starts = (Date.now() + 3_600_000) * 1_000;
    const said = await admin.api("PUT", "maintenance", { starts_at: starts, ends_at: starts + 3_600_000_000, message: "A new disk." });
    assert.equal(said.status, 200, JSON.stringify(said.body));
    const banner = page.locator('[data-banner="maintenance"]');
    await banner.filter({ hasText: "A new disk." }).first().waitFor();
    assert.equal(await banner.count(), 1);
    await page.goto(`${server.origin}/verify`);
    await banner.filter({ hasText: "A new disk." }).first().waitFor();
    assert.equal(await banner.count(), 1);
    assert.deepEqual(page.faults, []);
  });
});
