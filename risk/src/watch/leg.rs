//! What is watched: the side of a position that decides its result, and that result, exactly.

use crate::book::instruments::Instrument;
use crate::convert::{Prices, Routes, Sided};
use crate::wide::mul_div_floor;

/// Largest size of one position's result in fine units; with as many positions as an account may hold, a sum
/// stays inside i128.
pub const WORTH_MAX: i128 = 1 << 112;

/// What positions are valued with.
#[derive(Clone, Copy)]
pub struct Valuing<'a> {
    pub instruments: &'a [Option<Box<Instrument>>],
    pub prices: &'a [Prices],
    pub routes: &'a Routes,
}

/// The side of a position that decides its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    pub account: u32,
    pub instrument: u32,
    /// Route from the quote currency to the account's.
    pub route: u32,
    pub converted: bool,
    /// Route of the margin's currency, when margin follows its rate.
    pub margin_route: Option<u32>,
    pub long: bool,
    pub qty: i64,
    /// Sum of quantity × price of its fills.
    pub cost: i128,
}

/// A result in fine units of the account's currency, floored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    pub plain: i128,
    /// With dead prices moved against the holder.
    pub soft: i128,
    pub exact: bool,
}

/// Floating results between which nothing can change, in fine units: due at or below a low, at or above a high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    pub plain_low: i128,
    pub plain_high: i128,
    pub soft_low: i128,
    pub soft_high: i128,
}

impl Band {
    /// Nothing is ever due.
    pub const OPEN: Band = Band {
        plain_low: i128::MIN,
        plain_high: i128::MAX,
        soft_low: i128::MIN,
        soft_high: i128::MAX,
    };
    /// Due at every touch.
    pub const SHUT: Band = Band {
        plain_low: i128::MAX,
        ..Band::OPEN
    };

    /// Both results lie inside.
    pub fn holds(&self, plain: i128, soft: i128) -> bool {
        plain > self.plain_low
            && plain < self.plain_high
            && soft > self.soft_low
            && soft < self.soft_high
    }
}

/// What the watch asks of the positions it follows.
pub trait Holdings {
    /// Account of a slot.
    fn account(&self, slot: u32) -> u32;
    /// Sum of quantity × price of its fills.
    fn cost(&self, slot: u32) -> i128;
}

/// The result of a leg now; `None` when a price or rate is missing or a number is too large.
pub fn worth(leg: &Leg, view: Valuing<'_>) -> Option<Worth> {
    let prices = view
        .prices
        .get(leg.instrument as usize)
        .filter(|p| p.known)?;
    let instrument = view.instruments.get(leg.instrument as usize)?.as_ref()?;
    let close = if leg.long { prices.bid } else { prices.ask };
    let (plain, exact) = worth_at(leg, close, instrument, view)?;
    let soft = if prices.is_dead() {
        let close = if leg.long {
            prices.soft_bid
        } else {
            prices.soft_ask
        };
        worth_at(leg, close, instrument, view)?.0
    } else {
        plain
    };
    Some(Worth { plain, soft, exact })
}

/// The raw result: price steps × quantity steps.
pub fn raw(leg: &Leg, close: i64) -> Option<i128> {
    let value = i128::from(close) * i128::from(leg.qty);
    if leg.long {
        value.checked_sub(leg.cost)
    } else {
        leg.cost.checked_sub(value)
    }
}

/// The result of a leg at a closing price, floored, and whether nothing was cut off.
pub fn worth_at(
    leg: &Leg,
    close: i64,
    instrument: &Instrument,
    view: Valuing<'_>,
) -> Option<(i128, bool)> {
    let (native, den) = instrument.result(leg.long, leg.qty, leg.cost, close)?;
    let (value, exact) = if leg.converted {
        let sided = if native >= 0 { Sided::Bid } else { Sided::Ask };
        let rate = view.routes.get(leg.route).rate(view.prices, sided)?;
        mul_div_floor(native, rate.num, rate.den.checked_mul(den)?)?
    } else if den == 1 {
        (native, true)
    } else {
        mul_div_floor(native, 1, den)?
    };
    (value.unsigned_abs() <= WORTH_MAX as u128).then_some((value, exact))
}

/// Other instruments whose prices the leg follows, each once.
pub(super) fn followed(leg: &Leg, routes: &Routes, into: &mut Vec<u32>) {
    into.clear();
    let result = leg.converted.then_some(leg.route);
    for route in result.into_iter().chain(leg.margin_route) {
        for instrument in routes.get(route).instruments() {
            if !into.contains(&instrument) {
                into.push(instrument);
            }
        }
    }
}
