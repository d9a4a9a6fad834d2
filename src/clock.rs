//! The one clock of the program: the only place that asks the operating system for the time.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use siaga_risk::units::{SECOND_NS, Ts};

/// A difference from the wall clock above this is a jump, not a drift.
pub const JUMP_NS: i64 = SECOND_NS as i64;

/// Fastest correction towards the wall clock: 500 ppm, what NTP itself allows.
const SLEW_PPM: i64 = 500;

/// So many times its own length a wall clock that is behind takes to catch up.
pub const CATCH_UP_FACTOR: u64 = 1_000_000 / SLEW_PPM.unsigned_abs();

/// UTC nanoseconds that never go back: wall time at the start plus monotonic time since, slewed
/// towards the wall clock by [`Clock::check`]. Whoever goes on with a journal calls [`Clock::not_before`] first.
#[derive(Debug)]
pub struct Clock {
    base_wall_ns: u64,
    /// The earliest reading.
    started_ns: AtomicU64,
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
        let base_wall_ns = wall_ns();
        Self {
            base_wall_ns,
            started_ns: AtomicU64::new(base_wall_ns),
            base: Instant::now(),
            correction_ns: AtomicI64::new(0),
            expected_ns: AtomicI64::new(0),
            last_ns: AtomicU64::new(0),
        }
    }

    /// Before or at every reading that counts: when it was started, or what [`Clock::not_before`] lifted it to.
    pub fn started(&self) -> Ts {
        Ts(self.started_ns.load(Ordering::Relaxed))
    }

    /// Lifts every reading from now on above the time that a journal has `reached`: a wall clock behind it would let time
    /// stand still until it has caught up. Gives how far behind it is, nanoseconds; 0 = not at all. [`check`](Self::check)
    /// slews the difference away like a step backwards that was told.
    pub fn not_before(&self, reached: Ts) -> u64 {
        let floor = reached.plus(1);
        // A reading above it is enough: none behind it is lower.
        if Ts(self.last_ns.load(Ordering::Relaxed)) >= floor {
            return 0;
        }
        let behind = floor.since(Ts(self.uncapped_ns()));
        if behind > 0 {
            // Beyond what a wall clock can show in 64 bits with a sign nothing catches up.
            let by = i64::try_from(behind).unwrap_or(i64::MAX);
            self.correction_ns.fetch_add(by, Ordering::Relaxed);
            self.expected_ns.store(-by, Ordering::Relaxed);
            self.started_ns.store(floor.0, Ordering::Relaxed);
        }
        behind
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

    /// What the wall clock showed at the last [`check`](Self::check), and went on since: for what is agreed with others by
    /// wall time (codes of authenticator apps, tokens of providers). It may go back.
    pub fn wall(&self) -> Ts {
        Ts(self
            .uncapped_ns()
            .saturating_add_signed(self.expected_ns.load(Ordering::Relaxed)))
    }

    /// Monotonic nanoseconds since the start, for measuring how long something took.
    pub fn elapsed_ns(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Compares with the wall clock; call it every second. Small differences are slewed away; a jump is returned
    /// once (how far the wall clock went, nanoseconds) and taken over forward only: backwards we run slower until
    /// the wall clock has caught up, which may take hours.
    pub fn check(&self) -> Option<i64> {
        let difference = apart(wall_ns(), self.uncapped_ns());
        let step = correct(difference, self.expected_ns.load(Ordering::Relaxed));
        self.correction_ns
            .fetch_add(step.correction, Ordering::Relaxed);
        self.expected_ns.store(step.expected, Ordering::Relaxed);
        step.jump
    }

    /// What [`check`](Self::check) would lift our time to, where the wall clock has jumped ahead; nothing is taken over.
    /// Who lets time pass tells first what falls due on the way there.
    pub fn ahead(&self) -> Option<Ts> {
        let ours_ns = self.uncapped_ns();
        let difference = apart(wall_ns(), ours_ns);
        let step = correct(difference, self.expected_ns.load(Ordering::Relaxed));
        let is_ahead = step.correction > JUMP_NS;
        is_ahead.then(|| Ts(ours_ns.saturating_add_signed(step.correction)))
    }

    /// Lets the wall clock be `ns` ahead, as behind a jump of it. Before the first reading.
    #[cfg(test)]
    pub fn fall_behind(&self, ns: u64) {
        let by = i64::try_from(ns).expect("a length of time");
        self.correction_ns.fetch_sub(by, Ordering::Relaxed);
    }

    fn uncapped_ns(&self) -> u64 {
        (self.base_wall_ns + self.elapsed_ns())
            .saturating_add_signed(self.correction_ns.load(Ordering::Relaxed))
    }
}

/// How far the wall clock is ahead of us.
fn apart(wall_ns: u64, ours_ns: u64) -> i64 {
    let signed = |ns| i64::try_from(ns).unwrap_or(i64::MAX);
    signed(wall_ns) - signed(ours_ns)
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
    fn a_clock_behind_the_journal_goes_on_from_there_and_tells_nothing_twice() {
        let clock = Clock::start();
        let before = Ts(clock.now().0 - SECOND_NS);
        assert_eq!(clock.not_before(before), 0, "the journal is behind");
        assert_eq!(clock.started(), Ts(clock.base_wall_ns));
        let hour_ns = 3_600 * SECOND_NS;
        let reached = clock.now().plus(hour_ns);
        let behind = clock.not_before(reached);
        assert!(behind > hour_ns - 60 * SECOND_NS && behind <= hour_ns + 1);
        assert_eq!(clock.started(), reached.plus(1));
        let first = clock.now();
        let second = clock.now();
        assert!(reached < first && first < second && first.since(reached) < 60 * SECOND_NS);
        assert_eq!(clock.check(), None, "the start has told it");
        assert!(clock.now() > second, "slower, and never back");
        // The rest of the hour is waited for; a further step of the wall clock would be one of its own.
        let expected = clock.expected_ns.load(Ordering::Relaxed);
        assert!(expected < -(hour_ns as i64) + 60 * JUMP_NS, "{expected}");
        assert_eq!(clock.not_before(reached), 0);
    }

    #[test]
    fn a_clock_ahead_of_the_wall_still_knows_what_the_wall_shows() {
        let clock = Clock::start();
        let hour = 3_600 * SECOND_NS;
        let wall = clock.wall();
        clock.not_before(clock.now().plus(hour));
        assert!(clock.now().since(wall) >= hour);
        assert!(clock.wall().since(wall) < 60 * SECOND_NS);
        assert_eq!(clock.check(), None);
        assert!(clock.wall().since(wall) < 60 * SECOND_NS);
    }

    #[test]
    fn a_journal_from_the_end_of_time_does_not_overflow_the_clock() {
        let clock = Clock::start();
        assert!(clock.not_before(Ts(u64::MAX)) > 0);
        let first = clock.now();
        let _ = clock.check();
        assert!(clock.now() > first);
    }

    #[test]
    fn a_jump_ahead_is_seen_before_it_is_taken_over() {
        let clock = Clock::start();
        assert_eq!(clock.ahead(), None);
        let hour_ns = 3_600 * SECOND_NS;
        clock.fall_behind(hour_ns);
        let before = clock.now();
        let there = clock.ahead().expect("the wall clock is ahead");
        assert!(there.since(before) > hour_ns - 60 * SECOND_NS);
        let still = clock.now();
        assert!(there.since(still) > hour_ns - 60 * SECOND_NS);
        let jump = clock.check().expect("a jump");
        assert!(jump > hour_ns as i64 - 60 * JUMP_NS);
        assert!(clock.now() >= there);
        assert_eq!(clock.ahead(), None);
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
