//! The durable stream of orders and alerts: its newest part in memory, read by cursors.
//!
//! Nothing is queued per client: each socket keeps its own position, so a slow one costs nothing and loses nothing until it falls
//! out of what is held; then it is told so and closed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use bytes::Bytes;
use siaga_risk::event::OrderChange;
use siaga_risk::ids::{AccountId, OrderId};
use tokio::sync::watch;

use super::core::AlertRecord;

/// Durable events held for resuming clients: about an hour of a lively desk, 20 MB.
pub const EVENTS_HELD: usize = 65_536;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // nearly all are orders, and each event has its own allocation already
pub enum EventBody {
    Order(OrderChange),
    Alert(Box<AlertRecord>),
}

/// A durable event and its number.
#[derive(Debug)]
pub struct Event {
    /// Position in the stream: how many events its history had told with it, so it is exact in every client's numbers.
    pub number: u64,
    pub body: EventBody,
    /// Its text, written once by whoever needs it first and shared by all.
    pub text: OnceLock<Bytes>,
}

/// The held part. Durable events come from the one follower of the output log, what is told outside it from whoever tells it.
pub struct Events {
    held: Mutex<VecDeque<Arc<Event>>>,
    /// Number of the newest event.
    tip: watch::Sender<u64>,
    /// Everything up to this number is no longer held.
    floor: AtomicU64,
    capacity: usize,
}

impl Default for Events {
    fn default() -> Events {
        Events::new(EVENTS_HELD)
    }
}

impl Events {
    pub fn new(capacity: usize) -> Events {
        Events {
            held: Mutex::new(VecDeque::new()),
            tip: watch::Sender::new(0),
            floor: AtomicU64::new(0),
            capacity: capacity.max(1),
        }
    }

    /// Says that `number` events were told before and are not held: call it once at a start, before the first `push`.
    pub fn starts_after(&self, number: u64) {
        self.floor.store(number, Ordering::Release);
        self.tip.send_modify(|tip| *tip = number.max(*tip));
    }

    /// Appends the next event and returns its number.
    pub fn push(&self, body: EventBody) -> u64 {
        let mut held = self.lock();
        let number = self.tip() + 1;
        if held.len() == self.capacity
            && let Some(oldest) = held.pop_front()
        {
            self.floor.store(oldest.number, Ordering::Release);
        }
        held.push_back(Arc::new(Event {
            number,
            body,
            text: OnceLock::new(),
        }));
        // Under the lock: two that push would otherwise take one number.
        self.tip.send_replace(number);
        number
    }

    /// Number of the newest event.
    pub fn tip(&self) -> u64 {
        *self.tip.borrow()
    }

    /// Up to `max` events after `cursor`, oldest first; `None` when some of them are no longer held.
    pub fn after(&self, cursor: u64, max: usize) -> Option<Vec<Arc<Event>>> {
        let held = self.lock();
        if cursor < self.floor.load(Ordering::Acquire) {
            return None;
        }
        let start = held.partition_point(|event| event.number <= cursor);
        Some(held.range(start..).take(max).cloned().collect())
    }

    /// How many held events come after `cursor`.
    pub fn behind(&self, cursor: u64) -> usize {
        let held = self.lock();
        held.len() - held.partition_point(|event| event.number <= cursor)
    }

    /// Newest state of each held order of an account, newest order first.
    pub fn orders(
        &self,
        account: AccountId,
        before: Option<u64>,
        limit: usize,
    ) -> Vec<OrderChange> {
        let mut newest = std::collections::BTreeMap::new();
        for event in self.lock().iter() {
            if let EventBody::Order(change) = &event.body
                && change.order.account == account
                && before.is_none_or(|id| change.id.0 < id)
            {
                newest.insert(change.id, *change);
            }
        }
        newest.into_values().rev().take(limit).collect()
    }

    /// The newest state of an order, when it is held.
    pub fn order(&self, id: OrderId) -> Option<OrderChange> {
        self.lock()
            .iter()
            .rev()
            .find_map(|event| match &event.body {
                EventBody::Order(change) if change.id == id => Some(*change),
                _ => None,
            })
    }

    /// Tells of each new tip.
    pub fn tips(&self) -> watch::Receiver<u64> {
        self.tip.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        // A panic elsewhere cannot leave the queue half changed: every change is one call.
        self.held
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
