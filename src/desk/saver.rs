//! Writes the state as a snapshot.

use siaga_risk::journal::{JournalError, SnapshotMeta, Snapshots};
use siaga_risk::machine::Machine;

/// Writes one snapshot; returns the sequence before which the journal is no longer needed. The log
/// must hold a checkpoint at or behind `seq` already.
///
/// # Errors
/// When the disk refuses; the older snapshots stay.
pub fn save(
    snapshots: &Snapshots,
    epoch: u32,
    seq: u64,
    state_hash: u64,
    bytes: &[u8],
) -> Result<u64, JournalError> {
    let fingerprint = Machine::FINGERPRINT;
    let meta = SnapshotMeta {
        seq,
        fingerprint,
        epoch,
        state_hash,
    };
    let written = snapshots.write(&meta, bytes)?;
    tracing::info!(seq, bytes = written.bytes, "wrote a snapshot");
    Ok(written.trim_before)
}
