//! Converted accounts that are hot: their result follows every quote along its tangent. A result is `n · r`, what a
//! position is worth in its own currency times the rate of its side. Followed are `r₀ · Δn + n₀ · Δr̂`, with the rate's
//! move told by the bid of the one price that converts directly, or not at all. What that misses is at most
//!
//! ```text
//! |Δn| · (highest rate − lowest rate) + |n₀| · (spread, or highest − lowest rate)
//! ```
//!
//! inside the box that all the prices may move in. The thresholds are drawn in by it, so nobody crosses unseen; whoever
//! comes as near as that, or leaves the box, is looked at exactly and followed anew.

use super::chunks::NONE;
use super::converted::{Box, Corners};
use super::hot::{Follows, HotAccount};
use super::page::*;
use super::scaled::Towards;
use super::{Valuing, Watch};

/// Sizes of the box that are tried, in paces of its prices: a wide one is left seldom, a narrow one misses little.
const BOX_PACES: [u64; 3] = [64, 16, 4];
/// What the tangent may miss, as a part of the way to the nearest threshold.
const MISSES_PART: u64 = 4;
/// Results are followed in parts of a unit, 2⁻¹⁶ at most.
const SHIFT_MOST: u32 = 16;
/// Everything that is added up stays below this many bits.
const BITS: u32 = 61;

/// A tangent, and what it may miss.
struct Tangent {
    follows: Follows,
    guard: u64,
}

impl Watch {
    /// Follows a converted account as a hot one; false when it cannot be, or when that would miss too much.
    pub(super) fn heat_converted(
        &mut self,
        account: u32,
        corners: Corners,
        weight: u128,
        view: Valuing<'_>,
    ) -> bool {
        let mark = self.marks[account as usize];
        let page = &self.pages.legs[mark.page];
        let simple = page.next == NONE
            && page.loss_set == 0
            && self.pages.rates[page.rates].next == NONE
            && self.wild == 0;
        if !simple {
            return false;
        }
        let (low, high) = (page.low, page.high);
        let below = (low != i64::MIN).then(|| corners.worst.abs_diff(low));
        let above = (high != i64::MAX).then(|| high.abs_diff(corners.best));
        let nearest = below.unwrap_or(u64::MAX).min(above.unwrap_or(u64::MAX));
        for paces in BOX_PACES {
            let reach = (weight >> 8).saturating_mul(u128::from(paces)).max(1);
            let bits = 128 - reach.leading_zeros();
            let Some(room) = BITS.checked_sub(bits) else {
                continue;
            };
            let shift = room.min(SHIFT_MOST);
            let bounded = Box::of_paces(paces);
            let Some(tangent) = self.tangent(mark.page, bounded, shift, view) else {
                continue;
            };
            let allowed = u128::from(nearest / MISSES_PART) << shift;
            // Anywhere in the box the results must stay numbers that the book can add up.
            if u128::from(tangent.guard) > allowed
                || self.corners(mark.page, bounded, view).is_none()
            {
                continue;
            }
            let entry = entry_of(account, (below, above), &tangent, shift, weight);
            self.follow_tangent(account, bounded, &tangent, entry, corners.worst);
            return true;
        }
        false
    }

    fn follow_tangent(
        &mut self,
        account: u32,
        bounded: Box,
        tangent: &Tangent,
        entry: HotAccount,
        origin: i64,
    ) {
        // Leaves whatever watched it before, and puts the triggers of the box in place.
        self.box_in(account, bounded, super::converted::Needs::BOTH);
        let first = self.marks[account as usize].page;
        let entry = HotAccount { origin, ..entry };
        self.marks[account as usize].class = Class::Hot;
        self.pages.legs[first].hot = self.hot.add(&tangent.follows, entry);
    }

    /// The tangent now, in parts of a unit; `None` when a number does not fit or a rate is missing.
    fn tangent(&self, first: u32, bounded: Box, shift: u32, view: Valuing<'_>) -> Option<Tangent> {
        let page = &self.pages.legs[first];
        let rates = &self.pages.rates[page.rates];
        let now = Box::NOW;
        let mut coef = [0i64; LEGS];
        let mut factors = [0i64; FACTORS];
        let mut guard = 0u64;
        for (at, worth) in coef.iter_mut().enumerate().take(usize::from(page.len)) {
            let (size, sign) = (page.coef[at].unsigned_abs(), page.coef[at].signum());
            let parts = shifted(size, shift)?;
            if rates.route[at] == UNCONVERTED {
                *worth = sign * i64::try_from(parts).ok()?;
                continue;
            }
            let instrument = usize::from(page.instrument[at]);
            let steps = bounded.steps(self.quoted[instrument].pace);
            let (lowest, highest) = self.rates(rates.route[at], bounded, view)?;
            let (_, ask) = self.rates(rates.route[at], now, view)?;
            let apart = |size: u64| {
                let (most, least) = (
                    highest.of_size(size, Towards::Infinity)?,
                    lowest.of_size(size, Towards::Zero)?,
                );
                u64::try_from(most - least).ok()
            };
            *worth = sign * ask.of_size(parts, Towards::Zero)?;
            let moved = parts.checked_mul(u64::try_from(steps).ok()?)?;
            // The first part of what is missed, and what rounding the coefficient costs.
            guard = guard.checked_add(apart(moved)?)?;
            guard = guard.checked_add(steps.unsigned_abs() + 2)?;
            let price = self.prices[instrument][usize::from(sign < 0)];
            let result =
                i128::from(page.coef[at]) * i128::from(price) - i128::from(rates.cost[at] * sign);
            let size = shifted(u64::try_from(result.unsigned_abs()).ok()?, shift)?;
            let missed = match self.direct(rates, at, view) {
                Some((factor, scale)) => {
                    let factored = usize::from(rates.factor[factor]);
                    let quoted = &self.quoted[factored];
                    let [bid, ask] = self.prices[factored];
                    let steps = bounded.steps(quoted.pace);
                    let per_step = i64::try_from(size / scale).ok()?;
                    factors[factor] = factors[factor]
                        .checked_add(per_step * i64::try_from(result.signum()).ok()?)?;
                    // No wider than anybody counts on, and no wider than the box lets it become.
                    let spread = quoted.spread_most.min((ask - bid).checked_add(2 * steps)?);
                    let spread = u64::try_from(spread).ok()?;
                    let wide = u128::from(size) * u128::from(spread);
                    let sides = u64::try_from(wide.div_ceil(u128::from(scale))).ok()?;
                    let rounding = steps.unsigned_abs() + spread + 2;
                    sides.checked_add(rounding)?
                }
                None => apart(size)?,
            };
            guard = guard.checked_add(missed)?;
        }
        let mut follows = Follows::of(page, |at| coef[at]);
        let used = usize::from(rates.factors);
        for (instrument, worth) in rates.factor.iter().zip(factors).take(used) {
            follows.add(*instrument, 0, worth);
        }
        // Thresholds are whole units and results are not: the last of them before a threshold is a whole one away.
        guard = guard.checked_add(1 << shift)?;
        let fits = guard >> BITS == 0;
        fits.then_some(Tangent { follows, guard })
    }

    /// The place of the one price that converts a position directly, and the price of one; not while bid and ask are
    /// crossed or further apart than anybody counts on.
    fn direct(&self, rates: &RatePage, at: usize, view: Valuing<'_>) -> Option<(usize, u64)> {
        let mut hops = view.routes.get(u32::from(rates.route[at])).hops();
        let (instrument, inverse, scale) = hops.next()?;
        if inverse || hops.next().is_some() {
            return None;
        }
        let [bid, ask] = *self.prices.get(instrument as usize)?;
        let spread = ask.checked_sub(bid)?;
        let most = self.quoted[instrument as usize].spread_most;
        if !(0..=most).contains(&spread) {
            return None;
        }
        let used = &rates.factor[..usize::from(rates.factors)];
        let factor = used.iter().position(|one| u32::from(*one) == instrument)?;
        let scale = u64::try_from(scale).ok().filter(|scale| *scale > 0)?;
        Some((factor, scale))
    }

    /// Bid and ask of an instrument are crossed, or further apart than tangents count on: who follows it is watched
    /// anew, counting on more from now on.
    pub(super) fn check_spread(&mut self, instrument: u32) {
        let [bid, ask] = self.prices[instrument as usize];
        let spread = ask.saturating_sub(bid);
        let most = self.quoted[instrument as usize].spread_most;
        if (0..=most).contains(&spread) {
            return;
        }
        self.quoted[instrument as usize].spread_most = most.max(spread.saturating_mul(2));
        let followers: Vec<u32> = self.hot.followers(instrument).collect();
        for account in followers {
            let page = self.marks[account as usize].page;
            if self.pages.legs[page].rates != NONE {
                self.await_band(account);
            }
        }
    }

    /// For tests: what a followed result may be off by does not hold.
    ///
    /// # Errors
    /// What does not hold.
    pub(super) fn audit_tangent(&self, account: u32, view: Valuing<'_>) -> Result<(), String> {
        let first = self.marks[account as usize].page;
        let page = &self.pages.legs[first];
        if page.pending != NONE {
            return Ok(());
        }
        let hot = &self.hot.accounts[page.hot as usize];
        let Some(corners) = self.stands(first, view) else {
            return Err(format!("account {account} is followed without a rate"));
        };
        // Bounds of results are a few units apart.
        let apart = i128::from(corners.best - corners.worst) + 64;
        let moved =
            |result: i64, by: i128| (i128::from(result) - i128::from(hot.origin) + by) << hot.shift;
        let (guard, result) = (i128::from(hot.guard), i128::from(hot.result));
        let early = page.low == i64::MIN || i128::from(hot.low) >= moved(page.low, 0) + guard;
        let late = page.high == i64::MAX || i128::from(hot.high) <= moved(page.high, 0) - guard;
        if !early || !late || guard < 1 << hot.shift {
            return Err(format!(
                "account {account} is told at {} and {}, its thresholds are {} and {} with a guard of {guard}",
                hot.low,
                hot.high,
                moved(page.low, 0),
                moved(page.high, 0),
            ));
        }
        if result > moved(corners.best, 0) + guard || result < moved(corners.worst, -apart) - guard
        {
            return Err(format!(
                "account {account} is followed at {result} and stands at {} to {}, with a guard of {guard}",
                moved(corners.worst, 0),
                moved(corners.best, 0),
            ));
        }
        Ok(())
    }
}

/// Where a tangent begins: at zero, the thresholds as far away as they are, less what it may miss.
fn entry_of(
    account: u32,
    (below, above): (Option<u64>, Option<u64>),
    tangent: &Tangent,
    shift: u32,
    weight: u128,
) -> HotAccount {
    let guard = tangent.guard as i64;
    let parts = |apart: u64| shifted(apart, shift).map_or(i64::MAX, |parts| parts as i64);
    let away = (weight.saturating_mul(super::band::COOL_ABOVE) >> 8) << shift.min(64);
    let away = i64::try_from(away).unwrap_or(i64::MAX);
    let low = below.map_or(i64::MIN, |apart| -parts(apart));
    let high = above.map_or(i64::MAX, parts);
    HotAccount {
        result: 0,
        low: if below.is_some() {
            low.saturating_add(guard)
        } else {
            i64::MIN
        },
        high: if above.is_some() {
            high.saturating_sub(guard)
        } else {
            i64::MAX
        },
        cool_low: if below.is_some() {
            low.saturating_add(away)
        } else {
            i64::MIN
        },
        cool_high: if above.is_some() {
            high.saturating_sub(away)
        } else {
            i64::MAX
        },
        origin: 0,
        guard,
        account,
        shift: shift as u8,
    }
}

/// A number in parts of a unit, while it stays inside what may be added up.
fn shifted(size: u64, shift: u32) -> Option<u64> {
    let wide = u128::from(size) << shift;
    (wide >> BITS == 0).then_some(wide as u64)
}
