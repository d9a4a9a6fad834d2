//! What a stage does while nothing is there to do.

use std::time::Duration;

/// Turns in which a sleeping stage still spins, so that a burst is met awake.
const SPIN_TURNS: u32 = 64;
/// Turns after them in which it yields its core: few, because a quiet market pays them for every single price.
const YIELD_TURNS: u32 = 16;
/// First nap, doubled up to the longest one.
const NAP_MIN_US: u64 = 20;
/// Longest nap: three quiet stages cost well below one percent of a core, and the first price after
/// a pause waits at most this long in each of them.
const NAP_MAX_US: u64 = 1_000;

/// Wait strategy of the stages, chosen by configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Burns a core per stage: for machines with cores to spare.
    Spin,
    /// Gives the core away between looks.
    Yield,
    /// Spins, yields, then naps for longer and longer: quiet by default.
    #[default]
    Sleep,
}

/// The idle turns of one stage.
#[derive(Debug)]
pub struct Idle {
    wait: Wait,
    turns: u32,
}

impl Idle {
    /// A stage that was just busy.
    pub fn new(wait: Wait) -> Self {
        Self { wait, turns: 0 }
    }

    /// There was something to do.
    pub fn reset(&mut self) {
        self.turns = 0;
    }

    /// There was nothing to do: wait a moment.
    pub fn wait(&mut self) {
        self.turns = self.turns.saturating_add(1);
        match self.wait {
            Wait::Spin => std::hint::spin_loop(),
            Wait::Yield => std::thread::yield_now(),
            Wait::Sleep if self.turns <= SPIN_TURNS => std::hint::spin_loop(),
            Wait::Sleep if self.turns <= SPIN_TURNS + YIELD_TURNS => std::thread::yield_now(),
            Wait::Sleep => {
                let naps = (self.turns - SPIN_TURNS - YIELD_TURNS).min(16);
                let nap_us = NAP_MIN_US.saturating_mul(1 << naps.min(10)).min(NAP_MAX_US);
                std::thread::sleep(Duration::from_micros(nap_us));
            }
        }
    }
}
