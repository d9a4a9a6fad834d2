//! Exact arithmetic beyond 128 bits: products that are divided again, and comparisons of sums of fractions.

use std::cmp::Ordering;

/// `floor(value × numerator / denominator)` and whether nothing was cut off; `None` when the result does not
/// fit or the denominator is not positive.
pub fn mul_div_floor(value: i128, numerator: i128, denominator: i128) -> Option<(i128, bool)> {
    if denominator <= 0 {
        return None;
    }
    if let Some(product) = value.checked_mul(numerator) {
        let quotient = product.div_euclid(denominator);
        return Some((quotient, quotient * denominator == product));
    }
    let negative = (value < 0) != (numerator < 0);
    let (high, low) = widening(value.unsigned_abs(), numerator.unsigned_abs());
    let (quotient, remainder) = divide(high, low, denominator.unsigned_abs())?;
    let quotient = i128::try_from(quotient).ok()?;
    let exact = remainder == 0;
    match (negative, exact) {
        (false, _) => Some((quotient, exact)),
        (true, true) => Some((-quotient, true)),
        (true, false) => (-quotient).checked_sub(1).map(|floor| (floor, false)),
    }
}

/// `value × numerator / denominator` rounded half away from zero; `None` when it does not fit.
pub fn mul_div_round(value: i128, numerator: i128, denominator: i128) -> Option<i128> {
    if denominator <= 0 {
        return None;
    }
    let negative = (value < 0) != (numerator < 0);
    let (high, low) = widening(value.unsigned_abs(), numerator.unsigned_abs());
    let divisor = denominator.unsigned_abs();
    let (quotient, remainder) = divide(high, low, divisor)?;
    let up = if crate::mutated!(TiesDown) {
        remainder > divisor - remainder
    } else {
        remainder >= divisor - remainder
    };
    let size = i128::try_from(quotient.checked_add(u128::from(up))?).ok()?;
    Some(if negative { -size } else { size })
}

/// `value × numerator / denominator` rounded towards plus infinity; `None` when it does not fit.
pub fn mul_div_ceil(value: i128, numerator: i128, denominator: i128) -> Option<i128> {
    let (floor, exact) = mul_div_floor(value, numerator, denominator)?;
    floor.checked_add(i128::from(!exact))
}

/// Greatest common divisor of two positive numbers.
pub fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs().max(1)
}

fn widening(a: u128, b: u128) -> (u128, u128) {
    const MASK: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & MASK, b >> 64, b & MASK);
    let low = a0 * b0;
    let mid = a1 * b0 + (low >> 64);
    let mid2 = a0 * b1 + (mid & MASK);
    let high = a1 * b1 + (mid >> 64) + (mid2 >> 64);
    (high, (mid2 << 64) | (low & MASK))
}

/// Quotient and remainder of a 256-bit number; `None` when the quotient needs more than 128 bits.
fn divide(high: u128, low: u128, divisor: u128) -> Option<(u128, u128)> {
    if high == 0 {
        return Some((low / divisor, low % divisor));
    }
    if high >= divisor {
        return None;
    }
    let (mut remainder, mut quotient) = (high, 0u128);
    for bit in (0..128).rev() {
        let carry = remainder >> 127 == 1;
        remainder = (remainder << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if carry || remainder >= divisor {
            remainder = remainder.wrapping_sub(divisor);
            quotient |= 1;
        }
    }
    Some((quotient, remainder))
}

/// A sum of fractions kept exactly, of any size. Slow: only for the rare comparison that floors leave open.
#[derive(Clone, Debug)]
pub struct Fractions {
    numerator: Big,
    denominator: Big,
}

impl Fractions {
    /// A whole number.
    pub fn whole(value: i128) -> Fractions {
        Fractions {
            numerator: Big::from(value),
            denominator: Big::from(1),
        }
    }

    /// Adds `value × numerator / denominator` (denominator positive).
    pub fn add(&mut self, value: i128, numerator: i128, denominator: i128) {
        let term = Big::from(value)
            .times(&Big::from(numerator))
            .times(&self.denominator);
        let denominator = Big::from(denominator);
        self.numerator = self.numerator.times(&denominator).plus(&term);
        self.denominator = self.denominator.times(&denominator);
    }

    /// Compares with a whole number.
    pub fn compare(&self, whole: i128) -> Ordering {
        let whole = Big::from(whole).times(&self.denominator);
        self.numerator.compare(&whole)
    }
}

/// A signed integer of any size; limbs are little-endian without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Big {
    negative: bool,
    limbs: Vec<u64>,
}

impl From<i128> for Big {
    fn from(value: i128) -> Big {
        let size = value.unsigned_abs();
        Big::new(value < 0, vec![size as u64, (size >> 64) as u64])
    }
}

impl Big {
    fn new(negative: bool, mut limbs: Vec<u64>) -> Big {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Big {
            negative: negative && !limbs.is_empty(),
            limbs,
        }
    }

    fn times(&self, other: &Big) -> Big {
        let mut limbs = vec![0u64; self.limbs.len() + other.limbs.len()];
        for (i, a) in self.limbs.iter().enumerate() {
            let mut carry = 0u128;
            for (j, b) in other.limbs.iter().enumerate() {
                let sum = u128::from(*a) * u128::from(*b) + u128::from(limbs[i + j]) + carry;
                limbs[i + j] = sum as u64;
                carry = sum >> 64;
            }
            limbs[i + other.limbs.len()] = carry as u64;
        }
        Big::new(self.negative != other.negative, limbs)
    }

    fn plus(&self, other: &Big) -> Big {
        if self.negative == other.negative {
            return Big::new(self.negative, add_sizes(&self.limbs, &other.limbs));
        }
        match compare_sizes(&self.limbs, &other.limbs) {
            Ordering::Less => Big::new(other.negative, subtract_sizes(&other.limbs, &self.limbs)),
            _ => Big::new(self.negative, subtract_sizes(&self.limbs, &other.limbs)),
        }
    }

    fn compare(&self, other: &Big) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => compare_sizes(&self.limbs, &other.limbs),
            (true, true) => compare_sizes(&other.limbs, &self.limbs),
        }
    }
}

fn compare_sizes(a: &[u64], b: &[u64]) -> Ordering {
    a.len()
        .cmp(&b.len())
        .then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn add_sizes(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut sum = Vec::with_capacity(a.len().max(b.len()) + 1);
    let mut carry = 0u128;
    for i in 0..a.len().max(b.len()) {
        let limb = |size: &[u64]| u128::from(size.get(i).copied().unwrap_or(0));
        let total = limb(a) + limb(b) + carry;
        sum.push(total as u64);
        carry = total >> 64;
    }
    sum.push(carry as u64);
    sum
}

/// `a - b`, where `a` is not smaller.
fn subtract_sizes(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut difference = Vec::with_capacity(a.len());
    let mut borrow = false;
    for (i, limb) in a.iter().enumerate() {
        let (first, under) = limb.overflowing_sub(b.get(i).copied().unwrap_or(0));
        let (second, under2) = first.overflowing_sub(u64::from(borrow));
        difference.push(second);
        borrow = under || under2;
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn floors_and_rounds_agree_with_fractions(value in any::<i128>(), numerator in any::<i64>(), denominator in 1..i64::MAX) {
            let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
            let mut exact = Fractions::whole(0);
            exact.add(value, numerator, denominator);
            if let Some((floor, whole)) = mul_div_floor(value, numerator, denominator) {
                prop_assert_eq!(exact.compare(floor), if whole { Ordering::Equal } else { Ordering::Greater });
                if let Some(above) = floor.checked_add(1) {
                    prop_assert_eq!(exact.compare(above), Ordering::Less);
                }
                if let Some(rounded) = mul_div_round(value, numerator, denominator) {
                    prop_assert!(rounded == floor || rounded == floor + 1);
                }
            }
        }

        #[test]
        fn small_numbers_are_plain_arithmetic(a in -1_000_000i128..1_000_000, b in -1_000_000i128..1_000_000, d in 1i128..10_000) {
            prop_assert_eq!(mul_div_floor(a, b, d), Some(((a * b).div_euclid(d), a * b % d == 0)));
            prop_assert_eq!(mul_div_round(a, b, d), Some(crate::units::div_round(a * b, d)));
        }
    }

    #[test]
    fn thirds_add_up() {
        let mut sum = Fractions::whole(-1);
        sum.add(1, 1, 3);
        sum.add(2, 1, 3);
        assert_eq!(sum.compare(0), Ordering::Equal);
        sum.add(-1, 1, i128::MAX);
        assert_eq!(sum.compare(0), Ordering::Less);
    }

    #[test]
    fn products_beyond_128_bits() {
        let big = i128::MAX / 3;
        assert_eq!(mul_div_floor(big, 9, 9), Some((big, true)));
        assert_eq!(
            mul_div_floor(-(1 << 120), 1 << 8, 3).map(|f| f.1),
            Some(false)
        );
        assert_eq!(mul_div_floor(i128::MAX, 2, 1), None);
        assert_eq!(mul_div_floor(1, 1, 0), None);
    }
}
