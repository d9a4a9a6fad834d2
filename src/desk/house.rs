//! What the output log needs now and then, whatever else goes on: room, and its next segment.

use siaga_risk::journal::OutputLog;
use siaga_risk::units::{MINUTE_NS, SECOND_NS};

use super::recorder::PREPARE_AGAIN_NS;

/// The log is trimmed this often, whether snapshots are written or not.
const TRIM_EVERY_NS: u64 = MINUTE_NS;
/// The same trouble is told of this often.
const WARN_EVERY_NS: u64 = 10 * SECOND_NS;

/// When what is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct House {
    trim_at_ns: u64,
    prepare_at_ns: Option<u64>,
    warn_from_ns: u64,
}

impl House {
    /// From `now_ns` on. The readers of the log have a while to say where they are.
    pub fn new(now_ns: u64) -> Self {
        Self {
            trim_at_ns: now_ns.saturating_add(TRIM_EVERY_NS),
            prepare_at_ns: None,
            warn_from_ns: 0,
        }
    }

    /// Whether the log is to be trimmed now.
    pub fn is_trim_due(&mut self, now_ns: u64) -> bool {
        let due = now_ns >= self.trim_at_ns;
        if due {
            self.trim_at_ns = now_ns.saturating_add(TRIM_EVERY_NS);
        }
        due
    }

    /// Tells of a segment that finds no room before it is needed, and has it tried again after a pause.
    pub fn prepare(&mut self, log: &mut OutputLog, now_ns: u64) {
        if let Some(error) = log.preparation_failure() {
            self.prepare_at_ns = Some(now_ns.saturating_add(PREPARE_AGAIN_NS));
            if now_ns >= self.warn_from_ns {
                tracing::warn!(%error, "the next segment of the output log cannot be prepared: free space on the data disk");
                self.warn_from_ns = now_ns.saturating_add(WARN_EVERY_NS);
            }
        }
        if self.prepare_at_ns.take_if(|at| now_ns >= *at).is_some() {
            log.prepare_again();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use siaga_risk::journal::{Cursor, LogEvent, MemoryDisk, OutputOptions, Preparation};

    use super::*;

    #[test]
    fn the_log_keeps_its_limit_without_a_snapshot() {
        let options = OutputOptions {
            segment_bytes: 4_096,
            bytes_max: 16_384,
            fingerprint: 1,
            epoch: 1,
            first_seq: 1,
            journal_end: None,
            preparation: Preparation::Inline,
        };
        let disk = Arc::new(MemoryDisk::default());
        let (mut log, _) = OutputLog::open(disk, options).unwrap();
        let mut house = House::new(0);
        let (mut seq, mut trimmed) = (0, 0);
        for second in 1..=300 {
            for _ in 0..20 {
                seq += 1;
                log.append(Cursor { seq, index: 0 }, 1, &[0; 64]).unwrap();
            }
            log.sync().unwrap();
            if house.is_trim_due(second * SECOND_NS) {
                let events = log.trim().unwrap();
                trimmed += usize::from(matches!(events[..], [.., LogEvent::Trimmed { .. }]));
            }
        }
        assert_eq!(trimmed, 5, "once a minute");
        assert!(log.consumers().from().seq > seq - 300);
    }
}
