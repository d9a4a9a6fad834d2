//! Names and notes, copied into the store so that SQL reads them beside the numbers. The desk's own
//! files have them first: a note must be durable before its hash enters the journal, whatever the
//! database does.

use siaga_platform::db::{DbError, Tx};
use siaga_platform::values::{bound, hash};
use siaga_risk::units::Ts;

/// Whose numbers the accounts of the desk are.
const SYSTEM: &str = "siaga";

/// An outside name of something that the core calls by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRow {
    /// `currency`, `instrument`, `group`, `link`, `source`.
    pub kind: &'static str,
    /// Number.
    pub id: u32,
    /// Code, symbol or name.
    pub name: String,
    /// The longer form, or the name again.
    pub title: String,
}

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteRow {
    /// Its hash, as inputs carry it.
    pub hash: u64,
    /// The text.
    pub text: String,
    /// Number of the author.
    pub author: u32,
    /// When.
    pub at: Ts,
}

/// Writes names that are not there or otherwise. A name that two of a kind bear is kept once.
///
/// # Errors
/// The database.
pub fn write_names(tx: &mut Tx<'_>, rows: &[NameRow]) -> Result<(), DbError> {
    let kinds: Vec<String> = rows.iter().map(|row| row.kind.to_owned()).collect();
    let ids: Vec<i64> = rows.iter().map(|row| i64::from(row.id)).collect();
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let titles: Vec<String> = rows.iter().map(|row| row.title.clone()).collect();
    // Asked first: a statement that changes nothing would still ask for a dump.
    let differing: i64 = tx.scalar(
        sqlx::query_scalar(
            "SELECT count(*) FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS given (kind, id, name, title)
             LEFT JOIN names USING (kind, id)
             WHERE (names.name, names.detail) IS DISTINCT FROM (given.name, jsonb_build_object('title', title))",
        )
        .bind(kinds.clone())
        .bind(ids.clone())
        .bind(names.clone())
        .bind(titles.clone()),
    )?;
    if differing == 0 {
        return Ok(());
    }
    // Taken out first: two may have changed places, and a name stands once.
    tx.execute(
        sqlx::query(
            "DELETE FROM names USING unnest($1::text[], $2::bigint[]) AS given (kind, id)
             WHERE names.kind = given.kind AND names.id = given.id",
        )
        .bind(kinds.clone())
        .bind(ids.clone()),
    )?;
    tx.execute(
        sqlx::query(
            "INSERT INTO names (kind, id, name, detail)
             SELECT kind, id, name, jsonb_build_object('title', title)
             FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS given (kind, id, name, title)
             ON CONFLICT DO NOTHING",
        )
        .bind(kinds)
        .bind(ids)
        .bind(names)
        .bind(titles),
    )
    .map(drop)
}

/// Writes accounts of the desk (number and name) that are not there or otherwise; accounts of other
/// systems stay, and what an erasure took out of a title is not written again.
///
/// # Errors
/// The database.
pub fn write_accounts(tx: &mut Tx<'_>, rows: &[(u32, String)]) -> Result<(), DbError> {
    let ids: Vec<i64> = rows.iter().map(|row| i64::from(row.0)).collect();
    let titles: Vec<String> = rows.iter().map(|row| row.1.clone()).collect();
    let differing: i64 = tx.scalar(
        sqlx::query_scalar(
            "SELECT count(*) FROM unnest($1::bigint[], $2::text[]) AS given (account, title)
             LEFT JOIN accounts_directory AS known USING (account)
             WHERE known.account IS NULL OR (known.system = $3 AND known.title <> given.title
                 AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = known.user_id AND u.status = 'deleted'))",
        )
        .bind(ids.clone())
        .bind(titles.clone())
        .bind(SYSTEM),
    )?;
    if differing == 0 {
        return Ok(());
    }
    tx.execute(
        sqlx::query(
            "INSERT INTO accounts_directory AS known (account, system, outside_id, title)
             SELECT account, $3, account::text, title FROM unnest($1::bigint[], $2::text[]) AS given (account, title)
             ON CONFLICT (account) DO UPDATE SET title = excluded.title
             WHERE known.system = $3 AND known.title <> excluded.title
                 AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = known.user_id AND u.status = 'deleted')",
        )
        .bind(ids)
        .bind(titles)
        .bind(SYSTEM),
    )
    .map(drop)
}

/// At most `limit` accounts of the desk above that number whose people were erased, in order.
///
/// # Errors
/// The database.
pub fn erased_accounts(tx: &mut Tx<'_>, after: i64, limit: i64) -> Result<Vec<i64>, DbError> {
    let rows: Vec<(i64,)> = tx.all(
        sqlx::query_as(
            "SELECT a.account FROM accounts_directory AS a JOIN users AS u ON u.id = a.user_id
             WHERE a.system = $1 AND u.status = 'deleted' AND a.account > $2 ORDER BY a.account LIMIT $3",
        )
        .bind(SYSTEM)
        .bind(after)
        .bind(limit),
    )?;
    Ok(rows.into_iter().map(|(account,)| account).collect())
}

/// A note out of which an erasure took what names a person: when that was (microseconds), its hash, its text.
pub type RedactedNote = (i64, i64, String);

/// At most `limit` redacted notes behind that moment and hash, oldest first.
///
/// # Errors
/// The database.
pub fn redacted_notes(
    tx: &mut Tx<'_>,
    after: (i64, i64),
    limit: i64,
) -> Result<Vec<RedactedNote>, DbError> {
    tx.all(
        sqlx::query_as(
            "SELECT at, hash, text FROM (
                 SELECT (extract(epoch FROM redacted_at) * 1000000)::bigint AS at, hash, text FROM notes WHERE redacted_at IS NOT NULL) AS gone
             WHERE (at, hash) > ($1, $2) ORDER BY at, hash LIMIT $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(limit),
    )
}

/// Writes notes that are not there; what an erasure takes out of one is not written again.
///
/// # Errors
/// The database.
pub fn write_notes(tx: &mut Tx<'_>, rows: &[NoteRow]) -> Result<(), DbError> {
    let hashes: Vec<i64> = rows.iter().map(|row| hash(row.hash)).collect();
    let known: Vec<(i64,)> =
        tx.all(sqlx::query_as("SELECT hash FROM notes WHERE hash = ANY($1)").bind(hashes))?;
    for row in rows {
        let key = hash(row.hash);
        if known.contains(&(key,)) {
            continue;
        }
        tx.execute(
            sqlx::query("INSERT INTO notes (hash, text, author, created) VALUES ($1, $2, $3, $4)")
                .bind(key)
                .bind(row.text.clone())
                .bind(row.author.to_string())
                .bind(bound(row.at)),
        )?;
    }
    Ok(())
}
