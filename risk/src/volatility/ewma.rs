//! Exponentially weighted variance (RiskMetrics), with the decay given per unit of time so that prices
//! that come at irregular times are weighted right. The variance is a float; what others read of it is a rounded integer.

use crate::record;
use crate::units::Ratio;

record! {
    /// Variance per unit of time, as the bits of a float so that state and hash are exact.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Ewma {
        variance_bits: u64,
        seeded: bool,
    }
}

impl Ewma {
    /// Starts from a known variance per unit.
    pub fn with_variance(variance: f64) -> Self {
        Self {
            variance_bits: variance.max(0.0).to_bits(),
            seeded: true,
        }
    }

    /// Takes the return over `elapsed_ns`. With `elapsed_ns == unit_ns` this is
    /// `λ σ² + (1 − λ) r²`; otherwise λ decays by the share of the unit that passed and the return's square is
    /// scaled to one unit. The first return seeds the variance.
    pub fn on_return(&mut self, moved: Ratio, elapsed_ns: u64, lambda: Ratio, unit_ns: u64) {
        if elapsed_ns == 0 || unit_ns == 0 {
            return;
        }
        let units = elapsed_ns as f64 / unit_ns as f64;
        let moved = moved.0 as f64 / Ratio::ONE.0 as f64;
        let square = moved * moved / units;
        if !self.seeded {
            *self = Self::with_variance(square);
            return;
        }
        let lambda = (lambda.0 as f64 / Ratio::ONE.0 as f64).clamp(0.0, 1.0);
        let kept = if elapsed_ns == unit_ns {
            lambda
        } else if lambda > 0.0 {
            libm::exp(units * libm::log(lambda))
        } else {
            0.0
        };
        self.variance_bits = (kept * self.variance() + (1.0 - kept) * square).to_bits();
    }

    /// Variance per unit.
    pub fn variance(&self) -> f64 {
        f64::from_bits(self.variance_bits)
    }

    /// Standard deviation per unit.
    pub fn volatility(&self) -> Ratio {
        let deviation = libm::sqrt(self.variance()) * Ratio::ONE.0 as f64;
        Ratio(libm::round(deviation) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT_NS: u64 = 1_000_000_000;

    fn percent(value: f64) -> Ratio {
        Ratio((value * 1e10) as i64)
    }

    #[test]
    fn textbook_updates() {
        let mut ewma = Ewma::with_variance(0.0001);
        ewma.on_return(percent(2.0), UNIT_NS, percent(90.0), UNIT_NS);
        assert!((ewma.variance() - 0.00013).abs() < 1e-12);
        let mut ewma = Ewma::with_variance(0.000324);
        ewma.on_return(percent(-2.3), UNIT_NS, percent(94.0), UNIT_NS);
        assert!((ewma.variance() - 0.0003363).abs() < 1e-12);
    }

    #[test]
    fn two_halves_without_a_move_decay_like_one_whole() {
        let mut whole = Ewma::with_variance(0.0004);
        whole.on_return(Ratio(0), UNIT_NS, percent(94.0), UNIT_NS);
        let mut halves = Ewma::with_variance(0.0004);
        halves.on_return(Ratio(0), UNIT_NS / 2, percent(94.0), UNIT_NS);
        halves.on_return(Ratio(0), UNIT_NS / 2, percent(94.0), UNIT_NS);
        assert!((whole.variance() - halves.variance()).abs() < 1e-15);
        assert!((whole.variance() - 0.000376).abs() < 1e-12);
    }

    #[test]
    fn no_time_and_odd_decays_change_nothing_or_stay_finite() {
        let mut ewma = Ewma::with_variance(0.0001);
        ewma.on_return(percent(2.0), 0, percent(90.0), UNIT_NS);
        assert_eq!(ewma.variance(), 0.0001);
        ewma.on_return(percent(2.0), 1, Ratio(0), UNIT_NS);
        ewma.on_return(percent(2.0), u64::MAX, Ratio(i64::MAX), UNIT_NS);
        assert!(ewma.variance().is_finite() && ewma.variance() >= 0.0);
    }
}
