//! Integer units of everything that decides: price steps, lot steps, minor units of money, nanoseconds.

pub use crate::leverage::Leverage;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        crate::codec_struct!($name($int));
    };
}

unit!(
    /// UTC nanoseconds since 1970, stamped once where an input enters.
    Ts(u64)
);
unit!(
    /// A price in the instrument's smallest step (`10^-price_digits`); may be negative.
    Price(i64)
);
unit!(
    /// A quantity in the instrument's smallest lot step (`10^-qty_digits` lots).
    Qty(i64)
);
unit!(
    /// Money in minor units of the currency beside it (`10^-digits`).
    Money(i64)
);
unit!(
    /// A ratio, rate or percentage in parts per 10^12 (100 % = 1_000_000_000_000).
    Ratio(i64)
);

/// Nanoseconds in a second.
pub const SECOND_NS: u64 = 1_000_000_000;
/// Nanoseconds in a minute.
pub const MINUTE_NS: u64 = 60 * SECOND_NS;
/// Nanoseconds in an hour.
pub const HOUR_NS: u64 = 60 * MINUTE_NS;
/// Nanoseconds in a day.
pub const DAY_NS: u64 = 24 * HOUR_NS;

/// Where something has no end: the last nanosecond that 64 bits with a sign hold, as databases keep times.
pub const NO_END: Ts = Ts(i64::MAX.unsigned_abs());

impl Ts {
    /// Nanoseconds from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Ts) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant moved forward by `ns`, held at the end of time.
    pub fn plus(self, ns: u64) -> Ts {
        Ts(self.0.saturating_add(ns))
    }
}

impl Ratio {
    /// The whole: 100 %.
    pub const ONE: Ratio = Ratio(1_000_000_000_000);

    /// `percent` hundredths, e.g. `Ratio::percent(50)` is one half.
    pub const fn percent(percent: i64) -> Ratio {
        Ratio(percent * 10_000_000_000)
    }

    /// `bp` ten-thousandths.
    pub const fn basis_points(bp: i64) -> Ratio {
        Ratio(bp * 100_000_000)
    }

    /// `ppm` millionths.
    pub const fn ppm(ppm: i64) -> Ratio {
        Ratio(ppm * 1_000_000)
    }
}

/// Ten to the power of `digits` (at most 18), the scale of a unit with that many digits.
pub const fn pow10(digits: u8) -> i64 {
    let mut scale = 1i64;
    let mut left = if digits > 18 { 18 } else { digits };
    while left > 0 {
        scale *= 10;
        left -= 1;
    }
    scale
}

/// `numerator / denominator` rounded half away from zero, the rounding of every money amount.
///
/// # Panics
/// When the denominator is not positive: scales are checked when terms enter.
pub fn div_round(numerator: i128, denominator: i128) -> i128 {
    assert!(denominator > 0, "a scale is positive");
    let half = denominator / 2;
    let quotient = numerator / denominator;
    let remainder = (numerator % denominator).abs();
    let away = remainder > half || (remainder == half && denominator % 2 == 0);
    if away {
        quotient + numerator.signum()
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_away_from_zero() {
        for (n, d, want) in [
            (5, 2, 3),
            (-5, 2, -3),
            (4, 3, 1),
            (5, 3, 2),
            (-5, 3, -2),
            (1, 3, 0),
            (3, 2, 2),
            (0, 7, 0),
            (1, 2, 1),
            (-1, 2, -1),
        ] {
            assert_eq!(div_round(n, d), want, "{n}/{d}");
        }
    }

    #[test]
    fn time_never_wraps() {
        assert_eq!(Ts(5).since(Ts(9)), 0);
        assert_eq!(Ts(u64::MAX).plus(1), Ts(u64::MAX));
    }
}
