//! A second machine that stops is tried once more, and writes snapshots only once a fresh one has passed the place.

use siaga_risk::event::{Body, Checkpoint, ClockJump, Output};
use siaga_risk::journal::{
    Cursor, Disk, Journal, MemoryDisk, Options, OutputLog, OutputOptions, Preparation,
};
use siaga_risk::pipeline::ring::{self, Reader};
use siaga_risk::record;
use siaga_risk::units::Ts;

use super::*;
use crate::config::Data;
use crate::desk::market::command;

const SEGMENT_BYTES: u32 = 4_096;

/// The first machine with its journal and its log.
struct First {
    disk: Arc<dyn Disk>,
    journal: Journal,
    log: OutputLog,
    machine: Machine,
    seq: Seq,
}

impl First {
    fn new() -> First {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            preparation: Preparation::Inline,
            ..Options::new(Machine::FINGERPRINT, 1)
        };
        let log_options = OutputOptions {
            segment_bytes: SEGMENT_BYTES,
            bytes_max: 1 << 30,
            fingerprint: Machine::FINGERPRINT,
            epoch: 1,
            first_seq: 1,
            journal_end: None,
            preparation: Preparation::Inline,
        };
        First {
            journal: Journal::open(disk.clone(), options).expect("opened").0,
            log: OutputLog::open(disk.clone(), log_options)
                .expect("opened")
                .0,
            disk,
            machine: Machine::new(),
            seq: 0,
        }
    }

    /// Decides inputs up to `to`; at `wrong` the log gets another output than the machine gives.
    fn run(&mut self, to: Seq, wrong: Seq) {
        let mut payload = Vec::new();
        for seq in self.seq + 1..=to {
            let jump = ClockJump { by_ns: seq as i64 };
            let input = command(Ts(seq * SECOND_NS), Body::ClockJump(jump));
            payload.clear();
            let kind = record::put_input(&input, &mut payload);
            self.journal.append(seq, kind, &payload).expect("appended");
            let mut outputs = Vec::new();
            self.machine.apply(seq, &input, &mut outputs);
            for (index, output) in outputs.into_iter().enumerate() {
                let other = Output::ClockJump(ClockJump { by_ns: -1 });
                let output = if seq == wrong { other } else { output };
                self.put(seq, index as u32, &output);
            }
        }
        self.seq = to;
        self.journal.sync().expect("synced");
        self.log.sync().expect("synced");
    }

    fn put(&mut self, seq: Seq, index: u32, output: &Output) {
        let mut payload = Vec::new();
        let kind = record::put_output(Ts(seq * SECOND_NS), output, &mut payload);
        let at = Cursor { seq, index };
        self.log.append(at, kind, &payload).expect("appended");
    }

    /// What egress writes when a snapshot of the present state is to be kept.
    fn checkpoint(&mut self) {
        let (seq, state_hash) = (self.seq, self.machine.state_hash());
        let checkpoint = Output::Checkpoint(Checkpoint { seq, state_hash });
        self.put(seq, u32::MAX - 1, &checkpoint);
        self.log.sync().expect("synced");
    }
}

/// The thread's work without the thread, and the ends of its channels.
struct Behind {
    thread: StandbyThread,
    turns: Turns,
    tells: Sender<Told>,
    heard: mpsc::Receiver<Notice>,
    _asked: Receiver<Asked>,
    _ring: (Reader, Reader),
}

impl Behind {
    fn new(first: &First) -> Behind {
        let (tells, told) = crossbeam::channel::bounded(8);
        let (asks, asked) = crossbeam::channel::bounded(8);
        let (notices, heard) = mpsc::channel(8);
        let (writer, journal, machine) = ring::build(64);
        let clock = Arc::new(Clock::start());
        let thread = StandbyThread {
            enabled: true,
            files: first.journal.files(),
            consumers: first.log.consumers(),
            snapshots: Snapshots::new(first.disk.clone()),
            rules_epoch: 1,
            last: 0,
            segment_bytes: u64::from(SEGMENT_BYTES),
            room: Room::new(&Data::default(), clock.clone()),
            clock,
            told,
            inbox: Inbox::new(writer),
            asks,
            checkpointed: Arc::default(),
            notices,
            figures: Arc::default(),
            again_after_ns: 0,
            stop: Arc::default(),
        };
        Behind {
            turns: thread.turns(),
            thread,
            tells,
            heard,
            _asked: asked,
            _ring: (journal, machine),
        }
    }

    /// Goes on until nothing is left to do.
    fn go_on(&mut self) {
        let begun = self.thread.begin_when_due(&mut self.turns);
        begun.expect("a machine is made");
        while self.thread.turn(&mut self.turns).expect("it follows") {}
    }

    fn diverged(&self) -> Seq {
        self.thread.figures.diverged.load(Ordering::Relaxed)
    }

    fn snapshots(&self) -> usize {
        self.thread.snapshots.sequences().expect("listed").len()
    }

    /// What was told since, in a word each.
    fn heard(&mut self) -> Vec<(&'static str, Seq)> {
        let mut heard = Vec::new();
        while let Ok(notice) = self.heard.try_recv() {
            heard.push(match notice {
                Notice::Standby { input, .. } => ("stopped", input),
                Notice::StandbyFollows { input } => ("follows", input),
                other => panic!("{other:?}"),
            });
        }
        heard
    }
}

#[test]
fn a_fresh_machine_that_agrees_behind_the_place_goes_on_with_snapshots() {
    let mut first = First::new();
    first.run(50, 0);
    let mut behind = Behind::new(&first);
    // As if a bit had fallen over in one of the two.
    let wrong = first.machine.state_hash() ^ 1;
    behind.tells.send(Told::State(50, wrong)).expect("room");
    behind.go_on();
    assert_eq!(
        (behind.diverged(), behind.heard()),
        (50, vec![("stopped", 50)])
    );
    assert!(behind.turns.second.is_none());

    first.run(400, 0);
    first.checkpoint();
    behind
        .thread
        .checkpointed
        .store(first.seq, Ordering::Relaxed);
    behind.go_on();
    assert_eq!(behind.diverged(), 50, "its outputs alone prove nothing");
    assert_eq!(behind.snapshots(), 0);

    let right = first.machine.state_hash();
    behind.tells.send(Told::State(400, right)).expect("room");
    behind.go_on();
    assert_eq!(
        (behind.diverged(), behind.heard()),
        (0, vec![("follows", 400)])
    );
    // The image is taken, its checkpoint asked for, and then it is written.
    behind.go_on();
    behind.go_on();
    assert_eq!(behind.snapshots(), 1);
}

#[test]
fn a_fresh_machine_that_stops_at_the_same_place_is_the_last() {
    let mut first = First::new();
    first.run(400, 40);
    let mut behind = Behind::new(&first);
    behind.go_on();
    assert_eq!(behind.heard(), [("stopped", 40)]);
    behind.go_on();
    assert_eq!(behind.heard(), [("stopped", 40)], "once more");
    first.run(800, 0);
    for _ in 0..3 {
        behind.go_on();
    }
    assert!(behind.turns.second.is_none());
    assert_eq!((behind.diverged(), behind.snapshots()), (40, 0));
    assert!(behind.heard().is_empty());
    behind.thread.remind(&behind.turns);
    let Ok(Notice::Standby { input: 40, reason }) = behind.heard.try_recv() else {
        panic!("it is said again");
    };
    assert!(reason.contains("MiB of journal"), "{reason}");
}
