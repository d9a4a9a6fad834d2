//! The machine that questions and imports are tried on: made from the newest snapshot when somebody asks first, brought up to date
//! from the durable journal at each question, and copied for each run. No thread of the desk waits for it.

use std::sync::{Arc, Mutex, TryLockError};

use anyhow::Context;
use siaga_risk::event::Seq;
use siaga_risk::journal::{Records, Snapshots};
use siaga_risk::machine::Machine;
use siaga_risk::record;
use siaga_risk::recovery::{Usable, start_at};
use siaga_risk::whatif::{self, Fault, Outcome, Scenario};

use crate::gateway::core::CoreError;

/// Everything it is made from.
pub struct WhatIf {
    /// A place in the journal to begin further readers at.
    journal: Mutex<Records>,
    snapshots: Snapshots,
    rules_epoch: u32,
    epoch_first: Seq,
    /// Who holds it is asking; there is one at a time.
    kept: Mutex<Option<Kept>>,
}

/// The machine between two questions.
struct Kept {
    machine: Machine,
    tail: Records,
}

impl WhatIf {
    pub fn new(
        journal: Records,
        snapshots: Snapshots,
        rules_epoch: u32,
        epoch_first: Seq,
    ) -> WhatIf {
        WhatIf {
            journal: Mutex::new(journal),
            snapshots,
            rules_epoch,
            epoch_first,
            kept: Mutex::new(None),
        }
    }

    /// Tries a scenario on a thread that may block.
    ///
    /// # Errors
    /// [`CoreError::Busy`] while another one runs; [`CoreError::NotAvailable`] when no copy can be made.
    pub async fn run(
        self: Arc<Self>,
        scenario: Scenario,
    ) -> Result<Result<Outcome, Fault>, CoreError> {
        let ran = tokio::task::spawn_blocking(move || self.run_now(&scenario));
        ran.await.map_err(|_| CoreError::Stopped)?
    }

    /// Looks at a copy of the state on a thread that may block: it knows everything that is durable.
    ///
    /// # Errors
    /// See [`run`](Self::run).
    pub async fn look<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(Machine) -> T + Send + 'static,
    ) -> Result<T, CoreError> {
        let looked = tokio::task::spawn_blocking(move || self.look_now(work));
        looked.await.map_err(|_| CoreError::Stopped)?
    }

    fn run_now(&self, scenario: &Scenario) -> Result<Result<Outcome, Fault>, CoreError> {
        self.look_now(|mut copy| whatif::run(&mut copy, scenario))
    }

    fn look_now<T>(&self, work: impl FnOnce(Machine) -> T) -> Result<T, CoreError> {
        let mut kept = match self.kept.try_lock() {
            Ok(kept) => kept,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(CoreError::Busy),
        };
        // While it is used it is not kept: one that stopped half-way is made anew.
        let mut copied = self.follow(kept.take()).and_then(|now| {
            let copy =
                Machine::restore(&now.machine.snapshot()).context("the state cannot be copied")?;
            Ok((now, copy))
        });
        if let Err(error) = &copied {
            tracing::debug!(error = format!("{error:#}"), "the copy is made anew");
            copied = self.follow(None).and_then(|now| {
                let copy = Machine::restore(&now.machine.snapshot())?;
                Ok((now, copy))
            });
        }
        let (now, copy) = copied.map_err(|error| CoreError::NotAvailable(format!("{error:#}")))?;
        let outcome = work(copy);
        *kept = Some(now);
        Ok(outcome)
    }

    /// Applies what has become durable since.
    fn follow(&self, kept: Option<Kept>) -> anyhow::Result<Kept> {
        let mut kept = match kept {
            Some(kept) => kept,
            None => self.begin()?,
        };
        let mut outputs = Vec::new();
        while let Some(found) = kept.tail.next()? {
            let input = record::get_input(found.kind, found.payload)
                .with_context(|| format!("input {} of the journal cannot be read", found.seq))?;
            kept.machine.apply(found.seq, &input, &mut outputs);
            outputs.clear();
        }
        Ok(kept)
    }

    fn begin(&self) -> anyhow::Result<Kept> {
        let journal = self.journal.lock();
        let journal = journal.unwrap_or_else(std::sync::PoisonError::into_inner);
        let usable = Usable {
            epoch: self.rules_epoch,
            epoch_first: self.epoch_first,
            first_seq: journal.first_seq(),
            // Recovery has set aside what was ahead of the journal.
            seq_max: Seq::MAX,
        };
        let start = start_at(&self.snapshots, &usable)?;
        let tail = journal.again(start.snapshot.unwrap_or(0) + 1)?;
        Ok(Kept {
            machine: start.machine,
            tail,
        })
    }
}
