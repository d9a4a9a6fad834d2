//! What a client asks. Every request with an `id` gets exactly one `ok` or `err`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use siaga_platform::news::Part;

use super::*;
use crate::gateway::auth::{Rooms, random_hex};
use crate::gateway::error::{incident, words};
use crate::gateway::stream::topic::{CHANNELS, NoTopic, WHOLE};

/// The part that every request has.
#[derive(Deserialize)]
struct Head {
    op: Option<String>,
    #[serde(default)]
    id: serde_json::Value,
}

/// The fastest rate that may be asked for; above it no limit is meant.
const HZ_MAX: f64 = 1_000.0;
/// The slowest: one frame in a hundred seconds.
const HZ_MIN: f64 = 0.01;

impl Session {
    /// One text frame.
    pub fn on_text(&mut self, text: &str, now: Ts) {
        let answered = catch_unwind(AssertUnwindSafe(|| self.answer(text, now)));
        if let Err(panic) = answered {
            let said = words(panic.as_ref());
            let incident = incident(&format!("a request on the stream panicked: {said}"));
            let head = serde_json::from_str::<Head>(text).ok();
            let id = head.and_then(|head| head.id.as_u64());
            self.refuse(Refusal::of_incident(id, incident));
            // What it left half done is not gone on with.
            self.close(Close::Internal);
        }
    }

    fn answer(&mut self, text: &str, now: Ts) {
        if matches!(self.phase, Phase::Closed) || self.closing.is_some() {
            return;
        }
        self.hub.metrics.stream_requests.add(1);
        let head: Head = match serde_json::from_str(text) {
            Ok(head) => head,
            Err(error) => return self.not_json(text, &error),
        };
        let id = head.id.as_u64();
        if !head.id.is_null() && id.is_none() {
            return self.bad_field(None, "id", "use a whole number, not below zero");
        }
        let op = head.op.unwrap_or_default();
        if let Phase::Hello { authorised, .. } = self.phase {
            return match op.as_str() {
                "hello" => self.on_hello(text, authorised, now),
                _ => {
                    self.refuse(StreamError::Unauthenticated.refuse(id, "say hello first"));
                    self.close(Close::ProtocolError);
                }
            };
        }
        // Receipts come with every event and cost nothing: they have no share in the budget.
        if op != "seen" && !self.budget.take(now) {
            let mut refusal = StreamError::RateLimited.refuse(
                id,
                format!("at most {REQUESTS_PER_SECOND} requests a second"),
            );
            refusal.after_ms = Some(1_000 / u64::from(REQUESTS_PER_SECOND) + 1);
            return self.refuse(refusal);
        }
        // What keeps a session from being idle: pings, receipts and snapshots come from a page that nobody looks at, too.
        if matches!(op.as_str(), "sub" | "unsub" | "set" | "list") {
            self.mailbox.note_asked(now);
        }
        match op.as_str() {
            "sub" => self.parsed(text, id, |s, m: Sub| s.on_sub(m)),
            "unsub" => self.parsed(text, id, |s, m: OneSub| s.on_unsub(m)),
            "set" => self.parsed(text, id, |s, m: Set| s.on_set(m)),
            "resync" => self.parsed(text, id, |s, m: OneSub| s.on_resync(m, now)),
            "seen" => self.parsed(text, id, |s, m: Seen| s.on_seen(m)),
            "list" => self.parsed(text, id, |s, m: Bare| s.on_list(m)),
            "ping" => self.parsed(text, id, |s, m: Bare| s.ok(m.id, Some(micros(now)), None)),
            "hello" => self.refuse(StreamError::BadField.refuse(id, "hello was said already")),
            _ => self.refuse(
                StreamError::UnknownOp
                    .refuse(id, "use hello, sub, unsub, list, set, resync, seen or ping"),
            ),
        }
    }

    fn parsed<M: DeserializeOwned>(
        &mut self,
        text: &str,
        id: Option<u64>,
        then: impl FnOnce(&mut Self, M),
    ) {
        let mut source = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, M>(&mut source) {
            Ok(message) => then(self, message),
            Err(error) => {
                let field = match error.path().to_string().as_str() {
                    "." => missing_field(&error.inner().to_string()),
                    path => path.to_owned(),
                };
                self.bad_field(id, &field, "the field is missing or of another type");
            }
        }
    }

    fn on_hello(&mut self, text: &str, authorised: bool, now: Ts) {
        let hello: Hello = match serde_json::from_str(text) {
            Ok(hello) => hello,
            Err(_) => {
                self.bad_field(None, "resume", "hello takes ticket, client and resume");
                return self.close(Close::ProtocolError);
            }
        };
        let ticket = hello.ticket.as_deref();
        let visitor = ticket.and_then(|ticket| self.doors.redeem(ticket, now));
        if visitor.is_none() && (ticket.is_some() || !authorised) {
            self.refuse(StreamError::Unauthenticated.refuse(
                hello.id,
                "get a ticket by POST /api/v1/ws-tickets; it works once, for 30 s",
            ));
            return self.close(Close::BadTicket);
        }
        // Without a ticket the secret itself came with the upgrade.
        self.rooms = visitor.map_or(Rooms::ALL, |visitor| visitor.rooms);
        self.conn = random_hex::<16>();
        let session = visitor.and_then(|visitor| visitor.session);
        let client = visitor.filter(|visitor| visitor.rooms.client);
        let client = client.map(|visitor| visitor.actor);
        if !self.hub.connect(&self.conn, &self.mailbox, session, client) {
            let mut refusal = StreamError::RateLimited
                .refuse(hello.id, "too many are connected: try again in a moment");
            refusal.after_ms = Some(FULL_WAIT_MS);
            self.refuse(refusal);
            return self.close(Close::Full);
        }
        // Signed out since the ticket was redeemed: nobody would tell this connection any more.
        if session.is_some_and(|session| !self.doors.holds(session)) {
            return self.close(Close::Revoked);
        }
        self.hub.metrics.stream_opened.add(1);
        self.phase = Phase::Open;
        self.heartbeat_at = now.plus(self.timing.heartbeat_ns);
        self.ping_at = now.plus(self.timing.ping_ns);
        let (mut resumed, mut lost) = (Vec::new(), Vec::new());
        if let Some(resume) = hello.resume {
            self.hub.replace(&resume.conn);
            for wanted in resume.subs {
                match self.resume(wanted) {
                    true => resumed.push(wanted.sub),
                    false => lost.push(wanted.sub),
                }
            }
            for wanted in resume.wildcards {
                self.resume_wildcard(wanted);
            }
        }
        self.say(&Say::Welcome {
            conn: self.conn.clone(),
            server: concat!("siaga/", env!("CARGO_PKG_VERSION")),
            now: micros(now),
            limits: Limits {
                subs: SUBS_MAX,
                msg_s: REQUESTS_PER_SECOND,
                frame: FRAME_BYTES_MAX,
            },
            hb_ms: self.timing.heartbeat_ns / 1_000_000,
            resumed,
            lost,
        });
    }

    /// Goes on with a stream where a lost connection was. A state stream needs no snapshot: its next frame says what was merged.
    fn resume(&mut self, wanted: ResumeSub) -> bool {
        let id = SubId(wanted.sub);
        let Some(topic) = Topic::from_id(id) else {
            return false;
        };
        if !is_rate(wanted.hz)
            || !topic.is_in(&self.rooms)
            || self.hub.epoch_of(topic) != wanted.epoch
            || self.by_id.len() >= SUBS_MAX
            || self.by_id.contains_key(&id)
        {
            return false;
        }
        let events = self.hub.core.events();
        if topic.durable() && (wanted.seq > events.tip() || events.after(wanted.seq, 0).is_none()) {
            return false;
        }
        let Some(slot) = self.follow(topic, spacing_ns(wanted.hz)) else {
            return false;
        };
        let Some(followed) = &mut self.subs[slot] else {
            return false;
        };
        let ahead =
            !topic.durable() && followed.stream.newest().is_some_and(|f| f.seq < wanted.seq);
        followed.sent = wanted.seq;
        followed.scanned = wanted.seq;
        // A position of the future belongs to another history: begin anew.
        followed.snap = ahead;
        // Polled streams are numbered by what their watchers saw; without a watcher in between the number says nothing.
        followed.snap |= matches!(
            topic,
            Topic::Margin(_) | Topic::Portfolio(_) | Topic::Status | Topic::News(_)
        );
        true
    }

    /// Keeps a wildcard of the lost connection; one that never was one is left out, as an unknown stream is.
    fn resume_wildcard(&mut self, wanted: ResumeWildcard) {
        let ResumeWildcard { id, ch, sym, hz } = wanted;
        let names = self.hub.core.directory();
        let is_sound =
            self.rooms.prices() && is_wildcard(&ch, &sym) && Topic::find(&ch, &sym, &names).is_ok();
        if !is_sound || !is_rate(hz) || self.wildcards.len() >= WILDCARDS_MAX {
            return;
        }
        self.wildcards.push(Wildcard {
            id,
            channel: ch,
            sym,
            spacing_ns: spacing_ns(hz),
        });
        // What came while nobody listened is found at the next look.
        self.names_version = NAMES_UNSEEN;
    }

    fn on_sub(&mut self, sub: Sub) {
        let id = Some(sub.id);
        if !CHANNELS.contains(&sub.ch.as_str()) {
            let msg = format!("use one of {}", CHANNELS.join(", "));
            return self.refuse(StreamError::UnknownChannel.refuse(id, msg));
        }
        if !is_rate(sub.hz) {
            return self.bad_field(id, "hz", "use a rate from 0.01 to 1000");
        }
        let is_room = match (Part::parse(&sub.ch), sub.ch.as_str()) {
            (Some(part), _) => self.rooms.hears(part),
            // Which of them, the topics say.
            (None, "quote" | "candle" | "portfolio" | "order") => self.rooms.prices(),
            (None, _) => self.rooms.desk,
        };
        if !is_room {
            return self.refuse(
                StreamError::Forbidden.refuse(id, "this channel is not part of your role"),
            );
        }
        let names = self.hub.core.directory();
        let all = ["*".to_owned()];
        let asked: &[String] = match sub.sym.is_empty() && WHOLE.contains(&sub.ch.as_str()) {
            true => &all,
            false => &sub.sym,
        };
        if asked.is_empty() {
            return self.bad_field(id, "sym", "name at least one symbol");
        }
        let mut topics = Vec::new();
        for sym in asked {
            match Topic::find(&sub.ch, sym, &names) {
                Ok(found) if found.iter().all(|topic| topic.is_in(&self.rooms)) => {
                    topics.extend(found);
                }
                Ok(found) if found.contains(&Topic::Order(None)) => {
                    let msg = "name an account of yours: all orders are the desk's";
                    return self.refuse(StreamError::Forbidden.refuse(id, msg));
                }
                // Another's account is answered as one that is not there.
                Ok(_) => {
                    let (asked, near) = (sym.clone(), None);
                    return self.no_topic(sub.id, NoTopic::Symbol { asked, near });
                }
                Err(why) => return self.no_topic(sub.id, why),
            }
        }
        topics.sort_unstable();
        topics.dedup();
        let wild: Vec<&String> = asked
            .iter()
            .filter(|sym| is_wildcard(&sub.ch, sym))
            .collect();
        if self.wildcards.len() + wild.len() > WILDCARDS_MAX {
            return self.refuse(
                StreamError::TooManySubs.refuse(id, format!("at most {WILDCARDS_MAX} wildcards")),
            );
        }
        let fresh = topics
            .iter()
            .filter(|t| !self.by_id.contains_key(&t.id()))
            .count();
        if fresh == 0 && !topics.is_empty() {
            return self.already(sub.id, &topics);
        }
        if self.by_id.len() + fresh > SUBS_MAX {
            let mut refusal = StreamError::TooManySubs.refuse(
                id,
                format!("at most {SUBS_MAX} streams; unsubscribe some first"),
            );
            refusal.after_ms = Some(0);
            return self.refuse(refusal);
        }
        if let Some(from) = sub.from
            && let Some(why) = self.unreachable(&topics, from)
        {
            return self.refuse(StreamError::HistoryGone.refuse(id, why));
        }
        for sym in wild {
            let (channel, sym) = (sub.ch.clone(), sym.clone());
            self.wildcards.push(Wildcard {
                id: sub.id,
                channel,
                sym,
                spacing_ns: spacing_ns(sub.hz),
            });
        }
        let infos = topics
            .iter()
            .filter_map(|topic| self.begin(*topic, &sub))
            .collect();
        self.ok(sub.id, None, Some(infos));
    }

    /// Follows one topic of a `sub`, or names the one that is followed already.
    fn begin(&mut self, topic: Topic, sub: &Sub) -> Option<SubInfo> {
        if let Some(slot) = self.by_id.get(&topic.id()) {
            return self.subs[*slot].as_ref().map(|f| self.info(f));
        }
        let slot = self.follow(topic, spacing_ns(sub.hz))?;
        if let Some(followed) = &mut self.subs[slot] {
            match (topic.durable(), sub.from) {
                (true, Some(from)) => {
                    followed.sent = from.seq;
                    followed.scanned = from.seq;
                }
                (false, _) if !sub.snap => {
                    followed.snap = false;
                    followed.sent = followed.stream.newest().map_or(0, |f| f.seq);
                }
                _ => {}
            }
        }
        self.subs[slot].as_ref().map(|f| self.info(f))
    }

    /// Why a position cannot be replayed from.
    fn unreachable(&self, topics: &[Topic], from: Position) -> Option<&'static str> {
        let durable = topics.iter().find(|t| t.durable())?;
        if self.hub.epoch_of(*durable) != from.epoch {
            return Some(
                "the history is a new one: read the list by REST and subscribe without from",
            );
        }
        let events = self.hub.core.events();
        if from.seq > events.tip() || events.after(from.seq, 0).is_none() {
            return Some(
                "the position is no longer held: read the list by REST and subscribe without from",
            );
        }
        None
    }

    fn already(&mut self, id: u64, topics: &[Topic]) {
        let slots = topics.iter().filter_map(|t| self.by_id.get(&t.id()));
        let followed = slots.filter_map(|slot| self.subs[*slot].as_ref());
        let infos: Vec<SubInfo> = followed.map(|f| self.info(f)).collect();
        let mut refusal =
            StreamError::AlreadySubscribed.refuse(Some(id), "these streams are followed already");
        refusal.sub = infos.first().map(|info| info.sub);
        refusal.subs = Some(infos);
        self.refuse(refusal);
    }

    fn on_unsub(&mut self, message: OneSub) {
        let id = SubId(message.sub);
        let topic = self
            .by_id
            .get(&id)
            .and_then(|slot| self.subs[*slot].as_ref())
            .map(|f| f.stream.topic);
        if !self.unfollow(id) {
            return self.unknown_sub(message.id);
        }
        // The wildcard that found it would bring it back.
        if let Some(topic) = topic {
            let names = self.hub.core.directory();
            self.wildcards.retain(|w| {
                !Topic::find(&w.channel, &w.sym, &names).is_ok_and(|found| found.contains(&topic))
            });
        }
        self.ok(message.id, None, None);
    }

    fn on_set(&mut self, message: Set) {
        if !is_rate(message.hz) {
            return self.bad_field(Some(message.id), "hz", "use a rate from 0.01 to 1000");
        }
        match self.followed(message.sub) {
            Some(followed) => {
                followed.spacing_ns = spacing_ns(message.hz);
                followed.next_at = Ts(0);
                self.ok(message.id, None, None);
            }
            None => self.unknown_sub(message.id),
        }
    }

    fn on_resync(&mut self, message: OneSub, now: Ts) {
        let wait = self.timing.resync_ns;
        let Some(followed) = self.followed(message.sub) else {
            return self.unknown_sub(message.id);
        };
        if followed.stream.topic.durable() {
            let msg = "durable streams have no snapshot: subscribe again with from";
            return self.refuse(StreamError::BadField.refuse(Some(message.id), msg));
        }
        let since = followed.resynced_at.map(|at| now.since(at));
        if followed.snap || since.is_some_and(|ns| ns < wait) {
            let mut refusal = StreamError::ResyncBusy
                .refuse(Some(message.id), "a snapshot is on its way or just came");
            refusal.after_ms = Some(wait.saturating_sub(since.unwrap_or(0)) / 1_000_000);
            return self.refuse(refusal);
        }
        followed.resynced_at = Some(now);
        followed.snap = true;
        if let Some(slot) = self.by_id.get(&SubId(message.sub)) {
            self.mailbox.mark(*slot);
        }
        self.ok(message.id, None, None);
    }

    fn on_seen(&mut self, message: Seen) {
        // Positions live with the client; the receipt only proves that it reads.
        match (self.followed(message.sub).is_some(), message.id) {
            (true, Some(id)) => self.ok(id, None, None),
            (true, None) => {}
            (false, id) => {
                self.refuse(StreamError::UnknownSub.refuse(id, "this connection has no such sub"))
            }
        }
    }

    fn on_list(&mut self, message: Bare) {
        let infos = self.subs.iter().flatten().map(|f| self.info(f)).collect();
        self.ok(message.id, None, Some(infos));
    }

    fn followed(&mut self, sub: u64) -> Option<&mut Followed> {
        let slot = *self.by_id.get(&SubId(sub))?;
        self.subs[slot].as_mut()
    }

    fn ok(&mut self, id: u64, now: Option<u64>, subs: Option<Vec<SubInfo>>) {
        self.say(&Say::Ok {
            id: Some(id),
            now,
            subs,
            more: false,
        });
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.hub.metrics.stream_refusals.add(1);
        self.say(&Say::Err(refusal));
    }

    fn bad_field(&mut self, id: Option<u64>, field: &str, msg: &str) {
        let mut refusal = StreamError::BadField.refuse(id, msg);
        refusal.field = Some(field.to_owned());
        self.refuse(refusal);
    }

    fn unknown_sub(&mut self, id: u64) {
        self.refuse(
            StreamError::UnknownSub
                .refuse(Some(id), "this connection has no such sub; list names them"),
        );
    }

    fn no_topic(&mut self, id: u64, why: NoTopic) {
        let id = Some(id);
        match why {
            NoTopic::Channel => {
                self.refuse(StreamError::UnknownChannel.refuse(id, "no such channel"))
            }
            NoTopic::Form(hint) => self.bad_field(id, "sym", hint),
            NoTopic::Symbol { asked, near } => {
                let shown: String = asked.chars().take(64).collect();
                let mut refusal =
                    StreamError::UnknownSymbol.refuse(id, format!("{shown} is not known here"));
                refusal.field = Some("sym".to_owned());
                refusal.did_you_mean = near;
                self.refuse(refusal);
            }
        }
    }

    fn not_json(&mut self, text: &str, error: &serde_json::Error) {
        let before: usize = text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let offset = before + error.column();
        self.refuse(
            StreamError::BadJson.refuse(None, format!("not a JSON object: offset {offset}")),
        );
        if matches!(self.phase, Phase::Hello { .. }) {
            self.close(Close::ProtocolError);
        }
    }
}

/// Whether a rate may be asked for; none means no limit.
fn is_rate(hz: Option<f64>) -> bool {
    hz.is_none_or(|hz| (HZ_MIN..=HZ_MAX).contains(&hz))
}

/// The name in serde's "missing field `x`"; empty when the text is another one.
fn missing_field(text: &str) -> String {
    text.split('`').nth(1).unwrap_or_default().to_owned()
}
