import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { confirmAs, launch, openPage, signInAs, skip } from "./harness/browser.mjs";
import { enrol, invite, Person, typeCard } from "./harness/people.mjs";
import { picture } from "./harness/pictures.mjs";
import { Server, until } from "./harness/server.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const ADMIN = { email: "kepala@contoh.id", password: "Gunung-Agung-72", name: "Made Wirawan", phone: "081234567801" };
const CLIENT = { email: "siti@contoh.id", password: "Kawah-Putih-51", name: "Siti Nurhaliza", phone: "+6281234567802" };
const OTHER = { email: "budi@contoh.id", password: "Kawah-Ijen-52", name: "Budi Hartono", phone: "+6281234567803" };
const THIRD = { email: "rudi@contoh.id", password: "Kawah-Bromo-53", name: "Rudi Tanjung", phone: "+6281234567804" };
const OFFICER = { email: "citra@contoh.id", password: "Danau-Toba-39", name: "Citra Maharani", role: "compliance_officer" };

describe("the pages of compliance, keys and personal data", { skip }, () => {
  let server;
  let browser;
  let page;
  let admin;
  let recovery;
  let client;
  let other;
  before(async () => {
    server = await Server.start();
    await server.accountsOpen();
    const first = await Person.first(server, ADMIN);
    recovery = first.recovery;
    admin = await Person.signIn(server, ADMIN, recovery[0]);
    client = await Person.register(server, CLIENT);
    other = await Person.register(server, OTHER);
    browser = await launch();
    page = await openPage(browser, server, { signIn: false, path: "me/keys" });
    await signInAs(page, ADMIN);
    await confirmAs(page, ADMIN, recovery[1]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const userOf = async (person) => (await person.get("auth/me")).user.id;

  it("makes a key with scopes and a term, shows it once, and revokes it", async () => {
    await page.goto(`${server.origin}/me/keys`);
    await page.getByTestId("key-new").click();
    const ask = page.getByTestId("ask");
    assert.ok(await page.getByTestId("ask-do").isDisabled(), "a key has a name and may do something");
    await ask.getByTestId("key-name").fill("Reports");
    await ask.getByTestId("key-days").selectOption("30");
    assert.ok(await page.getByTestId("ask-do").isDisabled());
    // By keyboard alone, as a person without a mouse chooses.
    await ask.locator('[data-scope="user.read"]').focus();
    await page.keyboard.press("Space");
    await page.getByTestId("ask-do").click();
    const text = await page.getByTestId("key-text").textContent();
    assert.match(text, /^sk_[0-9a-f]{12}_/);
    const robot = new Person(server, text);
    assert.equal((await robot.api("GET", "users")).status, 200);
    assert.equal((await robot.api("GET", "holds")).status, 403, "what was not chosen is not open");
    const [kept] = await admin.get("auth/keys");
    assert.deepEqual([kept.name, kept.scopes], ["Reports", ["user.read"]]);
    assert.equal(kept.expires_at - kept.created_at, 30 * 86_400 * 1_000_000);

    assert.ok(await page.getByTestId("key-done").isDisabled());
    await page.getByTestId("key-once").getByRole("checkbox").check();
    await page.getByTestId("key-done").click();
    await page.getByTestId("key-text").waitFor({ state: "detached" });
    await page.reload();
    const row = page.locator(`[data-key="${kept.id}"]`);
    await row.waitFor();
    assert.ok(!(await page.content()).includes(text), "it is shown once");
    await row.getByTestId("key-revoke").click();
    await page.getByTestId("ask-do").click();
    await row.waitFor({ state: "detached" });
    assert.equal((await robot.api("GET", "users")).status, 401);
    assert.deepEqual(page.faults, []);
  });

  it("finds a person, and writes a consent down with where it was said", async () => {
    const id = await userOf(client);
    await page.goto(`${server.origin}/subjects`);
    const find = page.getByTestId("subject-search");
    // The index of the search is written behind the registration.
    await until(async () => (await admin.get("search?q=Siti+Nurhaliza")).items.some((hit) => hit.id === id), { what: () => "the client to be found", every: 300 });
    await find.getByRole("textbox").fill("Siti Nurhaliza");
    await find.getByRole("textbox").press("Enter");
    await page.locator(`[data-subject="${id}"] a`).filter({ hasText: CLIENT.name }).click();
    const row = page.locator('[data-purpose="marketing_call"]');
    await row.waitFor();
    assert.equal(await row.getAttribute("data-granted"), "false", "nobody agrees by saying nothing");
    await row.getByTestId("consent-change").click();
    assert.ok(await page.getByTestId("ask-do").isDisabled(), "which text was read has to be said");
    await page.getByTestId("consent-source").selectOption("telephone");
    await page.getByTestId("consent-version").fill("call-2026-03");
    await page.getByTestId("ask-do").click();
    await page.locator('[data-purpose="marketing_call"][data-granted="true"]').waitFor();
    const said = (await admin.get(`subjects/${id}/consents`)).items.find((one) => one.purpose === "marketing_call");
    assert.deepEqual([said.granted, said.source, said.text_version], [true, "telephone", "call-2026-03"]);
    await row.getByTestId("consent-change").click();
    await page.getByTestId("consent-version").fill("call-2026-03");
    await page.getByTestId("ask-do").click();
    await page.locator('[data-purpose="marketing_call"][data-granted="false"]').waitFor();
    await page.getByTestId("consents-past").click();
    await page.waitForFunction(() => document.querySelectorAll('[data-said="marketing_call"]').length === 2);
    assert.deepEqual(await page.locator('[data-said="marketing_call"]').evaluateAll((rows) => rows.map((one) => one.dataset.granted)), ["false", "true"]);
    assert.deepEqual(page.faults, []);
  });

  it("holds one person's rows, asks for their erasure, and lifts the hold", async () => {
    const id = await userOf(other);
    await page.goto(`${server.origin}/subjects/${id}`);
    await page.getByTestId("hold-new").click();
    await page.getByTestId("hold-category").selectOption("erasure");
    await page.getByTestId("ask-reason").fill("Inquiry of the authority");
    await page.getByTestId("ask-do").click();
    await page.getByTestId("ask").waitFor({ state: "detached" });
    await page.getByTestId("erase").click();
    assert.ok(await page.getByTestId("ask-do").isDisabled(), "nobody erases by accident");
    await page.getByTestId("erase-sure").check();
    await page.getByTestId("ask-do").click();
    const request = page.locator('[data-request="erasure"]');
    await request.waitFor();
    const [asked] = (await admin.get(`subjects/${id}/requests`)).items;
    assert.deepEqual([asked.kind, asked.status], ["erasure", await request.getAttribute("data-status")]);
    await request.getByTestId("ledger-show").click();
    await page.getByTestId("ledger").waitFor();

    await page.goto(`${server.origin}/holds`);
    const [hold] = (await admin.get("holds")).items;
    assert.deepEqual([hold.category, hold.subject, hold.reason], ["erasure", id, "Inquiry of the authority"]);
    const row = page.locator(`[data-hold="${hold.id}"]`);
    await row.filter({ hasText: "Inquiry of the authority" }).waitFor();
    await row.getByTestId("hold-lift").click();
    await page.getByTestId("ask-do").click();
    await page.locator(`[data-hold="${hold.id}"][data-lifted="true"]`).waitFor();
    assert.notEqual((await admin.get("holds")).items[0].lifted_us, null);
    // Without a person a hold is of everybody, and that has to be said.
    await page.getByTestId("hold-new").click();
    await page.getByTestId("ask-reason").fill("A court");
    assert.ok(await page.getByTestId("ask-do").isDisabled());
    await page.getByTestId("hold-subject").fill("nobody");
    assert.ok(await page.getByTestId("ask-do").isDisabled());
    await page.keyboard.press("Escape");
    await page.getByTestId("ask").waitFor({ state: "detached" });
    assert.deepEqual(page.faults, []);
  });

  it("looks through the audit log by what, by whom and about whom", async () => {
    const id = await userOf(other);
    await page.goto(`${server.origin}/audit?subject=${id}`);
    await page.locator('[data-entity="subject_request"]').first().waitFor();
    assert.equal(await page.locator('[data-filter="subject"]').inputValue(), id, "the address is the filter");
    await page.locator('[data-filter="entity"]').fill("legal_hold");
    await page.locator('[data-filter="subject"]').fill("");
    await page.getByTestId("audit-look").click();
    await page.waitForFunction(() => {
      const rows = [...document.querySelectorAll("[data-audit]")];
      return rows.length === 2 && rows.every((row) => row.dataset.entity === "legal_hold");
    });
    assert.deepEqual(await page.locator("[data-audit]").evaluateAll((rows) => rows.map((row) => row.dataset.action)), ["update", "create"], "newest first");
    await page.locator("[data-audit]").filter({ hasText: ADMIN.name }).first().waitFor();
    assert.equal(new URL(page.url()).search, "?entity=legal_hold");
    await page.getByTestId("audit-all").click();
    await page.locator('[data-entity="audit_log"][data-action="access"]').first().waitFor();
    await page.getByTestId("chain-verify").click();
    await page.locator('[data-testid="chain-found"][data-ended="true"][data-flaws="0"]').waitFor();
    await page.locator('[data-filter="from"]').fill("2999-01-01T00:00");
    await page.locator('[data-filter="to"]').fill("2998-01-01T00:00");
    assert.ok(await page.getByTestId("audit-look").isDisabled(), "nothing lies between");
    await page.locator('[data-filter="to"]').fill("");
    await page.getByTestId("audit-look").click();
    await page.waitForFunction(() => location.search.startsWith("?from=") && document.querySelectorAll("[data-audit]").length === 0);
    await page.locator('[data-filter="subject"]').fill("not a key");
    assert.ok(await page.getByTestId("audit-look").isDisabled());
    assert.deepEqual(page.faults, []);
  });

  it("takes new addresses of a list, and says what is wrong with those it does not take", async () => {
    await page.goto(`${server.origin}/aml/lists`);
    const source = (await admin.get("aml/sources")).items.find((one) => one.urls.length > 0);
    const card = page.locator(`[data-source="${source.name}"]`);
    await card.getByTestId("source-edit").click();
    await page.getByTestId("source-urls").fill("http://lists.contoh.id/a.csv");
    await page.getByText("begins with https://.").last().waitFor();
    assert.ok(await page.getByTestId("ask-do").isDisabled());
    const urls = source.urls.map((_, at) => `https://lists.contoh.id/${at}.csv`);
    await page.getByTestId("source-urls").fill(urls.join("\n"));
    await page.getByTestId("source-enabled").setChecked(false);
    await page.getByTestId("ask-do").click();
    await page.getByTestId("ask").waitFor({ state: "detached" });
    await card.getByTestId("urls").filter({ hasText: urls[0] }).waitFor();
    const kept = (await admin.get("aml/sources")).items.find((one) => one.name === source.name);
    assert.deepEqual([kept.urls, kept.enabled], [urls, false]);
    await card.getByTestId("source-versions").click();
    await card.getByTestId("versions").waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("shows a client's exceptions from the lists", async () => {
    await page.goto(`${server.origin}/aml/clients/${await userOf(client)}`);
    await page.getByText("No exception.").waitFor();
    assert.equal(await page.getByTestId("trouble").count(), 0);
    assert.deepEqual(page.faults, []);
  });

  /** Hands in every document as the client's own program would. */
  const handIn = async (person) => {
    const form = new FormData();
    const types = ["ktp", "npwp", "selfie", "proof_of_address"];
    for (const type of types) form.append("document_types[]", type);
    for (const type of types) form.append("files[]", new Blob([await picture(page, `${type} of ${person.token.slice(-8)}`, "image/jpeg")], { type: "image/jpeg" }), `${type}.jpg`);
    const sent = await fetch(`${server.origin}/api/v1/kyc/upload`, { method: "POST", headers: { authorization: `Bearer ${person.token}`, "x-client": "api" }, body: form });
    assert.equal(sent.status, 201, await sent.text());
  };

  it("decides about one document alone", async () => {
    await handIn(client);
    const given = await until(async () => (await admin.get("kyc/cases?status=REVIEW_REQUIRED")).items[0], { ms: 120_000, what: () => "the documents to be read", every: 500 });
    await typeCard(admin, given.id, CLIENT.name);
    await page.goto(`${server.origin}/kyc/${given.id}`);
    await page.locator('[role="tab"][data-document="ktp"]').click();
    await page.getByTestId("document-approve").click();
    await page.getByTestId("ask-do").click();
    await page.getByTestId("document-state").filter({ hasText: "approved" }).waitFor();
    assert.ok(await page.getByTestId("document-approve").isDisabled());
    const whole = await admin.get(`kyc/cases/${given.id}`);
    const state = Object.fromEntries(whole.documents.map((one) => [one.document_type, one.verification_status]));
    assert.equal(whole.status, "REVIEW_REQUIRED", "the others are still to be decided");
    assert.equal(state.ktp, "approved");
    assert.notEqual(state.selfie, "approved");

    await page.locator(`[data-testid="review"][data-revision="${whole.revision}"]`).waitFor();
    await page.locator('[role="tab"][data-document="selfie"]').click();
    await page.getByTestId("document-reject").click();
    await page.getByTestId("document-reason").selectOption("wrong_document");
    await page.getByTestId("ask-reason").fill("Nobody is on the picture.");
    await page.getByTestId("ask-do").click();
    await page.getByTestId("case-status").filter({ hasText: "Rejected" }).waitFor();
    const after = await admin.get(`kyc/cases/${given.id}`);
    assert.deepEqual([after.status, after.reason], ["REJECTED", "wrong_document"]);
    assert.deepEqual(page.faults, []);
  });

  it("names colleagues to a compliance officer, and tells of new cases as they come", async () => {
    await invite(server, admin, OFFICER);
    const { body } = await new Person(server, null).api("POST", "auth/login", { email: OFFICER.email, password: OFFICER.password });
    const codes = await enrol(new Person(server, body.jwt_token));
    const theirs = await openPage(browser, server, { signIn: false, path: "kyc" });
    await signInAs(theirs, OFFICER);
    await confirmAs(theirs, OFFICER, codes[0]);
    await theirs.goto(`${server.origin}/audit?entity=legal_hold`);
    await theirs.locator("[data-audit]").filter({ hasText: ADMIN.name }).first().waitFor();

    await theirs.goto(`${server.origin}/kyc`);
    await theirs.waitForFunction(() => performance.getEntriesByType("resource").some((entry) => entry.name.endsWith("/ws-tickets")));
    const third = await Person.register(server, THIRD);
    const id = await userOf(third);
    await handIn(third);
    const given = await until(async () => (await admin.get("kyc/cases?status=REVIEW_REQUIRED")).items.find((one) => one.user_id === id), { ms: 120_000, what: () => "the documents to be read", every: 500 });
    const began = Date.now();
    await theirs.locator(`[data-testid="kyc-queue"] [data-case="${given.id}"]`).waitFor();
    assert.ok(Date.now() - began < 20_000, "the queue is told by the stream, not by its reading anew each minute");
    assert.deepEqual(theirs.faults, []);
    await theirs.context().close();
  });

  it("lets a client choose the second factor, take their data, and ask for their end", async () => {
    const theirs = await openPage(browser, server, { signIn: false, path: "me" });
    await signInAs(theirs, CLIENT);
    const email = theirs.locator('[data-contact="email"]');
    await email.waitFor();
    await email.getByTestId("factor-email").click();
    await theirs.locator('[data-testid="toast"][data-tone="bad"]').first().waitFor();
    await email.getByRole("button", { name: "Confirm the email" }).click();
    await theirs.getByLabel("Code", { exact: true }).fill(await until(() => server.sentCode(CLIENT.email), { what: () => "the code to be sent" }));
    await theirs.getByRole("button", { name: "Confirm", exact: true }).click();
    await theirs.getByText("Confirmed.").waitFor();
    await email.getByTestId("factor-email").click();
    await theirs.locator('[data-contact="email"][data-factor="true"]').waitFor();
    assert.ok((await client.get("auth/me")).factors.includes("email"));

    await theirs.goto(`${server.origin}/me/profile`);
    await theirs.getByTestId("preferences-risk").selectOption("low");
    await theirs.getByTestId("preferences").getByRole("checkbox", { name: "metals" }).check();
    await theirs.getByTestId("preferences-symbols").fill("tulips");
    await theirs.getByTestId("preferences-save").click();
    await theirs.getByTestId("preferences").getByRole("alert").waitFor();
    await theirs.getByTestId("preferences-symbols").fill("eur/usd");
    await theirs.getByTestId("preferences-save").click();
    await theirs.getByTestId("profile").getByText("metals, EUR/USD").waitFor();
    const said = await client.get("profile");
    assert.deepEqual([said.preferences.risk_appetite, said.preferences.preferred_assets, said.user_id], ["low", ["metal", "EUR/USD"], await userOf(client)]);
    assert.equal(said.activity.engagement_score, said.activity.parts.reduce((sum, part) => sum + part.points, 0));
    assert.deepEqual((await admin.get(`users/${said.user_id}/profile`)).preferences, said.preferences);

    await theirs.goto(`${server.origin}/me/data`);
    await theirs.locator('[data-purpose="marketing_email"]').getByTestId("consent-change").click();
    await theirs.getByTestId("ask-do").click();
    await theirs.locator('[data-purpose="marketing_email"][data-granted="true"]').waitFor();
    const [download] = await Promise.all([theirs.waitForEvent("download"), theirs.getByTestId("export").click()]);
    assert.match(download.suggestedFilename(), /^siaga-[0-9a-f]{8}\.json$/);
    const all = JSON.parse(await readFile(await download.path(), "utf8"));
    assert.equal(all.subject, await userOf(client));
    assert.ok(JSON.stringify(all.data).includes(CLIENT.email), "one's own data are readable");
    // An erasure needs the second factor in this session.
    await theirs.getByTestId("erase").click();
    await theirs.getByTestId("erase-sure").check();
    await theirs.getByTestId("ask-do").click();
    await theirs.getByTestId("ask").getByRole("alert").waitFor();
    await theirs.keyboard.press("Escape");
    await theirs.goto(`${server.origin}/me`);
    await theirs.getByTestId("confirm-begin").click();
    const before = await server.sentCode(CLIENT.email);
    await theirs.getByRole("button", { name: "Send the code" }).click();
    const code = await until(async () => ((await server.sentCode(CLIENT.email)) === before ? null : server.sentCode(CLIENT.email)), { what: () => "another code" });
    await theirs.getByTestId("mfa-code").fill(code);
    await theirs.getByTestId("second-factor").getByRole("button", { name: "Confirm", exact: true }).click();
    // While the code is asked for there is no button to begin with, either.
    await theirs.getByTestId("second-factor").waitFor({ state: "detached" });
    await theirs.getByTestId("confirm-begin").waitFor({ state: "detached" });
    await theirs.goto(`${server.origin}/me/data`);
    await theirs.getByTestId("erase").click();
    await theirs.getByTestId("erase-sure").check();
    await theirs.getByTestId("ask-do").click();
    await theirs.locator('[data-request="erasure"]').waitFor();
    // Refused were an asset that nobody trades, an erasure without the second factor, and a code so soon after the one of the registration.
    assert.deepEqual(theirs.faults.filter((fault) => !/status of (403|422|429)/.test(fault)), []);
    await theirs.context().close();
  });

  it("has no accessibility fault in both themes and languages, and fits a phone", async () => {
    const id = await userOf(other);
    for (const { size, theme, language } of [{ size: { width: 1280, height: 800 }, theme: "dark", language: "en" }, { size: { width: 390, height: 844 }, theme: "light", language: "id" }]) {
      await page.setViewportSize(size);
      for (const path of ["me/keys", "me/data", "me/profile", "me", "subjects", `subjects/${id}`, "holds", "audit", "aml/lists", `aml/clients/${id}`]) {
        await page.goto(`${server.origin}/${path}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await show(theme, language, size.width < 1_100);
        await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
        assert.equal(await page.getByTestId("trouble").count(), 0, `${path} is in trouble`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is wider than ${size.width} px`);
        await faultless(path);
        // The dialogs too, where the page opens one.
        for (const opener of ["key-new", "hold-new", "source-edit"]) {
          const button = page.getByTestId(opener).first();
          if ((await button.count()) === 0) continue;
          await button.click();
          await page.getByTestId("ask").waitFor();
          await faultless(`${path}, ${opener}`);
          await page.keyboard.press("Escape");
          await page.getByTestId("ask").waitFor({ state: "detached" });
        }
      }
    }
    assert.deepEqual(page.faults, []);
  });

  /** Puts the console into a theme and a language by its own buttons; on a phone they stand in the menu. */
  async function show(theme, language, phone) {
    const now = await page.evaluate(() => [document.documentElement.dataset.theme, document.documentElement.lang]);
    if (now[0] === theme && now[1] === language) return;
    if (phone) await page.getByTestId("menu").click();
    if (now[0] !== theme) await page.getByTestId("theme").click();
    if (now[1] !== language) await page.getByTestId("language").click();
    if (phone) await page.keyboard.press("Escape");
    await page.waitForFunction(([dress, tongue]) => document.documentElement.dataset.theme === dress && document.documentElement.lang === tongue, [theme, language]);
  }

  async function faultless(where) {
    // A dialog that fades in is paler than it will be.
    await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null))));
    await page.evaluate(await readFile(AXE, "utf8"));
    const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
    assert.deepEqual(found.violations.map((fault) => `${where}: ${fault.id}: ${fault.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join(" | ")}`), []);
  }
});
