//! The broker: it outlives every crash of the desk, and remembers what it was told.

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
}

/// A handle on the broker; the router holds another.
#[derive(Clone)]
pub struct Counterparty(Arc<Mutex<State>>);

impl Counterparty {
    /// A broker of chance: late, partial, refusing now and then.
    pub fn new(link: LinkId, seed: u64) -> Counterparty {
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
        })))
    }

    /// The connection breaks: commands on their way are lost or arrive.
    pub fn go_down(&self) {
        let mut state = self.lock();
        state.again.clear();
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
        *state.submits.entry(submit.id).or_default() += 1;
        state.paper.submit(submit, now);
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
        if let Some(event) = state.again.pop_front() {
            return Some(event);
        }
        let event = state.paper.poll_event()?;
        match event {
            LinkEvent::Report(report) => {
                if matches!(report.event, BrokerEvent::Filled(_)) {
                    state
                        .executions
                        .entry(report.order)
                        .or_default()
                        .push(report);
                }
                Some(event)
            }
            LinkEvent::Status(report) => {
                let told = state.executions.get(&report.order).cloned();
                let told = told.into_iter().flatten().map(LinkEvent::Report);
                state.again.extend(told);
                state.again.push_back(event);
                state.again.pop_front()
            }
        }
    }

    fn poll_deadline(&self) -> Option<Ts> {
        self.lock().paper.poll_deadline()
    }

    fn on_deadline(&mut self, now: Ts) {
        self.lock().paper.on_deadline(now);
    }
}
