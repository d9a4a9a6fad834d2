//! How much of the journal is kept behind what recovery needs.

use super::files::SegmentFile;

/// What is kept although no start needs it, for readers of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Inputs younger than this stay, nanoseconds.
    pub keep_ns: u64,
    /// Unless all segments together take more than this, bytes.
    pub keep_bytes: u64,
}

impl Retention {
    /// The sequence before which the journal may be trimmed now. Nothing at or behind `needed` ever
    /// goes: recovery or a reader begins there. `first_ns` gives the time of a segment's first
    /// input, `None` when it cannot be read, as after an upgrade: then the next one's counts, which is younger.
    pub fn trim_before(
        &self,
        segments: &[SegmentFile],
        needed: u64,
        now_ns: u64,
        mut first_ns: impl FnMut(&SegmentFile) -> Option<u64>,
    ) -> u64 {
        let mut bytes: u64 = segments.iter().map(|segment| segment.file_bytes).sum();
        let mut before = segments.first().map_or(0, |segment| segment.first_seq);
        // The time read last, and the segment that it is of.
        let mut read: (usize, Option<u64>) = (0, None);
        for (at, pair) in segments.windows(2).enumerate() {
            let (segment, next) = (pair[0], pair[1]);
            if next.first_seq > needed {
                break;
            }
            let above = bytes > self.keep_bytes;
            // Everything in a segment is older than the first input of the next one.
            if !above {
                if read.0 <= at {
                    let later = segments.iter().enumerate().skip(at + 1);
                    let mut known = later.map(|(of, segment)| (of, first_ns(segment)));
                    let found = known.find(|(_, time)| time.is_some());
                    read = found.unwrap_or((segments.len(), None));
                }
                if read
                    .1
                    .is_none_or(|time| now_ns.saturating_sub(time) < self.keep_ns)
                {
                    break;
                }
            }
            bytes -= segment.file_bytes;
            before = next.first_seq;
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000_000;

    /// Ten segments of 100 inputs and 100 bytes, one an hour.
    fn segments() -> Vec<SegmentFile> {
        (0..10)
            .map(|number| SegmentFile {
                ordinal: number as u32 + 1,
                first_seq: number * 100 + 1,
                file_bytes: 100,
                packed: false,
            })
            .collect()
    }

    fn before(keep_hours: u64, keep_bytes: u64, needed: u64) -> u64 {
        let retention = Retention {
            keep_ns: keep_hours * HOUR,
            keep_bytes,
        };
        let at = |segment: &SegmentFile| Some(u64::from(segment.ordinal - 1) * HOUR);
        retention.trim_before(&segments(), needed, 10 * HOUR, at)
    }

    #[test]
    fn what_recovery_needs_stays_whatever_its_age_and_size() {
        assert_eq!(before(0, 0, 350), 301);
        assert_eq!(before(0, 0, 301), 301);
        assert_eq!(before(0, 0, 300), 201);
        assert_eq!(before(0, 0, 1), 1);
        assert_eq!(before(0, 0, u64::MAX), 901, "the active segment stays");
    }

    #[test]
    fn what_is_young_stays_until_the_size_limit() {
        assert_eq!(before(48, 10_000, u64::MAX), 1);
        assert_eq!(before(4, 10_000, u64::MAX), 601, "the last four hours");
        assert_eq!(before(48, 500, u64::MAX), 501, "the last five segments");
        assert_eq!(before(4, 500, u64::MAX), 601);
    }

    #[test]
    fn where_a_time_cannot_be_read_the_next_one_counts() {
        let retention = Retention {
            keep_ns: 4 * HOUR,
            keep_bytes: 10_000,
        };
        let read = |unreadable: std::ops::Range<u32>| {
            let at = |segment: &SegmentFile| {
                let known = !unreadable.contains(&segment.ordinal);
                known.then(|| u64::from(segment.ordinal - 1) * HOUR)
            };
            retention.trim_before(&segments(), u64::MAX, 10 * HOUR, at)
        };
        assert_eq!(read(0..0), 601);
        assert_eq!(read(1..6), 601, "an older build's, all of them old");
        assert_eq!(read(6..9), 401, "the next readable one is young");
    }

    #[test]
    fn an_unreadable_time_counts_as_young() {
        let retention = Retention {
            keep_ns: 1,
            keep_bytes: 10_000,
        };
        let kept = retention.trim_before(&segments(), u64::MAX, u64::MAX, |_| None);
        assert_eq!(kept, 1);
        assert_eq!(retention.trim_before(&[], 5, 5, |_| None), 0);
    }
}
