//! The journal as the pipeline's stage writes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use siaga_risk::event::{Input, Seq};
use siaga_risk::journal::{Journal, JournalError};
use siaga_risk::pipeline::Recorder;
use siaga_risk::record;
use siaga_risk::units::SECOND_NS;

use super::latency::Latency;

/// The same trouble is told of this often.
const WARN_EVERY_NS: u64 = 10 * SECOND_NS;
/// A segment that could not be prepared is tried again after this long: writing one takes a good part of it.
pub const PREPARE_AGAIN_NS: u64 = SECOND_NS;

/// Encodes inputs into the journal.
pub struct JournalRecorder {
    journal: Journal,
    payload: Vec<u8>,
    synced: Arc<SyncTimes>,
    clock: Arc<crate::clock::Clock>,
    /// A full disk is told of again from then on.
    warn_from_ns: u64,
    /// When the next segment is prepared once more.
    prepare_at_ns: Option<u64>,
}

/// How long the journal's syncs take, for `/metrics`.
#[derive(Debug, Default)]
pub struct SyncTimes {
    pub count: AtomicU64,
    pub total_ns: AtomicU64,
    pub max_ns: AtomicU64,
    pub histogram: Latency,
}

impl JournalRecorder {
    /// A recorder of `journal`, open at its end.
    pub fn new(journal: Journal, synced: Arc<SyncTimes>, clock: Arc<crate::clock::Clock>) -> Self {
        Self {
            journal,
            payload: Vec::with_capacity(512),
            synced,
            clock,
            warn_from_ns: 0,
            prepare_at_ns: None,
        }
    }

    /// The journal again, when the stage has ended.
    pub fn into_journal(self) -> Journal {
        self.journal
    }
}

impl Recorder for JournalRecorder {
    fn append(&mut self, seq: Seq, input: &Input) -> Result<(), String> {
        self.payload.clear();
        let kind = record::put_input(input, &mut self.payload);
        self.journal
            .append(seq, kind, &self.payload)
            .map_err(|error| explain(&error))
    }

    fn sync(&mut self) -> Result<(), String> {
        let start = self.clock.elapsed_ns();
        self.journal.sync().map_err(|error| explain(&error))?;
        let took = self.clock.elapsed_ns() - start;
        self.synced.count.fetch_add(1, Ordering::Relaxed);
        self.synced.total_ns.fetch_add(took, Ordering::Relaxed);
        self.synced.max_ns.fetch_max(took, Ordering::Relaxed);
        self.synced.histogram.record(&[took]);
        if let Some(error) = self.journal.preparation_failure() {
            self.prepare_at_ns = Some(start.saturating_add(PREPARE_AGAIN_NS));
            if start >= self.warn_from_ns {
                tracing::warn!(%error, "the next journal segment cannot be prepared: free space on the data disk");
                self.warn_from_ns = start.saturating_add(WARN_EVERY_NS);
            }
        }
        if self.prepare_at_ns.take_if(|at| start >= *at).is_some() {
            self.journal.prepare_again();
        }
        Ok(())
    }
}

fn explain(error: &JournalError) -> String {
    error.to_string()
}
