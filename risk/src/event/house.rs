//! The house: sessions, limits, switches, halts, alerts, terms and checkpoints.

use super::Seq;
use super::order::Side;
use super::price::HaltCause;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::{codec_enum, record, unit_enum};

record! {
    /// A session of an instrument opens or closes at `at` and lasts until `until`; sent at least 24 h ahead. It takes the
    /// place of those that were told before and begin inside it. A closure until [`NO_END`] lasts until another is told.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Session {
        pub instrument: InstrumentId,
        pub open: bool,
        pub at: Ts,
        pub until: Ts,
    }
}

record! {
    /// Swaps are charged and open margin prices refreshed at `at`; with 0 days what was told for `at` is taken back.
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
    /// The wall clock moved by more than a second against the monotonic one, or lies behind what the journal has reached
    /// when a run begins.
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
        /// Every instrument with a leg in the currency.
        Currency(CurrencyId) = 7,
    }
}

unit_enum! {
    /// Stricter is greater; the numbers are those of the journal.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum TradingMode: u8 {
        Normal = 0,
        CloseOnly = 1,
        Halt = 2,
        /// Orders that leave |net| no larger go on, a turn of the position to the other side included.
        Reducing = 3,
    }
}

impl TradingMode {
    const fn strictness(self) -> u8 {
        match self {
            TradingMode::Normal => 0,
            TradingMode::Reducing => 1,
            TradingMode::CloseOnly => 2,
            TradingMode::Halt => 3,
        }
    }
}

impl Ord for TradingMode {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.strictness().cmp(&other.strictness())
    }
}

impl PartialOrd for TradingMode {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

record! {
    /// Narrows a kill switch: what is named must match as well, 0 and absent match everything.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct Also {
        pub group: Option<GroupId>,
        pub account: Option<AccountId>,
        pub instrument: Option<InstrumentId>,
        pub desk: u32,
        pub trader: u32,
        pub strategy: u32,
    }
}

impl Also {
    /// Nothing more is asked for.
    pub const ANY: Also = Also {
        group: None,
        account: None,
        instrument: None,
        desk: 0,
        trader: 0,
        strategy: 0,
    };
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
        pub also: Also,
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
    /// A named person enables again what repeated executions have latched.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Reenable {
        pub scope: Scope,
        pub note: u64,
    }
}

record! {
    /// A strategy, trader or account is latched by repeated executions, or enabled again.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ThrottleChange {
        pub scope: Scope,
        pub on: bool,
        /// What was executed again and again.
        pub instrument: InstrumentId,
        pub side: Side,
        pub executions: u32,
        /// Who enabled it; 0 when it was latched.
        pub actor: ActorId,
    }
}

record! {
    /// Who asked for the change before it among the outputs of one input, and why.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Noted {
        pub actor: ActorId,
        /// Hash of the note.
        pub note: u64,
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

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct HaltChange {
        pub instrument: InstrumentId,
        pub on: bool,
        /// What halted first.
        pub cause: HaltCause,
        pub manual: bool,
        /// Waits for a named person.
        pub awaiting_resume: bool,
        pub moved: Ratio,
        /// Accounts that hold the instrument.
        pub holders: u32,
    }
}

unit_enum! {
    /// Where a window of higher requirements stands.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum WindowPhase: u8 {
        /// It raises what is new, and what is held where its policy says so.
        Began = 0,
        /// The grace is over: what was held before is raised, too.
        Reached = 1,
        Ended = 2,
    }
}

record! {
    /// A window of higher requirements begins, reaches what was held before, or ends.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct WindowChange {
        pub window: Requirement,
        pub phase: WindowPhase,
        /// Accounts that hold the instrument.
        pub holders: u32,
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
        Group(Box<GroupTerms>) = 5,
        Account(AccountTerms) = 6,
        Limit(SetLimit) = 7,
        Review(SetReview) = 8,
        RiskAcknowledged(AccountId) = 9,
        Tiers(Box<TierTerms>) = 10,
        Requirement(Requirement) = 11,
        /// The client confirmed a margin call and is logged out.
        CallConfirmed(AccountId) = 12,
        /// What an account has otherwise than its group.
        Rules(Box<AccountRules>) = 13,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Checkpoint {
        pub seq: Seq,
        pub state_hash: u64,
    }
}
