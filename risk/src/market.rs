//! The market side of the machine: which price serves each instrument, its bars, sessions and freshness,
//! rolling-window alerts, halts and volatility.
//!
//! Order of calls for one input: the inputs' own method (`on_quote`, `on_trade`, `on_gap`, `on_session`,
//! `on_clock`, a `set_*`), then `take_effects` for what the book must react to. Every method that takes `now` lets
//! time go on first, so nothing that is due is late.

pub mod band;
pub mod bars;
pub mod breakers;
pub mod failover;
pub mod filter;
pub mod halt;
mod halting;
mod instrument;
pub mod luld;
pub mod quality;
mod report;
pub mod retry;
pub mod session;
pub mod stamp;
pub mod tape;
pub mod terms;
pub mod window;

use crate::event::*;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use crate::view::{HaltView, InstrumentView, ResumeView, SourceView, TapeView, VolatilityView};
use crate::{codec_enum, record};
use instrument::Instrument;
pub use instrument::PRICE_STEPS_MAX;
use std::collections::BTreeMap;

/// The price that serves an instrument.
pub type MarkState = Mark;

record! {
    /// All instruments, sources and currencies.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Market {
        currencies: BTreeMap<CurrencyId, CurrencyTerms>,
        sources: BTreeMap<SourceId, SourceTerms>,
        /// By id.
        instruments: Vec<Option<Box<Instrument>>>,
        /// When each instrument has something to do, by id, and the earliest of them.
        due: Vec<Ts>,
        deadline: Ts,
        minute_end: Ts,
        unknown_instrument: u64,
        recording: bool,
        effects: Vec<Effect>,
    }
}

codec_enum! {
    /// What the book must react to.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Effect: u8 {
        /// Requirements of the instrument change.
        Halt { instrument: InstrumentId, on: bool } = 0,
        /// Market data of an instrument changed its state.
        Feed { instrument: InstrumentId, from: FeedState, to: FeedState } = 1,
        /// A minute of machine time has begun: haircuts on dead prices may have grown.
        Minute = 2,
        /// A halt was told of: only the book knows who holds the instrument.
        HaltTold { instrument: InstrumentId } = 3,
    }
}

/// A price that serves, with the extremes of the quotes it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub instrument: InstrumentId,
    pub bid: Price,
    pub ask: Price,
    pub bid_low: Price,
    pub ask_high: Price,
}

/// A halt in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HaltInfo {
    pub since: Ts,
    pub cause: HaltCause,
    pub manual: bool,
    pub awaiting_resume: bool,
}

/// Where one call's results go.
pub(crate) struct Sink<'a> {
    out: &'a mut Vec<Output>,
    effects: &'a mut Vec<Effect>,
    /// An instrument halted: its family follows.
    latched: Vec<(InstrumentId, u16, Ratio)>,
}

impl Default for Market {
    fn default() -> Self {
        Self {
            currencies: BTreeMap::new(),
            sources: BTreeMap::new(),
            instruments: Vec::new(),
            due: Vec::new(),
            deadline: Ts(0),
            minute_end: Ts(0),
            unknown_instrument: 0,
            recording: false,
            effects: Vec::new(),
        }
    }
}

impl Market {
    /// Imports a currency.
    ///
    /// # Errors
    /// `TermsInvalid`; `TermsInUse` when an instrument uses it and its digits would change.
    pub fn set_currency(&mut self, terms: &CurrencyTerms) -> Result<(), Reject> {
        // Nine digits hold satoshis and leave nine for the amount itself.
        if terms.digits > 9 {
            return Err(Reject::TermsInvalid);
        }
        let fixed = self
            .currencies
            .get(&terms.id)
            .is_some_and(|known| known.digits != terms.digits);
        let used = |instrument: &Instrument| {
            let terms_used = &instrument.terms;
            [
                terms_used.base,
                terms_used.quote,
                terms_used.margin_currency,
            ]
            .contains(&terms.id)
        };
        if fixed && self.each().any(used) {
            return Err(Reject::TermsInUse);
        }
        self.currencies.insert(terms.id, *terms);
        Ok(())
    }

    /// Imports a price source.
    ///
    /// # Errors
    /// None yet; terms that contradict themselves cannot be written.
    pub fn set_source(&mut self, terms: &SourceTerms) -> Result<(), Reject> {
        self.sources.insert(terms.id, *terms);
        let sources = &self.sources;
        for instrument in self.instruments.iter_mut().flatten() {
            if instrument
                .terms
                .feeds
                .iter()
                .any(|feed| feed.source == terms.id)
            {
                instrument.set_sources(sources);
            }
        }
        Ok(())
    }

    /// Imports an instrument or changes its terms.
    ///
    /// # Errors
    /// `TermsInvalid`, `UnknownCurrency`, `UnknownSource`; `TermsInUse` when it has prices and its digits, currencies
    /// or contract would change.
    pub fn set_instrument(&mut self, terms: &InstrumentTerms) -> Result<(), Reject> {
        terms::check(terms, &self.currencies, &self.sources)?;
        let index = terms.id.0 as usize;
        if let Some(known) = self.get(terms.id)
            && known.tape.rows > 0
            && identity(&known.terms) != identity(terms)
        {
            return Err(Reject::TermsInUse);
        }
        if self.instruments.len() <= index {
            self.instruments.resize(index + 1, None);
            self.due.resize(index + 1, Ts(u64::MAX));
        }
        let instrument =
            self.instruments[index].get_or_insert_with(|| Box::new(Instrument::new(terms)));
        instrument.set_terms(terms, &self.sources);
        if self.recording {
            instrument.recorder.get_or_insert_default();
        }
        self.wake(terms.id);
        Ok(())
    }

    /// Switches the detailed facts of the tapes on (their memory grows with the recording) or off.
    pub fn record_tape(&mut self, on: bool) {
        self.recording = on;
        for instrument in self.instruments.iter_mut().flatten() {
            if on {
                instrument.recorder.get_or_insert_default();
            } else {
                instrument.recorder = None;
            }
        }
    }

    /// A quote of any source. Returns the price when it is one that serves the instrument.
    #[inline]
    pub fn on_quote(&mut self, quote: &Quote, now: Ts, out: &mut Vec<Output>) -> Option<Accepted> {
        self.on_clock(now, out);
        let index = quote.instrument.0 as usize;
        let Some(Some(instrument)) = self.instruments.get_mut(index) else {
            self.unknown_instrument += 1;
            out.push(Output::Dropped(Dropped {
                instrument: quote.instrument,
                source: quote.source,
                reason: DropReason::UnknownInstrument,
                bid: quote.bid,
                ask: quote.ask,
            }));
            return None;
        };
        let mut sink = Sink {
            out,
            effects: &mut self.effects,
            latched: Vec::new(),
        };
        let accepted = instrument.on_quote(quote, now, &mut sink);
        let latched = sink.latched;
        self.due[index] = instrument.deadline(now);
        self.deadline = self.deadline.min(self.due[index]);
        for latched in latched {
            self.halt_family(latched, now, out);
        }
        accepted
    }

    /// A print.
    pub fn on_trade(&mut self, trade: &Trade, now: Ts, out: &mut Vec<Output>) {
        self.on_clock(now, out);
        let Some(Some(instrument)) = self.instruments.get_mut(trade.instrument.0 as usize) else {
            self.unknown_instrument += 1;
            return;
        };
        let mut sink = Sink {
            out,
            effects: &mut self.effects,
            latched: Vec::new(),
        };
        instrument.on_trade(trade, now, &mut sink);
        let latched = sink.latched;
        self.wake(trade.instrument);
        for latched in latched {
            self.halt_family(latched, now, out);
        }
    }

    /// A hole in a source's stream.
    pub fn on_gap(&mut self, gap: &Gap, now: Ts, out: &mut Vec<Output>) {
        self.on_clock(now, out);
        out.push(Output::Gap(*gap));
        let all = self.instruments.iter_mut().flatten();
        for instrument in all.filter(|known| gap.instrument.is_none_or(|id| id == known.terms.id)) {
            instrument.on_gap(gap);
        }
    }

    /// A session of the calendar; it takes effect at its time, or now when that has passed.
    ///
    /// # Errors
    /// `UnknownInstrument`; `TermsInvalid` when it ends before it begins or too many are known ahead.
    pub fn on_session(
        &mut self,
        session: &Session,
        now: Ts,
        out: &mut Vec<Output>,
    ) -> Result<(), Reject> {
        let instrument = self
            .get_mut(session.instrument)
            .ok_or(Reject::UnknownInstrument)?;
        if session.until <= session.at || !instrument.calendar.add(session) {
            return Err(Reject::TermsInvalid);
        }
        self.wake(session.instrument);
        self.on_clock(now, out);
        Ok(())
    }

    /// Time has gone on; cheap when nothing is due.
    #[inline]
    pub fn on_clock(&mut self, now: Ts, out: &mut Vec<Output>) {
        if now >= self.deadline {
            self.run_due(now, out);
        }
    }

    /// When `on_clock` has something to do next.
    #[inline]
    pub fn next_deadline(&self) -> Ts {
        self.deadline
    }

    /// A named person sets or lifts a halt. What is so already stays so without a word.
    ///
    /// # Errors
    /// `UnknownInstrument`.
    pub fn set_halt(
        &mut self,
        halt: &SetHalt,
        now: Ts,
        out: &mut Vec<Output>,
    ) -> Result<(), Reject> {
        self.on_clock(now, out);
        let known = self.instruments.get_mut(halt.instrument.0 as usize);
        let instrument = known
            .and_then(Option::as_mut)
            .ok_or(Reject::UnknownInstrument)?;
        let mut sink = Sink {
            out,
            effects: &mut self.effects,
            latched: Vec::new(),
        };
        instrument.set_halt(halt.on, now, &mut sink);
        self.wake(halt.instrument);
        Ok(())
    }

    /// Moves what the book must react to, in order, to the end of `into`.
    pub fn take_effects(&mut self, into: &mut Vec<Effect>) {
        into.append(&mut self.effects);
    }

    /// The newest price that served; old ones stay, see `feed`.
    #[inline]
    pub fn mark(&self, id: InstrumentId) -> Option<&MarkState> {
        self.get(id)?.mark.as_ref()
    }

    /// State of an instrument's market data; unknown instruments are closed.
    #[inline]
    pub fn feed(&self, id: InstrumentId) -> FeedState {
        self.get(id)
            .map_or(FeedState::Closed, |known| known.freshness.state)
    }

    /// The halt in force, if any.
    #[inline]
    pub fn halted(&self, id: InstrumentId) -> Option<HaltInfo> {
        self.get(id)?.halt.map(|halt| HaltInfo {
            since: halt.since,
            cause: halt.cause,
            manual: halt.manual,
            awaiting_resume: halt.awaiting_resume,
        })
    }

    /// Every halt in force, by instrument.
    pub fn halts(&self) -> impl Iterator<Item = HaltView> {
        self.instruments
            .iter()
            .flatten()
            .filter_map(|known| known.halt_view())
    }

    /// True when the newest price was beyond the halt's threshold and not confirmed yet.
    pub fn beyond_halt(&self, id: InstrumentId) -> bool {
        self.get(id).is_some_and(Instrument::beyond_halt)
    }

    /// How far a dead price is moved against a position: `min(cap, step × whole minutes unavailable in session)` at
    /// the machine's minute `minute` (minutes since 1970); zero while there are prices.
    pub fn haircut(&self, id: InstrumentId, minute: u64) -> Ratio {
        let Some(known) = self.get(id) else {
            return Ratio(0);
        };
        let minutes =
            i64::try_from(known.freshness.minutes_unavailable(minute)).unwrap_or(i64::MAX);
        let grown = known.terms.dead_step.0.saturating_mul(minutes);
        Ratio(grown.min(known.terms.dead_cap.0))
    }

    /// The terms of an instrument.
    #[inline]
    pub fn terms(&self, id: InstrumentId) -> Option<&InstrumentTerms> {
        Some(&self.get(id)?.terms)
    }

    /// The terms of a currency.
    pub fn currency(&self, id: CurrencyId) -> Option<&CurrencyTerms> {
        self.currencies.get(&id)
    }

    /// All currencies, by id.
    pub fn currencies(&self) -> impl Iterator<Item = &CurrencyTerms> {
        self.currencies.values()
    }

    /// The terms of a source.
    pub fn source(&self, id: SourceId) -> Option<&SourceTerms> {
        self.sources.get(&id)
    }

    /// All sources, by id.
    pub fn sources(&self) -> impl Iterator<Item = &SourceTerms> {
        self.sources.values()
    }

    /// The terms of all instruments, by id.
    pub fn instruments(&self) -> impl Iterator<Item = &InstrumentTerms> {
        self.each().map(|known| &known.terms)
    }

    /// An instrument now.
    pub fn instrument_view(&self, id: InstrumentId) -> Option<InstrumentView> {
        self.get(id).map(Instrument::view)
    }

    /// Bars of a span that are not closed, oldest first.
    pub fn open_bars(&self, id: InstrumentId, span: BarSpan) -> Option<Vec<Bar>> {
        self.get(id).map(|known| known.open_bars(span))
    }

    /// Every measure of how much an instrument moves.
    pub fn volatility_view(&self, id: InstrumentId, now: Ts) -> Option<VolatilityView> {
        self.get(id).map(|known| known.volatility_view(now))
    }

    /// An instrument's sources, in their order of priority.
    pub fn source_views(&self, id: InstrumentId, now: Ts) -> Option<Vec<SourceView>> {
        self.get(id).map(|known| known.source_views(now))
    }

    /// What lifting a halt would do now, without the accounts.
    pub fn resume_view(&self, id: InstrumentId, now: Ts) -> Option<ResumeView> {
        self.get(id).map(|known| known.resume_view(now))
    }

    /// Above this the instrument's 5-minute realised volatility warns.
    pub fn volatility_threshold(&self, id: InstrumentId, now: Ts) -> Option<Ratio> {
        self.get(id).map(|known| known.volatility_threshold(now))
    }

    /// Facts of an instrument's tape.
    pub fn tape(&self, id: InstrumentId) -> Option<TapeView> {
        self.get(id).map(Instrument::tape_view)
    }

    /// Bid and ask that the level filter compares a source's next quote with.
    pub fn levels(&self, id: InstrumentId, source: SourceId) -> Option<(Price, Price)> {
        let slots = &self.get(id)?.slots;
        let slot = slots.iter().find(|slot| slot.source == source)?;
        Some((slot.levels.bid.price, slot.levels.ask.price))
    }

    /// Quotes of an instrument that were not used for `reason`.
    pub fn dropped(&self, id: InstrumentId, reason: DropReason) -> u64 {
        self.get(id).map_or(0, |known| known.dropped(reason))
    }

    /// Quotes of an instrument whose venue time was more than 5 s from ours.
    pub fn skewed(&self, id: InstrumentId) -> u64 {
        self.get(id).map_or(0, Instrument::skewed)
    }

    #[inline]
    fn get(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.0 as usize)?.as_deref()
    }

    #[inline]
    fn get_mut(&mut self, id: InstrumentId) -> Option<&mut Instrument> {
        self.instruments.get_mut(id.0 as usize)?.as_deref_mut()
    }

    fn each(&self) -> impl Iterator<Item = &Instrument> {
        self.instruments.iter().flatten().map(Box::as_ref)
    }

    /// Something changed: the instrument is looked at when time goes on.
    fn wake(&mut self, id: InstrumentId) {
        self.due[id.0 as usize] = Ts(0);
        self.deadline = Ts(0);
    }

    fn run_due(&mut self, now: Ts, out: &mut Vec<Output>) {
        let mut sink = Sink {
            out,
            effects: &mut self.effects,
            latched: Vec::new(),
        };
        if now >= self.minute_end {
            self.minute_end = Ts(now.0 - now.0 % MINUTE_NS).plus(MINUTE_NS);
            sink.effects.push(Effect::Minute);
        }
        self.deadline = self.minute_end;
        for (due, instrument) in self.due.iter_mut().zip(&mut self.instruments) {
            if *due <= now
                && let Some(instrument) = instrument
            {
                instrument.on_clock(now, &mut sink);
                *due = instrument.deadline(now);
            }
            self.deadline = self.deadline.min(*due);
        }
        for latched in std::mem::take(&mut sink.latched) {
            self.halt_family(latched, now, out);
        }
    }

    fn halt_family(&mut self, latched: (InstrumentId, u16, Ratio), now: Ts, out: &mut Vec<Output>) {
        let (first, family, moved) = latched;
        if family == 0 {
            return;
        }
        let mut sink = Sink {
            out,
            effects: &mut self.effects,
            latched: Vec::new(),
        };
        let mut halted = Vec::new();
        for relative in self.instruments.iter_mut().flatten() {
            if relative.terms.family == family && relative.terms.id != first {
                relative.latch(moved, HaltCause::Family, now, &mut sink);
                halted.push(relative.terms.id);
            }
        }
        for id in halted {
            self.wake(id);
        }
    }
}

/// What is fixed once an instrument has prices.
fn identity(terms: &InstrumentTerms) -> impl PartialEq {
    (
        (terms.mode, terms.price_digits, terms.qty_digits),
        (terms.base, terms.quote, terms.margin_currency),
        (terms.contract_size, terms.contract_digits),
    )
}

#[cfg(test)]
#[path = "market/tests.rs"]
mod tests;
