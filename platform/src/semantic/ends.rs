//! The end of vectors and documents: with the person a task is about, and by their term.

use serde_json::Value;
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::db::Tx;
use crate::erasure::{Done, Erased, Keys, Store};
use crate::refusal::Refusal;
use crate::retention::Category;
use crate::unit::Unit;
use crate::values::bound;

/// Days that a deleted document, and the vector of a task that is done, are kept: content's term.
const DAYS: u32 = 90;

/// Vectors of the tasks about a subject's leads. What names the person in documents, the erasure looks for by itself.
pub struct Embeddings;

impl Store for Embeddings {
    fn name(&self) -> &'static str {
        "ai_embeddings"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let query = sqlx::query(
            "DELETE FROM ai_embeddings WHERE source_type = 'task' AND source_id IN (
                 SELECT t.id FROM tasks AS t JOIN leads AS l ON l.id = t.lead_id
                 WHERE l.subject_id = $1 OR l.user_id = $1
                     OR l.merged_into IN (SELECT k.id FROM leads AS k WHERE k.subject_id = $1 OR k.user_id = $1))",
        );
        let rows = unit.tx().execute(query.bind(subject))?;
        Ok(Erased::rows(Done::Deleted, rows))
    }

    fn export(&self, _tx: &mut Tx<'_>, _keys: &Keys, _subject: Uuid) -> Result<Value, Refusal> {
        // Derived from what the other stores export.
        Ok(Value::Null)
    }
}

/// Documents that were deleted, and vectors of tasks that are done.
pub struct Ended;

impl Category for Ended {
    fn name(&self) -> &'static str {
        "documents"
    }

    fn days(&self) -> u32 {
        DAYS
    }

    fn sweep(&self, unit: &mut Unit<'_, '_>, before: Ts, limit: u32) -> Result<u64, Refusal> {
        let mut ended = 0;
        for sql in [
            "DELETE FROM documents WHERE id IN (
                 SELECT id FROM documents WHERE status = 'deleted' AND updated_at < $1 ORDER BY updated_at, id LIMIT $2)",
            "DELETE FROM ai_embeddings WHERE id IN (
                 SELECT e.id FROM ai_embeddings AS e JOIN tasks AS t ON t.id = e.source_id JOIN leads AS l ON l.id = t.lead_id
                 WHERE e.source_type = 'task' AND t.status = 'done' AND t.updated_at < $1 AND NOT app_held('documents', l.subject_id)
                 ORDER BY t.updated_at, e.id LIMIT $2)",
        ] {
            let query = sqlx::query(sql).bind(bound(before)).bind(i64::from(limit));
            ended += unit.tx().execute(query)?;
        }
        Ok(ended)
    }
}
