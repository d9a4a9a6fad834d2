//! Used margin, equity and margin state of an account, from its book alone. Margin components are rounded to the
//! account's digits, half away from zero, and then added; equity is never rounded before it is compared.

use super::accounts::MONEY_COUNTED_MAX;
pub use super::charge::component;
use super::instruments::{Instrument, ten};
use super::positions::Position;
use super::{Account, Book, Env};
use crate::convert::{FINE_DIGITS, Prices, Rate, Sided};
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::watch::{Leg, Valuing, worth, worth_at};
use crate::wide::{Fractions, mul_div_floor};
use std::cmp::Ordering;

/// Used margin in minor units: as the terms say, and with the factors of halts and orders in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub plain: Money,
    pub soft: Money,
    /// What equity must cover to open or withdraw; differs from `soft` where maintenance counts for the states and
    /// initial margin for opening.
    pub opening: Money,
}

impl Used {
    /// The sum of two.
    pub(super) fn plus(self, other: Used) -> Option<Used> {
        Some(Used {
            plain: Money(self.plain.0.checked_add(other.plain.0)?),
            soft: Money(self.soft.0.checked_add(other.soft.0)?),
            opening: Money(self.opening.0.checked_add(other.opening.0)?),
        })
    }
}

/// An account valued from scratch; money in fine units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Valuation {
    /// Balance, credit and swaps.
    pub fixed: i128,
    /// Floating result, floored, and with dead prices moved against the account.
    pub plain: i128,
    pub soft: i128,
    /// The exact result is less than this much above the floor.
    pub slack: i128,
    pub used: Used,
    /// First conversion or price that is missing.
    pub missing: Option<(CurrencyId, CurrencyId)>,
}

/// Which result a threshold looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Plain,
    Soft,
}

impl Valuation {
    /// Equity in minor units, rounded.
    pub fn equity(&self, digits: u8) -> Money {
        self.shown(self.fixed + self.plain, digits)
    }

    /// Floating result in minor units, rounded.
    pub fn unrealised(&self, digits: u8) -> Money {
        self.shown(self.plain, digits)
    }

    /// As warnings and restrictions see it, and as it is shown: dead prices have moved against the account.
    pub(super) fn warned(&self) -> Valuation {
        Valuation {
            plain: self.soft,
            ..*self
        }
    }

    /// What was cut off may have been the last bit of a tie, and ties go away from zero.
    fn shown(&self, floor: i128, digits: u8) -> Money {
        let up = if floor >= 0 { self.slack } else { 0 };
        Money(clamp(div_round(floor + up, ten(FINE_DIGITS - digits))))
    }
}

/// A leg of an account as the watch sees it.
pub fn leg_of(position: &Position, route: u32, converted: bool, margin_route: Option<u32>) -> Leg {
    Leg {
        account: position.account.0,
        instrument: position.instrument.0,
        route,
        converted,
        margin_route,
        long: position.is_long(),
        qty: position.qty,
        cost: position.cost,
    }
}

/// A level of margin as fine units of money: `ratio × used`.
pub fn line(ratio: Ratio, used: Money, digits: u8) -> i128 {
    // 20 fine digits less the 12 of a ratio and at most 8 of a currency: never negative.
    i128::from(ratio.0) * i128::from(used.0) * ten(FINE_DIGITS - 12 - digits)
}

/// The level `equity / used`, absent without used margin.
pub fn level(equity: i128, used: Money, digits: u8) -> Option<Ratio> {
    if used.0 <= 0 {
        return None;
    }
    let used = i128::from(used.0) * ten(FINE_DIGITS - digits);
    mul_div_floor(equity, i128::from(Ratio::ONE.0), used).map(|(ratio, _)| Ratio(clamp(ratio)))
}

/// Holds a wide number inside i64.
pub fn clamp(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

impl Book {
    /// The terms that hold for an account: its group's, under rules of its own. Accounts are opened into groups that
    /// exist.
    pub fn group_of<'a>(&'a self, account: &'a Account) -> &'a GroupTerms {
        match account.own.as_deref() {
            Some(own) => own,
            None => &self.groups[&account.state.terms.group],
        }
    }

    /// Digits of the account's currency.
    pub fn digits_of(&self, account: &Account) -> u8 {
        self.digits(account.state.terms.currency)
    }

    /// Digits of a currency, 2 when it is not known (terms are checked when they enter).
    pub fn digits(&self, currency: CurrencyId) -> u8 {
        self.currencies
            .get(&currency)
            .map_or(2, |terms| terms.digits)
    }

    pub(super) fn valuing(&self) -> Valuing<'_> {
        Valuing {
            instruments: &self.instruments,
            prices: &self.prices,
            routes: &self.routes,
        }
    }

    /// The conversion rate between two currencies now.
    pub fn rate(&self, from: CurrencyId, to: CurrencyId, sided: Sided) -> Option<Rate> {
        if from == to {
            return Some(Rate::ONE);
        }
        self.map().find(from, to).rate(&self.prices, sided)
    }

    /// Values an account from scratch.
    pub fn valuate(&self, account: &Account, env: &Env<'_>) -> Valuation {
        self.valuate_with(account, || self.used(account, env, None, &[], &[]))
    }

    /// Values an account; `used` says its used margin, or `None` when that cannot be known.
    pub(super) fn valuate_with(
        &self,
        account: &Account,
        used: impl FnOnce() -> Option<Used>,
    ) -> Valuation {
        let digits = self.digits_of(account);
        let mut value = Valuation::default();
        let mut swap = 0i128;
        let currency = account.state.terms.currency;
        for slot in &account.positions {
            let Some(position) = self.positions.get(*slot) else {
                continue;
            };
            swap += i128::from(position.swap.0);
            match self.position_worth(&position) {
                Some(worth) => {
                    value.plain += worth.plain;
                    value.soft += worth.soft;
                    value.slack += i128::from(!worth.exact);
                }
                None => {
                    let quote = self
                        .instrument(position.instrument)
                        .map_or(currency, Instrument::result_currency);
                    value.missing = value.missing.or(Some((quote, currency)));
                }
            }
        }
        let money = i128::from(account.state.balance.0) + i128::from(account.state.credit.0) + swap;
        let counted = money.clamp(-MONEY_COUNTED_MAX, MONEY_COUNTED_MAX);
        value.fixed = counted * ten(FINE_DIGITS - digits);
        match used() {
            Some(used) => value.used = used,
            None => {
                value.used = account.kept_used();
                let from = self.missing_margin_rate(account).unwrap_or(currency);
                value.missing = value.missing.or(Some((from, currency)));
            }
        }
        value
    }

    /// A position's result now in fine units of its account's currency.
    pub fn position_worth(&self, position: &Position) -> Option<crate::watch::Worth> {
        let leg = self.leg(position)?;
        match self.valued_at(position) {
            Some(mark) => {
                let instrument = self.instrument(position.instrument)?;
                let (plain, exact) = worth_at(&leg, mark, instrument, self.valuing())?;
                Some(crate::watch::Worth {
                    plain,
                    soft: plain,
                    exact,
                })
            }
            None => worth(&leg, self.valuing()),
        }
    }

    pub(super) fn leg(&self, position: &Position) -> Option<Leg> {
        let account = self.account(position.account)?;
        let instrument = self.instrument(position.instrument)?;
        let (from, to) = (instrument.result_currency(), account.state.terms.currency);
        // A currency needs no way into itself.
        let route = if from == to {
            0
        } else {
            self.routes.find(from, to)?
        };
        Some(leg_of(position, route, from != to, None))
    }

    fn missing_margin_rate(&self, account: &Account) -> Option<CurrencyId> {
        let positions = account
            .positions
            .iter()
            .filter_map(|slot| self.positions.get(*slot));
        let missing = positions.filter(|position| position.margin_rate.is_none());
        missing
            .filter_map(|p| Some(self.instrument(p.instrument)?.terms.margin_currency))
            .next()
    }

    /// Compares the account's exact equity with a line, going beyond the floors only when they leave it open.
    pub(super) fn against(
        &self,
        account: &Account,
        value: &Valuation,
        which: Which,
        line: i128,
    ) -> Ordering {
        let floating = if which == Which::Plain {
            value.plain
        } else {
            value.soft
        };
        let floor = value.fixed + floating;
        if value.slack == 0 {
            return floor.cmp(&line);
        }
        // Something was cut off, so the exact value lies strictly between the floor and floor + slack.
        if floor >= line {
            Ordering::Greater
        } else if floor + value.slack <= line {
            Ordering::Less
        } else {
            self.exactly(account, value, which, line)
        }
    }

    fn exactly(&self, account: &Account, value: &Valuation, which: Which, line: i128) -> Ordering {
        let mut sum = Fractions::whole(value.fixed);
        for slot in &account.positions {
            let position = self.positions.get(*slot);
            let term = position.and_then(|position| self.exact_term(&position, which));
            if let Some((amount, num, den)) = term {
                sum.add(amount, num, den);
            }
        }
        sum.compare(line)
    }

    pub(super) fn exact_term(
        &self,
        position: &Position,
        which: Which,
    ) -> Option<(i128, i128, i128)> {
        let leg = self.leg(position)?;
        let instrument = self.instrument(position.instrument)?;
        let prices: &Prices = self.prices.get(position.instrument.0 as usize)?;
        let close = match (self.valued_at(position), which, leg.long) {
            (Some(mark), ..) => mark,
            (None, Which::Plain, true) => prices.bid,
            (None, Which::Plain, false) => prices.ask,
            (None, Which::Soft, true) => prices.soft_bid,
            (None, Which::Soft, false) => prices.soft_ask,
        };
        let (native, den) = instrument.result(leg.long, leg.qty, leg.cost, close)?;
        if !leg.converted {
            return Some((native, 1, den));
        }
        let sided = if native >= 0 { Sided::Bid } else { Sided::Ask };
        let rate = self.routes.get(leg.route).rate(&self.prices, sided)?;
        Some((native, rate.num, rate.den.checked_mul(den)?))
    }
}
