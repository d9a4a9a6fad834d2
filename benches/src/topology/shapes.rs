//! The three topologies behind one interface.

use std::thread::JoinHandle;

use crossbeam::channel;
use siaga_risk::pipeline::ring::{self, Look, Reader, Source, Writer};
use siaga_risk::pipeline::{Entry, Idle, Wait};

/// Slots of every ring.
const SLOTS: usize = ring::RING_SLOTS;
/// Most entries a sequencer takes from one producer before it looks at the next.
const TURN_MAX: usize = 64;

/// A producer's end.
pub trait Door: Send + 'static {
    /// Puts an entry in, or gives it back when there is no room.
    ///
    /// # Errors
    /// The entry.
    fn try_push(&mut self, entry: Entry) -> Result<(), Entry>;
}

/// A way from the producers to both stages.
pub trait Topology {
    type Door: Door;
    type Stage: Source + Send + 'static;
    /// Builds it for so many producers.
    fn build(producers: usize, wait: Wait) -> Ends<Self::Door, Self::Stage>;
}

/// The ends of a topology. A `Stop` from the first door, after the other producers have ended, is
/// the last entry both stages see.
pub struct Ends<D, S> {
    pub doors: Vec<D>,
    pub journal: S,
    pub machine: S,
    pub sequencer: Option<JoinHandle<()>>,
}

/// (a) The product's ring.
pub struct Ring;

impl Topology for Ring {
    type Door = Writer;
    type Stage = Reader;

    fn build(producers: usize, _wait: Wait) -> Ends<Writer, Reader> {
        let (writer, journal, machine) = ring::build(SLOTS);
        Ends {
            doors: vec![writer; producers],
            journal,
            machine,
            sequencer: None,
        }
    }
}

impl Door for Writer {
    fn try_push(&mut self, entry: Entry) -> Result<(), Entry> {
        Writer::try_push(self, entry)
    }
}

/// (b) One `rtrb` from each producer, a sequencing thread, two `rtrb` out.
pub struct Rings;

/// The reading end of an `rtrb` as a stage's source.
pub struct Popped(rtrb::Consumer<Entry>);

impl Topology for Rings {
    type Door = rtrb::Producer<Entry>;
    type Stage = Popped;

    fn build(producers: usize, wait: Wait) -> Ends<Self::Door, Popped> {
        let (doors, inner): (Vec<_>, Vec<_>) = (0..producers)
            .map(|_| rtrb::RingBuffer::new(SLOTS / producers))
            .unzip();
        let (to_journal, journal) = rtrb::RingBuffer::new(SLOTS);
        let (to_machine, machine) = rtrb::RingBuffer::new(SLOTS);
        let sequencer = std::thread::spawn(move || sequence(inner, to_journal, to_machine, wait));
        Ends {
            doors,
            journal: Popped(journal),
            machine: Popped(machine),
            sequencer: Some(sequencer),
        }
    }
}

impl Door for rtrb::Producer<Entry> {
    fn try_push(&mut self, entry: Entry) -> Result<(), Entry> {
        self.push(entry)
            .map_err(|rtrb::PushError::Full(entry)| entry)
    }
}

impl Source for Popped {
    fn read(&mut self, limit: usize, mut each: impl FnMut(&Entry)) -> Look {
        let closed = self.0.is_abandoned();
        let count = self.0.slots().min(limit);
        let Ok(chunk) = self.0.read_chunk(count) else {
            return Look::Empty;
        };
        let (first, second) = chunk.as_slices();
        first.iter().chain(second).for_each(&mut each);
        chunk.commit_all();
        match (count, closed) {
            (0, true) => Look::Closed,
            (0, false) => Look::Empty,
            (count, _) => Look::Read(count),
        }
    }
}

fn sequence(
    mut inner: Vec<rtrb::Consumer<Entry>>,
    mut to_journal: rtrb::Producer<Entry>,
    mut to_machine: rtrb::Producer<Entry>,
    wait: Wait,
) {
    let (mut idle, mut stop) = (Idle::new(wait), false);
    loop {
        let mut taken = 0;
        for ring in &mut inner {
            let count = ring.slots().min(TURN_MAX);
            let Ok(chunk) = ring.read_chunk(count) else {
                continue;
            };
            taken += count;
            for entry in chunk {
                if entry == Entry::Stop {
                    stop = true;
                    continue;
                }
                push_waiting(&mut to_journal, entry.clone());
                push_waiting(&mut to_machine, entry);
            }
        }
        if taken > 0 {
            idle.reset();
        } else if stop {
            // The other producers had ended before the stop was sent, and nothing is left of theirs.
            push_waiting(&mut to_journal, Entry::Stop);
            push_waiting(&mut to_machine, Entry::Stop);
            return;
        } else {
            idle.wait();
        }
    }
}

/// (c) A bounded channel from all producers, a sequencing thread, two bounded channels out.
pub struct Channels;

/// The receiving end of a channel as a stage's source.
pub struct Received(channel::Receiver<Entry>);

impl Topology for Channels {
    type Door = channel::Sender<Entry>;
    type Stage = Received;

    fn build(producers: usize, wait: Wait) -> Ends<Self::Door, Received> {
        let (door, inner) = channel::bounded::<Entry>(SLOTS);
        let (mut to_journal, journal) = channel::bounded(SLOTS);
        let (mut to_machine, machine) = channel::bounded(SLOTS);
        let sequencer = std::thread::spawn(move || {
            let mut idle = Idle::new(wait);
            loop {
                let Ok(entry) = inner.try_recv() else {
                    idle.wait();
                    continue;
                };
                idle.reset();
                let stop = entry == Entry::Stop;
                push_waiting(&mut to_journal, entry.clone());
                push_waiting(&mut to_machine, entry);
                if stop {
                    return;
                }
            }
        });
        Ends {
            doors: vec![door; producers],
            journal: Received(journal),
            machine: Received(machine),
            sequencer: Some(sequencer),
        }
    }
}

impl Door for channel::Sender<Entry> {
    fn try_push(&mut self, entry: Entry) -> Result<(), Entry> {
        self.try_send(entry)
            .map_err(channel::TrySendError::into_inner)
    }
}

impl Source for Received {
    fn read(&mut self, limit: usize, mut each: impl FnMut(&Entry)) -> Look {
        let mut count = 0;
        while count < limit {
            match self.0.try_recv() {
                Ok(entry) => each(&entry),
                Err(channel::TryRecvError::Disconnected) if count == 0 => return Look::Closed,
                Err(_) => break,
            }
            count += 1;
        }
        if count == 0 {
            Look::Empty
        } else {
            Look::Read(count)
        }
    }
}

fn push_waiting(door: &mut impl Door, entry: Entry) {
    super::load::put(door, entry);
}
