//! What a broker says of an order. An execution counts once, whatever comes before or after it; a state that has
//! ended is not opened again.

use super::fills::Booking;
use super::orders::{Execution, Order, Unbooked};
use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::units::*;
use crate::verdict::Reject;

/// Most executions remembered per order: more is a broken counterparty.
const EXECUTIONS_MAX: usize = 10_000;
/// Largest price and quantity of one execution: their product with any scale must stay inside i128.
pub const FILL_MAX: i64 = 1 << 50;

impl Book {
    /// A report of a link.
    pub(super) fn report(&mut self, ctx: &mut Ctx<'_>, report: BrokerReport) {
        match self.try_report(ctx, &report) {
            Ok(()) => {
                if ctx.token != 0 {
                    self.answer(ctx, None, Some(report.order), Vec::new());
                }
            }
            Err(reason) => self.answer(ctx, None, Some(report.order), vec![reason]),
        }
    }

    fn try_report(&mut self, ctx: &mut Ctx<'_>, report: &BrokerReport) -> Result<(), Reject> {
        let order = self.order(report.order);
        let order = order.ok_or_else(|| unknown(&report.event))?;
        // An order that the broker made by itself it knows by its own ids alone.
        if order.link != report.link || !order.sent || order.is_of_broker() {
            return Err(Reject::UnknownOrder);
        }
        let (state, filled) = (order.state, order.filled > Qty(0));
        let (ended, unbooked) = (order.is_final(), !order.unbooked.is_empty());
        let (queued, may_be_done) = (order.cancel_queued, order.may_be_done() && !unbooked);
        let partly = match (unbooked, filled) {
            (true, _) => OrderState::InDoubt,
            (false, true) => OrderState::PartlyFilled,
            (false, false) => OrderState::Working,
        };
        match report.event {
            BrokerEvent::Filled(fill) => self.filled(ctx, report, fill),
            BrokerEvent::Bust(exec) => self.bust(ctx, report.order, exec),
            BrokerEvent::Ended if ended => Ok(()),
            _ if ended => Err(Reject::OrderFinal),
            BrokerEvent::Accepted => {
                // That it is open says nothing of an execution that is not on the books.
                let waited = matches!(state, OrderState::Submitted | OrderState::InDoubt);
                if waited && !unbooked {
                    self.tell(ctx, report.order, partly, 0);
                    self.check_execution(ctx, report.order);
                }
                Ok(())
            }
            BrokerEvent::Rejected(reason) if filled => {
                self.over(ctx, report.order, OrderState::Cancelled, reason)
            }
            BrokerEvent::Rejected(reason) => {
                self.over(ctx, report.order, OrderState::Rejected, reason)
            }
            // An answer that says nothing of what is not on the books.
            BrokerEvent::Ended if unbooked => {
                self.keep_covering(ctx, report.order);
                Ok(())
            }
            BrokerEvent::Cancelled | BrokerEvent::Ended => {
                self.over(ctx, report.order, OrderState::Cancelled, 0)
            }
            BrokerEvent::Expired => self.over(ctx, report.order, OrderState::Expired, 0),
            // It goes out when the link is live: whatever this answers was lost on the way.
            BrokerEvent::CancelRejected(_) if queued => Ok(()),
            BrokerEvent::CancelRejected(reason) => {
                if state == OrderState::Cancelling && may_be_done {
                    self.tell(ctx, report.order, OrderState::InDoubt, own(reason));
                    self.ask_of(ctx, report.order);
                } else if state == OrderState::Cancelling {
                    self.tell(ctx, report.order, partly, own(reason));
                }
                Ok(())
            }
            // Not found is no answer either: the order is not guessed to be dead, and not sent again.
            BrokerEvent::InDoubt | BrokerEvent::Unknown => {
                if state != OrderState::InDoubt {
                    self.tell(ctx, report.order, OrderState::InDoubt, 0);
                }
                Ok(())
            }
        }
    }

    /// Nothing of an order works any more at its broker.
    fn over(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: OrderId,
        state: OrderState,
        reason: u16,
    ) -> Result<(), Reject> {
        if !self.keep_covering(ctx, id) {
            self.finish(ctx, id, state, own(reason));
        }
        Ok(())
    }

    pub(super) fn filled(
        &mut self,
        ctx: &mut Ctx<'_>,
        report: &BrokerReport,
        fill: Fill,
    ) -> Result<(), Reject> {
        if fill.qty <= Qty(0) {
            return Err(Reject::QtyNotPositive);
        }
        let order = self
            .order(report.order)
            .ok_or(Reject::UnknownOrder)?
            .clone();
        let named = report.exec != ExecId::default();
        let booked = order.executions.iter().any(|seen| seen.id == report.exec);
        if named && (booked || order.settled.contains(&report.exec)) {
            return Ok(());
        }
        let booking = Booking {
            order: order.id,
            origin: order.origin,
            exec: report.exec,
            side: order.order.side,
            qty: fill.qty.0,
            price: fill.price.0,
            commission: fill.commission,
        };
        if let Err(reason) = self.check_fill(&order, &booking) {
            let unbooked = Unbooked {
                id: report.exec,
                qty: fill.qty,
            };
            return Err(self.doubt(ctx, &order, unbooked, reason));
        }
        // A close takes at most what is open. What the broker has executed beyond that it may hold on the other side, or
        // not at all: a person asks it.
        let open = self.closable(&order).unwrap_or(fill.qty.0);
        let qty = Qty(fill.qty.0.min(open));
        let excess = Unbooked {
            id: report.exec,
            qty: Qty(fill.qty.0 - qty.0),
        };
        if qty == Qty(0) {
            return Err(self.doubt(ctx, &order, excess, Reject::NotClosing));
        }
        // The commission is charged for all of it; the part that is booked carries it.
        let booking = Booking {
            qty: qty.0,
            ..booking
        };
        self.expose_if_open(&order, -1);
        let at = ctx.out.len();
        self.count_execution(ctx, &order);
        let protection = self.closed_protection(&order, booking.side);
        let opened = self.book_fill(ctx, &order, booking);
        let execution = Execution {
            id: report.exec,
            qty,
            price: fill.price,
            commission: fill.commission,
            protection,
            busted: false,
        };
        let order = self.order_mut(report.order).ok_or(Reject::UnknownOrder)?;
        order.executions.push(execution);
        if named {
            order.unbooked.retain(|other| other.id != report.exec);
        }
        let exceeds = excess.qty > Qty(0);
        if exceeds && order.unbooked.len() < EXECUTIONS_MAX {
            order.unbooked.push(excess);
        }
        order.filled = Qty(order.filled.0.saturating_add(qty.0));
        order.value += i128::from(qty.0) * i128::from(fill.price.0);
        order.opened = order.opened.or(opened);
        let whole = order.remaining() == Qty(0);
        let order = order.clone();
        self.expose_if_open(&order, 1);
        let booked = ctx.out.split_off(at);
        let mut asks = false;
        if order.is_final() {
            ctx.out.push(Output::Order(order.change()));
        } else if whole {
            self.finish(ctx, order.id, OrderState::Filled, 0);
        } else {
            let state = match order.state {
                OrderState::Cancelling => OrderState::Cancelling,
                _ if !order.unbooked.is_empty() || order.may_be_done() => OrderState::InDoubt,
                _ => OrderState::PartlyFilled,
            };
            asks = state == OrderState::InDoubt && order.unbooked.is_empty();
            self.tell(ctx, order.id, state, 0);
        }
        ctx.out.extend(booked);
        if asks {
            self.ask_of(ctx, order.id);
        }
        match exceeds {
            true => Err(Reject::NotClosing),
            false => Ok(()),
        }
    }

    /// What is left of an order the broker says.
    fn ask_of(&self, ctx: &mut Ctx<'_>, id: OrderId) {
        let asked = self.order(id).filter(|order| !order.is_of_broker());
        let Some(link) = asked.map(|order| order.link) else {
            return;
        };
        let command = LinkCommand::Status(id);
        ctx.out.push(Output::Send(Send { link, command }));
    }

    /// Whether an execution makes sense, and can be booked.
    fn check_fill(&self, order: &Order, booking: &Booking) -> Result<(), Reject> {
        let sane = booking.qty <= FILL_MAX
            && booking.price.unsigned_abs() <= FILL_MAX as u64
            && booking.commission.0.unsigned_abs() <= super::accounts::MONEY_MAX as u64
            && order.executions.len() < EXECUTIONS_MAX;
        if !sane {
            return Err(Reject::Overflow);
        }
        let terms = self
            .instrument(order.order.instrument)
            .map(|known| &known.terms);
        if booking.price <= 0 && !terms.is_some_and(|terms| terms.negative_prices) {
            return Err(Reject::PriceNotPositive);
        }
        self.can_book(order, booking)
    }

    /// An execution that cannot be booked happened all the same: until somebody has looked, nobody knows what the
    /// broker holds. An order that has ended stays so, and is told of once more.
    pub(super) fn doubt(
        &mut self,
        ctx: &mut Ctx<'_>,
        order: &Order,
        unbooked: Unbooked,
        reason: Reject,
    ) -> Reject {
        // Executions without an id are all alike, and each is one of its own.
        let named = unbooked.id != ExecId::default();
        let seen = order.unbooked.iter().any(|other| other.id == unbooked.id);
        let known = (named && seen) || order.unbooked.len() >= EXECUTIONS_MAX;
        if let Some(order) = self.order_mut(order.id).filter(|_| !known) {
            order.unbooked.push(unbooked);
        }
        let is_told = known && order.state == OrderState::InDoubt;
        if !order.is_final() && !is_told {
            self.tell(ctx, order.id, OrderState::InDoubt, reason.code());
        } else if !known && let Some(order) = self.order(order.id) {
            ctx.out.push(Output::Order(order.change()));
        }
        reason
    }

    /// A named person has settled with the broker what could not be booked of an order: it is not booked, nor doubted,
    /// when it comes again. What is left of an open one the broker says.
    pub(super) fn reconciled(&mut self, ctx: &mut Ctx<'_>, set: Reconciled) {
        let order = self.order(set.order);
        let account = order.map(|order| order.order.account);
        let reason = match order.map(|order| order.unbooked.len()) {
            _ if ctx.actor == ActorId(0) => Some(Reject::PersonMissing),
            None => Some(Reject::UnknownOrder),
            Some(open) if open != set.executions as usize => Some(Reject::UnbookedCount),
            Some(_) => None,
        };
        self.answer(ctx, account, Some(set.order), reason.into_iter().collect());
        let settled = |order: &&mut Order| reason.is_none() && !order.unbooked.is_empty();
        let Some(order) = self.order_mut(set.order).filter(settled) else {
            return;
        };
        let parts = order.unbooked.iter();
        let qty = parts.fold(order.settled_qty.0, |sum, one| {
            sum.saturating_add(one.qty.0)
        });
        order.settled_qty = Qty(qty);
        for one in std::mem::take(&mut order.unbooked) {
            remember(order, one.id);
        }
        self.doubt_less(ctx, set.order);
    }

    /// Fewer executions of an order wait to be booked: what is left of an open one the broker says, and what it covered
    /// for them may have to be closed.
    fn doubt_less(&mut self, ctx: &mut Ctx<'_>, id: OrderId) {
        let Some(order) = self.order(id) else {
            return;
        };
        let (account, instrument) = (order.order.account, order.order.instrument);
        let ended = order.is_final();
        if !ended && order.is_of_broker() && order.unbooked.is_empty() {
            // It was this execution and nothing else.
            return self.finish(ctx, id, OrderState::Cancelled, 0);
        }
        ctx.out.push(Output::Order(order.change()));
        if !ended {
            self.touch(account);
            self.uncovered.push((account, instrument));
            self.ask_of(ctx, id);
        }
    }

    /// An execution taken back is booked the other way round at its own price, its commission given back: the same
    /// money, the same exposure.
    pub(super) fn bust(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: OrderId,
        exec: ExecId,
    ) -> Result<(), Reject> {
        let before = self.order(id).ok_or(Reject::UnknownOrder)?.clone();
        let unbusted = |seen: &&Execution| seen.id == exec && !seen.busted;
        let Some(execution) = before.executions.iter().find(unbusted).copied() else {
            return self.bust_unbooked(ctx, id, exec);
        };
        let Execution {
            qty,
            price,
            commission,
            ..
        } = execution;
        let mut back = before.clone();
        back.order.position = back.opened;
        // What it closed of a position goes back there while that stands, else it is there again with its protection.
        back.opened = before.order.position;
        back.order.protection = execution.protection;
        back.order.side = back.order.side.other();
        let booking = Booking {
            order: id,
            origin: back.origin,
            exec,
            side: back.order.side,
            qty: qty.0,
            price: price.0,
            commission: Money(-commission.0),
        };
        self.can_book(&back, &booking)?;
        self.expose_if_open(&before, -1);
        let order = self.order_mut(id).ok_or(Reject::UnknownOrder)?;
        // Executions without an id are all alike: the one that is booked back, and no other.
        let mut seen = order.executions.iter_mut();
        if let Some(seen) = seen.find(|seen| seen.id == exec && !seen.busted) {
            seen.busted = true;
        }
        order.filled = Qty(order.filled.0 - qty.0);
        order.value -= i128::from(qty.0) * i128::from(price.0);
        // What it executed beyond what was open is taken back with it.
        let waited = order.unbooked.len();
        if exec != ExecId::default() {
            order.unbooked.retain(|one| one.id != exec);
        }
        let exceeded = order.unbooked.len() < waited;
        let order = order.clone();
        self.expose_if_open(&order, 1);
        let opened = self.book_fill(ctx, &back, booking);
        if exceeded {
            self.doubt_less(ctx, id);
        } else if let Some(order) = self.order(id) {
            ctx.out.push(Output::Order(order.change()));
        }
        // A position that this input opened has its name.
        if let Some(position) = opened.filter(|position| *position == PositionId(ctx.seq)) {
            self.tell_protection(ctx, position);
        }
        self.touch(order.order.account);
        Ok(())
    }

    /// What could not be booked is taken back: there is nothing to book, also when the broker says it again.
    fn bust_unbooked(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: OrderId,
        exec: ExecId,
    ) -> Result<(), Reject> {
        let order = self.order_mut(id).ok_or(Reject::UnknownOrder)?;
        let at = order.unbooked.iter().position(|one| one.id == exec);
        order.unbooked.remove(at.ok_or(Reject::UnknownOrder)?);
        remember(order, exec);
        self.doubt_less(ctx, id);
        Ok(())
    }

    pub(super) fn expose_if_open(&mut self, order: &Order, sign: i128) {
        if !order.is_final() {
            self.expose_order(order, sign);
        }
    }

    pub(super) fn order_mut(&mut self, id: OrderId) -> Option<&mut Order> {
        match self.orders.get_mut(&id) {
            Some(order) => Some(order),
            None => self.ended.get_mut(&id),
        }
    }
}

/// An order that is not remembered. What was executed of it all the same, or taken back, is on no books, and nobody can be
/// asked to settle it there: the alert rules call somebody by this reason.
fn unknown(event: &BrokerEvent) -> Reject {
    match event {
        BrokerEvent::Filled(_) | BrokerEvent::Bust(_) => Reject::Unbooked,
        _ => Reject::UnknownOrder,
    }
}

/// An execution needs no booking any more, whenever it comes again under its id.
fn remember(order: &mut Order, id: ExecId) {
    if id != ExecId::default() && order.settled.len() < EXECUTIONS_MAX {
        order.settled.push(id);
    }
}

/// A broker's own number. The one of an execution that is not booked is said by the house alone.
fn own(reason: u16) -> u16 {
    match reason == Reject::Unbooked.code() {
        true => 0,
        false => reason,
    }
}
