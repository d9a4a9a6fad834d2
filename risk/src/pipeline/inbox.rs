//! The door of the core for everything that produces inputs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::entry::Entry;
use super::ring::Writer;
use crate::event::{Command, Input, Quote};
use crate::ids::{InstrumentId, SourceId};
use crate::view::Ask;

/// The ring is full: say so to the caller at once, nobody waits here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// What full rings have caused, over all producers; for those who watch.
#[derive(Debug, Default)]
pub struct RingCounts {
    /// Quotes merged into a later one because the inbound ring was full.
    pub merged: AtomicU64,
    /// Commands and questions refused because it was full.
    pub refused: AtomicU64,
    /// Times the machine looked again because the outbound ring was full.
    pub waits: AtomicU64,
}

/// A producer's handle. While the ring is full its quotes conflate per source and instrument;
/// commands and questions are refused.
///
/// Call [`Inbox::flush`] now and then when no further quote comes: a conflated one waits here.
pub struct Inbox {
    writer: Writer,
    waiting: VecDeque<(SourceId, InstrumentId)>,
    quotes: BTreeMap<(SourceId, InstrumentId), Quote>,
    counts: Arc<RingCounts>,
}

impl Clone for Inbox {
    fn clone(&self) -> Self {
        Self {
            counts: self.counts.clone(),
            ..Self::new(self.writer.clone())
        }
    }
}

impl Inbox {
    /// A handle on the ring behind `writer`.
    pub fn new(writer: Writer) -> Self {
        Self {
            writer,
            waiting: VecDeque::new(),
            quotes: BTreeMap::new(),
            counts: Arc::default(),
        }
    }

    /// What full rings have caused; shared by all handles of one ring.
    pub fn counts(&self) -> &Arc<RingCounts> {
        &self.counts
    }

    /// Takes a quote; never refuses.
    pub fn quote(&mut self, quote: Quote) {
        let key = (quote.source, quote.instrument);
        if !self.quotes.is_empty() {
            self.flush();
        }
        if let Some(older) = self.quotes.get_mut(&key) {
            *older = merge(older, &quote);
            self.counts.merged.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let full = !self.waiting.is_empty();
        if full
            || self
                .writer
                .try_push(Entry::Input(Input::Quote(quote)))
                .is_err()
        {
            self.waiting.push_back(key);
            self.quotes.insert(key, quote);
        }
    }

    /// Takes a print, a gap or the clock. These are not merged.
    ///
    /// # Errors
    /// [`Full`]: a print is dropped by the caller and counted; a gap or the clock is sent again.
    pub fn input(&mut self, input: Input) -> Result<(), Full> {
        self.flush();
        self.writer.try_push(Entry::Input(input)).map_err(|_| Full)
    }

    /// Takes a command.
    ///
    /// # Errors
    /// [`Full`]: answer "busy" at once.
    pub fn command(&mut self, command: Command) -> Result<(), Full> {
        self.push(Entry::Input(Input::Command(Box::new(command))))
    }

    /// Takes a question.
    ///
    /// # Errors
    /// [`Full`]: answer "busy" at once.
    pub fn ask(&mut self, ask: Ask) -> Result<(), Full> {
        self.push(Entry::Ask(Box::new(ask)))
    }

    /// Moves waiting quotes into the ring as far as there is room. True when none waits any more.
    pub fn flush(&mut self) -> bool {
        while let Some(key) = self.waiting.front() {
            let Some(quote) = self.quotes.get(key) else {
                self.waiting.pop_front();
                continue;
            };
            if self
                .writer
                .try_push(Entry::Input(Input::Quote(*quote)))
                .is_err()
            {
                return false;
            }
            self.quotes.remove(key);
            self.waiting.pop_front();
        }
        true
    }

    pub(super) fn stop(&mut self) -> bool {
        self.flush() && self.writer.try_push(Entry::Stop).is_ok()
    }

    fn push(&mut self, entry: Entry) -> Result<(), Full> {
        self.writer.try_push(entry).map_err(|_| {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            Full
        })
    }
}

/// The newer quote, carrying how many it replaced and the extremes they reached.
pub fn merge(older: &Quote, newer: &Quote) -> Quote {
    let low =
        (older.bid.0 - i64::from(older.bid_drop)).min(newer.bid.0 - i64::from(newer.bid_drop));
    let high =
        (older.ask.0 + i64::from(older.ask_rise)).max(newer.ask.0 + i64::from(newer.ask_rise));
    Quote {
        bid_drop: u32::try_from(newer.bid.0 - low).unwrap_or(u32::MAX),
        ask_rise: u32::try_from(high - newer.ask.0).unwrap_or(u32::MAX),
        merged: older.merged.saturating_add(newer.merged).saturating_add(1),
        ..*newer
    }
}

#[cfg(test)]
mod tests {
    use super::super::ring::{self, Look, Source};
    use super::*;
    use crate::event::{NO_VENUE_TIME, QuoteKind};
    use crate::units::{Price, Qty, Ts};

    fn quote(instrument: u32, bid: i64, ask: i64) -> Quote {
        Quote {
            ts: Ts(1),
            bid: Price(bid),
            ask: Price(ask),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument: InstrumentId(instrument),
            source: SourceId(1),
            merged: 0,
            kind: QuoteKind::Firm,
        }
    }

    fn drain(source: &mut ring::Reader) -> Vec<Quote> {
        let mut quotes = Vec::new();
        while let Look::Read(_) = source.read(1_000, |entry| {
            if let Entry::Input(Input::Quote(quote)) = entry {
                quotes.push(*quote);
            }
        }) {}
        quotes
    }

    #[test]
    fn a_full_ring_conflates_and_keeps_the_extremes() {
        let (writer, mut journal, mut machine) = ring::build(64);
        let mut inbox = Inbox::new(writer);
        for step in 0..64 {
            inbox.quote(quote(9, step, step + 1));
        }
        for (bid, ask) in [(100, 102), (90, 91), (110, 115), (105, 106)] {
            inbox.quote(quote(1, bid, ask));
        }
        inbox.quote(quote(2, 7, 8));
        assert!(
            inbox.command(command()).is_err(),
            "commands are refused at once"
        );
        assert_eq!(drain(&mut journal).len(), 64);
        assert_eq!(drain(&mut machine).len(), 64);
        assert!(inbox.flush());
        let left = drain(&mut machine);
        assert_eq!(left.len(), 2);
        assert_eq!(
            (left[0].bid, left[0].ask, left[0].merged),
            (Price(105), Price(106), 3)
        );
        assert_eq!((left[0].bid_drop, left[0].ask_rise), (15, 9));
        assert_eq!((left[1].instrument, left[1].merged), (InstrumentId(2), 0));
        let counts = inbox.clone().counts().clone();
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        assert_eq!((count(&counts.merged), count(&counts.refused)), (3, 1));
    }

    fn command() -> Command {
        Command {
            ts: Ts(1),
            actor: crate::ids::ActorId(1),
            token: 1,
            body: crate::event::Body::AcknowledgeRisk(crate::ids::AccountId(1)),
        }
    }
}
