//! The one clock of the program: the only place that asks the operating system for the time.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use siaga_risk::units::{SECOND_NS, Ts};

/// A difference from the wall clock above this is a jump, not a drift.
pub const JUMP_NS: i64 = SECOND_NS as i64;

/// Fastest correction towards the wall clock: 500 ppm, what NTP itself allows.
const SLEW_PPM: i64 = 500;

/// UTC nanoseconds that never go back: wall time at the start plus monotonic time since, slewed
/// towards the wall clock by [`Clock::check`].
#[derive(Debug)]
pub struct Clock {
    base_wall_ns: u64,
    base: Instant,
    correction_ns: AtomicI64,
    /// What the next check should find: less than zero while a step backwards is slewed away.
    expected_ns: AtomicI64,
    last_ns: AtomicU64,
}

impl Clock {
    /// A clock that starts at the wall clock's time.
    #[expect(clippy::disallowed_methods)] // the one place
    pub fn start() -> Self {
        Self {
            base_wall_ns: wall_ns(),
            base: Instant::now(),
            correction_ns: AtomicI64::new(0),
            expected_ns: AtomicI64::new(0),
            last_ns: AtomicU64::new(0),
        }
    }

    /// When it was started.
    pub fn started(&self) -> Ts {
        Ts(self.base_wall_ns)
    }

    /// Now. Strictly later than every reading before it.
    pub fn now(&self) -> Ts {
        let ns = self.uncapped_ns();
        let before = self
            .last_ns
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(ns.max(last + 1))
            })
            .unwrap_or_default();
        Ts(ns.max(before + 1))
    }

    /// Monotonic nanoseconds since the start, for measuring how long something took.
    pub fn elapsed_ns(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Compares with the wall clock; call it every second. Small differences are slewed away; a jump is returned
    /// once (how far the wall clock went, nanoseconds) and taken over forward only: backwards we run slower until
    /// the wall clock has caught up, which may take hours.
    pub fn check(&self) -> Option<i64> {
        let ours = self.uncapped_ns() as i64;
        let difference = wall_ns() as i64 - ours;
        let step = correct(difference, self.expected_ns.load(Ordering::Relaxed));
        self.correction_ns
            .fetch_add(step.correction, Ordering::Relaxed);
        self.expected_ns.store(step.expected, Ordering::Relaxed);
        step.jump
    }

    fn uncapped_ns(&self) -> u64 {
        (self.base_wall_ns + self.elapsed_ns())
            .saturating_add_signed(self.correction_ns.load(Ordering::Relaxed))
    }
}

/// What one comparison leads to, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    /// To be added to our time.
    correction: i64,
    jump: Option<i64>,
    /// The difference that the next comparison finds when nothing jumps again.
    expected: i64,
}

/// What to do about a difference from the wall clock where `expected` was to be found.
fn correct(difference: i64, expected: i64) -> Step {
    let slew_max = SECOND_NS as i64 / 1_000_000 * SLEW_PPM;
    let moved = difference.saturating_sub(expected);
    let jump = (moved.abs() > JUMP_NS).then_some(moved);
    let correction = if difference > JUMP_NS {
        difference
    } else {
        // Backwards we only slow down: what was stamped stays stamped.
        difference.clamp(-slew_max, slew_max)
    };
    let left = difference - correction;
    Step {
        correction,
        jump,
        // A drift within the limit is not kept: what grows slowly is told when it reaches the limit.
        expected: if left < -JUMP_NS { left } else { 0 },
    }
}

#[expect(clippy::disallowed_methods)] // the one place
fn wall_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_rise_strictly() {
        let clock = Clock::start();
        let mut last = clock.now();
        for _ in 0..10_000 {
            let now = clock.now();
            assert!(now > last);
            last = now;
        }
    }

    #[test]
    fn drift_is_slewed_and_a_jump_is_told() {
        let first = |difference| {
            let step = correct(difference, 0);
            (step.correction, step.jump)
        };
        assert_eq!(first(100), (100, None));
        assert_eq!(first(900_000_000), (500_000, None));
        assert_eq!(first(-900_000_000), (-500_000, None));
        assert_eq!(first(5_000_000_000), (5_000_000_000, Some(5_000_000_000)));
        assert_eq!(first(-5_000_000_000), (-500_000, Some(-5_000_000_000)));
    }

    /// Checks a clock that is `difference` ahead of the wall (negative), once a second until nothing is left; the
    /// wall clock jumps by `jumps` at their seconds. Gives what was told, with its second.
    fn told(mut difference: i64, jumps: &[(u64, i64)]) -> Vec<(u64, i64)> {
        let (mut expected, mut told) = (0, Vec::new());
        for second in 0..20_000 {
            let jumped: i64 = jumps
                .iter()
                .filter(|(at, _)| *at == second)
                .map(|(_, by)| by)
                .sum();
            difference += jumped;
            let step = correct(difference, expected);
            told.extend(step.jump.map(|by| (second, by)));
            difference -= step.correction;
            expected = step.expected;
        }
        assert_eq!(difference, 0);
        told
    }

    #[test]
    fn a_step_backwards_is_told_once_until_the_wall_clock_has_caught_up() {
        let s = SECOND_NS as i64;
        assert_eq!(told(-5 * s, &[]), [(0, -5 * s)]);
        assert_eq!(
            told(-5 * s, &[(100, -2 * s), (200, 3 * s)]),
            [(0, -5 * s), (100, -2 * s), (200, 3 * s)],
            "each further one by itself"
        );
        assert_eq!(
            told(-5 * s, &[(10, 9 * s)]),
            [(0, -5 * s), (10, 9 * s)],
            "set right and beyond"
        );
    }
}
