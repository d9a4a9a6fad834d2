//! Margin schedules: what one leg of an instrument must have as maintenance and as initial margin, as a share of its
//! notional less an amount, and whether a schedule contradicts itself.

use super::instruments::{Instrument, ten};
use crate::convert::{FINE_DIGITS, Rate};
use crate::exact::Exact;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use crate::wide::{mul_div_ceil, mul_div_round};

/// Most brackets of one schedule: no venue has more than a dozen or two.
const BRACKETS_MAX: usize = 64;
/// A millionth as a ratio: the step of a rate that open interest scales.
const PPM: i64 = 1_000_000;

/// What a leg is charged where it stands in its schedule: `notional × share − amount`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    pub share: Exact,
    /// Fine units of the margin currency.
    pub amount: i128,
    /// From 1; 0 without brackets.
    pub bracket: u16,
    /// The leg's margin is rounded up instead of half away.
    pub up: bool,
}

impl Charge {
    /// A share of the notional and nothing else.
    pub fn of(share: Exact) -> Charge {
        Charge {
            share,
            amount: 0,
            bracket: 0,
            up: false,
        }
    }

    /// The charge on a notional, fine units, exactly.
    pub fn exact(&self, notional: i128) -> Option<Exact> {
        Exact::whole(notional)
            .times(self.share)?
            .minus(Exact::whole(self.amount))
    }

    /// The charge on a notional (fine units of the margin currency), minor units of the account's currency.
    pub fn margin(&self, notional: i128, rate: Rate, digits: u8) -> Option<i64> {
        let minor = ten(FINE_DIGITS - digits);
        let round = if self.up { mul_div_ceil } else { mul_div_round };
        let (num, den) = (self.share.num(), self.share.den());
        let whole = || {
            let charged = notional.checked_mul(num)?;
            charged.checked_sub(self.amount.checked_mul(den)?)
        };
        let amount = match (whole(), den.checked_mul(minor)) {
            (Some(charged), Some(den)) if rate == Rate::ONE => round(charged, 1, den)?,
            _ => {
                let native = round(notional, num, den)?.checked_sub(self.amount)?;
                match rate.den.checked_mul(minor) {
                    Some(den) => round(native, rate.num, den)?,
                    None => round(round(native, rate.num, rate.den)?, 1, minor)?,
                }
            }
        };
        i64::try_from(amount.max(0))
            .ok()
            .filter(|amount| *amount <= super::accounts::MONEY_MAX)
    }

    /// The larger of two charges on a notional.
    fn larger(self, other: Charge, notional: i128) -> Option<Charge> {
        let (mine, others) = (self.exact(notional)?, other.exact(notional)?);
        Some(if others.compare(mine).is_gt() {
            other
        } else {
            self
        })
    }
}

/// Maintenance of a leg: `notional` in fine units of the margin currency, `qty` in steps. `None` for a flat schedule,
/// and when a number is too large.
pub fn maintenance(instrument: &Instrument, notional: i128, qty: i128) -> Option<Charge> {
    let terms = &instrument.terms;
    match &terms.crypto.schedule {
        MarginSchedule::Flat => None,
        MarginSchedule::Brackets(brackets) => {
            let (number, bracket) = bracket_of(brackets, notional, instrument.margin_digits)?;
            Some(Charge {
                share: share(bracket.rate)?,
                amount: fine(bracket.amount, instrument.margin_digits),
                bracket: number,
                up: false,
            })
        }
        MarginSchedule::Slope(slope) => {
            sloped(instrument, slope.maintenance, slope.per_unit, qty).map(Charge::of)
        }
        MarginSchedule::HalfOfInitial => {
            let (over, under) = terms.leverage_max.fraction();
            Exact::new(under, 2 * over).map(Charge::of)
        }
        MarginSchedule::OpenInterest(scale) => Some(Charge {
            up: true,
            ..Charge::of(share(scale.maintenance)?)
        }),
    }
}

/// Initial margin of a leg, never below its maintenance. `leverage` is the account's own on this instrument.
pub fn initial(
    instrument: &Instrument,
    notional: i128,
    qty: i128,
    leverage: Leverage,
    open_interest: Money,
) -> Option<Charge> {
    let levered = |cap: Leverage| {
        let capped = if cap == Leverage::NONE {
            leverage
        } else {
            leverage.min(cap)
        };
        let (over, under) = capped.fraction();
        Exact::new(under, over).map(Charge::of)
    };
    let least = maintenance(instrument, notional, qty)?;
    let charge = match &instrument.terms.crypto.schedule {
        MarginSchedule::Flat => return None,
        MarginSchedule::Brackets(brackets) => {
            let (_, bracket) = bracket_of(brackets, notional, instrument.margin_digits)?;
            levered(Leverage::of(bracket.leverage_max))?
        }
        MarginSchedule::Slope(slope) => {
            Charge::of(sloped(instrument, slope.initial, slope.per_unit, qty)?)
        }
        MarginSchedule::HalfOfInitial => levered(instrument.terms.leverage_max)?,
        MarginSchedule::OpenInterest(scale) => Charge {
            up: true,
            ..Charge::of(share(effective_initial(scale, open_interest))?)
        },
    };
    charge.larger(least, notional)
}

/// The initial rate at an open interest: the base at or below the lower cap, 100 % at or above the upper one, between
/// them in proportion and rounded down to a millionth. An upper cap of 0 switches scaling off.
/// Source: dYdX v4-chain, `LiquidityTier.GetInitialMarginQuoteQuantums`.
pub fn effective_initial(scale: &OpenInterestScale, open_interest: Money) -> Ratio {
    if scale.upper.0 == 0 || open_interest <= scale.lower {
        return scale.initial;
    }
    if open_interest >= scale.upper {
        return Ratio::ONE;
    }
    let base = i128::from(scale.initial.0 / PPM);
    let room = i128::from(Ratio::ONE.0 / PPM) - base;
    // Caps are checked to rise, so this divides by what is positive.
    let (above, range) = (
        i128::from(open_interest.0) - i128::from(scale.lower.0),
        i128::from(scale.upper.0) - i128::from(scale.lower.0),
    );
    let ppm = base + room * above / range.max(1);
    Ratio(super::margin::clamp(ppm) * PPM)
}

/// The amount that makes a bracket continuous: `floor × (rate − rate before) + amount before`, exactly.
pub fn amount_step(floor: Exact, rate: Exact, rate_before: Exact, before: Exact) -> Option<Exact> {
    floor.times(rate.minus(rate_before)?)?.plus(before)
}

/// The bracket that holds a notional, and its number from 1.
pub fn bracket_of(brackets: &[Bracket], notional: i128, digits: u8) -> Option<(u16, &Bracket)> {
    let above = brackets.partition_point(|bracket| fine(bracket.floor, digits) <= notional);
    let index = above.checked_sub(1)?;
    Some((index as u16 + 1, &brackets[index]))
}

/// Checks a schedule against itself and its instrument.
///
/// # Errors
/// `BracketsGap`, `BracketsNotRising`, `BracketAmount`, `ScheduleInvalid`.
pub fn check(terms: &InstrumentTerms, digits: u8) -> Result<(), Reject> {
    let schedule = &terms.crypto.schedule;
    let linear = terms.mode == CalcMode::CryptoLinear;
    let margined = match schedule {
        MarginSchedule::Flat => return Ok(()),
        // A size in coins does not stand still while the price of an inverse contract moves.
        MarginSchedule::Slope(_) | MarginSchedule::OpenInterest(_) => linear,
        MarginSchedule::Brackets(_) | MarginSchedule::HalfOfInitial => {
            linear || terms.mode == CalcMode::CryptoInverse
        }
    };
    let in_quote = !linear || terms.margin_currency == terms.quote;
    if !margined || !in_quote || terms.margin_fixed != Money(0) {
        return Err(Reject::ScheduleInvalid);
    }
    let is_rate = |rate: Ratio| rate > Ratio(0) && rate <= Ratio::ONE;
    let valid = match schedule {
        MarginSchedule::Flat => true,
        MarginSchedule::Brackets(brackets) => return check_brackets(brackets, digits),
        MarginSchedule::Slope(slope) => {
            is_rate(slope.maintenance)
                && is_rate(slope.initial)
                && slope.initial >= slope.maintenance
                && slope.per_unit >= Ratio(0)
                && slope.per_unit <= Ratio::ONE
        }
        MarginSchedule::HalfOfInitial => terms.leverage_max > Leverage::NONE,
        // A tier of the venue may begin at nothing and grow with the open interest.
        MarginSchedule::OpenInterest(scale) => {
            scale.initial <= Ratio::ONE
                && scale.initial.0 % PPM == 0
                && scale.maintenance >= Ratio(0)
                && scale.initial >= scale.maintenance
                && scale.lower >= Money(0)
                && (scale.upper == Money(0) || scale.upper > scale.lower)
        }
    };
    if valid {
        Ok(())
    } else {
        Err(Reject::ScheduleInvalid)
    }
}

fn check_brackets(brackets: &[Bracket], digits: u8) -> Result<(), Reject> {
    let (Some(first), true) = (brackets.first(), brackets.len() <= BRACKETS_MAX) else {
        return Err(Reject::BracketsGap);
    };
    if first.floor != Money(0) {
        return Err(Reject::BracketsGap);
    }
    for pair in brackets.windows(2) {
        let (low, high) = (pair[0], pair[1]);
        let falls = match (low.leverage_max, high.leverage_max) {
            (0, _) => true,
            (_, 0) => false,
            (low, high) => high <= low,
        };
        if high.floor <= low.floor || high.rate <= low.rate || !falls {
            return Err(Reject::BracketsNotRising);
        }
    }
    let small = |money: Money| money.0.unsigned_abs() <= super::accounts::MONEY_MAX as u64;
    if !brackets
        .iter()
        .all(|known| small(known.floor) && small(known.amount))
    {
        return Err(Reject::Overflow);
    }
    let mut before = (Exact::ZERO, Exact::ZERO);
    for bracket in brackets {
        let leverage = i128::from(bracket.leverage_max);
        // Whoever opens at the highest leverage must not be below maintenance at once.
        let covered = leverage * i128::from(bracket.rate.0) <= i128::from(Ratio::ONE.0);
        if bracket.rate < Ratio(0) || bracket.rate > Ratio::ONE || !covered {
            return Err(Reject::ScheduleInvalid);
        }
        let amount = || {
            let floor = Exact::decimal(i128::from(bracket.floor.0), digits)?;
            let rate = share(bracket.rate)?;
            let amount = amount_step(floor, rate, before.0, before.1)?;
            Some((amount, amount.round(ten(digits))?, rate))
        };
        let (amount, rounded, rate) = amount().ok_or(Reject::Overflow)?;
        if rounded != i128::from(bracket.amount.0) {
            return Err(Reject::BracketAmount);
        }
        before = (rate, amount);
    }
    Ok(())
}

/// A ratio as a fraction.
pub fn share(ratio: Ratio) -> Option<Exact> {
    Exact::new(i128::from(ratio.0), i128::from(Ratio::ONE.0))
}

fn sloped(instrument: &Instrument, base: Ratio, per_unit: Ratio, qty: i128) -> Option<Exact> {
    let terms = &instrument.terms;
    let size = Exact::new(
        qty.checked_mul(i128::from(terms.contract_size))?,
        ten(terms.qty_digits).checked_mul(ten(terms.contract_digits))?,
    )?;
    size.times(share(per_unit)?)?.plus(share(base)?)
}

fn fine(money: Money, digits: u8) -> i128 {
    i128::from(money.0) * ten(FINE_DIGITS - digits)
}

#[cfg(test)]
#[path = "brackets_tests.rs"]
mod tests;
