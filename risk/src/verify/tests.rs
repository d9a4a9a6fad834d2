use super::*;
use crate::event::{Checkpoint, ClockJump, Input};
use crate::journal::{
    Journal, MemoryDisk, Options, OutputLog, OutputOptions, Preparation, SnapshotMeta,
};
use crate::units::Ts;

/// A data directory in the making.
struct Desk {
    memory: Arc<MemoryDisk>,
    disk: Arc<dyn Disk>,
    machine: Machine,
    journal: Journal,
    log: OutputLog,
}

impl Desk {
    fn new() -> Self {
        let memory = Arc::new(MemoryDisk::default());
        let disk: Arc<dyn Disk> = memory.clone();
        let options = Options {
            segment_bytes: 4_096,
            preparation: Preparation::Inline,
            ..Options::new(FINGERPRINT, 1)
        };
        let log_options = OutputOptions {
            segment_bytes: 4_096,
            bytes_max: 1 << 30,
            fingerprint: FINGERPRINT,
            epoch: 1,
            first_seq: 1,
            journal_end: None,
            preparation: Preparation::Inline,
        };
        Self {
            journal: Journal::open(disk.clone(), options).unwrap().0,
            log: OutputLog::open(disk.clone(), log_options).unwrap().0,
            machine: Machine::new(),
            memory,
            disk,
        }
    }

    fn put(&mut self, seq: Seq, index: u32, output: &Output) {
        let mut payload = Vec::new();
        let kind = record::put_output(Ts(seq * 1_000), output, &mut payload);
        self.log
            .append(Cursor { seq, index }, kind, &payload)
            .unwrap();
    }

    fn run(&mut self, to: Seq) {
        let mut payload = Vec::new();
        for seq in self.machine.last_seq() + 1..=to {
            let ts = Ts(seq * 1_000);
            let input = match seq % 3 {
                0 => Input::Command(Box::new(crate::event::Command {
                    ts,
                    actor: crate::ids::ActorId(0),
                    token: seq,
                    body: crate::event::Body::ClockJump(ClockJump { by_ns: seq as i64 }),
                })),
                _ => Input::Clock(ts),
            };
            payload.clear();
            let kind = record::put_input(&input, &mut payload);
            self.journal.append(seq, kind, &payload).unwrap();
            let mut outputs = Vec::new();
            self.machine.apply(seq, &input, &mut outputs);
            for (index, output) in outputs.iter().enumerate() {
                if output.is_durable() {
                    self.put(seq, index as u32, output);
                }
            }
        }
        self.journal.sync().unwrap();
        self.log.sync().unwrap();
    }

    fn snapshot(&mut self, wrong: u64) {
        let seq = self.machine.last_seq();
        let state_hash = self.machine.state_hash() ^ wrong;
        let point = Output::Checkpoint(Checkpoint { seq, state_hash });
        self.put(seq, u32::MAX - 1, &point);
        self.log.sync().unwrap();
        let meta = SnapshotMeta {
            seq,
            fingerprint: FINGERPRINT,
            epoch: 1,
            state_hash,
        };
        Snapshots::new(self.disk.clone())
            .write(&meta, &self.machine.snapshot())
            .unwrap();
    }

    fn verify(&self) -> Verification {
        verify(&self.disk, &mut |_, _| {}).unwrap()
    }

    /// Removes every segment of a log.
    fn remove(&self, stream: Stream) {
        for (name, _) in self.memory.list().unwrap() {
            if stream.ordinal_of(&name).is_some() {
                self.memory.remove(&name).unwrap();
            }
        }
    }
}

/// The one thing that is wrong.
fn fault(found: &Verification) -> &str {
    assert_eq!(found.faults.len(), 1, "{:?}", found.faults);
    &found.faults[0].text
}

#[test]
fn a_whole_directory_is_replayed_and_every_state_compared() {
    let mut desk = Desk::new();
    desk.run(200);
    desk.snapshot(0);
    desk.run(350);
    desk.snapshot(0);
    desk.run(360);
    let found = desk.verify();
    assert!(found.faults.is_empty(), "{:?}", found.faults);
    assert_eq!((found.replayed_from, found.replayed), (Some(0), 360));
    assert_eq!(found.states, 2);
    assert!(found.compared >= 359, "{}", found.compared);
    assert_eq!(found.snapshots, [200, 350]);
    // Behind a trimmed journal the older snapshot is where it begins.
    desk.journal.trim_before(201).unwrap();
    let found = desk.verify();
    assert!(found.faults.is_empty(), "{:?}", found.faults);
    assert_eq!((found.replayed_from, found.states), (Some(200), 1));
}

#[test]
fn an_output_that_no_replay_gives_is_told_with_its_input() {
    let mut desk = Desk::new();
    desk.run(100);
    desk.put(100, 7, &Output::ClockJump(ClockJump { by_ns: 1 }));
    desk.run(200);
    let faults = desk.verify().faults;
    assert_eq!(faults.len(), 1);
    let text = &faults[0].text;
    assert!(text.contains("a replay of input 100"), "{text}");
    assert!(text.contains("does not give output 7"), "{text}");
}

#[test]
fn a_snapshot_of_another_state_is_told() {
    let mut desk = Desk::new();
    desk.run(100);
    desk.snapshot(1);
    desk.run(120);
    let faults = desk.verify().faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(
        faults[0].text.contains("a replay of input 100"),
        "{faults:?}"
    );
}

#[test]
fn damage_is_told_with_file_and_offset_and_nothing_is_replayed() {
    let mut desk = Desk::new();
    desk.run(300);
    desk.snapshot(0);
    let name = Stream::Journal.file_name(2);
    let file = desk.memory.open(&name).unwrap();
    let mut byte = [0];
    file.read_at(500, &mut byte).unwrap();
    file.write_at(500, &[byte[0] ^ 4]).unwrap();
    let found = desk.verify();
    let place = &found.faults[0];
    assert_eq!(place.file.as_deref(), Some(&name[..]));
    assert!(place.offset.is_some_and(|at| at <= 500), "{place:?}");
    assert_eq!(found.replayed_from, None);
    assert!(found.notes[0].contains("nothing was replayed"));
}

#[test]
fn an_empty_directory_has_nothing_wrong() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
    let found = verify(&disk, &mut |_, _| {}).unwrap();
    assert!(found.faults.is_empty());
    assert_eq!(found.notes, ["there is no journal yet"]);
}

#[test]
fn a_journal_that_is_gone_is_told_by_what_reaches_further() {
    let mut desk = Desk::new();
    desk.run(90);
    desk.remove(Stream::Journal);
    let found = desk.verify();
    let text = fault(&found);
    assert!(text.contains("the journal is gone"), "{text}");
    assert!(text.contains("goes on to input 90"), "{text}");
    assert!(text.contains("behind input 0"), "{text}");
    assert!(found.notes.is_empty(), "{:?}", found.notes);
    // Segments that were emptied are no journal either.
    desk.memory.put(&Stream::Journal.file_name(1), Vec::new());
    assert!(fault(&desk.verify()).contains("the journal is gone"));

    let mut desk = Desk::new();
    desk.run(90);
    desk.snapshot(0);
    desk.remove(Stream::Journal);
    desk.remove(Stream::Output);
    let found = desk.verify();
    let text = fault(&found);
    assert!(text.contains("snapshot 90 is there"), "{text}");
    assert!(text.contains("behind input 90"), "{text}");
}

#[test]
fn a_journal_whose_end_is_gone_is_told_by_the_output_log_alone() {
    let mut desk = Desk::new();
    desk.run(30);
    assert_eq!(journal_gone(&desk.disk).unwrap(), None);
    desk.put(36, 0, &Output::ClockJump(ClockJump { by_ns: 1 }));
    desk.log.sync().unwrap();
    let found = desk.verify();
    let text = fault(&found);
    assert!(text.contains("the journal ends at input 30"), "{text}");
    assert!(text.contains("goes on to input 36"), "{text}");
    assert_eq!(found.replayed, 30, "what is there is compared");
}

#[test]
fn an_output_log_that_is_gone_is_told_by_the_journal() {
    let mut desk = Desk::new();
    desk.remove(Stream::Output);
    let found = desk.verify();
    assert!(found.faults.is_empty(), "{:?}", found.faults);
    assert_eq!(found.notes, ["there is no output log yet"]);
    desk = Desk::new();
    desk.run(30);
    desk.remove(Stream::Output);
    let found = desk.verify();
    let text = fault(&found);
    assert!(text.contains("the output log is gone"), "{text}");
    assert!(text.contains("input 30"), "{text}");
}
