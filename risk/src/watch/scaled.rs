//! Positive numbers with 64 significant bits, rounded down or up as asked: bounds of conversion rates and of what they
//! multiply. Only a bound is ever taken from them, never a decision.

/// `mantissa × 2^exponent`; the highest bit of the mantissa is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaled {
    mantissa: u64,
    exponent: i32,
}

/// Which way to round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    Zero,
    Infinity,
}

impl Scaled {
    pub const ONE: Scaled = Scaled {
        mantissa: 1 << 63,
        exponent: -63,
    };

    /// A positive whole number, exactly.
    pub fn whole(value: u64) -> Scaled {
        debug_assert!(value > 0);
        let shift = value.leading_zeros();
        Scaled {
            mantissa: value << shift,
            exponent: -(shift as i32),
        }
    }

    /// Mantissa and exponent.
    pub fn parts(self) -> (u64, i32) {
        (self.mantissa, self.exponent)
    }

    fn of(wide: u128, exponent: i32, cut: bool, towards: Towards) -> Scaled {
        let shift = 64 - wide.leading_zeros() as i32;
        if shift <= 0 {
            let value = Scaled {
                mantissa: (wide as u64) << -shift,
                exponent: exponent + shift,
            };
            return if cut && towards == Towards::Infinity {
                value.above(1)
            } else {
                value
            };
        }
        let mantissa = (wide >> shift) as u64;
        let lost = cut || u128::from(mantissa) << shift != wide;
        let value = Scaled {
            mantissa,
            exponent: exponent + shift,
        };
        if lost && towards == Towards::Infinity {
            value.above(1)
        } else {
            value
        }
    }

    /// A number greater by some units of the last place.
    pub fn above(self, units: u64) -> Scaled {
        match self.mantissa.checked_add(units) {
            Some(mantissa) => Scaled { mantissa, ..self },
            None => Scaled {
                mantissa: 1 << 63 | units,
                exponent: self.exponent + 1,
            },
        }
    }

    /// A number smaller by some units of the last place.
    pub fn below(self, units: u64) -> Scaled {
        match self.mantissa.checked_sub(units) {
            Some(mantissa) if mantissa >> 63 == 1 => Scaled { mantissa, ..self },
            _ => Scaled {
                mantissa: u64::MAX - 2 * units,
                exponent: self.exponent - 1,
            },
        }
    }

    pub fn times(self, other: Scaled, towards: Towards) -> Scaled {
        let wide = u128::from(self.mantissa) * u128::from(other.mantissa);
        Scaled::of(wide, self.exponent + other.exponent, false, towards)
    }

    pub fn over(self, other: Scaled, towards: Towards) -> Scaled {
        let wide = u128::from(self.mantissa) << 63;
        let divisor = u128::from(other.mantissa);
        let quotient = wide / divisor;
        let exponent = self.exponent - other.exponent - 63;
        Scaled::of(quotient, exponent, quotient * divisor != wide, towards)
    }

    /// `size × self`; `None` beyond 2^62.
    pub fn of_size(self, size: u64, towards: Towards) -> Option<i64> {
        let wide = u128::from(size) * u128::from(self.mantissa);
        let value = if self.exponent >= 0 {
            if wide.leading_zeros() as i32 <= self.exponent {
                return (wide == 0).then_some(0);
            }
            wide << self.exponent
        } else if self.exponent <= -128 {
            u128::from(wide > 0 && towards == Towards::Infinity)
        } else {
            let floor = wide >> -self.exponent;
            let cut = floor << -self.exponent != wide;
            floor + u128::from(cut && towards == Towards::Infinity)
        };
        i64::try_from(value).ok().filter(|value| *value < 1 << 62)
    }
}

/// A result squeezed into 32 bits, not below the result itself.
pub fn squeeze_up(value: i64) -> i32 {
    -squeeze_down(value.saturating_neg())
}

/// A result squeezed into 32 bits, not above the result itself: 25 significant bits and a shift of six.
pub fn squeeze_down(value: i64) -> i32 {
    let size = value.unsigned_abs();
    let mut shift = (64 - size.leading_zeros()).saturating_sub(24);
    let mut mantissa = size >> shift;
    if value < 0 && mantissa << shift != size {
        mantissa += 1;
    }
    if mantissa == 1 << 24 {
        (mantissa, shift) = (1 << 23, shift + 1);
    }
    let squeezed = (mantissa as i32) << 6 | shift as i32;
    if value < 0 { -squeezed } else { squeezed }
}

/// What was squeezed.
pub fn widen(squeezed: i32) -> i128 {
    let size = squeezed.unsigned_abs();
    let value = i128::from(size >> 6) << (size & 63);
    if squeezed < 0 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn products_and_quotients_are_bounded(a in 1u64.., b in 1u64.., size in 0u64..1 << 40) {
            let (x, y) = (Scaled::whole(a), Scaled::whole(b));
            for (low, high) in [
                (x.times(y, Towards::Zero), x.times(y, Towards::Infinity)),
                (x.over(y, Towards::Zero), x.over(y, Towards::Infinity)),
            ] {
                prop_assert!(low == high || low.above(1) == high);
                prop_assert!(high.below(2) != high && high.below(1).above(2).mantissa >> 63 == 1);
            }
            // size × a / b, by whole numbers.
            let exact = u128::from(size) * u128::from(a);
            let (low, high) = (x.over(y, Towards::Zero), x.over(y, Towards::Infinity));
            if let (Some(low), Some(high)) = (low.of_size(size, Towards::Zero), high.of_size(size, Towards::Infinity)) {
                prop_assert!(low as u128 * u128::from(b) <= exact);
                prop_assert!(high as u128 * u128::from(b) >= exact);
                prop_assert!(high - low <= 2 + (low >> 60));
            }
        }

        #[test]
        fn squeezing_keeps_the_side(value in (i64::MIN + 1)..i64::MAX) {
            prop_assert!(widen(squeeze_down(value)) <= i128::from(value));
            prop_assert!(widen(squeeze_up(value)) >= i128::from(value));
            prop_assert!(widen(squeeze_up(value)) - widen(squeeze_down(value)) <= i128::from(value).abs() >> 21);
        }
    }

    #[test]
    fn small_results_are_squeezed_exactly() {
        for value in [-70_000, -1, 0, 1, 16_777_215] {
            assert_eq!(
                (widen(squeeze_up(value)), widen(squeeze_down(value))),
                (i128::from(value), i128::from(value))
            );
        }
        assert_eq!(Scaled::ONE.of_size(77, Towards::Zero), Some(77));
    }
}
