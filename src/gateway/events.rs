//! The durable stream of orders and alerts: its newest part in memory, read by cursors.
//!
//! Nothing is queued per client: each socket keeps its own position, so a slow one costs nothing and loses nothing until it falls
//! out of what is held; then it is told so and closed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use bytes::Bytes;
use siaga_risk::event::{OrderChange, OutputKey};
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
    /// Its place in the output log; absent of what is told outside it.
    output: Option<OutputKey>,
    /// Its text, written once by whoever needs it first and shared by all.
    pub text: OnceLock<Bytes>,
}

/// The held part. Durable events come from the one follower of the output log, what is told outside it from whoever tells it.
pub struct Events {
    held: Mutex<Held>,
    /// Number of the newest event.
    tip: watch::Sender<u64>,
    /// Everything up to this number is no longer held.
    floor: AtomicU64,
    capacity: usize,
}

#[derive(Default)]
struct Held {
    events: VecDeque<Arc<Event>>,
    /// Up to this output nothing of the log is held.
    forgotten: OutputKey,
    /// The newest output that was told here.
    newest: OutputKey,
}

/// Orders of an account as memory has them.
#[derive(Debug, Default, PartialEq)]
pub struct OrdersHeld {
    /// Newest state of each, newest order first.
    pub orders: Vec<OrderChange>,
    /// Up to this output changes of orders are not held: an order that changed last up to there stands elsewhere.
    pub forgotten: OutputKey,
    /// Behind this output memory knows of no change: whoever has read the log up to here knows as much.
    pub newest: OutputKey,
}

impl Default for Events {
    fn default() -> Events {
        Events::new(EVENTS_HELD)
    }
}

impl Events {
    pub fn new(capacity: usize) -> Events {
        Events {
            held: Mutex::default(),
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

    /// Says that outputs up to `key` are not told here.
    pub fn begins(&self, key: OutputKey) {
        let mut held = self.lock();
        held.forgotten = key;
        held.newest = key;
    }

    /// Appends the next event, told outside the output log, and returns its number.
    pub fn push(&self, body: EventBody) -> u64 {
        self.append(None, body)
    }

    /// Appends the next event, which is that output of the log, and returns its number.
    pub fn push_output(&self, key: OutputKey, body: EventBody) -> u64 {
        self.append(Some(key), body)
    }

    fn append(&self, output: Option<OutputKey>, body: EventBody) -> u64 {
        let mut held = self.lock();
        let number = self.tip() + 1;
        if held.events.len() == self.capacity
            && let Some(oldest) = held.events.pop_front()
        {
            self.floor.store(oldest.number, Ordering::Release);
            held.forgotten = oldest.output.unwrap_or(held.forgotten);
        }
        held.newest = output.unwrap_or(held.newest);
        held.events.push_back(Arc::new(Event {
            number,
            body,
            output,
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
        let events = &held.events;
        let start = events.partition_point(|event| event.number <= cursor);
        Some(events.range(start..).take(max).cloned().collect())
    }

    /// How many held events come after `cursor`.
    pub fn behind(&self, cursor: u64) -> usize {
        let held = self.lock();
        let events = &held.events;
        events.len() - events.partition_point(|event| event.number <= cursor)
    }

    /// Newest state of each held order of an account, newest order first.
    pub fn orders(
        &self,
        account: AccountId,
        before: Option<u64>,
        limit: usize,
    ) -> Vec<OrderChange> {
        self.orders_held(account, before, limit).orders
    }

    /// The same, and of which part of the log.
    pub fn orders_held(&self, account: AccountId, before: Option<u64>, limit: usize) -> OrdersHeld {
        let mut newest = std::collections::BTreeMap::new();
        let held = self.lock();
        for event in &held.events {
            if let EventBody::Order(change) = &event.body
                && change.order.account == account
                && before.is_none_or(|id| change.id.0 < id)
            {
                newest.insert(change.id, *change);
            }
        }
        OrdersHeld {
            orders: newest.into_values().rev().take(limit).collect(),
            forgotten: held.forgotten,
            newest: held.newest,
        }
    }

    /// The newest state of an order, when it is held.
    pub fn order(&self, id: OrderId) -> Option<OrderChange> {
        self.lock()
            .events
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

    fn lock(&self) -> MutexGuard<'_, Held> {
        // A panic elsewhere cannot leave the queue half changed: every change is one call.
        self.held
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::testing::{ACCOUNT, order};

    #[test]
    fn what_left_memory_is_known_by_its_output() {
        let change = order(5);
        let key = |seq| OutputKey { seq, index: 0 };
        let events = Events::new(2);
        let forgotten = || events.orders_held(ACCOUNT, None, 10).forgotten;
        let newest = || events.orders_held(ACCOUNT, None, 10).newest;
        assert_eq!(forgotten(), OutputKey::default(), "it holds everything");
        events.begins(key(7));
        assert_eq!((forgotten(), newest()), (key(7), key(7)));
        events.push_output(key(8), EventBody::Order(change));
        events.push(EventBody::Order(change));
        assert_eq!(forgotten(), key(7));
        events.push_output(key(9), EventBody::Order(change));
        assert_eq!(forgotten(), key(8), "the oldest made room");
        events.push_output(key(10), EventBody::Order(change));
        assert_eq!(forgotten(), key(8), "what is in no log has no place there");
        events.push(EventBody::Order(change));
        assert_eq!(newest(), key(10), "nor is it the newest there");
        assert_eq!(events.orders(ACCOUNT, None, 10), [change]);
        assert!(events.orders(ACCOUNT, Some(5), 10).is_empty());
    }
}
