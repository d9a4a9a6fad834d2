use std::collections::BTreeMap;

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::outbox::Event;
use crate::refusal::Refusal;
use crate::retention::Category;
use crate::unit::Unit;
use crate::values::bound;

/// Documents of verified clients who left: five years from the end of the relation (law 8 of 2010, article 21), with the leap day
/// that five years have at least.
const DAYS: u32 = 5 * 365 + 2;

/// Pictures, what was read on them, and what reviewers and the client wrote. That there was a document, and what was decided, stays.
pub struct Kept;

impl Category for Kept {
    fn name(&self) -> &'static str {
        "kyc_documents"
    }

    fn days(&self) -> u32 {
        DAYS
    }

    fn asks_for_each(&self) -> bool {
        true
    }

    fn sweep(&self, unit: &mut Unit<'_, '_>, before: Ts, limit: u32) -> Result<u64, Refusal> {
        let now = unit.now();
        // The relation ends with the erasure that the client asked for.
        let rows: Vec<(Uuid, Uuid, Uuid, Option<String>)> = unit.tx().all(
            sqlx::query_as(
                "SELECT d.id, d.user_id, d.kyc_case_id, d.file_url FROM kyc_documents AS d
                 WHERE d.ended_at IS NULL AND d.file_url IS NOT NULL AND NOT app_held('kyc_documents', d.user_id)
                     AND EXISTS (SELECT FROM subject_requests AS r WHERE r.subject_id = d.user_id AND r.kind = 'erasure' AND r.status = 'done' AND r.done_at < $1)
                 ORDER BY d.id LIMIT $2 FOR UPDATE OF d",
            )
            .bind(bound(before))
            .bind(i64::from(limit)),
        )?;
        if rows.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
        let mut users: Vec<Uuid> = rows.iter().map(|row| row.1).collect();
        users.sort_unstable();
        users.dedup();
        let ended = unit.tx().execute(
            sqlx::query(
                "UPDATE kyc_documents SET file_url = NULL, content_index = NULL, number_index = NULL, address_index = NULL, ocr_sealed = NULL, ocr_confidence = NULL,
                     ended_at = $2, revision = revision + 1 WHERE id = ANY ($1)",
            )
            .bind(ids)
            .bind(bound(now)),
        )?;
        for sql in [
            "UPDATE kyc_reviews SET notes_sealed = NULL WHERE user_id = ANY ($1) AND notes_sealed IS NOT NULL",
            "UPDATE kyc_disputes SET reason_sealed = NULL WHERE user_id = ANY ($1) AND reason_sealed IS NOT NULL",
        ] {
            unit.tx().execute(sqlx::query(sql).bind(users.clone()))?;
        }
        let mut files: BTreeMap<(Uuid, Uuid), Vec<String>> = BTreeMap::new();
        for (_, user, case, path) in rows {
            files.entry((case, user)).or_default().extend(path);
        }
        for ((case, user), paths) in files {
            unit.audit(
                Change::new(Action::Delete, "kyc_document", case)
                    .about(user)
                    .field("documents", paths.len(), Value::Null),
            );
            let facts = json!({"user_id": user, "case_id": case, "paths": paths});
            unit.emit(Event::new("kyc.files_dropped", "kyc_case", case, facts).about(user));
        }
        Ok(ended)
    }
}
