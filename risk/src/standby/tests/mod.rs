//! A second machine that is right, and several that are deliberately wrong.

use std::sync::Arc;

use super::*;
use crate::event::{Checkpoint, ClockJump, Input, Mark};
use crate::ids::{InstrumentId, SourceId};
use crate::journal::{
    Cursor, Disk, Journal, MemoryDisk, Options, OutputLog, OutputOptions, Preparation,
};
use crate::units::{Price, Qty, Ratio, Ts};
use crate::view::{Ask, Reply, View};

/// How a machine is wrong, and at which input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Other(Seq),
    Silent(Seq),
    Loud(Seq),
    Mark(Seq),
    Hidden(Seq),
}

/// Gives a mark for every input and a durable output for every third.
struct Rig {
    fault: Fault,
    sum: u64,
    count: u64,
}

impl Rig {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            sum: 0,
            count: 0,
        }
    }
}

impl Decider for Rig {
    fn apply(&mut self, seq: Seq, input: &Input, outputs: &mut Vec<Output>) {
        let at = |fault: fn(Seq) -> Fault| self.fault == fault(seq);
        self.sum = self.sum.wrapping_mul(31).wrapping_add(input.ts().0);
        if at(Fault::Hidden) {
            self.sum ^= 1 << 63;
        }
        self.count += 1;
        outputs.push(Output::Mark(Mark {
            ts: input.ts(),
            instrument: InstrumentId(1),
            source: SourceId(1),
            bid: Price(100 + i64::from(at(Fault::Mark))),
            ask: Price(101),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            venue_lag_us: 0,
            count: self.count,
            day_change: Ratio(0),
        }));
        let jump = |by_ns| Output::ClockJump(ClockJump { by_ns });
        if seq.is_multiple_of(3) && !at(Fault::Silent) {
            outputs.push(jump(seq as i64 + i64::from(at(Fault::Other))));
        }
        if at(Fault::Loud) {
            outputs.push(jump(0));
        }
    }

    fn ask(&self, ask: &Ask) -> Reply {
        Reply {
            token: ask.token,
            seq: 0,
            now: Ts(0),
            view: View::NotFound,
        }
    }

    fn image(&self) -> (Vec<u8>, u64) {
        (self.sum.to_le_bytes().to_vec(), self.sum)
    }
}

/// The first machine with its journal and its log.
struct First {
    rig: Rig,
    seq: Seq,
    journal: Journal,
    log: OutputLog,
    marks: MarkDigest,
    points: Vec<MarkPoint>,
}

impl First {
    fn new() -> Self {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
        let options = Options {
            segment_bytes: 4_096,
            preparation: Preparation::Inline,
            ..Options::new(1, 1)
        };
        let log_options = OutputOptions {
            segment_bytes: 1_024,
            bytes_max: 1 << 30,
            fingerprint: 1,
            epoch: 1,
            first_seq: 1,
            journal_end: None,
            preparation: Preparation::Inline,
        };
        Self {
            rig: Rig::new(Fault::None),
            seq: 0,
            journal: Journal::open(disk.clone(), options).unwrap().0,
            log: OutputLog::open(disk, log_options).unwrap().0,
            marks: MarkDigest::default(),
            points: Vec::new(),
        }
    }

    fn run(&mut self, to: Seq) {
        let mut payload = Vec::new();
        for seq in self.seq + 1..=to {
            let input = Input::Clock(Ts(seq * 10));
            payload.clear();
            let kind = record::put_input(&input, &mut payload);
            self.journal.append(seq, kind, &payload).unwrap();
            let mut outputs = Vec::new();
            self.rig.apply(seq, &input, &mut outputs);
            for (index, output) in outputs.iter().enumerate() {
                if let Output::Mark(mark) = output {
                    self.points.extend(self.marks.add(seq, mark));
                    continue;
                }
                self.put(seq, index as u32, output);
            }
        }
        self.seq = to;
        self.journal.sync().unwrap();
        self.log.sync().unwrap();
    }

    fn put(&mut self, seq: Seq, index: u32, output: &Output) {
        let mut payload = Vec::new();
        let kind = record::put_output(Ts(seq * 10), output, &mut payload);
        self.log
            .append(Cursor { seq, index }, kind, &payload)
            .unwrap();
    }

    fn standby(&self, fault: Fault) -> Standby<Rig, Records> {
        let tail = self.journal.records(1).unwrap();
        Standby::new(Rig::new(fault), 0, tail, self.log.reader(), 0)
    }
}

/// Lets the standby go on until nothing is left to do.
fn follow<T: Tail>(standby: &mut Standby<Rig, T>) {
    loop {
        let applied = standby.apply(100, Seq::MAX).unwrap();
        if applied + standby.compare().unwrap() == 0 {
            return;
        }
    }
}

#[test]
fn a_right_machine_follows_compares_everything_and_gives_the_image() {
    let mut first = First::new();
    let mut standby = first.standby(Fault::None);
    for to in [10, 11, 5_000, 9_000] {
        first.run(to);
        follow(&mut standby);
        assert_eq!(standby.seq(), to);
        assert_eq!(standby.diverged(), None);
    }
    for point in first.points.clone() {
        standby.marks(point);
    }
    assert_eq!(standby.diverged(), None);
    assert_eq!(standby.compared(), 8_999, "input 9,000 may still go on");
    let state_hash = first.rig.sum;
    let at = Checkpoint {
        seq: 9_000,
        state_hash,
    };
    first.put(9_000, u32::MAX - 1, &Output::Checkpoint(at));
    first.log.sync().unwrap();
    follow(&mut standby);
    assert_eq!(standby.compared(), 9_000);
    assert_eq!(standby.state(8_999, 0), None, "it stands elsewhere");
    assert_eq!(standby.state(9_000, state_hash), Some(true));
    let (seq, bytes, hash) = standby.image().unwrap();
    assert_eq!((seq, hash), (9_000, state_hash));
    assert_eq!(bytes, state_hash.to_le_bytes());
}

#[test]
fn a_wrong_machine_is_told_at_the_right_input() {
    let cases = [
        (Fault::Other(300), 300, "output 1 (clock_jump) is another"),
        (Fault::Silent(303), 303, "does not give output 1"),
        (
            Fault::Loud(301),
            301,
            "only the second machine gives output 1",
        ),
        (
            Fault::Loud(300),
            300,
            "only the second machine gives output 2",
        ),
    ];
    for (fault, at, words) in cases {
        let mut first = First::new();
        first.run(1_000);
        let mut standby = first.standby(fault);
        follow(&mut standby);
        let found = standby.diverged().unwrap();
        assert_eq!(found.seq, at, "{fault:?}");
        let text = found.to_string();
        assert!(text.contains(&format!("standby diverged at input {at}")));
        assert!(text.contains(words), "{text}");
        assert!(standby.image().is_none(), "nobody knows who is right");
        assert_eq!(standby.apply(10, Seq::MAX).unwrap(), 0, "it stays there");
    }
}

#[test]
fn a_wrong_price_is_told_at_the_end_of_its_stretch() {
    let mut first = First::new();
    first.run(2 * MARKS_EVERY);
    let mut standby = first.standby(Fault::Mark(5_000));
    follow(&mut standby);
    assert_eq!(standby.diverged(), None, "prices stand in no log");
    for point in first.points.clone() {
        standby.marks(point);
    }
    let found = standby.diverged().unwrap();
    assert_eq!(found.seq, 2 * MARKS_EVERY);
    assert_eq!(found.what, Difference::Marks { after: MARKS_EVERY });
}

#[test]
fn a_state_that_has_not_shown_is_told_where_its_hash_is_asked_for() {
    let mut first = First::new();
    first.run(500);
    let state_hash = first.rig.sum;
    let mut standby = first.standby(Fault::Hidden(250));
    while standby.seq() < 500 {
        standby.apply(100, 500).unwrap();
        standby.compare().unwrap();
    }
    assert_eq!(standby.diverged(), None);
    assert_eq!(standby.state(500, state_hash), Some(false));
    let found = standby.diverged().unwrap();
    assert_eq!(found.seq, 500);
    assert!(matches!(found.what, Difference::State { .. }), "{found}");
}

#[test]
fn it_stops_where_it_is_told_and_waits_while_the_log_is_behind() {
    let mut first = First::new();
    first.run(1_000);
    let mut standby = first.standby(Fault::None);
    assert_eq!(standby.apply(usize::MAX, 600).unwrap(), 600);
    assert_eq!(standby.seq(), 600);
    // A log that does not grow: what waits for it is bounded.
    let mut behind = First::new();
    behind.run(1);
    let journal = &mut first;
    journal.run(4 * WAITING_MAX as Seq);
    let tail = journal.journal.records(1).unwrap();
    let log = behind.log.reader();
    let mut standby = Standby::new(Rig::new(Fault::None), 0, tail, log, 0);
    standby.apply(usize::MAX, Seq::MAX).unwrap();
    assert_eq!(standby.seq(), 3 * WAITING_MAX as Seq);
    assert_eq!(standby.apply(usize::MAX, Seq::MAX).unwrap(), 0);
}

#[test]
fn a_log_that_was_trimmed_is_compared_from_where_it_begins() {
    let mut first = First::new();
    first.run(1_000);
    first
        .log
        .consumers()
        .set_cursor("all", first.log.durable())
        .unwrap();
    first.log.trim().unwrap();
    assert!(first.log.consumers().from().seq > 600);
    let mut standby = first.standby(Fault::Other(300));
    follow(&mut standby);
    assert_eq!(standby.diverged(), None);
    assert_eq!((standby.skips(), standby.seq()), (1, 1_000));
    let mut standby = first.standby(Fault::Other(999));
    follow(&mut standby);
    assert_eq!(standby.diverged().unwrap().seq, 999);
}
