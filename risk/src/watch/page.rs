//! What is kept of an account: three cache lines for up to eight positions, with further pages behind it, and one more
//! page where results are converted. The first two lines are all that one look at the account needs.

use super::chunks::{Chunks, NONE};

/// Positions of one page.
pub const LEGS: usize = 8;
/// Conversion prices of one page.
pub const FACTORS: usize = 4;

/// Positions of an account. Prices are relative to their instrument's base.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// What the sum of `coef × price` lacks to be the account's floating result.
    pub base: i64,
    /// Results between which nothing can change, in the account's units.
    pub low: i64,
    pub high: i64,
    pub instrument: [u16; LEGS],
    pub next: u32,
    pub rates: u32,
    /// Its seat on its rung, or its purse there.
    pub seat: u32,
    /// Place among the accounts that wait for a new band.
    pub pending: u32,
    pub unit: u16,
    pub len: u8,
    /// Which positions wait for the price of their own loss alert, and which of those in the holder's favour.
    pub loss_set: u8,
    pub loss_back: u8,
    /// Which of them have their entry in the ladder of their instrument.
    pub loss_put: u8,
    /// Which positions are converted.
    pub converted: u8,
    /// Where the account stands, [`NOWHERE`] when in no row.
    pub rung: u8,
    /// Account units per price step: positive for longs, which close at the bid.
    pub coef: [i64; LEGS],
    /// Where the position's own loss alert may change: a price, or for a converted position a squeezed result.
    pub loss: [i32; LEGS],
    /// Place among the holders of the instrument.
    pub place: [u32; LEGS],
}

impl Page {
    /// Nobody's page.
    pub const EMPTY: Page = Page {
        base: 0,
        low: i64::MIN,
        high: i64::MAX,
        instrument: [0; LEGS],
        next: NONE,
        rates: NONE,
        seat: NONE,
        pending: NONE,
        unit: 0,
        len: 0,
        loss_set: 0,
        loss_back: 0,
        loss_put: 0,
        converted: 0,
        rung: NOWHERE,
        coef: [0; LEGS],
        loss: [0; LEGS],
        place: [0; LEGS],
    };

    /// Moves a position to another place, or to another page.
    pub fn copy_leg(&mut self, to: usize, from: &Page, at: usize) {
        self.instrument[to] = from.instrument[at];
        self.coef[to] = from.coef[at];
        self.loss[to] = from.loss[at];
        self.place[to] = from.place[at];
        for (into, of) in [
            (&mut self.loss_set, from.loss_set),
            (&mut self.loss_back, from.loss_back),
            (&mut self.loss_put, from.loss_put),
            (&mut self.converted, from.converted),
        ] {
            *into = (*into & !(1 << to)) | ((of >> at & 1) << to);
        }
    }

    /// The place is free again.
    pub fn clear_leg(&mut self, at: usize) {
        self.copy_leg(at, &Page::EMPTY, at);
    }
}

/// What conversion adds to a page.
#[derive(Clone, Copy, Debug)]
pub struct RatePage {
    /// Sum of quantity × price of the fills, in units of the quote currency.
    pub cost: [i64; LEGS],
    /// Route into the account's currency, [`UNCONVERTED`] when there is none to go.
    pub route: [u16; LEGS],
    /// Instruments whose prices the routes multiply.
    pub factor: [u16; FACTORS],
    pub next: u32,
    pub factors: u8,
}

/// The position's result is in the account's currency.
pub const UNCONVERTED: u16 = u16::MAX;

impl RatePage {
    /// Nobody's page.
    pub const EMPTY: RatePage = RatePage {
        cost: [0; LEGS],
        route: [UNCONVERTED; LEGS],
        factor: [0; FACTORS],
        next: NONE,
        factors: 0,
    };
}

/// The account stands in no row.
pub const NOWHERE: u8 = u8::MAX;

/// How an account is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// Not at all: it waits for its place, or has no positions.
    #[default]
    Nowhere,
    /// Its rows follow its result.
    Summed,
    /// It is looked at whenever a price of its leaves its place.
    Boxed,
}

/// What is known of an account at first sight.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub page: u32,
    pub class: Class,
    pub flags: u8,
    /// Entries of rows of those who are looked at that carry another tag are stale.
    pub tag: u16,
}

impl Mark {
    /// An account without positions.
    pub const EMPTY: Mark = Mark {
        page: NONE,
        class: Class::Nowhere,
        flags: 0,
        tag: 0,
    };

    /// One of the flags is set.
    pub fn is(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }
}

/// Already told to be due.
pub const DUE: u8 = 1;
/// Due at every touch.
pub const SHUT: u8 = 4;
/// Its numbers do not fit: due at every touch, whatever its band.
pub const OPAQUE: u8 = 8;
/// Its positions changed since the last band.
pub const STALE: u8 = 16;
/// Due at every touch for any of the reasons.
pub const ALWAYS: u8 = SHUT | OPAQUE | STALE;

/// Pages of all accounts.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    pub legs: Chunks<Page>,
    pub rates: Chunks<RatePage>,
}

/// A position's place: its page, its place there, and the page of its conversion.
#[derive(Clone, Copy, Debug)]
pub struct At {
    pub page: u32,
    pub index: usize,
    pub rates: u32,
}

impl Pages {
    /// Every position of an account.
    pub fn walk(&self, page: u32) -> Walk<'_> {
        let rates = if page == NONE {
            NONE
        } else {
            self.legs[page].rates
        };
        Walk {
            pages: self,
            at: At {
                page,
                index: 0,
                rates,
            },
        }
    }

    /// Every conversion price of an account.
    pub fn factors(&self, page: u32) -> impl Iterator<Item = (u32, usize)> + '_ {
        let first = if page == NONE {
            NONE
        } else {
            self.legs[page].rates
        };
        let chain = std::iter::successors((first != NONE).then_some(first), |page| {
            Some(self.rates[*page].next).filter(|next| *next != NONE)
        });
        chain.flat_map(|page| (0..usize::from(self.rates[page].factors)).map(move |at| (page, at)))
    }
}

/// Walks the positions of an account.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    pages: &'a Pages,
    at: At,
}

impl Iterator for Walk<'_> {
    type Item = At;

    fn next(&mut self) -> Option<At> {
        while self.at.page != NONE {
            let page = &self.pages.legs[self.at.page];
            if self.at.index < usize::from(page.len) {
                let at = self.at;
                self.at.index += 1;
                return Some(at);
            }
            let rates = match self.at.rates {
                NONE => NONE,
                rates => self.pages.rates[rates].next,
            };
            self.at = At {
                page: page.next,
                index: 0,
                rates,
            };
        }
        None
    }
}

const _: () = assert!(size_of::<Page>() == 192 && align_of::<Page>() == 64);
const _: () = assert!(size_of::<RatePage>() == 96);
const _: () = assert!(size_of::<Mark>() == 8);
