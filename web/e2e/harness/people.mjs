import { createHmac } from "node:crypto";
import { until } from "./server.mjs";

const STEP_MS = 30_000;

/** The six digits of an authenticator (RFC 6238: SHA-1, half a minute). */
export function totp(secret, at = Date.now()) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / STEP_MS)));
  const digest = createHmac("sha1", base32(secret)).update(counter).digest();
  const offset = digest[19] & 15;
  return String((digest.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000).padStart(6, "0");
}

function base32(text) {
  const bits = [...text.replaceAll(/[\s=]/g, "").toUpperCase()].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

/** An authenticator whose digits work once each: the next ones are waited for. */
export class Authenticator {
  constructor(secret) {
    this.secret = secret;
    this.used = null;
  }

  async code() {
    await until(() => totp(this.secret) !== this.used, { ms: 2 * STEP_MS, what: () => "the next digits", every: 250 });
    this.used = totp(this.secret);
    return this.used;
  }
}

/** A person who uses the API as a program does, beside the pages. */
export class Person {
  constructor(server, token) {
    this.server = server;
    this.token = token;
  }

  static async register(server, { email, password, name, phone }) {
    const { status, body } = await call(server, "POST", "auth/register", { email, password, name, phone });
    if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
    return new Person(server, body.jwt_token);
  }

  /** The house's first administrator, made by the secret and with an authenticator of their own; each recovery code is good for one sign-in. */
  static async first(server, { email, password, name, phone }) {
    const { status, body } = await call(server, "POST", "auth/first-administrator", { secret: server.secret, email, password, name, phone });
    if (status >= 300) throw new Error(`first administrator: ${status} ${JSON.stringify(body)}`);
    const person = new Person(server, body.jwt_token);
    const authenticator = new Authenticator((await person.post("auth/mfa/totp")).secret);
    const { recovery_codes: recovery } = await person.post("auth/mfa/totp/confirm", { code: await authenticator.code() });
    return { person, authenticator, recovery };
  }

  /** Signs in with a recovery code, so that nobody waits for an authenticator. */
  static async signIn(server, { email, password }, recovery) {
    const { status, body } = await call(server, "POST", "auth/login", { email, password });
    if (status !== 200) throw new Error(`sign in: ${status} ${JSON.stringify(body)}`);
    if (!body.mfa) return new Person(server, body.jwt_token);
    const second = await call(server, "POST", "auth/mfa/verify", { challenge: body.mfa.challenge, method: "recovery", code: recovery });
    if (second.status !== 200) throw new Error(`second factor: ${second.status} ${JSON.stringify(second.body)}`);
    return new Person(server, second.body.jwt_token);
  }

  api(method, path, body) {
    return call(this.server, method, path, body, this.token);
  }

  async get(path) {
    const { status, body } = await this.api("GET", path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  async post(path, body) {
    const { status, body: answer } = await this.api("POST", path, body);
    if (status >= 300) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }
}

/** Types what the identity card of a case says: nobody is approved of whom no document says who they are. */
export async function typeCard(officer, caseId, name) {
  const card = (await officer.get(`kyc/cases/${caseId}`)).documents.find((one) => one.document_type === "ktp");
  const read = { nama: name, nik: "3171015708850001", ttl: "1985-08-17", jenis_kelamin: "female", berlaku_sampai: "SEUMUR HIDUP" };
  const { status, body } = await officer.api("PUT", `kyc/${card.document_id}/fields`, { document_data: read, revision: card.revision });
  if (status !== 200) throw new Error(`fields: ${status} ${JSON.stringify(body)}`);
}

/** Sets an authenticator up for somebody of the house. */
export async function enrol(person) {
  const authenticator = new Authenticator((await person.post("auth/mfa/totp")).secret);
  return (await person.post("auth/mfa/totp/confirm", { code: await authenticator.code() })).recovery_codes;
}

/** Somebody whom `by` lets into the house, with a password set by the code that was sent to them. */
export async function invite(server, by, { email, name, role, password }) {
  const user = await by.post("users", { email, name, role });
  const code = await until(() => server.sentCode(email), { what: () => `a code for ${email}`, every: 200 });
  const { status, body } = await call(server, "POST", "auth/password/reset", { email, code, password });
  if (status !== 204) throw new Error(`set a password: ${status} ${JSON.stringify(body)}`);
  return user;
}

async function call(server, method, path, body, token) {
  const response = await fetch(`${server.origin}/api/v1/${path}`, {
    method,
    headers: { "x-client": "api", ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}
