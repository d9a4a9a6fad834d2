//! Whether the durable files are whole and say the same: every checksum, every sequence, every
//! snapshot against a replay from the one before, every output against what a replay gives.
//!
//! Reads everything, changes nothing. Of a desk that runs it sees what was there when it looked.

mod gone;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use gone::{journal_gone, outputs_gone};

use crate::event::{Output, Seq};
use crate::journal::{
    Cursor, Damage, Disk, Inspection, JournalError, JournalFiles, OutputReader, Records, Snapshots,
    Stream, inspect, log_end, settled,
};
use crate::machine::{FINGERPRINT, Machine};
use crate::record;
use crate::recovery::{Usable, load};
use crate::standby::Standby;

/// Inputs between two reports of progress.
const SLICE: usize = 65_536;
/// Bytes of outputs looked through at once for checkpoints.
const READ_BYTES: usize = 1 << 20;

/// What was looked at and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// The journal of inputs.
    pub journal: Inspection,
    /// The log of outputs.
    pub outputs: Inspection,
    /// Inputs of the snapshots that are whole.
    pub snapshots: Vec<Seq>,
    /// The input behind which the replay began; `None` when there was none.
    pub replayed_from: Option<Seq>,
    /// Inputs replayed.
    pub replayed: u64,
    /// States compared: of snapshots, and of checkpoints in the output log.
    pub states: u64,
    /// Every output up to this input is the one that the replay gives.
    pub compared: Seq,
    /// What is wrong.
    pub faults: Vec<Damage>,
    /// What was not looked at, and why.
    pub notes: Vec<String>,
}

/// Looks at everything in `disk`, once more when something is wrong: a desk that runs may have trimmed it meanwhile.
/// `progress` is told how many inputs have been replayed, of how many.
///
/// # Errors
/// [`JournalError::Io`] when the directory cannot be read at all.
pub fn verify(
    disk: &Arc<dyn Disk>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verification, JournalError> {
    let look = || verify_once(disk, &mut *progress);
    settled(look, |found| match found {
        Ok(found) if found.faults.is_empty() => None,
        Ok(found) => Some(format!("{:?}", found.faults)),
        Err(error) => Some(error.to_string()),
    })
}

fn verify_once(
    disk: &Arc<dyn Disk>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verification, JournalError> {
    let mut found = Verification {
        journal: inspect(disk, Stream::Journal)?,
        outputs: inspect(disk, Stream::Output)?,
        ..Verification::default()
    };
    found.faults.extend(found.journal.damage.iter().cloned());
    found.faults.extend(found.outputs.damage.iter().cloned());
    let snapshots = Snapshots::new(disk.clone());
    for seq in snapshots.sequences()? {
        match snapshots.read(seq) {
            Ok(_) => found.snapshots.push(seq),
            Err(error) => found.faults.push(Damage::of(&error)),
        }
    }
    if !found.faults.is_empty() {
        let note = "nothing was replayed: the files above must be whole first";
        found.notes.push(note.into());
        return Ok(found);
    }
    match replay(disk, &snapshots, &mut found, progress) {
        Ok(()) => {}
        Err(error) => found.faults.push(Damage::of(&error)),
    }
    Ok(found)
}

fn replay(
    disk: &Arc<dyn Disk>,
    snapshots: &Snapshots,
    found: &mut Verification,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), JournalError> {
    found.faults.extend(journal_gone(disk)?);
    let (Some(end), Some(files)) = (log_end(disk, Stream::Journal)?, JournalFiles::open(disk)?)
    else {
        if found.faults.is_empty() {
            found.notes.push("there is no journal yet".into());
        }
        return Ok(());
    };
    if end.fingerprint != FINGERPRINT {
        found.notes.push(format!(
            "nothing was replayed: epoch {} was decided by other rules than this build's; use the \
             build that wrote it",
            end.epoch
        ));
        return Ok(());
    }
    let Some(log) = OutputReader::open(disk)? else {
        match outputs_gone(disk)? {
            Some(gone) => found.faults.push(gone),
            None => found.notes.push("there is no output log yet".into()),
        }
        return Ok(());
    };
    let usable = Usable {
        epoch: end.epoch,
        epoch_first: end.epoch_first,
        first_seq: end.first_seq,
        seq_max: end.last_seq,
    };
    let Some((machine, from)) = oldest(snapshots, &usable, found) else {
        return Ok(());
    };
    let stops = stops(disk, snapshots, from, end.last_seq)?;
    let tail = files.records(from + 1)?;
    let mut second = Standby::new(machine, from, tail, log, Seq::MAX);
    found.replayed_from = Some(from);
    follow(&mut second, &stops, end.last_seq, found, progress);
    found.replayed = second.seq() - from;
    found.compared = second.compared();
    if second.skips() > 0 {
        let note = "the output log has been trimmed: its outputs are compared from where it begins";
        found.notes.push(note.into());
    }
    Ok(())
}

/// The oldest state that a replay can begin from: the more is replayed, the more is proved.
fn oldest(
    snapshots: &Snapshots,
    usable: &Usable,
    found: &mut Verification,
) -> Option<(Machine, Seq)> {
    if usable.first_seq == 1 && usable.epoch_first <= 1 {
        return Some((Machine::new(), 0));
    }
    let held = |seq: &Seq| *seq <= usable.seq_max;
    for seq in found.snapshots.clone().into_iter().filter(held) {
        match load(snapshots, seq, usable) {
            Ok(machine) => return Some((machine, seq)),
            Err(reason) => found.notes.push(format!("snapshot {seq}: {reason}")),
        }
    }
    found.faults.push(Damage {
        file: None,
        offset: None,
        text: format!(
            "the journal begins at input {} and no snapshot before it can be used: restore one from \
             a backup or a replica",
            usable.first_seq
        ),
    });
    None
}

/// The inputs after which the state is known, with its hash: snapshots of these rules, and
/// checkpoints of the output log.
fn stops(
    disk: &Arc<dyn Disk>,
    snapshots: &Snapshots,
    from: Seq,
    last: Seq,
) -> Result<BTreeMap<Seq, u64>, JournalError> {
    let mut stops = BTreeMap::new();
    let mut cursor = Cursor {
        seq: from,
        index: u32::MAX,
    };
    if let Some(mut log) = OutputReader::open(disk)? {
        cursor = cursor.max(log.from());
        loop {
            let batch = log.read_from(cursor, READ_BYTES)?;
            if batch.is_empty() {
                break;
            }
            cursor = batch.next;
            for output in batch.iter() {
                if let Ok((_, Output::Checkpoint(point))) =
                    record::get_output(output.kind, output.payload)
                {
                    stops.insert(point.seq, point.state_hash);
                }
            }
        }
    }
    for seq in snapshots.sequences()? {
        let meta = snapshots.read(seq)?.meta;
        if meta.fingerprint == FINGERPRINT {
            stops.insert(seq, meta.state_hash);
        }
    }
    stops.retain(|seq, _| (from + 1..=last).contains(seq));
    Ok(stops)
}

/// Replays to the end and compares on the way; stops at the first thing that is wrong.
fn follow(
    second: &mut Standby<Machine, Records>,
    stops: &BTreeMap<Seq, u64>,
    last: Seq,
    found: &mut Verification,
    progress: &mut dyn FnMut(u64, u64),
) {
    let from = second.seq();
    let mut wrong = |text: String| {
        found.faults.push(Damage {
            file: None,
            offset: None,
            text,
        });
    };
    loop {
        let until = stops
            .range(second.seq() + 1..)
            .next()
            .map_or(Seq::MAX, |stop| *stop.0);
        let turn = second
            .apply(SLICE, until)
            .and_then(|applied| Ok(applied + second.compare()?));
        let done = match turn {
            Ok(done) => done,
            Err(error) => {
                return wrong(format!(
                    "the replay stopped behind input {}: {error}",
                    second.seq()
                ));
            }
        };
        progress(second.seq() - from, last.saturating_sub(from));
        if let Some(hash) = stops.get(&second.seq())
            && until == second.seq()
            && second.state(until, *hash) == Some(true)
        {
            found.states += 1;
        }
        if let Some(differs) = second.diverged() {
            return wrong(format!(
                "a replay of input {} does not give what is recorded: {}. Keep the folder, start \
                 from a snapshot before it or from a backup, and report it",
                differs.seq, differs.what
            ));
        }
        if done == 0 {
            return;
        }
    }
}
