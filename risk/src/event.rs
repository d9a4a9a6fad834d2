//! The contract: everything that may enter the core and everything that may leave it. Start reading here.
//!
//! An `Input` is numbered by the journal; the machine answers with `Output`s keyed by (input sequence, index).
//! A `Query` enters by the same ring, changes nothing, is neither numbered nor journaled.

mod account;
mod house;
mod order;
mod price;

pub use account::*;
pub use house::*;
pub use order::*;
pub use price::*;

use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reasons;
use crate::{codec_enum, record};

/// Position of an input in the journal, from 1.
pub type Seq = u64;

/// What enters the core. One ring slot.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Quote(Quote),
    Trade(Trade),
    Gap(Gap),
    /// Time goes on although nothing else entered.
    Clock(Ts),
    Command(Box<Command>),
}

record! {
    /// Everything rarer than prices: who asked, when, and what.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Command {
        pub ts: Ts,
        /// Who asked; 0 is the system.
        pub actor: ActorId,
        /// The rim's own number to find the waiting caller again; no decision looks at it.
        pub token: u64,
        pub body: Body,
    }
}

codec_enum! {
    /// The commands and reports of the house.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Body: u8 {
        Currency(CurrencyTerms) = 1,
        Source(SourceTerms) = 2,
        Link(LinkTerms) = 3,
        Instrument(Box<InstrumentTerms>) = 4,
        Group(Box<GroupTerms>) = 5,
        Account(AccountTerms) = 6,
        Tiers(Box<TierTerms>) = 7,
        Rules(Box<AccountRules>) = 8,
        Cash(Cash) = 10,
        Order(Box<NewOrder>) = 20,
        Cancel(Cancel) = 21,
        Protect(Protect) = 22,
        Report(BrokerReport) = 30,
        LinkState(LinkReport) = 31,
        SetLink(SetLink) = 32,
        Reconciled(Reconciled) = 33,
        BrokerClose(BrokerClose) = 34,
        Session(Session) = 40,
        Rollover(Rollover) = 41,
        DayStart(DayStart) = 42,
        ClockJump(ClockJump) = 43,
        MarkPrice(MarkPrice) = 48,
        OpenInterest(OpenInterest) = 49,
        Mode(SetMode) = 50,
        Kill(SetKill) = 51,
        Limit(SetLimit) = 52,
        Halt(SetHalt) = 53,
        Review(SetReview) = 54,
        AcknowledgeRisk(AccountId) = 55,
        Requirement(Requirement) = 56,
        ConfirmCall(AccountId) = 57,
        Reenable(Reenable) = 58,
        Alert(AlertCommand) = 60,
        LoggedIn(AccountId) = 61,
    }
}

/// What leaves the core.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// The newest accepted price. Live: never logged.
    Mark(Mark),
    /// A print. Live.
    Print(Trade),
    /// A bar that grew (live) or closed (durable: `bar.closed`).
    Bar(Bar),
    /// A quote that was not used, and why. Live; counted.
    Dropped(Dropped),
    /// The answer to a command.
    Answer(Answer),
    /// What an order has become.
    Order(OrderChange),
    /// An instruction to a broker's link.
    Send(Send),
    /// One execution booked: what it did to position and balance.
    Deal(Deal),
    /// What a position has become.
    Position(PositionChange),
    Cash(CashBooked),
    /// An account changed its margin state.
    Margin(MarginChange),
    /// A stop-out decided what to close.
    StopOut(StopOut),
    /// A loss limit was crossed or cleared.
    Loss(LossChange),
    /// A further level of margin was reached or is above again.
    Rung(RungChange),
    /// A protective price fired, here or at the broker who holds it, or that broker did not act.
    Protective(ProtectiveFired),
    Volatility(VolatilityChange),
    /// A rolling-window breach.
    Breach(Breach),
    Halt(HaltChange),
    /// A window of higher requirements begins, reaches what was held before, or ends.
    Window(WindowChange),
    /// The state of an instrument's market data.
    Feed(FeedChange),
    /// Another source serves an instrument.
    Switch(SourceSwitch),
    Gap(Gap),
    Link(LinkChange),
    Mode(ModeChange),
    Kill(KillChange),
    /// Repeated executions latched something, or a person enabled it again.
    Throttle(ThrottleChange),
    /// Why a person changed a halt, a link or a latch, or settled an order with its broker.
    Noted(Noted),
    /// An account's conversion rate is missing (or back).
    Conversion(ConversionChange),
    Session(Session),
    DayStart(DayStarted),
    ClockJump(ClockJump),
    /// An alert command, echoed.
    Alert(AlertEcho),
    /// Terms came into force.
    Terms(TermsChange),
    /// Snapshot or recovery: the hash of the state after this input.
    Checkpoint(Checkpoint),
}

/// Key of an output: the input that caused it and its place among that input's outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputKey {
    pub seq: Seq,
    pub index: u32,
}
crate::codec_struct!(OutputKey {
    seq: Seq,
    index: u32
});

record! {
    /// Accepted when `reasons` is empty; otherwise all reasons, most binding first.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Answer {
        pub token: u64,
        pub actor: ActorId,
        pub account: Option<AccountId>,
        /// The order this command created, or the first answer's order when it was repeated.
        pub order: Option<OrderId>,
        /// True when a client order id was seen before and this is the first answer again.
        pub repeated: bool,
        pub reasons: Reasons,
    }
}

impl Input {
    /// When it entered.
    pub fn ts(&self) -> Ts {
        match self {
            Input::Quote(quote) => quote.ts,
            Input::Trade(trade) => trade.ts,
            Input::Gap(gap) => gap.ts,
            Input::Clock(ts) => *ts,
            Input::Command(command) => command.ts,
        }
    }
}

impl Output {
    /// Durable outputs go to the output log once their input is synced; live ones do not wait.
    pub fn is_durable(&self) -> bool {
        match self {
            Output::Mark(_) | Output::Print(_) | Output::Dropped(_) => false,
            Output::Bar(bar) => bar.closed,
            _ => true,
        }
    }
}

const _: () = assert!(size_of::<Quote>() == 64, "a quote is one cache line");
const _: () = assert!(
    size_of::<Input>() == 64,
    "a slot of the ring is one cache line"
);
