//! What an account has otherwise than its group.

use super::build::{At, protection, stop_out_policy};
use super::instrument::hedge_rule;
use super::{CatalogError, file, value};
use siaga_risk::ids::AccountId;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// The rules of an account's line.
pub fn rules(at: &At<'_>, raw: &file::Account) -> Result<AccountRules, CatalogError> {
    let level = |key, text: &Option<String>| {
        let share = text.as_deref().map(value::ratio).transpose();
        at.ok(key, share)
    };
    let policy = raw.stop_out_policy.as_deref();
    let protected = raw.negative_balance_protection.as_ref();
    let hedge = raw.hedge.as_deref();
    Ok(AccountRules {
        account: AccountId(raw.id),
        warning: level("warning", &raw.warning)?,
        restricted: level("restricted", &raw.restricted)?,
        stop_out: level("stop_out", &raw.stop_out)?,
        rungs: raw
            .levels_told
            .as_ref()
            .map(|told| rungs(at, told))
            .transpose()?,
        stop_out_policy: policy.map(|name| stop_out_policy(at, name)).transpose()?,
        negative_balance_protection: protected.map(|value| protection(at, value)).transpose()?,
        hedge: hedge.map(|name| hedge_rule(at, name)).transpose()?,
    })
}

fn rungs(at: &At<'_>, told: &[String]) -> Result<[Ratio; RUNGS_MAX], CatalogError> {
    let mut rungs = [Ratio(0); RUNGS_MAX];
    if told.len() > rungs.len() {
        return Err(at.error("levels_told", "at most eight levels"));
    }
    for (rung, text) in rungs.iter_mut().zip(told) {
        *rung = at.ok("levels_told", value::ratio(text))?;
    }
    Ok(rungs)
}
