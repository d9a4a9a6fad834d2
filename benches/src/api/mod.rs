//! The platform's API under the load of a sales desk: two hundred requests a second over ten thousand leads, against a PostgreSQL
//! server and against the embedded database; and what the audit log costs.

mod audit;
mod client;
mod mix;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::Value;

use crate::clock::now_ns;
use crate::report::{Report, histogram, quantiles};
use crate::stream::server::{Launch, Server};
use client::Client;

/// Requests a second.
const RATE: u64 = 200;
/// Connections: a request that is due finds a free one as long as fewer than these are late.
const CONNECTIONS: usize = 64;
/// How long a planter waits who is told to send again in a moment.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// Who plant leads at once: captures give leads to agents one after the other, so more would only wait.
const PLANTERS: u64 = 8;
/// Longest wait for the database of a first start.
const OPEN_WAIT: Duration = Duration::from_secs(120);
/// Far above the load: limits are measured elsewhere.
const LIMIT: &str = "1000000";
const GOAL: &str = "p50 < 50 ms, p99 < 200 ms";

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub leads: u64,
    /// Not measured: pools open their connections, statements are prepared.
    pub warm_s: u64,
    pub measured_s: u64,
}

impl Size {
    pub const FULL: Self = Self {
        leads: 10_000,
        warm_s: 5,
        measured_s: 30,
    };
}

/// Measures and prints. `url` is an empty database of a server that syncs, or nothing where none is installed.
///
/// # Panics
/// When the program named by `SIAGA_BIN` cannot be run, or a request is refused.
pub fn print(size: Size, url: Option<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let mut report = Report::new("api");
    runtime.block_on(async {
        match &url {
            Some(url) => {
                row(size, "PostgreSQL", Some(url.as_str()), &mut report).await;
                audit::measure(url, &mut report).await;
            }
            None => report.note("PostgreSQL is not installed: its row is missing"),
        }
        row(size, "embedded database", None, &mut report).await;
    });
    report.note("60 % one lead, 25 % lists and searches, 15 % notes and new leads; a request's time begins when it was due, not when it was sent");
    report.note(
        "the goals are a server's; the embedded database has one connection and syncs nothing",
    );
    report.print();
}

async fn row(size: Size, name: &str, url: Option<&str>, report: &mut Report) {
    let mut more = vec![("SIAGA__IDENTITY__PER_ADDRESS", LIMIT.to_owned())];
    if let Some(url) = url {
        more.push(("SIAGA__STORE__URL", url.to_owned()));
    }
    let server =
        Server::launch_with(Launch::DEMO, crate::throughput::data_directory(), &more).await;
    let door = Door {
        address: server.address().to_owned(),
        bearer: server.stream().bearer,
    };
    door.wait().await;
    let leads = door.plant(size.leads).await;
    let (seen, refused) = door.drive(size, leads).await;
    let goal = if url.is_some() { GOAL } else { "" };
    report.row(
        &format!(
            "{RATE} requests a second over {} leads, {name}: p50 / p99 / p99.9 / max",
            size.leads
        ),
        quantiles(&seen),
        format!("{} answers, {refused} of them refused", seen.len()),
        goal,
    );
    drop(server.stop().await);
}

/// Where the program listens.
#[derive(Clone)]
struct Door {
    address: String,
    bearer: String,
}

impl Door {
    async fn connect(&self) -> Client {
        Client::connect(&self.address, &self.bearer).await
    }

    /// Waits until the platform answers.
    async fn wait(&self) {
        let mut client = self.connect().await;
        let opens = async {
            while client.ask("GET", "/api/v1/crm/dashboard", "").await.0 != 200 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(OPEN_WAIT, opens)
            .await
            .expect("the platform opens");
    }

    /// Makes so many leads; their keys.
    async fn plant(&self, leads: u64) -> Vec<String> {
        let mut tasks = tokio::task::JoinSet::new();
        for planter in 0..PLANTERS {
            let door = self.clone();
            tasks.spawn(async move {
                let (mut client, mut made) = (door.connect().await, Vec::new());
                for n in (planter..leads).step_by(PLANTERS as usize) {
                    let lead = mix::lead(n);
                    // Planting is no load that is measured.
                    let answer = loop {
                        let (status, answer) = client.ask("POST", "/api/v1/crm/leads", &lead).await;
                        if status != 503 {
                            assert_eq!(status, 201, "{answer}");
                            break answer;
                        }
                        tokio::time::sleep(BUSY_PAUSE).await;
                    };
                    let answer: Value = serde_json::from_str(&answer).expect("JSON");
                    made.push(answer["lead_id"].as_str().expect("a key").to_owned());
                }
                made
            });
        }
        let mut all = Vec::new();
        while let Some(made) = tasks.join_next().await {
            all.extend(made.expect("a planter plants to the end"));
        }
        all
    }

    /// Asks at the rate, whatever the answers take; how long they took, and how many were refused.
    async fn drive(&self, size: Size, leads: Vec<String>) -> (Histogram<u64>, u64) {
        let (leads, next) = (Arc::new(leads), Arc::new(AtomicU64::new(0)));
        let refused = Arc::new(AtomicU64::new(0));
        let (warm, all) = (RATE * size.warm_s, RATE * (size.warm_s + size.measured_s));
        let mut clients = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            clients.push(self.connect().await);
        }
        let start = now_ns();
        let mut tasks = tokio::task::JoinSet::new();
        for mut client in clients {
            let (leads, next, refused) =
                (Arc::clone(&leads), Arc::clone(&next), Arc::clone(&refused));
            tasks.spawn(async move {
                let mut seen = histogram();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= all {
                        return seen;
                    }
                    let due = start + n * (1_000_000_000 / RATE);
                    tokio::time::sleep(Duration::from_nanos(due.saturating_sub(now_ns()))).await;
                    let asked = mix::request(n, &leads, size.leads);
                    let (status, _) = client.ask(asked.method, &asked.path, &asked.body).await;
                    if n >= warm {
                        seen.saturating_record(now_ns() - due);
                        refused.fetch_add(u64::from(status >= 400), Ordering::Relaxed);
                    }
                }
            });
        }
        let mut seen = histogram();
        while let Some(of_one) = tasks.join_next().await {
            seen.add(of_one.expect("a client asks to the end"))
                .expect("the same bounds");
        }
        (seen, refused.load(Ordering::Relaxed))
    }
}
