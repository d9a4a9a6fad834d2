import { expect, it } from "vitest";
import { accepted, FILE_BYTES_MAX, fileFault, lacking, uploadForm, wanted } from "./files";

it("says what is wrong with a file before it is sent", () => {
  const file = (size: number, type: string) => ({ size, type });
  expect(fileFault("ktp", file(1, "image/png"))).toBeNull();
  expect(fileFault("ktp", file(FILE_BYTES_MAX, "image/jpeg"))).toBeNull();
  expect(fileFault("ktp", file(5_000_001, "image/jpeg"))).toBe("large");
  expect(fileFault("ktp", file(0, "image/jpeg"))).toBe("empty");
  expect(fileFault("passport", file(9, "application/pdf"))).toBe("type");
  expect(fileFault("selfie", file(9, "image/png"))).toBe("selfieType");
  expect(fileFault("selfie", file(9, "image/jpeg"))).toBeNull();
  expect(accepted("selfie")).toBe("image/jpeg");
});

it("asks for what the case lacks, the identity as one of two", () => {
  expect(wanted(null)).toEqual({ identity: true, others: ["npwp", "selfie", "proof_of_address"] });
  expect(wanted(["ktp", "selfie"])).toEqual({ identity: true, others: ["selfie"] });
  expect(wanted([])).toEqual({ identity: false, others: [] });
});

it("asks again for what was refused alone", () => {
  const mine = (status: string, ...documents: string[]) => ({ status, missing: ["selfie" as const], documents: documents.map((verification_status) => ({ verification_status })) });
  expect(lacking(null)).toEqual(wanted(null));
  expect(lacking(mine("PENDING_UPLOAD"))).toEqual(wanted(["selfie"]));
  expect(lacking(mine("REJECTED", "review", "rejected"))).toEqual(wanted(["selfie"]));
  expect(lacking(mine("REJECTED", "rejected", "rejected"))).toEqual(wanted(null));
});

it("sends types before files, in the same order, and no name of a file", async () => {
  const form = uploadForm([["ktp", new Blob(["a"])], ["selfie", new Blob(["b"])]]);
  expect([...form.keys()]).toEqual(["document_types[]", "document_types[]", "files[]", "files[]"]);
  expect(form.getAll("document_types[]")).toEqual(["ktp", "selfie"]);
  const files = form.getAll("files[]") as File[];
  expect(await Promise.all(files.map((file) => file.text()))).toEqual(["a", "b"]);
  expect(files.map((file) => file.name)).toEqual(["ktp", "selfie"]);
});
