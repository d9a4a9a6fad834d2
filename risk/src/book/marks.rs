//! Mark prices and open interest as venues send them. A mark comes from a source of the instrument's feeds: a source
//! of higher priority replaces one of lower at once, a lower one steps in when the higher has been silent for its
//! timeout. A mark that is too old is dropped, and accounts at mark price follow bid and ask again until the next.

use super::timers::Timer;
use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::market::PRICE_STEPS_MAX;
use crate::record;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;

record! {
    /// The mark price in use.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MarkInUse {
        pub price: Price,
        pub source: SourceId,
        /// The venue's time of it, and ours.
        pub at: Ts,
        pub ts: Ts,
    }
}

impl Book {
    /// The mark price of an instrument while it is fresh.
    pub fn mark_price(&self, id: InstrumentId) -> Option<&MarkInUse> {
        self.marks.get(&id)
    }

    /// The open interest of an instrument as it was last told, minor units of its quote currency.
    pub fn open_interest(&self, id: InstrumentId) -> Money {
        self.open_interest.get(&id).copied().unwrap_or(Money(0))
    }

    pub(super) fn set_mark(&mut self, ctx: &mut Ctx<'_>, mark: MarkPrice) {
        let (rank, age_ns) = match self.check_mark(&mark) {
            Ok(known) => known,
            Err(reason) => return self.answer(ctx, None, None, vec![reason]),
        };
        self.answer_system(ctx);
        let in_use = self.marks.get(&mark.instrument).copied();
        if in_use.is_some_and(|known| !self.replaces(&mark, rank, &known, ctx.now)) {
            return;
        }
        let made = MarkInUse {
            price: mark.price,
            source: mark.source,
            at: mark.at,
            ts: ctx.now,
        };
        self.marks.insert(mark.instrument, made);
        if in_use.is_none() {
            self.after(ctx.now, age_ns, Timer::MarkAge(mark.instrument));
        }
        ctx.cause = Some(mark.instrument);
        self.remark(mark.instrument, Some(mark.price.0));
    }

    fn check_mark(&self, mark: &MarkPrice) -> Result<(usize, u64), Reject> {
        let instrument = self
            .instrument(mark.instrument)
            .ok_or(Reject::UnknownInstrument)?;
        let terms = &instrument.terms;
        let rank = rank_of(terms, mark.source).ok_or(Reject::UnknownSource)?;
        if mark.price <= Price(0) && !terms.negative_prices {
            return Err(Reject::PriceNotPositive);
        }
        if mark.price.0.unsigned_abs() > PRICE_STEPS_MAX as u64 {
            return Err(Reject::Overflow);
        }
        Ok((rank, age_of(terms)))
    }

    fn replaces(&self, mark: &MarkPrice, rank: usize, known: &MarkInUse, now: Ts) -> bool {
        if mark.source == known.source {
            return mark.at >= known.at;
        }
        let terms = self.instrument(mark.instrument).map(|known| &known.terms);
        let Some((terms, place)) =
            terms.and_then(|terms| Some((terms, rank_of(terms, known.source)?)))
        else {
            return true;
        };
        rank < place || now.since(known.ts) >= terms.feeds[place].timeout_ns
    }

    /// A mark may have become too old.
    pub(super) fn mark_aged(&mut self, ctx: &mut Ctx<'_>, id: InstrumentId) {
        let age_ns = self
            .instrument(id)
            .map_or(0, |instrument| age_of(&instrument.terms));
        let Some(known) = self.marks.get(&id).copied() else {
            return;
        };
        if ctx.now.since(known.ts) >= age_ns {
            self.marks.remove(&id);
            ctx.cause = Some(id);
            self.remark(id, None);
        } else {
            self.after(known.ts, age_ns, Timer::MarkAge(id));
        }
    }

    fn remark(&mut self, id: InstrumentId, mark: Option<i64>) {
        let index = id.0 as usize;
        if self.prices.len() <= index {
            self.prices
                .resize(index + 1, crate::convert::Prices::default());
        }
        self.prices[index].mark = mark;
        let prices = self.prices[index];
        if prices.known {
            self.reprice(id, prices);
        }
    }

    pub(super) fn set_open_interest(&mut self, ctx: &mut Ctx<'_>, told: OpenInterest) {
        let reason = if self.instrument(told.instrument).is_none() {
            Some(Reject::UnknownInstrument)
        } else if told.value < Money(0) {
            Some(Reject::QtyNotPositive)
        } else {
            None
        };
        if let Some(reason) = reason {
            return self.answer(ctx, None, None, vec![reason]);
        }
        self.answer_system(ctx);
        self.open_interest.insert(told.instrument, told.value);
    }
}

fn rank_of(terms: &InstrumentTerms, source: SourceId) -> Option<usize> {
    terms.feeds.iter().position(|feed| feed.source == source)
}

fn age_of(terms: &InstrumentTerms) -> u64 {
    match terms.crypto.mark_age_max_ns {
        0 => terms.cache_age_max_ns,
        own => own,
    }
}
