//! How far each price may go before the account must be looked at, and how the account is watched until then.

use super::chunks::NONE;
use super::hot::{Follows, HotAccount};
use super::ladder::{Ladder, Pool, account_of, entry, key_of};
use super::page::*;
use super::{Quoted, Valuing, Watch};

/// Nearer to a threshold than this many typical moves of all its prices together, an account is hot; ...
pub(super) const HOT_BELOW: u128 = 4;
/// ... and a hot one gets a band again beyond this many.
pub(super) const COOL_ABOVE: u128 = 9;
/// A trigger is moved away when it would be this much further than where it stands, in quarters.
const LOOSER_QUARTERS: i64 = 5;
/// Furthest key: beyond the range of prices, so it is never met.
const EDGE: i64 = (1 << 31) - 2;

/// The ladders of an instrument.
pub(super) const BID_FALLS: usize = 0;
pub(super) const BID_RISES: usize = 1;
pub(super) const ASK_FALLS: usize = 2;
pub(super) const ASK_RISES: usize = 3;

/// What of a slack falls to a price that moves at some pace: `pace × factor >> shift` steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    factor: u128,
    shift: u32,
}

impl Share {
    /// Splits a slack in proportion to `sensitivity × pace`, whose sum is the weight.
    pub fn of(slack: u64, weight: u128) -> Share {
        let shift = (128 - weight.leading_zeros()).saturating_sub(62);
        // Rounded up, so that the shares together never exceed the slack.
        let weight = (weight >> shift) as u64 + u64::from(shift > 0);
        Share {
            factor: (u128::from(slack.min(1 << 62)) << 32) / u128::from(weight.max(1)),
            shift: 32 + shift,
        }
    }

    /// So many paces of every price; a pace is counted in 1/256 of a step.
    pub fn of_paces(paces: u64) -> Share {
        Share {
            factor: u128::from(paces) << 24,
            shift: 32,
        }
    }

    /// Steps for a price of this pace.
    pub fn steps(&self, pace: u32) -> i64 {
        ((self.factor * u128::from(pace)) >> self.shift).min(EDGE as u128) as i64
    }
}

impl Watch {
    /// Watches an account in the way that is cheapest now.
    pub(super) fn band(&mut self, account: u32, view: Valuing<'_>) {
        let mark = self.marks[account as usize];
        if mark.is(ALWAYS) || self.wild > 0 && self.is_wild(mark.page) {
            self.watch_closely(account);
        } else if self.pages.legs[mark.page].rates != NONE {
            self.band_converted(account, view);
        } else {
            self.band_linear(account);
        }
    }

    /// A price of its cannot be compared with triggers.
    fn is_wild(&self, first: u32) -> bool {
        let wild = |instrument: u16| self.quoted[usize::from(instrument)].wild;
        let legs = &mut self.pages.walk(first);
        legs.any(|at| wild(self.pages.legs[at.page].instrument[at.index]))
            || (self.pages.factors(first)).any(|(page, at)| wild(self.pages.rates[page].factor[at]))
    }

    fn band_linear(&mut self, account: u32) {
        let mark = self.marks[account as usize];
        let result = self.result(mark.page);
        let page = &self.pages.legs[mark.page];
        let (low, high) = (page.low, page.high);
        if result <= low || result >= high {
            return self.watch_closely(account);
        }
        let below = (low != i64::MIN).then(|| (i128::from(result) - i128::from(low) - 1) as u64);
        let above = (high != i64::MAX).then(|| (i128::from(high) - i128::from(result) - 1) as u64);
        let weight = self.weight(mark.page);
        let nearest = below.unwrap_or(u64::MAX).min(above.unwrap_or(u64::MAX));
        let limit = match mark.class {
            Class::Banded => HOT_BELOW,
            Class::Hot | Class::Close => COOL_ABOVE,
        };
        if u128::from(nearest) << 8 < weight * limit {
            if page.next == NONE {
                self.heat(account, result, weight);
            } else {
                self.watch_closely(account);
            }
            return;
        }
        self.leave(account);
        let shares = [below, above].map(|slack| slack.map(|slack| Share::of(slack, weight)));
        let mut number = mark.page;
        while number != NONE {
            for at in 0..usize::from(self.pages.legs[number].len) {
                self.band_leg(account, number, at, shares);
            }
            number = self.pages.legs[number].next;
        }
    }

    /// Sum of what a typical move of each of its prices changes, 1/256 units.
    fn weight(&self, first: u32) -> u128 {
        let (mut number, mut weight) = (first, 0);
        while number != NONE {
            let page = &self.pages.legs[number];
            for at in 0..usize::from(page.len) {
                let pace = self.quoted[usize::from(page.instrument[at])].pace;
                weight += u128::from(page.coef[at].unsigned_abs()) * u128::from(pace);
            }
            number = page.next;
        }
        weight
    }

    fn band_leg(&mut self, account: u32, number: u32, at: usize, shares: [Option<Share>; 2]) {
        let page = &self.pages.legs[number];
        let (instrument, long) = (usize::from(page.instrument[at]), page.coef[at] > 0);
        let pace = self.quoted[instrument].pace;
        let fault = self.fault;
        let steps = |share: Share| too_wide(share.steps(pace), fault);
        let [adverse, favourable] = shares.map(|share| share.map(steps));
        let (down, up) = if long {
            (adverse, favourable)
        } else {
            (favourable, adverse)
        };
        self.set_triggers(account, number, at, (down, up));
    }

    /// Puts the triggers of a position in place: so far down, so far up, and the price of its own loss alert.
    pub(super) fn set_triggers(
        &mut self,
        account: u32,
        number: u32,
        at: usize,
        (down, up): (Option<i64>, Option<i64>),
    ) {
        let page = &self.pages.legs[number];
        let (instrument, long) = (usize::from(page.instrument[at]), page.coef[at] > 0);
        let price = self.prices[instrument][usize::from(!long)] - self.quoted[instrument].base;
        let key = |price: i64| price.clamp(-EDGE, EDGE) as i32;
        let mut low = down.map_or(NO_LOW, |steps| key(price.saturating_sub(steps + 1)));
        let mut high = up.map_or(NO_HIGH, |steps| key(price.saturating_add(steps + 1)));
        if page.loss_set >> at & 1 == 1 && !self.is_converted(number, at) {
            if long != (page.loss_back >> at & 1 == 1) {
                low = low.max(page.loss[at]);
            } else {
                high = high.min(page.loss[at]);
            }
        }
        let (low_ladder, high_ladder) = if long {
            (BID_FALLS, BID_RISES)
        } else {
            (ASK_FALLS, ASK_RISES)
        };
        let page = &mut self.pages.legs[number];
        if is_better(page.low_key[at], low, NO_LOW, price) {
            page.low_key[at] = low;
            self.trigger(instrument, low_ladder, low, account);
        }
        let page = &mut self.pages.legs[number];
        if is_better(page.high_key[at], high, NO_HIGH, price) {
            page.high_key[at] = high;
            self.trigger(instrument, high_ladder, high, account);
        }
    }

    /// One trigger into its ladder.
    pub(super) fn trigger(&mut self, instrument: usize, ladder: usize, key: i32, account: u32) {
        if key == NO_LOW || key == NO_HIGH {
            return;
        }
        let rises = ladder == BID_RISES || ladder == ASK_RISES;
        let entry = entry(if rises { !key } else { key }, account);
        if let Some(staged) = self.staged.get_mut(4 * instrument + ladder) {
            return staged.push(entry);
        }
        let Watch {
            quoted,
            pages,
            marks,
            pool,
            ..
        } = self;
        let live = |all: &mut [u64]| keep_live(pages, marks, instrument, ladder, all);
        quoted[instrument].ladders[ladder].insert(pool, entry, live);
    }

    /// Staged triggers become ladders.
    pub(super) fn fill_ladders(&mut self) {
        for (at, mut entries) in std::mem::take(&mut self.staged).into_iter().enumerate() {
            let (instrument, ladder) = (at / 4, at % 4);
            if self.quoted[instrument].ladders[ladder].is_empty() {
                let pool: &mut Pool = &mut self.pool;
                self.quoted[instrument].ladders[ladder] = Ladder::default();
                self.quoted[instrument].ladders[ladder].fill(pool, &mut entries);
            } else {
                for entry in entries {
                    let Watch {
                        quoted,
                        pages,
                        marks,
                        pool,
                        ..
                    } = self;
                    let live = |all: &mut [u64]| keep_live(pages, marks, instrument, ladder, all);
                    quoted[instrument].ladders[ladder].insert(pool, entry, live);
                }
            }
        }
    }

    /// Follows an account as a hot one whatever its slack; false when it cannot be.
    pub(super) fn heat_at_once(&mut self, account: u32) -> bool {
        let mark = self.marks[account as usize];
        let page = &self.pages.legs[mark.page];
        let fits = page.rates == NONE && page.next == NONE && mark.class == Class::Banded;
        if !fits || mark.is(ALWAYS) || self.wild > 0 {
            return false;
        }
        let result = self.result(mark.page);
        if result <= page.low || result >= page.high {
            return false;
        }
        // Not asked again at every quote whether it may cool: that many at once would be a crowd again.
        self.heat(account, result, u128::MAX >> 8);
        self.heated.push(account);
        true
    }

    /// The account's result follows every quote from now on.
    fn heat(&mut self, account: u32, result: i64, weight: u128) {
        let mark = self.marks[account as usize];
        let page = self.pages.legs[mark.page];
        let away = weight.saturating_mul(COOL_ABOVE) >> 8;
        let away = i64::try_from(away).unwrap_or(i64::MAX);
        let entry = HotAccount {
            result,
            low: page.low,
            high: page.high,
            cool_low: match page.low {
                i64::MIN if away < i64::MAX => i64::MIN,
                low => low.saturating_add(away),
            },
            cool_high: match page.high {
                i64::MAX if away < i64::MAX => i64::MAX,
                high => high.saturating_sub(away),
            },
            origin: 0,
            guard: 0,
            account,
            shift: 0,
        };
        if mark.class == Class::Hot {
            self.hot.accounts[page.hot as usize] = entry;
        } else {
            self.leave(account);
            self.marks[account as usize].class = Class::Hot;
            let follows = Follows::of(&page, |leg| page.coef[leg]);
            self.pages.legs[mark.page].hot = self.hot.add(&follows, entry);
        }
        for at in 0..usize::from(page.len) {
            let page = &mut self.pages.legs[mark.page];
            // Only its own loss alerts need a trigger.
            if mark.class != Class::Hot {
                (page.low_key[at], page.high_key[at]) = (NO_LOW, NO_HIGH);
            }
            self.set_triggers(account, mark.page, at, (None, None));
        }
    }

    /// The account is looked at whenever a price of its changes.
    pub(super) fn watch_closely(&mut self, account: u32) {
        if self.marks[account as usize].class == Class::Close {
            return;
        }
        self.leave(account);
        let mark = &mut self.marks[account as usize];
        (mark.class, mark.epoch) = (Class::Close, mark.epoch.wrapping_add(1));
        let (first, epoch) = (mark.page, mark.epoch);
        let follow = |quoted: &mut [Quoted], instrument: u16| {
            let list = &mut quoted[usize::from(instrument)].close;
            if list.last() != Some(&(account, epoch)) {
                list.push((account, epoch));
            }
        };
        let mut number = first;
        while number != NONE {
            let page = &mut self.pages.legs[number];
            for at in 0..usize::from(page.len) {
                (page.low_key[at], page.high_key[at]) = (NO_LOW, NO_HIGH);
                follow(&mut self.quoted, page.instrument[at]);
            }
            number = page.next;
        }
        let mut number = self.pages.legs[first].rates;
        while number != NONE {
            let page = &mut self.pages.rates[number];
            for at in 0..usize::from(page.factors) {
                (page.low_key[at], page.high_key[at]) = (NO_LOW, NO_HIGH);
                follow(&mut self.quoted, page.factor[at]);
            }
            number = page.next;
        }
    }

    /// The account is in no list any more; entries of lists that are walked go stale by themselves.
    pub(super) fn leave(&mut self, account: u32) {
        let mark = &mut self.marks[account as usize];
        if mark.class == Class::Hot {
            let page = &self.pages.legs[mark.page];
            let follows = Follows::places(&self.pages, page);
            self.hot.remove(&follows, page.hot);
        }
        mark.class = Class::Banded;
    }

    pub(super) fn is_converted(&self, number: u32, at: usize) -> bool {
        // Only the first page knows where conversion begins; pages behind it are walked with it.
        let page = &self.pages.legs[number];
        page.converted >> at & 1 == 1
    }
}

/// Keeps the entries that still stand for a trigger of their account, in their order; how many they are.
fn keep_live(
    pages: &Pages,
    marks: &[Mark],
    instrument: usize,
    ladder: usize,
    entries: &mut [u64],
) -> usize {
    // Read side by side first: one after the other each would wait for memory.
    let touched = entries
        .iter()
        .map(|entry| match marks[account_of(*entry) as usize].page {
            NONE => 0,
            page => pages.legs[page].low_key[0],
        });
    std::hint::black_box(touched.fold(0, |sum, key| sum ^ key));
    let mut kept = 0;
    for at in 0..entries.len() {
        if is_live(pages, marks, instrument, ladder, entries[at]) {
            entries[kept] = entries[at];
            kept += 1;
        }
    }
    kept
}

/// An entry of a ladder still stands for a trigger of its account.
pub(super) fn is_live(
    pages: &Pages,
    marks: &[Mark],
    instrument: usize,
    ladder: usize,
    entry: u64,
) -> bool {
    let first = marks[account_of(entry) as usize].page;
    let rises = ladder == BID_RISES || ladder == ASK_RISES;
    let key = if rises { !key_of(entry) } else { key_of(entry) };
    let mut number = first;
    while number != NONE {
        let page = &pages.legs[number];
        for at in 0..usize::from(page.len) {
            let long = ladder == BID_FALLS || ladder == BID_RISES;
            let mine = if rises {
                page.high_key[at]
            } else {
                page.low_key[at]
            };
            if mine == key
                && usize::from(page.instrument[at]) == instrument
                && (page.coef[at] > 0) == long
            {
                return true;
            }
        }
        number = page.next;
    }
    if ladder != BID_FALLS && ladder != ASK_RISES {
        return false;
    }
    pages.factors(first).any(|(number, at)| {
        let page = &pages.rates[number];
        let mine = if rises {
            page.high_key[at]
        } else {
            page.low_key[at]
        };
        mine == key && usize::from(page.factor[at]) == instrument
    })
}

/// A trigger is worth moving: it is absent, or wanted nearer, or much further away.
pub(super) fn is_better(old: i32, new: i32, none: i32, price: i64) -> bool {
    if old == none || new == none {
        return old != new;
    }
    let (old, new) = (
        (i64::from(old) - price).abs(),
        (i64::from(new) - price).abs(),
    );
    new < old || new * 4 > old * LOOSER_QUARTERS + 4
}

/// The fault that the audit is tested with.
pub(super) fn too_wide(steps: i64, millionths: u32) -> i64 {
    steps + (i128::from(steps) * i128::from(millionths) / 1_000_000) as i64
}
