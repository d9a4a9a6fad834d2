//! The platform dump, and an embedded database that has to be replaced.

use jiff::Timestamp;
use siaga::store::db::{Actor, Db, Tx};
use siaga::store::dump;

use crate::support::migrated;

/// Text with everything a line format could stumble over.
const TEXT: &str = "two\nlines, \"quotes\", \\backslash, 'apostrophe', ünïcödé, \u{2028}";

/// Rows that migrations and the first audit row bring: the house, its owner, their membership, five lists of sanctions, a head of the audit log.
const SHIPPED: u64 = 9;

async fn fill(db: &Db, rows: i64) {
    let work = move |tx: &mut Tx<'_>| {
        tx.execute(
            sqlx::query("INSERT INTO notes (hash, text, author) SELECT n, $2, 'system' FROM generate_series(1, $1) AS n")
                .bind(rows)
                .bind(TEXT),
        )?;
        tx.execute(sqlx::query("INSERT INTO names (kind, id, name, detail) VALUES ('instrument', 1, 'XAUUSD', '{\"digits\": 2}')"))?;
        tx.execute(sqlx::query("INSERT INTO accounts_directory (account, system, outside_id) VALUES (7, 'mt5', '10001')"))?;
        tx.execute(sqlx::query(
            "INSERT INTO events (source_seq, source_index, type, time, payload) VALUES (1, 0, 'risk.x', now(), '{}'), (NULL, NULL, 'crm.y', now(), '{\"big\": 9007199254740993}')",
        ))?;
        tx.execute(sqlx::query("INSERT INTO audit_log (created_at, actor_id, action, entity_type, entity_id) VALUES (now(), 'system', 'create', 'house', 'house')"))
    };
    db.write(&Actor::SYSTEM, work).await.expect("fill");
}

async fn content(db: &Db) -> Vec<(String, i64, String)> {
    let work = |tx: &mut Tx<'_>| {
        dump::PLATFORM_TABLES
            .iter()
            .map(|table| {
                let rows = format!("FROM {} AS t WHERE {}", table.name, table.rows);
                let count = tx.scalar(Tx::composed_scalar(format!("SELECT count(*) {rows}")))?;
                let sum = format!(
                    "SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') {rows}"
                );
                Ok((
                    table.name.to_owned(),
                    count,
                    tx.scalar(Tx::composed_scalar(sum))?,
                ))
            })
            .collect()
    };
    db.read(&Actor::SYSTEM, work).await.expect("content")
}

#[tokio::test]
async fn what_is_dumped_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().expect("folder");
    for (from, into) in migrated().await.into_iter().zip(migrated().await) {
        let (kind, path) = (from.kind, folder.path().join(from.kind));
        fill(&from.db, 5_000).await;
        let at: Timestamp = "2026-11-20T08:00:00Z".parse().expect("time");
        let generation = dump::write(&from.db, &path, at)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        let restored = dump::restore(&into.db, &path)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(
            restored.map(|restored| (restored.at, restored.rows)),
            Some((at, 5_004 + SHIPPED)),
            "{kind}"
        );
        assert_eq!(content(&into.db).await, content(&from.db).await, "{kind}");
        let again = dump::restore(&into.db, &path).await.expect(kind);
        assert!(again.is_some());
        assert_eq!(
            content(&into.db).await,
            content(&from.db).await,
            "{kind}: twice is once"
        );
        let next = "INSERT INTO events (type, time, payload) VALUES ('crm.next', now(), '{}')";
        into.db
            .write(&Actor::SYSTEM, move |tx| tx.execute(sqlx::query(next)))
            .await
            .expect("numbers go on behind those restored");

        let modified = || {
            std::fs::metadata(&path)
                .and_then(|file| file.modified())
                .expect("file")
        };
        let before = modified();
        let same = dump::write_if_changed(&from.db, &path, at, Some(generation))
            .await
            .expect(kind);
        assert_eq!(
            (same, modified()),
            (generation, before),
            "{kind}: nothing changed, nothing is written"
        );
        fill_one(&from.db).await;
        let newer = dump::write_if_changed(&from.db, &path, at, Some(generation))
            .await
            .expect(kind);
        assert!(newer > generation, "{kind}");
        from.db.close().await;
        into.db.close().await;
    }
}

/// Leads, and those of them with a city in the clear.
async fn cities(db: &Db) -> (i64, i64) {
    let work = |tx: &mut Tx<'_>| {
        let count = "SELECT count(*), count(territory) FROM leads";
        tx.optional::<(i64, i64)>(sqlx::query_as(count))
            .map(Option::unwrap_or_default)
    };
    db.read(&Actor::SYSTEM, work).await.expect("cities")
}

#[tokio::test]
async fn a_city_in_the_clear_of_an_older_dump_does_not_come_back() {
    let folder = tempfile::tempdir().expect("folder");
    for (from, into) in migrated().await.into_iter().zip(migrated().await) {
        let (kind, path) = (from.kind, folder.path().join(from.kind));
        let older = "SET LOCAL app.current_user_id = 'system';
            ALTER TABLE leads DISABLE TRIGGER leads_territory;
            INSERT INTO leads (id, org_id, subject_id, source, territory, stage_since)
                SELECT gen_random_uuid(), o.id, gen_random_uuid(), 'web', 'bandung', now() FROM organizations AS o LIMIT 1";
        from.db
            .own(move |tx| tx.script(older.to_owned()))
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(cities(&from.db).await, (1, 1), "{kind}");
        dump::write(&from.db, &path, Timestamp::UNIX_EPOCH)
            .await
            .expect(kind);
        dump::restore(&into.db, &path).await.expect(kind);
        assert_eq!(cities(&into.db).await, (1, 0), "{kind}");
        from.db.close().await;
        into.db.close().await;
    }
}

async fn fill_one(db: &Db) {
    let one = "INSERT INTO notes (hash, text, author) VALUES (-1, 'later', 'system')";
    db.write(&Actor::SYSTEM, move |tx| tx.execute(sqlx::query(one)))
        .await
        .expect("note");
}

#[cfg(feature = "embedded-postgres")]
mod embedded {
    use std::path::Path;

    use siaga::store::Store;
    use siaga::store::embedded::{self, OpenError};
    use siaga_platform::audit::{self, Fault};

    use super::*;

    #[tokio::test]
    async fn a_database_that_does_not_open_is_set_aside_and_restored_from_the_dump() {
        let folder = tempfile::tempdir().expect("folder");
        let dump_file = folder.path().join("platform.dump");
        let opened = embedded::open(folder.path(), &dump_file)
            .await
            .expect("open");
        assert_eq!(opened.recovery, None);
        fill(&opened.db, 10).await;
        let content_before = content(&opened.db).await;
        dump::write(&opened.db, &dump_file, Timestamp::UNIX_EPOCH)
            .await
            .expect("dump");
        opened.db.close().await;

        let mut ruined = 0;
        ruin(&folder.path().join("postgres"), &mut ruined);
        assert!(ruined > 0, "the test found no file to ruin");
        let opened = embedded::open(folder.path(), &dump_file)
            .await
            .expect("open again");
        let recovery = opened.recovery.expect("a recovery");
        assert!(recovery.set_aside.ends_with("postgres.damaged-1") && recovery.set_aside.exists());
        assert_eq!(
            recovery.restored.as_ref().map(|restored| restored.rows),
            Some(14 + super::SHIPPED)
        );
        let told = recovery.to_string();
        assert!(
            told.contains("later changes are missing") && told.contains("siaga rebuild"),
            "{told}"
        );
        assert_eq!(content(&opened.db).await, content_before);
        opened.db.close().await;
    }

    /// Rows of the log that went with the old database are told apart from rows that somebody took out.
    #[tokio::test]
    async fn the_log_of_a_restored_database_says_what_went_with_the_old_one() {
        let folder = tempfile::tempdir().expect("folder");
        let time = |text: &str| text.parse::<Timestamp>().expect("time");
        let (dumped, restored) = (time("2026-11-20T08:00:00Z"), time("2026-11-20T08:10:00Z"));
        let anchors = folder.path().join(audit::ANCHORS_FILE);
        let open = async || {
            let store = Store::open(None, folder.path(), restored).await;
            store.expect("open").db
        };
        let logged = async |db: &Db| {
            let row = "INSERT INTO audit_log (created_at, actor_id, action, entity_type, entity_id)
                 VALUES (now(), 'system', 'create', 'house', 'house')";
            db.write(&Actor::SYSTEM, move |tx| tx.execute(sqlx::query(row)))
                .await
                .expect("a row");
            let heads = db.read(&Actor::SYSTEM, audit::heads).await.expect("heads");
            audit::append_anchor(&anchors, &heads).expect("written down");
            heads
        };
        let db = open().await;
        logged(&db).await;
        let dump_file = folder.path().join("store/platform.dump");
        dump::write(&db, &dump_file, dumped).await.expect("dump");
        let heads = logged(&db).await;
        db.close().await;
        ruin(&folder.path().join("store/postgres"), &mut 0);
        let db = open().await;
        let known = audit::anchors_of(&anchors).expect("read");
        let mut report = audit::verify(&db, &known).await.expect("verified");
        report.explain(&audit::restores_of(&anchors).expect("read"));
        let head = heads.last().expect("a month");
        let went = Fault::Restored {
            month: head.month.clone(),
            link: head.links,
            at: restored,
            dump: Some(dumped),
        };
        assert_eq!(report.faults, [went]);
        db.close().await;
    }

    /// Cuts the catalog's control file and its write-ahead log short, as a lost power supply may.
    fn ruin(folder: &Path, ruined: &mut u32) {
        for entry in std::fs::read_dir(folder)
            .expect("folder")
            .map(|entry| entry.expect("entry"))
        {
            let path = entry.path();
            if path.is_dir() {
                ruin(&path, ruined);
            } else if path.ends_with("global/pg_control") {
                std::fs::write(&path, [0u8; 64]).expect("write");
                *ruined += 1;
            }
        }
    }

    #[tokio::test]
    async fn a_second_process_is_told_who_has_the_directory() {
        let folder = tempfile::tempdir().expect("folder");
        let first = embedded::start(folder.path()).await.expect("first");
        let second = embedded::open(folder.path(), &folder.path().join("platform.dump")).await;
        assert!(matches!(second, Err(OpenError::InUse(_))));
        assert!(
            folder.path().join("postgres").exists(),
            "a database in use is never set aside"
        );
        first.close().await;
        embedded::start(folder.path())
            .await
            .expect("free again")
            .close()
            .await;
    }
}
