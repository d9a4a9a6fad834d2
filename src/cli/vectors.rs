//! `siaga vectors`: the conformance kit on the command line, with the rules of the platform beside those of the machine.

mod identity;

use std::path::PathBuf;

use anyhow::Context;
use siaga_vectors::Report;

use super::Exit;

/// Which examples.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files of examples: JSON arrays of the published schema.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Runs the examples of all files; exit code 1 when one fails.
///
/// # Errors
/// When a file cannot be read or holds no examples.
pub fn run(args: &Args, json: bool) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    for file in &args.files {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        let one = siaga_vectors::run(&text, identity::find).with_context(|| {
            format!(
                "{} is no array of examples: each has id, family, rule, inputs and expect",
                file.display()
            )
        })?;
        report.add(one);
    }
    say(&report, json)?;
    Ok(if report.failed == 0 {
        Exit::Well
    } else {
        Exit::Failed
    })
}

fn say(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    for failure in &report.failures {
        println!("{}", failure.id);
        println!("  expected {}", failure.expected);
        println!("  got      {}", failure.got);
    }
    println!(
        "{} passed, {} failed, {} skipped",
        report.passed, report.failed, report.skipped
    );
    Ok(())
}
