//! What other programs take for a quote until the account that holds it is valued again.

use std::process::Command;

use siaga_risk::book::Env;
use siaga_risk::ids::AccountId;

use super::Start;
use super::book::Kind;
use super::walk::CALM_PPM;
use crate::clock::now_ns;
use crate::report::{Report, time};

/// Names a Python that has the peers' wheels; `scripts/bench.sh` makes one.
const PYTHON: &str = "SIAGA_PEER_PYTHON";
/// Accounts of our side: the peer's program has one.
const ACCOUNTS: u32 = 1;

/// The same on both sides: one account with eight positions, one quote, one valuation asked for.
pub fn print(report: &mut Report, quotes: usize) {
    let ours = ours(quotes);
    let figure = "one account × 8 positions: a quote, then its account valued";
    match nautilus(quotes) {
        Ok((version, quote_ns, valued_ns)) => report.row(
            figure,
            time(ours),
            format!(
                "NautilusTrader {version}: {}, its quote alone {} = {:.0} ×",
                time(valued_ns),
                time(quote_ns),
                valued_ns / ours
            ),
            "",
        ),
        Err(reason) => {
            report.row(figure, time(ours), String::new(), "");
            report.note(format!("skipped: NautilusTrader, {reason}"));
        }
    }
}

fn ours(quotes: usize) -> f64 {
    let (mut stand, _) = Start::build(Kind::Plain, ACCOUNTS).stand();
    let ticks: Vec<_> = (0..quotes)
        .map(|number| {
            let ts = stand.ts.plus(super::walk::STEP_NS * (number as u64 + 1));
            let at = stand.walk.pick();
            stand.walk.tick(at, CALM_PPM, ts)
        })
        .collect();
    let mut out = Vec::with_capacity(64);
    let start = now_ns();
    for tick in &ticks {
        stand.seq += 1;
        stand.machine.apply(stand.seq, tick, &mut out);
        out.clear();
        let env = Env {
            now: stand.machine.now(),
            market: stand.machine.market(),
            resumed: None,
        };
        let book = stand.machine.book();
        let account = book.account(AccountId(1)).expect("it was opened");
        std::hint::black_box(book.valuate(account, &env));
    }
    (now_ns() - start) as f64 / quotes.max(1) as f64
}

/// Version, nanoseconds of a quote, and of a quote with the valuation.
fn nautilus(quotes: usize) -> Result<(String, f64, f64), String> {
    let python = std::env::var_os(PYTHON).ok_or(format!("{PYTHON} is not set"))?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/nautilus.py");
    let run = Command::new(python)
        .args([script, &quotes.min(20_000).to_string()])
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&run.stdout);
    let found: serde_json::Value = serde_json::from_str(text.trim()).map_err(|_| {
        let said = String::from_utf8_lossy(&run.stderr);
        said.lines().last().unwrap_or("it said nothing").to_owned()
    })?;
    let number = |key: &str| found[key].as_f64().ok_or(format!("no {key}"));
    let version = found["version"].as_str().unwrap_or("?").to_owned();
    Ok((version, number("quote_ns")?, number("valued_ns")?))
}
