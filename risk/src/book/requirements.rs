//! Leverage rules and windows of higher requirements: how they enter, and when a window acts.

use super::instruments::LEVERAGE_MAX;
use super::timers::Timer;
use super::{Book, Ctx};
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;

/// Most rules of a set and bands of a rule: more than any published table has, and the work of one valuation is bounded.
const RULES_MAX: usize = 64;
/// Most sets, and most windows planned for one instrument.
const SETS_MAX: usize = 1_024;
const WINDOWS_MAX: usize = 256;
/// Largest share or factor: a thousand times the margin.
const SHARE_MAX: Ratio = Ratio(1_000 * Ratio::ONE.0);

impl Book {
    /// A set of leverage rules, new or changed; everybody under it is valued again.
    ///
    /// # Errors
    /// The numbered verdict of what is wrong with it.
    pub(super) fn set_tiers(&mut self, terms: &TierTerms) -> Result<(), Reject> {
        self.check_tiers(terms)?;
        if !self.tiers.contains_key(&terms.id) && self.tiers.len() >= SETS_MAX {
            return Err(Reject::TermsInvalid);
        }
        self.tiers.insert(terms.id, terms.clone());
        let members: Vec<AccountId> = self
            .accounts()
            .filter(|account| self.group_of(account).margin.tiers == terms.id)
            .map(super::Account::id)
            .collect();
        for id in members {
            self.touch(id);
        }
        Ok(())
    }

    fn check_tiers(&self, terms: &TierTerms) -> Result<(), Reject> {
        if terms.id == TierSetId(0) || terms.rules.is_empty() || terms.rules.len() > RULES_MAX {
            return Err(Reject::TermsInvalid);
        }
        let mut ids: Vec<u16> = terms.rules.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let (last, before) = terms.rules.split_last().ok_or(Reject::TermsInvalid)?;
        if ids.len() != terms.rules.len() || before.iter().any(|rule| rule.instruments.is_empty()) {
            return Err(Reject::TiersContradict);
        }
        for rule in before.iter().chain([last]) {
            let by_value = matches!(rule.by, TierBy::Notional | TierBy::NotionalPerSymbol);
            if by_value && !self.currencies.contains_key(&rule.currency) {
                return Err(Reject::UnknownCurrency);
            }
            if rule
                .instruments
                .iter()
                .any(|id| self.instrument(*id).is_none())
            {
                return Err(Reject::UnknownInstrument);
            }
            if rule.instruments.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(Reject::TermsInvalid);
            }
            check_bands(&rule.bands)?;
        }
        Ok(())
    }

    /// Margin terms of a group that stand beside its leverage.
    ///
    /// # Errors
    /// The numbered verdict of what is wrong with them.
    pub(super) fn check_group_margin(&self, terms: &GroupTerms) -> Result<(), Reject> {
        let margin = &terms.margin;
        if margin.tiers != TierSetId(0) && !self.tiers.contains_key(&margin.tiers) {
            return Err(Reject::UnknownTiers);
        }
        if margin.caps.iter().any(|cap| *cap > LEVERAGE_MAX) {
            return Err(Reject::TermsInvalid);
        }
        Ok(())
    }

    /// A window of higher requirements, new or changed.
    ///
    /// # Errors
    /// The numbered verdict of what is wrong with it.
    pub(super) fn set_requirement(&mut self, window: Requirement, now: Ts) -> Result<(), Reject> {
        if self.instrument(window.instrument).is_none() {
            return Err(Reject::UnknownInstrument);
        }
        let sane = window.from < window.until
            && window.until > now
            && window.factor >= Ratio::ONE
            && window.factor <= SHARE_MAX;
        let known = self.windows.contains_key(&(window.instrument, window.id));
        if !sane || (!known && self.windows_of(window.instrument).count() >= WINDOWS_MAX) {
            return Err(Reject::WindowInvalid);
        }
        self.windows.insert((window.instrument, window.id), window);
        let timer = Timer::Requirement(window.instrument);
        for at in [window.from, window.from.plus(window.grace_ns), window.until] {
            if at > now {
                self.timers.insert((at, timer));
            }
        }
        self.touch_holders(window.instrument);
        Ok(())
    }

    /// Something about an instrument's windows changes now.
    pub(super) fn requirement_due(&mut self, ctx: &mut Ctx<'_>, instrument: InstrumentId) {
        let now = ctx.now;
        self.windows
            .retain(|(id, _), window| *id != instrument || window.until > now);
        self.touch_holders(instrument);
    }

    pub(super) fn windows_of(
        &self,
        instrument: InstrumentId,
    ) -> impl Iterator<Item = &Requirement> {
        self.windows
            .range((instrument, 0)..=(instrument, u16::MAX))
            .map(|(_, window)| window)
    }
}

fn check_bands(bands: &[Band]) -> Result<(), Reject> {
    let Some((last, before)) = bands.split_last().filter(|_| bands.len() <= RULES_MAX) else {
        return Err(Reject::TiersContradict);
    };
    let mut below = 0;
    for band in before {
        if band.to <= below {
            return Err(Reject::TiersContradict);
        }
        below = band.to;
    }
    if last.to != 0 {
        return Err(Reject::TiersContradict);
    }
    for band in bands {
        if band.initial <= Ratio(0) || band.maintenance < Ratio(0) {
            return Err(Reject::TermsNotPositive);
        }
        let shares = band.initial > SHARE_MAX || band.maintenance > SHARE_MAX;
        if shares || band.leverage > LEVERAGE_MAX {
            return Err(Reject::TermsOverflow);
        }
    }
    Ok(())
}
