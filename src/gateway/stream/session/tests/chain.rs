//! What a client can rely on: every update names the position before it, whatever was merged.

use std::collections::BTreeMap;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Mark(u8, i64),
    /// The socket takes what is ready.
    Read(u8),
    Pass(u64),
    Resync(u8, u8),
    Rate(u8, u8, Option<f64>),
    /// A write had waited.
    Slow(u8, u64),
    /// The connection is lost and resumed.
    Lose(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let peer = 0..2u8;
    let instrument = 0..3u8;
    let step = prop_oneof![
        6 => (instrument.clone(), 1..2_000_000i64).prop_map(|(i, p)| Step::Mark(i, p)),
        4 => peer.clone().prop_map(Step::Read),
        2 => (1..3_000_000_000u64).prop_map(Step::Pass),
        1 => (peer.clone(), instrument.clone()).prop_map(|(p, i)| Step::Resync(p, i)),
        1 => (peer.clone(), instrument, prop_oneof![Just(None), (0.5..50.0f64).prop_map(Some)]).prop_map(|(p, i, hz)| Step::Rate(p, i, hz)),
        1 => (peer.clone(), 0..9_000_000_000u64).prop_map(|(p, ns)| Step::Slow(p, ns)),
        1 => peer.prop_map(Step::Lose),
    ];
    proptest::collection::vec(step, 1..120)
}

/// The rule of the client: a snapshot sets the position, an update must go on where the last one ended.
#[derive(Default)]
struct Client {
    at: BTreeMap<u64, u64>,
    bid: BTreeMap<u64, String>,
    conn: String,
    epoch: u64,
    shared: usize,
}

impl Client {
    fn take(&mut self, frames: &[Value]) {
        for frame in frames {
            if frame["t"] == "welcome" {
                self.conn = frame["conn"].as_str().expect("a name").to_owned();
            }
        }
        for frame in state_frames(frames) {
            let sub = frame["sub"].as_u64().expect("a number");
            let seq = frame["seq"].as_u64().expect("a number");
            self.epoch = frame["epoch"].as_u64().expect("a number");
            if frame["t"] == "upd" {
                let prev = frame["prev"].as_u64().expect("a number");
                assert_eq!(self.at.get(&sub), Some(&prev), "the chain broke: {frame}");
                assert_eq!(frame["n"].as_u64(), Some(seq - prev), "{frame}");
                assert!(seq > prev, "{frame}");
                self.shared += usize::from(seq - prev == 1);
            }
            self.at.insert(sub, seq);
            let bid = frame["data"]["bid"].as_str().expect("a price").to_owned();
            self.bid.insert(sub, bid);
        }
    }
}

const INSTRUMENTS: [InstrumentId; 3] = [EURUSD, XAUUSD, EURGBP];

fn sub_of(instrument: u8) -> u64 {
    Topic::Quote(INSTRUMENTS[usize::from(instrument)]).id().0
}

fn play(steps: &[Step]) {
    let house = House::new();
    let mut peers: Vec<(Peer, Client)> = Vec::new();
    for _ in 0..2 {
        let mut peer = house.open();
        let (ids, frames) = peer.sub(
            &house,
            json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["*"] }),
        );
        assert_eq!(ids.len(), 3);
        let mut client = Client {
            conn: peer.session.conn.clone(),
            epoch: house.hub.epoch,
            ..Client::default()
        };
        client.take(&frames);
        peers.push((peer, client));
    }
    for step in steps {
        apply(step, &house, &mut peers);
    }
    // In the end everybody has the newest price of everything that was ever priced.
    house.desk.pass(20 * SECOND_NS);
    for (mut peer, mut client) in peers {
        client.take(&peer.frames(&house));
        house.desk.pass(20 * SECOND_NS);
        client.take(&peer.frames(&house));
        for (index, instrument) in INSTRUMENTS.iter().enumerate() {
            let Some(mark) = house.desk.live().mark(*instrument) else {
                continue;
            };
            let sub = sub_of(index as u8);
            assert_eq!(client.at.get(&sub), Some(&mark.count));
            let digits = if *instrument == XAUUSD { 2 } else { 5 };
            let bid = crate::gateway::decimal::show(mark.bid.0, digits);
            assert_eq!(client.bid.get(&sub), Some(&bid));
        }
    }
}

fn apply(step: &Step, house: &House, peers: &mut [(Peer, Client)]) {
    match step {
        Step::Mark(i, bid) => {
            house.mark(INSTRUMENTS[usize::from(*i)], *bid);
        }
        Step::Read(p) => {
            let (peer, client) = &mut peers[usize::from(*p)];
            client.take(&peer.frames(house));
        }
        Step::Pass(ns) => {
            house.desk.pass(*ns);
            for (peer, _) in peers.iter_mut() {
                peer.session.on_pong();
            }
        }
        Step::Resync(p, i) => {
            let (peer, client) = &mut peers[usize::from(*p)];
            let request = json!({ "op": "resync", "id": 2, "sub": sub_of(*i) });
            peer.session.on_text(&request.to_string(), house.now());
            client.take(&peer.frames(house));
        }
        Step::Rate(p, i, hz) => {
            let (peer, client) = &mut peers[usize::from(*p)];
            let request = json!({ "op": "set", "id": 3, "sub": sub_of(*i), "hz": hz });
            peer.session.on_text(&request.to_string(), house.now());
            client.take(&peer.frames(house));
        }
        Step::Slow(p, ns) => peers[usize::from(*p)]
            .0
            .session
            .on_written(*ns, house.now()),
        Step::Lose(p) => {
            let (peer, client) = &mut peers[usize::from(*p)];
            *peer = house.silent();
            let subs: Vec<Value> = client
                .at
                .iter()
                .map(|(sub, seq)| json!({ "sub": sub, "epoch": client.epoch, "seq": seq }))
                .collect();
            let known = subs.len();
            let resume = json!({ "resume": { "conn": client.conn, "subs": subs } });
            let (ticket, _) = house
                .doors
                .ticket(crate::gateway::auth::ADMINISTRATOR, None, house.now())
                .expect("room");
            let hello = json!({ "op": "hello", "ticket": ticket, "client": "test", "resume": resume["resume"] });
            peer.session.on_text(&hello.to_string(), house.now());
            let frames = peer.frames(house);
            assert_eq!(
                frames[0]["resumed"].as_array().map(Vec::len),
                Some(known),
                "{frames:?}"
            );
            client.take(&frames);
            // Streams that had no price yet were not resumed: follow them anew.
            let request = json!({ "op": "sub", "id": 4, "ch": "quote", "sym": ["*"] });
            peer.session.on_text(&request.to_string(), house.now());
            client.take(&peer.frames(house));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn the_chain_never_breaks(steps in steps()) {
        play(&steps);
    }
}

#[test]
fn two_subscribers_share_one_serialisation() {
    let house = House::new();
    house.mark(EURUSD, 108_512);
    let request = json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR/USD"] });
    let mut peers = [house.open(), house.open()];
    for peer in &mut peers {
        let (_, frames) = peer.sub(&house, request.clone());
        assert_eq!(frames.iter().filter(|f| f["t"] == "snap").count(), 1);
    }
    let before = house.hub.metrics.stream_serialisations.get();
    for step in 1..=50 {
        house.mark(EURUSD, 108_512 + step);
        let [first, second] = &mut peers;
        let (first, second) = (first.texts(&house), second.texts(&house));
        assert_eq!((first.len(), second.len()), (1, 1));
        // Not only equal: the same bytes in memory.
        assert_eq!(first[0].as_str().as_ptr(), second[0].as_str().as_ptr());
    }
    assert_eq!(house.hub.metrics.stream_serialisations.get() - before, 50);
    assert_eq!(house.hub.metrics.stream_frames_shared.get(), 100);
}

#[test]
fn a_merged_frame_says_how_many() {
    let house = House::new();
    house.mark(EURUSD, 1);
    let mut peer = house.open();
    peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR/USD"] }),
    );
    for bid in 2..=6 {
        house.mark(EURUSD, bid);
    }
    let frames = peer.frames(&house);
    assert_eq!(frames.len(), 1);
    assert_eq!(
        (&frames[0]["seq"], &frames[0]["prev"], &frames[0]["n"]),
        (&json!(6), &json!(1), &json!(5))
    );
    assert_eq!(frames[0]["data"]["bid"], "0.00006");
    assert_eq!(house.hub.metrics.stream_frames_conflated.get(), 1);
}

#[test]
fn a_rate_is_kept() {
    let house = House::new();
    let mut peer = house.open();
    let request = json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR/USD"], "hz": 4 });
    peer.sub(&house, request);
    let mut sent = 0;
    // 2.5 s of a price every 10 ms.
    for bid in 1..=250 {
        house.mark(EURUSD, bid);
        sent += state_frames(&peer.frames(&house)).len();
        house.desk.pass(10_000_000);
    }
    assert_eq!(sent, 10);
    // The held one is due although nothing new comes.
    let due = peer.session.poll_deadline().expect("a deadline");
    house.desk.pass(due.since(house.now()));
    assert_eq!(state_frames(&peer.frames(&house)).len(), 1);
}
