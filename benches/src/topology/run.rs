//! One topology under one load.

use std::sync::Arc;

use hdrhistogram::Histogram;
use siaga_risk::event::{Input, Mark, Output, Seq};
use siaga_risk::pipeline::{
    Decider, Durable, Entry, Idle, Leaving, OUTBOUND_SLOTS, Recorder, Sink, Wait, journal, machine,
};
use siaga_risk::record;
use siaga_risk::units::{Ratio, Ts};
use siaga_risk::view::{Ask, Reply, View};

use super::load::{Folds, Load, PRODUCERS, put};
use super::shapes::Topology;
use crate::clock::now_ns;
use crate::report::histogram;

/// What a run gave.
pub struct Outcome {
    /// Tick to egress, nanoseconds.
    pub latency: Histogram<u64>,
    pub count: u64,
    pub took_ns: u64,
    /// What was decided.
    pub hash: u64,
}

/// Runs a load through a topology.
///
/// # Panics
/// When a stage lost or reordered something.
pub fn run<T: Topology>(load: Load, wait: Wait) -> Outcome {
    let ends = T::build(usize::from(PRODUCERS), wait);
    let durable = Arc::new(Durable::new(0));
    let (out, outbox) = rtrb::RingBuffer::new(OUTBOUND_SLOTS);
    let (for_journal, for_machine) = (ends.journal, ends.machine);
    let watermark = durable.clone();
    let journal = std::thread::spawn(move || {
        let fail = |reason: String| panic!("nothing is written, so nothing fails: {reason}");
        journal(for_journal, Encoder::default(), &watermark, 0, wait, fail)
    });
    let machine = std::thread::spawn(move || {
        let mut sink = Outbound { ring: out, wait };
        machine(for_machine, Fold::default(), &mut sink, 0, wait)
    });
    let egress = std::thread::spawn(move || drain(outbox, wait));
    let start = now_ns();
    let producers: Vec<_> = ends
        .doors
        .into_iter()
        .zip(0u16..)
        .map(|(mut door, producer)| {
            std::thread::spawn(move || {
                load.produce(producer, &mut door);
                door
            })
        })
        .collect();
    let mut doors: Vec<_> = producers
        .into_iter()
        .map(|producer| producer.join().expect("a producer ends"))
        .collect();
    put(&mut doors[0], Entry::Stop);
    let latency = egress.join().expect("egress ends");
    let took_ns = now_ns() - start;
    let fold = machine.join().expect("the machine's stage ends");
    let encoder = journal.join().expect("the journal's stage ends");
    if let Some(sequencer) = ends.sequencer {
        sequencer.join().expect("the sequencer ends");
    }
    let count = load.quotes * u64::from(PRODUCERS);
    assert_eq!(
        (latency.len(), fold.count, durable.seq()),
        (count, count, count)
    );
    assert_eq!(encoder.order, fold.order, "both stages saw one order");
    Outcome {
        latency,
        count,
        took_ns,
        hash: fold.folds.hash(),
    }
}

fn drain(mut outbox: rtrb::Consumer<Leaving>, wait: Wait) -> Histogram<u64> {
    let (mut latency, mut idle) = (histogram(), Idle::new(wait));
    loop {
        match outbox.pop() {
            Ok(Leaving::Mark(_, mark)) => {
                latency.saturating_record(now_ns().saturating_sub(mark.ts.0));
                idle.reset();
            }
            Ok(Leaving::End(_)) => return latency,
            Ok(_) => {}
            Err(_) => idle.wait(),
        }
    }
}

/// The outbound ring, the same in all topologies.
struct Outbound {
    ring: rtrb::Producer<Leaving>,
    wait: Wait,
}

impl Sink for Outbound {
    fn put(&mut self, leaving: Leaving) -> u64 {
        let (mut leaving, mut idle, mut turns) = (leaving, Idle::new(self.wait), 0);
        while let Err(rtrb::PushError::Full(back)) = self.ring.push(leaving) {
            leaving = back;
            turns += 1;
            idle.wait();
        }
        turns
    }
}

/// The journal's work without the disk: encode and checksum.
#[derive(Default)]
struct Encoder {
    payload: Vec<u8>,
    checksum: u32,
    order: u64,
}

impl Recorder for Encoder {
    fn append(&mut self, _seq: Seq, input: &Input) -> Result<(), String> {
        self.payload.clear();
        record::put_input(input, &mut self.payload);
        self.checksum = crc32c::crc32c_append(self.checksum, &self.payload);
        self.order = order(self.order, input);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), String> {
        std::hint::black_box(self.checksum);
        Ok(())
    }
}

/// Decides next to nothing: what is measured is the way.
#[derive(Default)]
struct Fold {
    folds: Folds,
    order: u64,
    count: u64,
}

impl Decider for Fold {
    fn apply(&mut self, _seq: Seq, input: &Input, outputs: &mut Vec<Output>) {
        let Input::Quote(quote) = input else {
            return;
        };
        self.folds.quote(quote);
        self.order = order(self.order, input);
        self.count += 1;
        outputs.push(Output::Mark(Mark {
            ts: quote.ts,
            instrument: quote.instrument,
            source: quote.source,
            bid: quote.bid,
            ask: quote.ask,
            bid_qty: quote.bid_qty,
            ask_qty: quote.ask_qty,
            venue_lag_us: quote.venue_lag_us,
            count: self.count,
            day_change: Ratio(0),
        }));
    }

    fn ask(&self, ask: &Ask) -> Reply {
        Reply {
            token: ask.token,
            seq: self.count,
            now: Ts(0),
            view: View::NotFound,
        }
    }

    fn image(&self) -> (Vec<u8>, u64) {
        (Vec::new(), self.folds.hash())
    }
}

fn order(before: u64, input: &Input) -> u64 {
    (before ^ input.ts().0)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(17)
}
