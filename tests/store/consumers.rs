//! From the output log into the tables: exactly once, whatever crashes, and again by a rebuild.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use siaga::store::consumer::{ConsumeError, Consumer, Projection};
use siaga::store::db::{Actor, Db, DbError, Tx};
use siaga::store::projection::{
    AlertEventRow, AlertHistory, AlertRow, ReadModel, apply_alert_changes, apply_alert_events,
};
use siaga::store::read::{self, AlertFilter};
use siaga::store::rebuild::{self, READ_MODEL};
use siaga::store::source::{Entry, LogSource, Memory, OutputSource};
use siaga_alerts::engine::Engine;
use siaga_alerts::text::Numbers;
use siaga_feed::catalog::Catalog;
use siaga_risk::event::{BarSpan, Output, OutputKey, TermsChange};
use siaga_risk::ids::AlertId;
use siaga_risk::units::{Leverage, MINUTE_NS, Ts};
use tokio::sync::watch;

use crate::outputs::{ACCOUNT, GOLD, MIDNIGHT, day};
use crate::support::{SEGMENT_BYTES, append, migrated, output_log};

const MINUTES: u64 = 300;

pub fn memory(entries: &[Entry]) -> Box<dyn OutputSource> {
    Box::new(Memory {
        entries: entries.to_vec(),
        from: OutputKey::default(),
    })
}

pub async fn consume(
    db: &Db,
    projection: Arc<dyn Projection>,
    source: Box<dyn OutputSource>,
) -> Result<OutputKey, ConsumeError> {
    let mut consumer = Consumer::open(db, projection, source).await?;
    while consumer.step().await? > 0 {}
    Ok(consumer.cursor())
}

/// What stands in each table, without the numbers that a database gives.
pub async fn fingerprints(db: &Db) -> BTreeMap<&'static str, (i64, String)> {
    let work = |tx: &mut Tx<'_>| {
        let tables = READ_MODEL
            .iter()
            .map(|table| table.name)
            .chain(["audit_log"]);
        let mut found = BTreeMap::new();
        for table in tables {
            let rows = format!(
                "(SELECT (to_jsonb(t) - ARRAY['id', 'link', 'prev_hash', 'hash'])::text AS row FROM {table} AS t) AS r"
            );
            let count = tx.scalar(Tx::composed_scalar(format!("SELECT count(*) FROM {rows}")))?;
            let sum =
                format!("SELECT coalesce(md5(string_agg(row, '|' ORDER BY row)), '') FROM {rows}");
            found.insert(table, (count, tx.scalar(Tx::composed_scalar(sum))?));
        }
        Ok(found)
    };
    db.read(&Actor::SYSTEM, work).await.expect("fingerprints")
}

#[tokio::test]
async fn outputs_become_rows_once() {
    let entries = day(MINUTES);
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let end = entries.last().map(|entry| entry.key);
        for projection in rebuild::projections() {
            let cursor = consume(db, projection, memory(&entries))
                .await
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(Some(cursor), end, "{kind}");
        }
        let first = fingerprints(db).await;
        let counts: Vec<_> = first
            .iter()
            .map(|(table, (count, _))| (*table, *count))
            .collect();
        let tenths = MINUTES as i64 / 10;
        let expected = [
            ("alert_engine", 0),
            ("alert_events", 0),
            ("alerts", 0),
            ("audit_log", tenths + 1),
            ("bars", MINUTES as i64),
            ("cash_movements", 2 * tenths),
            ("deals", tenths),
            ("events", 5 * tenths + 2),
            ("instruments", 0),
            ("orders", tenths),
            ("positions_closed", tenths),
        ];
        assert_eq!(counts, expected, "{kind}");
        for projection in rebuild::projections() {
            consume(db, projection, memory(&entries)).await.expect(kind);
        }
        assert_eq!(
            fingerprints(db).await,
            first,
            "{kind}: a second run changes nothing"
        );
        let sum: String = db
            .read(&Actor::SYSTEM, |tx| {
                tx.scalar(sqlx::query_scalar(
                    "SELECT sum(amount)::text FROM cash_movements",
                ))
            })
            .await
            .expect(kind);
        assert_eq!(sum, "0", "{kind}: both legs of every movement");
        db.close().await;
    }
}

#[tokio::test]
async fn a_rebuild_gives_the_same_rows_and_leaves_the_platforms_own() {
    let entries = day(MINUTES);
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        db.write(&Actor::SYSTEM, |tx| {
            tx.execute(sqlx::query(
                "INSERT INTO events (type, time, payload) VALUES ('crm.lead_made', now(), '{}')",
            ))
        })
        .await
        .expect(kind);
        for projection in rebuild::projections() {
            consume(db, projection, memory(&entries)).await.expect(kind);
        }
        let before = fingerprints(db).await;
        let spoil = |tx: &mut Tx<'_>| {
            tx.execute(sqlx::query("UPDATE bars SET bid_open = 0"))?;
            tx.execute(sqlx::query("DELETE FROM deals WHERE seq > 100"))
        };
        db.write(&Actor::SYSTEM, spoil).await.expect(kind);
        assert_ne!(fingerprints(db).await, before, "{kind}");
        let mut reached = OutputKey::default();
        let done = rebuild::rebuild(
            db,
            rebuild::projections(),
            |_| Ok(memory(&entries)),
            |key| reached = key,
        )
        .await;
        let done = done.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(
            (done.outputs, done.kept_up_to, done.lost),
            (entries.len() as u64, None, None),
            "{kind}"
        );
        assert_eq!(reached, done.last, "{kind}");
        assert_eq!(fingerprints(db).await, before, "{kind}");

        // The log has forgotten its first half: what it cannot give again stays.
        let half = entries[entries.len() / 2].key;
        let trimmed = || -> Box<dyn OutputSource> {
            let later = entries.iter().filter(|entry| entry.key > half).cloned();
            Box::new(Memory {
                entries: later.collect(),
                from: half,
            })
        };
        let done = rebuild::rebuild(db, rebuild::projections(), |_| Ok(trimmed()), |_| {})
            .await
            .expect(kind);
        assert_eq!(
            (done.kept_up_to, done.lost),
            (Some(half.seq), None),
            "{kind}"
        );
        assert_eq!(
            fingerprints(db).await,
            before,
            "{kind}: nothing is lost by a trimmed log"
        );
        db.close().await;
    }
}

/// The caps on leverage that stand in the table, by instrument.
async fn caps(db: &Db) -> Vec<(i64, i64, Option<String>)> {
    let sql = "SELECT id, leverage_max, leverage::text FROM instruments ORDER BY id";
    db.read(&Actor::SYSTEM, move |tx| tx.all(sqlx::query_as(sql)))
        .await
        .expect("caps")
}

#[tokio::test]
async fn a_cap_on_leverage_is_exact_and_rows_of_before_get_theirs_by_a_rebuild() {
    let catalog = Catalog::shipped();
    let shipped = &catalog.listing("EUR/USD").expect("it is shipped").terms;
    let listed = |seq: u64, cap: Leverage| {
        let mut terms = shipped.clone();
        terms.id = GOLD;
        terms.leverage_max = cap;
        Entry {
            key: OutputKey { seq, index: 0 },
            ts: Ts(MIDNIGHT + seq),
            output: Output::Terms(TermsChange::Instrument(Box::new(terms))),
        }
    };
    let gold = i64::from(GOLD.0);
    let exact = (gold, 33, Some("33.33".to_owned()));
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let mut entries = vec![listed(1, Leverage::NONE)];
        consume(db, Arc::new(ReadModel), memory(&entries))
            .await
            .expect(kind);
        assert_eq!(caps(db).await, [(gold, 0, Some("0".to_owned()))], "{kind}");
        entries.push(listed(2, Leverage(3_333_000_000)));
        consume(db, Arc::new(ReadModel), memory(&entries))
            .await
            .expect(kind);
        assert_eq!(caps(db).await, std::slice::from_ref(&exact), "{kind}");
        let as_before = "UPDATE instruments SET leverage = NULL";
        db.write(&Actor::SYSTEM, move |tx| tx.execute(sqlx::query(as_before)))
            .await
            .expect(kind);
        assert_eq!(caps(db).await, [(gold, 33, None)], "{kind}");
        rebuild::rebuild(db, rebuild::projections(), |_| Ok(memory(&entries)), |_| {})
            .await
            .expect(kind);
        assert_eq!(caps(db).await, std::slice::from_ref(&exact), "{kind}");
        db.close().await;
    }
}

/// Writes its rows, then fails now and then, as a lost connection would.
struct Unreliable(AtomicU32);

impl Projection for Unreliable {
    fn name(&self) -> &'static str {
        ReadModel::NAME
    }

    fn apply(&self, tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
        ReadModel.apply(tx, entries)?;
        if self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            return Err(DbError::Unexpected("the cable was pulled".into()));
        }
        Ok(())
    }
}

#[tokio::test]
async fn what_fails_half_way_is_applied_once_in_the_end() {
    let entries = day(2_000);
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let projection = Arc::new(Unreliable(AtomicU32::new(0)));
        let mut consumer = Consumer::open(db, projection.clone(), memory(&entries))
            .await
            .expect(kind);
        let (mut failures, mut applied) = (0, 0);
        loop {
            match consumer.step().await {
                Ok(0) => break,
                Ok(read) => applied += read,
                // A new process begins where the transaction left the cursor.
                Err(_) => {
                    failures += 1;
                    consumer = Consumer::open(db, projection.clone(), memory(&entries))
                        .await
                        .expect(kind);
                }
            }
        }
        assert!(failures > 3, "{kind}: {failures} failures");
        assert_eq!(applied, entries.len(), "{kind}");
        let broken = fingerprints(db).await;
        let whole = rebuild::rebuild(
            db,
            vec![Arc::new(ReadModel)],
            |_| Ok(memory(&entries)),
            |_| {},
        )
        .await;
        whole.expect(kind);
        assert_eq!(fingerprints(db).await, broken, "{kind}");
        db.close().await;
    }
}

/// The disk of the database is full at its first two batches.
struct NoRoom(AtomicU32);

impl Projection for NoRoom {
    fn name(&self) -> &'static str {
        ReadModel::NAME
    }

    fn apply(&self, tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
        if self.0.fetch_add(1, Ordering::Relaxed) < 2 {
            let full = "DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$";
            tx.script(full.into())?;
        }
        ReadModel.apply(tx, entries)
    }
}

#[tokio::test]
async fn a_full_disk_is_waited_for_and_told() {
    let entries = day(20);
    let last = entries.last().map(|entry| entry.key);
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let projection = Arc::new(NoRoom(AtomicU32::new(0)));
        let consumer = Consumer::open(db, projection, memory(&entries))
            .await
            .expect(kind);
        let (_log, nudge) = watch::channel(0);
        let (end, stop) = watch::channel(false);
        let (mut full, mut other) = (0, Vec::new());
        let ran = consumer.run(nudge, stop, |step| match step {
            Ok(key) => {
                end.send_replace(Some(key) == last);
            }
            Err(error) if error.is_disk_full() => full += 1,
            Err(error) => other.push(error.to_string()),
        });
        assert_eq!(ran.await.ok(), last, "{kind}");
        assert_eq!((full, other), (2, Vec::new()), "{kind}");
        db.close().await;
    }
}

#[tokio::test]
async fn a_second_consumer_of_one_name_is_told_and_doubles_nothing() {
    let entries = day(MINUTES);
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let mut first = Consumer::open(db, Arc::new(ReadModel), memory(&entries))
            .await
            .expect(kind);
        let mut second = Consumer::open(db, Arc::new(ReadModel), memory(&entries))
            .await
            .expect(kind);
        assert!(first.step().await.expect(kind) > 0);
        let refused = second.step().await.expect_err(kind).to_string();
        assert!(refused.contains("another program"), "{kind}: {refused}");
        db.close().await;
    }
}

#[tokio::test]
async fn the_real_log_feeds_a_consumer_and_tells_one_that_fell_behind() {
    let entries = day(MINUTES);
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let mut log = output_log(u64::from(SEGMENT_BYTES) * 2);
        let consumers = log.consumers();
        let half = entries.len() / 2;
        append(&mut log, &entries[..half]);
        let source = || Box::new(LogSource::new(&consumers, "store"));
        let mut consumer = Consumer::open(db, Arc::new(ReadModel), source())
            .await
            .expect(kind);
        while consumer.step().await.expect(kind) > 0 {}
        assert_eq!(consumer.cursor(), entries[half - 1].key, "{kind}");
        append(&mut log, &entries[half..]);
        while consumer.step().await.expect(kind) > 0 {}
        assert_eq!(consumer.cursor(), entries[entries.len() - 1].key, "{kind}");

        log.trim().expect("trim");
        let late = Consumer::open(
            db,
            rebuild::projections().remove(1),
            Box::new(LogSource::new(&consumers, "platform")),
        );
        let late = late
            .await
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(late.contains("siaga rebuild"), "{kind}: {late:?}");
        db.close().await;
    }
}

#[tokio::test]
async fn pages_go_by_key_and_end() {
    let entries = day(MINUTES);
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        for projection in rebuild::projections() {
            consume(db, projection, memory(&entries)).await.expect(kind);
        }
        let work = |tx: &mut Tx<'_>| {
            let (mut before, mut pages, mut orders) = (None, 0, Vec::new());
            loop {
                let page = read::orders(tx, Some(ACCOUNT), before, 7)?;
                let Some(last) = page.last() else { break };
                before = Some(last.id as u64);
                pages += 1;
                orders.extend(page.into_iter().map(|order| order.id));
            }
            let from = Ts(MIDNIGHT + 10 * MINUTE_NS);
            let bars = read::bars(tx, GOLD, BarSpan::M1, from, Ts(from.0 + 5 * MINUTE_NS))?;
            let deals = read::deals(tx, None, None, u32::MAX)?;
            let next = read::deals(
                tx,
                Some(ACCOUNT),
                deals
                    .first()
                    .map(|deal| (deal.seq as u64, deal.index as u32)),
                1,
            )?;
            Ok((pages, orders, bars, deals, next))
        };
        let (pages, orders, bars, deals, next) = db.read(&Actor::SYSTEM, work).await.expect(kind);
        assert_eq!((pages, orders.len()), (5, 30), "{kind}");
        assert!(orders.is_sorted_by(|a, b| a > b), "{kind}");
        assert_eq!(bars.len(), 5, "{kind}");
        assert_eq!(
            bars[0].start_us as u64,
            (MIDNIGHT + 10 * MINUTE_NS) / 1_000,
            "{kind}"
        );
        assert_eq!(
            (bars[0].bid_open, bars[0].ask_open, bars[0].mid2_open),
            (330_010, 330_040, 660_040),
            "{kind}"
        );
        assert_eq!(deals.len(), 30, "{kind}");
        assert_eq!(next[0], deals[1], "{kind}");
        let events = db
            .read(&Actor::SYSTEM, |tx| {
                read::events(tx, Some(ACCOUNT), None, 2)
            })
            .await
            .expect(kind);
        let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(
            kinds,
            ["desk.mode_close_only", "risk.margin_restricted"],
            "{kind}"
        );
        db.close().await;
    }
}

fn alert(revision: u32, state: &str) -> AlertRow {
    AlertRow {
        id: 5,
        revision,
        rule: "margin_restricted".into(),
        rule_revision: 1,
        fingerprint: "margin:7".into(),
        state: state.into(),
        severity: "critical".into(),
        silenced: false,
        inhibited: false,
        flapping: false,
        snoozed_until: None,
        escalated: 0,
        account: Some(ACCOUNT.0),
        instrument: None,
        labels: serde_json::json!({"desk": "fx"}),
        title: "Margin level 40 %".into(),
        summary: "Account 7 is restricted".into(),
        value: Some("40 %".into()),
        raise_level: Some("50 %".into()),
        clear_level: None,
        hold_ns: 0,
        started: Ts(MIDNIGHT),
        changed: Ts(MIDNIGHT + u64::from(revision)),
        ended: None,
        evidence: serde_json::json!({"seq": 3001}),
        money_at_risk: Some(6_000),
        owner: None,
        acknowledged_by: None,
        acknowledged: None,
        body: vec![1, 2],
        key: OutputKey {
            seq: 3001,
            index: 0,
        },
    }
}

#[tokio::test]
async fn an_alert_never_goes_back_to_an_older_revision() {
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let work = |tx: &mut Tx<'_>| {
            tx.execute(sqlx::query(
                "INSERT INTO notes (hash, text, author) VALUES (-1, 'client called', 'system')",
            ))?;
            apply_alert_changes(tx, &[alert(1, "firing"), alert(2, "acknowledged")])?;
            apply_alert_changes(tx, &[alert(1, "firing")])?;
            let step = |revision, kind: &str, note| AlertEventRow {
                alert: 5,
                revision,
                ts: Ts(MIDNIGHT),
                kind: kind.into(),
                actor: 42,
                note,
                detail: serde_json::json!({}),
                key: OutputKey {
                    seq: 3001,
                    index: 0,
                },
            };
            let steps = [step(1, "raised", 0), step(2, "acknowledged", u64::MAX)];
            apply_alert_events(tx, &steps)?;
            apply_alert_events(tx, &steps)?;
            let active = read::alerts(tx, AlertFilter::Active, None, 100)?;
            let other = read::alerts(tx, AlertFilter::Account(ACCOUNT), Some(AlertId(5)), 100)?;
            Ok((active, other, read::alert_timeline(tx, AlertId(5), 0, 100)?))
        };
        let (active, other, timeline) = db
            .write(&Actor::SYSTEM, work)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(active.len(), 1, "{kind}");
        assert_eq!(
            (active[0].state.as_str(), active[0].revision),
            ("acknowledged", 2),
            "{kind}"
        );
        assert!(other.is_empty(), "{kind}");
        let notes: Vec<_> = timeline
            .iter()
            .map(|step| step.note_text.as_deref())
            .collect();
        assert_eq!(notes, [None, Some("client called")], "{kind}");
        db.close().await;
    }
}

#[tokio::test]
async fn the_alert_engine_writes_each_change_once_although_batches_fail() {
    let entries = day(20);
    let history = || {
        let alerts = AlertHistory::open(
            Engine::default(),
            &mut *memory(&entries),
            OutputKey::default(),
            Numbers,
        );
        Arc::new(alerts.expect("history"))
    };
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let failing = Arc::new(FailOnce(history(), AtomicU32::new(0)));
        let mut consumer = Consumer::open(db, failing, memory(&entries))
            .await
            .expect(kind);
        consumer
            .step()
            .await
            .expect_err("the first batch fails after it was applied");
        while consumer.step().await.expect(kind) > 0 {}
        let work = |tx: &mut Tx<'_>| {
            let alerts = read::alerts(tx, AlertFilter::Account(ACCOUNT), None, 10)?;
            let timeline = read::alert_timeline(tx, AlertId(alerts[0].id as u64), 0, 10)?;
            Ok((alerts, timeline))
        };
        let (alerts, timeline) = db
            .read(&Actor::SYSTEM, work)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        let restricted = alerts
            .iter()
            .find(|alert| alert.rule == "margin_restricted")
            .expect("the margin alert");
        let alert: siaga_alerts::alert::Alert =
            siaga_risk::codec::decode(&restricted.body).expect("body");
        assert_eq!(
            (alert.id.0 as i64, i64::from(alert.revision)),
            (restricted.id, restricted.revision),
            "{kind}"
        );
        assert!(!timeline.is_empty(), "{kind}");
        let once = fingerprints(db).await;
        let again = rebuild::rebuild(db, vec![history()], |_| Ok(memory(&entries)), |_| {}).await;
        again.expect(kind);
        assert_eq!(fingerprints(db).await, once, "{kind}");
        db.close().await;
    }
}

/// Applies the first batch and then fails.
struct FailOnce<P>(Arc<P>, AtomicU32);

impl<P: Projection> Projection for FailOnce<P> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn apply(&self, tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
        self.0.apply(tx, entries)?;
        match self.1.fetch_add(1, Ordering::Relaxed) {
            0 => Err(DbError::Unexpected("the cable was pulled".into())),
            _ => Ok(()),
        }
    }
}
