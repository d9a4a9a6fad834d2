//! Accounts with results in other currencies: the product of a price and a rate is bounded at the corner of the box that
//! all their prices may move in. A gain is sold at the bid of its currency, a loss bought at the ask, so a result is
//! concave in the rate and each position is worst at one corner.

use super::band::{ASK_RISES, BID_FALLS, COOL_ABOVE, HOT_BELOW, Share, is_better, too_wide};
use super::chunks::NONE;
use super::holders::RANGE;
use super::page::*;
use super::scaled::{Scaled, Towards, widen};
use super::{Valuing, WORTH_MAX, Watch};

/// Below this many typical moves of all its prices together a converted account is looked at at every price; ...
const CLOSE_BELOW: u128 = 3;
/// ... and gets a band again beyond this many.
const RELAX_ABOVE: u128 = 6;
/// The first guess leaves a sixteenth for products of two moves; each further one halves what is left.
const TRIES: u32 = 4;
/// Units of the last place that rounding may have cost a rate of two hops.
const ROUNDED: u64 = 8;

/// How far prices may move, in their own pace; `None`: as they are.
#[derive(Clone, Copy)]
pub(super) struct Box {
    share: Option<Share>,
    fault: u32,
}

/// Worst and best result of an account in a box, and whether a position's own alert may change in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Corners {
    pub worst: i64,
    pub best: i64,
    pub loss_met: bool,
}

/// Which directions must be bounded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs {
    adverse: bool,
    favourable: bool,
}

impl Needs {
    pub const BOTH: Needs = Needs {
        adverse: true,
        favourable: true,
    };
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
            return self.corners(first, Box::NOW, view);
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

    pub(super) fn band_converted(&mut self, account: u32, view: Valuing<'_>) {
        let mark = self.marks[account as usize];
        let page = &self.pages.legs[mark.page];
        let (low, high) = (page.low, page.high);
        let inside =
            |corners: &Corners| corners.worst > low && corners.best < high && !corners.loss_met;
        let (Some(corners), Some((weight, needs))) = (
            self.stands(mark.page, view).filter(inside),
            self.sensitivity(mark.page, view),
        ) else {
            return self.watch_closely(account);
        };
        let needs = Needs {
            adverse: needs.adverse || low != i64::MIN,
            favourable: needs.favourable || high != i64::MAX,
        };
        let slack = |apart: i128| apart.clamp(0, 1 << 62) as u64;
        let below =
            (low != i64::MIN).then(|| slack(i128::from(corners.worst) - i128::from(low) - 1));
        let above =
            (high != i64::MAX).then(|| slack(i128::from(high) - i128::from(corners.best) - 1));
        // Without a threshold only alerts of single positions bound the box.
        let nearest = below.unwrap_or(1 << 62).min(above.unwrap_or(1 << 62));
        let near = |limit: u128| u128::from(nearest) << 8 < weight * limit;
        let hot = if mark.class == Class::Banded {
            HOT_BELOW
        } else {
            COOL_ABOVE
        };
        if near(hot) && self.heat_converted(account, corners, weight, view) {
            return;
        }
        let limit = if mark.class == Class::Banded {
            CLOSE_BELOW
        } else {
            RELAX_ABOVE
        };
        if near(limit) {
            return self.watch_closely(account);
        }
        let holds = |slack: u64| {
            let bounded = Box {
                share: Some(Share::of(slack, weight)),
                fault: 0,
            };
            self.corners(mark.page, bounded, view)
                .is_some_and(|corners| {
                    (!needs.adverse || corners.worst > low)
                        && (!needs.favourable || corners.best < high)
                        && !corners.loss_met
                })
        };
        let nearest = nearest.min(slack_most(weight));
        let guess = nearest / 16 * 15;
        let Some(mut slack) = (0..TRIES)
            .map(|half| guess >> half)
            .find(|slack| holds(*slack))
        else {
            return self.watch_closely(account);
        };
        if self.fault > 0 {
            // The widest box that holds: only then is one that is a little wider at fault.
            for bit in (0..60).rev() {
                let wider = slack.saturating_add(1 << bit);
                if wider < nearest.saturating_mul(2) && holds(wider) {
                    slack = wider;
                }
            }
        }
        let bounded = Box {
            share: Some(Share::of(slack, weight)),
            fault: self.fault,
        };
        self.box_in(account, bounded, needs);
    }

    /// Puts the triggers of a box in place.
    pub(super) fn box_in(&mut self, account: u32, bounded: Box, needs: Needs) {
        self.leave(account);
        let first = self.marks[account as usize].page;
        let mut number = first;
        while number != NONE {
            for at in 0..usize::from(self.pages.legs[number].len) {
                let page = &self.pages.legs[number];
                let steps = bounded.steps(self.quoted[usize::from(page.instrument[at])].pace);
                let adverse = needs.adverse.then_some(steps);
                let favourable = needs.favourable.then_some(steps);
                let (down, up) = if page.coef[at] > 0 {
                    (adverse, favourable)
                } else {
                    (favourable, adverse)
                };
                self.set_triggers(account, number, at, (down, up));
            }
            number = self.pages.legs[number].next;
        }
        let mut number = self.pages.legs[first].rates;
        while number != NONE {
            for at in 0..usize::from(self.pages.rates[number].factors) {
                self.box_factor(account, number, at, bounded);
            }
            number = self.pages.rates[number].next;
        }
    }

    fn box_factor(&mut self, account: u32, number: u32, at: usize, bounded: Box) {
        let page = &self.pages.rates[number];
        let instrument = usize::from(page.factor[at]);
        let quoted = &self.quoted[instrument];
        let [bid, ask] = self.prices[instrument].map(|price| price - quoted.base);
        let steps = bounded.steps(quoted.pace);
        let edge = i64::from(i32::MAX - 1);
        // Never down to a price that is no rate.
        let least = (1 - quoted.base).clamp(-edge, edge);
        let low = bid.min(ask).saturating_sub(steps).max(least);
        let low = low.clamp(1 - edge, edge) as i32 - 1;
        let high = bid.max(ask).saturating_add(steps);
        let high = high.clamp(-edge, edge - 1) as i32 + 1;
        let page = &mut self.pages.rates[number];
        if is_better(page.low_key[at], low, NO_LOW, bid.min(ask)) {
            page.low_key[at] = low;
            self.trigger(instrument, BID_FALLS, low, account);
        }
        let page = &mut self.pages.rates[number];
        if is_better(page.high_key[at], high, NO_HIGH, bid.max(ask)) {
            page.high_key[at] = high;
            self.trigger(instrument, ASK_RISES, high, account);
        }
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
            let steps = bounded.steps(self.quoted[instrument].pace);
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
                    (true, _) => bounded.share.is_none() && self.is_at_loss(at.page, at.index),
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
        let (gain, loss) = match bounded.share {
            None => (low.above(ROUNDED), high.below(ROUNDED)),
            Some(_) => (high, low),
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
        match bounded.share {
            None => self.rated.get(usize::from(route)).copied().flatten(),
            Some(_) => self.rates_in(route, bounded, view),
        }
    }

    /// The rates of a route as prices are are kept from now on.
    pub(super) fn rate(&mut self, route: u16, view: Valuing<'_>) {
        let at = usize::from(route);
        if self.rated.len() <= at {
            self.rated.resize(at + 1, None);
        }
        self.rated[at] = self.rates_in(route, Box::NOW, view);
        for (instrument, ..) in view.routes.get(u32::from(route)).hops() {
            self.grow_instruments(instrument);
            let routes = &mut self.quoted[instrument as usize].routes;
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
    }

    /// An instrument that rates are made of has new prices.
    pub(super) fn rate_again(&mut self, instrument: u32, view: Valuing<'_>) {
        for at in 0..self.quoted[instrument as usize].routes.len() {
            let route = self.quoted[instrument as usize].routes[at];
            self.rated[usize::from(route)] = self.rates_in(route, Box::NOW, view);
        }
    }

    fn rates_in(&self, route: u16, bounded: Box, view: Valuing<'_>) -> Option<(Scaled, Scaled)> {
        let (mut low, mut high) = (Scaled::ONE, Scaled::ONE);
        let route = view.routes.get(u32::from(route));
        if route.is_missing() {
            return None;
        }
        for (instrument, inverse, scale) in route.hops() {
            let quoted = self
                .quoted
                .get(instrument as usize)
                .filter(|quoted| quoted.known)?;
            let [bid, ask] = self.prices[instrument as usize];
            let (lowest, highest) = match bounded.share {
                None => (bid, ask),
                Some(_) => {
                    let steps = bounded.steps(quoted.pace);
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

    /// About what a typical move of all its prices changes together, 1/256 units; and what must be bounded for the
    /// sake of single positions.
    fn sensitivity(&self, first: u32, view: Valuing<'_>) -> Option<(u128, Needs)> {
        let now = Box::NOW;
        let unit = self.units.get(self.pages.legs[first].unit);
        let (mut weight, mut needs) = (0u128, Needs::default());
        for at in self.pages.walk(first) {
            let (page, rates) = (&self.pages.legs[at.page], &self.pages.rates[at.rates]);
            let (coef, route) = (page.coef[at.index], rates.route[at.index]);
            let instrument = usize::from(page.instrument[at.index]);
            let pace = u128::from(self.quoted[instrument].pace);
            if route == UNCONVERTED {
                weight += u128::from(coef.unsigned_abs()) * pace;
                continue;
            }
            let (_, rate) = self.rates(route, now, view)?;
            let in_account = |size: u64| rate.of_size(size, Towards::Infinity).map(|v| v as u128);
            let price = self.prices[instrument][usize::from(coef < 0)];
            let result = i128::from(coef) * i128::from(price)
                - i128::from(rates.cost[at.index] * coef.signum());
            // A step may be worth less than a unit of the account's currency.
            weight += (in_account(coef.unsigned_abs())? + 1) * pace;
            let result = in_account(u64::try_from(result.unsigned_abs()).ok()?)?;
            for (hop, ..) in view.routes.get(u32::from(route)).hops() {
                let [bid, _] = self.prices[hop as usize];
                let pace = u128::from(self.quoted[hop as usize].pace);
                weight += result * pace / u128::from(bid.max(1) as u64) + 1;
            }
            if page.loss_set >> at.index & 1 == 1 {
                let back = page.loss_back >> at.index & 1 == 1;
                needs.favourable |= back;
                needs.adverse |= !back;
            }
            // Anywhere in its instrument's range the result must stay a number that the book can add up.
            let reach = self.quoted[instrument].base.unsigned_abs() + 2 * RANGE as u64;
            let most = coef.unsigned_abs().checked_mul(reach).and_then(in_account);
            let fits =
                most.is_some_and(|most| most < (WORTH_MAX / unit.num * unit.den) as u128 / 4);
            if !fits {
                needs = Needs {
                    adverse: true,
                    favourable: true,
                };
            }
        }
        Some((weight.max(1), needs))
    }
}

impl Box {
    /// Every price as it is.
    pub const NOW: Box = Box {
        share: None,
        fault: 0,
    };

    /// Every price may move by so many of its paces.
    pub fn of_paces(paces: u64) -> Box {
        Box {
            share: Some(Share::of_paces(paces)),
            fault: 0,
        }
    }

    pub fn steps(&self, pace: u32) -> i64 {
        self.share
            .map_or(0, |share| too_wide(share.steps(pace), self.fault))
    }
}

/// A slack that lets every price move by a few thousand times its pace: as good as none.
fn slack_most(weight: u128) -> u64 {
    u64::try_from(weight.saturating_mul(4_096) >> 8)
        .unwrap_or(1 << 62)
        .min(1 << 62)
}
