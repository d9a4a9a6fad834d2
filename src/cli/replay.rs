//! `siaga replay`: a recording through ring, machine and paper broker, row by row, as if it were now.

mod bars;
mod driver;
mod facts;
mod terms;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args as ClapArgs, value_parser};
use rust_decimal::Decimal;
use siaga_feed::tape::{self, Clock, Kind, Pacer, Speed, Tape};
use siaga_risk::units::Ts;

use super::{Exit, progress};
use driver::Driver;

/// Bad rows that are named: more would hide what else is said.
const BAD_ROWS_SAID: usize = 10;

/// What to play, and how.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The recording: CSV, plain or gzipped; the format is told from its name and first line.
    pub file: PathBuf,
    /// Print the facts of the recording as one JSON object on the last line.
    #[arg(long)]
    pub facts: bool,
    /// Speed as a multiple of the recorded one, or `max`.
    #[arg(long, default_value = "max")]
    pub speed: Speed,
    /// Begin here: an instant such as 2014-05-02T12:25:00Z.
    #[arg(long)]
    pub at: Option<jiff::Timestamp>,
    /// Our symbol, when the file's name does not say it.
    #[arg(long)]
    pub symbol: Option<String>,
    /// The file's clock: UTC, an offset such as -05:00, or a zone.
    #[arg(long, value_parser = Clock::parse, allow_hyphen_values = true)]
    pub clock: Option<Clock>,
    /// Moves within 60 s that are reported, as shares of the price.
    #[arg(long, value_delimiter = ',', value_parser = positive)]
    pub thresholds: Option<Vec<Decimal>>,
    /// A move is not reported again within this time.
    #[arg(long, default_value_t = 300)]
    pub cooldown_s: u64,
    /// Distances of protective stops below the first ask, in price.
    #[arg(long, value_delimiter = ',', value_parser = positive)]
    pub stop_long: Option<Vec<Decimal>>,
    /// Distances of protective stops above the first bid, in price.
    #[arg(long, value_delimiter = ',', value_parser = positive)]
    pub stop_short: Option<Vec<Decimal>>,
    /// Units of each position.
    #[arg(long, value_parser = value_parser!(i64).range(1..=terms::UNITS_MAX))]
    pub units: Option<i64>,
    /// Balance of the account whose margin is watched.
    #[arg(long, value_parser = value_parser!(i64).range(0..=terms::BALANCE_MAX))]
    pub balance: Option<i64>,
    /// Its leverage, x : 1.
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..=terms::LEVERAGE_MAX))]
    pub leverage: u32,
}

/// A number above zero, exactly as it was written.
fn positive(text: &str) -> Result<Decimal, String> {
    let number: Decimal = text.trim().parse().map_err(|_| "not a number".to_owned())?;
    match number > Decimal::ZERO {
        true => Ok(number),
        false => Err("not above zero".to_owned()),
    }
}

/// Plays the recording.
pub fn run(args: &Args, json: bool) -> anyhow::Result<Exit> {
    let tape = open(args)?;
    if tape.kind() == Kind::Bars {
        return bars::run(&args.file, tape, json || args.facts);
    }
    let at = args
        .at
        .map(|at| Ts(u64::try_from(at.as_nanosecond()).unwrap_or(0)));
    let plan = terms::Plan::new(args, tape.symbol(), tape.price_digits(), tape.kind())?;
    let (clock, mut pacer) = (crate::clock::Clock::start(), Pacer::new(args.speed, at));
    let bar = progress(json, tape.rows_total(), "replaying");
    let mut collected = facts::Facts::new(&plan, tape.clock().clone());
    let mut driver: Option<Driver> = None;
    let (mut bad_rows, mut is_before) = (Vec::new(), false);
    let started_ns = clock.elapsed_ns();
    for row in tape {
        let row = match row {
            Ok(row) => row,
            Err(bad) => {
                bad_rows.push(bad.to_string());
                continue;
            }
        };
        let now = clock.now();
        let Some(due) = pacer.due(row.ts, now) else {
            is_before = true;
            continue;
        };
        if due > now {
            std::thread::sleep(Duration::from_nanos(due.since(now)));
        }
        let driver = match &mut driver {
            Some(driver) => driver,
            none => none.insert(Driver::start(&plan, row.ts)?),
        };
        driver.play(&row, &mut collected)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let Some(driver) = driver else {
        say_bad_rows(&args.file, &bad_rows);
        return Err(no_rows(&args.file, &bad_rows, is_before));
    };
    let end = driver.stop()?;
    let seconds = (clock.elapsed_ns() - started_ns) as f64 / 1e9;
    let exit = say_bad_rows(&args.file, &bad_rows).max(say_unpriced(&args.file, end.unpriced));
    print_end(&end, bad_rows.len(), seconds, json, args.facts);
    if args.facts {
        println!("{}", collected.to_json(&end));
    }
    Ok(exit)
}

/// Opens the recording. Quotes are read as fine as the stops that are tried on them: a level between two prices of the
/// file is a level all the same.
fn open(args: &Args) -> anyhow::Result<Tape> {
    let mut options = tape::Options {
        symbol: args.symbol.clone(),
        clock: args.clock.clone(),
        ..tape::Options::default()
    };
    let tape = tape::open(&args.file, &options)?;
    let finest = terms::stop_digits(args, tape.symbol()).min(tape::DIGITS_MAX);
    if tape.kind() != Kind::Quotes || finest <= tape.price_digits() {
        return Ok(tape);
    }
    options.price_digits = Some(finest);
    Ok(tape::open(&args.file, &options)?)
}

/// Names the first rows that could not be read, and what can be done; any of them is a finding.
fn say_bad_rows(file: &Path, bad_rows: &[String]) -> Exit {
    if bad_rows.is_empty() {
        return Exit::Well;
    }
    let file = file.display();
    for bad in bad_rows.iter().take(BAD_ROWS_SAID) {
        eprintln!("siaga: {file}: {bad}");
    }
    let count = bad_rows.len();
    eprintln!("siaga: {file}: bad rows left out: {count}; correct or delete them and replay again");
    Exit::Found
}

/// Quotes that were read and made no price are no part of what is shown.
fn say_unpriced(file: &Path, unpriced: u64) -> Exit {
    if unpriced == 0 {
        return Exit::Well;
    }
    eprintln!(
        "siaga: {}: {unpriced} quotes made no price: they are {} days or more behind the first; cut the recording into shorter ones",
        file.display(),
        terms::SESSION_DAYS
    );
    Exit::Found
}

/// Why nothing was played; `is_before`: rows were read, all of them before the instant asked for.
fn no_rows(file: &Path, bad_rows: &[String], is_before: bool) -> anyhow::Error {
    let file = file.display();
    if is_before {
        anyhow!("{file} has no row from that instant on; give --at an earlier one")
    } else if bad_rows.is_empty() {
        anyhow!("{file} has no rows; give a file with rows below its header")
    } else {
        anyhow!("{file} has no row that can be read")
    }
}

fn print_end(end: &driver::End, bad_rows: usize, seconds: f64, json: bool, facts: bool) {
    let pace = end.inputs as f64 / seconds.max(1e-9);
    if json && !facts {
        let object = serde_json::json!({
            "rows": end.rows,
            "inputs": end.inputs,
            "outputs": end.outputs,
            "bad_rows": bad_rows,
            "seconds": seconds,
            "state_hash": format!("{:016x}", end.state_hash),
        });
        println!("{object}");
    } else {
        println!(
            "{} rows, {} inputs, {} outputs in {seconds:.2} s ({pace:.0} inputs/s); state {:016x}",
            end.rows, end.inputs, end.outputs, end.state_hash
        );
    }
}
