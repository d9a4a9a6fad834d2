//! The state that a replay can begin from.

use super::error::RecoveryError;
use crate::event::Seq;
use crate::journal::{JournalError, Snapshot, SnapshotMeta, Snapshots};
use crate::machine::{FINGERPRINT, Machine};

/// Which snapshots a replay can begin from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usable {
    /// Epoch of this build's rules.
    pub epoch: u32,
    /// First input of that epoch that the journal holds.
    pub epoch_first: Seq,
    /// First input that the journal holds at all.
    pub first_seq: Seq,
    /// The newest input a snapshot may be of: what journal and output log both hold.
    pub seq_max: Seq,
}

/// Where the replay begins.
#[derive(Debug)]
pub struct Start {
    /// The state.
    pub machine: Machine,
    /// The input it is of; `None` when it has seen nothing.
    pub snapshot: Option<Seq>,
    /// Why newer snapshots were passed over.
    pub skipped: Vec<String>,
}

impl Usable {
    /// Why a snapshot cannot be used, from its header alone.
    fn refuses(&self, meta: &SnapshotMeta) -> Option<String> {
        let own = (meta.fingerprint, meta.epoch) == (FINGERPRINT, self.epoch);
        // The state that the old rules left is where the new ones begin, and nothing else of theirs.
        let boundary = meta.epoch < self.epoch && meta.seq.checked_add(1) == Some(self.epoch_first);
        if !own && !boundary {
            return Some(format!(
                "it was taken inside epoch {} of other rules ({:#018x})",
                meta.epoch, meta.fingerprint
            ));
        }
        None
    }
}

/// The newest snapshot that is whole, not ahead of the logs, of the right rules, and reaches the
/// journal; without any, a machine that has seen nothing, if the journal begins at the first input.
///
/// # Errors
/// [`RecoveryError::NoStart`]; a directory that cannot be listed.
pub fn start_at(snapshots: &Snapshots, usable: &Usable) -> Result<Start, RecoveryError> {
    let mut skipped = Vec::new();
    for seq in snapshots.sequences()?.into_iter().rev() {
        if seq > usable.seq_max {
            let end = usable.seq_max;
            skipped.push(format!("snapshot {seq} passed over: the logs end at {end}"));
            continue;
        }
        match load(snapshots, seq, usable) {
            Ok(machine) => {
                return Ok(Start {
                    machine,
                    snapshot: Some(seq),
                    skipped,
                });
            }
            Err(reason) => skipped.push(format!("snapshot {seq} passed over: {reason}")),
        }
    }
    if usable.first_seq == 1 && usable.epoch_first <= 1 {
        return Ok(Start {
            machine: Machine::new(),
            snapshot: None,
            skipped,
        });
    }
    let first_seq = usable.first_seq.max(usable.epoch_first);
    Err(RecoveryError::NoStart { first_seq, skipped })
}

/// The machine of one snapshot, or why it cannot be used.
///
/// # Errors
/// The reason, for people.
pub fn load(snapshots: &Snapshots, seq: Seq, usable: &Usable) -> Result<Machine, String> {
    let snapshot = snapshots
        .read(seq)
        .map_err(|error: JournalError| error.to_string())?;
    if let Some(reason) = usable.refuses(&snapshot.meta) {
        return Err(reason);
    }
    if seq.saturating_add(1) < usable.first_seq {
        let first = usable.first_seq;
        return Err(format!("the journal begins at {first}"));
    }
    state_of(&snapshot)
}

/// The machine of a snapshot, which must give the state that it was taken of.
pub fn state_of(snapshot: &Snapshot) -> Result<Machine, String> {
    let meta = snapshot.meta;
    let machine = Machine::restore_from(&snapshot.payload, meta.fingerprint)
        .map_err(|error| format!("its state cannot be read by this build ({error})"))?;
    // Under other rules the state is another one from the first moment: the file's checksum stands.
    if meta.fingerprint == FINGERPRINT && machine.state_hash() != meta.state_hash {
        return Err("it does not give the state it was taken of".into());
    }
    if machine.last_seq() != meta.seq {
        return Err(format!("its state is of input {}", machine.last_seq()));
    }
    Ok(machine)
}
