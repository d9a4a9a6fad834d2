//! What if: prices, requirements and volatility as somebody imagines them, tried on a copy of the state.
//!
//! [`run`] changes the machine it is given and nothing else, so the caller gives it a copy: one restored from a
//! snapshot, or a second machine that has followed the journal. What the copy decides it decides by the rules of the
//! live one: the same thresholds, the same order of stop-outs, the same protective prices. Filters, sources and halts
//! of the market are passed over: an imagined price is taken as it is. Whatever is sent to a broker is filled at the
//! imagined price, so an account that is stopped out in one step no longer loses in the next.

mod broker;
mod check;
mod outcome;
mod shift;

pub use check::{Fault, FaultKind};
pub use outcome::{Affected, Figures, OrderOutcome, Outcome, StepOutcome, Totals};
pub use shift::moved;

use crate::event::*;
use crate::ids::*;
use crate::machine::Machine;
use crate::terms::*;
use crate::units::*;
use broker::Broker;
use outcome::Ledger;

/// Most steps of one path, and shifts of one step: a run holds up whoever waits for it.
pub const STEPS_MAX: usize = 64;
/// More shifts than there are instruments say nothing new.
pub const SHIFTS_MAX: usize = 1_024;
/// Rows an answer may have at most.
pub const ROWS_MAX: usize = 10_000;
/// Imagined requirements are open for this long on the copy, which lives for one run.
const FOREVER_NS: u64 = 365 * DAY_NS;

/// What is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Instrument(InstrumentId),
    /// The value of a currency against every other: its pairs move, and crosses with them.
    Currency(CurrencyId),
    Class(AssetClass),
    All,
}

/// How far, always from the price before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Price steps, both sides alike.
    Steps(i64),
    /// A share of the mid; the spread stays as it is.
    Share(Ratio),
    /// The bid, in steps; the spread stays as it is.
    To(Price),
}

/// One shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    pub target: Target,
    pub by: By,
    /// Begins from the price before the path again, whatever shifts before it in the same step did.
    pub fresh: bool,
}

/// Prices that come at once. What an earlier step moved stays there unless this one moves it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    pub shifts: Vec<Shift>,
}

/// A requirement multiplied, by at least 100 %, or a realised volatility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raise {
    pub target: Target,
    pub factor: Ratio,
}

/// What is imagined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// Asked for first, and filled at the price before the first step.
    pub order: Option<NewOrder>,
    pub raises: Vec<Raise>,
    /// Realised volatilities multiplied; the last that means an instrument counts, and of what none means nothing is said.
    pub volatilities: Vec<Raise>,
    pub steps: Vec<Step>,
    /// Most rows of the answer; its sums are of all accounts.
    pub rows: usize,
}

/// An instrument's imagined prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub instrument: InstrumentId,
    pub bid: i64,
    pub ask: i64,
}

/// Runs a scenario on a copy.
///
/// # Errors
/// [`Fault`] names what is wrong with the scenario; nothing was changed then, but where the copy itself refuses a
/// requirement.
pub fn run(copy: &mut Machine, scenario: &Scenario) -> Result<Outcome, Fault> {
    check::scenario(copy, scenario)?;
    let path = shift::path(copy, scenario)?;
    let windows = check::windows(copy, &scenario.raises)?;
    let volatile = check::volatile(copy, &scenario.volatilities);
    let mut ledger = Ledger::open(copy, scenario.rows);
    let mut broker = Broker::default();
    let order = scenario
        .order
        .map(|order| broker.place(copy, &mut ledger, &order));
    for raise in &scenario.raises {
        for instrument in shift::instruments(copy, raise.target) {
            let number = windows.get(&instrument).copied();
            let id = number.ok_or_else(|| check::window(instrument, FaultKind::Windows))?;
            let window = window(copy, instrument, id, raise);
            let refused = broker.command(copy, &mut ledger, Body::Requirement(window));
            // An answer without it would look like one with it.
            if let Some(reason) = refused {
                return Err(check::window(instrument, FaultKind::Refused(reason)));
            }
        }
    }
    ledger.close_step(&[]);
    for moved in &path {
        let mut out = Vec::new();
        copy.imagine(moved, &mut out);
        broker.follow(copy, &mut ledger, out);
        ledger.close_step(moved);
    }
    Ok(ledger.close(copy, order, volatile))
}

fn window(copy: &Machine, instrument: InstrumentId, id: u16, raise: &Raise) -> Requirement {
    Requirement {
        instrument,
        id,
        from: copy.now(),
        until: copy.now().plus(FOREVER_NS),
        factor: raise.factor,
        held: HeldPolicy::AtOnce,
        grace_ns: 0,
    }
}
