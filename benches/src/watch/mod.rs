//! What one quote costs among a million accounts: the watch beside the best full pass of the same run.

pub mod crowd;
pub mod full_pass;
mod scenario;

use crate::report::{Report, quantiles, time};
use crate::rng::Rng;
use crowd::{Crowd, Mix};
use full_pass::FullPass;
use scenario::{Figures, Moves, Scenario};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub accounts: u32,
    pub quotes: u32,
    /// The same crossings as the full pass are asserted with this many.
    pub checked_accounts: u32,
    pub checked_quotes: u32,
}

impl Size {
    pub const FULL: Self = Self {
        accounts: 1_000_000,
        quotes: 200_000,
        checked_accounts: 10_000,
        checked_quotes: 2_000,
    };
    pub const TINY: Self = Self {
        accounts: 2_000,
        quotes: 2_000,
        checked_accounts: 1_000,
        checked_quotes: 600,
    };
}

const SEED: u64 = 20_261_128;

/// Scenarios with their goals.
fn scenarios(size: Size) -> Vec<Scenario> {
    let base = Mix {
        accounts: size.accounts,
        ..Mix::BASE
    };
    let near = Mix { near: 20, ..base };
    let slack = Mix {
        distance: 50,
        ..base
    };
    let skewed = Mix {
        skewed: true,
        ..base
    };
    let converted = Mix {
        converted: true,
        ..base
    };
    let nearer = Mix {
        distance: 100,
        ..base
    };
    let scenario = |name, mix, moves, goal| Scenario {
        name,
        mix,
        moves,
        goal,
    };
    vec![
        scenario(
            "calm, 1e-5",
            base,
            Moves::Walk(10),
            "median < 100 ns, p99.9 < 1 µs, ≥ 5,000 ×",
        ),
        scenario(
            "lively, 1e-4",
            base,
            Moves::Walk(100),
            "median < 1.5 µs, ≥ 300 ×",
        ),
        scenario("20 % within 0.1 %, 1e-4", near, Moves::Walk(100), "≥ 2 ×"),
        scenario("median slack 0.5 %, 1e-4", slack, Moves::Walk(100), "≥ 2 ×"),
        scenario(
            "half in one instrument, 1e-4",
            skewed,
            Moves::Walk(100),
            "≥ 2 ×",
        ),
        scenario("FX-converted, 1e-4", converted, Moves::Walk(100), "≥ 2 ×"),
        scenario(
            "crash, -10 % over 780 quotes on all",
            base,
            Moves::Crash(780),
            "≥ 2 ×",
        ),
        scenario(
            "gap -3 % on one, then -2 % on all",
            nearer,
            Moves::Gap,
            "last alert ≤ 2 passes + 150 ns each",
        ),
    ]
}

/// Measures every scenario and prints them.
pub fn print(size: Size) {
    check(size);
    let only = std::env::var("SIAGA_WATCH").ok();
    let mut report = Report::new("watch: what one quote costs among a million accounts");
    for scenario in scenarios(size) {
        if only
            .as_ref()
            .is_some_and(|only| !scenario.name.starts_with(only.as_str()))
        {
            continue;
        }
        let quotes = match scenario.moves {
            Moves::Walk(10) => size.quotes,
            _ => size.quotes / 10,
        };
        let figures = scenario.measure(quotes, SEED);
        eprintln!("   {} is measured", scenario.name);
        rows(&mut report, &scenario, &figures);
    }
    report.note(format!(
        "{} accounts of {} positions in {} instruments; the full pass beside each row is the best one (incremental, \
         whole numbers, no branch per holder) over the holders of the quoted instrument, in the same run",
        size.accounts, crowd::POSITIONS, crowd::INSTRUMENTS
    ));
    report.note("left out: filters, bars, margin rules and messages of the machine; a crossing costs a new state and band");
    report.note(format!(
        "a reading of the clock costs {:.0} ns and is part of every figure",
        crate::clock::reading_ns()
    ));
    report.print();
}

fn rows(report: &mut Report, scenario: &Scenario, figures: &Figures) {
    let name = scenario.name;
    let against = |ns: f64| {
        format!(
            "full pass {}, {:.1} ×",
            time(figures.pass_ns),
            figures.pass_ns / ns.max(1.0)
        )
    };
    report.row(
        &format!("{name}: mean"),
        time(figures.mean_ns),
        against(figures.mean_ns),
        scenario.goal,
    );
    report.row(
        &format!("{name}: p50 / p99 / p99.9 / worst"),
        quantiles(&figures.cost),
        format!("{} crossings", figures.crossings),
        "",
    );
    if let Some(gap) = &figures.gap {
        let allowed =
            |passes: f64, crossings: u64| time(passes * figures.pass_ns + 150.0 * crossings as f64);
        report.row(
            &format!("{name}: last alert of the quote nearest to its bound"),
            time(gap.alert_ns as f64),
            format!(
                "bound {} with {} crossings",
                allowed(2.0, gap.alert_crossings),
                gap.alert_crossings
            ),
            "≤ 1",
        );
        report.row(
            &format!("{name}: whole quote nearest to its bound"),
            time(gap.quote_ns as f64),
            format!(
                "bound {} with {} crossings",
                allowed(3.0, gap.quote_crossings),
                gap.quote_crossings
            ),
            "≤ 1",
        );
    }
    report.row(
        &format!("{name}: memory per account, at first and at the end"),
        format!("{:.0} B, {:.0} B", figures.bytes.0, figures.bytes.1),
        format!("built in {}", time(figures.build_ns as f64)),
        if scenario.mix.converted {
            "≤ 600 B"
        } else {
            "≤ 400 B, build < 500 ms"
        },
    );
}

/// Every scenario with fewer accounts: at every quote the same crossings as the full pass.
fn check(size: Size) {
    for scenario in scenarios(Size {
        accounts: size.checked_accounts,
        ..size
    }) {
        scenario.check(size.checked_quotes, SEED);
    }
}

/// The full pass of a crowd, for other benches.
pub fn yardstick(crowd: &Crowd, only: Option<u32>) -> f64 {
    FullPass::new(crowd).yardstick(&mut Rng::new(1), only, 41)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_say_what_the_full_pass_says() {
        check(Size::TINY);
    }

    #[test]
    fn scenarios_cross_something() {
        let all = scenarios(Size::TINY);
        let crossings = all
            .iter()
            .map(|scenario| scenario.measure(Size::TINY.quotes, SEED).crossings);
        assert!(crossings.sum::<u64>() > 100);
    }
}
