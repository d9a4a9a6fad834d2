//! What the audit log costs a write: the same unit with and without its row, one after the other and eight at once.

use std::sync::Arc;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use siaga_platform::audit::{Action, Change};
use siaga_platform::core_door::NoCore;
use siaga_platform::crypto::Keyring;
use siaga_platform::db::{Db, PoolOptions};
use siaga_platform::ids::new_id;
use siaga_platform::outbox::Event;
use siaga_platform::people::Principal;
use siaga_platform::unit::Platform;
use siaga_risk::units::Ts;

use crate::clock::now_ns;
use crate::report::{Report, histogram, rate, time};

/// Units of one row.
const UNITS: u64 = 1_000;
/// Who write at once.
const WRITERS: u64 = 8;
/// 29 November 2026, 08:00 UTC; the clock of this bench goes on from there.
const MORNING_NS: u64 = 1_795_939_200_000_000_000;

/// Measures against the migrated database at `url`, which nobody else uses meanwhile.
///
/// # Panics
/// When the database refuses.
pub async fn measure(url: &str, report: &mut Report) {
    let options = PoolOptions {
        url: url.to_owned(),
        connections_max: 10,
    };
    let db = Db::server(&options).expect("a URL");
    let now = Arc::new(|| Ts(MORNING_NS + now_ns()));
    let platform = Platform::new(
        db.clone(),
        Arc::new(Keyring::generate("bench")),
        now,
        Arc::new(NoCore),
    );
    write(&platform, UNITS / 10, true).await;
    for (name, writers) in [("one after the other", 1), ("eight at once", WRITERS)] {
        let (plain, plain_ns) = side_by_side(&platform, writers, false).await;
        let (audited, audited_ns) = side_by_side(&platform, writers, true).await;
        let at = |histogram: &Histogram<u64>| {
            let of = |quantile| time(histogram.value_at_quantile(quantile) as f64);
            format!("{} / {}", of(0.5), of(0.99))
        };
        report.row(
            &format!("a write with its audit row, {name}, PostgreSQL: p50 / p99"),
            format!("{}, {}", at(&audited), rate(UNITS, audited_ns)),
            format!("without the row {}, {}", at(&plain), rate(UNITS, plain_ns)),
            "",
        );
    }
    db.close().await;
}

async fn side_by_side(platform: &Platform, writers: u64, audited: bool) -> (Histogram<u64>, u64) {
    let start = now_ns();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..writers {
        let platform = platform.clone();
        tasks.spawn(async move { write(&platform, UNITS / writers, audited).await });
    }
    let mut all = histogram();
    while let Some(seen) = tasks.join_next().await {
        all.add(seen.expect("a writer writes to the end"))
            .expect("the same bounds");
    }
    (all, now_ns() - start)
}

async fn write(platform: &Platform, units: u64, audited: bool) -> Histogram<u64> {
    let (mut seen, owner) = (histogram(), Principal::owner());
    for n in 0..units {
        let start = now_ns();
        let done = platform.command(&owner, move |unit| {
            let id = new_id(unit.now());
            if audited {
                let change = Change::new(Action::Update, "bench", id);
                unit.audit(change.field("n", Value::Null, n));
            }
            unit.emit(Event::new("bench.written", "bench", id, json!({"n": n})));
            Ok(())
        });
        done.await.expect("written");
        seen.record(now_ns() - start).expect("below a minute");
    }
    seen
}
