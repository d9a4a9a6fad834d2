//! Overnight: swaps are added to positions, and margin prices stored with them are refreshed.

use super::instruments::{Instrument, ten};
use super::margin::clamp;
use super::positions::Position;
use super::timers::{SwapDue, Timer};
use super::{Book, Ctx};
use crate::convert::{FINE_DIGITS, Rate, Sided};
use crate::event::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use crate::wide::mul_div_round;

/// Most rollovers and day starts planned ahead: years of them for every instrument.
const PLANNED_MAX: usize = 1 << 20;

/// A swap whose rate or price is missing is tried again after this long: the machine's minute.
const RETRY_NS: u64 = MINUTE_NS;

/// Value of a point (`native`, fine units of the profit currency) rounded to that currency's digits, and that converted
/// and rounded to the account's digits: minor units of each.
pub fn point_price(
    native: i128,
    profit_digits: u8,
    rate: Rate,
    digits: u8,
) -> Option<(i128, i128)> {
    let profit = div_round(native, ten(FINE_DIGITS - profit_digits));
    let scaled = profit.checked_mul(ten(digits))?;
    let account = mul_div_round(scaled, rate.num, rate.den.checked_mul(ten(profit_digits))?)?;
    Some((profit, account))
}

/// Swap in points: the price of a point in the account's currency times the points, rounded, then times the days
/// (MetaTrader 5, Swaps, calculation in points). Negative is a charge.
pub fn swap_points(
    native: i128,
    profit_digits: u8,
    rate: Rate,
    digits: u8,
    points: Ratio,
    days: u8,
) -> Option<Money> {
    let (_, point) = point_price(native, profit_digits, rate, digits)?;
    let day = mul_div_round(point, i128::from(points.0), i128::from(Ratio::ONE.0))?;
    Some(Money(clamp(day.checked_mul(i128::from(days))?)))
}

/// Side of a rate that is worse for the client: a credit is sold at the bid, a charge bought at the ask.
pub fn worse_side(value: Ratio) -> Sided {
    if (value >= Ratio(0)) != crate::mutated!(SwapOtherSide) {
        Sided::Bid
    } else {
        Sided::Ask
    }
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
    let day = rate.apply(year, year_days.checked_mul(ten(FINE_DIGITS - digits))?)?;
    Some(Money(clamp(day.checked_mul(i128::from(days))?)))
}

/// An amount (fine units of the swap currency) per day, rounded and multiplied by the days.
pub fn swap_money(amount: i128, rate: Rate, digits: u8, days: u8) -> Option<Money> {
    let day = rate.apply(amount, ten(FINE_DIGITS - digits))?;
    Some(Money(clamp(day.checked_mul(i128::from(days))?)))
}

impl Book {
    pub(super) fn plan_rollover(&mut self, ctx: &mut Ctx<'_>, rollover: Rollover) {
        let is_full = rollover.days > 0 && self.rollovers.len() >= PLANNED_MAX;
        let reason = match self.instrument(rollover.instrument) {
            None => Some(Reject::UnknownInstrument),
            Some(_) if is_full || rollover.weekday > 6 => Some(Reject::TermsInvalid),
            Some(_) => None,
        };
        if let Some(reason) = reason {
            return self.answer(ctx, None, None, vec![reason]);
        }
        if ctx.token != 0 {
            self.answer(ctx, None, None, Vec::new());
        }
        let key = (rollover.at, rollover.instrument);
        if rollover.days == 0 {
            // The day has become a holiday.
            self.rollovers.remove(&key);
        } else {
            let days = (rollover.days, rollover.weekday);
            self.rollovers.insert(key, days);
        }
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

    /// Charges the swap of every position in an instrument that was open at that night and refreshes its margin price. A
    /// night may be told late, after an outage or a jump of the clock: who came after it pays nothing for it.
    pub(super) fn roll(&mut self, ctx: &mut Ctx<'_>, rollover: Rollover) {
        // A day that counts no swap is no working day: margin keeps the rate it has (MetaTrader 5, end of day).
        let working = rollover.days > 0;
        if working && self.refresh_fixings(rollover.instrument) {
            // Also whoever came after a night that is told late, and whoever has an order alone.
            self.touch_holders(rollover.instrument);
        }
        let mut slots = self.watch.holders(rollover.instrument.0).to_vec();
        slots.sort_by_key(|slot| self.positions.get(*slot).map(|position| position.id));
        for slot in slots {
            let Some(position) = self.positions.get(slot) else {
                continue;
            };
            if position.opened > rollover.at {
                continue;
            }
            let due = SwapDue {
                position: position.id,
                at: rollover.at,
                days: rollover.days,
            };
            self.charge_swap(ctx, slot, due);
            let price = self.open_price(position.instrument, position.side);
            if working {
                self.store_margin_rate(slot, price);
            }
            self.tell_position(ctx, slot);
            self.touch(position.account);
        }
    }

    /// Adds a swap to its position; one that cannot be computed waits.
    fn charge_swap(&mut self, ctx: &mut Ctx<'_>, slot: u32, due: SwapDue) {
        let Some(position) = self.positions.get(slot) else {
            return;
        };
        match self.swap_of(&position, due.days) {
            Some(swap) => {
                if let Some(mut position) = self.positions.get_mut(slot) {
                    position.swap = Money(position.swap.0.saturating_add(swap.0));
                }
            }
            None => self.after(ctx.now, RETRY_NS, Timer::Swap(due)),
        }
    }

    /// A swap that had to wait is tried again, while its position is open.
    pub(super) fn swap_again(&mut self, ctx: &mut Ctx<'_>, due: SwapDue) {
        let Some(slot) = self.positions.slot(due.position) else {
            return;
        };
        self.charge_swap(ctx, slot, due);
        self.tell_position(ctx, slot);
        if let Some(position) = self.positions.get(slot) {
            self.touch(position.account);
        }
    }

    fn swap_of(&self, position: &Position, days: u8) -> Option<Money> {
        let instrument = self.instrument(position.instrument)?;
        let account = self.account(position.account)?;
        let terms = &instrument.terms;
        let (to, digits) = (account.state.terms.currency, self.digits_of(account));
        let (value, side) = if position.is_long() {
            (terms.swap.long, Sided::Bid)
        } else {
            (terms.swap.short, Sided::Ask)
        };
        if value == Ratio(0) {
            return Some(Money(0));
        }
        match terms.swap.mode {
            SwapMode::None => Some(Money(0)),
            SwapMode::Points => {
                let steps = i128::from(position.qty).checked_mul(i128::from(terms.swap.point.0))?;
                let native = mul_div_round(steps, instrument.profit.num, instrument.profit.den)?;
                let rate = self.rate(terms.quote, to, worse_side(value))?;
                swap_points(native, self.digits(terms.quote), rate, digits, value, days)
            }
            SwapMode::Percent => {
                let price = || self.close_price(position.instrument, position.side);
                let cost = lot_cost(instrument, position.qty, price)?;
                let currency = match terms.mode {
                    CalcMode::Forex | CalcMode::ForexNoLeverage | CalcMode::CryptoInverse => {
                        terms.base
                    }
                    _ => terms.quote,
                };
                let rate = self.rate(currency, to, side)?;
                let year_days = i128::from(terms.swap.year_days);
                swap_percent(cost, value, year_days, rate, digits, days)
            }
            SwapMode::Money => {
                // Twelve digits of the ratio beside those of the lots.
                let scale = FINE_DIGITS.checked_sub(terms.qty_digits)?;
                let lots = i128::from(position.qty).checked_mul(ten(scale))?;
                let amount = mul_div_round(lots, i128::from(value.0), i128::from(Ratio::ONE.0))?;
                swap_money(
                    amount,
                    self.rate(terms.quote, to, worse_side(value))?,
                    digits,
                    days,
                )
            }
        }
    }
}

/// Cost of a quantity for percent swaps, fine units: forex by the contract alone (base currency), others by contract
/// and price, futures by contract, price and the value of a tick over its size (MetaTrader 5, Swaps, calculation in
/// percentage). `None` when the price is needed and missing.
pub fn lot_cost(
    instrument: &Instrument,
    qty: i64,
    price: impl FnOnce() -> Option<i64>,
) -> Option<i128> {
    let terms = &instrument.terms;
    let lots = i128::from(qty).checked_mul(i128::from(terms.contract_size))?;
    if matches!(terms.mode, CalcMode::Forex | CalcMode::ForexNoLeverage) {
        return lots.checked_mul(ten(FINE_DIGITS - terms.qty_digits - terms.contract_digits));
    }
    if instrument.inverse > 0 {
        return instrument.cost(qty, price()?);
    }
    let steps = lots.checked_mul(i128::from(price()?).abs())?;
    let digits = terms.qty_digits + terms.contract_digits + terms.price_digits;
    if terms.mode == CalcMode::Futures && terms.tick_value > 0 {
        // A tick's value is in minor units, its size in price steps, so the price's digits cancel out.
        let digits = terms.qty_digits + terms.contract_digits + instrument.quote_digits;
        let value =
            i128::from(terms.tick_value).checked_mul(ten(FINE_DIGITS.checked_sub(digits)?))?;
        return mul_div_round(steps, value, i128::from(terms.tick.0));
    }
    steps.checked_mul(ten(FINE_DIGITS.checked_sub(digits)?))
}
