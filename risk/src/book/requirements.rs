//! Leverage rules and windows of higher requirements: how they enter, and when a window acts.

use super::instruments::{LEVERAGE_MAX, is_leverage};
use super::timers::Timer;
use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;

/// Most rules of a set and bands of a rule: more than any published table has, and the work of one valuation is bounded.
const RULES_MAX: usize = 64;
/// Most sets, and most windows planned for one instrument.
const SETS_MAX: usize = 1_024;
pub const WINDOWS_MAX: usize = 256;
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
        if margin.caps.iter().any(|cap| !is_leverage(*cap)) {
            return Err(Reject::TermsInvalid);
        }
        Ok(())
    }

    /// A window of higher requirements, new or changed; a known one is taken away by an end that is over.
    ///
    /// # Errors
    /// The numbered verdict of what is wrong with it.
    pub(super) fn set_requirement(&mut self, window: Requirement, now: Ts) -> Result<(), Reject> {
        if self.instrument(window.instrument).is_none() {
            return Err(Reject::UnknownInstrument);
        }
        let key = (window.instrument, window.id);
        let (known, over) = (self.windows.contains_key(&key), window.until <= now);
        if known && over {
            self.windows.remove(&key);
            self.touch_holders(window.instrument);
            return Ok(());
        }
        let sane = window.from < window.until
            && !over
            && window.factor >= Ratio::ONE
            && window.factor <= SHARE_MAX;
        if !sane || (!known && self.windows_of(window.instrument).count() >= WINDOWS_MAX) {
            return Err(Reject::WindowInvalid);
        }
        self.windows.insert(key, window);
        let timer = Timer::Requirement(window.instrument);
        for at in [window.from, window.from.plus(window.grace_ns), window.until] {
            if at > now {
                self.timers.insert((at, timer));
            }
        }
        self.touch_holders(window.instrument);
        Ok(())
    }

    /// Tells what a window that was set does at once, or that the one it replaces is over.
    pub(super) fn tell_window(
        &self,
        ctx: &mut Ctx<'_>,
        before: Option<Requirement>,
        window: Requirement,
    ) {
        let now = ctx.now;
        let is_open = |window: &Requirement| window.from <= now && now < window.until;
        if !is_open(&window) {
            if let Some(before) = before.filter(is_open) {
                self.tell_phase(ctx, before, WindowPhase::Ended);
            }
            return;
        }
        self.tell_phase(ctx, window, WindowPhase::Began);
        if reaches_at(&window).is_some_and(|at| at <= now) {
            self.tell_phase(ctx, window, WindowPhase::Reached);
        }
    }

    /// A time at which something about an instrument's windows changes, unless they were replaced meanwhile.
    pub(super) fn requirement_due(&mut self, ctx: &mut Ctx<'_>, instrument: InstrumentId, at: Ts) {
        let windows: Vec<Requirement> = self.windows_of(instrument).copied().collect();
        let mut changed = false;
        for window in windows {
            let phases = [
                (WindowPhase::Began, Some(window.from)),
                (WindowPhase::Reached, reaches_at(&window)),
                (WindowPhase::Ended, Some(window.until)),
            ];
            for (phase, _) in phases.into_iter().filter(|(_, when)| *when == Some(at)) {
                if phase == WindowPhase::Ended {
                    self.windows.remove(&(instrument, window.id));
                }
                self.tell_phase(ctx, window, phase);
                changed = true;
            }
        }
        if changed {
            self.touch_holders(instrument);
        }
    }

    fn tell_phase(&self, ctx: &mut Ctx<'_>, window: Requirement, phase: WindowPhase) {
        ctx.out.push(Output::Window(WindowChange {
            window,
            phase,
            holders: self.holders_of(window.instrument).len() as u32,
        }));
    }

    /// All windows, planned and open, by instrument.
    pub fn windows(&self) -> impl Iterator<Item = &Requirement> {
        self.windows.values()
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

/// When a window reaches what was held before it began, if that comes later and before its end.
fn reaches_at(window: &Requirement) -> Option<Ts> {
    let later = window.held == HeldPolicy::AfterGrace;
    let at = later.then(|| window.from.plus(window.grace_ns));
    at.filter(|at| *at < window.until)
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
        if !is_leverage(band.leverage) {
            return Err(Reject::TermsInvalid);
        }
    }
    Ok(())
}
