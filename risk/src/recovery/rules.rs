//! Which epoch a start writes under.

use std::sync::Arc;

use super::RecoveryReport;
use super::error::{RecoveryError, Upgrade, UpgradeFault};
use super::start::state_of;
use crate::event::Seq;
use crate::journal::{Disk, JournalError, LogEnd, Snapshots, Stream, log_end};
use crate::machine::FINGERPRINT;

/// The epoch on the disk, or the next one when this build decides differently and may go on from
/// where the old rules stopped. Changes nothing, so that the old build can still be started.
pub fn epoch(
    disk: &Arc<dyn Disk>,
    snapshots: &Snapshots,
    report: &mut RecoveryReport,
) -> Result<u32, RecoveryError> {
    let Some(journal) = log_end(disk, Stream::Journal)? else {
        return Ok(first_epoch(snapshots)?);
    };
    if journal.fingerprint == FINGERPRINT {
        return Ok(journal.epoch);
    }
    // An epoch in which nothing was decided is left as it was entered.
    let entered = journal.last_seq < journal.epoch_first && journal.last_seq > 0;
    if journal.last_seq > 0
        && let Err(why) = check(disk, snapshots, &journal, entered)?
    {
        return Err(RecoveryError::Upgrade(Upgrade {
            found: (journal.epoch, journal.fingerprint),
            own: FINGERPRINT,
            journal_end: journal.last_seq,
            why,
        }));
    }
    let next = journal.epoch.saturating_add(1);
    report.remarks.push(format!(
        "this version decides differently: epoch {next} begins at input {}",
        journal.last_seq.saturating_add(1)
    ));
    Ok(next)
}

/// An empty journal beside a snapshot goes on in the snapshot's epoch, or in the one behind it.
pub fn first_epoch(snapshots: &Snapshots) -> Result<u32, JournalError> {
    let (newest, _) = snapshots.newest_good(Seq::MAX, None)?;
    Ok(match newest.map(|snapshot| snapshot.meta) {
        None => 1,
        Some(meta) if meta.fingerprint == FINGERPRINT => meta.epoch,
        Some(meta) => meta.epoch.saturating_add(1),
    })
}

/// What a new epoch needs: the snapshot and every output of the old rules at the journal's end.
fn check(
    disk: &Arc<dyn Disk>,
    snapshots: &Snapshots,
    journal: &LogEnd,
    entered: bool,
) -> Result<Result<(), UpgradeFault>, RecoveryError> {
    let end = journal.last_seq;
    let sequences = snapshots.sequences()?;
    if !sequences.contains(&end) {
        let newest = sequences.into_iter().rfind(|seq| *seq < end);
        return Ok(Err(UpgradeFault::NotStopped(newest)));
    }
    let snapshot = match snapshots.read(end) {
        Ok(snapshot) => snapshot,
        Err(error) => return Ok(Err(UpgradeFault::Damaged(error.to_string()))),
    };
    let of_journal = (journal.fingerprint, journal.epoch);
    if (snapshot.meta.fingerprint, snapshot.meta.epoch) != of_journal && !entered {
        let meta = snapshot.meta;
        let found = format!("it is of epoch {} ({:#018x})", meta.epoch, meta.fingerprint);
        return Ok(Err(UpgradeFault::Damaged(found)));
    }
    if let Err(reason) = state_of(&snapshot) {
        return Ok(Err(UpgradeFault::Layout(reason)));
    }
    let outputs = log_end(disk, Stream::Output)?.map_or(0, |log| log.last_seq);
    if outputs < end {
        return Ok(Err(UpgradeFault::OutputsBehind(outputs)));
    }
    Ok(Ok(()))
}
