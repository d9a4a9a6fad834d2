//! The broker: it outlives every crash of the desk, and remembers what it was told.

use crate::Planted;
use crate::dice::Dice;
use siaga_broker::link::{Capabilities, Connection, Link, LinkEvent};
use siaga_broker::paper::{PaperConfig, PaperLink};
use siaga_risk::event::*;
use siaga_risk::ids::*;
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
    /// Quantity executed, by order: the truth, however often it is said.
    executed: BTreeMap<OrderId, i64>,
    odd_reports: u64,
    dice: Dice,
    planted: Option<Planted>,
}

/// One report in so many is made again, and one comes late.
const ODD_EVERY: u64 = 12;

/// A handle on the broker; the router holds another.
#[derive(Clone)]
pub struct Counterparty(Arc<Mutex<State>>);

impl Counterparty {
    /// A broker of chance: late, partial, refusing now and then.
    pub fn new(link: LinkId, seed: u64, planted: Option<Planted>) -> Counterparty {
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

    /// The connection is made again.
    pub fn come_back(&self) {
        self.lock().paper.come_back();
    }

    /// Whether it can be reached.
    pub fn is_up(&self) -> bool {
        self.lock().paper.connection().up
    }

    /// Quantity that was executed of each order.
    pub fn executed(&self) -> BTreeMap<OrderId, i64> {
        self.lock().executed.clone()
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
        let event = self.paper.poll_event()?;
        match event {
            LinkEvent::Report(report) => {
                if let BrokerEvent::Filled(fill) = report.event {
                    *self.executed.entry(report.order).or_default() += fill.qty.0;
                    let told = self.executions.entry(report.order).or_default();
                    told.push(report);
                    self.repeat(report);
                }
                Some(event)
            }
            LinkEvent::Status(report) => {
                let told = self.executions.get(&report.order).cloned();
                let told = told.into_iter().flatten().map(LinkEvent::Report);
                self.again.extend(told);
                self.again.push_back(event);
                self.again.pop_front()
            }
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

    fn is_silent_about(&self, event: &LinkEvent) -> bool {
        self.planted == Some(Planted::SilentBroker) && order_of(event).0.is_multiple_of(4)
    }
}

fn order_of(event: &LinkEvent) -> OrderId {
    event.report().order
}

impl Link for Counterparty {
    fn id(&self) -> LinkId {
        self.lock().paper.id()
    }

    fn capabilities(&self) -> Capabilities {
        self.lock().paper.capabilities()
    }

    fn connection(&self) -> Connection {
        self.lock().paper.connection()
    }

    fn submit(&mut self, submit: &Submit, now: Ts) {
        let mut state = self.lock();
        let twice = state.planted == Some(Planted::SentTwice) && state.dice.one_in(20);
        for _ in 0..=u8::from(twice) {
            *state.submits.entry(submit.id).or_default() += 1;
            state.paper.submit(submit, now);
        }
    }

    fn cancel(&mut self, order: OrderId, now: Ts) {
        self.lock().paper.cancel(order, now);
    }

    fn protect(&mut self, protect: &Protect, now: Ts) {
        self.lock().paper.protect(protect, now);
    }

    fn status(&mut self, order: OrderId, now: Ts) {
        self.lock().paper.status(order, now);
    }

    // `adopt` does nothing: this broker has forgotten nothing.

    fn on_mark(&mut self, mark: &Mark, now: Ts) {
        self.lock().paper.on_mark(mark, now);
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
                if state.dice.one_in(ODD_EVERY) {
                    state.odd_reports += 1;
                    state.late = Some(event);
                    continue;
                }
                return Some(event);
            };
            if order_of(&before) == order_of(&event) {
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
        self.lock().paper.on_deadline(now);
    }
}
