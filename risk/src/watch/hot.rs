//! Accounts so near to a threshold that a band would be left at once: their results follow every quote, one addition
//! per price they follow, and memory is read in order. Positions in one instrument that close at the same side are one
//! addition together; a converted account also follows the prices that convert it.

use super::chunks::NONE;
use super::page::{FACTORS, LEGS, Page, Pages};

/// Most prices that one hot account follows.
pub const FOLLOWED: usize = LEGS + FACTORS;

/// A hot account's result and what it is held against, in the account's units or parts of them; one cache line.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct HotAccount {
    pub result: i64,
    pub low: i64,
    pub high: i64,
    /// Between these it is far enough from its thresholds for a band.
    pub cool_low: i64,
    pub cool_high: i64,
    /// Of a converted account: its result where its tangent began, what the tangent may miss, and the parts of a unit
    /// that both are followed in, as a power of two.
    pub origin: i64,
    pub guard: i64,
    pub account: u32,
    pub shift: u8,
}

const _: () = assert!(size_of::<HotAccount>() == 64);

impl HotAccount {
    /// A threshold is reached.
    pub fn is_outside(&self) -> bool {
        self.result <= self.low || self.result >= self.high
    }
}

/// What a hot account follows: instruments, sides (0 the bid, 1 the ask) and what one step of each is worth.
#[derive(Clone, Copy, Debug)]
pub struct Follows {
    pub prices: [(u16, u8); FOLLOWED],
    pub coef: [i64; FOLLOWED],
    pub len: usize,
}

impl Follows {
    /// Nothing.
    pub const NONE: Follows = Follows {
        prices: [(0, 0); FOLLOWED],
        coef: [0; FOLLOWED],
        len: 0,
    };

    /// The prices of a page, and what `worth` says that a step of each position is worth.
    pub fn of(page: &Page, worth: impl Fn(usize) -> i64) -> Follows {
        let mut follows = Follows::NONE;
        for leg in 0..usize::from(page.len) {
            let side = u8::from(page.coef[leg] < 0);
            follows.add(page.instrument[leg], side, worth(leg));
        }
        follows
    }

    /// The prices of an account's first page and of the rates it is converted by, in the order they were followed in.
    pub fn places(pages: &Pages, page: &Page) -> Follows {
        let mut follows = Follows::of(page, |_| 0);
        if page.rates != NONE {
            let rates = &pages.rates[page.rates];
            for factor in &rates.factor[..usize::from(rates.factors)] {
                follows.add(*factor, 0, 0);
            }
        }
        follows
    }

    /// One more price, or more of one that is there.
    pub fn add(&mut self, instrument: u16, side: u8, coef: i64) {
        let known = self.prices[..self.len]
            .iter()
            .position(|price| *price == (instrument, side));
        match known {
            Some(at) => self.coef[at] = self.coef[at].wrapping_add(coef),
            None if self.len < FOLLOWED => {
                self.prices[self.len] = (instrument, side);
                self.coef[self.len] = coef;
                self.len += 1;
            }
            None => debug_assert!(false, "a page has no more prices"),
        }
    }
}

/// A price that a hot account follows, in the list of its instrument and side.
#[derive(Clone, Copy, Debug)]
pub struct HotLeg {
    pub coef: i64,
    pub hot: u32,
    /// Its place among the prices of the account.
    pub leg: u32,
}

/// The hot accounts of one instrument, by the side that they follow: bid, then ask.
pub type HotLegs = [Vec<HotLeg>; 2];

/// All hot accounts.
#[derive(Clone, Debug, Default)]
pub struct Hot {
    pub accounts: Vec<HotAccount>,
    /// Where each account's prices stand in the lists.
    places: Vec<[u32; FOLLOWED]>,
    free: Vec<u32>,
    /// Accounts met by one quote; kept long enough for the longest list.
    met: Vec<u32>,
    /// By instrument.
    legs: Vec<HotLegs>,
}

impl Hot {
    /// Takes an account in.
    pub fn add(&mut self, follows: &Follows, account: HotAccount) -> u32 {
        let hot = self.free.pop().unwrap_or_else(|| {
            self.accounts.push(account);
            self.places.push([0; FOLLOWED]);
            self.accounts.len() as u32 - 1
        });
        self.accounts[hot as usize] = account;
        let prices = follows.prices.iter().zip(&follows.coef).take(follows.len);
        for (leg, ((instrument, side), coef)) in prices.enumerate() {
            let instrument = usize::from(*instrument);
            if self.legs.len() <= instrument {
                self.legs.resize_with(instrument + 1, HotLegs::default);
            }
            let list = &mut self.legs[instrument][usize::from(*side)];
            self.places[hot as usize][leg] = list.len() as u32;
            list.push(HotLeg {
                coef: *coef,
                hot,
                leg: leg as u32,
            });
        }
        hot
    }

    /// Lets an account go that follows these prices.
    pub fn remove(&mut self, follows: &Follows, hot: u32) {
        for (leg, (instrument, side)) in follows.prices[..follows.len].iter().enumerate() {
            let list = &mut self.legs[usize::from(*instrument)][usize::from(*side)];
            let place = self.places[hot as usize][leg];
            list.swap_remove(place as usize);
            if let Some(moved) = list.get(place as usize) {
                self.places[moved.hot as usize][moved.leg as usize] = place;
            }
        }
        self.free.push(hot);
    }

    /// The accounts that follow an instrument's bid.
    pub fn followers(&self, instrument: u32) -> impl Iterator<Item = u32> + '_ {
        let lists = self.legs.get(instrument as usize).into_iter();
        lists
            .flat_map(|lists| &lists[0])
            .map(|leg| self.accounts[leg.hot as usize].account)
    }

    /// Follows a move of the bid and of the ask; appends who reached a threshold or may cool.
    pub fn follow(&mut self, instrument: u32, moved: [i64; 2], out: &mut Vec<u32>) {
        let Hot {
            accounts,
            met,
            legs,
            ..
        } = self;
        let Some(lists) = legs.get(instrument as usize) else {
            return;
        };
        for (list, moved) in lists.iter().zip(moved) {
            if moved == 0 || list.is_empty() {
                continue;
            }
            if met.len() <= list.len() {
                met.resize(list.len() + list.len() / 2 + 1, 0);
            }
            let mut count = 0;
            for leg in list {
                let account = &mut accounts[leg.hot as usize];
                let result = account.result.wrapping_add(leg.coef.wrapping_mul(moved));
                account.result = result;
                let concerns = (result <= account.low)
                    | (result >= account.high)
                    | ((result > account.cool_low) & (result < account.cool_high));
                met[count] = leg.hot;
                count += usize::from(concerns);
            }
            out.extend_from_slice(&met[..count]);
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let legs = self.legs.iter().flatten().map(Vec::capacity).sum::<usize>();
        legs * size_of::<HotLeg>()
            + self.legs.capacity() * size_of::<HotLegs>()
            + self.accounts.capacity() * size_of::<HotAccount>()
            + self.places.capacity() * size_of::<[u32; FOLLOWED]>()
            + (self.free.capacity() + self.met.capacity()) * 4
    }
}
