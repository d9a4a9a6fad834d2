//! How far sources agree: a persistent offset of one against the others, and what share of its quotes is of use.

use super::failover::{FEEDS_MAX, Slot};
use crate::record;
use crate::units::*;

/// A source is compared this often at most.
const SAMPLE_NS: u64 = SECOND_NS;
/// A sample moves the offset by this part of its distance.
const WEIGHT: i64 = 32;
/// Before so many samples an offset is chance.
pub const SAMPLES_MIN: u32 = 32;
/// The offset that takes the whole score when the instrument has no alert threshold.
const OFFSET_MAX: Ratio = Ratio::percent(1);

record! {
    /// What is known of one source of one instrument.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Quality {
        /// Mean offset from the other sources' median mid, as a share of it.
        pub offset: Ratio,
        pub samples: u32,
        sampled: Ts,
        pub rows: u64,
        /// Rows that were at fault, whoever served.
        pub faults: u64,
    }
}

impl Quality {
    /// True when a comparison is due.
    #[inline]
    pub fn is_due(&self, now: Ts) -> bool {
        now.since(self.sampled) >= SAMPLE_NS || self.samples == 0
    }

    /// Takes a mid × 2 against the others'.
    pub fn sample(&mut self, mid2: i64, others2: i64, now: Ts) {
        self.sampled = now;
        if others2 == 0 {
            return;
        }
        let apart = i128::from(mid2) - i128::from(others2);
        let share = div_round(apart * i128::from(Ratio::ONE.0), i128::from(others2).abs());
        let one = i128::from(Ratio::ONE.0);
        let share = share.clamp(-one, one) as i64;
        // The first samples weigh more: the offset is their plain mean.
        let weight = WEIGHT.min(i64::from(self.samples) + 1);
        self.offset.0 += (share - self.offset.0) / weight;
        self.samples = self.samples.saturating_add(1);
    }

    /// 0 to 100: 100 less the persistent offset as a share of `alert` (an offset as large as the instrument's alert
    /// leaves nothing), times the share of rows without fault.
    pub fn score(&self, alert: Ratio) -> u8 {
        let limit = if alert.0 > 0 { alert } else { OFFSET_MAX };
        let offset = if self.samples < SAMPLES_MIN {
            0
        } else {
            i128::from(self.offset.0).abs()
        };
        let limit = i128::from(limit.0);
        let agreement = (limit - offset.min(limit)) * 100 / limit;
        let rows = i128::from(self.rows.max(1));
        let good = rows - i128::from(self.faults.min(self.rows));
        u8::try_from(agreement * good / rows).unwrap_or(0)
    }
}

/// Median of the newest good mids (× 2) of the other sources that are not silent; none when there is none.
pub fn others(slots: &[Slot], index: usize, now: Ts) -> Option<i64> {
    let mut mids = [0i64; FEEDS_MAX];
    let mut count = 0;
    for (place, slot) in slots.iter().enumerate().take(FEEDS_MAX) {
        if place != index
            && let Some((bid, ask, at)) = slot.last_good
            && !slot.down
            && now.since(at) < slot.timeout_ns
        {
            mids[count] = bid.0 + ask.0;
            count += 1;
        }
    }
    let mids = &mut mids[..count];
    mids.sort_unstable();
    let upper = *mids.get(count / 2)?;
    let lower = mids[(count - 1) / 2];
    Some(lower + (upper - lower) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persistent_offset_takes_its_share_of_the_score() {
        let alert = Ratio::basis_points(50);
        let mut quality = Quality {
            rows: 100,
            ..Quality::default()
        };
        for second in 0..100 {
            quality.sample(1_001_000, 1_000_000, Ts(second * SECOND_NS));
            if second + 1 < u64::from(SAMPLES_MIN) {
                assert_eq!(quality.score(alert), 100, "chance");
            }
        }
        assert_eq!(quality.offset, Ratio::basis_points(10));
        assert_eq!(quality.score(alert), 80);
        quality.faults = 50;
        assert_eq!(quality.score(alert), 40);
        assert_eq!(quality.score(Ratio::basis_points(10)), 0);
    }

    #[test]
    fn noise_around_the_others_is_no_offset() {
        let mut quality = Quality::default();
        for second in 0..1_000u64 {
            let mid2 = if second % 2 == 0 { 1_000_500 } else { 999_500 };
            quality.sample(mid2, 1_000_000, Ts(second * SECOND_NS));
        }
        assert!(
            quality.offset.0.abs() < Ratio::basis_points(1).0,
            "{:?}",
            quality.offset
        );
        quality.sample(5, 0, Ts(0));
        quality.sample(i64::MAX, -1, Ts(0));
        assert_eq!(quality.score(Ratio(0)), 0);
    }
}
