//! Alerts, their steps and their charts: whole after every restart, and again by a rebuild.

use std::sync::Arc;

use siaga::store::consumer::Consumer;
use siaga::store::db::{Actor, Db};
use siaga::store::evidence::{self, EvidenceRow};
use siaga::store::projection::{AlertHistory, Held};
use siaga::store::rebuild;
use siaga::store::run;
use siaga::store::source::{Entry, LogSource, OutputSource};
use siaga_alerts::engine::Engine;
use siaga_alerts::text::Numbers;
use siaga_risk::event::OutputKey;
use siaga_risk::ids::{AlertId, InstrumentId};
use siaga_risk::journal::{Cursor, MemoryDisk, OutputLog};
use siaga_risk::units::{Price, SECOND_NS, Ts};

use crate::consumers::fingerprints;
use crate::outputs::{MIDNIGHT, uneasy_day};
use crate::support::{SEGMENT_BYTES, append, migrated, output_log, output_log_on};

const MINUTES: u64 = 1_500;
const LOG_BYTES: u64 = SEGMENT_BYTES as u64 * 256;

/// Reads the log to its end as a start of the program does: nothing is known but database and log.
async fn follow(db: &Db, log: &OutputLog) -> OutputKey {
    let consumers = log.consumers();
    let history = run::alert_history(db, &consumers, Engine::default(), Numbers)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let source = LogSource::new(&consumers, AlertHistory::<Numbers>::NAME);
    let source = Held::new(source, history.kept(), OutputKey::default());
    let mut consumer = Consumer::open(db, Arc::new(history), Box::new(source))
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    while consumer
        .step()
        .await
        .unwrap_or_else(|error| panic!("{error}"))
        > 0
    {}
    consumer.cursor()
}

async fn rows(db: &Db) -> Vec<(i64, String)> {
    let mut found = fingerprints(db).await;
    ["alerts", "alert_events"]
        .map(|table| found.remove(table).expect("a table of the read model"))
        .to_vec()
}

/// All rows of the day, written in one go.
async fn reference(entries: &[Entry]) -> Vec<(i64, String)> {
    let database = migrated().await.swap_remove(0);
    let mut log = output_log(1 << 24);
    append(&mut log, entries);
    follow(&database.db, &log).await;
    let rows = rows(&database.db).await;
    database.db.close().await;
    rows
}

#[tokio::test]
async fn restarts_and_trimming_lose_and_double_no_step() {
    let entries = uneasy_day(MINUTES);
    let whole = reference(&entries).await;
    assert!(whole[1].0 > 30, "{} steps", whole[1].0);
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let disk = Arc::default();
        let mut log = output_log_on(&disk, LOG_BYTES);
        // Short runs, then one of several batches: its engine is kept behind the first of them.
        let (short, long) = entries.split_at(600);
        for part in short.chunks(90).chain([long]) {
            append(&mut log, part);
            let cursor = follow(db, &log).await;
            assert_eq!(Some(cursor), part.last().map(|entry| entry.key), "{kind}");
            log.trim().expect("trim");
        }
        assert!(
            log.consumers().from() > Cursor::START,
            "{kind}: the log forgets what the kept engine has applied"
        );
        assert_eq!(rows(db).await, whole, "{kind}");

        // Rows behind the kept engine are lost.
        let spoiled = db.write(&Actor::SYSTEM, |tx| {
            let after: i64 = tx.scalar(sqlx::query_scalar("SELECT seq FROM alert_engine"))?;
            tx.execute(sqlx::query("UPDATE alerts SET title = '' WHERE seq > $1").bind(after))?;
            tx.execute(sqlx::query("DELETE FROM alert_events WHERE seq > $1").bind(after))
        });
        assert!(spoiled.await.expect(kind) > 0, "{kind}");
        rebuilt(db, &opened_again(log, &disk), Engine::default()).await;
        assert_eq!(rows(db).await, whole, "{kind}");
        database.db.close().await;
    }
}

/// A rebuild has a log before it that nobody writes.
fn opened_again(log: OutputLog, disk: &Arc<MemoryDisk>) -> OutputLog {
    log.close().expect("close");
    output_log_on(disk, LOG_BYTES)
}

async fn rebuilt(db: &Db, log: &OutputLog, desk: Engine) {
    let consumers = log.consumers();
    let mut source = LogSource::new(&consumers, "rebuild");
    let (history, start) = rebuild::alerts(db, desk, &mut source, Numbers)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let history = Arc::new(history);
    let open = |_| -> Result<Box<dyn OutputSource>, _> {
        let source = LogSource::new(&consumers, "rebuild");
        Ok(Box::new(Held::new(source, history.kept(), start)))
    };
    rebuild::rebuild(db, vec![history.clone()], open, |_| {})
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    consumers.remove("rebuild");
}

#[tokio::test]
async fn a_new_database_gets_what_the_desk_knows() {
    let entries = uneasy_day(MINUTES);
    let half = entries.len() / 2;
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let disk = Arc::default();
        let mut log = output_log_on(&disk, LOG_BYTES);
        let mut desk = Engine::default();
        append(&mut log, &entries[..half]);
        for entry in &entries[..half] {
            desk.apply(entry.key, entry.ts, &entry.output);
        }
        let at = Cursor {
            seq: desk.applied().seq,
            index: desk.applied().index,
        };
        log.consumers()
            .set_cursor("alert_desk", at)
            .expect("cursor");
        log.trim().expect("trim");
        append(&mut log, &entries[half..]);
        let known: Vec<_> = desk.alerts().cloned().collect();
        rebuilt(db, &opened_again(log, &disk), desk).await;
        for alert in known {
            let steps = db.read(&Actor::SYSTEM, move |tx| {
                siaga::store::read::alert_timeline(tx, alert.id, 0, 100)
            });
            let steps = steps.await.expect(kind);
            let numbers: Vec<_> = steps.iter().map(|step| step.revision).collect();
            assert!(
                numbers.is_sorted_by(|a, b| a < b)
                    && numbers.len() as u32 >= alert.revision.min(64),
                "{kind}: alert {} has the steps {numbers:?}",
                alert.id
            );
        }
        database.db.close().await;
    }
}

fn chart(points: u64, complete: bool) -> EvidenceRow {
    EvidenceRow {
        alert: AlertId(u64::MAX >> 1),
        instrument: InstrumentId(3),
        fired: Ts(MIDNIGHT),
        complete,
        points: (0..points)
            .map(|n| (Ts(MIDNIGHT + n * SECOND_NS + 1), Price(-5), Price(n as i64)))
            .collect(),
    }
}

#[tokio::test]
async fn a_chart_grows_until_it_is_complete_and_never_shrinks() {
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let put = |row: EvidenceRow| {
            db.write(&Actor::SYSTEM, move |tx| {
                evidence::write(tx, &row)?;
                let found = evidence::read(tx, row.alert)?;
                Ok((found, evidence::open(tx)?.len()))
            })
        };
        assert_eq!(
            put(chart(30, false)).await.expect(kind),
            (Some(chart(30, false)), 1),
            "{kind}"
        );
        assert_eq!(
            put(chart(2, true)).await.expect(kind),
            (Some(chart(30, false)), 1),
            "{kind}: a program that starts again knows less"
        );
        assert_eq!(
            put(chart(60, true)).await.expect(kind),
            (Some(chart(60, true)), 0),
            "{kind}"
        );
        assert_eq!(
            put(chart(90, false)).await.expect(kind).0,
            Some(chart(60, true)),
            "{kind}: complete is complete"
        );
        let graver = EvidenceRow {
            fired: Ts(MIDNIGHT + 90 * SECOND_NS),
            ..chart(2, false)
        };
        assert_eq!(
            put(graver.clone()).await.expect(kind),
            (Some(graver.clone()), 1),
            "{kind}: it became more severe, and that is another chart"
        );
        assert_eq!(
            put(chart(90, true)).await.expect(kind).0,
            Some(graver),
            "{kind}"
        );
        db.close().await;
    }
}
