//! Returns of integer prices. The logarithm is a float inside of one function; what leaves it is a rounded integer, and
//! decisions see that alone.

use crate::units::Ratio;

/// Largest return that is counted, ±400 %: ln of a price that moved fifty-fold.
const RETURN_MAX: f64 = 4.0;

/// Log return `ln(to / from)` in parts per 10^12. When a price is not positive, where a logarithm has no
/// meaning, it is the symmetric return `2 (to − from) / (|to| + |from|)`; nothing makes a NaN.
pub fn log_return(from: i64, to: i64) -> Ratio {
    if from == to {
        return Ratio(0);
    }
    let (from, to) = (from as f64, to as f64);
    let moved = if from > 0.0 && to > 0.0 {
        libm::log1p((to - from) / from)
    } else {
        2.0 * (to - from) / (libm::fabs(to) + libm::fabs(from))
    };
    Ratio(libm::round(moved.clamp(-RETURN_MAX, RETURN_MAX) * Ratio::ONE.0 as f64) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_logarithms() {
        assert_eq!(log_return(30_000, 30_500), Ratio(16_529_301_951));
        assert_eq!(log_return(30_500, 30_000), Ratio(-16_529_301_951));
        assert_eq!(log_return(7, 7), Ratio(0));
    }

    #[test]
    fn prices_at_and_below_zero_have_a_return() {
        assert_eq!(log_return(1_827, -3_698), Ratio(-2_000_000_000_000));
        assert_eq!(log_return(0, 5), Ratio(2_000_000_000_000));
        assert_eq!(log_return(-4, -2), Ratio(666_666_666_667));
        assert_eq!(log_return(0, 0), Ratio(0));
    }

    proptest! {
        #[test]
        fn every_pair_of_prices_has_a_bounded_return(from: i64, to: i64) {
            let limit = (RETURN_MAX * Ratio::ONE.0 as f64) as i64;
            prop_assert!((-limit..=limit).contains(&log_return(from, to).0));
        }
    }
}
