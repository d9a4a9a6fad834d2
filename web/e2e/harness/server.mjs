import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
/** A debug build opens its embedded database and catalog in a few seconds; a busy machine takes longer. */
const START_MS = 90_000;
/** A test asks more in a minute than a person does. */
const LIMITS = { SIAGA__IDENTITY__PER_ADDRESS: "6000", SIAGA__IDENTITY__PER_ADDRESS_SIGN_IN: "600", SIAGA__IDENTITY__PER_ADDRESS_UPLOAD: "60", SIAGA__IDENTITY__PER_PERSON: "6000" };

function binary() {
  const path = process.env.SIAGA_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug/siaga");
  if (!existsSync(path)) throw new Error(`no program at ${path}: build it with \`cargo build\`, or name it in SIAGA_BIN`);
  return path;
}

/** A desk of its own: the real program on a free port with an empty data folder, gone when the test ends. */
export class Server {
  static async start({ data, port = 0, env = {} } = {}) {
    const folder = data ?? (await mkdtemp(join(tmpdir(), "siaga-e2e-")));
    const server = new Server(folder, data === undefined, env);
    await server.#spawn(port);
    return server;
  }

  constructor(data, owned, env) {
    this.data = data;
    this.owned = owned;
    this.env = env;
    this.log = "";
  }

  get origin() {
    return `http://${this.address}`;
  }

  /** The address a person would open. */
  get url() {
    return `${this.origin}/#secret=${encodeURIComponent(this.secret)}`;
  }

  /** Calls the API as a program does, beside the page. */
  async api(method, path, body) {
    const response = await fetch(`${this.origin}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.secret}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }

  async get(path) {
    const { status, body } = await this.api("GET", path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  async scenario(scenario, symbol) {
    const { status, body } = await this.api("POST", "demo/scenario", { scenario, ...(symbol ? { symbol } : {}) });
    if (status >= 300) throw new Error(`scenario ${scenario}: ${status} ${JSON.stringify(body)}`);
  }

  /** Waits for the accounts of people: their database comes up behind the desk. */
  async accountsOpen() {
    await until(async () => (await fetch(`${this.origin}/api/v1/auth/jwks.json`)).ok, { ms: 120_000, what: () => "the accounts to open" });
  }

  /** The newest code that was sent to an address or a number: a demonstration without a mail server writes what it would send. */
  async sentCode(to) {
    const text = await readFile(join(this.data, "messages.ndjson"), "utf8").catch(() => "");
    const sent = text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line)).filter((message) => message.to === to);
    // What else went there meanwhile has no digits of a code.
    return sent.map((message) => /\b\d{6}\b/.exec(message.text)?.[0]).findLast((code) => code !== undefined);
  }

  /** Ends it as the power does. */
  async kill() {
    await this.#end("SIGKILL");
  }

  async restart() {
    await this.#spawn(Number(this.address.split(":")[1]));
  }

  async stop() {
    await this.#end("SIGTERM");
    if (this.owned) await rm(this.data, { recursive: true, force: true });
  }

  async #spawn(port) {
    const child = spawn(binary(), ["serve", "--data", this.data, "--listen", `127.0.0.1:${port}`, "--json"], { stdio: ["ignore", "pipe", "pipe"], cwd: ROOT, env: { ...process.env, ...LIMITS, ...this.env } });
    this.child = child;
    this.exited = new Promise((done) => child.once("exit", done));
    let address;
    this.log = "";
    const hear = (chunk) => {
      this.log = (this.log + chunk).slice(-20_000);
      address ??= /"(?:address|listening)"\s*:\s*"([^"]+)"/.exec(this.log)?.[1] ?? /http:\/\/(127\.0\.0\.1:\d+)/.exec(this.log)?.[1];
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`siaga ended with ${child.exitCode}:\n${this.log}`);
      if (!address) return false;
      this.address = address;
      this.secret = (await readFile(join(this.data, "secret"), "utf8").catch(() => "")).trim();
      return this.secret !== "" && (await fetch(`http://${address}/livez`).then((answer) => answer.ok, () => false));
    }, { ms: START_MS, what: () => `the desk to start:\n${this.log}` });
  }

  async #end(signal) {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    const late = setTimeout(() => this.child.kill("SIGKILL"), 20_000);
    await this.exited;
    clearTimeout(late);
  }
}

/** A port that nobody has now, for a desk whose address has to be known before it starts. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** Waits for a condition, never for a time. */
export async function until(condition, { ms = 60_000, what = () => "a condition", every = 50 } = {}) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for ${what()}`);
    await new Promise((done) => setTimeout(done, every));
  }
}

export { ROOT };
