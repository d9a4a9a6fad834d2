//! The door of the core for everything that produces inputs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::entry::Entry;
use super::ring::Writer;
use crate::event::{Command, Gap, Input, Quote};
use crate::ids::{InstrumentId, SourceId};
use crate::view::Ask;

/// Holes that wait for room in the ring; a source that has more of them meanwhile is told [`Full`].
const GAPS_MAX: u32 = 64;

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

/// A producer's handle. While the ring is full its quotes conflate per source and instrument, and holes wait at
/// their place between them; commands and questions are refused.
///
/// Call [`Inbox::flush`] now and then when no further quote comes: a conflated one waits here.
pub struct Inbox {
    writer: Writer,
    waiting: VecDeque<Waiting>,
    quotes: BTreeMap<Key, Conflated>,
    gaps: u32,
    counts: Arc<RingCounts>,
}

/// Quotes are conflated between two holes, never across one: hence the number of holes before them.
type Key = (u32, SourceId, InstrumentId);

enum Waiting {
    Quotes(Key),
    Gap(Gap),
}

/// Quotes that one entry stands for, and those that do not fit to it: a zero, a wild price or the first of a real move
/// must not take the place of good prices before the filters have looked at it.
struct Conflated {
    usual: Quote,
    odd: Option<Quote>,
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
            gaps: 0,
            counts: Arc::default(),
        }
    }

    /// What full rings have caused; shared by all handles of one ring.
    pub fn counts(&self) -> &Arc<RingCounts> {
        &self.counts
    }

    /// Takes a quote; never refuses.
    pub fn quote(&mut self, quote: Quote) {
        if self.flush() && self.push_quote(&quote) {
            return;
        }
        let key = (self.gaps, quote.source, quote.instrument);
        match self.quotes.get_mut(&key) {
            Some(conflated) => {
                let merged = u64::from(conflated.take(&quote));
                self.counts.merged.fetch_add(merged, Ordering::Relaxed);
            }
            None => {
                self.waiting.push_back(Waiting::Quotes(key));
                let conflated = Conflated {
                    usual: quote,
                    odd: None,
                };
                self.quotes.insert(key, conflated);
            }
        }
    }

    /// Takes a print, a gap or the clock. These are not merged; a gap waits here while the ring is full.
    ///
    /// # Errors
    /// [`Full`]: a print is dropped by the caller and counted; the clock is sent again.
    pub fn input(&mut self, input: Input) -> Result<(), Full> {
        self.flush();
        let Input::Gap(gap) = input else {
            return self.writer.try_push(Entry::Input(input)).map_err(|_| Full);
        };
        if self.waiting.is_empty() && self.writer.try_push(Entry::Input(Input::Gap(gap))).is_ok() {
            return Ok(());
        }
        if self.gaps >= GAPS_MAX {
            return Err(Full);
        }
        self.gaps += 1;
        self.waiting.push_back(Waiting::Gap(gap));
        Ok(())
    }

    /// Takes a command.
    ///
    /// # Errors
    /// [`Full`]: answer "busy" at once.
    pub fn command(&mut self, command: Command) -> Result<(), Full> {
        self.push(Entry::Input(Input::Command(Box::new(command))))
    }

    /// Takes a command of a producer that offers it again until there is room: a full ring is not counted as a refusal.
    ///
    /// # Errors
    /// [`Full`]: offer it again.
    pub fn offer(&mut self, command: Command) -> Result<(), Full> {
        let entry = Entry::Input(Input::Command(Box::new(command)));
        self.writer.try_push(entry).map_err(|_| Full)
    }

    /// Takes a question.
    ///
    /// # Errors
    /// [`Full`]: answer "busy" at once.
    pub fn ask(&mut self, ask: Ask) -> Result<(), Full> {
        self.push(Entry::Ask(Box::new(ask)))
    }

    /// Moves what waits into the ring as far as there is room. True when nothing waits any more.
    pub fn flush(&mut self) -> bool {
        while let Some(first) = self.waiting.front() {
            let entered = match *first {
                Waiting::Gap(gap) => self.writer.try_push(Entry::Input(Input::Gap(gap))).is_ok(),
                Waiting::Quotes(key) => self.enter(key),
            };
            if !entered {
                return false;
            }
            self.waiting.pop_front();
        }
        self.gaps = 0;
        true
    }

    pub(super) fn stop(&mut self) -> bool {
        self.flush() && self.writer.try_push(Entry::Stop).is_ok()
    }

    /// The quotes under a key, older first. False when the ring is full; what is left stays.
    fn enter(&mut self, key: Key) -> bool {
        let Some(Conflated { usual, odd }) = self.quotes.remove(&key) else {
            return true;
        };
        let (first, second) = match odd {
            Some(odd) if odd.ts < usual.ts => (odd, Some(usual)),
            odd => (usual, odd),
        };
        let left = if !self.push_quote(&first) {
            Conflated { usual, odd }
        } else if let Some(second) = second.filter(|second| !self.push_quote(second)) {
            Conflated {
                usual: second,
                odd: None,
            }
        } else {
            return true;
        };
        self.quotes.insert(key, left);
        false
    }

    fn push_quote(&mut self, quote: &Quote) -> bool {
        self.writer
            .try_push(Entry::Input(Input::Quote(*quote)))
            .is_ok()
    }

    fn push(&mut self, entry: Entry) -> Result<(), Full> {
        self.writer.try_push(entry).map_err(|_| {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            Full
        })
    }
}

impl Conflated {
    /// Takes a newer quote in; true when an older one is not told by itself any more.
    fn take(&mut self, newer: &Quote) -> bool {
        if let Some(merged) = merge(&self.usual, newer) {
            self.usual = merged;
            return true;
        }
        let Some(odd) = self.odd else {
            self.odd = Some(*newer);
            return false;
        };
        // Two that fit to neither: the newer one is looked at.
        self.odd = Some(merge(&odd, newer).unwrap_or(*newer));
        true
    }
}

/// The newer quote, carrying how many it replaced and the extremes they reached. `None` when one of them is no usual
/// price beside the other: crossed, of another sign, or more than twice as far from zero; or when the extremes would be
/// too far away to be carried.
pub fn merge(older: &Quote, newer: &Quote) -> Option<Quote> {
    if !fits(older, newer) {
        return None;
    }
    let low =
        (older.bid.0 - i64::from(older.bid_drop)).min(newer.bid.0 - i64::from(newer.bid_drop));
    let high =
        (older.ask.0 + i64::from(older.ask_rise)).max(newer.ask.0 + i64::from(newer.ask_rise));
    Some(Quote {
        bid_drop: u32::try_from(newer.bid.0 - low).ok()?,
        ask_rise: u32::try_from(high - newer.ask.0).ok()?,
        merged: older.merged.saturating_add(newer.merged).saturating_add(1),
        ..*newer
    })
}

fn fits(older: &Quote, newer: &Quote) -> bool {
    let near = |one: i64, other: i64| {
        let (small, large) = (
            one.unsigned_abs().min(other.unsigned_abs()),
            one.unsigned_abs().max(other.unsigned_abs()),
        );
        one.signum() == other.signum() && large <= small.saturating_mul(2)
    };
    (older.bid > older.ask) == (newer.bid > newer.ask)
        && near(older.bid.0, newer.bid.0)
        && near(older.ask.0, newer.ask.0)
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
        assert!(inbox.offer(command()).is_err(), "and not counted here");
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

    #[test]
    fn a_bad_quote_takes_no_good_ones_place() {
        let (writer, mut journal, mut machine) = ring::build(64);
        let mut inbox = Inbox::new(writer);
        for step in 0..64 {
            inbox.quote(quote(9, step, step + 1));
        }
        // A stop at 95 must be seen although the newest quote is a zero.
        for (bid, ask) in [(100, 102), (90, 91), (0, 0), (110, 115), (0, 0)] {
            inbox.quote(quote(1, bid, ask));
        }
        // A wild price, then the market's own again.
        for (bid, ask) in [(100, 101), (1_000, 1_001), (102, 103)] {
            inbox.quote(quote(2, bid, ask));
        }
        // Crossed beside uncrossed.
        for (bid, ask) in [(100, 101), (105, 103)] {
            inbox.quote(quote(3, bid, ask));
        }
        assert_eq!(drain(&mut journal).len(), 64);
        assert_eq!(drain(&mut machine).len(), 64);
        assert!(inbox.flush());
        let left: Vec<_> = drain(&mut machine)
            .iter()
            .map(|quote| {
                (
                    quote.instrument.0,
                    quote.bid.0,
                    quote.bid_drop,
                    quote.merged,
                )
            })
            .collect();
        assert_eq!(
            left,
            [
                (1, 110, 20, 2),
                (1, 0, 0, 1),
                (2, 102, 2, 1),
                (2, 1_000, 0, 0),
                (3, 100, 0, 0),
                (3, 105, 0, 0),
            ]
        );
    }

    #[test]
    fn an_extreme_that_is_too_far_to_be_carried_is_a_quote_of_its_own() {
        let far = i64::from(u32::MAX) * 4;
        assert_eq!(
            merge(&quote(1, far, far), &quote(1, far * 2, far * 2)),
            None
        );
        let near = merge(&quote(1, far, far), &quote(1, far + 5, far + 5)).unwrap();
        assert_eq!((near.bid_drop, near.ask_rise, near.merged), (5, 0, 1));
    }

    #[test]
    fn a_hole_waits_at_its_place_and_nothing_is_conflated_across_it() {
        let (writer, mut journal, mut machine) = ring::build(64);
        let mut inbox = Inbox::new(writer);
        for step in 0..64 {
            inbox.quote(quote(9, step, step + 1));
        }
        let gap = Gap {
            ts: Ts(1),
            source: SourceId(1),
            instrument: None,
            cause: crate::event::GapCause::Disconnect,
            missing: 0,
        };
        inbox.quote(quote(1, 100, 101));
        assert!(inbox.input(Input::Gap(gap)).is_ok());
        inbox.quote(quote(1, 103, 104));
        inbox.quote(quote(1, 102, 103));
        for _ in 1..GAPS_MAX {
            assert!(inbox.input(Input::Gap(gap)).is_ok());
        }
        assert!(inbox.input(Input::Gap(gap)).is_err(), "bounded");
        assert_eq!(drain(&mut journal).len() + drain(&mut machine).len(), 128);
        assert!(!inbox.flush(), "more waits than there is room for");
        let mut told = Vec::new();
        while !inbox.flush() || told.len() < 2 + GAPS_MAX as usize {
            drain(&mut journal);
            let before = told.len();
            while let Look::Read(_) = machine.read(1_000, |entry| match entry {
                Entry::Input(Input::Quote(quote)) => told.push(quote.bid.0),
                Entry::Input(Input::Gap(_)) => told.push(-1),
                _ => {}
            }) {}
            assert!(told.len() > before, "{told:?}");
        }
        assert_eq!(told[..4], [100, -1, 102, -1]);
        assert_eq!(told.len(), 2 + GAPS_MAX as usize);
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
