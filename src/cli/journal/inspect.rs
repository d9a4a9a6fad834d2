//! `siaga journal inspect`: what the journal holds, segment by segment.

use std::sync::Arc;

use siaga_risk::journal::{Disk, Inspection, Stream, inspect_told};
use siaga_risk::record;
use siaga_risk::verify::journal_gone;

use crate::cli::{Exit, moves, progress};

/// Prints the inspection; damage is exit code 5.
pub fn run(disk: &Arc<dyn Disk>, json: bool) -> anyhow::Result<Exit> {
    let bar = progress(json, 0, "reading");
    let mut found = inspect_told(disk, Stream::Journal, &mut moves(&bar))?;
    bar.finish_and_clear();
    // Of a damaged journal nobody knows where it ends.
    if found.damage.is_empty() {
        found.damage.extend(journal_gone(disk)?);
    }
    if json {
        println!("{}", as_json(&found));
    } else {
        print!("{}", as_text(&found));
    }
    Ok(if found.damage.is_empty() {
        Exit::Well
    } else {
        Exit::Found
    })
}

fn as_json(found: &Inspection) -> serde_json::Value {
    let segments: Vec<_> = found
        .segments
        .iter()
        .map(|segment| {
            serde_json::json!({
                "file": segment.file,
                "epoch": segment.epoch,
                "fingerprint": format!("{:#018x}", segment.fingerprint),
                "first_seq": segment.first_seq,
                "last_seq": segment.last_seq,
                "records": segment.records,
                "bytes": segment.bytes,
                "file_bytes": segment.file_bytes,
                "packed": segment.packed,
            })
        })
        .collect();
    let kinds: serde_json::Map<_, _> = found
        .kinds
        .iter()
        .map(|(kind, summary)| {
            let name = record::input_kind_name(*kind).to_owned();
            let counts = serde_json::json!({ "records": summary.records, "bytes": summary.bytes });
            (name, counts)
        })
        .collect();
    serde_json::json!({
        "first_seq": found.first_seq,
        "last_seq": found.last_seq,
        "records": found.records,
        "bytes": found.bytes,
        "clean": found.clean,
        "torn": found.torn.as_ref().map(ToString::to_string),
        "segments": segments,
        "kinds": kinds,
        "damage": found.damage.iter().map(|damage| &damage.text).collect::<Vec<_>>(),
    })
}

fn as_text(found: &Inspection) -> String {
    let mut lines = Vec::new();
    for segment in &found.segments {
        let range = match (segment.first_seq, segment.last_seq) {
            (Some(first), Some(last)) => format!("inputs {first}..={last}"),
            _ => "no inputs".to_owned(),
        };
        lines.push(format!(
            "{}  epoch {}  {range}  {} records  {} bytes{} in a file of {}",
            segment.file,
            segment.epoch,
            segment.records,
            segment.bytes,
            if segment.packed { ", packed" } else { "" },
            segment.file_bytes
        ));
    }
    for (kind, summary) in &found.kinds {
        lines.push(format!(
            "{:18} {:>12} records {:>14} bytes",
            record::input_kind_name(*kind),
            summary.records,
            summary.bytes
        ));
    }
    let stop = if found.clean {
        "stopped cleanly"
    } else {
        "still running, or stopped without warning"
    };
    lines.push(format!("{} inputs, {stop}", found.records));
    if let Some(torn) = &found.torn {
        lines.push(format!("the next start will cut a tail: {torn}"));
    }
    for damage in &found.damage {
        lines.push(format!("DAMAGE: {damage}"));
    }
    lines.join("\n") + "\n"
}
