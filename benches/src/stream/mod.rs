//! Tick to WebSocket frame: the program as it is shipped, a hundred clients, ten thousand prices a second.

pub(crate) mod clients;
mod floor;
pub(crate) mod server;

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::report::{Report, quantiles, rate, time};
use clients::Clients;
use server::Server;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub subscribers: usize,
    /// Prices a second that the desk is driven to.
    pub marks_per_s: f64,
    /// Not measured: connections settle, the pages of files are touched.
    pub warm: Duration,
    pub measured: Duration,
}

impl Size {
    pub const FULL: Self = Self {
        subscribers: 100,
        marks_per_s: 10_000.0,
        warm: Duration::from_secs(2),
        measured: Duration::from_secs(10),
    };
}

/// What each client follows.
#[derive(Clone, Copy, Debug)]
enum Watch {
    /// So many instruments, others for the next client: five are what a trader has on screen.
    Few(usize),
    /// Every instrument.
    All,
}

/// What the clients saw of one run.
struct Outcome {
    latency: Histogram<u64>,
    frames: u64,
    marks: u64,
    took: Duration,
    cpu: Duration,
    inside: [(f64, f64); 2],
}

/// Measures and prints.
///
/// # Panics
/// When the program named by `SIAGA_BIN` cannot be run, or a client is cut off.
pub fn print(size: Size) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let mut report = Report::new("stream");
    runtime.block_on(async {
        let pace = calibrate(size).await;
        for (name, watch) in [
            ("five instruments each", Watch::Few(5)),
            ("twenty instruments each", Watch::Few(20)),
            ("all instruments each", Watch::All),
        ] {
            let outcome = run(size, pace, watch).await;
            let frame_rate = rate(outcome.frames, outcome.took.as_nanos() as u64);
            let floor = floor::run(size, outcome.frames as f64 / outcome.took.as_secs_f64()).await;
            report.row(
                &format!(
                    "tick to frame, {} clients, {name}, {}: p50 / p99 / p99.9 / max",
                    size.subscribers,
                    rate(outcome.marks, outcome.took.as_nanos() as u64)
                ),
                quantiles(&outcome.latency),
                format!("a bare server of the same frames {}", quantiles(&floor)),
                "p99 < 5 ms",
            );
            report.note(format!(
                "{name}: {frame_rate} frames received, the program used {:.0} % of a core",
                100.0 * outcome.cpu.as_secs_f64() / outcome.took.as_secs_f64()
            ));
            let [output, frame] = outcome
                .inside
                .map(|(p50, p99)| format!("{} / {}", time(p50), time(p99)));
            report.note(format!(
                "{name}, by the program's own histograms: to the output {output}, to the written frame {frame} (p50 / p99)"
            ));
        }
    });
    report.note(
        "from the price's own time, before the journal, to the moment a client has read its frame",
    );
    report.note("clients, simulator and program share the machine; prices that wait for one client become its newest");
    report.note("left out: the network, the database");
    report.print();
}

/// The simulator's pace, as a multiple, that gives the wanted prices a second.
async fn calibrate(size: Size) -> f64 {
    const PACE: f64 = 10.0;
    let server = Server::start(PACE).await;
    tokio::time::sleep(size.warm).await;
    let (marks, took) = server.marks_during(Duration::from_secs(2)).await;
    server.stop().await;
    assert!(marks > 0, "the simulated market moves");
    PACE * size.marks_per_s * took.as_secs_f64() / marks as f64
}

async fn run(size: Size, pace: f64, watch: Watch) -> Outcome {
    let server = Server::start(pace).await;
    let symbols = server.symbols().await;
    let clients = Clients::connect(server.stream(), size.subscribers, |client| match watch {
        Watch::All => vec!["*".to_owned()],
        Watch::Few(count) => (0..count)
            .map(|at| symbols[(client * count + at) % symbols.len()].clone())
            .collect(),
    })
    .await;
    tokio::time::sleep(size.warm).await;
    let before = server.cpu();
    clients.measure(true);
    let (marks, took) = server.marks_during(size.measured).await;
    clients.measure(false);
    let cpu = server.cpu() - before;
    let inside = server.inside().await;
    let (latency, frames) = clients.end().await;
    server.stop().await;
    Outcome {
        latency,
        frames,
        marks,
        took,
        cpu,
        inside,
    }
}
