//! Search over everything that has a name, under row-level security. What is typed is compared by keyed
//! hashes of trigrams, so a misspelled name is found and no name is stored; words about no person rank
//! higher where full text finds them whole.

mod asked;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crypto::{Keyring, grams};
use crate::db::Tx;
use crate::people::{Area, Role};
use crate::refusal::{INVALID, Refusal};
use crate::unit::Unit;
use crate::values::bound;

pub(crate) use asked::unverified;
pub use asked::{Question, ask};

/// Longest query, characters.
pub const QUERY_MAX: usize = 100;

/// Most hits.
pub const HITS_MAX: u32 = 50;

/// Share of the query's trigrams a hit must have, percent: two letters wrong in a name of eight.
const SHARE_MIN: usize = 40;

/// What can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `lead`, `user`, `kyc_case`.
    pub entity: &'static str,
    /// Its key.
    pub id: Uuid,
    /// Who sees it: as the area's `read` in the table of roles.
    pub area: Area,
    /// Whose it is.
    pub owner: Option<Uuid>,
    /// Which team's.
    pub team: Option<Uuid>,
    /// The person it is about: an erasure takes the entry away.
    pub subject: Option<Uuid>,
    /// Text about no person; stands as it is.
    pub words: String,
    /// A person's names, addresses, numbers; kept as hashes alone.
    pub personal: Vec<String>,
}

/// Puts an entry, or replaces it.
///
/// # Errors
/// The database.
pub fn index(unit: &mut Unit<'_, '_>, entry: &Entry) -> Result<(), Refusal> {
    unit.findable_changed();
    let (org, now) = (unit.by().org, unit.now());
    let mut text = entry.words.clone();
    for part in &entry.personal {
        text.push(' ');
        text.push_str(part);
    }
    let grams = grams(unit.keyring(), &text);
    let reference: i64 = unit.tx().scalar(
        sqlx::query_scalar(
            "INSERT INTO search_entries (entity_type, entity_id, org_id, area, owner_id, team_id, subject_id, words, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (entity_type, entity_id) DO UPDATE SET area = $4, owner_id = $5, team_id = $6, subject_id = $7, words = $8, updated_at = $9
             RETURNING ref",
        )
        .bind(entry.entity)
        .bind(entry.id)
        .bind(org)
        .bind(entry.area.name())
        .bind(entry.owner)
        .bind(entry.team)
        .bind(entry.subject)
        .bind(&entry.words)
        .bind(bound(now)),
    )?;
    let tx = unit.tx();
    tx.execute(
        sqlx::query("DELETE FROM search_grams WHERE ref = $1 AND gram <> ALL ($2)")
            .bind(reference)
            .bind(&grams),
    )?;
    tx.execute(
        sqlx::query("INSERT INTO search_grams (gram, ref) SELECT g, $1 FROM unnest($2::bigint[]) AS g ON CONFLICT DO NOTHING")
            .bind(reference)
            .bind(&grams),
    )?;
    Ok(())
}

/// Takes an entry away.
///
/// # Errors
/// The database.
pub fn remove(unit: &mut Unit<'_, '_>, entity: &str, id: Uuid) -> Result<(), Refusal> {
    unit.findable_changed();
    unit.tx().execute(
        sqlx::query("DELETE FROM search_entries WHERE entity_type = $1 AND entity_id = $2")
            .bind(entity)
            .bind(id),
    )?;
    Ok(())
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// `lead`, `user`, `kyc_case`.
    pub entity: String,
    /// Its key.
    pub id: Uuid,
    /// Share of the query's trigrams that it has, percent.
    pub share: u32,
}

/// The best hits for what was typed, of one area or of all that may be seen. Who may ask it again asks by
/// [`ask`].
///
/// # Errors
/// An empty or long query, or the database.
pub fn find(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    query: &str,
    area: Option<Area>,
    limit: u32,
) -> Result<Vec<Hit>, Refusal> {
    find_of(tx, keyring, query, (area, None), limit)
}

/// As [`find`], of one area and users of one role alone.
fn find_of(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    query: &str,
    (area, role): (Option<Area>, Option<Role>),
    limit: u32,
) -> Result<Vec<Hit>, Refusal> {
    let length = query.chars().count();
    let wanted = grams(keyring, query);
    // A text in PostgreSQL holds every character but this one.
    if wanted.is_empty() || length > QUERY_MAX || query.contains('\0') {
        return Err(INVALID.field(
            "q",
            format!("type 1 to {QUERY_MAX} characters with a letter or a digit"),
        ));
    }
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let needed = (wanted.len() * SHARE_MIN).div_ceil(100);
    let rows: Vec<(String, Uuid, i64)> = tx.all(
        sqlx::query_as(
            "SELECT e.entity_type, e.entity_id, hits.shared * 100 / $3
             FROM app_search($1, $2) AS hits JOIN search_entries AS e ON e.ref = hits.ref
             WHERE ($4::text IS NULL OR e.area = $4)
                 AND ($7::text IS NULL OR (e.entity_type = 'user' AND EXISTS (SELECT FROM users AS u WHERE u.id = e.entity_id AND u.role = $7)))
             ORDER BY (e.document @@ websearch_to_tsquery('simple', $5)) DESC, hits.shared DESC, e.ref DESC LIMIT $6",
        )
        .bind(&wanted)
        .bind(whole(needed))
        .bind(whole(wanted.len()))
        .bind(area.map(Area::name))
        .bind(query)
        .bind(i64::from(limit.clamp(1, HITS_MAX)))
        .bind(role.map(Role::name)),
    )?;
    let hits = rows.into_iter().map(|(entity, id, share)| Hit {
        entity,
        id,
        share: u32::try_from(share).unwrap_or(0),
    });
    Ok(hits.collect())
}
