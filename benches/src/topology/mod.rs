//! Whole topologies: three producers → journal stage and machine stage, side by side → egress.
//!
//! The stages are the product's own; what differs is how inputs reach both of them in one order.

mod load;
mod run;
mod shapes;

pub use load::Load;
pub use run::{Outcome, run};
pub use shapes::{Channels, Ring, Rings, Topology};

use siaga_risk::pipeline::Wait;

use crate::report::{Report, median, quantiles, rate, time};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Runs of each topology under each load, interleaved.
    pub rounds: usize,
    /// Length of a run at a fixed rate, in milliseconds.
    pub run_ms: u64,
    /// Quotes of a saturated run.
    pub quotes: u64,
    /// Quotes a second of all producers together.
    pub rates_per_s: &'static [u64],
}

impl Size {
    pub const FULL: Self = Self {
        rounds: 5,
        run_ms: 1_000,
        quotes: 3_000_000,
        rates_per_s: &[10_000, 100_000, 500_000],
    };
    pub const TINY: Self = Self {
        rounds: 1,
        run_ms: 50,
        quotes: 30_000,
        rates_per_s: &[20_000],
    };
}

/// Names in the order of decisions: the product's first.
const NAMES: [&str; 3] = [
    "(a) one disruptor ring, two readers",
    "(b) an rtrb each, a sequencer, two rtrb",
    "(c) crossbeam channels, a sequencer",
];

/// p99 of every topology under every load, medians over the rounds.
type P99s = Vec<[f64; 3]>;

/// Measures and prints everything; says which topology the rule keeps.
pub fn print(size: Size) {
    for wait in [Wait::Sleep, Wait::Yield] {
        measure(size, wait);
    }
}

/// Runs all topologies under all loads with one wait strategy; gives how far (a) is from the best p99.
pub fn measure(size: Size, wait: Wait) -> f64 {
    let name = match wait {
        Wait::Sleep => "topology, stages that sleep (the default)",
        Wait::Yield => "topology, stages that yield",
        Wait::Spin => "topology, stages that spin",
    };
    let mut report = Report::new(name);
    let mut p99s = P99s::new();
    for rate_per_s in size.rates_per_s {
        let load = Load::open(*rate_per_s, size.run_ms);
        p99s.push(compare(&mut report, load, size.rounds, wait));
    }
    compare(&mut report, Load::saturated(size.quotes), size.rounds, wait);
    let score = |which: usize| {
        let logs = p99s.iter().map(|row| row[which].ln());
        (logs.sum::<f64>() / p99s.len() as f64).exp()
    };
    let scores = [score(0), score(1), score(2)];
    let best = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let ratio = scores[0] / best;
    report.row(
        "p99 of the chosen topology (a), all fixed rates",
        time(scores[0]),
        format!("{ratio:.2} × the best of the three"),
        "≤ 1.10 × best",
    );
    report.note("tick to egress: from the moment a producer has a quote to the moment egress reads its clock");
    report.note(
        "all of them decided the same, quote by quote; the cores are shared by seven or eight threads",
    );
    report.note("left out: the disk, the real machine, the generator's own late wake-ups");
    report.print();
    ratio
}

fn compare(report: &mut Report, load: Load, rounds: usize, wait: Wait) -> [f64; 3] {
    let mut outcomes: [Vec<Outcome>; 3] = [const { Vec::new() }; 3];
    let expected = load.expected_hash();
    for _ in 0..rounds {
        outcomes[0].push(run::<Ring>(load, wait));
        outcomes[1].push(run::<Rings>(load, wait));
        outcomes[2].push(run::<Channels>(load, wait));
    }
    let p99s = outcomes.each_ref().map(|runs| {
        let p99s = runs.iter().map(|run| run.latency.value_at_quantile(0.99));
        median(p99s.map(|p99| p99 as f64).collect())
    });
    let best = p99s.iter().copied().fold(f64::INFINITY, f64::min);
    for ((name, mut runs), p99) in NAMES.iter().zip(outcomes).zip(p99s) {
        for run in &runs {
            assert_eq!(run.hash, expected, "{name} decided something else");
        }
        runs.sort_by_key(|run| run.latency.value_at_quantile(0.99));
        let middle = &runs[runs.len() / 2];
        report.row(
            &format!("{}: {name}: p50 / p99 / p99.9 / max", load.name()),
            quantiles(&middle.latency),
            format!(
                "p99 {:.2} × best, {}",
                p99 / best,
                rate(middle.count, middle.took_ns)
            ),
            "",
        );
    }
    p99s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topology_decides_the_same_under_every_load() {
        for wait in [Wait::Sleep, Wait::Yield] {
            let ratio = measure(Size::TINY, wait);
            assert!(ratio.is_finite() && ratio >= 1.0);
        }
    }
}
