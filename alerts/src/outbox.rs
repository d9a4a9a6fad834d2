//! Deliveries: what goes to which sink, in which order, how often it is tried, and what became of it.
//!
//! Pure. Tell it of changes and outcomes, ask [`Outbox::poll_delivery`] until it has nothing, sleep until
//! [`Outbox::poll_deadline`]. A delivery is handed out at least once; its id (alert, revision, sink) never changes, and
//! the record of what ended has each id once.

mod backoff;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use siaga_risk::codec::{Codec, CodecError, CodecFault, decode, encode};
use siaga_risk::ids::AlertId;
use siaga_risk::units::Ts;
use siaga_risk::{record, unit_enum};

use crate::alert::{Alert, AlertChange, ChangeKind, LOCAL_BIT};
use crate::engine::LOCAL_VERSION;
use crate::routing::{Routing, SinkId};
pub use backoff::{ATTEMPTS_MAX, backoff_ns};

/// Deliveries of one sink that are under way at a time: one slow answer does not hold up the rest.
const UNDER_WAY_MAX: usize = 4;
/// Deliveries that wait for one sink; a sink this far behind is not read by anybody.
const WAITING_MAX: usize = 10_000;
/// Failures in a row after which the sink itself is an alert.
const FAILURES_ALERT: u32 = 3;
/// Dead letters kept for a manual retry.
const DEAD_MAX: usize = 1_000;
/// Ended ids remembered, so that a replay does not deliver them again.
const ENDED_MAX: usize = 100_000;

record! {
    /// The stable id of a delivery.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct DeliveryId {
        pub alert: AlertId,
        pub revision: u32,
        pub sink: u16,
    }
    /// One alert on its way to one sink.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Delivery {
        pub id: DeliveryId,
        pub what: ChangeKind,
        pub alert: Alert,
        /// When it happened.
        pub at: Ts,
        /// Not before this instant.
        pub due: Ts,
        /// Attempts that were made.
        pub attempts: u32,
    }
    /// What became of a delivery in the end; one entry per id in the record.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Ended {
        pub id: DeliveryId,
        pub end: End,
        pub at: Ts,
        pub attempts: u32,
    }
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    struct OutboxState {
        waiting: BTreeMap<u16, VecDeque<Delivery>>,
        dead: VecDeque<Delivery>,
        told: BTreeMap<(AlertId, u16), u32>,
        disabled: BTreeSet<u16>,
        ended: BTreeSet<DeliveryId>,
        ended_order: VecDeque<DeliveryId>,
    }
    /// What concerns alerts that no journal holds.
    struct LocalOutbox {
        version: u32,
        state: OutboxState,
    }
}

unit_enum! {
    /// How a delivery ended.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum End: u8 {
        Delivered = 0,
        /// A newer revision took its place before it was tried.
        Replaced = 1,
        /// Every attempt failed.
        Dead = 2,
        /// The receiver said that it is gone; the sink is disabled.
        Gone = 3,
        /// Too many were waiting.
        Overflow = 4,
    }
}

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    Delivered,
    /// Try again later; `after_ns` when the receiver said when.
    Failed {
        after_ns: Option<u64>,
    },
    /// 410: never again.
    Gone,
}

/// The state of a sink changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkEvent {
    Failing { sink: SinkId, failed: u32 },
    Disabled { sink: SinkId },
    Working { sink: SinkId },
}

/// All deliveries of the house.
pub struct Outbox {
    routing: Routing,
    state: OutboxState,
    under_way: BTreeSet<DeliveryId>,
    failures: BTreeMap<u16, u32>,
    released: BTreeMap<(u16, (u8, u64)), Ts>,
    events: VecDeque<SinkEvent>,
    ends: VecDeque<Ended>,
}

impl Outbox {
    /// An empty outbox.
    pub fn new(routing: Routing) -> Self {
        Self {
            routing,
            state: OutboxState::default(),
            under_way: BTreeSet::new(),
            failures: BTreeMap::new(),
            released: BTreeMap::new(),
            events: VecDeque::new(),
            ends: VecDeque::new(),
        }
    }

    /// An alert changed.
    pub fn on_change(&mut self, change: &AlertChange) {
        let alert = &change.alert;
        let at = change.moment.at;
        if change.moment.what == ChangeKind::Resolved {
            return self.tell_end(change);
        }
        if alert.is_suppressed() || !is_news(change) {
            return;
        }
        for path in self.routing.paths(alert, at) {
            let is_first = !self.state.told.contains_key(&(alert.id, path.sink.0))
                || change.moment.what == ChangeKind::Rose;
            let group = (path.sink.0, path.group);
            let due = match (is_first, self.released.get(&group)) {
                (false, Some(last)) => last.plus(path.interval_ns).max(at),
                _ => at.plus(path.wait_ns),
            };
            let due = due.max(path.not_before);
            self.released.insert(group, due);
            self.state
                .told
                .insert((alert.id, path.sink.0), alert.revision);
            self.enqueue(path.sink, change, due);
        }
        self.forget_old_groups(at);
    }

    /// The next delivery to attempt now.
    pub fn poll_delivery(&mut self, now: Ts) -> Option<Delivery> {
        for waiting in self.state.waiting.values() {
            let busy = |delivery: &Delivery| self.under_way.contains(&delivery.id);
            if waiting.iter().filter(|delivery| busy(delivery)).count() >= UNDER_WAY_MAX {
                continue;
            }
            let mut seen = BTreeSet::new();
            for delivery in waiting {
                // Of one alert, the older comes first: firing is delivered before resolved.
                let is_oldest = seen.insert(delivery.id.alert);
                if is_oldest && delivery.due <= now && !busy(delivery) {
                    let delivery = delivery.clone();
                    self.under_way.insert(delivery.id);
                    return Some(delivery);
                }
            }
        }
        None
    }

    /// When [`Self::poll_delivery`] has something again.
    pub fn poll_deadline(&self) -> Option<Ts> {
        let idle = |delivery: &&Delivery| !self.under_way.contains(&delivery.id);
        let due = |waiting: &VecDeque<Delivery>| {
            let mut seen = BTreeSet::new();
            waiting
                .iter()
                .filter(|delivery| seen.insert(delivery.id.alert))
                .filter(idle)
                .map(|delivery| delivery.due)
                .min()
        };
        self.state.waiting.values().filter_map(due).min()
    }

    /// What became of an attempt.
    pub fn on_attempt(&mut self, id: DeliveryId, attempt: Attempt, now: Ts) {
        self.under_way.remove(&id);
        let Some(waiting) = self.state.waiting.get_mut(&id.sink) else {
            return;
        };
        let Some(place) = waiting.iter().position(|delivery| delivery.id == id) else {
            return;
        };
        let delivery = &mut waiting[place];
        delivery.attempts += 1;
        match attempt {
            Attempt::Delivered => {
                self.finish(id, End::Delivered, now);
                self.on_success(id.sink);
            }
            Attempt::Failed { after_ns } => {
                let wait = backoff_ns(&delivery.id, delivery.attempts);
                delivery.due = now.plus(wait.max(after_ns.unwrap_or(0)));
                if delivery.attempts >= ATTEMPTS_MAX {
                    self.finish(id, End::Dead, now);
                }
                self.on_failure(id.sink);
            }
            Attempt::Gone => self.disable(id.sink, now),
        }
    }

    /// Puts a dead letter on its way again.
    pub fn retry(&mut self, id: DeliveryId, now: Ts) -> bool {
        let Some(place) = self
            .state
            .dead
            .iter()
            .position(|delivery| delivery.id == id)
        else {
            return false;
        };
        let Some(mut delivery) = self.state.dead.remove(place) else {
            return false;
        };
        delivery.due = now;
        delivery.attempts = 0;
        self.state.ended.remove(&id);
        self.state
            .waiting
            .entry(id.sink)
            .or_default()
            .push_back(delivery);
        true
    }

    /// Takes a disabled sink into service again.
    pub fn enable(&mut self, sink: SinkId) {
        if self.state.disabled.remove(&sink.0) {
            self.on_success(sink.0);
        }
    }

    /// The next change of a sink's state.
    pub fn poll_sink(&mut self) -> Option<SinkEvent> {
        self.events.pop_front()
    }

    /// The next ended delivery, to be recorded.
    pub fn poll_ended(&mut self) -> Option<Ended> {
        self.ends.pop_front()
    }

    /// Deliveries that every attempt failed, oldest first.
    pub fn dead_letters(&self) -> impl Iterator<Item = &Delivery> {
        self.state.dead.iter()
    }

    /// Deliveries that wait, by sink.
    pub fn waiting(&self) -> impl Iterator<Item = &Delivery> {
        self.state.waiting.values().flatten()
    }

    /// What the record says has ended: a replay does not deliver it again.
    pub fn recall(&mut self, ended: &Ended) {
        self.forget_waiting(ended.id);
        // An alert of the log is made again, and told again; of others nothing else may say who knows of them.
        if ended.end == End::Delivered && is_local(ended.id.alert) {
            self.note_told((ended.id.alert, ended.id.sink), ended.id.revision);
        }
    }

    /// Takes what [`Self::local_snapshot`] kept. To be called when the record was [recalled](Self::recall).
    ///
    /// # Errors
    /// The codec's error when the bytes are none of it, or of another version; then nothing is taken.
    pub fn recall_local(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let LocalOutbox {
            version,
            state: kept,
        } = decode(bytes)?;
        if version != LOCAL_VERSION {
            return Err(CodecError::new(
                LocalOutbox::NAME,
                CodecFault::Invalid("another version"),
            ));
        }
        for id in kept.ended_order {
            self.forget_waiting(id);
        }
        for (whom, revision) in kept.told {
            self.note_told(whom, revision);
        }
        for delivery in kept.waiting.into_values().flatten() {
            let id = delivery.id;
            let waiting = self.state.waiting.entry(id.sink).or_default();
            if self.state.ended.contains(&id) || waiting.iter().any(|other| other.id == id) {
                continue;
            }
            let is_later =
                |other: &Delivery| other.id.alert == id.alert && other.id.revision > id.revision;
            let place = waiting.iter().position(is_later);
            waiting.insert(place.unwrap_or(waiting.len()), delivery);
        }
        Ok(())
    }

    /// Forgets who was told of alerts that no journal holds and that nobody keeps any more: nothing ends them.
    pub fn forget_local(&mut self, is_kept: impl Fn(AlertId) -> bool) {
        self.state
            .told
            .retain(|(alert, _), _| !is_local(*alert) || is_kept(*alert));
    }

    /// Forgets what was heard after `end`, where the journal ends now: those inputs are gone, and the ids of their alerts
    /// come again; those of alerts that no journal holds do not. What had ended by then is to be [recalled](Self::recall).
    pub fn forget_after(&mut self, end: Ts) {
        let stands = |delivery: &Delivery| delivery.at <= end || delivery.alert.unrecorded;
        for waiting in self.state.waiting.values_mut() {
            waiting.retain(stands);
        }
        self.state.dead.retain(stands);
        self.state.ended.clear();
        self.state.ended_order.clear();
    }

    /// The state, to be kept beside the engine's snapshot of the same place in the log.
    pub fn snapshot(&self) -> Vec<u8> {
        encode(&self.state)
    }

    /// What concerns alerts that no journal holds: little enough for room that was set aside on a full disk.
    pub fn local_snapshot(&self) -> Vec<u8> {
        let OutboxState {
            waiting,
            told,
            ended,
            ended_order,
            ..
        } = &self.state;
        let is_of_local = |id: &&DeliveryId| is_local(id.alert);
        let of_sink = |waiting: &VecDeque<Delivery>| -> VecDeque<Delivery> {
            let local = waiting.iter().filter(|d| is_local(d.id.alert));
            local.cloned().collect()
        };
        let state = OutboxState {
            waiting: waiting
                .iter()
                .map(|(sink, waiting)| (*sink, of_sink(waiting)))
                .collect(),
            told: told
                .iter()
                .filter(|((alert, _), _)| is_local(*alert))
                .map(|(whom, revision)| (*whom, *revision))
                .collect(),
            ended: ended.iter().filter(is_of_local).copied().collect(),
            ended_order: ended_order.iter().filter(is_of_local).copied().collect(),
            ..OutboxState::default()
        };
        encode(&LocalOutbox {
            version: LOCAL_VERSION,
            state,
        })
    }

    /// The outbox as it was, with the routing of now. Deliveries that were under way are tried again.
    ///
    /// # Errors
    /// The codec's error when the bytes are no snapshot.
    pub fn restore(routing: Routing, bytes: &[u8]) -> Result<Self, CodecError> {
        Ok(Self {
            state: decode(bytes)?,
            ..Self::new(routing)
        })
    }

    /// It has ended: it is not delivered again.
    fn forget_waiting(&mut self, id: DeliveryId) {
        if let Some(waiting) = self.state.waiting.get_mut(&id.sink) {
            waiting.retain(|delivery| delivery.id != id);
        }
        self.remember(id);
    }

    fn note_told(&mut self, whom: (AlertId, u16), revision: u32) {
        let told = self.state.told.entry(whom).or_default();
        *told = revision.max(*told);
    }

    /// Everybody who was told that it fires is told that it ended.
    fn tell_end(&mut self, change: &AlertChange) {
        let id = change.alert.id;
        let range = (id, 0)..=(id, u16::MAX);
        let sinks: Vec<u16> = self
            .state
            .told
            .range(range)
            .map(|((_, sink), _)| *sink)
            .collect();
        for sink in sinks {
            self.state.told.remove(&(id, sink));
            self.enqueue(SinkId(sink), change, change.moment.at);
        }
    }

    fn enqueue(&mut self, sink: SinkId, change: &AlertChange, due: Ts) {
        let id = DeliveryId {
            alert: change.alert.id,
            revision: change.alert.revision,
            sink: sink.0,
        };
        if self.state.ended.contains(&id) || self.state.disabled.contains(&sink.0) {
            return;
        }
        self.replace_older(&id, change.moment.what, change.moment.at);
        let waiting = self.state.waiting.entry(sink.0).or_default();
        if waiting.iter().any(|delivery| delivery.id == id) {
            return;
        }
        waiting.push_back(Delivery {
            id,
            what: change.moment.what,
            alert: change.alert.clone(),
            at: change.moment.at,
            due,
            attempts: 0,
        });
        self.limit(sink.0, change.moment.at);
    }

    /// News of one alert that nobody has tried yet is replaced by newer news; its end never replaces its beginning.
    fn replace_older(&mut self, id: &DeliveryId, what: ChangeKind, at: Ts) {
        let Some(waiting) = self.state.waiting.get(&id.sink) else {
            return;
        };
        let older: Vec<DeliveryId> = waiting
            .iter()
            .filter(|delivery| delivery.id.alert == id.alert && delivery.attempts == 0)
            .filter(|delivery| !self.under_way.contains(&delivery.id) && delivery.due > at)
            .filter(|_| what != ChangeKind::Resolved)
            .map(|delivery| delivery.id)
            .collect();
        for older in older {
            self.finish(older, End::Replaced, at);
        }
    }

    /// A sink that nobody reads loses its mildest, oldest news first.
    fn limit(&mut self, sink: u16, at: Ts) {
        let Some(waiting) = self.state.waiting.get(&sink) else {
            return;
        };
        if waiting.len() <= WAITING_MAX {
            return;
        }
        let idle = |delivery: &&Delivery| !self.under_way.contains(&delivery.id);
        let mildest = waiting
            .iter()
            .filter(idle)
            .min_by_key(|delivery| delivery.alert.severity)
            .map(|delivery| delivery.id);
        if let Some(id) = mildest {
            self.finish(id, End::Overflow, at);
        }
    }

    fn finish(&mut self, id: DeliveryId, end: End, at: Ts) {
        let Some(waiting) = self.state.waiting.get_mut(&id.sink) else {
            return;
        };
        let place = waiting.iter().position(|delivery| delivery.id == id);
        let Some(delivery) = place.and_then(|place| waiting.remove(place)) else {
            return;
        };
        self.remember(id);
        self.ends.push_back(Ended {
            id,
            end,
            at,
            attempts: delivery.attempts,
        });
        if matches!(end, End::Dead | End::Gone | End::Overflow) {
            self.state.dead.push_back(delivery);
            if self.state.dead.len() > DEAD_MAX {
                self.state.dead.pop_front();
            }
        }
    }

    fn remember(&mut self, id: DeliveryId) {
        if self.state.ended.insert(id) {
            self.state.ended_order.push_back(id);
        }
        if self.state.ended_order.len() > ENDED_MAX
            && let Some(oldest) = self.state.ended_order.pop_front()
        {
            self.state.ended.remove(&oldest);
        }
    }

    fn disable(&mut self, sink: u16, now: Ts) {
        self.state.disabled.insert(sink);
        let all: Vec<DeliveryId> = self
            .state
            .waiting
            .get(&sink)
            .map(|waiting| waiting.iter().map(|delivery| delivery.id).collect())
            .unwrap_or_default();
        for id in all {
            self.finish(id, End::Gone, now);
        }
        self.events
            .push_back(SinkEvent::Disabled { sink: SinkId(sink) });
    }

    fn on_failure(&mut self, sink: u16) {
        let failed = self.failures.entry(sink).or_default();
        *failed += 1;
        if *failed >= FAILURES_ALERT {
            let failed = *failed;
            self.events.push_back(SinkEvent::Failing {
                sink: SinkId(sink),
                failed,
            });
        }
    }

    fn on_success(&mut self, sink: u16) {
        if self
            .failures
            .remove(&sink)
            .is_some_and(|failed| failed >= FAILURES_ALERT)
        {
            self.events
                .push_back(SinkEvent::Working { sink: SinkId(sink) });
        }
    }

    /// Groups that have been quiet for a day start anew.
    fn forget_old_groups(&mut self, at: Ts) {
        if self.released.len() > WAITING_MAX {
            let day = siaga_risk::units::DAY_NS;
            self.released.retain(|_, last| at.since(*last) < day);
        }
    }
}

/// In no journal.
fn is_local(alert: AlertId) -> bool {
    alert.0 & LOCAL_BIT != 0
}

/// What people are told; the rest is in the alert's timeline and on the stream.
fn is_news(change: &AlertChange) -> bool {
    use ChangeKind::*;
    let is_open = change.alert.is_active();
    match change.moment.what {
        Fired | Rose | Escalated | Flapping => true,
        SnoozeEnded | SilenceEnded | InhibitionEnded => is_open,
        _ => false,
    }
}
