//! Documents and workspaces are about no person and have no subject. Where one names somebody all the same, the words go as they go from
//! notes of the desk; a changed document loses its summary and its vector by itself.

use uuid::Uuid;

use super::notes::Words;
use super::{Done, Erased};
use crate::refusal::Refusal;
use crate::unit::Unit;

/// Its name in the ledger.
pub(super) const NAME: &str = "documents";

/// Rows of one statement.
const PAGE_ROWS: i64 = 1_000;

/// Key, title, text, and what a model or a program made of it.
type Row = (Uuid, String, String, String);

/// Texts of one table.
struct Place {
    /// By organisation, patterns, the last key and how many.
    find: &'static str,
    /// By key, title, text, and whether what was made of it is emptied: that is no text to cut words out of.
    put: &'static str,
    /// Longest title and text that the table takes, characters: what stands in the place of a short name is longer.
    chars_max: (usize, usize),
}

const PLACES: [Place; 2] = [
    Place {
        find: "SELECT d.id, d.title, d.content, d.derived FROM (
                   SELECT id, title, content, ai_summary::text || ' ' || ai_metadata::text AS derived FROM documents WHERE org_id = $1) AS d
               WHERE d.id > $4 AND (concat_ws(' ', d.title, d.content, d.derived) ILIKE ANY ($2)
                   OR regexp_replace(concat_ws(' ', d.title, d.content, d.derived), '[^0-9]', '', 'g') LIKE ANY ($3))
               ORDER BY d.id LIMIT $5",
        put: "UPDATE documents SET title = $2, content = $3, ai_summary = CASE WHEN $4 THEN '{}' ELSE ai_summary END,
                  ai_metadata = CASE WHEN $4 THEN '{}' ELSE ai_metadata END WHERE id = $1",
        chars_max: (200, 50_000),
    },
    Place {
        find: "SELECT p.id, p.name, p.description, p.derived FROM (
                   SELECT id, name, description, ai_context::text AS derived FROM projects WHERE org_id = $1) AS p
               WHERE p.id > $4 AND (concat_ws(' ', p.name, p.description, p.derived) ILIKE ANY ($2)
                   OR regexp_replace(concat_ws(' ', p.name, p.description, p.derived), '[^0-9]', '', 'g') LIKE ANY ($3))
               ORDER BY p.id LIMIT $5",
        put: "UPDATE projects SET name = $2, description = $3, ai_context = CASE WHEN $4 THEN '{}' ELSE ai_context END WHERE id = $1",
        chars_max: (200, 2_000),
    },
];

/// Takes what names the person out of the documents and workspaces of the organisation.
///
/// # Errors
/// The database.
pub(super) fn erase(unit: &mut Unit<'_, '_>, words: &Words) -> Result<Erased, Refusal> {
    let mut changed = 0;
    if !words.is_empty() {
        for place in &PLACES {
            changed += erase_in(unit, words, place)?;
        }
    }
    Ok(Erased::rows(Done::Anonymised, changed))
}

fn erase_in(unit: &mut Unit<'_, '_>, words: &Words, place: &Place) -> Result<u64, Refusal> {
    let org = unit.by().org;
    let (phrases, numbers) = words.patterns();
    let (title_max, text_max) = place.chars_max;
    let (mut after, mut changed) = (Uuid::nil(), 0);
    // The first page tells which words are of the trade.
    let mut rare: Option<Words> = None;
    loop {
        let page: Vec<Row> = unit.tx().all(
            sqlx::query_as(place.find)
                .bind(org)
                .bind(phrases.clone())
                .bind(numbers.clone())
                .bind(after)
                .bind(PAGE_ROWS),
        )?;
        let Some((last, ..)) = page.last() else {
            return Ok(changed);
        };
        after = *last;
        let whole = |(id, title, text, derived): &Row| (*id, format!("{title}\n{text}\n{derived}"));
        let rare = rare.get_or_insert_with(|| {
            let texts: Vec<(Uuid, String)> = page.iter().map(whole).collect();
            words.rare(&texts)
        });
        for (id, title, text, derived) in page {
            let (new_title, new_text) = (rare.redact(&title), rare.redact(&text));
            let emptied = rare.redact(&derived).is_some();
            if new_title.is_none() && new_text.is_none() && !emptied {
                continue;
            }
            let title: String = new_title.unwrap_or(title).chars().take(title_max).collect();
            let text: String = new_text.unwrap_or(text).chars().take(text_max).collect();
            changed += unit.tx().execute(
                sqlx::query(place.put)
                    .bind(id)
                    .bind(title)
                    .bind(text)
                    .bind(emptied),
            )?;
        }
    }
}
