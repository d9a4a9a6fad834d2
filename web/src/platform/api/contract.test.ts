import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fieldsOf, kinds, partOf, properties, written, type Schema } from "../../api/contract";

const ROOT = new URL("../../../../", import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
  requestBody?: { content: Record<string, { schema: Schema }> };
}

const document = JSON.parse(text("docs/openapi.json")) as { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Schema> } };
const all = document.components.schemas;
const unnamed = (path: string) => path.replaceAll(/\{\w+\}/g, "{}");
const paths = new Map(Object.entries(document.paths).map(([path, operations]) => [unnamed(path), operations]));

const operation = (method: string, path: string): Operation => {
  const found = paths.get(`/api/v1/${unnamed(path)}`)?.[method];
  if (!found) throw new Error(`docs/openapi.json has no ${method} ${path}`);
  return found;
};
const answer = (method: string, path: string): Schema => {
  const { responses } = operation(method, path);
  const schema = (responses["200"] ?? responses["201"])?.content?.["application/json"]?.schema;
  if (!schema) throw new Error(`${method} ${path} answers nothing`);
  return schema;
};

const FILES = ["../../api/types.ts", "./crm.ts", "./sales.ts", "./kyc.ts", "./aml.ts", "./identity.ts", "./records.ts"].map((file) => readFileSync(new URL(file, import.meta.url), "utf8")).join("\n");
const ENUMS = [...FILES.matchAll(/export type (\w+) = (?:\n? *\| )?"/g)].map((match) => match[1]!);

/** Our interfaces, and where the server answers them. */
const ANSWERS: Record<string, readonly [method: string, path: string, part: string]> = {
  User: ["get", "users/{id}", ""],
  Me: ["get", "auth/me", ""],
  SignedIn: ["post", "auth/login", ""],
  Mfa: ["post", "auth/login", "mfa"],
  SessionRow: ["get", "auth/sessions", "[]"],
  Passkey: ["get", "auth/passkeys", "[]"],
  TotpSetup: ["post", "auth/mfa/totp", ""],
  RoleRow: ["get", "roles", "[]"],
  Team: ["get", "teams", "items.[]"],
  Colleague: ["get", "colleagues", "items.[]"],
  Grant: ["get", "roles", "[].grants.[]"],
  UserProfile: ["get", "users/{id}/profile", ""],
  ProfileAccount: ["get", "profile", "accounts.[]"],
  UserPreferences: ["put", "profile/preferences", ""],
  UserActivity: ["get", "crm/leads/{id}/timeline", "profile.activity"],
  EngagementPart: ["get", "profile", "activity.parts.[]"],
  Lead: ["get", "crm/leads/{id}", ""],
  Board: ["get", "crm/board", ""],
  Column: ["get", "crm/board", "columns.[]"],
  LeadMove: ["get", "crm/leads/{id}/moves", "items.[]"],
  Event360: ["get", "crm/leads/{id}/timeline", "items.[]"],
  LeadAccount: ["get", "crm/leads/{id}/timeline", "accounts.[]"],
  LeadAlert: ["get", "crm/leads/{id}/timeline", "alerts.[]"],
  Fact: ["get", "crm/leads/{id}/facts", "items.[]"],
  Score: ["get", "crm/leads/{id}/facts", "score"],
  ScorePart: ["get", "crm/leads/{id}/facts", "score.parts.[]"],
  Task: ["get", "crm/tasks", "items.[]"],
  Deal: ["get", "crm/leads/{id}/deals", "items.[]"],
  Dashboard: ["get", "crm/dashboard", ""],
  Agents: ["get", "crm/agents", ""],
  Agent: ["get", "crm/agents", "items.[]"],
  Candidate: ["get", "crm/agents/candidates", "items.[]"],
  Verdicts: ["post", "crm/leads/stage", ""],
  Verdict: ["post", "crm/leads/assign", "items.[]"],
  Unread: ["get", "crm/notices/count", ""],
  Left: ["post", "crm/agents/{id}/leave", ""],
  LeadSource: ["post", "crm/sources", ""],
  Notice: ["get", "crm/notices", "items.[]"],
  StageFigure: ["get", "crm/dashboard", "stages.[]"],
  KycRow: ["get", "kyc/cases", "items.[]"],
  KycQueued: ["get", "kyc/cases", "items.[]"],
  KycTaken: ["post", "kyc/upload", "documents.[]"],
  KycCase: ["get", "kyc/cases/{id}", ""],
  KycDocument: ["get", "kyc/{doc_id}", ""],
  DocumentData: ["get", "kyc/{doc_id}", "document_data"],
  Finding: ["get", "kyc/cases/{id}", "findings.[]"],
  KycReview: ["get", "kyc/cases/{id}", "reviews.[]"],
  Uploaded: ["post", "kyc/upload", ""],
  Reviewed: ["put", "kyc/cases/{id}/review", ""],
  Dispute: ["get", "kyc/disputes", "items.[]"],
  AmlSource: ["get", "aml/sources", "items.[]"],
  NameCheck: ["post", "aml/check", ""],
  Hit: ["post", "aml/check", "hits.[]"],
  CaseRow: ["get", "aml/cases", "items.[]"],
  Case: ["get", "aml/cases/{id}", ""],
  AmlAlert: ["get", "aml/cases/{id}", "alerts.[]"],
  CaseHit: ["get", "aml/cases/{id}", "hits.[]"],
  ListEntry: ["get", "aml/cases/{id}", "hits.[].entry"],
  EntryName: ["get", "aml/cases/{id}", "hits.[].entry.names.[]"],
  CaseNote: ["get", "aml/cases/{id}", "notes.[]"],
  CaseStep: ["get", "aml/cases/{id}", "history.[]"],
  AmlReport: ["get", "aml/reports/{id}", ""],
  Cash: ["get", "cash/requests", "items.[]"],
  Exception: ["get", "aml/clients/{id}/whitelist", "items.[]"],
  ListVersion: ["get", "aml/sources/{name}/versions", "items.[]"],
  ApiKey: ["get", "auth/keys", "[]"],
  LinkedAccount: ["get", "auth/providers", "[]"],
  Consents: ["get", "subjects/{id}/consents", ""],
  Consent: ["get", "subjects/{id}/consents/history", "items.[]"],
  SubjectRequest: ["get", "subjects/{id}/requests", "items.[]"],
  LedgerLine: ["get", "erasures/{id}/ledger", "items.[]"],
  Hold: ["get", "holds", "items.[]"],
  AuditRow: ["get", "audit", "items.[]"],
  AuditPiece: ["get", "audit/chain", ""],
  AuditFlaw: ["get", "audit/chain", "flaws.[]"],
  Found: ["get", "search", "items.[]"],
};

/** Everything that is sent, and where to. */
const REQUESTS: Record<string, readonly [method: string, path: string]> = {
  NewTask: ["post", "crm/tasks"],
  LeadChange: ["patch", "crm/leads/{id}"],
  NewFact: ["post", "crm/leads/{id}/facts"],
  NewDeal: ["post", "crm/leads/{id}/deals"],
  DealChange: ["patch", "crm/deals/{id}"],
  Limits: ["put", "crm/limits"],
  AgentChange: ["put", "crm/agents/{id}"],
  NewSource: ["post", "crm/sources"],
  NewCash: ["post", "cash/requests"],
  NewUser: ["post", "users"],
  RoleChange: ["post", "users/{id}/role"],
  TierChange: ["post", "users/{id}/tier"],
  NewTeam: ["post", "teams"],
  TeamChange: ["patch", "teams/{id}"],
  OwnCorrection: ["patch", "profile"],
  PreferencesChange: ["put", "profile/preferences"],
  NewKey: ["post", "auth/keys"],
  NewAddresses: ["put", "aml/sources/{name}"],
  NewConsent: ["post", "subjects/{id}/consents"],
  NewHold: ["post", "holds"],
};

describe("types of the platform as the server publishes them", () => {
  for (const [ours, [method, path, part]] of Object.entries(ANSWERS)) {
    it(`${ours} is what ${method.toUpperCase()} ${path} answers`, () => {
      const schema = partOf(all, answer(method, path), part === "" ? [] : part.split("."));
      expect(schema, part).toBeDefined();
      const { of, required } = properties(all, schema!);
      const fields = fieldsOf(FILES, ours);
      expect(fields.length).toBeGreaterThan(0);
      for (const field of fields) {
        const published = of[field.name];
        expect(published, `${path} has no ${field.name}`).toBeDefined();
        const readable = written(field.type, ENUMS);
        if (!required.includes(field.name)) expect(field.optional || readable.has("null"), `${ours}.${field.name} may be absent`).toBe(true);
        for (const kind of kinds(all, published!)) expect([...readable], `${ours}.${field.name}`).toContain(kind === "null" && field.optional ? [...readable][0] : kind);
      }
    });
  }

  for (const [ours, [method, path]] of Object.entries(REQUESTS)) {
    it(`${ours} is what ${method.toUpperCase()} ${path} takes`, () => {
      const body = operation(method, path).requestBody?.content["application/json"]?.schema;
      const { of, required } = properties(all, body!);
      const fields = fieldsOf(FILES, ours);
      for (const field of fields) expect(Object.keys(of), ours).toContain(field.name);
      expect(fields.filter((field) => !field.optional).map((field) => field.name)).toEqual(expect.arrayContaining(required));
    });
  }

  it("asks for no address that the server does not have", () => {
    const sources = FILES + text("web/src/api/client.ts");
    const called = [...sources.matchAll(/(?:"|`)((?:auth|users|teams|crm|kyc|aml|cash|subjects|erasures|holds|profile)\/[^"`?]*|users|teams|profile|roles|colleagues|holds|audit|audit\/chain|search)(?:"|`)/g)].map((match) => match[1]!.replaceAll(/\$\{[^}]*\}/g, "{}"));
    expect(called.length).toBeGreaterThan(75);
    // A step in the address is one of several; each of them has its own place.
    const steps = new Map([["cash/requests/{}/{}", ["approve", "confirm", "reject", "cancel", "hold", "release"]], ["aml/reports/{}/{}", ["submit", "return", "approve", "filed"]]]);
    const wanted = called.flatMap((path) => steps.get(path)?.map((step) => path.replace(/\{\}$/, step)) ?? [path]);
    expect([...new Set(wanted)].filter((path) => !paths.has(`/api/v1/${path}`))).toEqual([]);
  });
});
