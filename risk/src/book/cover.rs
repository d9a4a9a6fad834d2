//! What of a position is being closed already: by orders under way, by orders that rest, by orders that turn the net
//! round. A protective price that fires leaves that to them; when it turns out that they will not, the rest is closed.

use super::orders::Order;
use super::positions::Position;
use super::protect::{REARM_NS, REARM_REFUSED_NS, origin_of};
use super::stop_out::KEPT_NS;
use super::timers::Timer;
use super::{Account, Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::wide::mul_div_round;
use std::collections::BTreeMap;

/// Closing orders that rest in the way of closing a position, oldest first, with what is left of each; and how much may
/// be closed beside them.
pub(super) type Way = (Vec<(OrderId, i64)>, i64);

/// An account's orders by what they may close, for looking at many of its positions: those of a netting account by its
/// nets alone.
pub(super) struct Grouped<'a> {
    netting: bool,
    orders: BTreeMap<(InstrumentId, Side, Option<PositionId>), Vec<&'a Order>>,
}

impl<'a> Grouped<'a> {
    /// Orders under way of a position, as [`Book::under_way`] has them.
    pub(super) fn under_way(&self, position: &Position) -> impl Iterator<Item = &'a Order> {
        let netting = self.netting;
        let named = (!netting).then_some(position.id);
        let key = (position.instrument, position.side.other(), named);
        let orders = self.orders.get(&key).map(Vec::as_slice).unwrap_or_default();
        let (closing, turning) = (orders.iter().copied(), orders.iter().copied());
        closing
            .filter(|order| order.closing && order.is_under_way())
            .chain(turning.filter(move |order| netting && turns(order)))
    }

    /// Quantity of a position that orders under way close.
    pub(super) fn going(&self, position: &Position) -> i64 {
        remaining(self.under_way(position))
    }
}

impl Book {
    /// The orders of an account, grouped once.
    pub(super) fn grouped(&self, account: &Account) -> Grouped<'_> {
        let netting = account.state.terms.accounting == Accounting::Netting;
        let mut orders: BTreeMap<_, Vec<&Order>> = BTreeMap::new();
        for order in account.orders.iter().filter_map(|id| self.orders.get(id)) {
            let new = &order.order;
            let named = new.position.filter(|_| !netting);
            let key = (new.instrument, new.side, named);
            orders.entry(key).or_default().push(order);
        }
        Grouped { netting, orders }
    }

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
    fn under_way(&self, account: &Account, position: &Position) -> impl Iterator<Item = &Order> {
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
            .filter(|order| turns(order))
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
        first_enough(&self.way(account, position), qty)
    }

    /// What rests in the way of closing a position.
    pub(super) fn way(&self, account: &Account, position: &Position) -> Way {
        let resting: Vec<(OrderId, i64)> = self.resting_closes(account, position).collect();
        let rests: i64 = resting.iter().map(|(_, left)| left).sum();
        let going = self.going(account, position);
        let free = position.qty.saturating_sub(going).saturating_sub(rests);
        (resting, free)
    }

    /// Nothing more of an order will execute, and something that did is not on the books: so much it goes on taking from
    /// a position, or the house would have the broker close that a second time. The rest is there for another close.
    /// False where nothing is kept.
    pub(super) fn keep_covering(&mut self, ctx: &mut Ctx<'_>, id: OrderId) -> bool {
        let keeps = |order: &&Order| !order.unbooked.is_empty() && self.takes_away(order);
        let Some(before) = self.orders.get(&id).filter(keeps).cloned() else {
            return false;
        };
        let whole = before.order.qty.0;
        let executed = before.filled.0.saturating_add(before.unbooked_qty().0);
        let left = executed.min(whole);
        let base = mul_div_round(before.base, left.into(), whole.max(1).into());
        self.expose_order(&before, -1);
        if let Some(order) = self.orders.get_mut(&id) {
            order.order.qty = Qty(left);
            order.base = base.unwrap_or(before.base);
            order.cancel_queued = false;
            let after = order.clone();
            self.expose_order(&after, 1);
        }
        if left < whole || before.state != OrderState::InDoubt {
            self.tell(ctx, id, OrderState::InDoubt, 0);
            let place = (before.order.account, before.order.instrument);
            self.uncovered.push(place);
        }
        true
    }

    /// What the order executes is gone from a position: it closes, or it turns the net of a netting account round.
    fn takes_away(&self, order: &Order) -> bool {
        let new = &order.order;
        let account = self.account(new.account);
        let turns = account.is_some_and(|account| {
            account.state.terms.accounting == Accounting::Netting
                && self.netted_against(account, new.instrument, new.side) > 0
        });
        order.closing || turns
    }

    /// An order ended. The house's own protective close is tried again after a pause; whatever else ends may have left
    /// something to close.
    pub(super) fn order_ended(&mut self, now: Ts, order: &Order, state: OrderState) {
        let account = order.order.account;
        let failed = state != OrderState::Filled;
        match (order.origin, order.order.position) {
            (Origin::StopLoss | Origin::TakeProfit | Origin::Trailing, Some(id)) if failed => {
                return self.rearm_after(now, REARM_NS, id);
            }
            (Origin::StopOut, _) if failed && state != OrderState::Cancelled => {
                self.retry_stop_out(now, account);
            }
            _ => {}
        }
        self.uncovered.push((account, order.order.instrument));
    }

    /// A cancel failed: what was to give way is there again. A stop-out leaves an order that opens alone for a while, and
    /// closes positions all the same.
    pub(super) fn cancel_failed(&mut self, now: Ts, id: OrderId) {
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        let (account, instrument) = (order.order.account, order.order.instrument);
        let newly = now >= order.kept_until;
        if newly {
            order.kept_until = now.plus(KEPT_NS);
        }
        // Also when the account is well: it may be stopped out before the time is over, and by no price after it.
        if newly && !order.closing {
            self.after(now, KEPT_NS, Timer::Retry(account));
        }
        self.look_later(now, account, instrument);
    }

    /// A stop-out under way, and positions whose protective price has fired, try again after a pause, or a broker that
    /// refuses cancels would be asked at every round trip.
    pub(super) fn look_later(&mut self, now: Ts, account: AccountId, instrument: InstrumentId) {
        // A pause that runs is not made longer, or whoever has cancels refused would hold the stop-out off.
        let waits = |state: &super::accounts::AccountState| {
            state.state == MarginState::StopOut && state.stopping && now >= state.retry
        };
        if self
            .account(account)
            .is_some_and(|account| waits(&account.state))
        {
            self.retry_stop_out(now, account);
        }
        for (slot, _) in self.fired_of(account, instrument) {
            if let Some(id) = self.positions.id(slot) {
                self.rearm_after(now, REARM_NS, id);
            }
        }
    }

    /// Where an order has ended, or rests where it executed before, what nothing closes any more of a position whose
    /// protective price has fired is closed now.
    pub(super) fn close_uncovered(&mut self, ctx: &mut Ctx<'_>) {
        if self.uncovered.is_empty() {
            return;
        }
        let mut due = std::mem::take(&mut self.uncovered);
        due.sort_unstable();
        due.dedup();
        for (account, instrument) in due {
            for (slot, kind) in self.fired_of(account, instrument) {
                self.close_rest(ctx, slot, kind);
            }
        }
    }

    fn close_rest(&mut self, ctx: &mut Ctx<'_>, slot: u32, kind: ProtectiveKind) {
        let Some(position) = self.positions.get(slot) else {
            return;
        };
        let account = self.account(position.account);
        let going = account.map_or(position.qty, |account| self.going(account, &position));
        let rest = position.qty.saturating_sub(going);
        if rest <= 0 {
            return;
        }
        match self.close_position(ctx, slot, rest, origin_of(kind)) {
            Ok(order) => self.watch_cover(ctx.now, position.id, rest, order),
            Err(_) => {
                self.tell_unanswered(ctx, &position, kind);
                self.rearm_after(ctx.now, REARM_REFUSED_NS, position.id);
            }
        }
    }

    /// Positions of an account whose protective price has fired, where the core holds it.
    fn fired_of(&self, account: AccountId, instrument: InstrumentId) -> Vec<(u32, ProtectiveKind)> {
        let core = self.protected_by(account) == Some(HeldBy::Core);
        let Some(account) = self.account(account).filter(|_| core) else {
            return Vec::new();
        };
        let fired = account.positions.iter().filter_map(|slot| {
            let kind = self.positions.fired(*slot)?;
            let position = self.positions.get(*slot)?;
            (position.instrument == instrument).then_some((*slot, kind))
        });
        fired.collect()
    }

    /// Orders under way close all of a position whose protective price has fired.
    pub(super) fn is_covered(&self, position: &Position) -> bool {
        let core = self.protected_by(position.account) == Some(HeldBy::Core);
        let account = self.account(position.account);
        let fired = core && position.fired.is_some();
        account.is_some_and(|account| fired && self.going(account, position) >= position.qty)
    }

    /// The house was to close this much of a position, and made this order for it. While others close the rest, or are
    /// asked to give way, the position is looked at again: a net below what their ends set off.
    pub(super) fn watch_cover(
        &mut self,
        now: Ts,
        id: PositionId,
        qty: i64,
        order: Option<OrderId>,
    ) {
        let own = order.and_then(|id| self.orders.get(&id));
        if own.map_or(0, |own| own.order.qty.0) < qty {
            self.rearm_after(now, REARM_NS, id);
        }
    }

    /// A protective price may fire again after at least this long: at a full multiple of it, so that a position has one
    /// such timer however many tries have failed.
    pub(super) fn rearm_after(&mut self, now: Ts, ns: u64, id: PositionId) {
        let at = now.0.saturating_add(2 * ns - 1) / ns * ns;
        self.timers.insert((Ts(at), Timer::Rearm(id)));
    }
}

/// Of what rests in the way of so much more, the oldest that must go, as few as are enough.
pub(super) fn first_enough((resting, free): &Way, qty: i64) -> Vec<OrderId> {
    let (mut free, mut ids) = (*free, Vec::new());
    for (id, left) in resting {
        if free >= qty {
            break;
        }
        free = free.saturating_add(*left);
        ids.push(*id);
    }
    ids
}

/// It executes and does not count as closing: on a netting account it first uses up the net.
fn turns(order: &Order) -> bool {
    !order.closing && !order.rests()
}

fn remaining<'a>(orders: impl Iterator<Item = &'a Order>) -> i64 {
    orders.fold(0i64, |sum, order| sum.saturating_add(order.remaining().0))
}
