//! Prices that somebody imagines, for a copy of the book.

use super::protect::Tried;
use super::{Book, Ctx};
use crate::convert::Prices;
use crate::units::Price;
use crate::whatif::Moved;

impl Book {
    /// All prices change at once; then waiting prices are tried against them. What they touch is settled afterwards,
    /// so accounts are judged by the whole of it.
    pub(crate) fn imagine(&mut self, ctx: &mut Ctx<'_>, all: &[Moved]) {
        let mut changed = Vec::new();
        for moved in all {
            let Some(now) = self.prices(moved.instrument).copied() else {
                continue;
            };
            if (now.bid, now.ask) == (moved.bid, moved.ask) {
                continue;
            }
            // A dead price stays as far from the live one as it was, and so does a mark.
            let by = moved.bid.saturating_sub(now.bid);
            let imagined = Prices {
                soft_bid: moved
                    .bid
                    .saturating_add(now.soft_bid.saturating_sub(now.bid)),
                soft_ask: moved
                    .ask
                    .saturating_add(now.soft_ask.saturating_sub(now.ask)),
                mark: now.mark.map(|mark| mark.saturating_add(by)),
                ..Prices::live(moved.bid, moved.ask)
            };
            if let Some(mark) = self.marks.get_mut(&moved.instrument) {
                mark.price = Price(mark.price.0.saturating_add(by));
            }
            self.reprice(moved.instrument, imagined);
            changed.push(*moved);
        }
        for moved in changed {
            let at = Tried {
                bid: moved.bid,
                ask: moved.ask,
                bid_low: moved.bid,
                ask_high: moved.ask,
            };
            self.try_prices(ctx, moved.instrument, at);
        }
    }
}
