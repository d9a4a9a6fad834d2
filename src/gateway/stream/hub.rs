//! The one place that serialises for everybody: a frame is written once per change of a stream and shared by all its subscribers.
//!
//! A subscriber has no queue. The hub sets one bit per stream in the subscriber's [`Mailbox`] and wakes it; the subscriber reads the
//! newest frame of that stream when its socket can take more. So a slow socket costs one bit, and conflation is what happens
//! between two looks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use axum::extract::ws::Utf8Bytes;
use serde::Serialize;
use siaga_risk::event::{BarSpan, FeedState};
use siaga_risk::ids::{ActorId, InstrumentId};
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

use super::CLIENTS_MAX;
use super::mailbox::Mailbox;
use super::message::StaleReason;
use super::topic::{SubId, Topic};
use crate::gateway::auth::SessionKey;
use crate::gateway::core::Core;
use crate::gateway::dto::maintenance::MaintenanceDto;
use crate::gateway::dto::market::{BarSide, SPANS, bar, quote_data, venue_time};
use crate::gateway::dto::micros;
use crate::gateway::error::incident;
use crate::gateway::events::{Event, EventBody};
use crate::gateway::metrics::Metrics;

/// A live feed without a quote for this long is worth a word.
pub const PRICE_IDLE_NS: u64 = 10_000_000_000;
/// Numbers whose question had no answer for this long are not called current any more: they are asked for once a second at least, so
/// three answers are missing by then.
pub const SILENCE_MAX_NS: u64 = 3 * SECOND_NS;

/// All streams and who follows them.
pub struct Hub {
    pub core: Arc<dyn Core>,
    pub metrics: Arc<Metrics>,
    /// History of the state channels: new with every start.
    pub epoch: u64,
    streams: RwLock<BTreeMap<Topic, Arc<Stream>>>,
    /// Mailboxes by connection, for resuming and draining.
    connections: Mutex<BTreeMap<String, Connection>>,
    announced: ArcSwap<Announced>,
}

/// Maintenance as it was announced last.
#[derive(Debug, Default)]
pub struct Announced {
    /// Counts announcements; 0 = none since the start.
    pub version: u64,
    /// Absent = none, or withdrawn.
    pub window: Option<MaintenanceDto>,
}

/// Why a stream has nothing newer to say.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The question behind it got no answer.
    NoAnswer,
    /// Something of ours failed; the number under which the log has the story.
    Incident(String),
}

/// An open connection and the browser session that it came from; none with the secret itself.
struct Connection {
    mailbox: Arc<Mailbox>,
    session: Option<SessionKey>,
    /// Whose it is, where it is a client's.
    client: Option<ActorId>,
}

/// One topic: its newest frame, its health, its followers.
pub struct Stream {
    pub topic: Topic,
    pub id: SubId,
    pub sym: String,
    newest: ArcSwapOption<Frame>,
    /// Number of the newest durable event that concerns this stream.
    event: AtomicU64,
    /// 0 = live, otherwise 1 + the reason.
    health: AtomicU64,
    trouble: ArcSwapOption<Trouble>,
    /// When the question behind it was answered last; 0 = never.
    answered: AtomicU64,
    members: Mutex<Vec<Member>>,
}

struct Member {
    mailbox: Arc<Mailbox>,
    slot: usize,
}

/// A written frame, `upd` as it stands for whoever was sent the frame before.
#[derive(Debug)]
pub struct Frame {
    pub seq: u64,
    pub prev: u64,
    /// `{"t":"upd","sub":…,"seq":…,"prev":…,"n":…,` and then the shared tail.
    pub upd: Utf8Bytes,
    /// Where the part that everybody shares begins, and the data in it.
    tail_at: usize,
    data_at: usize,
}

impl Frame {
    fn new<T: Serialize>(
        sub: SubId,
        seq: u64,
        prev: u64,
        tail: &Tail<'_, T>,
    ) -> serde_json::Result<Frame> {
        let tail = serde_json::to_string(tail)?;
        let mut text = head("upd", sub, seq, Some(prev));
        let tail_at = text.len();
        text.push_str(&tail[1..]);
        let data_at = text[tail_at..]
            .find("\"data\":")
            .map_or(text.len(), |at| tail_at + at);
        Ok(Frame {
            seq,
            prev,
            upd: text.into(),
            tail_at,
            data_at,
        })
    }

    /// The frame for a subscriber whose last one was `prev`; shared when nothing was merged.
    pub fn update_after(&self, sub: SubId, prev: u64) -> Utf8Bytes {
        if prev == self.prev {
            return self.upd.clone();
        }
        let mut text = head("upd", sub, self.seq, Some(prev));
        text.push_str(&self.upd.as_str()[self.tail_at..]);
        text.into()
    }

    /// The frame as the beginning of a stream.
    pub fn snapshot(&self, sub: SubId) -> Utf8Bytes {
        let mut text = head("snap", sub, self.seq, None);
        text.push_str(&self.upd.as_str()[self.tail_at..]);
        text.into()
    }

    /// What a polled frame says, without its times and without the core's sequence, which stands last in the data.
    fn news(&self) -> &str {
        let data = &self.upd.as_str()[self.data_at..];
        data.rfind("\"seq\":").map_or(data, |at| &data[..at])
    }
}

#[derive(Serialize)]
struct Tail<'a, T> {
    sym: &'a str,
    epoch: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    te: Option<u64>,
    ti: u64,
    to: u64,
    data: &'a T,
}

fn head(kind: &str, sub: SubId, seq: u64, prev: Option<u64>) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(512);
    let sub = sub.0;
    let written = match prev {
        Some(prev) => {
            let merged = seq.saturating_sub(prev);
            write!(
                text,
                r#"{{"t":"{kind}","sub":{sub},"seq":{seq},"prev":{prev},"n":{merged},"#
            )
        }
        None => write!(text, r#"{{"t":"{kind}","sub":{sub},"seq":{seq},"#),
    };
    debug_assert!(written.is_ok(), "a String takes every text");
    text
}

impl Stream {
    pub fn newest(&self) -> Option<Arc<Frame>> {
        self.newest.load_full()
    }

    /// Why the price must not be trusted; `None` = live.
    pub fn health(&self) -> Option<StaleReason> {
        match self.health.load(Ordering::Acquire) {
            1 => Some(StaleReason::FeedDown),
            2 => Some(StaleReason::Gap),
            3 => Some(StaleReason::SessionClosed),
            4 => Some(StaleReason::PriceIdle),
            _ => None,
        }
    }

    /// Why nothing newer comes, where something is wrong.
    pub fn trouble(&self) -> Option<Arc<Trouble>> {
        self.trouble.load_full()
    }

    /// The newest frame; what was wrong is over before it is seen, so that nobody tells it behind this frame.
    fn put(&self, frame: Frame) {
        if self.trouble.load().is_some() {
            self.trouble.store(None);
        }
        self.newest.store(Some(Arc::new(frame)));
    }

    /// Notes a failure of ours. False while it goes on: what fails with every price is one incident.
    fn stumble(&self, cause: &str) -> bool {
        if let Some(Trouble::Incident(_)) = self.trouble.load_full().as_deref() {
            return false;
        }
        let (channel, sym) = (self.topic.channel(), &self.sym);
        let id = incident(&format!("{channel} {sym} has no frame: {cause}"));
        self.trouble.store(Some(Arc::new(Trouble::Incident(id))));
        true
    }

    fn note_answer(&self, now: Ts) {
        self.answered.store(now.0, Ordering::Release);
    }

    fn is_silent(&self, now: Ts) -> bool {
        now.since(Ts(self.answered.load(Ordering::Acquire))) >= SILENCE_MAX_NS
    }

    fn set_health(&self, reason: Option<StaleReason>) -> bool {
        let code = reason.map_or(0, |r| r as u64 + 1);
        self.health.swap(code, Ordering::AcqRel) != code
    }

    fn members(&self) -> MutexGuard<'_, Vec<Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks every follower; returns them for ringing.
    fn mark_all(&self, ring: &mut Vec<Arc<Mailbox>>) {
        for member in self.members().iter() {
            member.mailbox.mark(member.slot);
            if !member.mailbox.is_woken() {
                ring.push(member.mailbox.clone());
            }
        }
    }

    /// Wakes every follower.
    fn ring_all(&self) {
        let mut ring = Vec::new();
        self.mark_all(&mut ring);
        for mailbox in ring {
            mailbox.ring();
        }
    }

    fn followed(&self) -> bool {
        !self.members().is_empty()
    }
}

fn are_full(connections: &BTreeMap<String, Connection>) -> bool {
    // Counted where it may be so alone: everybody comes back at once when the program starts anew.
    let of_clients = |connection: &&Connection| connection.client.is_some();
    connections.len() >= CLIENTS_MAX
        && connections.values().filter(of_clients).count() >= CLIENTS_MAX
}

impl Hub {
    pub fn new(core: Arc<dyn Core>, metrics: Arc<Metrics>) -> Arc<Hub> {
        let epoch = micros(core.now());
        Arc::new(Hub {
            core,
            metrics,
            epoch,
            streams: RwLock::default(),
            connections: Mutex::default(),
            announced: ArcSwap::default(),
        })
    }

    /// History of a topic's channel.
    pub fn epoch_of(&self, topic: Topic) -> u64 {
        match topic.durable() {
            true => self.core.status().epoch,
            false => self.epoch,
        }
    }

    /// Newest position of a stream, read from the desk and not from what was sent.
    pub fn tip(&self, stream: &Stream) -> u64 {
        let live = self.core.live();
        match stream.topic {
            Topic::Quote(i) => live.mark(i).map_or(0, |m| m.count),
            Topic::Candle(i, span) => live.bar_tip(i, span),
            Topic::Margin(_) | Topic::Portfolio(_) | Topic::Status | Topic::News(_) => {
                stream.newest().map_or(0, |f| f.seq)
            }
            // Not the log's end: other accounts' events move that too.
            Topic::Alert | Topic::Order(_) => stream.event.load(Ordering::Acquire),
        }
    }

    /// Adds a follower to the stream of a topic, which is made when it is asked for first, and writes its newest frame, so a snapshot
    /// is there at once where one can be. `None` when the topic's thing is not known.
    pub fn follow(&self, topic: Topic, mailbox: &Arc<Mailbox>, slot: usize) -> Option<Arc<Stream>> {
        let sym = topic.sym(&self.core.directory())?;
        let stream = {
            // Under the map's lock, so that a stream that is being forgotten gets no follower.
            let mut streams = self.write();
            let made = streams.entry(topic).or_insert_with(|| {
                Arc::new(Stream {
                    topic,
                    id: topic.id(),
                    sym,
                    newest: ArcSwapOption::empty(),
                    event: AtomicU64::new(0),
                    health: AtomicU64::new(0),
                    trouble: ArcSwapOption::empty(),
                    answered: AtomicU64::new(0),
                    members: Mutex::default(),
                })
            });
            made.members().push(Member {
                mailbox: mailbox.clone(),
                slot,
            });
            made.clone()
        };
        self.refresh(&stream);
        self.judge(&stream);
        mailbox.mark(slot);
        mailbox.ring();
        Some(stream)
    }

    /// Takes a follower away; a stream that nobody follows is forgotten.
    pub fn leave(&self, stream: &Arc<Stream>, mailbox: &Arc<Mailbox>) {
        let mut streams = self.write();
        let mut members = stream.members();
        members.retain(|m| !Arc::ptr_eq(&m.mailbox, mailbox));
        if members.is_empty()
            && streams
                .get(&stream.topic)
                .is_some_and(|s| Arc::ptr_eq(s, stream))
        {
            streams.remove(&stream.topic);
        }
    }

    /// Streams that somebody follows now.
    pub fn followed(&self, pick: impl Fn(Topic) -> bool) -> Vec<Arc<Stream>> {
        let streams = self.read();
        let picked = streams.values().filter(|s| pick(s.topic) && s.followed());
        picked.cloned().collect()
    }

    /// Writes the frames of instruments that changed and tells their followers, each once.
    pub fn publish(&self, changed: &[InstrumentId]) {
        let mut ring = Vec::new();
        for instrument in changed {
            let spans = SPANS.iter().map(|(_, s)| Topic::Candle(*instrument, *s));
            for topic in std::iter::once(Topic::Quote(*instrument)).chain(spans) {
                let Some(stream) = self.read().get(&topic).cloned() else {
                    continue;
                };
                let newer = self.refresh(&stream);
                if self.judge(&stream) || newer {
                    stream.mark_all(&mut ring);
                }
            }
        }
        for mailbox in ring {
            mailbox.ring();
        }
    }

    /// Tells the followers of durable channels that events came.
    pub fn announce(&self, events: &[Arc<Event>]) {
        let mut ring = Vec::new();
        for event in events {
            let topics = match &event.body {
                EventBody::Alert(_) => [Some(Topic::Alert), None],
                EventBody::Order(o) => [
                    Some(Topic::Order(None)),
                    Some(Topic::Order(Some(o.order.account))),
                ],
            };
            for topic in topics.into_iter().flatten() {
                let Some(stream) = self.read().get(&topic).cloned() else {
                    continue;
                };
                stream.event.fetch_max(event.number, Ordering::AcqRel);
                stream.mark_all(&mut ring);
            }
        }
        for mailbox in ring {
            mailbox.ring();
        }
    }

    /// Wakes every follower of a durable channel.
    pub fn wake_durable(&self) {
        let tip = self.core.events().tip();
        let mut ring = Vec::new();
        for stream in self.followed(Topic::durable) {
            stream.event.fetch_max(tip, Ordering::AcqRel);
            stream.mark_all(&mut ring);
        }
        for mailbox in ring {
            mailbox.ring();
        }
    }

    /// Looks at the health of every followed price, because age comes without news.
    pub fn sweep(&self) {
        let mut ring = Vec::new();
        for stream in self.followed(|t| matches!(t, Topic::Quote(_) | Topic::Candle(..))) {
            if self.judge(&stream) {
                stream.mark_all(&mut ring);
            }
        }
        for mailbox in ring {
            mailbox.ring();
        }
    }

    /// Looks at every watched number whether its question is still answered: one that waits brings no news of that, and others wait for
    /// their turn behind it.
    pub fn sweep_silent(&self) {
        let asked = |t: Topic| matches!(t, Topic::Margin(_) | Topic::Portfolio(_) | Topic::Status);
        for stream in self.followed(asked) {
            // Who waits for a first frame shows no number that could be old.
            if stream.newest().is_some() {
                self.put_no_answer(&stream);
            }
        }
    }

    /// Gives a polled stream its newest data; nothing happens when it says the same as before.
    pub fn put_data<T: Serialize>(&self, stream: &Stream, ti: Ts, data: &T) {
        let before = stream.newest();
        let prev = before.as_ref().map_or(0, |f| f.seq);
        let frame = match self.write_frame(stream, prev + 1, prev, None, ti, data) {
            Ok(frame) => frame,
            Err(error) => {
                stream.note_answer(self.core.now());
                return self.put_incident(stream, &error.to_string());
            }
        };
        // Whoever looks for silence meanwhile takes turns with it.
        let turn = stream.members();
        stream.note_answer(self.core.now());
        // Who was told that nothing newer comes hears that this is over, by the same data too.
        let was_told = stream.trouble.swap(None).is_some();
        if !was_told && before.as_ref().is_some_and(|b| b.news() == frame.news()) {
            return;
        }
        stream.newest.store(Some(Arc::new(frame)));
        drop(turn);
        stream.ring_all();
    }

    /// The question behind a polled stream has no answer. Who waits for its first frame hears why there is none; who has one goes on with
    /// it for [`SILENCE_MAX_NS`]. An incident that they were told of stands until the next frame ends it.
    pub fn put_no_answer(&self, stream: &Stream) {
        let turn = stream.members();
        let before = stream.trouble();
        let is_incident = matches!(before.as_deref(), Some(Trouble::Incident(_)));
        if stream.newest().is_some() && (is_incident || !stream.is_silent(self.core.now())) {
            return;
        }
        if before.as_deref() == Some(&Trouble::NoAnswer) {
            return;
        }
        stream.trouble.store(Some(Arc::new(Trouble::NoAnswer)));
        drop(turn);
        stream.ring_all();
    }

    /// Something of ours failed behind a stream: all who follow it hear of the incident, and the log gets its cause.
    pub fn put_incident(&self, stream: &Stream, cause: &str) {
        let turn = stream.members();
        let is_news = stream.stumble(cause);
        drop(turn);
        if is_news {
            stream.ring_all();
        }
    }

    /// Writes the frame of a stream that reads the live table; false when nothing is newer.
    fn refresh(&self, stream: &Stream) -> bool {
        match stream.topic {
            Topic::Quote(instrument) => self.refresh_quote(stream, instrument),
            Topic::Candle(instrument, span) => self.refresh_candle(stream, instrument, span),
            _ => false,
        }
    }

    fn refresh_quote(&self, stream: &Stream, instrument: InstrumentId) -> bool {
        let live = self.core.live();
        let names = self.core.directory();
        let (Some(mark), Some(entry)) = (live.mark(instrument), names.instrument(instrument))
        else {
            return false;
        };
        // Writers of one stream (broadcaster, a new follower) take turns, so positions only rise.
        let _turn = stream.members();
        let prev = stream.newest().map_or(0, |f| f.seq);
        if mark.count <= prev {
            return false;
        }
        let data = quote_data(&mark, live.states(instrument), entry, &names);
        match self.write_frame(stream, mark.count, prev, venue_time(&mark), mark.ts, &data) {
            Ok(frame) => stream.put(frame),
            Err(error) => return stream.stumble(&error.to_string()),
        }
        self.metrics
            .tick_to_frame
            .record(self.core.now().since(mark.ts));
        true
    }

    fn refresh_candle(&self, stream: &Stream, instrument: InstrumentId, span: BarSpan) -> bool {
        let names = self.core.directory();
        let (Some((version, newest)), Some(entry)) = (
            self.core.live().bar(instrument, span),
            names.instrument(instrument),
        ) else {
            return false;
        };
        let _turn = stream.members();
        let prev = stream.newest().map_or(0, |f| f.seq);
        if version <= prev {
            return false;
        }
        let data = bar(&newest, BarSide::Bid, entry);
        let ti = self
            .core
            .live()
            .mark(instrument)
            .map_or(newest.start, |m| m.ts);
        match self.write_frame(stream, version, prev, None, ti, &data) {
            Ok(frame) => stream.put(frame),
            Err(error) => return stream.stumble(&error.to_string()),
        }
        true
    }

    fn write_frame<T: Serialize>(
        &self,
        stream: &Stream,
        seq: u64,
        prev: u64,
        te: Option<u64>,
        ti: Ts,
        data: &T,
    ) -> serde_json::Result<Frame> {
        self.metrics.stream_serialisations.add(1);
        let tail = Tail {
            sym: &stream.sym,
            epoch: self.epoch,
            te,
            ti: micros(ti),
            to: micros(self.core.now()),
            data,
        };
        Frame::new(stream.id, seq, prev, &tail)
    }

    /// Decides whether a price may be trusted; true when that changed.
    fn judge(&self, stream: &Stream) -> bool {
        let (Topic::Quote(instrument) | Topic::Candle(instrument, _)) = stream.topic else {
            return false;
        };
        let live = self.core.live();
        let states = live.states(instrument);
        let age = live.mark(instrument).map(|m| self.core.now().since(m.ts));
        let reason = match states.feed {
            FeedState::Closed => Some(StaleReason::SessionClosed),
            FeedState::Delayed | FeedState::Unavailable => Some(StaleReason::FeedDown),
            FeedState::Live if states.gap => Some(StaleReason::Gap),
            FeedState::Live => age
                .is_none_or(|ns| ns >= PRICE_IDLE_NS)
                .then_some(StaleReason::PriceIdle),
        };
        stream.set_health(reason)
    }

    /// Age of a stream's price.
    pub fn age_ms(&self, stream: &Stream) -> u64 {
        match stream.topic {
            Topic::Quote(i) | Topic::Candle(i, _) => {
                let mark = self.core.live().mark(i);
                mark.map_or(0, |m| self.core.now().since(m.ts) / 1_000_000)
            }
            _ => 0,
        }
    }

    /// Registers a connection; `false` = it is a client's, and clients have all the places that are theirs.
    #[must_use]
    pub fn connect(
        &self,
        conn: &str,
        mailbox: &Arc<Mailbox>,
        session: Option<SessionKey>,
        client: Option<ActorId>,
    ) -> bool {
        let mut connections = self.connections();
        if client.is_some() && are_full(&connections) {
            return false;
        }
        let connection = Connection {
            mailbox: mailbox.clone(),
            session,
            client,
        };
        connections.insert(conn.to_owned(), connection);
        true
    }

    /// Whether clients have all the places that are theirs.
    pub fn clients_full(&self) -> bool {
        are_full(&self.connections())
    }

    /// Maintenance as it was announced last.
    pub fn announced(&self) -> Guard<Arc<Announced>> {
        self.announced.load()
    }

    /// Tells everybody of a maintenance, or that there is none any more; who connects later hears it behind the welcome.
    pub fn announce_maintenance(&self, window: Option<MaintenanceDto>) {
        // Under the lock: two announcements take turns, and who connects meanwhile has looked at neither.
        let connections = self.connections();
        let before = self.announced.load_full();
        if before.window == window {
            return;
        }
        let version = before.version + 1;
        self.announced
            .store(Arc::new(Announced { version, window }));
        for connection in connections.values() {
            connection.mailbox.wake();
        }
    }

    /// Ends every connection of a session.
    pub fn revoke(&self, session: SessionKey) {
        for connection in self.connections().values() {
            if connection.session == Some(session) {
                connection.mailbox.revoke();
            }
        }
    }

    /// Ends what the first-start secret opened, itself or by a session of it.
    pub fn revoke_secret(&self) {
        for connection in self.connections().values() {
            if !matches!(connection.session, Some(SessionKey::Guest(_))) {
                connection.mailbox.revoke();
            }
        }
    }

    /// Sessions of identity and API keys that hold connections open, and when one of theirs last asked for something.
    pub fn guests(&self) -> BTreeMap<Uuid, Ts> {
        self.holders(|session| match session {
            SessionKey::Guest(guest) => Some(guest),
            SessionKey::Cookie(_) => None,
        })
    }

    /// The same of the first-start secret's sessions, by the digests of their cookies.
    pub fn cookies(&self) -> BTreeMap<[u8; 32], Ts> {
        self.holders(|session| match session {
            SessionKey::Cookie(cookie) => Some(cookie),
            SessionKey::Guest(_) => None,
        })
    }

    fn holders<K: Ord>(&self, pick: impl Fn(SessionKey) -> Option<K>) -> BTreeMap<K, Ts> {
        let mut holders = BTreeMap::new();
        for connection in self.connections().values() {
            if let Some(holder) = connection.session.and_then(&pick) {
                let asked = holders.entry(holder).or_insert(Ts(0));
                *asked = connection.mailbox.asked().max(*asked);
            }
        }
        holders
    }

    /// Connections that a client holds open, by whatever sessions and API keys of theirs.
    pub fn connected_of(&self, client: ActorId) -> usize {
        let connections = self.connections();
        let theirs = connections
            .values()
            .filter(|connection| connection.client == Some(client));
        theirs.count()
    }

    /// Ends every connection that belongs to a session.
    pub fn revoke_all(&self) {
        for connection in self.connections().values() {
            if connection.session.is_some() {
                connection.mailbox.revoke();
            }
        }
    }

    /// Ends the connection that is being resumed elsewhere.
    pub fn replace(&self, conn: &str) {
        if let Some(old) = self.connections().remove(conn) {
            old.mailbox.replace();
        }
    }

    pub fn disconnect(&self, conn: &str) {
        self.connections().remove(conn);
    }

    pub fn connected(&self) -> usize {
        self.connections().len()
    }

    fn connections(&self) -> MutexGuard<'_, BTreeMap<String, Connection>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Topic, Arc<Stream>>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Topic, Arc<Stream>>> {
        self.streams.write().unwrap_or_else(PoisonError::into_inner)
    }
}
