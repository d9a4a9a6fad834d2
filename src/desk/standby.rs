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

use super::doubt::{Doubt, How, Shown, Stop};
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
    /// Pause before a second machine that stopped is tried once more.
    pub again_after_ns: u64,
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
    /// Whether it counts accepted prices from where the first one does.
    counts_marks: bool,
    doubt: Doubt,
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
        let mut turns = self.turns();
        self.figures
            .snapshot_seq
            .store(turns.newest.0, Ordering::Relaxed);
        loop {
            // A bug that an input brings out stops the second machine, and must not stop more.
            let ran = catch_unwind(AssertUnwindSafe(|| self.follow(&mut turns)));
            let reason = match ran {
                Ok(Ok(())) => return,
                Ok(Err(error)) => format!("{error:#}"),
                Err(_) => "the second machine panicked".to_owned(),
            };
            // The journal grows on, and nobody else makes room for it: the thread stays.
            self.ended(&mut turns, reason);
        }
    }

    fn turns(&self) -> Turns {
        Turns {
            second: None,
            counts_marks: true,
            doubt: Doubt::default(),
            waiting: None,
            newest: (self.newest_snapshot(), 0),
            room_at_ns: self.clock.elapsed_ns(),
            cold: 0,
            state_at_ns: self.clock.elapsed_ns(),
            state: None,
        }
    }

    fn follow(&mut self, turns: &mut Turns) -> anyhow::Result<()> {
        while !self.stop.load(Ordering::Acquire) {
            self.begin_when_due(turns)?;
            let busy = self.turn(turns)?;
            let now_ns = self.clock.elapsed_ns();
            let follows = self.enabled && turns.second.is_some();
            if follows && now_ns.saturating_sub(turns.state_at_ns) >= STATE_EVERY_NS {
                turns.state_at_ns = now_ns;
                // A full ring has more urgent things to do: the next time will do.
                let _ = self.inbox.ask(Ask {
                    token: NOBODY,
                    query: Query::Desk,
                });
            }
            if turns.doubt.reminds(now_ns) {
                self.remind(turns);
            }
            self.trim_when_due(turns);
            if !busy && !self.room.pack_one(&self.files, turns.cold) {
                std::thread::sleep(if follows { NAP } else { NAP_OFF });
            }
        }
        self.finish(turns)
    }

    /// Makes a second machine where one is to be: all the time, for a snapshot, or once more after one that stopped.
    fn begin_when_due(&self, turns: &mut Turns) -> anyhow::Result<()> {
        if turns.second.is_some() {
            return Ok(());
        }
        let now_ns = self.clock.elapsed_ns();
        let due = match turns.doubt.is_none() {
            true => self.enabled || self.is_due(turns, self.written()),
            false => turns.doubt.tries_now(now_ns),
        };
        if !due {
            return Ok(());
        }
        let second = self.begin()?;
        turns.counts_marks = second.seq() <= self.last;
        if !turns.doubt.is_none() {
            turns.doubt.begun();
            // The state says most: it is asked for as soon as it may be.
            turns.state_at_ns = now_ns.saturating_sub(STATE_EVERY_NS);
        }
        turns.second = Some(second);
        Ok(())
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
                Told::Marks(point) if turns.counts_marks => second.marks(point),
                Told::Marks(_) => {}
                Told::State(seq, hash) => turns.state = Some((seq, hash)),
            }
        }
        let until = match turns.state {
            Some((seq, _)) if seq >= second.seq() => seq,
            _ => Seq::MAX,
        };
        let applied = second.apply(SLICE, until)?;
        let mut agreed = None;
        if let Some((seq, hash)) = turns.state.take_if(|state| state.0 <= second.seq())
            && let Some(same) = second.state(until, hash)
        {
            self.figures.states.fetch_add(1, Ordering::Relaxed);
            agreed = same.then_some(seq);
        }
        let looked = second.compare()?;
        self.show(second);
        if let Some(found) = second.diverged() {
            self.stopped(turns, Stop::of(&found), found.to_string());
            return Ok(false);
        }
        let shown = Shown {
            applied: second.seq(),
            compared: second.compared(),
            agreed,
            skips: second.skips(),
            log_from: self.consumers.from().seq,
        };
        if turns.doubt.shown(&shown) {
            self.follows_again(shown.applied);
        }
        let written = turns.doubt.is_none() && self.save(turns)?;
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

    /// The second machine panicked, or a file of its could not be read.
    fn ended(&self, turns: &mut Turns, reason: String) {
        // Not what the figures say: they are told once a slice.
        let applied = turns.second.as_ref().map(Second::seq);
        let applied = applied.unwrap_or_else(|| self.figures.seq.load(Ordering::Relaxed));
        let input = applied.saturating_add(1);
        let how = How::Ended;
        self.stopped(turns, Stop { input, how }, reason);
    }

    /// The second machine goes, with everything that stood on it.
    fn stopped(&self, turns: &mut Turns, stop: Stop, reason: String) {
        (turns.second, turns.waiting, turns.state) = (None, None, None);
        let now_ns = self.clock.elapsed_ns();
        turns.doubt.stopped(stop, now_ns, self.again_after_ns);
        self.tell(stop.input, reason);
    }

    fn tell(&self, input: Seq, reason: String) {
        self.figures.diverged.store(input, Ordering::Release);
        self.notice(Notice::Standby { input, reason });
    }

    fn follows_again(&self, input: Seq) {
        self.figures.diverged.store(0, Ordering::Release);
        self.notice(Notice::StandbyFollows { input });
    }

    /// Said again while no snapshot is written.
    fn remind(&self, turns: &Turns) {
        let input = self.figures.diverged.load(Ordering::Relaxed);
        let behind = self.files.segments().into_iter();
        let behind = behind.filter(|segment| segment.first_seq > turns.newest.0);
        let mib = behind.map(|segment| segment.file_bytes).sum::<u64>() >> 20;
        let newest = turns.newest.0;
        let reason = format!(
            "no snapshot is written since input {newest}: {mib} MiB of journal lie behind it, and a start replays them"
        );
        self.notice(Notice::Standby { input, reason });
    }

    fn notice(&self, notice: Notice) {
        if let Err(lost) = self.notices.try_send(notice) {
            let notice = lost.into_inner();
            tracing::error!(?notice, "nobody took a notice of the standby");
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

#[cfg(test)]
mod tests;
