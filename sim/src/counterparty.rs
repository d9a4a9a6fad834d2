//! The broker: it outlives every crash of the desk, and remembers what it was told.

mod held;

use crate::Planted;
use crate::dice::Dice;
use crate::odds;
use crate::world::Rules;
use held::Held;
use siaga_broker::link::{Capabilities, Connection, Link, LinkEvent};
use siaga_broker::paper::{PaperConfig, PaperLink};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::HeldBy;
use siaga_risk::units::*;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

struct State {
    paper: PaperLink,
    /// How often each order was handed over.
    submits: BTreeMap<OrderId, u32>,
    /// Every execution, by order: whoever asks about an order hears them again first.
    executions: BTreeMap<OrderId, Vec<BrokerReport>>,
    /// Said before the next event of the paper broker.
    again: VecDeque<LinkEvent>,
    /// Held back until the next event, which overtakes it.
    late: Option<LinkEvent>,
    /// Quantity executed, by order, less what was taken back: the truth, however often it is said.
    executed: BTreeMap<OrderId, i64>,
    /// Orders that work, or are on their way.
    working: BTreeMap<OrderId, Submit>,
    /// Executions that may still be taken back, and reports that some were.
    recent: VecDeque<(Ts, BrokerReport)>,
    taken_back: Vec<(Ts, BrokerReport)>,
    /// Protective prices, where this broker holds them.
    held: Held,
    held_by: HeldBy,
    link: LinkId,
    now: Ts,
    odd_reports: u64,
    dice: Dice,
    planted: Option<Planted>,
}

/// One report in so many is made again, and one comes late.
const ODD_EVERY: u64 = 12;
/// One order in so many falls to a fault that is planted on orders: each run has some of them, and some that go well.
const FAULT_EVERY: u64 = 4;

/// A handle on the broker; the router holds another.
#[derive(Clone)]
pub struct Counterparty(Arc<Mutex<State>>);

impl Counterparty {
    /// A broker of chance: late, partial, refusing now and then.
    pub fn new(link: LinkId, seed: u64, rules: &Rules, planted: Option<Planted>) -> Counterparty {
        let config = PaperConfig {
            reject: Ratio::percent(2),
            partial: Ratio::percent(20),
            commission_per_lot: Money(7),
            ..PaperConfig::retail(seed)
        };
        Counterparty(Arc::new(Mutex::new(State {
            paper: PaperLink::new(link, config),
            submits: BTreeMap::new(),
            executions: BTreeMap::new(),
            again: VecDeque::new(),
            late: None,
            executed: BTreeMap::new(),
            working: BTreeMap::new(),
            recent: VecDeque::new(),
            taken_back: Vec::new(),
            held: Held::default(),
            held_by: rules.held_by,
            link,
            now: Ts(0),
            odd_reports: 0,
            dice: Dice::new(seed ^ 1),
            planted,
        })))
    }

    /// The connection breaks: commands on their way are lost or arrive.
    pub fn go_down(&self) {
        let mut state = self.lock();
        // What was being said is heard again by whoever asks.
        state.again.clear();
        state.late = None;
        state.paper.go_down();
    }

    /// The connection is made again: what was taken back, or closed by the broker itself, is said once more, as nobody asks
    /// for it.
    pub fn come_back(&self) {
        let mut state = self.lock();
        if !state.paper.connection().up {
            state.paper.come_back();
            state.say_again();
        }
    }

    /// Whether it can be reached.
    pub fn is_up(&self) -> bool {
        self.lock().paper.connection().up
    }

    /// Quantity that was executed of each order.
    pub fn executed(&self) -> BTreeMap<OrderId, i64> {
        self.lock().executed.clone()
    }

    /// Quantity that the broker closed by itself, by its own id.
    pub fn closed(&self) -> BTreeMap<ExecId, i64> {
        self.lock().held.closed().clone()
    }

    /// Reports made again, or out of their order.
    pub fn odd_reports(&self) -> u64 {
        self.lock().odd_reports
    }

    /// The order that was handed over most often, and how often.
    pub fn most_submitted(&self) -> Option<(OrderId, u32)> {
        let state = self.lock();
        let most = state.submits.iter().max_by_key(|(_, count)| **count);
        most.map(|(order, count)| (*order, *count))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    /// What is said next, in its order.
    fn saying(&mut self) -> Option<LinkEvent> {
        if let Some(event) = self.again.pop_front() {
            return Some(event);
        }
        let Some(event) = self.paper.poll_event() else {
            return self.close_one();
        };
        match event {
            LinkEvent::Report(report) => {
                if let BrokerEvent::Filled(fill) = report.event {
                    *self.executed.entry(report.order).or_default() += fill.qty.0;
                    let told = self.executions.entry(report.order).or_default();
                    told.push(report);
                    self.follow(&report);
                    self.repeat(report);
                    self.take_back(report);
                } else {
                    self.follow(&report);
                }
                Some(event)
            }
            LinkEvent::Status(report) => {
                if report.event != BrokerEvent::Accepted {
                    self.working.remove(&report.order);
                }
                let told = self.told_of(report.order);
                self.again.extend(told);
                self.again.push_back(event);
                self.again.pop_front()
            }
            LinkEvent::Closed(_) | LinkEvent::Replaced(_) | LinkEvent::Holdings(_) => Some(event),
        }
    }

    /// What was executed of an order.
    fn executions_of(&self, order: OrderId) -> impl Iterator<Item = LinkEvent> + '_ {
        let told = self.executions.get(&order).into_iter().flatten();
        told.copied().map(LinkEvent::Report)
    }

    /// The same, and behind it what was taken back.
    fn told_of(&self, order: OrderId) -> Vec<LinkEvent> {
        let back = self.taken_back.iter().map(|(_, report)| *report);
        let back = back.filter(|report| report.order == order);
        let all = self.executions_of(order);
        all.chain(back.map(LinkEvent::Report)).collect()
    }

    /// Closes first, each behind the executions that opened its position: nothing is closed any more of one of whose
    /// executions some were taken back.
    fn say_again(&mut self) {
        let now = self.now;
        let closes: Vec<(OrderId, Vec<BrokerClose>)> = self.held.again(now).collect();
        for (order, said) in closes {
            let opened: Vec<LinkEvent> = self.executions_of(order).collect();
            self.again.extend(opened);
            self.again.extend(said.into_iter().map(LinkEvent::Closed));
        }
        let late = self.taken_back.iter();
        let late = late.filter(|(at, _)| now.since(*at) < odds::REPEATED_NS);
        let mut orders: Vec<OrderId> = late.map(|(_, report)| report.order).collect();
        orders.sort_unstable();
        orders.dedup();
        for order in orders {
            let told = self.told_of(order);
            self.again.extend(told);
        }
    }

    /// An order that ends works no more.
    fn follow(&mut self, report: &BrokerReport) {
        let done = match report.event {
            BrokerEvent::Filled(_) => {
                let executed = self
                    .executed
                    .get(&report.order)
                    .copied()
                    .unwrap_or_default();
                let submit = self.working.get(&report.order);
                submit.is_some_and(|submit| executed >= submit.qty.0)
            }
            BrokerEvent::Rejected(_) | BrokerEvent::Cancelled | BrokerEvent::Expired => true,
            _ => false,
        };
        if done {
            self.working.remove(&report.order);
        }
    }

    /// An execution is reported once more, unasked.
    fn repeat(&mut self, mut report: BrokerReport) {
        let planted = self.planted == Some(Planted::ReportedTwice);
        if !planted && !self.dice.one_in(ODD_EVERY) {
            return;
        }
        if planted {
            report.exec[15] ^= 0xff;
        }
        self.odd_reports += 1;
        self.again.push_back(LinkEvent::Report(report));
    }

    /// Now and then an execution of an order that has ended is taken back.
    fn take_back(&mut self, newest: BrokerReport) {
        self.recent.push_back((self.now, newest));
        if self.recent.len() > odds::BUST_RECENT {
            self.recent.pop_front();
        }
        if !self.dice.one_in(odds::BUST) {
            return;
        }
        let at = self.dice.below(self.recent.len() as u64) as usize;
        let (told, report) = self.recent[at];
        let old = self.now.since(told) >= odds::BUST_AGE_NS;
        let BrokerEvent::Filled(fill) = report.event else {
            return;
        };
        if old || self.working.contains_key(&report.order) {
            return;
        }
        self.recent.remove(at);
        *self.executed.entry(report.order).or_default() -= fill.qty.0;
        self.held.disturb(report.order);
        let back = BrokerReport {
            exec: [0; 16],
            event: BrokerEvent::Bust(report.exec),
            ..report
        };
        if self.planted != Some(Planted::LostBust) {
            self.taken_back.push((self.now, back));
            self.again.push_back(LinkEvent::Report(back));
        }
    }

    /// With nothing left to say, a protective price that has come closes its position; some closes are said twice, some are
    /// taken back.
    fn close_one(&mut self) -> Option<LinkEvent> {
        if self.held_by != HeldBy::Broker {
            return None;
        }
        let (executed, working) = (&self.executed, &self.working);
        let close = self
            .held
            .close(self.link, self.now, executed, working, &mut self.dice)?;
        if self.planted == Some(Planted::LostClose) {
            self.held.keep_secret();
            return None;
        }
        if self.dice.one_in(ODD_EVERY) {
            self.odd_reports += 1;
            self.again.push_back(LinkEvent::Closed(close));
        }
        if self.dice.one_in(odds::CLOSE_BUST) {
            let back = self.held.take_back();
            self.again.extend(back.map(LinkEvent::Closed));
        }
        Some(LinkEvent::Closed(close))
    }

    fn is_silent_about(&self, event: &LinkEvent) -> bool {
        order_of(event).is_some_and(|order| self.falls_to(Planted::SilentBroker, order))
    }

    /// Whether a fault is planted, and on this order.
    fn falls_to(&self, fault: Planted, order: OrderId) -> bool {
        self.planted == Some(fault) && order.0.is_multiple_of(FAULT_EVERY)
    }
}

/// The order that something is said of; none where the broker closed a position by itself.
fn order_of(event: &LinkEvent) -> Option<OrderId> {
    event.report().map(|report| report.order)
}

/// Whether the second of two events may be heard first: they are of different orders. A close keeps its place.
fn may_overtake(before: &LinkEvent, event: &LinkEvent) -> bool {
    let orders = order_of(before).zip(order_of(event));
    orders.is_some_and(|(before, event)| before != event)
}

impl Link for Counterparty {
    fn id(&self) -> LinkId {
        self.lock().paper.id()
    }

    fn capabilities(&self) -> Capabilities {
        let state = self.lock();
        Capabilities {
            protective: state.held_by,
            // The ledger compares what was executed order by order.
            replace: false,
            holdings: false,
            ..state.paper.capabilities()
        }
    }

    fn connection(&self) -> Connection {
        self.lock().paper.connection()
    }

    fn submit(&mut self, submit: &Submit, now: Ts) {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.now = now;
        state.held.submit(submit, &state.working);
        state.working.insert(submit.id, *submit);
        if state.falls_to(Planted::LostOrder, submit.id) {
            return;
        }
        let twice = state.planted == Some(Planted::SentTwice) && state.dice.one_in(20);
        for _ in 0..=u8::from(twice) {
            *state.submits.entry(submit.id).or_default() += 1;
            state.paper.submit(submit, now);
        }
    }

    fn cancel(&mut self, order: OrderId, now: Ts) {
        let mut state = self.lock();
        if !state.falls_to(Planted::LostOrder, order) {
            state.paper.cancel(order, now);
        }
    }

    fn protect(&mut self, protect: &Protect, _now: Ts) {
        self.lock().held.protect(protect);
    }

    fn opened(&mut self, opened: &Opened, _now: Ts) {
        self.lock().held.opened(opened);
    }

    fn status(&mut self, order: OrderId, now: Ts) {
        let mut state = self.lock();
        if !state.falls_to(Planted::LostOrder, order) {
            state.paper.status(order, now);
        }
    }

    // `adopt` does nothing: this broker has forgotten nothing.

    fn on_mark(&mut self, mark: &Mark, now: Ts) {
        let mut state = self.lock();
        state.now = now;
        state.held.on_mark(mark);
        state.paper.on_mark(mark, now);
    }

    fn on_terms(&mut self, terms: &TermsChange) {
        self.lock().paper.on_terms(terms);
    }

    fn on_position(&mut self, position: &PositionChange) {
        self.lock().paper.on_position(position);
    }

    fn poll_event(&mut self) -> Option<LinkEvent> {
        let mut state = self.lock();
        if !state.paper.connection().up {
            return None;
        }
        loop {
            let Some(event) = state.saying() else {
                return state.late.take();
            };
            if state.is_silent_about(&event) {
                continue;
            }
            // Reports of the same order keep their order; others overtake each other now and then.
            let Some(before) = state.late.take() else {
                if order_of(&event).is_some() && state.dice.one_in(ODD_EVERY) {
                    state.odd_reports += 1;
                    state.late = Some(event);
                    continue;
                }
                return Some(event);
            };
            if !may_overtake(&before, &event) {
                state.again.push_front(event);
                return Some(before);
            }
            state.again.push_front(before);
            return Some(event);
        }
    }

    fn poll_deadline(&self) -> Option<Ts> {
        self.lock().paper.poll_deadline()
    }

    fn on_deadline(&mut self, now: Ts) {
        let mut state = self.lock();
        state.now = now;
        state.paper.on_deadline(now);
    }
}
