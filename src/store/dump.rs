//! The dump of what cannot be rebuilt from the output log: platform data, as JSON lines with a
//! checksum at the end, in a file that is synced and then replaced in one step.

mod file;
mod restore;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use siaga_platform::db::{Db, DbError, Tx};
use tokio::sync::watch;

pub use restore::{Restored, restore};

use file::Writer;

/// How often a changed database is dumped.
pub const DUMP_EVERY: Duration = Duration::from_secs(15 * 60);

/// Pages of a table read in one slice: half a megabyte, well below 50 ms on the embedded backend.
const SLICE_PAGES: i64 = 64;

/// A dump that found changes while reading starts anew this often, then reads all in one transaction.
const TRIES: u32 = 3;

/// Tables (and which of their rows) that the output log does not make again, referenced tables first.
pub const PLATFORM_TABLES: &[PlatformTable] = &[
    PlatformTable::whole("names"),
    PlatformTable::seeded("organizations"),
    PlatformTable::whole("teams"),
    PlatformTable::seeded("users"),
    PlatformTable::seeded("org_members"),
    PlatformTable::whole("accounts_directory"),
    PlatformTable::whole("notes"),
    PlatformTable::whole("audit_heads"),
    PlatformTable::whole("audit_log"),
    PlatformTable::whole("alert_evidence"),
    PlatformTable::whole("credentials"),
    PlatformTable::whole("sign_in_counts"),
    PlatformTable::whole("sessions"),
    PlatformTable::whole("refresh_tokens"),
    PlatformTable::whole("sign_in_challenges"),
    PlatformTable::whole("totp_secrets"),
    PlatformTable::whole("recovery_codes"),
    PlatformTable::whole("sent_codes"),
    PlatformTable::whole("passkeys"),
    PlatformTable::whole("confirmed_contacts"),
    PlatformTable::whole("provider_identities"),
    PlatformTable::whole("signing_keys"),
    PlatformTable::whole("api_keys"),
    PlatformTable::whole("user_preferences"),
    // Core events are rebuilt from the output log; the platform's own are not.
    PlatformTable {
        name: "events",
        rows: "source_seq IS NULL",
        seeded: false,
    },
    PlatformTable::whole("event_receipts"),
    PlatformTable::whole("idempotency_keys"),
    PlatformTable::whole("subject_keys"),
    PlatformTable::whole("consents"),
    PlatformTable::whole("subject_requests"),
    PlatformTable::whole("erasure_ledger"),
    PlatformTable::whole("legal_holds"),
    PlatformTable::whole("retention_runs"),
    PlatformTable::whole("search_entries"),
    PlatformTable::whole("search_grams"),
    PlatformTable::whole("cash_requests"),
    PlatformTable::whole("crm_settings"),
    PlatformTable::whole("sales_agents"),
    PlatformTable::whole("leads"),
    PlatformTable::whole("lead_facts"),
    PlatformTable::whole("lead_history"),
    PlatformTable::whole("lead_stage_spans"),
    PlatformTable::whole("lead_captures"),
    PlatformTable::whole("lead_merges"),
    PlatformTable::whole("lead_subjects"),
    PlatformTable::whole("lead_sources"),
    PlatformTable::whole("tasks"),
    PlatformTable::whole("lead_deals"),
    PlatformTable::whole("conversation_access"),
    PlatformTable::whole("lead_outreaches"),
    PlatformTable::whole("crm_notices"),
    PlatformTable::whole("projects"),
    PlatformTable::whole("documents"),
    PlatformTable::whole("ai_embeddings"),
    PlatformTable::whole("kyc_cases"),
    PlatformTable::whole("kyc_documents"),
    PlatformTable::whole("kyc_reviews"),
    PlatformTable::whole("kyc_disputes"),
    PlatformTable::whole("kyc_accounts"),
    PlatformTable::whole("kyc_pending_files"),
    PlatformTable::seeded("sanctions_sources"),
    PlatformTable::whole("sanctions_versions"),
    PlatformTable::whole("sanctions_entries"),
    PlatformTable::whole("sanctions_whitelist"),
    PlatformTable::whole("aml_cases"),
    PlatformTable::whole("aml_alerts"),
    PlatformTable::whole("aml_hits"),
    PlatformTable::whole("aml_notes"),
    PlatformTable::whole("aml_steps"),
    PlatformTable::whole("aml_reports"),
    PlatformTable::whole("aml_screenings"),
    PlatformTable::whole("cash_checks"),
    PlatformTable::whole("cash_bookings"),
];

/// Tables whose rows the migrations bring, the same everywhere.
pub const FIXED_TABLES: &[&str] = &["roles", "role_grants"];

/// A table of the dump.
#[derive(Clone, Copy, Debug)]
pub struct PlatformTable {
    /// Its name.
    pub name: &'static str,
    /// SQL condition of the rows that are dumped.
    pub rows: &'static str,
    /// The migrations put rows of their own into it; those of the dump take their place.
    pub seeded: bool,
}

impl PlatformTable {
    const fn whole(name: &'static str) -> Self {
        Self {
            name,
            rows: "true",
            seeded: false,
        }
    }

    const fn seeded(name: &'static str) -> Self {
        Self {
            seeded: true,
            ..Self::whole(name)
        }
    }
}

/// Why a dump was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The file.
    #[error("the dump file {path} failed: {error}")]
    File {
        /// The path.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not a whole dump.
    #[error("the dump file {path} is damaged at line {line}: {what}; use an older copy of it")]
    Damaged {
        /// The path.
        path: String,
        /// Line, from 1.
        line: u64,
        /// What was found.
        what: String,
    },
}

/// Counts changes of platform data; equal numbers mean nothing to dump.
///
/// # Errors
/// The database did not answer.
pub async fn generation(db: &Db) -> Result<i64, DbError> {
    db.own(read_generation).await
}

/// Writes the dump of this moment to `path`; returns the generation it holds.
///
/// # Errors
/// [`DumpError`]; the dump that was there before is then untouched.
pub async fn write(db: &Db, path: &Path, at: Timestamp) -> Result<i64, DumpError> {
    let db = db.background();
    for _ in 0..TRIES {
        let before = generation(&db).await?;
        let mut writer = Writer::create(path, at)?;
        for table in PLATFORM_TABLES {
            writer.table(
                table.name,
                &db.own(move |tx| columns(tx, table.name)).await?,
            )?;
            for part in db.own(move |tx| parts(tx, table.name)).await? {
                let mut page = 0;
                loop {
                    let part = part.clone();
                    let read = db.own(move |tx| slice(tx, &part, table.rows, page));
                    let Some(rows) = read.await? else {
                        break;
                    };
                    writer.rows(&rows)?;
                    page += SLICE_PAGES;
                }
            }
        }
        if generation(&db).await? == before {
            writer.finish()?;
            return Ok(before);
        }
    }
    write_at_once(&db, path, at).await
}

/// Dumps every [`DUMP_EVERY`] when something changed, and at last when `stop` turns true.
///
/// # Errors
/// That the last dump failed; earlier failures are warnings and tried again.
pub async fn keep(
    db: &Db,
    path: &Path,
    now: impl Fn() -> Timestamp,
    mut stop: watch::Receiver<bool>,
) -> Result<(), DumpError> {
    let mut written = None;
    loop {
        let stopping = tokio::select! {
            () = stopped(&mut stop) => true,
            () = tokio::time::sleep(DUMP_EVERY) => false,
        };
        match write_if_changed(db, path, now(), written).await {
            Ok(generation) => written = Some(generation),
            Err(error) if stopping => return Err(error),
            Err(error) => tracing::warn!("the platform dump failed and is tried again: {error}"),
        }
        if stopping {
            return Ok(());
        }
    }
}

/// Resolves when the program stops, or is gone.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _gone = stop.wait_for(|stop| *stop).await.is_err();
}

/// As [`write()`], unless nothing changed since generation `written`.
///
/// # Errors
/// As [`write()`].
pub async fn write_if_changed(
    db: &Db,
    path: &Path,
    at: Timestamp,
    written: Option<i64>,
) -> Result<i64, DumpError> {
    match written {
        Some(known) if generation(db).await? == known && path.exists() => Ok(known),
        _ => write(db, path, at).await,
    }
}

async fn write_at_once(db: &Db, path: &Path, at: Timestamp) -> Result<i64, DumpError> {
    let (tables, generation) = db
        .own(|tx| {
            let mut tables = Vec::with_capacity(PLATFORM_TABLES.len());
            for table in PLATFORM_TABLES {
                let mut rows = Vec::new();
                for part in parts(tx, table.name)? {
                    let mut page = 0;
                    while let Some(more) = slice(tx, &part, table.rows, page)? {
                        rows.extend(more);
                        page += SLICE_PAGES;
                    }
                }
                tables.push((table.name, columns(tx, table.name)?, rows));
            }
            Ok((tables, read_generation(tx)?))
        })
        .await?;
    let mut writer = Writer::create(path, at)?;
    for (name, columns, rows) in tables {
        writer.table(name, &columns)?;
        writer.rows(&rows)?;
    }
    writer.finish()?;
    Ok(generation)
}

fn read_generation(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    tx.scalar(sqlx::query_scalar(
        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM platform_changes",
    ))
}

fn columns(tx: &mut Tx<'_>, table: &'static str) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx.all(
        sqlx::query_as(
            "SELECT attname::text FROM pg_attribute
             WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
             ORDER BY attnum",
        )
        .bind(table),
    )?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// The table itself, or its partitions in the order of their names: a partitioned table has no pages.
fn parts(tx: &mut Tx<'_>, table: &'static str) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx.all(
        sqlx::query_as(
            "SELECT relid::regclass::text FROM pg_partition_tree($1::regclass) WHERE isleaf ORDER BY 1",
        )
        .bind(table),
    )?;
    if rows.is_empty() {
        return Ok(vec![table.to_owned()]);
    }
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// The rows on pages `page..page + SLICE_PAGES` as JSON objects, or `None` behind the last page.
fn slice(
    tx: &mut Tx<'_>,
    name: &str,
    rows: &'static str,
    page: i64,
) -> Result<Option<Vec<String>>, DbError> {
    let pages: i64 = tx.scalar(
        sqlx::query_scalar(
            "SELECT pg_relation_size($1::regclass) / current_setting('block_size')::bigint",
        )
        .bind(name),
    )?;
    if page >= pages {
        return Ok(None);
    }
    let sql = format!(
        "SELECT coalesce(array_agg(row_to_json(t)::text), '{{}}') FROM {name} AS t
         WHERE ctid >= '({page},0)' AND ctid < '({},0)' AND {rows}",
        page + SLICE_PAGES
    );
    tx.scalar(Tx::composed_scalar(sql)).map(Some)
}
