use std::path::Path;

use jiff::Timestamp;
use siaga_platform::db::{Db, DbError, Tx};

use super::file::{self, Line};
use super::{DumpError, PLATFORM_TABLES};

/// Rows inserted by one statement.
const BATCH_ROWS: usize = 500;

/// What a restore brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// When the dump was made.
    pub at: Timestamp,
    /// Rows read from it.
    pub rows: u64,
}

/// Puts a dump back; rows that are there already stay as they are. `None` when there is no dump.
///
/// # Errors
/// A damaged file (found before anything is written), or PostgreSQL's refusal.
pub async fn restore(db: &Db, path: &Path) -> Result<Option<Restored>, DumpError> {
    if !path.exists() {
        return Ok(None);
    }
    let at = file::verify(path)?;
    let db = db.background();
    let mut target: Option<Target> = None;
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    let mut rows = 0;
    for line in file::read(path)? {
        match line? {
            Line::Row(row) => batch.push(row),
            Line::Table { name, columns } => {
                rows += flush(&db, target.as_ref(), &mut batch).await?;
                target = Some(Target::known(name, columns)?);
            }
        }
        if batch.len() >= BATCH_ROWS {
            rows += flush(&db, target.as_ref(), &mut batch).await?;
        }
    }
    rows += flush(&db, target.as_ref(), &mut batch).await?;
    db.own(advance_identities).await?;
    Ok(Some(Restored { at, rows }))
}

#[derive(Clone)]
struct Target {
    name: &'static str,
    columns: Vec<String>,
    seeded: bool,
}

impl Target {
    /// A table of an older dump that this program no longer has is an error: nothing is dropped silently.
    fn known(name: String, columns: Vec<String>) -> Result<Self, DumpError> {
        let known = PLATFORM_TABLES.iter().find(|table| table.name == name);
        let table = known.ok_or_else(|| {
            DbError::Unexpected(format!(
                "the dump holds a table {name:?} that this program does not know"
            ))
        })?;
        Ok(Self {
            name: table.name,
            columns,
            seeded: table.seeded,
        })
    }
}

async fn flush(
    db: &Db,
    target: Option<&Target>,
    batch: &mut Vec<String>,
) -> Result<u64, DumpError> {
    let (Some(target), false) = (target.cloned(), batch.is_empty()) else {
        return Ok(0);
    };
    let rows = batch.len() as u64;
    let json = format!("[{}]", batch.join(","));
    batch.clear();
    db.own(move |tx| insert(tx, &target, json)).await?;
    Ok(rows)
}

/// Months of the audit log have partitions of their own before their rows come: their heads stand there.
const AUDIT_PARTITIONS: &str = "SELECT coalesce(sum(ensure_audit_partitions(month, 1)), 0) FROM audit_heads WHERE dropped_at IS NULL";

/// Columns that came later keep their defaults, columns that went are left out.
fn insert(tx: &mut Tx<'_>, target: &Target, json: String) -> Result<(), DbError> {
    let table = target.name;
    if table == "audit_log" {
        tx.execute(sqlx::query(AUDIT_PARTITIONS))?;
    }
    let known = super::columns(tx, table)?;
    let quoted: Vec<String> = target
        .columns
        .iter()
        .filter(|column| known.contains(column))
        .map(|column| format!("\"{}\"", column.replace('"', "\"\"")))
        .collect();
    let columns = quoted.join(", ");
    let conflict = if target.seeded {
        let sets: Vec<String> = quoted
            .iter()
            .map(|column| format!("{column} = EXCLUDED.{column}"))
            .collect();
        format!("(id) DO UPDATE SET {}", sets.join(", "))
    } else {
        "DO NOTHING".to_owned()
    };
    let sql = format!(
        "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
         SELECT {columns} FROM json_populate_recordset(NULL::{table}, $1::json)
         ON CONFLICT {conflict}"
    );
    tx.execute(Tx::composed(sql).bind(json))?;
    Ok(())
}

/// Numbers given from now on come after those restored, and not before the first of their sequence.
fn advance_identities(tx: &mut Tx<'_>) -> Result<(), DbError> {
    for table in PLATFORM_TABLES {
        let columns: Vec<(String,)> = tx.all(
            sqlx::query_as(
                "SELECT attname::text FROM pg_attribute
                 WHERE attrelid = $1::regclass AND attidentity <> '' AND NOT attisdropped",
            )
            .bind(table.name),
        )?;
        for (column,) in columns {
            let name = table.name;
            tx.execute(Tx::composed(format!(
                "SELECT setval(pg_get_serial_sequence('{name}', '{column}'), greatest(coalesce(max(\"{column}\"), 0) + 1,
                     (SELECT seqstart FROM pg_sequence WHERE seqrelid = pg_get_serial_sequence('{name}', '{column}')::regclass)), false) FROM {name}"
            )))?;
        }
    }
    Ok(())
}
