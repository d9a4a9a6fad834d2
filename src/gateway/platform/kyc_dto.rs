//! KYC on the wire.

use serde::{Deserialize, Serialize};
use siaga_platform::kyc::checks::findings::{Finding, Weight};
use siaga_platform::kyc::checks::nik::Sex;
use siaga_platform::kyc::document::{Fields, Kind};
use siaga_platform::kyc::state::{ATTEMPTS_MAX, State};
use siaga_platform::kyc::view::{CaseView, DisputeView, DocumentView};
use siaga_platform::kyc::{Decided, HandedIn};
use siaga_platform::people::Sight;
use siaga_risk::units::Ts;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::gateway::dto::micros;
use crate::gateway::error::{ApiError, ApiResult};
use crate::wire;

/// What is read on a document, by the names of the card; absent is what is not on it.
#[derive(
    Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct FieldsDto {
    /// Name.
    pub nama: Option<String>,
    /// Number of the identity card.
    pub nik: Option<String>,
    /// Birth date, `YYYY-MM-DD`.
    pub ttl: Option<String>,
    /// `male` or `female`.
    pub jenis_kelamin: Option<String>,
    /// Address.
    pub alamat: Option<String>,
    /// Number of the passport.
    pub nomor_paspor: Option<String>,
    /// Nationality, three letters.
    pub kewarganegaraan: Option<String>,
    /// Last day, or `SEUMUR HIDUP`.
    pub berlaku_sampai: Option<String>,
    /// Tax number.
    pub npwp: Option<String>,
    /// The machine-readable zone, line by line.
    pub mrz: Option<Vec<String>>,
}

impl From<Fields> for FieldsDto {
    fn from(fields: Fields) -> Self {
        Self {
            nama: fields.nama,
            nik: fields.nik,
            ttl: fields.ttl,
            jenis_kelamin: fields.jenis_kelamin.map(|sex| sex.name().to_owned()),
            alamat: fields.alamat,
            nomor_paspor: fields.nomor_paspor,
            kewarganegaraan: fields.kewarganegaraan,
            berlaku_sampai: fields.berlaku_sampai,
            npwp: fields.npwp,
            mrz: fields.mrz,
        }
    }
}

impl FieldsDto {
    /// The same for the engine.
    pub fn into_fields(self) -> ApiResult<Fields> {
        let sex = match self.jenis_kelamin.as_deref() {
            None => None,
            Some("male") => Some(Sex::Male),
            Some("female") => Some(Sex::Female),
            Some(_) => return Err(ApiError::field("jenis_kelamin", "use male or female")),
        };
        Ok(Fields {
            nama: self.nama,
            nik: self.nik,
            ttl: self.ttl,
            jenis_kelamin: sex,
            alamat: self.alamat,
            nomor_paspor: self.nomor_paspor,
            kewarganegaraan: self.kewarganegaraan,
            berlaku_sampai: self.berlaku_sampai,
            npwp: self.npwp,
            mrz: self.mrz,
        })
    }
}

wire! {
    /// A document that was taken.
    pub struct TakenDto {
        pub document_id: Uuid,
        /// `ktp`, `passport`, `npwp`, `selfie`, `proof_of_address`.
        pub document_type: &'static str,
        /// `queued` or `not_needed`.
        pub ocr_status: &'static str,
        /// 0 to 100.
        pub quality: u8,
        /// What would make the photo better: `blur`, `glare`, `crop`.
        pub hints: Vec<String>,
    }

    /// Where the case is after an upload.
    pub struct UploadCaseDto {
        pub id: Uuid,
        /// `PENDING_UPLOAD` until nothing is missing, then `PROCESSING_OCR`.
        pub status: &'static str,
        /// Types that are still wanted.
        pub missing: Vec<String>,
        pub attempts_left: u8,
    }

    /// What came of an upload; the first two fields are those of the first file.
    pub struct UploadDto {
        pub document_id: Uuid,
        pub ocr_status: &'static str,
        pub documents: Vec<TakenDto>,
        pub case: UploadCaseDto,
    }

    /// A document.
    pub struct DocumentDto {
        pub document_id: Uuid,
        pub case_id: Uuid,
        pub user_id: Uuid,
        pub document_type: &'static str,
        /// `pending`, `review`, `approved`, `rejected`, `replaced`.
        pub verification_status: &'static str,
        pub case_status: &'static str,
        /// `queued`, `read`, `low_confidence`, `by_hand`, `typed`, `not_needed`.
        pub ocr_status: &'static str,
        /// Percent, where a machine read it.
        pub ocr_confidence: Option<u8>,
        /// 0 to 100.
        pub quality: u8,
        pub hints: Vec<String>,
        /// `clear` or `masked`.
        pub sight: &'static str,
        pub document_data: FieldsDto,
        /// Good for an hour; none for masked sight.
        pub content_url: Option<String>,
        pub content_url_expires: Option<u64>,
        pub reviewed_by: Option<Uuid>,
        pub reviewed_at: Option<u64>,
        pub created_at: u64,
        pub revision: i64,
    }

    /// What the checks found.
    pub struct FindingDto {
        pub code: &'static str,
        /// `note`, `risk` (two persons must approve) or `bar` (cannot be approved).
        pub weight: &'static str,
        pub document_id: Option<Uuid>,
        pub text: &'static str,
        /// 0 to 100, where there is one.
        pub score: Option<u8>,
    }

    /// A decision of a person.
    pub struct ReviewDto {
        pub reviewer: Uuid,
        /// `approve`, `reject`, `override`, `upheld`, `dismissed`.
        pub action: String,
        pub notes: Option<String>,
        pub at: u64,
    }

    /// A dispute.
    pub struct DisputeDto {
        pub id: Uuid,
        pub case_id: Uuid,
        pub user_id: Uuid,
        /// `open` or `resolved`.
        pub status: &'static str,
        pub priority: String,
        pub user_status: String,
        pub reason: Option<String>,
        /// `upheld` or `dismissed`.
        pub outcome: Option<String>,
        pub due_at: u64,
        pub created_at: u64,
        pub resolved_at: Option<u64>,
    }

    /// A case as it stands in the queue.
    pub struct CaseRowDto {
        pub id: Uuid,
        pub user_id: Uuid,
        /// The name of registration.
        pub client: Option<String>,
        /// `PENDING_UPLOAD`, `PROCESSING_OCR`, `REVIEW_REQUIRED`, `APPROVED`, `REJECTED`, `BLOCKED`.
        pub status: &'static str,
        pub attempt: u32,
        pub failed_attempts: u8,
        pub attempts_left: u8,
        pub risky: bool,
        pub awaiting_second: bool,
        pub first_reviewer: Option<Uuid>,
        pub submitted_at: Option<u64>,
        pub due_at: Option<u64>,
        pub overdue: bool,
        /// Why the last attempt failed.
        pub reason: Option<String>,
        pub account: Option<u32>,
        pub sight: &'static str,
        pub revision: i64,
        pub findings_count: usize,
    }

    /// A page of cases.
    pub struct CasesDto {
        pub items: Vec<CaseRowDto>,
        pub next: Option<String>,
    }

    /// A page of disputes.
    pub struct DisputesDto {
        pub items: Vec<DisputeDto>,
        pub next: Option<String>,
    }

    /// A case with everything.
    pub struct CaseDto {
        pub id: Uuid,
        pub user_id: Uuid,
        pub client: Option<String>,
        pub status: &'static str,
        pub attempt: u32,
        pub failed_attempts: u8,
        pub attempts_left: u8,
        pub risky: bool,
        pub awaiting_second: bool,
        pub first_reviewer: Option<Uuid>,
        /// Types that are still wanted.
        pub missing: Vec<String>,
        pub submitted_at: Option<u64>,
        pub due_at: Option<u64>,
        pub overdue: bool,
        pub reason: Option<String>,
        pub account: Option<u32>,
        pub sight: &'static str,
        pub revision: i64,
        pub findings: Vec<FindingDto>,
        pub documents: Vec<DocumentDto>,
        pub reviews: Vec<ReviewDto>,
        pub dispute: Option<DisputeDto>,
    }

    /// What came of a decision.
    pub struct DecidedDto {
        /// Where the case is.
        pub new_status: &'static str,
        pub document_status: &'static str,
        /// A notice to the client was put into the outbox.
        pub notification_sent: bool,
        /// Another person has to approve too.
        pub awaiting_second: bool,
        pub attempts_left: u8,
        pub revision: i64,
    }
}

fn sight(sight: Sight) -> &'static str {
    match sight {
        Sight::Clear => "clear",
        Sight::Masked => "masked",
    }
}

fn left(failed: u8) -> u8 {
    ATTEMPTS_MAX.saturating_sub(failed)
}

fn words(kinds: &[Kind]) -> Vec<String> {
    kinds.iter().map(|kind| kind.name().to_owned()).collect()
}

fn at(ts: Option<Ts>) -> Option<u64> {
    ts.map(micros)
}

impl From<HandedIn> for UploadDto {
    fn from(done: HandedIn) -> Self {
        let documents: Vec<TakenDto> = done
            .documents
            .into_iter()
            .map(|taken| TakenDto {
                document_id: taken.id,
                document_type: taken.kind.name(),
                ocr_status: taken.reading.name(),
                quality: taken.quality,
                hints: taken.hints,
            })
            .collect();
        let first = documents.first();
        Self {
            document_id: first.map(|taken| taken.document_id).unwrap_or_default(),
            ocr_status: first.map_or("not_needed", |taken| taken.ocr_status),
            case: UploadCaseDto {
                id: done.case,
                status: done.state.name(),
                missing: words(&done.missing),
                attempts_left: done.attempts_left,
            },
            documents,
        }
    }
}

impl From<DocumentView> for DocumentDto {
    fn from(view: DocumentView) -> Self {
        Self {
            document_id: view.id,
            case_id: view.case,
            user_id: view.user,
            document_type: view.kind.name(),
            verification_status: view.status.name(),
            case_status: view.case_state.name(),
            ocr_status: view.reading.name(),
            ocr_confidence: view.confidence,
            quality: view.quality,
            hints: view.hints,
            sight: sight(view.sight),
            document_data: view.fields.into(),
            content_url: view.link.as_ref().map(|link| link.path()),
            content_url_expires: view.link.map(|link| link.expires),
            reviewed_by: view.reviewed_by,
            reviewed_at: at(view.reviewed),
            created_at: micros(view.created),
            revision: view.revision,
        }
    }
}

impl From<&Finding> for FindingDto {
    fn from(finding: &Finding) -> Self {
        Self {
            code: finding.code.name(),
            weight: match finding.weight {
                Weight::Note => "note",
                Weight::Risk => "risk",
                Weight::Bar => "bar",
            },
            document_id: finding.document,
            text: finding.code.text(),
            score: finding.score,
        }
    }
}

impl From<DisputeView> for DisputeDto {
    fn from(view: DisputeView) -> Self {
        Self {
            id: view.id,
            case_id: view.case,
            user_id: view.user,
            status: if view.open { "open" } else { "resolved" },
            priority: view.priority,
            user_status: view.user_status,
            reason: view.reason,
            outcome: view.outcome.map(|outcome| outcome.name().to_owned()),
            due_at: micros(view.due),
            created_at: micros(view.created),
            resolved_at: at(view.resolved),
        }
    }
}

impl From<CaseView> for CaseRowDto {
    fn from(view: CaseView) -> Self {
        Self {
            id: view.id,
            user_id: view.user,
            client: view.client,
            status: view.state.name(),
            attempt: view.attempt,
            failed_attempts: view.failed,
            attempts_left: left(view.failed),
            risky: view.risky,
            awaiting_second: view.state == State::ReviewRequired && view.first.is_some(),
            first_reviewer: view.first,
            submitted_at: at(view.submitted),
            due_at: at(view.due),
            overdue: view.overdue,
            reason: view.reason.map(|reason| reason.name().to_owned()),
            account: view.account,
            sight: sight(view.sight),
            revision: view.revision,
            findings_count: view.findings.len(),
        }
    }
}

impl From<CaseView> for CaseDto {
    fn from(view: CaseView) -> Self {
        Self {
            id: view.id,
            user_id: view.user,
            client: view.client,
            status: view.state.name(),
            attempt: view.attempt,
            failed_attempts: view.failed,
            attempts_left: left(view.failed),
            risky: view.risky,
            awaiting_second: view.state == State::ReviewRequired && view.first.is_some(),
            first_reviewer: view.first,
            missing: words(&view.missing),
            submitted_at: at(view.submitted),
            due_at: at(view.due),
            overdue: view.overdue,
            reason: view.reason.map(|reason| reason.name().to_owned()),
            account: view.account,
            sight: sight(view.sight),
            revision: view.revision,
            findings: view.findings.iter().map(FindingDto::from).collect(),
            documents: view.documents.into_iter().map(DocumentDto::from).collect(),
            reviews: view
                .reviews
                .into_iter()
                .map(|review| ReviewDto {
                    reviewer: review.reviewer,
                    action: review.action,
                    notes: review.notes,
                    at: micros(review.at),
                })
                .collect(),
            dispute: view.dispute.map(DisputeDto::from),
        }
    }
}

impl From<Decided> for DecidedDto {
    fn from(decided: Decided) -> Self {
        Self {
            new_status: decided.state.name(),
            document_status: decided.document.name(),
            notification_sent: decided.notified,
            awaiting_second: decided.awaiting_second,
            attempts_left: decided.attempts_left,
            revision: decided.revision,
        }
    }
}
