//! The migration set: parsed in all tiers, applied file by file on tables that hold rows.

use std::collections::BTreeSet;
use std::path::Path;

use siaga::store::db::Db;
use siaga::store::dump::PLATFORM_TABLES;
use siaga::store::migrate::{self, FILES, Migration, Source, Step};
use sqlparser::ast::{AlterTableOperation, ColumnOption, Statement};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::support::{empty, migrated};

/// Statements of a file. `DO` blocks are left out: they stand for what plain SQL cannot say. The
/// parser knows no storage parameters with a prefix, so those lose theirs.
fn statements(file: &Source) -> Vec<Statement> {
    let mut sql = file.sql.replace("timescaledb.", "");
    while let Some(start) = sql.find("DO $$") {
        let length = sql[start..].find("$$;").expect("end of a DO block") + 3;
        sql.replace_range(start..start + length, "");
    }
    Parser::parse_sql(&PostgreSqlDialect {}, &sql)
        .unwrap_or_else(|error| panic!("{}: {error}", file.name))
}

/// Columns that a file adds to an existing table as NOT NULL without a default: the full table refuses them.
fn unfilled_columns(statements: &[Statement]) -> Vec<String> {
    let operations = statements.iter().flat_map(|statement| match statement {
        Statement::AlterTable(table) => table.operations.as_slice(),
        _ => &[],
    });
    let added = operations.filter_map(|operation| match operation {
        AlterTableOperation::AddColumn { column_def, .. } => Some(column_def),
        _ => None,
    });
    let has = |column: &sqlparser::ast::ColumnDef, wanted: fn(&ColumnOption) -> bool| {
        column.options.iter().any(|option| wanted(&option.option))
    };
    added
        .filter(|column| has(column, |option| matches!(option, ColumnOption::NotNull)))
        .filter(|column| {
            !has(column, |option| {
                matches!(
                    option,
                    ColumnOption::Default(_) | ColumnOption::Generated { .. }
                )
            })
        })
        .map(|column| column.name.value.clone())
        .collect()
}

#[test]
fn every_file_of_every_tier_is_understood_and_no_column_is_left_unfilled() {
    for file in FILES {
        let statements = statements(file);
        assert!(!statements.is_empty(), "{} is empty", file.name);
        assert_eq!(
            unfilled_columns(&statements),
            [""; 0],
            "{}: NOT NULL without a default",
            file.name
        );
        Migration::read(file).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn the_check_for_unfilled_columns_finds_one() {
    let file = |sql| Source { name: "bad", sql };
    let bad = statements(&file("ALTER TABLE orders ADD COLUMN venue text NOT NULL;"));
    assert_eq!(unfilled_columns(&bad), ["venue"]);
    let good = statements(&file(
        "ALTER TABLE orders ADD COLUMN venue text NOT NULL DEFAULT ''; ALTER TABLE orders ADD COLUMN x text;",
    ));
    assert_eq!(unfilled_columns(&good), [""; 0]);
}

#[tokio::test]
async fn a_second_run_does_nothing() {
    for database in empty().await {
        let (kind, db) = (database.kind, &database.db);
        let planned = migrate::dry_run(db).await.expect(kind);
        let planned: Vec<_> = planned
            .into_iter()
            .filter_map(|step| {
                if let Step::Apply(migration) = step {
                    Some(migration.name)
                } else {
                    None
                }
            })
            .collect();
        let first = migrate::run(db)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(first.applied, planned, "{kind}");
        assert_eq!(first.capabilities.server, kind == "server");
        assert_eq!(
            first.applied.contains(&"0009b_ticks_partitions"),
            kind == "server"
        );
        assert_eq!(
            first.applied.contains(&"0012_notes_trigram"),
            first.capabilities.pg_trgm,
            "{kind}"
        );
        assert_eq!(
            first.applied.contains(&"0077_semantic_vector"),
            first.capabilities.vector,
            "{kind}"
        );
        let second = migrate::run(db).await.expect(kind);
        assert_eq!(second.applied, [""; 0], "{kind}");
        db.close().await;
    }
}

#[tokio::test]
async fn every_migration_meets_full_tables() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/migrations");
    for database in empty().await {
        let (kind, db) = (database.kind, &database.db);
        let mut loaded = 0;
        for (at, file) in FILES.iter().enumerate() {
            migrate::run_files(db, &FILES[..=at])
                .await
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
            let Ok(rows) = std::fs::read_to_string(folder.join(format!("{}.sql", file.name)))
            else {
                continue;
            };
            if rows.contains("ticks") && kind == "embedded" {
                continue;
            }
            db.own(move |tx| tx.script(rows))
                .await
                .unwrap_or_else(|error| panic!("{kind}: {}: {error}", file.name));
            loaded += 1;
        }
        let empty_tables = db.own(move |tx| {
            let tables: Vec<(String,)> = tx.all(sqlx::query_as(TABLES))?;
            let mut empty = Vec::new();
            for (table,) in tables {
                let rows: i64 = tx.scalar(siaga::store::db::Tx::composed_scalar(format!(
                    "SELECT count(*) FROM {table}"
                )))?;
                if rows == 0 {
                    empty.push(table);
                }
            }
            Ok(empty)
        });
        let empty_tables = empty_tables.await.expect(kind);
        assert_eq!(
            empty_tables, [""; 0],
            "{kind}: give these tables rows in tests/data/migrations"
        );
        assert!(loaded > 5, "{kind}: {loaded} files of rows were loaded");
        let named: i64 = db
            .own(|tx| {
                tx.script("SET LOCAL app.current_user_id = 'system'".to_owned())?;
                tx.scalar(sqlx::query_scalar(NAMED_SINCE))
            })
            .await
            .expect(kind);
        assert_eq!(
            named, 4,
            "{kind}: events that were written without their person"
        );
        let brought: Vec<(String,)> = db
            .own(|tx| {
                tx.script("SET LOCAL app.current_user_id = 'system'".to_owned())?;
                tx.all(sqlx::query_as(BROUGHT))
            })
            .await
            .expect(kind);
        assert_eq!(
            brought,
            [("came_by_a_lead".to_owned(),)],
            "{kind}: a lead that was there first says who brought its client"
        );
        let held: Vec<(String,)> = db
            .own(|tx| {
                tx.script("SET LOCAL app.current_user_id = 'system'".to_owned())?;
                tx.all(sqlx::query_as(HELD_FROM))
            })
            .await
            .expect(kind);
        assert_eq!(
            held,
            ["approved by finance", "requested by -"].map(|row| (row.to_owned(),)),
            "{kind}: what a client is told of a movement that is held"
        );
        leads_of_before(kind, db).await;
        db.close().await;
    }
}

/// Where movements that an older program held were before, and who had approved them.
const HELD_FROM: &str = "SELECT held_from || ' by ' || coalesce(held_approved_by, '-') FROM cash_requests WHERE status = 'held' ORDER BY id";

/// Leads of an older program have no city in the clear, and say of which contacts it is certain that every word came in with them.
async fn leads_of_before(kind: &str, db: &Db) {
    let found = db.own(|tx| {
        tx.script("SET LOCAL app.current_user_id = 'system'".to_owned())?;
        let clear: i64 = tx.scalar(sqlx::query_scalar(CLEAR))?;
        let renewed: i64 = tx.scalar(sqlx::query_scalar(RENEWED))?;
        let marks: Vec<(String,)> = tx.all(sqlx::query_as(MARKS))?;
        Ok((clear, renewed, marks))
    });
    let (clear, renewed, marks) = found.await.expect(kind);
    let marks: Vec<String> = marks.into_iter().map(|(mark,)| mark).collect();
    assert_eq!(
        marks,
        ["1 email.always 5", "1 phone.always 5", "4 phone.always 5"],
        "{kind}"
    );
    assert_eq!(clear, 0, "{kind}: cities in the clear");
    assert_eq!(renewed, 0, "{kind}: leads whose term began anew");
}

const CLEAR: &str = "SELECT count(*) FROM leads WHERE territory IS NOT NULL";

const RENEWED: &str = "SELECT count(*) FROM leads
    WHERE id::text LIKE '%-00000001150_' AND updated_at <> '2026-01-05 08:00Z'";

/// The lead's last digit, the mark, and the instant that it has.
const MARKS: &str = "SELECT right(l.id::text, 1) || ' ' || m.key || ' ' || m.value FROM leads AS l, jsonb_each_text(l.data_at) AS m
    WHERE l.id::text LIKE '%-00000001150_' AND m.key LIKE '%.%' ORDER BY 1";

/// Clients of an older program who were brought by somebody.
const BROUGHT: &str =
    "SELECT username FROM users WHERE referrer_id IS NOT NULL AND id::text LIKE '%-00000000071_'";

/// Events of an older program that name their person now.
const NAMED_SINCE: &str = "SELECT count(*) FROM events
    WHERE event_id::text LIKE '%-00000000068_' AND subject_id = '00000000-0000-7000-8000-000000000011'";

/// Tables of the program's schema; partitions are counted with their parent.
const TABLES: &str = "SELECT relname::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1";

#[tokio::test]
async fn every_table_is_dumped_or_rebuilt() {
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let tables: Vec<(String,)> = db
            .own(|tx| tx.all(sqlx::query_as(TABLES)))
            .await
            .expect(kind);
        let tables: BTreeSet<String> = tables.into_iter().map(|(name,)| name).collect();
        let known: BTreeSet<String> = PLATFORM_TABLES
            .iter()
            .map(|table| table.name)
            .chain(
                siaga::store::rebuild::READ_MODEL
                    .iter()
                    .map(|table| table.name),
            )
            .chain([
                "consumers",
                "holder_tellings",
                "open_positions",
                "schema_versions",
            ])
            .chain(siaga::store::dump::FIXED_TABLES.iter().copied())
            .chain((kind == "server").then_some("ticks"))
            .map(str::to_owned)
            .collect();
        assert_eq!(
            tables, known,
            "{kind}: a table must be in the dump, in the rebuild, or named here"
        );
        db.close().await;
    }
}
