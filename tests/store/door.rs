//! What a transaction may do, and for whom.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use siaga::store::db::{Actor, DbError, QUEUE_MAX, Tx};

use crate::support::{SERVER_CONNECTIONS, migrated};

fn count(
    sql: &'static str,
) -> sqlx::query::QueryScalar<
    'static,
    sqlx::Postgres,
    i64,
    <sqlx::Postgres as sqlx::Database>::Arguments,
> {
    sqlx::query_scalar(sql)
}

#[tokio::test]
async fn a_role_without_a_user_sees_nothing() {
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        db.write(&Actor::SYSTEM, |tx| {
            tx.execute(sqlx::query("INSERT INTO notes (hash, text, author) VALUES (1, 'why', 'system')"))?;
            tx.execute(sqlx::query("INSERT INTO events (type, time, payload) VALUES ('test.happened', now(), '{}')"))?;
            tx.execute(sqlx::query(
                "INSERT INTO audit_log (created_at, actor_id, action, entity_type, entity_id) VALUES (now(), 'system', 'create', 'house', 'house')",
            ))
        })
        .await
        .unwrap_or_else(|error| panic!("{kind}: {error}"));
        let all = "SELECT (SELECT count(*) FROM notes) + (SELECT count(*) FROM events) + (SELECT count(*) FROM audit_log)";
        // Somebody whom no table knows sees no more than nobody; the owner of the house sees what has no owner.
        let user = Actor::user("42").expect("id");
        let owner = Actor::of(siaga_platform::ids::OWNER);
        for (actor, seen) in [
            (Actor::NOBODY, 0),
            (user.clone(), 0),
            (owner, 2),
            (Actor::SYSTEM, 3),
        ] {
            let rows = db
                .read(&actor, move |tx| tx.scalar(count(all)))
                .await
                .expect(kind);
            assert_eq!(rows, seen, "{kind}: {actor:?}");
        }
        let forged = db
            .write(&user, |tx| {
                tx.execute(sqlx::query(
                    "INSERT INTO events (type, time, payload) VALUES ('risk.forged', now(), '{}')",
                ))
            })
            .await;
        assert_eq!(
            forged.expect_err(kind).sqlstate().as_deref(),
            Some("42501"),
            "{kind}"
        );
        db.close().await;
    }
}

#[tokio::test]
async fn the_audit_log_is_append_only_even_for_its_owner() {
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        for sql in [
            "UPDATE audit_log SET actor_id = 'x'",
            "DELETE FROM audit_log",
            "TRUNCATE audit_log",
        ] {
            let owner = db.own(move |tx| tx.execute(sqlx::query(sql))).await;
            assert!(owner.is_err(), "{kind}: {sql}");
            let app = db
                .write(&Actor::SYSTEM, move |tx| tx.execute(sqlx::query(sql)))
                .await;
            assert_eq!(
                app.expect_err(kind).sqlstate().as_deref(),
                Some("42501"),
                "{kind}: {sql}"
            );
        }
        db.close().await;
    }
}

#[tokio::test]
async fn a_failed_closure_writes_nothing_and_a_read_cannot_write() {
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let insert = "INSERT INTO names (kind, id, name) VALUES ('instrument', 1, 'EURUSD')";
        let failed: Result<(), DbError> = db
            .write(&Actor::SYSTEM, move |tx| {
                tx.execute(sqlx::query(insert))?;
                Err(DbError::Unexpected("changed my mind".into()))
            })
            .await;
        assert!(failed.is_err(), "{kind}");
        let panicked: Result<(), DbError> = db
            .write(&Actor::SYSTEM, move |tx| {
                tx.execute(sqlx::query(insert))?;
                panic!("a bug in a closure")
            })
            .await;
        assert!(
            matches!(panicked, Err(DbError::Panicked)),
            "{kind}: {panicked:?}"
        );
        let wrote = db
            .read(&Actor::SYSTEM, move |tx| tx.execute(sqlx::query(insert)))
            .await;
        assert_eq!(
            wrote.expect_err(kind).sqlstate().as_deref(),
            Some("25006"),
            "{kind}"
        );
        let names = db
            .read(&Actor::SYSTEM, |tx| {
                tx.scalar(count("SELECT count(*) FROM names"))
            })
            .await;
        assert_eq!(names.expect(kind), 0, "{kind}");
        db.close().await;
    }
}

#[tokio::test]
async fn a_savepoint_takes_back_only_its_own() {
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let kept = db
            .write(&Actor::SYSTEM, |tx| {
                tx.execute(sqlx::query(
                    "INSERT INTO names (kind, id, name) VALUES ('source', 1, 'sim')",
                ))?;
                let again = tx.attempt(|tx| {
                    tx.execute(sqlx::query(
                        "INSERT INTO names (kind, id, name) VALUES ('source', 1, 'sim')",
                    ))
                })?;
                assert!(again.is_err());
                tx.scalar(count("SELECT count(*) FROM names"))
            })
            .await;
        assert_eq!(kept.expect(kind), 1, "{kind}");
        db.close().await;
    }
}

#[tokio::test]
async fn a_server_ends_a_statement_nobody_should_wait_for() {
    for database in migrated()
        .await
        .into_iter()
        .filter(|database| database.kind == "server")
    {
        let slow = database
            .db
            .read(&Actor::SYSTEM, |tx| {
                tx.execute(sqlx::query("SELECT pg_sleep(30)"))
            })
            .await;
        assert!(matches!(slow, Err(DbError::Timeout)), "{slow:?}");
        let next = database
            .db
            .read(&Actor::SYSTEM, |tx| tx.scalar(count("SELECT 7::bigint")))
            .await;
        assert_eq!(next.expect("the connection is good"), 7);
    }
}

#[tokio::test]
async fn a_report_that_cannot_be_sliced_needs_a_server() {
    for database in migrated().await {
        let answer = database.db.need_server("the yearly report");
        assert_eq!(answer.is_ok(), database.kind == "server");
        database.db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_callers_than_the_queue_holds_are_told_at_once() {
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let (open, gate) = mpsc::sync_channel::<()>(1);
        let gate = Arc::new(Mutex::new(gate));
        let seated = Arc::new(AtomicUsize::new(0));
        let call = || {
            let (db, gate, seated) = (db.clone(), Arc::clone(&gate), Arc::clone(&seated));
            let wait = move |_: &mut Tx<'_>| {
                seated.fetch_add(1, Ordering::Relaxed);
                let _opened = gate.lock().map(|gate| gate.recv());
                Ok(())
            };
            tokio::spawn(async move { db.read(&Actor::SYSTEM, wait).await })
        };
        // Whoever has a connection waits at the gate, so everybody after waits in the queue.
        let seats = match kind {
            "server" => SERVER_CONNECTIONS as usize,
            _ => 1,
        };
        let mut callers: Vec<_> = (0..seats).map(|_| call()).collect();
        let all_seated = async {
            while seated.load(Ordering::Relaxed) < seats {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), all_seated)
            .await
            .expect("every connection is taken");
        callers.extend((0..QUEUE_MAX).map(|_| call()));
        let deadline = Duration::from_secs(60);
        let full = async {
            while db.waiting() < QUEUE_MAX {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(deadline, full)
            .await
            .expect("the queue fills");
        let refused = db.read(&Actor::SYSTEM, |_| Ok(())).await;
        assert!(matches!(refused, Err(DbError::Busy)), "{kind}: {refused:?}");
        drop(open);
        for caller in callers {
            let answer = caller.await.expect("caller");
            assert!(
                matches!(answer, Ok(()) | Err(DbError::Busy)),
                "{kind}: {answer:?}"
            );
        }
        db.read(&Actor::SYSTEM, |_| Ok(()))
            .await
            .expect("there is room again");
        db.close().await;
    }
}
