//! Exposure counted the slow way from what was told, against the limits that were told. Whether an open order of a netting
//! account closes is not told, so an exposure is known from two sides: at least this, at most that.

use crate::charges::{Prices, value};
use crate::world::{LISTED, group_of, is_hedging};
use crate::{Fault, Invariant};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use std::collections::BTreeMap;

/// The core rounds values and takes its own middle of a rate: what differs by less than this many percent is the same.
const SLACK_PERCENT: i128 = 2;

/// A position or an open order, as far as it counts for exposure.
#[derive(Clone, Copy, Debug)]
struct Part {
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    qty: i64,
    trader: u32,
    /// It opens, whatever else happens: an order of a hedging account that names no position.
    opens: bool,
}

/// Limits, positions and open orders, as they were told.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    limits: BTreeMap<(Scope, LimitKind), i64>,
    positions: BTreeMap<PositionId, Part>,
    orders: BTreeMap<OrderId, Part>,
    /// Who an order is of, also when it has ended: its executions open positions of the same.
    traders: BTreeMap<OrderId, u32>,
    owners: BTreeMap<PositionId, u32>,
}

/// Quantities of one instrument, lot steps.
#[derive(Clone, Copy, Debug, Default)]
struct Exposure {
    long: i64,
    short: i64,
    buying: i64,
    selling: i64,
}

impl Exposure {
    fn add(&mut self, part: &Part, is_order: bool) {
        let field = match (part.side, is_order) {
            (Side::Buy, false) => &mut self.long,
            (Side::Sell, false) => &mut self.short,
            (Side::Buy, true) => &mut self.buying,
            (Side::Sell, true) => &mut self.selling,
        };
        *field += part.qty;
    }

    /// Largest |net| when the orders of one side are filled. It rises with either of them.
    fn net(&self) -> i64 {
        let net = self.long - self.short;
        (net + self.buying).abs().max((net - self.selling).abs())
    }

    /// The net when all orders that sell are filled, and when all that buy are.
    fn ends(&self) -> [i64; 2] {
        let net = self.long - self.short;
        [net - self.selling, net + self.buying]
    }

    fn gross(&self) -> i64 {
        self.long + self.short + self.buying.max(self.selling)
    }
}

impl Limits {
    /// Takes note of an output.
    pub fn see(&mut self, output: &Output) {
        match output {
            Output::Terms(TermsChange::Limit(set)) if set.value == 0 => {
                self.limits.remove(&(set.scope, set.kind));
            }
            Output::Terms(TermsChange::Limit(set)) => {
                self.limits.insert((set.scope, set.kind), set.value);
            }
            Output::Deal(deal) => {
                let trader = self.trader(deal.order);
                self.owners.entry(deal.position).or_insert(trader);
            }
            Output::Position(change) if change.qty.0 == 0 => {
                self.positions.remove(&change.id);
                self.owners.remove(&change.id);
            }
            Output::Position(change) => {
                let part = Part {
                    account: change.account,
                    instrument: change.instrument,
                    side: change.side,
                    qty: change.qty.0,
                    trader: self.owners.get(&change.id).copied().unwrap_or_default(),
                    opens: true,
                };
                self.positions.insert(change.id, part);
            }
            Output::Order(change) => self.order(change),
            _ => {}
        }
    }

    /// The trader whom an order names, 0 = none.
    pub fn trader(&self, order: OrderId) -> u32 {
        self.traders.get(&order).copied().unwrap_or_default()
    }

    fn order(&mut self, change: &OrderChange) {
        use OrderState::*;
        let order = &change.order;
        self.traders.insert(change.id, order.trader);
        let ended = matches!(
            change.state,
            Filled | Cancelled | Rejected | Expired | Returned
        );
        if ended {
            self.orders.remove(&change.id);
            return;
        }
        let part = Part {
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            qty: (order.qty.0 - change.filled.0).max(0),
            trader: order.trader,
            opens: opens(order),
        };
        self.orders.insert(change.id, part);
    }

    /// An order cannot close anything: its account holds nothing on the other side that it could close.
    pub fn opens_for_sure(&self, order: &NewOrder) -> bool {
        let of = |part: &Part| (part.account, part.instrument) == (order.account, order.instrument);
        let against = |part: &Part| of(part) && part.side != order.side;
        opens(order) || (!is_hedging(order.account) && !self.positions.values().any(against))
    }

    /// An order was accepted that opens something.
    ///
    /// # Errors
    /// It leaves a figure above its limit, and larger than before.
    pub fn check(&self, order: &NewOrder, prices: &Prices) -> Result<(), Fault> {
        let mut scopes = vec![
            Scope::House,
            Scope::Group(group_of(order.account)),
            Scope::Account(order.account),
            Scope::Instrument(order.instrument),
        ];
        scopes.extend(legs(order.instrument).map(Scope::Currency));
        if order.trader != 0 {
            scopes.push(Scope::Trader(order.trader));
        }
        let new = Part {
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            qty: order.qty.0,
            trader: order.trader,
            opens: true,
        };
        for ((scope, kind), limit) in &self.limits {
            if !scopes.contains(scope) {
                continue;
            }
            let after = self.figure(*scope, *kind, &new, true, prices);
            let before = self.figure(*scope, *kind, &new, false, prices);
            // Without a price or a rate nothing is accepted, but what was missing may have come since.
            let (Some(after), Some(before)) = (after, before) else {
                continue;
            };
            let beyond = |figure: i128| after * (100 - SLACK_PERCENT) > figure * 100;
            if beyond((*limit).into()) && beyond(before * (100 + SLACK_PERCENT) / 100) {
                return Err(Fault::new(
                    Invariant::Refused,
                    format!(
                        "an order of account {} over {} of instrument {} takes {kind:?} of {scope:?} from at most {before} to \
                         at least {after}, and the limit is {limit}",
                        order.account.0, order.qty.0, order.instrument.0
                    ),
                ));
            }
        }
        Ok(())
    }

    /// What a scope comes to: at least, with an order on top, or at most, without it.
    fn figure(
        &self,
        scope: Scope,
        kind: LimitKind,
        new: &Part,
        with_order: bool,
        prices: &Prices,
    ) -> Option<i128> {
        if kind == LimitKind::NetQty {
            let exposure = self.exposure(scope, new.instrument, new, with_order);
            return Some(exposure.net().into());
        }
        if let (Scope::Currency(currency), LimitKind::NetExposure) = (scope, kind) {
            return self.net_of_currency(currency, new, with_order, prices);
        }
        LISTED.iter().try_fold(0i128, |sum, listed| {
            if matches!(scope, Scope::Currency(only) if !legs(listed.id).any(|leg| leg == only)) {
                return Some(sum);
            }
            if matches!(scope, Scope::Instrument(only) if only != listed.id) {
                return Some(sum);
            }
            let exposure = self.exposure(scope, listed.id, new, with_order);
            let qty = match kind {
                LimitKind::NetExposure => exposure.net(),
                _ => exposure.gross(),
            };
            let part = if qty == 0 {
                0
            } else {
                value(listed.id, qty, prices)?
            };
            Some(sum + part)
        })
    }

    /// A currency's legs netted over all instruments, with the orders of one direction filled: long as the base of what is
    /// bought, short as its quote. What is bought against what is sold takes away nearly all of a sum, and none of what
    /// rounding did to its parts: the slack is a share of those.
    fn net_of_currency(
        &self,
        currency: CurrencyId,
        new: &Part,
        with_order: bool,
        prices: &Prices,
    ) -> Option<i128> {
        let (mut low, mut high, mut gross) = (0i128, 0i128, 0i128);
        for listed in &LISTED {
            let sign = match (listed.base == currency, listed.quote == currency) {
                (true, _) => 1,
                (_, true) => -1,
                _ => continue,
            };
            let exposure = self.exposure(Scope::House, listed.id, new, with_order);
            let ends = exposure.ends().map(|end| {
                let value = match end {
                    0 => 0,
                    end => value(listed.id, end.abs(), prices)?,
                };
                gross += value;
                Some(value * i128::from(end.signum()) * sign)
            });
            let [Some(one), Some(other)] = ends else {
                return None;
            };
            low += one.min(other);
            high += one.max(other);
        }
        let (net, slack) = (low.abs().max(high.abs()), gross * SLACK_PERCENT / 100);
        Some(match with_order {
            true => (net - slack).max(0),
            false => net + slack,
        })
    }

    fn exposure(
        &self,
        scope: Scope,
        instrument: InstrumentId,
        new: &Part,
        with_order: bool,
    ) -> Exposure {
        let counts = |part: &&Part| {
            let in_scope = match scope {
                Scope::Account(account) => part.account == account,
                Scope::Group(group) => group_of(part.account) == group,
                Scope::Trader(trader) => part.trader == trader,
                _ => true,
            };
            in_scope && part.instrument == instrument
        };
        let mut exposure = Exposure::default();
        for part in self.positions.values().filter(counts) {
            exposure.add(part, false);
        }
        let orders = self.orders.values().filter(counts);
        for part in orders.filter(|part| part.opens || !with_order) {
            exposure.add(part, true);
        }
        if with_order && new.instrument == instrument {
            exposure.add(new, true);
        }
        exposure
    }
}

/// The currencies that an instrument exchanges.
fn legs(instrument: InstrumentId) -> impl Iterator<Item = CurrencyId> {
    let listed = LISTED.iter().find(|listed| listed.id == instrument);
    listed
        .into_iter()
        .flat_map(|listed| [listed.base, listed.quote])
}

fn opens(order: &NewOrder) -> bool {
    is_hedging(order.account) && order.position.is_none()
}
