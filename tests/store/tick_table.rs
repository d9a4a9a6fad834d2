//! Ticks go where they can be: a server's partitions.

use std::path::Path;

use serde_json::Value;
use siaga::store::db::{Actor, Db, DbError, PoolOptions, Tx};
use siaga::store::{migrate, read, ticks};
use siaga_platform::values::bound;
use siaga_risk::event::{Mark, OutputKey};
use siaga_risk::ids::{InstrumentId, SourceId};
use siaga_risk::journal::TickRequest;
use siaga_risk::units::{Price, Qty, Ratio, SECOND_NS, Ts};

use crate::desk::wait;
use crate::outputs::MIDNIGHT;
use crate::postgres;
use crate::program::Desk;
use crate::support::{SERVER_CONNECTIONS, migrated};

pub fn tick(seq: u64) -> (OutputKey, Mark) {
    let mark = Mark {
        ts: Ts(MIDNIGHT + seq * 3_600 * SECOND_NS),
        instrument: InstrumentId(1),
        source: SourceId(1),
        bid: Price(110_000),
        ask: Price(110_002),
        bid_qty: Qty(0),
        ask_qty: Qty(0),
        venue_lag_us: 0,
        count: seq,
        day_change: Ratio(0),
    };
    (OutputKey { seq, index: 0 }, mark)
}

#[tokio::test]
async fn ticks_are_copied_once_into_days_and_dropped_by_day() {
    for database in migrated().await {
        let db = &database.db;
        let ticks: Vec<_> = (1..=72).map(tick).collect();
        if database.kind == "embedded" {
            let refused = ticks::store(db, ticks).await;
            assert!(
                matches!(refused, Err(DbError::NeedsServer(_))),
                "{refused:?}"
            );
            db.close().await;
            continue;
        }
        let day = jiff::civil::date(2025, 4, 9);
        assert_eq!(ticks::prepare(db, day).await.expect("partitions"), 3);
        assert_eq!(ticks::prepare(db, day).await.expect("partitions"), 0);
        assert_eq!(ticks::store(db, ticks.clone()).await.expect("copy"), 72);
        assert_eq!(
            ticks::store(db, ticks).await.expect("copy"),
            0,
            "the same ticks again"
        );
        assert_eq!(
            ticks::store(db, (70..=80).map(tick).collect())
                .await
                .expect("copy"),
            8
        );
        let count = || {
            db.read(&Actor::SYSTEM, |tx| {
                tx.scalar(sqlx::query_scalar::<_, i64>("SELECT count(*) FROM ticks"))
            })
        };
        assert_eq!(count().await.expect("count"), 80i64);
        let request = TickRequest {
            instrument: InstrumentId(1),
            from: Ts(MIDNIGHT),
            to: Ts(MIDNIGHT + 14 * 3_600 * SECOND_NS),
            after: 10,
            limit: 2,
        };
        let page = |after| {
            let request = TickRequest { after, ..request };
            db.read(&Actor::SYSTEM, move |tx| read::ticks(tx, &request))
        };
        let seqs = |rows: Vec<read::TickRow>| rows.iter().map(|row| row.seq).collect::<Vec<_>>();
        assert_eq!(seqs(page(10).await.expect("a page")), [11, 12]);
        assert_eq!(seqs(page(12).await.expect("a page")), [13], "to is not in");
        assert_eq!(
            ticks::drop_before(db, jiff::civil::date(2025, 4, 11))
                .await
                .expect("drop"),
            2
        );
        assert_eq!(
            count().await.expect("count"),
            80 - 47i64,
            "the hours of the first two days are gone"
        );
        // An older data folder beside this database.
        assert_eq!(ticks::admit(db, 80).await.expect("whole"), None);
        assert_eq!(ticks::admit(db, 75).await.expect("taken back"), Some(80));
        let again = (74..=78).map(tick).collect();
        assert_eq!(ticks::store(db, again).await.expect("copy"), 3);
        // The twelfth has no partition: what stands beside goes when the last of it is old enough.
        for (day, dropped, left) in [(12, 1, 12i64), (13, 1, 0), (13, 0, 0)] {
            let day = jiff::civil::date(2025, 4, day);
            assert_eq!(ticks::drop_before(db, day).await.expect("drop"), dropped);
            assert_eq!(count().await.expect("count"), left, "{day}");
        }
        db.close().await;
    }
}

/// A database with days that are old enough to go.
async fn old_days(server: &postgres::Server) -> (String, Db) {
    let url = server.database().await;
    let db = Db::server(&PoolOptions {
        url: url.clone(),
        connections_max: SERVER_CONNECTIONS,
    })
    .expect("url");
    migrate::run(&db).await.expect("the schema");
    let old = jiff::civil::date(2025, 4, 9);
    ticks::prepare(&db, old).await.expect("partitions");
    ticks::store(&db, (1..72).map(tick).collect())
        .await
        .expect("copy");
    (url, db)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_ticks_is_read_in_the_order_of_the_index() {
    let Some(server) = postgres::server() else {
        return;
    };
    let (_, db) = old_days(&server).await;
    let plan = db.read(&Actor::SYSTEM, |tx| {
        // Of a few rows any order is cheap to sort: now only one that no index has is.
        tx.execute(sqlx::query("SET LOCAL enable_sort = off"))?;
        let explain = format!("EXPLAIN (FORMAT JSON) {}", read::TICKS);
        let page = Tx::composed_scalar::<Value>(explain)
            .bind(1i64)
            .bind(bound(Ts(MIDNIGHT)))
            .bind(bound(Ts(MIDNIGHT + 48 * 3_600 * SECOND_NS)))
            .bind(10i64)
            .bind(2i64);
        tx.scalar(page)
    });
    let plan = plan.await.expect("a plan").to_string();
    assert!(plan.contains("ticks_2025"), "{plan}");
    for node in ["Sort", "Incremental Sort"] {
        let node = format!("\"Node Type\":\"{node}\"");
        assert!(!plan.contains(&node), "{plan}");
    }
    db.close().await;
}

/// A desk that keeps a week of ticks in that database.
fn start(data: &Path, url: &str) -> Desk {
    Desk::start_with(data, |command| {
        command
            .env("SIAGA__STORE__ENABLED", "true")
            .env("SIAGA__STORE__URL", url)
            .env("SIAGA__STORE__KEEP_TICK_DAYS", "7");
    })
}

/// Prices of the past come from the table page by page, each behind the one before.
fn pages_follow(desk: &Desk) {
    let items = |page: &Value| page["items"].as_array().cloned().unwrap_or_default();
    let recent = "/api/v1/ticks?symbol=EUR/USD&limit=4";
    let four = desk.wait(recent, "four stored prices", |page| items(page).len() == 4);
    let path = format!(
        "/api/v1/ticks?symbol=EUR/USD&from={}&limit=2",
        four["items"][0]["ti"]
    );
    let first = desk.get(&path);
    assert_eq!(first["next"], first["items"][1]["seq"], "{first}");
    let second = desk.get(&format!("{path}&after={}", first["next"]));
    assert_eq!([items(&first), items(&second)].concat(), items(&four));
}

#[tokio::test(flavor = "multi_thread")]
async fn old_days_that_cannot_go_keep_no_new_tick_out() {
    let Some(server) = postgres::server() else {
        return;
    };
    let (url, db) = old_days(&server).await;
    let held = "CREATE VIEW held AS SELECT * FROM ticks_20250409";
    db.own(move |tx| tx.execute(sqlx::query(held)))
        .await
        .expect("a view");
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().to_owned();
    let stored = tokio::task::spawn_blocking(move || {
        let desk = start(&data, &url);
        let stored = desk.wait_figure("siaga_ticks_stored_total", |stored| stored > 0);
        pages_follow(&desk);
        desk.stop();
        stored
    });
    assert!(stored.await.expect("no panic") > 0);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_drops_the_days_that_are_old_enough() {
    let Some(server) = postgres::server() else {
        return;
    };
    let (url, db) = old_days(&server).await;
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().to_owned();
    let started = tokio::task::spawn_blocking(move || start(&data, &url));
    let desk = started.await.expect("no panic");
    wait("the end of the old days", || async {
        let count = db.read(&Actor::SYSTEM, |tx| {
            tx.scalar(sqlx::query_scalar::<_, i64>(
                "SELECT count(*) FROM ticks WHERE time < '2025-05-01'",
            ))
        });
        (count.await.expect("count") == 0).then_some(())
    })
    .await;
    let stopped = tokio::task::spawn_blocking(move || desk.stop());
    stopped.await.expect("no panic");
    db.close().await;
}
