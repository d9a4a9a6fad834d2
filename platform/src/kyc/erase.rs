use serde_json::{Value, json};
use uuid::Uuid;

use super::document::Kind;
use super::rows;
use crate::db::Tx;
use crate::erasure::{Done, Erased, Keys, Store};
use crate::outbox::Event;
use crate::refusal::{ERASED, Refusal};
use crate::unit::Unit;

/// Why documents of a client stay when the client goes.
const LAW: &str = "documents and decisions about a verified client are kept for five years (law 8 of 2010, article 21)";

/// The documents and decisions of a person. Who was never verified has no business with the house that a
/// law would ask it to remember: everything goes. Of a verified client it is kept under the statutory key.
pub struct Documents;

impl Store for Documents {
    fn name(&self) -> &'static str {
        "kyc"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let Some(case) = rows::lock_case_of(unit.tx(), subject)? else {
            return Ok(Erased::rows(Done::NothingFound, 0));
        };
        let verified: bool = unit.tx().scalar(
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM kyc_accounts WHERE user_id = $1)")
                .bind(subject),
        )?;
        let count: i64 = unit.tx().scalar(
            sqlx::query_scalar("SELECT count(*) FROM kyc_documents WHERE user_id = $1")
                .bind(subject),
        )?;
        let count = u64::try_from(count).unwrap_or(0);
        if verified {
            return Ok(Erased::kept(count + 1, LAW));
        }
        let paths: Vec<(String,)> = unit.tx().all(
            sqlx::query_as("SELECT file_url FROM kyc_documents WHERE user_id = $1 AND file_url IS NOT NULL ORDER BY id LIMIT 10000").bind(subject),
        )?;
        for sql in [
            "UPDATE kyc_documents SET file_url = NULL, content_index = NULL, number_index = NULL, address_index = NULL, ocr_sealed = NULL, ocr_confidence = NULL,
                 revision = revision + 1 WHERE user_id = $1",
            "UPDATE kyc_reviews SET notes_sealed = NULL WHERE user_id = $1",
            "UPDATE kyc_disputes SET reason_sealed = NULL WHERE user_id = $1",
            "UPDATE kyc_cases SET findings = '[]', revision = revision + 1 WHERE user_id = $1",
        ] {
            unit.tx().execute(sqlx::query(sql).bind(subject))?;
        }
        let paths: Vec<String> = paths.into_iter().map(|(path,)| path).collect();
        if !paths.is_empty() {
            let facts = json!({"user_id": subject, "case_id": case.id, "paths": paths});
            unit.emit(Event::new("kyc.files_dropped", "kyc_case", case.id, facts).about(subject));
        }
        Ok(Erased::rows(Done::Deleted, count + 1))
    }

    fn export(&self, tx: &mut Tx<'_>, keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        let Some(case) = rows::case_of(tx, subject)? else {
            return Ok(Value::Null);
        };
        let mut documents = Vec::new();
        for attempt in 1..=case.standing.attempt {
            for document in rows::current(tx, case.id, attempt)? {
                let fields = match &keys.statutory {
                    Some(key) => document.fields(key)?,
                    None if document.sealed.is_none() => super::document::Fields::default(),
                    None => return Err(ERASED.because("the key of the documents is gone")),
                };
                documents.push(json!({
                    "document_id": document.id, "document_type": document.kind, "status": document.status, "attempt": document.attempt,
                    "read": if document.kind == Kind::Selfie { Value::Null } else { json!(fields) }, "created_us": document.created.0 / 1_000,
                }));
            }
        }
        Ok(json!({
            "case_id": case.id, "status": case.standing.state, "failed_attempts": case.standing.failed,
            "submitted_us": case.submitted.map(|at| at.0 / 1_000), "documents": documents,
        }))
    }
}
