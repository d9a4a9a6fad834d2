//! What of a position is being closed already: by orders under way, by orders that rest, by orders that turn the net
//! round.

use super::orders::Order;
use super::positions::Position;
use super::{Account, Book};
use crate::event::*;
use crate::ids::*;
use crate::terms::*;

impl Book {
    /// Quantity that closing orders on a side cover already.
    pub fn covered(
        &self,
        account: &Account,
        instrument: InstrumentId,
        side: Side,
        position: Option<PositionId>,
        except: Option<OrderId>,
    ) -> i64 {
        let orders = self.closing_orders(account, instrument, side, position);
        remaining(orders.filter(|order| Some(order.id) != except))
    }

    /// Orders of a side that close a position of a hedging account, or the net of a netting one. What was to close a
    /// net that has turned round since is on the other side and closes nothing.
    fn closing_orders(
        &self,
        account: &Account,
        instrument: InstrumentId,
        side: Side,
        position: Option<PositionId>,
    ) -> impl Iterator<Item = &Order> {
        let netting = account.state.terms.accounting == Accounting::Netting;
        let orders = account.orders.iter().filter_map(|id| self.orders.get(id));
        orders
            .filter(|order| order.closing)
            .filter(move |order| (order.order.instrument, order.order.side) == (instrument, side))
            .filter(move |order| netting || order.order.position == position)
    }

    /// Closing orders of a position that rest and whose cancel is not on its way, oldest first, with what is left of
    /// each.
    fn resting_closes(
        &self,
        account: &Account,
        position: &Position,
    ) -> impl Iterator<Item = (OrderId, i64)> {
        let (instrument, side) = (position.instrument, position.side.other());
        self.closing_orders(account, instrument, side, Some(position.id))
            .filter(|order| !order.is_under_way())
            .map(|order| (order.id, order.remaining().0))
    }

    /// Orders that will have closed some of a position, or will have ended: its closing orders under way, and on a
    /// netting account whatever executes on the other side.
    pub(super) fn under_way(
        &self,
        account: &Account,
        position: &Position,
    ) -> impl Iterator<Item = &Order> {
        let (instrument, side) = (position.instrument, position.side.other());
        self.closing_orders(account, instrument, side, Some(position.id))
            .filter(|order| order.is_under_way())
            .chain(self.turning_orders(account, instrument, side))
    }

    /// Quantity of a position that orders under way close.
    pub(super) fn going(&self, account: &Account, position: &Position) -> i64 {
        remaining(self.under_way(account, position))
    }

    /// Quantity of a position that is not there for another close: covered by closing orders, or turned round.
    pub(super) fn taken(&self, account: &Account, position: &Position) -> i64 {
        let (instrument, side) = (position.instrument, position.side.other());
        self.covered(account, instrument, side, Some(position.id), None)
            .saturating_add(self.turning(account, instrument, side, None))
    }

    /// Quantity of a netting account's orders under execution on a side that do not count as closing: whatever they
    /// open, they first use up the net.
    pub(super) fn turning(
        &self,
        account: &Account,
        instrument: InstrumentId,
        side: Side,
        except: Option<OrderId>,
    ) -> i64 {
        let orders = self.turning_orders(account, instrument, side);
        remaining(orders.filter(|order| Some(order.id) != except))
    }

    fn turning_orders(
        &self,
        account: &Account,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = &Order> {
        let orders: &[OrderId] = match account.state.terms.accounting {
            Accounting::Hedging => &[],
            Accounting::Netting => &account.orders,
        };
        let orders = orders.iter().filter_map(|id| self.orders.get(id));
        orders
            .filter(|order| !order.closing && !order.rests())
            .filter(move |order| (order.order.instrument, order.order.side) == (instrument, side))
    }

    /// Resting closing orders that must go before this much more of a position can be closed: the oldest first, as few
    /// as are enough.
    pub(super) fn in_the_way(
        &self,
        account: &Account,
        position: &Position,
        qty: i64,
    ) -> Vec<OrderId> {
        let resting: Vec<(OrderId, i64)> = self.resting_closes(account, position).collect();
        let rests: i64 = resting.iter().map(|(_, left)| left).sum();
        let going = self.going(account, position);
        let mut free = position.qty.saturating_sub(going).saturating_sub(rests);
        let mut ids = Vec::new();
        for (id, left) in resting {
            if free >= qty {
                break;
            }
            free = free.saturating_add(left);
            ids.push(id);
        }
        ids
    }
}

fn remaining<'a>(orders: impl Iterator<Item = &'a Order>) -> i64 {
    orders.fold(0i64, |sum, order| sum.saturating_add(order.remaining().0))
}
