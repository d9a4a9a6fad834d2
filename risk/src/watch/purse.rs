//! What a converted account is worth, currency by currency, so that one addition and a few products follow it through
//! every price and every rate.
//!
//! A result is `Σ nᵢ · rᵢ`: what positions are worth in their own currency, times the rate of the side that their sign
//! asks for. Kept are the sums `n` of each currency at the prices their rows were swept at, exactly, and beside them
//! how far positions and rates may go until the next sweep:
//!
//! ```text
//! |result − Σ n · bid| ≤ Σ bid · (span · (1 + κ) + size · κ)
//! ```
//!
//! `span` is the sum of `|coef| · reach` of the currency's positions, `size` a bound of `Σ |nᵢ|` that grows by every
//! move, and `κ` bounds how far a rate may go from the bid of the last sweep, its spread included. The bracket is what
//! [`Purse::guard`] holds.

use super::rows::RUNGS;
use super::scaled::Scaled;

/// Currencies of one purse, the account's own among them.
pub const POCKETS: usize = 4;
/// κ is counted in these parts of one.
pub const KAPPA_LOG: u32 = 32;
/// A product beyond this is no sum's part any more.
const WORTH_LOG: u32 = 60;
/// Units that the roundings of all products may cost.
const ROUNDED: i64 = 4 * POCKETS as i64;
/// The account's own currency among the rates.
pub const HOME: u16 = 0;

/// The bid of a rate, as `mantissa / 2^shift`.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    mantissa: i64,
    /// Above any shift when there is no rate.
    shift: u8,
}

impl Rate {
    const NONE: Rate = Rate {
        mantissa: 0,
        shift: u8::MAX,
    };

    /// Rounded down by less than 2⁻⁶¹ of itself.
    pub fn of(bid: Option<Scaled>) -> Rate {
        let Some(bid) = bid else {
            return Rate::NONE;
        };
        let (mantissa, exponent) = bid.parts();
        let shift = -(exponent + 2);
        match u8::try_from(shift) {
            Ok(shift) if shift < 127 => Rate {
                mantissa: (mantissa >> 2) as i64,
                shift,
            },
            _ => Rate::NONE,
        }
    }

    /// There is a rate.
    pub fn is_known(self) -> bool {
        self.shift != u8::MAX
    }

    /// A size in units of the rate's other side, rounded up; `None` beyond all numbers.
    pub fn of_wide(self, size: u128) -> Option<u128> {
        let mantissa = self.mantissa as u128;
        let product = size.checked_mul(mantissa).map(|wide| wide >> (self.shift & 127));
        // Sizes of a whole range lose their last bits instead.
        let product = product.or_else(|| {
            let shift = (self.shift & 127).checked_sub(40)?;
            ((size >> 40) + 1).checked_mul(mantissa).map(|wide| wide >> shift)
        });
        product.map(|product| product + 2)
    }

    #[inline]
    fn of_size(self, size: i64) -> i128 {
        (i128::from(size) * i128::from(self.mantissa)) >> (self.shift & 127)
    }
}

/// Rates by number: the account's own currency first, then one for each route. With each its κ by rung; none where it
/// would go too far.
#[derive(Clone, Debug)]
pub struct Rates {
    rates: Vec<Rate>,
    kappas: Vec<[Option<u32>; RUNGS]>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            rates: vec![Rate::of(Some(Scaled::ONE))],
            kappas: vec![[Some(0); RUNGS]],
        }
    }
}

impl Rates {
    /// Sets the rate of a route.
    pub fn set(&mut self, route: u16, rate: Rate) {
        let at = usize::from(route) + 1;
        if self.rates.len() <= at {
            self.rates.resize(at + 1, Rate::NONE);
            self.kappas.resize(at + 1, [None; RUNGS]);
        }
        self.rates[at] = rate;
    }

    /// Sets what a route's rate may do until the next sweep, by rung.
    pub fn set_kappas(&mut self, route: u16, kappas: [Option<u32>; RUNGS]) {
        if let Some(known) = self.kappas.get_mut(usize::from(route) + 1) {
            *known = kappas;
        }
    }

    /// The number of a route's rate.
    pub fn number(route: u16) -> u16 {
        route + 1
    }

    /// A rate by its number.
    #[inline]
    pub fn get(&self, number: u16) -> Rate {
        let rate = self.rates.get(usize::from(number));
        rate.copied().unwrap_or(Rate::NONE)
    }

    /// What the rate with this number may do on a rung.
    #[inline]
    pub fn kappa(&self, number: u16, rung: usize) -> Option<u32> {
        self.kappas.get(usize::from(number))?[rung]
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.rates.capacity() * size_of::<Rate>()
            + self.kappas.capacity() * size_of::<[Option<u32>; RUNGS]>()
    }
}

/// One account's worth, currency by currency.
#[derive(Clone, Copy, Debug)]
pub struct Purse {
    /// Results at which the account must be looked at, in its units.
    pub low: i64,
    pub high: i64,
    /// Sums of the results in each currency, in units of it, at the prices of the last sweeps.
    pub worth: [i64; POCKETS],
    /// What each of them may be off by until the next sweeps, and what conversion may add.
    pub guard: [i64; POCKETS],
    /// Which rate each of them takes.
    pub rate: [u16; POCKETS],
    pub used: u8,
    /// Entries of rows that carry another tag are stale.
    pub tag: u16,
    pub account: u32,
}

impl Purse {
    /// Nobody's purse.
    pub const EMPTY: Purse = Purse {
        low: i64::MIN,
        high: i64::MAX,
        worth: [0; POCKETS],
        guard: [0; POCKETS],
        rate: [HOME; POCKETS],
        used: 0,
        tag: 0,
        account: 0,
    };

    /// A currency's worth has changed; true when the account must be looked at.
    #[inline]
    pub fn follow(&mut self, pocket: usize, by: i64, rung: usize, rates: &Rates) -> bool {
        self.worth[pocket] = self.worth[pocket].wrapping_add(by);
        // Sizes of single positions grow by no more than they move.
        let Some(kappa) = rates.kappa(self.rate[pocket], rung) else {
            return true;
        };
        let wider = (u128::from(by.unsigned_abs()) * u128::from(kappa)) >> KAPPA_LOG;
        let wider = wider as i64 + i64::from(kappa > 0 && by != 0);
        self.guard[pocket] = self.guard[pocket].saturating_add(wider);
        self.is_met(rates)
    }

    /// The account must be looked at.
    pub fn is_met(&self, rates: &Rates) -> bool {
        let Some((least, most)) = self.bounds(rates) else {
            return true;
        };
        (least <= self.low && self.low != i64::MIN) || (most >= self.high && self.high != i64::MAX)
    }

    /// Between which results the account stays until the next sweep; `None` without a rate, or beyond all numbers.
    #[inline]
    pub fn bounds(&self, rates: &Rates) -> Option<(i64, i64)> {
        let (mut sum, mut apart, mut wide) = (0i64, ROUNDED, false);
        for pocket in 0..usize::from(self.used) {
            let rate = rates.get(self.rate[pocket]);
            let worth = rate.of_size(self.worth[pocket]);
            let guard = rate.of_size(self.guard[pocket]);
            wide |= !rate.is_known()
                | (worth.unsigned_abs() >> WORTH_LOG != 0)
                | (guard.unsigned_abs() >> WORTH_LOG != 0);
            sum = sum.wrapping_add(worth as i64);
            apart = apart.wrapping_add(guard as i64);
        }
        (!wide).then(|| (sum - apart, sum + apart))
    }
}

/// κ of a currency whose rate may go by so many parts of itself, which is at most a sixteenth: twice as much, so that it
/// still holds for two rates multiplied and when prices have fallen to seven tenths since.
pub fn kappa(parts: u64) -> Option<u32> {
    let sixteenth = 1u64 << (KAPPA_LOG - 4);
    (parts <= sixteenth).then(|| 2 * parts as u32)
}

/// What positions and their rate may be off by until the next sweeps.
pub fn guard(span: i64, size: i64, kappa: u32) -> Option<i64> {
    let part = |value: i64| (i128::from(value) * i128::from(kappa)) >> KAPPA_LOG;
    let guard = i128::from(span) + part(span) + part(size) + 2;
    i64::try_from(guard).ok().filter(|guard| *guard < 1 << 61)
}

const _: () = assert!(size_of::<Purse>() == 96);
