//! Bar files: how many, and the widest.

use std::path::Path;

use serde_json::json;
use siaga_feed::tape::{Data, Ohlc, Tape};
use siaga_risk::units::pow10;

use super::{no_rows, say_bad_rows};
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
            widest = wider(widest, row.local_ns, ohlc);
        }
    }
    if rows == bad_rows.len() as u64 {
        say_bad_rows(file, &bad_rows);
        return Err(no_rows(file, &bad_rows, false));
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

/// The wider of the two by (high − low) / low. A bar that reaches zero or below has no such share: it is passed over.
fn wider(widest: Option<Widest>, at: i64, ohlc: Ohlc) -> Option<Widest> {
    let (low, high) = (ohlc.low.0, ohlc.high.0);
    if low <= 0 {
        return widest;
    }
    match widest {
        Some((_, lowest, highest))
            if i128::from(high - low) * i128::from(lowest)
                <= i128::from(highest - lowest) * i128::from(low) =>
        {
            widest
        }
        _ => Some((at, low, high)),
    }
}

fn time(local_ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(local_ns))
        .map(|at| at.strftime("%Y-%m-%d %H:%M").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_risk::units::Price;

    fn bar(low: i64, high: i64) -> Ohlc {
        Ohlc {
            open: Price(low),
            high: Price(high),
            low: Price(low),
            close: Price(high),
        }
    }

    #[test]
    fn bars_at_or_below_zero_are_passed_over() {
        let bars = [(-12, -5), (0, 1), (10, 15), (10, 11), (-3_698, 100)];
        let found = bars
            .iter()
            .zip(1..)
            .fold(None, |widest, ((low, high), at)| {
                wider(widest, at, bar(*low, *high))
            });
        assert_eq!(found, Some((3, 10, 15)));
        assert_eq!(wider(None, 1, bar(-2, -1)), None);
    }
}
