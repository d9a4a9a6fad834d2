//! What is usual: the mean realised volatility of each hour of the week, and the threshold above it.

use crate::record;
use crate::units::{DAY_NS, HOUR_NS, Ratio, Ts};

/// Hours of a week, Monday 00:00 UTC first.
pub const HOURS: usize = 168;
/// Days that must be known before the mean counts.
pub const DAYS_MIN: u32 = 5;

record! {
    /// Mean 5-minute realised volatility per hour of the week.
    #[derive(Clone, Debug, PartialEq)]
    pub struct HourNorm {
        sums: Vec<i64>,
        counts: Vec<u32>,
        /// Days seen, the present one included.
        days: u32,
        day: u64,
    }
}

impl Default for HourNorm {
    fn default() -> Self {
        Self {
            sums: vec![0; HOURS],
            counts: vec![0; HOURS],
            days: 0,
            day: 0,
        }
    }
}

impl HourNorm {
    /// Takes a reading at `now`.
    pub fn on_reading(&mut self, volatility: Ratio, now: Ts) {
        let hour = hour_of_week(now);
        if let Some(sum) = self.sums[hour].checked_add(volatility.0) {
            self.sums[hour] = sum;
            self.counts[hour] += 1;
        }
        let day = now.0 / DAY_NS + 1;
        if day != self.day {
            self.day = day;
            self.days += 1;
        }
    }

    /// Mean of the hour of the week at `now`, once `DAYS_MIN` earlier days are known.
    pub fn mean(&self, now: Ts) -> Option<Ratio> {
        let earlier = self.days - u32::from(self.day == now.0 / DAY_NS + 1);
        let hour = hour_of_week(now);
        let count = i64::from(self.counts[hour]);
        (earlier >= DAYS_MIN && count > 0).then(|| Ratio(self.sums[hour] / count))
    }

    /// Above this the volatility is elevated: `multiple` × the hour's mean and at least the floor; until the
    /// mean is known, twice the floor. Without a multiple it is the floor alone.
    pub fn threshold(&self, floor: Ratio, multiple: Ratio, now: Ts) -> Ratio {
        if multiple.0 == 0 {
            return floor;
        }
        match self.mean(now) {
            None => Ratio(floor.0.saturating_mul(2)),
            Some(mean) => {
                let scaled = i128::from(mean.0) * i128::from(multiple.0) / i128::from(Ratio::ONE.0);
                floor.max(Ratio(i64::try_from(scaled).unwrap_or(i64::MAX)))
            }
        }
    }
}

/// Hour of the week of an instant, Monday 00:00 UTC = 0. 1970 began on a Thursday.
pub fn hour_of_week(now: Ts) -> usize {
    ((now.0 / HOUR_NS + 3 * 24) % HOURS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_week_begins_on_monday() {
        assert_eq!(hour_of_week(Ts(0)), 72);
        assert_eq!(hour_of_week(Ts(4 * DAY_NS)), 0);
        assert_eq!(hour_of_week(Ts(5 * HOUR_NS + 11 * DAY_NS)), 5);
    }

    #[test]
    fn the_mean_counts_after_five_days_and_never_goes_below_the_floor() {
        let (floor, multiple) = (Ratio::basis_points(15), Ratio::percent(300));
        let mut norm = HourNorm::default();
        let monday = Ts(4 * DAY_NS);
        for day in 0..5 {
            let at = monday.plus(day * DAY_NS);
            assert_eq!(norm.threshold(floor, multiple, at), Ratio::basis_points(30));
            norm.on_reading(Ratio::basis_points(8), at);
        }
        let next_monday = monday.plus(7 * DAY_NS);
        assert_eq!(
            norm.threshold(floor, multiple, next_monday),
            Ratio::basis_points(24)
        );
        norm.on_reading(Ratio(0), next_monday);
        assert_eq!(norm.threshold(floor, multiple, next_monday), floor);
        let unknown_hour = next_monday.plus(HOUR_NS);
        assert_eq!(
            norm.threshold(floor, multiple, unknown_hour),
            Ratio::basis_points(30)
        );
    }
}
