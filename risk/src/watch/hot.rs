//! Accounts so near to a threshold that a band would be left at once: their results follow every quote, one addition
//! per position in the quoted instrument, and memory is read in order.

use super::page::{LEGS, Page};

/// A hot account's result and what it is held against, in the account's units; one cache line.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct HotAccount {
    pub result: i64,
    pub low: i64,
    pub high: i64,
    /// Between these it is far enough from its thresholds for a band.
    pub cool_low: i64,
    pub cool_high: i64,
    pub account: u32,
}

impl HotAccount {
    /// A threshold is reached.
    pub fn is_outside(&self) -> bool {
        self.result <= self.low || self.result >= self.high
    }
}

/// A position of a hot account in the list of its instrument and side.
#[derive(Clone, Copy, Debug)]
pub struct HotLeg {
    pub coef: i64,
    pub hot: u32,
    /// Its place in the account's page.
    pub leg: u32,
}

/// The hot accounts of one instrument, by the side that closes them: bid, then ask.
pub type HotLegs = [Vec<HotLeg>; 2];

/// All hot accounts.
#[derive(Clone, Debug, Default)]
pub struct Hot {
    pub accounts: Vec<HotAccount>,
    /// Where each account's positions stand in the lists.
    places: Vec<[u32; LEGS]>,
    free: Vec<u32>,
    /// Accounts met by one quote; kept long enough for the longest list.
    met: Vec<u32>,
    /// By instrument.
    legs: Vec<HotLegs>,
}

impl Hot {
    /// Takes an account in.
    pub fn add(&mut self, page: &Page, account: HotAccount) -> u32 {
        let hot = self.free.pop().unwrap_or_else(|| {
            self.accounts.push(account);
            self.places.push([0; LEGS]);
            self.accounts.len() as u32 - 1
        });
        self.accounts[hot as usize] = account;
        for leg in 0..usize::from(page.len) {
            let instrument = usize::from(page.instrument[leg]);
            if self.legs.len() <= instrument {
                self.legs.resize_with(instrument + 1, HotLegs::default);
            }
            let list = &mut self.legs[instrument][usize::from(page.coef[leg] < 0)];
            self.places[hot as usize][leg] = list.len() as u32;
            list.push(HotLeg {
                coef: page.coef[leg],
                hot,
                leg: leg as u32,
            });
        }
        hot
    }

    /// Lets an account go.
    pub fn remove(&mut self, page: &Page, hot: u32) {
        for leg in 0..usize::from(page.len) {
            let lists = &mut self.legs[usize::from(page.instrument[leg])];
            let list = &mut lists[usize::from(page.coef[leg] < 0)];
            let place = self.places[hot as usize][leg];
            list.swap_remove(place as usize);
            if let Some(moved) = list.get(place as usize) {
                self.places[moved.hot as usize][moved.leg as usize] = place;
            }
        }
        self.free.push(hot);
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
            + self.places.capacity() * size_of::<[u32; LEGS]>()
            + (self.free.capacity() + self.met.capacity()) * 4
    }
}
