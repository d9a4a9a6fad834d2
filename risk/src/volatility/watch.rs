//! Volatility of one instrument from its mids: sampled once a second, so that a busy second costs no more
//! than a quiet one and the bounce between bid and ask inside a second does not count.

use super::{Ewma, HourNorm, Realised, log_return};
use crate::event::VolatilityState;
use crate::record;
use crate::terms::HaltTerms;
use crate::units::*;

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
            Some((second, newest)) if now.0 < (*second + 1) * SECOND_NS => {
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
            Some((second, _)) => Ts((second + 1) * SECOND_NS),
            None if self.elevated => Ts((self.realised.newest() + 2) * SECOND_NS),
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
        let threshold = self
            .norm
            .threshold(terms.vol_floor, terms.vol_multiple, now);
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
