use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use siaga_risk::units::{SECOND_NS, Ts};

/// Windows kept at once; beyond it those that are empty by now go, then the count of everybody begins anew.
const WINDOWS_MAX: usize = 100_000;

/// Sliding windows of this process (N4.48).
#[derive(Default)]
pub(super) struct Windows(Mutex<HashMap<String, Window>>);

struct Window {
    span_ns: u64,
    passed: VecDeque<Ts>,
}

impl Window {
    fn slide(&mut self, now: Ts) {
        while self
            .passed
            .front()
            .is_some_and(|at| now.since(*at) >= self.span_ns)
        {
            self.passed.pop_front();
        }
    }
}

impl Windows {
    pub(super) fn admit(&self, key: &str, limit: u32, span: Duration, now: Ts) -> Result<(), u32> {
        let span_ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= WINDOWS_MAX && !windows.contains_key(key) {
            windows.retain(|_, window| {
                window.slide(now);
                !window.passed.is_empty()
            });
            if windows.len() >= WINDOWS_MAX {
                windows.clear();
            }
        }
        let window = windows.entry(key.to_owned()).or_insert_with(|| Window {
            span_ns,
            passed: VecDeque::new(),
        });
        window.span_ns = span_ns;
        window.slide(now);
        if window.passed.len() < limit as usize {
            window.passed.push_back(now);
            return Ok(());
        }
        let ends = window
            .passed
            .front()
            .map_or(now, |first| first.plus(span_ns));
        Err(seconds_up(ends.since(now)))
    }
}

/// Whole seconds, rounded up, at least one.
pub(super) fn seconds_up(ns: u64) -> u32 {
    u32::try_from(ns.div_ceil(SECOND_NS))
        .unwrap_or(u32::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Ts {
        Ts(seconds * SECOND_NS)
    }

    #[test]
    fn a_window_slides_and_says_how_long_to_wait() {
        let windows = Windows::default();
        let minute = Duration::from_secs(60);
        for second in [0, 10, 20] {
            assert_eq!(windows.admit("a", 3, minute, at(second)), Ok(()));
        }
        assert_eq!(windows.admit("a", 3, minute, at(30)), Err(30));
        assert_eq!(
            windows.admit("b", 3, minute, at(30)),
            Ok(()),
            "everybody has their own"
        );
        assert_eq!(
            windows.admit("a", 3, minute, at(60)),
            Ok(()),
            "the first one has left the window"
        );
        assert_eq!(windows.admit("a", 3, minute, at(61)), Err(9));
        assert_eq!(windows.admit("c", 0, minute, at(61)), Err(1));
    }

    #[test]
    fn windows_are_bounded() {
        let windows = Windows::default();
        for n in 0..WINDOWS_MAX {
            assert_eq!(
                windows.admit(&n.to_string(), 1, Duration::from_secs(1), at(0)),
                Ok(())
            );
        }
        assert_eq!(
            windows.admit("one more", 1, Duration::from_secs(1), at(5)),
            Ok(())
        );
        assert_eq!(windows.0.lock().expect("windows").len(), 1);
    }
}
