//! The one loop behind the machine: prices go out at once, everything durable waits for the disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam::channel::{Receiver, Sender};
use siaga_broker::router::task::MarkBoard;
use siaga_risk::event::{Checkpoint, LinkMode, Mark, Output, Seq};
use siaga_risk::journal::{Cursor, OutputLog};
use siaga_risk::pipeline::{Durable, Idle, Leaving, Numbered, Outbox, Wait};
use siaga_risk::record;
use siaga_risk::standby::MarkDigest;
use siaga_risk::units::Ts;
use siaga_risk::view::{Reply, View};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use super::broker::key_of;
use super::evidence::EvidenceBook;
use super::house::House;
use super::latency::Latency;
use super::notices::Notice;
use super::standby::Told;
use super::ticks::TickDoor;
use super::waiters::Waiters;
use crate::clock::Clock;
use crate::gateway::core::CoreError;
use crate::gateway::live::Live;

/// Most outputs taken before the waiting ones are looked at again.
const TAKE_MAX: usize = 4_096;
/// Index of a checkpoint: behind every output of its input.
const CHECKPOINT_INDEX: u32 = u32::MAX - 1;

/// Figures of the egress loop for `/metrics`.
#[derive(Debug, Default)]
pub struct EgressFigures {
    pub marks: AtomicU64,
    pub durable_outputs: AtomicU64,
    pub seq: AtomicU64,
    pub pending: AtomicU64,
    /// Machine time up to which every durable output is in the log.
    pub watermark: AtomicU64,
    /// A broker's link has gone live.
    pub link_live: AtomicBool,
    /// A write to the output log failed: nothing durable leaves any more.
    pub log_failed: AtomicBool,
    /// Margin calls and stop-outs that were told without being recorded.
    pub unrecorded: AtomicU64,
    /// Prices the machine did not take, by the reason's number.
    pub dropped: [AtomicU64; DROP_REASONS.len()],
}

/// Names of the reasons for which the machine does not take a price, by their numbers.
pub const DROP_REASONS: [&str; 14] = [
    "unknown_instrument",
    "unknown_source",
    "not_positive",
    "crossed",
    "spread_low",
    "spread_high",
    "soft",
    "hard",
    "discard",
    "same_quote",
    "out_of_order",
    "inactive",
    "closed",
    "future",
];

/// A checkpoint that a snapshot needs: the log then says that it is complete up to `seq`.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub seq: Seq,
    pub state_hash: u64,
}

/// Everything the loop works with.
pub struct Egress {
    pub outbox: Outbox,
    pub log: OutputLog,
    pub durable: Arc<Durable>,
    pub live: Arc<Live>,
    pub waiters: Arc<Waiters>,
    pub asks: Receiver<Asked>,
    /// The newest checkpoint that was asked for and is in the log.
    pub checkpointed: Arc<AtomicU64>,
    /// What the standby compares, when there is one.
    pub tells: Option<Sender<Told>>,
    pub digest: MarkDigest,
    pub notices: mpsc::Sender<Notice>,
    /// Rises when the log has more to read.
    pub news: watch::Sender<u64>,
    pub figures: Arc<EgressFigures>,
    pub latency: Arc<Latency>,
    pub clock: Arc<Clock>,
    /// Prices for the broker's links.
    pub marks: MarkBoard,
    pub evidence: Arc<EvidenceBook>,
    /// Where accepted prices are stored, when a database server takes them.
    pub ticks: Option<TickDoor>,
    pub phone: String,
    pub house: House,
    pub wait: Wait,
    /// Machine time of the newest reply: nothing decided before it is still to come.
    pub reached: Ts,
    /// The machine has given everything of the inputs up to this one.
    pub passed: Seq,
}

impl Egress {
    /// Runs until the machine's stage has ended and everything durable is in the log; gives the
    /// log back.
    pub fn run(mut self) -> OutputLog {
        let mut pending: VecDeque<Box<Numbered>> = VecDeque::new();
        let mut asked: Option<Asked> = None;
        let mut idle = Idle::woken_by(self.wait, Some(self.durable.bell()));
        let (mut ended, mut poisoned) = (false, false);
        loop {
            let taken = self.take(&mut pending, &mut ended);
            asked = asked.or_else(|| self.asks.try_recv().ok());
            if !poisoned && self.durable.is_poisoned() {
                poisoned = true;
                match (self.log_failed(), self.durable.is_refused()) {
                    // Told of already: it is the cause.
                    (true, _) => {}
                    (false, true) => self.notify(Notice::Refused),
                    (false, false) => self.notify(Notice::Poisoned),
                }
            }
            let mut written = self.write(&mut pending, &mut asked);
            if poisoned || self.log_failed() {
                written += self.give_up(&mut pending, poisoned);
                asked = None;
            }
            self.figures
                .pending
                .store(pending.len() as u64, Ordering::Relaxed);
            if pending.is_empty() {
                self.figures
                    .watermark
                    .store(self.reached.0, Ordering::Release);
            }
            if ended && pending.is_empty() {
                self.waiters.stop();
                return self.log;
            }
            if taken == 0 && written == 0 {
                idle.wait();
            } else {
                idle.reset();
            }
        }
    }

    fn take(&mut self, pending: &mut VecDeque<Box<Numbered>>, ended: &mut bool) -> usize {
        let mut taken = 0;
        let mut latencies_ns = Vec::new();
        while taken < TAKE_MAX {
            let Ok(leaving) = self.outbox.pop() else {
                break;
            };
            taken += 1;
            match leaving {
                Leaving::Mark(seq, mark) => {
                    self.figures.marks.fetch_add(1, Ordering::Relaxed);
                    self.figures.seq.store(seq, Ordering::Relaxed);
                    self.passed = self.passed.max(seq.saturating_sub(1));
                    self.tell_mark(seq, &mark);
                    self.live.apply(&Output::Mark(mark));
                    self.marks.put(mark);
                    self.evidence.put(&mark);
                    if let Some(ticks) = &mut self.ticks {
                        ticks.put(seq, mark);
                    }
                    latencies_ns.push(self.clock.now().since(mark.ts));
                }
                Leaving::Output(numbered) => {
                    let seq = numbered.key.seq;
                    self.figures.seq.store(seq, Ordering::Relaxed);
                    self.passed = self.passed.max(seq.saturating_sub(1));
                    self.live.apply(&numbered.output);
                    match &numbered.output {
                        Output::Link(change) => {
                            let is_live = change.to == LinkMode::Live;
                            self.figures.link_live.store(is_live, Ordering::Relaxed);
                        }
                        Output::Dropped(dropped) => {
                            let count = self.figures.dropped.get(dropped.reason as usize);
                            if let Some(count) = count {
                                count.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        _ => {}
                    }
                    if numbered.output.is_durable() {
                        pending.push_back(numbered);
                    }
                }
                Leaving::Reply(reply) => {
                    self.reached = reply.now;
                    self.passed = self.passed.max(reply.seq);
                    self.tell_state(&reply);
                    self.waiters.replied(*reply);
                }
                Leaving::End(seq) => {
                    self.passed = seq;
                    *ended = true;
                }
            }
        }
        if !latencies_ns.is_empty() {
            self.latency.record(&latencies_ns);
        }
        taken
    }

    /// Hands the standby what it compares its prices with.
    fn tell_mark(&mut self, seq: Seq, mark: &Mark) {
        let Some(tells) = &self.tells else {
            return;
        };
        if let Some(point) = self.digest.add(seq, mark) {
            // A standby that is too far behind misses a point and compares the next one.
            let _ = tells.try_send(Told::Marks(point));
        }
    }

    /// A reply that carries the state's hash is one more thing to compare.
    fn tell_state(&self, reply: &Reply) {
        if let (Some(tells), View::Desk(desk)) = (&self.tells, &reply.view)
            && desk.state_hash != 0
        {
            let _ = tells.try_send(Told::State(reply.seq, desk.state_hash));
        }
    }

    /// Appends what has become durable to the log, syncs it once, then answers the callers.
    fn write(&mut self, pending: &mut VecDeque<Box<Numbered>>, asked: &mut Option<Asked>) -> usize {
        if self.log_failed() {
            return 0;
        }
        let durable = self.durable.seq();
        let ready = pending.partition_point(|numbered| numbered.key.seq <= durable);
        // Everything of its input and of those before it has come and is on the disk.
        let passed = self.passed.min(durable);
        let checkpoint = asked.take_if(|asked| asked.seq <= passed);
        if ready == 0 && checkpoint.is_none() {
            return 0;
        }
        let held = match self.append(pending, ready, checkpoint) {
            Ok(()) => ready,
            Err(error) => {
                self.figures.log_failed.store(true, Ordering::Release);
                // What is recorded from now on would reach nobody before the next start.
                self.durable.refuse();
                self.notify(Notice::LogFailed(error));
                // A segment that finds no room begins with the sync of the one before: its readers have that part.
                let end = self.log.durable();
                self.news.send_replace(end.seq);
                pending.partition_point(|numbered| numbered.key <= key_of(end))
            }
        };
        self.answer(pending, held);
        self.figures
            .durable_outputs
            .fetch_add(held as u64, Ordering::Relaxed);
        held + usize::from(checkpoint.is_some())
    }

    /// Takes the first `held` outputs out, which the log holds, and answers those who wait for them. Where the log ends
    /// within an input, its command is passed on only if an instruction behind its answer is in the log too.
    fn answer(&self, pending: &mut VecDeque<Box<Numbered>>, held: usize) {
        let cut = pending.get(held).map(|next| next.key.seq);
        let sent = pending
            .iter()
            .take(held)
            .rev()
            .take_while(|numbered| Some(numbered.key.seq) == cut)
            .find(|numbered| matches!(numbered.output, Output::Send(_)))
            .map(|numbered| numbered.key);
        for numbered in pending.drain(..held) {
            let Numbered { key, output, .. } = *numbered;
            let Output::Answer(answer) = output else {
                continue;
            };
            if Some(key.seq) == cut && sent.is_none_or(|sent| sent < key) {
                let phone = self.phone.clone();
                let error = CoreError::NotPassedOn { phone };
                self.waiters.refuse(answer.token, error);
            } else {
                self.waiters.answered(key.seq, answer);
            }
        }
    }

    fn append(
        &mut self,
        pending: &VecDeque<Box<Numbered>>,
        ready: usize,
        checkpoint: Option<Asked>,
    ) -> Result<(), String> {
        let mut payload = Vec::with_capacity(512);
        let mut due = checkpoint;
        for numbered in pending.iter().take(ready) {
            if let Some(asked) = due.take_if(|asked| asked.seq < numbered.key.seq) {
                put_checkpoint(&mut self.log, asked, &mut payload)?;
            }
            let at = Cursor {
                seq: numbered.key.seq,
                index: numbered.key.index,
            };
            put(
                &mut self.log,
                at,
                numbered.ts,
                &numbered.output,
                &mut payload,
            )?;
        }
        if let Some(asked) = due {
            put_checkpoint(&mut self.log, asked, &mut payload)?;
        }
        let end = self.log.sync().map_err(|error| error.to_string())?;
        self.news.send_replace(end.seq);
        let now_ns = self.clock.elapsed_ns();
        self.house.prepare(&mut self.log, now_ns);
        let trim_due = self.house.is_trim_due(now_ns);
        if let Some(asked) = checkpoint {
            self.checkpointed.store(asked.seq, Ordering::Release);
        }
        if trim_due || checkpoint.is_some() {
            self.trim();
        }
        Ok(())
    }

    fn trim(&mut self) {
        match self.log.trim() {
            Ok(events) => {
                for event in events {
                    self.notify(Notice::Log(event));
                }
            }
            Err(error) => tracing::warn!(%error, "the output log could not be trimmed"),
        }
    }

    /// Nothing gets into the log any more: callers are told, margin calls go out unrecorded. Says how
    /// many outputs that were. What waits for the journal's last word, or for room among the notices,
    /// stays where it is.
    fn give_up(&self, pending: &mut VecDeque<Box<Numbered>>, poisoned: bool) -> usize {
        let (durable, waiting) = (self.durable.seq(), pending.len());
        while let Some(numbered) = pending.pop_front() {
            let recorded = numbered.key.seq <= durable;
            let kept = match &numbered.output {
                _ if !recorded && !poisoned => Some(numbered),
                Output::Answer(answer) => {
                    let phone = self.phone.clone();
                    let error = match recorded {
                        true => CoreError::NotPassedOn { phone },
                        false => CoreError::Poisoned { phone },
                    };
                    self.waiters.refuse(answer.token, error);
                    None
                }
                Output::Margin(_) | Output::StopOut(_) => self.tell_unrecorded(numbered),
                _ => None,
            };
            if let Some(kept) = kept {
                pending.push_front(kept);
                break;
            }
        }
        waiting - pending.len()
    }

    /// Gives the output back when too many notices wait: none of these may be dropped.
    fn tell_unrecorded(&self, numbered: Box<Numbered>) -> Option<Box<Numbered>> {
        match self.notices.try_send(Notice::Unrecorded(numbered)) {
            Err(TrySendError::Full(Notice::Unrecorded(numbered))) => return Some(numbered),
            Err(error) => {
                tracing::warn!(%error, "a margin call was not taken: the desk is stopping")
            }
            Ok(()) => {
                self.figures.unrecorded.fetch_add(1, Ordering::Relaxed);
            }
        }
        None
    }

    fn log_failed(&self) -> bool {
        self.figures.log_failed.load(Ordering::Relaxed)
    }

    fn notify(&self, notice: Notice) {
        if let Err(error) = self.notices.try_send(notice) {
            tracing::warn!(%error, "a notice of egress was not taken");
        }
    }
}

fn put(
    log: &mut OutputLog,
    at: Cursor,
    ts: Ts,
    output: &Output,
    payload: &mut Vec<u8>,
) -> Result<(), String> {
    payload.clear();
    let kind = record::put_output(ts, output, payload);
    log.append(at, kind, payload)
        .map_err(|error| error.to_string())
}

/// Writes the checkpoint of a graceful stop.
///
/// # Errors
/// When the log cannot be written.
pub fn checkpoint(log: &mut OutputLog, seq: Seq, state_hash: u64) -> anyhow::Result<()> {
    put_checkpoint(log, Asked { seq, state_hash }, &mut Vec::new()).map_err(anyhow::Error::msg)?;
    log.sync()?;
    Ok(())
}

/// A log that goes on behind the input says already that it is complete up to it.
fn put_checkpoint(log: &mut OutputLog, asked: Asked, payload: &mut Vec<u8>) -> Result<(), String> {
    let Asked { seq, state_hash } = asked;
    let at = checkpoint_at(seq);
    if log.last() >= at {
        return Ok(());
    }
    let output = Output::Checkpoint(Checkpoint { seq, state_hash });
    put(log, at, Ts(0), &output, payload)
}

/// Where the checkpoint of an input stands in the log.
pub fn checkpoint_at(seq: Seq) -> Cursor {
    Cursor {
        seq,
        index: CHECKPOINT_INDEX,
    }
}

#[cfg(test)]
mod tests;
