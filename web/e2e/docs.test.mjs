import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, skip } from "./harness/browser.mjs";
import { Server } from "./harness/server.mjs";

describe("the try-it page", { skip }, () => {
  let server;
  let browser;
  let page;
  const faults = [];
  before(async () => {
    server = await Server.start();
    browser = await launch();
    page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(60_000);
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(server.origin)) faults.push(`foreign request: ${request.url()}`);
    });
    await page.goto(`${server.origin}/docs`);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  it("says who is not signed in, and refuses a wrong secret in words", async () => {
    await page.locator("#who", { hasText: "not signed in" }).waitFor();
    await page.getByLabel("Secret").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator("#who", { hasText: "data directory" }).waitFor();
  });

  it("signs in and runs a request against this desk", async () => {
    await page.getByLabel("Secret").fill(server.secret);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator("#who", { hasText: /^signed in$/ }).waitFor();
    const quotes = page.locator("#operations details").filter({ has: page.locator("code", { hasText: /^\/api\/v1\/quotes$/ }) });
    await quotes.locator("summary").click();
    await quotes.getByLabel("symbols").fill("EUR/USD");
    await quotes.getByRole("button", { name: "Run" }).click();
    const answer = await quotes.locator("pre", { hasText: "EUR/USD" }).textContent();
    assert.match(answer, /^200\n/);
    // Every operation of the description has its place on the page.
    const api = await (await fetch(`${server.origin}/api/openapi.json`, { headers: { authorization: `Bearer ${server.secret}` } })).json();
    const operations = Object.values(api.paths).reduce((count, item) => count + Object.keys(item).length, 0);
    assert.equal(await page.locator("#operations details").count(), operations);
  });

  it("opens the stream, subscribes and shows frames; the errors are listed", async () => {
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.locator("#ws-state", { hasText: /^connected$/ }).waitFor();
    await page.locator("#ws-log", { hasText: '"t":"welcome"' }).waitFor();
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator("#ws-log", { hasText: '"t":"snap"' }).waitFor();
    assert.ok((await page.locator("#error-table tr").count()) > 10);
    assert.ok((await page.locator("#close-table tr").count()) > 5);
    await page.getByRole("button", { name: "Disconnect" }).click();
    await page.locator("#ws-state", { hasText: "closed" }).waitFor();
    assert.deepEqual(faults, []);
  });
});
