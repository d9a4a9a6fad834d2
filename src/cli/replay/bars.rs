//! Bar files: how many, and the widest.

use serde_json::json;
use siaga_feed::tape::{Data, Ohlc, Tape};
use siaga_risk::units::pow10;

use crate::cli::Exit;

/// The widest bar so far: its file-local start, low and high.
type Widest = (i64, i64, i64);

/// Reads the bars; they are no inputs of the machine.
pub fn run(tape: Tape, json: bool) -> anyhow::Result<Exit> {
    let digits = tape.price_digits();
    let (mut rows, mut bad, mut widest): (u64, u64, Option<Widest>) = (0, 0, None);
    for row in tape {
        rows += 1;
        let Ok(row) = row else {
            bad += 1;
            continue;
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
    Ok(if bad == 0 { Exit::Well } else { Exit::Found })
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
