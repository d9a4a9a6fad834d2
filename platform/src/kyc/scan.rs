use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::Kyc;
use super::checks::findings::{Applicant, Seen, certain_failures, check, is_barred, is_risky};
use super::checks::home;
use super::document::{Fields, Kind, Reading, Status};
use super::ocr::{self, CONFIDENCE_MIN, OcrError};
use super::rows::{self, Case, Document, FIELDS, FILE};
use super::state::{Event as Step, State, next};
use crate::audit::{Action, Change};
use crate::calendar::date_of;
use crate::crypto::{Sealed, SubjectKey, blind};
use crate::db::Tx;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{ERASED, Refusal, SEAL};
use crate::unit::{self, Unit};

/// What a machine made of a document.
struct Outcome {
    id: Uuid,
    kind: Kind,
    reading: Reading,
    confidence: Option<u8>,
    fields: Fields,
}

/// Reads the documents of a case that waits for it, checks them, and moves the case on. A case that does
/// not wait is left alone, so it may be asked twice.
///
/// # Errors
/// The database, the store of documents, or a reader that does not answer: then it is asked again.
pub async fn scan(kyc: &Kyc, case: Uuid) -> Result<(), Refusal> {
    let platform = kyc.platform.background();
    let system = Principal::system("kyc.ocr");
    let keyring = kyc.platform.keyring().clone();
    let read = platform.read(&system, move |tx| {
        let case = rows::case(tx, case)?;
        if case.standing.state != State::ProcessingOcr {
            return Ok(None);
        }
        let documents = rows::current(tx, case.id, case.standing.attempt)?;
        let key = unit::statutory_key(tx, &keyring, case.user())?;
        let key =
            key.ok_or_else(|| SEAL.because("the key of the client's documents is missing"))?;
        Ok(Some((case, documents, key)))
    });
    let Some((case, documents, key)) = read.await? else {
        return Ok(());
    };
    let mut outcomes = Vec::with_capacity(documents.len());
    for document in &documents {
        outcomes.extend(look(kyc, document, &key).await?);
    }
    let system = system.within(case.org);
    platform
        .command(&system, move |unit| settle(unit, &case, &outcomes))
        .await
}

/// What a document says; `None` where nothing is read on it, or it was read in an attempt before.
async fn look(
    kyc: &Kyc,
    document: &Document,
    key: &SubjectKey,
) -> Result<Option<Outcome>, Refusal> {
    let mut outcome = Outcome {
        id: document.id,
        kind: document.kind,
        reading: document.reading,
        confidence: None,
        fields: Fields::default(),
    };
    if document.reading != Reading::Queued {
        return Ok(None);
    }
    let (Some(reader), Some(path)) = (&kyc.ocr, &document.path) else {
        outcome.reading = Reading::ByHand;
        return Ok(Some(outcome));
    };
    let sealed = kyc.vault.get(path).await?;
    let picture = key.open_bytes(FILE, &sealed).map_err(|error| {
        tracing::error!("document {}: {error}", document.id);
        SEAL.because("a document cannot be opened")
    })?;
    match reader.read(picture).await {
        Ok(page) if page.confidence >= CONFIDENCE_MIN => {
            let year = date_of(kyc.platform.now()).year();
            outcome.fields = ocr::fields(document.kind, &page.text, year);
            outcome.reading = Reading::Read;
            outcome.confidence = Some(page.confidence);
        }
        Ok(page) => {
            outcome.reading = Reading::LowConfidence;
            outcome.confidence = Some(page.confidence);
        }
        // A reader that is down keeps no client waiting: a person reads.
        Err(OcrError::Later(..) | OcrError::Unreadable(..)) => {
            tracing::warn!(
                "{} could not read document {}: a person has to",
                reader.name(),
                document.id
            );
            outcome.reading = Reading::ByHand;
        }
    }
    Ok(Some(outcome))
}

fn settle(unit: &mut Unit<'_, '_>, read: &Case, outcomes: &[Outcome]) -> Result<(), Refusal> {
    let mut case = rows::lock_case(unit.tx(), read.id)?;
    if case.standing.state != State::ProcessingOcr || case.standing.attempt != read.standing.attempt
    {
        return Ok(());
    }
    for outcome in outcomes {
        put_fields(
            unit,
            case.user(),
            outcome.id,
            outcome.kind,
            outcome.reading,
            outcome.confidence,
            &outcome.fields,
        )?;
    }
    let documents = recheck(unit, &mut case)?;
    let failures = certain_failures(&documents, &case.findings);
    let step = match failures.first() {
        Some((_, reason)) => Step::Failed(*reason),
        None => Step::Scanned,
    };
    let before = case.standing.state;
    let after = next(&case.standing, step)?;
    case.standing = after.standing;
    case.reason = after.reason;
    rows::mark_all(unit, &case, Status::Review, None)?;
    for (document, _) in failures {
        rows::mark(unit, document, Status::Rejected, None)?;
    }
    rows::save_case(unit, &mut case)?;
    moved(unit, &case, before);
    Ok(())
}

/// Puts down what was read on a document.
pub(super) fn put_fields(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    document: Uuid,
    kind: Kind,
    reading: Reading,
    confidence: Option<u8>,
    fields: &Fields,
) -> Result<(), Refusal> {
    let index = fields.number(kind).map(|number| {
        let value = format!("{}:{number}", kind.name());
        blind(unit.keyring(), "kyc_documents.number", &value).to_vec()
    });
    let home = fields.alamat.as_deref().and_then(home::one_form);
    let home = home.map(|form| blind(unit.keyring(), "kyc_documents.address", &form).to_vec());
    let sealed = if *fields == Fields::default() {
        None
    } else {
        let text = serde_json::to_string(fields)
            .map_err(|error| crate::db::DbError::Unexpected(format!("fields: {error}")))?;
        Some(unit.statutory_key(user)?.seal(FIELDS, &text))
    };
    unit.tx().execute(
        sqlx::query(
            "UPDATE kyc_documents SET ocr_status = $2, ocr_confidence = $3, ocr_sealed = $4, number_index = $5, address_index = $6,
                 revision = revision + 1 WHERE id = $1",
        )
        .bind(document)
        .bind(reading.name())
        .bind(confidence.map(i16::from))
        .bind(sealed.as_ref().map(Sealed::as_bytes))
        .bind(index)
        .bind(home),
    )?;
    Ok(())
}

/// Checks the documents of the running attempt anew and puts what was found into `case`, which is not saved.
/// A case that is approved keeps what it was approved with.
pub(super) fn recheck(unit: &mut Unit<'_, '_>, case: &mut Case) -> Result<Vec<Seen>, Refusal> {
    let key = unit.statutory_key(case.user())?;
    let documents = rows::current(unit.tx(), case.id, case.standing.attempt)?;
    let mut seen = Vec::with_capacity(documents.len());
    for document in &documents {
        seen.push(Seen {
            id: document.id,
            kind: document.kind,
            reading: document.reading,
            fields: document.fields(&key)?,
            quality: document.quality,
            number_known: known(
                unit.tx(),
                case.user(),
                Index::Number,
                document.number_index.as_deref(),
            )?,
            picture_known: known(
                unit.tx(),
                case.user(),
                Index::Content,
                document.content_index.as_deref(),
            )?,
        });
    }
    let applicant = Applicant {
        name: registered_name(unit, case.user())?,
        watched: case.watched,
    };
    let today = date_of(unit.now());
    if case.standing.state != State::Approved {
        case.findings = check(&seen, &applicant, today);
        case.standing.risky = is_risky(&case.findings);
        case.standing.barred = is_barred(&case.findings);
    }
    Ok(seen)
}

enum Index {
    Number,
    Content,
}

/// Whether another client handed in one of this number or these pixels.
fn known(tx: &mut Tx<'_>, user: Uuid, which: Index, index: Option<&[u8]>) -> Result<bool, Refusal> {
    let Some(index) = index else {
        return Ok(false);
    };
    let sql = match which {
        Index::Number => {
            "SELECT EXISTS (SELECT FROM kyc_documents WHERE number_index = $1 AND user_id <> $2)"
        }
        Index::Content => {
            "SELECT EXISTS (SELECT FROM kyc_documents WHERE content_index = $1 AND user_id <> $2)"
        }
    };
    Ok(tx.scalar(
        sqlx::query_scalar::<_, bool>(sql)
            .bind(index.to_vec())
            .bind(user),
    )?)
}

/// The name that the client registered with, if it can still be opened.
pub(super) fn registered_name(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
) -> Result<Option<String>, Refusal> {
    let row: Option<(Option<Vec<u8>>,)> = unit
        .tx()
        .optional(sqlx::query_as("SELECT name_sealed FROM users WHERE id = $1").bind(user))?;
    let Some(sealed) = row.and_then(|(sealed,)| sealed) else {
        return Ok(None);
    };
    match unit.key(user) {
        Ok(key) => Ok(key.open("users.name", &Sealed::from_bytes(sealed)).ok()),
        Err(refusal) if refusal.fault() == Some(ERASED) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// Kinds that are there.
pub(super) fn kinds(documents: &[Document]) -> BTreeSet<Kind> {
    documents.iter().map(|document| document.kind).collect()
}

/// Records and tells that a case moved.
pub(super) fn moved(unit: &mut Unit<'_, '_>, case: &Case, before: State) {
    let (user, state) = (case.user(), case.standing.state);
    unit.audit(
        Change::new(Action::Update, "kyc_case", case.id)
            .about(user)
            .field("status", before.name(), state.name())
            .field(
                "reason",
                serde_json::Value::Null,
                case.reason
                    .map_or(serde_json::Value::Null, |reason| reason.name().into()),
            ),
    );
    let facts = json!({
        "user_id": user, "case_id": case.id, "from": before.name(), "to": state.name(), "attempt": case.standing.attempt,
        "failed": case.standing.failed, "reason": case.reason.map(super::state::Reason::name),
    });
    let kind = match state {
        State::ProcessingOcr => "kyc.submitted",
        State::ReviewRequired => "kyc.review_required",
        State::Approved => "kyc.approved",
        State::Rejected => "kyc.rejected",
        State::Blocked => "kyc.blocked",
        State::PendingUpload => "kyc.reopened",
    };
    if before != state {
        unit.emit(Event::new(kind, "kyc_case", case.id, facts).about(user));
    }
}
