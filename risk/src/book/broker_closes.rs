//! Closes that a broker made by itself, by a protective price that it holds. Each is booked as an order of the broker's
//! own with one execution, so that what cannot be booked, what is said again and what is taken back meet the rules of
//! every other execution (`reports.rs`).

use super::orders::{Order, Unbooked};
use super::positions::Position;
use super::protect::closing_order;
use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::units::*;
use crate::verdict::Reject;

/// Closes of one account that wait for a named person: more is a broken counterparty.
const UNBOOKED_MAX: usize = 100;

impl Book {
    /// A broker has closed a position, or takes that back.
    pub(super) fn broker_close(&mut self, ctx: &mut Ctx<'_>, close: BrokerClose) {
        let known = self.broker_closes.get(&(close.position, close.exec));
        let known = known.copied().filter(|_| close.exec != ExecId::default());
        let of_link = known.is_none_or(|id| {
            let order = self.order(id);
            order.is_some_and(|order| order.link == close.link)
        });
        let done = match (close.event, known) {
            _ if !of_link => Err(Reject::UnknownPosition),
            // Its order is forgotten.
            (CloseEvent::Filled { .. }, None) if self.was_said(close.position, close.exec) => {
                Ok(())
            }
            (CloseEvent::Filled { kind, fill }, None) => self.closed_first(ctx, &close, kind, fill),
            (CloseEvent::Filled { fill, .. }, Some(id)) => self.closed(ctx, &close, id, fill),
            (CloseEvent::Bust, Some(id)) => self.bust(ctx, id, close.exec),
            (CloseEvent::Bust, None) => Err(Reject::UnknownOrder),
        };
        match done {
            Ok(()) if ctx.token == 0 => {}
            _ => self.answer(ctx, None, None, done.err().into_iter().collect()),
        }
    }

    /// It is heard of for the first time: the broker's order is made, and said after what made it. Of a position that is
    /// closed already it cannot be booked, and is in doubt until somebody has looked.
    fn closed_first(
        &mut self,
        ctx: &mut Ctx<'_>,
        close: &BrokerClose,
        kind: ProtectiveKind,
        fill: Fill,
    ) -> Result<(), Reject> {
        if fill.qty <= Qty(0) {
            return Err(Reject::QtyNotPositive);
        }
        let held = self.positions.find(close.position);
        let gone = self.gone.get(&close.position);
        let held = held.or_else(|| gone.map(|gone| gone.position(close.position)));
        let held = held.ok_or(Reject::UnknownPosition)?;
        let account = self.account(held.account).ok_or(Reject::UnknownAccount)?;
        let link = gone.map_or(account.state.terms.link, |gone| gone.link);
        // By its terms the broker of another link holds no price of it, and one that holds none closes nothing.
        if link != close.link || !self.holds_protection(link) {
            return Err(Reject::UnknownPosition);
        }
        let orders = account.orders.iter().filter_map(|id| self.orders.get(id));
        if orders.filter(|order| order.is_of_broker()).count() >= UNBOOKED_MAX {
            return Err(Reject::Unbooked);
        }
        let id = self.order_of_broker(ctx, close, &held, fill);
        let price = self.protective_price(&held, kind);
        ctx.out.push(Output::Protective(ProtectiveFired {
            account: held.account,
            position: held.id,
            instrument: held.instrument,
            kind,
            price: price.unwrap_or(fill.price),
            crossed_by: fill.price,
            unanswered: false,
            order: Some(id),
        }));
        self.closed(ctx, close, id, fill)
    }

    fn order_of_broker(
        &mut self,
        ctx: &mut Ctx<'_>,
        close: &BrokerClose,
        held: &Position,
        fill: Fill,
    ) -> OrderId {
        let (id, side) = (ctx.order_id(), held.side.other());
        let seen = self.open_price(held.instrument, side);
        self.put_on_books(Order {
            id,
            order: closing_order(held, side, fill.qty.0),
            state: OrderState::Submitted,
            origin: Origin::Broker,
            link: close.link,
            filled: Qty(0),
            value: 0,
            reason: 0,
            seen: Price(seen.unwrap_or(0)),
            placed: ctx.now,
            closing: true,
            triggered: true,
            sent: true,
            answer_by: Ts(0),
            cancel_queued: false,
            base: 0,
            opened: None,
            executions: Vec::new(),
            unbooked: Vec::new(),
            settled: Vec::new(),
            settled_qty: Qty(0),
            kept_until: Ts(0),
        });
        if close.exec != ExecId::default() {
            let key = (close.position, close.exec);
            self.broker_closes.insert(key, id);
        }
        id
    }

    /// Books the one execution of a broker's order, once, as far as its position is open: the order is for what it takes,
    /// and the rest waits as with any close. Nothing is booked where the position is gone, or of more than a net, which
    /// has no end there.
    fn closed(
        &mut self,
        ctx: &mut Ctx<'_>,
        close: &BrokerClose,
        id: OrderId,
        fill: Fill,
    ) -> Result<(), Reject> {
        let order = self.order(id).ok_or(Reject::UnknownOrder)?;
        let booked = !order.executions.is_empty();
        if booked || order.settled.contains(&close.exec) {
            return Ok(());
        }
        let held = self.positions.find(close.position);
        let takes = match self.closable(order) {
            Some(open) if open > 0 => Qty(fill.qty.0.min(open)),
            _ => fill.qty,
        };
        if takes.0 > held.map_or(0, |held| held.qty) {
            let order = order.clone();
            let unbooked = Unbooked {
                id: close.exec,
                qty: fill.qty,
            };
            return Err(self.doubt(ctx, &order, unbooked, Reject::NotClosing));
        }
        // The broker may have said it otherwise before: the order is what it says now.
        if takes > Qty(0) {
            let before = order.clone();
            self.expose_if_open(&before, -1);
            let order = self.order_mut(id).ok_or(Reject::UnknownOrder)?;
            order.order.qty = takes;
            let after = order.clone();
            self.expose_if_open(&after, 1);
        }
        let report = BrokerReport {
            link: close.link,
            order: id,
            exec: close.exec,
            event: BrokerEvent::Filled(fill),
        };
        self.filled(ctx, &report, fill)
    }

    /// An order of a broker is known by what the broker calls it.
    pub(super) fn know_broker_close(&mut self, order: &Order) {
        let Some(position) = order.order.position.filter(|_| order.is_of_broker()) else {
            return;
        };
        for exec in execs(order) {
            self.broker_closes.insert((position, exec), order.id);
        }
    }

    /// It is forgotten with its order, but for its ids while its position may still be spoken of.
    pub(super) fn forget_broker_close(&mut self, order: &Order) {
        let Some(position) = order.order.position.filter(|_| order.is_of_broker()) else {
            return;
        };
        for exec in execs(order) {
            self.broker_closes.remove(&(position, exec));
            self.keep_said(position, exec);
        }
    }
}

/// Ids of an order's executions, whatever has become of them.
fn execs(order: &Order) -> impl Iterator<Item = ExecId> {
    let booked = order.executions.iter().map(|one| one.id);
    let unbooked = order.unbooked.iter().map(|one| one.id);
    let settled = order.settled.iter().copied();
    let all = booked.chain(unbooked).chain(settled);
    all.filter(|id| *id != ExecId::default())
}
