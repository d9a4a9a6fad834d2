//! The protocol of one connection, without a socket and without a clock.
//!
//! Call order: `new`; then `on_text`, `on_pong`, `on_too_large`, `on_written` as they happen and `poll_send` after each and whenever the
//! mailbox rings or `poll_deadline` is reached. `poll_send` fills one batch: what one write should carry. When it says `Close`, send
//! the batch and close. Dropping a session leaves all its streams.
//!
//! A bug that panics in `on_text` or `poll_send` ends this connection and no other: its client is told an incident, and is asked back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use siaga_risk::units::{SECOND_NS, Ts};

use super::hub::{Hub, Stream, Trouble};
use super::ladder::{Ladder, PROGRESS_NS, Step, THROTTLED_HZ};
use super::mailbox::Mailbox;
use super::message::*;
use super::topic::{SubId, Topic, is_wildcard};
use super::{FRAME_BYTES_MAX, REQUESTS_BURST, REQUESTS_PER_SECOND, SUBS_MAX};
use crate::gateway::auth::{Doors, Rooms};
use crate::gateway::dto::micros;

mod deliver;
mod request;

/// A batch stops to grow here: one write of this size, and a socket that cannot take it within the ladder's limit is slow.
pub const BATCH_BYTES: usize = 64 * 1024;
/// Answers that wait for the socket; a client that asks faster than it reads is slow.
pub const ANSWERS_MAX: usize = 1_024;
/// Pings without a pong before the connection counts as dead.
const PINGS_LOST_MAX: u32 = 2;
/// Wildcards kept for instruments that come later.
const WILDCARDS_MAX: usize = 32;
/// A client who finds all places taken comes back after this long.
pub const FULL_WAIT_MS: u64 = 30_000;
/// The core is asked again long before; a client that wants to know more looks after this long.
const DEGRADED_WAIT_MS: u64 = 1_000;
/// Whoever met a failure of ours tries again after this long.
pub const INTERNAL_WAIT_MS: u64 = 1_000;
/// No directory has this version: the next look compares all names.
const NAMES_UNSEEN: u64 = u64::MAX;

/// Times of a connection; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// A hello must come within this time.
    pub hello_ns: u64,
    pub heartbeat_ns: u64,
    pub ping_ns: u64,
    /// A stream may be begun anew once in this time.
    pub resync_ns: u64,
    /// A write that makes no progress for this long ends the connection.
    pub progress_ns: u64,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            hello_ns: 5 * SECOND_NS,
            heartbeat_ns: 5 * SECOND_NS,
            ping_ns: 15 * SECOND_NS,
            resync_ns: SECOND_NS,
            progress_ns: PROGRESS_NS,
        }
    }
}

/// What goes to the socket.
#[derive(Clone, Debug, PartialEq)]
pub enum Send {
    Text(Utf8Bytes),
    Ping,
}

/// What to do after the batch was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Wait for the mailbox, a frame or the deadline.
    Wait,
    /// More is ready.
    More,
    Close(Close),
}

pub struct Session {
    hub: Arc<Hub>,
    doors: Arc<Doors>,
    mailbox: Arc<Mailbox>,
    timing: Timing,
    phase: Phase,
    /// What this connection may follow; nothing before its hello.
    rooms: Rooms,
    conn: String,
    /// By slot, which is also the bit in the mailbox.
    subs: Vec<Option<Followed>>,
    by_id: BTreeMap<SubId, usize>,
    wildcards: Vec<Wildcard>,
    names_version: u64,
    /// Which announcement of maintenance was looked at last, and whether the client knows of one.
    announced: u64,
    told_maintenance: bool,
    pending: [u64; SUBS_MAX / 64],
    turns: Turns,
    answers: VecDeque<Utf8Bytes>,
    closing: Option<Close>,
    ladder: Ladder,
    budget: Budget,
    frames: u64,
    lag_ns: u64,
    heartbeat_at: Ts,
    ping_at: Ts,
    pings_lost: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Until when the hello may come; whether the upgrade request was already authorised.
    Hello {
        until: Ts,
        authorised: bool,
    },
    Open,
    Closed,
}

/// A stream this connection follows.
struct Followed {
    stream: Arc<Stream>,
    /// Last position sent.
    sent: u64,
    /// The next frame begins the stream.
    snap: bool,
    /// Shortest time between two frames.
    spacing_ns: u64,
    next_at: Ts,
    told_stale: Option<StaleReason>,
    /// What it was told of why there is no first frame, or no newer one.
    told_trouble: Option<Arc<Trouble>>,
    resynced_at: Option<Ts>,
    /// Durable: searched up to this number of the log, and history to which the positions belong.
    scanned: u64,
    epoch: u64,
}

/// Slots that are served first in the next batch, because the last one had no room for them.
#[derive(Clone, Copy, Default)]
struct Turns {
    durable: usize,
    state: usize,
}

/// A subscription that may match instruments that come later.
struct Wildcard {
    id: u64,
    channel: String,
    sym: String,
    spacing_ns: u64,
}

/// A token bucket for requests.
struct Budget {
    tokens: f64,
    at: Ts,
}

impl Budget {
    fn take(&mut self, now: Ts) -> bool {
        let earned = now.since(self.at) as f64 / 1e9 * f64::from(REQUESTS_PER_SECOND);
        self.tokens = (self.tokens + earned).min(f64::from(REQUESTS_BURST));
        self.at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

impl Session {
    /// A fresh connection. `authorised`: the upgrade request carried the secret, so the hello needs no ticket.
    pub fn new(
        hub: Arc<Hub>,
        doors: Arc<Doors>,
        timing: Timing,
        authorised: bool,
        now: Ts,
    ) -> Session {
        let names_version = hub.core.directory().version;
        Session {
            hub,
            doors,
            mailbox: Arc::new(Mailbox::default()),
            timing,
            phase: Phase::Hello {
                until: now.plus(timing.hello_ns),
                authorised,
            },
            rooms: Rooms::NONE,
            conn: String::new(),
            subs: Vec::new(),
            by_id: BTreeMap::new(),
            wildcards: Vec::new(),
            names_version,
            announced: 0,
            told_maintenance: false,
            pending: [0; SUBS_MAX / 64],
            turns: Turns::default(),
            answers: VecDeque::new(),
            closing: None,
            ladder: Ladder::new(timing.progress_ns),
            budget: Budget {
                tokens: f64::from(REQUESTS_BURST),
                at: now,
            },
            frames: 0,
            lag_ns: 0,
            heartbeat_at: now.plus(timing.heartbeat_ns),
            ping_at: now.plus(timing.ping_ns),
            pings_lost: 0,
        }
    }

    /// Rings when a followed stream has news.
    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    pub fn on_pong(&mut self) {
        self.pings_lost = 0;
    }

    /// A frame above the limit came.
    pub fn on_too_large(&mut self) {
        self.close(Close::ProtocolError);
    }

    /// The server stops.
    pub fn on_drain(&mut self) {
        if self.phase == Phase::Open {
            self.say(&Say::Note {
                kind: NoteKind::Drain,
                hz: None,
                after_ms: Some(1_000),
                window: None,
            });
        }
        self.close(Close::ServerRestart);
    }

    /// The last batch was taken by the socket after it waited `waited_ns`.
    pub fn on_written(&mut self, waited_ns: u64, now: Ts) {
        self.lag_ns = waited_ns;
        match self.ladder.on_written(waited_ns, now) {
            Step::Nothing => {}
            Step::Throttle => self.throttle(),
            Step::Snapshot => {
                self.throttle();
                self.hub.metrics.stream_snapshots_forced.add(1);
                for followed in self.subs.iter_mut().flatten() {
                    followed.snap |= !followed.stream.topic.durable();
                }
            }
            Step::Lift => self.say(&Say::Note {
                kind: NoteKind::Unthrottled,
                hz: None,
                after_ms: None,
                window: None,
            }),
        }
    }

    /// Says bye at the next `poll_send` and ends.
    pub fn close(&mut self, why: Close) {
        if self.phase != Phase::Closed && self.closing.is_none() {
            self.closing = Some(why);
        }
    }

    /// When `poll_send` must be called although nothing happened.
    pub fn poll_deadline(&self) -> Option<Ts> {
        match self.phase {
            Phase::Hello { until, .. } => Some(until),
            Phase::Closed => None,
            Phase::Open => {
                let held = self
                    .pending_slots()
                    .filter_map(|slot| self.subs[slot].as_ref());
                let next = held.map(|f| f.next_at).min();
                Some(
                    self.heartbeat_at
                        .min(self.ping_at)
                        .min(next.unwrap_or(Ts(u64::MAX))),
                )
            }
        }
    }

    fn throttle(&mut self) {
        self.hub.metrics.stream_throttled.add(1);
        self.say(&Say::Note {
            kind: NoteKind::Throttled,
            hz: Some(THROTTLED_HZ),
            after_ms: None,
            window: None,
        });
    }

    fn say(&mut self, say: &Say) {
        if self.answers.len() >= ANSWERS_MAX {
            self.close(Close::SlowConsumer);
            return;
        }
        self.answers.push_back(say.text().into());
    }

    fn pending_slots(&self) -> impl Iterator<Item = usize> + '_ {
        let words = self.pending.iter().enumerate();
        words.flat_map(|(word, bits)| {
            let bits = *bits;
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| word * 64 + bit)
        })
    }

    fn info(&self, followed: &Followed) -> SubInfo {
        SubInfo {
            sub: followed.stream.id.0,
            ch: followed.stream.topic.channel(),
            sym: followed.stream.sym.clone(),
            epoch: followed.epoch,
            seq: followed.sent,
        }
    }

    /// Follows a topic; the slot it got. The caller has checked the number of streams.
    fn follow(&mut self, topic: Topic, spacing_ns: u64) -> Option<usize> {
        if !topic.is_in(&self.rooms) {
            return None;
        }
        let free = self.subs.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.subs.len());
        let stream = self.hub.follow(topic, &self.mailbox, slot)?;
        let tip = self.hub.core.events().tip();
        let followed = Followed {
            sent: if topic.durable() { tip } else { 0 },
            snap: !topic.durable(),
            spacing_ns,
            next_at: Ts(0),
            told_stale: None,
            told_trouble: None,
            resynced_at: None,
            scanned: tip,
            epoch: self.hub.epoch_of(topic),
            stream,
        };
        self.by_id.insert(followed.stream.id, slot);
        match free {
            Some(slot) => self.subs[slot] = Some(followed),
            None => self.subs.push(Some(followed)),
        }
        Some(slot)
    }

    fn unfollow(&mut self, id: SubId) -> bool {
        let Some(slot) = self.by_id.remove(&id) else {
            return false;
        };
        if let Some(followed) = self.subs[slot].take() {
            self.hub.leave(&followed.stream, &self.mailbox);
        }
        self.pending[slot / 64] &= !(1 << (slot % 64));
        true
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for followed in self.subs.iter_mut().filter_map(Option::take) {
            self.hub.leave(&followed.stream, &self.mailbox);
        }
        if !self.conn.is_empty() && !self.mailbox.is_replaced() {
            self.hub.disconnect(&self.conn);
        }
    }
}

/// Nanoseconds between two frames at a rate.
fn spacing_ns(hz: Option<f64>) -> u64 {
    match hz {
        Some(hz) if hz > 0.0 => (1e9 / hz) as u64,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
