//! Whether the second machine may be trusted with snapshots.
//!
//! One that stopped is tried once more, fresh from the newest snapshot. If the fresh one passes where the other stopped,
//! that one's memory was at fault: the first machine has been followed from a good state, and snapshots go on. If it stops
//! too, nobody knows which machine is right, and it stays off until a restart.

use siaga_risk::event::Seq;
use siaga_risk::standby::{Difference, Divergence};
use siaga_risk::units::{HOUR_NS, SECOND_NS};

/// Pause before the second try: what a passing fault needs to pass.
pub const AGAIN_AFTER_NS: u64 = 60 * SECOND_NS;
/// While no snapshot is written this is said again so often: the journal grows, and a start has more to replay.
pub const REMIND_EVERY_NS: u64 = HOUR_NS;

/// How a second machine stopped, which says what a fresh one has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It gave another output.
    Output,
    /// Its prices or its whole state were others: no log holds those.
    Hidden,
    /// It panicked, or a file could not be read.
    Ended,
}

/// Where and how a second machine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    pub input: Seq,
    pub how: How,
}

impl Stop {
    pub fn of(found: &Divergence) -> Stop {
        let how = match found.what {
            Difference::Missing { .. }
            | Difference::Unexpected { .. }
            | Difference::Other { .. } => How::Output,
            Difference::Marks { .. } | Difference::State { .. } => How::Hidden,
        };
        Stop {
            input: found.seq,
            how,
        }
    }
}

/// What a second machine has shown by now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// Inputs applied, and durable outputs compared, up to this one.
    pub applied: Seq,
    pub compared: Seq,
    /// The input after which the whole state was found to be the same just now.
    pub agreed: Option<Seq>,
    /// Stretches of outputs that the log had lost before they were compared, and the input behind which it begins now.
    pub skips: u64,
    pub log_from: Seq,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Trusted,
    Pausing {
        stop: Stop,
        until_ns: u64,
    },
    /// `lost`: the output log may have lost what lies where the other one stopped.
    Trying {
        stop: Stop,
        skips: u64,
        lost: bool,
    },
    Off,
}

/// The standing of the second machine. Tell it what happens; ask it before anything is begun or written.
#[derive(Debug, Default)]
pub struct Doubt {
    state: State,
    said_ns: u64,
}

impl Doubt {
    /// Snapshots may be written.
    pub fn is_none(&self) -> bool {
        matches!(self.state, State::Trusted)
    }

    /// A fresh second machine is to be made now.
    pub fn tries_now(&self, now_ns: u64) -> bool {
        matches!(self.state, State::Pausing { until_ns, .. } if now_ns >= until_ns)
    }

    /// The second machine stopped.
    pub fn stopped(&mut self, stop: Stop, now_ns: u64, pause_ns: u64) {
        self.said_ns = now_ns;
        self.state = match self.state {
            State::Trusted => State::Pausing {
                stop,
                until_ns: now_ns.saturating_add(pause_ns),
            },
            State::Pausing { .. } | State::Trying { .. } | State::Off => State::Off,
        };
    }

    /// A fresh one is made.
    pub fn begun(&mut self) {
        if let State::Pausing { stop, .. } = self.state {
            self.state = State::Trying {
                stop,
                skips: 0,
                lost: false,
            };
        }
    }

    /// What it has shown; true when that ends the doubt.
    pub fn shown(&mut self, shown: &Shown) -> bool {
        let State::Trying { stop, skips, lost } = &mut self.state else {
            return false;
        };
        if shown.skips > *skips {
            *skips = shown.skips;
            *lost |= shown.log_from >= stop.input;
        }
        let compared = shown.compared >= stop.input;
        let passed = match stop.how {
            How::Output => compared && !*lost,
            How::Hidden => false,
            How::Ended => compared && shown.applied >= stop.input,
        };
        // The same state behind the place says more than every output up to there.
        let ended = passed || shown.agreed.is_some_and(|seq| seq >= stop.input);
        if ended {
            self.state = State::Trusted;
        }
        ended
    }

    /// It is time to say again that no snapshot is written.
    pub fn reminds(&mut self, now_ns: u64) -> bool {
        let due = !self.is_none() && now_ns.saturating_sub(self.said_ns) >= REMIND_EVERY_NS;
        if due {
            self.said_ns = now_ns;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: Stop = Stop {
        input: 100,
        how: How::Output,
    };

    /// A doubt whose fresh machine is at work.
    fn tried(stop: Stop) -> Doubt {
        let mut doubt = Doubt::default();
        assert!(doubt.is_none() && !doubt.tries_now(0));
        doubt.stopped(stop, 5, 60);
        assert!(!doubt.is_none() && !doubt.tries_now(64) && doubt.tries_now(65));
        doubt.begun();
        assert!(!doubt.tries_now(u64::MAX), "one at a time");
        doubt
    }

    fn compared(compared: Seq) -> Shown {
        Shown {
            applied: compared,
            compared,
            ..Shown::default()
        }
    }

    #[test]
    fn a_fresh_machine_that_passes_the_place_ends_the_doubt() {
        let mut doubt = tried(OUTPUT);
        assert!(!doubt.shown(&compared(99)) && !doubt.is_none());
        assert!(doubt.shown(&compared(100)) && doubt.is_none());
        assert!(!doubt.shown(&compared(101)), "said once");
        // A later one is tried again.
        doubt.stopped(OUTPUT, 500, 60);
        assert!(doubt.tries_now(560));
    }

    #[test]
    fn one_that_stops_too_stays_off() {
        let mut doubt = tried(OUTPUT);
        doubt.stopped(OUTPUT, 70, 60);
        assert!(!doubt.tries_now(u64::MAX));
        doubt.begun();
        assert!(!doubt.shown(&compared(1_000)) && !doubt.is_none());
    }

    #[test]
    fn one_that_cannot_be_made_stays_off() {
        let mut doubt = Doubt::default();
        doubt.stopped(OUTPUT, 0, 60);
        doubt.stopped(OUTPUT, 60, 60);
        assert!(!doubt.tries_now(u64::MAX));
    }

    #[test]
    fn what_the_log_has_lost_or_never_had_is_shown_by_the_state_alone() {
        let agreed = |seq| Shown {
            agreed: Some(seq),
            ..compared(1_000)
        };
        let hidden = Stop {
            how: How::Hidden,
            ..OUTPUT
        };
        let trimmed = |log_from| Shown {
            skips: 1,
            log_from,
            ..compared(50)
        };
        let mut before = tried(OUTPUT);
        assert!(!before.shown(&trimmed(99)));
        assert!(before.shown(&compared(100)), "what counts was there");
        let mut lost = tried(OUTPUT);
        assert!(!lost.shown(&trimmed(100)));
        for mut doubt in [lost, tried(hidden)] {
            assert!(!doubt.shown(&compared(1_000)));
            assert!(!doubt.shown(&agreed(99)), "before the place");
            assert!(doubt.shown(&agreed(100)));
        }
    }

    #[test]
    fn it_is_said_again_while_it_lasts() {
        let mut doubt = Doubt::default();
        assert!(!doubt.reminds(u64::MAX));
        doubt.stopped(OUTPUT, 10, 60);
        assert!(!doubt.reminds(9 + REMIND_EVERY_NS));
        assert!(doubt.reminds(10 + REMIND_EVERY_NS));
        assert!(!doubt.reminds(11 + REMIND_EVERY_NS));
        doubt.begun();
        assert!(doubt.shown(&compared(100)));
        assert!(!doubt.reminds(u64::MAX));
    }
}
