//! Ticks go where they can be: a server's partitions.

use siaga::store::db::{Actor, DbError};
use siaga::store::ticks;
use siaga_risk::event::{Mark, OutputKey};
use siaga_risk::ids::{InstrumentId, SourceId};
use siaga_risk::units::{Price, Qty, Ratio, SECOND_NS, Ts};

use crate::outputs::MIDNIGHT;
use crate::support::migrated;

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
    }
}
