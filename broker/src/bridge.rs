//! The bridge protocol: a broker's program connects, takes prices and orders, and reports back.
//!
//! JSON, one object per WebSocket text frame; described for the peer's author in `docs/bridge.md`. The session
//! is pure and outlives connections: it is a [`Link`] for the router and a [`Wire`] for whoever carries frames.
//! Orders are never sent late: what a lost connection did not deliver is voided, and the router asks about it.

mod decimal;
mod fault;
mod frames;
mod inbound;
mod outbound;
pub mod schema;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use siaga_risk::event::*;
use siaga_risk::ids::{AccountId, InstrumentId, LinkId, OrderId, PositionId};
use siaga_risk::journal::Epochs;
use siaga_risk::terms::HeldBy;
use siaga_risk::units::{SECOND_NS, Ts};

use crate::directory::Directory;
use crate::link::{
    Capabilities, Connection, Dismissal, Link, LinkEvent, NotAdmitted, OpenOrder, Unreadable, Wire,
};
pub use fault::BridgeFault;
use frames::{OpenedOut, ProtectOut};
use outbound::Command;

/// Version of the protocol.
pub const VERSION: u16 = 1;
/// The WebSocket sub-protocol of this version.
pub const SUB_PROTOCOL: &str = "siaga.bridge.v1";
/// Longest frame we take: a report has some hundred bytes.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// We speak at least this often.
const HEARTBEAT_NS: u64 = 5 * SECOND_NS;
/// A peer that is silent for three heartbeats is dead.
const DEAD_NS: u64 = 3 * HEARTBEAT_NS;
/// Time a new connection has for its hello.
const HELLO_NS: u64 = 5 * SECOND_NS;
/// Numbered frames that the peer has not acknowledged; a second of a busy desk.
const UNACKED_MAX: usize = 10_000;
/// What an order adds to them: itself, and the name of the position that it closes.
const ORDER_COMMANDS_MAX: usize = 2;
/// A peer that leaves no room for an order this long is too slow.
const ROOM_NS: u64 = DEAD_NS;
/// Above this many, questions, names of positions and protective prices wait for an acknowledgement: a new connection is
/// asked and told all of them at once. Cancels wait above as many cancels, whatever else is owed: a kill switch cancels all
/// orders, and the closes behind it need room.
const HELD_UNACKED_MAX: usize = 2_000;
/// Faults after which a connection is closed.
const FAULTS_MAX: u32 = 20;
/// Ended orders whose late reports can still be read.
const ENDED_MAX: usize = 10_000;
/// Closed positions whose late reports can still be read.
const CLOSED_MAX: usize = 10_000;
/// Execution ids remembered to count repeated ones; the core remembers all of them.
const EXECS_MAX: usize = 10_000;
/// Reports the router has not taken; the peer is not acknowledged beyond them.
const EVENTS_MAX: usize = 10_000;
/// Control frames waiting for the carrier; faults are told at most this often.
const CONTROL_MAX: usize = 64;

/// What a bridge is configured with.
#[derive(Clone)]
pub struct BridgeConfig {
    pub link: LinkId,
    /// What the peer must show.
    pub token: String,
    /// The journal's epochs: an order's id carries the one its input belongs to.
    pub epochs: Epochs,
    /// Unique per run of this program: a session of an earlier run cannot be resumed.
    pub run: u64,
}

/// A link to a broker's program. Call order: see [`Link`] and [`Wire`].
pub struct BridgeSession {
    config: BridgeConfig,
    directory: Directory,
    connection: Connection,
    peer: Peer,
    /// Who holds protective prices by the terms in force; the peer must say the same.
    protective: HeldBy,
    /// Number of this session; a peer that does not resume starts a new one.
    sessions: u64,
    sent: u64,
    taken: u64,
    acked_in: u64,
    unacked: VecDeque<(u64, Command)>,
    /// How many of them are cancels.
    cancels_unacked: usize,
    /// What waits until the peer has acknowledged more: cancels, questions, names of positions, protective prices.
    cancels: BTreeSet<OrderId>,
    asks: BTreeSet<OrderId>,
    names: BTreeMap<PositionId, OpenedOut>,
    protects: BTreeMap<PositionId, ProtectOut>,
    /// Numbered frames not yet given to the carrier, by number.
    unsent_from: u64,
    /// Newest prices, for a peer that connects.
    marks: BTreeMap<InstrumentId, Mark>,
    /// Newest prices the peer has not been sent.
    quotes: BTreeMap<InstrumentId, Mark>,
    quote_after: Option<InstrumentId>,
    control: VecDeque<String>,
    closing: Option<&'static str>,
    /// Orders until the core has ended them, and the newest that it has ended.
    orders: BTreeMap<OrderId, Known>,
    ended: VecDeque<OrderId>,
    positions: BTreeMap<PositionId, Held>,
    /// Those of them that were closed, oldest first.
    closed: VecDeque<PositionId>,
    execs: BTreeSet<(OrderId, ExecId)>,
    execs_order: VecDeque<(OrderId, ExecId)>,
    events: VecDeque<LinkEvent>,
    counts: BridgeCounts,
    fault_counts: Arc<FaultCounts>,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BridgeCounts {
    pub frames_in: u64,
    pub frames_out: u64,
    pub faults: u64,
    pub repeated: u64,
    /// Quotes replaced by a newer one before they were sent.
    pub merged: u64,
    /// Orders that a lost connection did not deliver.
    pub voided: u64,
}

/// Faults since the start by their kind, for those who watch from another thread.
#[derive(Debug, Default)]
pub struct FaultCounts([AtomicU64; BridgeFault::ALL.len()]);

impl FaultCounts {
    /// How often a fault has happened.
    pub fn of(&self, fault: BridgeFault) -> u64 {
        self.at(fault)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn add(&self, fault: BridgeFault) {
        if let Some(count) = self.at(fault) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn at(&self, fault: BridgeFault) -> Option<&AtomicU64> {
        let place = BridgeFault::ALL.iter().position(|known| *known == fault)?;
        self.0.get(place)
    }
}

/// The present connection.
#[derive(Clone, Debug, Default)]
struct Peer {
    open: bool,
    greeted: bool,
    symbols: Option<BTreeSet<String>>,
    opened: Ts,
    heard: Ts,
    spoke: Ts,
    /// Since when it leaves no room for an order.
    full: Option<Ts>,
    faults: u32,
}

/// What must be known of an order to read reports about it.
#[derive(Clone, Copy, Debug)]
struct Known {
    instrument: InstrumentId,
    account: AccountId,
    open: bool,
    /// Its cancel is asked for and not refused.
    cancelling: bool,
}

/// What must be known of a position to speak of it.
#[derive(Clone, Copy, Debug)]
struct Held {
    instrument: InstrumentId,
    account: AccountId,
    open: bool,
}

impl BridgeSession {
    /// A session that waits for its peer. `directory` knows symbols; digits also come with terms.
    pub fn new(config: BridgeConfig, directory: Directory) -> Self {
        Self {
            config,
            directory,
            connection: Connection::default(),
            peer: Peer::default(),
            protective: HeldBy::Core,
            sessions: 0,
            sent: 0,
            taken: 0,
            acked_in: 0,
            unacked: VecDeque::new(),
            cancels_unacked: 0,
            cancels: BTreeSet::new(),
            asks: BTreeSet::new(),
            names: BTreeMap::new(),
            protects: BTreeMap::new(),
            unsent_from: 1,
            marks: BTreeMap::new(),
            quotes: BTreeMap::new(),
            quote_after: None,
            control: VecDeque::new(),
            closing: None,
            orders: BTreeMap::new(),
            ended: VecDeque::new(),
            positions: BTreeMap::new(),
            closed: VecDeque::new(),
            execs: BTreeSet::new(),
            execs_order: VecDeque::new(),
            events: VecDeque::new(),
            counts: BridgeCounts::default(),
            fault_counts: Arc::default(),
        }
    }

    /// What was counted since the start.
    pub fn counts(&self) -> BridgeCounts {
        self.counts
    }

    /// Its faults by kind; they go on counting.
    pub fn fault_counts(&self) -> Arc<FaultCounts> {
        self.fault_counts.clone()
    }

    /// The name of this session on the wire.
    fn session_name(&self) -> String {
        format!("{:016x}-{}", self.config.run, self.sessions)
    }

    fn know(&mut self, submit: &Submit) {
        let known = Known {
            instrument: submit.instrument,
            account: submit.account,
            open: true,
            cancelling: false,
        };
        self.orders.insert(submit.id, known);
    }

    fn end_order(&mut self, id: OrderId) {
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        if !std::mem::replace(&mut order.open, false) {
            return;
        }
        self.ended.push_back(id);
        if self.ended.len() > ENDED_MAX
            && let Some(oldest) = self.ended.pop_front()
        {
            self.orders.remove(&oldest);
        }
    }

    fn end_position(&mut self, id: PositionId) {
        // Nobody needs to hear of it any more.
        self.names.remove(&id);
        self.protects.remove(&id);
        let Some(held) = self.positions.get_mut(&id) else {
            return;
        };
        if !std::mem::replace(&mut held.open, false) {
            return;
        }
        self.closed.push_back(id);
        if self.closed.len() > CLOSED_MAX
            && let Some(oldest) = self.closed.pop_front()
            && self.positions.get(&oldest).is_some_and(|held| !held.open)
        {
            self.positions.remove(&oldest);
        }
    }

    /// Since when there has been no room.
    fn look_for_room(&mut self, now: Ts) {
        self.peer.full = match self.has_room() {
            true => None,
            false => self.peer.full.or(Some(now)),
        };
    }

    /// Tells the peer what was wrong and closes when it must.
    fn fault(&mut self, fault: BridgeFault, message: &str, expected: Option<u64>) {
        self.count(fault);
        // A peer repeats whatever it has done for a day, orders and positions that we have forgotten too.
        let forgotten = [BridgeFault::UnknownOrder, BridgeFault::UnknownPosition];
        self.peer.faults += u32::from(!forgotten.contains(&fault));
        self.say(&frames::Out::Err {
            code: fault.code(),
            name: fault.name(),
            msg: message,
            expected,
        });
        if fault.closes() {
            self.hang_up(fault.name());
        } else if self.peer.faults > FAULTS_MAX {
            self.hang_up(BridgeFault::TooManyFaults.name());
        }
    }

    /// A fault of a connection beside the present one, which hears nothing of it.
    fn not_admitted(&mut self, fault: BridgeFault, message: &str) -> NotAdmitted {
        self.count(fault);
        let text = outbound::json(&frames::Out::Err {
            code: fault.code(),
            name: fault.name(),
            msg: message,
            expected: None,
        });
        let reason = fault.name();
        NotAdmitted { text, reason }
    }

    fn count(&mut self, fault: BridgeFault) {
        self.counts.faults += 1;
        self.fault_counts.add(fault);
        tracing::warn!(
            link = self.config.link.0,
            code = fault.code(),
            name = fault.name(),
            "bridge fault"
        );
    }

    fn hang_up(&mut self, reason: &'static str) {
        self.closing = Some(reason);
        self.disconnect();
    }

    /// The peer cannot be reached any more; what was not delivered is decided when one comes back.
    fn disconnect(&mut self) {
        self.connection.up = false;
        self.peer.open = false;
        self.peer.greeted = false;
        self.quotes.clear();
    }
}

impl Link for BridgeSession {
    fn id(&self) -> LinkId {
        self.config.link
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            protective: self.protective,
            prices: true,
            unknown_is_final: true,
            replace: false,
            holdings: false,
        }
    }

    fn connection(&self) -> Connection {
        self.connection
    }

    fn has_room(&self) -> bool {
        self.unacked.len() + ORDER_COMMANDS_MAX <= UNACKED_MAX
    }

    fn submit(&mut self, submit: &Submit, now: Ts) {
        let Some(order) = self.order_out(submit) else {
            // Without a symbol the broker cannot know it: refused here, so that nobody waits.
            let code = siaga_risk::verdict::Reject::UnknownInstrument.code();
            return self.events.push_back(LinkEvent::Report(BrokerReport {
                link: self.config.link,
                order: submit.id,
                exec: [0; 16],
                event: BrokerEvent::Rejected(code),
            }));
        };
        self.know(submit);
        // It names a position: the peer hears first what that is.
        let named = submit.position.and_then(|id| self.names.remove(&id));
        if let Some(name) = named {
            self.command_out(Command::Opened(name));
        }
        self.command_out(Command::Order(Box::new(order)));
        self.look_for_room(now);
    }

    fn cancel(&mut self, order: OrderId, _now: Ts) {
        if let Some(known) = self.orders.get_mut(&order) {
            known.cancelling = true;
        }
        self.cancels.insert(order);
        self.held_out();
    }

    fn protect(&mut self, protect: &Protect, _now: Ts) {
        match self.protect_out(protect) {
            Some(out) => {
                self.protects.insert(protect.position, out);
                self.held_out();
            }
            // The core alerts when the price crosses and the broker does nothing.
            None => tracing::warn!(
                position = protect.position.0,
                "position is not known to the bridge"
            ),
        }
    }

    fn opened(&mut self, opened: &Opened, _now: Ts) {
        match self.opened_out(opened) {
            Some(out) => {
                self.names.insert(opened.position, out);
                self.held_out();
            }
            None => tracing::warn!(
                position = opened.position.0,
                "the position's instrument has no symbol for the bridge"
            ),
        }
    }

    fn status(&mut self, order: OrderId, _now: Ts) {
        self.asks.insert(order);
        self.held_out();
    }

    fn adopt(&mut self, order: &OpenOrder, _now: Ts) {
        self.know(&order.submit);
    }

    fn ended(&mut self, order: OrderId) {
        self.cancels.remove(&order);
        self.asks.remove(&order);
        self.end_order(order);
    }

    fn recall(&mut self, order: &OpenOrder) {
        self.know(&order.submit);
        self.end_order(order.submit.id);
        // It closed a position that the broker may have closed by itself, and may say so once more.
        if let Some(position) = order.submit.position
            && !self.positions.contains_key(&position)
        {
            let held = Held {
                instrument: order.submit.instrument,
                account: order.submit.account,
                open: true,
            };
            self.positions.insert(position, held);
            self.end_position(position);
        }
    }

    fn on_mark(&mut self, mark: &Mark, _now: Ts) {
        self.marks.insert(mark.instrument, *mark);
        if self.peer.greeted && self.wants(mark.instrument) {
            let replaced = self.quotes.insert(mark.instrument, *mark);
            self.counts.merged += u64::from(replaced.is_some());
        }
    }

    fn on_terms(&mut self, terms: &TermsChange) {
        self.directory.on_terms(terms);
        if let TermsChange::Link(terms) = terms
            && terms.id == self.config.link
            && terms.protective != self.protective
        {
            self.protective = terms.protective;
            if self.peer.greeted {
                // It agreed to the terms before: it says hello again, or is refused.
                self.hang_up("terms_changed");
            }
        }
    }

    fn on_position(&mut self, position: &PositionChange) {
        if position.qty.0 == 0 {
            return self.end_position(position.id);
        }
        let held = Held {
            instrument: position.instrument,
            account: position.account,
            open: true,
        };
        let before = self.positions.insert(position.id, held);
        if before.is_some_and(|before| !before.open) {
            self.closed.retain(|closed| *closed != position.id);
        }
    }

    fn poll_event(&mut self) -> Option<LinkEvent> {
        let event = self.events.pop_front();
        if event.is_some() && self.events.is_empty() {
            self.acknowledge();
        }
        event
    }

    fn poll_deadline(&self) -> Option<Ts> {
        if !self.peer.open {
            return None;
        }
        if !self.peer.greeted {
            return Some(self.peer.opened.plus(HELLO_NS));
        }
        let next = self.peer.heard.plus(DEAD_NS);
        let next = next.min(self.peer.spoke.plus(HEARTBEAT_NS));
        let full = self.peer.full.map(|since| since.plus(ROOM_NS));
        Some(full.map_or(next, |full| next.min(full)))
    }

    fn on_deadline(&mut self, now: Ts) {
        if !self.peer.open {
            return;
        }
        if !self.peer.greeted {
            if now >= self.peer.opened.plus(HELLO_NS) {
                self.fault(BridgeFault::HelloTimeout, "no hello came in time", None);
            }
            return;
        }
        if now >= self.peer.heard.plus(DEAD_NS) {
            let message = "nothing was heard for 15 s; send a ping when there is nothing else";
            return self.fault(BridgeFault::DeadPeer, message, None);
        }
        if self.peer.full.is_some_and(|at| now >= at.plus(ROOM_NS)) {
            let message = "no further order fits: acknowledge commands";
            return self.fault(BridgeFault::TooSlow, message, None);
        }
        if now >= self.peer.spoke.plus(HEARTBEAT_NS) {
            self.peer.spoke = now;
            self.say(&frames::Out::Hb { now: now.0 / 1_000 });
        }
    }

    fn drill(&mut self, up: bool) {
        if !up && self.peer.open {
            self.hang_up("drill");
        }
    }

    fn wire(&mut self) -> Option<&mut dyn Wire> {
        Some(self)
    }
}

impl Wire for BridgeSession {
    fn admit(&mut self, first: Result<&str, Unreadable>) -> Result<(), NotAdmitted> {
        let checked = self.check_first(first);
        checked.map_err(|(fault, message)| self.not_admitted(fault, &message))
    }

    fn dismiss(&mut self, why: Dismissal) -> NotAdmitted {
        let (fault, message) = match why {
            Dismissal::Silent => (BridgeFault::HelloTimeout, "no hello came in time"),
            Dismissal::Crowded => (BridgeFault::Replaced, "many newer connections wait"),
        };
        self.not_admitted(fault, message)
    }

    fn on_open(&mut self, now: Ts) {
        self.disconnect();
        self.control.clear();
        self.closing = None;
        self.peer = Peer {
            open: true,
            opened: now,
            heard: now,
            spoke: now,
            ..Peer::default()
        };
    }

    fn on_text(&mut self, text: &str, now: Ts) {
        if self.peer.open {
            self.counts.frames_in += 1;
            self.peer.heard = now;
            self.receive(text, now);
        }
    }

    fn on_unreadable(&mut self, frame: Unreadable, now: Ts) {
        if self.peer.open {
            self.counts.frames_in += 1;
            self.peer.heard = now;
            self.refuse(frame);
        }
    }

    fn on_close(&mut self, _now: Ts) {
        self.disconnect();
        self.control.clear();
    }

    fn poll_text(&mut self) -> Option<String> {
        let text = self.next_text();
        self.counts.frames_out += u64::from(text.is_some());
        text
    }

    fn poll_close(&mut self) -> Option<&'static str> {
        if self.control.is_empty() {
            self.closing.take()
        } else {
            None
        }
    }
}

/// Feeds arbitrary bytes to a session that has a peer: whatever comes, it stays within its limits, answers
/// with frames that are JSON, and does not panic. Lines of the input are frames.
pub fn fuzz_bridge(bytes: &[u8]) {
    let mut session = outbound::sample();
    let mut now = Ts(SECOND_NS);
    session.on_open(now);
    if bytes.first().is_none_or(|byte| byte % 2 == 0) {
        session.on_text(&outbound::sample_hello(), now);
    }
    for line in bytes.split(|byte| *byte == b'\n') {
        now = now.plus(SECOND_NS / 4);
        let text = String::from_utf8_lossy(line);
        if let Err(told) = session.admit(Ok(&text)) {
            let json: Result<serde_json::Value, _> = serde_json::from_str(&told.text);
            assert!(json.is_ok_and(|json| json["name"] == told.reason));
        }
        session.on_text(&text, now);
        session.on_deadline(now);
        while let Some(event) = session.poll_event() {
            assert_eq!(event.link(), session.config.link);
        }
        while let Some(text) = session.poll_text() {
            let json: Result<serde_json::Value, _> = serde_json::from_str(&text);
            assert!(json.is_ok_and(|json| json["t"].is_string()));
        }
        assert!(session.control.len() <= CONTROL_MAX && session.events.len() <= EVENTS_MAX);
    }
}
