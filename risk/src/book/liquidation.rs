//! At which price of one instrument an account at mark price is stopped out when nothing else moves: the venues'
//! liquidation price, solved exactly. Equity and requirement are straight lines in the price (of an inverse contract
//! in its reciprocal) between the edges of brackets, so each piece is solved and the root inside its piece is taken.
//! Sources: Binance, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts"; Hyperliquid, "Liquidations".

use super::brackets::{Charge, maintenance, share};
use super::instruments::{Instrument, PriceUse, ten};
use super::levels::stop_share;
use super::margin::{Valuation, clamp};
use super::{Account, Book};
use crate::convert::{FINE_DIGITS, Rate};
use crate::exact::Exact;
use crate::terms::*;
use crate::units::*;
use crate::view::Liquidation;

/// What is held of one instrument, and what stands against it. Money in fine units of one currency.
pub struct Standing<'a> {
    pub instrument: &'a Instrument,
    /// Quantity bought and sold, in steps.
    pub legs: [i128; 2],
    pub equity: i128,
    /// Twice the price that equity was taken at.
    pub price_x2: i128,
    /// Requirement of everything else.
    pub other: i128,
    /// Share of the requirement at which equity is met.
    pub level: Exact,
    /// Share of notional where the instrument has no schedule.
    pub flat: Exact,
}

/// The price in steps, and what the larger leg is charged there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    pub price: Exact,
    pub charge: Charge,
}

impl Standing<'_> {
    /// The price at which equity meets the level; `None` when no positive one does, or a number is too large.
    pub fn root(&self) -> Option<Root> {
        let edges = self.edges()?;
        let inverse = self.instrument.inverse > 0;
        let net = self.legs[0] - self.legs[1];
        // Where both legs are equal only the requirement moves: it grows with the notional.
        let rising = net != 0 && (net > 0) != inverse;
        for (at, low) in edges.iter().enumerate() {
            let (charges, slope, constant) = self.line(*low)?;
            if slope.signum() == 0 || (slope.signum() > 0) != rising {
                continue;
            }
            let root = constant.negative().over(slope)?;
            let inside = root.compare(*low).is_ge()
                && edges
                    .get(at + 1)
                    .is_none_or(|high| root.compare(*high).is_le());
            if inside && root.signum() > 0 {
                let price = if inverse {
                    Exact::ONE.over(root)?
                } else {
                    root
                };
                let larger = usize::from(self.legs[1] > self.legs[0]);
                return charges[larger].map(|charge| Root { price, charge });
            }
        }
        None
    }

    /// Notional of a leg per unit of what is solved for: the price, or its reciprocal.
    fn unit(&self, qty: i128) -> Option<Exact> {
        if self.instrument.inverse > 0 {
            return qty.checked_mul(self.instrument.inverse).map(Exact::whole);
        }
        let profit = self.instrument.profit;
        Exact::new(qty.checked_mul(profit.num)?, profit.den)
    }

    /// Where a piece begins, rising.
    fn edges(&self) -> Option<Vec<Exact>> {
        let mut edges = vec![Exact::ZERO];
        if let MarginSchedule::Brackets(brackets) = &self.instrument.terms.crypto.schedule {
            let scale = ten(FINE_DIGITS - self.instrument.margin_digits);
            for qty in self.legs.into_iter().filter(|qty| *qty > 0) {
                for bracket in brackets.iter().skip(1) {
                    let floor = Exact::whole(i128::from(bracket.floor.0) * scale);
                    edges.push(floor.over(self.unit(qty)?)?);
                }
            }
        }
        edges.sort_by(|a, b| a.compare(*b));
        edges.dedup();
        Some(edges)
    }

    /// The charges of the legs in the piece that begins at `low`, and `equity − level × requirement` there as slope
    /// and constant.
    fn line(&self, low: Exact) -> Option<([Option<Charge>; 2], Exact, Exact)> {
        let half = Exact::new(self.price_x2, 2)?;
        let (now, sign) = if self.instrument.inverse > 0 {
            (Exact::ONE.over(half)?, -1)
        } else {
            (half, 1)
        };
        let gain = self.unit((self.legs[0] - self.legs[1]).checked_mul(sign)?)?;
        let mut slope = gain;
        let mut constant = Exact::whole(self.equity)
            .minus(gain.times(now)?)?
            .minus(self.level.times(Exact::whole(self.other))?)?;
        let mut charges = [None; 2];
        for (leg, qty) in self.legs.into_iter().enumerate() {
            if qty == 0 {
                continue;
            }
            let unit = self.unit(qty)?;
            let charge = self.charge(unit.times(low)?.floor(1)?, qty)?;
            slope = slope.minus(self.level.times(unit.times(charge.share)?)?)?;
            constant = constant.plus(self.level.times(Exact::whole(charge.amount))?)?;
            charges[leg] = Some(charge);
        }
        Some((charges, slope, constant))
    }

    fn charge(&self, notional: i128, qty: i128) -> Option<Charge> {
        match self.instrument.terms.crypto.schedule {
            MarginSchedule::Flat => Some(Charge::of(self.flat)),
            _ => maintenance(self.instrument, notional, qty),
        }
    }
}

impl Book {
    /// The price of an instrument at which an account at mark price reaches a share of its requirement when nothing
    /// else moves. Absent for other accounts, where a conversion stands between, and for hedged legs of an
    /// instrument without a schedule.
    pub(super) fn root_at(
        &self,
        account: &Account,
        value: &Valuation,
        instrument: &Instrument,
        level: Ratio,
    ) -> Option<Root> {
        let (group, currency) = (self.group_of(account), account.state.terms.currency);
        let terms = &instrument.terms;
        let alike = [instrument.result_currency(), terms.margin_currency] == [currency; 2];
        if group.margin_price != MarginPrice::Mark || !alike || value.missing.is_some() {
            return None;
        }
        let legs = self.held(account, terms.id);
        let prices = self.prices(terms.id)?;
        let price_x2 = super::cross::margin_price_x2(prices);
        let digits = self.digits_of(account);
        let (flat, own) = if self.is_scheduled(group, instrument) {
            let [long, short] = self.charged(account, instrument, legs)?;
            (Exact::ZERO, long.checked_add(short)?)
        } else {
            self.flat_margin(account, instrument, legs, price_x2)?
        };
        let other = i128::from(value.used.plain.0.checked_sub(own)?) * ten(FINE_DIGITS - digits);
        let standing = Standing {
            instrument,
            legs,
            equity: value.fixed + value.plain,
            price_x2,
            other,
            level: share(level)?,
            flat,
        };
        standing.root()
    }

    /// Share of notional and margin of what is held on one side without a schedule.
    fn flat_margin(
        &self,
        account: &Account,
        instrument: &Instrument,
        legs: [i128; 2],
        price_x2: i128,
    ) -> Option<(Exact, i64)> {
        let hedged = legs[0] > 0 && legs[1] > 0;
        let by_notional = instrument.inverse > 0 || instrument.margin_hold == instrument.profit;
        if hedged || instrument.price_use != PriceUse::Times || !by_notional {
            return None;
        }
        let held = instrument.hold_rates[usize::from(legs[1] > 0)];
        let (over, under) = self.leverage_on(account, instrument).0.fraction();
        let flat = share(held)?.over(Exact::new(over, under)?)?;
        let notional = instrument.notional(legs[0] + legs[1], price_x2)?;
        let own = Charge::of(flat).margin(notional, Rate::ONE, self.digits_of(account))?;
        Some((flat, own))
    }

    /// Quantity bought and sold of an instrument.
    pub(super) fn held(&self, account: &Account, id: crate::ids::InstrumentId) -> [i128; 2] {
        let mut legs = [0; 2];
        for slot in &account.positions {
            if let Some(position) = self.positions.get(*slot)
                && position.instrument == id
            {
                legs[usize::from(!position.is_long())] += i128::from(position.qty);
            }
        }
        legs
    }

    /// The account's liquidation price in an instrument.
    pub(super) fn liquidation(
        &self,
        account: &Account,
        value: &Valuation,
        instrument: &Instrument,
    ) -> Option<Liquidation> {
        let (level, _) = stop_share(self.group_of(account));
        let root = self.root_at(account, value, instrument, level)?;
        let minor = ten(FINE_DIGITS - instrument.margin_digits);
        let rate = root.charge.share.round(i128::from(Ratio::ONE.0))?;
        Some(Liquidation {
            price: Price(clamp(root.price.round(1)?)),
            num: root.price.num(),
            den: root.price.den(),
            bracket: root.charge.bracket,
            rate: Ratio(clamp(rate)),
            amount: Money(clamp(root.charge.amount / minor)),
        })
    }
}
