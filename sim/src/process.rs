//! One run of the program between two starts: the machine, its journal, its output log and the router, as the desk
//! wires them, on one thread.

use crate::Planted;
use crate::counterparty::Counterparty;
use crate::second::Second;
use siaga_broker::router::{Limits, Router};
use siaga_risk::event::*;
use siaga_risk::journal::crash_disk::CrashDisk;
use siaga_risk::journal::{
    Cursor, Disk, Journal, OutputLog, OutputReader, Preparation, SnapshotMeta, Snapshots,
};
use siaga_risk::machine::{FINGERPRINT, Machine};
use siaga_risk::record;
use siaga_risk::recovery::{RecoveryError, RecoveryOptions, recover};
use siaga_risk::units::{Money, Price, Ts};
use std::collections::VecDeque;
use std::sync::Arc;

/// Small, so that a short run fills many.
const SEGMENT_BYTES: u32 = 16 * 1_024;
/// Large enough that no reader is cut off: the router of these runs keeps up.
const LOG_BYTES: u64 = 1 << 30;
/// Outputs read at once.
const READ_BYTES: usize = 4_096;
/// The name under which consumers hold the log.
const READER: &str = "consumers";
/// One input in so many is decided otherwise than it is journaled, where that fault is planted.
const FAULT_EVERY: u64 = 400;
/// How much wider than right the planted bands are.
const FAULT_MILLIONTHS: u32 = 400_000;

/// An output that waits for the disk.
#[derive(Clone, Debug)]
pub struct Pending {
    pub key: OutputKey,
    pub ts: Ts,
    pub output: Output,
}

/// The program.
pub struct Process {
    pub machine: Machine,
    journal: Journal,
    log: OutputLog,
    snapshots: Snapshots,
    epoch: u32,
    pub seq: Seq,
    pending: VecDeque<Pending>,
    pub poisoned: bool,
    log_failed: bool,
    planted: Option<Planted>,
    pub router: Router,
    second: Option<Second>,
    reader: OutputReader,
    payload: Vec<u8>,
}

/// An output as the log has it.
pub struct Logged {
    pub key: OutputKey,
    pub output: Output,
    /// Of its bytes.
    pub hash: u64,
}

impl Process {
    /// Starts on what the disk holds. `router_at` is the router's own kept cursor.
    ///
    /// # Errors
    /// What recovery says; a disk that fails meanwhile included.
    pub fn start(
        disk: &CrashDisk,
        broker: &Counterparty,
        router_at: Option<OutputKey>,
        planted: Option<Planted>,
    ) -> Result<Process, RecoveryError> {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let options = RecoveryOptions {
            segment_bytes: SEGMENT_BYTES,
            log_bytes: LOG_BYTES,
            preparation: Preparation::Inline,
        };
        let found = recover(&shared, options, &mut |_, _| {})?;
        let born = key_of(found.log.durable());
        let mut router = Router::new(router_at.unwrap_or(born), born, Limits::default());
        router.add(Box::new(broker.clone()));
        let reader = found.log.reader();
        let log = found.log.reader();
        let second = Second::behind(&found.machine, found.last, &found.journal, log, planted);
        let mut machine = found.machine;
        if planted == Some(Planted::WideBands) {
            machine.fault_bands(FAULT_MILLIONTHS);
        }
        Ok(Process {
            machine,
            journal: found.journal,
            log: found.log,
            snapshots: found.snapshots,
            epoch: found.epoch,
            seq: found.last,
            pending: VecDeque::new(),
            poisoned: false,
            log_failed: false,
            planted,
            router,
            second,
            reader,
            payload: Vec::new(),
        })
    }

    /// The router learns what is in force and what is open, and reconciles.
    pub fn open_router(&mut self, terms: &[TermsChange], now: Ts) {
        for change in terms {
            self.router.on_terms(change);
        }
        for order in self.machine.book().open_orders() {
            self.router.open_order(&order.change(), now);
        }
        self.router.start(now);
    }

    /// Numbers an input, journals it and decides; gives what follows, not durable yet.
    pub fn put(&mut self, input: &Input) -> Vec<Output> {
        self.seq += 1;
        if !self.poisoned {
            self.payload.clear();
            let kind = record::put_input(input, &mut self.payload);
            self.poisoned |= self.journal.append(self.seq, kind, &self.payload).is_err();
        }
        let mut outputs = Vec::new();
        let decided = self.decided(input);
        self.machine.apply(self.seq, &decided, &mut outputs);
        for (index, output) in outputs.iter().enumerate() {
            if output.is_durable() {
                let output = self.falsified(output);
                self.pending.push_back(Pending {
                    key: OutputKey {
                        seq: self.seq,
                        index: index as u32,
                    },
                    ts: input.ts(),
                    output,
                });
            }
        }
        outputs
    }

    /// What the machine decides on: the input, unless a fault is planted.
    fn decided(&self, input: &Input) -> Input {
        match (self.planted, input) {
            (Some(Planted::OtherInput), Input::Quote(quote))
                if self.seq.is_multiple_of(FAULT_EVERY) =>
            {
                let ask = Price(quote.ask.0 + 1);
                Input::Quote(Quote { ask, ..*quote })
            }
            _ => input.clone(),
        }
    }

    /// What is told of an output: the output, unless a fault is planted.
    fn falsified(&self, output: &Output) -> Output {
        let mut output = output.clone();
        match (self.planted, &mut output) {
            (Some(Planted::WrongResult), Output::Deal(deal)) if deal.realised != Money(0) => {
                deal.realised.0 += 1;
                deal.balance.0 += 1;
            }
            (Some(Planted::WrongSwap), Output::Position(change)) => change.swap.0 *= 2,
            (Some(Planted::MintedMoney), Output::Cash(booked)) => {
                booked.cash.amount.0 += 100;
                booked.balance.0 += 100;
            }
            _ => {}
        }
        output
    }

    /// Makes inputs durable, then writes what they caused to the log; gives the outputs whose callers may be answered:
    /// those that the log holds. A log that cannot be written ends it like a journal that cannot.
    pub fn sync(&mut self) -> Vec<Pending> {
        if !self.poisoned {
            self.poisoned |= self.journal.sync().is_err();
        }
        let durable = self.journal.durable_seq();
        let ready = self
            .pending
            .partition_point(|pending| pending.key.seq <= durable);
        let mut released: Vec<Pending> = self.pending.drain(..ready).collect();
        self.log_failed = self.log_failed || self.write(&released).is_err();
        self.poisoned |= self.log_failed;
        if self.log_failed && self.planted != Some(Planted::UnloggedAnswers) {
            released.clear();
        }
        if self.poisoned {
            // Nobody will ever be told that these came through.
            self.pending.clear();
        }
        released
    }

    /// The log holds an output, durably.
    pub fn holds(&self, key: OutputKey) -> bool {
        key <= key_of(self.log.durable())
    }

    /// The oldest place that the log can still be read from.
    pub fn readable_from(&self) -> OutputKey {
        key_of(self.reader.from())
    }

    fn write(&mut self, released: &[Pending]) -> Result<(), siaga_risk::journal::JournalError> {
        for pending in released {
            // A bar, which nothing but the log itself is held against.
            let lost = self.planted == Some(Planted::LostOutput);
            if lost && matches!(pending.output, Output::Bar(_)) {
                continue;
            }
            self.payload.clear();
            let kind = record::put_output(pending.ts, &pending.output, &mut self.payload);
            let at = Cursor {
                seq: pending.key.seq,
                index: pending.key.index,
            };
            self.log.append(at, kind, &self.payload)?;
        }
        self.log.sync().map(|_| ())
    }

    /// The outputs behind a cursor that the log holds durably.
    ///
    /// # Errors
    /// When the log cannot be read, or does not hold what it should.
    pub fn read(&mut self, from: OutputKey) -> Result<Vec<Logged>, String> {
        let at = Cursor {
            seq: from.seq,
            index: from.index,
        };
        let batch = self
            .reader
            .read_from(at, READ_BYTES)
            .map_err(|error| format!("the output log behind {at:?}: {error}"))?;
        let mut all = Vec::new();
        for found in batch.iter() {
            let (_, output) = record::get_output(found.kind, found.payload)
                .map_err(|error| format!("output {:?}: {error}", found.at))?;
            all.push(Logged {
                key: key_of(found.at),
                output,
                hash: siaga_risk::machine::hash(found.payload) ^ u64::from(found.kind),
            });
        }
        Ok(all)
    }

    /// The second machine comes as far as inputs are durable and is compared; true when the states were, too.
    ///
    /// # Errors
    /// Where the two differ.
    pub fn follow(&mut self) -> Result<bool, String> {
        let Some(second) = &mut self.second else {
            return Ok(false);
        };
        let durable = self.journal.durable_seq();
        second.follow(durable)?;
        if durable != self.seq {
            return Ok(false);
        }
        second.is_like(durable, self.machine.state_hash())
    }

    /// Consumers have applied everything up to here, durably.
    pub fn hold(&mut self, at: OutputKey) {
        let cursor = Cursor {
            seq: at.seq,
            index: at.index,
        };
        // Only one reader is named, so the table has room.
        let _ = self.log.consumers().set_cursor(READER, cursor);
    }

    /// Writes a snapshot of now, when journal and log hold everything; then both are trimmed behind it.
    pub fn snapshot(&mut self) -> bool {
        let whole = self.pending.is_empty()
            && !self.poisoned
            && !self.log_failed
            && self.journal.durable_seq() == self.seq;
        if !whole || !self.checkpoint() {
            return false;
        }
        if self.planted == Some(Planted::EarlyTrim) {
            return self.journal.trim_before(self.seq).is_ok();
        }
        let bytes = self.machine.snapshot();
        let meta = SnapshotMeta {
            seq: self.seq,
            fingerprint: FINGERPRINT,
            epoch: self.epoch,
            state_hash: siaga_risk::machine::hash(&bytes),
        };
        let Ok(written) = self.snapshots.write(&meta, &bytes) else {
            return false;
        };
        let _ = self.journal.trim_before(written.trim_before);
        let _ = self.log.trim();
        true
    }

    fn checkpoint(&mut self) -> bool {
        let at = Cursor {
            seq: self.seq,
            index: u32::MAX - 1,
        };
        if self.log.last() >= at {
            return true;
        }
        let output = Output::Checkpoint(Checkpoint {
            seq: self.seq,
            state_hash: self.machine.state_hash(),
        });
        self.payload.clear();
        let kind = record::put_output(Ts(0), &output, &mut self.payload);
        let written = self
            .log
            .append(at, kind, &self.payload)
            .and_then(|()| self.log.sync());
        self.log_failed |= written.is_err();
        self.poisoned |= self.log_failed;
        written.is_ok()
    }

    /// Everything decided is durable, written and handed on.
    pub fn is_settled(&self, read: OutputKey) -> bool {
        !self.poisoned
            && !self.log_failed
            && self.pending.is_empty()
            && self.journal.durable_seq() == self.seq
            && key_of(self.log.durable()) <= read
    }

    /// The journal's inputs from the oldest it has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn recorded(&self) -> Result<Vec<(Seq, Input)>, String> {
        let first = self.journal.first_seq();
        let mut records = self
            .journal
            .records(first)
            .map_err(|error| format!("the journal from {first}: {error}"))?;
        let mut all = Vec::new();
        while let Some(found) = records.next().map_err(|error| error.to_string())? {
            let input = record::get_input(found.kind, found.payload)
                .map_err(|error| format!("input {}: {error}", found.seq))?;
            all.push((found.seq, input));
        }
        Ok(all)
    }

    /// A graceful end: snapshot, then the marks of a clean stop.
    pub fn stop(mut self) {
        self.snapshot();
        let _ = self.journal.close();
        let _ = self.log.close();
    }
}

/// A place in the log as a key.
pub fn key_of(cursor: Cursor) -> OutputKey {
    OutputKey {
        seq: cursor.seq,
        index: cursor.index,
    }
}
