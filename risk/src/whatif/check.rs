//! What may be asked.

use super::shift::instruments;
use super::{ROWS_MAX, Raise, SHIFTS_MAX, STEPS_MAX, Scenario};
use crate::book::WINDOWS_MAX;
use crate::ids::*;
use crate::machine::Machine;
use crate::units::*;
use crate::verdict::Reject;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is wrong with a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The target names no instrument of the desk.
    NothingMeant,
    /// The instrument has no price yet.
    NoPrice,
    /// The price or share leaves the range of numbers.
    Overflow,
    /// The price would not be above zero, and the instrument's terms do not allow that.
    NotPositive,
    /// A currency can only gain or lose a share.
    ShareOnly,
    /// A requirement is multiplied by 100 % to 1,000 times.
    Factor,
    /// The instrument has as many windows of higher requirements as it may have.
    Windows,
    /// The copy refuses the window of a raised requirement.
    Refused(Reject),
    /// A volatility is multiplied by something that is not negative.
    Volatility,
    /// Too many steps, shifts or rows.
    TooMany,
    /// The order's account is not known.
    UnknownAccount,
}

/// A scenario that cannot be run: where, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Place of the step, from 0.
    pub step: Option<usize>,
    pub instrument: Option<InstrumentId>,
    pub kind: FaultKind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.kind {
            FaultKind::NothingMeant => "names no instrument of this desk",
            FaultKind::NoPrice => "the instrument has no price yet",
            FaultKind::Overflow => "the number is too large",
            FaultKind::NotPositive => {
                "the price would not be above zero, which the instrument's terms do not allow"
            }
            FaultKind::ShareOnly => "a currency can only be moved by a share",
            FaultKind::Factor => "give a requirement factor from 100 % to 100,000 %",
            FaultKind::Windows => {
                "its requirement has as many windows as it may have: take one away first"
            }
            FaultKind::Refused(reason) => {
                let (name, lifts) = (reason.name(), reason.lifts());
                return write!(f, "its raised requirement is refused ({name}): {lifts}");
            }
            FaultKind::Volatility => "give a volatility factor that is not negative",
            FaultKind::TooMany => "too many steps, shifts or rows",
            FaultKind::UnknownAccount => "the order's account is not known",
        };
        f.write_str(text)
    }
}

impl std::error::Error for Fault {}

/// Largest requirement factor.
const FACTOR_MAX: Ratio = Ratio(1_000 * Ratio::ONE.0);

/// Looks at everything that needs no price.
pub fn scenario(machine: &Machine, scenario: &Scenario) -> Result<(), Fault> {
    let fault = |step, kind| Fault {
        step,
        instrument: None,
        kind,
    };
    if scenario.steps.len() > STEPS_MAX || scenario.rows > ROWS_MAX {
        return Err(fault(None, FaultKind::TooMany));
    }
    for (at, step) in scenario.steps.iter().enumerate() {
        if step.shifts.len() > SHIFTS_MAX {
            return Err(fault(Some(at), FaultKind::TooMany));
        }
    }
    if scenario.raises.len() > SHIFTS_MAX {
        return Err(fault(None, FaultKind::TooMany));
    }
    for raise in &scenario.raises {
        if raise.factor < Ratio::ONE || raise.factor > FACTOR_MAX {
            return Err(fault(None, FaultKind::Factor));
        }
        if instruments(machine, raise.target).is_empty() {
            return Err(fault(None, FaultKind::NothingMeant));
        }
    }
    if scenario.volatilities.len() > SHIFTS_MAX {
        return Err(fault(None, FaultKind::TooMany));
    }
    for raise in &scenario.volatilities {
        if raise.factor < Ratio(0) {
            return Err(fault(None, FaultKind::Volatility));
        }
        if instruments(machine, raise.target).is_empty() {
            return Err(fault(None, FaultKind::NothingMeant));
        }
    }
    match scenario.order {
        Some(order) if machine.book().account(order.account).is_none() => {
            Err(fault(None, FaultKind::UnknownAccount))
        }
        _ => Ok(()),
    }
}

/// The number of the imagined window of each instrument whose requirement is raised: one that no window of the house has,
/// as that one would be replaced.
pub fn windows(machine: &Machine, raises: &[Raise]) -> Result<BTreeMap<InstrumentId, u16>, Fault> {
    let mut taken: BTreeMap<InstrumentId, BTreeSet<u16>> = BTreeMap::new();
    for window in machine.book().windows() {
        taken
            .entry(window.instrument)
            .or_default()
            .insert(window.id);
    }
    let mut numbers = BTreeMap::new();
    for raise in raises {
        for id in instruments(machine, raise.target) {
            let taken = taken.get(&id);
            let full = taken.is_some_and(|taken| taken.len() >= WINDOWS_MAX);
            let is_free = |number: &u16| taken.is_none_or(|taken| !taken.contains(number));
            let number = (0..=u16::MAX).rev().find(is_free).filter(|_| !full);
            numbers.insert(id, number.ok_or_else(|| window(id, FaultKind::Windows))?);
        }
    }
    Ok(numbers)
}

/// Why no window of this instrument is imagined.
pub fn window(id: InstrumentId, kind: FaultKind) -> Fault {
    Fault {
        step: None,
        instrument: Some(id),
        kind,
    }
}

/// Instruments whose 5-minute realised volatility, multiplied, would be above their warning.
pub fn volatile(machine: &Machine, raises: &[Raise]) -> Vec<InstrumentId> {
    let mut factors: BTreeMap<InstrumentId, Ratio> = BTreeMap::new();
    for raise in raises {
        for id in instruments(machine, raise.target) {
            factors.insert(id, raise.factor);
        }
    }
    let market = machine.market();
    let above = factors.into_iter().filter(|(id, factor)| {
        let threshold = market.volatility_threshold(*id, machine.now());
        let (Some(threshold), Some(view)) = (threshold, market.instrument_view(*id)) else {
            return false;
        };
        let imagined = i128::from(view.realised_5m.0) * i128::from(factor.0);
        threshold > Ratio(0) && imagined > i128::from(threshold.0) * i128::from(Ratio::ONE.0)
    });
    above.map(|(id, _)| id).collect()
}
