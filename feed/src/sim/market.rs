//! Fair values: every currency and commodity has a value in US dollars that wanders; a pair is a ratio of two,
//! so crosses agree with their legs. Integers only.

use crate::catalog::{Catalog, Listing};
use crate::rng::{BELL_SIGMA, Rng};
use siaga_risk::ids::CurrencyId;
use siaga_risk::units::*;
use std::collections::BTreeMap;

/// Values are in `10^-12` US dollars.
const VALUE_SCALE: i128 = 1_000_000_000_000;

/// A value drifts back to where it started with this time constant, so that a demonstration of weeks stays plausible.
const REVERSION_NS: i128 = 8 * HOUR_NS as i128;

/// `1024 × sqrt(60_000_000)`: scales the root of microseconds to the root of minutes.
const ROOT_MINUTE: i128 = 7_931_871;

/// Something that has a value of its own.
#[derive(Clone, Debug)]
struct Factor {
    anchor: i128,
    value: i128,
    /// Deviation of a minute, parts per 10^12.
    sigma: i128,
    at: Ts,
}

/// Which factors make the price of a listing.
#[derive(Clone, Copy, Debug)]
pub struct Legs {
    base: usize,
    /// `None`: the base is priced in dollars already.
    quote: Option<usize>,
    price_scale: i128,
}

#[derive(Clone, Debug)]
pub struct Market {
    factors: Vec<Factor>,
}

impl Market {
    /// The fair values behind a catalog, and each listing's legs in the catalog's order.
    ///
    /// A listing whose value cannot be derived from any start price gets `None` and stays silent.
    pub fn new(catalog: &Catalog, start: Ts) -> (Market, Vec<Option<Legs>>) {
        let dollar = catalog.currency("USD").ok().map(|c| c.terms.id);
        let mut factors = vec![Factor {
            anchor: VALUE_SCALE,
            value: VALUE_SCALE,
            sigma: 0,
            at: start,
        }];
        let mut by_currency: BTreeMap<CurrencyId, usize> = BTreeMap::new();
        if let Some(dollar) = dollar {
            by_currency.insert(dollar, 0);
        }
        // Dollar pairs first; a second round reaches what is quoted in something derived in the first.
        for _ in 0..2 {
            for listing in &catalog.instruments {
                derive(listing, start, &mut factors, &mut by_currency);
            }
        }
        let legs = catalog.instruments.iter().map(|listing| {
            let price_scale = i128::from(pow10(listing.terms.price_digits));
            if listing.terms.base == listing.terms.quote {
                let value = i128::from(listing.sim.price?.0) * VALUE_SCALE / price_scale;
                factors.push(Factor {
                    anchor: value,
                    value,
                    sigma: i128::from(listing.sim.sigma.0),
                    at: start,
                });
                return Some(Legs {
                    base: factors.len() - 1,
                    quote: None,
                    price_scale,
                });
            }
            let base = *by_currency.get(&listing.terms.base)?;
            let quote = *by_currency.get(&listing.terms.quote)?;
            Some(Legs {
                base,
                quote: Some(quote),
                price_scale,
            })
        });
        let legs = legs.collect();
        (Market { factors }, legs)
    }

    /// The fair price at `now` in price steps, with its factors' deviation multiplied by `turbulence`.
    pub fn price(&mut self, legs: Legs, now: Ts, turbulence: u32, rng: &mut Rng) -> i128 {
        self.wander(legs.base, now, turbulence, rng);
        match legs.quote {
            Some(quote) => {
                self.wander(quote, now, turbulence, rng);
                self.factors[legs.base].value * legs.price_scale / self.factors[quote].value
            }
            None => self.factors[legs.base].value * legs.price_scale / VALUE_SCALE,
        }
    }

    fn wander(&mut self, factor: usize, now: Ts, turbulence: u32, rng: &mut Rng) {
        let factor = &mut self.factors[factor];
        let elapsed_ns = now.since(factor.at);
        if factor.sigma == 0 || elapsed_ns < 1_000_000 {
            return;
        }
        factor.at = now;
        let root = i128::from(
            (elapsed_ns / 1_000)
                .min(1 << 43)
                .saturating_mul(1 << 20)
                .isqrt(),
        );
        let sigma = factor.value * factor.sigma / VALUE_SCALE * i128::from(turbulence);
        let step = sigma * root * i128::from(rng.bell()) / (ROOT_MINUTE * i128::from(BELL_SIGMA));
        let pull = (factor.anchor - factor.value) * i128::from(elapsed_ns).min(REVERSION_NS)
            / REVERSION_NS;
        // A value never leaves half to twice its start, whatever the dice say.
        factor.value = (factor.value + step + pull).clamp(factor.anchor / 2, factor.anchor * 2);
    }
}

/// Values one side of a listing from its start price when the other side has a value.
fn derive(
    listing: &Listing,
    start: Ts,
    factors: &mut Vec<Factor>,
    known: &mut BTreeMap<CurrencyId, usize>,
) {
    let Some(price) = listing
        .sim
        .price
        .map(|price| i128::from(price.0))
        .filter(|price| *price > 0)
    else {
        return;
    };
    let (base, quote) = (listing.terms.base, listing.terms.quote);
    let scale = i128::from(pow10(listing.terms.price_digits));
    let (currency, value) = match (known.get(&base), known.get(&quote)) {
        (None, Some(quote)) => (base, factors[*quote].value * price / scale),
        (Some(base), None) => (quote, factors[*base].value * scale / price),
        _ => return,
    };
    factors.push(Factor {
        anchor: value,
        value,
        sigma: i128::from(listing.sim.sigma.0),
        at: start,
    });
    known.insert(currency, factors.len() - 1);
}
