//! The two stages that read the ring side by side, and what the machine's stage hands to egress.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::durable::Durable;
use super::entry::Entry;
use super::ring::{Look, Source};
use super::wait::{Idle, Wait};
use crate::event::{Input, Mark, Output, OutputKey, Seq};
use crate::units::Ts;
use crate::view::{Ask, Reply};

/// Most entries of one group commit: 4,096 quotes are a quarter mebibyte, beyond which a larger
/// write no longer makes the sync cheaper.
const COMMIT_MAX: usize = 4_096;
/// Most entries the machine takes before it frees their slots.
const DECIDE_MAX: usize = 256;

/// Records inputs durably.
pub trait Recorder: Send + 'static {
    /// Adds an input to the group.
    ///
    /// # Errors
    /// Why nothing more will ever be recorded.
    fn append(&mut self, seq: Seq, input: &Input) -> Result<(), String>;
    /// Makes the group durable.
    ///
    /// # Errors
    /// Why nothing more will ever be recorded.
    fn sync(&mut self) -> Result<(), String>;
}

/// Decides. Implemented by the machine, and by emptier things in the benches.
pub trait Decider: Send + 'static {
    /// Applies one numbered input and appends what follows from it.
    fn apply(&mut self, seq: Seq, input: &Input, outputs: &mut Vec<Output>);
    /// Answers a question.
    fn ask(&self, ask: &Ask) -> Reply;
    /// The state as bytes with its hash, for a snapshot.
    fn image(&self) -> (Vec<u8>, u64);
}

/// What leaves the machine's stage. Marks travel inline: they are nearly everything.
#[derive(Debug)]
pub enum Leaving {
    Mark(Seq, Mark),
    Output(Box<Numbered>),
    Reply(Box<Reply>),
    /// The input after which the stage ended.
    End(Seq),
}

/// An output with its key and the time of its input.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    pub key: OutputKey,
    pub ts: Ts,
    pub output: Output,
}

/// Journals every input of `source` until it stops; `last` is the sequence recorded before.
/// After a failed write, and once what is recorded was refused, the stage goes on reading, so the
/// machine and the prices go on.
///
/// # Panics
/// When the recorder has panicked, and not before the source stops: a stage that reads no more would let the ring fill.
pub fn journal<S: Source, R: Recorder>(
    mut source: S,
    mut recorder: R,
    durable: &Durable,
    last: Seq,
    wait: Wait,
    mut failed: impl FnMut(String),
) -> R {
    let (mut seq, mut idle, mut stopped) = (last, idle_of(&source, wait), false);
    let mut panic = None;
    while !stopped {
        if durable.is_refused() && !durable.is_poisoned() {
            durable.poison();
            failed("what is recorded can no longer be passed on".into());
        }
        let before = seq;
        let mut fault = None;
        let look = source.read(COMMIT_MAX, |entry| match entry {
            Entry::Input(input) if !stopped => {
                seq += 1;
                if fault.is_none() && !durable.is_poisoned() {
                    fault = caught(&mut panic, || recorder.append(seq, input)).err();
                }
            }
            Entry::Stop => stopped = true,
            _ => {}
        });
        match look {
            Look::Empty => idle.wait(),
            Look::Closed => break,
            Look::Read(_) => idle.reset(),
        }
        if seq == before || durable.is_poisoned() {
            continue;
        }
        let done = match fault {
            Some(reason) => Err(reason),
            None => caught(&mut panic, || recorder.sync()),
        };
        match done {
            Ok(()) => durable.advance(seq),
            Err(reason) => {
                if panic.is_some() {
                    // No failed write: that a disk be looked at would help nobody.
                    durable.refuse();
                }
                durable.poison();
                failed(reason);
            }
        }
    }
    match panic {
        // What it has half written must not be closed as if it were whole.
        Some(panic) => resume_unwind(panic),
        None => recorder,
    }
}

/// Runs a step of the recorder, which is not to be used again after a panic.
fn caught(
    panic: &mut Option<Box<dyn Any + Send>>,
    step: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|payload| {
        *panic = Some(payload);
        Err("the recorder panicked: see the log".into())
    })
}

/// Where the machine's stage puts what leaves it.
pub trait Sink {
    /// Waits until there is room: nothing durable is ever dropped. Counts the turns it waited.
    fn put(&mut self, leaving: Leaving) -> u64;
    /// Everything that one entry caused was put: whoever takes it may be woken.
    fn handed(&mut self) {}
}

/// Decides every entry of `source` until it stops and hands the outputs to `sink` in order.
/// The stage never stops to look at its own state: the standby does that.
pub fn machine<S: Source, D: Decider>(
    mut source: S,
    mut decider: D,
    sink: &mut impl Sink,
    last: Seq,
    wait: Wait,
) -> D {
    let (mut seq, mut idle, mut stopped) = (last, idle_of(&source, wait), false);
    let mut outputs = Vec::with_capacity(64);
    while !stopped {
        let look = source.read(DECIDE_MAX, |entry| match entry {
            Entry::Input(input) if !stopped => {
                seq += 1;
                decider.apply(seq, input, &mut outputs);
                hand_over(seq, input.ts(), &mut outputs, sink);
            }
            Entry::Ask(ask) if !stopped => {
                sink.put(Leaving::Reply(Box::new(decider.ask(ask))));
                sink.handed();
            }
            Entry::Stop => stopped = true,
            _ => {}
        });
        match look {
            Look::Empty => idle.wait(),
            Look::Closed => break,
            Look::Read(_) => idle.reset(),
        }
    }
    sink.put(Leaving::End(seq));
    sink.handed();
    decider
}

/// The idle turns of a stage that whoever fills `source` wakes.
fn idle_of(source: &impl Source, wait: Wait) -> Idle {
    Idle::woken_by(wait, source.bell())
}

fn hand_over(seq: Seq, ts: Ts, outputs: &mut Vec<Output>, sink: &mut impl Sink) {
    if outputs.is_empty() {
        return;
    }
    for (index, output) in outputs.drain(..).enumerate() {
        let leaving = match output {
            Output::Mark(mark) => Leaving::Mark(seq, mark),
            output => {
                let key = OutputKey {
                    seq,
                    index: index as u32,
                };
                Leaving::Output(Box::new(Numbered { key, ts, output }))
            }
        };
        sink.put(leaving);
    }
    sink.handed();
}
