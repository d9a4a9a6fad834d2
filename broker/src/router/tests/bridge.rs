//! A bridge under the router: bursts that its peer has not dealt with, what it says again, closes of its own.

use super::*;
use crate::bridge::{BridgeConfig, BridgeSession};
use crate::directory::{Directory, Listing};
use serde_json::{Value, json};
use siaga_risk::journal::Epochs;

const NOW: Ts = Ts(3);

fn with_bridge(limits: Limits) -> Router {
    let mut directory = Directory::default();
    let listing = Listing {
        symbol: "EUR/USD".to_owned(),
        price_digits: 0,
        qty_digits: 0,
    };
    directory.list(InstrumentId(7), listing);
    let config = BridgeConfig {
        link: LINK,
        token: "sample".to_owned(),
        epochs: Epochs::single(1, 0),
        run: 1,
    };
    let mut router = Router::new(at(0), at(0), limits);
    router.add(Box::new(BridgeSession::new(config, directory)));
    router.on_terms(&account(1, LINK));
    router
}

/// A broker's program that has never received any order.
#[derive(Default)]
struct Peer {
    session: String,
    said: u64,
    dealt_with: u64,
    /// How many frames of each kind it was told.
    told: BTreeMap<String, usize>,
}

impl Peer {
    fn connect(&mut self, router: &mut Router, resumes: bool) {
        let mut hello = json!({"t": "hello", "v": 1, "link": 1, "token": "sample"});
        if resumes {
            hello["resume"] = json!({"session": self.session, "in": self.dealt_with});
        }
        let wire = router.wire(LINK).expect("a bridge");
        wire.on_open(NOW);
        wire.on_text(&hello.to_string(), NOW);
        router.settle(NOW);
    }

    /// Deals with all it has been told; false when that is nothing.
    fn turn(&mut self, router: &mut Router) -> bool {
        let wire = router.wire(LINK).expect("a bridge");
        let told: Vec<Value> = std::iter::from_fn(|| wire.poll_text())
            .map(|text| serde_json::from_str(&text).expect("frames are JSON"))
            .collect();
        let before = self.dealt_with;
        for frame in &told {
            let kind = frame["t"].as_str().unwrap_or_default();
            *self.told.entry(kind.to_owned()).or_default() += 1;
            match kind {
                "welcome" => {
                    self.session = frame["session"].as_str().unwrap_or_default().to_owned();
                    if frame["resumed"] == json!(false) {
                        (self.said, self.dealt_with) = (0, 0);
                    }
                }
                "status" => {
                    self.said += 1;
                    let answer = json!({"t": "status", "n": self.said, "id": frame["id"], "event": "unknown"});
                    wire.on_text(&answer.to_string(), NOW);
                }
                _ => {}
            }
            if let Some(n) = frame["n"].as_u64().filter(|_| kind != "ack") {
                self.dealt_with = n;
            }
        }
        if self.dealt_with != before && self.dealt_with > 0 {
            let ack = json!({"t": "ack", "n": self.dealt_with});
            wire.on_text(&ack.to_string(), NOW);
        }
        router.settle(NOW);
        !told.is_empty()
    }
}

/// More orders than a peer may leave unacknowledged, lost with its connection: all of them are asked about, however many.
#[test]
fn a_burst_beyond_what_a_peer_may_owe_is_settled_when_it_comes_back() {
    for resumes in [false, true] {
        let mut router = with_bridge(Limits::default());
        router.start(NOW);
        let mut peer = Peer::default();
        peer.connect(&mut router, false);
        while peer.turn(&mut router) {}
        assert_eq!(router.mode(LINK), Some(LinkMode::Live));
        modes(&mut router);
        let (orders, fit) = (10_050, 9_999);
        for order in 1..=orders {
            router.on_output(at(order), &submit(order), NOW);
        }
        let counts = router.counts();
        assert_eq!((counts.handed, counts.withheld), (fit, orders - fit));
        assert_eq!(router.mode(LINK), Some(LinkMode::Live), "it is not cut off");
        let busy = BrokerEvent::Rejected(Reject::Busy.code());
        let refused: Vec<u64> = std::iter::from_fn(|| router.poll_input())
            .filter_map(|body| match body {
                Body::Report(report) if report.event == busy => Some(report.order.0),
                _ => None,
            })
            .collect();
        assert_eq!(refused, (fit + 1..=orders).collect::<Vec<_>>(), "told");

        let wire = router.wire(LINK).expect("a bridge");
        while wire.poll_text().is_some() {}
        wire.on_close(NOW);
        router.settle(NOW);
        assert_eq!(router.mode(LINK), Some(LinkMode::ReadOnly));
        peer.connect(&mut router, resumes);
        let mut settled = Vec::new();
        while peer.turn(&mut router) {
            settled.extend(reports(&mut router));
        }
        settled.sort_unstable();
        let all: Vec<(u64, &str)> = (1..=fit).map(|order| (order, "rejected")).collect();
        assert!(settled == all, "{} are settled, each once", settled.len());
        assert_eq!(peer.told["status"] as u64, fit);
        let voids = peer.told.get("void").map_or(0, |count| *count as u64);
        assert_eq!(voids, if resumes { fit } else { 0 });
        assert_eq!(router.mode(LINK), Some(LinkMode::Live), "it is back");

        // A close that was queued for it, as the core sends it then: what the loss has refused tells of no bad broker.
        let close = orders + 1;
        router.on_output(at(close), &submit(close), NOW);
        assert_eq!(reports(&mut router), []);
        assert_eq!(router.counts().handed, fit + 1);

        // A kill switch cancels more than fit at once.
        let cancels = 12_000;
        for order in 1..=cancels {
            router.on_output(at(close + order), &cancel(order), NOW);
        }
        while peer.turn(&mut router) {}
        assert_eq!(peer.told["cancel"] as u64, cancels);
        assert_eq!(router.mode(LINK), Some(LinkMode::Live));
    }
}

/// By the log half of the order is filled. The peer says that half again, as it must in a new session, and the rest comes
/// after more orders have ended than are remembered.
#[test]
fn only_the_core_ends_an_order() {
    let mut router = with_bridge(Limits::default());
    let half = OrderChange {
        filled: Qty(5),
        ..change(3, OrderState::PartlyFilled)
    };
    router.open_order(&half, NOW);
    router.start(NOW);
    Peer::default().connect(&mut router, false);
    let say = |router: &mut Router, frame: Value| {
        let wire = router.wire(LINK).expect("a bridge");
        wire.on_text(&frame.to_string(), NOW);
        router.settle(NOW);
    };
    let wire_id = |order: u64| crate::id::to_wire(1, OrderId(order));
    let fill = |n: u64, exec: &str| {
        json!({"t": "report", "n": n, "id": wire_id(3), "event": "filled", "exec": exec,
               "qty": "5", "price": "101"})
    };
    say(&mut router, fill(1, "X-1"));
    assert_eq!(reports(&mut router), [(3, "filled")]);
    let mut said = 1;
    for order in 100..=10_100 {
        router.open_order(&change(order, OrderState::Working), NOW);
        said += 1;
        let report = json!({"t": "report", "n": said, "id": wire_id(order), "event": "cancelled"});
        say(&mut router, report);
        let ended = Output::Order(change(order, OrderState::Cancelled));
        router.on_output(at(order), &ended, NOW);
        while router.poll_input().is_some() {}
        let wire = router.wire(LINK).expect("a bridge");
        while wire.poll_text().is_some() {}
    }
    say(&mut router, fill(said + 1, "X-2"));
    assert_eq!(reports(&mut router), [(3, "filled")], "it is not forgotten");
}

/// The broker may say a close once more; what others close meanwhile takes no room of it.
#[test]
fn closes_on_other_links_are_no_business_of_a_bridge() {
    let other = LinkId(2);
    let mut router = with_bridge(Limits::default());
    router.add(Box::new(PaperLink::new(other, PaperConfig::exact())));
    router.on_terms(&account(2, other));
    for qty in [10, 0] {
        router.on_position(&held(9, 1, Side::Buy, qty));
    }
    for id in 100..=10_100 {
        for qty in [1, 0] {
            router.on_position(&held(id, 2, Side::Buy, qty));
        }
    }
    router.start(NOW);
    Peer::default().connect(&mut router, false);
    let wire = router.wire(LINK).expect("a bridge");
    let closed = r#"{"t":"closed","n":1,"position":9,"event":"stop_loss","exec":"S-1","qty":"10","price":"99"}"#;
    wire.on_text(closed, NOW);
    router.settle(NOW);
    let closes = std::iter::from_fn(|| router.poll_input())
        .filter(|body| matches!(body, Body::BrokerClose(_)));
    assert_eq!(closes.count(), 1);
}

#[test]
fn a_close_of_the_broker_becomes_an_input_and_is_not_asked_about() {
    let mut router = with_bridge(Limits::default());
    router.on_position(&held(9, 1, Side::Buy, 10));
    // One that could not be booked waits for a person: the broker knows no such order.
    let of_broker = OrderChange {
        origin: Origin::Broker,
        ..change(3, OrderState::InDoubt)
    };
    router.open_order(&of_broker, Ts(1));
    router.start(Ts(1));
    let hello = r#"{"t":"hello","v":1,"link":1,"token":"sample"}"#;
    let closed = r#"{"t":"closed","n":1,"position":9,"event":"take_profit","exec":"S-1","qty":"10","price":"101"}"#;
    let wire = router.wire(LINK).expect("a bridge");
    wire.on_open(Ts(2));
    wire.on_text(hello, Ts(2));
    router.settle(Ts(2));
    use LinkMode::*;
    assert_eq!(modes(&mut router), [ReadOnly, Recovering, Live]);
    let wire = router.wire(LINK).expect("a bridge");
    wire.on_text(closed, Ts(3));
    router.settle(Ts(3));
    let inputs: Vec<Body> = std::iter::from_fn(|| router.poll_input()).collect();
    let [Body::BrokerClose(close)] = &inputs[..] else {
        panic!("one input: {inputs:?}")
    };
    assert_eq!((close.link, close.position), (LINK, PositionId(9)));
    let wire = router.wire(LINK).expect("a bridge");
    let said: Vec<String> = std::iter::from_fn(|| wire.poll_text()).collect();
    assert_eq!(said.len(), 2, "welcome and acknowledgement: {said:?}");
    assert_eq!(said[1], r#"{"t":"ack","n":1}"#);
}
