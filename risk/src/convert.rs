//! Currency conversion: which instruments carry one currency into another, and the exact sided rate now.
//! Direct pair, else inverse pair, else a cross through the pivots in their rank. A missing rate is `None`.

use crate::book::instruments::Instrument;
use crate::ids::*;
use crate::record;
use crate::terms::{AssetClass, CalcMode, CurrencyTerms};
use crate::wide::{gcd, mul_div_round};
use std::collections::BTreeMap;

/// Decimal digits of the fine unit in which results are summed: a hundredth of a millionth of a millionth of a
/// millionth of a currency unit leaves products of price, quantity and contract size exact, and i128 still holds 10^18 units.
pub const FINE_DIGITS: u8 = 20;

/// Digits of a middle that cannot be exact, and the largest denominator of one that is.
const MID_DIGITS: u32 = 26;
const MID_DEN_MAX: i128 = 10i128.pow(MID_DIGITS + 1);

record! {
    /// An exact conversion rate: `num / den` units of the target per unit of the source.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Rate { pub num: i128, pub den: i128 }
}

impl Rate {
    /// A currency into itself.
    pub const ONE: Rate = Rate { num: 1, den: 1 };

    /// The mean of two rates by weight: exact while it fits 64 bits, else to 18 digits. `None` without weight.
    pub fn mean(self, weight: i128, other: Rate, more: i128) -> Option<Rate> {
        let shared = gcd(weight, more).max(1);
        let (weight, more) = (weight / shared, more / shared);
        let den = (self.den / gcd(self.den, other.den).max(1)).checked_mul(other.den)?;
        let share = |rate: Rate, weight: i128| {
            let num = rate.num.checked_mul(den / rate.den)?;
            num.checked_mul(weight)
        };
        let num = share(self, weight)?.checked_add(share(other, more)?)?;
        let den = den.checked_mul(weight.checked_add(more)?)?;
        let shared = gcd(num, den);
        if den <= 0 || shared <= 0 {
            return None;
        }
        let (num, den) = (num / shared, den / shared);
        let narrow = |value: i128| value <= i128::from(i64::MAX);
        if narrow(num) && narrow(den) {
            return Some(Rate { num, den });
        }
        (0..=18).rev().find_map(|digits| {
            let scale = 10i128.pow(digits);
            let num = mul_div_round(num, scale, den)?;
            narrow(num).then_some(Rate { num, den: scale })
        })
    }

    /// `amount × rate / unit`, rounded once where the denominators fit and else twice, the first time to a whole of the
    /// amount's units.
    pub fn apply(self, amount: i128, unit: i128) -> Option<i128> {
        match self.den.checked_mul(unit) {
            Some(den) => mul_div_round(amount, self.num, den),
            None => mul_div_round(mul_div_round(amount, self.num, self.den)?, 1, unit),
        }
    }

    /// Halfway between two: exact while the denominator leaves room for what multiplies it, else to 26 digits or as
    /// many as fit.
    fn halfway(self, other: Rate) -> Option<Rate> {
        let exact = |shared: i128| {
            let (mine, others) = (other.den / shared, self.den / shared);
            let (left, right) = (self.num.checked_mul(mine)?, other.num.checked_mul(others)?);
            let num = left.checked_add(right)?;
            let den = self.den.checked_mul(mine)?.checked_mul(2)?;
            (den <= MID_DEN_MAX).then_some(Rate { num, den })
        };
        let rounded = |digits: u32| {
            let scale = 10i128.pow(digits);
            let part = |rate: Rate| mul_div_round(rate.num, scale, rate.den);
            let num = part(self)?.checked_add(part(other)?)?;
            (num > 0).then_some(Rate {
                num,
                den: 2 * scale,
            })
        };
        exact(1)
            .or_else(|| exact(gcd(self.den, other.den)))
            .or_else(|| (0..=MID_DIGITS).rev().find_map(rounded))
    }

    fn times(self, other: Rate) -> Option<Rate> {
        Some(Rate {
            num: self.num.checked_mul(other.num)?,
            den: self.den.checked_mul(other.den)?,
        })
    }
}

record! {
    /// The prices an instrument is valued at.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Prices {
        pub bid: i64,
        pub ask: i64,
        /// Moved against the holder while the price is dead; equal to `bid` and `ask` otherwise.
        pub soft_bid: i64,
        pub soft_ask: i64,
        pub known: bool,
        /// The venue's mark price while it is fresh.
        pub mark: Option<i64>,
    }
}

impl Prices {
    /// Live prices.
    pub fn live(bid: i64, ask: i64) -> Prices {
        Prices {
            bid,
            ask,
            soft_bid: bid,
            soft_ask: ask,
            known: true,
            mark: None,
        }
    }

    /// A dead price is moved against whoever holds it.
    pub fn is_dead(&self) -> bool {
        self.bid != self.soft_bid || self.ask != self.soft_ask
    }
}

/// Which side of the market a conversion trades on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sided {
    /// The source currency is sold.
    Bid,
    /// The source currency is bought.
    Ask,
    /// Halfway.
    Mid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hop {
    instrument: u32,
    inverse: bool,
    scale: i128,
}

/// One way from a currency to another: no hop, one, or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    hops: Vec<Hop>,
    missing: bool,
}

impl Route {
    /// Instruments whose prices this route multiplies.
    pub fn instruments(&self) -> impl Iterator<Item = u32> + '_ {
        self.hops.iter().map(|hop| hop.instrument)
    }

    /// Its hops: instrument, whether its price is turned over, and the price of one.
    pub fn hops(&self) -> impl Iterator<Item = (u32, bool, i128)> + '_ {
        let hops = self.hops.iter();
        hops.map(|hop| (hop.instrument, hop.inverse, hop.scale))
    }

    /// There is no way at all.
    pub fn is_missing(&self) -> bool {
        self.missing
    }

    /// The rate now, or `None` when a price is missing or not positive.
    pub fn rate(&self, prices: &[Prices], sided: Sided) -> Option<Rate> {
        if self.missing {
            return None;
        }
        if sided == Sided::Mid {
            let (bid, ask) = (
                self.rate(prices, Sided::Bid)?,
                self.rate(prices, Sided::Ask)?,
            );
            return bid.halfway(ask);
        }
        let mut rate = Rate::ONE;
        for hop in &self.hops {
            rate = rate.times(hop.rate(prices, sided)?)?;
        }
        Some(rate)
    }
}

impl Hop {
    fn rate(&self, prices: &[Prices], sided: Sided) -> Option<Rate> {
        let quote = prices.get(self.instrument as usize).filter(|q| q.known)?;
        let bid_side = (sided == Sided::Bid) != self.inverse;
        let price = i128::from(if bid_side { quote.bid } else { quote.ask });
        if price <= 0 {
            return None;
        }
        Some(if self.inverse {
            Rate {
                num: self.scale,
                den: price,
            }
        } else {
            Rate {
                num: price,
                den: self.scale,
            }
        })
    }
}

/// The routes in use, numbered; derived from terms, never part of the state.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    index: BTreeMap<(CurrencyId, CurrencyId), u32>,
    routes: Vec<Route>,
}

impl Routes {
    /// The number of a route that was asked for before.
    pub fn find(&self, from: CurrencyId, to: CurrencyId) -> Option<u32> {
        self.index.get(&(from, to)).copied()
    }

    /// The route with this number.
    pub fn get(&self, route: u32) -> &Route {
        &self.routes[route as usize]
    }

    /// The number of the route between two currencies, found or made.
    pub fn number(&mut self, from: CurrencyId, to: CurrencyId, map: &Map<'_>) -> u32 {
        if let Some(number) = self.index.get(&(from, to)) {
            return *number;
        }
        let number = self.routes.len() as u32;
        self.routes.push(map.find(from, to));
        self.index.insert((from, to), number);
        number
    }

    /// Looks for better ways after terms or first prices arrived; true when one changed.
    pub fn refresh(&mut self, map: &Map<'_>) -> bool {
        let mut changed = false;
        for ((from, to), number) in &self.index {
            let found = map.find(*from, *to);
            let route = &mut self.routes[*number as usize];
            changed |= *route != found;
            *route = found;
        }
        changed
    }
}

/// What routes are found in.
pub struct Map<'a> {
    pub currencies: &'a BTreeMap<CurrencyId, CurrencyTerms>,
    pub instruments: &'a [Option<Box<Instrument>>],
    pub prices: &'a [Prices],
}

impl Map<'_> {
    /// The best way: priced ones first, otherwise the first that exists.
    pub fn find(&self, from: CurrencyId, to: CurrencyId) -> Route {
        if from == to {
            return Route {
                hops: Vec::new(),
                missing: false,
            };
        }
        let mut ways: Vec<Vec<Hop>> = self
            .hop(from, to)
            .into_iter()
            .map(|hop| vec![hop])
            .collect();
        let mut pivots: Vec<_> = self.currencies.values().filter(|c| c.pivot > 0).collect();
        pivots.sort_by_key(|currency| (currency.pivot, currency.id));
        for pivot in pivots {
            for first in self.hop(from, pivot.id) {
                ways.extend(
                    self.hop(pivot.id, to)
                        .into_iter()
                        .map(|second| vec![first, second]),
                );
            }
        }
        let priced = |hops: &&Vec<Hop>| {
            hops.iter()
                .all(|hop| hop.rate(self.prices, Sided::Bid).is_some())
        };
        match ways.iter().find(priced).or(ways.first()) {
            Some(hops) => Route {
                hops: hops.clone(),
                missing: false,
            },
            None => Route {
                hops: Vec::new(),
                missing: true,
            },
        }
    }

    /// The direct pair, then the inverse one.
    fn hop(&self, from: CurrencyId, to: CurrencyId) -> Vec<Hop> {
        let find = |base: CurrencyId, quote: CurrencyId| {
            self.instruments.iter().flatten().find(|instrument| {
                let terms = &instrument.terms;
                terms.base == base && terms.quote == quote && is_pair(terms.mode, terms.class)
            })
        };
        let hop = |instrument: &Instrument, inverse| Hop {
            instrument: instrument.terms.id.0,
            inverse,
            scale: i128::from(crate::units::pow10(instrument.terms.price_digits)),
        };
        let direct = find(from, to).map(|instrument| hop(instrument, false));
        let inverse = find(to, from).map(|instrument| hop(instrument, true));
        direct.into_iter().chain(inverse).collect()
    }
}

/// A price of base in quote: a share's price in a currency is none.
fn is_pair(mode: CalcMode, class: AssetClass) -> bool {
    matches!(
        mode,
        CalcMode::Forex | CalcMode::ForexNoLeverage | CalcMode::CryptoLinear
    ) || matches!(class, AssetClass::Forex | AssetClass::Crypto)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two hops of eight digits each.
    fn cross(inverse: bool) -> Route {
        let hop = |instrument| Hop {
            instrument,
            inverse,
            scale: 100_000_000,
        };
        Route {
            hops: vec![hop(0), hop(1)],
            missing: false,
        }
    }

    #[test]
    fn halfway_on_a_cross_of_many_digits_is_a_rate() {
        // Near 65,000 both: their product leaves no room for the other side's.
        let prices = [
            Prices::live(6_500_000_000_001, 6_500_000_001_003),
            Prices::live(6_500_000_000_003, 6_500_000_002_011),
        ];
        for inverse in [false, true] {
            let route = cross(inverse);
            let worth = |sided| {
                let rate = route.rate(&prices, sided)?;
                mul_div_round(10i128.pow(26), rate.num, rate.den)
            };
            let sides = [Sided::Bid, Sided::Ask, Sided::Mid].map(worth);
            let [Some(bid), Some(ask), Some(mid)] = sides else {
                panic!("no rate: {sides:?}, turned over: {inverse}")
            };
            assert!(bid < mid && mid < ask);
            assert!((bid + ask - 2 * mid).abs() <= 3, "turned over: {inverse}");
        }
    }

    #[test]
    fn a_rate_without_room_for_the_unit_is_rounded_twice() {
        let rate = Rate {
            num: 10i128.pow(16),
            den: 4 * 10i128.pow(25),
        };
        let unit = 10i128.pow(18);
        assert_eq!(rate.den.checked_mul(unit), None);
        // 10^34 of the fine unit are 2.5 × 10^24 of the other one's.
        assert_eq!(rate.apply(10i128.pow(34), unit), Some(2_500_000));
        let narrow = Rate { num: 3, den: 2 };
        assert_eq!(narrow.apply(101, 10), Some(15));
    }
}
