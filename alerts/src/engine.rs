//! The life of alerts: a pure fold over the output log, so its state is rebuilt by replay.
//!
//! Call [`Engine::apply`] for every durable output in the order of the log, and [`Engine::advance`] with the
//! machine's now when everything up to it has been applied. Both answer with what changed. Timers run at
//! their exact time before anything later is applied, so the state depends on the log alone.

mod command;
mod fold;
mod inhibit;
#[cfg(test)]
mod tests;
mod timer;

use siaga_risk::codec::{Codec, CodecError, CodecFault, decode, encode};
use siaga_risk::event::*;
use siaga_risk::ids::AlertId;
use siaga_risk::record;
use siaga_risk::units::Ts;

use crate::alert::{Alert, AlertChange, Facts, LOCAL_BIT, Moment, Signal, Topic};
use crate::rules::{self, Book, Rule, Verdict};
pub use command::CommandFault;
use fold::{Fold, FoldState};

/// Changes with a decision; raise it when old snapshots must not be read by new rules.
const SNAPSHOT_VERSION: u16 = 3;
/// Version of what concerns alerts raised outside the machine. Alerts are in it as in the snapshot, whose version is the
/// upper half; the lower one is its own.
pub(crate) const LOCAL_VERSION: u32 = (SNAPSHOT_VERSION as u32) << 16 | 1;

/// How much is kept of the alerts that were raised outside the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalDepth {
    /// Everything.
    Whole,
    /// What is open, without timelines: enough to end it.
    Open,
}

/// All alerts of the house.
#[derive(Debug)]
pub struct Engine {
    book: Book,
    fold: Fold,
    /// Alerts raised outside the machine; in no journal, and in a snapshot of their own.
    local: Fold,
    /// Up to where the commands of the log are in `local` already.
    local_applied: OutputKey,
    applied: OutputKey,
    changes: Vec<AlertChange>,
    /// Why the output applied last, a command, was dropped.
    refused: Option<CommandFault>,
}

record! {
    struct Snapshot {
        version: u16,
        applied: OutputKey,
        book: Book,
        fold: FoldState,
    }
}

record! {
    struct LocalSnapshot {
        version: u32,
        applied: OutputKey,
        fold: FoldState,
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            book: Book::default(),
            fold: Fold::new(0),
            local: Fold::new(LOCAL_BIT),
            local_applied: OutputKey::default(),
            applied: OutputKey::default(),
            changes: Vec::new(),
            refused: None,
        }
    }
}

impl Engine {
    /// Applies one output that was caused by an input of `ts`; what was applied before is passed over.
    pub fn apply(&mut self, key: OutputKey, ts: Ts, output: &Output) -> &[AlertChange] {
        self.changes.clear();
        self.refused = None;
        if key <= self.applied {
            return &self.changes;
        }
        self.applied = key;
        self.run_timers(ts);
        self.book.apply(output);
        for verdict in rules::read(&self.book, key, ts, output) {
            match verdict {
                Verdict::On(signal) => self.fold.on(&signal),
                Verdict::Off(topic) => self.fold.off(topic, ts),
            }
        }
        if let Output::Alert(echo) = output {
            self.command(key, echo, ts);
        }
        self.collect()
    }

    /// Lets time pass: every output with a time up to `watermark` has been applied.
    pub fn advance(&mut self, watermark: Ts) -> &[AlertChange] {
        self.changes.clear();
        self.run_timers(watermark);
        self.collect()
    }

    /// Raises an alert outside the machine (journal poisoned, a sink or a reader that fails), at once and
    /// marked unrecorded.
    pub fn raise_local(
        &mut self,
        rule: Rule,
        topic: Topic,
        facts: Facts,
        now: Ts,
    ) -> &[AlertChange] {
        self.changes.clear();
        self.local.run_until(now);
        self.local.on(&Signal {
            topic,
            rule,
            severity: rule.spec().severity,
            labels: facts.labels(),
            facts,
            value: None,
            raise: None,
            clear: None,
            money_at_risk: None,
            key: self.applied,
            ts: now,
        });
        self.collect()
    }

    /// Tells of an output that stands in no log, at once and marked unrecorded. The fold of the log does
    /// not see it: after a restart another output may have its key.
    pub fn tell_unrecorded(&mut self, key: OutputKey, ts: Ts, output: &Output) -> &[AlertChange] {
        self.changes.clear();
        self.local.run_until(ts);
        for verdict in rules::read(&self.book, key, ts, output) {
            match verdict {
                Verdict::On(signal) => self.local.on(&signal),
                Verdict::Off(topic) => self.local.off(topic, ts),
            }
        }
        self.collect()
    }

    /// The condition of a local alert is over.
    pub fn clear_local(&mut self, topic: Topic, now: Ts) -> &[AlertChange] {
        self.changes.clear();
        self.local.run_until(now);
        self.local.off(topic, now);
        self.collect()
    }

    /// The run that raised the local alerts is over, and their conditions with it: ends those that are open. To be called
    /// behind [`Self::restore_local`], before anything that lets time pass.
    pub fn end_local(&mut self, now: Ts) -> &[AlertChange] {
        self.changes.clear();
        self.local.end_run(now);
        self.collect()
    }

    /// When time alone changes something.
    pub fn poll_deadline(&self) -> Option<Ts> {
        [self.fold.poll_deadline(), self.local.poll_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// One alert.
    pub fn alert(&self, id: AlertId) -> Option<&Alert> {
        self.fold_of(id).alert(id)
    }

    /// All alerts that are kept, oldest first, local ones last.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.fold.alerts().chain(self.local.alerts())
    }

    /// What happened to an alert, oldest first.
    pub fn timeline(&self, id: AlertId) -> &[Moment] {
        self.fold_of(id).timeline(id)
    }

    /// Whether a command would be taken now; the gateway asks before it sends one to the core. What happens before the
    /// command is applied may change that: see [`Self::refused`].
    ///
    /// # Errors
    /// [`CommandFault`] says why not.
    pub fn check(&self, command: &AlertCommand, now: Ts) -> Result<(), CommandFault> {
        self.fold_of(command.alert).check(command, now)
    }

    /// Why the command that [`Self::apply`] got last was not taken; `None` where it was, and behind any other output.
    pub fn refused(&self) -> Option<CommandFault> {
        self.refused
    }

    /// The last output that was applied.
    pub fn applied(&self) -> OutputKey {
        self.applied
    }

    /// The state, to be kept beside the core's snapshot of the same place in the log.
    pub fn snapshot(&self) -> Vec<u8> {
        encode(&Snapshot {
            version: SNAPSHOT_VERSION,
            applied: self.applied,
            book: self.book.clone(),
            fold: self.fold.state().clone(),
        })
    }

    /// The engine as it was; continue with the output behind [`Self::applied`].
    ///
    /// # Errors
    /// The codec's error when the bytes are no snapshot of this version.
    pub fn restore(bytes: &[u8]) -> Result<Self, CodecError> {
        let snapshot: Snapshot = decode(bytes)?;
        if snapshot.version != SNAPSHOT_VERSION {
            return Err(CodecError::new(
                Snapshot::NAME,
                CodecFault::Invalid("another version: rebuild from the output log"),
            ));
        }
        Ok(Self {
            book: snapshot.book,
            fold: Fold::from_state(snapshot.fold)?,
            applied: snapshot.applied,
            ..Self::default()
        })
    }

    /// The local alerts' state, to be kept after each of their changes: no log makes them again.
    pub fn local_snapshot(&self, depth: LocalDepth) -> Vec<u8> {
        encode(&LocalSnapshot {
            version: LOCAL_VERSION,
            applied: self.applied.max(self.local_applied),
            fold: match depth {
                LocalDepth::Whole => self.local.state().clone(),
                LocalDepth::Open => self.local.open_state(),
            },
        })
    }

    /// Takes the local alerts as an earlier run kept them. `end` is the last output of the log: of what it lost, the keys
    /// come again.
    ///
    /// # Errors
    /// The codec's error when the bytes are no state of this version; then none is taken.
    pub fn restore_local(&mut self, bytes: &[u8], end: OutputKey) -> Result<(), CodecError> {
        let snapshot: LocalSnapshot = decode(bytes)?;
        let is_local = |id: &AlertId| id.0 & LOCAL_BIT != 0;
        if snapshot.version != LOCAL_VERSION
            || snapshot.fold.local_bit != LOCAL_BIT
            || !snapshot.fold.alerts.keys().all(is_local)
        {
            return Err(CodecError::new(
                LocalSnapshot::NAME,
                CodecFault::Invalid("another version, or alerts of the log"),
            ));
        }
        self.local = Fold::from_state(snapshot.fold)?;
        self.local_applied = snapshot.applied.min(end);
        Ok(())
    }

    fn command(&mut self, key: OutputKey, echo: &AlertEcho, ts: Ts) {
        let is_local = echo.command.alert.0 & LOCAL_BIT != 0;
        if is_local && key <= self.local_applied {
            return;
        }
        let fold = match is_local {
            false => &mut self.fold,
            true => &mut self.local,
        };
        if let Err(fault) = fold.command(echo, ts) {
            tracing::debug!(alert = echo.command.alert.0, %fault, "alert command not taken");
            self.refused = Some(fault);
        }
    }

    fn run_timers(&mut self, until: Ts) {
        self.fold.run_until(until);
        self.local.run_until(until);
    }

    fn collect(&mut self) -> &[AlertChange] {
        self.fold.drain_into(&mut self.changes);
        self.local.drain_into(&mut self.changes);
        &self.changes
    }

    fn fold_of(&self, id: AlertId) -> &Fold {
        match id.0 & LOCAL_BIT {
            0 => &self.fold,
            _ => &self.local,
        }
    }
}
