//! The adapters, one module a family. Each translates an example's fields into the machine's units, runs the rule, and
//! translates the answer back.

mod circuit_breakers;
mod feed_failover;
mod margin_basic;
mod margin_crypto;
mod margin_desk;
mod margin_hedged;
mod margin_in_flight;
mod margin_tiered;
mod pretrade;
mod quote_filter;
mod stop_out;
mod swaps;
mod trade;
mod volatility;

use crate::{Fault, Inputs};
use serde_json::Value;

/// Runs one example.
pub type Calc = fn(&Inputs<'_>) -> Result<Value, Fault>;

/// Every family's own table.
const TABLES: &[fn(&str) -> Option<Calc>] = &[
    circuit_breakers::find,
    feed_failover::find,
    margin_crypto::find,
    margin_basic::find,
    margin_hedged::find,
    margin_in_flight::find,
    margin_tiered::find,
    pretrade::find,
    quote_filter::find,
    stop_out::find,
    swaps::find,
    volatility::find,
];

/// The adapter of a rule.
pub fn find(calc: &str) -> Option<Calc> {
    TABLES.iter().find_map(|table| table(calc))
}

/// `hh:mm:ss` as a second of the day.
fn second_of_day(text: &str) -> Option<u32> {
    let parts: Vec<u32> = text
        .split(':')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let [hours, minutes, seconds] = parts[..] else {
        return None;
    };
    let within = hours < 24 && minutes < 60 && seconds < 60;
    within.then_some(hours * 3_600 + minutes * 60 + seconds)
}
