//! Tick to WebSocket frame: the program as it is shipped, a hundred clients, ten thousand prices a second.

pub(crate) mod clients;
mod floor;
pub(crate) mod server;

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::report::{Report, quantiles, rate, time};
use clients::Clients;
use server::Server;

/// The pace of the first calibration, and how often its result is tried and corrected: a stream of prices comes a little
/// late each time, so that a higher pace brings less than its multiple.
const FIRST_PACE: f64 = 10.0;
const CALIBRATIONS: usize = 3;

/// Runs of one row at most: clients take processor time from the simulator, so a pace that was enough without them may not be.
const RUNS_MAX: usize = 4;

/// A run that fell short is repeated at this much above what it lacked, two runs of one pace being a few percent apart;
/// and never at more than this multiple of its pace, so that a run that was disturbed asks for no absurd one.
const RAISE_MARGIN: f64 = 1.03;
const RAISE_MAX: f64 = 1.5;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub subscribers: usize,
    /// Prices a second that the desk is driven to, at least.
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

impl Outcome {
    fn marks_per_s(&self) -> f64 {
        self.marks as f64 / self.took.as_secs_f64()
    }
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
        let mut pace = calibrate(size).await;
        for (name, watch) in [
            ("five instruments each", Watch::Few(5)),
            ("twenty instruments each", Watch::Few(20)),
            ("all instruments each", Watch::All),
        ] {
            let (outcome, enough) = run_at_least(size, pace, watch).await;
            pace = enough;
            if outcome.marks_per_s() < size.marks_per_s {
                report.note(format!(
                    "{name}: {:.0} prices a second were not reached in {RUNS_MAX} runs, the last at {pace:.0} × the usual pace",
                    size.marks_per_s
                ));
            }
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

/// The simulator's pace, as a multiple, that gives the wanted prices a second while nobody listens.
async fn calibrate(size: Size) -> f64 {
    let mut pace = FIRST_PACE;
    for _ in 0..CALIBRATIONS {
        let server = Server::start(pace).await;
        tokio::time::sleep(size.warm).await;
        let (marks, took) = server.marks_during(Duration::from_secs(2)).await;
        server.stop().await;
        assert!(marks > 0, "the simulated market moves");
        pace *= size.marks_per_s * took.as_secs_f64() / marks as f64;
    }
    pace
}

/// Runs until the prices a second are at least the wanted ones: the last run, and the pace of it.
async fn run_at_least(size: Size, pace: f64, watch: Watch) -> (Outcome, f64) {
    let mut pace = pace;
    let mut outcome = run(size, pace, watch).await;
    for _ in 1..RUNS_MAX {
        let lacks = size.marks_per_s / outcome.marks_per_s();
        if lacks <= 1.0 {
            break;
        }
        pace *= (lacks * RAISE_MARGIN).min(RAISE_MAX);
        outcome = run(size, pace, watch).await;
    }
    (outcome, pace)
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
