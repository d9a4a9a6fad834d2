//! Realised volatility: the root of the sum of squared one-second returns of a sliding window. Squares of
//! integers are summed exactly, so nothing drifts however long the machine runs. The minute is read from the window's
//! seconds; the hour is summed by minutes, and moves on with them.

use crate::record;
use crate::units::Ratio;

/// Length of the window: five minutes.
pub const WINDOW_SECONDS: u64 = 300;
/// Minutes of the long window.
const MINUTES: u64 = 60;

record! {
    /// One-second returns of the last `WINDOW_SECONDS`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Realised {
        /// Return of each second, at the second's number modulo the window.
        ring: Vec<i64>,
        newest: u64,
        /// Sum of the squares, in parts per 10^24.
        sum: u128,
        /// Minute and sum of its squares, at the minute's number modulo the hour.
        minutes: Vec<(u64, u128)>,
    }
}

impl Default for Realised {
    fn default() -> Self {
        Self {
            ring: vec![0; WINDOW_SECONDS as usize],
            newest: 0,
            sum: 0,
            minutes: vec![(0, 0); MINUTES as usize],
        }
    }
}

impl Realised {
    /// Moves the window so that it ends with `second`; what has left it is forgotten.
    pub fn advance(&mut self, second: u64) {
        if second <= self.newest {
            return;
        }
        let passed = (second - self.newest).min(WINDOW_SECONDS);
        for gone in second - passed + 1..=second {
            let place = (gone % WINDOW_SECONDS) as usize;
            self.sum -= square(self.ring[place]);
            self.ring[place] = 0;
        }
        self.newest = second;
    }

    /// Takes the return of a second that is not older than the newest.
    pub fn on_return(&mut self, second: u64, moved: Ratio) {
        self.advance(second);
        let place = (self.newest % WINDOW_SECONDS) as usize;
        let before = square(self.ring[place]);
        self.sum -= before;
        self.ring[place] = moved.0;
        self.sum += square(moved.0);
        let minute = self.newest / 60;
        let held = &mut self.minutes[(minute % MINUTES) as usize];
        if held.0 != minute {
            *held = (minute, 0);
        }
        held.1 = held
            .1
            .saturating_sub(before)
            .saturating_add(square(moved.0));
    }

    /// Volatility of the last minute of the window.
    pub fn over_minute(&self) -> Ratio {
        let first = (self.newest + 1).saturating_sub(60);
        let seconds = first..=self.newest;
        let squares = seconds.map(|second| square(self.ring[(second % WINDOW_SECONDS) as usize]));
        root(squares.sum())
    }

    /// Volatility of the minute the window ends with and the 59 before it.
    pub fn over_hour(&self) -> Ratio {
        let minute = self.newest / 60;
        let held = self
            .minutes
            .iter()
            .filter(|(of, _)| of + MINUTES > minute && *of <= minute);
        root(
            held.map(|(_, sum)| sum)
                .fold(0, |all, sum| all.saturating_add(*sum)),
        )
    }

    /// The second the window ends with.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Volatility of the window (not annualised).
    pub fn volatility(&self) -> Ratio {
        root(self.sum)
    }
}

fn root(sum: u128) -> Ratio {
    Ratio(i64::try_from(sum.isqrt()).unwrap_or(i64::MAX))
}

fn square(moved: i64) -> u128 {
    let moved = u128::from(moved.unsigned_abs());
    moved * moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_and_four_percent_make_five() {
        let mut realised = Realised::default();
        realised.on_return(1_000, Ratio::percent(3));
        realised.on_return(1_010, Ratio::percent(-4));
        assert_eq!(realised.volatility(), Ratio::percent(5));
        realised.advance(1_299);
        assert_eq!(realised.volatility(), Ratio::percent(5));
        realised.advance(1_300);
        assert_eq!(realised.volatility(), Ratio::percent(4));
        realised.advance(9_000);
        assert_eq!(realised.volatility(), Ratio(0));
    }

    #[test]
    fn the_minute_and_the_hour_forget_in_their_time() {
        let mut realised = Realised::default();
        realised.on_return(3_600, Ratio::percent(3));
        realised.on_return(3_600, Ratio::percent(4));
        realised.on_return(3_661, Ratio::percent(3));
        assert_eq!(realised.over_minute(), Ratio::percent(3));
        assert_eq!(realised.volatility(), Ratio::percent(5));
        assert_eq!(realised.over_hour(), Ratio::percent(5));
        realised.advance(7_199);
        assert_eq!(
            (realised.over_minute(), realised.volatility()),
            (Ratio(0), Ratio(0))
        );
        assert_eq!(realised.over_hour(), Ratio::percent(5));
        realised.advance(7_200);
        assert_eq!(realised.over_hour(), Ratio::percent(3));
        realised.advance(7_260);
        assert_eq!(realised.over_hour(), Ratio(0));
    }

    proptest! {
        #[test]
        fn the_sum_is_that_of_a_recount(steps in prop::collection::vec((0u64..200, -4_000_000_000_000i64..4_000_000_000_000), 1..100)) {
            let mut realised = Realised::default();
            let mut returns = std::collections::BTreeMap::new();
            let mut second = 5;
            for (step, moved) in steps {
                second += step;
                realised.on_return(second, Ratio(moved));
                returns.insert(second, moved);
                let sum: u128 = returns.range((second + 1).saturating_sub(WINDOW_SECONDS)..).map(|(_, moved)| square(*moved)).sum();
                prop_assert_eq!(realised.sum, sum);
            }
        }
    }
}
