//! A rolling digest over accepted prices: the only outputs that stand in no log.

use crate::event::{Mark, Seq};

/// Marks between two points that are exchanged: at a calm demo's pace some minutes.
pub const MARKS_EVERY: u64 = 4_096;

/// An odd constant with well mixed bits (the golden ratio × 2^64).
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The digest of all marks so far. A few nanoseconds each; no protection against somebody who
/// wants a collision.
#[derive(Clone, Copy, Debug, Default)]
pub struct MarkDigest {
    count: u64,
    state: u64,
}

/// The digest after a number of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkPoint {
    /// How many marks, from the start of the first machine's process.
    pub count: u64,
    /// Input of the last one.
    pub seq: Seq,
    /// Digest of all of them.
    pub digest: u64,
}

impl MarkDigest {
    /// Takes one mark; now and then gives a point to exchange.
    #[inline]
    pub fn add(&mut self, seq: Seq, mark: &Mark) -> Option<MarkPoint> {
        let Mark {
            ts,
            instrument,
            source,
            bid,
            ask,
            bid_qty,
            ask_qty,
            venue_lag_us,
            count,
            day_change,
        } = mark;
        // Two independent chains, so that the multiplications overlap.
        let mut prices = self.state ^ seq;
        for word in [ts.0, bid.0 as u64, ask.0 as u64, *count] {
            prices = (prices ^ word).wrapping_mul(FACTOR).rotate_left(29);
        }
        let mut rest = u64::from(instrument.0) << 32 | u64::from(source.0);
        let lag = *venue_lag_us as u64;
        for word in [bid_qty.0 as u64, ask_qty.0 as u64, lag, day_change.0 as u64] {
            rest = (rest ^ word).wrapping_mul(FACTOR).rotate_left(31);
        }
        self.state = (prices ^ rest).wrapping_mul(FACTOR).rotate_left(27);
        self.count += 1;
        self.count.is_multiple_of(MARKS_EVERY).then_some(MarkPoint {
            count: self.count,
            seq,
            digest: self.state,
        })
    }
}
