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
//! `span` is the sum of `|coef| · reach` of the currency's positions, `size` a bound of `Σ |nᵢ|`, and `κ` bounds how far a
//! rate may go from the bid of the last sweep, its spread included. The bracket is a purse's guard; what a move adds to
//! `size` later is taken from the room at once.

use super::rows::{RUNGS, Room};
use super::scaled::Scaled;

/// Currencies of one purse, the account's own among them.
pub const POCKETS: usize = 4;
/// κ is counted in these parts of one.
pub const KAPPA_LOG: u32 = 32;
/// A product beyond this is no sum's part any more.
const WORTH_LOG: u32 = 60;
/// Units that the roundings of what is added at once may cost.
const ROUNDED: i64 = 4;
/// The account's own currency among the rates.
pub const HOME: u16 = 0;

/// The bid of a rate, as `mantissa / 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        let product = size
            .checked_mul(mantissa)
            .map(|wide| wide >> (self.shift & 127));
        // Sizes of a whole range lose their last bits instead.
        let product = product.or_else(|| {
            let shift = (self.shift & 127).checked_sub(40)?;
            ((size >> 40) + 1)
                .checked_mul(mantissa)
                .map(|wide| wide >> shift)
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
    now: Vec<Rate>,
    /// By rung: what each was when the rows it converts on that rung were swept last.
    swept: [Vec<Rate>; RUNGS],
    kappas: Vec<[Option<u32>; RUNGS]>,
}

impl Default for Rates {
    fn default() -> Self {
        let home = vec![Rate::of(Some(Scaled::ONE))];
        Self {
            swept: std::array::from_fn(|_| home.clone()),
            now: home,
            kappas: vec![[Some(0); RUNGS]],
        }
    }
}

impl Rates {
    /// Sets the rate of a route.
    pub fn set(&mut self, route: u16, rate: Rate) {
        let at = usize::from(route) + 1;
        if self.now.len() <= at {
            self.now.resize(at + 1, Rate::NONE);
            self.kappas.resize(at + 1, [None; RUNGS]);
            for swept in &mut self.swept {
                swept.resize(at + 1, Rate::NONE);
            }
        }
        self.now[at] = rate;
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

    /// A rate of now by its number.
    #[inline]
    pub fn get(&self, number: u16) -> Rate {
        let rate = self.now.get(usize::from(number));
        rate.copied().unwrap_or(Rate::NONE)
    }

    /// What it was on a rung at the last sweep.
    #[inline]
    pub fn swept(&self, number: u16, rung: usize) -> Rate {
        let rate = self.swept[rung].get(usize::from(number));
        rate.copied().unwrap_or(Rate::NONE)
    }

    /// All of them on a rung.
    pub fn all_swept(&self, rung: usize) -> &[Rate] {
        &self.swept[rung]
    }

    /// A rate is swept on a rung.
    pub fn sweep(&mut self, route: u16, rung: usize) {
        let at = usize::from(route) + 1;
        if let (Some(swept), Some(now)) = (self.swept[rung].get_mut(at), self.now.get(at)) {
            *swept = *now;
        }
    }

    /// What the rate with this number may do on a rung.
    #[inline]
    pub fn kappa(&self, number: u16, rung: usize) -> Option<u32> {
        self.kappas.get(usize::from(number))?[rung]
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let swept = self.swept.iter().map(Vec::capacity).sum::<usize>();
        (self.now.capacity() + swept) * size_of::<Rate>()
            + self.kappas.capacity() * size_of::<[Option<u32>; RUNGS]>()
    }
}

/// What a currency of a purse may be off by, in 32 bits and not less than it is: 26 of its bits, and how far they are
/// shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard(u32);

const GUARD_LOG: u32 = 6;
const GUARD_BITS: u32 = 32 - GUARD_LOG;

impl Guard {
    /// Nothing.
    pub const NONE: Guard = Guard(0);

    /// The smallest one that is not below a size, which is not negative.
    pub fn ceil(size: i64) -> Guard {
        let size = size.unsigned_abs();
        let shift = (64 - size.leading_zeros()).saturating_sub(GUARD_BITS - 1);
        // A bit is left free for what rounding up adds.
        let mantissa = (size >> shift) + u64::from(size & ((1 << shift) - 1) != 0);
        Guard((mantissa as u32) << GUARD_LOG | shift)
    }

    /// The size.
    #[inline]
    pub fn value(self) -> i64 {
        i64::from(self.0 >> GUARD_LOG) << (self.0 & ((1 << GUARD_LOG) - 1))
    }
}

/// One account's worth, currency by currency, at the prices of the last sweeps; what it may lose and gain until it must
/// be looked at, at the rates of the last sweeps. One cache line.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct Purse {
    pub room: Room,
    /// Sums of the results in each currency, in units of it.
    pub worth: [i64; POCKETS],
    /// Which rate each of them takes.
    pub rate: [u16; POCKETS],
    pub account: u32,
    /// Entries of rows that carry another tag are stale.
    pub tag: u16,
    pub used: u8,
}

const _: () = assert!(size_of::<Purse>() == 64);

impl Purse {
    /// Nobody's purse.
    pub const EMPTY: Purse = Purse {
        room: Room::FAR,
        worth: [0; POCKETS],
        rate: [HOME; POCKETS],
        account: 0,
        tag: 0,
        used: 0,
    };

    /// A price has changed what one currency is worth; true when the account must be looked at.
    #[inline]
    pub fn follow(&mut self, pocket: usize, by: i64, rung: usize, rates: &Rates) -> bool {
        self.worth[pocket] = self.worth[pocket].wrapping_add(by);
        let number = self.rate[pocket];
        if number == HOME {
            self.move_by(by, 0);
            return self.room.is_met();
        }
        let (rate, kappa) = (rates.swept(number, rung), rates.kappa(number, rung));
        let worth = rate.of_size(by);
        let Some(kappa) =
            kappa.filter(|_| rate.is_known() && worth.unsigned_abs() >> WORTH_LOG == 0)
        else {
            return true;
        };
        // Sizes of single positions grow by no more than they move; the rate may double until this is counted anew.
        let wider = (worth.unsigned_abs() * u128::from(kappa)) >> (KAPPA_LOG - 1);
        self.move_by(worth as i64, wider as i64 + ROUNDED);
        self.room.is_met()
    }

    /// Rates have changed; true when the account must be looked at.
    #[inline]
    pub fn convert(&mut self, guard: &[Guard; POCKETS], old: &[Rate], new: &[Rate]) -> bool {
        let mut wide = false;
        for (pocket, guard) in guard.iter().enumerate().take(usize::from(self.used)) {
            let number = usize::from(self.rate[pocket]);
            let (Some(was), Some(is)) = (old.get(number), new.get(number)) else {
                return true;
            };
            if was == is {
                continue;
            }
            let by = is.of_size(self.worth[pocket]) - was.of_size(self.worth[pocket]);
            let wider = is.of_size(guard.value()) - was.of_size(guard.value());
            wide |= !was.is_known()
                | !is.is_known()
                | (by.unsigned_abs() >> WORTH_LOG != 0)
                | (wider.unsigned_abs() >> WORTH_LOG != 0);
            self.move_by(by as i64, wider as i64 + ROUNDED);
        }
        wide | self.room.is_met()
    }

    /// The result moves, and what it may be off by.
    #[inline]
    fn move_by(&mut self, by: i64, wider: i64) {
        self.room.down = self.room.down.wrapping_add(by).wrapping_sub(wider);
        self.room.up = self.room.up.wrapping_sub(by).wrapping_sub(wider);
    }
}

/// Between which results a purse stays until the next sweeps; `None` without a rate, or beyond all numbers.
pub fn bounds(
    worth: &[i64; POCKETS],
    guard: &[Guard; POCKETS],
    rates: impl Iterator<Item = Rate>,
) -> Option<(i64, i64)> {
    let (mut sum, mut apart) = (0i64, ROUNDED * POCKETS as i64);
    for (pocket, rate) in rates.enumerate() {
        let guard = rate.of_size(guard[pocket].value());
        let worth = rate.of_size(worth[pocket]);
        let wide = (worth.unsigned_abs() | guard.unsigned_abs()) >> WORTH_LOG != 0;
        if wide || !rate.is_known() {
            return None;
        }
        sum += worth as i64;
        apart += guard as i64;
    }
    Some((sum - apart, sum + apart))
}

/// κ of a currency whose rate may go by so many parts of itself, which is at most a sixteenth: twice as much, so that it
/// still holds for two rates multiplied and when prices have fallen to seven tenths since.
pub fn kappa(parts: u64) -> Option<u32> {
    let sixteenth = 1u64 << (KAPPA_LOG - 4);
    (parts <= sixteenth).then(|| 2 * parts as u32)
}

/// What positions and their rate may be off by until the next sweeps.
pub fn guard(span: i64, size: i64, kappa: u32) -> Option<Guard> {
    let part = |value: i64| (i128::from(value) * i128::from(kappa)) >> KAPPA_LOG;
    let guard = i128::from(span) + part(span) + part(size) + 2;
    let guard = i64::try_from(guard).ok()?;
    (guard < 1 << 61).then(|| Guard::ceil(guard))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_hardly_more_than_its_size_and_never_less() {
        for shift in 0..61 {
            for size in [(1i64 << shift) - 1, 1 << shift, (1 << shift) + 1] {
                let value = Guard::ceil(size).value();
                assert!(
                    value >= size && value - size <= size >> 24,
                    "{size}: {value}"
                );
            }
        }
        assert_eq!(Guard::ceil(0), Guard::NONE);
        assert_eq!(Guard::NONE.value(), 0);
    }
}
