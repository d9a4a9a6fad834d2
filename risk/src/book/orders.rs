//! Life of an order: made, sent or held, ended. What a broker says of it is in `reports.rs`.

use super::margin::line;
use super::positions::Position;
use super::pretrade::{Checked, trade_mode_allows};
use super::protect::Trigger;
use super::timers::Timer;
use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::record;
use crate::table::{Action, Outcome};
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;

record! {
    /// An execution of an order, for removing duplicates and taking it back.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Execution {
        pub id: ExecId,
        pub qty: Qty,
        pub price: Price,
        pub commission: Money,
        /// Protective prices of the position that it closed some of.
        pub protection: Protection,
        pub busted: bool,
    }

    /// An execution that could not be booked.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Unbooked {
        pub id: ExecId,
        pub qty: Qty,
    }

    /// An order and what has become of it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Order {
        pub id: OrderId,
        pub order: NewOrder,
        pub state: OrderState,
        pub origin: Origin,
        pub link: LinkId,
        pub filled: Qty,
        pub value: i128,
        pub reason: u16,
        pub seen: Price,
        pub placed: Ts,
        /// It closes, so it needs no margin and is refused by no limit.
        pub closing: bool,
        /// Its price was reached, or it needs none: a stop goes out as a market order.
        pub triggered: bool,
        /// The link was told to submit it.
        pub sent: bool,
        /// The link owes an answer until then.
        pub answer_by: Ts,
        /// A cancel waits for the link.
        pub cancel_queued: bool,
        /// Margin before leverage of the whole quantity, fine units of the account's currency. Of a closing order only
        /// on a netting account, where it may turn the net round together with others.
        pub base: i128,
        /// The position its fills opened.
        pub opened: Option<PositionId>,
        pub executions: Vec<Execution>,
        /// Executions that could not be booked. Until they are, or a named person has settled them with the broker,
        /// nobody knows what it holds, whatever it says of the order.
        pub unbooked: Vec<Unbooked>,
        /// Executions that were settled without being booked: whenever they come again, they are not booked either.
        pub settled: Vec<ExecId>,
        /// How much of the order a named person has settled.
        pub settled_qty: Qty,
        /// A cancel failed, and until then no stop-out relies on another: it closes positions instead.
        pub kept_until: Ts,
    }
}

/// The price that an order waits for, or at which it may be filled at worst; none for a market order, whatever it carries.
pub(super) fn waiting_price(order: &NewOrder) -> Option<Price> {
    match order.kind {
        OrderKind::Market => None,
        OrderKind::Limit | OrderKind::StopLimit => order.price,
        OrderKind::Stop => order.stop,
    }
}

/// What an order is measured and charged at, `seen` being where it would be filled now. One that the market has reached is filled
/// there and not at its own price: the dearer of both counts. The charge follows the size of a price, which grows below zero as the price
/// falls; inverse contracts have no such prices.
pub(super) fn charged_at(order: &NewOrder, seen: Option<Price>, inverse: bool) -> Option<Price> {
    let own = waiting_price(order);
    let (Some(price), Some(seen)) = (own, seen.filter(|seen| *seen != Price(0))) else {
        return own.or(seen);
    };
    let buys = order.side == Side::Buy;
    let at_limit = (buys && price > seen) || (!buys && price < seen);
    let at_stop = order
        .stop
        .is_some_and(|stop| if buys { stop < seen } else { stop > seen });
    let reached = match order.kind {
        OrderKind::Market => true,
        OrderKind::Limit => at_limit,
        OrderKind::Stop => at_stop,
        OrderKind::StopLimit => at_stop && at_limit,
    };
    let is_larger = seen.0.unsigned_abs() > price.0.unsigned_abs();
    Some(if reached && is_larger != inverse {
        seen
    } else {
        price
    })
}

impl Order {
    /// What it is charged at; see [`charged_at`].
    pub(super) fn charged_at(&self, inverse: bool) -> Price {
        charged_at(&self.order, Some(self.seen), inverse).unwrap_or(self.seen)
    }

    /// Not filled yet.
    pub fn remaining(&self) -> Qty {
        Qty((self.order.qty.0 - self.filled.0).max(0))
    }

    /// All of it may have been executed, if what a named person has settled is none of what is booked: only the broker
    /// knows whether anything is left.
    pub(super) fn may_be_done(&self) -> bool {
        self.settled_qty > Qty(0) && self.remaining() <= self.settled_qty
    }

    /// Executed by what the broker has said, and not on the books.
    pub(super) fn unbooked_qty(&self) -> Qty {
        let parts = self.unbooked.iter();
        Qty(parts.fold(0i64, |sum, one| sum.saturating_add(one.qty.0)))
    }

    /// All that is left of it was executed, if what the broker has said is true.
    fn is_executed(&self) -> bool {
        !self.unbooked.is_empty() && self.unbooked_qty() >= self.remaining()
    }

    /// It is there for a price that may never come, so nothing may rely on its execution.
    pub fn rests(&self) -> bool {
        let executes = self.triggered
            && (self.order.kind == OrderKind::Stop || self.state == OrderState::Submitted);
        let at_once = matches!(self.order.tif, Tif::Ioc | Tif::Fok);
        self.order.kind != OrderKind::Market && !at_once && !executes && !self.is_executed()
    }

    /// It will have closed what it covers, or will have ended: under execution, or with a cancel on its way.
    pub fn is_under_way(&self) -> bool {
        self.state == OrderState::Cancelling || !self.rests()
    }

    /// The broker made it, by a protective price that it holds: there is nothing to send, to ask or to cancel.
    pub fn is_of_broker(&self) -> bool {
        self.origin == Origin::Broker
    }

    /// It has ended.
    pub fn is_final(&self) -> bool {
        is_final(self.state)
    }

    /// As it is told to the world.
    pub fn change(&self) -> OrderChange {
        let reason = match self.unbooked.is_empty() {
            true => self.reason,
            false => Reject::Unbooked.code(),
        };
        OrderChange {
            id: self.id,
            state: self.state,
            origin: self.origin,
            link: self.link,
            filled: self.filled,
            value: self.value,
            reason,
            unbooked: self.unbooked.len() as u32,
            seen: self.seen,
            placed: self.placed,
            order: self.order,
        }
    }

    fn submit(&self) -> Submit {
        let order = &self.order;
        let kind = match (order.kind, self.triggered) {
            (OrderKind::Stop, true) => OrderKind::Market,
            (OrderKind::StopLimit, true) => OrderKind::Limit,
            (kind, _) => kind,
        };
        Submit {
            id: self.id,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            kind,
            tif: order.tif,
            qty: order.qty,
            price: order.price,
            stop: if kind == order.kind { order.stop } else { None },
            expires: order.expires,
            position: order.position,
            slippage_max: order.slippage_max,
            seen: self.seen,
            protection: order.protection,
        }
    }
}

/// States an order does not leave.
pub fn is_final(state: OrderState) -> bool {
    use OrderState::*;
    matches!(state, Filled | Cancelled | Rejected | Expired | Returned)
}

impl Book {
    /// Makes an order that passed its checks, and sends, holds or queues it.
    pub(super) fn create(
        &mut self,
        ctx: &mut Ctx<'_>,
        order: NewOrder,
        origin: Origin,
        checked: &Checked,
    ) -> OrderId {
        let id = ctx.order_id();
        let closing = checked.action == Action::Reduce;
        let triggered = self.is_marketable(&order);
        // What waits for its price in the core does so whatever the link does, and is queued when the price has come.
        let queued =
            checked.outcome == Outcome::Queued && (triggered || !self.holds(&order, checked.link));
        let base = if closing {
            self.closing_base(&order, checked.seen)
        } else {
            checked.base
        };
        let made = Order {
            id,
            order,
            state: OrderState::Pending,
            origin,
            link: checked.link,
            filled: Qty(0),
            value: 0,
            reason: 0,
            seen: checked.seen,
            placed: ctx.now,
            closing,
            triggered,
            sent: false,
            answer_by: Ts(0),
            cancel_queued: false,
            base,
            opened: None,
            executions: Vec::new(),
            unbooked: Vec::new(),
            settled: Vec::new(),
            settled_qty: Qty(0),
            kept_until: Ts(0),
        };
        self.put_on_books(made);
        if queued {
            self.enqueue(ctx, id);
        } else {
            self.send_or_hold(ctx, id);
        }
        id
    }

    /// An order begins to count.
    pub(super) fn put_on_books(&mut self, made: Order) {
        let (id, owner) = (made.id, made.order.account);
        if let Some(account) = self.account_mut(owner) {
            // By id, as a restore has them: several orders of one input have ids above later ones.
            let at = account.orders.partition_point(|other| *other < id);
            account.orders.insert(at, id);
        }
        self.expose_order(&made, 1);
        self.orders.insert(id, made);
        self.touch(owner);
    }

    /// Gives an order to its link, or keeps it where the core waits for its price.
    pub(super) fn send_or_hold(&mut self, ctx: &mut Ctx<'_>, id: OrderId) {
        let Some(made) = self.orders.get(&id) else {
            return;
        };
        let (order, link, triggered) = (made.order, made.link, made.triggered);
        let triggered = triggered || self.is_marketable(&order);
        if let Some(made) = self.orders.get_mut(&id) {
            made.triggered = triggered;
        }
        if self.holds(&order, link) && !triggered {
            self.hold(ctx, id, order);
        } else {
            self.submit(ctx, id);
        }
    }

    /// What a closing order would be charged if it turned the net round; nothing on a hedging account, where it cannot.
    fn closing_base(&self, order: &NewOrder, seen: Price) -> i128 {
        let netting = self
            .account(order.account)
            .is_some_and(|account| account.state.terms.accounting == Accounting::Netting);
        let inverse = self.is_inverse(order.instrument);
        let price = charged_at(order, Some(seen), inverse).unwrap_or(seen);
        let base = netting.then(|| self.order_base(order, price.0)).flatten();
        base.unwrap_or(0)
    }

    /// Its value falls as its price rises.
    pub(super) fn is_inverse(&self, id: InstrumentId) -> bool {
        self.instrument(id)
            .is_some_and(|instrument| instrument.inverse > 0)
    }

    /// Waiting prices stay in the core when the link leaves protective prices to it.
    fn holds(&self, order: &NewOrder, link: LinkId) -> bool {
        let core = self
            .links
            .get(&link)
            .is_some_and(|link| link.terms.protective == HeldBy::Core);
        core && order.kind != OrderKind::Market && !matches!(order.tif, Tif::Ioc | Tif::Fok)
    }

    /// A market order, or one whose price is reached.
    pub(super) fn is_marketable(&self, order: &NewOrder) -> bool {
        let Some(price) = self.open_price(order.instrument, order.side).map(Price) else {
            return false;
        };
        let reached = |trigger: Option<Price>, rising: bool| match trigger {
            Some(trigger) if rising => price >= trigger,
            Some(trigger) => price <= trigger,
            None => false,
        };
        match order.kind {
            OrderKind::Market => true,
            OrderKind::Limit => reached(order.price, order.side == Side::Sell),
            OrderKind::Stop | OrderKind::StopLimit => reached(order.stop, order.side == Side::Buy),
        }
    }

    fn hold(&mut self, ctx: &mut Ctx<'_>, id: OrderId, order: NewOrder) {
        self.arm_order(id, &order);
        self.await_expiry(id, &order);
        self.tell(ctx, id, OrderState::Pending, 0);
    }

    fn enqueue(&mut self, ctx: &mut Ctx<'_>, id: OrderId) {
        let Some((link, order)) = self.orders.get(&id).map(|made| (made.link, made.order)) else {
            return;
        };
        let link = self.links.get(&link);
        let expiry = link.map_or(0, |link| link.terms.queue_expiry_ns);
        self.after(ctx.now, expiry, Timer::QueueExpiry(id));
        self.await_expiry(id, &order);
        self.tell(ctx, id, OrderState::Queued, 0);
    }

    /// While the core has an order, it ends by the core's clock.
    fn await_expiry(&mut self, id: OrderId, order: &NewOrder) {
        if order.tif == Tif::Gtd
            && let Some(expires) = order.expires
        {
            self.timers.insert((expires, Timer::Expiry(id)));
        }
    }

    /// Gives an order to its link. Once only: `sent` is never taken back.
    pub(super) fn submit(&mut self, ctx: &mut Ctx<'_>, id: OrderId) {
        let Some(order) = self
            .orders
            .get_mut(&id)
            .filter(|order| !order.sent && !order.is_final())
        else {
            return;
        };
        order.sent = true;
        let (link, submit) = (order.link, order.submit());
        let closes = order.closing.then(|| order.clone());
        if let Some(order) = closes {
            self.expose_order(&order, 1);
        }
        self.await_answer(ctx, id, link);
        self.tell(ctx, id, OrderState::Submitted, 0);
        ctx.out.push(Output::Send(Send {
            link,
            command: LinkCommand::Submit(Box::new(submit)),
        }));
    }

    fn await_answer(&mut self, ctx: &Ctx<'_>, id: OrderId, link: LinkId) {
        let link = self.links.get(&link);
        let timeout = link.map_or(0, |link| link.terms.answer_timeout_ns);
        if let Some(order) = self.orders.get_mut(&id) {
            order.answer_by = ctx.now.plus(timeout);
        }
        self.after(ctx.now, timeout, Timer::Answer(id));
    }

    /// Moves an order to a state and says so.
    pub(super) fn tell(&mut self, ctx: &mut Ctx<'_>, id: OrderId, state: OrderState, reason: u16) {
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        let (link, before) = (order.link, order.state);
        let (account, instrument) = (order.order.account, order.order.instrument);
        let was_under_way = order.is_under_way();
        order.state = state;
        order.reason = reason;
        let goes_on = !order.is_final() && state != OrderState::Cancelling;
        let rests = was_under_way && !order.is_under_way();
        let executed = order.is_executed();
        ctx.out.push(Output::Order(order.change()));
        // What a stop-out may still cancel or close depends on it.
        self.touched.push(account.0);
        self.count_unsettled(link, before, -1);
        self.count_unsettled(link, state, 1);
        if goes_on && before == OrderState::Cancelling && !executed {
            self.cancel_failed(ctx.now, id);
        } else if goes_on && rests {
            self.uncovered.push((account, instrument));
        }
    }

    /// Ends an order: it leaves the book and is remembered for late reports.
    pub(super) fn finish(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: OrderId,
        state: OrderState,
        reason: u16,
    ) {
        self.tell(ctx, id, state, reason);
        let Some(order) = self.orders.remove(&id) else {
            return;
        };
        self.expose_order(&order, -1);
        self.disarm_order(id, &order.order);
        self.timers.retain_order(id, &order);
        if let Some(account) = self.account_mut(order.order.account) {
            account.orders.retain(|other| *other != id);
        }
        self.touch(order.order.account);
        self.ended_by_time.push_back((ctx.now, id));
        self.order_ended(ctx.now, &order, state);
        self.ended.insert(id, order);
    }

    /// An order's time is over.
    pub(super) fn expire(&mut self, ctx: &mut Ctx<'_>, id: OrderId) {
        let Some(order) = self.orders.get(&id) else {
            return;
        };
        match order.state {
            OrderState::Pending | OrderState::Queued => {
                self.finish(ctx, id, OrderState::Expired, 0)
            }
            // The broker holds it and expires it by its own clock.
            _ => {}
        }
    }

    /// The link did not answer in time: nobody knows what became of the order, and it is not sent again.
    pub(super) fn unanswered(&mut self, ctx: &mut Ctx<'_>, id: OrderId) {
        let waits = |order: &&Order| {
            let cancelling = order.state == OrderState::Cancelling && !order.cancel_queued;
            ctx.now >= order.answer_by && (cancelling || order.state == OrderState::Submitted)
        };
        let Some(order) = self.orders.get(&id).filter(waits) else {
            return;
        };
        let link = order.link;
        self.tell(ctx, id, OrderState::InDoubt, 0);
        ctx.out.push(Output::Send(Send {
            link,
            command: LinkCommand::Status(id),
        }));
    }

    /// Somebody cancels an order.
    pub(super) fn cancel(&mut self, ctx: &mut Ctx<'_>, cancel: Cancel) {
        let account = Some(cancel.account);
        self.remember_message(ctx.now, cancel.account, None);
        let reason = match self.order(cancel.order) {
            Some(order) if order.order.account != cancel.account => Some(Reject::UnknownOrder),
            Some(order) if order.is_final() || order.is_of_broker() => Some(Reject::OrderFinal),
            Some(_) => None,
            None => Some(Reject::UnknownOrder),
        };
        if let Some(reason) = reason {
            return self.answer(ctx, account, Some(cancel.order), vec![reason]);
        }
        let (outcome, reasons) = self.cancel_outcome(cancel.order);
        self.answer(ctx, account, Some(cancel.order), reasons);
        self.cancel_by(ctx, cancel.order, outcome);
    }

    pub(super) fn cancel_outcome(&self, id: OrderId) -> (Outcome, Vec<Reject>) {
        let Some(order) = self.orders.get(&id) else {
            return (Outcome::Refused, vec![Reject::UnknownOrder]);
        };
        let mode = self
            .links
            .get(&order.link)
            .map_or(LinkMode::ReadOnly, |link| link.mode);
        let conditions = crate::table::Conditions {
            link: mode,
            working_at_broker: order.sent,
            ..crate::table::Conditions::WELL
        };
        crate::table::decide(Action::Cancel, &conditions)
    }

    pub(super) fn cancel_by(&mut self, ctx: &mut Ctx<'_>, id: OrderId, outcome: Outcome) {
        let Some(order) = self
            .orders
            .get_mut(&id)
            .filter(|order| !order.is_of_broker())
        else {
            return;
        };
        if !order.sent {
            // It never left the core, so nobody else has to agree.
            return self.finish(ctx, id, OrderState::Cancelled, 0);
        }
        let link = order.link;
        match outcome {
            // A cancel is on its way already.
            Outcome::Sent if order.state == OrderState::Cancelling && !order.cancel_queued => {}
            Outcome::Sent => {
                order.cancel_queued = false;
                self.await_answer(ctx, id, link);
                self.tell(ctx, id, OrderState::Cancelling, 0);
                ctx.out.push(Output::Send(Send {
                    link,
                    command: LinkCommand::Cancel(id),
                }));
            }
            Outcome::Queued => {
                order.cancel_queued = true;
                self.tell(ctx, id, OrderState::Cancelling, 0);
            }
            Outcome::Applied => self.finish(ctx, id, OrderState::Cancelled, 0),
            Outcome::Refused => {}
        }
    }

    /// Margin before leverage of an order at a price.
    pub(super) fn order_base(&self, order: &NewOrder, price: i64) -> Option<i128> {
        let account = self.account(order.account)?;
        let instrument = self.instrument(order.instrument)?;
        let sided = super::fills::margin_side(order.side);
        let rate = self.rate(
            instrument.terms.margin_currency,
            account.state.terms.currency,
            sided,
        )?;
        let qty = i128::from(order.qty.0);
        let cost = instrument.cost(order.qty.0, price)?;
        super::used::base(instrument, instrument.margin, qty, cost, rate)
    }

    /// A waiting price was reached: the order meets the table again and goes out.
    pub(super) fn trigger_order(&mut self, ctx: &mut Ctx<'_>, id: OrderId) {
        let Some(order) = self
            .orders
            .get(&id)
            .filter(|order| order.state == OrderState::Pending)
        else {
            return;
        };
        let (new, closing) = (order.order, order.closing);
        self.disarm_order(id, &new);
        let action = match self.closes(&new, Some(id)) {
            Ok(()) => Action::Reduce,
            // What was to close must not open.
            Err(reason) if closing || new.reduce_only => {
                return self.finish(ctx, id, OrderState::Cancelled, reason.code());
            }
            Err(_) => Action::New,
        };
        self.charge_at_market(id, &new);
        let (outcome, mut reasons) = self.outcome(action, &new, Some(id), &ctx.env());
        let terms = self.instrument(new.instrument).map(|known| &known.terms);
        if terms.is_some_and(|terms| !trade_mode_allows(terms, new.side, action)) {
            reasons.push(Reject::TradeMode);
        }
        if action == Action::New && !self.margin_covers(&new, id, ctx) {
            reasons.push(Reject::Margin);
        }
        reasons.sort();
        if let Some(first) = reasons.first() {
            return self.finish(ctx, id, OrderState::Rejected, first.code());
        }
        self.set_closing(id, action == Action::Reduce);
        if let Some(order) = self.orders.get_mut(&id) {
            order.triggered = true;
        }
        match outcome {
            Outcome::Queued => self.enqueue(ctx, id),
            _ => self.submit(ctx, id),
        }
    }

    /// The price that has reached an order may have leapt over its own: it is charged where it would be filled now, before free
    /// margin is looked at. One that is charged nothing closes.
    fn charge_at_market(&mut self, id: OrderId, new: &NewOrder) {
        let Some(seen) = self.open_price(new.instrument, new.side).map(Price) else {
            return;
        };
        let price = charged_at(new, Some(seen), self.is_inverse(new.instrument));
        let base = price.and_then(|price| self.order_base(new, price.0));
        if let Some(order) = self.orders.get_mut(&id) {
            order.seen = seen;
            if order.base != 0 {
                order.base = base.unwrap_or(order.base);
            }
        }
    }

    /// What an order does may be another thing when its price comes than when it was placed.
    fn set_closing(&mut self, id: OrderId, closing: bool) {
        let changed = |order: &&Order| order.closing != closing;
        let Some(order) = self.orders.get(&id).filter(changed).cloned() else {
            return;
        };
        self.expose_order(&order, -1);
        self.expose_order(&Order { closing, ..order }, 1);
        if let Some(order) = self.orders.get_mut(&id) {
            order.closing = closing;
        }
    }

    /// Free margin is looked at again when a waiting order is activated; its own margin is reserved already.
    fn margin_covers(&self, order: &NewOrder, id: OrderId, ctx: &Ctx<'_>) -> bool {
        let Some(account) = self.account(order.account) else {
            return false;
        };
        let value = self.valuate(account, &ctx.env());
        let free = value.fixed + self.free_floating(account, &value);
        let needed = line(Ratio::ONE, value.used.opening, self.digits_of(account));
        value.missing.is_none() && (free >= needed || !self.increases(account, order, Some(id)))
    }

    /// The broker confirmed an order that opens: where the group says so, free margin is looked at once more before it
    /// is executed, and an order that it no longer covers is taken back (MetaTrader 5, checking margin).
    pub(super) fn check_execution(&mut self, ctx: &mut Ctx<'_>, id: OrderId) {
        let Some(order) = self.orders.get(&id).filter(|order| !order.closing) else {
            return;
        };
        let new = order.order;
        let checks = self
            .account(new.account)
            .is_some_and(|account| self.group_of(account).margin.check_execution);
        if checks && !self.margin_covers(&new, id, ctx) {
            let (outcome, _) = self.cancel_outcome(id);
            self.cancel_by(ctx, id, outcome);
        }
    }

    /// A position is gone: nothing is left for other orders that were to close it.
    pub(super) fn cancel_closing(&mut self, ctx: &mut Ctx<'_>, gone: &Position, except: OrderId) {
        let Some(account) = self.account(gone.account) else {
            return;
        };
        let netting = account.state.terms.accounting == Accounting::Netting;
        let orphaned = |order: &&Order| {
            let named = order.order.position == Some(gone.id);
            let netted = netting && order.order.instrument == gone.instrument;
            order.closing && order.id != except && (named || netted)
        };
        let orders = account.orders.iter().filter_map(|id| self.orders.get(id));
        let ids: Vec<OrderId> = orders.filter(orphaned).map(|order| order.id).collect();
        for id in ids {
            let (outcome, _) = self.cancel_outcome(id);
            self.cancel_by(ctx, id, outcome);
        }
    }

    fn arm_order(&mut self, id: OrderId, order: &NewOrder) {
        let triggers = self.triggers_mut(order.instrument);
        let trigger = Trigger::Order(id);
        match (order.kind, order.side) {
            (OrderKind::Limit, Side::Buy) => triggers
                .ask_falls
                .insert((order.price.unwrap_or_default().0, trigger)),
            (OrderKind::Limit, Side::Sell) => triggers
                .bid_rises
                .insert((order.price.unwrap_or_default().0, trigger)),
            (_, Side::Buy) => triggers
                .ask_rises
                .insert((order.stop.unwrap_or_default().0, trigger)),
            (_, Side::Sell) => triggers
                .bid_falls
                .insert((order.stop.unwrap_or_default().0, trigger)),
        };
    }

    /// Arms what waits, after a restore.
    pub(super) fn arm_pending(&mut self) {
        let pending: Vec<(OrderId, NewOrder)> = self
            .orders
            .values()
            .filter(|order| order.state == OrderState::Pending)
            .map(|order| (order.id, order.order))
            .collect();
        for (id, order) in pending {
            self.arm_order(id, &order);
        }
    }

    fn disarm_order(&mut self, id: OrderId, order: &NewOrder) {
        let triggers = self.triggers_mut(order.instrument);
        let trigger = Trigger::Order(id);
        for price in [order.price, order.stop].into_iter().flatten() {
            for set in [
                &mut triggers.bid_falls,
                &mut triggers.bid_rises,
                &mut triggers.ask_rises,
                &mut triggers.ask_falls,
            ] {
                set.remove(&(price.0, trigger));
            }
        }
    }
}

/// Timers of an order end with it.
trait RetainOrder {
    fn retain_order(&mut self, id: OrderId, order: &Order);
}

impl RetainOrder for std::collections::BTreeSet<(Ts, Timer)> {
    fn retain_order(&mut self, id: OrderId, order: &Order) {
        if let Some(expires) = order.order.expires {
            self.remove(&(expires, Timer::Expiry(id)));
        }
        // Answer and queue timers find the order gone and do nothing; they are few and end by themselves.
    }
}
