//! Bar files: how many, and the widest.

use std::path::Path;

use serde_json::json;
use siaga_feed::tape::{Data, Ohlc, Tape};
use siaga_risk::units::pow10;

use super::say_bad_rows;
use crate::cli::Exit;

/// The widest bar so far: its file-local start, low and high.
type Widest = (i64, i64, i64);

/// Reads the bars; they are no inputs of the machine.
pub fn run(file: &Path, tape: Tape, json: bool) -> anyhow::Result<Exit> {
    let digits = tape.price_digits();
    let (mut rows, mut widest): (u64, Option<Widest>) = (0, None);
    let mut bad_rows = Vec::new();
    for row in tape {
        rows += 1;
        let row = match row {
            Ok(row) => row,
            Err(bad) => {
                bad_rows.push(bad.to_string());
                continue;
            }
        };
        if let Data::Bar(bar) = row.data
            && let Some(ohlc) = bar.last.or(bar.bid).or(bar.ask)
        {
            widest = Some(wider(widest, row.local_ns, ohlc));
        }
    }
    let range = widest.map(|(at, low, high)| {
        let share = (high - low) as f64 / low as f64 * 100.0;
        let price = |steps: i64| steps as f64 / pow10(digits) as f64;
        json!([time(at), format!("{share:.3}%"), price(low), price(high)])
    });
    let object = json!({ "rows": rows, "largest_range": range });
    if json {
        println!("{object}");
    } else {
        println!("{rows} bars; widest {}", object["largest_range"]);
    }
    Ok(say_bad_rows(file, &bad_rows))
}

/// The wider of the two by (high − low) / low; bars around zero have no such ratio.
fn wider(widest: Option<Widest>, at: i64, ohlc: Ohlc) -> Widest {
    let (low, high) = (ohlc.low.0, ohlc.high.0);
    match widest {
        Some((_, lowest, highest))
            if low <= 0
                || i128::from(high - low) * i128::from(lowest)
                    <= i128::from(highest - lowest) * i128::from(low) =>
        {
            widest.unwrap_or((at, low, high))
        }
        _ => (at, low, high),
    }
}

fn time(local_ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(local_ns))
        .map(|at| at.strftime("%Y-%m-%d %H:%M").to_string())
        .unwrap_or_default()
}
