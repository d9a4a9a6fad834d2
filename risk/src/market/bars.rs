//! Bars of accepted quotes, one second to one day.
//!
//! A tick touches only the bar of its second; a second that closes is folded into the longer spans, and a
//! growing longer bar is put together from what is closed and what is open when it is shown. A bar closes
//! two seconds of machine time after its end; a later tick goes to the next second and is counted.

use crate::event::{Bar, BarSpan, Ohlc, Output};
use crate::ids::InstrumentId;
use crate::record;
use crate::units::*;
use std::collections::VecDeque;

/// A bar stays open this long after its end.
pub const CLOSE_DELAY_NS: u64 = 2 * SECOND_NS;
/// A venue's time counts for bars when it is nearer to ours than this.
pub const VENUE_SKEW_MAX_NS: u64 = 5 * SECOND_NS;
/// Least time between two live updates of the shortest spans (1 s, 1 min).
const LIVE_FAST_NS: u64 = 250_000_000;
/// Least time between two live updates of the longer spans.
const LIVE_SLOW_NS: u64 = SECOND_NS;
/// Seconds that may be open at once: those that wait to close and those a venue's clock is ahead.
const SECONDS_OPEN_MAX: usize = 16;

/// Lengths of the spans, in the order of `BarSpan`.
pub const SPAN_NS: [u64; 6] = [
    SECOND_NS,
    MINUTE_NS,
    5 * MINUTE_NS,
    15 * MINUTE_NS,
    HOUR_NS,
    DAY_NS,
];

record! {
    /// A bar that grows; without ticks it does not exist.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Growing {
        start: Ts,
        bid: Ohlc,
        ask: Ohlc,
        mid: Ohlc,
        ticks: u32,
        volume: Qty,
        /// Late ticks by span: a tick late for its second is seldom late for its hour.
        late: [u32; 6],
    }

    /// All open bars of an instrument.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Bars {
        /// Open seconds by start.
        seconds: VecDeque<Growing>,
        /// Closed seconds folded into the longer spans, shortest first.
        spans: Vec<Growing>,
        /// Traded quantity that no bar has taken yet.
        volume: Qty,
        close_at: Ts,
        live_fast_at: Ts,
        live_slow_at: Ts,
        fast_changed: bool,
        slow_changed: bool,
    }
}

impl Default for Bars {
    fn default() -> Self {
        Self {
            seconds: VecDeque::with_capacity(SECONDS_OPEN_MAX),
            spans: vec![Growing::empty(); SPAN_NS.len() - 1],
            volume: Qty(0),
            close_at: Ts(u64::MAX),
            live_fast_at: Ts(0),
            live_slow_at: Ts(0),
            fast_changed: false,
            slow_changed: false,
        }
    }
}

impl Bars {
    /// Takes an accepted quote that happened at `at` (the venue's time when it can be trusted).
    /// `close` must have run for `now`.
    #[inline]
    pub fn on_quote(&mut self, bid: Price, ask: Price, at: Ts, now: Ts) {
        let volume = std::mem::take(&mut self.volume);
        let second = self.second(at, now);
        second.tick(bid.0, ask.0);
        second.volume.0 = second.volume.0.saturating_add(volume.0);
        self.fast_changed = true;
        self.slow_changed = true;
    }

    /// Takes a print's quantity: it joins the newest open bar, or the next one.
    pub fn on_trade(&mut self, qty: Qty) {
        let volume = match self.seconds.back_mut() {
            Some(second) => &mut second.volume,
            None => &mut self.volume,
        };
        volume.0 = volume.0.saturating_add(qty.0);
    }

    /// Live updates that are due, shortest span first.
    #[inline]
    pub fn show(&mut self, instrument: InstrumentId, now: Ts, out: &mut Vec<Output>) {
        if self.fast_changed && now >= self.live_fast_at {
            self.fast_changed = false;
            self.live_fast_at = now.plus(LIVE_FAST_NS);
            self.show_spans(&BarSpan::ALL[..2], instrument, out);
        }
        if self.slow_changed && now >= self.live_slow_at {
            self.slow_changed = false;
            self.live_slow_at = now.plus(LIVE_SLOW_NS);
            self.show_spans(&BarSpan::ALL[2..], instrument, out);
        }
    }

    /// Closes what has ended `CLOSE_DELAY_NS` before `now`.
    pub fn close(&mut self, instrument: InstrumentId, now: Ts, out: &mut Vec<Output>) {
        if now < self.close_at {
            return;
        }
        while let Some(second) = self.seconds.front().copied() {
            if second.closes_at(SECOND_NS) > now {
                break;
            }
            self.seconds.pop_front();
            out.push(second.output(instrument, BarSpan::S1, true));
            self.fold(&second, instrument, out);
        }
        self.close_at = self
            .seconds
            .front()
            .map_or(Ts(u64::MAX), |second| second.closes_at(SECOND_NS));
        for (growing, span) in self.spans.iter_mut().zip(&BarSpan::ALL[1..]) {
            if growing.ticks == 0 {
                continue;
            }
            let closes_at = growing.closes_at(SPAN_NS[*span as usize]);
            if closes_at <= now {
                out.push(growing.output(instrument, *span, true));
                *growing = Growing::empty();
            } else {
                self.close_at = self.close_at.min(closes_at);
            }
        }
    }

    /// When `show` or `close` has something to do next.
    #[inline]
    pub fn deadline(&self) -> Ts {
        let mut due = self.close_at;
        if self.fast_changed {
            due = due.min(self.live_fast_at);
        }
        if self.slow_changed {
            due = due.min(self.live_slow_at);
        }
        due
    }

    /// The open second that `at` belongs to.
    #[inline]
    fn second(&mut self, at: Ts, now: Ts) -> &mut Growing {
        let newest = self.seconds.len().wrapping_sub(1);
        if let Some(last) = self.seconds.back()
            && at >= last.start
            && at.0 - last.start.0 < SECOND_NS
        {
            return &mut self.seconds[newest];
        }
        let wanted = at.0 - at.0 % SECOND_NS;
        let oldest_open = now
            .0
            .checked_sub(SECOND_NS + CLOSE_DELAY_NS)
            .map_or(0, |ended| ended - ended % SECOND_NS + SECOND_NS);
        let start = Ts(wanted.max(oldest_open));
        let place = self.seconds.partition_point(|open| open.start < start);
        if self
            .seconds
            .get(place)
            .is_none_or(|open| open.start != start)
        {
            let second = Growing {
                start,
                ..Growing::empty()
            };
            self.close_at = self.close_at.min(second.closes_at(SECOND_NS));
            self.seconds.insert(place, second);
        }
        let second = &mut self.seconds[place];
        if wanted < oldest_open {
            for (late, length) in second.late.iter_mut().zip(SPAN_NS) {
                *late += u32::from(at.0 / length != start.0 / length);
            }
        }
        second
    }

    /// Folds a closed second into the longer spans; one that belongs to an earlier bar closes first.
    fn fold(&mut self, second: &Growing, instrument: InstrumentId, out: &mut Vec<Output>) {
        for (growing, span) in self.spans.iter_mut().zip(&BarSpan::ALL[1..]) {
            let length = SPAN_NS[*span as usize];
            let start = Ts(second.start.0 - second.start.0 % length);
            if growing.ticks > 0 && growing.start != start {
                out.push(growing.output(instrument, *span, true));
                *growing = Growing::empty();
            }
            growing.join(second);
            growing.start = start;
        }
    }

    /// Bars of a span that are not closed, oldest first: those that have ended and wait, and the one that grows.
    pub fn open(&self, instrument: InstrumentId, span: BarSpan) -> Vec<Bar> {
        let length = SPAN_NS[span as usize];
        let folded = (span as usize)
            .checked_sub(1)
            .map(|place| self.spans[place])
            .filter(|growing| growing.ticks > 0);
        let mut open: Vec<Growing> = folded.into_iter().collect();
        for second in &self.seconds {
            let start = Ts(second.start.0 - second.start.0 % length);
            match open.last_mut().filter(|last| last.start == start) {
                Some(last) => last.join(second),
                None => open.push(Growing { start, ..*second }),
            }
        }
        open.iter()
            .map(|growing| growing.bar(instrument, span, false))
            .collect()
    }

    fn show_spans(&self, spans: &[BarSpan], instrument: InstrumentId, out: &mut Vec<Output>) {
        let Some(newest) = self.seconds.back() else {
            return;
        };
        for span in spans {
            let length = SPAN_NS[*span as usize];
            let start = Ts(newest.start.0 - newest.start.0 % length);
            let mut shown = match span {
                BarSpan::S1 => Growing::empty(),
                _ => self.spans[*span as usize - 1],
            };
            if shown.start != start {
                shown = Growing::empty();
            }
            for second in self.seconds.iter().filter(|open| open.start >= start) {
                shown.join(second);
            }
            shown.start = start;
            out.push(shown.output(instrument, *span, false));
        }
    }
}

impl Growing {
    fn empty() -> Self {
        let none = Ohlc {
            open: 0,
            high: 0,
            low: 0,
            close: 0,
        };
        Self {
            start: Ts(0),
            bid: none,
            ask: none,
            mid: none,
            ticks: 0,
            volume: Qty(0),
            late: [0; 6],
        }
    }

    fn closes_at(&self, length_ns: u64) -> Ts {
        self.start.plus(length_ns).plus(CLOSE_DELAY_NS)
    }

    #[inline]
    fn tick(&mut self, bid: i64, ask: i64) {
        let first = self.ticks == 0;
        for (ohlc, value) in [
            (&mut self.bid, bid),
            (&mut self.ask, ask),
            (&mut self.mid, bid + ask),
        ] {
            if first {
                *ohlc = Ohlc {
                    open: value,
                    high: value,
                    low: value,
                    close: value,
                };
            } else {
                ohlc.high = ohlc.high.max(value);
                ohlc.low = ohlc.low.min(value);
                ohlc.close = value;
            }
        }
        self.ticks = self.ticks.saturating_add(1);
    }

    /// Adds a later bar.
    fn join(&mut self, later: &Growing) {
        if self.ticks == 0 {
            *self = *later;
            return;
        }
        for (ohlc, next) in [
            (&mut self.bid, &later.bid),
            (&mut self.ask, &later.ask),
            (&mut self.mid, &later.mid),
        ] {
            ohlc.high = ohlc.high.max(next.high);
            ohlc.low = ohlc.low.min(next.low);
            ohlc.close = next.close;
        }
        self.ticks = self.ticks.saturating_add(later.ticks);
        self.volume.0 = self.volume.0.saturating_add(later.volume.0);
        for (late, more) in self.late.iter_mut().zip(later.late) {
            *late += more;
        }
    }

    fn output(&self, instrument: InstrumentId, span: BarSpan, closed: bool) -> Output {
        Output::Bar(self.bar(instrument, span, closed))
    }

    fn bar(&self, instrument: InstrumentId, span: BarSpan, closed: bool) -> Bar {
        Bar {
            instrument,
            span,
            start: self.start,
            bid: self.bid,
            ask: self.ask,
            mid: self.mid,
            ticks: self.ticks,
            volume: self.volume,
            closed,
            late: self.late[span as usize],
        }
    }
}

#[cfg(test)]
#[path = "bars_tests.rs"]
mod tests;
