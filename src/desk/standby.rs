//! The second machine on a thread of its own: it follows the journal, compares, writes the snapshots
//! and makes room behind them, so that the first machine never stops for any of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use crossbeam::channel::{Receiver, Sender};
use siaga_risk::event::Seq;
use siaga_risk::journal::{JournalFiles, OutputConsumers, Records, Snapshots};
use siaga_risk::machine::Machine;
use siaga_risk::pipeline::Inbox;
use siaga_risk::recovery::{Usable, start_at};
use siaga_risk::standby::{MarkPoint, Standby};
use siaga_risk::units::SECOND_NS;
use siaga_risk::view::{Ask, Query};
use tokio::sync::mpsc;

use super::egress::Asked;
use super::notices::Notice;
use super::room::Room;
use super::saver;
use super::standby_figures::StandbyFigures;
use crate::clock::Clock;
use crate::precedence::{self, Precedence};

/// Inputs applied before anything else is looked at: some milliseconds.
const SLICE: usize = 16_384;
/// Pause when there is nothing to do: what the standby lags behind at least.
const NAP: Duration = Duration::from_millis(50);
/// Pause while a second machine exists only for snapshots.
const NAP_OFF: Duration = Duration::from_millis(500);
/// How often the journal's room is looked at.
const ROOM_EVERY_NS: u64 = 60 * SECOND_NS;
/// A snapshot is due after this many inputs at the latest: five seconds of replay.
const SNAPSHOT_EVERY: Seq = 10_000_000;
/// It is due before, once the journal behind it has grown by this many times its own size: so
/// snapshots write at most a quarter of what the journal does, and a quiet desk starts at once.
const GROWTH: u64 = 4;
/// How often the hash of the first machine's state is asked for. It has none for a large book.
const STATE_EVERY_NS: u64 = 300 * SECOND_NS;
/// A token that no caller waits under.
const NOBODY: u64 = 0;
/// Longest the last stretch is followed and compared at a graceful stop.
const FINISH_MAX_NS: u64 = 2 * SECOND_NS;

/// What the first machine's side tells the standby.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    Marks(MarkPoint),
    /// The hash of the state after an input.
    State(Seq, u64),
}

/// Everything the thread works with.
pub struct StandbyThread {
    pub enabled: bool,
    pub files: JournalFiles,
    pub consumers: OutputConsumers,
    pub snapshots: Snapshots,
    pub rules_epoch: u32,
    /// Last input before the first machine's process began.
    pub last: Seq,
    pub segment_bytes: u64,
    pub room: Room,
    pub clock: Arc<Clock>,
    pub told: Receiver<Told>,
    /// Now and then the first machine is asked for the hash of its state.
    pub inbox: Inbox,
    /// Asks egress for a checkpoint that a snapshot needs.
    pub asks: Sender<Asked>,
    /// The newest checkpoint in the log that was asked for.
    pub checkpointed: Arc<AtomicU64>,
    pub notices: mpsc::Sender<Notice>,
    pub figures: Arc<StandbyFigures>,
    /// Raised at a graceful stop, when journal and log hold everything.
    pub stop: Arc<AtomicBool>,
}

type Second = Standby<Machine, Records>;

/// The state of a snapshot that waits for its checkpoint.
struct Waiting {
    seq: Seq,
    bytes: Vec<u8>,
    state_hash: u64,
    started_ns: u64,
    asked: bool,
}

/// What the thread keeps between two turns.
struct Turns {
    second: Option<Second>,
    waiting: Option<Waiting>,
    /// Input and bytes of the newest snapshot.
    newest: (Seq, u64),
    room_at_ns: u64,
    /// What lies before this input may be packed.
    cold: Seq,
    state_at_ns: u64,
    /// The state that is compared when the second machine gets there.
    state: Option<(Seq, u64)>,
}

impl StandbyThread {
    /// Runs until the desk stops. A standby that cannot go on is told of and leaves the desk alone.
    pub fn run(mut self) {
        precedence::give_way(Precedence::Background);
        let mut turns = Turns {
            second: None,
            waiting: None,
            newest: (self.newest_snapshot(), 0),
            room_at_ns: self.clock.elapsed_ns(),
            cold: 0,
            state_at_ns: self.clock.elapsed_ns(),
            state: None,
        };
        self.figures
            .snapshot_seq
            .store(turns.newest.0, Ordering::Relaxed);
        // A bug that an input brings out stops the second machine, and must not stop more.
        let ran = catch_unwind(AssertUnwindSafe(|| self.follow(&mut turns)));
        let reason = match ran {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "the second machine panicked".to_owned(),
        };
        let input = self.figures.seq.load(Ordering::Relaxed).saturating_add(1);
        self.tell(input, reason);
        // The journal grows on, and nobody else makes room for it.
        turns.second = None;
        while !self.stop.load(Ordering::Acquire) {
            if !self.keep_room(&mut turns) {
                std::thread::sleep(NAP_OFF);
            }
        }
    }

    fn follow(&mut self, turns: &mut Turns) -> anyhow::Result<()> {
        let nap = if self.enabled { NAP } else { NAP_OFF };
        while !self.stop.load(Ordering::Acquire) {
            if turns.second.is_none() && (self.enabled || self.is_due(turns, self.written())) {
                turns.second = Some(self.begin()?);
            }
            let busy = self.turn(turns)?;
            let now_ns = self.clock.elapsed_ns();
            if self.enabled && now_ns - turns.state_at_ns >= STATE_EVERY_NS {
                turns.state_at_ns = now_ns;
                // A full ring has more urgent things to do: the next time will do.
                let _ = self.inbox.ask(Ask {
                    token: NOBODY,
                    query: Query::Desk,
                });
            }
            self.trim_when_due(turns);
            if !busy && !self.room.pack_one(&self.files, turns.cold) {
                std::thread::sleep(nap);
            }
        }
        self.finish(turns)
    }

    /// A second machine from the newest snapshot, as a start would make it.
    fn begin(&self) -> anyhow::Result<Second> {
        let usable = Usable {
            epoch: self.rules_epoch,
            epoch_first: self.files.epoch_first().unwrap_or(1),
            first_seq: self.files.first_seq(),
            // Recovery has set aside what was ahead of the journal; the rest was written with its checkpoint.
            seq_max: Seq::MAX,
        };
        let start = start_at(&self.snapshots, &usable)
            .context("no second machine can be made from the snapshots")?;
        let seq = start.snapshot.unwrap_or(0);
        let tail = self.files.records(seq + 1)?;
        let log = self.consumers.reader();
        Ok(Standby::new(start.machine, seq, tail, log, self.last))
    }

    /// One round; true when there was something to do.
    fn turn(&self, turns: &mut Turns) -> anyhow::Result<bool> {
        let Some(second) = &mut turns.second else {
            return Ok(false);
        };
        for told in self.told.try_iter() {
            match told {
                Told::Marks(point) => second.marks(point),
                Told::State(seq, hash) => turns.state = Some((seq, hash)),
            }
        }
        let until = match turns.state {
            Some((seq, _)) if seq >= second.seq() => seq,
            _ => Seq::MAX,
        };
        let applied = second.apply(SLICE, until)?;
        if let Some((_, hash)) = turns.state.take_if(|state| state.0 <= second.seq())
            && second.state(until, hash).is_some()
        {
            self.figures.states.fetch_add(1, Ordering::Relaxed);
        }
        let looked = second.compare()?;
        self.show(second);
        if let Some(found) = second.diverged() {
            turns.waiting = None;
            if self.figures.diverged.load(Ordering::Relaxed) == 0 {
                self.tell(found.seq, found.to_string());
            }
            return Ok(false);
        }
        let written = self.save(turns)?;
        Ok(applied + looked > 0 || written)
    }

    /// Takes the state when a snapshot is due, and writes it once the log has its checkpoint and
    /// everything before it was compared. True when one was written.
    fn save(&self, turns: &mut Turns) -> anyhow::Result<bool> {
        let Some(second) = &turns.second else {
            return Ok(false);
        };
        if turns.waiting.is_none() && self.is_due(turns, second.seq()) {
            let started_ns = self.clock.elapsed_ns();
            turns.waiting = second.image().map(|(seq, bytes, state_hash)| Waiting {
                seq,
                bytes,
                state_hash,
                started_ns,
                asked: false,
            });
        }
        let Some(waiting) = &mut turns.waiting else {
            return Ok(false);
        };
        let (seq, state_hash) = (waiting.seq, waiting.state_hash);
        if !waiting.asked {
            waiting.asked = self.asks.try_send(Asked { seq, state_hash }).is_ok();
            return Ok(false);
        }
        if self.checkpointed.load(Ordering::Acquire) < seq || second.compared() < seq {
            return Ok(false);
        }
        match saver::save(
            &self.snapshots,
            self.rules_epoch,
            seq,
            state_hash,
            &waiting.bytes,
        ) {
            Ok(_) => {
                let figures = &self.figures;
                let bytes = waiting.bytes.len() as u64;
                let took = self.clock.elapsed_ns() - waiting.started_ns;
                figures.snapshot_seq.store(seq, Ordering::Relaxed);
                figures.snapshots.fetch_add(1, Ordering::Relaxed);
                figures.snapshot_bytes.store(bytes, Ordering::Relaxed);
                figures.snapshot_ns.store(took, Ordering::Relaxed);
                turns.newest = (seq, bytes);
                turns.cold = self.make_room();
            }
            Err(error) => {
                tracing::warn!(seq, %error, "a snapshot could not be written: recovery takes longer");
                // As if it had been: the next attempt comes when the next one is due.
                turns.newest.0 = seq;
            }
        }
        turns.waiting = None;
        if !self.enabled {
            turns.second = None;
        }
        Ok(true)
    }

    /// Whether a snapshot of the state after `seq` is due.
    fn is_due(&self, turns: &Turns, seq: Seq) -> bool {
        let (newest, bytes) = turns.newest;
        let behind = seq.saturating_sub(newest);
        if behind >= SNAPSHOT_EVERY {
            return true;
        }
        // A segment is whole inputs only, so this rises in steps: no clock decides.
        let segments = self.files.segments();
        let closed = segments
            .windows(2)
            .filter(|pair| pair[0].first_seq > newest && pair[1].first_seq <= seq)
            .count() as u64;
        let grown = closed * self.segment_bytes;
        behind > 0 && closed > 0 && grown >= GROWTH.saturating_mul(bytes)
    }

    /// An input near the end of the journal, when no second machine knows better.
    fn written(&self) -> Seq {
        let segments = self.files.segments();
        segments.last().map_or(0, |segment| segment.first_seq - 1)
    }

    fn newest_snapshot(&self) -> Seq {
        let sequences = self.snapshots.sequences().unwrap_or_default();
        sequences.last().copied().unwrap_or(0)
    }

    fn trim_when_due(&self, turns: &mut Turns) {
        let now_ns = self.clock.elapsed_ns();
        if now_ns - turns.room_at_ns >= ROOM_EVERY_NS {
            turns.room_at_ns = now_ns;
            turns.cold = self.make_room();
        }
    }

    /// Trims when it is time to, and packs; true when there may be more to pack.
    fn keep_room(&self, turns: &mut Turns) -> bool {
        self.trim_when_due(turns);
        self.room.pack_one(&self.files, turns.cold)
    }

    /// Removes what lies before the oldest snapshot that is kept and need not be kept for its age.
    /// No reader of the journal is behind that: this thread is the only one that follows it.
    fn make_room(&self) -> Seq {
        let kept = self.snapshots.sequences().unwrap_or_default();
        let needed = kept.first().map_or(0, |seq| seq + 1);
        self.room.make(&self.files, needed);
        needed
    }

    fn show(&self, second: &Second) {
        let figures = &self.figures;
        figures.seq.store(second.seq(), Ordering::Relaxed);
        figures.compared.store(second.compared(), Ordering::Relaxed);
        figures.skips.store(second.skips(), Ordering::Relaxed);
    }

    fn tell(&self, input: Seq, reason: String) {
        self.figures.diverged.store(input, Ordering::Release);
        if self
            .notices
            .try_send(Notice::Standby { input, reason })
            .is_err()
        {
            tracing::error!(input, "the standby diverged, and nobody took the notice");
        }
    }

    /// At a graceful stop everything is on the disk: what is left is followed and compared, unless
    /// that takes too long.
    fn finish(&self, turns: &mut Turns) -> anyhow::Result<()> {
        // The first machine writes the last snapshot itself: it has stopped.
        (turns.waiting, turns.newest.0) = (None, Seq::MAX);
        let until_ns = self.clock.elapsed_ns() + FINISH_MAX_NS;
        while self.enabled && turns.second.is_some() && self.clock.elapsed_ns() < until_ns {
            let before = self.figures.compared.load(Ordering::Relaxed);
            let busy = self.turn(turns)?;
            let compared = self.figures.compared.load(Ordering::Relaxed);
            if !busy && before == compared {
                break;
            }
        }
        Ok(())
    }
}
