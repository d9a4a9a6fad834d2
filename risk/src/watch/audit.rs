//! For tests: what must hold between two inputs, looked at from outside.

use std::collections::BTreeMap;

use super::chunks::NONE;
use super::page::*;
use super::purse::Purse;
use super::rows::{FAR, Room, UNUSED_LOG};
use super::{Valuing, Watch};

/// Prices between which an account is not looked at: of a position, on the side that closes it, or of an instrument
/// that its results are converted by, on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub instrument: u32,
    /// The position that it bounds.
    pub slot: Option<u32>,
    pub low: i64,
    pub high: i64,
}

/// The box an account is watched by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub all: Vec<Bound>,
    /// What the watch counts on to be left below and above, with all prices at the worst corner, in fine units, less what
    /// rounding may cost; none where nothing bounds it.
    pub down: Option<i128>,
    pub up: Option<i128>,
}

/// What one account adds to a row: instrument, which row, what a step is worth.
type Entries = BTreeMap<(u16, u8), i64>;

impl Watch {
    /// The box an account is watched by; `None` when it is looked at at every price that concerns it.
    pub fn bounds(&self, account: u32) -> Option<Bounds> {
        let mark = self.marks.get(account as usize)?;
        if mark.page == NONE || mark.is(ALWAYS) || mark.class == Class::Nowhere {
            return None;
        }
        let first = &self.pages.legs[mark.page];
        let rung = usize::from(first.rung);
        if first.pending != NONE || mark.class == Class::Boxed && rung == 0 {
            return None;
        }
        let mut all = Vec::new();
        for at in self.pages.walk(mark.page) {
            let page = &self.pages.legs[at.page];
            let instrument = page.instrument[at.index];
            let quoted = &self.quoted[usize::from(instrument)];
            let side = usize::from(page.coef[at.index] < 0);
            let (price, reach) = (quoted.rungs[rung].at[side], quoted.rungs[rung].reach);
            let (mut low, mut high) = (price - reach, price + reach);
            // Its own loss price waits in a ladder.
            if page.loss_put >> at.index & 1 == 1 {
                let loss = quoted.base + i64::from(page.loss[at.index]);
                if (side == 0) != (page.loss_back >> at.index & 1 == 1) {
                    low = low.max(loss + 1);
                } else {
                    high = high.min(loss - 1);
                }
            }
            all.push(Bound {
                instrument: u32::from(instrument),
                slot: Some(quoted.own[page.place[at.index] as usize]),
                low,
                high,
            });
        }
        for (page, at) in self.pages.factors(mark.page) {
            let instrument = self.pages.rates[page].factor[at];
            let rung = &self.quoted[usize::from(instrument)].rungs[rung];
            all.push(Bound {
                instrument: u32::from(instrument),
                slot: None,
                // One that is no rate any more is met wherever it stands.
                low: (rung.at[0].min(rung.at[1]) - rung.reach).max(1),
                high: rung.at[0].max(rung.at[1]) + rung.reach,
            });
        }
        let seats = &self.seats[rung];
        let (down, up) = match mark.class {
            Class::Boxed => (FAR, FAR),
            _ if first.rates == NONE => {
                let room = seats.plain.room(first.seat);
                (room.down, room.up)
            }
            _ => {
                let room = seats.purses.get(first.seat).room;
                (room.down, room.up)
            }
        };
        let unit = self.units.get(first.unit);
        let fine = |room: i64, bounded: bool| {
            let summed = bounded && mark.class == Class::Summed;
            // Base and threshold are whole units.
            summed.then(|| ((i128::from(room) - 2) * unit.num).div_euclid(unit.den))
        };
        Some(Bounds {
            all,
            down: fine(down, first.low != i64::MIN && down < FAR),
            up: fine(up, first.high != i64::MAX && up < FAR),
        })
    }

    /// How many converted accounts are followed by their purses.
    pub fn purses(&self) -> usize {
        let summed = self.marks.iter().filter(|mark| mark.class == Class::Summed);
        summed
            .filter(|mark| mark.page != NONE && self.pages.legs[mark.page].rates != NONE)
            .count()
    }

    /// Everybody stands in the rows of its rung, with what it may lose and gain; no price has left a rung.
    ///
    /// # Errors
    /// What does not hold.
    pub fn audit(&self, view: Valuing<'_>) -> Result<(), String> {
        for (at, prices) in view
            .prices
            .iter()
            .enumerate()
            .filter(|(_, prices)| prices.known)
        {
            let known = self.quoted.get(at).is_some_and(|quoted| quoted.known);
            if known && self.prices[at] != [prices.bid, prices.ask] {
                return Err(format!("instrument {at} is watched at another price"));
            }
        }
        if self.plain {
            return Ok(());
        }
        let found = self.found()?;
        for account in 0..self.marks.len() as u32 {
            let mark = &self.marks[account as usize];
            let none = Entries::new();
            let entries = found.get(&account).unwrap_or(&none);
            let wanted = self.wanted(account);
            if *entries != wanted {
                return Err(format!(
                    "account {account} stands in {entries:?} and should in {wanted:?}"
                ));
            }
            if mark.page == NONE || mark.class != Class::Summed {
                continue;
            }
            let page = &self.pages.legs[mark.page];
            let rung = usize::from(page.rung);
            if page.pending != NONE {
                continue;
            }
            if page.rates == NONE {
                self.audit_room(account, self.room(mark.page, rung))?;
            } else {
                let expected = self.purse_at(mark.page, rung);
                self.audit_purse(account, expected)?;
            }
        }
        self.audit_losses()
    }

    fn audit_room(&self, account: u32, expected: Room) -> Result<(), String> {
        let page = &self.pages.legs[self.marks[account as usize].page];
        let seats = &self.seats[usize::from(page.rung)].plain;
        let room = seats.room(page.seat);
        let none = |room: i64| room > FAR / 2;
        let alike = match (none(expected.down), none(expected.up)) {
            (true, true) => none(room.down) && none(room.up),
            (false, true) => room.down == expected.down && none(room.up),
            (true, false) => room.up == expected.up,
            // A little of both is kept unused.
            (false, false) => {
                let unused = (expected.down - room.down, expected.up - room.up);
                let most = (expected.down + expected.up) >> UNUSED_LOG;
                unused.0 >= 0 && unused.1 >= 0 && unused.0 + unused.1 <= most
            }
        };
        if alike && room.down > 0 && room.up > 0 && seats.account(page.seat) == account {
            return Ok(());
        }
        Err(format!(
            "account {account} has {room:?}, by its rows {expected:?}"
        ))
    }

    /// The purse has what its rows say, and no more room than that.
    fn audit_purse(&self, account: u32, expected: Option<(Purse, Room)>) -> Result<(), String> {
        let page = &self.pages.legs[self.marks[account as usize].page];
        let purse = self.seats[usize::from(page.rung)].purses.get(page.seat);
        let same = expected.is_some_and(|(expected, room)| {
            let near = |room: i64, most: i64| room <= most || most > FAR / 2;
            (purse.worth, purse.rate, purse.account) == (expected.worth, expected.rate, account)
                && near(purse.room.down, room.down)
                && near(purse.room.up, room.up)
        });
        if same && !purse.room.is_met() {
            return Ok(());
        }
        Err(format!(
            "account {account} has {purse:?}, by its rows {expected:?}"
        ))
    }

    /// Every live entry of every row, by account.
    fn found(&self) -> Result<BTreeMap<u32, Entries>, String> {
        let mut found: BTreeMap<u32, Entries> = BTreeMap::new();
        for (instrument, quoted) in self.quoted.iter().enumerate() {
            for (number, rung) in quoted.rungs.iter().enumerate() {
                if !rung.is_empty() && rung.is_left(self.prices[instrument]) {
                    return Err(format!("rung {number} of instrument {instrument} is left"));
                }
                let tag = |who: u32| self.marks[who as usize].tag;
                let seats = &self.seats[number];
                let seat_tag = |who: u32| seats.plain.tag(who);
                let purse_tag = |who: u32| seats.purses.get(who).tag;
                let mut note = |account: u32, row: u8, coef: i64| {
                    let page = &self.pages.legs[self.marks[account as usize].page];
                    if usize::from(page.rung) != number {
                        return Err(format!("account {account} stands on rung {number}, too"));
                    }
                    let entries = found.entry(account).or_default();
                    match entries.insert((instrument as u16, row), coef) {
                        None => Ok(()),
                        // Pages of an account are entered one by one.
                        Some(other) => {
                            entries.insert((instrument as u16, row), coef.wrapping_add(other));
                            Ok(())
                        }
                    }
                };
                for (who, _, coef) in rung.plain.entries(seat_tag) {
                    note(seats.plain.account(who), u8::from(coef < 0), coef)?;
                }
                for (who, _, coef) in rung.purses.entries(purse_tag) {
                    note(seats.purses.get(who).account, u8::from(coef < 0), coef)?;
                }
                for (who, ..) in rung.factors.entries(purse_tag) {
                    note(seats.purses.get(who).account, 2, 0)?;
                }
                for (who, ..) in rung.boxed.entries(tag) {
                    note(who, 3, 0)?;
                }
            }
        }
        Ok(found)
    }

    /// Where an account should stand.
    fn wanted(&self, account: u32) -> Entries {
        let mark = &self.marks[account as usize];
        let mut wanted = Entries::new();
        if mark.page == NONE || mark.class == Class::Nowhere {
            return wanted;
        }
        let boxed = mark.class == Class::Boxed;
        for at in self.pages.walk(mark.page) {
            let page = &self.pages.legs[at.page];
            let coef = page.coef[at.index];
            let row = if boxed { 3 } else { u8::from(coef < 0) };
            let sum = wanted.entry((page.instrument[at.index], row)).or_default();
            *sum = if boxed { 0 } else { sum.wrapping_add(coef) };
        }
        for (page, at) in self.pages.factors(mark.page) {
            let row = if boxed { 3 } else { 2 };
            wanted.insert((self.pages.rates[page].factor[at], row), 0);
        }
        wanted
    }

    /// Every loss price that should wait in its ladder does.
    fn audit_losses(&self) -> Result<(), String> {
        let mut waiting = 0;
        for (instrument, quoted) in self.quoted.iter().enumerate() {
            for (ladder, steps) in quoted.losses.iter().enumerate() {
                let mut live: Vec<u64> = steps
                    .entries(&self.pool)
                    .filter(|entry| {
                        super::losses::is_live(&self.pages, &self.marks, instrument, ladder, *entry)
                    })
                    .collect();
                live.sort_unstable();
                live.dedup();
                waiting += live.len();
            }
        }
        let mut wanted = 0;
        for account in 0..self.marks.len() as u32 {
            let mark = &self.marks[account as usize];
            if mark.page == NONE || self.pages.legs[mark.page].pending != NONE {
                continue;
            }
            let mut prices = Vec::new();
            for at in self.pages.walk(mark.page) {
                let page = &self.pages.legs[at.page];
                let bit = 1 << at.index;
                if page.loss_set & !page.converted & bit != 0 {
                    if page.loss_put & bit == 0 {
                        return Err(format!("a loss price of account {account} waits nowhere"));
                    }
                    let side = page.coef[at.index] < 0;
                    let back = page.loss_back & bit != 0;
                    prices.push((page.instrument[at.index], side, back, page.loss[at.index]));
                }
            }
            prices.sort_unstable();
            prices.dedup();
            wanted += prices.len();
        }
        if waiting < wanted {
            return Err(format!("{wanted} loss prices, {waiting} entries"));
        }
        Ok(())
    }
}
