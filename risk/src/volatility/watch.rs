//! Volatility of one instrument from its mids: sampled once a second, so that a busy second costs no more
//! than a quiet one and the bounce between bid and ask inside a second does not count.

use super::{Ewma, HourNorm, Realised, log_return};
use crate::event::VolatilityState;
use crate::record;
use crate::terms::HaltTerms;
use crate::units::*;
use crate::view::{SpanVolatility, VolatilityView};

/// A reading for the hour's mean is taken this often, seconds.
const READING_SECONDS: u64 = 300;
/// Elevated ends when the volatility is at most this share of the threshold, so that it does not flicker.
const CALM_PERCENT: i128 = 90;

record! {
    /// Streaming volatility.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Volatility {
        elevated: bool,
        pub realised: Realised,
        pub ewma: Ewma,
        norm: HourNorm,
        /// The newest mid × 2 and the second it belongs to.
        newest: Option<(u64, i64)>,
        /// The last sampled one.
        sampled: Option<(u64, i64)>,
    }
}

/// The state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolatilityStep {
    pub state: VolatilityState,
    pub realised_5m: Ratio,
    pub threshold: Ratio,
}

impl Volatility {
    /// Takes an accepted mid × 2.
    #[inline]
    pub fn on_mid(&mut self, mid2: i64, now: Ts, terms: &HaltTerms) -> Option<VolatilityStep> {
        match &mut self.newest {
            Some((second, newest)) if now < second_end(*second) => {
                *newest = mid2;
                None
            }
            _ => {
                let step = self.sample(now, terms);
                self.newest = Some((now.0 / SECOND_NS, mid2));
                step
            }
        }
    }

    /// Time goes on without a price.
    pub fn on_clock(&mut self, now: Ts, terms: &HaltTerms) -> Option<VolatilityStep> {
        if now < self.deadline() {
            return None;
        }
        self.sample(now, terms)
    }

    /// When a second ends that has not been sampled, or the state may calm down.
    #[inline]
    pub fn deadline(&self) -> Ts {
        match self.newest {
            Some((second, _)) => second_end(second),
            None if self.elevated => second_end(self.realised.newest() + 1),
            None => Ts(u64::MAX),
        }
    }

    /// The state now.
    pub fn state(&self) -> VolatilityState {
        if self.elevated {
            VolatilityState::Elevated
        } else {
            VolatilityState::Normal
        }
    }

    /// Every measure now, with those of the bars.
    pub fn view(&self, terms: &HaltTerms, now: Ts, spans: Vec<SpanVolatility>) -> VolatilityView {
        VolatilityView {
            state: self.state(),
            realised_1m: self.realised.over_minute(),
            realised_5m: self.realised.volatility(),
            realised_1h: self.realised.over_hour(),
            ewma: self.ewma.volatility(),
            ewma_unit_ns: terms.ewma_unit_ns,
            usual: self.norm.mean(now),
            threshold: self
                .norm
                .threshold(terms.vol_floor, terms.vol_multiple, now),
            spans,
        }
    }

    /// Above this it is elevated.
    pub fn threshold(&self, now: Ts, terms: &HaltTerms) -> Ratio {
        self.norm
            .threshold(terms.vol_floor, terms.vol_multiple, now)
    }

    /// A break: the move across it is no return.
    pub fn after_break(&mut self) {
        self.newest = None;
        self.sampled = None;
    }

    /// Samples the second that ended and compares.
    fn sample(&mut self, now: Ts, terms: &HaltTerms) -> Option<VolatilityStep> {
        let second_now = now.0 / SECOND_NS;
        if let Some((second, mid2)) = self.newest.take_if(|(second, _)| *second < second_now) {
            if let Some((before, mid2_before)) = self.sampled {
                let moved = log_return(mid2_before, mid2);
                self.realised.on_return(second, moved);
                let elapsed_ns = (second - before) * SECOND_NS;
                self.ewma
                    .on_return(moved, elapsed_ns, terms.ewma_lambda, terms.ewma_unit_ns);
                if second / READING_SECONDS != before / READING_SECONDS {
                    self.norm
                        .on_reading(self.realised.volatility(), Ts(second * SECOND_NS));
                }
            }
            self.sampled = Some((second, mid2));
        }
        self.realised.advance(second_now.saturating_sub(1));
        self.judge(now, terms)
    }

    fn judge(&mut self, now: Ts, terms: &HaltTerms) -> Option<VolatilityStep> {
        let realised_5m = self.realised.volatility();
        let threshold = self.threshold(now, terms);
        let calm = i128::from(realised_5m.0) * 100 <= i128::from(threshold.0) * CALM_PERCENT;
        let elevated = if self.elevated {
            !calm
        } else {
            realised_5m > threshold
        };
        if elevated == self.elevated {
            return None;
        }
        self.elevated = elevated;
        Some(VolatilityStep {
            state: self.state(),
            realised_5m,
            threshold,
        })
    }
}

/// When a second ends, held at the end of time.
fn second_end(second: u64) -> Ts {
    Ts((second + 1).saturating_mul(SECOND_NS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::AssetClass;

    /// Mids a second apart from `start` on; what changed, by second.
    fn play(volatility: &mut Volatility, start: u64, mids: &[i64]) -> Vec<(u64, VolatilityState)> {
        let terms = HaltTerms::of_class(AssetClass::Forex);
        let mut changes = Vec::new();
        for (second, mid2) in (start..).zip(mids) {
            let now = Ts(second * SECOND_NS);
            if let Some(step) = volatility.on_mid(*mid2, now, &terms) {
                changes.push((second, step.state));
            }
        }
        changes
    }

    #[test]
    fn a_jump_elevates_within_a_second_and_calm_returns_with_the_window() {
        let mut volatility = Volatility::default();
        let mut mids = vec![1_000_000; 20];
        mids.extend([1_003_100; 400]);
        let changes = play(&mut volatility, 1_000, &mids);
        assert_eq!(
            changes,
            [
                (1_021, VolatilityState::Elevated),
                (1_321, VolatilityState::Normal)
            ]
        );
    }

    #[test]
    fn at_twice_the_floor_nothing_happens_yet() {
        let mut volatility = Volatility::default();
        // ln(1.003) is just below 0.3 %, ln(1.00301) just above it.
        assert_eq!(
            play(&mut volatility, 1_000, &[1_000_000, 1_003_000, 1_003_000]),
            []
        );
        let mut volatility = Volatility::default();
        let changes = play(&mut volatility, 1_000, &[1_000_000, 1_003_010, 1_003_010]);
        assert_eq!(changes, [(1_002, VolatilityState::Elevated)]);
    }

    #[test]
    fn the_move_across_a_break_is_no_return() {
        let mut volatility = Volatility::default();
        play(&mut volatility, 1_000, &[1_000_000; 5]);
        volatility.after_break();
        assert_eq!(play(&mut volatility, 9_000, &[1_500_000; 5]), []);
        assert_eq!(volatility.realised.volatility(), Ratio(0));
    }

    #[test]
    fn without_prices_time_alone_calms_down() {
        let terms = HaltTerms::of_class(AssetClass::Forex);
        let mut volatility = Volatility::default();
        play(&mut volatility, 1_000, &[1_000_000, 1_010_000, 1_010_000]);
        assert_eq!(volatility.state(), VolatilityState::Elevated);
        let mut steps = Vec::new();
        while volatility.deadline() < Ts(u64::MAX) {
            let due = volatility.deadline();
            steps.extend(
                volatility
                    .on_clock(due, &terms)
                    .map(|step| (due, step.state)),
            );
        }
        assert_eq!(steps, [(Ts(1_302 * SECOND_NS), VolatilityState::Normal)]);
    }

    #[test]
    fn the_end_of_time_does_not_overflow() {
        let terms = HaltTerms::of_class(AssetClass::Forex);
        let mut volatility = Volatility::default();
        for ts in [u64::MAX - 1, u64::MAX] {
            assert_eq!(volatility.on_mid(5, Ts(ts), &terms), None);
        }
        assert_eq!(volatility.deadline(), Ts(u64::MAX));
    }
}
