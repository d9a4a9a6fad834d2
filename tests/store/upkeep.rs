//! A database that is left running: old bars of one second go, all else stays, and the embedded one
//! uses their room again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use siaga::desk::Desk;
use siaga::gateway::core::{BarsRequest, Core as _};
use siaga::store::db::{Actor, Db, Tx};
use siaga::store::upkeep::{self, SLICE_BARS, Slice};
use siaga::store::{Store, read};
use siaga_risk::event::{Bar, BarSpan};
use siaga_risk::units::{SECOND_NS, Ts};
use tokio::sync::watch;

use crate::desk::{config, database, start, wait};
use crate::outputs::{GOLD, MIDNIGHT};
use crate::support::{migrated, urls};

/// Seconds of an hour.
const HOUR: i64 = 3_600;

/// So many seconds after midnight.
fn after(seconds: i64) -> Timestamp {
    let midnight: Timestamp = "2025-04-09T00:00:00Z".parse().expect("an instant");
    assert_eq!(i128::from(MIDNIGHT), midnight.as_nanosecond());
    Timestamp::from_second(midnight.as_second() + seconds).expect("an instant")
}

fn gold() -> i64 {
    i64::from(GOLD.0)
}

/// Writes bars that begin at midnight and at each second after it.
async fn fill(db: &Db, instrument: i64, span: BarSpan, bars: i64) {
    let work = move |tx: &mut Tx<'_>| {
        tx.execute(
            sqlx::query(
                "INSERT INTO bars
                 SELECT $1, $2, timestamptz '2025-04-09 00:00:00+00' + n * interval '1 second',
                     1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 1, 0, 0, n + 1
                 FROM generate_series(0, $3 - 1) AS n",
            )
            .bind(instrument)
            .bind(i16::from(span.tag()))
            .bind(bars),
        )
    };
    let written = db.write(&Actor::SYSTEM, work).await.expect("bars");
    assert_eq!(i64::try_from(written), Ok(bars));
}

/// Bars of that day, without those that a running desk adds.
async fn count(db: &Db, instrument: i64, span: BarSpan) -> i64 {
    let work = move |tx: &mut Tx<'_>| {
        tx.scalar(
            sqlx::query_scalar(
                "SELECT count(*) FROM bars WHERE instrument = $1 AND span = $2 AND start < '2025-04-10 00:00:00+00'",
            )
            .bind(instrument)
            .bind(i16::from(span.tag())),
        )
    };
    db.read(&Actor::SYSTEM, work).await.expect("count")
}

#[tokio::test]
async fn a_slice_takes_the_oldest_bars_of_one_instrument_and_no_more_than_its_size() {
    let (few, size) = (10, i64::from(SLICE_BARS));
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        fill(db, 1, BarSpan::M1, few).await;
        fill(db, gold(), BarSpan::M1, few).await;
        fill(db, gold(), BarSpan::S1, 2 * size + 5).await;
        let end = after(3 * size);
        let mut taken = Vec::new();
        for behind in [0, 1, 1, 1, 1, gold()] {
            let work = move |tx: &mut Tx<'_>| upkeep::delete_slice(tx, behind, end);
            taken.push(db.write(&Actor::SYSTEM, work).await.expect(kind));
            if taken.len() == 2 {
                let oldest = Ts(MIDNIGHT + u64::from(SLICE_BARS) * SECOND_NS);
                let work = move |tx: &mut Tx<'_>| read::bars(tx, GOLD, BarSpan::S1, Ts(0), oldest);
                let older = db.read(&Actor::SYSTEM, work).await.expect(kind);
                assert!(older.is_empty(), "{kind}: the oldest went first");
            }
        }
        let of = |instrument, bars| Some(Slice { instrument, bars });
        let full = of(gold(), u64::from(SLICE_BARS));
        let expected = [of(1, 0), full, full, of(gold(), 5), of(gold(), 0), None];
        assert_eq!(taken, expected, "{kind}");
        assert_eq!(count(db, gold(), BarSpan::S1).await, 0, "{kind}");
        for instrument in [1, gold()] {
            assert_eq!(count(db, instrument, BarSpan::M1).await, few, "{kind}");
        }
        db.close().await;
    }
}

#[tokio::test]
async fn bars_of_one_second_go_when_they_are_old_and_longer_ones_stay() {
    for database in migrated().await {
        let (kind, db) = (database.kind, database.db.clone());
        for instrument in [1, gold()] {
            fill(&db, instrument, BarSpan::S1, 3 * HOUR).await;
            fill(&db, instrument, BarSpan::M1, 3 * HOUR).await;
        }
        let (halt, stop) = watch::channel(false);
        let kept = db.clone();
        let keeper = tokio::spawn(async move {
            upkeep::keep(&kept, 1, || after(3 * HOUR), stop).await;
        });
        for instrument in [1, gold()] {
            wait("the end of the old bars", || async {
                (count(&db, instrument, BarSpan::S1).await == HOUR).then_some(())
            })
            .await;
        }
        halt.send_replace(true);
        keeper.await.expect("it ends with the program");
        let to = Ts(MIDNIGHT + (2 * HOUR as u64 + 5) * SECOND_NS);
        let work = move |tx: &mut Tx<'_>| read::bars(tx, GOLD, BarSpan::S1, Ts(0), to);
        let left = db.read(&Actor::SYSTEM, work).await.expect(kind);
        assert_eq!(left.len(), 5, "{kind}: from two in the morning on");
        for instrument in [1, gold()] {
            assert_eq!(
                count(&db, instrument, BarSpan::M1).await,
                3 * HOUR,
                "{kind}"
            );
        }
        let again = upkeep::delete_second_bars(&db, 1, after(3 * HOUR)).await;
        assert_eq!(again.expect(kind), 0, "{kind}");
        db.close().await;
    }
}

/// Bytes of the table's bars, and where the write-ahead log must be kept from.
async fn room(db: &Db) -> (i64, String) {
    let work = |tx: &mut Tx<'_>| {
        tx.one(sqlx::query_as(
            "SELECT pg_relation_size('bars'), (SELECT redo_lsn::text FROM pg_control_checkpoint())",
        ))
    };
    db.own(work).await.expect("room")
}

#[tokio::test]
async fn the_embedded_database_uses_the_room_of_deleted_bars_again() {
    let bars = 10_000;
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let (mut sizes, mut logs) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            fill(db, gold(), BarSpan::S1, bars).await;
            let (size, log) = room(db).await;
            let gone = upkeep::delete_second_bars(db, 1, after(24 * HOUR)).await;
            assert_eq!(gone.expect(kind), bars as u64, "{kind}");
            // A server has processes for this: nothing is asked of it.
            upkeep::tidy(db).await.expect(kind);
            sizes.push(size);
            logs.push(log);
        }
        if kind == "embedded" {
            assert!(sizes[0] > 0 && sizes[2] <= sizes[0], "{sizes:?}");
            assert_ne!(logs[0], logs[1], "the write-ahead log is not kept for ever");
        }
        db.close().await;
    }
}

#[tokio::test]
async fn each_table_of_the_embedded_database_is_tidied_by_a_short_statement() {
    for database in migrated().await {
        let db = &database.db;
        if database.kind == "embedded" {
            let work = |tx: &mut Tx<'_>| {
                tx.all(sqlx::query_as(
                    "SELECT relname::text FROM pg_class
                     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition",
                ))
            };
            let tables: Vec<(String,)> = db.own(work).await.expect("tables");
            let tables: BTreeSet<_> = tables.iter().map(|(name,)| name.as_str()).collect();
            let parts = upkeep::TIDYING.iter();
            let tidied: BTreeSet<_> = parts
                .filter_map(|part| part.strip_prefix("VACUUM "))
                .flat_map(|names| names.split(", "))
                .collect();
            assert_eq!(tidied, tables);
            let log = room(db).await.1;
            upkeep::tidy(db).await.expect("all parts");
            assert_ne!(room(db).await.1, log);
        }
        // However long it has to wait for its turn.
        let looked = AtomicU64::new(0);
        let look = move || looked.fetch_add(1, Ordering::Relaxed);
        assert_eq!(db.outside("VACUUM bars", look).await.expect("done"), (0, 1));
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_deletes_old_bars_of_one_second_by_its_own_clock() {
    let (_server, urls) = urls().await;
    for url in urls {
        let url = url.as_deref();
        let folder = tempfile::tempdir().expect("folder");
        let store = Store::open(url, folder.path(), Timestamp::UNIX_EPOCH).await;
        let store = store.unwrap_or_else(|error| panic!("{error}"));
        for span in [BarSpan::S1, BarSpan::M1] {
            fill(&store.db, gold(), span, 3 * HOUR).await;
        }
        store.db.close().await;
        let desk = start(&config(folder.path(), url, "calm")).await;
        let db = database(&desk).await;
        wait("the end of the old bars", || async {
            (count(&db, gold(), BarSpan::S1).await == 0).then_some(())
        })
        .await;
        wait("the longer bars", || async {
            (shown(&desk, BarSpan::M1).await.len() == 60).then_some(())
        })
        .await;
        assert!(shown(&desk, BarSpan::S1).await.is_empty(), "they are gone");
        desk.stop().await.expect("a graceful stop");
    }
}

/// What the chart gets of the first minute of that day.
async fn shown(desk: &Desk, span: BarSpan) -> Vec<Bar> {
    let request = BarsRequest {
        instrument: GOLD,
        span,
        from: Some(Ts(MIDNIGHT)),
        to: Some(Ts(MIDNIGHT + 60 * SECOND_NS)),
        limit: 100,
    };
    desk.handle.bars(request).await.expect("bars")
}
