//! A million accounts behind the ring: journal, machine and egress on their threads, an open loop in front.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hdrhistogram::Histogram;
use siaga_risk::event::{Input, Seq};
use siaga_risk::journal::{Cursor, Disk, FileDisk, Journal, Options, OutputLog};
use siaga_risk::machine::{FINGERPRINT, Machine};
use siaga_risk::pipeline::{self, Durable, Idle, Leaving, Numbered, Outbox, Wait};
use siaga_risk::record;

use super::mixes::Stand;
use super::walk::{CALM_PPM, STEP_NS};
use crate::clock::now_ns;
use crate::report;
use crate::throughput::{open_log, stages::Recording};

/// Most outputs taken before the waiting ones are looked at again.
const TAKE_MAX: usize = 4_096;

/// What an open loop gave.
pub struct Flow {
    pub quotes: u64,
    pub took_ns: u64,
    /// From the time a quote was due to be sent until its mark left egress.
    pub marks: Histogram<u64>,
    /// The same until an output was in the synced output log.
    pub durable: Histogram<u64>,
    pub machine: Machine,
    pub directory: tempfile::TempDir,
    pub first: Seq,
}

/// When each input was due: the schedule of the open loop.
#[derive(Clone)]
struct Schedule {
    start_ns: Arc<AtomicU64>,
    first: Seq,
    every_ns: u64,
}

impl Schedule {
    fn late_ns(&self, seq: Seq) -> u64 {
        let due = self.start_ns.load(Ordering::Relaxed) + (seq - self.first) * self.every_ns;
        now_ns().saturating_sub(due)
    }
}

/// Sends `quotes` calm quotes, one every `every_ns`, whether or not anybody keeps up, and waits until all have left.
///
/// # Panics
/// When anything is lost.
pub fn open_loop(mut stand: Stand, quotes: u64, every_ns: u64, segment_bytes: u32) -> Flow {
    let directory = crate::throughput::data_directory();
    let disk: Arc<dyn Disk> = FileDisk::new(directory.path()).expect("the directory is there");
    let first = stand.seq + 1;
    let (journal, _) =
        Journal::open(disk.clone(), options(segment_bytes, first)).expect("an empty journal opens");
    let log = open_log(disk, segment_bytes, first);
    let durable = Arc::new(Durable::new(stand.seq));
    let wait = Wait::default();
    let schedule = Schedule {
        start_ns: Arc::new(AtomicU64::new(0)),
        first,
        every_ns,
    };
    let (pipeline, mut inbox, outbox) = pipeline::start(
        stand.machine,
        Recording::new(journal),
        durable.clone(),
        stand.seq,
        pipeline::Options {
            wait,
            ..pipeline::Options::default()
        },
        |reason| panic!("the journal failed: {reason}"),
    )
    .expect("threads start");
    let leaving = {
        let (durable, schedule) = (durable.clone(), schedule.clone());
        std::thread::spawn(move || egress(outbox, log, &durable, &schedule, wait))
    };
    let start = now_ns() + 1_000_000;
    schedule.start_ns.store(start, Ordering::Relaxed);
    let mut idle = Idle::new(Wait::Yield);
    for number in 0..quotes {
        let (at, ts) = (stand.walk.pick(), stand.ts.plus(STEP_NS * (number + 1)));
        let quote = stand.walk.tick(at, CALM_PPM, ts);
        while now_ns() < start + number * every_ns {
            std::hint::spin_loop();
        }
        // A full ring is waited for: every quote is to be decided, and the wait counts as its latency.
        while inbox.input(quote.clone()).is_err() {
            idle.wait();
        }
        idle.reset();
    }
    let (machine, recording) = pipeline.stop();
    let (marks, logged, last) = leaving.join().expect("egress ends");
    let took_ns = now_ns() - start;
    assert_eq!(
        (last, durable.seq()),
        (first + quotes - 1, first + quotes - 1)
    );
    assert_eq!(marks.len(), quotes, "every quote marks");
    recording.journal.close().expect("the journal closes");
    Flow {
        quotes,
        took_ns,
        marks,
        durable: logged,
        machine,
        directory,
        first,
    }
}

fn options(segment_bytes: u32, first_seq: Seq) -> Options {
    Options {
        segment_bytes,
        first_seq,
        ..Options::new(FINGERPRINT, 0)
    }
}

fn egress(
    mut outbox: Outbox,
    mut log: OutputLog,
    durable: &Durable,
    schedule: &Schedule,
    wait: Wait,
) -> (Histogram<u64>, Histogram<u64>, Seq) {
    let (mut marks, mut logged) = (report::histogram(), report::histogram());
    let mut pending: VecDeque<Box<Numbered>> = VecDeque::new();
    let (mut payload, mut idle, mut end) = (Vec::with_capacity(512), Idle::new(wait), None);
    while end.is_none() || !pending.is_empty() {
        let mut taken = 0;
        while taken < TAKE_MAX {
            let Ok(leaving) = outbox.pop() else {
                break;
            };
            taken += 1;
            match leaving {
                Leaving::Mark(seq, mark) => {
                    std::hint::black_box(&mark);
                    marks.saturating_record(schedule.late_ns(seq));
                }
                Leaving::Output(numbered) if numbered.output.is_durable() => {
                    pending.push_back(numbered)
                }
                Leaving::End(seq) => end = Some(seq),
                _ => {}
            }
        }
        let ready = pending.partition_point(|numbered| numbered.key.seq <= durable.seq());
        for numbered in pending.range(..ready) {
            payload.clear();
            let kind = record::put_output(numbered.ts, &numbered.output, &mut payload);
            let (seq, index) = (numbered.key.seq, numbered.key.index);
            log.append(Cursor { seq, index }, kind, &payload)
                .expect("the output log takes outputs in order");
        }
        if ready > 0 {
            log.sync().expect("the output log syncs");
            for numbered in pending.drain(..ready) {
                logged.saturating_record(schedule.late_ns(numbered.key.seq));
            }
        }
        if taken == 0 && ready == 0 {
            idle.wait();
        } else {
            idle.reset();
        }
    }
    log.close().expect("the output log closes");
    (marks, logged, end.unwrap_or(0))
}

/// The control: generator and machine in one thread on the same schedule, so what is late is the scheduler's doing.
pub fn control(stand: &mut Stand, quotes: u64, every_ns: u64) -> Histogram<u64> {
    let mut late = report::histogram();
    let mut out = Vec::with_capacity(64);
    let start = now_ns();
    for number in 0..quotes {
        stand.ts = stand.ts.plus(STEP_NS);
        let at = stand.walk.pick();
        let quote = stand.walk.tick(at, CALM_PPM, stand.ts);
        let due = start + number * every_ns;
        while now_ns() < due {
            std::hint::spin_loop();
        }
        stand.apply(&quote, &mut out);
        late.saturating_record(now_ns().saturating_sub(due));
    }
    late
}

/// What a replay of the flow's journal gave.
pub struct Replay {
    pub inputs: u64,
    pub reading_ns: u64,
    pub took_ns: u64,
}

/// Reads the journal of a flow: once reading and decoding alone, once through a machine that stands where it began.
///
/// # Panics
/// When the replay arrives at another state.
pub fn replay(flow: &Flow, mut machine: Machine, segment_bytes: u32) -> Replay {
    let disk: Arc<dyn Disk> = FileDisk::new(flow.directory.path()).expect("the directory is there");
    let (journal, _) =
        Journal::open(disk, options(segment_bytes, flow.first)).expect("a closed journal opens");
    let through = |apply: &mut dyn FnMut(Seq, &Input)| {
        let start = now_ns();
        let mut records = journal.records(flow.first).expect("it has records");
        let mut inputs = 0;
        while let Some(found) = records.next().expect("a closed journal is whole") {
            let input = record::get_input(found.kind, found.payload).expect("records decode");
            apply(found.seq, &input);
            inputs += 1;
        }
        (inputs, now_ns() - start)
    };
    let (_, reading_ns) = through(&mut |_, input| {
        std::hint::black_box(input);
    });
    let mut outputs = Vec::with_capacity(64);
    let (inputs, took_ns) = through(&mut |seq, input| {
        machine.apply(seq, input, &mut outputs);
        outputs.clear();
    });
    assert_eq!(
        machine.state_hash(),
        flow.machine.state_hash(),
        "the replay agrees"
    );
    Replay {
        inputs,
        reading_ns,
        took_ns,
    }
}
