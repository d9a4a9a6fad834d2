//! The whole core under faults: feeds that lie, a broker that vanishes, a disk that fails or forgets, crashes at any
//! write, restarts. Everything comes from one seed, so a failing run repeats exactly.
//!
//! The machine, the journal, the output log, recovery, the router and the paper broker are those of the desk; only the
//! disk, the time and the threads are simulated. What must hold whatever happens:
//!
//! 1. nothing acknowledged is lost, nothing is applied twice, no order is sent twice;
//! 2. outputs that somebody has read stand in the log as they were read, and a replay gives them again;
//! 3. nothing opens a position while something that was told forbids it;
//! 4. balances and equity are what the movements come to, computed the slow way; money is conserved;
//! 5. when the storm is over every order has its answer.

mod counterparty;
mod dice;
mod exact;
mod feed;
mod ledger;
mod people;
mod process;
mod refusals;
mod run;
mod world;

use siaga_risk::event::Output;
use std::fmt;

/// A fault planted on purpose: the invariants must find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Callers are answered before their input is durable.
    EarlyAnswers,
    /// The disk says "synced" and is not.
    ForgetfulDisk,
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
    pub state_hash: u64,
}

impl Tally {
    fn see(&mut self, output: &Output) {
        match output {
            Output::Margin(_) => self.margin_changes += 1,
            Output::StopOut(_) => self.stop_outs += 1,
            Output::Halt(change) => self.halts += u64::from(change.on),
            _ => {}
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} inputs, {} answers ({} refusals), {} openings, {} deals, {} margin changes, {} stop-outs, {} halts; \
             broker lost {} times, {} crashes, {} stops, {} failed starts, {} poisoned journals, {} snapshots; \
             {} reminders, {} replays, {} valuations; state {:016x}",
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
            self.reminders,
            self.replays,
            self.valued,
            self.state_hash
        )
    }
}

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// At which step it was found.
    pub step: u64,
    pub what: String,
}

impl Broken {
    fn new(step: u64, what: String) -> Broken {
        Broken { step, what }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}", self.step, self.what)
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
