//! Exposure of the house by scope and instrument, and the limits on it. Derived from positions and open orders.

use super::instruments::ten;
use super::margin::clamp;
use super::orders::Order;
use super::positions::Position;
use super::{Account, Book};
use crate::convert::{FINE_DIGITS, Sided};
use crate::event::*;
use crate::ids::*;
use crate::units::*;
use crate::verdict::{Reasons, Reject};
use crate::wide::mul_div_round;
use std::collections::BTreeMap;

/// Open quantity of a scope in an instrument, in lot steps; orders in flight stand apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    pub long: i128,
    pub short: i128,
    pub buying: i128,
    pub selling: i128,
}

impl Exposure {
    /// Largest |net| if the orders in flight of one side all fill.
    fn net_worst(&self) -> i128 {
        let net = self.long - self.short;
        (net + self.buying).abs().max((net - self.selling).abs())
    }

    fn gross(&self) -> i128 {
        self.long + self.short + self.buying.max(self.selling)
    }

    fn is_empty(&self) -> bool {
        *self == Exposure::default()
    }
}

/// All exposures.
#[derive(Clone, Debug, Default)]
pub struct Exposures(BTreeMap<(Scope, InstrumentId), Exposure>);

impl Exposures {
    fn change(&mut self, scope: Scope, instrument: InstrumentId, change: impl Fn(&mut Exposure)) {
        let exposure = self.0.entry((scope, instrument)).or_default();
        change(exposure);
        if exposure.is_empty() {
            self.0.remove(&(scope, instrument));
        }
    }

    /// One scope in one instrument.
    pub fn get(&self, scope: Scope, instrument: InstrumentId) -> Exposure {
        self.0
            .get(&(scope, instrument))
            .copied()
            .unwrap_or_default()
    }

    fn of_scope(&self, scope: Scope) -> impl Iterator<Item = (InstrumentId, Exposure)> + '_ {
        let range = (scope, InstrumentId(0))..=(scope, InstrumentId(u32::MAX));
        self.0
            .range(range)
            .map(|((_, instrument), exposure)| (*instrument, *exposure))
    }
}

impl Book {
    pub(super) fn expose_position(&mut self, position: &Position, sign: i128) {
        let Some(group) = self
            .account(position.account)
            .map(|account| account.state.terms.group)
        else {
            return;
        };
        let qty = i128::from(position.qty) * sign;
        let ids = (position.desk, position.trader, position.strategy);
        for scope in owned_scopes(group, position.account, ids) {
            self.exposures
                .change(scope, position.instrument, |exposure| {
                    if position.is_long() {
                        exposure.long += qty
                    } else {
                        exposure.short += qty
                    }
                });
        }
    }

    pub(super) fn expose_order(&mut self, order: &Order, sign: i128) {
        if order.closing {
            return;
        }
        let Some(group) = self
            .account(order.order.account)
            .map(|account| account.state.terms.group)
        else {
            return;
        };
        let qty = i128::from(order.remaining().0) * sign;
        let ids = (order.order.desk, order.order.trader, order.order.strategy);
        for scope in owned_scopes(group, order.order.account, ids) {
            self.exposures
                .change(scope, order.order.instrument, |exposure| {
                    if order.order.side == Side::Buy {
                        exposure.buying += qty
                    } else {
                        exposure.selling += qty
                    }
                });
        }
    }

    /// The currency limits and exposures are counted in: the first pivot.
    pub fn house_currency(&self) -> Option<CurrencyId> {
        self.currencies
            .values()
            .find(|currency| currency.pivot == 1)
            .map(|currency| currency.id)
    }

    /// Value of a quantity at `price_x2 / 2`, house currency minor units; `None` when a rate is missing.
    pub fn notional(&self, instrument: InstrumentId, qty: i128, price_x2: i128) -> Option<i128> {
        let value = self.notional_fine(instrument, qty, price_x2)?;
        let digits = self.digits(self.house_currency()?);
        Some(div_round(value, ten(FINE_DIGITS - digits)))
    }

    /// The same in fine units, for comparing with a limit.
    pub fn notional_fine(
        &self,
        instrument: InstrumentId,
        qty: i128,
        price_x2: i128,
    ) -> Option<i128> {
        let instrument = self.instrument(instrument)?;
        let house = self.house_currency()?;
        let rate = self.rate(instrument.terms.quote, house, Sided::Mid)?;
        let steps = qty.abs().checked_mul(price_x2.abs())?;
        let native = mul_div_round(
            steps,
            instrument.profit.num,
            instrument.profit.den.checked_mul(2)?,
        )?;
        mul_div_round(native, rate.num, rate.den)
    }

    pub(super) fn check_limits(&self, account: &Account, order: &NewOrder, reasons: &mut Reasons) {
        if self.limits.is_empty() {
            return;
        }
        for scope in self.scopes(account, order) {
            for kind in LimitKind::ALL {
                if let Some(limit) = self.limits.get(&(scope, *kind)) {
                    match self.measure(scope, *kind, order) {
                        Some(value) if value > i128::from(*limit) => reasons.push(reject_of(*kind)),
                        Some(_) => {}
                        None => reasons.push(Reject::RateMissing),
                    }
                }
            }
        }
    }

    /// Base and quote of an instrument that exchanges one currency for another.
    pub fn legs(&self, instrument: InstrumentId) -> Option<[CurrencyId; 2]> {
        let terms = &self.instrument(instrument)?.terms;
        (terms.base != terms.quote).then_some([terms.base, terms.quote])
    }

    /// A scope's figure with the order on top.
    fn measure(&self, scope: Scope, kind: LimitKind, order: &NewOrder) -> Option<i128> {
        let source = match scope {
            Scope::Instrument(_) | Scope::Currency(_) => Scope::House,
            _ => scope,
        };
        let with_order = |instrument: InstrumentId, mut exposure: Exposure| {
            if instrument == order.instrument {
                let qty = i128::from(order.qty.0);
                if order.side == Side::Buy {
                    exposure.buying += qty
                } else {
                    exposure.selling += qty
                }
            }
            exposure
        };
        if kind == LimitKind::NetQty {
            let exposure = self.exposures.get(source, order.instrument);
            return Some(with_order(order.instrument, exposure).net_worst());
        }
        let mut all: Vec<(InstrumentId, Exposure)> = self.exposures.of_scope(source).collect();
        if !all
            .iter()
            .any(|(instrument, _)| *instrument == order.instrument)
        {
            all.push((order.instrument, Exposure::default()));
        }
        let all = all
            .into_iter()
            .map(|(instrument, exposure)| (instrument, with_order(instrument, exposure)));
        match scope {
            Scope::Currency(currency) => self.measure_currency(currency, kind, all),
            Scope::Instrument(only) => self.total(kind, all.filter(|(id, _)| *id == only)),
            _ => self.total(kind, all),
        }
    }

    /// Sum of the instruments' own figures, house currency minor units.
    fn total(
        &self,
        kind: LimitKind,
        mut all: impl Iterator<Item = (InstrumentId, Exposure)>,
    ) -> Option<i128> {
        all.try_fold(0i128, |total, (instrument, exposure)| {
            let qty = if kind == LimitKind::NetExposure {
                exposure.net_worst()
            } else {
                exposure.gross()
            };
            total.checked_add(self.value_now(instrument, qty)?)
        })
    }

    /// A currency's legs of all instruments netted: long as the base of what is bought, short as the quote of it. With
    /// the orders in flight of one direction filled, whichever is worse.
    fn measure_currency(
        &self,
        currency: CurrencyId,
        kind: LimitKind,
        all: impl Iterator<Item = (InstrumentId, Exposure)>,
    ) -> Option<i128> {
        let (mut low, mut high, mut gross) = (0i128, 0i128, 0i128);
        for (instrument, exposure) in all {
            let sign = match self.legs(instrument) {
                Some([base, _]) if base == currency => 1,
                Some([_, quote]) if quote == currency => -1,
                _ => continue,
            };
            let net = exposure.long - exposure.short;
            let ends = [net - exposure.selling, net + exposure.buying];
            let mut values = [0i128; 2];
            for (value, end) in values.iter_mut().zip(ends) {
                *value = self.value_now(instrument, end)? * end.signum() * sign;
            }
            low = low.checked_add(values[0].min(values[1]))?;
            high = high.checked_add(values[0].max(values[1]))?;
            gross = gross.checked_add(self.value_now(instrument, exposure.gross())?)?;
        }
        Some(if kind == LimitKind::GrossExposure {
            gross
        } else {
            low.abs().max(high.abs())
        })
    }

    /// Value of a quantity at the mid of now, not negative.
    fn value_now(&self, instrument: InstrumentId, qty: i128) -> Option<i128> {
        let prices = self.prices(instrument)?;
        self.notional(
            instrument,
            qty,
            i128::from(prices.bid) + i128::from(prices.ask),
        )
    }

    /// Exposure of the house in an instrument, for views and tests.
    pub fn exposure(&self, scope: Scope, instrument: InstrumentId) -> Exposure {
        self.exposures.get(scope, instrument)
    }

    /// Sets a limit; a raise, or lifting it, needs a second person.
    pub(super) fn set_limit(&mut self, set: SetLimit, actor: ActorId) -> Result<(), Reject> {
        // Quantities of different instruments have no sum.
        let in_lots = set.kind == LimitKind::NetQty && matches!(set.scope, Scope::Currency(_));
        if set.value < 0 || in_lots {
            return Err(Reject::TermsInvalid);
        }
        let now = self.limits.get(&(set.scope, set.kind)).copied();
        let raises = now.is_some_and(|now| set.value == 0 || set.value > now);
        if raises {
            super::modes::two_people(actor, set.approver)?;
        }
        if set.value == 0 {
            self.limits.remove(&(set.scope, set.kind));
        } else {
            self.limits.insert((set.scope, set.kind), set.value);
        }
        Ok(())
    }
}

fn reject_of(kind: LimitKind) -> Reject {
    match kind {
        LimitKind::NetExposure => Reject::NetExposureLimit,
        LimitKind::GrossExposure => Reject::GrossExposureLimit,
        LimitKind::NetQty => Reject::PositionLimit,
    }
}

fn owned_scopes(group: GroupId, account: AccountId, ids: (u32, u32, u32)) -> Vec<Scope> {
    let mut all = vec![Scope::House, Scope::Group(group), Scope::Account(account)];
    let (desk, trader, strategy) = ids;
    let named = [
        (desk, Scope::Desk(desk)),
        (trader, Scope::Trader(trader)),
        (strategy, Scope::Strategy(strategy)),
    ];
    all.extend(
        named
            .into_iter()
            .filter(|(id, _)| *id != 0)
            .map(|(_, scope)| scope),
    );
    all
}

/// A quantity as it is shown.
pub(super) fn shown(qty: i128) -> Qty {
    Qty(clamp(qty))
}
