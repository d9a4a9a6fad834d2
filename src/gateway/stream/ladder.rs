//! What happens to a connection that does not take what it is sent. State is conflated anyway, so the measure is how long the
//! socket refused a write, as a share of what is allowed.

use siaga_risk::units::Ts;

/// A write that makes no progress for this long ends the connection. Above a quarter of it: fewer frames. Above half: no deltas,
/// later one fresh snapshot.
pub const PROGRESS_NS: u64 = 10_000_000_000;
/// Writes must be prompt for this long before the throttle is lifted.
pub const RECOVERY_NS: u64 = 10_000_000_000;
/// What counts as prompt.
pub const PROMPT_NS: u64 = 250_000_000;
/// Frames per second and symbol of a throttled connection.
pub const THROTTLED_HZ: f64 = 2.0;

/// The rung a connection stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// The wait that ends a connection.
    progress_ns: u64,
    /// Since when writes have been prompt again, while throttled.
    throttled: Option<Ts>,
}

/// What to do after a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    Throttle,
    /// Throttle and begin every state stream anew with a snapshot.
    Snapshot,
    Lift,
}

impl Ladder {
    pub fn new(progress_ns: u64) -> Ladder {
        Ladder {
            progress_ns,
            throttled: None,
        }
    }

    pub fn is_throttled(&self) -> bool {
        self.throttled.is_some()
    }

    /// Decides by how long the write that ended at `now` waited for the socket.
    pub fn on_written(&mut self, waited_ns: u64, now: Ts) -> Step {
        if waited_ns > self.progress_ns / 4 {
            let first = self.throttled.replace(now).is_none();
            return match (waited_ns > self.progress_ns / 2, first) {
                (true, _) => Step::Snapshot,
                (false, true) => Step::Throttle,
                (false, false) => Step::Nothing,
            };
        }
        let Some(since) = self.throttled else {
            return Step::Nothing;
        };
        if waited_ns > PROMPT_NS {
            self.throttled = Some(now);
            return Step::Nothing;
        }
        if now.since(since) >= RECOVERY_NS {
            self.throttled = None;
            return Step::Lift;
        }
        Step::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_goes_down_and_comes_back_up() {
        let mut ladder = Ladder::new(PROGRESS_NS);
        const THROTTLE_NS: u64 = PROGRESS_NS / 4;
        const SNAPSHOT_NS: u64 = PROGRESS_NS / 2;
        let at = |s: u64| Ts(s * 1_000_000_000);
        for (waited, now, want) in [
            (PROMPT_NS, at(1), Step::Nothing),
            (THROTTLE_NS, at(2), Step::Nothing),
            (THROTTLE_NS + 1, at(3), Step::Throttle),
            (THROTTLE_NS + 1, at(6), Step::Nothing),
            (SNAPSHOT_NS + 1, at(12), Step::Snapshot),
            (1, at(15), Step::Nothing),
            (PROMPT_NS + 1, at(20), Step::Nothing),
            (1, at(29), Step::Nothing),
            (1, at(30), Step::Lift),
            (1, at(31), Step::Nothing),
        ] {
            assert_eq!(ladder.on_written(waited, now), want, "{waited} {now:?}");
        }
        assert!(!ladder.is_throttled());
    }
}
