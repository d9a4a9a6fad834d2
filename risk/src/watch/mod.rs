//! Which accounts may have crossed a threshold because of this mark: trigger bands.
//!
//! An account tells between which floating results nothing can change ([`Band`]). What it may lose, and gain, until
//! then is split over its positions in proportion to how fast each moves it; as long as every price stays inside its
//! share, even all of them at their worst together leave the account inside its band. Each share leaves one trigger in
//! the ladder of its instrument, so a quote concerns only the accounts whose triggers it passes. Those are looked at
//! exactly, told when they are outside, and banded anew: at once when they are few, by and by when a gap met many; until
//! then they are looked at whenever a price of theirs changes. An account that would leave its band at once is hot: its
//! result follows every quote.
//!
//! Everything here is derived from the book and the prices. It may name an account that has not crossed, and never
//! fails to name one that has; what it learns on the way (how fast an instrument moves) only steers what it costs.

mod audit;
mod band;
mod chunks;
mod converted;
mod holders;
mod hot;
mod ladder;
mod leg;
mod linear;
mod mark;
mod page;
mod scaled;
mod units;

pub use audit::Bound;
pub use leg::{Band, Holdings, Leg, Valuing, WORTH_MAX, Worth, raw, worth, worth_at};

use chunks::NONE;
use hot::Hot;
use ladder::{Ladder, Pool};
use page::{ALWAYS, Class, DUE, Mark, OPAQUE, Pages, SHUT, STALE};
use scaled::Scaled;
use units::Units;

/// What is banded anew at the end of one input, in units of about a tenth of a microsecond; the rest waits for the next
/// ones, and is looked at meanwhile. A band costs this many of them, ...
const BAND_COSTS: usize = 8;
/// ... that of a converted account this many, ...
const CONVERTED_COSTS: usize = 16;
/// ... and one input may spend this many.
const SPENT_PER_INPUT: usize = 256 * BAND_COSTS;
/// When more accounts wait, a gap has met them: they are followed as hot ones first, which costs a fraction of a band,
/// within this.
const CROWD: usize = 1_024;
const SPENT_IN_A_CROWD: usize = 4_096;
/// Following an account as a hot one costs this much, ...
const HEAT_COSTS: usize = 4;
/// ... and looking at one that waits half a unit, or this many halves when it is converted. As much as looking has cost
/// may be spent on ending it, should that be more.
const LOOK_HALVES: usize = 1;
const CONVERTED_LOOK_HALVES: usize = 4;
/// So many get their bands by and by, when nobody waits.
const COOLS_PER_INPUT: usize = 64;
/// Bits of a mask of instruments.
const MASK_BITS: u32 = 64;

/// One instrument as the watch sees it.
#[derive(Clone, Debug, Default)]
struct Quoted {
    /// Triggers: the bid falls, the bid rises, the ask falls, the ask rises.
    ladders: [Ladder; 4],
    known: bool,
    /// Bid or ask is too far from the base to be compared with triggers.
    wild: bool,
    /// Trigger prices are relative to it.
    base: i64,
    /// How far a dead price is moved, bid and ask.
    cut: [i64; 2],
    /// Moving average of its moves, 1/256 of a step.
    pace: u32,
    /// Widest spread that results followed along a tangent count on.
    spread_most: i64,
    /// Slots of the positions in it.
    own: Vec<u32>,
    /// Routes of conversion that go over it.
    routes: Vec<u16>,
    /// Accounts looked at whenever its price changes, with their epoch.
    close: Vec<(u32, u16)>,
}

/// Watches every account by trigger bands.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Bid and ask of every instrument.
    prices: Vec<[i64; 2]>,
    quoted: Vec<Quoted>,
    marks: Vec<Mark>,
    pages: Pages,
    pool: Pool,
    units: Units,
    hot: Hot,
    /// Bounds of the rate of each route in use, as prices are: the lowest bid and the highest ask.
    rated: Vec<Option<(Scaled, Scaled)>>,
    /// Accounts that wait for a new band, with a mask of the instruments that concern them.
    pending: Vec<(u64, u32)>,
    /// Accounts that a gap has made hot, to be banded by and by.
    heated: Vec<u32>,
    // Reused between quotes.
    popped: Vec<u64>,
    met: Vec<u32>,
    followed: Vec<u32>,
    /// Triggers on their way into ladders that are built at once.
    staged: Vec<Vec<u64>>,
    /// What looking at accounts that wait for a band has cost the last quote, half units.
    looked: usize,
    /// Instruments that are wild.
    wild: u32,
    /// Instruments whose prices are dead.
    cuts: u32,
    /// Counts the quotes that looked closely at somebody.
    turn: u32,
    /// Every holder is due at every touch: the full pass that the bands are compared with.
    plain: bool,
    /// Halves what one input may do this many times, so that small books meet crowds.
    slow: u32,
    /// Bands are made too wide by this many millionths: a fault that the audit must find.
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

    /// For tests: bands too wide by some millionths.
    pub fn set_fault(&mut self, millionths: u32) {
        self.fault = millionths;
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
        self.await_band(account);
    }

    /// The account is being looked at; it may become due again.
    pub fn taken(&mut self, account: u32) {
        if let Some(mark) = self.marks.get_mut(account as usize) {
            mark.flags &= !DUE;
        }
    }

    /// Bands anew what waits for it, some of it.
    pub fn tend(&mut self, view: Valuing<'_>) {
        if self.pending.len() > self.budget(CROWD) {
            return self.heat_crowd(view);
        }
        let mut left = self.budget(SPENT_PER_INPUT / BAND_COSTS) * BAND_COSTS;
        while left > 0 {
            let Some((_, account)) = self.pending.pop() else {
                return self.cool_crowd(view);
            };
            left = left.saturating_sub(self.band_costs(account));
            self.band_pending(account, view);
        }
    }

    /// What banding the account takes.
    fn band_costs(&self, account: u32) -> usize {
        match self.marks[account as usize].page {
            NONE => 1,
            page if self.pages.legs[page].rates != NONE => CONVERTED_COSTS,
            _ => BAND_COSTS,
        }
    }

    fn heat_crowd(&mut self, view: Valuing<'_>) {
        // Looked at once, paid once.
        let looked = std::mem::take(&mut self.looked);
        let mut left = self.budget(SPENT_IN_A_CROWD.max(looked / 2));
        while left > 0 {
            let Some((_, account)) = self.pending.pop() else {
                return;
            };
            let page = self.marks[account as usize].page;
            let mut costs = HEAT_COSTS;
            if page != NONE && self.pages.legs[page].pending != NONE {
                self.pages.legs[page].pending = NONE;
                if !self.heat_at_once(account) {
                    costs = self.band_costs(account);
                    self.band(account, view);
                }
            }
            left = left.saturating_sub(costs);
        }
    }

    /// Looks at some of those that a gap has made hot: most are far from their thresholds.
    fn cool_crowd(&mut self, view: Valuing<'_>) {
        for _ in 0..self.budget(COOLS_PER_INPUT) {
            let Some(account) = self.heated.pop() else {
                return;
            };
            let mark = self.marks[account as usize];
            if mark.page != NONE && mark.class == Class::Hot {
                self.band(account, view);
            }
        }
    }

    /// Bands anew everything that waits for it; ladders that are empty are built at once.
    pub fn tend_all(&mut self, view: Valuing<'_>) {
        self.staged.resize_with(4 * self.quoted.len(), Vec::new);
        while let Some((_, account)) = self.pending.pop() {
            self.band_pending(account, view);
        }
        self.fill_ladders();
        self.pending = Vec::with_capacity(2 * CROWD);
    }

    fn band_pending(&mut self, account: u32, view: Valuing<'_>) {
        let page = self.marks[account as usize].page;
        if page != NONE && self.pages.legs[page].pending != NONE {
            self.pages.legs[page].pending = NONE;
            self.band(account, view);
        }
    }

    /// The account waits for a new band, and is looked at whenever a price of its changes until it has one.
    fn await_band(&mut self, account: u32) {
        let page = self.marks[account as usize].page;
        if page == NONE || self.pages.legs[page].pending != NONE {
            return;
        }
        let mut mask = 0;
        for at in self.pages.walk(page) {
            mask |= bit(u32::from(self.pages.legs[at.page].instrument[at.index]));
        }
        for (page, at) in self.pages.factors(page) {
            mask |= bit(u32::from(self.pages.rates[page].factor[at]));
        }
        self.pages.legs[page].pending = self.pending.len() as u32;
        self.pending.push((mask, account));
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
                + quoted.close.capacity() * 8
                + quoted.ladders.iter().map(Ladder::bytes).sum::<usize>()
        };
        self.quoted.iter().map(lists).sum::<usize>()
            + self.quoted.capacity() * size_of::<Quoted>()
            + self.prices.capacity() * 16
            + self.marks.capacity() * size_of::<Mark>()
            + self.pages.legs.bytes()
            + self.pages.rates.bytes()
            + self.pool.bytes()
            + self.hot.bytes()
            + self.pending.capacity() * 16
            + self.heated.capacity() * 4
            + self.popped.capacity() * 8
            + (self.met.capacity() + self.followed.capacity()) * 4
    }
}

fn bit(instrument: u32) -> u64 {
    1 << (instrument % MASK_BITS)
}

/// An account whose mark needs no second look.
fn is_close(mark: &Mark, epoch: u16) -> bool {
    mark.class == Class::Close && mark.epoch == epoch
}
