import type { Me } from "../../api/types";
import { may } from "../../app/pages";
import type { DocumentData, Finding, FindingWeight, KycCase, KycDocument } from "../api/kyc";

/** Fields of each document in the order in which they stand on it. */
export const FIELDS: Record<string, readonly (keyof DocumentData)[]> = {
  ktp: ["nik", "nama", "ttl", "jenis_kelamin", "alamat", "kewarganegaraan", "berlaku_sampai"],
  passport: ["nomor_paspor", "nama", "ttl", "jenis_kelamin", "kewarganegaraan", "berlaku_sampai", "mrz"],
  npwp: ["npwp", "nama", "nik", "alamat"],
  selfie: [],
  proof_of_address: ["nama", "alamat"],
};

const WEIGHTS: readonly FindingWeight[] = ["bar", "risk", "note"];

/** What stands in the way stands first. */
export const byWeight = (findings: readonly Finding[]): Finding[] => [...findings].sort((a, b) => WEIGHTS.indexOf(a.weight) - WEIGHTS.indexOf(b.weight));

/** Why this person cannot decide now; `null` when they can. The server says it too, after the press. */
export type Hindrance = "notAllowed" | "notWaiting" | "own" | "secondPerson" | "masked";

export function hindrance(given: KycCase, me: Me | null): Hindrance | null {
  if (!may(me, "kyc.review")) return "notAllowed";
  if (given.sight === "masked") return "masked";
  if (given.status !== "REVIEW_REQUIRED") return "notWaiting";
  if (given.user_id === me?.user.id) return "own";
  // Whoever approved first may still reject; another person gives the second approval.
  if (given.awaiting_second && given.first_reviewer === me?.user.id) return "secondPerson";
  return null;
}

/** A bar forbids approving, whoever looks at it. */
export const isBarred = (given: KycCase): boolean => given.findings.some((finding) => finding.weight === "bar");

/** Documents beside this one that this person has not approved yet: with none left, approving it approves the case. */
export const documentLeft = ({ documents }: Pick<KycCase, "documents">, document: KycDocument, reviewer: string | null): number =>
  documents.filter((one) => one.document_id !== document.document_id && !(one.verification_status === "approved" && one.reviewed_by === reviewer)).length;

export type FieldName = keyof DocumentData;

/** A field as it stands in the form. */
export const shownField = (data: DocumentData, name: FieldName): string => (name === "mrz" ? (data.mrz ?? []).join("\n") : (data[name] ?? ""));

/** What was changed against what was read; `null` empties a field. */
export function changed(before: DocumentData, typed: Partial<Record<FieldName, string>>): DocumentData {
  const after = { ...before };
  for (const [name, text] of Object.entries(typed) as [FieldName, string][]) {
    const plain = text.trim();
    if (name === "mrz") after.mrz = plain === "" ? null : plain.split(/\s*\n\s*/);
    else after[name] = plain === "" ? null : plain;
  }
  return after;
}
