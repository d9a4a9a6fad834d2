//! From many producers to one machine, and out again.
//!
//! One ring takes what producers put in; the journal's stage and the machine's stage read the same
//! slots side by side. What the machine decides leaves through a second ring to one egress loop.
//! Nothing calls backwards.

mod doorbell;
mod durable;
mod entry;
mod inbox;
pub mod ring;
mod stage;
mod wait;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

pub use doorbell::Doorbell;
pub use durable::Durable;
pub use entry::Entry;
pub use inbox::{Full, Inbox, RingCounts, merge};
pub use stage::{Decider, Leaving, Numbered, Recorder, Sink, journal, machine};
pub use wait::{Idle, Wait};

use crate::event::Seq;

/// Slots of the outbound ring. One input may cause more outputs than this (a gap can call a
/// hundred thousand accounts): then the machine waits and the inbound ring conflates.
pub const OUTBOUND_SLOTS: usize = 16_384;

/// How the pipeline runs. Sizes and waiting never change a decision.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub slots: usize,
    pub outbound_slots: usize,
    pub wait: Wait,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            slots: ring::RING_SLOTS,
            outbound_slots: OUTBOUND_SLOTS,
            wait: Wait::default(),
        }
    }
}

/// The running stages.
pub struct Pipeline<D, R> {
    inbox: Inbox,
    journal: JoinHandle<R>,
    machine: JoinHandle<D>,
}

/// The reading end of the outbound ring.
pub type Outbox = rtrb::Consumer<Leaving>;

/// The outbound ring as the machine's stage sees it.
struct Outbound {
    ring: rtrb::Producer<Leaving>,
    wait: Wait,
    egress: Arc<Doorbell>,
    counts: Arc<RingCounts>,
}

impl Sink for Outbound {
    fn put(&mut self, leaving: Leaving) -> u64 {
        let mut leaving = leaving;
        let mut idle = Idle::new(self.wait);
        let mut turns = 0;
        loop {
            match self.ring.push(leaving) {
                Ok(()) => return turns,
                Err(rtrb::PushError::Full(back)) => {
                    // Egress is gone: there is nobody to hand anything to, and stopping must not hang.
                    if self.ring.is_abandoned() {
                        return turns;
                    }
                    leaving = back;
                    turns += 1;
                    self.egress.ring();
                    self.counts.waits.fetch_add(1, Ordering::Relaxed);
                    idle.wait();
                }
            }
        }
    }

    fn handed(&mut self) {
        self.egress.ring();
    }
}

/// A stage that panics takes nothing with it silently: what is recorded without being decided, or decided without
/// being recorded, must not be answered.
struct Fall(Arc<Durable>, fn(&Durable));

impl Drop for Fall {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.1)(&self.0);
        }
    }
}

/// Starts the two stages. `last` is the input both have seen; `failed` is told once when the journal
/// cannot record any more.
///
/// # Errors
/// When a thread cannot be started.
pub fn start<D: Decider, R: Recorder>(
    decider: D,
    recorder: R,
    durable: Arc<Durable>,
    last: Seq,
    options: Options,
    failed: impl FnMut(String) + Send + 'static,
) -> std::io::Result<(Pipeline<D, R>, Inbox, Outbox)> {
    let (writer, for_journal, for_machine) = ring::build(options.slots);
    let (ring, outbox) = rtrb::RingBuffer::new(options.outbound_slots);
    let inbox = Inbox::new(writer);
    let (wait, egress, counts) = (options.wait, durable.bell(), inbox.counts().clone());
    let decides = durable.clone();
    let journal = std::thread::Builder::new()
        .name("journal".into())
        .spawn(move || {
            let _fall = Fall(durable.clone(), |durable: &Durable| {
                durable.refuse();
                durable.poison();
            });
            stage::journal(for_journal, recorder, &durable, last, wait, failed)
        })?;
    let machine = std::thread::Builder::new()
        .name("machine".into())
        .spawn(move || {
            let _fall = Fall(decides, Durable::refuse);
            let mut sink = Outbound {
                ring,
                wait,
                egress,
                counts,
            };
            stage::machine(for_machine, decider, &mut sink, last, wait)
        })?;
    let pipeline = Pipeline {
        inbox: inbox.clone(),
        journal,
        machine,
    };
    Ok((pipeline, inbox, outbox))
}

impl<D, R> Pipeline<D, R> {
    /// Lets the stages finish what is in the ring and gives machine and recorder back.
    ///
    /// # Panics
    /// When a stage panicked: the machine's state can no longer be trusted.
    pub fn stop(self) -> (D, R) {
        let (machine, recorder) = self
            .stop_each()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let recorder = recorder.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (machine, recorder)
    }

    /// [`stop`](Self::stop) for who goes on without the recorder: its panic leaves a good machine, which has given egress
    /// its last word.
    ///
    /// # Errors
    /// The panic of the machine. The recorder is not waited for then: the ring may be too full to tell it that it is to end.
    pub fn stop_each(mut self) -> std::thread::Result<(D, std::thread::Result<R>)> {
        let mut idle = Idle::new(Wait::Sleep);
        while !self.inbox.stop() && !self.machine.is_finished() {
            idle.wait();
        }
        let machine = self.machine.join()?;
        Ok((machine, self.journal.join()))
    }
}

#[cfg(test)]
mod tests;
