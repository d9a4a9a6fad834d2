//! Protective prices that the broker holds, of the positions that its orders have opened on hedging accounts. What a position
//! holds follows from what was executed; one of which that is not certain is left to the house.

use crate::dice::Dice;
use crate::odds;
use crate::world::is_hedging;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::units::*;
use std::collections::BTreeMap;

/// A charge for each close, minor units.
const COMMISSION: Money = Money(3);

/// A position by the broker's own books.
#[derive(Clone, Debug)]
struct Holding {
    /// The order that opened it.
    order: OrderId,
    instrument: InstrumentId,
    side: Side,
    protection: Protection,
    /// Best closing price since a trailing stop was set.
    best: Option<i64>,
    /// What the broker has closed of it by itself.
    closed: i64,
    /// Something was taken back, or its order may have opened another one: what it holds is not certain.
    unsure: bool,
}

/// A close that was made, and whether it was taken back.
#[derive(Clone, Copy, Debug)]
struct Made {
    at: Ts,
    order: OrderId,
    close: BrokerClose,
    is_back: bool,
}

/// What the broker knows of positions.
#[derive(Debug, Default)]
pub struct Held {
    holdings: BTreeMap<PositionId, Holding>,
    submits: BTreeMap<OrderId, Submit>,
    /// Orders that name a position to close it.
    naming: BTreeMap<PositionId, Vec<OrderId>>,
    /// Bid and ask.
    marks: BTreeMap<InstrumentId, (i64, i64)>,
    made: Vec<Made>,
    /// What each close came to, by the broker's own id.
    closed: BTreeMap<ExecId, i64>,
}

impl Held {
    /// An order came in, while those of `working` had not ended.
    pub fn submit(&mut self, submit: &Submit, working: &BTreeMap<OrderId, Submit>) {
        self.submits.insert(submit.id, *submit);
        let Some(position) = submit.position else {
            return;
        };
        self.naming.entry(position).or_default().push(submit.id);
        if let Some(holding) = self.holdings.get_mut(&position) {
            // What is left of the order that opens it may open another one, if this closes it before.
            holding.unsure |= working.contains_key(&holding.order);
        }
    }

    /// The house says what a position is called.
    pub fn opened(&mut self, opened: &Opened) {
        if self.holdings.contains_key(&opened.position) || !is_hedging(opened.account) {
            return;
        }
        let submit = opened.order.and_then(|order| self.submits.get(&order));
        let plain = |submit: &&Submit| submit.position.is_none() && submit.side == opened.side;
        // One that came back when a close was taken back is not followed.
        let Some(submit) = submit.filter(plain).copied() else {
            return;
        };
        // Named before it was told of: a close of the house is on its way, or done.
        let mut unsure = self.naming.contains_key(&opened.position);
        for other in self.holdings.values_mut() {
            if other.order == submit.id {
                other.unsure = true;
                unsure = true;
            }
        }
        let holding = Holding {
            order: submit.id,
            instrument: opened.instrument,
            side: opened.side,
            protection: submit.protection,
            best: None,
            closed: 0,
            unsure,
        };
        self.holdings.insert(opened.position, holding);
    }

    /// Other protective prices.
    pub fn protect(&mut self, set: &Protect) {
        if let Some(holding) = self.holdings.get_mut(&set.position) {
            holding.protection = set.protection;
            holding.best = None;
        }
    }

    /// A price: trailing stops follow it.
    pub fn on_mark(&mut self, mark: &Mark) {
        let (bid, ask) = (mark.bid.0, mark.ask.0);
        self.marks.insert(mark.instrument, (bid, ask));
        let of = self.holdings.values_mut();
        for holding in of.filter(|holding| holding.instrument == mark.instrument) {
            let best = holding.best;
            holding.best = Some(match holding.side {
                Side::Buy => best.map_or(bid, |best| best.max(bid)),
                Side::Sell => best.map_or(ask, |best| best.min(ask)),
            });
        }
    }

    /// An execution of an order was taken back: what its position holds is not certain any more.
    pub fn disturb(&mut self, order: OrderId) {
        let named = self.submits.get(&order).and_then(|submit| submit.position);
        for (position, holding) in &mut self.holdings {
            holding.unsure |= holding.order == order || named == Some(*position);
        }
    }

    /// Closes a position whose price has come: whole, or a part first. Nothing while the order that opens it, or one that
    /// closes it, has not ended, as nobody would know what is left.
    pub fn close(
        &mut self,
        link: LinkId,
        now: Ts,
        executed: &BTreeMap<OrderId, i64>,
        working: &BTreeMap<OrderId, Submit>,
        dice: &mut Dice,
    ) -> Option<BrokerClose> {
        let due = self.holdings.iter().find_map(|(position, holding)| {
            let (kind, price) = self.hit(holding)?;
            let mut orders = self.naming(*position).chain([&holding.order]);
            let is_certain = !holding.unsure && !orders.any(|order| working.contains_key(order));
            let qty = self.qty(*position, holding, executed);
            (is_certain && qty > 0).then_some((*position, holding.order, kind, price, qty))
        });
        let (position, order, kind, price, whole) = due?;
        let qty = if whole > 1 && dice.one_in(odds::CLOSE_PART) {
            whole / 2
        } else {
            whole
        };
        let mut exec = ExecId::default();
        exec[..8].copy_from_slice(&(self.closed.len() as u64 + 1).to_be_bytes());
        exec[0] = b'C';
        let fill = Fill {
            qty: Qty(qty),
            price: Price(price),
            commission: COMMISSION,
        };
        let close = BrokerClose {
            link,
            position,
            exec,
            event: CloseEvent::Filled { kind, fill },
        };
        self.closed.insert(exec, qty);
        if let Some(holding) = self.holdings.get_mut(&position) {
            holding.closed += qty;
        }
        self.made.push(Made {
            at: now,
            order,
            close,
            is_back: false,
        });
        Some(close)
    }

    /// The newest close is taken back.
    pub fn take_back(&mut self) -> Option<BrokerClose> {
        let made = self.made.last_mut()?;
        made.is_back = true;
        let close = made.close;
        self.closed.insert(close.exec, 0);
        if let Some(holding) = self.holdings.get_mut(&close.position) {
            holding.unsure = true;
        }
        Some(BrokerClose {
            event: CloseEvent::Bust,
            ..close
        })
    }

    /// The newest close is told to nobody: a fault that is planted.
    pub fn keep_secret(&mut self) {
        self.made.pop();
    }

    /// What is said again on a new connection, by the order that opened the position: each close, and that it was taken back
    /// behind it.
    pub fn again(&self, now: Ts) -> impl Iterator<Item = (OrderId, Vec<BrokerClose>)> + '_ {
        let late = self
            .made
            .iter()
            .filter(move |made| now.since(made.at) < odds::REPEATED_NS);
        late.map(|made| {
            let mut said = vec![made.close];
            said.extend(made.is_back.then_some(BrokerClose {
                event: CloseEvent::Bust,
                ..made.close
            }));
            (made.order, said)
        })
    }

    /// What each close came to.
    pub fn closed(&self) -> &BTreeMap<ExecId, i64> {
        &self.closed
    }

    fn qty(
        &self,
        position: PositionId,
        holding: &Holding,
        executed: &BTreeMap<OrderId, i64>,
    ) -> i64 {
        let of = |order: &OrderId| executed.get(order).copied().unwrap_or_default();
        of(&holding.order) - self.naming(position).map(of).sum::<i64>() - holding.closed
    }

    /// Orders that name a position to close it.
    fn naming(&self, position: PositionId) -> impl Iterator<Item = &OrderId> {
        self.naming.get(&position).into_iter().flatten()
    }

    /// The protective price that has come, and the price that it closes at.
    fn hit(&self, holding: &Holding) -> Option<(ProtectiveKind, i64)> {
        let (bid, ask) = *self.marks.get(&holding.instrument)?;
        let long = holding.side == Side::Buy;
        let price = if long { bid } else { ask };
        let worse = |stop: i64| if long { price <= stop } else { price >= stop };
        let better = |take: i64| if long { price >= take } else { price <= take };
        let protection = &holding.protection;
        let distance = protection.trailing.0;
        let trailing = holding.best.filter(|_| distance > 0);
        let trailing = trailing.map(|best| {
            if long {
                best - distance
            } else {
                best + distance
            }
        });
        let kind = if protection.stop_loss.is_some_and(|stop| worse(stop.0)) {
            ProtectiveKind::StopLoss
        } else if trailing.is_some_and(worse) {
            ProtectiveKind::Trailing
        } else if protection.take_profit.is_some_and(|take| better(take.0)) {
            ProtectiveKind::TakeProfit
        } else {
            return None;
        };
        Some((kind, price))
    }
}
