//! What a newcomer waits for and an operator pays: from the start of the program to the first price on a stream, and
//! the processor time of a market that is closed.

use std::time::Duration;

use crate::clock::now_ns;
use crate::report::{Report, median, rate, time};
use crate::stream::clients::first_price;
use crate::stream::server::{Launch, Server};

/// Inputs a second of the demonstration: every instrument of the catalog is quoted at its `sim_rate` by the first source
/// and at half of it by the second, and each fourth quote of crypto comes with a print.
const INPUTS_PER_S: u64 = 350;

/// Inputs of a day: the demonstration's market does not sleep.
pub const DAY_INPUTS: u64 = INPUTS_PER_S * 86_400;

/// The simulator's thread rests a millisecond between two looks, so a quicker pace brings little more; and far above, a
/// look would find the next price due before its end, for ever.
const PACE: f64 = 400.0;

/// A full directory is looked for this often: each look is a connection.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Starts on an empty directory.
    pub starts: usize,
    /// The simulator's pace while a directory fills.
    pub pace: f64,
    /// Inputs that it is filled with, and the longest it may take.
    pub inputs: u64,
    pub fill_max: Duration,
    /// Not measured: the first start has brought in its terms, the database has settled.
    pub warm: Duration,
    pub idle: Duration,
}

impl Size {
    pub const FULL: Self = Self {
        starts: 5,
        pace: PACE,
        inputs: DAY_INPUTS,
        fill_max: Duration::from_secs(480),
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
        first(&mut report, size).await;
        filled(&mut report, size).await;
        idle(&mut report, size).await;
    });
    report.note("from the start of the process to the first frame with a price; the browser's own start is left out");
    report.note("with the embedded database, as `make run` starts it");
    report.print();
}

async fn first(report: &mut Report, size: Size) {
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
}

/// Two starts on one directory: the power failed while it was filled, and a graceful stop followed.
async fn filled(report: &mut Report, size: Size) {
    let fast = Launch {
        pace: size.pace,
        ..Launch::DEMO
    };
    let server = Server::launch(fast, crate::throughput::data_directory()).await;
    let (inputs, took) = fill(&server, size).await;
    let share = format!(
        "{inputs} inputs in the directory, {:.0} % of a day's",
        100.0 * inputs as f64 / DAY_INPUTS as f64
    );
    let (killed, server) = start(server.kill().await).await;
    report.row(
        "first price, after the power failed",
        time(killed),
        share.clone(),
        "< 3 s",
    );
    let (stopped, server) = start(server.stop().await).await;
    server.stop().await;
    report.row(
        "first price, after a graceful stop",
        time(stopped),
        share,
        "< 3 s",
    );
    report.note(format!(
        "a day of the demonstration is {DAY_INPUTS} inputs; the directory was filled at {} ({} × the usual pace), for at most {:.0} s",
        rate(inputs, took.as_nanos() as u64),
        size.pace,
        size.fill_max.as_secs_f64()
    ));
    report.note(
        "left out: what a day has by its hours and not by its inputs (bars, rollovers, alerts, and their rows in the database)",
    );
}

/// Lets a desk run until its inputs are enough or its time is over: how many it took, and in what time.
async fn fill(server: &Server, size: Size) -> (u64, Duration) {
    let begin = now_ns();
    loop {
        let inputs = server.inputs().await;
        let took = Duration::from_nanos(now_ns() - begin);
        if inputs >= size.inputs || took >= size.fill_max {
            return (inputs, took);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
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

#[cfg(test)]
mod tests {
    use siaga_feed::catalog::Catalog;
    use siaga_feed::sim::{Scenario, Simulator};
    use siaga_risk::units::{SECOND_NS, Ts};

    use super::INPUTS_PER_S;

    /// Long enough that chance is below the tolerance.
    const SECONDS: u64 = 60;

    #[test]
    fn a_day_is_counted_at_the_rate_of_the_simulator() {
        let begin = Ts(1_780_000_000 * SECOND_NS);
        let end = begin.plus(SECONDS * SECOND_NS);
        let mut simulator = Simulator::new(1, &Catalog::shipped(), Scenario::Calm, begin);
        let mut inputs = 0;
        while simulator.due() < end {
            inputs += u64::from(simulator.next().is_some());
        }
        let wanted = INPUTS_PER_S * SECONDS;
        let tolerance = wanted / 50;
        assert!(inputs.abs_diff(wanted) < tolerance, "{inputs} of {wanted}");
    }
}
