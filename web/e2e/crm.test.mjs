import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { confirmAs, launch, openPage, signInAs, skip } from "./harness/browser.mjs";
import { enrol, invite, Person } from "./harness/people.mjs";
import { Server, until as soon } from "./harness/server.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const ADMIN = { email: "kepala@contoh.id", password: "Gunung-Agung-72", name: "Made Wirawan", phone: "081234567801" };
const SECOND = { email: "wakil@contoh.id", password: "Pantai-Sanur-94", name: "Nyoman Sudarma", role: "super_admin" };
const AGENT = { email: "ayu@contoh.id", password: "Danau-Batur-38", name: "Ayu Lestari Kusumaningtyas", role: "sales_agent" };
const until = (condition, options) => soon(condition, { every: 250, ...options });
const PAGES = ["crm", "crm/tasks", "crm/notices", "crm/agents", "crm/sources"];

describe("the pages of sales", { skip }, () => {
  let server;
  let browser;
  let page;
  let own;
  let admin;
  let ayu;
  before(async () => {
    server = await Server.start();
    await server.accountsOpen();
    const { recovery } = await Person.first(server, ADMIN);
    own = await Person.signIn(server, ADMIN, recovery[0]);
    own.id = (await own.get("auth/me")).user.id;
    // A person may ask 300 times a minute: the pages ask for the one, the tests for the other.
    await invite(server, own, SECOND);
    const { body } = await new Person(server, null).api("POST", "auth/login", { email: SECOND.email, password: SECOND.password });
    admin = await Person.signIn(server, SECOND, (await enrol(new Person(server, body.jwt_token)))[0]);
    ayu = await invite(server, admin, AGENT);
    browser = await launch();
    page = await openPage(browser, server, { signIn: false, path: "crm" });
    await signIn(page, ADMIN, recovery[1]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  async function signIn(target, person, recovery) {
    await signInAs(target, person);
    await confirmAs(target, person, recovery);
  }
  const open = async (path) => {
    await page.goto(`${server.origin}/${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null);
  };
  const done = async () => {
    await page.getByTestId("ask-do").click();
    await page.getByTestId("ask").waitFor({ state: "detached" });
  };
  const owned = (lead, who, what) => until(async () => (await admin.get(`crm/leads/${lead}`)).assigned_to === who, { what: () => what });
  const seat = (user) => admin.api("PUT", `crm/agents/${user}`, { territories: [], skills: [], cap: 50, accepting: true });
  let phones = 81_234_567_820;
  const capture = async (name, more = {}) => (await admin.post("crm/leads", { source: "referral", name, phone: `0${phones++}`, city: "Bandung", ...more })).lead;

  it("makes somebody of sales an agent, with territories, skills and a cap, and says how agents are chosen", async () => {
    await open("crm/agents");
    await page.getByTestId("agent-new").click();
    await page.getByTestId("agent-user").selectOption(ayu.id);
    await page.getByTestId("agent-cap").fill("99");
    await page.getByText("Write a whole number from 0 to 50.").waitFor();
    assert.ok(await page.getByTestId("ask-do").isDisabled());
    await page.getByTestId("agent-cap").fill("7");
    await page.getByTestId("agent-territories").fill("Kota Bandung\nSurabaya");
    await page.getByTestId("ask").getByLabel("metals").check();
    await done();
    const card = page.locator(`[data-agent="${ayu.id}"]`);
    await card.getByText(AGENT.name).waitFor();
    assert.ok(!(await admin.get("crm/agents/candidates")).items.some((one) => one.user_id === ayu.id), "she is one by now");
    let [kept] = (await admin.get("crm/agents")).items;
    assert.deepEqual([kept.user_id, kept.cap, kept.accepting, kept.territories, kept.skills], [ayu.id, 7, true, ["bandung", "surabaya"], ["metals"]]);

    await card.getByTestId("agent-change").click();
    assert.equal(await page.getByTestId("agent-territories").inputValue(), "bandung\nsurabaya");
    await page.getByTestId("agent-accepting").uncheck();
    await done();
    await page.locator(`[data-agent="${ayu.id}"][data-room="away"]`).waitFor();
    [kept] = (await admin.get("crm/agents")).items;
    assert.deepEqual([kept.accepting, kept.cap], [false, 7]);

    await card.getByTestId("agent-absence").click();
    await page.locator(`[data-agent="${ayu.id}"][data-leave]`).getByText("on leave", { exact: true }).waitFor();
    [kept] = (await admin.get("crm/agents")).items;
    assert.deepEqual([kept.on_leave, kept.available], [true, false]);
    await card.getByTestId("agent-absence").click();
    await page.locator(`[data-agent="${ayu.id}"]:not([data-leave])`).waitFor();
    assert.equal((await admin.get("crm/agents")).items[0].on_leave, false);

    await page.getByTestId("rule").selectOption("territory");
    await until(async () => (await admin.get("crm/agents")).rule === "territory", { what: () => "the rule to be kept" });
    await page.getByTestId("rule").selectOption("round_robin");
    await until(async () => (await admin.get("crm/agents")).rule === "round_robin", { what: () => "the rule to be kept" });
    assert.deepEqual(page.faults, []);
  });

  it("changes the owner of a lead, shows names, and cannot choose who takes none", async () => {
    const lead = await capture("Budi Santoso");
    assert.ok((await seat(own.id)).status < 300);
    await owned(lead.id, own.id, "the pool to give the lead to the only agent who takes one");
    await open(`crm/leads/${lead.id}`);
    await page.getByTestId("owner").filter({ hasText: ADMIN.name }).waitFor();
    await page.getByTestId("lead-assign").click();
    assert.ok(await page.locator(`[data-testid="assign-to"] option[value="${ayu.id}"]`).isDisabled(), "she takes none now");
    await page.keyboard.press("Escape");
    assert.ok((await seat(ayu.id)).status < 300);
    await page.getByTestId("lead-assign").click();
    await page.locator(`[data-testid="assign-to"] option[value="${ayu.id}"]:not([disabled])`).waitFor({ state: "attached" });
    await page.getByTestId("assign-to").selectOption(ayu.id);
    await page.getByTestId("ask-reason").fill("Knows the region");
    await done();
    await page.getByTestId("owner").filter({ hasText: AGENT.name }).waitFor();
    assert.equal((await admin.get(`crm/leads/${lead.id}`)).assigned_to, ayu.id);
    const event = page.locator('[data-testid="timeline"] [data-kind="assigned"]').filter({ hasText: `${ADMIN.name} → ${AGENT.name}` });
    await event.filter({ hasText: "Knows the region" }).waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("changes a lead's own data, empties a field but not the last contact, and tells whose the contact is already", async () => {
    const other = await capture("Citra Dewi");
    const lead = await capture("Eko Prasetyo");
    await open(`crm/leads/${lead.id}`);
    await page.getByTestId("lead-edit").click();
    assert.ok(await page.getByTestId("ask-do").isDisabled(), "nothing is changed yet");
    await page.getByTestId("edit-phone").fill("");
    await page.getByText("A telephone number or an email has to stay.").waitFor();
    assert.ok(await page.getByTestId("ask-do").isDisabled());
    await page.getByTestId("edit-name").fill("Eko Prasetyo Wibowo");
    await page.getByTestId("edit-phone").fill(other.phone);
    await page.getByTestId("ask-do").click();
    await page.getByTestId("ask").getByRole("alert").waitFor();
    assert.equal((await admin.get(`crm/leads/${lead.id}`)).name, "Eko Prasetyo");
    await page.getByTestId("edit-phone").fill(lead.phone);
    await page.getByTestId("edit-city").fill("Surabaya");
    await page.getByTestId("ask").getByLabel("metals").check();
    await done();
    await page.getByRole("heading", { level: 1, name: "Eko Prasetyo Wibowo" }).waitFor();
    const kept = await admin.get(`crm/leads/${lead.id}`);
    assert.deepEqual([kept.name, kept.phone, kept.city, kept.interests], ["Eko Prasetyo Wibowo", lead.phone, "Surabaya", ["metals"]]);
    await page.getByTestId("lead-edit").click();
    await page.getByTestId("edit-city").fill("");
    await page.getByText("It will be empty.").waitFor();
    await done();
    await page.locator('[data-testid="timeline"] [data-kind="fact"]').filter({ hasText: "withdrawn" }).filter({ hasText: "Surabaya" }).waitFor();
    assert.equal((await admin.get(`crm/leads/${lead.id}`)).city, null);
    // A lead that is no client yet has the page of its person's data too.
    const { subject_id, user_id } = kept;
    assert.equal(user_id, null);
    await page.getByTestId("data-link").click();
    await page.waitForURL((url) => url.pathname === `/subjects/${subject_id}`);
    await page.getByRole("heading", { level: 1, name: "Eko Prasetyo Wibowo" }).waitFor();
    await page.getByTestId("consents").waitFor();
    assert.equal(await page.getByTestId("trouble").count(), 0);
    const exported = await admin.api("POST", `subjects/${subject_id}/export`);
    assert.ok(JSON.stringify(exported.body).includes("Eko Prasetyo Wibowo"));
    assert.deepEqual(page.faults, []);
  });

  it("writes a fact down and withdraws it; the score is the server's", async () => {
    const lead = await capture("Fajar Nugroho");
    await open(`crm/leads/${lead.id}`);
    await page.getByTestId("fact-new").click();
    assert.deepEqual(await page.locator('[data-testid="fact-kind"] option').evaluateAll((all) => all.map((one) => one.value).filter(Boolean)), ["name", "city", "interest", "source", "engaged", "budget_confirmed"]);
    await page.getByTestId("fact-kind").selectOption("budget_confirmed");
    await page.getByTestId("fact-source").fill("telephone");
    await page.getByTestId("fact-proof").fill("Told on 3 May; note in the file");
    await done();
    const row = page.locator('[data-fact="budget_confirmed"]');
    await row.filter({ hasText: "said by telephone" }).filter({ hasText: "Told on 3 May; note in the file" }).waitFor();
    assert.equal((await admin.get(`crm/leads/${lead.id}`)).hot, true, "a confirmed budget makes it hot");
    await page.locator('[data-fact="city"]').getByTestId("fact-withdraw").click();
    await done();
    await page.locator('[data-fact="city"][data-withdrawn]').waitFor();
    const { items, score } = await admin.get(`crm/leads/${lead.id}/facts`);
    assert.notEqual(items.find((fact) => fact.kind === "city").withdrawn_at, null);
    await page.locator('[data-testid="score"]').filter({ hasText: String(score.total) }).waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("adds a deal, changes what it is and what it may bring, and says what became of it", async () => {
    const lead = (await admin.get("crm/leads/search?q=Fajar")).items[0];
    await page.getByTestId("deal-new").click();
    await page.getByTestId("deal-title").fill("Gold contracts for a jeweller");
    await page.getByTestId("deal-expected").fill("12.345");
    await page.getByText("at most two decimals").waitFor();
    assert.ok(await page.getByTestId("ask-do").isDisabled());
    await page.getByTestId("deal-expected").fill("1,250.50");
    await done();
    const row = page.locator("[data-deal]").filter({ hasText: "Gold contracts for a jeweller" });
    await row.filter({ hasText: "1,250.50 USD" }).waitFor();
    await row.getByTestId("deal-edit").click();
    assert.ok(await page.getByTestId("ask-do").isDisabled(), "nothing is changed yet");
    await page.getByTestId("deal-title").fill("Gold contracts for two jewellers");
    await page.getByTestId("deal-expected").fill("2,000");
    await done();
    const renamed = page.locator("[data-deal]").filter({ hasText: "Gold contracts for two jewellers" });
    await renamed.filter({ hasText: "2,000.00 USD" }).waitFor();
    await page.locator('[data-testid="timeline"] [data-kind="deal"]').filter({ hasText: "changed: What it is about" }).filter({ hasText: "Gold contracts for a jeweller" }).waitFor();
    await renamed.getByRole("combobox").selectOption("won");
    await page.locator('[data-deal][data-status="won"]').waitFor();
    const [deal] = (await admin.get(`crm/leads/${lead.id}/deals`)).items;
    assert.deepEqual([deal.title, deal.expected_usd, deal.status, deal.lead_id], ["Gold contracts for two jewellers", "2000.00", "won", lead.id]);
    await page.locator('[data-testid="timeline"] [data-kind="deal"]').filter({ hasText: "open → won" }).waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("takes a merge back where it is told", async () => {
    const lead = await capture("Gita Permata");
    const merged = await admin.post("crm/leads", { source: "web", phone: lead.phone, city: "Medan" });
    assert.deepEqual([merged.outcome, merged.lead_id, merged.lead.city], ["merged", lead.id, "Medan"]);
    await open(`crm/leads/${lead.id}`);
    await page.locator('[data-testid="timeline"] [data-kind="merged"]').getByTestId("merge-undo").click();
    assert.ok(await page.getByTestId("ask-do").isDisabled(), "it asks why");
    await page.getByTestId("ask-reason").fill("Another person with the same number");
    await done();
    await page.locator('[data-testid="timeline"] [data-kind="undone"]').waitFor();
    await page.getByTestId("merge-undo").waitFor({ state: "detached" });
    assert.equal((await admin.get(`crm/leads/${lead.id}`)).city, "Bandung");
    assert.deepEqual(page.faults, []);
  });

  it("shows the limits of columns, and sets them", async () => {
    const lead = await capture("Galih Pratama");
    await open("crm");
    await page.getByTestId("board-limits").click();
    await page.getByTestId("limit-demo").fill("0");
    await page.getByText("Write a whole number from 1 to 100000.").waitFor();
    assert.ok(await page.getByTestId("ask-do").isDisabled());
    await page.getByTestId("limit-demo").fill("40");
    await page.getByTestId("limit-new").fill("1");
    await done();
    await page.locator('[data-column="demo"]').getByText("at most 40", { exact: true }).waitFor();
    const { columns } = await admin.get("crm/board");
    assert.deepEqual(columns.map(({ column, limit }) => [column, limit]).filter(([, limit]) => limit !== null), [["new", 1], ["demo", 40]]);
    // Captured leads stand in the first column until somebody moves them: there are several by now.
    const over = columns.find(({ column }) => column === "new").total - 1;
    assert.ok(over > 0);
    await page.locator(`[data-column="new"][data-excess="${over}"]`).getByText(`${over} more than 1`, { exact: true }).waitFor();
    assert.ok((await admin.api("POST", `crm/leads/${lead.id}/stage`, { stage: "contacted", reason: "Called this morning" })).status < 300, "a limit refuses no move");
    assert.ok((await admin.api("PUT", "crm/limits", { limits: {} })).status < 300);
    assert.deepEqual(page.faults, []);
  });

  it("moves several cards at once, and names who was refused", async () => {
    const leads = [await capture("Hadi Wijaya"), await capture("Indah Sari"), await capture("Joko Susilo")];
    await open("crm");
    await page.getByTestId("bulk-begin").click();
    // Somebody writes to a lead while it stands chosen: its card is read anew.
    for (const lead of leads) await page.locator(`[data-lead="${lead.id}"]`).getByTestId("choose").check();
    await page.getByTestId("bulk-count").filter({ hasText: "3 chosen" }).waitFor();
    await page.getByTestId("bulk-move").click();
    await page.getByTestId("bulk-stage").locator('option[value="interested"]').waitFor({ state: "attached" });
    await page.getByTestId("bulk-stage").selectOption("interested");
    await admin.post(`crm/leads/${leads[2].id}/notes`, { kind: "note", text: "Asked to be called later." });
    await page.getByTestId("bulk-reason").fill("Met at the fair");
    const sent = [];
    const count = (request) => request.method() === "POST" && /\/crm\/leads\//.test(request.url()) && sent.push(new URL(request.url()).pathname);
    page.on("request", count);
    await page.getByTestId("bulk-do").click();
    await page.getByTestId("bulk-refused").getByText("Joko Susilo").waitFor();
    assert.equal(await page.getByTestId("bulk-refused").locator("li").count(), 1);
    page.off("request", count);
    assert.deepEqual(sent, ["/api/v1/crm/leads/stage"], "one request for all");
    for (const lead of leads.slice(0, 2)) await until(async () => (await admin.get(`crm/leads/${lead.id}`)).stage === "interested", { what: () => "the move to be kept" });
    assert.notEqual((await admin.get(`crm/leads/${leads[2].id}`)).stage, "interested");
    await page.getByTestId("bulk-form").getByRole("button", { name: "Close" }).click();
    await page.getByTestId("bulk-count").filter({ hasText: "1 chosen" }).waitFor();
    for (const lead of leads.slice(0, 2)) await page.locator(`[data-column="interested"] [data-lead="${lead.id}"]`).waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("moves several cards by keyboard alone", async () => {
    const leads = [await capture("Oki Firmansyah"), await capture("Puspa Maharani")];
    await open("crm");
    await page.getByTestId("bulk-begin").focus();
    await page.keyboard.press("Enter");
    for (const lead of leads) {
      await page.locator(`[data-lead="${lead.id}"]`).getByTestId("choose").focus();
      await page.keyboard.press("Space");
    }
    await page.getByTestId("bulk-move").focus();
    await page.keyboard.press("Enter");
    await page.getByTestId("bulk-stage").locator('option[value="contacted"]').waitFor({ state: "attached" });
    assert.equal(await page.evaluate(() => document.activeElement?.dataset.testid), "bulk-stage", "the choice has the keyboard");
    await page.keyboard.type("Contacted");
    await page.keyboard.press("Tab");
    await page.keyboard.type("Called this morning");
    await page.getByTestId("bulk-do").focus();
    await page.keyboard.press("Enter");
    await page.getByTestId("bulk-form").waitFor({ state: "detached" });
    for (const lead of leads) await page.locator(`[data-column="contacted"] [data-lead="${lead.id}"]`).waitFor();
    for (const lead of leads) assert.equal((await admin.get(`crm/leads/${lead.id}`)).stage, "contacted");
    assert.deepEqual(page.faults, []);
  });

  it("gives several leads to one agent, by keyboard alone", async () => {
    const leads = [await capture("Kartika Putri"), await capture("Lukman Hakim")];
    await open("crm");
    await page.getByTestId("bulk-begin").focus();
    await page.keyboard.press("Enter");
    for (const lead of leads) {
      await page.locator(`[data-lead="${lead.id}"]`).getByTestId("choose").focus();
      await page.keyboard.press("Space");
    }
    await page.getByTestId("bulk-give").focus();
    await page.keyboard.press("Enter");
    await page.locator(`[data-testid="assign-to"] option[value="${ayu.id}"]:not([disabled])`).waitFor({ state: "attached" });
    assert.equal(await page.evaluate(() => document.activeElement?.dataset.testid), "assign-to", "the choice has the keyboard");
    await page.keyboard.type(AGENT.name.slice(0, 5));
    await page.keyboard.press("Tab");
    await page.keyboard.type("Her region");
    await page.getByTestId("bulk-do").focus();
    await page.keyboard.press("Enter");
    await page.getByTestId("bulk-form").waitFor({ state: "detached" });
    for (const lead of leads) await owned(lead.id, ayu.id, "the lead to be hers");
    for (const lead of leads) await page.locator(`[data-lead="${lead.id}"]`).filter({ hasText: AGENT.name }).waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("counts what was not read beside the menu, and marks it as read", async () => {
    const unread = async () => (await own.get("crm/notices/count")).unread;
    // Leads of the tests before went to the administrator too: as many as there was room for.
    const lead = await capture("Maya Anggraini");
    assert.ok((await admin.api("POST", `crm/leads/${lead.id}/assign`, { to: own.id })).status < 300);
    await until(async () => (await own.get("crm/notices?unread=true&limit=99")).items.some((notice) => notice.lead_id === lead.id), { what: () => "a notice of the lead that was given" });
    await open("crm/notices");
    const badge = async () => Number((await page.getByTestId("unread").getAttribute("data-count", { timeout: 1_000 }).catch(() => null)) ?? 0);
    let seen = [];
    await until(async () => (seen = [await badge(), await unread()])[0] === seen[1], { what: () => `the menu to count what was not read: ${seen}` });
    const count = seen[1];
    assert.ok(count > 0);
    await page.locator('[data-notice="assigned"]').first().getByTestId("notice-read").click();
    await until(async () => (await unread()) < count, { what: () => "the notice to be read" });
    // A button leaves with what was read by it; the one of all stands while several are left.
    const press = (id) => page.getByTestId(id).first().click({ timeout: 2_000 }).catch(() => undefined);
    await until(async () => (await unread()) === 0 || (await press("notice-read-all"), await press("notice-read"), false), { what: () => "all to be read" });
    await page.getByTestId("unread").waitFor({ state: "detached" });
    await page.getByText("Nothing new.").waitFor();
    await page.getByRole("radio", { name: "All" }).click();
    await page.locator("[data-notice][data-read]").first().waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("makes a source whose secret is shown once, rotates it, and switches it off and on", async () => {
    await open("crm/sources");
    await page.getByTestId("source-new").click();
    await page.getByTestId("source-name").fill("Landing Page");
    assert.ok(await page.getByTestId("ask-do").isDisabled());
    await page.getByTestId("source-name").fill("gold-landing");
    await done();
    const first = await page.getByTestId("source-secret").textContent();
    const hook = await page.locator('[data-source="gold-landing"]').getByTestId("hook").textContent();
    assert.equal(await deliver(hook, first, "081234567901"), 201);
    await page.getByTestId("secret-kept").click();
    await page.getByTestId("source-secret").waitFor({ state: "detached" });
    await page.reload();
    await page.locator('[data-source="gold-landing"]').waitFor();
    assert.ok(!(await page.content()).includes(first), "the secret is nowhere any more");

    await page.locator('[data-source="gold-landing"]').getByTestId("source-renew").click();
    await done();
    const second = await page.getByTestId("source-secret").textContent();
    assert.notEqual(second, first);
    assert.equal(await deliver(hook, first, "081234567902"), 401, "the old one ended at once");
    assert.equal(await deliver(hook, second, "081234567902"), 201);
    await page.getByTestId("secret-kept").click();

    await page.locator('[data-source="gold-landing"]').getByTestId("source-turn").click();
    await done();
    await page.locator('[data-source="gold-landing"][data-active="false"]').waitFor();
    assert.equal(await deliver(hook, second, "081234567903"), 401, "nothing comes while it is off");
    await page.locator('[data-source="gold-landing"]').getByTestId("source-turn").click();
    await page.locator('[data-source="gold-landing"][data-active="true"]').waitFor();
    assert.equal(await deliver(hook, second, "081234567903"), 201, "with the secret that it had");
    assert.deepEqual(page.faults, []);
  });

  it("has no accessibility fault, fits a phone and cuts nothing, in both languages and both themes", async () => {
    const lead = (await admin.get("crm/leads/search?q=Fajar")).items[0];
    const look = (settings) => page.evaluate((kept) => localStorage.setItem("siaga.settings", JSON.stringify(kept)), settings);
    for (const [width, height, theme, language] of [[1280, 800, "dark", "en"], [390, 844, "light", "id"]]) {
      await page.setViewportSize({ width, height });
      await look({ theme, language });
      for (const path of [...PAGES, `crm/leads/${lead.id}`]) {
        await open(path);
        assert.equal(await page.getByTestId("trouble").count(), 0, `${path} is in trouble`);
        assert.deepEqual(await page.evaluate(() => [document.documentElement.dataset.theme, document.documentElement.lang]), [theme, language]);
        await fits(path, width);
      }
    }
    // Dialogs and the choosing of several, where there is least room.
    await open(`crm/leads/${lead.id}`);
    await page.getByTestId("lead-edit").click();
    await fits("the lead's data", 390);
    await page.keyboard.press("Escape");
    await open("crm");
    await page.getByTestId("bulk-begin").click();
    await fits("the choosing of several", 390);
    await page.setViewportSize({ width: 1280, height: 800 });
    await look({ theme: "dark", language: "en" });
    assert.deepEqual(page.faults, []);
  });

  it("tells an agent of new leads as they come, and lets them distribute none", async () => {
    const { body } = await new Person(server, null).api("POST", "auth/login", { email: AGENT.email, password: AGENT.password });
    const recovery = await enrol(new Person(server, body.jwt_token));
    const theirs = await openPage(browser, server, { signIn: false, path: "crm" });
    await signIn(theirs, AGENT, recovery[0]);
    await theirs.goto(`${server.origin}/crm`);
    await theirs.getByTestId("board").waitFor();
    await theirs.waitForFunction(() => performance.getEntriesByType("resource").some((entry) => entry.name.endsWith("/ws-tickets")));
    const began = Date.now();
    const lead = await capture("Nanda Saputra");
    await theirs.locator(`[data-lead="${lead.id}"]`).waitFor();
    assert.ok(Date.now() - began < 30_000, "the board is told by the stream, not by its reading anew each minute");
    await theirs.locator(`[data-lead="${lead.id}"] a`).click();
    await theirs.getByTestId("timeline").waitFor();
    assert.equal(await theirs.getByTestId("lead-assign").count(), 0);
    await theirs.goto(`${server.origin}/crm/agents`);
    await theirs.locator(`[data-agent="${ayu.id}"]`).waitFor();
    assert.equal(await theirs.getByTestId("agent-change").count(), 0);
    assert.equal(await theirs.locator('nav a[href="/crm/sources"]').count(), 0);
    assert.deepEqual(theirs.faults, []);
    await theirs.context().close();
  });

  it("lets somebody leave in one step, and says what became of their work", async () => {
    await open("crm/agents");
    await page.locator(`[data-agent="${ayu.id}"]`).getByTestId("agent-leave").click();
    assert.ok(await page.getByTestId("ask-do").isDisabled(), "it asks why");
    await page.getByTestId("ask-reason").fill("Moves to Jakarta");
    await done();
    await page.getByTestId("left").waitFor();
    await page.locator(`[data-agent="${ayu.id}"][data-room="away"]`).waitFor();
    assert.equal((await admin.get(`users/${ayu.id}`)).status, "suspended");
    assert.deepEqual((await admin.get(`crm/leads?assigned_to=${ayu.id}`)).items, []);
    await open("crm/notices");
    await page.locator('[data-notice="left"]').filter({ hasText: AGENT.name }).waitFor();
    assert.deepEqual(page.faults, []);
  });

  /** Whether what stands on the page fits its width, is cut nowhere, and has no fault of accessibility. */
  async function fits(what, width) {
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what} is wider than ${width} px`);
    const cut = await page.evaluate(() => [...document.querySelectorAll("main *")].filter((one) => getComputedStyle(one).textOverflow === "ellipsis" && one.scrollWidth > one.clientWidth).map((one) => one.textContent));
    assert.deepEqual(cut, [], `${what} cuts text at ${width} px`);
    // What is still fading in has the colours of neither ground.
    await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished)));
    await page.evaluate(await readFile(AXE, "utf8"));
    const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
    assert.deepEqual(found.violations.map((fault) => `${what}: ${fault.id}: ${fault.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join(" | ")}`), []);
  }
});

/** Sends a lead in as a landing page does, signed over the raw body. */
async function deliver(hook, secret, phone) {
  const body = JSON.stringify({ name: "Tamu", phone, city: "Bandung" });
  const at = Math.floor(Date.now() / 1_000);
  const signed = createHmac("sha256", secret).update(`${at}.${body}`).digest("hex");
  const response = await fetch(hook, { method: "POST", headers: { "content-type": "application/json", "x-siaga-signature": `t=${at},v1=${signed}` }, body });
  return response.status;
}
