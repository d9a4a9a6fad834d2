//! The whole core under faults: feeds that lie, a broker that vanishes, a disk that fails or forgets, crashes at any
//! write, restarts. Everything comes from one seed, so a failing run repeats exactly.
//!
//! The machine, the journal, the output log, recovery, the router and the paper broker are those of the desk; only the
//! disk, the time and the threads are simulated. What must hold whatever happens:
//!
//! 1. nothing acknowledged is lost, and nobody is answered before the log holds the answer;
//! 2. nothing is applied or sent twice: what is booked of an order is what the broker executed;
//! 3. outputs that somebody has read stand in the log as they were read, and a replay gives all of them again;
//! 4. nothing opens a position while something that was told forbids it, nor beyond a limit on exposure, messages or repeated
//!    executions, and while its session is closed nothing is sent but what closes at a broker that trades;
//! 5. balances, results, swaps and equity are what fills, nights, terms and prices come to, computed the slow way;
//! 6. money moves only because somebody asked for it, and then it does; nobody is left without a position and below zero;
//! 7. when the storm is over every order has its answer;
//! 8. no account can leave its band unseen: a machine that looks at everybody every time says the same;
//! 9. a second machine that follows the journal gives the same outputs, and has the same state whenever it is compared;
//! 10. the program starts on what the disk holds, whatever befell it.
//!
//! The houses differ by seed: who holds protective prices, how many messages are allowed, whether repeated executions latch,
//! whether the broker trades in a closed session. Three groups of clients have terms of their own (leverage rules; ESMA's caps and
//! initial margin; results and margin at the venue's mark price), and terms change while they trade. How often what happens is in `odds.rs`.
//!
//! Each has a fault planted against it ([`Planted`]) that it, and no other, must find.

mod charges;
mod counterparty;
mod dice;
mod exact;
mod feed;
mod flow;
mod ledger;
mod limits;
mod odds;
mod people;
mod process;
mod refusals;
mod run;
mod second;
mod world;

use siaga_risk::event::{FeedState, Output, Scope, TermsChange};
use siaga_risk::verdict::Reject;
use std::fmt;

/// What must hold; the numbers are those of the list above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invariant {
    /// 1: acknowledged is kept.
    Kept,
    /// 2: once, and not twice.
    Once,
    /// 3: outputs stay as they were.
    Outputs,
    /// 4: what is forbidden is not done.
    Refused,
    /// 5: the slow books agree.
    Books,
    /// 6: money comes from somewhere.
    Money,
    /// 7: every order is answered.
    Answered,
    /// 8: no account is passed over.
    Watch,
    /// 9: a second machine says the same.
    Standby,
    /// 10: the program starts on what the disk holds.
    Starts,
}

/// A fault planted on purpose: an invariant must find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Callers are answered before their input is durable.
    EarlyAnswers,
    /// Callers are answered though the output log could not be written.
    UnloggedAnswers,
    /// The disk says "synced" and is not.
    ForgetfulDisk,
    /// An order is handed to the broker twice.
    SentTwice,
    /// The broker reports an execution again under another id.
    ReportedTwice,
    /// Closed bars are left out of the log.
    LostOutput,
    /// The machine decides on another quote than the journal has.
    OtherInput,
    /// A kill switch is told and not in force.
    DeafSwitch,
    /// A result is a cent too high.
    WrongResult,
    /// A night is charged twice.
    WrongSwap,
    /// A deposit is booked with a euro more.
    MintedMoney,
    /// The broker says nothing of some orders.
    SilentBroker,
    /// The broker takes some orders in, executes nothing of them and never says a word.
    LostOrder,
    /// Bands are wider than the slack of their accounts.
    WideBands,
    /// A limit is told and not in force.
    DeafLimit,
    /// Somebody is told to be latched, and is not.
    DeafThrottle,
    /// A session is told to be closed, and is open.
    OpenShop,
    /// The broker takes an execution back and says nothing of it.
    LostBust,
    /// The broker closes a position by a price that it holds and says nothing of it.
    LostClose,
    /// The second machine has applied another quote than the journal has.
    OtherState,
    /// The journal is trimmed behind a snapshot that was never written.
    EarlyTrim,
}

impl Planted {
    /// Every fault there is.
    pub const ALL: [Planted; 21] = [
        Planted::EarlyAnswers,
        Planted::UnloggedAnswers,
        Planted::ForgetfulDisk,
        Planted::SentTwice,
        Planted::ReportedTwice,
        Planted::LostOutput,
        Planted::OtherInput,
        Planted::DeafSwitch,
        Planted::WrongResult,
        Planted::WrongSwap,
        Planted::MintedMoney,
        Planted::SilentBroker,
        Planted::LostOrder,
        Planted::WideBands,
        Planted::DeafLimit,
        Planted::DeafThrottle,
        Planted::OpenShop,
        Planted::LostBust,
        Planted::LostClose,
        Planted::OtherState,
        Planted::EarlyTrim,
    ];

    /// The invariants of which one must find it. What a disk forgot may lie before what it kept, and then the next start
    /// says so.
    pub fn caught_by(self) -> &'static [Invariant] {
        match self {
            Planted::EarlyAnswers | Planted::UnloggedAnswers => &[Invariant::Kept],
            Planted::ForgetfulDisk => &[Invariant::Kept, Invariant::Starts],
            Planted::SentTwice
            | Planted::ReportedTwice
            | Planted::LostBust
            | Planted::LostClose => &[Invariant::Once],
            Planted::LostOutput | Planted::OtherInput => &[Invariant::Outputs],
            Planted::DeafSwitch
            | Planted::DeafLimit
            | Planted::DeafThrottle
            | Planted::OpenShop => &[Invariant::Refused],
            Planted::WrongResult | Planted::WrongSwap => &[Invariant::Books],
            Planted::MintedMoney => &[Invariant::Money],
            // It executes them all the same, and nothing of that is booked, either.
            Planted::SilentBroker => &[Invariant::Answered, Invariant::Once],
            // Nothing is executed that could be missing on the books.
            Planted::LostOrder => &[Invariant::Answered],
            Planted::WideBands => &[Invariant::Watch],
            Planted::OtherState => &[Invariant::Standby],
            Planted::EarlyTrim => &[Invariant::Starts],
        }
    }
}

/// What happened in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub inputs: u64,
    pub answers: u64,
    pub refusals: u64,
    /// Instructions that opened a position.
    pub opened: u64,
    pub deals: u64,
    pub margin_changes: u64,
    pub stop_outs: u64,
    pub halts: u64,
    pub broker_losses: u64,
    pub crashes: u64,
    pub stops: u64,
    pub failed_starts: u64,
    pub poisoned: u64,
    pub snapshots: u64,
    /// Acknowledged orders that were asked for again and answered the same.
    pub reminders: u64,
    /// Whole histories applied again by a fresh machine.
    pub replays: u64,
    /// Accounts whose equity was compared with the slow books.
    pub valued: u64,
    /// Positions whose swap of a night was.
    pub swaps: u64,
    /// Accounts of which it was at a mark price.
    pub marked: u64,
    /// Accounts that were found watched by a box that holds.
    pub boxed: u64,
    /// Reports that the broker made again, or out of their order.
    pub odd_reports: u64,
    /// Sessions that closed.
    pub closed_sessions: u64,
    /// Windows of higher requirements, and terms of groups and leverage rules that changed.
    pub windows: u64,
    pub changes: u64,
    /// Clocks that jumped.
    pub jumps: u64,
    /// Limits on exposure that were set, and orders that one refused.
    pub limits: u64,
    pub beyond_limits: u64,
    /// Limits on a currency that were set.
    pub currency_limits: u64,
    /// Times the link was taken out of service by hand, and given back.
    pub taken_out: u64,
    pub given_back: u64,
    /// Orders refused because too many messages came.
    pub too_often: u64,
    /// Who was latched by repeated executions, and enabled again.
    pub latched: u64,
    pub enabled: u64,
    /// Executions taken back.
    pub busts: u64,
    /// Closes by a price that the broker holds.
    pub broker_closes: u64,
    /// Times the second machine's state was compared.
    pub compared: u64,
    pub state_hash: u64,
}

impl Tally {
    fn see(&mut self, output: &Output) {
        match output {
            Output::Margin(_) => self.margin_changes += 1,
            Output::StopOut(_) => self.stop_outs += 1,
            Output::Halt(change) => self.halts += u64::from(change.on),
            Output::Feed(change) => {
                self.closed_sessions += u64::from(change.to == FeedState::Closed);
            }
            Output::Terms(TermsChange::Limit(set)) if set.value > 0 => {
                self.limits += 1;
                self.currency_limits += u64::from(matches!(set.scope, Scope::Currency(_)));
            }
            Output::Link(change) if change.manual => self.taken_out += 1,
            // No report of its supervisor changes the hand alone.
            Output::Link(change) => self.given_back += u64::from(change.from == change.to),
            Output::Terms(TermsChange::Requirement(_)) => self.windows += 1,
            Output::Terms(TermsChange::Group(_) | TermsChange::Tiers(_)) => self.changes += 1,
            Output::ClockJump(_) => self.jumps += 1,
            Output::Throttle(change) if change.on => self.latched += 1,
            Output::Throttle(_) => self.enabled += 1,
            Output::Answer(answer) => {
                let any = |of: &[Reject]| answer.reasons.iter().any(|reason| of.contains(reason));
                self.beyond_limits += u64::from(any(&LIMITS));
                self.too_often += u64::from(any(&[Reject::OrderRate]));
            }
            _ => {}
        }
    }
}

/// Verdicts of limits on exposure.
const LIMITS: [Reject; 3] = [
    Reject::NetExposureLimit,
    Reject::GrossExposureLimit,
    Reject::PositionLimit,
];

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} inputs, {} answers ({} refusals), {} openings, {} deals, {} margin changes, {} stop-outs, {} halts; \
             broker lost {} times, {} crashes, {} stops, {} failed starts, {} poisoned journals, {} snapshots; \
             {} odd reports, {} reminders, {} replays, {} valuations ({} at a mark), {} swaps, {} boxes; \
             {} closed sessions, {} limits ({} on a currency) and {} orders beyond them, {} too often, {} latched and {} enabled again, \
             {} busts, {} closes by the broker, {} comparisons; \
             {} windows, {} changes of terms, {} jumps of a clock; the link taken out {} times and given back {}; \
             state {:016x}",
            self.inputs,
            self.answers,
            self.refusals,
            self.opened,
            self.deals,
            self.margin_changes,
            self.stop_outs,
            self.halts,
            self.broker_losses,
            self.crashes,
            self.stops,
            self.failed_starts,
            self.poisoned,
            self.snapshots,
            self.odd_reports,
            self.reminders,
            self.replays,
            self.valued,
            self.marked,
            self.swaps,
            self.boxed,
            self.closed_sessions,
            self.limits,
            self.currency_limits,
            self.beyond_limits,
            self.too_often,
            self.latched,
            self.enabled,
            self.busts,
            self.broker_closes,
            self.compared,
            self.windows,
            self.changes,
            self.jumps,
            self.taken_out,
            self.given_back,
            self.state_hash
        )
    }
}

/// An invariant that does not hold, before it is known when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    invariant: Invariant,
    what: String,
}

impl Fault {
    fn new(invariant: Invariant, what: String) -> Fault {
        Fault { invariant, what }
    }

    fn at(self, step: u64) -> Broken {
        Broken {
            step,
            invariant: self.invariant,
            what: self.what,
        }
    }
}

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// At which step it was found.
    pub step: u64,
    pub invariant: Invariant,
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "step {} ({:?}): {}",
            self.step, self.invariant, self.what
        )
    }
}

impl std::error::Error for Broken {}

/// Runs one seed for that many steps.
///
/// # Errors
/// [`Broken`] when an invariant does not hold.
pub fn run(seed: u64, steps: u64, planted: Option<Planted>) -> Result<Tally, Broken> {
    run::World::open(seed, planted)?.run(steps)
}
