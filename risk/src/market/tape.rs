//! Facts of an instrument's tape: a few counters always, the detailed ones only when a replay records them.

use super::window::{Move, share};
use crate::event::Direction;
use crate::record;
use crate::units::*;
use crate::view::{BreachCount, TapeDetail, TapeView};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Rows kept of those that share an extreme.
const TIES_MAX: usize = 64;

/// Where a minute began, and the two mids × 2 that are compared.
type MinuteMove = (Ts, i64, i64);

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

    /// What a replay asks for; its memory grows with the seconds that have rows and with the number of different
    /// spreads. Rows of a recording need not come in the order of their times, so no second is over before the last.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Recorder {
        first: Option<(Ts, Price, Price)>,
        lowest: Ties,
        highest: Ties,
        widest: Ties,
        minutes: BTreeMap<u64, Minute>,
        seconds: BTreeMap<u64, Count>,
        spreads: BTreeMap<i64, u64>,
        move_max: Option<(bool, i64, i64, Ts)>,
    }

    /// Rows that share the greatest value.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Ties {
        value: i64,
        rows: Vec<(Ts, Price, Price)>,
    }

    /// Rows of a second or a minute.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Count {
        /// How many others had rows before it: of equal ones the first that was seen is told.
        place: u32,
        ticks: u32,
    }

    /// A minute; mids are bid + ask, the close is that of the row read last.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Minute {
        count: Count,
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
        let second = Count {
            place: self.seconds.len() as u32,
            ticks: 0,
        };
        let second = self.seconds.entry(ts.0 / SECOND_NS).or_insert(second);
        second.ticks += 1;
        let minute = Minute {
            count: Count {
                place: self.minutes.len() as u32,
                ticks: 0,
            },
            low: mid2,
            high: mid2,
            close: mid2,
        };
        let minute = self.minutes.entry(ts.0 / MINUTE_NS).or_insert(minute);
        minute.count.ticks += 1;
        minute.low = minute.low.min(mid2);
        minute.high = minute.high.max(mid2);
        minute.close = mid2;
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
        let seconds = self.seconds.iter().map(|(number, count)| (*number, *count));
        let minutes = self
            .minutes
            .iter()
            .map(|(number, minute)| (*number, minute.count));
        let (minute_range_max, minute_change_max) = self.widest_minutes();
        TapeDetail {
            first: self.first,
            last,
            lowest: self.lowest.rows.clone(),
            highest: self.highest.rows.clone(),
            widest: self.widest.rows.clone(),
            minutes_with_ticks: self.minutes.len() as u64,
            minute_range_max,
            minute_change_max,
            spread_median_x2: median_x2(&self.spreads),
            busiest_second: busiest(seconds, SECOND_NS),
            busiest_minute: busiest(minutes, MINUTE_NS),
            breaches,
            move_max: self.move_max.map(|(down, difference, reference, ts)| {
                let direction = if down { Direction::Down } else { Direction::Up };
                (share(difference, reference), ts, direction)
            }),
        }
    }

    /// The minute with the largest range and the one with the largest change from the minute before, as shares of its
    /// low and of that close. A price at or below zero has no shares.
    fn widest_minutes(&self) -> (Option<MinuteMove>, Option<MinuteMove>) {
        let mut minutes: Vec<(u64, &Minute)> = self
            .minutes
            .iter()
            .map(|(number, minute)| (*number, minute))
            .collect();
        minutes.sort_unstable_by_key(|(_, minute)| minute.count.place);
        let mut range_max: Option<MinuteMove> = None;
        let mut change_max: Option<MinuteMove> = None;
        for (number, minute) in minutes {
            let start = Ts(number * MINUTE_NS);
            let wider = |(_, low, high): MinuteMove| {
                larger(minute.high - minute.low, minute.low, high - low, low)
            };
            if minute.low > 0 && range_max.is_none_or(wider) {
                range_max = Some((start, minute.low, minute.high));
            }
            let before = number
                .checked_sub(1)
                .and_then(|number| self.minutes.get(&number));
            let Some(before) = before.filter(|before| before.close > 0) else {
                continue;
            };
            let farther = |(_, from, to): MinuteMove| {
                larger(minute.close - before.close, before.close, to - from, from)
            };
            if change_max.is_none_or(farther) {
                change_max = Some((start, before.close, minute.close));
            }
        }
        (range_max, change_max)
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

/// The second or minute with the most rows, and how many.
fn busiest(counts: impl Iterator<Item = (u64, Count)>, unit_ns: u64) -> Option<(Ts, u64)> {
    counts
        .max_by_key(|(_, count)| (count.ticks, Reverse(count.place)))
        .map(|(number, count)| (Ts(number * unit_ns), u64::from(count.ticks)))
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

    fn recorded(rows: &[(u64, i64, i64)]) -> TapeDetail {
        let mut recorder = Recorder::default();
        for (ms, bid, ask) in rows {
            recorder.on_row(Ts(ms * 1_000_000), Price(*bid), Price(*ask));
        }
        recorder.detail(None, Vec::new())
    }

    #[test]
    fn rows_out_of_order_are_counted_in_their_own_second_and_minute() {
        let detail = recorded(&[
            (1_000, 139_000, 139_010),
            (5_000, 139_001, 139_011),
            (3_000, 139_002, 139_012),
            (3_000, 139_003, 139_013),
            (61_000, 139_004, 139_014),
            (59_000, 139_005, 139_015),
            (62_000, 139_006, 139_016),
        ]);
        assert_eq!(detail.minutes_with_ticks, 2);
        assert_eq!(detail.busiest_minute, Some((Ts(0), 5)));
        assert_eq!(detail.busiest_second, Some((Ts(3 * SECOND_NS), 2)));
        let change = Some((Ts(MINUTE_NS), 278_020, 278_022));
        assert_eq!(detail.minute_change_max, change);
        assert_eq!(detail.minute_range_max, Some((Ts(0), 278_010, 278_020)));
    }

    #[test]
    fn of_seconds_with_as_many_rows_the_first_seen_is_the_busiest() {
        let detail = recorded(&[(5_000, 100, 102), (1_000, 100, 102)]);
        assert_eq!(detail.busiest_second, Some((Ts(5 * SECOND_NS), 1)));
    }

    #[test]
    fn prices_at_or_below_zero_have_no_range_and_no_change() {
        let minute = 60_000;
        let below = recorded(&[(0, -2, 0), (1, 4, 6), (minute, 0, 0)]);
        assert_eq!(below.minute_range_max, None);
        assert_eq!(below.minute_change_max, Some((Ts(MINUTE_NS), 10, 0)));
        let risen = recorded(&[(0, 0, 0), (minute, 10, 10), (minute + 1, 11, 11)]);
        assert_eq!(risen.minute_range_max, Some((Ts(MINUTE_NS), 20, 22)));
        assert_eq!(risen.minute_change_max, None);
    }
}
