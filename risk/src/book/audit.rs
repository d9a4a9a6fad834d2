//! For tests: exposures beside what they are derived from, and the worst-corner invariant of the watch, from the
//! book's own numbers. Wherever the prices of an account go inside the box it is watched by, even all to their worst at
//! once, its exact value stays inside its band.

use super::positions::Position;
use super::{Account, Book, Env};
use crate::convert::{Prices, Sided};
use crate::watch::{Band, Bound, Bounds, raw};
use crate::wide::mul_div_floor;

/// Which way every price goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Corner {
    Worst,
    Best,
}

impl Book {
    /// For tests: every holder is due at every touch, as the full pass has it.
    pub(crate) fn watch_plainly(&mut self) {
        self.watch.set_plain(true);
    }

    /// For tests: bands too wide by some millionths.
    pub(crate) fn fault_bands(&mut self, millionths: u32) {
        self.watch.set_fault(millionths);
    }

    /// For tests: what one input may band is halved this many times.
    pub(crate) fn slow_bands(&mut self, halvings: u32) {
        self.watch.set_slow(halvings);
    }

    /// For tests: how many converted accounts are followed by their purses.
    pub(crate) fn watch_purses(&self) -> usize {
        self.watch.purses()
    }

    /// For tests: what of the watch does not hold; `Ok` tells how many accounts are watched by a box.
    ///
    /// # Errors
    /// The first account that could leave its band unseen.
    pub(crate) fn audit_watch(&self, env: &Env<'_>) -> Result<usize, String> {
        self.audit_exposures()?;
        self.watch.audit(self.valuing())?;
        let mut boxed = 0;
        for account in self.accounts() {
            if self.valuate_kept(account, env) != self.valuate(account, env) {
                let id = account.id();
                return Err(format!(
                    "account {id} was charged otherwise than it was settled"
                ));
            }
            if self.keeps_used(account)
                && let Some(quick) = self.quick_value(account)
                && quick != self.valuate(account, env)
            {
                let id = account.id();
                return Err(format!(
                    "account {id} is summed up otherwise than it is valued"
                ));
            }
            if let Some(bounds) = self.watch.bounds(account.id().0) {
                self.audit_box(account, &bounds, env)
                    .map_err(|fault| format!("account {}: {fault}", account.id().0))?;
                boxed += 1;
            }
        }
        Ok(boxed)
    }

    fn audit_box(&self, account: &Account, bounds: &Bounds, env: &Env<'_>) -> Result<(), String> {
        let value = self.valuate(account, env);
        if value.missing.is_some() {
            return Err("a price or rate is missing and it has a box".into());
        }
        let band = self.band_of(account, &value);
        if !band.holds(value.plain, value.soft) {
            return Err(format!("{value:?} is outside of {band:?}"));
        }
        for corner in [Corner::Worst, Corner::Best] {
            self.audit_corner(account, bounds, &band, corner)
                .map_err(|fault| format!("{fault} at the corner {corner:?}: {bounds:?}"))?;
        }
        Ok(())
    }

    fn audit_corner(
        &self,
        account: &Account,
        Bounds {
            all: bounds,
            down,
            up,
        }: &Bounds,
        band: &Band,
        corner: Corner,
    ) -> Result<(), String> {
        let (mut plain, mut soft) = (Some(0i128), Some(0i128));
        for slot in &account.positions {
            let position = self
                .positions
                .get(*slot)
                .ok_or("a slot without a position")?;
            let bound = bounds.iter().find(|bound| bound.slot == Some(*slot));
            let bound = bound.ok_or(format!("slot {slot} is not bounded"))?;
            let worth = self.at_corner(&position, bound, bounds, corner);
            plain = plain.zip(worth).map(|(sum, worth)| sum + worth.0);
            soft = soft.zip(worth).map(|(sum, worth)| sum + worth.1);
            let (low, high) = self.loss_band(&position);
            let bounded = match corner {
                Corner::Worst => low == i128::MIN || worth.is_some_and(|worth| worth.0 > low),
                Corner::Best => high == i128::MAX || worth.is_some_and(|worth| worth.0 < high),
            };
            if !bounded {
                return Err(format!(
                    "slot {slot} is worth {worth:?} beyond its own {low}..{high}"
                ));
            }
        }
        // The watch counts on no more than there is.
        let left = |sum: Option<i128>, line: i128| sum.map(|sum| sum.abs_diff(line) as i128);
        let (counted, lines) = match corner {
            Corner::Worst => (down, (band.plain_low, band.soft_low)),
            Corner::Best => (up, (band.plain_high, band.soft_high)),
        };
        let none = |line: i128| line == i128::MIN || line == i128::MAX;
        for (sum, line) in [(plain, lines.0), (soft, lines.1)] {
            if let Some(counted) = counted
                && !none(line)
                && left(sum, line).is_none_or(|left| left < *counted)
            {
                return Err(format!(
                    "{counted} is counted on, {sum:?} is there to {line}"
                ));
            }
        }
        let bounded = match corner {
            Corner::Worst => {
                (band.plain_low == i128::MIN || plain.is_some_and(|sum| sum > band.plain_low))
                    && (band.soft_low == i128::MIN || soft.is_some_and(|sum| sum > band.soft_low))
            }
            Corner::Best => {
                (band.plain_high == i128::MAX || plain.is_some_and(|sum| sum < band.plain_high))
                    && (band.soft_high == i128::MAX || soft.is_some_and(|sum| sum < band.soft_high))
            }
        };
        if bounded {
            Ok(())
        } else {
            Err(format!("{plain:?}, {soft:?} beyond {band:?}"))
        }
    }

    /// A position's exact result, plain and soft, floored, at a corner; `None` when nothing bounds it there.
    fn at_corner(
        &self,
        position: &Position,
        bound: &Bound,
        bounds: &[Bound],
        corner: Corner,
    ) -> Option<(i128, i128)> {
        let leg = self.leg(position)?;
        let instrument = self.instrument(position.instrument)?;
        let now = self.prices(position.instrument)?;
        let falls = leg.long == (corner == Corner::Worst);
        let close = if falls { bound.low } else { bound.high };
        if close == i64::MIN || close == i64::MAX {
            return None;
        }
        let cut = if leg.long {
            now.soft_bid - now.bid
        } else {
            now.soft_ask - now.ask
        };
        let mut prices = self.prices.clone();
        for other in bounds.iter().filter(|other| other.slot.is_none()) {
            prices[other.instrument as usize] = match corner {
                Corner::Worst => Prices::live(other.low, other.high),
                Corner::Best => Prices::live(other.high, other.low),
            };
        }
        let value = |close: i64| {
            let raw = raw(&leg, close)?;
            let native = raw.checked_mul(instrument.profit.num)?;
            if !leg.converted {
                return Some(native.div_euclid(instrument.profit.den));
            }
            let sided = if raw >= 0 { Sided::Bid } else { Sided::Ask };
            let rate = self.routes.get(leg.route).rate(&prices, sided)?;
            Some(
                mul_div_floor(
                    native,
                    rate.num,
                    rate.den.checked_mul(instrument.profit.den)?,
                )?
                .0,
            )
        };
        Some((value(close)?, value(close + cut)?))
    }
}
