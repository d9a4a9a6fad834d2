//! A conformance kit: worked examples of published rules, each run by building terms, accounts and inputs for the
//! machine and reading its answer. The adapters in [`families`] translate units and nothing else; a rule lives in
//! `siaga-risk`, never here.
//!
//! An example that cannot be run (an unknown `calc`, a missing field, a machine that refuses the terms) fails with the
//! reason; none is skipped. Rules of other parts of the product join by a function of their own ([`Find`]), so that this
//! crate knows the machine alone.

mod compare;
pub mod desk;
pub mod families;
mod inputs;
pub mod venue;

pub use compare::{difference, difference_of_text};
pub use inputs::{Fault, Inputs, scaled, shown};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Adapters of rules that are none of the machine's, by the name of the rule. What such a rule answers as text is compared
/// as text ([`difference_of_text`]).
pub type Find = fn(&str) -> Option<families::Calc>;

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
    /// None is: what cannot be run has failed. Readers of the report count on the field.
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

/// Runs every example of a file's text: by an adapter of `others` where it has one, else by the machine.
///
/// # Errors
/// When the text is no array of examples.
pub fn run(text: &str, others: Find) -> Result<Report, serde_json::Error> {
    let vectors: Vec<Vector> = serde_json::from_str(text)?;
    let mut report = Report::default();
    for vector in &vectors {
        report.add(run_by(vector, others));
    }
    Ok(report)
}

/// Runs one example by the machine.
pub fn run_one(vector: &Vector) -> Report {
    judged(vector, answer(vector), difference)
}

fn run_by(vector: &Vector, others: Find) -> Report {
    let inputs = Inputs::new(&vector.inputs);
    match inputs.text("calc").ok().and_then(others) {
        Some(calc) => judged(vector, calc(&inputs), difference_of_text),
        None => run_one(vector),
    }
}

fn judged(
    vector: &Vector,
    answer: Result<Value, Fault>,
    difference: fn(&Value, &Value) -> Option<String>,
) -> Report {
    match answer {
        Err(fault) => failed(vector, Value::String(fault.to_string())),
        Ok(got) if difference(&vector.expect, &got).is_some() => failed(vector, got),
        Ok(_) => Report {
            passed: 1,
            ..Report::default()
        },
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
