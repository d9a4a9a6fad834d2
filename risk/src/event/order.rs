//! Orders: what is asked for, what brokers report, and what becomes of orders and positions.

use crate::ids::*;
use crate::units::*;
use crate::{codec_enum, record, unit_enum};

unit_enum! {
    /// A direction.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Side: u8 { Buy = 0, Sell = 1 }
}

impl Side {
    /// The opposite direction.
    pub fn other(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
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
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
        /// Asked for, the broker says that nothing of the order works any more.
        Ended = 9,
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

codec_enum! {
    /// What became of a position by a protective price that its broker holds.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum CloseEvent: u8 {
        /// The price of this kind was executed.
        Filled { kind: ProtectiveKind, fill: Fill } = 0,
        /// That execution is taken back.
        Bust = 1,
    }
}

record! {
    /// A broker that holds protective prices has closed a position by one of them: no order of the house asked for it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct BrokerClose {
        pub link: LinkId,
        /// As the broker was told that it is called.
        pub position: PositionId,
        /// The broker's own id of the execution, unique among the closes of the position. All zero = none.
        pub exec: ExecId,
        pub event: CloseEvent,
    }
}

record! {
    /// A named person has settled with the broker what could not be booked of an order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Reconciled {
        pub order: OrderId,
        /// How many executions the person has seen: one that came since is not settled unseen.
        pub executions: u32,
        /// Hash of what was found.
        pub note: u64,
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
    /// A person takes a link out of service, or gives it back: then its supervisor says what it is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SetLink {
        pub link: LinkId,
        pub read_only: bool,
        /// Hash of why.
        pub note: u64,
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
    pub enum Origin: u8 {
        Client = 0,
        StopLoss = 1,
        TakeProfit = 2,
        Trailing = 3,
        StopOut = 4,
        KillSwitch = 5,
        System = 6,
        /// The broker itself, by a protective price that it holds: executed when the house hears of it.
        Broker = 7,
    }
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
        /// Executions that could not be booked and that nobody has settled.
        pub unbooked: u32,
        /// Price the owner saw when it was placed, or that reached it where the core held it (ask for buys, bid for sells).
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
        /// What a position is called here.
        Opened(Opened) = 4,
    }
}

record! {
    /// A position whose protective prices the broker holds. The broker is told them, and names its own closes, by this id.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Opened {
        pub position: PositionId,
        /// The order whose execution opened it, the first time where it is there again because what closed it was taken
        /// back; absent of one that was there before the broker held its prices.
        pub order: Option<OrderId>,
        pub account: AccountId,
        pub instrument: InstrumentId,
        pub side: Side,
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
        /// The broker holds it and did not act within 5 s, or the core could not send its close.
        pub unanswered: bool,
        /// The close it became: of the house, or of the broker that holds the price.
        pub order: Option<OrderId>,
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
