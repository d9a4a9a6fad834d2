//! The newest mark, bars and states of every instrument: written by the one egress thread, read by any number of sockets.
//!
//! Each value sits in a [`Cell`] of plain atomic words guarded by a version (a sequence lock in safe Rust): the writer never waits
//! and never allocates, readers retry in the rare case that they met a write. A mutex per slot would let a descheduled
//! reader stop egress for a time slice; `ArcSwap` would allocate at every mark.
//!
//! Who waits for news holds a [`Watch`]. Without one, a write costs two relaxed loads more.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

use siaga_risk::event::*;
use siaga_risk::ids::{InstrumentId, LinkId, SourceId};
use siaga_risk::units::{Price, Qty, Ratio, Ts};
use tokio::sync::Notify;

/// Highest instrument id that streams: slots are made once, so a reader never meets a table that grows. 1 KiB each.
pub const INSTRUMENTS_MAX: usize = 4_096;
/// Spans of [`BarSpan`].
pub const SPANS: usize = 6;

const MARK_WORDS: usize = 10;
const BAR_WORDS: usize = 16;

/// The shared table. `apply` is for egress alone.
pub struct Live {
    slots: Box<[Slot]>,
    dirty: Box<[AtomicU64]>,
    /// Watches that want to hear of changes; 0 or 1.
    listeners: AtomicU32,
    /// Set by the first change after the watch looked, so a burst wakes once.
    told: AtomicBool,
    news: Notify,
    /// Rises when a mode, switch, link, halt or feed changed.
    desk: AtomicU64,
    /// Where each link stands: changes seldom, and is looked at by nobody in a hurry.
    links: Mutex<BTreeMap<LinkId, LinkMode>>,
}

#[derive(Default)]
struct Slot {
    mark: Cell<MARK_WORDS>,
    bars: [Cell<BAR_WORDS>; SPANS],
    states: AtomicU64,
}

/// What an instrument is in, beside its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States {
    pub feed: FeedState,
    pub halted: bool,
    pub awaiting_resume: bool,
    pub volatility: VolatilityState,
    /// A hole in the source's stream that no quote has followed yet.
    pub gap: bool,
}

impl Default for Live {
    fn default() -> Live {
        Live::new()
    }
}

impl Live {
    pub fn new() -> Live {
        Live {
            slots: (0..INSTRUMENTS_MAX).map(|_| Slot::default()).collect(),
            dirty: (0..INSTRUMENTS_MAX.div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
            listeners: AtomicU32::new(0),
            told: AtomicBool::new(false),
            news: Notify::new(),
            desk: AtomicU64::new(0),
            links: Mutex::default(),
        }
    }

    /// Takes what concerns live readers from an output of the machine. Call it from one thread only, for every output.
    pub fn apply(&self, output: &Output) {
        match output {
            Output::Mark(mark) => self.put_mark(mark),
            Output::Bar(bar) => self.put_bar(bar),
            Output::Feed(change) => {
                self.change(change.instrument, |s| s.feed = change.to);
            }
            Output::Halt(change) => self.change(change.instrument, |s| {
                s.halted = change.on;
                s.awaiting_resume = change.on && change.awaiting_resume;
            }),
            Output::Volatility(change) => {
                self.change(change.instrument, |s| s.volatility = change.state);
            }
            Output::Gap(gap) => {
                // A hole of a known size is one in the tape.
                if let Some(instrument) = gap.instrument
                    && gap.missing == 0
                {
                    self.change(instrument, |s| s.gap = true);
                }
            }
            Output::Mode(_) | Output::Kill(_) | Output::Throttle(_) | Output::Terms(_) => {
                self.desk_changed();
            }
            Output::Link(change) => {
                self.put_link(change.link, change.to);
                self.desk_changed();
            }
            _ => {}
        }
    }

    /// Where a link stands; absent = it has not reported.
    pub fn link(&self, link: LinkId) -> Option<LinkMode> {
        self.lock_links().get(&link).copied()
    }

    /// Sets where a link stands.
    pub fn put_link(&self, link: LinkId, mode: LinkMode) {
        self.lock_links().insert(link, mode);
    }

    fn lock_links(&self) -> MutexGuard<'_, BTreeMap<LinkId, LinkMode>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what was true before this process listened (the machine's view at the start).
    pub fn seed(&self, instrument: InstrumentId, mark: Option<&Mark>, states: States) {
        if let Some(mark) = mark
            && self.mark(instrument).is_none()
        {
            self.put_mark(mark);
        }
        self.change(instrument, |s| *s = states);
    }

    pub fn mark(&self, instrument: InstrumentId) -> Option<Mark> {
        let (_, words) = self.slot(instrument)?.mark.load()?;
        Some(unpack_mark(instrument, &words))
    }

    /// The newest bar of a span and its position in the span's stream.
    pub fn bar(&self, instrument: InstrumentId, span: BarSpan) -> Option<(u64, Bar)> {
        let (version, words) = self.slot(instrument)?.bars[span as usize].load()?;
        Some((version, unpack_bar(instrument, span, &words)))
    }

    /// Position of the newest event without reading it.
    pub fn bar_tip(&self, instrument: InstrumentId, span: BarSpan) -> u64 {
        self.slot(instrument)
            .map_or(0, |slot| slot.bars[span as usize].tip())
    }

    pub fn states(&self, instrument: InstrumentId) -> States {
        let packed = self
            .slot(instrument)
            .map(|s| s.states.load(Ordering::Acquire));
        unpack_states(packed.unwrap_or(0))
    }

    /// Rises with every change of modes, switches, links, halts, feeds.
    pub fn desk_version(&self) -> u64 {
        self.desk.load(Ordering::Acquire)
    }

    /// Starts to listen. One at a time: the gateway's broadcaster.
    ///
    /// # Panics
    /// When somebody listens already.
    pub fn watch(self: &std::sync::Arc<Live>) -> Watch {
        let before = self.listeners.swap(1, Ordering::SeqCst);
        assert_eq!(
            before, 0,
            "one broadcaster serialises for everybody: a second one is a wiring mistake"
        );
        Watch { live: self.clone() }
    }

    fn slot(&self, instrument: InstrumentId) -> Option<&Slot> {
        self.slots.get(instrument.0 as usize)
    }

    fn put_mark(&self, mark: &Mark) {
        let Some(slot) = self.slot(mark.instrument) else {
            return;
        };
        slot.mark.store(&pack_mark(mark));
        if slot.states.load(Ordering::Relaxed) & GAP != 0 {
            self.change(mark.instrument, |s| s.gap = false);
        }
        self.tell(mark.instrument);
    }

    fn put_bar(&self, bar: &Bar) {
        let Some(slot) = self.slot(bar.instrument) else {
            return;
        };
        slot.bars[bar.span as usize].store(&pack_bar(bar));
        self.tell(bar.instrument);
    }

    fn change(&self, instrument: InstrumentId, edit: impl FnOnce(&mut States)) {
        let Some(slot) = self.slot(instrument) else {
            return;
        };
        let mut states = unpack_states(slot.states.load(Ordering::Relaxed));
        edit(&mut states);
        slot.states.store(pack_states(states), Ordering::Release);
        self.desk_changed();
        self.tell(instrument);
    }

    fn desk_changed(&self) {
        self.desk.fetch_add(1, Ordering::Release);
    }

    fn tell(&self, instrument: InstrumentId) {
        if self.listeners.load(Ordering::Relaxed) == 0 {
            return;
        }
        let index = instrument.0 as usize;
        // Sequentially consistent on both sides: either this bit is seen by the drain, or the drain's reset is seen here.
        self.dirty[index / 64].fetch_or(1 << (index % 64), Ordering::SeqCst);
        if !self.told.load(Ordering::SeqCst) && !self.told.swap(true, Ordering::SeqCst) {
            self.news.notify_one();
        }
    }
}

/// The broadcaster's ear. Call `changed().await`, then `drain`.
pub struct Watch {
    live: std::sync::Arc<Live>,
}

impl Watch {
    /// Waits until something changed since the last `drain`.
    pub async fn changed(&self) {
        self.live.news.notified().await;
    }

    /// Appends the instruments that changed, each once.
    pub fn drain(&self, into: &mut Vec<InstrumentId>) {
        // Before the bits: a change after this line wakes again, at worst for nothing.
        self.live.told.store(false, Ordering::SeqCst);
        for (word, bits) in self.live.dirty.iter().enumerate() {
            if bits.load(Ordering::SeqCst) == 0 {
                continue;
            }
            let mut left = bits.swap(0, Ordering::SeqCst);
            while left != 0 {
                let bit = left.trailing_zeros();
                into.push(InstrumentId((word * 64) as u32 + bit));
                left &= left - 1;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.live.listeners.store(0, Ordering::SeqCst);
        self.live.told.store(false, Ordering::SeqCst);
    }
}

/// Words with a version: odd while they are written. One writer, any readers.
struct Cell<const N: usize> {
    version: AtomicU64,
    words: [AtomicU64; N],
}

impl<const N: usize> Default for Cell<N> {
    fn default() -> Self {
        Cell {
            version: AtomicU64::new(0),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl<const N: usize> Cell<N> {
    fn store(&self, words: &[u64; N]) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (slot, word) in self.words.iter().zip(words) {
            slot.store(*word, Ordering::Relaxed);
        }
        self.version.store(version + 2, Ordering::Release);
    }

    /// The words and how often they were written; `None` = never.
    fn load(&self) -> Option<(u64, [u64; N])> {
        loop {
            let before = self.version.load(Ordering::Acquire);
            if before == 0 {
                return None;
            }
            if before % 2 == 1 {
                std::hint::spin_loop();
                continue;
            }
            let words = std::array::from_fn(|i| self.words[i].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if self.version.load(Ordering::Relaxed) == before {
                return Some((before / 2, words));
            }
        }
    }

    fn tip(&self) -> u64 {
        self.version.load(Ordering::Relaxed) / 2
    }
}

fn pack_mark(mark: &Mark) -> [u64; MARK_WORDS] {
    [
        mark.ts.0,
        mark.bid.0 as u64,
        mark.ask.0 as u64,
        mark.bid_qty.0 as u64,
        mark.ask_qty.0 as u64,
        u64::from(mark.venue_lag_us as u32),
        mark.count,
        mark.day_change.0 as u64,
        u64::from(mark.source.0),
        0,
    ]
}

fn unpack_mark(instrument: InstrumentId, w: &[u64; MARK_WORDS]) -> Mark {
    Mark {
        ts: Ts(w[0]),
        instrument,
        source: SourceId(w[8] as u16),
        bid: Price(w[1] as i64),
        ask: Price(w[2] as i64),
        bid_qty: Qty(w[3] as i64),
        ask_qty: Qty(w[4] as i64),
        venue_lag_us: w[5] as u32 as i32,
        count: w[6],
        day_change: Ratio(w[7] as i64),
    }
}

fn pack_bar(bar: &Bar) -> [u64; BAR_WORDS] {
    let [b0, b1, b2, b3] = pack_ohlc(&bar.bid);
    let [a0, a1, a2, a3] = pack_ohlc(&bar.ask);
    let [m0, m1, m2, m3] = pack_ohlc(&bar.mid);
    let counts = u64::from(bar.ticks) << 32 | u64::from(bar.late);
    [
        bar.start.0,
        b0,
        b1,
        b2,
        b3,
        a0,
        a1,
        a2,
        a3,
        m0,
        m1,
        m2,
        m3,
        counts,
        bar.volume.0 as u64,
        u64::from(bar.closed),
    ]
}

fn unpack_bar(instrument: InstrumentId, span: BarSpan, w: &[u64; BAR_WORDS]) -> Bar {
    Bar {
        instrument,
        span,
        start: Ts(w[0]),
        bid: unpack_ohlc(&w[1..5]),
        ask: unpack_ohlc(&w[5..9]),
        mid: unpack_ohlc(&w[9..13]),
        ticks: (w[13] >> 32) as u32,
        volume: Qty(w[14] as i64),
        closed: w[15] != 0,
        late: w[13] as u32,
    }
}

fn pack_ohlc(ohlc: &Ohlc) -> [u64; 4] {
    [ohlc.open, ohlc.high, ohlc.low, ohlc.close].map(|v| v as u64)
}

fn unpack_ohlc(w: &[u64]) -> Ohlc {
    Ohlc {
        open: w[0] as i64,
        high: w[1] as i64,
        low: w[2] as i64,
        close: w[3] as i64,
    }
}

const GAP: u64 = 1 << 5;

fn pack_states(s: States) -> u64 {
    s.feed as u64
        | u64::from(s.halted) << 2
        | u64::from(s.awaiting_resume) << 3
        | (s.volatility as u64) << 4
        | if s.gap { GAP } else { 0 }
}

fn unpack_states(packed: u64) -> States {
    States {
        feed: match packed & 3 {
            0 => FeedState::Live,
            1 => FeedState::Delayed,
            2 => FeedState::Unavailable,
            _ => FeedState::Closed,
        },
        halted: packed & 4 != 0,
        awaiting_resume: packed & 8 != 0,
        volatility: match packed & 16 {
            0 => VolatilityState::Normal,
            _ => VolatilityState::Elevated,
        },
        gap: packed & GAP != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn mark(instrument: u32, count: u64) -> Mark {
        let value = count as i64;
        Mark {
            ts: Ts(count),
            instrument: InstrumentId(instrument),
            source: SourceId(count as u16),
            bid: Price(-value),
            ask: Price(value),
            bid_qty: Qty(value),
            ask_qty: Qty(value),
            venue_lag_us: -(count as i32),
            count,
            day_change: Ratio(-value),
        }
    }

    #[test]
    fn readers_never_see_half_a_mark() {
        let live = Arc::new(Live::new());
        let stop = Arc::new(AtomicBool::new(false));
        let reader = std::thread::spawn({
            let (live, stop) = (live.clone(), stop.clone());
            move || {
                let mut newest = 0;
                while !stop.load(Ordering::Relaxed) {
                    if let Some(seen) = live.mark(InstrumentId(7)) {
                        assert_eq!(seen, mark(7, seen.count));
                        assert!(seen.count >= newest);
                        newest = seen.count;
                    }
                }
                newest
            }
        });
        for count in 1..=300_000 {
            live.apply(&Output::Mark(mark(7, count)));
        }
        stop.store(true, Ordering::Relaxed);
        assert!(reader.join().expect("the reader found whole marks") <= 300_000);
        assert_eq!(live.mark(InstrumentId(7)), Some(mark(7, 300_000)));
    }

    #[test]
    fn bars_and_states_come_back_as_they_went() {
        let live = Live::new();
        let ohlc = |v: i64| Ohlc {
            open: v,
            high: v + 3,
            low: v - 3,
            close: v + 1,
        };
        let bar = Bar {
            instrument: InstrumentId(1),
            span: BarSpan::M5,
            start: Ts(5),
            bid: ohlc(10),
            ask: ohlc(-20),
            mid: ohlc(30),
            ticks: 9,
            volume: Qty(-1),
            closed: true,
            late: 4,
        };
        live.apply(&Output::Bar(bar));
        assert_eq!(live.bar(InstrumentId(1), BarSpan::M5), Some((1, bar)));
        assert_eq!(live.bar(InstrumentId(1), BarSpan::M1), None);
        for packed in 0..64 {
            assert_eq!(pack_states(unpack_states(packed)), packed);
        }
        let far = InstrumentId(INSTRUMENTS_MAX as u32);
        live.apply(&Output::Mark(mark(far.0, 1)));
        assert_eq!(live.mark(far), None);
    }

    #[test]
    fn a_hole_in_the_tape_says_nothing_of_the_quotes() {
        let live = Live::new();
        let instrument = InstrumentId(1);
        let hole = |missing| {
            Output::Gap(Gap {
                ts: Ts(1),
                source: SourceId(1),
                instrument: Some(instrument),
                cause: GapCause::Sequence,
                missing,
            })
        };
        live.apply(&hole(3));
        assert!(!live.states(instrument).gap);
        live.apply(&hole(0));
        assert!(live.states(instrument).gap);
        live.apply(&Output::Mark(mark(1, 1)));
        assert!(!live.states(instrument).gap);
    }

    #[tokio::test]
    async fn a_watch_hears_each_instrument_once() {
        let live = Arc::new(Live::new());
        live.apply(&Output::Mark(mark(1, 1)));
        let watch = live.watch();
        for count in 2..5 {
            live.apply(&Output::Mark(mark(1, count)));
            live.apply(&Output::Mark(mark(70, count)));
        }
        watch.changed().await;
        let mut seen = Vec::new();
        watch.drain(&mut seen);
        assert_eq!(seen, [InstrumentId(1), InstrumentId(70)]);
        live.apply(&Output::Mark(mark(1, 9)));
        watch.changed().await;
    }
}
