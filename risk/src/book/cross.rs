//! Accounts at mark price (`MarginPrice::Mark`, preset crypto-cross): results and margin follow the venue's mark price
//! while there is one; without it results are at the price a position closes at, and margin at the middle of bid and
//! ask. In instruments with a schedule each leg is charged for itself: maintenance counts for the states, initial
//! margin, with the orders in flight, for opening and for withdrawals.

use super::brackets::{Charge, effective_initial, initial, maintenance};
use super::charge::{Part, Sides};
use super::instruments::{Instrument, ten};
use super::margin::{Used, clamp};
use super::positions::Position;
use super::{Account, Book};
use crate::convert::{FINE_DIGITS, Prices, Sided};
use crate::event::Side;
use crate::exact::Exact;
use crate::ids::InstrumentId;
use crate::terms::*;
use crate::units::*;
use crate::view::RequirementView;
use crate::wide::mul_div_round;

impl Book {
    /// The price a position of an account at mark price is valued at; `None` for all others, and without a mark.
    pub(super) fn valued_at(&self, position: &Position) -> Option<i64> {
        let account = self.account(position.account)?;
        if self.group_of(account).margin_price != MarginPrice::Mark {
            return None;
        }
        self.prices(position.instrument)?.mark
    }

    /// Whether the group's margin in an instrument follows the instrument's schedule.
    pub(super) fn is_scheduled(&self, group: &GroupTerms, instrument: &Instrument) -> bool {
        group.margin_price == MarginPrice::Mark
            && instrument.terms.crypto.schedule != MarginSchedule::Flat
    }

    /// The instrument's schedule by itself asks for less than it is worth, whatever the account's leverage is. The others
    /// divide by that leverage.
    pub(super) fn is_levered_by_schedule(
        &self,
        group: &GroupTerms,
        instrument: &Instrument,
    ) -> bool {
        if !self.is_scheduled(group, instrument) {
            return false;
        }
        match &instrument.terms.crypto.schedule {
            MarginSchedule::Slope(slope) => slope.initial < Ratio::ONE,
            MarginSchedule::OpenInterest(scale) => {
                let open_interest = self.open_interest(instrument.terms.id);
                effective_initial(scale, open_interest) < Ratio::ONE
            }
            MarginSchedule::Flat | MarginSchedule::Brackets(_) | MarginSchedule::HalfOfInitial => {
                false
            }
        }
    }

    /// Whether the results of an account or what it must have bend with a price, so that no straight line bounds them.
    pub(super) fn is_bent(&self, account: &Account) -> bool {
        let positions = account.positions.iter();
        positions
            .filter_map(|slot| self.instrument(self.positions.get(*slot)?.instrument))
            .any(|instrument| instrument.inverse > 0)
    }

    /// Margin of one instrument by its schedule.
    pub(super) fn scheduled(
        &self,
        account: &Account,
        instrument: &Instrument,
        sides: &Sides,
        factor: Ratio,
    ) -> Option<Used> {
        let held = [&sides.long, &sides.short];
        let ordered = |side: Side| {
            let orders = sides.orders.iter().filter(|order| order.0 == side);
            orders.map(|order| order.2.qty).sum::<i128>()
        };
        let book = [ordered(Side::Buy), ordered(Side::Sell)];
        let legs = held.map(|part| part.qty);
        let charged = self.charged(account, instrument, legs)?;
        let mut used = Used::default();
        for (part, margin) in held.into_iter().zip(charged) {
            used.plain.0 = used.plain.0.checked_add(margin)?;
            used.soft.0 = used.soft.0.checked_add(as_held(part, margin)?)?;
        }
        let mut opening = 0;
        for more in [[0, 0], [book[0], 0], [0, book[1]]] {
            let (long, short) = (legs[0] + more[0], legs[1] + more[1]);
            let after = match account.state.terms.accounting {
                Accounting::Hedging => [long, short],
                Accounting::Netting => [(long - short).max(0), (short - long).max(0)],
            };
            let whole = self.to_open(account, instrument, after)?;
            // Of each leg what is held already keeps the factor it has, and only the rest is new exposure.
            let stays = [legs[0].min(after[0]), legs[1].min(after[1])];
            let old = match factor {
                Ratio::ONE => whole,
                _ => self.to_open(account, instrument, stays)?,
            };
            let mut sum = 0i64;
            for (part, (whole, old)) in held.into_iter().zip(whole.into_iter().zip(old)) {
                sum = sum.checked_add(as_held(part, old)?)?;
                sum = sum.checked_add(times((whole - old).max(0), factor)?)?;
            }
            opening = opening.max(sum);
        }
        used.opening = Money(opening);
        Some(used)
    }

    /// Maintenance of both legs, minor units.
    pub(super) fn charged(
        &self,
        account: &Account,
        instrument: &Instrument,
        legs: [i128; 2],
    ) -> Option<[i64; 2]> {
        self.each_leg(account, instrument, legs, &|notional, qty| {
            maintenance(instrument, notional, qty)
        })
    }

    /// Initial margin of both legs, minor units.
    fn to_open(
        &self,
        account: &Account,
        instrument: &Instrument,
        legs: [i128; 2],
    ) -> Option<[i64; 2]> {
        let open_interest = self.open_interest(instrument.terms.id);
        let leverage = self.leverage_on(account, instrument).0;
        self.each_leg(account, instrument, legs, &|notional, qty| {
            initial(instrument, notional, qty, leverage, open_interest)
        })
    }

    fn each_leg(
        &self,
        account: &Account,
        instrument: &Instrument,
        legs: [i128; 2],
        charge: &dyn Fn(i128, i128) -> Option<Charge>,
    ) -> Option<[i64; 2]> {
        let terms = &instrument.terms;
        let rate = self.rate(
            terms.margin_currency,
            account.state.terms.currency,
            Sided::Mid,
        )?;
        let price_x2 = margin_price_x2(self.prices(terms.id)?);
        let mut margins = [0; 2];
        for (margin, qty) in margins.iter_mut().zip(legs) {
            if qty > 0 {
                let notional = instrument.notional(qty, price_x2)?;
                let charge = charge(notional, qty)?;
                *margin = charge.margin(notional, rate, self.digits_of(account))?;
            }
        }
        Some(margins)
    }

    /// Where the legs of an account stand in their instruments' schedules.
    pub(super) fn requirements(&self, account: &Account) -> Vec<RequirementView> {
        let group = self.group_of(account);
        let positions = account.positions.iter();
        let mut ids: Vec<InstrumentId> = positions
            .filter_map(|slot| Some(self.positions.get(*slot)?.instrument))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut all = Vec::new();
        for instrument in ids.into_iter().filter_map(|id| self.instrument(id)) {
            if !self.is_scheduled(group, instrument) {
                continue;
            }
            let leverage = self.leverage_on(account, instrument).0;
            let legs = self.held(account, instrument.terms.id);
            for (side, qty) in [Side::Buy, Side::Sell].into_iter().zip(legs) {
                all.extend(self.requirement(instrument, side, qty, leverage));
            }
        }
        all
    }

    fn requirement(
        &self,
        instrument: &Instrument,
        side: Side,
        qty: i128,
        leverage: Leverage,
    ) -> Option<RequirementView> {
        let id = instrument.terms.id;
        let notional = instrument.notional(qty, margin_price_x2(self.prices(id)?))?;
        let open_interest = self.open_interest(id);
        let first = initial(instrument, notional, qty, leverage, open_interest)?;
        let least = maintenance(instrument, notional, qty)?;
        let minor = ten(FINE_DIGITS - instrument.margin_digits);
        let amount = |charge: &Charge| {
            let exact = charge.exact(notional)?;
            if charge.up {
                let up = exact.over(Exact::whole(minor))?.ceil(1)?;
                return up.checked_mul(minor);
            }
            exact.round(1)
        };
        let rate = |charge: &Charge| charge.share.round(i128::from(Ratio::ONE.0)).map(clamp);
        (qty > 0).then_some(RequirementView {
            instrument: id,
            side,
            qty: Qty(clamp(qty)),
            notional,
            initial_rate: Ratio(rate(&first)?),
            initial: amount(&first)?,
            maintenance_rate: Ratio(rate(&least)?),
            maintenance: amount(&least)?,
            bracket: least.bracket,
            amount: Money(clamp(least.amount / minor)),
        })
    }

    /// Own margin of a position by its instrument's schedule, standing alone.
    pub(super) fn scheduled_own(&self, account: &Account, position: &Position) -> Option<Money> {
        let instrument = self.instrument(position.instrument)?;
        let legs = [i128::from(position.qty), 0];
        let [margin, _] = self.charged(account, instrument, legs)?;
        Some(Money(margin))
    }
}

/// Twice the price margin follows: the mark, else the middle of bid and ask.
pub(super) fn margin_price_x2(prices: &Prices) -> i128 {
    match prices.mark {
        Some(mark) => 2 * i128::from(mark),
        None => i128::from(prices.bid) + i128::from(prices.ask),
    }
}

/// A margin of what is held, with its factors. They act on positions one by one: here in proportion to what each is worth.
fn as_held(part: &Part, margin: i64) -> Option<i64> {
    match part.plain {
        0 => Some(margin),
        plain => i64::try_from(mul_div_round(margin.into(), part.soft, plain)?).ok(),
    }
}

fn times(amount: i64, factor: Ratio) -> Option<i64> {
    let one = i128::from(Ratio::ONE.0);
    let scaled = mul_div_round(i128::from(amount), i128::from(factor.0), one)?;
    i64::try_from(scaled).ok()
}
