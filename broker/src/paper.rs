//! The paper broker: fills against live prices, with the costs and the accidents of a real one.
//!
//! It is a link like any other: seeded, pure, and it can go down and come back ([`PaperLink::go_down`]).

mod config;
mod matching;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use siaga_risk::event::*;
use siaga_risk::ids::{AccountId, InstrumentId, LinkId, OrderId};
use siaga_risk::terms::HeldBy;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;

use crate::directory::Directory;
use crate::link::{
    Capabilities, Connection, Holding, Holdings, Link, LinkEvent, NotSupported, OpenOrder, Replace,
    Replaced,
};
use crate::router::signed;
pub use config::PaperConfig;
use config::{Chance, marked_up};

/// Ended orders remembered for `status`: a day of a busy desk; older ones are long settled.
const ENDED_ORDERS_MAX: usize = 100_000;
/// Time between two parts of one order's execution.
const PART_GAP_NS: u64 = 20_000_000;

/// A seeded broker in memory. Call order: see [`Link`].
pub struct PaperLink {
    id: LinkId,
    config: PaperConfig,
    chance: Chance,
    connection: Connection,
    directory: Directory,
    steps: BTreeMap<InstrumentId, Qty>,
    marks: BTreeMap<InstrumentId, Mark>,
    orders: BTreeMap<OrderId, PaperOrder>,
    resting: BTreeMap<InstrumentId, BTreeSet<OrderId>>,
    /// Bought less sold, lot steps.
    book: BTreeMap<(AccountId, InstrumentId), i64>,
    ended: VecDeque<OrderId>,
    flights: BTreeMap<(Ts, u64), Flight>,
    flight_count: u64,
    /// When the last command on its way arrives.
    arrival: Ts,
    /// What was said, oldest first; kept while the link is down.
    said: VecDeque<LinkEvent>,
}

/// Something on its way to the broker's book, or due in it.
#[derive(Clone, Debug)]
enum Flight {
    Submit(Box<Submit>),
    Cancel(OrderId),
    Replace(Replace),
    Status(OrderId),
    Holdings,
    /// The rest of a market order.
    Rest(OrderId),
    Expire(OrderId),
}

/// An order in the broker's book.
#[derive(Clone, Debug)]
struct PaperOrder {
    submit: Submit,
    filled: Qty,
    triggered: bool,
    open: bool,
    /// Number inside the last execution id.
    exec_last: u64,
    last: BrokerReport,
}

impl PaperLink {
    /// A broker that is up and knows no prices yet.
    pub fn new(id: LinkId, config: PaperConfig) -> Self {
        Self {
            id,
            config,
            chance: Chance::new(config.seed),
            connection: Connection { up: true, count: 1 },
            directory: Directory::default(),
            steps: BTreeMap::new(),
            marks: BTreeMap::new(),
            orders: BTreeMap::new(),
            resting: BTreeMap::new(),
            book: BTreeMap::new(),
            ended: VecDeque::new(),
            flights: BTreeMap::new(),
            flight_count: 0,
            arrival: Ts(0),
            said: VecDeque::new(),
        }
    }

    /// The connection breaks. Each command on its way is lost or arrives, by chance; the broker goes on
    /// filling what works in its book and keeps its reports until [`Self::come_back`].
    pub fn go_down(&mut self) {
        self.connection.up = false;
        let chance = &mut self.chance;
        self.flights.retain(|_, flight| match flight {
            Flight::Rest(_) | Flight::Expire(_) => true,
            _ => chance.below(2) == 0,
        });
    }

    /// The connection is made again; what was said meanwhile can be polled now.
    pub fn come_back(&mut self) {
        if !self.connection.up {
            self.connection.up = true;
            self.connection.count += 1;
        }
    }

    /// Orders that work in the broker's book.
    pub fn open_orders(&self) -> usize {
        self.orders.values().filter(|order| order.open).count()
    }

    fn launch(&mut self, flight: Flight, now: Ts) {
        if !self.connection.up {
            return;
        }
        let jitter = match self.config.jitter_ns {
            0 => 0,
            jitter => self.chance.below(jitter),
        };
        let latency = self.config.latency_ns.saturating_add(jitter);
        if latency == 0 {
            self.land(flight, now);
        } else {
            // One connection keeps its order: a cancel never overtakes its order.
            self.arrival = now.plus(latency).max(self.arrival);
            self.schedule(flight, self.arrival);
        }
    }

    fn schedule(&mut self, flight: Flight, at: Ts) {
        self.flight_count += 1;
        self.flights.insert((at, self.flight_count), flight);
    }

    fn land_due(&mut self, now: Ts) {
        while let Some(entry) = self.flights.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let at = entry.key().0;
            let flight = entry.remove();
            self.land(flight, at);
        }
    }

    fn land(&mut self, flight: Flight, now: Ts) {
        match flight {
            Flight::Submit(submit) => self.on_submit(&submit, now),
            Flight::Cancel(order) => self.on_cancel(order),
            Flight::Replace(replace) => self.on_replace(&replace, now),
            Flight::Status(order) => self.on_status(order),
            Flight::Holdings => self.on_holdings(),
            Flight::Rest(order) => self.work(order, now),
            Flight::Expire(order) => {
                if self.orders.get(&order).is_some_and(|order| order.open) {
                    self.end(order, BrokerEvent::Expired);
                }
            }
        }
    }

    fn on_submit(&mut self, submit: &Submit, now: Ts) {
        if self.orders.contains_key(&submit.id) {
            return;
        }
        self.open(submit, Qty(0), now);
        if self.chance.hits(self.config.reject) {
            self.end(submit.id, BrokerEvent::Rejected(Reject::Busy.code()));
            return;
        }
        if !self.config.exact {
            self.say(submit.id, [0; 16], BrokerEvent::Accepted);
        }
        self.work(submit.id, now);
        let quiet = self.config.exact && self.orders[&submit.id].open;
        if quiet {
            self.say(submit.id, [0; 16], BrokerEvent::Accepted);
        }
    }

    fn open(&mut self, submit: &Submit, filled: Qty, now: Ts) {
        let last = BrokerReport {
            link: self.id,
            order: submit.id,
            exec: [0; 16],
            event: BrokerEvent::Accepted,
        };
        let order = PaperOrder {
            submit: *submit,
            filled,
            triggered: false,
            open: true,
            exec_last: 0,
            last,
        };
        self.orders.insert(submit.id, order);
        let resting = self.resting.entry(submit.instrument).or_default();
        resting.insert(submit.id);
        if let Some(at) = expiry(submit, now) {
            self.schedule(Flight::Expire(submit.id), at);
        }
    }

    fn on_cancel(&mut self, order: OrderId) {
        match self.orders.get(&order).map(|order| order.open) {
            Some(true) => self.end(order, BrokerEvent::Cancelled),
            Some(false) => self.refuse_cancel(order, Reject::OrderFinal),
            None => self.refuse_cancel(order, Reject::UnknownOrder),
        }
    }

    fn refuse_cancel(&mut self, order: OrderId, reason: Reject) {
        let event = BrokerEvent::CancelRejected(reason.code());
        self.said.push_back(LinkEvent::Report(BrokerReport {
            link: self.id,
            order,
            exec: [0; 16],
            event,
        }));
    }

    fn on_status(&mut self, order: OrderId) {
        let known = self.orders.get(&order).map(|known| match known.open {
            true => BrokerReport {
                exec: [0; 16],
                event: BrokerEvent::Accepted,
                ..known.last
            },
            false => known.last,
        });
        let report = known.unwrap_or(BrokerReport {
            link: self.id,
            order,
            exec: [0; 16],
            event: BrokerEvent::Unknown,
        });
        self.said.push_back(LinkEvent::Status(report));
    }

    fn on_replace(&mut self, replace: &Replace, now: Ts) {
        let refused = match self.orders.get_mut(&replace.order) {
            None => Some(Reject::UnknownOrder),
            Some(order) if !order.open => Some(Reject::OrderFinal),
            Some(order) if replace.qty <= order.filled => Some(Reject::QtyNotPositive),
            Some(order) => {
                let submit = &mut order.submit;
                (submit.qty, submit.price, submit.stop) =
                    (replace.qty, replace.price, replace.stop);
                None
            }
        };
        self.said.push_back(LinkEvent::Replaced(Replaced {
            link: self.id,
            order: replace.order,
            refused: refused.map(|reason| reason.code()),
        }));
        if refused.is_none() {
            self.work(replace.order, now);
        }
    }

    /// Play money is kept by the house: there are no balances to tell.
    fn on_holdings(&mut self) {
        let held = self.book.iter().filter(|(_, qty)| **qty != 0);
        let positions = held.map(|((account, instrument), qty)| Holding {
            account: *account,
            instrument: *instrument,
            qty: Qty(*qty),
        });
        let holdings = Holdings {
            link: self.id,
            positions: positions.collect(),
            balances: Vec::new(),
        };
        self.said.push_back(LinkEvent::Holdings(holdings));
    }

    fn end(&mut self, order: OrderId, event: BrokerEvent) {
        self.say(order, [0; 16], event);
        self.close(order);
    }

    fn close(&mut self, id: OrderId) {
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        order.open = false;
        if let Some(resting) = self.resting.get_mut(&order.submit.instrument) {
            resting.remove(&id);
        }
        self.ended.push_back(id);
        if self.ended.len() > ENDED_ORDERS_MAX
            && let Some(oldest) = self.ended.pop_front()
        {
            self.orders.remove(&oldest);
        }
    }

    fn say(&mut self, order: OrderId, exec: ExecId, event: BrokerEvent) {
        let report = BrokerReport {
            link: self.id,
            order,
            exec,
            event,
        };
        if let Some(order) = self.orders.get_mut(&order) {
            order.last = report;
        }
        self.said.push_back(LinkEvent::Report(report));
    }
}

impl Link for PaperLink {
    fn id(&self) -> LinkId {
        self.id
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            protective: HeldBy::Core,
            prices: true,
            unknown_is_final: true,
            replace: true,
            holdings: true,
        }
    }

    fn connection(&self) -> Connection {
        self.connection
    }

    fn submit(&mut self, submit: &Submit, now: Ts) {
        self.launch(Flight::Submit(Box::new(*submit)), now);
    }

    fn cancel(&mut self, order: OrderId, now: Ts) {
        self.launch(Flight::Cancel(order), now);
    }

    /// Protective prices of this link are held by the core (see [`Self::capabilities`]), so none come here.
    fn protect(&mut self, _protect: &Protect, _now: Ts) {}

    fn status(&mut self, order: OrderId, now: Ts) {
        self.launch(Flight::Status(order), now);
    }

    fn replace(&mut self, replace: &Replace, now: Ts) -> Result<(), NotSupported> {
        self.launch(Flight::Replace(*replace), now);
        Ok(())
    }

    fn holdings(&mut self, now: Ts) -> Result<(), NotSupported> {
        self.launch(Flight::Holdings, now);
        Ok(())
    }

    /// What this book held is what its executions had made: the books of the house.
    fn adopt_position(&mut self, position: &PositionChange) {
        let place = (position.account, position.instrument);
        *self.book.entry(place).or_default() += signed(position);
    }

    /// A confirmed order works in the new book as it did in the old one; an unconfirmed one never arrived.
    fn adopt(&mut self, order: &OpenOrder, now: Ts) {
        if order.confirmed && !self.orders.contains_key(&order.submit.id) {
            self.open(&order.submit, order.filled, now);
            self.schedule(Flight::Rest(order.submit.id), now);
        }
    }

    fn on_mark(&mut self, mark: &Mark, now: Ts) {
        self.land_due(now);
        self.marks.insert(mark.instrument, *mark);
        let Some(resting) = self.resting.get(&mark.instrument) else {
            return;
        };
        if resting.is_empty() {
            return;
        }
        let (bid, ask) = marked_up(mark, self.config.markup);
        let touched: Vec<OrderId> = resting
            .iter()
            .filter(|id| matching::may_act(&self.orders[id], bid, ask))
            .copied()
            .collect();
        for order in touched {
            self.work(order, now);
        }
    }

    fn on_terms(&mut self, terms: &TermsChange) {
        self.directory.on_terms(terms);
        if let TermsChange::Instrument(terms) = terms {
            self.steps.insert(terms.id, terms.qty_step);
        }
    }

    fn drill(&mut self, up: bool) {
        if up {
            self.come_back();
        } else {
            self.go_down();
        }
    }

    fn poll_event(&mut self) -> Option<LinkEvent> {
        if self.connection.up {
            self.said.pop_front()
        } else {
            None
        }
    }

    fn poll_deadline(&self) -> Option<Ts> {
        self.flights.first_key_value().map(|((at, _), _)| *at)
    }

    fn on_deadline(&mut self, now: Ts) {
        self.land_due(now);
    }
}

/// When the broker ends an order by itself: `Gtd` at its time, `Day` with the UTC day.
fn expiry(submit: &Submit, now: Ts) -> Option<Ts> {
    match submit.tif {
        Tif::Gtd => submit.expires,
        Tif::Day => Some(Ts((now.0 / DAY_NS + 1).saturating_mul(DAY_NS))),
        _ => None,
    }
}
