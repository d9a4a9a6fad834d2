//! Room on the data disk: what no start and no reader needs of the journal goes, or is packed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use siaga_risk::event::Seq;
use siaga_risk::journal::{JournalFiles, Packing, Retention, SegmentFile};
use siaga_risk::record;

use crate::clock::Clock;
use crate::config::Data;

const HOUR_NS: u64 = 3_600_000_000_000;

/// How much is kept.
pub struct Room {
    retention: Retention,
    clock: Arc<Clock>,
    compress: bool,
    /// Segments up to this number have been looked at: packed, or not worth it.
    packed_to: AtomicU32,
}

impl Room {
    /// What the configuration says.
    pub fn new(data: &Data, clock: Arc<Clock>) -> Self {
        Self {
            retention: Retention {
                keep_ns: u64::from(data.keep_hours).saturating_mul(HOUR_NS),
                keep_bytes: u64::from(data.keep_mib) << 20,
            },
            clock,
            compress: data.compress,
            packed_to: AtomicU32::new(0),
        }
    }

    /// Trims what lies before input `needed` and is neither young nor within the size that is kept.
    pub fn make(&self, files: &JournalFiles, needed: Seq) {
        let now = self.clock.now().0;
        let segments = files.segments();
        let first_ns = |segment: &SegmentFile| first_ns(files, segment);
        let before = self.retention.trim_before(&segments, needed, now, first_ns);
        match files.trim_before(before) {
            Ok(0) => {}
            Ok(segments) => tracing::info!(segments, before, "trimmed the journal"),
            Err(error) => {
                tracing::warn!(%error, "the journal could not be trimmed: the data disk fills");
            }
        }
    }

    /// Packs the oldest closed segment before input `needed` that is not packed yet; true when
    /// there may be another.
    pub fn pack_one(&self, files: &JournalFiles, needed: Seq) -> bool {
        if !self.compress {
            return false;
        }
        let from = self.packed_to.load(Ordering::Relaxed);
        let segments = files.segments();
        let cold = segments
            .windows(2)
            .filter(|pair| pair[1].first_seq <= needed)
            .map(|pair| pair[0])
            .find(|segment| segment.ordinal > from && !segment.packed);
        let Some(segment) = cold else {
            return false;
        };
        self.packed_to.store(segment.ordinal, Ordering::Relaxed);
        match files.pack(segment.ordinal) {
            Ok(Packing::Packed { from, to }) => {
                tracing::debug!(ordinal = segment.ordinal, from, to, "packed a segment");
            }
            Ok(Packing::Passed | Packing::NotWorth) => {}
            Err(error) => {
                tracing::warn!(ordinal = segment.ordinal, %error, "a segment stays as it is");
            }
        }
        true
    }
}

/// When the first input of a segment entered, whatever rules decided it.
fn first_ns(files: &JournalFiles, segment: &SegmentFile) -> Option<u64> {
    let mut records = files.any_rules(segment.first_seq).ok()?;
    let found = records.next().ok()??;
    let input = record::get_input(found.kind, found.payload).ok()?;
    Some(input.ts().0)
}
