//! How the paper broker executes: triggers, limits, slippage, parts, time in force.

use siaga_risk::event::*;
use siaga_risk::ids::OrderId;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;

use super::config::{marked_up, share};
use super::{Flight, PART_GAP_NS, PaperLink, PaperOrder};

/// Whether a price may trigger or fill this order: everything else stays untouched by a tick.
pub(super) fn may_act(order: &PaperOrder, bid: Price, ask: Price) -> bool {
    let submit = &order.submit;
    let touch = touch_of(submit.side, bid, ask);
    match submit.kind {
        OrderKind::Market => false,
        OrderKind::Limit => reaches(submit, touch),
        OrderKind::Stop => is_triggered(order, touch),
        OrderKind::StopLimit => is_triggered(order, touch),
    }
}

impl PaperLink {
    /// Executes what the price allows now, and ends what its time in force does not let wait.
    pub(super) fn work(&mut self, id: OrderId, now: Ts) {
        let Some(order) = self.orders.get(&id).filter(|order| order.open) else {
            return;
        };
        let submit = order.submit;
        let Some((touch, spread)) = self.touch(&submit) else {
            return self.without_price(id, &submit);
        };
        if matches!(submit.kind, OrderKind::Stop | OrderKind::StopLimit) {
            if !is_triggered(order, touch) {
                return;
            }
            if let Some(order) = self.orders.get_mut(&id) {
                order.triggered = true;
            }
        }
        let is_limit = matches!(submit.kind, OrderKind::Limit | OrderKind::StopLimit);
        if is_limit && !reaches(&submit, touch) {
            if matches!(submit.tif, Tif::Ioc | Tif::Fok) {
                self.end(id, BrokerEvent::Cancelled);
            }
            return;
        }
        let price = if is_limit {
            touch
        } else {
            self.slipped(&submit, touch, spread)
        };
        if submit.kind == OrderKind::Market && is_too_far(&submit, price) {
            let event = BrokerEvent::Rejected(Reject::PriceCollar.code());
            let is_untouched = self.orders[&id].filled.0 == 0;
            return self.end(
                id,
                if is_untouched {
                    event
                } else {
                    BrokerEvent::Cancelled
                },
            );
        }
        self.fill(id, price, now);
    }

    /// The broker's price for this side and the market's spread. A replay's market order has its own.
    fn touch(&self, submit: &Submit) -> Option<(Price, i64)> {
        let mark = self.marks.get(&submit.instrument);
        if self.config.exact && submit.kind == OrderKind::Market {
            return Some((submit.seen, 0));
        }
        let mark = mark?;
        let (bid, ask) = marked_up(mark, self.config.markup);
        let spread = mark.ask.0.saturating_sub(mark.bid.0);
        Some((touch_of(submit.side, bid, ask), spread))
    }

    fn without_price(&mut self, id: OrderId, submit: &Submit) {
        let at_once = matches!(submit.tif, Tif::Ioc | Tif::Fok);
        if submit.kind == OrderKind::Market {
            self.end(id, BrokerEvent::Rejected(Reject::PriceNone.code()));
        } else if at_once {
            self.end(id, BrokerEvent::Cancelled);
        }
    }

    fn slipped(&mut self, submit: &Submit, touch: Price, spread: i64) -> Price {
        let worst = share(spread, self.config.slippage).max(0) as u64;
        let slip = match worst {
            0 => 0,
            worst => self.chance.below(worst + 1) as i64,
        };
        match submit.side {
            Side::Buy => Price(touch.0.saturating_add(slip)),
            Side::Sell => Price(touch.0.saturating_sub(slip)),
        }
    }

    fn fill(&mut self, id: OrderId, price: Price, now: Ts) {
        let submit = self.orders[&id].submit;
        let left = submit.qty.0.saturating_sub(self.orders[&id].filled.0);
        let part = self.part(&submit, left);
        let commission = self.commission(&submit, part);
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        order.filled = Qty(order.filled.0 + part);
        assert!(
            order.filled.0 <= submit.qty.0,
            "never more than was ordered"
        );
        // The time keeps the number unique over restarts of this book, the increment within one instant.
        order.exec_last = now.0.max(order.exec_last + 1);
        let exec = exec_id(id, order.exec_last);
        let held = self.book.entry((submit.account, submit.instrument));
        *held.or_default() += match submit.side {
            Side::Buy => part,
            Side::Sell => -part,
        };
        let fill = Fill {
            qty: Qty(part),
            price,
            commission,
        };
        self.say(id, exec, BrokerEvent::Filled(fill));
        if part == left {
            self.close(id);
        } else if submit.tif == Tif::Ioc {
            self.end(id, BrokerEvent::Cancelled);
        } else if matches!(submit.kind, OrderKind::Market | OrderKind::Stop) {
            self.schedule(Flight::Rest(id), now.plus(PART_GAP_NS));
        }
    }

    /// How much of what is left is executed now: all of it, or by chance a quarter to three quarters.
    fn part(&mut self, submit: &Submit, left: i64) -> i64 {
        let step = self
            .steps
            .get(&submit.instrument)
            .map_or(1, |step| step.0.max(1));
        if submit.tif == Tif::Fok || left < 2 * step || !self.chance.hits(self.config.partial) {
            return left;
        }
        let percent = 25 + self.chance.below(51) as i128;
        let part = i128::from(left) * percent / 100;
        let part = (part as i64) / step * step;
        part.clamp(step, left)
    }

    fn commission(&self, submit: &Submit, qty: i64) -> Money {
        let Some(digits) = self.directory.qty_digits(submit.instrument) else {
            return Money(0);
        };
        let charge = i128::from(self.config.commission_per_lot.0) * i128::from(qty);
        let charge = div_round(charge, i128::from(pow10(digits)));
        Money(i64::try_from(charge).unwrap_or(i64::MAX))
    }
}

fn touch_of(side: Side, bid: Price, ask: Price) -> Price {
    match side {
        Side::Buy => ask,
        Side::Sell => bid,
    }
}

/// A limit is reached at its price or better; an order without one always.
fn reaches(submit: &Submit, touch: Price) -> bool {
    match (submit.price, submit.side) {
        (Some(limit), Side::Buy) => touch <= limit,
        (Some(limit), Side::Sell) => touch >= limit,
        (None, _) => true,
    }
}

/// A stop is triggered at its price or beyond, and stays triggered.
fn is_triggered(order: &PaperOrder, touch: Price) -> bool {
    order.triggered
        || match (order.submit.stop, order.submit.side) {
            (Some(stop), Side::Buy) => touch >= stop,
            (Some(stop), Side::Sell) => touch <= stop,
            (None, _) => true,
        }
}

/// Worse than the price its owner saw by more than the order allows, or beyond the limit it was given.
fn is_too_far(submit: &Submit, price: Price) -> bool {
    let worse = match submit.side {
        Side::Buy => price.0.saturating_sub(submit.seen.0),
        Side::Sell => submit.seen.0.saturating_sub(price.0),
    };
    (submit.slippage_max.0 > 0 && worse > submit.slippage_max.0) || !reaches(submit, price)
}

fn exec_id(order: OrderId, number: u64) -> ExecId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&order.0.to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}
