//! Units in which the results of an account are whole 64-bit numbers: the largest that divides what one price step of
//! each of its positions is worth.

use super::WORTH_MAX;
use crate::book::instruments::Scale;
use crate::wide::gcd;

/// A unit: `num / den` fine units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    pub num: i128,
    pub den: i128,
}

/// The units in use, numbered: there are about as many as kinds of instruments. With each the most that a position may
/// be worth in it.
#[derive(Clone, Debug, Default)]
pub struct Units(Vec<(Unit, i64)>);

impl Units {
    /// The unit with this number.
    pub fn get(&self, number: u16) -> Unit {
        self.0[usize::from(number)].0
    }

    /// The most that a position may be worth, in this unit.
    pub fn most(&self, number: u16) -> i64 {
        self.0[usize::from(number)].1
    }

    /// The number of a unit; `None` when there are too many.
    pub fn number(&mut self, unit: Unit) -> Option<u16> {
        let at = self.0.iter().position(|known| known.0 == unit);
        let at = at.unwrap_or_else(|| {
            let most = WORTH_MAX / unit.num.max(1) * unit.den;
            self.0.push((unit, i64::try_from(most).unwrap_or(i64::MAX)));
            self.0.len() - 1
        });
        u16::try_from(at).ok()
    }

    /// The largest unit that divides this one and a step of the scale.
    pub fn common(&self, number: u16, scale: Scale) -> Option<Unit> {
        let unit = self.get(number);
        // Accounts mostly hold instruments of one kind, and divisions of this width are slow.
        if unit.den == scale.den && (unit.num == scale.num || scale.num % unit.num == 0) {
            return Some(unit);
        }
        let den = (unit.den / gcd(unit.den, scale.den)).checked_mul(scale.den)?;
        let num = gcd(
            unit.num.checked_mul(den / unit.den)?,
            scale.num.checked_mul(den / scale.den)?,
        );
        Some(Unit { num, den })
    }

    /// A number of units in fine units, when it is whole.
    pub fn whole(&self, number: u16, units: i64) -> Option<i128> {
        let unit = self.get(number);
        let fine = unit.num.checked_mul(i128::from(units))?;
        (unit.den == 1).then_some(fine)
    }
}

impl Unit {
    /// Units per step of a scale; it divides without rest.
    pub fn per(&self, scale: Scale) -> Option<i128> {
        if (self.num, self.den) == (scale.num, scale.den) {
            return Some(1);
        }
        Some(scale.num.checked_mul(self.den / scale.den)? / self.num)
    }

    /// Fine units as units, rounded down.
    pub fn floor(&self, fine: i128) -> Option<i128> {
        Some(fine.checked_mul(self.den)?.div_euclid(self.num))
    }

    /// Fine units as units, rounded up.
    pub fn ceil(&self, fine: i128) -> Option<i128> {
        Some(-(-fine).checked_mul(self.den)?.div_euclid(self.num))
    }

    /// A whole number of the other unit in this one, which divides it.
    pub fn rescale(&self, from: Unit, value: i64) -> Option<i64> {
        let factor = from.num.checked_mul(self.den / from.den)? / self.num;
        i64::try_from(i128::from(value).checked_mul(factor)?).ok()
    }
}
