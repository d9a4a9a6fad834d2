//! Examples of how people and programs prove who they are: codes, signatures, tokens, documents, names. The adapters
//! translate an example's fields and nothing else; the rules are those of the platform and of the alert desk.

mod codes;
mod documents;
mod hooks;
#[cfg(test)]
mod tests;
mod tokens;

use siaga_platform::signatures::Hash;
use siaga_vectors::families::Calc;
use siaga_vectors::{Fault, Inputs};

/// Every module's own table.
const TABLES: &[fn(&str) -> Option<Calc>] =
    &[codes::find, hooks::find, tokens::find, documents::find];

/// The adapter of a rule.
pub fn find(calc: &str) -> Option<Calc> {
    TABLES.iter().find_map(|table| table(calc))
}

/// The names of the hashes.
const HASHES: [(&str, Hash); 3] = [
    ("sha1", Hash::Sha1),
    ("sha256", Hash::Sha256),
    ("sha512", Hash::Sha512),
];

/// A whole number that is not negative: seconds, counters, counts of steps.
fn count(inputs: &Inputs<'_>, field: &str) -> Result<u64, Fault> {
    u64::try_from(inputs.integer(field)?).map_err(|_| Fault::field(field, "is negative"))
}

/// The same, or another when it is missing.
fn count_or(inputs: &Inputs<'_>, field: &str, other: u64) -> Result<u64, Fault> {
    inputs
        .get(field)
        .map_or(Ok(other), |_| count(inputs, field))
}

/// A list of texts.
fn texts<'a>(inputs: &Inputs<'a>, field: &str) -> Result<Vec<&'a str>, Fault> {
    if inputs.get(field).is_none() {
        return Err(Fault::field(field, "is missing"));
    }
    let items = inputs.list(field)?.into_iter();
    items
        .map(|item| item.raw().as_str())
        .collect::<Option<_>>()
        .ok_or_else(|| Fault::field(field, "is no list of texts"))
}
