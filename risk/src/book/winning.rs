//! Which rules a margin comes from, for those who ask.

use super::charge::{With, charge, component};
use super::instruments::Instrument;
use super::margin::clamp;
use super::positions::Position;
use super::used::{MarginInputs, base};
use super::{Account, Book, Env};
use crate::convert::Rate;
use crate::event::*;
use crate::terms::Accounting;
use crate::units::*;
use crate::view::{InstrumentMargin, MarginRule, TierView};
use crate::wide::mul_div_round;

impl Book {
    /// The rules behind a position's margin.
    pub(super) fn position_rule(
        &self,
        account: &Account,
        position: &Position,
        env: &Env<'_>,
    ) -> Option<MarginRule> {
        let instrument = self.instrument(position.instrument)?;
        let known = self.margin_inputs(position, instrument, account);
        let inputs = known.unwrap_or(MarginInputs {
            cost: position.margin_cost,
            times: 1,
            rate: Rate::ONE,
        });
        let factor = self.held_factor(instrument, position.opened, env);
        let place = (account, instrument);
        let (native, share) = self.held_base(position, place, &inputs, Rate::ONE)?;
        Some(MarginRule {
            conversion: known.map(|inputs| inputs.rate),
            ..self.rule_of(account, instrument, (native, share, factor), env)
        })
    }

    /// The rules behind an order's margin at a price.
    pub(super) fn order_rule(
        &self,
        account: &Account,
        order: &NewOrder,
        price: Price,
        env: &Env<'_>,
    ) -> Option<MarginRule> {
        let instrument = self.instrument(order.instrument)?;
        let qty = i128::from(order.qty.0);
        let cost = instrument.cost(order.qty.0, price.0)?;
        let native = base(instrument, instrument.margin, qty, cost, Rate::ONE)?;
        let factor = self.flight_factor(instrument, env);
        let share = instrument.open_rate(order.side, order.kind);
        let sided = super::fills::margin_side(order.side);
        let currency = account.state.terms.currency;
        Some(MarginRule {
            conversion: self.rate(instrument.terms.margin_currency, currency, sided),
            ..self.rule_of(account, instrument, (native, share, factor), env)
        })
    }

    fn rule_of(
        &self,
        account: &Account,
        instrument: &Instrument,
        (native, rate, factor): (i128, Ratio, Ratio),
        env: &Env<'_>,
    ) -> MarginRule {
        let (leverage, leverage_from) = self.leverage_on(account, instrument);
        let (over, under) = leverage.fraction();
        let set = self.group_of(account).margin.tiers;
        let mut windows = self.open_windows(instrument.terms.id, env.now);
        MarginRule {
            leverage,
            leverage_from,
            rate,
            factor,
            window: windows
                .find(|window| factor > Ratio::ONE && window.factor == factor)
                .map(|window| window.id),
            tiers: self
                .tier_of(account, instrument.terms.id)
                .map(|rule| (set, rule.id)),
            base: mul_div_round(native, under, over).unwrap_or(0),
            conversion: None,
        }
    }

    /// How leverage rules charge an account.
    pub(super) fn tier_views(&self, account: &Account, env: &Env<'_>) -> Vec<TierView> {
        self.applied(account, env)
            .into_iter()
            .map(|(set, rule, instrument, charged)| TierView {
                set,
                rule,
                instrument,
                charged,
            })
            .collect()
    }

    /// Margin of a position standing alone now, with the factors of halts and windows as they reach it: shown beside a
    /// used margin that has them.
    pub(super) fn margin_raised(
        &self,
        account: &Account,
        position: &Position,
        env: &Env<'_>,
    ) -> Money {
        let known = self.margin_now(position);
        let raised = || {
            let instrument = self.instrument(position.instrument)?;
            let (num, den) = self.position_factor(instrument, position, env);
            if num == den {
                return None;
            }
            if self.is_scheduled(self.group_of(account), instrument) {
                return i64::try_from(mul_div_round(known.0.into(), num, den)?).ok();
            }
            // The raised amount is rounded, as it is in the used margin, and not the rounded one raised.
            let part = self.position_part(position, account)?;
            let amount = mul_div_round(part.plain, num, den)?;
            let (leverage, _) = self.leverage_on(account, instrument);
            component(amount, &[], leverage, self.digits_of(account))
        };
        raised().map_or(known, Money)
    }

    /// What each instrument of an account is charged before bands, with the factors of halts and windows.
    pub(super) fn margins(&self, account: &Account, env: &Env<'_>) -> Vec<InstrumentMargin> {
        let Some(holdings) = self.holdings(account, env, None, &[], &[]) else {
            return Vec::new();
        };
        let margins = holdings.iter().filter_map(|holding| {
            let rule = self.charge_rule(account, holding.id, true)?;
            let charged = charge(&rule, &holding.sides, With::Factors)?;
            let hedges = account.state.terms.accounting == Accounting::Hedging
                && !self.is_scheduled(self.group_of(account), rule.instrument);
            Some(InstrumentMargin {
                instrument: holding.id,
                open: Money(charged.held.minor - charged.covered),
                covered: Money(charged.covered),
                covered_qty: Qty(clamp(charged.covered_qty)),
                lots: charged.held.lots,
                orders: Money(charged.raised.minor),
                hedge: hedges.then(|| self.hedge_on(account, rule.instrument)),
            })
        });
        margins.collect()
    }
}
