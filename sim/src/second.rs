//! The second machine: it follows the journal's durable end as the desk's standby does, and is compared with the first.

use crate::Planted;
use siaga_risk::event::*;
use siaga_risk::journal::{Journal, OutputReader, Records};
use siaga_risk::machine::Machine;
use siaga_risk::pipeline::Decider;
use siaga_risk::standby::Standby;
use siaga_risk::units::Price;
use siaga_risk::view::{Ask, Reply};

/// One input in so many is another one to the second machine, where that fault is planted.
const FAULT_EVERY: u64 = 400;
/// Inputs applied at once.
const SLICE: usize = 4_096;

/// The standby.
pub struct Second(Standby<Follower, Records>);

struct Follower {
    machine: Machine,
    is_faulty: bool,
}

impl Decider for Follower {
    fn apply(&mut self, seq: Seq, input: &Input, outputs: &mut Vec<Output>) {
        match input {
            Input::Quote(quote) if self.is_faulty && seq.is_multiple_of(FAULT_EVERY) => {
                let ask = Price(quote.ask.0 + 1);
                let other = Input::Quote(Quote { ask, ..*quote });
                self.machine.apply(seq, &other, outputs);
            }
            _ => self.machine.apply(seq, input, outputs),
        }
    }

    fn ask(&self, ask: &Ask) -> Reply {
        self.machine.ask(ask)
    }

    fn image(&self) -> (Vec<u8>, u64) {
        Decider::image(&self.machine)
    }
}

impl Second {
    /// A second machine in the state of the first one after input `last`. None beside a fault that is planted for somebody
    /// else to find, as it would find most of them first.
    pub fn behind(
        first: &Machine,
        last: Seq,
        journal: &Journal,
        log: OutputReader,
        planted: Option<Planted>,
    ) -> Option<Second> {
        let is_faulty = match planted {
            None => false,
            Some(Planted::OtherState) => true,
            Some(_) => return None,
        };
        let machine = Machine::restore(&first.snapshot()).ok()?;
        let tail = journal.records(last + 1).ok()?;
        let follower = Follower { machine, is_faulty };
        Some(Second(Standby::new(follower, last, tail, log, last)))
    }

    /// Applies everything up to an input that is durable, and compares what the log has of it.
    ///
    /// # Errors
    /// Where the two machines differ, or what cannot be read.
    pub fn follow(&mut self, durable: Seq) -> Result<(), String> {
        loop {
            let applied = self.0.apply(SLICE, durable);
            let applied = applied.map_err(|error| error.to_string())?;
            let looked = self.0.compare().map_err(|error| error.to_string())?;
            if let Some(found) = self.0.diverged() {
                return Err(found.to_string());
            }
            if applied + looked == 0 {
                return Ok(());
            }
        }
    }

    /// Compares the states after an input; false when it has not come so far.
    ///
    /// # Errors
    /// They differ.
    pub fn is_like(&mut self, seq: Seq, state_hash: u64) -> Result<bool, String> {
        match self.0.state(seq, state_hash) {
            None => Ok(false),
            Some(true) => Ok(true),
            Some(false) => Err(match self.0.diverged() {
                Some(found) => found.to_string(),
                None => "the states differ".to_owned(),
            }),
        }
    }
}
