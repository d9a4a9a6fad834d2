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
            last_ns: AtomicU64::new(0),
        }
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

    /// Compares with the wall clock; call it every second. Small differences are slewed away;
    /// a jump is returned (wall less ours, nanoseconds) and taken over forward only.
    pub fn check(&self) -> Option<i64> {
        let ours = self.uncapped_ns() as i64;
        let difference = wall_ns() as i64 - ours;
        let (correction, jump) = correct(difference);
        self.correction_ns.fetch_add(correction, Ordering::Relaxed);
        jump
    }

    fn uncapped_ns(&self) -> u64 {
        (self.base_wall_ns + self.elapsed_ns())
            .saturating_add_signed(self.correction_ns.load(Ordering::Relaxed))
    }
}

/// What to add to our time for a difference seen after one second, and the jump if it is one.
fn correct(difference_ns: i64) -> (i64, Option<i64>) {
    let slew_max = SECOND_NS as i64 / 1_000_000 * SLEW_PPM;
    if difference_ns.abs() <= JUMP_NS {
        (difference_ns.clamp(-slew_max, slew_max), None)
    } else if difference_ns > 0 {
        (difference_ns, Some(difference_ns))
    } else {
        // Backwards we only slow down: what was stamped stays stamped.
        (-slew_max, Some(difference_ns))
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
        assert_eq!(correct(100), (100, None));
        assert_eq!(correct(900_000_000), (500_000, None));
        assert_eq!(correct(-900_000_000), (-500_000, None));
        assert_eq!(correct(5_000_000_000), (5_000_000_000, Some(5_000_000_000)));
        assert_eq!(correct(-5_000_000_000), (-500_000, Some(-5_000_000_000)));
    }
}
