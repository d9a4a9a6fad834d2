//! Answers about the market of one instrument: how much it moves, its sources, and what lifting its halt would do.

use crate::event::*;
use crate::ids::*;
use crate::terms::SourceKind;
use crate::units::*;

/// How much an instrument moves. Volatilities are per window or per bar, not annualised.
#[derive(Clone, Debug, PartialEq)]
pub struct VolatilityView {
    pub state: VolatilityState,
    /// Realised over the last minute, five minutes and hour (the hour moves on by minutes).
    pub realised_1m: Ratio,
    pub realised_5m: Ratio,
    pub realised_1h: Ratio,
    /// Exponentially weighted, per `ewma_unit_ns`.
    pub ewma: Ratio,
    pub ewma_unit_ns: u64,
    /// Mean 5-minute volatility of this hour of the week, once five days are known.
    pub usual: Option<Ratio>,
    /// The 5-minute volatility above which the state is elevated.
    pub threshold: Ratio,
    pub spans: Vec<SpanVolatility>,
}

/// Estimators over the newest closed bars of one span, of mids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanVolatility {
    pub span: BarSpan,
    /// Bars that the estimators see, at most 32.
    pub bars: u32,
    /// Wilder's average true range over 14 bars, in half price steps; absent before 14 bars.
    pub atr_x2: Option<i64>,
    /// The same as a share of the last close; absent too when that is not positive.
    pub atr_share: Option<Ratio>,
    pub parkinson: Ratio,
    pub garman_klass: Ratio,
    pub rogers_satchell: Ratio,
    pub yang_zhang: Ratio,
}

/// One source of an instrument now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceView {
    pub source: SourceId,
    pub kind: SourceKind,
    /// It serves.
    pub active: bool,
    /// Known to be down, or without a good quote for its timeout.
    pub silent: bool,
    pub last_good: Option<Ts>,
    pub rows: u64,
    /// Rows at fault, whoever served.
    pub faults: u64,
    /// Mean offset from the other sources' median mid, and from how many samples.
    pub offset: Ratio,
    pub samples: u32,
    /// 0 to 100.
    pub score: u8,
}

/// A halt in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HaltView {
    pub instrument: InstrumentId,
    pub since: Ts,
    /// Its quiet time is over, and it waits for a named person.
    pub awaiting_resume: bool,
    /// It does not end by itself.
    pub by_person: bool,
}

/// What lifting a halt would do now.
#[derive(Clone, Debug, PartialEq)]
pub struct ResumeView {
    pub halted: bool,
    pub cause: Option<HaltCause>,
    pub manual: bool,
    pub awaiting_resume: bool,
    pub since: Option<Ts>,
    /// When the halt's quiet time is over; absent when a person holds it.
    pub quiet_at: Option<Ts>,
    pub feed: FeedState,
    pub volatility: VolatilityState,
    /// Every detector that is on, against the newest price.
    pub detectors: Vec<DetectorView>,
    /// Accounts that hold the instrument.
    pub holders: u32,
    /// How many of them would change their state, and the first hundred, by id.
    pub changes: u32,
    pub accounts: Vec<ResumeAccount>,
}

/// A halt detector against the newest price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetectorView {
    pub cause: HaltCause,
    /// Move of the newest price within the detector's window, or from the band's reference when it is at a band.
    pub moved: Option<Ratio>,
    /// The newest price is beyond the limit: more like it would halt again.
    pub fires: bool,
    /// How many more would.
    pub needed: u8,
}

/// An account whose state would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumeAccount {
    pub account: AccountId,
    pub from: MarginState,
    pub to: MarginState,
}
