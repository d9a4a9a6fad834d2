//! Overnight: swaps are added to positions, and margin prices stored with them are refreshed.

use super::instruments::{Instrument, ten};
use super::margin::clamp;
use super::positions::Position;
use super::{Book, Ctx};
use crate::convert::{FINE_DIGITS, Rate, Sided};
use crate::event::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use crate::wide::mul_div_round;

/// Days of a year in percent swaps.
pub const YEAR_DAYS: i128 = 360;
/// Most rollovers and day starts planned ahead: years of them for every instrument.
const PLANNED_MAX: usize = 1 << 20;

/// Swap in points: the value of a point (`native`, fine units of the profit currency) is rounded to that currency,
/// then to the account's, then multiplied by the points and rounded, then by the days. Negative is a charge.
pub fn swap_points(
    native: i128,
    profit_digits: u8,
    rate: Rate,
    digits: u8,
    points: Ratio,
    days: u8,
) -> Option<Money> {
    let point = div_round(native, ten(FINE_DIGITS - profit_digits));
    let scaled = point.checked_mul(ten(digits))?;
    let point = mul_div_round(scaled, rate.num, rate.den.checked_mul(ten(profit_digits))?)?;
    let day = mul_div_round(point, i128::from(points.0), i128::from(Ratio::ONE.0))?;
    Some(Money(clamp(day.checked_mul(i128::from(days))?)))
}

/// Annual percent of the cost of the lots, fine units of the swap currency, rounded once and multiplied by the days.
pub fn swap_percent(
    cost: i128,
    annual: Ratio,
    year_days: i128,
    rate: Rate,
    digits: u8,
    days: u8,
) -> Option<Money> {
    let year = mul_div_round(cost, i128::from(annual.0), i128::from(Ratio::ONE.0))?;
    let den = rate
        .den
        .checked_mul(year_days)?
        .checked_mul(ten(FINE_DIGITS - digits))?;
    let day = mul_div_round(year, rate.num, den)?;
    Some(Money(clamp(day.checked_mul(i128::from(days))?)))
}

/// An amount (fine units of the swap currency) per day, rounded and multiplied by the days.
pub fn swap_money(amount: i128, rate: Rate, digits: u8, days: u8) -> Option<Money> {
    let day = mul_div_round(
        amount,
        rate.num,
        rate.den.checked_mul(ten(FINE_DIGITS - digits))?,
    )?;
    Some(Money(clamp(day.checked_mul(i128::from(days))?)))
}

impl Book {
    pub(super) fn plan_rollover(&mut self, ctx: &mut Ctx<'_>, rollover: Rollover) {
        let reason = match self.instrument(rollover.instrument) {
            None => Some(Reject::UnknownInstrument),
            Some(_) if self.rollovers.len() >= PLANNED_MAX || rollover.weekday > 6 => {
                Some(Reject::TermsInvalid)
            }
            Some(_) => None,
        };
        if let Some(reason) = reason {
            return self.answer(ctx, None, None, vec![reason]);
        }
        if ctx.token != 0 {
            self.answer(ctx, None, None, Vec::new());
        }
        self.rollovers.insert(
            (rollover.at, rollover.instrument),
            (rollover.days, rollover.weekday),
        );
    }

    pub(super) fn plan_day(&mut self, ctx: &mut Ctx<'_>, day: DayStart) {
        if self.day_starts.len() >= PLANNED_MAX {
            return self.answer(ctx, None, None, vec![Reject::Busy]);
        }
        if ctx.token != 0 {
            self.answer(ctx, None, None, Vec::new());
        }
        self.day_starts.insert((day.at, day.zone));
    }

    /// Charges the swap of every position in an instrument and refreshes its margin price.
    pub(super) fn roll(&mut self, ctx: &mut Ctx<'_>, rollover: Rollover) {
        let mut slots = self.watch.holders(rollover.instrument.0).to_vec();
        slots.sort_by_key(|slot| self.positions.get(*slot).map(|position| position.id));
        for slot in slots {
            let Some(position) = self.positions.get(slot).copied() else {
                continue;
            };
            let swap = self.swap_of(&position, rollover.days).unwrap_or(Money(0));
            if let Some(position) = self.positions.get_mut(slot) {
                position.swap = Money(position.swap.0.saturating_add(swap.0));
            }
            let price = self.open_price(position.instrument, position.side);
            self.store_margin_rate(slot, price);
            self.tell_position(ctx, slot);
            self.touch(position.account);
        }
    }

    fn swap_of(&self, position: &Position, days: u8) -> Option<Money> {
        let instrument = self.instrument(position.instrument)?;
        let account = self.account(position.account)?;
        let terms = &instrument.terms;
        let (to, digits) = (account.state.terms.currency, self.digits_of(account));
        let value = if position.is_long() {
            terms.swap.long
        } else {
            terms.swap.short
        };
        let worse = if value >= 0 { Sided::Bid } else { Sided::Ask };
        match terms.swap.mode {
            SwapMode::None => None,
            SwapMode::Points => {
                let native = i128::from(position.qty).checked_mul(instrument.profit.num)?
                    / instrument.profit.den;
                let rate = self.rate(terms.quote, to, worse)?;
                let points = Ratio(value.checked_mul(Ratio::ONE.0)?);
                swap_points(native, self.digits(terms.quote), rate, digits, points, days)
            }
            SwapMode::Percent => {
                let (currency, cost) = self.lot_cost(position, instrument)?;
                let sided = if position.is_long() {
                    Sided::Bid
                } else {
                    Sided::Ask
                };
                swap_percent(
                    cost,
                    Ratio(value),
                    YEAR_DAYS,
                    self.rate(currency, to, sided)?,
                    digits,
                    days,
                )
            }
            SwapMode::Money => {
                let scale =
                    ten(FINE_DIGITS.checked_sub(self.digits(terms.quote) + terms.qty_digits)?);
                let amount = i128::from(position.qty)
                    .checked_mul(i128::from(value))?
                    .checked_mul(scale)?;
                swap_money(amount, self.rate(terms.quote, to, worse)?, digits, days)
            }
        }
    }

    /// Cost of a position's lots for percent swaps, and its currency: forex by contract, others by price.
    fn lot_cost(
        &self,
        position: &Position,
        instrument: &Instrument,
    ) -> Option<(crate::ids::CurrencyId, i128)> {
        let terms = &instrument.terms;
        let qty = i128::from(position.qty);
        if matches!(terms.mode, CalcMode::Forex | CalcMode::ForexNoLeverage) {
            let scale = ten(FINE_DIGITS - terms.qty_digits - terms.contract_digits);
            return Some((
                terms.base,
                qty.checked_mul(i128::from(terms.contract_size))?
                    .checked_mul(scale)?,
            ));
        }
        let price = self.close_price(position.instrument, position.side)?;
        let steps = qty.checked_mul(i128::from(price).abs())?;
        Some((
            terms.quote,
            mul_div_round(steps, instrument.profit.num, instrument.profit.den)?,
        ))
    }
}
