//! The market of one instrument: a quote's way from its source to mark, bars, halts and volatility.

use super::band::Band;
use super::bars::{Bars, VENUE_SKEW_MAX_NS};
use super::failover::{Choice, Slot, Use, arrange};
use super::filter;
use super::halt::{Alarm, Detector, Halt, Reach};
use super::halting::BREAKER_ALARMS;
use super::quality;
use super::session::{Calendar, Freshness};
use super::tape::{Recorder, Tape};
use super::{Accepted, Effect, Sink};
use crate::event::*;
use crate::ids::*;
use crate::record;
use crate::terms::*;
use crate::units::*;
use crate::volatility::{BarVolatility, Volatility, VolatilityStep};
use std::collections::BTreeMap;

/// Largest price in steps: bid + ask and every difference stay far inside an i64.
pub const PRICE_STEPS_MAX: i64 = i64::MAX / 8;

record! {
    /// Everything the market side knows of one instrument.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Instrument {
        pub terms: InstrumentTerms,
        pub slots: Vec<Slot>,
        pub choice: Choice,
        pub mark: Option<Mark>,
        pub calendar: Calendar,
        pub freshness: Freshness,
        pub halt: Option<Halt>,
        pub volatility: Volatility,
        pub tape: Tape,
        pub recorder: Option<Box<Recorder>>,
        pub(super) mids: Detector,
        /// Prints have their own window: a print at one side of a wide spread is no move of the mid.
        pub(super) prints: Option<Box<Detector>>,
        /// The alert's threshold, then the watched ones.
        pub(super) alarms: Vec<Alarm>,
        /// By cause.
        pub(super) breaker_alarms: [Alarm; 4],
        pub(super) band: Option<Box<Band>>,
        pub(super) reach: Reach,
        /// Last mid × 2 of the last day or session.
        pub(super) settlement2: Option<i64>,
        pub(super) bars: Bars,
        pub(super) bar_volatility: BarVolatility,
        /// Unused quotes by `DropReason`, and how many had a venue time far from ours.
        pub(super) drops: [u64; 14],
        pub(super) skewed: u64,
        pub(super) usual_gap_ns: u64,
        day_end: Ts,
        day_first_mid2: i64,
    }
}

impl Instrument {
    /// An instrument without prices.
    pub fn new(terms: &InstrumentTerms) -> Self {
        Self {
            terms: terms.clone(),
            slots: Vec::new(),
            choice: Choice::default(),
            mark: None,
            calendar: Calendar::default(),
            freshness: Freshness::default(),
            halt: None,
            volatility: Volatility::default(),
            tape: Tape::default(),
            recorder: None,
            mids: Detector::default(),
            prints: None,
            alarms: Vec::new(),
            breaker_alarms: BREAKER_ALARMS,
            band: None,
            reach: Reach::default(),
            settlement2: None,
            bars: Bars::default(),
            bar_volatility: BarVolatility::default(),
            drops: [0; 14],
            skewed: 0,
            usual_gap_ns: 0,
            day_end: Ts(0),
            day_first_mid2: 0,
        }
    }

    /// New terms come into force; what sources have shown so far is kept.
    pub fn set_terms(
        &mut self,
        terms: &InstrumentTerms,
        sources: &BTreeMap<SourceId, SourceTerms>,
    ) {
        if self.terms.watch != terms.watch {
            self.alarms.truncate(1);
        }
        self.alarms.resize(1 + terms.watch.len(), Alarm::default());
        let before = self.terms.halt.breakers;
        self.terms = terms.clone();
        self.arrange_breakers(&before);
        self.set_sources(sources);
    }

    /// Arranges the slots by what is known of the sources.
    pub fn set_sources(&mut self, sources: &BTreeMap<SourceId, SourceTerms>) {
        let active = self.choice.active().map(|index| self.slots[index].source);
        let mut known = std::mem::take(&mut self.slots);
        for (place, feed) in self.terms.feeds.iter().enumerate() {
            let Some(source) = sources.get(&feed.source) else {
                continue;
            };
            let before = known.iter().position(|slot| slot.source == feed.source);
            let before = before.map(|index| known.swap_remove(index));
            self.slots
                .push(Slot::from_terms(place, feed, source, before));
        }
        arrange(&mut self.slots);
        let index = self
            .slots
            .iter()
            .position(|slot| Some(slot.source) == active);
        self.choice.rearranged(index);
    }

    /// A quote of any source. Returns the price when it is one that serves.
    #[inline]
    pub fn on_quote(&mut self, quote: &Quote, now: Ts, sink: &mut Sink) -> Option<Accepted> {
        let Some(index) = self.slot_of(quote.source) else {
            return self.drop(quote, DropReason::UnknownSource, sink);
        };
        if quote.bid.0.unsigned_abs().max(quote.ask.0.unsigned_abs()) > PRICE_STEPS_MAX as u64 {
            return self.drop(quote, DropReason::Discard, sink);
        }
        self.note_row(index, quote);
        if let Some(reason) = self.fault(index, quote, now) {
            // Outside a session and for a repeated quote the source is not to blame.
            let fault = !matches!(reason, DropReason::Closed | DropReason::SameQuote);
            self.slots[index].quality.faults += u64::from(fault);
            return self.drop(quote, reason, sink);
        }
        if self.slots.len() > 1 && self.slots[index].quality.is_due(now) {
            self.compare(index, quote, now);
        }
        let slot = &mut self.slots[index];
        slot.seen = Some(now);
        slot.good = Some(now);
        slot.down = false;
        slot.last_good = Some((quote.bid, quote.ask, now));
        match self
            .choice
            .on_good(&self.slots, index, self.terms.damp_ns, now)
        {
            Use::Active => {}
            Use::Standby => {
                self.drops[DropReason::Inactive as usize] += 1;
                return None;
            }
            Use::Switched { from, cause } => sink.out.push(Output::Switch(SourceSwitch {
                instrument: self.terms.id,
                from: from.map(|index| self.slots[index].source),
                to: quote.source,
                cause,
            })),
        }
        Some(self.accept(index, quote, now, sink))
    }

    /// A print: halts and time-and-sales, never a mark. Only the serving source's, or any while none serves.
    pub fn on_trade(&mut self, trade: &Trade, now: Ts, sink: &mut Sink) {
        let Some(index) = self.slot_of(trade.source) else {
            return self.drop_trade(trade, DropReason::UnknownSource, sink);
        };
        let absurd = trade.price.0.unsigned_abs() > PRICE_STEPS_MAX as u64;
        let negative = trade.price.0 <= 0 && !self.terms.negative_prices;
        if self.freshness.state == FeedState::Closed {
            return self.drop_trade(trade, DropReason::Closed, sink);
        }
        if absurd || negative || trade.qty.0 < 0 {
            return self.drop_trade(trade, DropReason::NotPositive, sink);
        }
        if self.choice.active().is_some_and(|active| active != index) {
            self.drops[DropReason::Inactive as usize] += 1;
            return;
        }
        sink.out.push(Output::Print(*trade));
        self.bars.on_trade(trade.qty);
        let price2 = trade.price.0 * 2;
        let halted = self.halt.is_some();
        let prints = self.prints.get_or_insert_default();
        let step = prints.on_price(price2, now, &self.terms.halt, &self.reach, halted);
        self.judge(&step, price2, now, sink);
    }

    /// A hole in a source's stream.
    pub fn on_gap(&mut self, gap: &Gap) {
        let Some(index) = self.slot_of(gap.source) else {
            return;
        };
        match gap.cause {
            GapCause::Disconnect | GapCause::Mute => self.slots[index].down = true,
            GapCause::Reconnect => {}
            GapCause::Sequence | GapCause::BadFrame => return,
        }
        self.slots[index].levels.after_break();
        self.slots[index].stamps.after_break();
    }

    /// Time has gone on: sessions, freshness, bars, volatility, the end of a halt.
    pub fn on_clock(&mut self, now: Ts, sink: &mut Sink) {
        let (mut until, mut closed) = (self.calendar.until(), false);
        while let Some(session) = self.calendar.begin(now) {
            if self.calendar.is_in_force(&session) {
                closed |= !session.open || until.is_some_and(|until| until < session.at);
                until = Some(session.until);
            }
            sink.out.push(Output::Session(session));
        }
        let open = self.calendar.is_open(now);
        let state = self.freshness.state_at(now, open, &self.terms);
        // A break that is over already, both its ends told ahead: no state shows it.
        if closed && ![self.freshness.state, state].contains(&FeedState::Closed) {
            self.end_session();
        }
        if state != self.freshness.state {
            self.change_feed(state, now, sink);
        }
        let made = sink.out.len();
        self.bars.close(self.terms.id, now, sink.out);
        for output in &sink.out[made..] {
            if let Output::Bar(bar) = output {
                self.bar_volatility.on_bar(bar.span, &bar.mid);
            }
        }
        self.bars.show(self.terms.id, now, sink.out);
        if let Some(step) = self.volatility.on_clock(now, &self.terms.halt) {
            self.tell_volatility(step, sink);
        }
        self.band_on_clock(now, sink);
        if now >= self.quiet_at() {
            self.end_quiet(sink);
        }
    }

    /// When `on_clock` has something to do next.
    #[inline]
    pub fn deadline(&self, now: Ts) -> Ts {
        self.calendar
            .deadline(now)
            .min(self.freshness.deadline(&self.terms))
            .min(self.bars.deadline())
            .min(self.volatility.deadline())
            .min(self.quiet_at())
            .min(self.band_deadline())
    }

    /// How far the source is from the others.
    fn compare(&mut self, index: usize, quote: &Quote, now: Ts) {
        if let Some(others2) = quality::others(&self.slots, index, now) {
            let mid2 = quote.bid.0 + quote.ask.0;
            self.slots[index].quality.sample(mid2, others2, now);
        }
    }

    #[inline]
    fn slot_of(&self, source: SourceId) -> Option<usize> {
        self.slots.iter().position(|slot| slot.source == source)
    }

    /// Counts a row and compares it with its source's last one.
    #[inline]
    fn note_row(&mut self, index: usize, quote: &Quote) {
        let slot = &mut self.slots[index];
        slot.quality.rows += 1;
        let venue = venue_time(quote.ts, quote.venue_lag_us);
        if let Some((before, bid, ask)) = slot.last {
            self.tape.out_of_order += u64::from(venue < before);
            self.tape.same_time += u64::from(venue == before);
            self.tape.same_quote += u64::from(bid == quote.bid && ask == quote.ask);
        }
        slot.last = Some((venue, quote.bid, quote.ask));
        self.skewed += u64::from(venue.0.abs_diff(quote.ts.0) > VENUE_SKEW_MAX_NS);
        self.tape
            .on_row(quote.ts, quote.bid, quote.ask, 1 + u64::from(quote.merged));
        if let Some(recorder) = &mut self.recorder {
            recorder.on_row(quote.ts, quote.bid, quote.ask);
        }
    }

    /// Why a quote cannot be used, whoever sent it.
    #[inline]
    fn fault(&mut self, index: usize, quote: &Quote, now: Ts) -> Option<DropReason> {
        if self.freshness.state == FeedState::Closed {
            return Some(DropReason::Closed);
        }
        let negative = self.terms.negative_prices;
        let slot = &mut self.slots[index];
        if slot.filtered && quote.venue_lag_us != NO_VENUE_TIME {
            let venue = venue_time(quote.ts, quote.venue_lag_us);
            if let Some(reason) = slot.stamps.on_quote(venue, quote.ts) {
                return Some(reason);
            }
        }
        if !negative && (quote.bid.0 <= 0 || quote.ask.0 <= 0) {
            if slot.filtered {
                let side = |price: Price| (price.0 > 0).then_some(price);
                slot.levels
                    .on_side(side(quote.bid), side(quote.ask), &self.terms.filter);
            }
            return Some(DropReason::NotPositive);
        }
        if quote.bid > quote.ask && slot.crossed == Crossed::Hold {
            // It proves the source alive all the same.
            slot.seen = Some(now);
            slot.down = false;
            return Some(DropReason::Crossed);
        }
        if !slot.filtered {
            return None;
        }
        let terms = &self.terms.filter;
        if let Some(reason) = filter::spread(quote.bid, quote.ask, terms) {
            return Some(reason);
        }
        let (bid, ask) = slot.levels.on_quote(quote.bid, quote.ask, terms, negative);
        // A quote with one side missing is no market: both sides keep their own level, the quote is not used.
        if let Some(reason) = bid.or(ask) {
            return Some(reason);
        }
        let repeated = terms.same_quote
            && slot
                .last_good
                .is_some_and(|last| filter::same_quote(last, quote.bid, quote.ask, now));
        if repeated {
            slot.seen = Some(now);
            slot.down = false;
            if self.choice.active() == Some(index) && self.freshness.state == FeedState::Live {
                self.freshness.on_price(now);
            }
            return Some(DropReason::SameQuote);
        }
        None
    }

    fn drop(&mut self, quote: &Quote, reason: DropReason, sink: &mut Sink) -> Option<Accepted> {
        self.drops[reason as usize] += 1;
        sink.out.push(Output::Dropped(Dropped {
            instrument: quote.instrument,
            source: quote.source,
            reason,
            bid: quote.bid,
            ask: quote.ask,
        }));
        None
    }

    fn drop_trade(&mut self, trade: &Trade, reason: DropReason, sink: &mut Sink) {
        self.drops[reason as usize] += 1;
        sink.out.push(Output::Dropped(Dropped {
            instrument: trade.instrument,
            source: trade.source,
            reason,
            bid: trade.price,
            ask: trade.price,
        }));
    }

    #[inline]
    fn accept(&mut self, index: usize, quote: &Quote, now: Ts, sink: &mut Sink) -> Accepted {
        if self.freshness.state != FeedState::Live {
            let age_ns = self.freshness.age_ns(now);
            let from = self.freshness.state;
            self.freshness.set(FeedState::Live, now);
            self.tell_feed(from, age_ns, sink);
        } else if let Some(before) = self.freshness.fresh {
            self.usual_gap_ns = nudge(self.usual_gap_ns, now.since(before));
        }
        self.freshness.on_price(now);
        self.set_mark(quote, now, sink);
        let venue = venue_time(quote.ts, quote.venue_lag_us);
        let trusted = venue.0.abs_diff(quote.ts.0) < VENUE_SKEW_MAX_NS;
        let at = if trusted { venue } else { now };
        self.bars.on_quote(quote.bid, quote.ask, at, now);
        self.bars.show(self.terms.id, now, sink.out);
        let mid2 = quote.bid.0 + quote.ask.0;
        let halted = self.halt.is_some();
        let step = self
            .mids
            .on_price(mid2, now, &self.terms.halt, &self.reach, halted);
        if let (Some(recorder), Some(moved)) = (&mut self.recorder, &step.moved) {
            recorder.on_move(moved, quote.ts);
        }
        self.judge(&step, mid2, now, sink);
        self.judge_band(quote.bid, quote.ask, now, sink);
        if let Some(step) = self.volatility.on_mid(mid2, now, &self.terms.halt) {
            self.tell_volatility(step, sink);
        }
        let (bid_low, ask_high) = self.extremes(index, quote);
        Accepted {
            instrument: self.terms.id,
            bid: quote.bid,
            ask: quote.ask,
            bid_low,
            ask_high,
        }
    }

    #[inline]
    fn set_mark(&mut self, quote: &Quote, now: Ts, sink: &mut Sink) {
        let mid2 = quote.bid.0 + quote.ask.0;
        if now >= self.day_end {
            self.day_end = Ts(now.0 - now.0 % DAY_NS).plus(DAY_NS);
            self.day_first_mid2 = mid2;
            // A market that never closes settles at the day's end.
            let last2 = self.mark.map_or(mid2, |mark| mark.bid.0 + mark.ask.0);
            self.settle(last2);
        }
        let mark = Mark {
            ts: now,
            instrument: self.terms.id,
            source: quote.source,
            bid: quote.bid,
            ask: quote.ask,
            bid_qty: quote.bid_qty,
            ask_qty: quote.ask_qty,
            venue_lag_us: quote.venue_lag_us,
            count: self.mark.map_or(0, |mark| mark.count) + 1,
            day_change: change(self.day_first_mid2, mid2),
        };
        self.mark = Some(mark);
        sink.out.push(Output::Mark(mark));
    }

    /// Lowest bid and highest ask of a merged quote. An extreme that the filters would have dropped does not count.
    #[inline]
    fn extremes(&self, index: usize, quote: &Quote) -> (Price, Price) {
        if quote.merged == 0 {
            return (quote.bid, quote.ask);
        }
        let low = Price(quote.bid.0 - i64::from(quote.bid_drop));
        let high = Price(quote.ask.0 + i64::from(quote.ask_rise));
        let slot = &self.slots[index];
        let held = |level: &filter::Level, price| {
            !slot.filtered || level.holds(price, &self.terms.filter, self.terms.negative_prices)
        };
        let low_counts = (low.0 > 0 || self.terms.negative_prices) && held(&slot.levels.bid, low);
        (
            if low_counts { low } else { quote.bid },
            if held(&slot.levels.ask, high) {
                high
            } else {
                quote.ask
            },
        )
    }

    fn change_feed(&mut self, state: FeedState, now: Ts, sink: &mut Sink) {
        let age_ns = self.freshness.age_ns(now);
        let from = self.freshness.state;
        self.freshness.set(state, now);
        if state == FeedState::Closed {
            self.end_session();
        }
        self.tell_feed(from, age_ns, sink);
    }

    /// What was seen in a session judges no price behind the break.
    fn end_session(&mut self) {
        for slot in &mut self.slots {
            slot.levels.after_break();
        }
        self.volatility.after_break();
        self.look_anew();
        if let Some(mark) = &self.mark {
            self.settle(mark.bid.0 + mark.ask.0);
        }
    }

    fn tell_feed(&self, from: FeedState, age_ns: u64, sink: &mut Sink) {
        let to = self.freshness.state;
        sink.out.push(Output::Feed(FeedChange {
            instrument: self.terms.id,
            from,
            to,
            source: self.choice.active().map(|index| self.slots[index].source),
            age_ns,
        }));
        sink.effects.push(Effect::Feed {
            instrument: self.terms.id,
            from,
            to,
        });
    }

    /// Above this its 5-minute realised volatility warns.
    pub fn volatility_threshold(&self, now: Ts) -> Ratio {
        self.volatility.threshold(now, &self.terms.halt)
    }

    fn tell_volatility(&self, step: VolatilityStep, sink: &mut Sink) {
        sink.out.push(Output::Volatility(VolatilityChange {
            instrument: self.terms.id,
            state: step.state,
            realised_5m: step.realised_5m,
            threshold: step.threshold,
            ewma: self.volatility.ewma.volatility(),
        }));
    }
}

/// The venue's time of an input; ours when the venue gave none.
#[inline]
fn venue_time(ts: Ts, lag_us: i32) -> Ts {
    if lag_us == NO_VENUE_TIME {
        return ts;
    }
    Ts(ts.0.saturating_add_signed(-i64::from(lag_us) * 1_000))
}

/// A running median: a thirty-second step towards the newest gap.
#[inline]
fn nudge(usual_ns: u64, gap_ns: u64) -> u64 {
    let step = usual_ns / 32 + 1;
    match usual_ns {
        0 => gap_ns,
        _ if gap_ns > usual_ns => usual_ns + step.min(gap_ns - usual_ns),
        _ => usual_ns - step.min(usual_ns - gap_ns),
    }
}

/// Change from `first` to `last` as a share of |first|, held at the ends; zero when the first is zero.
#[inline]
fn change(first: i64, last: i64) -> Ratio {
    if first == 0 {
        return Ratio(0);
    }
    let difference = last - first;
    // Most days fit into 64 bits, where a division is several times cheaper.
    let share = match difference.checked_mul(Ratio::ONE.0) {
        Some(scaled) => i128::from(scaled / first.abs()),
        None => i128::from(difference) * i128::from(Ratio::ONE.0) / i128::from(first.abs()),
    };
    Ratio(i64::try_from(share).unwrap_or(if share > 0 { i64::MAX } else { i64::MIN }))
}

const _: () = assert!(DropReason::ALL.len() == 14, "one counter per reason");
