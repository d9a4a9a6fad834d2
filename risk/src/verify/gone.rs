//! What the files that are left say of those that are gone.

use std::sync::Arc;

use crate::event::Seq;
use crate::journal::{Damage, Disk, JournalError, Snapshots, Stream, log_end};

/// Whether the journal, or its end, is gone. Outputs leave and snapshots are taken behind durable inputs alone, so whatever
/// reaches further than the journal proves it.
///
/// # Errors
/// [`JournalError`]: the directory cannot be read, or the journal is damaged.
pub fn journal_gone(disk: &Arc<dyn Disk>) -> Result<Option<Damage>, JournalError> {
    // Looked up before the journal's end: of a desk that runs neither can be ahead of it.
    let snapshots = Snapshots::new(disk.clone()).sequences()?;
    // A damaged output log proves nothing here; whoever reads it names the damage.
    let outputs = log_end(disk, Stream::Output).ok().flatten();
    let journal = log_end(disk, Stream::Journal)?.map(|log| log.last_seq);
    let end = journal.unwrap_or(0);
    let ahead = snapshots.iter().filter(|seq| **seq > end);
    let mut proofs: Vec<String> = ahead
        .map(|seq| format!("snapshot {seq} is there"))
        .collect();
    if let Some(log) = outputs.filter(|log| log.last_seq > end) {
        let last = log.last_seq;
        proofs.push(format!("the output log goes on to input {last}"));
    }
    if proofs.is_empty() {
        return Ok(None);
    }
    let (what, next) = match journal {
        Some(end) => (format!("the journal ends at input {end}"), end),
        None => (
            "the journal is gone".to_owned(),
            snapshots.last().copied().unwrap_or(0),
        ),
    };
    Ok(Some(damage(format!(
        "{what}, but {}: recorded inputs are lost. Restore the journal's files from a replica or a backup, or reconcile with the \
         brokers; the next start goes on behind input {next} and puts away what reaches further",
        proofs.join(" and ")
    ))))
}

/// Whether the output log is gone: a start makes it before the journal gets its first input.
///
/// # Errors
/// [`JournalError`]: the directory cannot be read, or one of the logs is damaged.
pub fn outputs_gone(disk: &Arc<dyn Disk>) -> Result<Option<Damage>, JournalError> {
    // The journal first: of a desk that begins meanwhile the output log is there by then.
    let end: Seq = log_end(disk, Stream::Journal)?.map_or(0, |log| log.last_seq);
    if end == 0 || log_end(disk, Stream::Output)?.is_some() {
        return Ok(None);
    }
    Ok(Some(damage(format!(
        "the output log is gone, but the journal goes on to input {end}: restore the log's files from a replica or a backup; the \
         next start makes only those outputs again whose inputs stand behind the newest snapshot"
    ))))
}

fn damage(text: String) -> Damage {
    Damage {
        file: None,
        offset: None,
        text,
    }
}
