//! What is ready for one connection, gathered into one write.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::gateway::dto::alert::alert;
use crate::gateway::dto::order::{order, to_client};
use crate::gateway::error::{incident, words};
use crate::gateway::events::{Event, EventBody};
use crate::gateway::stream::hub::SILENCE_MAX_NS;

/// Durable events looked at in one go, so that a far cursor does not hold the log's lock for long.
const EVENTS_PER_LOOK: usize = 512;

/// The batch that grows.
struct Batch<'a> {
    out: &'a mut Vec<Send>,
    bytes: usize,
    /// Bytes at which it counts as full.
    limit: usize,
    frames: u64,
}

impl Batch<'_> {
    fn text(&mut self, text: Utf8Bytes) {
        self.bytes += text.len();
        self.frames += 1;
        self.out.push(Send::Text(text));
    }

    fn is_full(&self) -> bool {
        self.bytes >= self.limit
    }
}

impl Session {
    /// Appends what one write should carry.
    pub fn poll_send(&mut self, now: Ts, out: &mut Vec<Send>) -> Next {
        let filled = catch_unwind(AssertUnwindSafe(|| self.poll_batch(now, out)));
        filled.unwrap_or_else(|panic| {
            let said = words(panic.as_ref());
            let id = incident(&format!("a batch of the stream panicked: {said}"));
            self.hub.metrics.stream_refusals.add(1);
            self.hub.metrics.stream_closed[Close::Internal as usize].add(1);
            self.phase = Phase::Closed;
            // Whatever befell the rest of the batch, who asked is answered.
            out.extend(self.answers.drain(..).map(Send::Text));
            for say in [
                Say::Err(Refusal::of_incident(None, id)),
                Close::Internal.say(),
            ] {
                out.push(Send::Text(say.text().into()));
            }
            Next::Close(Close::Internal)
        })
    }

    fn poll_batch(&mut self, now: Ts, out: &mut Vec<Send>) -> Next {
        let mut batch = Batch {
            out,
            bytes: 0,
            limit: BATCH_BYTES,
            frames: 0,
        };
        let next = self.fill(now, &mut batch);
        self.frames += batch.frames;
        self.hub.metrics.stream_frames.add(batch.frames);
        next
    }

    fn fill(&mut self, now: Ts, batch: &mut Batch) -> Next {
        self.check_time(now);
        if self.mailbox.is_replaced() {
            self.close(Close::ResumeConflict);
        }
        if self.mailbox.is_revoked() {
            self.close(Close::Revoked);
        }
        // What ends has no use for more, and what ended it may befall this too.
        if self.phase == Phase::Open && self.closing.is_none() {
            self.follow_newcomers();
            self.tell_maintenance(now);
        }
        while let Some(answer) = self.answers.pop_front() {
            batch.text(answer);
            if batch.is_full() {
                return Next::More;
            }
        }
        if let Some(why) = self.closing.take() {
            batch.text(why.say().text().into());
            self.hub.metrics.stream_closed[why as usize].add(1);
            self.phase = Phase::Closed;
            return Next::Close(why);
        }
        if self.phase != Phase::Open {
            return Next::Wait;
        }
        self.mailbox.take(&mut self.pending);
        let left = self.deliver_all(now, batch);
        // However full the batch is: a busy connection is watched by its heartbeat too.
        self.beat(now, batch);
        match left || self.closing.is_some() || !self.answers.is_empty() {
            true => Next::More,
            false => Next::Wait,
        }
    }

    /// Durable events first, at most half of the batch while states wait too; each kind in turn from where it stopped. True when
    /// something is left that could be sent now.
    fn deliver_all(&mut self, now: Ts, batch: &mut Batch) -> bool {
        let (durable, state): (Vec<usize>, Vec<usize>) = self.pending_slots().partition(|slot| {
            let followed = self.subs[*slot].as_ref();
            followed.is_some_and(|f| f.stream.topic.durable())
        });
        if !state.is_empty() {
            batch.limit = BATCH_BYTES / 2;
        }
        let mut turns = self.turns;
        let events_left = self.deliver_in_turn(&durable, &mut turns.durable, now, batch);
        batch.limit = BATCH_BYTES;
        let states_left = self.deliver_in_turn(&state, &mut turns.state, now, batch);
        self.turns = turns;
        events_left || states_left
    }

    fn deliver_in_turn(
        &mut self,
        slots: &[usize],
        turn: &mut usize,
        now: Ts,
        batch: &mut Batch,
    ) -> bool {
        let (before, after) = slots.split_at(slots.partition_point(|slot| *slot < *turn));
        for slot in after.iter().chain(before) {
            if batch.is_full() {
                *turn = *slot;
                return true;
            }
            self.deliver(*slot, now, batch);
        }
        // Only a batch that became full leaves events behind.
        batch.is_full()
    }

    fn check_time(&mut self, now: Ts) {
        if let Phase::Hello { until, .. } = self.phase
            && now >= until
        {
            self.close(Close::HelloTimeout);
        }
    }

    /// Instruments that came after a wildcard was subscribed.
    fn follow_newcomers(&mut self) {
        let names = self.hub.core.directory();
        if names.version == self.names_version || self.wildcards.is_empty() {
            return;
        }
        self.names_version = names.version;
        for wildcard in std::mem::take(&mut self.wildcards) {
            let found = Topic::find(&wildcard.channel, &wildcard.sym, &names).unwrap_or_default();
            let mut news = Vec::new();
            for topic in found {
                if self.by_id.contains_key(&topic.id()) || self.by_id.len() >= SUBS_MAX {
                    continue;
                }
                let slot = self.follow(topic, wildcard.spacing_ns);
                if let Some(followed) = slot.and_then(|slot| self.subs[slot].as_ref()) {
                    news.push(self.info(followed));
                }
            }
            if !news.is_empty() {
                self.say(&Say::Ok {
                    id: Some(wildcard.id),
                    now: None,
                    subs: Some(news),
                    more: true,
                });
            }
            self.wildcards.push(wildcard);
        }
    }

    /// What an administrator announced since the last look, or before the hello, while it is ahead or running.
    fn tell_maintenance(&mut self, now: Ts) {
        let announced = self.hub.announced();
        if announced.version == self.announced {
            return;
        }
        self.announced = announced.version;
        let window = announced.window.clone();
        let window = window.filter(|window| window.ends_at > micros(now));
        let knew = std::mem::replace(&mut self.told_maintenance, window.is_some());
        if knew || window.is_some() {
            self.say(&Say::Note {
                kind: NoteKind::Maintenance,
                hz: None,
                after_ms: None,
                window,
            });
        }
    }

    fn deliver(&mut self, slot: usize, now: Ts, batch: &mut Batch) {
        let done = match &self.subs[slot] {
            None => true,
            // Asked at the subscription too; nothing leaves past it.
            Some(followed) if !followed.stream.topic.is_in(&self.rooms) => true,
            Some(followed) if followed.stream.topic.durable() => self.deliver_events(slot, batch),
            Some(_) => self.deliver_state(slot, now, batch),
        };
        if done {
            self.pending[slot / 64] &= !(1 << (slot % 64));
        }
    }

    /// True when nothing of the stream waits any more.
    fn deliver_state(&mut self, slot: usize, now: Ts, batch: &mut Batch) -> bool {
        let throttled = self.ladder.is_throttled();
        let Some(followed) = &mut self.subs[slot] else {
            return true;
        };
        let stream = followed.stream.clone();
        let health = stream.health();
        if health != followed.told_stale {
            followed.told_stale = health;
            let (sub, sym, age_ms) = (stream.id.0, stream.sym.clone(), self.hub.age_ms(&stream));
            let say = match health {
                Some(reason) => Say::Stale {
                    sub,
                    sym,
                    age_ms,
                    reason,
                },
                None => Say::Live { sub, sym, age_ms },
            };
            batch.text(say.text().into());
        }
        // In this order: what a frame ends is over before the frame is seen.
        let (newest, trouble) = (stream.newest(), stream.trouble());
        let Some(frame) = newest else {
            tell_trouble(&self.hub, followed, trouble, batch);
            return true;
        };
        if frame.seq <= followed.sent && !followed.snap {
            tell_trouble(&self.hub, followed, trouble, batch);
            return true;
        }
        if now < followed.next_at && !followed.snap {
            return false;
        }
        let spacing = followed.spacing_ns.max(if throttled {
            spacing_ns(Some(THROTTLED_HZ))
        } else {
            0
        });
        followed.next_at = now.plus(spacing);
        let metrics = &self.hub.metrics;
        if followed.snap {
            followed.snap = false;
            batch.text(frame.snapshot(stream.id));
        } else {
            match followed.sent == frame.prev {
                true => metrics.stream_frames_shared.add(1),
                false => metrics.stream_frames_conflated.add(1),
            }
            batch.text(frame.update_after(stream.id, followed.sent));
        }
        followed.sent = frame.seq;
        // A frame says that what was told is over: what still stands is told behind it, though it was told before.
        followed.told_trouble = None;
        tell_trouble(&self.hub, followed, trouble, batch);
        true
    }

    /// True when the log's end was reached.
    fn deliver_events(&mut self, slot: usize, batch: &mut Batch) -> bool {
        let hub = self.hub.clone();
        let by_desk = self.rooms.desk;
        let Some(followed) = &mut self.subs[slot] else {
            return true;
        };
        loop {
            let Some(events) = hub.core.events().after(followed.scanned, EVENTS_PER_LOOK) else {
                let (sub, sym) = (followed.stream.id.0, followed.stream.sym.clone());
                let (have, want) = (followed.sent, hub.core.events().tip());
                let action = GapAction::Resync;
                batch.text(
                    Say::Gap {
                        sub,
                        sym,
                        have,
                        want,
                        action,
                    }
                    .text()
                    .into(),
                );
                self.close(Close::SlowConsumer);
                return true;
            };
            if events.is_empty() {
                return true;
            }
            for event in events {
                if batch.is_full() {
                    return false;
                }
                followed.scanned = event.number;
                if !concerns(followed.stream.topic, &event) {
                    continue;
                }
                match event_frame(&hub, followed, &event, by_desk) {
                    Ok(frame) => {
                        batch.text(frame);
                        followed.sent = event.number;
                    }
                    // Held back, it would hold back all that follow; left out unsaid, nobody would look for it.
                    Err(error) => {
                        let number = event.number;
                        let id = incident(&format!("event {number} has no frame: {error}"));
                        let mut refusal = Refusal::of_incident(None, id);
                        refusal.sub = Some(followed.stream.id.0);
                        hub.metrics.stream_refusals.add(1);
                        batch.text(Say::Err(refusal).text().into());
                    }
                }
            }
        }
    }

    fn beat(&mut self, now: Ts, batch: &mut Batch) {
        if now >= self.ping_at {
            self.ping_at = now.plus(self.timing.ping_ns);
            if self.pings_lost >= PINGS_LOST_MAX {
                self.close(Close::Idle);
                return;
            }
            self.pings_lost += 1;
            batch.out.push(Send::Ping);
        }
        if now < self.heartbeat_at {
            return;
        }
        self.heartbeat_at = now.plus(self.timing.heartbeat_ns);
        let mut tips = BTreeMap::new();
        for followed in self.subs.iter().flatten() {
            let tip = self.hub.tip(&followed.stream);
            if tip > followed.sent {
                tips.insert(followed.stream.id.0.to_string(), tip);
            }
        }
        let cs = self.frames + batch.frames + 1;
        let lag_ms = self.lag_ns / 1_000_000;
        batch.text(
            Say::Hb {
                cs,
                now: micros(now),
                tips,
                lag_ms,
            }
            .text()
            .into(),
        );
    }
}

/// Tells what is wrong with a stream, once while it stands.
fn tell_trouble(
    hub: &Hub,
    followed: &mut Followed,
    trouble: Option<Arc<Trouble>>,
    batch: &mut Batch,
) {
    if followed.told_trouble == trouble {
        return;
    }
    if let Some(trouble) = trouble.as_deref() {
        hub.metrics.stream_refusals.add(1);
        let refusal = troubled(&followed.stream, trouble);
        batch.text(Say::Err(refusal).text().into());
    }
    followed.told_trouble = trouble;
}

/// What a follower hears of a stream that the core says nothing of, yet or any more, or whose frames fail.
fn troubled(stream: &Stream, trouble: &Trouble) -> Refusal {
    let mut refusal = match trouble {
        Trouble::NoAnswer => {
            let (channel, sym) = (stream.topic.channel(), &stream.sym);
            let msg = match stream.newest() {
                None => format!(
                    "the core does not answer: nothing is known of {channel} {sym} yet. It is asked again by itself, and the stream begins with its answer"
                ),
                Some(_) => format!(
                    "the core has not answered for {} s: what was told of {channel} {sym} may be out of date. It is asked again by itself, and the stream goes on with its answer",
                    SILENCE_MAX_NS / SECOND_NS
                ),
            };
            let mut refusal = StreamError::Degraded.refuse(None, msg);
            refusal.after_ms = Some(DEGRADED_WAIT_MS);
            refusal
        }
        Trouble::Incident(id) => Refusal::of_incident(None, id.clone()),
    };
    refusal.sub = Some(stream.id.0);
    refusal
}

fn concerns(topic: Topic, event: &Event) -> bool {
    match (topic, &event.body) {
        (Topic::Alert, EventBody::Alert(_)) | (Topic::Order(None), EventBody::Order(_)) => true,
        (Topic::Order(Some(account)), EventBody::Order(change)) => change.order.account == account,
        _ => false,
    }
}

/// The event with this connection's chain before its text, which the desk's readers share and the one client of an order has alone.
fn event_frame(
    hub: &Hub,
    followed: &Followed,
    event: &Event,
    by_desk: bool,
) -> serde_json::Result<Utf8Bytes> {
    let own;
    let data: &[u8] = match &event.body {
        EventBody::Order(change) if !by_desk => {
            hub.metrics.stream_serialisations.add(1);
            let shown = to_client(order(change, &hub.core.directory()));
            own = serde_json::to_vec(&shown)?;
            &own
        }
        body => match event.text.get() {
            Some(text) => &text[..],
            None => {
                hub.metrics.stream_serialisations.add(1);
                let names = hub.core.directory();
                let text = match body {
                    EventBody::Alert(record) => serde_json::to_string(&alert(record, &names)),
                    EventBody::Order(change) => serde_json::to_string(&order(change, &names)),
                }?;
                // Two who write it at the same moment write the same.
                &event.text.get_or_init(|| text.into())[..]
            }
        },
    };
    let (sub, epoch, prev) = (followed.stream.id.0, followed.epoch, followed.sent);
    let data = std::str::from_utf8(data).unwrap_or("{}");
    let number = event.number;
    Ok(format!(
        r#"{{"t":"ev","sub":{sub},"epoch":{epoch},"seq":{number},"prev":{prev},"data":{data}}}"#
    )
    .into())
}
