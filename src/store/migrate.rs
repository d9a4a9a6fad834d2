//! The one migration set, applied by our own small runner: each file in its own transaction, its
//! checksum remembered, and steps that need an extension only where it is there.

mod files;
mod plan;

use sha2::{Digest as _, Sha256};
use siaga_platform::db::{Db, DbError, Tx};

pub use files::FILES;
pub use plan::{Applied, Capabilities, MigrateError, Migration, Source, Step, Tier, plan};

/// Held while migrating, so that two programs starting at once do not do it twice. Any fixed number.
const LOCK_KEY: i64 = 0x5169_6167_6101;

/// A migration that waits longer than this for a table in use gives up and leaves it as it was.
const LOCK_TIMEOUT: &str = "5s";

/// SQLSTATE of a statement the user may not run.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Files applied now, in order.
    pub applied: Vec<&'static str>,
    /// Files left out, and why.
    pub skipped: Vec<(&'static str, String)>,
    /// What the database offers.
    pub capabilities: Capabilities,
}

/// Brings the database to the newest schema.
///
/// # Errors
/// [`MigrateError`]: an edited file, a database of a newer program that this one cannot serve, or
/// PostgreSQL's refusal with the name of the file. What was applied before stays applied.
pub async fn run(db: &Db) -> Result<Report, MigrateError> {
    run_files(db, FILES).await
}

/// As [`run`], with the given files: tests stop half way and fill the tables.
///
/// # Errors
/// As [`run`].
pub async fn run_files(db: &Db, files: &'static [Source]) -> Result<Report, MigrateError> {
    let is_server = db.is_server();
    db.own(create_versions_table).await?;
    let mut report = Report {
        capabilities: db.own(move |tx| detect(tx, is_server)).await?,
        ..Report::default()
    };
    for step in preview(db, files, &report.capabilities).await? {
        match step {
            Step::Done(_) => {}
            Step::Skip(migration, why) => report.skipped.push((migration.name, why)),
            Step::Apply(migration) => {
                let (name, optional) = (migration.name, !migration.requires.is_empty());
                match db.own(move |tx| apply(tx, &migration)).await {
                    Ok(()) => report.applied.push(name),
                    Err(error)
                        if optional
                            && error.sqlstate().as_deref() == Some(INSUFFICIENT_PRIVILEGE) =>
                    {
                        let why = format!("{error}; a superuser has to create the extension");
                        report.skipped.push((name, why));
                    }
                    Err(error) => return Err(MigrateError::Failed { name, error }),
                }
            }
        }
    }
    Ok(report)
}

/// What [`run`] would do now, without doing it (`siaga migrate --dry-run`).
///
/// # Errors
/// As [`run`].
pub async fn dry_run(db: &Db) -> Result<Vec<Step>, MigrateError> {
    let is_server = db.is_server();
    let capabilities = db.own(move |tx| detect(tx, is_server)).await?;
    preview(db, FILES, &capabilities).await
}

async fn preview(
    db: &Db,
    files: &'static [Source],
    capabilities: &Capabilities,
) -> Result<Vec<Step>, MigrateError> {
    let applied = db.own(read_applied).await?;
    plan(files, &applied, capabilities)
}

fn create_versions_table(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.execute(sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK_KEY))?;
    tx.execute(sqlx::query(
        "CREATE TABLE IF NOT EXISTS schema_versions (
            name text PRIMARY KEY,
            checksum text NOT NULL,
            choice text,
            contract boolean NOT NULL,
            applied timestamptz NOT NULL DEFAULT now())",
    ))?;
    Ok(())
}

fn read_applied(tx: &mut Tx<'_>) -> Result<Vec<Applied>, DbError> {
    let exists: bool = tx.scalar(sqlx::query_scalar(
        "SELECT to_regclass('schema_versions') IS NOT NULL",
    ))?;
    if !exists {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, String, Option<String>, bool)> = tx.all(sqlx::query_as(
        "SELECT name, checksum, choice, contract FROM schema_versions ORDER BY name",
    ))?;
    let applied = |(name, checksum, choice, contract)| Applied {
        name,
        checksum,
        choice,
        contract,
    };
    Ok(rows.into_iter().map(applied).collect())
}

fn apply(tx: &mut Tx<'_>, migration: &Migration) -> Result<(), DbError> {
    tx.execute(sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK_KEY))?;
    let known: bool = tx.scalar(
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM schema_versions WHERE name = $1)")
            .bind(migration.name),
    )?;
    if known {
        return Ok(());
    }
    tx.script(format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))?;
    tx.script(migration.sql.to_owned())?;
    tx.execute(
        sqlx::query("INSERT INTO schema_versions (name, checksum, choice, contract) VALUES ($1, $2, $3, $4)")
            .bind(migration.name)
            .bind(checksum(migration.sql))
            .bind(migration.choice)
            .bind(migration.contract),
    )?;
    Ok(())
}

/// What the database offers, asked of itself.
fn detect(tx: &mut Tx<'_>, is_server: bool) -> Result<Capabilities, DbError> {
    let rows: Vec<(String, bool)> = tx.all(sqlx::query_as(
        "SELECT name, installed_version IS NOT NULL FROM pg_available_extensions
         WHERE name IN ('vector', 'pg_trgm', 'timescaledb')",
    ))?;
    let has = |wanted: &str| rows.iter().any(|(name, _)| name == wanted);
    let mut capabilities = Capabilities {
        server: is_server,
        vector: has("vector"),
        pg_trgm: has("pg_trgm"),
        tier: Tier::Plain,
    };
    if has("timescaledb") {
        capabilities.tier = Tier::of_edition(edition(tx)?.as_deref());
    }
    Ok(capabilities)
}

/// The edition of TimescaleDB, known only once it is loaded: it is created in a savepoint that is
/// taken back. Where it is on disk and not preloaded (creating it would end the connection), or this
/// user may not create it, the plain tier serves.
fn edition(tx: &mut Tx<'_>) -> Result<Option<String>, DbError> {
    let preloaded: bool = tx.scalar(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_settings WHERE name LIKE 'timescaledb.%')",
    ))?;
    if !preloaded {
        return Ok(None);
    }
    tx.execute(sqlx::query("SAVEPOINT probe"))?;
    let license = tx.attempt(|tx| {
        tx.execute(sqlx::query("CREATE EXTENSION IF NOT EXISTS timescaledb"))?;
        tx.scalar(sqlx::query_scalar(
            "SELECT current_setting('timescaledb.license', true)",
        ))
    })?;
    tx.execute(sqlx::query("ROLLBACK TO SAVEPOINT probe"))?;
    Ok(license.ok())
}

/// Checksum of a file: SHA-256 in hexadecimal, of its text without line-end differences.
pub fn checksum(sql: &str) -> String {
    let digest = Sha256::digest(sql.replace("\r\n", "\n").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
