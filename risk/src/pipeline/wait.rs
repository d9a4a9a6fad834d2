//! What a stage does while nothing is there to do.

use std::sync::Arc;
use std::time::Duration;

use super::doorbell::Doorbell;

/// Turns in which a sleeping stage still spins, so that a burst is met awake.
const SPIN_TURNS: u32 = 64;
/// Turns after them in which it yields its core: few, because a quiet market pays them for every single price.
const YIELD_TURNS: u32 = 16;
/// First nap, doubled up to the longest one.
const NAP_MIN_US: u64 = 20;
/// Longest nap of a stage that nobody wakes.
const NAP_MAX_US: u64 = 1_000;
/// Naps before a stage rests until it is woken: two milliseconds. A market busier than that never
/// pays for waking a stage, a quieter one pays for no stage that looks in vain.
const NAPS: u32 = 6;

/// Wait strategy of the stages, chosen by configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Burns a core per stage: for machines with cores to spare.
    Spin,
    /// Gives the core away between looks.
    Yield,
    /// Spins, yields, naps for longer and longer, then rests until it is woken: quiet by default.
    #[default]
    Sleep,
}

/// The idle turns of one stage.
#[derive(Debug)]
pub struct Idle {
    wait: Wait,
    turns: u32,
    bell: Option<Arc<Doorbell>>,
}

impl Idle {
    /// A stage that was just busy, and that nobody wakes.
    pub fn new(wait: Wait) -> Self {
        Self::woken_by(wait, None)
    }

    /// A stage that was just busy. Whoever gives it something to do rings `bell` afterwards.
    pub fn woken_by(wait: Wait, bell: Option<Arc<Doorbell>>) -> Self {
        let turns = 0;
        Self { wait, turns, bell }
    }

    /// There was something to do.
    pub fn reset(&mut self) {
        if self.turns > SPIN_TURNS + YIELD_TURNS + NAPS
            && let Some(bell) = &self.bell
        {
            bell.rise();
        }
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
                let naps = self.turns - SPIN_TURNS - YIELD_TURNS;
                match &self.bell {
                    Some(bell) if naps > NAPS => bell.rest(),
                    _ => {
                        let nap_us = NAP_MIN_US << naps.min(10);
                        std::thread::sleep(Duration::from_micros(nap_us.min(NAP_MAX_US)));
                    }
                }
            }
        }
    }
}
