//! One producer to one consumer, 64 bytes, two pinned cores: round trip and throughput.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::utils::CachePadded;
use disruptor::{
    BusySpin, EventPoller, Producer, SingleConsumerBarrier, SingleProducer, SingleProducerBarrier,
    build_single_producer,
};
use hdrhistogram::Histogram;

use crate::clock::now_ns;
use crate::report::{Report, histogram, quantiles, rate, time};

/// Slots of every ring here.
const SLOTS: usize = 4_096;
/// Fruitless looks after which a waiting side gives its core away: with a core each it never comes
/// to that, on a shared one the bench still ends.
const SPINS_MAX: u32 = 20_000;

/// Most messages a receiver takes at once where a crate can: as the machine's stage does.
const BATCH_MAX: usize = 256;

/// What travels: one cache line.
type Line = [u64; 8];

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub round_trips: u64,
    pub messages: u64,
}

impl Size {
    pub const FULL: Self = Self {
        round_trips: 200_000,
        messages: 10_000_000,
    };
    pub const TINY: Self = Self {
        round_trips: 200,
        messages: 20_000,
    };
}

/// One direction of a hop.
trait Send1: Send + 'static {
    fn try_send(&mut self, line: Line) -> bool;
}
trait Receive1: Send + 'static {
    /// Hands over what is there, at most `limit`; says how many.
    fn take(&mut self, limit: usize, each: impl FnMut(&Line)) -> usize;

    fn try_receive(&mut self) -> Option<Line> {
        let mut found = None;
        self.take(1, |line| found = Some(*line));
        found
    }
}

/// A kind of hop.
struct Kind {
    name: &'static str,
    round_trip: fn(u64) -> Histogram<u64>,
    throughput: Option<fn(u64) -> u64>,
}

const KINDS: [Kind; 5] = [
    Kind {
        name: "bare cache line (floor)",
        round_trip: |count| round_trip(bare(), bare(), count),
        throughput: None,
    },
    Kind {
        name: "rtrb",
        round_trip: |count| round_trip(rtrb(), rtrb(), count),
        throughput: Some(|count| throughput(rtrb(), count)),
    },
    Kind {
        name: "disruptor",
        round_trip: |count| round_trip(ring(), ring(), count),
        throughput: Some(|count| throughput(ring(), count)),
    },
    Kind {
        name: "crossbeam ArrayQueue",
        round_trip: |count| round_trip(queue(), queue(), count),
        throughput: Some(|count| throughput(queue(), count)),
    },
    Kind {
        name: "crossbeam bounded channel",
        round_trip: |count| round_trip(channel(), channel(), count),
        throughput: Some(|count| throughput(channel(), count)),
    },
];

/// p50 of the bare cache line: what a hop cannot beat on this machine at this moment.
pub fn floor_ns(round_trips: u64) -> u64 {
    (KINDS[0].round_trip)(round_trips).value_at_quantile(0.5)
}

/// Measures all kinds and prints them with their ratio to the floor.
pub fn print(size: Size) {
    let mut report = Report::new("hop, one to one");
    let mut floor = 1.0;
    let mut rtrb_ns = 0;
    for kind in &KINDS {
        let trips = (kind.round_trip)(size.round_trips);
        let p50 = trips.value_at_quantile(0.5) as f64;
        if kind.throughput.is_none() {
            floor = p50.max(1.0);
        }
        let goal = if kind.name == "disruptor" {
            "round trip p50 ≤ 1.8 × floor"
        } else {
            ""
        };
        let beside = format!("{:.2} × floor", p50 / floor);
        report.row(
            &format!("{}: round trip p50 / p99 / p99.9 / max", kind.name),
            quantiles(&trips),
            beside,
            goal,
        );
        let Some(throughput) = kind.throughput else {
            continue;
        };
        let took = throughput(size.messages);
        if kind.name == "rtrb" {
            rtrb_ns = took;
        }
        let beside = format!("{:.2} × rtrb", rtrb_ns as f64 / took as f64);
        report.row(
            &format!("{}: throughput", kind.name),
            rate(size.messages, took),
            beside,
            "",
        );
    }
    report.note(format!(
        "64 bytes, one message a turn, spinning, pinned to two cores; a clock reading costs {}",
        time(crate::clock::reading_ns())
    ));
    report.note("left out: wake-ups, more than one producer, any work on the message");
    report.print();
}

fn pin(core: usize) {
    if let Some(cores) = core_affinity::get_core_ids()
        && let Some(id) = cores.get(core % cores.len().max(1))
    {
        core_affinity::set_for_current(*id);
    }
}

/// Looks until there is something.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let mut spins = 0;
    loop {
        if let Some(found) = look() {
            return found;
        }
        spins += 1;
        if spins % SPINS_MAX == 0 {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

fn round_trip<S: Send1, R: Receive1>(
    (mut there, mut there_end): (S, R),
    (mut back, mut back_end): (S, R),
    count: u64,
) -> Histogram<u64> {
    let echo = std::thread::spawn(move || {
        pin(1);
        for _ in 0..count {
            let line = until(|| there_end.try_receive());
            until(|| back.try_send(line).then_some(()));
        }
    });
    let pinger = std::thread::spawn(move || {
        pin(0);
        let mut trips = histogram();
        for number in 1..=count {
            let start = now_ns();
            until(|| there.try_send([number; 8]).then_some(()));
            let line = until(|| back_end.try_receive());
            trips.saturating_record(now_ns() - start);
            assert_eq!(line, [number; 8], "the message came back");
        }
        trips
    });
    echo.join().expect("the echo ends");
    pinger.join().expect("the pinger ends")
}

fn throughput<S: Send1, R: Receive1>((mut send, mut receive): (S, R), count: u64) -> u64 {
    let start = now_ns();
    let producer = std::thread::spawn(move || {
        pin(1);
        for number in 1..=count {
            until(|| send.try_send([number; 8]).then_some(()));
        }
    });
    let consumer = std::thread::spawn(move || {
        pin(0);
        let mut last = 0;
        while last < count {
            let mut check = |line: &Line| {
                last += 1;
                assert_eq!(line[7], last, "in order");
            };
            until(|| Some(receive.take(BATCH_MAX, &mut check)).filter(|taken| *taken > 0));
        }
    });
    producer.join().expect("the producer ends");
    consumer.join().expect("the consumer ends");
    now_ns() - start
}

/// For crates that have no batches.
fn take_one_by_one(
    limit: usize,
    mut each: impl FnMut(&Line),
    mut pop: impl FnMut() -> Option<Line>,
) -> usize {
    let mut count = 0;
    while count < limit {
        let Some(line) = pop() else {
            break;
        };
        each(&line);
        count += 1;
    }
    count
}

/// One word that is written by one side and read by the other.
struct BareWriter(Arc<CachePadded<AtomicU64>>);
struct BareReader(Arc<CachePadded<AtomicU64>>, u64);

fn bare() -> (BareWriter, BareReader) {
    let word = Arc::new(CachePadded::new(AtomicU64::new(0)));
    (BareWriter(word.clone()), BareReader(word, 0))
}

impl Send1 for BareWriter {
    fn try_send(&mut self, line: Line) -> bool {
        self.0.store(line[0], Ordering::Release);
        true
    }
}

impl Receive1 for BareReader {
    fn take(&mut self, _limit: usize, mut each: impl FnMut(&Line)) -> usize {
        let word = self.0.load(Ordering::Acquire);
        if word == self.1 {
            return 0;
        }
        self.1 = word;
        each(&[word; 8]);
        1
    }
}

fn rtrb() -> (rtrb::Producer<Line>, rtrb::Consumer<Line>) {
    rtrb::RingBuffer::new(SLOTS)
}

impl Send1 for rtrb::Producer<Line> {
    fn try_send(&mut self, line: Line) -> bool {
        self.push(line).is_ok()
    }
}

impl Receive1 for rtrb::Consumer<Line> {
    fn take(&mut self, limit: usize, mut each: impl FnMut(&Line)) -> usize {
        let count = self.slots().min(limit);
        let Ok(chunk) = self.read_chunk(count) else {
            return 0;
        };
        let (first, second) = chunk.as_slices();
        first.iter().chain(second).for_each(&mut each);
        chunk.commit_all();
        count
    }
}

struct RingWriter(SingleProducer<Line, SingleConsumerBarrier>);
struct RingReader(EventPoller<Line, SingleProducerBarrier>);

fn ring() -> (RingWriter, RingReader) {
    let builder = build_single_producer(SLOTS, || [0; 8], BusySpin);
    let (poller, builder) = builder.new_event_poller();
    (RingWriter(builder.build()), RingReader(poller))
}

impl Send1 for RingWriter {
    fn try_send(&mut self, line: Line) -> bool {
        self.0.try_publish(|slot| *slot = line).is_ok()
    }
}

impl Receive1 for RingReader {
    fn take(&mut self, limit: usize, mut each: impl FnMut(&Line)) -> usize {
        let Ok(mut batch) = self.0.take(limit as u64) else {
            return 0;
        };
        let mut count = 0;
        for line in &mut batch {
            each(line);
            count += 1;
        }
        count
    }
}

type Queue = Arc<crossbeam::queue::ArrayQueue<Line>>;

fn queue() -> (Queue, Queue) {
    let queue = Arc::new(crossbeam::queue::ArrayQueue::new(SLOTS));
    (queue.clone(), queue)
}

impl Send1 for Queue {
    fn try_send(&mut self, line: Line) -> bool {
        self.push(line).is_ok()
    }
}

impl Receive1 for Queue {
    fn take(&mut self, limit: usize, each: impl FnMut(&Line)) -> usize {
        take_one_by_one(limit, each, || self.pop())
    }
}

fn channel() -> (
    crossbeam::channel::Sender<Line>,
    crossbeam::channel::Receiver<Line>,
) {
    crossbeam::channel::bounded(SLOTS)
}

impl Send1 for crossbeam::channel::Sender<Line> {
    fn try_send(&mut self, line: Line) -> bool {
        crossbeam::channel::Sender::try_send(self, line).is_ok()
    }
}

impl Receive1 for crossbeam::channel::Receiver<Line> {
    fn take(&mut self, limit: usize, each: impl FnMut(&Line)) -> usize {
        take_one_by_one(limit, each, || self.try_recv().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hop_brings_every_message_in_order() {
        for kind in &KINDS {
            let trips = (kind.round_trip)(Size::TINY.round_trips);
            assert_eq!(trips.len(), Size::TINY.round_trips, "{}", kind.name);
            if let Some(throughput) = kind.throughput {
                assert!(throughput(Size::TINY.messages) > 0, "{}", kind.name);
            }
        }
    }
}
