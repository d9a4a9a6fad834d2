//! Which accounts may have crossed a threshold because of this mark.
//!
//! An account tells between which floating results nothing can change ([`Band`]). It stands on a rung: the further it is
//! from its thresholds, the higher. On a rung each price may go some way from where the rung's rows of its instrument were
//! swept last, and even all prices of an account at the worst end of that together leave it inside its band. So most
//! quotes concern nobody; one that goes too far sweeps the rows it has left, which is one addition for each of their
//! accounts, in the order of memory. Whoever an addition brings too near is looked at exactly, told when it is outside,
//! and placed anew: at once when they are few, by and by when a gap met many; until then they are looked at whenever a
//! price of theirs changes.
//!
//! The way up a rung doubles, so a calm market sweeps rows of a few accounts that stand near a threshold, a trend the
//! rows of all once in several quotes, and a gap each row once: as much as a full pass, and never much more.
//!
//! Everything here is derived from the book and the prices. It may name an account that has not crossed, and never
//! fails to name one that has.

mod audit;
mod chunks;
mod converted;
mod holders;
mod ladder;
mod leg;
mod losses;
mod mark;
mod page;
mod place;
mod purse;
mod rows;
mod scaled;
mod units;

pub use audit::{Bound, Bounds};
pub use leg::{Band, Holdings, Leg, Valuing, WORTH_MAX, Worth, raw, worth, worth_at};

use chunks::NONE;
use ladder::{Ladder, Pool};
use page::{ALWAYS, Class, DUE, Mark, OPAQUE, Pages, SHUT, STALE};
use purse::{Rate, Rates};
pub use rows::SIDE_BY_SIDE;
use rows::{RUNGS, Room, Rung, Seats};
use scaled::Scaled;
use units::Units;

/// What is placed anew at the end of one input, in units of about a tenth of a microsecond; the rest waits for the next
/// ones, and is looked at meanwhile. A place costs this many of them, ...
const PLACE_COSTS: usize = 4;
/// ... that of a converted account this many, ...
const CONVERTED_COSTS: usize = 8;
/// ... and one input may spend this many.
const SPENT_PER_INPUT: usize = 512 * PLACE_COSTS;
/// Where a price concerns many, one unit more for each so many of them: about what a full pass over them costs.
const HOLDERS_PER_UNIT: usize = 32;
/// Looking at one that waits costs half a unit, or this many halves when it is converted. As much as looking has cost may
/// be spent on ending it, should that be more.
const LOOK_HALVES: usize = 1;
const CONVERTED_LOOK_HALVES: usize = 2;
/// Accounts that wait, for which there is room from the start.
const WAITING: usize = 2_048;
/// Bits of a mask of instruments.
const MASK_BITS: u32 = 64;

/// One instrument as the watch sees it.
#[derive(Clone, Debug, Default)]
struct Quoted {
    /// Who follows it, by rung; none before somebody does.
    rungs: Vec<Rung>,
    /// Bids, and asks, at which no rung is left.
    quiet: [(i64, i64); 2],
    /// How far it may go on the first rung above the lowest, in parts of a step.
    finest: u64,
    /// How far it goes from price to price lately, in the same parts.
    pace: u64,
    /// Loss prices: the bid falls, the bid rises, the ask falls, the ask rises.
    losses: [Ladder; 4],
    known: bool,
    /// Bid or ask is too far from the base to be compared with what is counted from it.
    wild: bool,
    /// Reaches and loss prices are counted from it.
    base: i64,
    /// How far a dead price is moved, bid and ask.
    cut: [i64; 2],
    /// Where it stood when what its rates may do was counted, and the widest spread that was counted on.
    era: i64,
    spread_most: i64,
    /// Slots of the positions in it.
    own: Vec<u32>,
    /// Routes of conversion that go over it.
    routes: Vec<u16>,
}

/// Watches every account by rungs.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Bid and ask of every instrument.
    prices: Vec<[i64; 2]>,
    quoted: Vec<Quoted>,
    marks: Vec<Mark>,
    pages: Pages,
    /// By rung.
    seats: [Seats; RUNGS],
    rates: Rates,
    pool: Pool,
    units: Units,
    /// Bounds of the rate of each route in use, as prices are: the lowest bid and the highest ask.
    rated: Vec<Option<(Scaled, Scaled)>>,
    /// Accounts that wait for a place, with a mask of the instruments that concern them.
    pending: Vec<(u64, u32)>,
    // Reused between quotes.
    popped: Vec<u64>,
    met: Vec<u32>,
    found: Vec<u32>,
    looking: Vec<u32>,
    climbing: Vec<u32>,
    turned: Vec<Rate>,
    followed: Vec<u32>,
    /// Loss prices on their way into ladders that are built at once.
    staged: Vec<Vec<u64>>,
    /// What looking at accounts that wait has cost the last quote, half units.
    looked: usize,
    /// Positions in the instrument of the last quote.
    concerned: usize,
    /// Instruments that are wild.
    wild: u32,
    /// Instruments whose prices are dead.
    cuts: u32,
    /// Every holder is due at every touch: the full pass that the rungs are compared with.
    plain: bool,
    /// Halves what one input may do this many times, so that small books meet crowds.
    slow: u32,
    /// Reaches are made too wide by this many millionths: a fault that the audit must find.
    fault: u32,
}

impl Watch {
    /// A watch that knows the prices of now.
    pub fn new(view: Valuing<'_>) -> Watch {
        let mut watch = Watch::default();
        for (instrument, prices) in view.prices.iter().enumerate() {
            if prices.known {
                watch.quote(instrument as u32, prices);
            }
        }
        watch
    }

    /// As another one is set up for tests.
    pub fn with_hooks_of(mut self, other: &Watch) -> Watch {
        (self.plain, self.fault, self.slow) = (other.plain, other.fault, other.slow);
        self
    }

    /// For tests: whether every holder is due at every touch.
    pub fn set_plain(&mut self, on: bool) {
        self.plain = on;
    }

    /// For tests: reaches too wide by some millionths.
    pub fn set_fault(&mut self, millionths: u32) {
        self.fault = millionths;
        for quoted in &mut self.quoted {
            quoted.set_reaches(millionths);
        }
    }

    /// For tests: what one input may do is halved this many times.
    pub fn set_slow(&mut self, halvings: u32) {
        self.slow = halvings;
    }

    fn budget(&self, most: usize) -> usize {
        (most >> self.slow).max(1)
    }

    /// Results between which the account need not be looked at, and its floating result now (plain, and with dead
    /// prices moved against it).
    pub fn set_band(&mut self, account: u32, band: Band, now: (i128, i128)) {
        let Some(mark) = self.marks.get_mut(account as usize) else {
            return;
        };
        mark.flags &= !(STALE | SHUT);
        if mark.page == NONE {
            return;
        }
        if band == Band::SHUT {
            mark.flags |= SHUT;
        } else if mark.flags & OPAQUE == 0 {
            self.scale_band(account, band, now);
        }
        self.await_place(account);
    }

    /// The account is being looked at; it may become due again.
    pub fn taken(&mut self, account: u32) {
        if let Some(mark) = self.marks.get_mut(account as usize) {
            mark.flags &= !DUE;
        }
    }

    /// Places what waits for it, some of it.
    pub fn tend(&mut self, view: Valuing<'_>) {
        // Looked at once, paid once.
        let looked = std::mem::take(&mut self.looked);
        let concerned = std::mem::take(&mut self.concerned);
        let spent = SPENT_PER_INPUT.max(looked / 2);
        let mut left = self.budget(spent.max(concerned / HOLDERS_PER_UNIT));
        while left > 0 && !self.pending.is_empty() {
            let most = SIDE_BY_SIDE.min(left.div_ceil(PLACE_COSTS));
            let from = self.pending.len().saturating_sub(most);
            let mut some = std::mem::take(&mut self.looking);
            some.clear();
            some.extend(self.pending.drain(from..).map(|(_, account)| account));
            self.read_side_by_side(&some);
            for account in &some {
                left = left.saturating_sub(self.place_costs(*account));
                self.place_pending(*account, view);
            }
            self.looking = some;
        }
    }

    fn place_costs(&self, account: u32) -> usize {
        match self.marks[account as usize].page {
            NONE => 1,
            page if self.pages.legs[page].rates != NONE => CONVERTED_COSTS,
            _ => PLACE_COSTS,
        }
    }

    /// Places everything that waits for it; ladders that are empty are built at once.
    pub fn tend_all(&mut self, view: Valuing<'_>) {
        self.staged.resize_with(4 * self.quoted.len(), Vec::new);
        while let Some((_, account)) = self.pending.pop() {
            self.place_pending(account, view);
        }
        self.fill_losses();
        self.pending = Vec::with_capacity(WAITING);
    }

    fn place_pending(&mut self, account: u32, view: Valuing<'_>) {
        let page = self.marks[account as usize].page;
        if page != NONE && self.pages.legs[page].pending != NONE {
            self.pages.legs[page].pending = NONE;
            self.place(account, view);
        }
    }

    /// The account waits for its place, and is looked at whenever a price of its changes until it has one.
    fn await_place(&mut self, account: u32) {
        let page = self.marks[account as usize].page;
        if page == NONE || self.pages.legs[page].pending != NONE {
            return;
        }
        let (mut number, mut mask) = (page, 0);
        while number != NONE {
            let page = &self.pages.legs[number];
            for instrument in &page.instrument[..usize::from(page.len)] {
                mask |= bit(u32::from(*instrument));
            }
            number = page.next;
        }
        for (page, at) in self.pages.factors(page) {
            mask |= bit(u32::from(self.pages.rates[page].factor[at]));
        }
        self.pages.legs[page].pending = self.pending.len() as u32;
        self.pending.push((mask, account));
        // Its rows need not meet it any more.
        if self.marks[account as usize].class == Class::Summed {
            let page = &self.pages.legs[page];
            let seats = &mut self.seats[usize::from(page.rung)];
            if page.rates != NONE {
                seats.purses.get_mut(page.seat).room = Room::FAR;
            } else {
                seats.plain.set_room(page.seat, Room::FAR);
            }
        }
    }

    /// Its result lies outside its band, or one of its positions may change its own alert, or nobody can say.
    fn is_outside(&self, account: u32, view: Valuing<'_>) -> bool {
        let mark = &self.marks[account as usize];
        if mark.is(ALWAYS) || mark.page == NONE {
            return mark.page != NONE;
        }
        let page = &self.pages.legs[mark.page];
        if page.rates != NONE {
            return self.is_converted_outside(mark.page, view);
        }
        let result = self.result(mark.page);
        result <= page.low || result >= page.high || self.is_loss_met(mark.page)
    }

    /// The floating result of an account without conversion, in its units.
    fn result(&self, first: u32) -> i64 {
        let mut page = &self.pages.legs[first];
        let mut result = page.base;
        loop {
            for at in 0..page::LEGS {
                let side = usize::from(page.coef[at] < 0);
                let price = self.prices[usize::from(page.instrument[at])][side];
                result = result.wrapping_add(page.coef[at].wrapping_mul(price));
            }
            if page.next == NONE {
                return result;
            }
            page = &self.pages.legs[page.next];
        }
    }

    /// The exact floating result of an account in fine units, when it is known without division, no price is so far
    /// away that the sum may not fit, and no dead price moves it; the account was banded since its book changed.
    pub fn exact_result(&self, account: u32) -> Option<i128> {
        let mark = self.marks.get(account as usize)?;
        if mark.page == NONE || mark.is(ALWAYS) {
            return None;
        }
        if self.cuts + self.wild > 0 {
            let odd = |quoted: &Quoted| quoted.wild || quoted.cut != [0, 0];
            let mut legs = self.pages.walk(mark.page);
            if legs.any(|at| {
                odd(&self.quoted[usize::from(self.pages.legs[at.page].instrument[at.index])])
            }) {
                return None;
            }
        }
        let page = &self.pages.legs[mark.page];
        if page.rates != NONE {
            return None;
        }
        self.units.whole(page.unit, self.result(mark.page))
    }

    fn is_loss_met(&self, first: u32) -> bool {
        let mut number = first;
        while number != NONE {
            let page = &self.pages.legs[number];
            if page.loss_set != 0 {
                for at in 0..usize::from(page.len) {
                    if page.loss_set >> at & 1 == 1 && self.is_at_loss(number, at) {
                        return true;
                    }
                }
            }
            number = page.next;
        }
        false
    }

    /// An unconverted position has reached the price of its own alert.
    fn is_at_loss(&self, page: u32, at: usize) -> bool {
        let page = &self.pages.legs[page];
        let long = page.coef[at] > 0;
        let instrument = usize::from(page.instrument[at]);
        let price = self.prices[instrument][usize::from(!long)] - self.quoted[instrument].base;
        let back = page.loss_back >> at & 1 == 1;
        if long != back {
            price <= i64::from(page.loss[at])
        } else {
            price >= i64::from(page.loss[at])
        }
    }

    /// Slots of the positions in an instrument.
    pub fn holders(&self, instrument: u32) -> &[u32] {
        self.quoted
            .get(instrument as usize)
            .map_or(&[], |quoted| quoted.own.as_slice())
    }

    /// Accounts that wait for a new band.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let lists = |quoted: &Quoted| {
            quoted.own.capacity() * 4
                + quoted.rungs.capacity() * size_of::<Rung>()
                + quoted.rungs.iter().map(Rung::bytes).sum::<usize>()
                + quoted.losses.iter().map(Ladder::bytes).sum::<usize>()
        };
        self.quoted.iter().map(lists).sum::<usize>()
            + self.quoted.capacity() * size_of::<Quoted>()
            + self.prices.capacity() * 16
            + self.marks.capacity() * size_of::<Mark>()
            + self.pages.legs.bytes()
            + self.pages.rates.bytes()
            + self.seats.iter().map(Seats::bytes).sum::<usize>()
            + self.rates.bytes()
            + self.pool.bytes()
            + self.pending.capacity() * 16
            + self.popped.capacity() * 8
            + [
                &self.met,
                &self.found,
                &self.looking,
                &self.followed,
                &self.climbing,
            ]
            .map(|list| list.capacity() * 4)
            .iter()
            .sum::<usize>()
    }
}

fn bit(instrument: u32) -> u64 {
    1 << (instrument % MASK_BITS)
}
