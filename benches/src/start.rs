//! What a newcomer waits for and an operator pays: from the start of the program to the first price on a stream, and
//! the processor time of a market that is closed.

use std::time::Duration;

use crate::clock::now_ns;
use crate::report::{Report, median, time};
use crate::stream::clients::first_price;
use crate::stream::server::{Launch, Server};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Starts on an empty directory.
    pub starts: usize,
    /// The simulator's pace while a directory fills, and for how long.
    pub pace: f64,
    pub fill: Duration,
    /// Not measured: the first start has brought in its terms, the database has settled.
    pub warm: Duration,
    pub idle: Duration,
}

impl Size {
    pub const FULL: Self = Self {
        starts: 5,
        pace: 200.0,
        fill: Duration::from_secs(60),
        warm: Duration::from_secs(10),
        idle: Duration::from_secs(30),
    };
}

/// Measures and prints.
///
/// # Panics
/// When the program named by `SIAGA_BIN` cannot be run.
pub fn print(size: Size) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let mut report = Report::new("start");
    runtime.block_on(async {
        starts(&mut report, size).await;
        idle(&mut report, size).await;
    });
    report.note("from the start of the process to the first frame with a price; the browser's own start is left out");
    report.note("with the embedded database, as `make run` starts it");
    report.print();
}

async fn starts(report: &mut Report, size: Size) {
    let mut first = Vec::new();
    for _ in 0..size.starts {
        let (took, server) = start(crate::throughput::data_directory()).await;
        server.stop().await;
        first.push(took);
    }
    report.row(
        "first price, empty directory",
        time(median(first)),
        format!("median of {} starts", size.starts),
        "< 3 s",
    );
    let fast = Launch {
        pace: size.pace,
        ..Launch::DEMO
    };
    let server = Server::launch(fast, crate::throughput::data_directory()).await;
    tokio::time::sleep(size.fill).await;
    let inputs = server.inputs().await;
    let (took, server) = start(server.kill().await).await;
    server.stop().await;
    report.row(
        "first price, after the power failed",
        time(took),
        format!("{inputs} inputs in the directory"),
        "< 3 s",
    );
}

/// Starts the program, and how long its first price took, nanoseconds.
async fn start(data: tempfile::TempDir) -> (f64, Server) {
    let begin = now_ns();
    let server = Server::launch(Launch::DEMO, data).await;
    first_price(&server.stream()).await;
    ((now_ns() - begin) as f64, server)
}

async fn idle(report: &mut Report, size: Size) {
    let weekend = Launch {
        scenario: "weekend",
        ..Launch::DEMO
    };
    let server = Server::launch(weekend, crate::throughput::data_directory()).await;
    tokio::time::sleep(size.warm).await;
    let before = server.cpu();
    let (marks, took) = server.marks_during(size.idle).await;
    let used = server.cpu() - before;
    server.stop().await;
    report.row(
        "processor time of a weekend",
        format!("{:.2} s", used.as_secs_f64()),
        format!("in {:.0} s, {marks} prices of crypto", took.as_secs_f64()),
        "< 1.5 s in 30 s",
    );
}
