//! Who may do what, when: the one table of orders and conditions. Pure: conditions in, outcome and all reasons out.
//! Its expected answers are typed in `tests/table.txt`.

use crate::event::*;
use crate::terms::HeldBy;
use crate::unit_enum;
use crate::verdict::{Reasons, Reject};

unit_enum! {
    /// What somebody wants to do.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Action: u8 {
        /// Open or enlarge.
        New = 0,
        /// Close: names a position, or leaves the net smaller without changing its sign.
        Reduce = 1,
        Cancel = 2,
        /// Move a protective price towards the market.
        Tighten = 3,
    }
}

unit_enum! {
    /// What becomes of it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Outcome: u8 {
        Sent = 0,
        /// Kept durably until the link is live.
        Queued = 1,
        /// Done in the core, nothing goes to the broker.
        Applied = 2,
        Refused = 3,
    }
}

unit_enum! {
    /// Kill switch over an order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Kill: u8 { Off = 0, OnReducing = 1, On = 2 }
}

unit_enum! {
    /// The journal behind the core.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum JournalState: u8 { Good = 0, Poisoned = 1 }
}

/// Every condition an order may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    pub journal: JournalState,
    pub feed: FeedState,
    /// New orders go on while the price is delayed.
    pub trade_delayed: bool,
    /// The broker trades although our session is closed.
    pub broker_session_open: bool,
    pub halted: bool,
    /// It asks for less margin than it is worth: the account's leverage on the instrument is above 1:1, or the
    /// instrument's own margin is below its value.
    pub leveraged: bool,
    pub mode: TradingMode,
    /// New: |net| would be larger than now.
    pub increases: bool,
    /// A mode `Halt` lets closing orders through.
    pub allow_reducing: bool,
    pub kill: Kill,
    pub margin: MarginState,
    pub unacknowledged: bool,
    /// Repeated executions latched its strategy, trader or account.
    pub throttled: bool,
    pub review: bool,
    pub link: LinkMode,
    /// Cancel: the order works at the broker, so the broker must be told.
    pub working_at_broker: bool,
    /// Tighten: who holds the protective price.
    pub held_by: HeldBy,
}

impl Conditions {
    /// All well.
    pub const WELL: Conditions = Conditions {
        journal: JournalState::Good,
        feed: FeedState::Live,
        trade_delayed: false,
        broker_session_open: false,
        halted: false,
        leveraged: true,
        mode: TradingMode::Normal,
        increases: true,
        allow_reducing: true,
        kill: Kill::Off,
        margin: MarginState::Healthy,
        unacknowledged: false,
        throttled: false,
        review: false,
        link: LinkMode::Live,
        working_at_broker: true,
        held_by: HeldBy::Core,
    };
}

/// The table: what becomes of the action, with every reason against it.
pub fn decide(action: Action, on: &Conditions) -> (Outcome, Reasons) {
    let mut reasons = Reasons::new();
    if on.journal == JournalState::Poisoned {
        reasons.push(Reject::JournalPoisoned);
    }
    match action {
        Action::New => new(on, &mut reasons),
        Action::Reduce => reduce(on, &mut reasons),
        Action::Cancel => {}
        Action::Tighten => {
            if on.mode == TradingMode::Halt {
                reasons.push(Reject::Halted);
            }
            if on.kill != Kill::Off {
                reasons.push(Reject::Killed);
            }
        }
    }
    reasons.sort();
    reasons.dedup();
    if !reasons.is_empty() {
        return (Outcome::Refused, reasons);
    }
    (passed(action, on), reasons)
}

fn new(on: &Conditions, reasons: &mut Reasons) {
    match on.feed {
        FeedState::Delayed if !on.trade_delayed => reasons.push(Reject::StalePrice),
        FeedState::Unavailable => reasons.push(Reject::PriceUnavailable),
        FeedState::Closed => reasons.push(Reject::SessionClosed),
        FeedState::Live | FeedState::Delayed => {}
    }
    if on.halted && on.leveraged {
        reasons.push(Reject::VolatilityHalt);
    }
    match on.margin {
        MarginState::Restricted => reasons.push(Reject::Restricted),
        MarginState::StopOut => reasons.push(Reject::StoppingOut),
        MarginState::Healthy | MarginState::Warning => {}
    }
    if on.unacknowledged {
        reasons.push(Reject::RiskNotAcknowledged);
    }
    if on.throttled {
        reasons.push(Reject::RepeatedExecution);
    }
    if on.review {
        reasons.push(Reject::UnderReview);
    }
    match on.link {
        LinkMode::ReadOnly => reasons.push(Reject::ReadOnly),
        LinkMode::Recovering => reasons.push(Reject::Recovering),
        LinkMode::Live => {}
    }
    match on.mode {
        TradingMode::CloseOnly => reasons.push(Reject::CloseOnly),
        TradingMode::Reducing if on.increases => reasons.push(Reject::Reducing),
        TradingMode::Halt => reasons.push(Reject::Halted),
        TradingMode::Normal | TradingMode::Reducing => {}
    }
    if on.kill != Kill::Off {
        reasons.push(Reject::Killed);
    }
}

fn reduce(on: &Conditions, reasons: &mut Reasons) {
    if on.feed == FeedState::Closed && !on.broker_session_open {
        reasons.push(Reject::SessionClosed);
    }
    if on.mode == TradingMode::Halt && !on.allow_reducing {
        reasons.push(Reject::Halted);
    }
    if on.kill == Kill::On {
        reasons.push(Reject::Killed);
    }
}

fn passed(action: Action, on: &Conditions) -> Outcome {
    let live = on.link == LinkMode::Live;
    match action {
        Action::New => Outcome::Sent,
        Action::Reduce if live => Outcome::Sent,
        Action::Reduce => Outcome::Queued,
        Action::Cancel if live => Outcome::Sent,
        // While reconciling nobody knows yet what works at the broker, so every cancel waits.
        Action::Cancel if on.link == LinkMode::Recovering => Outcome::Queued,
        Action::Cancel if on.working_at_broker => Outcome::Queued,
        Action::Cancel => Outcome::Applied,
        Action::Tighten if live => Outcome::Sent,
        Action::Tighten if on.link == LinkMode::Recovering => Outcome::Queued,
        Action::Tighten if on.held_by == HeldBy::Broker => Outcome::Queued,
        Action::Tighten => Outcome::Applied,
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
