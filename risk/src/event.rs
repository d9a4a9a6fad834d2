//! The contract: everything that may enter the core and everything that may leave it. Start reading here.
//!
//! An `Input` is numbered by the journal; the machine answers with `Output`s keyed by (input sequence, index).
//! A `Query` enters by the same ring, changes nothing, is neither numbered nor journaled.

use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reasons;
use crate::{codec_enum, record, unit_enum};

/// Position of an input in the journal, from 1.
pub type Seq = u64;

unit_enum! {
    /// How a quote came about.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum QuoteKind: u8 {
        Firm = 0,
        /// First of a subscription: the venue's snapshot.
        Snapshot = 1,
        /// Served from a poll, not a stream.
        Polled = 2,
    }
}

record! {
    /// Best bid and ask of one source. Hot: with its tag it is one cache line.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Quote {
        pub ts: Ts,
        pub bid: Price,
        pub ask: Price,
        /// Quantity in lot steps, 0 = unknown.
        pub bid_qty: Qty,
        pub ask_qty: Qty,
        /// How far below `bid` the lowest bid was among the quotes this one replaced.
        pub bid_drop: u32,
        /// How far above `ask` the highest ask was among them.
        pub ask_rise: u32,
        /// Receive time less the venue's time, microseconds, held at the ends; `NO_VENUE_TIME` = none.
        pub venue_lag_us: i32,
        pub instrument: InstrumentId,
        pub source: SourceId,
        /// Quotes merged into this one by a full ring, 0 = none.
        pub merged: u16,
        pub kind: QuoteKind,
    }
}

/// A venue lag that says: the venue gave no time.
pub const NO_VENUE_TIME: i32 = i32::MIN;

unit_enum! {
    /// A direction.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Side: u8 { Buy = 0, Sell = 1 }
}

record! {
    /// A print on a venue: drives halts and time-and-sales, never marks.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Trade {
        pub ts: Ts,
        pub price: Price,
        pub qty: Qty,
        pub venue_lag_us: i32,
        pub instrument: InstrumentId,
        pub source: SourceId,
        /// Side of the taker.
        pub side: Side,
    }
}

unit_enum! {
    /// Why a source's stream has a hole.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum GapCause: u8 { Sequence = 0, Disconnect = 1, Reconnect = 2, Mute = 3, BadFrame = 4 }
}

record! {
    /// A hole in a source's stream: an input, not a guess. Instrument `None` = the whole source.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Gap {
        pub ts: Ts,
        pub source: SourceId,
        pub instrument: Option<InstrumentId>,
        pub cause: GapCause,
        /// Messages known to be missing, 0 = unknown.
        pub missing: u32,
    }
}

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
        Group(GroupTerms) = 5,
        Account(AccountTerms) = 6,
        Cash(Cash) = 10,
        Order(Box<NewOrder>) = 20,
        Cancel(Cancel) = 21,
        Protect(Protect) = 22,
        Report(BrokerReport) = 30,
        LinkState(LinkReport) = 31,
        Session(Session) = 40,
        Rollover(Rollover) = 41,
        DayStart(DayStart) = 42,
        ClockJump(ClockJump) = 43,
        Mode(SetMode) = 50,
        Kill(SetKill) = 51,
        Limit(SetLimit) = 52,
        Halt(SetHalt) = 53,
        Review(SetReview) = 54,
        AcknowledgeRisk(AccountId) = 55,
        Alert(AlertCommand) = 60,
        LoggedIn(AccountId) = 61,
    }
}

unit_enum! {
    /// What a cash movement is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum CashKind: u8 { Deposit = 0, Withdrawal = 1, Correction = 2, Credit = 3, Swap = 4, Commission = 5, Realised = 6, Compensation = 7 }
}

record! {
    /// Money in or out of an account; `amount` is signed, in the account's currency.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Cash {
        pub account: AccountId,
        pub kind: CashKind,
        pub amount: Money,
        /// The movement's number in the books of the rim.
        pub reference: u64,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum OrderKind: u8 { Market = 0, Limit = 1, Stop = 2, StopLimit = 3 }
}

unit_enum! {
    /// Time in force.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Tif: u8 { Gtc = 0, Day = 1, Ioc = 2, Fok = 3, Gtd = 4 }
}

record! {
    /// Protective prices of a position; `trailing` is a distance in price steps, 0 = none.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Protection {
        pub stop_loss: Option<Price>,
        pub take_profit: Option<Price>,
        pub trailing: Price,
    }
}

record! {
    /// An order as it is asked for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct NewOrder {
        pub account: AccountId,
        pub instrument: InstrumentId,
        pub side: Side,
        pub kind: OrderKind,
        pub tif: Tif,
        pub qty: Qty,
        /// Limit price (Limit, StopLimit).
        pub price: Option<Price>,
        /// Trigger price (Stop, StopLimit).
        pub stop: Option<Price>,
        pub expires: Option<Ts>,
        /// The position this order closes (hedging).
        pub position: Option<PositionId>,
        pub reduce_only: bool,
        /// Furthest a market order may fill from the price its owner saw, 0 = any.
        pub slippage_max: Price,
        pub protection: Protection,
        pub client_id: ClientOrderId,
        pub trader: u32,
        pub desk: u32,
        pub strategy: u32,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Cancel {
        pub account: AccountId,
        pub order: OrderId,
    }
}

record! {
    /// New protective prices for a position.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Protect {
        pub account: AccountId,
        pub position: PositionId,
        pub protection: Protection,
    }
}

/// The broker's own id of an execution or report, for removing duplicates.
pub type ExecId = [u8; 16];

record! {
    /// What a broker says of an order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct BrokerReport {
        pub link: LinkId,
        pub order: OrderId,
        /// All zero = none.
        pub exec: ExecId,
        pub event: BrokerEvent,
    }
}

codec_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum BrokerEvent: u8 {
        /// Working at the broker.
        Accepted = 0,
        /// Executed, in part or whole.
        Filled(Fill) = 1,
        Rejected(u16) = 2,
        Cancelled = 3,
        Expired = 4,
        CancelRejected(u16) = 5,
        /// Sent, and nobody knows what became of it.
        InDoubt = 6,
        /// The broker does not know the order.
        Unknown = 7,
        /// An execution the broker takes back.
        Bust(ExecId) = 8,
    }
}

record! {
    /// One execution. Commission is a charge, positive, in the account's currency.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Fill {
        pub qty: Qty,
        pub price: Price,
        pub commission: Money,
    }
}

unit_enum! {
    /// State of a broker link.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum LinkMode: u8 {
        Live = 0,
        /// Down, beyond its limits, or by hand: closes are queued.
        ReadOnly = 1,
        /// Reconciling: nothing new is sent.
        Recovering = 2,
    }
}

record! {
    /// A link changed its state. `reconciled` with `Live`: every open order has an answer.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LinkReport {
        pub link: LinkId,
        pub mode: LinkMode,
        /// Set by hand, and only a hand may lift it.
        pub manual: bool,
    }
}

record! {
    /// A session of an instrument opens or closes at `at` and lasts until `until`; sent at least 24 h ahead.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Session {
        pub instrument: InstrumentId,
        pub open: bool,
        pub at: Ts,
        pub until: Ts,
    }
}

record! {
    /// Swaps are charged and open margin prices refreshed at `at`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Rollover {
        pub instrument: InstrumentId,
        pub at: Ts,
        /// Day multiplier.
        pub days: u8,
        /// Weekday of the rollover, Monday = 0.
        pub weekday: u8,
    }
}

record! {
    /// Day-start equity is taken at `at` for every account of the zone (all accounts until zones exist).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct DayStart {
        pub at: Ts,
        pub zone: u16,
    }
}

record! {
    /// The wall clock moved by more than a second against the monotonic one.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ClockJump {
        pub by_ns: i64,
    }
}

codec_enum! {
    /// What a mode, a limit or a switch applies to.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Scope: u8 {
        House = 0,
        Group(GroupId) = 1,
        Account(AccountId) = 2,
        Instrument(InstrumentId) = 3,
        Desk(u32) = 4,
        Trader(u32) = 5,
        Strategy(u32) = 6,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum TradingMode: u8 { Normal = 0, CloseOnly = 1, Halt = 2 }
}

record! {
    /// Trading mode of a scope. `note` is the hash of the text kept in the store.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SetMode {
        pub scope: Scope,
        pub mode: TradingMode,
        pub allow_reducing: bool,
        pub note: u64,
        /// The second person of a release, 0 = none.
        pub approver: ActorId,
    }
}

record! {
    /// Kill switch of a scope: working orders are cancelled at once; release needs two people.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SetKill {
        pub scope: Scope,
        pub on: bool,
        pub allow_reducing: bool,
        pub note: u64,
        pub approver: ActorId,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum LimitKind: u8 {
        /// Net exposure in house currency minor units.
        NetExposure = 0,
        GrossExposure = 1,
        /// Largest |net| quantity in lot steps.
        NetQty = 2,
    }
}

record! {
    /// A limit of a scope; 0 lifts it. A raise needs two people.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SetLimit {
        pub scope: Scope,
        pub kind: LimitKind,
        pub value: i64,
        pub note: u64,
        pub approver: ActorId,
    }
}

record! {
    /// A halt set or lifted by a named person.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SetHalt {
        pub instrument: InstrumentId,
        pub on: bool,
        pub note: u64,
    }
}

record! {
    /// An account is put under review (dispute, compliance): close-only until lifted.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SetReview {
        pub account: AccountId,
        pub on: bool,
        pub note: u64,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum AlertVerb: u8 { Acknowledge = 0, Resolve = 1, Comment = 2, Snooze = 3, Assign = 4, Escalate = 5, Unacknowledge = 6, SilenceOn = 7, SilenceOff = 8 }
}

record! {
    /// Somebody acts on an alert. The machine echoes it, so the alert engine stays a fold over outputs.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct AlertCommand {
        pub alert: AlertId,
        pub verb: AlertVerb,
        /// The revision the actor saw.
        pub revision: u32,
        /// Until when (snooze, silence), or whom (assign).
        pub argument: u64,
        pub note: u64,
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
    /// A protective price fired, or the broker who holds it did not act.
    Protective(ProtectiveFired),
    Volatility(VolatilityChange),
    /// A rolling-window breach.
    Breach(Breach),
    Halt(HaltChange),
    /// The state of an instrument's market data.
    Feed(FeedChange),
    /// Another source serves an instrument.
    Switch(SourceSwitch),
    Gap(Gap),
    Link(LinkChange),
    Mode(ModeChange),
    Kill(KillChange),
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
    /// The price that serves an instrument now.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Mark {
        pub ts: Ts,
        pub instrument: InstrumentId,
        pub source: SourceId,
        pub bid: Price,
        pub ask: Price,
        pub bid_qty: Qty,
        pub ask_qty: Qty,
        pub venue_lag_us: i32,
        /// Number of this mark in the instrument's stream, from 1.
        pub count: u64,
        /// Percent change against the day's first mid.
        pub day_change: Ratio,
    }
}

unit_enum! {
    /// Length of a bar.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum BarSpan: u8 { S1 = 0, M1 = 1, M5 = 2, M15 = 3, H1 = 4, D1 = 5 }
}

record! {
    /// Open, high, low, close.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Ohlc {
        pub open: i64,
        pub high: i64,
        pub low: i64,
        pub close: i64,
    }
}

record! {
    /// A bar of accepted quotes; `mid` is bid + ask (mid × 2), so it stays an integer.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Bar {
        pub instrument: InstrumentId,
        pub span: BarSpan,
        pub start: Ts,
        pub bid: Ohlc,
        pub ask: Ohlc,
        pub mid: Ohlc,
        pub ticks: u32,
        /// Traded quantity when known.
        pub volume: Qty,
        pub closed: bool,
        /// Ticks that came after the bar closed and went to the next.
        pub late: u32,
    }
}

unit_enum! {
    /// Why a quote was not used.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum DropReason: u8 {
        UnknownInstrument = 0,
        UnknownSource = 1,
        NotPositive = 2,
        Crossed = 3,
        SpreadLow = 4,
        SpreadHigh = 5,
        Soft = 6,
        Hard = 7,
        Discard = 8,
        SameQuote = 9,
        OutOfOrder = 10,
        Inactive = 11,
        Closed = 12,
        Future = 13,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Dropped {
        pub instrument: InstrumentId,
        pub source: SourceId,
        pub reason: DropReason,
        pub bid: Price,
        pub ask: Price,
    }
}

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

unit_enum! {
    /// Life of an order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum OrderState: u8 {
        /// Waits in the core (pending price, core-held).
        Pending = 0,
        /// Given to the link, no answer yet.
        Submitted = 1,
        /// Working at the broker.
        Working = 2,
        PartlyFilled = 3,
        Filled = 4,
        Cancelled = 5,
        Rejected = 6,
        Expired = 7,
        /// A durable close that waits for the link.
        Queued = 8,
        InDoubt = 9,
        /// Given back to its owner on recovery: what no longer holds.
        Returned = 10,
        /// A cancel is on its way.
        Cancelling = 11,
    }
}

unit_enum! {
    /// Who or what placed an order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Origin: u8 { Client = 0, StopLoss = 1, TakeProfit = 2, Trailing = 3, StopOut = 4, KillSwitch = 5, System = 6 }
}

record! {
    /// An order after a change.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OrderChange {
        pub id: OrderId,
        pub state: OrderState,
        pub origin: Origin,
        pub link: LinkId,
        pub filled: Qty,
        /// Quantity-weighted fill price in price steps × filled quantity.
        pub value: i128,
        pub reason: u16,
        /// Price the owner saw when it was placed (ask for buys, bid for sells).
        pub seen: Price,
        pub placed: Ts,
        pub order: NewOrder,
    }
}

codec_enum! {
    #[derive(Clone, Debug, PartialEq)]
    pub enum LinkCommand: u8 {
        /// Place this order; the id on the wire is base 36 of (journal epoch, order id).
        Submit(Box<Submit>) = 0,
        Cancel(OrderId) = 1,
        /// Protective prices the broker holds.
        Protect(Protect) = 2,
        /// Ask for the state of an order.
        Status(OrderId) = 3,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Submit {
        pub id: OrderId,
        pub account: AccountId,
        pub instrument: InstrumentId,
        pub side: Side,
        pub kind: OrderKind,
        pub tif: Tif,
        pub qty: Qty,
        pub price: Option<Price>,
        pub stop: Option<Price>,
        pub expires: Option<Ts>,
        pub position: Option<PositionId>,
        pub slippage_max: Price,
        pub seen: Price,
        pub protection: Protection,
    }
}

record! {
    #[derive(Clone, Debug, PartialEq)]
    pub struct Send {
        pub link: LinkId,
        pub command: LinkCommand,
    }
}

record! {
    /// A booked execution.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Deal {
        pub order: OrderId,
        pub account: AccountId,
        pub instrument: InstrumentId,
        pub position: PositionId,
        pub side: Side,
        pub qty: Qty,
        pub price: Price,
        pub commission: Money,
        /// Realised profit in the account's currency.
        pub realised: Money,
        pub balance: Money,
        pub origin: Origin,
        pub exec: ExecId,
    }
}

record! {
    /// A position after a change; `qty` 0 = closed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PositionChange {
        pub id: PositionId,
        pub account: AccountId,
        pub instrument: InstrumentId,
        pub side: Side,
        pub qty: Qty,
        pub open_price: Price,
        pub opened: Ts,
        pub margin: Money,
        pub swap: Money,
        pub commission: Money,
        pub realised: Money,
        pub protection: Protection,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CashBooked {
        pub cash: Cash,
        pub balance: Money,
        pub credit: Money,
    }
}

unit_enum! {
    /// Margin state of an account, worse is greater.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum MarginState: u8 { Healthy = 0, Warning = 1, Restricted = 2, StopOut = 3 }
}

record! {
    /// Numbers are in the account's currency; `level` is absent without used margin.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MarginChange {
        pub account: AccountId,
        pub from: MarginState,
        pub to: MarginState,
        pub equity: Money,
        pub used: Money,
        pub level: Option<Ratio>,
        /// The instrument whose price caused it, if one did.
        pub instrument: Option<InstrumentId>,
        /// Only a requirement factor or a dead price caused it: never a stop-out.
        pub soft: bool,
    }
}

record! {
    /// What a stop-out closes, in order (empty in observe mode: `would` lists it).
    #[derive(Clone, Debug, PartialEq)]
    pub struct StopOut {
        pub account: AccountId,
        pub mode: StopOutMode,
        pub equity: Money,
        pub used: Money,
        pub cancels: Vec<OrderId>,
        pub closes: Vec<PositionId>,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum LossKind: u8 { Account = 0, Position = 1 }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LossChange {
        pub account: AccountId,
        pub kind: LossKind,
        pub position: Option<PositionId>,
        pub instrument: Option<InstrumentId>,
        pub on: bool,
        /// Loss in the account's currency, positive.
        pub loss: Money,
        pub limit: Money,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum ProtectiveKind: u8 { StopLoss = 0, TakeProfit = 1, Trailing = 2 }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ProtectiveFired {
        pub account: AccountId,
        pub position: PositionId,
        pub instrument: InstrumentId,
        pub kind: ProtectiveKind,
        /// The protective price, and the quote that crossed it.
        pub price: Price,
        pub crossed_by: Price,
        /// The broker holds it and did not act within 5 s.
        pub unanswered: bool,
        /// The close it became (core-held).
        pub order: Option<OrderId>,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum VolatilityState: u8 { Normal = 0, Elevated = 1 }
}

record! {
    /// Volatilities are per window (not annualised).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct VolatilityChange {
        pub instrument: InstrumentId,
        pub state: VolatilityState,
        pub realised_5m: Ratio,
        pub threshold: Ratio,
        pub ewma: Ratio,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Direction: u8 { Up = 0, Down = 1 }
}

record! {
    /// The price moved by `moved` within the window.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Breach {
        pub instrument: InstrumentId,
        pub direction: Direction,
        pub moved: Ratio,
        pub threshold: Ratio,
        /// The price that breached, as bid + ask for quotes or price × 2 for trades.
        pub mid2: i64,
        pub ts: Ts,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct HaltChange {
        pub instrument: InstrumentId,
        pub on: bool,
        pub manual: bool,
        /// Waits for a named person.
        pub awaiting_resume: bool,
        pub moved: Ratio,
        /// Accounts that hold the instrument.
        pub holders: u32,
    }
}

unit_enum! {
    /// Market data of an instrument.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum FeedState: u8 { Live = 0, Delayed = 1, Unavailable = 2, Closed = 3 }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct FeedChange {
        pub instrument: InstrumentId,
        pub from: FeedState,
        pub to: FeedState,
        pub source: Option<SourceId>,
        /// Age of the last price.
        pub age_ns: u64,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum SwitchCause: u8 { Timeout = 0, Failback = 1, First = 2, Damped = 3, SourceDown = 4 }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SourceSwitch {
        pub instrument: InstrumentId,
        pub from: Option<SourceId>,
        pub to: SourceId,
        pub cause: SwitchCause,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LinkChange {
        pub link: LinkId,
        pub from: LinkMode,
        pub to: LinkMode,
        pub manual: bool,
        pub queued: u32,
        pub in_doubt: u32,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ModeChange {
        pub set: SetMode,
        pub from: TradingMode,
        pub actor: ActorId,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct KillChange {
        pub set: SetKill,
        pub actor: ActorId,
        pub cancelled: u32,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ConversionChange {
        pub account: AccountId,
        pub from: CurrencyId,
        pub to: CurrencyId,
        pub missing: bool,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct DayStarted {
        pub zone: u16,
        pub at: Ts,
        pub accounts: u32,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct AlertEcho {
        pub command: AlertCommand,
        pub actor: ActorId,
    }
}

codec_enum! {
    /// Which terms came into force.
    #[derive(Clone, Debug, PartialEq)]
    pub enum TermsChange: u8 {
        Currency(CurrencyTerms) = 1,
        Source(SourceTerms) = 2,
        Link(LinkTerms) = 3,
        Instrument(Box<InstrumentTerms>) = 4,
        Group(GroupTerms) = 5,
        Account(AccountTerms) = 6,
        Limit(SetLimit) = 7,
        Review(SetReview) = 8,
        RiskAcknowledged(AccountId) = 9,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Checkpoint {
        pub seq: Seq,
        pub state_hash: u64,
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
