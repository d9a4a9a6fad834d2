//! `siaga journal verify`: whether journal, output log and snapshots are whole and say the same.

use std::sync::Arc;

use siaga_risk::journal::{Disk, Inspection};
use siaga_risk::verify::{Verification, verify};

use crate::cli::{Exit, moves, progress};

/// Prints what was found; anything wrong is exit code 5.
pub fn run(disk: &Arc<dyn Disk>, json: bool) -> anyhow::Result<Exit> {
    let bar = progress(json, 0, "replaying");
    let found = verify(disk, &mut moves(&bar))?;
    bar.finish_and_clear();
    if json {
        println!("{}", as_json(&found));
    } else {
        print!("{}", as_text(&found));
    }
    Ok(if found.faults.is_empty() {
        Exit::Well
    } else {
        Exit::Found
    })
}

fn as_json(found: &Verification) -> serde_json::Value {
    let log = |log: &Inspection| {
        serde_json::json!({
            "segments": log.segments.len(),
            "first_seq": log.first_seq,
            "last_seq": log.last_seq,
            "records": log.records,
            "clean": log.clean,
            "torn": log.torn.as_ref().map(ToString::to_string),
        })
    };
    let faults: Vec<_> = found
        .faults
        .iter()
        .map(|fault| {
            serde_json::json!({
                "file": fault.file,
                "offset": fault.offset,
                "text": fault.text,
            })
        })
        .collect();
    serde_json::json!({
        "whole": found.faults.is_empty(),
        "journal": log(&found.journal),
        "outputs": log(&found.outputs),
        "snapshots": found.snapshots,
        "replayed_from": found.replayed_from,
        "replayed": found.replayed,
        "states_compared": found.states,
        "outputs_compared_to": found.compared,
        "faults": faults,
        "notes": found.notes,
    })
}

fn as_text(found: &Verification) -> String {
    let mut lines = Vec::new();
    for (name, log) in [("journal", &found.journal), ("output log", &found.outputs)] {
        lines.push(format!(
            "{name:11} {} records in {} segments, {}",
            log.records,
            log.segments.len(),
            if log.clean { "closed" } else { "not closed" }
        ));
        if let Some(torn) = &log.torn {
            lines.push(format!("{name:11} the next start will cut a tail: {torn}"));
        }
    }
    lines.push(format!("snapshots   {} whole", found.snapshots.len()));
    if let Some(from) = found.replayed_from {
        lines.push(format!(
            "replay      {} inputs behind input {from}; {} states and the outputs up to input {} are the same",
            found.replayed, found.states, found.compared
        ));
    }
    lines.extend(found.notes.iter().map(|note| format!("note        {note}")));
    lines.extend(
        found
            .faults
            .iter()
            .map(|fault| format!("WRONG       {fault}")),
    );
    let end = if found.faults.is_empty() {
        "whole"
    } else {
        "NOT whole"
    };
    lines.push(end.into());
    lines.join("\n") + "\n"
}
