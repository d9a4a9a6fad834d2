//! Extremes of a rolling time window by two monotonic queues, and the moves measured against them.
//!
//! At a price of time `t` the window holds the prices younger than `t − window`; a move down is
//! `1 − price / highest`, a move up `price / lowest − 1`. Comparisons are exact integers.

use crate::event::Direction;
use crate::record;
use crate::units::*;
use std::collections::VecDeque;

/// Entries a queue starts with: a busy minute of one major pair without growing.
const ENTRIES_START: usize = 1_024;
/// Entries of one queue. Only prices that fall (or rise) without a break within one window pile up,
/// and no recording comes near; beyond it neighbours are merged so that no breach is missed.
const ENTRIES_MAX: usize = 16_384;

record! {
    /// A price that is the extreme of everything after it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Entry {
        pub ts: Ts,
        pub value: i64,
    }

    /// Highest and lowest value of the last `window_ns`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Window {
        highs: VecDeque<Entry>,
        lows: VecDeque<Entry>,
    }
}

/// How far a price is from the extreme of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    pub direction: Direction,
    /// Distance, never negative.
    pub difference: i64,
    /// The extreme it is measured against.
    pub reference: i64,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            highs: VecDeque::with_capacity(ENTRIES_START),
            lows: VecDeque::with_capacity(ENTRIES_START),
        }
    }
}

impl Window {
    /// Forgets what is `window_ns` old or older at `now`.
    #[inline]
    pub fn expire(&mut self, now: Ts, window_ns: u64) {
        let window_ns = if crate::mutated!(WindowHalved) {
            window_ns / 2
        } else {
            window_ns
        };
        let gone = |entry: &Entry| entry.ts.plus(window_ns) <= now;
        while self.highs.front().is_some_and(gone) {
            self.highs.pop_front();
        }
        while self.lows.front().is_some_and(gone) {
            self.lows.pop_front();
        }
    }

    /// Adds a value; times must not go back.
    #[inline]
    pub fn push(&mut self, ts: Ts, value: i64) {
        while self.highs.back().is_some_and(|last| last.value <= value) {
            self.highs.pop_back();
        }
        while self.lows.back().is_some_and(|last| last.value >= value) {
            self.lows.pop_back();
        }
        self.highs.push_back(Entry { ts, value });
        self.lows.push_back(Entry { ts, value });
        if self.highs.len() > ENTRIES_MAX {
            thin(&mut self.highs);
        }
        if self.lows.len() > ENTRIES_MAX {
            thin(&mut self.lows);
        }
    }

    /// The highest value, if any is left.
    #[inline]
    pub fn high(&self) -> Option<i64> {
        self.highs.front().map(|entry| entry.value)
    }

    /// The lowest value, if any is left.
    #[inline]
    pub fn low(&self) -> Option<i64> {
        self.lows.front().map(|entry| entry.value)
    }

    /// The larger of the moves from the window's extremes to `value` (down on a tie); none when it is empty.
    #[inline]
    pub fn move_to(&self, value: i64) -> Option<Move> {
        Some(Move::larger(self.high()?, self.low()?, value))
    }

    /// The longer of the ways from the window's extremes to `value` (down on a tie); none when it is empty.
    #[inline]
    pub fn distance_to(&self, value: i64) -> Option<Move> {
        Some(Move::longer(self.high()?, self.low()?, value))
    }

    /// Highest and lowest value of what is younger than `window_ns` at `now`.
    pub fn extremes_at(&self, now: Ts, window_ns: u64) -> Option<(i64, i64)> {
        let first = |queue: &VecDeque<Entry>| {
            let held = queue.iter().find(|entry| entry.ts.plus(window_ns) > now);
            held.map(|entry| entry.value)
        };
        Some((first(&self.highs)?, first(&self.lows)?))
    }

    /// Starts anew.
    pub fn clear(&mut self) {
        self.highs.clear();
        self.lows.clear();
    }
}

impl Move {
    /// The larger share moved from `high` or `low` to `value`.
    #[inline]
    pub fn larger(high: i64, low: i64, value: i64) -> Move {
        let (up, down) = Move::both(high, low, value);
        if up.exceeds(&down) { up } else { down }
    }

    /// The longer way from `high` or `low` to `value`.
    #[inline]
    pub fn longer(high: i64, low: i64, value: i64) -> Move {
        let (up, down) = Move::both(high, low, value);
        if up.difference > down.difference {
            up
        } else {
            down
        }
    }

    #[inline]
    fn both(high: i64, low: i64, value: i64) -> (Move, Move) {
        let (high, low) = (high.max(value), low.min(value));
        let up = Move {
            direction: Direction::Up,
            difference: value - low,
            reference: low,
        };
        let down = Move {
            direction: Direction::Down,
            difference: high - value,
            reference: high,
        };
        (up, down)
    }

    /// True when the share moved reaches `threshold` (equality counts). A move away from zero itself
    /// is larger than every threshold; no move reaches none.
    #[inline]
    pub fn reaches(&self, threshold: Ratio) -> bool {
        self.difference > 0
            && i128::from(self.difference) * i128::from(Ratio::ONE.0)
                >= i128::from(threshold.0) * i128::from(self.reference).abs()
    }

    /// True when this share is larger than the other's.
    #[inline]
    pub fn exceeds(&self, other: &Move) -> bool {
        i128::from(self.difference) * i128::from(other.reference).abs()
            > i128::from(other.difference) * i128::from(self.reference).abs()
    }

    /// The share moved, rounded half away from zero, held at the end of the type.
    pub fn ratio(&self) -> Ratio {
        share(self.difference, self.reference)
    }
}

/// `|difference| / |reference|`, held at the end of the type; a share of nothing is the end too.
pub fn share(difference: i64, reference: i64) -> Ratio {
    let difference = i128::from(difference).abs();
    let reference = i128::from(reference).abs();
    if difference == 0 {
        return Ratio(0);
    }
    if reference == 0 {
        return Ratio(i64::MAX);
    }
    let share = div_round(difference * i128::from(Ratio::ONE.0), reference);
    Ratio(i64::try_from(share).unwrap_or(i64::MAX))
}

/// Halves the older half of a queue: of two neighbours the more extreme value stays, as long as the younger would.
fn thin(queue: &mut VecDeque<Entry>) {
    let half = queue.len() / 2;
    for pair in 0..half / 2 {
        queue[pair] = Entry {
            ts: queue[2 * pair + 1].ts,
            value: queue[2 * pair].value,
        };
    }
    queue.drain(half / 2..half / 2 * 2);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOW_NS: u64 = 1_000;

    fn naive(prices: &[(u64, i64)], at: usize) -> (i64, i64) {
        let (now, _) = prices[at];
        let held = prices[..=at]
            .iter()
            .filter(|(ts, _)| ts + WINDOW_NS > now)
            .map(|(_, value)| *value);
        (held.clone().max().unwrap(), held.min().unwrap())
    }

    proptest! {
        #[test]
        fn extremes_are_those_of_a_recount(steps in prop::collection::vec((0u64..400, -50i64..50), 1..300)) {
            let mut now = 0;
            let prices: Vec<(u64, i64)> = steps.iter().map(|(step, value)| { now += step; (now, *value) }).collect();
            let mut window = Window::default();
            for (at, (ts, value)) in prices.iter().enumerate() {
                window.expire(Ts(*ts), WINDOW_NS);
                window.push(Ts(*ts), *value);
                prop_assert_eq!((window.high().unwrap(), window.low().unwrap()), naive(&prices, at));
            }
        }
    }

    #[test]
    fn a_price_exactly_one_window_old_is_gone() {
        let mut window = Window::default();
        window.push(Ts(10), 7);
        window.expire(Ts(10 + WINDOW_NS - 1), WINDOW_NS);
        assert_eq!(window.high(), Some(7));
        window.expire(Ts(10 + WINDOW_NS), WINDOW_NS);
        assert_eq!(window.high(), None);
        assert_eq!(window.move_to(5), None);
    }

    #[test]
    fn equality_reaches_the_threshold_and_one_step_less_does_not() {
        let mut window = Window::default();
        window.push(Ts(1), 1_000_000);
        assert!(window.move_to(990_000).unwrap().reaches(Ratio::percent(1)));
        assert!(!window.move_to(990_001).unwrap().reaches(Ratio::percent(1)));
        assert!(
            window
                .move_to(1_010_000)
                .unwrap()
                .reaches(Ratio::percent(1))
        );
        assert!(
            !window
                .move_to(1_009_999)
                .unwrap()
                .reaches(Ratio::percent(1))
        );
    }

    #[test]
    fn prices_through_zero_have_moves_too() {
        let mut window = Window::default();
        window.push(Ts(1), 1_000);
        let fall = window.move_to(-3_698).unwrap();
        assert_eq!(fall.direction, Direction::Down);
        assert_eq!(fall.ratio(), Ratio::basis_points(46_980));
        window.clear();
        window.push(Ts(2), 0);
        assert!(window.move_to(1).unwrap().reaches(Ratio::percent(99_000)));
        assert!(!window.move_to(0).unwrap().reaches(Ratio(0)));
    }

    #[test]
    fn memory_is_bounded_and_no_breach_is_missed() {
        let mut window = Window::default();
        for step in 0..100_000i64 {
            window.push(Ts(step as u64), 1_000_000 - step);
        }
        assert!(window.highs.len() <= ENTRIES_MAX);
        assert_eq!(window.high(), Some(1_000_000));
        window.expire(Ts(50_000 + WINDOW_NS), WINDOW_NS);
        assert!(window.high().unwrap() >= 1_000_000 - 50_001);
    }
}
