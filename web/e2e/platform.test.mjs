import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { launch, openPage, signInAs, skip } from "./harness/browser.mjs";
import { Authenticator, Person } from "./harness/people.mjs";
import { picture } from "./harness/pictures.mjs";
import { Server, until } from "./harness/server.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const ADMIN = { email: "kepala@contoh.id", password: "Gunung-Agung-72", name: "Made Wirawan", phone: "081234567801" };
const CLIENT = { email: "siti@contoh.id", password: "Kawah-Putih-51", name: "Siti Nurhaliza", phone: "+6281234567802" };
const COLUMNS = ["new", "contacted", "interested", "demo", "kyc", "verified"];

describe("the platform's pages", { skip }, () => {
  let server;
  let browser;
  let page;
  let authenticator;
  let recovery;
  let admin;
  before(async () => {
    server = await Server.start();
    await server.accountsOpen();
    browser = await launch();
    page = await openPage(browser, server, { signIn: false });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const card = (lead) => page.locator(`[data-lead="${lead.id}"]`);
  const inColumn = (lead, column) => page.locator(`[data-column="${column}"] [data-lead="${lead.id}"]`);

  it("makes the first administrator with the printed secret, who sets up an authenticator before anything else opens", async () => {
    await page.getByRole("button", { name: "First administrator" }).click();
    const form = page.getByTestId("sign-in");
    await form.getByLabel("Secret of the first start").fill(server.secret);
    await form.getByLabel("Name", { exact: true }).fill(ADMIN.name);
    await form.getByLabel("Email", { exact: true }).fill(ADMIN.email);
    await form.getByLabel("Telephone").fill(ADMIN.phone);
    await form.getByLabel("New password").fill("weak");
    await form.getByText("Still missing").waitFor();
    assert.ok(await form.getByRole("button", { name: "Make the administrator" }).isDisabled());
    await form.getByLabel("New password").fill(ADMIN.password);
    await form.getByRole("button", { name: "Make the administrator" }).click();
    await page.getByTestId("enrol").waitFor();
    assert.equal(new URL(page.url()).pathname, "/me");
    assert.equal(await page.locator('nav a[href="/crm"]').count(), 0, "nothing else is offered yet");

    await page.getByTestId("totp-begin").click();
    await page.waitForFunction(() => document.querySelector('[data-testid="totp-qr"]')?.naturalWidth > 0);
    authenticator = new Authenticator(await page.getByTestId("totp-secret").textContent());
    await page.getByTestId("totp-code").fill("000000");
    await page.getByTestId("totp-confirm").click();
    await page.locator('[data-testid="toast"][data-tone="bad"]').first().waitFor();
    await page.getByTestId("totp-code").fill(await authenticator.code());
    await page.getByTestId("totp-confirm").click();
    const codes = page.getByTestId("recovery-codes");
    await codes.waitFor();
    recovery = await codes.locator("code").allTextContents();
    assert.ok(recovery.length >= 8);
    await codes.getByRole("checkbox").check();
    await page.getByTestId("recovery-done").click();
    await page.locator('nav a[href="/crm"]').waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("signs in with password and authenticator, refuses wrong ones in words, and offers what the role opens", async () => {
    await page.getByTestId("sign-out").click();
    await signInAs(page, { ...ADMIN, password: "Not-the-one-1" });
    await page.getByTestId("sign-in").getByRole("alert").waitFor();
    await signInAs(page, ADMIN);
    const second = page.getByTestId("second-factor");
    await second.getByTestId("mfa-code").fill("12345");
    assert.ok(await second.getByRole("button", { name: "Confirm" }).isDisabled(), "five digits are no code");
    await second.getByTestId("mfa-code").fill(await authenticator.code());
    await second.getByRole("button", { name: "Confirm" }).click();
    await page.getByTestId("who").filter({ hasText: ADMIN.name }).waitFor();
    const { permissions } = await page.evaluate(async () => (await fetch("/api/v1/auth/me")).json());
    for (const [path, permission] of [["/crm", "lead.read"], ["/kyc", "kyc.read"], ["/aml", "aml.read"], ["/people", "user.read"]]) {
      assert.ok(permissions.includes(permission));
      await page.locator(`nav a[href="${path}"]`).waitFor();
    }
    // A reload finds the session again.
    await page.reload();
    await page.getByTestId("who").waitFor();
    admin = await Person.signIn(server, ADMIN, recovery[0]);
    assert.deepEqual(page.faults, []);
  });

  it("moves a card by keyboard, and shows the server's totals", async () => {
    const { lead } = await admin.post("crm/leads", { source: "referral", name: "Budi Santoso", phone: "081234567811", city: "Bandung" });
    await page.goto(`${server.origin}/crm`);
    await inColumn(lead, lead.column).waitFor();
    const { items } = await admin.get(`crm/leads/${lead.id}/moves`);
    const reachable = COLUMNS.slice(COLUMNS.indexOf(lead.column) + 1).find((column) => items.some((move) => move.by_hand && columnOf(move.stage) === column));
    const move = items.find((one) => one.by_hand && columnOf(one.stage) === reachable);
    assert.ok(move, "a lead can be moved on by hand");
    const handle = card(lead).locator("[data-handle]");

    // Taken and left where it was.
    await handle.focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector('[data-testid="board-said"]')?.textContent.includes("taken"));
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelector('[data-testid="board-said"]')?.textContent.includes("stays"));
    assert.equal((await admin.get(`crm/leads/${lead.id}`)).stage, lead.stage);

    await page.keyboard.press("Enter");
    await page.locator(`[data-column="${reachable}"][data-open]`).waitFor();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    if (move.needs_reason) {
      await page.getByTestId("ask-reason").fill("Called by telephone");
      await page.getByTestId("ask-do").click();
    }
    await inColumn(lead, reachable).waitFor();
    await until(async () => (await admin.get(`crm/leads/${lead.id}`)).column === reachable, { what: () => "the move to be kept" });
    await page.waitForFunction((id) => document.activeElement?.closest("[data-lead]")?.dataset.lead === id, lead.id);
    const board = await admin.get("crm/board");
    for (const { column, total } of board.columns) await page.locator(`[data-column="${column}"][data-total="${total}"]`).waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("moves a card by drag, and puts it back where it may not go", async () => {
    const { lead } = await admin.post("crm/leads", { source: "referral", name: "Dewi Lestari", phone: "081234567812", city: "Surabaya" });
    await page.reload();
    await inColumn(lead, lead.column).waitFor();
    const { items } = await admin.get(`crm/leads/${lead.id}/moves`);
    const moves = items.filter((one) => one.by_hand && columnOf(one.stage) !== lead.column);
    const target = columnOf(moves[0].stage);
    const closed = COLUMNS.find((column) => column !== lead.column && !moves.some((one) => columnOf(one.stage) === column));
    if (closed) {
      await drag(lead, closed);
      await page.locator('[data-testid="toast"][data-tone="bad"]').filter({ hasText: "Dewi Lestari" }).waitFor();
      await inColumn(lead, lead.column).waitFor();
    }
    await drag(lead, target, true);
    if (moves.find((one) => columnOf(one.stage) === target).needs_reason) {
      await page.getByTestId("ask-reason").fill("Met at the fair");
      await page.getByTestId("ask-do").click();
    }
    await inColumn(lead, target).waitFor();
    await until(async () => (await admin.get(`crm/leads/${lead.id}`)).column === target, { what: () => "the move to be kept" });
    assert.equal(new URL(page.url()).pathname, "/crm", "a drag opens no lead");
    assert.deepEqual(page.faults, []);
  });

  it("tells a lead whole: a note stands in the timeline, a task among the tasks", async () => {
    const lead = (await admin.get("crm/leads/search?q=Budi")).items[0];
    await page.goto(`${server.origin}/crm/leads/${lead.id}`);
    await page.getByRole("heading", { name: "Budi Santoso" }).waitFor();
    await page.getByTestId("note-text").fill("Asks for gold contracts.");
    await page.getByTestId("note-save").click();
    await page.locator('[data-testid="timeline"] [data-kind="note"]').filter({ hasText: "Asks for gold contracts." }).waitFor();
    await page.getByTestId("task-new").click();
    await page.getByTestId("task-title").fill("Send the price list");
    await page.getByTestId("task-save").click();
    const task = page.locator("[data-task]").filter({ hasText: "Send the price list" });
    await task.waitFor();
    const kept = (await admin.get(`crm/tasks?lead=${lead.id}`)).items.find((one) => one.title === "Send the price list");
    assert.equal(await task.getAttribute("data-urgency"), kept.urgency);
    await task.getByRole("combobox").selectOption("done");
    await task.waitFor({ state: "detached" });
    assert.deepEqual(page.faults, []);
  });

  it("takes a client's documents and lets the house review them", async () => {
    await Person.register(server, CLIENT);
    const theirs = await openPage(browser, server, { signIn: false, path: "verify" });
    await signInAs(theirs, CLIENT);
    await theirs.getByTestId("upload").waitFor();
    assert.equal(await theirs.locator('nav a[href="/crm"]').count(), 0, "a client is offered no board");
    await theirs.getByTestId("file-selfie").setInputFiles({ name: "selfie.png", mimeType: "image/png", buffer: await picture(theirs, "selfie", "image/png") });
    await theirs.getByText("A selfie must be a JPEG picture.").waitFor();
    assert.ok(await theirs.getByTestId("upload-send").isDisabled());
    for (const type of ["ktp", "npwp", "selfie", "proof_of_address"]) await theirs.getByTestId(`file-${type}`).setInputFiles({ name: `${type}.jpg`, mimeType: "image/jpeg", buffer: await picture(theirs, type, "image/jpeg") });
    await theirs.getByTestId("upload-send").click();
    await theirs.getByTestId("kyc-status").waitFor();

    await until(async () => (await admin.get("kyc/cases?status=REVIEW_REQUIRED")).items.length > 0, { ms: 120_000, what: () => "the documents to be read", every: 500 });
    await page.goto(`${server.origin}/kyc`);
    await page.locator("[data-case] a").first().click();
    await page.getByTestId("review").waitFor();
    await page.locator('[role="tab"][data-document="ktp"]').click();
    await page.waitForFunction(() => document.querySelector('[data-testid="document-image"]')?.naturalWidth > 0);
    // The document stands left of what was read on it.
    const [image, fields] = [await page.getByTestId("document-image").boundingBox(), await page.getByTestId("fields").boundingBox()];
    assert.ok(image.x + image.width <= fields.x);
    const given = (await admin.get("kyc/cases?status=REVIEW_REQUIRED")).items[0];
    const whole = await admin.get(`kyc/cases/${given.id}`);
    const shown = await page.locator("[data-check]").evaluateAll((rows) => rows.map((row) => row.dataset.check).sort());
    assert.deepEqual(shown, whole.findings.map((finding) => finding.code).sort());

    await page.locator('[data-field="nama"]').fill("SITI NURHALIZA");
    await page.getByTestId("fields-save").click();
    await until(async () => (await admin.get(`kyc/cases/${given.id}`)).documents.find((one) => one.document_type === "ktp").document_data.nama === "SITI NURHALIZA", { what: () => "the correction to be kept" });
    // The correction is a new revision of the case: a decision about the one before is refused.
    const { revision } = await admin.get(`kyc/cases/${given.id}`);
    await page.locator(`[data-testid="review"][data-revision="${revision}"]`).waitFor();
    await page.getByTestId("reject").click();
    assert.ok(await page.getByTestId("ask-do").isDisabled(), "a rejection says why");
    await page.getByTestId("reject-reason").selectOption("image_unreadable");
    await page.getByTestId("ask-reason").fill("The number is not readable.");
    await page.getByTestId("ask-do").click();
    await page.getByTestId("ask").waitFor({ state: "detached" });
    await until(async () => (await admin.get(`kyc/cases/${given.id}`)).status === "REJECTED", { what: () => "the rejection" });
    await theirs.reload();
    await theirs.getByText("The picture cannot be read").waitFor();
    await theirs.getByTestId("upload").waitFor();
    assert.deepEqual(page.faults, []);
    assert.deepEqual(theirs.faults, []);
    await theirs.context().close();
  });

  it("lists the sessions, ends one, and its token opens nothing any more", async () => {
    const other = await Person.signIn(server, ADMIN, recovery[1]);
    await page.goto(`${server.origin}/me/sessions`);
    await page.locator("[data-session][data-current]").waitFor();
    const listed = await other.get("auth/sessions");
    assert.equal(await page.locator("[data-session]").count(), listed.length);
    const mine = listed.find((one) => one.current);
    const row = page.locator(`[data-session="${mine.id}"]`);
    await row.getByTestId("session-end").click();
    await page.getByTestId("ask-do").click();
    await row.waitFor({ state: "detached" });
    assert.equal((await other.api("GET", "auth/sessions")).status, 401);
    assert.equal(await page.locator("[data-session][data-current]").count(), 1, "this one goes on");
    assert.deepEqual(page.faults, []);
  });

  it("makes a team with a manager, finds a person, and gives them the team and another tier", async () => {
    const manager = await admin.post("users", { email: "rina@contoh.id", name: "Rina Wulandari", role: "sales_manager" });
    const agent = await admin.post("users", { email: "agus@contoh.id", name: "Agus Salim", role: "sales_agent" });
    await page.goto(`${server.origin}/people`);
    await page.getByTestId("team-new").click();
    await page.getByTestId("team-name").fill("Bandung");
    await page.locator(`[data-testid="team-manager"] option[value="${manager.id}"]`).waitFor({ state: "attached" });
    await page.getByTestId("team-manager").selectOption(manager.id);
    await page.getByTestId("ask-do").click();
    const team = page.locator("[data-team]").filter({ hasText: "Bandung" });
    await team.filter({ hasText: manager.name }).waitFor();
    await team.getByTestId("team-change").click();
    await page.getByTestId("team-name").fill("Bandung Raya");
    await page.getByTestId("ask-do").click();
    await team.filter({ hasText: "Bandung Raya" }).waitFor();
    const made = (await admin.get("teams")).items.find((one) => one.name === "Bandung Raya");
    assert.equal(made.manager_id, manager.id);

    await page.getByTestId("people-search").fill("Agus Salin");
    await page.locator(`[data-user="${manager.id}"]`).waitFor({ state: "detached" });
    await page.locator(`[data-user="${agent.id}"] a`).click();
    await page.locator(`[data-testid="team"] option[value="${made.id}"]`).waitFor({ state: "attached" });
    await page.getByTestId("team").selectOption(made.id);
    await page.getByTestId("person-role").click();
    await page.getByTestId("ask-do").click();
    await page.getByTestId("ask").waitFor({ state: "detached" });
    await page.getByTestId("tier").selectOption("plus");
    await page.getByTestId("person-tier").click();
    await page.getByTestId("ask-do").click();
    await page.getByTestId("ask").waitFor({ state: "detached" });
    const now = await admin.get(`users/${agent.id}`);
    assert.deepEqual([now.role, now.team_id, now.tier], ["sales_agent", made.id, "plus"]);
    assert.deepEqual(page.faults, []);
  });

  it("tells of a maintenance on every page, once", async () => {
    const starts = (Date.now() + 3_600_000) * 1_000;
    const said = await admin.api("PUT", "maintenance", { starts_at: starts, ends_at: starts + 3_600_000_000, message: "A new disk." });
    assert.equal(said.status, 200, JSON.stringify(said.body));
    const banner = page.locator('[data-banner="maintenance"]');
    for (const path of ["crm", "kyc", "aml", "cash", "people", "me"]) {
      await page.goto(`${server.origin}/${path}`);
      await banner.filter({ hasText: "A new disk." }).first().waitFor();
      await page.waitForFunction(() => document.querySelectorAll('[data-banner="maintenance"]').length === 1);
    }
    assert.equal((await admin.api("DELETE", "maintenance")).status, 204);
    await banner.waitFor({ state: "detached" });
    assert.deepEqual(page.faults, []);
  });

  it("speaks Indonesian without a reload, in dark and in light", async () => {
    await page.goto(`${server.origin}/crm`);
    await page.getByTestId("board").waitFor();
    await page.getByTestId("language").click();
    await page.getByRole("heading", { name: "Prospek baru" }).waitFor();
    await page.getByTestId("theme").click();
    assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.theme]), ["id", "light"]);
    await page.getByTestId("language").click();
    await page.getByTestId("theme").click();
    assert.deepEqual(page.faults, []);
  });

  it("loads none of these pages for the sign-in, and none of the others for one of them", async () => {
    const fresh = await openPage(browser, server, { signIn: false });
    await fresh.getByTestId("sign-in").waitFor();
    const loaded = await fresh.evaluate(() => performance.getEntriesByType("resource").map((entry) => entry.name));
    for (const name of ["BoardPage", "ReviewPage", "CasesPage", "PeoplePage"]) assert.ok(!loaded.some((url) => url.includes(name)), `${name} was loaded`);
    await fresh.context().close();
  });

  it("has no accessibility fault, and fits a phone", async () => {
    for (const size of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
      await page.setViewportSize(size);
      for (const path of ["crm", "crm/tasks", "crm/dashboard", "kyc", "aml", "aml/lists", "cash", "people", "me", "me/sessions"]) {
        await page.goto(`${server.origin}/${path}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
        assert.equal(await page.getByTestId("trouble").count(), 0, `${path} is in trouble`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is wider than ${size.width} px`);
        await page.evaluate(await readFile(AXE, "utf8"));
        const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
        assert.deepEqual(found.violations.map((fault) => `${path}: ${fault.id}: ${fault.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join(" | ")}`), []);
      }
    }
    assert.deepEqual(page.faults, []);
  });

  /** Carries a card with the mouse; waits until the board knows where it may go when that is asked. */
  async function drag(lead, column, open = false) {
    const from = await card(lead).boundingBox();
    await page.mouse.move(from.x + 30, from.y + from.height - 6);
    await page.mouse.down();
    await page.mouse.move(from.x + 45, from.y + from.height + 4, { steps: 4 });
    if (open) await page.locator(`[data-column="${column}"][data-open]`).waitFor();
    const to = await page.locator(`[data-column="${column}"]`).boundingBox();
    await page.mouse.move(to.x + to.width / 2, to.y + 120, { steps: 12 });
    await page.mouse.up();
  }
});

const columnOf = (stage) => (stage === "deposit" || stage === "active" ? "verified" : stage);
