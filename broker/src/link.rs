//! The interface of a link to a broker: what the router may tell it and what it says back.

use siaga_risk::event::{
    BrokerClose, BrokerReport, LinkCommand, Mark, Opened, PositionChange, Protect, Submit,
    TermsChange,
};
use siaga_risk::ids::{AccountId, InstrumentId, LinkId, OrderId};
use siaga_risk::terms::HeldBy;
use siaga_risk::units::{Money, Price, Qty, Ts};

/// What a link can do; the house routes and sets its terms by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Who holds stop-loss, take-profit and trailing prices of accounts routed here.
    pub protective: HeldBy,
    /// The link wants prices (a paper broker fills against them, a bridge passes them on).
    pub prices: bool,
    /// An order that the broker does not know on a later connection than it was sent on can never be executed.
    /// Without this an unknown order stays in doubt.
    pub unknown_is_final: bool,
    /// An order that works can be changed where it stands ([`Link::replace`]).
    pub replace: bool,
    /// The broker says what accounts hold ([`Link::holdings`]).
    pub holdings: bool,
}

/// A link cannot do what it was asked for; see its [`Capabilities`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this link cannot do that")]
pub struct NotSupported;

/// What a working order is to become. Its quantity counts what was filled already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replace {
    pub order: OrderId,
    /// Lot steps, more than was filled.
    pub qty: Qty,
    pub price: Option<Price>,
    pub stop: Option<Price>,
}

/// The answer to [`Link::replace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    pub link: LinkId,
    pub order: OrderId,
    /// Why the order stays as it was; `None` when it was changed.
    pub refused: Option<u16>,
}

/// What an account holds of an instrument at its broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    pub account: AccountId,
    pub instrument: InstrumentId,
    /// Bought less sold, lot steps.
    pub qty: Qty,
}

/// The answer to [`Link::holdings`]: everything the broker holds for the house, behind all executions that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    pub link: LinkId,
    pub positions: Vec<Holding>,
    /// Money by account, minor units of its currency; of no account where the broker keeps no money.
    pub balances: Vec<(AccountId, Money)>,
}

/// Whether the broker can be reached, and how often it has been reached anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    pub up: bool,
    /// Raised at each new connection, so a loss and a return between two looks are still seen.
    pub count: u64,
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// Something happened to an order.
    Report(BrokerReport),
    /// The answer to [`Link::status`]; executions that were missing came before it as reports.
    Status(BrokerReport),
    /// A protective price that the broker holds has closed a position, or that is taken back.
    Closed(BrokerClose),
    /// The answer to [`Link::replace`].
    Replaced(Replaced),
    /// The answer to [`Link::holdings`].
    Holdings(Holdings),
}

impl LinkEvent {
    /// What it reports of an order; nothing where it is no report.
    pub fn report(&self) -> Option<&BrokerReport> {
        match self {
            LinkEvent::Report(report) | LinkEvent::Status(report) => Some(report),
            LinkEvent::Closed(_) | LinkEvent::Replaced(_) | LinkEvent::Holdings(_) => None,
        }
    }

    /// The link it came by.
    pub fn link(&self) -> LinkId {
        match self {
            LinkEvent::Report(report) | LinkEvent::Status(report) => report.link,
            LinkEvent::Closed(close) => close.link,
            LinkEvent::Replaced(replaced) => replaced.link,
            LinkEvent::Holdings(holdings) => holdings.link,
        }
    }
}

/// A pure session with a broker. Time is an argument and never goes back.
///
/// Call order: tell (`submit`, `cancel`, `replace`, `protect`, `opened`, `status`, `holdings`, `on_mark`, `on_terms`),
/// then drain `poll_event` (and `poll_text` of its [`Wire`]), then sleep until `poll_deadline` and call `on_deadline`.
/// A command told while the connection is down is dropped by the link: the router never does that.
pub trait Link: Send {
    /// The id of the house for this link.
    fn id(&self) -> LinkId;
    /// What the link can do; may change when a bridge says hello.
    fn capabilities(&self) -> Capabilities;
    /// Whether the broker can be reached now.
    fn connection(&self) -> Connection;
    /// Whether an order can be taken now; one that cannot is refused to the core, and sent late to nobody.
    fn has_room(&self) -> bool {
        true
    }
    /// Place an order. Given at most once per order id, and only where there is room.
    fn submit(&mut self, submit: &Submit, now: Ts);
    /// Cancel what is left of an order.
    fn cancel(&mut self, order: OrderId, now: Ts);
    /// Protective prices the broker is to hold.
    fn protect(&mut self, protect: &Protect, now: Ts);
    /// What a position is called whose protective prices the broker holds; told again at every return of the link.
    fn opened(&mut self, _opened: &Opened, _now: Ts) {}
    /// Ask what became of an order; answered by [`LinkEvent::Status`], `Unknown` when the broker never got it.
    fn status(&mut self, order: OrderId, now: Ts);
    /// Change a working order; answered by [`LinkEvent::Replaced`].
    ///
    /// # Errors
    /// [`NotSupported`] where the link cannot.
    fn replace(&mut self, _replace: &Replace, _now: Ts) -> Result<(), NotSupported> {
        Err(NotSupported)
    }
    /// Ask what accounts hold; answered by [`LinkEvent::Holdings`].
    ///
    /// # Errors
    /// [`NotSupported`] where the link cannot.
    fn holdings(&mut self, _now: Ts) -> Result<(), NotSupported> {
        Err(NotSupported)
    }
    /// A position of an account of this link that was open before this program started.
    fn adopt_position(&mut self, _position: &PositionChange) {}
    /// An order that worked at the broker before this program started.
    fn adopt(&mut self, _order: &OpenOrder, _now: Ts) {}
    /// An order that ended within the last day, before this program started: the broker may report on it once more.
    fn recall(&mut self, _order: &OpenOrder) {}
    /// The core has ended an order: the broker may report on it for a day, and nothing is asked or cancelled any more.
    fn ended(&mut self, _order: OrderId) {}
    /// The price that serves an instrument now.
    fn on_mark(&mut self, _mark: &Mark, _now: Ts) {}
    /// Terms came into force (digits, currencies).
    fn on_terms(&mut self, _terms: &TermsChange) {}
    /// What a position has become: a link that holds protective prices must know what it is in.
    fn on_position(&mut self, _position: &PositionChange) {}
    /// The next thing the link has to say.
    fn poll_event(&mut self) -> Option<LinkEvent>;
    /// When `on_deadline` wants to be called.
    fn poll_deadline(&self) -> Option<Ts>;
    /// Time has come.
    fn on_deadline(&mut self, now: Ts);
    /// Breaks (`up` false) or mends the connection on purpose: for drills and demonstrations.
    fn drill(&mut self, _up: bool) {}
    /// The text transport of a link that a broker's program connects to.
    fn wire(&mut self) -> Option<&mut dyn Wire> {
        None
    }

    /// Gives one durable command to the method that takes it.
    fn command(&mut self, command: &LinkCommand, now: Ts) {
        match command {
            LinkCommand::Submit(submit) => self.submit(submit, now),
            LinkCommand::Cancel(order) => self.cancel(*order, now),
            LinkCommand::Protect(protect) => self.protect(protect, now),
            LinkCommand::Status(order) => self.status(*order, now),
            LinkCommand::Opened(opened) => self.opened(opened, now),
        }
    }
}

/// An order of an earlier run that is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// The order as it was sent.
    pub submit: Submit,
    /// Quantity filled already, lot steps.
    pub filled: siaga_risk::units::Qty,
    /// The broker has confirmed it (working or partly filled).
    pub confirmed: bool,
}

/// A frame that its carrier could not hand on as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Longer than the carrier reads. Nothing behind it can be read either.
    TooLarge,
    /// Not a text frame.
    Binary,
}

/// What a connection hears that may not take the place of the present one, before it is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAdmitted {
    pub text: String,
    pub reason: &'static str,
}

/// Why a connection is sent away that waits beside the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dismissal {
    /// It has not said in time who it is.
    Silent,
    /// Many newer ones wait.
    Crowded,
}

/// A text transport, one connection at a time: a newer connection replaces the older one, once it was admitted.
/// The carrier (a WebSocket) calls `on_open`, then `on_text` or `on_unreadable` per frame, drains
/// `poll_text` after each call and at each deadline, and closes when `poll_close` says so. While a connection stands, it
/// shows the first frame of another one to `admit` alone, and calls `on_open` and `on_text` for that when it is admitted.
pub trait Wire {
    /// Whether a connection whose first frame this is may take the place of the present one, which is not touched.
    ///
    /// # Errors
    /// [`NotAdmitted`] when the peer is not the one it says, or says nothing that counts.
    fn admit(&mut self, first: Result<&str, Unreadable>) -> Result<(), NotAdmitted>;
    /// A connection that has said nothing is sent away; the present one is not touched.
    fn dismiss(&mut self, why: Dismissal) -> NotAdmitted;
    /// A peer connected; nothing is believed of it before its hello.
    fn on_open(&mut self, now: Ts);
    /// One text frame came in.
    fn on_text(&mut self, text: &str, now: Ts);
    /// A frame came in that is no text the carrier could read.
    fn on_unreadable(&mut self, frame: Unreadable, now: Ts);
    /// The peer is gone.
    fn on_close(&mut self, now: Ts);
    /// The next text frame to send.
    fn poll_text(&mut self) -> Option<String>;
    /// The connection must be closed, and why; asked once per reason.
    fn poll_close(&mut self) -> Option<&'static str>;
}
