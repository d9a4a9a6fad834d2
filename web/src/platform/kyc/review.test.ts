import { describe, expect, it } from "vitest";
import type { Me } from "../../api/types";
import type { DocumentData, Finding, KycCase, KycDocument } from "../api/kyc";
import { byWeight, changed, documentLeft, hindrance, isBarred, shownField } from "./review";

const me = (id: string, permissions = ["kyc.read", "kyc.review"]): Me => ({
  user: { id, email: null, name: null, phone: null, role: "compliance_officer", staff: true, status: "active", verified: true, tier: null, locale: null, org_id: null, team_id: null, actor: null, revision: 1 },
  session: "s", mfa: true, enrol: false, csrf: "t", factors: ["totp"], permissions,
});
const finding = (code: string, weight: Finding["weight"]): Finding => ({ code, weight, document_id: null, text: code, score: null });
const kase = (more: Partial<KycCase> = {}): KycCase => ({
  id: "c", user_id: "client", client: "Siti", status: "REVIEW_REQUIRED", attempt: 1, failed_attempts: 0, attempts_left: 3, risky: false, awaiting_second: false, first_reviewer: null, missing: [], submitted_at: 0,
  due_at: 0, overdue: false, reason: null, sight: "clear", revision: 1, findings: [], documents: [], reviews: [], dispute: null, ...more,
});

describe("who may decide", () => {
  it("is whoever reviews, while the case waits for a review", () => {
    expect(hindrance(kase(), me("a"))).toBeNull();
    expect(hindrance(kase(), me("a", ["kyc.read"]))).toBe("notAllowed");
    expect(hindrance(kase(), null)).toBe("notAllowed");
    expect(hindrance(kase({ sight: "masked" }), me("a"))).toBe("masked");
    for (const status of ["PENDING_UPLOAD", "PROCESSING_OCR", "APPROVED", "REJECTED", "BLOCKED"] as const) expect(hindrance(kase({ status }), me("a")), status).toBe("notWaiting");
  });

  it("is never the one who is reviewed, and for the second approval never the first", () => {
    expect(hindrance(kase({ user_id: "a" }), me("a"))).toBe("own");
    const waiting = kase({ risky: true, awaiting_second: true, first_reviewer: "a" });
    expect(hindrance(waiting, me("a"))).toBe("secondPerson");
    expect(hindrance(waiting, me("b"))).toBeNull();
  });
});

it("puts what stands in the way first, and knows what forbids approving", () => {
  const findings = [finding("n", "note"), finding("r", "risk"), finding("b", "bar")];
  expect(byWeight(findings).map(({ code }) => code)).toEqual(["b", "r", "n"]);
  expect(isBarred(kase({ findings }))).toBe(true);
  expect(isBarred(kase({ findings: findings.slice(0, 2) }))).toBe(false);
});

it("keeps what was not touched, and empties what was cleared", () => {
  const before: DocumentData = { nama: "SITI", nik: "1", ttl: null, jenis_kelamin: null, alamat: "Jl. A", nomor_paspor: null, kewarganegaraan: null, berlaku_sampai: null, npwp: null, mrz: null };
  expect(changed(before, { nama: " SITI N ", alamat: " " })).toEqual({ ...before, nama: "SITI N", alamat: null });
  const lines = changed(before, { mrz: "P<IDNSITI<<NUR\n A123 \n" });
  expect(lines.mrz).toEqual(["P<IDNSITI<<NUR", "A123"]);
  expect(shownField(lines, "mrz")).toBe("P<IDNSITI<<NUR\nA123");
  expect([shownField(before, "nama"), shownField(before, "mrz")]).toEqual(["SITI", ""]);
});

it("knows which document is the last that this person has to approve", () => {
  const one = (id: string, status: string, by: string | null) => ({ document_id: id, verification_status: status, reviewed_by: by }) as KycDocument;
  const [ktp, selfie, npwp] = [one("k", "review", null), one("s", "approved", "a"), one("n", "approved", "b")];
  expect(documentLeft({ documents: [ktp, selfie, npwp] }, ktp, "a")).toBe(1);
  expect(documentLeft({ documents: [ktp, selfie] }, ktp, "a")).toBe(0);
  expect(documentLeft({ documents: [ktp, selfie] }, ktp, null)).toBe(1);
});
