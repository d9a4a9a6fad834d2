//! What becomes of an event after an attempt: a pure decision.

use siaga_risk::units::{SECOND_NS, Ts};

/// Attempts before an event waits for a person: with the pauses below, about half a day.
pub const ATTEMPTS_MAX: u32 = 20;

/// Pause after the first attempt; it doubles.
const PAUSE_FIRST_NS: u64 = SECOND_NS;

/// Longest pause.
const PAUSE_MAX_NS: u64 = 3_600 * SECOND_NS;

/// How an attempt ended, over all that want the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everybody has it.
    Taken,
    /// Somebody could not take it now.
    Later,
    /// Somebody never will.
    Never,
}

/// What to do with the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It is done.
    Published,
    /// Again at that time.
    Again(Ts),
    /// A person has to look.
    Failed,
}

/// Decides after attempt number `attempts` (from 1).
pub fn after(outcome: Outcome, attempts: u32, now: Ts) -> After {
    match outcome {
        Outcome::Taken => After::Published,
        Outcome::Never => After::Failed,
        Outcome::Later if attempts >= ATTEMPTS_MAX => After::Failed,
        Outcome::Later => {
            let doublings = attempts.saturating_sub(1).min(32);
            let pause = PAUSE_FIRST_NS
                .saturating_mul(1 << doublings)
                .min(PAUSE_MAX_NS);
            After::Again(now.plus(pause))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_an_hour_and_end_with_a_person() {
        let now = Ts(SECOND_NS);
        let pause = |attempts| match after(Outcome::Later, attempts, now) {
            After::Again(at) => at.since(now) / SECOND_NS,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            [1, 2, 3, 12, 13, 19].map(pause),
            [1, 2, 4, 2_048, 3_600, 3_600]
        );
        assert_eq!(after(Outcome::Later, ATTEMPTS_MAX, now), After::Failed);
        assert_eq!(after(Outcome::Never, 1, now), After::Failed);
        assert_eq!(after(Outcome::Taken, 7, now), After::Published);
        let waited: u64 = (1..ATTEMPTS_MAX).map(pause).sum();
        assert!(waited > 8 * 3_600 && waited < 12 * 3_600, "{waited} s");
    }
}
