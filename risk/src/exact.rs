//! Exact fractions of 128 bits: what a venue's formula divides before its last step. Every operation says `None`
//! instead of losing a digit.

use crate::wide::{gcd, mul_div_floor, mul_div_round};
use std::cmp::Ordering;

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact {
    num: i128,
    den: i128,
}

impl Exact {
    pub const ZERO: Exact = Exact { num: 0, den: 1 };
    pub const ONE: Exact = Exact { num: 1, den: 1 };

    /// `num / den`; `None` when the denominator is zero or has no opposite.
    pub fn new(num: i128, den: i128) -> Option<Exact> {
        if den == 0 || num == i128::MIN || den == i128::MIN {
            return None;
        }
        let shared = gcd(num, den) * den.signum();
        Some(Exact {
            num: num / shared,
            den: den / shared,
        })
    }

    /// A whole number.
    pub fn whole(num: i128) -> Exact {
        Exact { num, den: 1 }
    }

    /// An integer of `10^-digits` (at most 38).
    pub fn decimal(value: i128, digits: u8) -> Option<Exact> {
        Exact::new(value, 10i128.checked_pow(u32::from(digits))?)
    }

    /// Numerator, with the sign.
    pub fn num(self) -> i128 {
        self.num
    }

    /// Denominator, positive.
    pub fn den(self) -> i128 {
        self.den
    }

    /// -1, 0 or 1.
    pub fn signum(self) -> i128 {
        self.num.signum()
    }

    pub fn plus(self, other: Exact) -> Option<Exact> {
        let shared = gcd(self.den, other.den);
        let left = self.num.checked_mul(other.den / shared)?;
        let right = other.num.checked_mul(self.den / shared)?;
        Exact::new(
            left.checked_add(right)?,
            (self.den / shared).checked_mul(other.den)?,
        )
    }

    pub fn minus(self, other: Exact) -> Option<Exact> {
        self.plus(other.negative())
    }

    pub fn times(self, other: Exact) -> Option<Exact> {
        let (left, right) = (
            Exact::new(self.num, other.den)?,
            Exact::new(other.num, self.den)?,
        );
        Exact::new(
            left.num.checked_mul(right.num)?,
            left.den.checked_mul(right.den)?,
        )
    }

    /// The quotient; `None` when the divisor is zero.
    pub fn over(self, other: Exact) -> Option<Exact> {
        self.times(Exact::new(other.den, other.num)?)
    }

    pub fn negative(self) -> Exact {
        Exact {
            num: -self.num,
            den: self.den,
        }
    }

    pub fn abs(self) -> Exact {
        Exact {
            num: self.num.abs(),
            den: self.den,
        }
    }

    /// Compares; the products have as many digits as they need.
    pub fn compare(self, other: Exact) -> Ordering {
        let mut difference = crate::wide::Fractions::whole(0);
        difference.add(self.num, 1, self.den);
        difference.add(-other.num, 1, other.den);
        difference.compare(0)
    }

    /// The value times `scale`, rounded half away from zero.
    pub fn round(self, scale: i128) -> Option<i128> {
        mul_div_round(self.num, scale, self.den)
    }

    /// The value times `scale`, rounded towards minus infinity.
    pub fn floor(self, scale: i128) -> Option<i128> {
        mul_div_floor(self.num, scale, self.den).map(|(floor, _)| floor)
    }

    /// The value times `scale`, rounded towards plus infinity.
    pub fn ceil(self, scale: i128) -> Option<i128> {
        self.negative().floor(scale).map(|floor| -floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(num: i128, den: i128) -> Exact {
        Exact::new(num, den).unwrap()
    }

    #[test]
    fn thirds_are_thirds() {
        let third = exact(-2, -6);
        assert_eq!((third.num(), third.den()), (1, 3));
        assert_eq!(third.times(Exact::whole(3)), Some(Exact::ONE));
        assert_eq!(third.over(exact(1, 6)), Some(Exact::whole(2)));
        assert_eq!(third.over(Exact::ZERO), None);
        assert_eq!(exact(-1, 2).round(1), Some(-1));
        assert_eq!(
            (exact(-1, 3).floor(1), exact(-1, 3).ceil(1)),
            (Some(-1), Some(0))
        );
        assert_eq!(Exact::decimal(-225, 2), Some(exact(-9, 4)));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        assert_eq!(Exact::new(1, 0), None);
        assert_eq!(Exact::whole(i128::MAX).plus(Exact::ONE), None);
        assert_eq!(Exact::whole(i128::MAX).times(Exact::whole(2)), None);
        let (large, small) = (exact(i128::MAX, 3), exact(i128::MAX - 1, 3));
        assert_eq!(large.compare(small), Ordering::Greater);
    }

    proptest! {
        #[test]
        fn sums_and_products_agree_with_small_integers(a in -1000i128..1000, b in 1i128..1000, c in -1000i128..1000, d in 1i128..1000) {
            let (x, y) = (exact(a, b), exact(c, d));
            prop_assert_eq!(x.plus(y), Exact::new(a * d + c * b, b * d));
            prop_assert_eq!(x.times(y), Exact::new(a * c, b * d));
            prop_assert_eq!(x.compare(y), (a * d).cmp(&(c * b)));
            prop_assert_eq!(x.floor(7), Some((a * 7).div_euclid(b)));
        }
    }
}
