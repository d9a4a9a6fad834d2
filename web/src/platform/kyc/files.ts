import type { DocumentType } from "../api/kyc";

/** 5 MB a file, as the server takes them: a larger one is not sent at all. */
export const FILE_BYTES_MAX = 5_000_000;

export type FileFault = "empty" | "large" | "type" | "selfieType";

/** Types that a file of a document may have. A selfie comes from a camera: JPEG alone. */
export const accepted = (type: DocumentType): string => (type === "selfie" ? "image/jpeg" : "image/jpeg,image/png");

/** What is wrong with a chosen file, before it is sent; the server looks at its content anew. */
export function fileFault(type: DocumentType, file: { size: number; type: string }): FileFault | null {
  if (file.size === 0) return "empty";
  if (file.size > FILE_BYTES_MAX) return "large";
  if (type === "selfie") return file.type === "image/jpeg" ? null : "selfieType";
  return file.type === "image/jpeg" || file.type === "image/png" ? null : "type";
}

/** Which document proves who somebody is: one of the two is enough. */
export const IDENTITY: readonly DocumentType[] = ["ktp", "passport"];

/** The types that a page asks for: what the case lacks, the identity as a choice of two. Before the first upload that is all of them. */
export function wanted(missing: readonly DocumentType[] | null): { identity: boolean; others: DocumentType[] } {
  if (missing === null) return { identity: true, others: ["npwp", "selfie", "proof_of_address"] };
  return { identity: missing.some((type) => IDENTITY.includes(type)), others: missing.filter((type) => !IDENTITY.includes(type)) };
}

/** What a client is asked for: everything at the beginning and when all was refused, else what the case lacks. */
export function lacking(mine: { status: string; missing: readonly DocumentType[]; documents: readonly { verification_status: string }[] } | null): ReturnType<typeof wanted> {
  const goesOn = mine !== null && (mine.status === "PENDING_UPLOAD" || (mine.status === "REJECTED" && mine.documents.some((one) => one.verification_status !== "rejected")));
  return wanted(goesOn ? mine.missing : null);
}

/** The parts of an upload: types first, then the files in the same order. */
export function uploadForm(files: readonly (readonly [DocumentType, Blob])[]): FormData {
  const form = new FormData();
  for (const [type] of files) form.append("document_types[]", type);
  for (const [type, file] of files) form.append("files[]", file, type);
  return form;
}
