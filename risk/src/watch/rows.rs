//! Rows: who follows one price of an instrument, on one rung. Memory is read in order, one addition per holder.
//!
//! The higher the rung, the further a price may go before its row is swept, and the further from their thresholds the
//! accounts stand that are in it. Each of them has a seat on its rung, side by side with the others there, so that a row
//! finds what it adds to in few places. An account that leaves its seat bumps the seat's tag: what it leaves behind in
//! rows is stale and goes when its row is swept or grows.

use super::chunks::Chunks;
use super::purse::{Purse, Rates};

/// Rungs. Nothing moves unseen on the lowest; on each further one a price may go twice as far.
pub const RUNGS: usize = 21;
/// On the first rung above the lowest a price may move by this part of itself, as a power of two.
const FINEST_LOG: u32 = 21;
/// A reach is counted in these parts of a step before it is cut to whole ones.
pub const REACH_PARTS_LOG: u32 = 8;
/// The highest tag; behind it all rows are cleaned and tags begin anew.
pub const TAG_MAX: u16 = (1 << 14) - 1;
/// A row is cleaned when this part of it is stale, as a power of two, ...
const STALE_LOG: u32 = 2;
/// ... and more than these.
const STALE_FEW: u32 = 32;
/// What lies far apart in memory is read so many at a time, before it is worked on: one after the other each would wait.
pub const SIDE_BY_SIDE: usize = 32;
/// One in so many entries of a swept row asks whether a higher rung would do.
const CLIMBS_LOG: u32 = 6;

/// What one addition takes: which seat, since when, which pocket of a purse, and what a step is worth there.
#[derive(Clone, Debug, Default)]
pub struct Row {
    who: Vec<u32>,
    /// The tag above, two bits of the purse below.
    tag: Vec<u16>,
    coef: Vec<i64>,
    stale: u32,
    /// Who asks next whether a higher rung would do.
    cursor: u32,
}

impl Row {
    /// Nobody is in it, or ever was since it was cleaned.
    pub fn is_empty(&self) -> bool {
        self.who.is_empty()
    }

    /// Takes an entry in; `live` tells the tag of now.
    pub fn push(&mut self, who: u32, tag: u16, purse: u8, coef: i64, live: impl Fn(u32) -> u16) {
        if self.who.len() == self.who.capacity() {
            if self.stale > STALE_FEW {
                self.clean(live);
            }
            // By an eighth: rows are a third of all that is held.
            let more = self.who.len() / 8 + 4;
            self.who.reserve_exact(more);
            self.tag.reserve_exact(more);
            self.coef.reserve_exact(more);
        }
        self.who.push(who);
        self.tag.push(tag << 2 | u16::from(purse));
        self.coef.push(coef);
    }

    /// One entry of it is stale.
    pub fn left(&mut self) {
        self.stale = self.stale.saturating_add(1);
    }

    /// Drops what is stale.
    pub fn clean(&mut self, live: impl Fn(u32) -> u16) {
        let mut kept = 0;
        for at in 0..self.who.len() {
            let (who, tag, coef) = (self.who[at], self.tag[at], self.coef[at]);
            (self.who[kept], self.tag[kept], self.coef[kept]) = (who, tag, coef);
            kept += usize::from(tag >> 2 == live(who));
        }
        self.who.truncate(kept);
        self.tag.truncate(kept);
        self.coef.truncate(kept);
        self.stale = 0;
    }

    /// Tags begin anew: whoever is left carries the first one.
    pub fn retag(&mut self, live: impl Fn(u32) -> u16) {
        self.clean(live);
        self.tag.iter_mut().for_each(|tag| *tag &= 3);
    }

    fn clean_if_stale(&mut self, live: impl Fn(u32) -> u16) {
        if self.stale > STALE_FEW && self.stale as usize > self.who.len() >> STALE_LOG {
            self.clean(live);
        }
    }

    /// Those who are in it: who, which purse, what a step is worth.
    pub fn entries<'a>(
        &'a self,
        live: impl Fn(u32) -> u16 + 'a,
    ) -> impl Iterator<Item = (u32, u8, i64)> + 'a {
        let all = self.who.iter().zip(&self.tag).zip(&self.coef);
        all.filter(move |((who, tag), _)| *tag >> 2 == live(**who))
            .map(|((who, tag), coef)| (*who, (*tag & 3) as u8, *coef))
    }

    /// Every account in it follows a move; appends those that may have come to a threshold.
    #[inline(never)] // its loop needs the registers
    pub fn sweep(&mut self, moved: i64, seats: &mut Chunks<Seat>, met: &mut Vec<u32>) {
        if self.who.is_empty() {
            return;
        }
        self.clean_if_stale(|who| seats[who].tag);
        let from = met.len();
        met.resize(from + self.who.len() + 1, 0);
        let met_now = &mut met[from..];
        let mut count = 0;
        for ((who, tag), coef) in self.who.iter().zip(&self.tag).zip(&self.coef) {
            let seat = &mut seats[*who];
            let live = *tag >> 2 == seat.tag;
            let by = coef.wrapping_mul(moved) & -i64::from(live);
            seat.down = seat.down.wrapping_add(by);
            seat.up = seat.up.wrapping_sub(by);
            met_now[count] = seat.account;
            count += usize::from(live & ((seat.down <= 0) | (seat.up <= 0)));
        }
        met.truncate(from + count);
    }

    /// The same with purses: their worth follows the move, the rates are those of now.
    #[inline(never)]
    pub fn sweep_purses(
        &mut self,
        moved: i64,
        purses: &mut Chunks<Purse>,
        (rung, rates): (usize, &Rates),
        met: &mut Vec<u32>,
    ) {
        self.clean_if_stale(|who| purses[who].tag);
        for ((who, tag), coef) in self.who.iter().zip(&self.tag).zip(&self.coef) {
            let purse = &mut purses[*who];
            if *tag >> 2 == purse.tag
                && purse.follow(usize::from(*tag & 3), coef.wrapping_mul(moved), rung, rates)
            {
                met.push(purse.account);
            }
        }
    }

    /// Some who may ask for a higher rung, others the next time.
    pub fn some(&mut self) -> &[u32] {
        let len = self.who.len();
        let count = (len >> CLIMBS_LOG).max(1).min(len);
        let from = self.cursor as usize % len.max(1);
        let until = (from + count).min(len);
        self.cursor = until as u32;
        &self.who[from..until]
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.who.capacity() * 4 + self.tag.capacity() * 2 + self.coef.capacity() * 8
    }
}

/// What an account may lose, and gain, before it must be looked at, with all its prices at their worst inside their
/// reach; in its units, at the prices its rows were swept at.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    pub down: i64,
    pub up: i64,
    pub account: u32,
    /// Entries of rows that carry another tag are stale.
    pub tag: u16,
}

/// More than any result takes.
pub const FAR: i64 = 1 << 62;

impl Seat {
    /// Nobody's seat.
    pub const EMPTY: Seat = Seat {
        down: FAR,
        up: FAR,
        account: 0,
        tag: 0,
    };
}

const _: () = assert!(size_of::<Seat>() == 24);

/// Everybody who stands on one rung: seats of plain accounts, and purses of converted ones.
#[derive(Clone, Debug, Default)]
pub struct Seats {
    pub plain: Chunks<Seat>,
    pub purses: Chunks<Purse>,
}

impl Seats {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.plain.bytes() + self.purses.bytes()
    }
}

/// Everybody on one rung who follows an instrument.
#[derive(Clone, Debug, Default)]
pub struct Rung {
    /// Bid and ask at the last sweep.
    pub at: [i64; 2],
    /// How far each of them may go until the next one.
    pub reach: i64,
    /// Accounts without conversion, by the side that closes their positions.
    pub plain: [Row; 2],
    /// Purses, by the side.
    pub purses: [Row; 2],
    /// Purses that the instrument's price converts.
    pub factors: Row,
    /// Accounts that are looked at at every sweep.
    pub boxed: Row,
}

impl Rung {
    /// Nobody is here.
    pub fn is_empty(&self) -> bool {
        let sides = self.plain.iter().chain(&self.purses);
        sides.chain([&self.factors, &self.boxed]).all(Row::is_empty)
    }

    /// A price has left what it may do unseen.
    pub fn is_left(&self, prices: [i64; 2]) -> bool {
        let apart = |side: usize| prices[side].abs_diff(self.at[side]);
        apart(0) > self.reach as u64 || apart(1) > self.reach as u64
    }

    /// The accounts of every live entry; some of them more than once.
    pub fn accounts<'a>(
        &'a self,
        seats: &'a Seats,
        tags: &'a [u16],
    ) -> impl Iterator<Item = u32> + 'a {
        let plain = self.plain.iter().flat_map(|row| {
            let live = row.entries(|who| seats.plain[who].tag);
            live.map(|(who, ..)| seats.plain[who].account)
        });
        let boxed = self.boxed.entries(|who| tags[who as usize]);
        plain
            .chain(self.purse_accounts(seats))
            .chain(boxed.map(|(who, ..)| who))
    }

    /// The same of those with purses.
    pub fn purse_accounts<'a>(&'a self, seats: &'a Seats) -> impl Iterator<Item = u32> + 'a {
        let rows = self.purses.iter().chain([&self.factors]);
        rows.flat_map(|row| {
            let live = row.entries(|who| seats.purses[who].tag);
            live.map(|(who, ..)| seats.purses[who].account)
        })
    }

    /// Some accounts that may ask for a higher rung, others the next time.
    pub fn some(&mut self, seats: &Seats, into: &mut Vec<u32>) {
        for row in &mut self.plain {
            into.extend(row.some().iter().map(|who| seats.plain[*who].account));
        }
        for row in self.purses.iter_mut().chain([&mut self.factors]) {
            into.extend(row.some().iter().map(|who| seats.purses[*who].account));
        }
        into.extend(self.boxed.some());
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let sides = self.plain.iter().chain(&self.purses);
        let rows = sides.chain([&self.factors, &self.boxed]);
        rows.map(Row::bytes).sum()
    }
}

/// How far a price may go on the first rung above the lowest, in parts of a step.
pub fn finest(price: i64) -> u64 {
    let parts = u128::from(price.unsigned_abs()) << REACH_PARTS_LOG;
    ((parts >> FINEST_LOG) as u64).clamp(1, 1 << 40)
}

/// Whole steps that a price may go on a rung.
pub fn reach(finest: u64, rung: usize) -> i64 {
    if rung == 0 {
        return 0;
    }
    let parts = u128::from(finest) << (rung - 1);
    (parts >> REACH_PARTS_LOG).min(1 << 40) as i64
}
