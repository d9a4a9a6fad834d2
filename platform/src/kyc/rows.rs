//! Rows of KYC: thin SQL, for the system (writes) or under row-level security (reads).

use serde_json::Value;
use siaga_risk::units::Ts;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};
use uuid::Uuid;

use super::checks::findings::Finding;
use super::document::{Fields, Kind, Reading, Status};
use super::state::{Reason, Standing, State};
use crate::crypto::{Sealed, SubjectKey};
use crate::db::{DbError, Tx};
use crate::people::Target;
use crate::refusal::{NOT_FOUND, Refusal, SEAL, STALE};
use crate::unit::Unit;
use crate::values::{bound, from_micros};

/// What fields that were read are sealed as.
pub(super) const FIELDS: &str = "kyc_documents.ocr";
/// What files are sealed as.
pub(super) const FILE: &str = "kyc_documents.file";
/// What notes of reviewers are sealed as.
pub(super) const NOTES: &str = "kyc_reviews.notes";
/// What the reason of a dispute is sealed as.
pub(super) const DISPUTE: &str = "kyc_disputes.reason";

/// A case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub id: Uuid,
    pub org: Uuid,
    pub team: Option<Uuid>,
    pub standing: Standing,
    /// An open case of sanctions or monitoring.
    pub watched: bool,
    pub findings: Vec<Finding>,
    pub reason: Option<Reason>,
    pub decided_by: Option<Uuid>,
    pub submitted: Option<Ts>,
    pub due: Option<Ts>,
    /// When a person last put down what a document says.
    pub typed: Option<Ts>,
    pub created: Ts,
    pub revision: i64,
}

impl Case {
    /// Whose it is.
    pub fn user(&self) -> Uuid {
        self.standing.owner
    }

    pub fn target(&self) -> Target {
        Target {
            org: self.org,
            owner: Some(self.user()),
            team: self.team,
            referrer: None,
        }
    }
}

macro_rules! case_columns {
    () => {
        "id, org_id, user_id, team_id, status, attempt, failed, risky, barred, watched, findings, reason, first_reviewer, decided_by, \
         (extract(epoch FROM submitted_at) * 1000000)::bigint AS submitted, (extract(epoch FROM due_at) * 1000000)::bigint AS due, \
         (extract(epoch FROM typed_at) * 1000000)::bigint AS typed, \
         (extract(epoch FROM created_at) * 1000000)::bigint AS created, revision"
    };
}
pub(super) use case_columns;

fn unexpected(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} of a row of KYC is not known to this program").into())
}

impl<'r> FromRow<'r, PgRow> for Case {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let status: String = row.try_get("status")?;
        let attempt: i64 = row.try_get("attempt")?;
        let failed: i16 = row.try_get("failed")?;
        let findings: Value = row.try_get("findings")?;
        let reason: Option<String> = row.try_get("reason")?;
        let submitted: Option<i64> = row.try_get("submitted")?;
        let due: Option<i64> = row.try_get("due")?;
        let typed: Option<i64> = row.try_get("typed")?;
        Ok(Self {
            id: row.try_get("id")?,
            org: row.try_get("org_id")?,
            team: row.try_get("team_id")?,
            standing: Standing {
                state: State::parse(&status).ok_or_else(|| unexpected("the status"))?,
                attempt: u32::try_from(attempt).map_err(|_| unexpected("the attempt"))?,
                failed: u8::try_from(failed).map_err(|_| unexpected("the count of failures"))?,
                risky: row.try_get("risky")?,
                barred: row.try_get("barred")?,
                first: row.try_get("first_reviewer")?,
                owner: row.try_get("user_id")?,
            },
            watched: row.try_get("watched")?,
            findings: serde_json::from_value(findings).map_err(|_| unexpected("the findings"))?,
            reason: reason.as_deref().and_then(Reason::parse),
            decided_by: row.try_get("decided_by")?,
            submitted: submitted.map(from_micros),
            due: due.map(from_micros),
            typed: typed.map(from_micros),
            created: from_micros(row.try_get("created")?),
            revision: row.try_get("revision")?,
        })
    }
}

/// The case of that key, locked.
pub(super) fn lock_case(tx: &mut Tx<'_>, id: Uuid) -> Result<Case, Refusal> {
    let found = tx.optional(
        sqlx::query_as::<_, Case>(concat!(
            "SELECT ",
            case_columns!(),
            " FROM kyc_cases WHERE id = $1 FOR UPDATE"
        ))
        .bind(id),
    )?;
    found.ok_or_else(nothing)
}

/// The case of a client, locked; `None` before the first document.
pub(super) fn lock_case_of(tx: &mut Tx<'_>, user: Uuid) -> Result<Option<Case>, DbError> {
    tx.optional(
        sqlx::query_as::<_, Case>(concat!(
            "SELECT ",
            case_columns!(),
            " FROM kyc_cases WHERE user_id = $1 FOR UPDATE"
        ))
        .bind(user),
    )
}

/// The case of that key, as far as row-level security shows it.
pub(super) fn case(tx: &mut Tx<'_>, id: Uuid) -> Result<Case, Refusal> {
    let found = tx.optional(
        sqlx::query_as::<_, Case>(concat!(
            "SELECT ",
            case_columns!(),
            " FROM kyc_cases WHERE id = $1"
        ))
        .bind(id),
    )?;
    found.ok_or_else(nothing)
}

/// The case of a client.
pub(super) fn case_of(tx: &mut Tx<'_>, user: Uuid) -> Result<Option<Case>, DbError> {
    tx.optional(
        sqlx::query_as::<_, Case>(concat!(
            "SELECT ",
            case_columns!(),
            " FROM kyc_cases WHERE user_id = $1"
        ))
        .bind(user),
    )
}

/// What is hidden is answered as if it did not exist.
pub(super) fn nothing() -> Refusal {
    NOT_FOUND.because("it does not exist, or not for you")
}

/// Makes the client's case when there is none, and locks it.
pub(super) fn begin_case(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    user: Uuid,
    org: Uuid,
    team: Option<Uuid>,
) -> Result<Case, Refusal> {
    let now = unit.now();
    unit.tx().execute(
        sqlx::query("INSERT INTO kyc_cases (id, org_id, user_id, team_id, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO NOTHING")
            .bind(id)
            .bind(org)
            .bind(user)
            .bind(team)
            .bind(bound(now)),
    )?;
    lock_case_of(unit.tx(), user)?.ok_or_else(nothing)
}

/// Writes a case whose row is locked, and counts its revision on.
pub(super) fn save_case(unit: &mut Unit<'_, '_>, case: &mut Case) -> Result<(), Refusal> {
    let now = unit.now();
    let findings = serde_json::to_value(&case.findings);
    let findings = findings.map_err(|error| DbError::Unexpected(format!("findings: {error}")))?;
    let saved = unit.tx().execute(
        sqlx::query(
            "UPDATE kyc_cases SET team_id = $3, status = $4, attempt = $5, failed = $6, risky = $7, barred = $8, watched = $9, findings = $10,
                 reason = $11, first_reviewer = $12, decided_by = $13, submitted_at = $14, due_at = $15, typed_at = $17, revision = revision + 1,
                 decided_at = CASE WHEN $13::uuid IS DISTINCT FROM decided_by OR status <> $4 THEN $16 ELSE decided_at END
             WHERE id = $1 AND revision = $2",
        )
        .bind(case.id)
        .bind(case.revision)
        .bind(case.team)
        .bind(case.standing.state.name())
        .bind(i64::from(case.standing.attempt))
        .bind(i16::from(case.standing.failed))
        .bind(case.standing.risky)
        .bind(case.standing.barred)
        .bind(case.watched)
        .bind(findings)
        .bind(case.reason.map(Reason::name))
        .bind(case.standing.first)
        .bind(case.decided_by)
        .bind(case.submitted.map(bound))
        .bind(case.due.map(bound))
        .bind(bound(now))
        .bind(case.typed.map(bound)),
    )?;
    if saved == 0 {
        return Err(stale());
    }
    case.revision += 1;
    Ok(())
}

/// Somebody else was faster.
pub(super) fn stale() -> Refusal {
    STALE.because("look at the case again; it changed since you read it")
}

/// Passes when the caller saw the newest revision, or did not say which one they saw.
pub(super) fn seen(revision: i64, said: Option<i64>) -> Result<(), Refusal> {
    match said {
        Some(said) if said != revision => Err(stale()),
        _ => Ok(()),
    }
}

/// A document.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub id: Uuid,
    pub case: Uuid,
    pub org: Uuid,
    pub user: Uuid,
    pub team: Option<Uuid>,
    pub attempt: u32,
    pub kind: Kind,
    pub status: Status,
    pub path: Option<String>,
    pub quality: u8,
    pub hints: Vec<String>,
    pub reading: Reading,
    pub confidence: Option<u8>,
    pub sealed: Option<Sealed>,
    pub content_index: Option<Vec<u8>>,
    pub number_index: Option<Vec<u8>>,
    pub reviewed_by: Option<Uuid>,
    pub reviewed: Option<Ts>,
    pub created: Ts,
    pub revision: i64,
}

impl Document {
    pub fn target(&self) -> Target {
        Target {
            org: self.org,
            owner: Some(self.user),
            team: self.team,
            referrer: None,
        }
    }

    /// What was read on it; nothing when nobody did.
    pub fn fields(&self, key: &SubjectKey) -> Result<Fields, Refusal> {
        let Some(sealed) = &self.sealed else {
            return Ok(Fields::default());
        };
        let text = key
            .open(FIELDS, sealed)
            .map_err(|error| unreadable(self.id, &error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| unreadable(self.id, &error.to_string()))
    }
}

fn unreadable(document: Uuid, why: &str) -> Refusal {
    tracing::error!("the fields of document {document}: {why}");
    SEAL.because("tell the desk; what was read on the document cannot be opened")
}

macro_rules! document_columns {
    () => {
        "id, kyc_case_id, org_id, user_id, team_id, attempt, document_type, status, file_url, quality, hints, ocr_status, ocr_confidence, \
         ocr_sealed, content_index, number_index, reviewed_by, (extract(epoch FROM reviewed_at) * 1000000)::bigint AS reviewed, \
         (extract(epoch FROM created_at) * 1000000)::bigint AS created, revision"
    };
}

impl<'r> FromRow<'r, PgRow> for Document {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let kind: String = row.try_get("document_type")?;
        let status: String = row.try_get("status")?;
        let reading: String = row.try_get("ocr_status")?;
        let attempt: i64 = row.try_get("attempt")?;
        let quality: i16 = row.try_get("quality")?;
        let confidence: Option<i16> = row.try_get("ocr_confidence")?;
        let sealed: Option<Vec<u8>> = row.try_get("ocr_sealed")?;
        let reviewed: Option<i64> = row.try_get("reviewed")?;
        Ok(Self {
            id: row.try_get("id")?,
            case: row.try_get("kyc_case_id")?,
            org: row.try_get("org_id")?,
            user: row.try_get("user_id")?,
            team: row.try_get("team_id")?,
            attempt: u32::try_from(attempt).map_err(|_| unexpected("the attempt"))?,
            kind: Kind::parse(&kind).ok_or_else(|| unexpected("the kind"))?,
            status: Status::parse(&status).ok_or_else(|| unexpected("the status"))?,
            path: row.try_get("file_url")?,
            quality: u8::try_from(quality).map_err(|_| unexpected("the quality"))?,
            hints: row.try_get("hints")?,
            reading: Reading::parse(&reading).ok_or_else(|| unexpected("the reading"))?,
            confidence: confidence.and_then(|percent| u8::try_from(percent).ok()),
            sealed: sealed.map(Sealed::from_bytes),
            content_index: row.try_get("content_index")?,
            number_index: row.try_get("number_index")?,
            reviewed_by: row.try_get("reviewed_by")?,
            reviewed: reviewed.map(from_micros),
            created: from_micros(row.try_get("created")?),
            revision: row.try_get("revision")?,
        })
    }
}

/// A document, as far as row-level security shows it.
pub(super) fn document(tx: &mut Tx<'_>, id: Uuid) -> Result<Document, Refusal> {
    let found = tx.optional(
        sqlx::query_as::<_, Document>(concat!(
            "SELECT ",
            document_columns!(),
            " FROM kyc_documents WHERE id = $1"
        ))
        .bind(id),
    )?;
    found.ok_or_else(nothing)
}

/// The documents that count in an attempt, oldest first; at most one of each kind.
pub(super) fn current(tx: &mut Tx<'_>, case: Uuid, attempt: u32) -> Result<Vec<Document>, DbError> {
    tx.all(
        sqlx::query_as::<_, Document>(concat!(
            "SELECT ",
            document_columns!(),
            " FROM kyc_documents WHERE kyc_case_id = $1 AND attempt = $2 AND status <> 'replaced' ORDER BY id LIMIT 10"
        ))
        .bind(case)
        .bind(i64::from(attempt)),
    )
}

/// Sets the status of documents, and who looked at them: the status, the person, now; then what says which documents.
macro_rules! mark_where {
    ($which:literal) => {
        concat!(
            "UPDATE kyc_documents SET status = $1, reviewed_by = coalesce($2, reviewed_by), revision = revision + 1, \
             reviewed_at = CASE WHEN $2::uuid IS NULL THEN reviewed_at ELSE $3 END WHERE ",
            $which
        )
    };
}

/// Marks the documents that count in an attempt.
pub(super) fn mark_all(
    unit: &mut Unit<'_, '_>,
    case: &Case,
    status: Status,
    by: Option<Uuid>,
) -> Result<(), Refusal> {
    let now = unit.now();
    unit.tx().execute(
        sqlx::query(mark_where!(
            "kyc_case_id = $4 AND attempt = $5 AND status <> 'replaced'"
        ))
        .bind(status.name())
        .bind(by)
        .bind(bound(now))
        .bind(case.id)
        .bind(i64::from(case.standing.attempt)),
    )?;
    Ok(())
}

/// Marks one document.
pub(super) fn mark(
    unit: &mut Unit<'_, '_>,
    document: Uuid,
    status: Status,
    by: Option<Uuid>,
) -> Result<(), Refusal> {
    let now = unit.now();
    unit.tx().execute(
        sqlx::query(mark_where!("id = $4"))
            .bind(status.name())
            .bind(by)
            .bind(bound(now))
            .bind(document),
    )?;
    Ok(())
}

/// The documents that count for what is handed in next: those of the open attempt, and behind a failed one those that were not refused.
pub(super) fn standing(tx: &mut Tx<'_>, case: &Case) -> Result<Vec<Document>, DbError> {
    let failed = match case.standing.state {
        State::PendingUpload => false,
        State::Rejected => true,
        _ => return Ok(Vec::new()),
    };
    let mut documents = current(tx, case.id, case.standing.attempt)?;
    documents.retain(|document| !failed || document.status != Status::Rejected);
    Ok(documents)
}

/// Takes the documents of the failed attempt that were not refused along into the attempt that `case` is in now: a client replaces
/// nothing that was good. What was read on them stays; who looks at them looks anew.
pub(super) fn carry(unit: &mut Unit<'_, '_>, case: &Case, failed: u32) -> Result<(), Refusal> {
    unit.tx().execute(
        sqlx::query(
            "UPDATE kyc_documents SET attempt = $3, status = 'pending', reviewed_by = NULL, reviewed_at = NULL, revision = revision + 1
             WHERE kyc_case_id = $1 AND attempt = $2 AND status NOT IN ('rejected', 'replaced')",
        )
        .bind(case.id)
        .bind(i64::from(failed))
        .bind(i64::from(case.standing.attempt)),
    )?;
    Ok(())
}

/// A person's decision, once for each attempt.
pub(super) fn put_review(
    unit: &mut Unit<'_, '_>,
    case: &Case,
    by: Uuid,
    action: &'static str,
    reason: Option<Reason>,
    notes: &str,
) -> Result<(), Refusal> {
    let now = unit.now();
    let sealed = match notes.trim() {
        "" => None,
        notes => Some(unit.statutory_key(case.user())?.seal(NOTES, notes)),
    };
    let put = unit.tx().execute(
        sqlx::query(
            "INSERT INTO kyc_reviews (id, org_id, user_id, team_id, kyc_case_id, attempt, reviewer_id, action, reason, notes_sealed, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(crate::ids::new_id(now))
        .bind(case.org)
        .bind(case.user())
        .bind(case.team)
        .bind(case.id)
        .bind(i64::from(case.standing.attempt))
        .bind(by)
        .bind(action)
        .bind(reason.map(Reason::name))
        .bind(sealed.as_ref().map(Sealed::as_bytes))
        .bind(bound(now)),
    );
    put.map(drop).map_err(|error| {
        Refusal::from(error).on_duplicate("idx_kyc_reviews_once", || {
            super::faults::REVIEWED.because("another person has to decide now")
        })
    })
}
