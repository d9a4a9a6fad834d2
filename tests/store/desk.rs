//! The running desk beside both databases: what leaves memory is read back, and goes on after a stop.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use siaga::cli::{Exit, import, rebuild};
use siaga::clock::Clock;
use siaga::config::Config;
use siaga::desk::{Desk, DeskHandle};
use siaga::gateway::core::{AlertFilter, AlertRecord, BarsRequest, Core as _, CoreError};
use siaga::store::db::{Actor, Db, Tx};
use siaga::store::evidence::{self, EvidenceRow};
use siaga::store::projection::{apply_alert_changes, apply_alert_events, known_rows};
use siaga::store::{Store, read};
use siaga_alerts::engine::Engine;
use siaga_alerts::text::Numbers;
use siaga_feed::catalog::Files;
use siaga_risk::event::{Bar, BarSpan, OrderChange};
use siaga_risk::ids::{AccountId, AlertId, GroupId, InstrumentId};
use siaga_risk::units::{Price, Ts};

use crate::outputs::uneasy_day;
use crate::support::urls;

/// How long a condition may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks at a condition.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

pub fn config(data: &Path, url: Option<&str>, scenario: &str) -> Config {
    let mut config = Config::default();
    config.data.dir = data.to_owned();
    config.data.segment_mib = 4;
    config.store.url = url.map(str::to_owned);
    config.feed.scenario = scenario.to_owned();
    config
}

pub async fn start(config: &Config) -> Desk {
    Desk::start(config, Arc::new(Clock::start()), |_, _| {})
        .await
        .unwrap_or_else(|error| panic!("{error:#}"))
}

/// Asks until there is an answer.
pub async fn wait<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let asked = async {
        let mut looks = tokio::time::interval(LOOK_AGAIN);
        loop {
            looks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    answer.unwrap_or_else(|_| panic!("{what} did not happen"))
}

pub async fn database(desk: &Desk) -> Db {
    wait("the database", || async {
        desk.db
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    })
    .await
}

fn alerts(desk: &DeskHandle) -> Vec<AlertRecord> {
    desk.alerts(&AlertFilter {
        limit: 1_000,
        ..AlertFilter::default()
    })
}

fn seconds(from: Option<Ts>) -> BarsRequest {
    BarsRequest {
        instrument: InstrumentId(1),
        span: BarSpan::S1,
        from,
        to: None,
        limit: 1_000,
    }
}

async fn bars(desk: &Desk, from: Option<Ts>) -> Vec<Bar> {
    desk.handle.bars(seconds(from)).await.expect("bars")
}

/// Every order of the demonstration's accounts, newest first within one; nothing while the database cannot tell.
async fn orders(desk: &Desk) -> Option<Vec<OrderChange>> {
    let mut all = Vec::new();
    for account in 1..=12 {
        let found = desk.handle.orders(AccountId(account), None, 1_000).await;
        all.extend(found.ok()?);
    }
    Some(all)
}

/// Those of before are there again with what was said of them, each once, and pages by key are the same list.
async fn orders_are_there(desk: &Desk, before: &[OrderChange]) {
    let now = wait("orders of before", || orders(desk)).await;
    for old in before {
        let is_it = |order: &&OrderChange| order.id == old.id;
        let found: Vec<_> = now.iter().filter(is_it).collect();
        assert_eq!(found.len(), 1, "order {}", old.id);
        let said = |order: &OrderChange| {
            let order = order.order;
            (
                (order.account, order.client_id, order.kind, order.side),
                (order.reduce_only, order.trader, order.desk),
            )
        };
        assert_eq!(said(found[0]), said(old), "order {}", old.id);
    }
    let account = before[0].order.account;
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = desk.handle.orders(account, cursor, 1).await;
        let page = page.expect("the database has read them");
        let Some(last) = page.last() else { break };
        cursor = Some(last.id.0);
        paged.push(last.id);
    }
    assert!(paged.is_sorted_by(|a, b| a > b), "{paged:?}");
    let of_account = before.iter().filter(|old| old.order.account == account);
    assert!(of_account.map(|old| old.id).all(|id| paged.contains(&id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_charts_orders_bars_and_ticks_outlive_memory() {
    let (_server, urls) = urls().await;
    for url in urls {
        outlives(url.as_deref()).await;
    }
}

async fn outlives(url: Option<&str>) {
    let folder = tempfile::tempdir().expect("folder");
    let desk = start(&config(folder.path(), url, "flash_crash")).await;
    let _db = database(&desk).await;
    let charted = wait("an alert with prices", || async {
        for alert in alerts(&desk.handle) {
            let evidence = desk.handle.evidence(alert.id).await.expect("memory");
            if evidence.is_some_and(|found| found.chart.len() > 2) {
                return Some(alert.id);
            }
        }
        None
    })
    .await;
    let before = wait("three bars", || async {
        let found = bars(&desk, None).await;
        (found.len() >= 3).then_some(found)
    })
    .await;
    let ordered = wait("an order", || async {
        let found = orders(&desk).await;
        found.filter(|found| !found.is_empty())
    })
    .await;
    let held = alerts(&desk.handle);
    let chart = desk.handle.evidence(charted).await.expect("memory");
    desk.stop().await.expect("a graceful stop");

    let store = Store::open(url, folder.path(), Timestamp::UNIX_EPOCH).await;
    let store = store.unwrap_or_else(|error| panic!("{error}"));
    for alert in &held {
        let id = alert.id;
        let row = store.db.read(&Actor::SYSTEM, move |tx| {
            Ok((read::alert(tx, id)?, read::alert_timeline(tx, id, 0, 100)?))
        });
        let (row, steps) = row.await.expect("rows");
        assert!(row.is_some(), "{} is not in the database", alert.title);
        assert!(!steps.is_empty(), "{} has no steps", alert.title);
    }
    if url.is_some() {
        let ticks = store.db.read(&Actor::SYSTEM, |tx| {
            tx.scalar(sqlx::query_scalar::<_, i64>(
                "SELECT count(*) FROM (SELECT DISTINCT time, instrument, source, seq FROM ticks) AS t",
            ))
        });
        assert!(ticks.await.expect("ticks") > 100);
    }
    let steps = rows(&store.db).await;
    let spoil = store.db.write(&Actor::SYSTEM, |tx| {
        tx.execute(sqlx::query("DELETE FROM alert_events"))?;
        tx.execute(sqlx::query("UPDATE alerts SET title = ''"))
    });
    spoil.await.expect("spoilt");
    store.db.close().await;
    let stopped = config(folder.path(), url, "calm");
    // The command makes a runtime of its own.
    let rebuilt = tokio::task::spawn_blocking(move || rebuild::run(&stopped, true)).await;
    rebuilt
        .expect("it ends")
        .unwrap_or_else(|error| panic!("{error:#}"));
    let store = Store::open(url, folder.path(), Timestamp::UNIX_EPOCH).await;
    let store = store.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        rows(&store.db).await,
        steps,
        "steps, and alerts with a title"
    );
    store.db.close().await;

    let desk = start(&config(folder.path(), url, "calm")).await;
    let db = database(&desk).await;
    let chart = chart.expect("it was there").chart;
    let kept = wait("the chart of before", || async {
        let found = desk.handle.evidence(charted).await.expect("database");
        found.filter(|found| found.chart.len() >= chart.len())
    })
    .await;
    assert_eq!(kept.chart[..chart.len()], chart, "what was seen before");
    let joined = wait("bars on both sides of the restart", || async {
        let found = bars(&desk, Some(before[0].start)).await;
        let newest = before.last().map(|bar| bar.start);
        let newer = found.last().map(|bar| bar.start) > newest;
        newer.then_some(found)
    })
    .await;
    assert_eq!(joined[..before.len()], before);
    assert!(
        joined.is_sorted_by(|a, b| a.start < b.start),
        "no bar twice"
    );
    if url.is_some() {
        wait("ticks in the metrics", || async {
            let mut out = String::new();
            desk.handle.metrics(&mut out);
            let stored = out
                .lines()
                .find_map(|line| line.strip_prefix("siaga_ticks_stored_total "))?;
            (stored.parse::<u64>().ok()? > 0).then_some(())
        })
        .await;
    }
    orders_are_there(&desk, &ordered).await;
    old_alerts(&desk, &db).await;
    desk.stop().await.expect("a graceful stop");
}

/// The steps of all alerts, and how many alerts have a title.
async fn rows(db: &Db) -> (i64, String) {
    let work = |tx: &mut Tx<'_>| {
        tx.one(sqlx::query_as(
            "SELECT (SELECT count(*) FROM alerts WHERE title <> ''),
                 (SELECT coalesce(md5(string_agg(to_jsonb(e)::text, '|' ORDER BY alert, revision)), '') FROM alert_events AS e)",
        ))
    };
    db.read(&Actor::SYSTEM, work).await.expect("rows")
}

/// Alerts that memory never knew, of another year.
async fn old_alerts(desk: &Desk, db: &Db) {
    let mut engine = Engine::default();
    for entry in uneasy_day(200) {
        engine.apply(entry.key, entry.ts, &entry.output);
    }
    let (rows, steps) = known_rows(&engine, &Numbers);
    let old = AlertId(rows[0].id);
    let chart = EvidenceRow {
        alert: old,
        instrument: InstrumentId(1),
        fired: rows[0].started,
        complete: true,
        points: vec![(rows[0].started, Price(1), Price(2))],
    };
    let written = steps.iter().filter(|step| step.alert == old.0).count();
    db.write(&Actor::SYSTEM, move |tx| {
        apply_alert_changes(tx, &rows)?;
        apply_alert_events(tx, &steps)?;
        evidence::write(tx, &chart)
    })
    .await
    .expect("rows");
    let desk = &desk.handle;
    assert!(desk.alert(old).is_none(), "memory knows it");
    let record = desk.past_alert(old).await.expect("database");
    assert_eq!(record.map(|record| record.id), Some(old));
    let filter = AlertFilter {
        before: Some(AlertId(old.0 + 1)),
        limit: 5,
        ..AlertFilter::default()
    };
    let listed = desk.past_alerts(filter).await.expect("database");
    assert_eq!(listed.first().map(|record| record.id), Some(old));
    let steps = desk.timeline(old).await.expect("database").expect("steps");
    assert_eq!(steps.len(), written);
    let evidence = desk.evidence(old).await.expect("database");
    assert_eq!(evidence.map(|found| found.chart.len()), Some(1));
    assert_eq!(desk.timeline(AlertId(3)).await, Ok(None));

    // Without the database memory answers, and what only the database has is said to be there.
    let held = alerts(desk);
    db.close().await;
    assert!(matches!(
        desk.past_alert(old).await,
        Err(CoreError::NotAvailable(_))
    ));
    assert!(!desk.bars(seconds(None)).await.expect("memory").is_empty());
    assert!(matches!(
        desk.orders(AccountId(1), None, 10).await,
        Err(CoreError::Away(_))
    ));
    if let Some(alert) = held.first() {
        assert!(desk.timeline(alert.id).await.expect("memory").is_some());
        assert!(desk.evidence(alert.id).await.expect("memory").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_names_are_shown_after_a_restart() {
    let folder = tempfile::tempdir().expect("folder");
    let mut config = config(&folder.path().join("data"), None, "calm");
    config.store.enabled = false;
    let desk = start(&config).await;
    desk.stop().await.expect("a graceful stop");

    let terms = folder.path().join("terms");
    std::fs::create_dir(&terms).expect("folder");
    let Files { groups, demo, .. } = Files::SHIPPED;
    let renamed = |text: &str| text.replace("esma-retail", "nusantara");
    let own = r#"preset = "esma_retail", leverage = 25"#;
    let changed = renamed(groups).replace(r#"preset = "esma_retail""#, own);
    std::fs::write(terms.join("groups.toml"), changed).expect("terms");
    std::fs::write(terms.join("demo.toml"), renamed(demo)).expect("terms");
    let import = |file: &Path, apply: bool| {
        let file = Some(file.to_owned());
        let author = 1;
        import::run(
            &config,
            &import::Args {
                file,
                apply,
                author,
            },
            true,
        )
    };
    let unchanged = folder.path().join("instruments.toml");
    std::fs::write(&unchanged, Files::SHIPPED.instruments).expect("terms");
    assert_eq!(import(&unchanged, true).expect("a file alone"), Exit::Well);
    let stranger = folder.path().join("terms.txt");
    std::fs::write(&stranger, "").expect("a file");
    let told = import(&stranger, true)
        .expect_err("no file of terms")
        .to_string();
    assert!(told.contains("name it one of instruments.toml"), "{told}");
    assert_eq!(import(&terms, false).expect("a diff"), Exit::Found);
    import(&terms, true).unwrap_or_else(|error| panic!("{error:#}"));
    std::fs::remove_dir_all(&terms).expect("the folder is the importer's own");

    let desk = start(&config).await;
    let directory = desk.handle.directory();
    assert_eq!(directory.group_name(GroupId(2)), "nusantara");
    let leverage = directory
        .group(GroupId(2))
        .map(|group| group.terms.leverage);
    let imported = Some(siaga_risk::units::Leverage::of(25));
    assert_eq!(leverage, imported, "the terms came too");
    assert_ne!(directory.group_name(GroupId(1)), "nusantara");
    desk.stop().await.expect("a graceful stop");
}
