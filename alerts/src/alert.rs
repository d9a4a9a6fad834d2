//! What an alert is: numbers and ids. Texts are rendered at the rim, in the reader's language.

use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::{HeldPolicy, LossBasis, StopOutMode};
use siaga_risk::units::*;
use siaga_risk::{codec_enum, record, unit_enum};

use crate::rules::Rule;

unit_enum! {
    /// How bad it is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Severity: u8 { Info = 0, Warning = 1, Critical = 2, Emergency = 3 }
}

unit_enum! {
    /// Life of an alert. Acknowledged: somebody has taken it at its present severity.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum AlertState: u8 { Pending = 0, Firing = 1, Acknowledged = 2, Resolved = 3, Archived = 4 }
}

record! {
    /// What makes two signals the same alert: a family of rules and the thing it watches.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Topic {
        pub family: Family,
        /// Account, instrument, link, source or scope.
        pub first: u64,
        /// Position, order or currency pair; 0 = none.
        pub second: u64,
    }
}

unit_enum! {
    /// Rules that are stages of one thing share an alert: a margin warning that becomes a stop-out is one alert.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Family: u8 {
        Margin = 1, NegativeBalance = 2, LossAccount = 3, LossPosition = 4, Volatility = 5, Breach = 6, Halt = 7,
        Feed = 8, FeedDown = 9, Switch = 10, Conversion = 11, Link = 12, InDoubt = 13, Protective = 14, Mode = 15,
        Kill = 16, ClockJump = 17, Journal = 18, Sink = 19, Reader = 20,
        Throttle = 21, Rung = 22, Overfill = 23, Unbooked = 24, Requirement = 25, ForgottenOrder = 26,
        Standby = 30, Recovery = 31, Part = 32, Holdings = 33,
    }
}

record! {
    /// What an alert is about; used to route, to silence, to inhibit and to search.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Labels {
        pub account: Option<AccountId>,
        pub group: Option<GroupId>,
        pub instrument: Option<InstrumentId>,
        pub position: Option<PositionId>,
        pub order: Option<OrderId>,
        pub link: Option<LinkId>,
        pub source: Option<SourceId>,
        pub desk: Option<u32>,
    }
}

codec_enum! {
    /// A number with its unit. Money is in minor units of the account's currency, prices in the instrument's steps.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Figure: u8 {
        Ratio(Ratio) = 1,
        Money(Money) = 2,
        Price(Price) = 3,
        Count(u64) = 4,
        DurationNs(u64) = 5,
    }
}

codec_enum! {
    /// What the summary of an alert is written from.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Facts: u8 {
        Margin { state: MarginState, equity: Money, used: Money, level: Option<Ratio>, soft: bool } = 1,
        StopOut { mode: StopOutMode, equity: Money, used: Money, closes: u32, cancels: u32 } = 2,
        Balance { balance: Money } = 3,
        Loss { loss: Money, limit: Money, basis: LossBasis } = 4,
        Volatility { realised: Ratio, threshold: Ratio, ewma: Ratio } = 5,
        Feed { state: FeedState, age_ns: u64 } = 8,
        Gap { cause: GapCause, missing: u32 } = 9,
        Switch { cause: SwitchCause, from: Option<SourceId>, to: SourceId } = 10,
        Conversion { from: CurrencyId, to: CurrencyId } = 11,
        Link { mode: LinkMode, manual: bool, queued: u32, in_doubt: u32 } = 12,
        Order { side: Side, qty: Qty, filled: Qty } = 13,
        Protective { kind: ProtectiveKind, price: Price, crossed_by: Price } = 14,
        Mode { scope: Scope, mode: TradingMode, actor: ActorId } = 15,
        Kill { scope: Scope, actor: ActorId, cancelled: u32 } = 16,
        ClockJump { by_ns: i64 } = 17,
        /// The journal is poisoned: nothing is recorded any more.
        Journal = 18,
        Sink { sink: u16, failed: u32 } = 19,
        /// A reader of the output log was cut off and must rebuild.
        Reader { reader: u16 } = 20,
        Throttle { scope: Scope, side: Side, executions: u32 } = 21,
        Breach { cause: HaltCause, direction: Direction, moved: Ratio, threshold: Ratio } = 23,
        /// `factor` is that of the instrument's terms on requirements.
        Halt { cause: HaltCause, moved: Ratio, holders: u32, manual: bool, awaiting_resume: bool, factor: Option<Ratio> } = 24,
        /// A window of higher requirements: its factor, its end, what it does to positions held before and whether it does so by now.
        Window { factor: Ratio, until: Ts, held: HeldPolicy, reached: bool, holders: u32 } = 25,
        /// A further level of margin that the group has told.
        Rung { level: Ratio, equity: Money, used: Money } = 22,
        /// An execution of an order that is not remembered: no more than its id is known.
        ForgottenOrder = 26,
        /// The standby decides differently from this input on, or has stopped there.
        Standby { input: u64 } = 30,
        /// Recorded inputs that the journal no longer holds, and the orders that went to brokers in them.
        Lost { first: u64, last: u64, orders: u64 } = 31,
        /// A part that the desk cannot do without has ended: nothing is recorded any more.
        Part = 32,
        /// What an account holds of an instrument by the books and at its broker: bought less sold.
        Holdings { link: LinkId, account: AccountId, instrument: InstrumentId, ours: Qty, theirs: Qty } = 33,
    }
}

impl Facts {
    /// What an alert with these facts is about, where no output of the core says it.
    pub fn labels(&self) -> Labels {
        match *self {
            Facts::Holdings {
                link,
                account,
                instrument,
                ..
            } => Labels {
                link: Some(link),
                account: Some(account),
                instrument: Some(instrument),
                ..Labels::default()
            },
            _ => Labels::default(),
        }
    }
}

record! {
    /// Somebody has taken an alert, at the severity it had.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Ack {
        pub by: ActorId,
        pub at: Ts,
        pub severity: Severity,
        /// Hash of the note in the store, 0 = none.
        pub note: u64,
    }
}

record! {
    /// Not told until a time, unless it gets worse than it was.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Hush {
        pub until: Ts,
        pub severity: Severity,
        pub by: ActorId,
    }
}

record! {
    /// An alert as it stands. Every change of it raises `revision` by one.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Alert {
        pub id: AlertId,
        pub revision: u32,
        pub rule: Rule,
        pub topic: Topic,
        pub labels: Labels,
        pub severity: Severity,
        pub state: AlertState,
        pub facts: Facts,
        pub value: Option<Figure>,
        pub raise: Option<Figure>,
        pub clear: Option<Figure>,
        /// Money that may still be lost, in the account's currency.
        pub money_at_risk: Option<Money>,
        pub started: Ts,
        pub last: Ts,
        pub ended: Option<Ts>,
        pub owner: Option<ActorId>,
        pub acks: Vec<Ack>,
        /// The output that raised it, and the one that made it what it is.
        pub evidence: OutputKey,
        pub evidence_last: OutputKey,
        /// Revision at which the severity last rose: nobody who saw less may acknowledge.
        pub severity_revision: u32,
        pub snooze: Option<Hush>,
        pub silence: Option<Hush>,
        pub inhibited: bool,
        pub flapping: bool,
        /// How often it was escalated.
        pub escalated: u8,
        /// When it pages again if nobody takes it.
        pub repage_at: Option<Ts>,
        /// Raised outside the machine: in no journal.
        pub unrecorded: bool,
        /// When a pending alert fires.
        pub fires_at: Option<Ts>,
        /// When it gets better, if it does not get worse before: what it becomes then.
        pub easing: Option<Easing>,
    }
}

record! {
    /// A better state that has not lasted long enough yet; without `to` it is over then.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Easing {
        pub at: Ts,
        pub to: Option<Signal>,
    }
}

record! {
    /// What a rule says of a topic: this is so.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Signal {
        pub topic: Topic,
        pub rule: Rule,
        pub severity: Severity,
        pub labels: Labels,
        pub facts: Facts,
        pub value: Option<Figure>,
        pub raise: Option<Figure>,
        pub clear: Option<Figure>,
        pub money_at_risk: Option<Money>,
        pub key: OutputKey,
        pub ts: Ts,
    }
}

unit_enum! {
    /// What changed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum ChangeKind: u8 {
        /// The condition holds, not yet long enough.
        Pending = 0,
        Fired = 1,
        /// Its severity rose.
        Rose = 2,
        /// Its severity fell.
        Eased = 3,
        /// Its numbers changed.
        Updated = 4,
        Acknowledged = 5,
        Unacknowledged = 6,
        Assigned = 7,
        Commented = 8,
        Snoozed = 9,
        SnoozeEnded = 10,
        Silenced = 11,
        SilenceEnded = 12,
        Inhibited = 13,
        InhibitionEnded = 14,
        Escalated = 15,
        /// It changes so often that it is shown once.
        Flapping = 16,
        Resolved = 17,
        Archived = 18,
        /// A pending one whose condition did not last.
        Withdrawn = 19,
    }
}

record! {
    /// One entry of an alert's timeline.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Moment {
        pub at: Ts,
        pub what: ChangeKind,
        pub severity: Severity,
        /// 0 is the system.
        pub by: ActorId,
        /// Hash of the note in the store, 0 = none.
        pub note: u64,
    }
}

/// A change of an alert, with the alert after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertChange {
    pub alert: Alert,
    pub moment: Moment,
}

impl Alert {
    /// The condition still counts: firing or taken.
    pub fn is_active(&self) -> bool {
        matches!(self.state, AlertState::Firing | AlertState::Acknowledged)
    }

    /// Not told to anybody now. Something worse than what was hushed is always told.
    pub fn is_suppressed(&self) -> bool {
        self.inhibited || self.is_hushed(self.snooze) || self.is_hushed(self.silence)
    }

    /// Stable number of the topic, for systems that group by it.
    pub fn fingerprint(&self) -> u64 {
        self.topic.fingerprint()
    }

    fn is_hushed(&self, hush: Option<Hush>) -> bool {
        hush.is_some_and(|hush| hush.severity >= self.severity)
    }
}

impl Topic {
    /// A topic of one thing.
    pub fn of(family: Family, first: u64) -> Self {
        Self {
            family,
            first,
            second: 0,
        }
    }

    /// FNV-1a of the canonical encoding: the same on every machine and in every release.
    pub fn fingerprint(&self) -> u64 {
        siaga_risk::codec::encode(self)
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
            })
    }
}

/// Bits of an alert id that hold the index of the output: one gap may call a hundred thousand accounts.
const INDEX_BITS: u32 = 20;

/// The id of an alert from the output that raised it. Ids with the top bit set are raised outside the machine.
pub fn alert_id(key: OutputKey) -> AlertId {
    let index = u64::from(key.index) & ((1 << INDEX_BITS) - 1);
    AlertId(((key.seq << INDEX_BITS) | index) & !LOCAL_BIT)
}

/// Marks ids of alerts that no journal holds.
pub const LOCAL_BIT: u64 = 1 << 63;
