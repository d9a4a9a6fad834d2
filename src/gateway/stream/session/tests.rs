//! The protocol without a socket: chains, resume, durable streams, limits.

use proptest::prelude::*;
use serde_json::{Value, json};
use siaga_risk::ids::InstrumentId;

use super::*;
use crate::gateway::core::Core;
use crate::gateway::events::EventBody;
use crate::gateway::metrics::Metrics;
use crate::gateway::testing::{ACCOUNT, EURGBP, EURUSD, TestDesk, XAUUSD, alert, order};

mod busy;
mod chain;
mod clients;
mod durable;
mod incidents;
mod maintenance;
mod protocol;

const SECRET: &str = "the secret of this test";
/// Events that were told before the test's own.
const EVENTS_BEFORE: u64 = 999_999;

/// One desk, its hub and its doors.
struct House {
    desk: Arc<TestDesk>,
    hub: Arc<Hub>,
    doors: Arc<Doors>,
}

impl House {
    fn new() -> House {
        House::of(TestDesk::new())
    }

    fn of(desk: Arc<TestDesk>) -> House {
        desk.events().starts_after(EVENTS_BEFORE);
        let hub = Hub::new(desk.clone(), Arc::new(Metrics::default()));
        House {
            desk,
            hub,
            doors: Arc::new(Doors::new(SECRET)),
        }
    }

    fn now(&self) -> Ts {
        self.desk.now()
    }

    /// A connection that has said hello.
    fn open(&self) -> Peer {
        let mut peer = self.silent();
        let welcome = peer.hello(self, json!({}));
        assert_eq!(welcome["t"], "welcome");
        peer
    }

    /// A connection that has said nothing.
    fn silent(&self) -> Peer {
        let timing = Timing::default();
        let session = Session::new(
            self.hub.clone(),
            self.doors.clone(),
            timing,
            false,
            self.now(),
        );
        Peer {
            session,
            closed: None,
        }
    }

    /// A price, written and announced as the broadcaster does it.
    fn mark(&self, instrument: InstrumentId, bid: i64) -> u64 {
        let seq = self.desk.mark(instrument, bid);
        self.hub.publish(&[instrument]);
        seq
    }

    fn order(&self, id: u64) {
        let number = self.desk.events().push(EventBody::Order(order(id)));
        self.announce(number);
    }

    fn announce(&self, number: u64) {
        let events = self.desk.events().after(number - 1, 1).expect("held");
        self.hub.announce(&events);
    }
}

/// A session and what it said.
struct Peer {
    session: Session,
    closed: Option<Close>,
}

impl Peer {
    fn hello(&mut self, house: &House, more: Value) -> Value {
        let (ticket, _) = house
            .doors
            .ticket(crate::gateway::auth::ADMINISTRATOR, None, house.now())
            .expect("room");
        let mut hello = json!({ "op": "hello", "ticket": ticket, "client": "test" });
        for (key, value) in more.as_object().expect("an object") {
            hello[key] = value.clone();
        }
        self.ask(house, hello)
    }

    /// Sends a request and returns its answer; what else came is dropped.
    fn ask(&mut self, house: &House, request: Value) -> Value {
        self.session.on_text(&request.to_string(), house.now());
        let frames = self.frames(house);
        let answer = frames
            .iter()
            .find(|f| f["t"] == "ok" || f["t"] == "err" || f["t"] == "welcome");
        answer
            .cloned()
            .unwrap_or_else(|| panic!("no answer to {request}: {frames:?}"))
    }

    /// Everything that is ready, as JSON.
    fn frames(&mut self, house: &House) -> Vec<Value> {
        let texts = self.texts(house);
        texts
            .iter()
            .map(|text| serde_json::from_str(text).expect("JSON"))
            .collect()
    }

    fn texts(&mut self, house: &House) -> Vec<Utf8Bytes> {
        let mut all = Vec::new();
        for _ in 0..10_000 {
            let mut batch = Vec::new();
            let next = self.session.poll_send(house.now(), &mut batch);
            all.extend(batch.into_iter().filter_map(|send| match send {
                Send::Text(text) => Some(text),
                Send::Ping => None,
            }));
            match next {
                Next::More => continue,
                Next::Wait => return all,
                Next::Close(why) => {
                    self.closed = Some(why);
                    return all;
                }
            }
        }
        panic!("the session always has more");
    }

    /// Follows and returns the subscription ids, with what came beside the answer.
    fn sub(&mut self, house: &House, request: Value) -> (Vec<u64>, Vec<Value>) {
        self.session.on_text(&request.to_string(), house.now());
        let frames = self.frames(house);
        assert_eq!(frames[0]["t"], "ok", "{frames:?}");
        let subs = frames[0]["subs"].as_array().expect("subs");
        let ids = subs
            .iter()
            .map(|s| s["sub"].as_u64().expect("a number"))
            .collect();
        (ids, frames[1..].to_vec())
    }
}

fn state_frames(frames: &[Value]) -> Vec<&Value> {
    frames
        .iter()
        .filter(|f| f["t"] == "snap" || f["t"] == "upd")
        .collect()
}
