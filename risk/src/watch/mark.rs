//! A quote: whom it concerns.

use super::band::*;
use super::chunks::NONE;
use super::holders::{RANGE, cuts};
use super::ladder::{account_of, key_of};
use super::page::*;
use super::{CONVERTED_LOOK_HALVES, Holdings, LOOK_HALVES, Valuing, Watch, bit, is_close};

/// A move counts for the pace at most this many times the pace, so that one gap does not set it.
const PACE_STEP: i64 = 16;
/// The pace follows an exponential average over about this many moves, as a power of two.
const PACE_LOG: u32 = 6;
/// An account that is looked at at every price asks this often whether a band would do, as a power of two.
const RELAX_LOG: u32 = 4;

impl Watch {
    /// The instrument has new prices: appends the accounts that may have crossed, each once until `taken`.
    pub fn on_mark(
        &mut self,
        instrument: u32,
        view: Valuing<'_>,
        holdings: &impl Holdings,
        due: &mut Vec<u32>,
    ) {
        let Some(prices) = view.prices.get(instrument as usize).filter(|p| p.known) else {
            return;
        };
        self.grow_instruments(instrument);
        let at = instrument as usize;
        let (was, first) = (self.prices[at], !self.quoted[at].known);
        let recut = self.quoted[at].cut != cuts(prices);
        self.quote(instrument, prices);
        self.rate_again(instrument, view);
        if self.plain {
            return self.all_holders(instrument, view, holdings, due);
        }
        if first || self.quoted[at].wild {
            self.rebase(instrument, holdings, due);
        } else if recut {
            self.holders_are_due(instrument, holdings, due);
        }
        let moved = if first {
            [0; 2]
        } else {
            [
                prices.bid.wrapping_sub(was[0]),
                prices.ask.wrapping_sub(was[1]),
            ]
        };
        self.learn_pace(at, moved[0]);
        self.follow_hot(instrument, moved, view, due);
        self.look_closely(instrument, view, due);
        self.look_at_pending(instrument, view, due);
        // Bid and ask too far apart for one base: its triggers wait for a price they can be compared with.
        if self.quoted[at].wild {
            return;
        }
        self.pop_ladders(instrument, view, due);
    }

    fn learn_pace(&mut self, at: usize, moved: i64) {
        let quoted = &mut self.quoted[at];
        let pace = i64::from(quoted.pace);
        let size = (moved.unsigned_abs().min(1 << 30) as i64 * 256).min(pace * PACE_STEP);
        let next = pace + ((size - pace) >> PACE_LOG);
        quoted.pace = next.clamp(16, 1 << 30) as u32;
    }

    fn follow_hot(
        &mut self,
        instrument: u32,
        moved: [i64; 2],
        view: Valuing<'_>,
        due: &mut Vec<u32>,
    ) {
        self.check_spread(instrument);
        self.met.clear();
        self.hot.follow(instrument, moved, &mut self.met);
        let met = std::mem::take(&mut self.met);
        for hot in &met {
            // A position on the other side of the market may have made good what this side lost.
            let account = self.hot.accounts[*hot as usize];
            let near = account.is_outside();
            let exact = account.guard == 0;
            if near && (exact || self.is_outside(account.account, view)) {
                self.tell(account.account, due);
            } else {
                self.await_band(account.account);
            }
        }
        self.met = met;
    }

    fn look_closely(&mut self, instrument: u32, view: Valuing<'_>, due: &mut Vec<u32>) {
        if self.quoted[instrument as usize].close.is_empty() {
            return;
        }
        let mut close = std::mem::take(&mut self.quoted[instrument as usize].close);
        let marks = &self.marks;
        close.retain(|(account, epoch)| is_close(&marks[*account as usize], *epoch));
        self.turn = self.turn.wrapping_add(1);
        for (at, (account, _)) in close.iter().enumerate() {
            if self.is_outside(*account, view) {
                self.tell(*account, due);
            } else if (at as u32 ^ self.turn) & ((1 << RELAX_LOG) - 1) == 0 {
                self.await_band(*account);
            }
        }
        self.quoted[instrument as usize].close = close;
    }

    fn look_at_pending(&mut self, instrument: u32, view: Valuing<'_>, due: &mut Vec<u32>) {
        let bit = bit(instrument);
        self.looked = 0;
        for at in 0..self.pending.len() {
            let (mask, account) = self.pending[at];
            if mask & bit == 0 {
                continue;
            }
            let page = self.marks[account as usize].page;
            let converted = page != NONE && self.pages.legs[page].rates != NONE;
            self.looked += if converted {
                CONVERTED_LOOK_HALVES
            } else {
                LOOK_HALVES
            };
            if self.is_outside(account, view) {
                self.tell(account, due);
            }
        }
    }

    fn pop_ladders(&mut self, instrument: u32, view: Valuing<'_>, due: &mut Vec<u32>) {
        let at = instrument as usize;
        let ([bid, ask], base) = (self.prices[at], self.quoted[at].base);
        let (bid, ask) = ((bid - base) as i32, (ask - base) as i32);
        // Conversion looks at both sides together, so the outer ladders follow the outer price.
        let prices = [bid.min(ask), !bid, ask, !bid.max(ask)];
        let ladders = &self.quoted[at].ladders;
        if !(0..4).any(|ladder| ladders[ladder].fires(prices[ladder])) {
            return;
        }
        self.met.clear();
        for (ladder, price) in prices.into_iter().enumerate() {
            if self.quoted[at].ladders[ladder].fires(price) {
                self.popped.clear();
                self.quoted[at].ladders[ladder].pop(&mut self.pool, price, &mut self.popped);
                self.meet(at, ladder);
            }
        }
        let met = std::mem::take(&mut self.met);
        for account in &met {
            self.marks[*account as usize].flags &= !SEEN;
            if self.is_outside(*account, view) {
                self.tell(*account, due);
            }
            self.await_band(*account);
        }
        self.met = met;
    }

    /// Takes the triggers that fired off their positions; accounts that had one are met.
    fn meet(&mut self, instrument: usize, ladder: usize) {
        let rises = ladder == BID_RISES || ladder == ASK_RISES;
        let long = ladder == BID_FALLS || ladder == BID_RISES;
        for entry in &self.popped {
            let account = account_of(*entry);
            let key = if rises {
                !key_of(*entry)
            } else {
                key_of(*entry)
            };
            let mark = &mut self.marks[account as usize];
            let (mut number, mut found) = (mark.page, false);
            while number != NONE {
                let page = &mut self.pages.legs[number];
                let (keys, none) = if rises {
                    (&mut page.high_key, NO_HIGH)
                } else {
                    (&mut page.low_key, NO_LOW)
                };
                for (at, mine) in keys.iter_mut().enumerate() {
                    if *mine == key
                        && usize::from(page.instrument[at]) == instrument
                        && (page.coef[at] > 0) == long
                    {
                        *mine = none;
                        found = true;
                    }
                }
                number = page.next;
            }
            if ladder == BID_FALLS || ladder == ASK_RISES {
                found |= take_factor(&mut self.pages, mark.page, instrument, rises, key);
            }
            if found && !mark.is(SEEN) {
                mark.flags |= SEEN;
                self.met.push(account);
            }
        }
    }

    fn tell(&mut self, account: u32, due: &mut Vec<u32>) {
        let mark = &mut self.marks[account as usize];
        if !mark.is(DUE) {
            mark.flags |= DUE;
            due.push(account);
        }
    }

    fn holders_are_due(&mut self, instrument: u32, holdings: &impl Holdings, due: &mut Vec<u32>) {
        for at in 0..self.quoted[instrument as usize].own.len() {
            let slot = self.quoted[instrument as usize].own[at];
            self.tell(holdings.account(slot), due);
        }
    }

    /// Triggers are relative to a new base: all of them are taken out, and everybody who holds the instrument is due.
    fn rebase(&mut self, instrument: u32, holdings: &impl Holdings, due: &mut Vec<u32>) {
        let at = instrument as usize;
        self.quoted[at].base = self.prices[at][0];
        self.tame(at);
        self.met.clear();
        for ladder in 0..4 {
            self.popped.clear();
            self.quoted[at].ladders[ladder].pop(&mut self.pool, i32::MIN, &mut self.popped);
            self.meet(at, ladder);
        }
        let met = std::mem::take(&mut self.met);
        for account in &met {
            self.marks[*account as usize].flags &= !SEEN;
            self.tell(*account, due);
            self.await_band(*account);
        }
        self.met = met;
        let reach = i128::from(self.quoted[at].base).abs() + 2 * i128::from(RANGE);
        for place in 0..self.quoted[at].own.len() {
            let account = holdings.account(self.quoted[at].own[place]);
            self.check_reach(account, at, reach);
            self.tell(account, due);
        }
    }

    /// The full pass: whoever holds the instrument or needs it for a rate.
    fn all_holders(
        &mut self,
        instrument: u32,
        view: Valuing<'_>,
        holdings: &impl Holdings,
        due: &mut Vec<u32>,
    ) {
        let _ = view;
        self.holders_are_due(instrument, holdings, due);
        for account in 0..self.marks.len() as u32 {
            let first = self.marks[account as usize].page;
            let needs = self
                .pages
                .factors(first)
                .any(|(page, at)| u32::from(self.pages.rates[page].factor[at]) == instrument);
            if needs {
                self.tell(account, due);
            }
        }
    }
}

/// Takes the trigger off a conversion price that it stands for.
fn take_factor(pages: &mut Pages, first: u32, instrument: usize, rises: bool, key: i32) -> bool {
    let mut number = match first {
        NONE => NONE,
        first => pages.legs[first].rates,
    };
    let mut found = false;
    while number != NONE {
        let page = &mut pages.rates[number];
        let (keys, none) = if rises {
            (&mut page.high_key, NO_HIGH)
        } else {
            (&mut page.low_key, NO_LOW)
        };
        for (mine, factor) in keys.iter_mut().zip(page.factor) {
            if *mine == key && usize::from(factor) == instrument {
                *mine = none;
                found = true;
            }
        }
        number = page.next;
    }
    found
}
