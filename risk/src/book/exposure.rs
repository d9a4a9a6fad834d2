//! Exposure of the house by scope and instrument, and the limits on it. Derived from positions and open orders.

mod limits;

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
    /// Closing orders that have left the core for execution at once. Each ends exposure of its account, and is never refused; together they
    /// may carry the net of several accounts to the other side.
    pub closing_buys: i128,
    pub closing_sells: i128,
}

impl Exposure {
    /// The net if all orders in flight that sell are filled, and if all that buy are.
    fn net_ends(&self) -> [i128; 2] {
        let net = self.long - self.short;
        [
            net - self.selling - self.closing_sells,
            net + self.buying + self.closing_buys,
        ]
    }

    /// Largest |net| if the orders in flight of one side all fill.
    fn net_worst(&self) -> i128 {
        let [low, high] = self.net_ends();
        low.abs().max(high.abs())
    }

    /// What closes adds nothing, and frees nothing before it is filled.
    fn gross(&self) -> i128 {
        self.long + self.short + self.buying.max(self.selling)
    }

    fn is_empty(&self) -> bool {
        *self == Exposure::default()
    }
}

/// Exposures by instrument id.
type Row = Vec<Exposure>;

/// Exposures that are kept: of the house, of groups, and of whoever an order names. An account's are few and are
/// counted from its positions and orders when a limit asks.
#[derive(Clone, Debug, Default)]
pub struct Exposures {
    house: Row,
    groups: BTreeMap<GroupId, Row>,
    named: BTreeMap<(Scope, InstrumentId), Exposure>,
}

/// Who a position or order counts for, beside the house.
#[derive(Clone, Copy)]
struct Owners {
    group: GroupId,
    desk: u32,
    trader: u32,
    strategy: u32,
}

impl Owners {
    fn named(self) -> impl Iterator<Item = Scope> {
        let named = [
            (self.desk, Scope::Desk(self.desk)),
            (self.trader, Scope::Trader(self.trader)),
            (self.strategy, Scope::Strategy(self.strategy)),
        ];
        let named = named.into_iter().filter(|(id, _)| *id != 0);
        named.map(|(_, scope)| scope)
    }
}

impl Exposures {
    fn change(&mut self, owners: Owners, instrument: InstrumentId, change: impl Fn(&mut Exposure)) {
        let index = instrument.0 as usize;
        for row in [
            &mut self.house,
            self.groups.entry(owners.group).or_default(),
        ] {
            if row.len() <= index {
                row.resize(index + 1, Exposure::default());
            }
            change(&mut row[index]);
        }
        for scope in owners.named() {
            let exposure = self.named.entry((scope, instrument)).or_default();
            change(exposure);
            if exposure.is_empty() {
                self.named.remove(&(scope, instrument));
            }
        }
    }

    fn add_position(&mut self, owners: Owners, position: &Position, sign: i128) {
        let qty = i128::from(position.qty) * sign;
        self.change(owners, position.instrument, |exposure| {
            exposure.hold(position.side, qty)
        });
    }

    fn add_order(&mut self, owners: Owners, order: &Order, sign: i128) {
        if counts(order) {
            self.change(owners, order.order.instrument, |exposure| {
                exposure.order(order, sign)
            });
        }
    }

    fn of_row(row: Option<&Row>) -> Vec<(InstrumentId, Exposure)> {
        let all = row.into_iter().flatten().enumerate();
        all.filter(|(_, exposure)| !exposure.is_empty())
            .map(|(index, exposure)| (InstrumentId(index as u32), *exposure))
            .collect()
    }

    fn of_named(&self, scope: Scope) -> Vec<(InstrumentId, Exposure)> {
        let range = (scope, InstrumentId(0))..=(scope, InstrumentId(u32::MAX));
        self.named
            .range(range)
            .map(|((_, instrument), exposure)| (*instrument, *exposure))
            .collect()
    }
}

impl Exposure {
    fn hold(&mut self, side: Side, qty: i128) {
        match side {
            Side::Buy => self.long += qty,
            Side::Sell => self.short += qty,
        }
    }

    fn order(&mut self, order: &Order, sign: i128) {
        let qty = i128::from(order.remaining().0) * sign;
        match (order.order.side, order.closing) {
            (Side::Buy, false) => self.buying += qty,
            (Side::Sell, false) => self.selling += qty,
            (Side::Buy, true) => self.closing_buys += qty,
            (Side::Sell, true) => self.closing_sells += qty,
        }
    }
}

/// What closes counts once it has left the core for execution at once: a take-profit that waits for its price, here or at
/// the broker, holds nobody up.
fn counts(order: &Order) -> bool {
    let at_once = order.triggered
        || order.order.kind == OrderKind::Market
        || matches!(order.order.tif, Tif::Ioc | Tif::Fok);
    !order.closing || (order.sent && at_once)
}

impl Book {
    pub(super) fn expose_position(&mut self, position: &Position, sign: i128) {
        if let Some(owners) = self.owners_of(position) {
            self.exposures.add_position(owners, position, sign);
        }
    }

    pub(super) fn expose_order(&mut self, order: &Order, sign: i128) {
        if let Some(owners) = self.owners_of_order(order) {
            self.exposures.add_order(owners, order, sign);
        }
    }

    fn owners_of(&self, position: &Position) -> Option<Owners> {
        Some(Owners {
            group: self.account(position.account)?.state.terms.group,
            desk: position.desk,
            trader: position.trader,
            strategy: position.strategy,
        })
    }

    fn owners_of_order(&self, order: &Order) -> Option<Owners> {
        Some(Owners {
            group: self.account(order.order.account)?.state.terms.group,
            desk: order.order.desk,
            trader: order.order.trader,
            strategy: order.order.strategy,
        })
    }

    /// For tests: what is kept of exposures is what positions and open orders add up to.
    ///
    /// # Errors
    /// The scope that differs.
    pub(super) fn audit_exposures(&self) -> Result<(), String> {
        let (kept, mut counted) = (&self.exposures, Exposures::default());
        for (_, position) in self.positions.iter() {
            let owners = self.owners_of(&position).ok_or("a position of nobody")?;
            counted.add_position(owners, &position, 1);
        }
        for order in self.orders.values() {
            let owners = self.owners_of_order(order).ok_or("an order of nobody")?;
            counted.add_order(owners, order, 1);
        }
        let rows = |of: &Exposures, group: &GroupId| Exposures::of_row(of.groups.get(group));
        if Exposures::of_row(Some(&kept.house)) != Exposures::of_row(Some(&counted.house)) {
            return Err("exposure of the house is not what is on its books".into());
        }
        let differs = |group: &&GroupId| rows(kept, group) != rows(&counted, group);
        if let Some(group) = self.groups.keys().find(differs) {
            return Err(format!(
                "exposure of group {} is not what it holds",
                group.0
            ));
        }
        if kept.named == counted.named {
            Ok(())
        } else {
            Err("exposure of a desk, trader or strategy is not what it holds".into())
        }
    }

    /// Open quantities of a scope, by instrument.
    fn exposures_of(&self, scope: Scope) -> Vec<(InstrumentId, Exposure)> {
        match scope {
            Scope::House => Exposures::of_row(Some(&self.exposures.house)),
            Scope::Group(group) => Exposures::of_row(self.exposures.groups.get(&group)),
            Scope::Account(account) => self.exposures_of_account(account),
            _ => self.exposures.of_named(scope),
        }
    }

    fn exposures_of_account(&self, id: AccountId) -> Vec<(InstrumentId, Exposure)> {
        let mut all: BTreeMap<InstrumentId, Exposure> = BTreeMap::new();
        let Some(account) = self.account(id) else {
            return Vec::new();
        };
        let positions = account.positions.iter();
        for position in positions.filter_map(|slot| self.positions.get(*slot)) {
            all.entry(position.instrument)
                .or_default()
                .hold(position.side, i128::from(position.qty));
        }
        let orders = account.orders.iter().filter_map(|id| self.orders.get(id));
        for order in orders.filter(|order| counts(order)) {
            all.entry(order.order.instrument)
                .or_default()
                .order(order, 1);
        }
        all.into_iter().collect()
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
        let rate = self.rate(instrument.result_currency(), house, Sided::Mid)?;
        let native = instrument.notional(qty.abs(), price_x2)?;
        mul_div_round(native, rate.num, rate.den)
    }

    pub(super) fn check_limits(&self, account: &Account, order: &NewOrder, reasons: &mut Reasons) {
        if self.limits.is_empty() {
            return;
        }
        for scope in self.scopes(account, order) {
            for kind in LimitKind::ALL {
                let limit = self.limits.get(&(scope, *kind));
                if let Some(limit) = limit
                    && let Some(reason) = self.check_limit(scope, *kind, *limit, order)
                {
                    reasons.push(reason);
                }
            }
        }
    }

    /// Above a limit that was set below what is held, an order that leaves the figure no larger goes through.
    fn check_limit(
        &self,
        scope: Scope,
        kind: LimitKind,
        limit: i64,
        order: &NewOrder,
    ) -> Option<Reject> {
        let Some(after) = self.measure(scope, kind, order, true) else {
            return Some(Reject::RateMissing);
        };
        if after <= i128::from(limit) {
            return None;
        }
        let before = self.measure(scope, kind, order, false);
        let raises = before.is_none_or(|before| after > before);
        raises.then(|| reject_of(kind))
    }

    /// Base and quote of an instrument that exchanges one currency for another.
    pub fn legs(&self, instrument: InstrumentId) -> Option<[CurrencyId; 2]> {
        let terms = &self.instrument(instrument)?.terms;
        (terms.base != terms.quote).then_some([terms.base, terms.quote])
    }

    /// A scope's figure, in the order's instrument where one is needed, without the order or with it on top.
    fn measure(
        &self,
        scope: Scope,
        kind: LimitKind,
        order: &NewOrder,
        on_top: bool,
    ) -> Option<i128> {
        let source = match scope {
            Scope::Instrument(_) | Scope::Currency(_) => Scope::House,
            _ => scope,
        };
        let with_order = |instrument: InstrumentId, mut exposure: Exposure| {
            if on_top && instrument == order.instrument {
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
            let exposure = self.exposure(source, order.instrument);
            return Some(with_order(order.instrument, exposure).net_worst());
        }
        let mut all = self.exposures_of(source);
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
            let ends = exposure.net_ends();
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

    /// Open quantity of a scope in an instrument.
    pub fn exposure(&self, scope: Scope, instrument: InstrumentId) -> Exposure {
        let mut all = self.exposures_of(scope).into_iter();
        let found = all.find(|(id, _)| *id == instrument);
        found.map(|(_, exposure)| exposure).unwrap_or_default()
    }

    /// Sets a limit; a raise, or lifting it, needs a second person.
    pub(super) fn set_limit(&mut self, set: SetLimit, actor: ActorId) -> Result<(), Reject> {
        // Quantities of different instruments have no sum.
        let in_lots = set.kind == LimitKind::NetQty && matches!(set.scope, Scope::Currency(_));
        if set.value < 0 || in_lots {
            return Err(Reject::TermsInvalid);
        }
        if set.value != 0 {
            self.check_scope(set.scope)?;
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

/// A quantity as it is shown.
pub(super) fn shown(qty: i128) -> Qty {
    Qty(clamp(qty))
}
