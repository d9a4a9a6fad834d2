//! Facts of an instrument's tape: a few counters always, the detailed ones only when a replay records them.

use super::window::{Move, share};
use crate::event::Direction;
use crate::record;
use crate::units::*;
use crate::view::{BreachCount, TapeDetail, TapeView};
use std::collections::BTreeMap;

/// Rows kept of those that share an extreme.
const TIES_MAX: usize = 64;

record! {
    /// Counters that live operation keeps too. Every row counts, used or not.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Tape {
        pub rows: u64,
        pub crossed: u64,
        pub locked: u64,
        pub out_of_order: u64,
        pub same_time: u64,
        pub same_quote: u64,
        pub mid2_min: Option<(i64, Ts)>,
        pub mid2_max: Option<(i64, Ts)>,
        pub spread_max: Option<(i64, Ts)>,
        pub gap_max: Option<(u64, Ts)>,
        pub last: Option<(Ts, Price, Price)>,
    }

    /// What a replay asks for; its memory grows with the number of different spreads.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Recorder {
        first: Option<(Ts, Price, Price)>,
        lowest: Ties,
        highest: Ties,
        widest: Ties,
        minutes: u64,
        minute: Minute,
        /// Close of the minute before the present one.
        before: Option<(u64, i64)>,
        range_max: Option<(Ts, i64, i64)>,
        change_max: Option<(Ts, i64, i64)>,
        second: (u64, u64),
        busiest_second: Option<(u64, u64)>,
        busiest_minute: Option<(u64, u64)>,
        spreads: BTreeMap<i64, u64>,
        move_max: Option<(bool, i64, i64, Ts)>,
    }

    /// Rows that share the greatest value.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Ties {
        value: i64,
        rows: Vec<(Ts, Price, Price)>,
    }

    /// The minute that is being recorded.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Minute {
        number: u64,
        ticks: u64,
        low: i64,
        high: i64,
        close: i64,
    }
}

impl Tape {
    /// Counts a row.
    #[inline]
    pub fn on_row(&mut self, ts: Ts, bid: Price, ask: Price, rows: u64) {
        self.rows += rows;
        let (mid2, spread) = (bid.0 + ask.0, ask.0 - bid.0);
        self.crossed += u64::from(spread < 0);
        self.locked += u64::from(spread == 0);
        if self.mid2_min.is_none_or(|(low, _)| mid2 < low) {
            self.mid2_min = Some((mid2, ts));
        }
        if self.mid2_max.is_none_or(|(high, _)| mid2 > high) {
            self.mid2_max = Some((mid2, ts));
        }
        if self.spread_max.is_none_or(|(widest, _)| spread > widest) {
            self.spread_max = Some((spread, ts));
        }
        if let Some((before, _, _)) = self.last {
            let gap_ns = ts.since(before);
            if self.gap_max.is_none_or(|(longest, _)| gap_ns > longest) {
                self.gap_max = Some((gap_ns, before));
            }
        }
        self.last = Some((ts, bid, ask));
    }

    /// The answer to the query.
    pub fn view(&self, detail: Option<TapeDetail>) -> TapeView {
        TapeView {
            quotes: self.rows,
            crossed: self.crossed,
            locked: self.locked,
            out_of_order: self.out_of_order,
            same_time: self.same_time,
            same_quote: self.same_quote,
            mid2_min: self.mid2_min,
            mid2_max: self.mid2_max,
            spread_max: self.spread_max,
            gap_max: self.gap_max,
            detail: detail.map(Box::new),
        }
    }
}

impl Recorder {
    /// Records a row.
    pub fn on_row(&mut self, ts: Ts, bid: Price, ask: Price) {
        self.first.get_or_insert((ts, bid, ask));
        *self.spreads.entry(ask.0 - bid.0).or_insert(0) += 1;
        let mid2 = bid.0 + ask.0;
        self.lowest.on_row(-mid2, (ts, bid, ask));
        self.highest.on_row(mid2, (ts, bid, ask));
        self.widest.on_row(ask.0 - bid.0, (ts, bid, ask));
        let (second, minute) = (ts.0 / SECOND_NS, ts.0 / MINUTE_NS);
        if second != self.second.0 {
            self.end_second();
            self.second = (second, 0);
        }
        self.second.1 += 1;
        if self.minute.ticks == 0 || minute != self.minute.number {
            self.end_minute();
            self.minute = Minute {
                number: minute,
                ticks: 0,
                low: mid2,
                high: mid2,
                close: mid2,
            };
        }
        self.minute.ticks += 1;
        self.minute.low = self.minute.low.min(mid2);
        self.minute.high = self.minute.high.max(mid2);
        self.minute.close = mid2;
    }

    /// Records the move of an accepted price within its window; the first of equal moves stays.
    pub fn on_move(&mut self, moved: &Move, ts: Ts) {
        let larger = self
            .move_max
            .is_none_or(|(down, difference, reference, _)| {
                moved.exceeds(&Move {
                    direction: if down { Direction::Down } else { Direction::Up },
                    difference,
                    reference,
                })
            });
        if larger {
            let down = moved.direction == Direction::Down;
            self.move_max = Some((down, moved.difference, moved.reference, ts));
        }
    }

    /// The facts up to the last row.
    pub fn detail(
        &self,
        last: Option<(Ts, Price, Price)>,
        breaches: Vec<BreachCount>,
    ) -> TapeDetail {
        let mut done = self.clone();
        done.end_second();
        done.end_minute();
        let at = |(number, ticks): (u64, u64), unit: u64| (Ts(number * unit), ticks);
        TapeDetail {
            first: done.first,
            last,
            lowest: done.lowest.rows,
            highest: done.highest.rows,
            widest: done.widest.rows,
            minutes_with_ticks: done.minutes,
            minute_range_max: done.range_max,
            minute_change_max: done.change_max,
            spread_median_x2: median_x2(&done.spreads),
            busiest_second: done.busiest_second.map(|second| at(second, SECOND_NS)),
            busiest_minute: done.busiest_minute.map(|minute| at(minute, MINUTE_NS)),
            breaches,
            move_max: done.move_max.map(|(down, difference, reference, ts)| {
                let direction = if down { Direction::Down } else { Direction::Up };
                (share(difference, reference), ts, direction)
            }),
        }
    }

    fn end_second(&mut self) {
        if self.second.1 > self.busiest_second.map_or(0, |(_, ticks)| ticks) {
            self.busiest_second = Some(self.second);
        }
    }

    fn end_minute(&mut self) {
        let minute = self.minute;
        if minute.ticks == 0 {
            return;
        }
        let start = Ts(minute.number * MINUTE_NS);
        self.minutes += 1;
        if minute.ticks > self.busiest_minute.map_or(0, |(_, ticks)| ticks) {
            self.busiest_minute = Some((minute.number, minute.ticks));
        }
        let wider = |(_, low, high): (Ts, i64, i64)| {
            larger(minute.high - minute.low, minute.low, high - low, low)
        };
        if self.range_max.is_none_or(wider) {
            self.range_max = Some((start, minute.low, minute.high));
        }
        if let Some((number, close)) = self.before
            && number + 1 == minute.number
        {
            let farther = |(_, from, to): (Ts, i64, i64)| {
                larger(minute.close - close, close, to - from, from)
            };
            if self.change_max.is_none_or(farther) {
                self.change_max = Some((start, close, minute.close));
            }
        }
        self.before = Some((minute.number, minute.close));
    }
}

impl Ties {
    fn on_row(&mut self, value: i64, row: (Ts, Price, Price)) {
        if self.rows.is_empty() || value > self.value {
            self.value = value;
            self.rows.clear();
        }
        if value == self.value && self.rows.len() < TIES_MAX {
            self.rows.push(row);
        }
    }
}

/// `|a| / |a_of| > |b| / |b_of|`.
fn larger(a: i64, a_of: i64, b: i64, b_of: i64) -> bool {
    i128::from(a).abs() * i128::from(b_of).abs() > i128::from(b).abs() * i128::from(a_of).abs()
}

/// Twice the median of counted values: the middle one, or the mean of the two in the middle.
fn median_x2(counts: &BTreeMap<i64, u64>) -> Option<i64> {
    let rows: u64 = counts.values().sum();
    let nth = |place: u64| {
        let mut seen = 0;
        counts.iter().find_map(|(value, count)| {
            seen += count;
            (seen > place).then_some(*value)
        })
    };
    Some(nth((rows.checked_sub(1)?) / 2)? + nth(rows / 2)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median_x2(&BTreeMap::from([(1, 2), (5, 1)])), Some(2));
        assert_eq!(median_x2(&BTreeMap::from([(1, 1), (4, 1)])), Some(5));
        assert_eq!(median_x2(&BTreeMap::new()), None);
    }

    #[test]
    fn a_small_tape() {
        let mut recorder = Recorder::default();
        let mut tape = Tape::default();
        for (second, bid, ask) in [
            (1, 100, 102),
            (1, 101, 101),
            (61, 110, 108),
            (125, 100, 104),
        ] {
            let ts = Ts(second * SECOND_NS);
            recorder.on_row(ts, Price(bid), Price(ask));
            tape.on_row(ts, Price(bid), Price(ask), 1);
        }
        let detail = recorder.detail(tape.last, Vec::new());
        assert_eq!(detail.minutes_with_ticks, 3);
        assert_eq!(detail.minute_change_max, Some((Ts(MINUTE_NS), 202, 218)));
        assert_eq!(detail.minute_range_max, Some((Ts(0), 202, 202)));
        assert_eq!(detail.busiest_second, Some((Ts(SECOND_NS), 2)));
        assert_eq!(detail.spread_median_x2, Some(2));
        assert_eq!((tape.crossed, tape.locked, tape.rows), (1, 1, 4));
        assert_eq!(tape.gap_max, Some((64 * SECOND_NS, Ts(61 * SECOND_NS))));
        assert_eq!(tape.spread_max, Some((4, Ts(125 * SECOND_NS))));
    }
}
