//! A connection that always has more to be sent than one write carries.

use super::*;

/// Enough prices that all of them make several batches.
const CROWD: u32 = 480;
const FIRST: u32 = 1_000;

/// A house with a crowd of instruments, and a peer that follows them all, the orders of an account and the alerts.
fn crowded() -> (House, Peer) {
    let house = House::new();
    house.desk.set_directory(|names| {
        for id in FIRST..FIRST + CROWD {
            let mut terms = names.instrument(EURUSD).expect("there").terms.clone();
            terms.id = InstrumentId(id);
            names.put_instrument(&format!("SYM/{id}"), "one of a crowd", terms);
        }
    });
    let mut peer = house.open();
    peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["SYM/*"] }),
    );
    peer.sub(
        &house,
        json!({ "op": "sub", "id": 2, "ch": "order", "sym": ["7"] }),
    );
    (house, peer)
}

/// Every price moves.
fn stir(house: &House) {
    let all: Vec<InstrumentId> = (FIRST..FIRST + CROWD).map(InstrumentId).collect();
    for instrument in &all {
        house.desk.mark(*instrument, 108_512);
    }
    house.hub.publish(&all);
}

/// One write's worth, and whether more was ready.
fn one_batch(house: &House, peer: &mut Peer) -> (Vec<Value>, Next) {
    let mut batch = Vec::new();
    let next = peer.session.poll_send(house.now(), &mut batch);
    let frames = batch.into_iter().filter_map(|send| match send {
        Send::Text(text) => Some(serde_json::from_str(&text).expect("JSON")),
        Send::Ping => None,
    });
    (frames.collect(), next)
}

#[test]
fn a_saturated_connection_hears_heartbeats_answers_and_every_stream() {
    let (house, mut peer) = crowded();
    let mut served = BTreeMap::<u64, u64>::new();
    let (mut beats, mut answers, mut orders) = (0, 0, 0);
    const ROUNDS: u64 = 200;
    for round in 0..ROUNDS {
        stir(&house);
        house.desk.pass(SECOND_NS / 10);
        house.order(round);
        let ping = json!({ "op": "ping", "id": 1_000 + round });
        peer.session.on_text(&ping.to_string(), house.now());
        peer.session.on_pong();
        let (frames, next) = one_batch(&house, &mut peer);
        assert_eq!(next, Next::More, "the test must keep it busy");
        for frame in &frames {
            match frame["t"].as_str() {
                Some("hb") => beats += 1,
                Some("ok") => answers += 1,
                Some("ev") => orders += 1,
                Some("snap" | "upd") => {
                    *served
                        .entry(frame["sub"].as_u64().expect("a number"))
                        .or_default() += 1;
                }
                _ => {}
            }
        }
    }
    let seconds = ROUNDS / 10;
    assert_eq!(beats, seconds / 5, "a heartbeat every five seconds");
    assert_eq!(
        answers, ROUNDS,
        "every request is answered in the next write"
    );
    assert_eq!(orders, ROUNDS, "an order does not wait behind prices");
    assert_eq!(served.len(), CROWD as usize, "no stream is left out");
    let (least, most) = (served.values().min(), served.values().max());
    let (least, most) = (least.expect("some"), most.expect("some"));
    assert!(most - least <= 1, "turns differ: {least} and {most}");
}

#[test]
fn a_long_history_does_not_hold_prices_back() {
    let (house, mut peer) = crowded();
    peer.frames(&house);
    for number in 0..2_000 {
        house.desk.events().push(EventBody::Order(order(number)));
    }
    house.hub.wake_durable();
    stir(&house);
    let (frames, next) = one_batch(&house, &mut peer);
    assert_eq!(next, Next::More);
    assert!(frames.iter().any(|f| f["t"] == "ev"));
    assert!(!state_frames(&frames).is_empty());
    let rest = peer.frames(&house);
    let events = frames.iter().chain(&rest).filter(|f| f["t"] == "ev");
    assert_eq!(events.count(), 2_000);
}
