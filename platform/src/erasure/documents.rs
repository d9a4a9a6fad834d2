//! Documents are about no person and have no subject. Where one names somebody all the same, the words go as they go from notes of the
//! desk; a changed text loses its summary and its vector by itself.

use uuid::Uuid;

use super::notes::Words;
use super::{Done, Erased};
use crate::refusal::Refusal;
use crate::unit::Unit;

/// Its name in the ledger.
pub(super) const NAME: &str = "documents";

/// Documents that one erasure changes at once; what is left is found when it is asked for again.
const DOCUMENTS_MAX: i64 = 1_000;

/// Longest title and text that the table takes, characters: what stands in the place of a short name is longer.
const TITLE_CHARS_MAX: usize = 200;
const CONTENT_CHARS_MAX: usize = 50_000;

/// Takes what names the person out of the documents of the organisation.
///
/// # Errors
/// The database.
pub(super) fn erase(unit: &mut Unit<'_, '_>, words: &Words) -> Result<Erased, Refusal> {
    if words.is_empty() {
        return Ok(Erased::rows(Done::Anonymised, 0));
    }
    let org = unit.by().org;
    let (phrases, numbers) = words.patterns();
    let found: Vec<(Uuid, String, String, String)> = unit.tx().all(
        sqlx::query_as(
            "SELECT d.id, d.title, d.content, d.derived FROM (
                 SELECT id, title, content, ai_summary::text || ' ' || ai_metadata::text AS derived FROM documents WHERE org_id = $1) AS d
             WHERE concat_ws(' ', d.title, d.content, d.derived) ILIKE ANY ($2)
                 OR regexp_replace(concat_ws(' ', d.title, d.content, d.derived), '[^0-9]', '', 'g') LIKE ANY ($3)
             ORDER BY d.id LIMIT $4",
        )
        .bind(org)
        .bind(phrases)
        .bind(numbers)
        .bind(DOCUMENTS_MAX),
    )?;
    let whole = |(id, title, content, derived): &(Uuid, String, String, String)| {
        (*id, format!("{title}\n{content}\n{derived}"))
    };
    let texts: Vec<(Uuid, String)> = found.iter().map(whole).collect();
    let rare = words.rare(&texts);
    let mut changed = 0;
    for (id, title, content, derived) in found {
        let (new_title, new_content) = (rare.redact(&title), rare.redact(&content));
        if new_title.is_some() || new_content.is_some() {
            let title = new_title.unwrap_or(title);
            let content = new_content.unwrap_or(content);
            changed += unit.tx().execute(
                sqlx::query("UPDATE documents SET title = $2, content = $3 WHERE id = $1")
                    .bind(id)
                    .bind(title.chars().take(TITLE_CHARS_MAX).collect::<String>())
                    .bind(content.chars().take(CONTENT_CHARS_MAX).collect::<String>()),
            )?;
        } else if rare.redact(&derived).is_some() {
            // What is no text to cut words out of is made anew.
            changed += unit.tx().execute(
                sqlx::query(
                    "UPDATE documents SET ai_summary = '{}', ai_metadata = '{}' WHERE id = $1",
                )
                .bind(id),
            )?;
        }
    }
    Ok(Erased::rows(Done::Anonymised, changed))
}
