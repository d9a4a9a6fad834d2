//! The one loop behind the machine: prices go out at once, everything durable waits for the disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam::channel::Sender;
use siaga_broker::router::task::MarkBoard;
use siaga_risk::event::{Checkpoint, LinkMode, Output, Seq};
use siaga_risk::journal::{Cursor, LogEvent, OutputLog};
use siaga_risk::pipeline::{Durable, Idle, Image, Leaving, Numbered, Outbox, Wait};
use siaga_risk::record;
use siaga_risk::units::Ts;
use tokio::sync::watch;

use super::evidence::EvidenceBook;
use super::latency::Latency;
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
}

/// What egress tells the rest of the desk outside the log.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The journal can record nothing more; raised outside the machine.
    Poisoned,
    /// A margin or stop-out output while poisoned: sent at once, marked unrecorded.
    Unrecorded(Box<Numbered>),
    /// A reader of the output log was cut off, or segments were removed.
    Log(LogEvent),
    /// The output log itself failed.
    LogFailed(String),
}

/// Everything the loop works with.
pub struct Egress {
    pub outbox: Outbox,
    pub log: OutputLog,
    pub durable: Arc<Durable>,
    pub live: Arc<Live>,
    pub waiters: Arc<Waiters>,
    pub images: Sender<Image>,
    pub notices: Sender<Notice>,
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
    pub wait: Wait,
    /// Machine time of the newest reply: nothing decided before it is still to come.
    pub reached: Ts,
}

impl Egress {
    /// Runs until the machine's stage has ended and everything durable is in the log; gives the
    /// log back.
    pub fn run(mut self) -> OutputLog {
        let mut pending: VecDeque<Box<Numbered>> = VecDeque::new();
        let mut images: VecDeque<Box<Image>> = VecDeque::new();
        let mut idle = Idle::new(self.wait);
        let (mut ended, mut poisoned) = (false, false);
        loop {
            let taken = self.take(&mut pending, &mut images, &mut ended);
            if !poisoned && self.durable.is_poisoned() {
                poisoned = true;
                self.notify(Notice::Poisoned);
            }
            let written = self.write(&mut pending, &mut images);
            if poisoned {
                self.drain_poisoned(&mut pending);
                images.clear();
            }
            self.figures
                .pending
                .store(pending.len() as u64, Ordering::Relaxed);
            if pending.is_empty() {
                self.figures
                    .watermark
                    .store(self.reached.0, Ordering::Release);
            }
            if ended && pending.is_empty() && images.is_empty() {
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

    fn take(
        &mut self,
        pending: &mut VecDeque<Box<Numbered>>,
        images: &mut VecDeque<Box<Image>>,
        ended: &mut bool,
    ) -> usize {
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
                    self.live.apply(&Output::Mark(mark));
                    self.marks.put(mark);
                    self.evidence.put(&mark);
                    if let Some(ticks) = &mut self.ticks {
                        ticks.put(seq, mark);
                    }
                    latencies_ns.push(self.clock.now().since(mark.ts));
                }
                Leaving::Output(numbered) => {
                    self.figures.seq.store(numbered.key.seq, Ordering::Relaxed);
                    self.live.apply(&numbered.output);
                    if let Output::Link(change) = &numbered.output {
                        let is_live = change.to == LinkMode::Live;
                        self.figures.link_live.store(is_live, Ordering::Relaxed);
                    }
                    if numbered.output.is_durable() {
                        pending.push_back(numbered);
                    }
                }
                Leaving::Reply(reply) => {
                    self.reached = reply.now;
                    self.waiters.replied(*reply);
                }
                Leaving::Image(image) => images.push_back(image),
                Leaving::End(_) => *ended = true,
            }
        }
        if !latencies_ns.is_empty() {
            self.latency.record(&latencies_ns);
        }
        taken
    }

    /// Appends what has become durable to the log, syncs it once, then answers the callers.
    fn write(
        &mut self,
        pending: &mut VecDeque<Box<Numbered>>,
        images: &mut VecDeque<Box<Image>>,
    ) -> usize {
        let durable = self.durable.seq();
        let ready = pending.partition_point(|numbered| numbered.key.seq <= durable);
        let images_ready = images
            .iter()
            .take_while(|image| image.seq <= durable)
            .count();
        if ready == 0 && images_ready == 0 {
            return 0;
        }
        if let Err(error) = self.append(pending, ready, images, images_ready) {
            self.notify(Notice::LogFailed(error));
        }
        for numbered in pending.drain(..ready) {
            if let Output::Answer(answer) = numbered.output {
                self.waiters.answered(numbered.key.seq, answer);
            }
        }
        for image in images.drain(..images_ready) {
            // The saver is busy with the image before: this one is passed over, the next comes.
            let _ = self.images.try_send(*image);
        }
        self.figures
            .durable_outputs
            .fetch_add(ready as u64, Ordering::Relaxed);
        ready + images_ready
    }

    fn append(
        &mut self,
        pending: &VecDeque<Box<Numbered>>,
        ready: usize,
        images: &VecDeque<Box<Image>>,
        images_ready: usize,
    ) -> Result<(), String> {
        let mut payload = Vec::with_capacity(512);
        let mut images = images.iter().take(images_ready).peekable();
        let mut checkpoints = 0;
        for numbered in pending.iter().take(ready) {
            while let Some(image) = images.next_if(|image| image.seq < numbered.key.seq) {
                checkpoints += 1;
                put_checkpoint(&mut self.log, image, &mut payload)?;
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
        for image in images {
            checkpoints += 1;
            put_checkpoint(&mut self.log, image, &mut payload)?;
        }
        let end = self.log.sync().map_err(|error| error.to_string())?;
        self.news.send_replace(end.seq);
        if checkpoints > 0 {
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

    /// Nothing becomes durable any more: callers are told, margin calls go out unrecorded.
    fn drain_poisoned(&mut self, pending: &mut VecDeque<Box<Numbered>>) {
        for numbered in pending.drain(..) {
            match &numbered.output {
                Output::Answer(answer) => {
                    let phone = self.phone.clone();
                    self.waiters
                        .refuse(answer.token, CoreError::Poisoned { phone });
                }
                Output::Margin(_) | Output::StopOut(_) => self.notify(Notice::Unrecorded(numbered)),
                _ => {}
            }
        }
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
    let image = Image {
        seq,
        state_hash,
        bytes: Vec::new(),
    };
    if log.last() < checkpoint_at(seq) {
        put_checkpoint(log, &image, &mut Vec::new()).map_err(anyhow::Error::msg)?;
    }
    log.sync()?;
    Ok(())
}

fn put_checkpoint(log: &mut OutputLog, image: &Image, payload: &mut Vec<u8>) -> Result<(), String> {
    let at = checkpoint_at(image.seq);
    let output = Output::Checkpoint(Checkpoint {
        seq: image.seq,
        state_hash: image.state_hash,
    });
    put(log, at, Ts(0), &output, payload)
}

/// Where the checkpoint of an input stands in the log.
pub fn checkpoint_at(seq: Seq) -> Cursor {
    Cursor {
        seq,
        index: CHECKPOINT_INDEX,
    }
}
