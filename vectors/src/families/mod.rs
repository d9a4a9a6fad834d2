//! The adapters, one module a family. Each translates an example's fields into the machine's units, runs the rule, and
//! translates the answer back.

mod swaps;
mod trade;

use crate::{Fault, Inputs};
use serde_json::Value;

/// Runs one example.
pub type Calc = fn(&Inputs<'_>) -> Result<Value, Fault>;

/// Every family's own table.
const TABLES: &[fn(&str) -> Option<Calc>] = &[swaps::find];

/// The adapter of a rule.
pub fn find(calc: &str) -> Option<Calc> {
    TABLES.iter().find_map(|table| table(calc))
}
