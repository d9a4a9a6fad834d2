//! Writes images of the state as snapshots and lets the journal be trimmed behind them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::channel::Receiver;
use siaga_risk::journal::{SnapshotMeta, Snapshots};
use siaga_risk::machine::Machine;
use siaga_risk::pipeline::Image;

/// Runs until the sender is gone. An image reaches it only after journal and output log hold
/// everything up to it.
pub fn run(
    images: &Receiver<Image>,
    snapshots: &Snapshots,
    rules_epoch: u32,
    trim_before: &Arc<AtomicU64>,
) {
    for image in images {
        match save(
            snapshots,
            rules_epoch,
            image.seq,
            image.state_hash,
            &image.bytes,
        ) {
            Ok(before) => trim_before.store(before, Ordering::Release),
            Err(error) => {
                tracing::warn!(seq = image.seq, %error, "a snapshot could not be written: recovery takes longer");
            }
        }
    }
}

/// Writes one snapshot; returns the sequence before which the journal is no longer needed.
///
/// # Errors
/// When the disk refuses; the older snapshots stay.
pub fn save(
    snapshots: &Snapshots,
    epoch: u32,
    seq: u64,
    state_hash: u64,
    bytes: &[u8],
) -> Result<u64, siaga_risk::journal::JournalError> {
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
