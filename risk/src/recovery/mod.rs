//! From the files of the last run to a machine that stands where it stood: the newest good snapshot,
//! then the journal behind it, whose outputs the output log gets as far as they are missing.
//!
//! A build whose rules decide differently never replays old inputs. It begins a new epoch, and only
//! from a snapshot that the old rules have taken at the very end of their journal.

mod error;
mod lost;
mod rules;
mod start;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use error::{RecoveryError, Upgrade, UpgradeFault};
pub use lost::{Lost, settled};
pub use start::{Start, Usable, load, start_at};

use crate::event::{Output, Seq};
use crate::journal::{
    Cursor, Disk, Epochs, Journal, JournalError, JournalFiles, Options, OutputLog, OutputOptions,
    Preparation, Snapshots, Stream, log_end,
};
use crate::machine::{FINGERPRINT, Machine};
use crate::record;
use crate::units::Ts;

/// Inputs between two syncs of the output log while it is made again, and between two reports.
const REPLAY_SLICE: u64 = 65_536;

/// How the files are opened. Nothing here changes a decision.
#[derive(Clone, Copy, Debug)]
pub struct RecoveryOptions {
    /// Bytes of one segment file.
    pub segment_bytes: u32,
    /// Most bytes of the output log; past it the slowest reader is cut off.
    pub log_bytes: u64,
    /// Who prepares the next segments.
    pub preparation: Preparation,
}

impl Default for RecoveryOptions {
    fn default() -> Self {
        Self {
            segment_bytes: Options::SEGMENT_BYTES,
            log_bytes: 2 << 30,
            preparation: Preparation::Helper,
        }
    }
}

/// The core as it stood.
pub struct Recovered {
    /// It has applied everything up to `last`.
    pub machine: Machine,
    /// Open to append `last + 1`.
    pub journal: Journal,
    /// Holds every durable output up to `last`.
    pub log: OutputLog,
    /// The snapshots of the same directory.
    pub snapshots: Snapshots,
    /// Last durable input.
    pub last: Seq,
    /// Epoch of the rules that are applied from now on.
    pub epoch: u32,
    /// Which input began which epoch.
    pub epochs: Epochs,
    /// What was found.
    pub report: RecoveryReport,
}

/// What a start found, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Nothing was ever recorded here.
    pub first_start: bool,
    /// The last process closed the journal.
    pub clean: bool,
    /// A new epoch began with this start.
    pub new_epoch: bool,
    /// The snapshot that was started from.
    pub snapshot_seq: Option<Seq>,
    /// Inputs applied behind it.
    pub replayed: u64,
    /// Recorded inputs that are gone: every start tells of them until they are [`settled`].
    pub lost: Option<Lost>,
    /// What should be known, in words.
    pub remarks: Vec<String>,
}

/// Opens the files in `disk` and brings the machine to the last durable input. `progress` is told
/// how many inputs have been replayed, of how many.
///
/// # Errors
/// [`RecoveryError`]: damage, a disk that fails, or files of rules that this build cannot go on
/// from. Each says what to do.
pub fn recover(
    disk: &Arc<dyn Disk>,
    options: RecoveryOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Recovered, RecoveryError> {
    let snapshots = Snapshots::new(disk.clone());
    let mut report = RecoveryReport::default();
    let epoch = rules::epoch(disk, &snapshots, &mut report)?;
    let (journal, mut log, epochs) = open(disk, &snapshots, options, epoch, &mut report)?;
    let last = journal.last_seq();
    let usable = Usable {
        epoch,
        epoch_first: journal.epoch_first(),
        first_seq: journal.first_seq(),
        seq_max: last.min(log.last().seq),
    };
    let start = start_at(&snapshots, &usable)?;
    report.remarks.extend(start.skipped);
    report.snapshot_seq = start.snapshot;
    let mut machine = start.machine;
    let from = start.snapshot.map_or(1, |seq| seq + 1);
    report.replayed = replay(&mut machine, &journal, &mut log, from, progress)?;
    log.caught_up();
    Ok(Recovered {
        machine,
        journal,
        log,
        snapshots,
        last,
        epoch,
        epochs,
        report,
    })
}

/// The machine as the files in `disk` leave it, which are only read: what the next start would begin with, so the newest
/// snapshot where the journal is gone. `progress` is told how many inputs have been replayed, of how many.
///
/// # Errors
/// [`RecoveryError`]: damage, or a journal of rules that are not this build's.
pub fn look(
    disk: &Arc<dyn Disk>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Machine, RecoveryError> {
    let snapshots = Snapshots::new(disk.clone());
    let (Some(end), Some(files)) = (log_end(disk, Stream::Journal)?, JournalFiles::open(disk)?)
    else {
        return without_journal(&snapshots);
    };
    if end.fingerprint != FINGERPRINT {
        return Err(RecoveryError::Rules {
            found: (end.epoch, end.fingerprint),
        });
    }
    let usable = Usable {
        epoch: end.epoch,
        epoch_first: end.epoch_first,
        first_seq: end.first_seq,
        seq_max: end.last_seq,
    };
    let start = start_at(&snapshots, &usable)?;
    let mut machine = start.machine;
    let from = start.snapshot.map_or(1, |seq| seq + 1);
    let mut records = files.records(from)?;
    let (mut outputs, mut replayed) = (Vec::new(), 0);
    while let Some(found) = records.next()? {
        let seq = found.seq;
        let input = record::get_input(found.kind, found.payload)
            .map_err(|error| RecoveryError::Input { seq, error })?;
        machine.apply(seq, &input, &mut outputs);
        outputs.clear();
        replayed += 1;
        if replayed % REPLAY_SLICE == 0 {
            progress(replayed, end.last_seq.saturating_sub(from - 1));
        }
    }
    Ok(machine)
}

/// What a start begins with where there is no journal: it makes one that begins behind the newest snapshot, in an epoch of
/// its own where other rules have left that.
fn without_journal(snapshots: &Snapshots) -> Result<Machine, RecoveryError> {
    let last = snapshots.sequences()?.last().copied().unwrap_or(0);
    let first = last.saturating_add(1);
    let usable = Usable {
        epoch: rules::first_epoch(snapshots)?,
        epoch_first: first,
        first_seq: first,
        seq_max: last,
    };
    Ok(start_at(snapshots, &usable)?.machine)
}

fn open(
    disk: &Arc<dyn Disk>,
    snapshots: &Snapshots,
    options: RecoveryOptions,
    epoch: u32,
    report: &mut RecoveryReport,
) -> Result<(Journal, OutputLog, Epochs), RecoveryError> {
    let RecoveryOptions {
        segment_bytes,
        log_bytes,
        preparation,
    } = options;
    let first_seq = snapshots.sequences()?.last().map_or(1, |seq| seq + 1);
    let journal_options = Options {
        segment_bytes,
        first_seq,
        preparation,
        ..Options::new(FINGERPRINT, epoch)
    };
    let (journal, found) = Journal::open(disk.clone(), journal_options)?;
    report.first_start = found.last_seq == 0;
    report.clean = found.clean;
    report.new_epoch = found.new_epoch;
    if let Some(torn) = &found.torn {
        report.remarks.push(format!("journal: {torn}"));
    }
    // Before anything is recorded behind the journal's end.
    for seq in snapshots.set_aside_after(found.last_seq)? {
        report.remarks.push(format!(
            "snapshot {seq} set aside (.ahead): the journal ends at input {}, so what comes next is another history",
            found.last_seq
        ));
    }
    let first_seq = snapshots.sequences()?.last().map_or(1, |seq| seq + 1);
    // Outputs leave only behind durable inputs, so a longer output log is the proof of a loss.
    let lost = lost::look(disk, found.last_seq)?;
    let lost_from = lost.as_ref().map(|lost| lost.first);
    // Both before the output log is cut, and with it the proof.
    report.lost = lost::owed(disk, lost)?;
    if let Some(lost) = &report.lost {
        report.remarks.push(lost.to_string());
    }
    let epochs = epochs(disk, lost_from, report)?;
    let output_options = OutputOptions {
        segment_bytes,
        bytes_max: log_bytes,
        fingerprint: FINGERPRINT,
        epoch,
        first_seq,
        journal_end: Some(found.last_seq),
        preparation,
    };
    let (log, log_found) = OutputLog::open(disk.clone(), output_options)?;
    if let Some(torn) = &log_found.torn {
        report.remarks.push(format!("output log: {torn}"));
    }
    if log_found.cut {
        let remark = "output log: cut to the journal's end";
        report.remarks.push(remark.into());
    }
    Ok((journal, log, epochs))
}

/// The epochs in the ids that brokers know. Where this start has found inputs gone another one begins: their numbers come
/// again, and a broker would take the new orders for the old ones.
fn epochs(
    disk: &Arc<dyn Disk>,
    lost_from: Option<Seq>,
    report: &mut RecoveryReport,
) -> Result<Epochs, RecoveryError> {
    let (mut epochs, remade) = Epochs::open(disk)?;
    if remade {
        let remark = "epochs.bin was damaged: made again from the journal's segments";
        report.remarks.push(remark.into());
    }
    if let Some(first) = lost_from {
        let epoch = epochs.begin(disk, first)?;
        report.remarks.push(format!(
            "brokers know orders from input {} on under epoch {}: none of theirs has the id of a lost one",
            epoch.first_seq, epoch.number
        ));
    }
    Ok(epochs)
}

/// Applies everything from `from` on and gives the log what it does not have; says how many inputs
/// that were.
fn replay(
    machine: &mut Machine,
    journal: &Journal,
    log: &mut OutputLog,
    from: Seq,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64, RecoveryError> {
    let last = journal.last_seq();
    if from > last {
        return Ok(0);
    }
    let of = last + 1 - from;
    let mut records = journal.records(from)?;
    let (mut outputs, mut payload) = (Vec::new(), Vec::with_capacity(512));
    let mut replayed = 0;
    while let Some(found) = records.next()? {
        let seq = found.seq;
        let input = record::get_input(found.kind, found.payload)
            .map_err(|error| RecoveryError::Input { seq, error })?;
        machine.apply(seq, &input, &mut outputs);
        put_missing(log, seq, input.ts(), &mut outputs, &mut payload)?;
        replayed += 1;
        if replayed % REPLAY_SLICE == 0 {
            log.sync()?;
            progress(replayed, of);
        }
    }
    log.sync()?;
    progress(replayed, of);
    Ok(replayed)
}

fn put_missing(
    log: &mut OutputLog,
    seq: Seq,
    ts: Ts,
    outputs: &mut Vec<Output>,
    payload: &mut Vec<u8>,
) -> Result<(), JournalError> {
    for (index, output) in outputs.drain(..).enumerate() {
        if output.is_durable() {
            payload.clear();
            let kind = record::put_output(ts, &output, payload);
            let index = index as u32;
            log.append_missing(Cursor { seq, index }, kind, payload)?;
        }
    }
    Ok(())
}
