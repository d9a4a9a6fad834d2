//! A conformance kit: worked examples of published rules, each run by building terms, accounts and inputs for the
//! machine and reading its answer. The adapters in [`families`] translate units and nothing else; a rule lives in
//! `siaga-risk`, never here.
//!
//! An example that cannot be run (an unknown `calc`, a missing field, a machine that refuses the terms) fails with the
//! reason; only a family that belongs to another part of the product is skipped.

mod compare;
pub mod desk;
pub mod families;
mod inputs;
pub mod venue;

pub use compare::difference;
pub use inputs::{Fault, Inputs, scaled, shown};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Families that the core does not answer for.
const ELSEWHERE: [&str; 1] = ["auth_and_identity"];

/// One worked example, as the files have it.
#[derive(Clone, Debug, Deserialize)]
pub struct Vector {
    /// `family.slug`, unique.
    pub id: String,
    pub family: String,
    /// The rule in one sentence.
    pub rule: String,
    /// `calc` names the rule; the other fields carry their unit in their name.
    pub inputs: Value,
    /// What must hold; the answer may say more.
    pub expect: Value,
}

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
    pub failures: Vec<Failure>,
}

/// An example that does not hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    pub id: String,
    pub expected: Value,
    /// The machine's answer, or why there is none.
    pub got: Value,
}

impl Report {
    /// Adds another report's counts and failures.
    pub fn add(&mut self, other: Report) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }
}

/// Runs every example of a file's text.
///
/// # Errors
/// When the text is no array of examples.
pub fn run(text: &str) -> Result<Report, serde_json::Error> {
    let vectors: Vec<Vector> = serde_json::from_str(text)?;
    let mut report = Report::default();
    for vector in &vectors {
        report.add(run_one(vector));
    }
    Ok(report)
}

/// Runs one example.
pub fn run_one(vector: &Vector) -> Report {
    if ELSEWHERE.contains(&vector.family.as_str()) {
        return Report {
            skipped: 1,
            ..Report::default()
        };
    }
    let got = match answer(vector) {
        Ok(got) => got,
        Err(fault) => return failed(vector, Value::String(fault.to_string())),
    };
    match difference(&vector.expect, &got) {
        None => Report {
            passed: 1,
            ..Report::default()
        },
        Some(_) => failed(vector, got),
    }
}

/// The machine's answer to an example.
///
/// # Errors
/// [`Fault`] when the example cannot be run.
pub fn answer(vector: &Vector) -> Result<Value, Fault> {
    let inputs = Inputs::new(&vector.inputs);
    let name = inputs.text("calc")?;
    let calc = families::find(name).ok_or_else(|| Fault::NoRule(name.to_owned()))?;
    calc(&inputs)
}

fn failed(vector: &Vector, got: Value) -> Report {
    Report {
        failed: 1,
        failures: vec![Failure {
            id: vector.id.clone(),
            expected: vector.expect.clone(),
            got,
        }],
        ..Report::default()
    }
}
