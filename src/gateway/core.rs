//! What the gateway needs of the running desk: one trait, implemented by the wiring over the real ring and egress.
//!
//! What the wiring must feed, and from where:
//! - `live().apply(&output)` for EVERY output of the machine, from the egress thread, as it leaves (marks and bars do not wait for the disk);
//! - `events().push(…)` for every order change and alert change, in order, AFTER its input is durable (read from the output log);
//!   at a start say first how many were told before, so that who has seen them all resumes across a restart;
//! - a new `Directory` whenever terms or names change.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use siaga_platform::identity::Identity;
use siaga_platform::kyc::Kyc;
use siaga_platform::unit::Platform;
use siaga_risk::event::{AlertCommand, Answer, Bar, BarSpan, Body, OrderChange, Seq};
use siaga_risk::ids::{AccountId, ActorId, AlertId, CurrencyId, InstrumentId, SourceId};
use siaga_risk::journal::{Tick, TickRequest};
use siaga_risk::units::{Money, Price, Qty, Ts};
use siaga_risk::view::{Query, Reply};
use siaga_risk::whatif;
use tokio::sync::watch;

use super::directory::Directory;
use super::dto::import::{ImportFault, TermsImport, TermsImportDto};
use super::events::Events;
use super::live::Live;

/// An answer that is waited for.
pub type Waiting<T> = Pin<Box<dyn Future<Output = Result<T, CoreError>> + Send>>;

/// What came of a scenario, or what is wrong with it.
pub type Imagined = Result<whatif::Outcome, whatif::Fault>;

/// What came of an import of terms, or why it was not made.
pub type Imported = Result<TermsImportDto, ImportFault>;

/// The running desk as the gateway sees it. Every method is cheap and does not block; what takes time is a [`Waiting`].
pub trait Core: Send + Sync + 'static {
    /// UTC now, from the program's one clock.
    fn now(&self) -> Ts;
    /// Sends a command; resolves only after its input is durable.
    fn command(&self, actor: ActorId, body: Body) -> Waiting<Answered>;
    /// The same for whoever must know what became of it: never a `Timeout`, however late the answer is. It ends with the desk.
    fn command_until_known(&self, actor: ActorId, body: Body) -> Waiting<Answered>;
    /// Asks a question; it changes nothing.
    fn ask(&self, query: Query) -> Waiting<Reply>;
    /// Newest marks, bars and states, written by egress.
    fn live(&self) -> &Arc<Live>;
    /// The durable stream of orders and alerts, newest part in memory.
    fn events(&self) -> &Arc<Events>;
    /// Names of everything the core knows by number.
    fn directory(&self) -> Arc<Directory>;
    /// Where the desk stands.
    fn status(&self) -> Status;

    /// The engine of identity documents; `None` until the store is open, and without one.
    fn kyc(&self) -> Option<Kyc> {
        None
    }

    /// People's accounts; `None` until the store is open, and without one.
    fn identity(&self) -> watch::Receiver<Option<Arc<Identity>>> {
        watch::channel(None).1
    }

    /// The business platform; `None` until the store is open, and without one.
    fn platform(&self) -> Option<Platform> {
        None
    }

    /// Alerts that pass the filter, newest first, at most `filter.limit`.
    fn alerts(&self, filter: &AlertFilter) -> Vec<AlertRecord>;
    fn alert(&self, id: AlertId) -> Option<AlertRecord>;
    /// Whether a command on an alert would be taken now.
    ///
    /// # Errors
    /// Why not.
    fn check_alert(&self, command: &AlertCommand) -> Result<(), AlertFault>;
    /// What became of the command on an alert whose input is `seq`. The alert desk reads behind the core: this waits
    /// until it has read that far, and is a `Timeout` when it does not get there.
    fn alert_told(&self, seq: Seq) -> Waiting<Result<(), AlertFault>>;
    /// An alert that left memory, from the store; `None` when the store does not have it either.
    fn past_alert(&self, id: AlertId) -> Waiting<Option<AlertRecord>> {
        let _ = id;
        Box::pin(async { Ok(None) })
    }
    /// Alerts that left memory and pass the filter, newest first; none when the store does not answer.
    fn past_alerts(&self, filter: AlertFilter) -> Waiting<Vec<AlertRecord>> {
        let _ = filter;
        Box::pin(async { Ok(Vec::new()) })
    }
    /// What happened to an alert, oldest first.
    fn timeline(&self, id: AlertId) -> Waiting<Option<Vec<TimelineEntry>>>;
    /// What an alert stands on; `None` when there is no such alert.
    fn evidence(&self, id: AlertId) -> Waiting<Option<Evidence>>;

    /// Closed bars that begin in `from..to`, oldest first: the NEWEST `limit` of them. The gateway adds the bar that grows.
    fn bars(&self, request: BarsRequest) -> Waiting<Vec<Bar>>;
    /// Prices of the past, in the order in which they were recorded.
    fn ticks(&self, request: TickRequest) -> Waiting<PastTicks>;
    /// Orders of an account with an id below `before` (all when absent), newest first; a fault when some of them may be missing.
    /// Without a store the newest part held in memory is searched.
    fn orders(
        &self,
        account: AccountId,
        before: Option<u64>,
        limit: usize,
    ) -> Waiting<Vec<OrderChange>> {
        let found = self.events().orders(account, before, limit);
        Box::pin(async move { Ok(found) })
    }
    /// Rows of the margin ladder, nearest to a stop-out first, from the table egress keeps.
    fn ladder(&self, limit: usize) -> Vec<siaga_risk::view::LadderRow>;
    /// Net exposure per instrument, from sums that are kept as positions change.
    fn exposure(&self) -> Vec<ExposureRow>;

    /// Tries a scenario on a copy of the state; one at a time, `Busy` otherwise.
    fn what_if(&self, scenario: whatif::Scenario) -> Waiting<Imagined> {
        let _ = scenario;
        let reason = "there is no copy to try it on".to_owned();
        Box::pin(async { Err(CoreError::NotAvailable(reason)) })
    }

    /// Says what files of terms change, and brings it in when somebody answers for it; durable before it resolves.
    fn import_terms(&self, import: TermsImport) -> Waiting<Imported> {
        let _ = import;
        let reason = "there is no copy to try it on".to_owned();
        Box::pin(async { Err(CoreError::NotAvailable(reason)) })
    }

    /// Keeps a note of a person and returns its hash, the `note` of commands.
    fn note(&self, actor: ActorId, text: &str) -> Waiting<u64>;
    /// Drives the simulated market. `Err(CoreError::NotAvailable)` when there is no simulator.
    fn scenario(&self, scenario: Scenario, instrument: Option<InstrumentId>) -> Waiting<()>;
    /// The bridge's desk side, when one is configured.
    fn bridge(&self) -> Option<Arc<dyn super::bridge::Bridge>> {
        None
    }
    /// Further lines for `/metrics` in the Prometheus text format (ring, journal, feeds, store).
    fn metrics(&self, out: &mut String) {
        let _ = out;
    }
    /// Parts that must be well before traffic may come: `(part, ok, detail)`.
    fn readiness(&self) -> Vec<Part>;
}

/// A command that was decided, and the sequence of its input.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    pub seq: Seq,
    pub answer: Answer,
}

/// Why the desk did not answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CoreError {
    /// The inbound ring is full, or too many ask the same: nothing was changed, and in a moment there is an answer.
    #[error("the desk is busy")]
    Busy,
    /// Refused at the door.
    #[error("the journal is poisoned")]
    Closed { phone: String },
    /// The journal failed while the input was under way: what the disk has of it counts at the next start.
    #[error("the journal was poisoned before it was known what it holds")]
    Poisoned { phone: String },
    #[error("the input is recorded, and the output log cannot be written")]
    NotPassedOn { phone: String },
    #[error("the desk is stopping")]
    Stopped,
    #[error("no answer in time")]
    Timeout,
    /// The disk did not take what somebody wrote; nothing was changed.
    #[error("the note could not be kept: {why}")]
    Unkept { phone: String, why: String },
    /// The database has the answer and does not give it.
    #[error("{0}")]
    Away(String),
    #[error("{0}")]
    NotAvailable(String),
}

impl CoreError {
    /// Whether what was sent may be recorded all the same.
    pub fn may_be_recorded(&self) -> bool {
        matches!(
            self,
            CoreError::Poisoned { .. }
                | CoreError::NotPassedOn { .. }
                | CoreError::Stopped
                | CoreError::Timeout
        )
    }
}

/// The desk outside the machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Identity of the durable stream's history; new after a loss of data.
    pub epoch: u64,
    pub seq: Seq,
    /// Why the journal is poisoned; absent = good.
    pub poisoned: Option<String>,
    pub store: StoreStatus,
    /// Prices or accounts are not real.
    pub demo: bool,
    /// The simulator's scenario, when it runs.
    pub scenario: Option<Scenario>,
    /// Whom to call when the desk cannot act.
    pub phone: String,
}

/// The read model's database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreStatus {
    /// `embedded`, `postgresql`, `timescaledb` or `none`.
    pub kind: String,
    pub ok: bool,
    pub detail: String,
}

impl StoreStatus {
    /// Whether there should be a database, open or not.
    pub fn is_configured(&self) -> bool {
        !matches!(self.kind.as_str(), "" | "none")
    }
}

/// One part of `/readyz?verbose`.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub name: &'static str,
    pub ok: bool,
    /// A part that is not required does not make the desk unready.
    pub required: bool,
    pub detail: String,
}

/// What the simulated market does.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    Calm,
    Trend,
    NewsSpike,
    FlashCrash,
    Gap,
    MuteFeed,
    BadTicks,
    Weekend,
}

/// Which bars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarsRequest {
    pub instrument: InstrumentId,
    pub span: BarSpan,
    pub from: Option<Ts>,
    pub to: Option<Ts>,
    pub limit: usize,
}

/// Prices of the past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastTicks {
    pub ticks: Vec<PastTick>,
    /// The input behind which to go on; absent at the end.
    pub next: Option<Seq>,
}

/// A price of the past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PastTick {
    pub seq: Seq,
    pub ts: Ts,
    pub source: SourceId,
    pub bid: Price,
    pub ask: Price,
    /// Lot steps, 0 = unknown.
    pub bid_qty: Qty,
    pub ask_qty: Qty,
}

impl From<Tick> for PastTick {
    fn from(tick: Tick) -> PastTick {
        let quote = tick.quote;
        PastTick {
            seq: tick.seq,
            ts: quote.ts,
            source: quote.source,
            bid: quote.bid,
            ask: quote.ask,
            bid_qty: quote.bid_qty,
            ask_qty: quote.ask_qty,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertState {
    Pending,
    Firing,
    Acknowledged,
    Resolved,
    Archived,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Info,
    Warning,
    Critical,
    Emergency,
}

/// Why a command on an alert is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertFault {
    /// It may have left memory.
    Unknown,
    /// It got worse since the revision that was seen.
    Stale {
        revision: u32,
    },
    NoteMissing,
    /// It is over, or has not fired yet.
    NotActive,
    NotAcknowledged,
    /// Not in the future, or further off than a month.
    BadTime,
}

/// Which alerts. Empty lists let everything pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertFilter {
    pub states: Vec<AlertState>,
    pub severities: Vec<Severity>,
    pub account: Option<AccountId>,
    /// Changed at or after this instant.
    pub since: Option<Ts>,
    /// Ids below this one (the cursor of the previous page).
    pub before: Option<AlertId>,
    pub limit: usize,
}

/// An alert as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRecord {
    pub id: AlertId,
    pub revision: u32,
    pub rule: String,
    pub severity: Severity,
    pub state: AlertState,
    pub title: String,
    /// With the advice.
    pub summary: String,
    pub texts: AlertTexts,
    /// `account`, `instrument`, `group`, `desk`, `link` by the names people use.
    pub labels: Vec<(String, String)>,
    /// Value, raise and clear level as text with their unit's digits.
    pub value: String,
    pub raise: String,
    pub clear: String,
    pub started: Ts,
    /// When it last became more severe; `started` while it never did.
    pub since: Ts,
    pub last: Ts,
    pub ended: Option<Ts>,
    pub owner: Option<ActorId>,
    pub acked_by: Option<ActorId>,
    pub escalated: u8,
    pub flapping: bool,
    pub silenced: bool,
    /// Raised by egress while the journal was poisoned.
    pub unrecorded: bool,
    pub money_at_risk: Option<(Money, CurrencyId)>,
}

/// What an alert says, in every language that the desk speaks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertTexts {
    pub english: AlertText,
    pub indonesian: AlertText,
}

/// What an alert says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertText {
    pub title: String,
    pub summary: String,
    /// What to do now.
    pub advice: String,
}

/// One step in the life of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineEntry {
    pub at: Ts,
    pub what: String,
    pub by: ActorId,
    pub note: Option<String>,
}

/// What an alert stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The input that raised it, or made it more severe.
    pub seq: Seq,
    pub english: Statement,
    pub indonesian: Statement,
    pub instrument: Option<InstrumentId>,
    /// Bid and ask from 30 s before to 30 s after.
    pub chart: Vec<(Ts, siaga_risk::units::Price, siaga_risk::units::Price)>,
}

/// The numbers that an alert stands on, in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statement {
    /// Names and values that went into the formula.
    pub inputs: Vec<(String, String)>,
    pub formula: String,
}

/// The house's position in one instrument.
#[derive(Clone, Debug, PartialEq)]
pub struct ExposureRow {
    pub instrument: InstrumentId,
    /// Lot steps, long and short; both not negative.
    pub long: siaga_risk::units::Qty,
    pub short: siaga_risk::units::Qty,
    /// Signed net in the house currency, absent without a conversion rate.
    pub net_house: Option<Money>,
    pub accounts: u32,
}
