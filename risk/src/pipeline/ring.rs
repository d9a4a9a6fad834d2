//! The inbound ring: many producers, two stages that read the same slots side by side.

use std::sync::Arc;

use disruptor::{
    BusySpin, EventPoller, MultiConsumerBarrier, MultiProducer, MultiProducerBarrier, Polling,
    Producer, build_multi_producer,
};

use super::doorbell::Doorbell;
use super::entry::Entry;

/// Slots of the inbound ring: 8,192 hold 8 ms at a million quotes a second, longer than a group
/// commit takes, in half a mebibyte.
pub const RING_SLOTS: usize = 8_192;

/// A producer's end; clone it for each producing thread.
#[derive(Clone)]
pub struct Writer {
    producer: MultiProducer<Entry, MultiConsumerBarrier>,
    bells: [Arc<Doorbell>; 2],
}

/// A stage's end.
pub struct Reader {
    poller: EventPoller<Entry, MultiProducerBarrier>,
    bell: Arc<Doorbell>,
}

/// What a look into the ring found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// So many entries were handed over.
    Read(usize),
    Empty,
    /// No producer is left.
    Closed,
}

/// Where a stage reads from. The benches put other topologies behind the same stages.
pub trait Source {
    /// Hands over every entry that is there, at most `limit`.
    fn read(&mut self, limit: usize, each: impl FnMut(&Entry)) -> Look;
    /// What is rung when there is something to read, if anybody rings.
    fn bell(&self) -> Option<Arc<Doorbell>> {
        None
    }
}

/// A ring with its one writing and two reading ends.
pub fn build(slots: usize) -> (Writer, Reader, Reader) {
    let builder = build_multi_producer(slots, Entry::default, BusySpin);
    let (journal, builder) = builder.new_event_poller();
    let (machine, builder) = builder.new_event_poller();
    let bells = [(); 2].map(|()| Arc::<Doorbell>::default());
    let [journal, machine] = [(journal, 0), (machine, 1)].map(|(poller, at)| Reader {
        poller,
        bell: bells[at].clone(),
    });
    let producer = builder.build();
    (Writer { producer, bells }, journal, machine)
}

impl Writer {
    /// Puts `entry` into the ring, or gives it back when every slot is taken.
    ///
    /// # Errors
    /// The entry, when the ring is full.
    pub fn try_push(&mut self, entry: Entry) -> Result<(), Entry> {
        let mut entry = Some(entry);
        let pushed = self.producer.try_publish(|slot| {
            if let Some(entry) = entry.take() {
                *slot = entry;
            }
        });
        match (pushed, entry) {
            (Err(_), Some(entry)) => Err(entry),
            _ => {
                Doorbell::ring_all(self.bells.iter().map(Arc::as_ref));
                Ok(())
            }
        }
    }
}

impl Source for Reader {
    fn read(&mut self, limit: usize, mut each: impl FnMut(&Entry)) -> Look {
        match self.poller.take(limit as u64) {
            Ok(mut batch) => {
                let mut count = 0;
                for entry in &mut batch {
                    each(entry);
                    count += 1;
                }
                Look::Read(count)
            }
            Err(Polling::NoEvents) => Look::Empty,
            Err(Polling::Shutdown) => Look::Closed,
        }
    }

    fn bell(&self) -> Option<Arc<Doorbell>> {
        Some(self.bell.clone())
    }
}
