//! Prices: what venues say, what the market made of it, bars and the state of the data.

use super::order::Side;
use crate::ids::*;
use crate::units::*;
use crate::{record, unit_enum};

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
        /// Messages known to be missing, 0 = unknown. Prints alone are numbered one by one: a known number says nothing of quotes.
        pub missing: u32,
    }
}

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

record! {
    /// A venue's mark price: margin and results of accounts at mark price follow it while it is fresh.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MarkPrice {
        pub instrument: InstrumentId,
        pub source: SourceId,
        pub price: Price,
        /// The venue's time of it; older ones than the one in use are not used.
        pub at: Ts,
    }

    /// A venue's open interest: the open notional of an instrument, minor units of its quote currency.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OpenInterest {
        pub instrument: InstrumentId,
        pub value: Money,
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
        /// Its venue's time lies behind a quote that came before it.
        OutOfOrder = 10,
        Inactive = 11,
        Closed = 12,
        /// Its venue's time lies more than 5 s ahead of ours.
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

unit_enum! {
    /// Which detector fired, or who else halts.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum HaltCause: u8 {
        /// The share moved within the rolling window.
        Window = 0,
        /// A limit state at a band around the reference.
        Band = 1,
        /// The day's variant from an extreme of the rolling window.
        Dynamic = 2,
        /// Ticks in time.
        Velocity = 3,
        /// Another instrument of the family.
        Family = 4,
        Person = 5,
    }
}

record! {
    /// The price moved by `moved` within the window, or from the band's reference.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Breach {
        pub instrument: InstrumentId,
        pub cause: HaltCause,
        pub direction: Direction,
        pub moved: Ratio,
        pub threshold: Ratio,
        /// The price that breached, as bid + ask for quotes or price × 2 for trades.
        pub mid2: i64,
        pub ts: Ts,
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
