//! From shifts to prices.

use super::check::{Fault, FaultKind};
use super::{By, Moved, Scenario, Shift, Target};
use crate::ids::*;
use crate::machine::Machine;
use crate::terms::InstrumentTerms;
use crate::units::*;
use crate::wide::mul_div_round;
use std::collections::BTreeMap;

/// Largest imagined price in steps: its product with any quantity and scale must stay inside i128.
pub const PRICE_MAX: i64 = 1 << 50;

/// The instruments that a target names, by id.
pub fn instruments(machine: &Machine, target: Target) -> Vec<InstrumentId> {
    let all = machine.market().instruments();
    all.filter(|terms| is_meant(terms, target))
        .map(|terms| terms.id)
        .collect()
}

fn is_meant(terms: &InstrumentTerms, target: Target) -> bool {
    match target {
        Target::Instrument(id) => terms.id == id,
        Target::Currency(currency) => {
            terms.base != terms.quote && (terms.base == currency || terms.quote == currency)
        }
        Target::Class(class) => terms.class == class,
        Target::All => true,
    }
}

/// A price moved, its spread kept; `None` when it leaves the range of prices.
pub fn moved(bid: i64, ask: i64, by: By) -> Option<(i64, i64)> {
    let one = i128::from(Ratio::ONE.0);
    let twice = i128::from(bid) + i128::from(ask);
    let distance = match by {
        By::Steps(steps) => i128::from(steps),
        By::Share(share) => mul_div_round(twice, i128::from(share.0), 2 * one)?,
        By::To(price) => i128::from(price.0) - i128::from(bid),
    };
    let move_one = |price: i64| {
        let price = i64::try_from(i128::from(price).checked_add(distance)?).ok()?;
        (price.unsigned_abs() <= PRICE_MAX.unsigned_abs()).then_some(price)
    };
    Some((move_one(bid)?, move_one(ask)?))
}

/// A currency gains a share against all others: as the quote of a pair it takes the price down by as much.
fn against(share: Ratio) -> Option<Ratio> {
    let one = i128::from(Ratio::ONE.0);
    let whole = one + i128::from(share.0);
    if whole <= 0 {
        return None;
    }
    let price = mul_div_round(one, one, whole)?;
    i64::try_from(price - one).ok().map(Ratio)
}

/// The prices of every step. Shifts of one step on the same instrument follow each other.
pub fn path(machine: &Machine, scenario: &Scenario) -> Result<Vec<Vec<Moved>>, Fault> {
    let mut path = Vec::new();
    for (at, step) in scenario.steps.iter().enumerate() {
        let mut prices: BTreeMap<InstrumentId, (i64, i64)> = BTreeMap::new();
        for shift in &step.shifts {
            let fault = |kind, instrument| Fault {
                step: Some(at),
                instrument,
                kind,
            };
            let named = instruments(machine, shift.target);
            if named.is_empty() {
                return Err(fault(FaultKind::NothingMeant, None));
            }
            for id in named {
                apply(machine, &mut prices, shift, id).map_err(|kind| fault(kind, Some(id)))?;
            }
        }
        path.push(
            prices
                .into_iter()
                .map(|(instrument, (bid, ask))| Moved {
                    instrument,
                    bid,
                    ask,
                })
                .collect(),
        );
    }
    Ok(path)
}

fn apply(
    machine: &Machine,
    prices: &mut BTreeMap<InstrumentId, (i64, i64)>,
    shift: &Shift,
    id: InstrumentId,
) -> Result<(), FaultKind> {
    let terms = machine.market().terms(id).ok_or(FaultKind::NothingMeant)?;
    let Some(known) = machine.book().prices(id) else {
        // What nobody has quoted yet holds no position either; only who names it is told.
        return match shift.target {
            Target::Instrument(_) => Err(FaultKind::NoPrice),
            _ => Ok(()),
        };
    };
    let by = match (shift.target, shift.by) {
        (Target::Currency(currency), By::Share(share)) if terms.quote == currency => {
            By::Share(against(share).ok_or(FaultKind::Overflow)?)
        }
        (Target::Currency(_), By::Steps(_) | By::To(_)) => return Err(FaultKind::ShareOnly),
        (_, by) => by,
    };
    let before = prices.get(&id).copied().filter(|_| !shift.fresh);
    let (bid, ask) = before.unwrap_or((known.bid, known.ask));
    let (bid, ask) = moved(bid, ask, by).ok_or(FaultKind::Overflow)?;
    if bid <= 0 && !terms.negative_prices {
        return Err(FaultKind::NotPositive);
    }
    prices.insert(id, (bid, ask));
    Ok(())
}
