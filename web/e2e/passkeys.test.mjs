import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, openPage, signInAs, skip } from "./harness/browser.mjs";
import { Person } from "./harness/people.mjs";
import { freePort, Server } from "./harness/server.mjs";

const CLIENT = { email: "rara@contoh.id", password: "Kawah-Putih-51", name: "Rara Lestari", phone: "+6281234567821" };
/** A device with a reader of fingers that are always right: nobody is there to touch it. */
const DEVICE = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
const VERIFY = "/api/v1/auth/mfa/verify";

describe("passkeys", { skip }, () => {
  let server;
  let site;
  let browser;
  let page;
  let device;
  let program;
  let proof;
  before(async () => {
    // A passkey is bound to a name, and an address of numbers is none: the page is opened as localhost.
    const port = await freePort();
    const origin = `http://localhost:${port}`;
    server = await Server.start({ port, env: { SIAGA__IDENTITY__PUBLIC_URL: origin } });
    await server.accountsOpen();
    await Person.register(server, CLIENT);
    // Nobody's token: what a thief of an assertion has.
    program = new Person(server);
    site = { origin, secret: server.secret };
    browser = await launch();
    page = await openPage(browser, site, { signIn: false, path: "me" });
    device = await page.context().newCDPSession(page);
    await device.send("WebAuthn.enable");
    device.id = (await device.send("WebAuthn.addVirtualAuthenticator", { options: DEVICE })).authenticatorId;
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const signIn = () => signInAs(page, CLIENT);
  const toSecurity = async () => {
    await page.goto(`${site.origin}/me`);
    await page.getByTestId("passkey-new").waitFor();
  };
  const held = async () => (await device.send("WebAuthn.getCredentials", { authenticatorId: device.id })).credentials;
  const waiting = async () => {
    const { status, body } = await program.api("POST", "auth/login", { email: CLIENT.email, password: CLIENT.password });
    assert.equal(status, 200);
    return body.mfa ?? null;
  };

  it("are made by the device and listed by their name", async () => {
    await signIn();
    await page.getByTestId("who").waitFor();
    await toSecurity();
    assert.equal(await waiting(), null, "the password is enough so far");
    await page.getByTestId("passkey-new").click();
    assert.ok(await page.getByTestId("ask-do").isDisabled(), "a passkey has a name");
    await page.getByLabel("Name of the device").fill("Laptop");
    await page.getByTestId("ask-do").click();
    await page.getByTestId("passkeys").getByText("Laptop", { exact: true }).waitFor();
    const keys = await held();
    assert.deepEqual(keys.map((key) => key.rpId), ["localhost"]);
    assert.deepEqual(page.faults, []);
  });

  it("sign in behind the password", async () => {
    await page.getByTestId("sign-out").click();
    await signIn();
    const second = page.getByTestId("second-factor");
    await second.waitFor();
    const count = (await held())[0].signCount;
    const [request] = await Promise.all([
      page.waitForRequest((one) => one.url().endsWith(VERIFY)),
      second.getByRole("button", { name: "Use the passkey" }).click(),
    ]);
    proof = request.postDataJSON();
    assert.equal(proof.method, "passkey");
    await page.getByTestId("who").waitFor();
    assert.ok((await held())[0].signCount > count, "the device was asked");
    await toSecurity();
    await page.getByTestId("passkeys").getByText("used").waitFor();
    assert.deepEqual(page.faults, []);
  });

  it("are worth nothing the second time", async () => {
    const again = await program.api("POST", "auth/mfa/verify", proof);
    assert.deepEqual([again.status, again.body.name], [401, "challenge_over"]);
    // Nor for a sign-in of its own, whose challenge is another.
    const { challenge, methods } = await waiting();
    assert.deepEqual(methods, ["passkey"]);
    assert.equal((await program.api("POST", "auth/mfa/passkey", { challenge })).status, 200);
    const stolen = await program.api("POST", "auth/mfa/verify", { ...proof, challenge });
    assert.deepEqual([stolen.status, stolen.body.name], [401, "code_wrong"]);
  });

  it("are taken away, and the password is enough again", async () => {
    await page.getByRole("button", { name: "Remove passkey Laptop" }).click();
    await page.getByTestId("ask-do").click();
    await page.getByText("No passkey yet.").waitFor();
    assert.equal(await waiting(), null);
    assert.deepEqual(page.faults, []);
  });
});
