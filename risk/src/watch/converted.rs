//! Accounts with results in other currencies: the product of a price and a rate is bounded at the corner of the box that
//! all their prices may move in. A gain is sold at the bid of its currency, a loss bought at the ask, so a result is
//! concave in the rate and each position is worst at one corner.

use super::chunks::NONE;
use super::page::*;
use super::purse::{Rate, Rates, kappa};
use super::rows::RUNGS;
use super::scaled::{Scaled, Towards, widen};
use super::{Valuing, Watch};

/// Units of the last place that rounding may have cost a rate of two hops.
const ROUNDED: u64 = 8;
/// A price beyond these tenths of what it was ends an era: what rates may do is counted anew.
const ERA_TENTHS: (i64, i64) = (7, 14);

/// How far prices may go: as they are, or anywhere they may be while a rung stands.
#[derive(Clone, Copy)]
pub(super) enum Box {
    Now,
    Rung(usize),
}

/// Worst and best result of an account in a box, and whether a position's own alert may change in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Corners {
    pub worst: i64,
    pub best: i64,
    pub loss_met: bool,
}

impl Watch {
    /// The account may be outside its band: no when this is certain, yes when it is so or cannot be excluded.
    pub(super) fn is_converted_outside(&self, first: u32, view: Valuing<'_>) -> bool {
        let page = &self.pages.legs[first];
        self.stands(first, view).is_none_or(|corners| {
            corners.worst <= page.low || corners.best >= page.high || corners.loss_met
        })
    }

    /// Between which results the account stands now; `None` when a rate is missing or a number does not fit.
    pub(super) fn stands(&self, first: u32, view: Valuing<'_>) -> Option<Corners> {
        let page = &self.pages.legs[first];
        if page.next != NONE || page.loss_set != 0 {
            return self.corners(first, Box::Now, view);
        }
        let rates = &self.pages.rates[page.rates];
        let most = self.units.most(page.unit);
        let (mut worst, mut apart) = (0i64, 0i64);
        for at in 0..usize::from(page.len) {
            let coef = page.coef[at];
            let price = self.prices[usize::from(page.instrument[at])][usize::from(coef < 0)];
            let result = coef
                .checked_mul(price)?
                .checked_sub(rates.cost[at] * coef.signum())?;
            let result = if rates.route[at] == UNCONVERTED {
                result
            } else {
                let (low, high) = (*self.rated.get(usize::from(rates.route[at]))?)?;
                let size = result.unsigned_abs();
                let value = if result >= 0 {
                    low.of_size(size, Towards::Zero)?
                } else {
                    -high.of_size(size, Towards::Infinity)?
                };
                // What rounding cut off, of the product and, in its last places, of the rate.
                apart += 2 + (value.abs() >> (60 - ROUNDED.ilog2()));
                value
            };
            if result < -most || result > most {
                return None;
            }
            worst = worst.checked_add(result)?;
        }
        Some(Corners {
            worst,
            best: worst.checked_add(apart)?,
            loss_met: false,
        })
    }

    /// `None` when a rate is missing or a number does not fit.
    pub(super) fn corners(&self, first: u32, bounded: Box, view: Valuing<'_>) -> Option<Corners> {
        let most = self.units.most(self.pages.legs[first].unit);
        let mut sum = Corners::default();
        for at in self.pages.walk(first) {
            let (page, rates) = (&self.pages.legs[at.page], &self.pages.rates[at.rates]);
            let (coef, route) = (page.coef[at.index], rates.route[at.index]);
            let instrument = usize::from(page.instrument[at.index]);
            let price = self.prices[instrument][usize::from(coef < 0)];
            let steps = self.steps(instrument, bounded);
            let cost = rates.cost[at.index] * coef.signum();
            let at_price = |price: i64| i128::from(coef) * i128::from(price) - i128::from(cost);
            let (lowest, highest) = (price.saturating_sub(steps), price.saturating_add(steps));
            let (worst, best) = if coef > 0 {
                (at_price(lowest), at_price(highest))
            } else {
                (at_price(highest), at_price(lowest))
            };
            let (worst, best) = if route == UNCONVERTED {
                (i64::try_from(worst).ok()?, i64::try_from(best).ok()?)
            } else {
                self.converted(route, worst, best, bounded, view)?
            };
            if worst < -most || best > most {
                return None;
            }
            sum.worst = sum.worst.checked_add(worst)?;
            sum.best = sum.best.checked_add(best)?;
            if page.loss_set >> at.index & 1 == 1 {
                let back = page.loss_back >> at.index & 1 == 1;
                let loss = widen(page.loss[at.index]);
                sum.loss_met |= match (route == UNCONVERTED, back) {
                    (true, _) => matches!(bounded, Box::Now) && self.is_at_loss(at.page, at.index),
                    (false, false) => i128::from(worst) <= loss,
                    (false, true) => i128::from(best) >= loss,
                };
            }
        }
        Some(sum)
    }

    fn converted(
        &self,
        route: u16,
        worst: i128,
        best: i128,
        bounded: Box,
        view: Valuing<'_>,
    ) -> Option<(i64, i64)> {
        let (low, high) = self.rates(route, bounded, view)?;
        let size = |value: i128| u64::try_from(value.unsigned_abs()).ok();
        let worst = if worst >= 0 {
            low.of_size(size(worst)?, Towards::Zero)?
        } else {
            -high.of_size(size(worst)?, Towards::Infinity)?
        };
        // As things are, a gain stands at the bid and a loss at the ask; in a box either may be anywhere in it.
        let (gain, loss) = match bounded {
            Box::Now => (low.above(ROUNDED), high.below(ROUNDED)),
            Box::Rung(_) => (high, low),
        };
        let best = if best >= 0 {
            gain.of_size(size(best)?, Towards::Infinity)?
        } else {
            -loss.of_size(size(best)?, Towards::Zero)?
        };
        Some((worst, best))
    }

    /// The lowest bid and the highest ask of a rate in a box.
    pub(super) fn rates(
        &self,
        route: u16,
        bounded: Box,
        view: Valuing<'_>,
    ) -> Option<(Scaled, Scaled)> {
        match bounded {
            Box::Now => self.rated.get(usize::from(route)).copied().flatten(),
            Box::Rung(_) => self.rates_in(route, bounded, view),
        }
    }

    /// The rates of a route are kept: every price that it goes over sets them anew.
    pub(super) fn is_rated(&self, route: u16) -> bool {
        (self.rated.get(usize::from(route))).is_some_and(Option::is_some)
    }

    /// The rates of a route as prices are are kept from now on.
    pub(super) fn rate(&mut self, route: u16, view: Valuing<'_>) {
        let at = usize::from(route);
        if self.rated.len() <= at {
            self.rated.resize(at + 1, None);
        }
        self.set_rate(route, view);
        // Nobody counts on a rate that there was not.
        for rung in 0..RUNGS {
            if !self.rates.swept(Rates::number(route), rung).is_known() {
                self.rates.sweep(route, rung);
            }
        }
        for (instrument, ..) in view.routes.get(u32::from(route)).hops() {
            self.grow_instruments(instrument);
            let routes = &mut self.quoted[instrument as usize].routes;
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
        self.set_kappas(route, view);
    }

    /// An instrument that rates are made of has new prices; true when a rate came or went by it.
    pub(super) fn rate_again(&mut self, instrument: u32, view: Valuing<'_>) -> bool {
        let mut turned = false;
        for at in 0..self.quoted[instrument as usize].routes.len() {
            let route = self.quoted[instrument as usize].routes[at];
            let was = self.rated[usize::from(route)].is_some();
            self.set_rate(route, view);
            turned |= was != self.rated[usize::from(route)].is_some();
        }
        turned
    }

    fn set_rate(&mut self, route: u16, view: Valuing<'_>) {
        let rated = self.rates_in(route, Box::Now, view);
        self.rated[usize::from(route)] = rated;
        self.rates.set(route, Rate::of(rated.map(|(bid, _)| bid)));
    }

    /// How far a route's rate may go from its bid until the next sweep, by rung.
    fn set_kappas(&mut self, route: u16, view: Valuing<'_>) {
        let hops: Vec<u32> = (view.routes.get(u32::from(route)).hops())
            .map(|(instrument, ..)| instrument)
            .collect();
        let mut kappas = [None; RUNGS];
        for (rung, one) in kappas.iter_mut().enumerate() {
            // Shares of the prices add up; what multiplying them adds is inside the reserve.
            let mut apart = 0u64;
            for instrument in &hops {
                let quoted = &self.quoted[*instrument as usize];
                let steps = 2 * self.reach_of(*instrument as usize, rung) + quoted.spread_most;
                let parts = (u128::from(steps.unsigned_abs()) << super::purse::KAPPA_LOG)
                    .div_ceil(u128::from(quoted.era.unsigned_abs().max(1)));
                apart = apart.saturating_add(u64::try_from(parts).unwrap_or(u64::MAX));
            }
            *one = kappa(apart);
        }
        self.rates.set_kappas(route, kappas);
    }

    /// Bid and ask of an instrument are crossed or further apart than anybody counts on, or it has gone far since its
    /// rates were bounded: what they may do is counted anew. True when it was.
    pub(super) fn check_era(&mut self, instrument: u32, view: Valuing<'_>) -> bool {
        let at = instrument as usize;
        let [bid, ask] = self.prices[at];
        let (spread, least) = (ask.saturating_sub(bid), bid.min(ask));
        let quoted = &mut self.quoted[at];
        let (from, until) = ERA_TENTHS;
        let tenths = least.saturating_mul(10);
        let stands =
            tenths >= quoted.era.saturating_mul(from) && tenths <= quoted.era.saturating_mul(until);
        if stands && spread.abs() <= quoted.spread_most {
            return false;
        }
        quoted.era = least.max(1);
        quoted.spread_most = spread.abs().saturating_mul(2);
        for at in 0..self.quoted[instrument as usize].routes.len() {
            let route = self.quoted[instrument as usize].routes[at];
            self.set_kappas(route, view);
        }
        !self.quoted[at].routes.is_empty()
    }

    fn rates_in(&self, route: u16, bounded: Box, view: Valuing<'_>) -> Option<(Scaled, Scaled)> {
        let (mut low, mut high) = (Scaled::ONE, Scaled::ONE);
        let route = view.routes.get(u32::from(route));
        if route.is_missing() {
            return None;
        }
        for (instrument, inverse, scale) in route.hops() {
            self.quoted
                .get(instrument as usize)
                .filter(|quoted| quoted.known)?;
            let [bid, ask] = self.prices[instrument as usize];
            let (lowest, highest) = match bounded {
                Box::Now => (bid, ask),
                Box::Rung(_) => {
                    let steps = self.steps(instrument as usize, bounded);
                    // A price that is no rate any more is a trigger of its own.
                    (
                        (bid.min(ask).saturating_sub(steps)).max(1),
                        bid.max(ask).saturating_add(steps),
                    )
                }
            };
            if bid.min(ask) <= 0 {
                return None;
            }
            let scale = Scaled::whole(u64::try_from(scale).ok()?);
            let (lowest, highest) = (Scaled::whole(lowest as u64), Scaled::whole(highest as u64));
            let (down, up) = if inverse {
                (
                    scale.over(highest, Towards::Zero),
                    scale.over(lowest, Towards::Infinity),
                )
            } else {
                (
                    lowest.over(scale, Towards::Zero),
                    highest.over(scale, Towards::Infinity),
                )
            };
            low = low.times(down, Towards::Zero);
            high = high.times(up, Towards::Infinity);
        }
        Some((low, high))
    }

    /// How far a price may go from where it is now in a box.
    fn steps(&self, instrument: usize, bounded: Box) -> i64 {
        match bounded {
            Box::Now => 0,
            // It may stand at one end of its reach and go to the other.
            Box::Rung(rung) => 2 * self.reach_of(instrument, rung),
        }
    }
}
