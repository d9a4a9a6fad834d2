//! A quote: whom it concerns.

use super::chunks::NONE;
use super::holders::{RANGE, cuts};
use super::page::*;
use super::place::{CLIMB, PACES};
use super::rows::{REACH_PARTS_LOG, RUNGS, SIDE_BY_SIDE, paced, reach};
use super::{CONVERTED_LOOK_HALVES, Holdings, LOOK_HALVES, Valuing, Watch, bit};

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
        let (first, was) = (!self.quoted[at].known, self.prices[at][0]);
        let recut = self.quoted[at].cut != cuts(prices);
        self.quote(instrument, prices);
        let turned = self.rate_again(instrument, view);
        if self.plain {
            return self.all_holders(instrument, holdings, due);
        }
        if first || self.quoted[at].wild {
            self.rebase(instrument, view, holdings, due);
        } else if recut {
            self.holders_are_due(instrument, holdings, due);
        }
        if !first {
            let pace = &mut self.quoted[at].pace;
            *pace = paced(*pace, was.abs_diff(prices.bid));
        }
        self.concerned = self.quoted[at].own.len();
        self.look_at_pending(instrument, view, due);
        if self.check_era(instrument, view) {
            self.meet_converted(instrument);
        }
        self.sweep(at, turned);
        self.meet(view, due);
        if self.quoted[at]
            .losses
            .iter()
            .any(|ladder| !ladder.is_empty())
        {
            self.pop_losses(instrument, view, due);
        }
        if !self.climbing.is_empty() {
            self.climb();
        }
    }

    /// Rows that the prices have left follow them; appends whoever may have come to a threshold to those that are met.
    fn sweep(&mut self, at: usize, all: bool) {
        let prices = self.prices[at];
        let Watch {
            quoted,
            marks,
            seats,
            rates,
            met,
            found,
            climbing,
            turned,
            ..
        } = self;
        let quoted = &mut quoted[at];
        let quiet = |side: usize| {
            let (low, high) = quoted.quiet[side];
            low <= prices[side] && prices[side] <= high
        };
        // Whoever is due at every touch is so when only the mark or the time has changed, too.
        let touched = quoted
            .rungs
            .first()
            .is_some_and(|rung| !rung.boxed.is_empty());
        if !all && !touched && quiet(0) && quiet(1) {
            return;
        }
        let rungs = quoted.rungs.iter_mut().zip(seats).enumerate();
        for (number, (rung, seats)) in rungs {
            let swept = all || touched && number == 0 || rung.is_left(prices);
            if rung.is_empty() || !swept {
                continue;
            }
            let moved = [0, 1].map(|side| i64::wrapping_sub(prices[side], rung.at[side]));
            rung.plain.sweep(moved, &mut seats.plain, found, met);
            (rung.purses).sweep_purses(moved, &mut seats.purses, (number, rates), met);
            if !quoted.routes.is_empty() {
                // All other rates stay what they are on this rung.
                turned.clear();
                turned.extend_from_slice(rates.all_swept(number));
                for route in &quoted.routes {
                    rates.sweep(*route, number);
                }
                let new = rates.all_swept(number);
                (rung.factors).convert(&mut seats.purses, turned, new, met);
            }
            rung.boxed.clean_if_stale(|who| marks[who as usize].tag);
            met.extend(
                rung.boxed
                    .entries(|who| marks[who as usize].tag)
                    .map(|(who, ..)| who),
            );
            rung.at = prices;
            // Where the next rungs would be left all the time, too, nobody needs to ask.
            let next = reach(quoted.finest, (number + CLIMB).min(RUNGS - 1)) as u64;
            if number + 1 < RUNGS && next << REACH_PARTS_LOG > PACES * quoted.pace {
                rung.some(seats, climbing);
            }
        }
        quoted.find_quiet();
    }

    /// Looks at those who were met and waits to place them anew.
    pub(super) fn meet(&mut self, view: Valuing<'_>, due: &mut Vec<u32>) {
        let met = std::mem::take(&mut self.met);
        for some in met.chunks(SIDE_BY_SIDE) {
            self.read_side_by_side(some);
            for account in some {
                let page = self.marks[*account as usize].page;
                // Whoever waits already is looked at for that.
                if page == NONE || self.pages.legs[page].pending != NONE {
                    continue;
                }
                if self.is_outside(*account, view) {
                    self.tell(*account, due);
                }
                self.await_place(*account);
            }
        }
        self.met = met;
        self.met.clear();
    }

    /// What rates may do is counted anew: all whose results the instrument's price converts are met.
    fn meet_converted(&mut self, instrument: u32) {
        let Watch {
            quoted, seats, met, ..
        } = self;
        for (rung, seats) in quoted[instrument as usize].rungs.iter().zip(seats) {
            met.extend(rung.purse_accounts(seats));
        }
    }

    fn look_at_pending(&mut self, instrument: u32, view: Valuing<'_>, due: &mut Vec<u32>) {
        let bit = bit(instrument);
        self.looked = 0;
        let mut some = std::mem::take(&mut self.looking);
        some.clear();
        let waiting = self.pending.iter().filter(|(mask, _)| mask & bit != 0);
        some.extend(waiting.map(|(_, account)| *account));
        for part in some.chunks(SIDE_BY_SIDE) {
            self.read_side_by_side(part);
            for account in part {
                let page = self.marks[*account as usize].page;
                let converted = page != NONE && self.pages.legs[page].rates != NONE;
                self.looked += if converted {
                    CONVERTED_LOOK_HALVES
                } else {
                    LOOK_HALVES
                };
                if self.is_outside(*account, view) {
                    self.tell(*account, due);
                }
            }
        }
        self.looking = some;
    }

    /// Reads what a look at these accounts needs, side by side: for those who ask for them one by one thereafter.
    pub fn read_side_by_side(&self, accounts: &[u32]) {
        let touched = accounts.iter().map(|account| {
            let mark = self.marks.get(*account as usize);
            let page = mark.map_or(NONE, |mark| mark.page);
            if page == NONE {
                return 0;
            }
            let page = &self.pages.legs[page];
            page.base ^ page.coef[0]
        });
        std::hint::black_box(touched.fold(0, |sum, one| sum ^ one));
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

    /// The instrument is counted from a new base: everybody who follows it is due, and watched anew.
    fn rebase(
        &mut self,
        instrument: u32,
        view: Valuing<'_>,
        holdings: &impl Holdings,
        due: &mut Vec<u32>,
    ) {
        let at = instrument as usize;
        self.quoted[at].base = self.prices[at][0];
        self.tame(at);
        self.drop_losses(at);
        let mut accounts = std::mem::take(&mut self.met);
        for (rung, seats) in self.quoted[at].rungs.iter().zip(&self.seats) {
            accounts.extend(rung.accounts(seats, &self.marks));
        }
        for account in &accounts {
            self.leave(*account);
            self.tell(*account, due);
            self.await_place(*account);
        }
        accounts.clear();
        self.met = accounts;
        let prices = self.prices[at];
        for rung in &mut self.quoted[at].rungs {
            rung.at = prices;
        }
        self.quoted[at].set_reaches(self.fault);
        for route in self.quoted[at].routes.clone() {
            self.rate(route, view);
            // Rows keep what they are swept at until they are empty, and whoever counted on the rate has left.
            for rung in 0..RUNGS {
                self.rates.sweep(route, rung);
            }
        }
        let reach = i128::from(self.quoted[at].base).abs() + 2 * i128::from(RANGE);
        for place in 0..self.quoted[at].own.len() {
            let account = holdings.account(self.quoted[at].own[place]);
            self.check_reach(account, at, reach);
            self.tell(account, due);
        }
    }

    /// The full pass: whoever holds the instrument or needs it for a rate.
    fn all_holders(&mut self, instrument: u32, holdings: &impl Holdings, due: &mut Vec<u32>) {
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
