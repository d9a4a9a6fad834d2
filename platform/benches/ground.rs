//! What the platform's ground costs on a PostgreSQL server: a command with its audit row and its event
//! beside the bare write, one writer and eight, and a search over ten thousand people.

#![allow(clippy::disallowed_methods)] // a bench looks at the clock

#[path = "../../tests/support/postgres.rs"]
mod postgres;
#[path = "../../benches/src/report.rs"]
#[allow(dead_code)] // other benches print more kinds of figures
mod report;
#[path = "../../tests/support/shared.rs"]
#[allow(dead_code)]
mod shared;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hdrhistogram::Histogram;
use serde_json::json;
use siaga_platform::audit::{self, Action, Change};
use siaga_platform::core_door::NoCore;
use siaga_platform::crypto::Keyring;
use siaga_platform::db::{Db, PoolOptions};
use siaga_platform::ids::new_id;
use siaga_platform::outbox::Event;
use siaga_platform::people::{Area, Principal};
use siaga_platform::search::{self, Entry};
use siaga_platform::unit::Platform;
use siaga_risk::units::{SECOND_NS, Ts};
use tokio::task::JoinSet;

/// Commands of each run.
const COMMANDS: u64 = 4_000;

/// People to search among, and searches.
const PEOPLE: usize = 10_000;
const SEARCHES: usize = 500;

/// Indexed by one unit while filling.
const BATCH: usize = 200;

/// 15 November 2026, 08:00 UTC.
const MORNING: u64 = 1_794_729_600 * SECOND_NS;

const FIRST: &[&str] = &[
    "Siti", "Budi", "Dewi", "Agus", "Rina", "Bambang", "Sri", "Joko", "Maria", "Ahmad", "Putri",
    "Hendra", "Lestari", "Yusuf", "Wulan", "Eko", "Fitri", "Gilang", "Indah", "Rizky",
];
const LAST: &[&str] = &[
    "Nurhaliza",
    "Santoso",
    "Lestari",
    "Wijaya",
    "Kusuma",
    "Pamungkas",
    "Mulyani",
    "Susilo",
    "Hidayat",
    "Fauzi",
    "Simanjuntak",
    "Siregar",
    "Gunawan",
    "Halim",
    "Wibowo",
    "Saputra",
    "Permata",
    "Nasution",
    "Tanjung",
    "Rahman",
    "Setiawan",
    "Pratama",
    "Utami",
    "Kartika",
];

/// What a command does.
#[derive(Clone, Copy, PartialEq)]
enum Weight {
    Bare,
    Whole,
}

fn main() {
    let Some(server) = postgres::server() else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(&server));
}

async fn run(server: &postgres::Server) {
    let platform = platform(server.database().await).await;
    let mut report = report::Report::new("platform");
    for writers in [1, 8] {
        let bare = commands(&platform, writers, Weight::Bare).await;
        let whole = commands(&platform, writers, Weight::Whole).await;
        let who = if writers == 1 {
            "one writer".to_owned()
        } else {
            format!("{writers} writers")
        };
        report.row(
            &format!("commands a second, {who}: change, audit row, event"),
            format!("{:.0}", whole.0),
            format!("{:.0} the change alone", bare.0),
            "",
        );
        report.row(
            &format!("command, 99th percentile, {who}"),
            report::time(whole.1.value_at_quantile(0.99) as f64),
            format!(
                "{} the change alone",
                report::time(bare.1.value_at_quantile(0.99) as f64)
            ),
            "",
        );
    }
    let began = Instant::now();
    let checked = audit::verify(platform.db(), &[]).await.expect("the log");
    assert!(checked.faults.is_empty(), "{:?}", checked.faults);
    let each = began.elapsed().as_nanos() as f64 / checked.rows as f64;
    report.row("audit row verified", report::time(each), String::new(), "");
    fill(&platform).await;
    let found = searches(&platform).await;
    report.row(
        &format!("search, 99th percentile, {PEOPLE} people, two letters wrong"),
        report::time(found.value_at_quantile(0.99) as f64),
        format!(
            "{} the median",
            report::time(found.value_at_quantile(0.5) as f64)
        ),
        "< 50 ms",
    );
    report.note("server and program on one machine, its disk not synced (fsync off): a server's disk adds its own time to every commit");
    report.note("all writers of a month wait for one chain: eight do not write eight times as much with an audit row");
    report.print();
    platform.db().close().await;
}

async fn platform(url: String) -> Platform {
    let options = PoolOptions {
        url,
        connections_max: 12,
    };
    let db = Db::server(&options).expect("url");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("migrations")
        .map(|entry| entry.expect("entry").path())
        .collect();
    files.sort();
    for file in files {
        let sql = std::fs::read_to_string(&file).expect("a migration");
        if ["-- requires:", "-- choice:", "-- after:"]
            .iter()
            .any(|head| sql.starts_with(head))
        {
            continue;
        }
        db.own(move |tx| tx.script(sql)).await.expect("a migration");
    }
    let ticks = AtomicU64::new(MORNING);
    let now = move || Ts(ticks.fetch_add(1_000, Ordering::Relaxed));
    let keyring = Arc::new(Keyring::generate("k1"));
    let platform = Platform::new(db, keyring, Arc::new(now), Arc::new(NoCore));
    audit::prepare(platform.db(), platform.now())
        .await
        .expect("partitions");
    platform
}

/// Commands a second, and the time of each.
async fn commands(platform: &Platform, writers: u64, weight: Weight) -> (f64, Histogram<u64>) {
    let mut times = report::histogram();
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..writers {
        let platform = platform.clone();
        tasks.spawn(async move {
            let (by, lead) = (Principal::owner(), new_id(platform.now()));
            let mut times = report::histogram();
            for n in 0..COMMANDS / writers {
                let began = Instant::now();
                command(&platform, &by, lead, n, weight).await;
                times
                    .record(began.elapsed().as_nanos() as u64)
                    .expect("below a minute");
            }
            times
        });
    }
    while let Some(ended) = tasks.join_next().await {
        times
            .add(ended.expect("no panic"))
            .expect("the same bounds");
    }
    (COMMANDS as f64 / began.elapsed().as_secs_f64(), times)
}

async fn command(platform: &Platform, by: &Principal, lead: uuid::Uuid, n: u64, weight: Weight) {
    let done = platform.command(by, move |unit| {
        let (id, org, now) = (new_id(unit.now()), unit.by().org, unit.now());
        unit.tx().execute(
            sqlx::query("INSERT INTO legal_holds (id, org_id, category, reason, placed_by, created_at) VALUES ($1, $2, 'bench', 'bench', 'bench', $3)")
                .bind(id)
                .bind(org)
                .bind(siaga_platform::values::bound(now)),
        )?;
        if weight == Weight::Whole {
            unit.audit(Change::new(Action::Create, "legal_hold", id).field("n", json!(null), n));
            unit.emit(Event::new("hold.placed", "legal_hold", lead, json!({"n": n})));
        }
        Ok(())
    });
    done.await.expect("a command");
}

async fn fill(platform: &Platform) {
    let system = Principal::system("bench");
    for start in (0..PEOPLE).step_by(BATCH) {
        let filled = platform.command(&system, move |unit| {
            for n in start..start + BATCH {
                let entry = Entry {
                    entity: "lead",
                    id: new_id(unit.now()),
                    area: Area::Crm,
                    owner: None,
                    team: None,
                    subject: None,
                    words: String::new(),
                    personal: vec![
                        format!(
                            "{} {} {}",
                            FIRST[n % FIRST.len()],
                            FIRST[n / 7 % FIRST.len()],
                            LAST[n / 3 % LAST.len()]
                        ),
                        format!("+62812{:07}", n * 7_919 % 10_000_000),
                    ],
                };
                search::index(unit, &entry)?;
            }
            Ok(())
        });
        filled.await.expect("indexed");
    }
    let db = platform.db().clone();
    db.outside("ANALYZE search_entries", || ())
        .await
        .expect("statistics");
    db.outside("ANALYZE search_grams", || ())
        .await
        .expect("statistics");
}

async fn searches(platform: &Platform) -> Histogram<u64> {
    let mut times = report::histogram();
    let owner = Principal::owner();
    for n in 0..SEARCHES {
        let name = LAST[n % LAST.len()];
        // Two letters change places, as fingers have it.
        let mut letters: Vec<char> = name.chars().collect();
        letters.swap(2, 3);
        let query: String = FIRST[n % FIRST.len()]
            .chars()
            .chain(" ".chars())
            .chain(letters)
            .collect();
        let keyring = platform.keyring().clone();
        let began = Instant::now();
        let found = platform
            .read(&owner, move |tx| {
                search::find(tx, &keyring, &query, Some(Area::Crm), 20)
            })
            .await;
        times
            .record(began.elapsed().as_nanos() as u64)
            .expect("below a minute");
        assert!(!found.expect("a search").is_empty(), "{name}");
    }
    times
}
