//! Starts of every kind: after a crash, with damage, under other rules.

mod start;
mod upgrade;

use std::sync::Arc;

use super::*;
use crate::event::{Body, Cash, CashKind, Checkpoint, Command, Input};
use crate::ids::{AccountId, ActorId};
use crate::journal::{MemoryDisk, SnapshotMeta, Stream};
use crate::units::Money;

/// Fingerprint of a build that is not this one.
const OLD: u64 = 0x01d;

fn options() -> RecoveryOptions {
    RecoveryOptions {
        segment_bytes: 4_096,
        preparation: Preparation::Inline,
        ..RecoveryOptions::default()
    }
}

fn memory() -> (Arc<MemoryDisk>, Arc<dyn Disk>) {
    let memory = Arc::new(MemoryDisk::default());
    (memory.clone(), memory)
}

fn open(disk: &Arc<dyn Disk>) -> Result<Recovered, RecoveryError> {
    recover(disk, options(), &mut |_, _| {})
}

/// Input `seq` of a history in which every fourth input causes an answer.
fn input(seq: Seq) -> Input {
    let ts = Ts(seq * 1_000);
    if !seq.is_multiple_of(4) {
        return Input::Clock(ts);
    }
    Input::Command(Box::new(Command {
        ts,
        actor: ActorId(1),
        token: seq,
        body: Body::Cash(Cash {
            account: AccountId(seq as u32),
            kind: CashKind::Deposit,
            amount: Money(1),
            reference: seq,
        }),
    }))
}

/// A desk without threads: journal, machine and output log, one input after the other.
struct Bench {
    machine: Machine,
    journal: Journal,
    log: OutputLog,
    snapshots: Snapshots,
    rules: (u64, u32),
}

impl Bench {
    /// A desk of the build with `fingerprint` in an empty directory.
    fn new(disk: &Arc<dyn Disk>, fingerprint: u64) -> Self {
        let rules = (fingerprint, 1);
        let journal_options = Options {
            segment_bytes: 4_096,
            preparation: Preparation::Inline,
            ..Options::new(fingerprint, 1)
        };
        let log_options = OutputOptions {
            segment_bytes: 4_096,
            bytes_max: 1 << 30,
            fingerprint,
            epoch: 1,
            first_seq: 1,
            journal_end: None,
            preparation: Preparation::Inline,
        };
        Self {
            machine: Machine::new(),
            journal: Journal::open(disk.clone(), journal_options).unwrap().0,
            log: OutputLog::open(disk.clone(), log_options).unwrap().0,
            snapshots: Snapshots::new(disk.clone()),
            rules,
        }
    }

    fn of(recovered: Recovered) -> Self {
        Self {
            machine: recovered.machine,
            journal: recovered.journal,
            log: recovered.log,
            snapshots: recovered.snapshots,
            rules: (FINGERPRINT, recovered.epoch),
        }
    }

    fn run(&mut self, to: Seq) {
        self.run_as(to, input);
    }

    /// Another history from here on.
    fn run_as(&mut self, to: Seq, input: impl Fn(Seq) -> Input) {
        let mut payload = Vec::new();
        let mut outputs = Vec::new();
        for seq in self.machine.last_seq() + 1..=to {
            let input = input(seq);
            payload.clear();
            let kind = record::put_input(&input, &mut payload);
            self.journal.append(seq, kind, &payload).unwrap();
            self.machine.apply(seq, &input, &mut outputs);
            put_missing(&mut self.log, seq, input.ts(), &mut outputs, &mut payload).unwrap();
        }
        self.journal.sync().unwrap();
        self.log.sync().unwrap();
    }

    /// An instruction to a broker, as an input of this sequence would cause it.
    fn send(&mut self, seq: Seq, submit: crate::event::Submit) {
        let send = Output::Send(crate::event::Send {
            link: crate::ids::LinkId(1),
            command: crate::event::LinkCommand::Submit(Box::new(submit)),
        });
        let mut payload = Vec::new();
        let kind = record::put_output(Ts(seq), &send, &mut payload);
        let at = Cursor { seq, index: 0 };
        self.log.append(at, kind, &payload).unwrap();
        self.log.sync().unwrap();
    }

    /// Checkpoint and snapshot, as a graceful stop writes them.
    fn snapshot(&mut self) {
        let (seq, state_hash) = (self.machine.last_seq(), self.machine.state_hash());
        let mut payload = Vec::new();
        let point = Output::Checkpoint(Checkpoint { seq, state_hash });
        let kind = record::put_output(Ts(0), &point, &mut payload);
        let index = u32::MAX - 1;
        self.log
            .append(Cursor { seq, index }, kind, &payload)
            .unwrap();
        self.log.sync().unwrap();
        let (fingerprint, epoch) = self.rules;
        let mut payload = self.machine.snapshot();
        payload[..8].copy_from_slice(&fingerprint.to_le_bytes());
        let meta = SnapshotMeta {
            seq,
            fingerprint,
            epoch,
            state_hash,
        };
        self.snapshots.write(&meta, &payload).unwrap();
    }

    fn close(self) {
        self.log.close().unwrap();
        self.journal.close().unwrap();
    }
}

/// The state after `to` inputs that were applied by one machine without a break.
fn hash_after(to: Seq) -> u64 {
    let mut machine = Machine::new();
    for seq in 1..=to {
        machine.apply(seq, &input(seq), &mut Vec::new());
    }
    machine.state_hash()
}

/// Breaks a byte in the middle of a snapshot.
fn break_snapshot(memory: &MemoryDisk, seq: Seq) {
    let name = format!("snapshot-{seq:020}.bin");
    let file = memory.open(&name).unwrap();
    let mut bytes = vec![0; file.bytes().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    memory.put(&name, bytes);
}

fn end(disk: &Arc<dyn Disk>) -> crate::journal::LogEnd {
    crate::journal::log_end(disk, Stream::Journal)
        .unwrap()
        .unwrap()
}
