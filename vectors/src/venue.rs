//! A machine with several price sources and instruments that all of them quote: what the adapters of the market's
//! rules build an example on.

use crate::Fault;
use crate::desk::{Desk, EUR, USD};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// Digits of prices: nine leave ten for the price itself.
pub const DIGITS: u8 = 9;

/// Sources 0, 1, … and instruments 0, 1, … of one machine, every session open.
pub struct Venue {
    pub desk: Desk,
    opened: Ts,
}

impl Venue {
    /// Opens `count` instruments that every source quotes; `adjust` changes their terms. Crossed quotes are held. The
    /// machine's day begins.
    ///
    /// # Errors
    /// [`Fault::Refused`] when the machine refuses the terms.
    pub fn open(
        kinds: &[SourceKind],
        timeout_ns: u64,
        count: u32,
        adjust: impl Fn(&mut InstrumentTerms),
    ) -> Result<Venue, Fault> {
        Venue::build(kinds, timeout_ns, count, Crossed::Hold, adjust)
    }

    fn build(
        kinds: &[SourceKind],
        timeout_ns: u64,
        count: u32,
        crossed: Crossed,
        adjust: impl Fn(&mut InstrumentTerms),
    ) -> Result<Venue, Fault> {
        let mut desk = Desk::new();
        desk.now = Ts(desk.now.0 - desk.now.0 % DAY_NS);
        for id in [USD, EUR] {
            desk.must(Body::Currency(CurrencyTerms {
                id,
                digits: 2,
                pivot: 0,
            }))?;
        }
        let mut feeds = Vec::new();
        for (id, kind) in (0u16..).zip(kinds) {
            let source = SourceId(id);
            desk.must(Body::Source(SourceTerms {
                id: source,
                kind: *kind,
                crossed,
                filtered: true,
            }))?;
            feeds.push(Feed { source, timeout_ns });
        }
        for id in (0..count).map(InstrumentId) {
            let mut terms = InstrumentTerms::of_class(id, AssetClass::Forex, EUR, USD, DIGITS);
            terms.feeds.clone_from(&feeds);
            terms.damp_ns = 0;
            adjust(&mut terms);
            desk.must(Body::Instrument(Box::new(terms)))?;
            desk.must(Body::Session(Session {
                instrument: id,
                open: true,
                at: desk.now,
                until: desk.now.plus(365 * DAY_NS),
            }))?;
        }
        let opened = desk.now;
        Ok(Venue { desk, opened })
    }

    /// One source and one instrument.
    ///
    /// # Errors
    /// [`Fault::Refused`] when the machine refuses the terms.
    pub fn single(adjust: impl Fn(&mut InstrumentTerms)) -> Result<Venue, Fault> {
        Venue::open(&[SourceKind::Datafeed], DAY_NS, 1, adjust)
    }

    /// One source whose bid and ask are taken for themselves, also where they cross, and one instrument.
    ///
    /// # Errors
    /// [`Fault::Refused`] when the machine refuses the terms.
    pub fn two_sided(adjust: impl Fn(&mut InstrumentTerms)) -> Result<Venue, Fault> {
        Venue::build(&[SourceKind::Datafeed], DAY_NS, 1, Crossed::Accept, adjust)
    }

    /// Time is `ns` after the opening. What falls due before it happens.
    pub fn at(&mut self, ns: u64) {
        self.desk.now = self.opened.plus(ns);
    }

    /// A quote; the machine's outputs.
    pub fn quote(&mut self, source: u16, instrument: u32, bid: i64, ask: i64) -> Vec<Output> {
        let quote = Quote {
            ts: self.desk.now,
            bid: Price(bid),
            ask: Price(ask),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument: InstrumentId(instrument),
            source: SourceId(source),
            merged: 0,
            kind: QuoteKind::Firm,
        };
        self.desk.put(&Input::Quote(quote))
    }

    /// A hole in the first source's stream.
    pub fn gap(&mut self, cause: GapCause) {
        self.desk.put(&Input::Gap(Gap {
            ts: self.desk.now,
            source: SourceId(0),
            instrument: None,
            cause,
            missing: 0,
        }));
    }
}

/// Whether the quote became the price that serves.
pub fn served(out: &[Output]) -> bool {
    out.iter().any(|output| matches!(output, Output::Mark(_)))
}
