//! Which accounts may have crossed a threshold because of this mark: the one interface behind which the watching
//! is done. This is the plain pass: every position of the instrument is valued, sums are kept per account, and an
//! account is due when its sum leaves its band. Derived from the book; never part of the state.

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
}

/// Sums of an account's floating results.
#[derive(Clone, Copy, Debug)]
struct Sum {
    plain: i128,
    soft: i128,
    band: Band,
    unknown: u32,
    due: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    leg: Leg,
    worth: Option<Worth>,
    loss_low: i128,
    loss_high: i128,
}

/// The plain pass.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    entries: Vec<Option<Entry>>,
    /// Positions of each instrument.
    own: Vec<Vec<u32>>,
    /// Positions whose conversion goes through each instrument.
    converted: Vec<Vec<u32>>,
    sums: Vec<Sum>,
}

impl Watch {
    /// A position was opened or changed: watch it as it is now.
    pub fn put(&mut self, slot: u32, leg: Leg, view: Valuing<'_>) {
        self.remove(slot, view);
        grow(&mut self.entries, slot as usize, || None);
        grow(&mut self.own, leg.instrument as usize, Vec::new);
        grow(&mut self.sums, leg.account as usize, || Sum {
            plain: 0,
            soft: 0,
            band: Band::OPEN,
            unknown: 0,
            due: false,
        });
        self.own[leg.instrument as usize].push(slot);
        for instrument in route_of(&leg, view) {
            grow(&mut self.converted, instrument as usize, Vec::new);
            self.converted[instrument as usize].push(slot);
        }
        let worth = worth(&leg, view);
        let sum = &mut self.sums[leg.account as usize];
        add(sum, worth, 1);
        self.entries[slot as usize] = Some(Entry {
            leg,
            worth,
            loss_low: i128::MIN,
            loss_high: i128::MAX,
        });
    }

    /// A position is gone.
    pub fn remove(&mut self, slot: u32, view: Valuing<'_>) {
        let Some(entry) = self.entries.get_mut(slot as usize).and_then(Option::take) else {
            return;
        };
        add(&mut self.sums[entry.leg.account as usize], entry.worth, -1);
        forget(&mut self.own[entry.leg.instrument as usize], slot);
        for instrument in route_of(&entry.leg, view) {
            if let Some(list) = self.converted.get_mut(instrument as usize) {
                forget(list, slot);
            }
        }
    }

    /// Results between which the account need not be looked at.
    pub fn set_band(&mut self, account: u32, band: Band) {
        if let Some(sum) = self.sums.get_mut(account as usize) {
            sum.band = band;
        }
    }

    /// Results between which the position's own loss alert cannot change.
    pub fn set_loss(&mut self, slot: u32, low: i128, high: i128) {
        if let Some(Some(entry)) = self.entries.get_mut(slot as usize) {
            (entry.loss_low, entry.loss_high) = (low, high);
        }
    }

    /// The instrument has new prices: appends the accounts that may have crossed, each once until `taken`.
    pub fn on_mark(&mut self, instrument: u32, view: Valuing<'_>, due: &mut Vec<u32>) {
        let Watch {
            entries,
            own,
            converted,
            sums,
        } = self;
        for list in [
            own.get(instrument as usize),
            converted.get(instrument as usize),
        ]
        .into_iter()
        .flatten()
        {
            for slot in list {
                if let Some(entry) = &mut entries[*slot as usize] {
                    let sum = &mut sums[entry.leg.account as usize];
                    if revalue(entry, sum, view) && !sum.due {
                        sum.due = true;
                        due.push(entry.leg.account);
                    }
                }
            }
        }
    }

    /// The account is being looked at; it may become due again.
    pub fn taken(&mut self, account: u32) {
        if let Some(sum) = self.sums.get_mut(account as usize) {
            sum.due = false;
        }
    }

    /// Number of positions in an instrument.
    pub fn holders(&self, instrument: u32) -> &[u32] {
        self.own.get(instrument as usize).map_or(&[], Vec::as_slice)
    }

    /// Positions that must be valued again when this instrument's price moves because a rate needs it.
    pub fn converters(&self, instrument: u32) -> &[u32] {
        self.converted
            .get(instrument as usize)
            .map_or(&[], Vec::as_slice)
    }
}

/// The result of a leg now; `None` when a price or rate is missing or a number is too large.
pub fn worth(leg: &Leg, view: Valuing<'_>) -> Option<Worth> {
    let prices = view
        .prices
        .get(leg.instrument as usize)
        .filter(|p| p.known)?;
    let instrument = view.instruments.get(leg.instrument as usize)?.as_ref()?;
    let close = if leg.long { prices.bid } else { prices.ask };
    let (plain, exact) = convert(leg, close, instrument, view)?;
    let soft = if prices.is_dead() {
        let close = if leg.long {
            prices.soft_bid
        } else {
            prices.soft_ask
        };
        convert(leg, close, instrument, view)?.0
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

fn convert(
    leg: &Leg,
    close: i64,
    instrument: &Instrument,
    view: Valuing<'_>,
) -> Option<(i128, bool)> {
    let raw = raw(leg, close)?;
    let scale = instrument.profit;
    let native = raw.checked_mul(scale.num)?;
    let (value, exact) = if leg.converted {
        let sided = if raw >= 0 { Sided::Bid } else { Sided::Ask };
        let rate = view.routes.get(leg.route).rate(view.prices, sided)?;
        mul_div_floor(native, rate.num, rate.den.checked_mul(scale.den)?)?
    } else if scale.den == 1 {
        (native, true)
    } else {
        mul_div_floor(native, 1, scale.den)?
    };
    (value.unsigned_abs() <= WORTH_MAX as u128).then_some((value, exact))
}

fn revalue(entry: &mut Entry, sum: &mut Sum, view: Valuing<'_>) -> bool {
    let now = worth(&entry.leg, view);
    let was = entry.worth;
    entry.worth = now;
    let (Some(new), Some(old)) = (now, was) else {
        add(sum, was, -1);
        add(sum, now, 1);
        return now.is_some() != was.is_some();
    };
    sum.plain += new.plain - old.plain;
    sum.soft += new.soft - old.soft;
    let band = &sum.band;
    (sum.plain <= band.plain_low)
        | (sum.plain >= band.plain_high)
        | (sum.soft <= band.soft_low)
        | (sum.soft >= band.soft_high)
        | (new.plain <= entry.loss_low)
        | (new.plain >= entry.loss_high)
}

fn add(sum: &mut Sum, worth: Option<Worth>, sign: i128) {
    match worth {
        Some(worth) => {
            sum.plain += sign * worth.plain;
            sum.soft += sign * worth.soft;
        }
        None if sign > 0 => sum.unknown += 1,
        None => sum.unknown -= 1,
    }
}

/// Other instruments whose prices the leg follows, each once.
fn route_of(leg: &Leg, view: Valuing<'_>) -> Vec<u32> {
    let result = leg.converted.then_some(leg.route);
    let routes = result.into_iter().chain(leg.margin_route);
    let mut followed: Vec<u32> = routes
        .flat_map(|route| view.routes.get(route).instruments())
        .filter(|instrument| *instrument != leg.instrument)
        .collect();
    followed.sort_unstable();
    followed.dedup();
    followed
}

fn forget(list: &mut Vec<u32>, slot: u32) {
    if let Some(at) = list.iter().position(|other| *other == slot) {
        list.swap_remove(at);
    }
}

fn grow<T>(list: &mut Vec<T>, index: usize, empty: impl FnMut() -> T) {
    if list.len() <= index {
        list.resize_with(index + 1, empty);
    }
}
