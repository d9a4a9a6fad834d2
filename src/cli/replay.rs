//! `siaga replay`: a recording through ring, machine and paper broker, row by row, as if it were now.

mod bars;
mod driver;
mod facts;
mod terms;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args as ClapArgs;
use rust_decimal::Decimal;
use siaga_feed::tape::{self, Clock, Kind, Pacer, Speed};
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
    #[arg(long)]
    pub units: Option<i64>,
    /// Balance of the account whose margin is watched.
    #[arg(long)]
    pub balance: Option<i64>,
    /// Its leverage, x : 1.
    #[arg(long, default_value_t = 100)]
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
    let options = tape::Options {
        symbol: args.symbol.clone(),
        clock: args.clock.clone(),
        ..tape::Options::default()
    };
    let tape = tape::open(&args.file, &options)?;
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
    let mut bad_rows = Vec::new();
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
        anyhow::bail!("{} has no row from that instant on", args.file.display());
    };
    let end = driver.stop()?;
    let seconds = (clock.elapsed_ns() - started_ns) as f64 / 1e9;
    let exit = say_bad_rows(&args.file, &bad_rows);
    print_end(&end, bad_rows.len(), seconds, json, args.facts);
    if args.facts {
        println!("{}", collected.to_json(&end));
    }
    Ok(exit)
}

/// Names the first rows that could not be read; any of them is a finding.
fn say_bad_rows(file: &Path, bad_rows: &[String]) -> Exit {
    for bad in bad_rows.iter().take(BAD_ROWS_SAID) {
        eprintln!("siaga: {}: {bad}", file.display());
    }
    match bad_rows.is_empty() {
        true => Exit::Well,
        false => Exit::Found,
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
