//! Prices at which a position's own loss alert may change: one ladder per instrument, side and direction.

use super::chunks::NONE;
use super::ladder::{account_of, entry, key_of};
use super::page::*;
use super::{Valuing, Watch};

/// The ladders of an instrument.
pub(super) const BID_FALLS: usize = 0;
pub(super) const BID_RISES: usize = 1;
pub(super) const ASK_FALLS: usize = 2;
pub(super) const ASK_RISES: usize = 3;

fn rises(ladder: usize) -> bool {
    ladder == BID_RISES || ladder == ASK_RISES
}

/// The ladder in which a position's loss price waits.
fn ladder_of(page: &Page, at: usize) -> usize {
    let long = page.coef[at] > 0;
    let falls = long != (page.loss_back >> at & 1 == 1);
    match (long, falls) {
        (true, true) => BID_FALLS,
        (true, false) => BID_RISES,
        (false, true) => ASK_FALLS,
        (false, false) => ASK_RISES,
    }
}

impl Watch {
    /// Every loss price of the account waits in its ladder.
    pub(super) fn put_losses(&mut self, account: u32) {
        let mut number = self.marks[account as usize].page;
        while number != NONE {
            let page = &self.pages.legs[number];
            let (next, len) = (page.next, usize::from(page.len));
            if page.loss_set & !page.loss_put & !page.converted != 0 {
                for at in 0..len {
                    self.put_loss(account, number, at);
                }
            }
            number = next;
        }
    }

    fn put_loss(&mut self, account: u32, number: u32, at: usize) {
        let page = &mut self.pages.legs[number];
        let bit = 1 << at;
        if page.loss_set & bit == 0 || (page.loss_put | page.converted) & bit != 0 {
            return;
        }
        page.loss_put |= bit;
        let (instrument, ladder) = (usize::from(page.instrument[at]), ladder_of(page, at));
        let key = page.loss[at];
        let entry = entry(if rises(ladder) { !key } else { key }, account);
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
        quoted[instrument].losses[ladder].insert(pool, entry, live);
    }

    /// Staged entries become ladders.
    pub(super) fn fill_losses(&mut self) {
        for (at, mut entries) in std::mem::take(&mut self.staged).into_iter().enumerate() {
            let (instrument, ladder) = (at / 4, at % 4);
            let Watch {
                quoted,
                pages,
                marks,
                pool,
                ..
            } = self;
            let known = &mut quoted[instrument].losses[ladder];
            if known.is_empty() {
                known.fill(pool, &mut entries);
                continue;
            }
            for entry in entries {
                let live = |all: &mut [u64]| keep_live(pages, marks, instrument, ladder, all);
                known.insert(pool, entry, live);
            }
        }
    }

    /// Takes out the loss prices that a quote has met, and meets those whose they are.
    pub(super) fn pop_losses(&mut self, instrument: u32, view: Valuing<'_>, due: &mut Vec<u32>) {
        let at = instrument as usize;
        let ([bid, ask], base) = (self.prices[at], self.quoted[at].base);
        let (bid, ask) = ((bid - base) as i32, (ask - base) as i32);
        let prices = [bid, !bid, ask, !ask];
        for (ladder, price) in prices.into_iter().enumerate() {
            if self.quoted[at].losses[ladder].fires(price) {
                self.popped.clear();
                self.quoted[at].losses[ladder].pop(&mut self.pool, price, &mut self.popped);
                self.take_out(at, ladder);
            }
        }
        self.meet(view, due);
    }

    /// All loss prices of an instrument are taken out: its base changes.
    pub(super) fn drop_losses(&mut self, instrument: usize) {
        for ladder in 0..4 {
            self.popped.clear();
            self.quoted[instrument].losses[ladder].pop(&mut self.pool, i32::MIN, &mut self.popped);
            self.take_out(instrument, ladder);
        }
    }

    fn take_out(&mut self, instrument: usize, ladder: usize) {
        for entry in &self.popped {
            let account = account_of(*entry);
            let key = key_of(*entry);
            let key = if rises(ladder) { !key } else { key };
            let mut number = self.marks[account as usize].page;
            let mut found = false;
            while number != NONE {
                let page = &mut self.pages.legs[number];
                for at in 0..usize::from(page.len) {
                    if is_entry(page, at, instrument, ladder, key) {
                        page.loss_put &= !(1 << at);
                        found = true;
                    }
                }
                number = page.next;
            }
            if found {
                self.met.push(account);
            }
        }
    }
}

/// The entry stands for this position's loss price.
fn is_entry(page: &Page, at: usize, instrument: usize, ladder: usize, key: i32) -> bool {
    page.loss_put >> at & 1 == 1
        && page.loss[at] == key
        && usize::from(page.instrument[at]) == instrument
        && ladder_of(page, at) == ladder
}

/// Keeps the entries that still stand for a loss price of their account, in their order; how many they are.
fn keep_live(
    pages: &Pages,
    marks: &[Mark],
    instrument: usize,
    ladder: usize,
    entries: &mut [u64],
) -> usize {
    let mut kept = 0;
    for at in 0..entries.len() {
        if is_live(pages, marks, instrument, ladder, entries[at]) {
            entries[kept] = entries[at];
            kept += 1;
        }
    }
    kept
}

/// An entry of a ladder still stands for a loss price of its account.
pub(super) fn is_live(
    pages: &Pages,
    marks: &[Mark],
    instrument: usize,
    ladder: usize,
    entry: u64,
) -> bool {
    let key = if rises(ladder) {
        !key_of(entry)
    } else {
        key_of(entry)
    };
    let mut number = marks[account_of(entry) as usize].page;
    while number != NONE {
        let page = &pages.legs[number];
        if (0..usize::from(page.len)).any(|at| is_entry(page, at, instrument, ladder, key)) {
            return true;
        }
        number = page.next;
    }
    false
}
