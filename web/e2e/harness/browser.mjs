import { appendFileSync, existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PATH = process.env.SIAGA_CHROMIUM ?? "/usr/bin/chromium";
/** Nothing leaves this machine, and nothing of an earlier run is read. Each launch has a new, empty profile. */
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Why the browser tests cannot run here, or `false`. With CI=true a missing browser is a failure, not a reason. */
export const skip = existsSync(PATH) || process.env.CI === "true" ? false : `skipped: no Chromium at ${PATH}`;
// The test run names what was skipped in its summary.
if (skip && process.env.SIAGA_SKIPS) appendFileSync(process.env.SIAGA_SKIPS, `browser tests: ${skip}\n`);

export async function launch() {
  return chromium.launch({ executablePath: PATH, args: FLAGS });
}

/** A page that remembers everything that went wrong in it. */
export async function openPage(browser, server, { phone = false, theme = "dark", locale = "en-GB", path = "", signIn = true } = {}) {
  const context = await browser.newContext({
    viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
    hasTouch: phone,
    colorScheme: theme,
    locale,
    timezoneId: "Asia/Jakarta",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(`thrown: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    // Refusals by the API are what some tests are about; the browser reports each as a failed resource.
    if (/status of (401|409|412|422|503)|ERR_CONNECTION_REFUSED|WebSocket connection/.test(message.text())) return;
    // A client who has handed in nothing has no case yet.
    if (/status of 404/.test(message.text()) && message.location().url.endsWith("/api/v1/kyc/me")) return;
    // Whom the audit log is about may be a lead, whose name is behind no account; nowhere else is such a name asked for.
    if (new URL(page.url()).pathname === "/audit" && /status of 404/.test(message.text()) && /\/api\/v1\/users\/[0-9a-f-]{36}$/.test(message.location().url)) return;
    page.faults.push(`console: ${message.text()}`);
  });
  // What the page made itself (the preview of a chosen picture) is asked for by an address of its own origin.
  const own = [server.origin, server.origin.replace("http", "ws"), `blob:${server.origin}/`, "data:"];
  page.on("request", (request) => {
    if (!own.some((begin) => request.url().startsWith(begin))) page.faults.push(`foreign request: ${request.url()}`);
  });
  await page.goto(signIn ? `${server.origin}/${path}#secret=${encodeURIComponent(server.secret)}` : `${server.origin}/${path}`);
  if (signIn) await ready(page);
  return page;
}

/** Gives the sign-in form an address and a password. */
export async function signInAs(page, { email, password }) {
  const form = page.getByTestId("sign-in");
  await form.getByLabel("Email", { exact: true }).fill(email);
  await form.getByLabel("Password", { exact: true }).fill(password);
  await form.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Confirms with a recovery code, so that nobody waits for an authenticator. */
export async function confirmAs(page, { name }, recovery) {
  const second = page.getByTestId("second-factor");
  await second.getByRole("radio", { name: "Recovery code" }).click();
  await second.getByTestId("mfa-code").fill(recovery);
  await second.getByRole("button", { name: "Confirm" }).click();
  await page.getByTestId("who").filter({ hasText: name }).waitFor();
}

/** The terminal stands, and where it shows prices they have come. */
export async function ready(page) {
  await page.getByTestId("demo").waitFor();
  await page.waitForFunction(() => {
    const cells = [...document.querySelectorAll('[data-part="bid"]')];
    // A phone shows one part at a time, and not every part has prices.
    if (cells.length === 0) return document.querySelector("nav [aria-current='page']") !== null && document.querySelector('[data-testid="watch"]') === null;
    return cells.some((cell) => cell.dataset.value);
  });
}

/** The bid of a symbol as the market watch shows it. */
export const bidOf = (page, symbol) => page.locator(`[data-testid="watch"] [data-symbol="${symbol}"] [data-part="bid"]`).getAttribute("data-value");

/** Waits until the shown bid is another one. Both are returned as they were seen: the price may well come back at once. */
export async function bidMoves(page, symbol) {
  const before = await bidOf(page, symbol);
  const moved = await page.waitForFunction(([name, old]) => {
    const now = document.querySelector(`[data-testid="watch"] [data-symbol="${name}"] [data-part="bid"]`)?.dataset.value;
    return now && now !== old && now;
  }, [symbol, before]);
  return [before, await moved.jsonValue()];
}

/** Takes an open halt warning off the screen. */
export async function dismissAlarm(page) {
  const button = page.getByTestId("alarm-continue");
  if (await button.isVisible()) await button.click();
}

/** Sends a market order by the ticket and waits for its fill. */
export async function trade(page, side, qty) {
  await page.locator(`[data-testid="ticket"] [data-side="${side}"]`).click();
  await page.getByTestId("ticket").getByLabel("Lots", { exact: true }).fill(qty);
  await page.locator('[data-testid="submit-order"]:enabled').click();
  await page.locator('[data-testid="ticket-outcome"][data-outcome="filled"]').waitFor();
}
