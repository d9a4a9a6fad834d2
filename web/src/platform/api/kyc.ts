import { part, type Door, type PageOf } from "./door";

export type KycStatus = "PENDING_UPLOAD" | "PROCESSING_OCR" | "REVIEW_REQUIRED" | "APPROVED" | "REJECTED" | "BLOCKED";
export type DocumentType = "ktp" | "passport" | "npwp" | "selfie" | "proof_of_address";
export type FindingWeight = "note" | "risk" | "bar";

/** What was read on a document; `null` is not on it, or not read. */
export interface DocumentData {
  nama: string | null;
  nik: string | null;
  ttl: string | null;
  jenis_kelamin: string | null;
  alamat: string | null;
  nomor_paspor: string | null;
  kewarganegaraan: string | null;
  berlaku_sampai: string | null;
  npwp: string | null;
  /** Line by line. */
  mrz: string[] | null;
}

export interface KycDocument {
  document_id: string;
  case_id: string;
  user_id: string;
  document_type: DocumentType;
  verification_status: string;
  case_status: KycStatus;
  ocr_status: string;
  ocr_confidence: number | null;
  quality: number;
  hints: string[];
  sight: "clear" | "masked";
  document_data: DocumentData;
  content_url: string | null;
  content_url_expires: number | null;
  reviewed_by: string | null;
  reviewed_at: number | null;
  created_at: number;
  revision: number;
}

export interface Finding {
  code: string;
  weight: FindingWeight;
  document_id: string | null;
  text: string;
  score: number | null;
}

export interface KycReview {
  reviewer: string | null;
  action: "approve" | "reject" | "override";
  notes: string | null;
  at: number;
}

export interface KycRow {
  id: string;
  user_id: string;
  client: string | null;
  status: KycStatus;
  attempt: number;
  failed_attempts: number;
  attempts_left: number;
  risky: boolean;
  awaiting_second: boolean;
  first_reviewer: string | null;
  submitted_at: number | null;
  due_at: number | null;
  overdue: boolean;
  reason: string | null;
  sight: "clear" | "masked";
  revision: number;
}

export interface KycQueued extends KycRow {
  findings_count: number;
}

export interface KycCase extends KycRow {
  missing: DocumentType[];
  /** None for the client. */
  findings: Finding[];
  documents: KycDocument[];
  reviews: KycReview[];
  dispute: Dispute | null;
}

export interface KycTaken {
  document_id: string;
  document_type: DocumentType;
  ocr_status: string;
  quality: number;
  hints: string[];
}

export interface Uploaded {
  document_id: string;
  ocr_status: string;
  documents: KycTaken[];
  case: { id: string; status: KycStatus; missing: DocumentType[]; attempts_left: number };
}

export interface Reviewed {
  new_status: KycStatus;
  document_status: string;
  notification_sent: boolean;
  awaiting_second: boolean;
  attempts_left: number;
  revision: number;
}

/** Why an attempt failed; the client is told it. */
export const REJECT_REASONS = ["image_unreadable", "document_expired", "name_mismatch", "wrong_document", "watchlist", "suspected_fraud", "other"] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

export interface Dispute {
  id: string;
  status: string;
  priority: string;
  user_status: string;
  due_at: number;
  user_id: string;
  case_id: string;
  reason: string | null;
  outcome: "upheld" | "dismissed" | null;
  created_at: number;
  resolved_at: number | null;
}

export const kyc = {
  mine: (door: Door) => door.get<KycCase>("kyc/me"),
  upload: (door: Door, form: FormData) => door.upload<Uploaded>("kyc/upload", form),
  dispute: (door: Door, reason: string) => door.post<Dispute>("kyc/disputes", { reason }),
  queue: (door: Door, status: string, cursor: string | null) => door.get<PageOf<KycQueued>>("kyc/cases", { status, cursor }),
  case: (door: Door, id: string) => door.get<KycCase>(`kyc/cases/${part(id)}`),
  approve: (door: Door, id: string, revision: number, notes: string) => door.put<Reviewed>(`kyc/cases/${part(id)}/review`, { action: "approve", notes, revision }),
  reject: (door: Door, id: string, revision: number, notes: string, reason: RejectReason) => door.put<Reviewed>(`kyc/cases/${part(id)}/review`, { action: "reject", notes, reason, revision }),
  /** One document alone: the last of them to be approved approves the case, a rejected one rejects the attempt. */
  approveDocument: (door: Door, document: string, revision: number) => door.put<Reviewed>(`kyc/${part(document)}/review`, { action: "approve", notes: "", revision }),
  rejectDocument: (door: Door, document: string, revision: number, notes: string, reason: RejectReason) => door.put<Reviewed>(`kyc/${part(document)}/review`, { action: "reject", notes, reason, revision }),
  fields: (door: Door, document: string, document_data: DocumentData, revision: number) => door.put<KycDocument>(`kyc/${part(document)}/fields`, { document_data, revision }),
  override: (door: Door, id: string, reason: string, revision: number) => door.post<KycCase>(`kyc/cases/${part(id)}/override`, { reason, revision }),
  disputes: (door: Door, cursor: string | null) => door.get<PageOf<Dispute>>("kyc/disputes", { status: "open", cursor }),
  resolve: (door: Door, id: string, outcome: "upheld" | "dismissed", notes: string) => door.post<Dispute>(`kyc/disputes/${part(id)}/resolve`, { outcome, notes }),
};
