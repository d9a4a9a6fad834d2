//! Rows: who follows one price of an instrument, on one rung. Memory is read in order, one addition per holder.
//!
//! The higher the rung, the further a price may go before its row is swept, and the further from their thresholds the
//! accounts stand that are in it. Each of them has a seat on its rung, side by side with the others there, so that a row
//! finds what it adds to in few places. An account that leaves its seat bumps the seat's tag: what it leaves behind in
//! rows is stale and goes when its row is swept or grows.

use super::page::Mark;
use super::purse::{Guard, POCKETS, Purse, Rate, Rates};

/// Rungs. Nothing moves unseen on the lowest; on each further one a price may go twice as far.
pub const RUNGS: usize = 21;
/// On the first rung above the lowest a price may move by this part of itself, as a power of two.
const FINEST_LOG: u32 = 21;
/// A reach is counted in these parts of a step before it is cut to whole ones.
pub const REACH_PARTS_LOG: u32 = 8;
/// A pace at most so many times the last one counts, as a power of two, ...
const PACE_RISE_LOG: u32 = 4;
/// ... and this part of what is too much is forgotten with every price.
const PACE_FALL: u64 = 32;
/// The highest tag: behind it a seat is nobody's for good, since no entry can carry what comes next.
pub const TAG_MAX: u16 = (1 << 14) - 1;
/// A row is cleaned when this part of it is stale, as a power of two, ...
const STALE_LOG: u32 = 2;
/// ... and more than these.
const STALE_FEW: u32 = 32;
/// What lies far apart in memory is read so many at a time, before it is worked on: one after the other each would wait.
pub const SIDE_BY_SIDE: usize = 32;
/// One in so many entries of a swept row asks whether a higher rung would do.
const CLIMBS_LOG: u32 = 6;

/// What one addition takes: which seat, since when, and what a step is worth there. Positive of a position that closes
/// at the bid, negative of one that closes at the ask.
#[derive(Clone, Copy, Debug)]
struct Entry {
    coef: i32,
    who: u32,
    /// The tag above, two bits of the pocket below.
    tag: u16,
}

const _: () = assert!(size_of::<Entry>() == 12);

/// Everybody on one rung who follows one price, in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Row {
    entries: Vec<Entry>,
    stale: u32,
    /// Who asks next whether a higher rung would do.
    cursor: u32,
}

impl Row {
    /// Nobody is in it, or ever was since it was cleaned.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes an entry in; `live` tells the tag of now. What the positions of one page are worth a step together is never
    /// more than 32 bits take.
    pub fn push(&mut self, who: u32, tag: u16, pocket: u8, coef: i64, live: impl Fn(u32) -> u16) {
        if self.entries.len() == self.entries.capacity() {
            // Cleaned first when that gives as much room as growing would.
            if self.stale as usize > self.entries.len() / 16 {
                self.clean(live);
            }
            // By a little: rows are a third of all that is held, and a long one grows where it is.
            if self.entries.len() == self.entries.capacity() {
                self.entries.reserve_exact(self.entries.len() / 32 + 16);
            }
        }
        debug_assert!(i32::try_from(coef).is_ok());
        let (coef, tag) = (coef as i32, tag << 2 | u16::from(pocket));
        self.entries.push(Entry { coef, who, tag });
    }

    /// One entry of it is stale.
    pub fn left(&mut self) {
        self.stale = self.stale.saturating_add(1);
    }

    /// Drops what is stale.
    pub fn clean(&mut self, live: impl Fn(u32) -> u16) {
        self.entries
            .retain(|entry| entry.tag >> 2 == live(entry.who));
        self.stale = 0;
    }

    /// Tags begin anew: whoever is left carries the first one.
    pub fn retag(&mut self, live: impl Fn(u32) -> u16) {
        self.clean(live);
        self.entries.iter_mut().for_each(|entry| entry.tag &= 3);
    }

    /// Drops what is stale when it is much, or all.
    pub fn clean_if_stale(&mut self, live: impl Fn(u32) -> u16) {
        let part = (self.entries.len() >> STALE_LOG) as u32;
        if self.stale > STALE_FEW.max(part) || self.stale as usize >= self.entries.len() {
            self.clean(live);
        }
    }

    /// Those who are in it: who, which pocket, what a step is worth.
    pub fn entries<'a>(
        &'a self,
        live: impl Fn(u32) -> u16 + 'a,
    ) -> impl Iterator<Item = (u32, u8, i64)> + 'a {
        let all = self.entries.iter();
        all.filter(move |entry| entry.tag >> 2 == live(entry.who))
            .map(|entry| (entry.who, (entry.tag & 3) as u8, i64::from(entry.coef)))
    }

    /// Every account in it follows a move of bid and ask; appends those that may have come to a threshold. `found` is
    /// reused between sweeps.
    #[inline(never)] // its loop needs the registers
    pub fn sweep(
        &mut self,
        moved: [i64; 2],
        seats: &mut PlainSeats,
        found: &mut Vec<u32>,
        met: &mut Vec<u32>,
    ) {
        if self.entries.is_empty() {
            return;
        }
        self.clean_if_stale(|who| seats.tag(who));
        if found.len() <= self.entries.len() {
            found.resize(self.entries.len() + 1, 0);
        }
        let found = &mut found[..=self.entries.len()];
        let mut count = 0;
        for entry in &self.entries {
            let chunk = &mut *seats.chunks[(entry.who >> SEATS_LOG) as usize];
            let at = entry.who as usize & (SEATS - 1);
            let held = chunk.held[at];
            let live = entry.tag >> 2 == held.tag;
            let moved = moved[usize::from(entry.coef < 0)];
            let by = i64::from(entry.coef).wrapping_mul(moved) & -i64::from(live);
            let down = chunk.down[at].wrapping_add(by);
            chunk.down[at] = down;
            found[count] = entry.who;
            count += usize::from(live & held.is_met(down));
        }
        met.extend(found[..count].iter().map(|who| seats.account(*who)));
    }

    /// The same with purses.
    #[inline(never)]
    pub fn sweep_purses(
        &mut self,
        moved: [i64; 2],
        purses: &mut Purses,
        (rung, rates): (usize, &Rates),
        met: &mut Vec<u32>,
    ) {
        self.clean_if_stale(|who| purses.get(who).tag);
        for entry in &self.entries {
            let purse = purses.get_mut(entry.who);
            let moved = moved[usize::from(entry.coef < 0)];
            let by = i64::from(entry.coef).wrapping_mul(moved);
            if entry.tag >> 2 == purse.tag
                && purse.follow(usize::from(entry.tag & 3), by, rung, rates)
            {
                met.push(purse.account);
            }
        }
    }

    /// Every purse in it is converted at other rates; appends the accounts that may have come to a threshold.
    #[inline(never)]
    pub fn convert(&mut self, purses: &mut Purses, old: &[Rate], new: &[Rate], met: &mut Vec<u32>) {
        self.clean_if_stale(|who| purses.get(who).tag);
        for entry in &self.entries {
            let (purse, guard) = purses.both(entry.who);
            if entry.tag >> 2 == purse.tag && purse.convert(guard, old, new) {
                met.push(purse.account);
            }
        }
    }

    /// Some who may ask for a higher rung, others the next time.
    fn some(&mut self) -> impl Iterator<Item = u32> + '_ {
        let len = self.entries.len();
        let count = (len >> CLIMBS_LOG).max(1).min(len);
        let from = self.cursor as usize % len.max(1);
        let until = (from + count).min(len);
        self.cursor = until as u32;
        self.entries[from..until].iter().map(|entry| entry.who)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }
}

/// What an account may lose, and gain, before it must be looked at, with all its prices at their worst inside their
/// reach; in its units, at the prices its rows were swept at.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub down: i64,
    pub up: i64,
}

/// More than any result takes.
pub const FAR: i64 = 1 << 62;

impl Room {
    /// Nothing is ever met.
    pub const FAR: Room = Room { down: FAR, up: FAR };

    /// A threshold may be met.
    #[inline]
    pub fn is_met(&self) -> bool {
        (self.down <= 0) | (self.up <= 0)
    }
}

/// Places of free seats that a new chunk brings along, so that few accounts on the move allocate nothing.
const FREE_FEW: usize = 64;
/// Seats of one chunk, as a power of two.
const SEATS_LOG: u32 = 10;
const SEATS: usize = 1 << SEATS_LOG;

/// A number of at most 63 bits in sixteen: ten bits, and how far they are shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Short(u16);

const SHORT_LOG: u32 = 6;
const SHORT_BITS: u32 = 16 - SHORT_LOG;
/// So little of a room that is bounded on both sides may be kept unused, as a power of two.
pub const UNUSED_LOG: u32 = SHORT_BITS - 2;

impl Short {
    /// More than any room.
    const MOST: Short = Short::floor(1 << 63);

    /// The largest one that is not above a number.
    const fn floor(value: u64) -> Short {
        let shift = (64 - value.leading_zeros()).saturating_sub(SHORT_BITS);
        Short(((value >> shift) << SHORT_LOG) as u16 | shift as u16)
    }

    #[inline]
    const fn value(self) -> u64 {
        ((self.0 >> SHORT_LOG) as u64) << (self.0 & ((1 << SHORT_LOG) - 1))
    }
}

/// What a sweep compares: the tag of a seat, and between what its room may lie.
#[derive(Clone, Copy, Debug)]
struct Held {
    tag: u16,
    /// The room below and above together, less one. It stays when the result moves, so one of both says the other.
    width: Short,
}

impl Held {
    /// With so much room below a threshold may be met, there or above.
    #[inline]
    fn is_met(self, down: i64) -> bool {
        down.wrapping_sub(1) as u64 >= self.width.value()
    }
}

/// Seats side by side: what a sweep changes, what it compares, and what it does not read.
#[derive(Clone, Debug)]
struct SeatChunk {
    down: [i64; SEATS],
    held: [Held; SEATS],
    account: [u32; SEATS],
    /// Room with which a higher rung may do.
    climbs: [Short; SEATS],
}

/// Seats of accounts without conversion on one rung.
#[derive(Clone, Debug, Default)]
pub struct PlainSeats {
    chunks: Vec<Box<SeatChunk>>,
    free: Vec<u32>,
    made: u32,
}

impl PlainSeats {
    /// A seat for an account. Its tag goes on from whoever had it before, so that what that one left in rows stays stale.
    pub fn take(&mut self, account: u32) -> u32 {
        let seat = self.free.pop().unwrap_or_else(|| {
            if self.made as usize == self.chunks.len() << SEATS_LOG {
                self.free.reserve(FREE_FEW);
                self.chunks.push(Box::new(SeatChunk {
                    down: [FAR; SEATS],
                    held: [Held {
                        tag: 0,
                        width: Short::MOST,
                    }; SEATS],
                    account: [0; SEATS],
                    climbs: [Short::MOST; SEATS],
                }));
            }
            self.made += 1;
            self.made - 1
        });
        let (chunk, at) = place(seat);
        self.chunks[chunk].account[at] = account;
        seat
    }

    /// Nobody's any more: what it left in rows is stale from now on.
    pub fn give(&mut self, seat: u32) {
        let (chunk, at) = place(seat);
        let tag = &mut self.chunks[chunk].held[at].tag;
        *tag += 1;
        if *tag <= TAG_MAX {
            self.free.push(seat);
        }
    }

    /// Entries of rows that carry another tag are stale.
    #[inline]
    pub fn tag(&self, seat: u32) -> u16 {
        let (chunk, at) = place(seat);
        self.chunks[chunk].held[at].tag
    }

    /// Whose it is.
    pub fn account(&self, seat: u32) -> u32 {
        let (chunk, at) = place(seat);
        self.chunks[chunk].account[at]
    }

    /// Its room.
    pub fn room(&self, seat: u32) -> Room {
        let (chunk, at) = place(seat);
        let (down, width) = (
            self.chunks[chunk].down[at],
            self.chunks[chunk].held[at].width,
        );
        let up = match width {
            Short::MOST => FAR,
            width => (width.value() as i64 + 1).wrapping_sub(down),
        };
        Room { down, up }
    }

    /// Sets its room, or a little less of it where both sides are bounded: at most [`UNUSED_LOG`] of both together, and
    /// that of the greater side.
    pub fn set_room(&mut self, seat: u32, room: Room) {
        let (chunk, at) = place(seat);
        let chunk = &mut *self.chunks[chunk];
        if room.up >= FAR {
            (chunk.down[at], chunk.held[at].width) = (room.down, Short::MOST);
            return;
        }
        let (down, up) = (room.down.max(0), room.up.max(0));
        let Some(width @ 1..) = (down as u64 + up as u64).checked_sub(1) else {
            // Met wherever it goes.
            (chunk.down[at], chunk.held[at].width) = (-FAR, Short::floor(1));
            return;
        };
        let width = Short::floor(width);
        let both = width.value() as i64 + 1;
        chunk.held[at].width = width;
        chunk.down[at] = if down <= up {
            down.min(both / 2)
        } else {
            both - up.min(both / 2)
        };
    }

    /// With how much room its account asks for a higher rung.
    pub fn set_climbs(&mut self, seat: u32, room: u64) {
        let (chunk, at) = place(seat);
        self.chunks[chunk].climbs[at] = Short::floor(room);
    }

    /// The account may ask for a higher rung.
    fn may_climb(&self, seat: u32) -> bool {
        let (chunk, at) = place(seat);
        let room = self.room(seat);
        room.down.min(room.up).max(0) as u64 >= self.chunks[chunk].climbs[at].value()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.chunks.len() * size_of::<SeatChunk>()
            + self.chunks.capacity() * size_of::<Box<SeatChunk>>()
            + self.free.capacity() * 4
    }
}

#[inline]
fn place(seat: u32) -> (usize, usize) {
    ((seat >> SEATS_LOG) as usize, seat as usize & (SEATS - 1))
}

/// Purses of one chunk, as a power of two.
const PURSES_LOG: u32 = 8;
const PURSES: usize = 1 << PURSES_LOG;

/// Purses side by side, and what each of their currencies may be off by.
#[derive(Clone, Debug)]
struct PurseChunk {
    purses: [Purse; PURSES],
    guards: [[Guard; POCKETS]; PURSES],
}

/// Purses of converted accounts on one rung.
#[derive(Clone, Debug, Default)]
pub struct Purses {
    chunks: Vec<Box<PurseChunk>>,
    free: Vec<u32>,
    made: u32,
}

impl Purses {
    /// A purse for an account. Its tag goes on from whoever had it before.
    pub fn take(&mut self, account: u32) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            if self.made as usize == self.chunks.len() << PURSES_LOG {
                self.free.reserve(FREE_FEW);
                self.chunks.push(Box::new(PurseChunk {
                    purses: [Purse::EMPTY; PURSES],
                    guards: [[Guard::NONE; POCKETS]; PURSES],
                }));
            }
            self.made += 1;
            self.made - 1
        });
        self.get_mut(number).account = account;
        number
    }

    /// Nobody's any more: what it left in rows is stale from now on.
    pub fn give(&mut self, number: u32) {
        let purse = self.get_mut(number);
        purse.tag += 1;
        if purse.tag <= TAG_MAX {
            self.free.push(number);
        }
    }

    /// A purse.
    #[inline]
    pub fn get(&self, number: u32) -> &Purse {
        let chunk = &self.chunks[(number >> PURSES_LOG) as usize];
        &chunk.purses[number as usize & (PURSES - 1)]
    }

    /// The same, to change it.
    #[inline]
    pub fn get_mut(&mut self, number: u32) -> &mut Purse {
        let chunk = &mut self.chunks[(number >> PURSES_LOG) as usize];
        &mut chunk.purses[number as usize & (PURSES - 1)]
    }

    /// A purse and what its currencies may be off by.
    #[inline]
    pub fn both(&mut self, number: u32) -> (&mut Purse, &mut [Guard; POCKETS]) {
        let chunk = &mut *self.chunks[(number >> PURSES_LOG) as usize];
        let at = number as usize & (PURSES - 1);
        (&mut chunk.purses[at], &mut chunk.guards[at])
    }

    /// What its currencies may be off by.
    pub fn guard(&self, number: u32) -> &[Guard; POCKETS] {
        let chunk = &self.chunks[(number >> PURSES_LOG) as usize];
        &chunk.guards[number as usize & (PURSES - 1)]
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.chunks.len() * size_of::<PurseChunk>()
            + self.chunks.capacity() * size_of::<Box<PurseChunk>>()
            + self.free.capacity() * 4
    }
}

/// Everybody who stands on one rung: seats of plain accounts, and purses of converted ones.
#[derive(Clone, Debug, Default)]
pub struct Seats {
    pub plain: PlainSeats,
    pub purses: Purses,
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
    /// Accounts without conversion.
    pub plain: Row,
    pub purses: Row,
    /// Purses that the instrument's price converts.
    pub factors: Row,
    /// Accounts that are looked at at every sweep.
    pub boxed: Row,
}

impl Rung {
    fn rows(&self) -> [&Row; 4] {
        [&self.plain, &self.purses, &self.factors, &self.boxed]
    }

    /// Nobody is here.
    pub fn is_empty(&self) -> bool {
        self.rows().into_iter().all(Row::is_empty)
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
        marks: &'a [Mark],
    ) -> impl Iterator<Item = u32> + 'a {
        let plain = self.plain.entries(|who| seats.plain.tag(who));
        let boxed = self.boxed.entries(|who| marks[who as usize].tag);
        plain
            .map(|(who, ..)| seats.plain.account(who))
            .chain(self.purse_accounts(seats))
            .chain(boxed.map(|(who, ..)| who))
    }

    /// The same of those with purses.
    pub fn purse_accounts<'a>(&'a self, seats: &'a Seats) -> impl Iterator<Item = u32> + 'a {
        let rows = [&self.purses, &self.factors].into_iter();
        rows.flat_map(|row| {
            let live = row.entries(|who| seats.purses.get(who).tag);
            live.map(|(who, ..)| seats.purses.get(who).account)
        })
    }

    /// Some accounts that may ask for a higher rung, others the next time.
    pub fn some(&mut self, seats: &Seats, into: &mut Vec<u32>) {
        let plain = self.plain.some();
        let plain = plain.filter(|who| seats.plain.may_climb(*who));
        into.extend(plain.map(|who| seats.plain.account(who)));
        into.extend(self.purses.some().map(|who| seats.purses.get(who).account));
        into.extend(self.boxed.some());
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.rows().into_iter().map(Row::bytes).sum()
    }
}

/// How far a price may go on the first rung above the lowest, in parts of a step.
pub fn finest(price: i64) -> u64 {
    let parts = u128::from(price.unsigned_abs()) << REACH_PARTS_LOG;
    ((parts >> FINEST_LOG) as u64).clamp(1, 1 << 40)
}

/// How far a price goes lately, when it was so far and has gone this many steps now.
pub fn paced(pace: u64, moved: u64) -> u64 {
    let moved = moved.min(1 << 40) << REACH_PARTS_LOG;
    // One gap is not yet a pace, a second one is: it rises by a multiple and falls by a part.
    let most = pace.max(1) << PACE_RISE_LOG;
    if moved > pace {
        pace + (moved.min(most) - pace.min(most)) / 4
    } else {
        pace - (pace - moved) / PACE_FALL
    }
}

/// Whole steps that a price may go on a rung.
pub fn reach(finest: u64, rung: usize) -> i64 {
    if rung == 0 {
        return 0;
    }
    let parts = u128::from(finest) << (rung - 1);
    (parts >> REACH_PARTS_LOG).min(1 << 40) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::scaled::{Scaled, Towards};

    #[test]
    fn a_sweep_follows_bids_and_asks_and_meets_whoever_has_no_room() {
        let mut seats = PlainSeats::default();
        let mut row = Row::default();
        for (account, coef, down) in [(7, 2, 100), (8, -3, 100), (9, 1, 11), (10, 5, 100)] {
            let seat = seats.take(account);
            seats.set_room(seat, Room { down, up: FAR });
            row.push(seat, seats.tag(seat), 0, coef, |who| seats.tag(who));
        }
        // The last one has left since.
        seats.give(3);
        let (mut found, mut met) = (Vec::new(), vec![1]);
        row.sweep([-10, 5], &mut seats, &mut found, &mut met);
        let down: Vec<i64> = (0..4).map(|seat| seats.room(seat).down).collect();
        assert_eq!(down, [80, 85, 1, 100]);
        assert_eq!((seats.room(0).up, met.clone()), (FAR, vec![1]));
        row.sweep([-1, 0], &mut seats, &mut found, &mut met);
        assert_eq!(met, [1, 9]);
        assert_eq!(row.entries(|who| seats.tag(who)).count(), 3);
    }

    #[test]
    fn a_seat_with_room_on_both_sides_is_met_on_either_and_never_too_late() {
        let mut seats = PlainSeats::default();
        let seat = seats.take(1);
        let sizes = [
            0,
            1,
            2,
            3,
            700,
            1_023,
            1_025,
            123_457,
            1 << 40,
            (1 << 61) + 77,
            FAR,
        ];
        for (down, up) in sizes.iter().flat_map(|down| sizes.map(|up| (*down, up))) {
            seats.set_room(seat, Room { down, up });
            let room = seats.room(seat);
            if down.max(up) < 2 && down + up < 2 {
                assert!([-1, 0, 1].iter().all(|moved| {
                    let chunk = &seats.chunks[0];
                    chunk.held[0].is_met(chunk.down[0] + moved)
                }));
                continue;
            }
            assert!(room.down <= down && room.up <= up, "{down}, {up}: {room:?}");
            let met = |moved: i64| {
                let chunk = &seats.chunks[0];
                chunk.held[0].is_met(chunk.down[0] + moved)
            };
            assert_eq!(met(0), down == 0 || up == 0, "{down}, {up}: {room:?}");
            if met(0) {
                continue;
            }
            assert!(!met(1 - room.down) && met(-room.down));
            if up == FAR {
                assert_eq!((room.down, room.up, met(FAR / 2)), (down, FAR, false));
                continue;
            }
            assert!(!met(room.up - 1) && met(room.up));
            let (kept, had) = (room.down + room.up, down + up);
            assert!(had - kept <= had >> UNUSED_LOG, "{down}, {up}: {room:?}");
            assert!(room.down.min(room.up) + 1 >= down.min(up) - (down.min(up) >> UNUSED_LOG));
        }
    }

    #[test]
    fn only_who_has_room_for_it_asks_for_a_higher_rung() {
        let mut seats = Seats::default();
        let mut rung = Rung::default();
        for (account, down) in [(1, 999), (2, 1_000)] {
            let seat = seats.plain.take(account);
            seats.plain.set_room(seat, Room { down, up: FAR });
            seats.plain.set_climbs(seat, 1_000);
            (rung.plain).push(seat, 0, 0, 1, |who| seats.plain.tag(who));
        }
        let mut asking = Vec::new();
        for _ in 0..4 {
            rung.some(&seats, &mut asking);
        }
        assert_eq!(asking, [2, 2]);
    }

    #[test]
    fn a_seat_that_changes_hands_leaves_nothing_behind() {
        let mut seats = PlainSeats::default();
        let mut row = Row::default();
        let seat = seats.take(1);
        row.push(seat, seats.tag(seat), 0, 100, |who| seats.tag(who));
        seats.give(seat);
        row.left();
        assert_eq!(seats.take(2), seat);
        seats.set_room(seat, Room { down: 50, up: 50 });
        let (mut found, mut met) = (Vec::new(), Vec::new());
        row.sweep([-1, 0], &mut seats, &mut found, &mut met);
        assert!(met.is_empty() && seats.room(seat).down == 50);
        // After its last tag nobody gets it: the same tag again would be taken for the first one.
        for _ in 0..TAG_MAX - seats.tag(seat) {
            seats.give(seat);
            assert_eq!(seats.take(3), seat);
        }
        seats.give(seat);
        assert_ne!(seats.take(4), seat);
        assert_eq!(row.entries(|who| seats.tag(who)).count(), 0);
    }

    #[test]
    fn reaches_double_and_the_lowest_rung_misses_nothing() {
        let finest = finest(1 << 30);
        assert_eq!(reach(finest, 0), 0);
        for rung in 2..RUNGS {
            let (one, next) = (reach(finest, rung - 1), reach(finest, rung));
            assert!((2 * one..=2 * one + 1).contains(&next), "rung {rung}");
        }
        assert_eq!(reach(super::finest(0), RUNGS - 1), (1 << (RUNGS - 2)) >> 8);
    }

    #[test]
    fn a_second_gap_is_a_pace_and_a_first_one_hardly() {
        let calm = (0..200).fold(0, |pace, _| paced(pace, 4));
        assert!((4 << 8) * 9 / 10 < calm && calm <= 4 << 8);
        let gap = paced(calm, 3_000);
        assert!(gap < 5 * calm);
        let storm = (0..8).fold(gap, |pace, _| paced(pace, 3_000));
        assert!(storm > 2_000 << 8);
        let after = (0..300).fold(storm, |pace, _| paced(pace, 4));
        assert!(after < 2 * calm);
    }

    #[test]
    fn a_purse_loses_room_by_prices_and_by_rates() {
        let mut rates = Rates::default();
        let rate = |bid: u64| {
            let bid = Scaled::whole(bid).over(Scaled::whole(1_000_000), Towards::Zero);
            Rate::of(Some(bid))
        };
        rates.set(0, rate(1_500_000));
        rates.set_kappas(0, [Some(1 << 20); RUNGS]);
        rates.sweep(0, 3);
        // 2,000 at one and a half, less a thousand; looked at below a hundred.
        let mut purse = Purse {
            room: Room {
                down: 1_900,
                up: FAR,
            },
            used: 2,
            rate: [crate::watch::purse::HOME, Rates::number(0), 0, 0],
            worth: [-1_000, 2_000, 0, 0],
            ..Purse::EMPTY
        };
        assert!(!purse.follow(1, -1_200, 3, &rates));
        assert!((80..=100).contains(&purse.room.down), "{purse:?}");
        assert!(!purse.follow(0, 7, 3, &rates));
        let old = [rates.swept(0, 3), rates.swept(1, 3)];
        rates.set(0, rate(1_370_000));
        let new = [rates.get(0), rates.get(1)];
        // 800 at 1.37 are 104 less.
        assert!(
            purse.convert(&[Guard::NONE; POCKETS], &old, &new),
            "{purse:?}"
        );
        assert!(purse.room.down <= 3 && purse.room.down > -40);
        let mut other = Purse {
            room: Room::FAR,
            ..purse
        };
        assert!(!other.convert(&[Guard::NONE; POCKETS], &new, &new));
        let lost = [new[0], Rate::of(None)];
        assert!(
            other.convert(&[Guard::NONE; POCKETS], &new, &lost),
            "nobody can say"
        );
    }
}
