//! The broker router: durable instructions of the core go to links exactly once, what links say comes back as inputs.
//!
//! Pure. The order of calls: [`Router::add`], then `on_terms`, [`Router::open_position`], [`Router::ended_order`] and
//! [`Router::open_order`] with what was recovered, then [`Router::start`];
//! afterwards tell (`on_output`, `on_mark`, `on_deadline`, `set_manual`), save [`Router::cursor`] where the
//! caller keeps it, drain [`Router::poll_input`] and [`Router::poll_difference`], sleep until [`Router::poll_deadline`].
//!
//! An instruction is handed over at most once. What was in the log but not handed over when the program
//! stopped is not sent late: the core hears that it was refused, and decides.

mod audit;
mod route;
mod supervisor;
pub mod task;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use siaga_risk::event::*;
use siaga_risk::ids::{AccountId, LinkId};
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;

use crate::link::{Link, OpenOrder, Wire};
pub use audit::Difference;
use audit::Ours;
pub(crate) use audit::signed;
use route::Route;
pub use supervisor::Limits;

/// Inputs that wait for the core's ring; above it links are not asked for more (they keep theirs).
const INPUTS_MAX: usize = 4_096;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouterCounts {
    /// Instructions handed to a link.
    pub handed: u64,
    /// Orders that were not handed over: the link was not live or had no room, or the program was restarted.
    pub withheld: u64,
    /// Instructions seen twice in the log and not handed over again.
    pub repeated: u64,
    /// Reports taken from links.
    pub reports: u64,
}

/// All links of the house and what is under way on them.
pub struct Router {
    routes: BTreeMap<LinkId, Route>,
    /// The link that each account trades on, and what is open by the books.
    accounts: BTreeMap<AccountId, LinkId>,
    ours: Ours,
    differences: VecDeque<Difference>,
    inputs: VecDeque<Body>,
    cursor: OutputKey,
    /// Last key of the log when this program started.
    born: OutputKey,
    limits: Limits,
    counts: RouterCounts,
}

impl Router {
    /// `cursor` is the last key that an earlier run handed over, `born` the last key of the log now. Without a
    /// remembered cursor pass `born` twice: everything open is asked about.
    pub fn new(cursor: OutputKey, born: OutputKey, limits: Limits) -> Self {
        Self {
            routes: BTreeMap::new(),
            accounts: BTreeMap::new(),
            ours: Ours::default(),
            differences: VecDeque::new(),
            inputs: VecDeque::new(),
            cursor,
            born,
            limits,
            counts: RouterCounts::default(),
        }
    }

    /// Adds a link; it takes no orders before it is reconciled.
    pub fn add(&mut self, link: Box<dyn Link>) {
        self.routes.insert(link.id(), Route::new(link, self.limits));
    }

    /// An order that was open when the program started.
    pub fn open_order(&mut self, change: &OrderChange, now: Ts) {
        let Some(route) = self.routes.get_mut(&change.link) else {
            return;
        };
        // One that the broker made has no question to be asked.
        if is_at_broker(change.state) && change.origin != Origin::Broker {
            route.adopt(&open_order_of(change), now);
        }
    }

    /// An order that went to a broker and ended within the last day, in the order in which they ended.
    pub fn ended_order(&mut self, change: &OrderChange) {
        if let Some(route) = self.routes.get_mut(&change.link) {
            route.link.recall(&open_order_of(change));
        }
    }

    /// Terms in force: the digits links write numbers with.
    pub fn on_terms(&mut self, terms: &TermsChange) {
        if let TermsChange::Account(terms) = terms {
            self.accounts.insert(terms.id, terms.link);
        }
        for route in self.routes.values_mut() {
            route.link.on_terms(terms);
        }
    }

    /// A position as it is, by the log. Heard by the link of its account, and by the one it was opened on where that is
    /// another by now: what others close is none of a link's business, and would take the room of what it remembers.
    pub fn on_position(&mut self, position: &PositionChange) {
        let Some(link) = self.accounts.get(&position.account).copied() else {
            return;
        };
        let opened_on = self.ours.put(position, link);
        for id in BTreeSet::from([link, opened_on]) {
            if let Some(route) = self.routes.get_mut(&id) {
                route.link.on_position(position);
            }
        }
    }

    /// A position that was open when the program started; its account's terms are known.
    pub fn open_position(&mut self, position: &PositionChange) {
        self.on_position(position);
        let link = self.accounts.get(&position.account);
        if let Some(route) = link.and_then(|link| self.routes.get_mut(link)) {
            route.link.adopt_position(position);
        }
    }

    /// Terms and links are known: reconcile every link.
    pub fn start(&mut self, now: Ts) {
        self.settle(now);
    }

    /// One durable output, in the order of the log.
    pub fn on_output(&mut self, key: OutputKey, output: &Output, now: Ts) {
        match output {
            Output::Send(send) if key <= self.cursor => {
                self.counts.repeated += 1;
                tracing::debug!(link = send.link.0, seq = key.seq, "instruction seen again");
            }
            Output::Send(send) => self.on_send(key, send, now),
            Output::Order(change) => self.on_order(change),
            Output::Terms(terms) => self.on_terms(terms),
            Output::Position(position) => self.on_position(position),
            Output::Link(change) => {
                if let Some(route) = self.routes.get_mut(&change.link) {
                    route.on_link_change(change, key <= self.born);
                }
            }
            _ => {}
        }
        self.cursor = self.cursor.max(key);
        self.settle(now);
    }

    /// The price that serves an instrument now.
    pub fn on_mark(&mut self, mark: &Mark, now: Ts) {
        for route in self.routes.values_mut() {
            route.link.on_mark(mark, now);
        }
        self.settle(now);
    }

    /// A person takes a link out of service, or gives it back.
    pub fn set_manual(&mut self, link: LinkId, on: bool, now: Ts) {
        if let Some(route) = self.routes.get_mut(&link) {
            route.set_manual(on);
        }
        self.settle(now);
    }

    /// The transport of a link that a broker's program connects to; call [`Self::settle`] after using it.
    pub fn wire(&mut self, link: LinkId) -> Option<&mut dyn Wire> {
        self.routes.get_mut(&link)?.link.wire()
    }

    /// Breaks or mends a link's connection on purpose: for drills and demonstrations.
    pub fn drill(&mut self, link: LinkId, up: bool, now: Ts) {
        if let Some(route) = self.routes.get_mut(&link) {
            route.link.drill(up);
        }
        self.settle(now);
    }

    /// Collects what links have said and lets the supervisors decide.
    pub fn settle(&mut self, now: Ts) {
        for route in self.routes.values_mut() {
            self.counts.reports += route.settle(&mut self.inputs, INPUTS_MAX, now);
            if let Some(holdings) = route.heard.take() {
                let changes = route.audit.compare(&self.ours, &holdings, now);
                self.differences.extend(changes);
            }
        }
    }

    /// The next difference between the books and a broker's, or that one is over.
    pub fn poll_difference(&mut self) -> Option<Difference> {
        self.differences.pop_front()
    }

    /// The next input for the core.
    pub fn poll_input(&mut self) -> Option<Body> {
        self.inputs.pop_front()
    }

    /// When [`Self::on_deadline`] wants to be called.
    pub fn poll_deadline(&self) -> Option<Ts> {
        self.routes.values().filter_map(Route::poll_deadline).min()
    }

    /// Time has come.
    pub fn on_deadline(&mut self, now: Ts) {
        for route in self.routes.values_mut() {
            route.on_deadline(now);
        }
        self.settle(now);
    }

    /// The last output that was dealt with. Save it before the next one is given to [`Self::on_output`].
    pub fn cursor(&self) -> OutputKey {
        self.cursor
    }

    /// What was counted since the start.
    pub fn counts(&self) -> RouterCounts {
        self.counts
    }

    /// Mode of a link as this router sees it.
    pub fn mode(&self, link: LinkId) -> Option<LinkMode> {
        self.routes.get(&link).map(Route::mode)
    }

    fn on_send(&mut self, key: OutputKey, send: &siaga_risk::event::Send, now: Ts) {
        let is_late = key <= self.born;
        let handed = match self.routes.get_mut(&send.link) {
            Some(route) => route.hand_over(&send.command, is_late, now),
            None => Err(Reject::ReadOnly),
        };
        let Err(reason) = handed else {
            self.counts.handed += 1;
            return;
        };
        self.counts.withheld += 1;
        if let Some(report) = answer_withheld(send, reason) {
            self.inputs.push_back(Body::Report(report));
        }
    }

    fn on_order(&mut self, change: &OrderChange) {
        let Some(route) = self.routes.get_mut(&change.link) else {
            return;
        };
        if is_final(change.state) {
            route.forget(change.id);
        }
    }
}

/// What the core hears of an instruction that no broker will ever see. It tries a stop-out and a protective close again.
fn answer_withheld(send: &siaga_risk::event::Send, reason: Reject) -> Option<BrokerReport> {
    let reason = reason.code();
    let (order, event) = match &send.command {
        LinkCommand::Submit(submit) => (submit.id, BrokerEvent::Rejected(reason)),
        LinkCommand::Cancel(order) => (*order, BrokerEvent::CancelRejected(reason)),
        // Asked again by the reconciliation; protective prices wait in the route, and the core tells what positions are
        // called when the link is live.
        LinkCommand::Status(_) | LinkCommand::Protect(_) | LinkCommand::Opened(_) => return None,
    };
    Some(BrokerReport {
        link: send.link,
        order,
        exec: [0; 16],
        event,
    })
}

fn is_at_broker(state: OrderState) -> bool {
    use OrderState::*;
    matches!(
        state,
        Submitted | Working | PartlyFilled | InDoubt | Cancelling
    )
}

fn is_final(state: OrderState) -> bool {
    use OrderState::*;
    matches!(state, Filled | Cancelled | Rejected | Expired | Returned)
}

fn open_order_of(change: &OrderChange) -> OpenOrder {
    use OrderState::*;
    let order = &change.order;
    OpenOrder {
        submit: Submit {
            id: change.id,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            kind: order.kind,
            tif: order.tif,
            qty: order.qty,
            price: order.price,
            stop: order.stop,
            expires: order.expires,
            position: order.position,
            slippage_max: order.slippage_max,
            seen: change.seen,
            protection: order.protection,
        },
        filled: change.filled,
        confirmed: matches!(change.state, Working | PartlyFilled),
    }
}
