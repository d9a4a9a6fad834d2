//! Hello, requests and their refusals, heartbeats, slow peers, health.

use siaga_platform::news::Part;
use siaga_risk::event::{FeedChange, FeedState, Output};

use super::*;

#[test]
fn who_does_not_say_hello_is_cut_off() {
    let house = House::new();
    let mut peer = house.silent();
    assert_eq!(
        peer.session.poll_deadline(),
        Some(house.now().plus(5 * SECOND_NS))
    );
    house.desk.pass(5 * SECOND_NS - 1);
    assert!(peer.frames(&house).is_empty() && peer.closed.is_none());
    house.desk.pass(1);
    let frames = peer.frames(&house);
    assert_eq!(
        (&frames[0]["t"], &frames[0]["code"], &frames[0]["reconnect"]),
        (&json!("bye"), &json!(4501), &json!(false))
    );
    assert_eq!(peer.closed, Some(Close::HelloTimeout));
    assert_eq!(peer.session.poll_deadline(), None);
}

#[test]
fn a_ticket_opens_one_connection() {
    let house = House::new();
    let (ticket, _) = house
        .doors
        .ticket(crate::gateway::auth::ADMINISTRATOR, None, house.now())
        .expect("room");
    for (ticket, code) in [
        (json!(ticket), None),
        (json!(ticket), Some(4502)),
        (json!("invented"), Some(4502)),
        (Value::Null, Some(4502)),
    ] {
        let mut peer = house.silent();
        peer.session.on_text(
            &json!({ "op": "hello", "ticket": ticket }).to_string(),
            house.now(),
        );
        let frames = peer.frames(&house);
        match code {
            None => assert_eq!(frames[0]["t"], "welcome"),
            Some(code) => {
                assert_eq!(frames[0]["name"], "unauthenticated");
                assert_eq!(frames[1]["code"], code);
            }
        }
    }
    let mut early = house.silent();
    early
        .session
        .on_text(r#"{"op":"ping","id":1}"#, house.now());
    let frames = early.frames(&house);
    assert_eq!(
        (&frames[0]["code"], &frames[0]["id"]),
        (&json!(1101), &json!(1))
    );
    assert_eq!(early.closed, Some(Close::ProtocolError));
}

#[test]
fn refusals_are_numbered_and_say_where() {
    let house = House::new();
    let mut peer = house.open();
    peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR/USD"] }),
    );
    for (request, code, field) in [
        ("{\"op\":", 1001, None),
        ("[1,2]", 1001, None),
        ("binary", 1001, None),
        (r#"{"op":"fly","id":1}"#, 1002, None),
        (r#"{"id":1}"#, 1002, None),
        (r#"{"op":"sub","id":-1}"#, 1003, Some("id")),
        (r#"{"op":"sub","id":"x"}"#, 1003, Some("id")),
        (r#"{"op":"sub","id":1}"#, 1003, Some("ch")),
        (
            r#"{"op":"sub","id":1,"ch":"quote","sym":[7]}"#,
            1003,
            Some("sym[0]"),
        ),
        (r#"{"op":"sub","id":1,"ch":"quote"}"#, 1003, Some("sym")),
        (
            r#"{"op":"sub","id":1,"ch":"quote","sym":["EUR*USD*"]}"#,
            1003,
            Some("sym"),
        ),
        (
            r#"{"op":"sub","id":1,"ch":"quote","sym":["XAU/USD"],"hz":0}"#,
            1003,
            Some("hz"),
        ),
        (
            r#"{"op":"sub","id":1,"ch":"margin","sym":["seven"]}"#,
            1003,
            Some("sym"),
        ),
        (
            r#"{"op":"sub","id":1,"ch":"candle","sym":["EUR/USD@2m"]}"#,
            1003,
            Some("sym"),
        ),
        (
            r#"{"op":"sub","id":1,"ch":"alert","sym":["7"]}"#,
            1003,
            Some("sym"),
        ),
        (
            r#"{"op":"sub","id":1,"ch":"margin","sym":["8"]}"#,
            1201,
            Some("sym"),
        ),
        (
            r#"{"op":"sub","id":1,"ch":"quote","sym":["ERU/USD"]}"#,
            1201,
            Some("sym"),
        ),
        (
            r#"{"op":"sub","id":1,"ch":"trade","sym":["EUR/USD"]}"#,
            1202,
            None,
        ),
        (
            r#"{"op":"sub","id":1,"ch":"quote","sym":["EUR/USD"]}"#,
            1203,
            None,
        ),
        (r#"{"op":"unsub","id":1,"sub":4}"#, 1204, None),
        (r#"{"op":"set","id":1,"sub":4,"hz":2}"#, 1204, None),
        (r#"{"op":"resync","id":1,"sub":4}"#, 1204, None),
        (r#"{"op":"seen","sub":4,"seq":1}"#, 1204, None),
        (r#"{"op":"hello","id":1}"#, 1003, None),
    ] {
        peer.session.on_text(request, house.now());
        let frames = peer.frames(&house);
        assert_eq!(frames.len(), 1, "{request}: {frames:?}");
        let said = (
            frames[0]["t"].as_str(),
            frames[0]["code"].as_u64(),
            frames[0]["field"].as_str(),
        );
        assert_eq!(said, (Some("err"), Some(code), field), "{request}");
    }
    peer.session.on_text(
        r#"{"op":"sub","id":1,"ch":"quote","sym":["eurusd"]}"#,
        house.now(),
    );
    assert_eq!(peer.frames(&house)[0]["did_you_mean"], "EUR/USD");
    peer.session.on_text("{\"op\":\"ping\",", house.now());
    assert_eq!(
        peer.frames(&house)[0]["msg"],
        "not a JSON object: offset 13"
    );
    assert!(peer.closed.is_none());
}

#[test]
fn every_request_with_an_id_gets_one_answer() {
    let house = House::new();
    let mut peer = house.open();
    for (id, request) in [
        json!({ "op": "sub", "ch": "quote", "sym": ["*"] }),
        json!({ "op": "list" }),
        json!({ "op": "set", "sub": Topic::Quote(EURUSD).id().0, "hz": 2 }),
        json!({ "op": "seen", "sub": Topic::Quote(EURUSD).id().0, "seq": 0 }),
        json!({ "op": "unsub", "sub": Topic::Quote(EURUSD).id().0 }),
        json!({ "op": "ping" }),
        json!({ "op": "nothing" }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut request = request;
        request["id"] = json!(id);
        peer.session.on_text(&request.to_string(), house.now());
        let frames = peer.frames(&house);
        let answers = frames.iter().filter(|f| f["id"] == json!(id)).count();
        assert_eq!(answers, 1, "{request}: {frames:?}");
    }
}

#[test]
fn too_many_requests_wait_and_receipts_do_not() {
    let house = House::new();
    let mut peer = house.open();
    let (ids, _) = peer.sub(&house, json!({ "op": "sub", "id": 0, "ch": "alert" }));
    for id in 1..u64::from(REQUESTS_BURST) {
        assert_eq!(
            peer.ask(&house, json!({ "op": "ping", "id": id }))["t"],
            "ok"
        );
    }
    let refused = peer.ask(&house, json!({ "op": "ping", "id": 9 }));
    assert_eq!(
        (&refused["code"], &refused["retry"]),
        (&json!(1301), &json!("after"))
    );
    assert_eq!(
        peer.ask(
            &house,
            json!({ "op": "seen", "id": 5, "sub": ids[0], "seq": 1 })
        )["t"],
        "ok"
    );
    house
        .desk
        .pass(refused["after_ms"].as_u64().expect("a wait") * 1_000_000);
    assert_eq!(
        peer.ask(&house, json!({ "op": "ping", "id": 10 }))["t"],
        "ok"
    );
}

#[test]
fn streams_are_bounded() {
    let house = House::new();
    house.desk.set_directory(|names| {
        for id in 0..SUBS_MAX as u32 {
            let terms =
                crate::gateway::testing::instrument_terms(InstrumentId(100 + id), 2, 1, 5, 100_000);
            names.put_instrument(&format!("T{id:03}/USD"), "Test", terms);
        }
    });
    let mut peer = house.open();
    let refused = peer.ask(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["*"] }),
    );
    assert_eq!(refused["name"], "too_many_subs");
    let (ids, _) = peer.sub(
        &house,
        json!({ "op": "sub", "id": 2, "ch": "quote", "sym": ["T*"] }),
    );
    assert_eq!(ids.len(), SUBS_MAX);
    assert_eq!(
        peer.ask(&house, json!({ "op": "sub", "id": 3, "ch": "alert" }))["name"],
        "too_many_subs"
    );
    assert_eq!(
        peer.ask(&house, json!({ "op": "unsub", "id": 4, "sub": ids[5] }))["t"],
        "ok"
    );
    assert_eq!(
        peer.ask(&house, json!({ "op": "sub", "id": 5, "ch": "alert" }))["t"],
        "ok"
    );
}

#[test]
fn a_wildcard_finds_what_comes_later() {
    let house = House::new();
    let mut peer = house.open();
    let (ids, _) = peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR*"] }),
    );
    assert_eq!(ids.len(), 2);
    house.desk.set_directory(|names| {
        for (id, symbol) in [(50, "EUR/JPY"), (51, "CHF/JPY")] {
            let terms =
                crate::gateway::testing::instrument_terms(InstrumentId(id), 2, 1, 3, 100_000);
            names.put_instrument(symbol, "Test", terms);
        }
    });
    house.desk.mark(InstrumentId(50), 165_000);
    let frames = peer.frames(&house);
    assert_eq!(
        (&frames[0]["t"], &frames[0]["id"], &frames[0]["more"]),
        (&json!("ok"), &json!(1), &json!(true))
    );
    assert_eq!(frames[0]["subs"].as_array().map(Vec::len), Some(1));
    let first = state_frames(&frames);
    assert_eq!(
        (&first[0]["t"], &first[0]["sym"]),
        (&json!("snap"), &json!("EUR/JPY"))
    );
}

#[test]
fn heartbeats_name_what_is_ahead_and_dead_peers_are_closed() {
    let house = House::new();
    house.mark(EURUSD, 1);
    let mut peer = house.open();
    let (ids, _) = peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR/USD"], "hz": 0.1 }),
    );
    house.desk.pass(5 * SECOND_NS);
    house.mark(EURUSD, 2);
    let frames = peer.frames(&house);
    let beat = frames.iter().find(|f| f["t"] == "hb").expect("a heartbeat");
    assert_eq!(beat["tips"], json!({ ids[0].to_string(): 2 }));
    // Three pings without an answer: the third look closes.
    for _ in 0..3 {
        assert!(peer.closed.is_none());
        house.desk.pass(15 * SECOND_NS);
        peer.frames(&house);
    }
    assert_eq!(peer.closed, Some(Close::Idle));
}

#[test]
fn a_caught_up_heartbeat_is_empty() {
    let house = House::new();
    house.mark(EURUSD, 1);
    let mut peer = house.open();
    peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR/USD"] }),
    );
    house.desk.pass(5 * SECOND_NS);
    let frames = peer.frames(&house);
    let beat = frames.iter().find(|f| f["t"] == "hb").expect("a heartbeat");
    assert_eq!(beat["tips"], json!({}));
    assert_eq!(
        beat["cs"],
        json!(5 - 1),
        "welcome, ok, snap, heartbeat: {frames:?}"
    );
}

#[test]
fn a_slow_peer_goes_down_the_ladder() {
    let house = House::new();
    house.mark(EURUSD, 1);
    let mut peer = house.open();
    peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR/USD"] }),
    );
    peer.session.on_written(3 * SECOND_NS, house.now());
    house.mark(EURUSD, 2);
    let frames = peer.frames(&house);
    assert_eq!(
        (&frames[0]["kind"], &frames[0]["hz"]),
        (&json!("throttled"), &json!(2.0))
    );
    assert_eq!(frames[1]["t"], "upd");
    house.mark(EURUSD, 3);
    assert!(peer.frames(&house).is_empty(), "half a second must pass");
    peer.session.on_written(6 * SECOND_NS, house.now());
    house.mark(EURUSD, 4);
    let frames = peer.frames(&house);
    assert_eq!(
        state_frames(&frames)[0]["t"],
        "snap",
        "deltas stop, one fresh snapshot: {frames:?}"
    );
    house.desk.pass(11 * SECOND_NS);
    peer.session.on_written(1, house.now());
    let frames = peer.frames(&house);
    assert_eq!(frames[0]["kind"], "unthrottled");
}

#[test]
fn a_newer_connection_takes_over() {
    let house = House::new();
    let mut old = house.open();
    let conn = old.session.conn.clone();
    let mut new = house.silent();
    let welcome = new.hello(&house, json!({ "resume": { "conn": conn, "subs": [] } }));
    assert_eq!(welcome["t"], "welcome");
    let frames = old.frames(&house);
    assert_eq!(
        (&frames[0]["name"], &frames[0]["reconnect"]),
        (&json!("resume_conflict"), &json!(true))
    );
    assert_eq!(house.hub.connected(), 1);
}

#[test]
fn stale_prices_are_said_and_taken_back() {
    let house = House::new();
    house.mark(EURUSD, 1);
    let mut peer = house.open();
    peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR/USD"] }),
    );
    house.desk.pass(10 * SECOND_NS);
    house.hub.sweep();
    let said = |frames: &[Value]| {
        let health = frames
            .iter()
            .filter(|f| f["t"] == "stale" || f["t"] == "live");
        health
            .map(|f| (f["t"].clone(), f["reason"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        said(&peer.frames(&house)),
        [(json!("stale"), json!("price_idle"))]
    );
    house.hub.sweep();
    assert_eq!(said(&peer.frames(&house)), []);
    let down = FeedChange {
        instrument: EURUSD,
        from: FeedState::Live,
        to: FeedState::Unavailable,
        source: None,
        age_ns: 1,
    };
    house.desk.live().apply(&Output::Feed(down));
    house.hub.publish(&[EURUSD]);
    assert_eq!(
        said(&peer.frames(&house)),
        [(json!("stale"), json!("feed_down"))]
    );
    house.desk.live().apply(&Output::Feed(FeedChange {
        to: FeedState::Live,
        ..down
    }));
    house.mark(EURUSD, 2);
    let frames = peer.frames(&house);
    assert_eq!(said(&frames), [(json!("live"), Value::Null)]);
    assert_eq!(
        frames[0]["t"], "live",
        "the health comes before the price it is about"
    );
}

#[test]
fn a_resumed_connection_keeps_its_rates_and_wildcards() {
    let house = House::new();
    house.mark(EURUSD, 1);
    house.mark(XAUUSD, 1);
    let quotes = |i| Topic::Quote(i).id().0;
    let epoch = house.hub.epoch;
    let mut peer = house.silent();
    let resume = json!({ "resume": {
        "conn": "gone",
        "subs": [
            { "sub": quotes(EURUSD), "epoch": epoch, "seq": 1, "hz": 0.5 },
            { "sub": quotes(EURGBP), "epoch": epoch, "seq": 0, "hz": 9_999 },
        ],
        "wildcards": [
            { "id": 7, "ch": "quote", "sym": "XA*", "hz": 1 },
            { "id": 8, "ch": "quote", "sym": "no star" },
            { "id": 9, "ch": "order", "sym": "*" },
        ],
    } });
    let (ticket, _) = house
        .doors
        .ticket(crate::gateway::auth::ADMINISTRATOR, None, house.now())
        .expect("room");
    let hello = json!({ "op": "hello", "ticket": ticket, "resume": resume["resume"] });
    peer.session.on_text(&hello.to_string(), house.now());
    let frames = peer.frames(&house);
    let welcome = frames.iter().find(|f| f["t"] == "welcome");
    let welcome = welcome.expect("a welcome");
    assert_eq!(welcome["resumed"], json!([quotes(EURUSD)]));
    assert_eq!(welcome["lost"], json!([quotes(EURGBP)]));
    let found = frames.iter().find(|f| f["t"] == "ok").expect("a notice");
    assert_eq!(
        (&found["id"], &found["more"], &found["subs"][0]["sym"]),
        (&json!(7), &json!(true), &json!("XAU/USD"))
    );
    // An instrument that comes later is found as before.
    house.desk.set_directory(|names| {
        let mut terms = names.instrument(XAUUSD).expect("there").terms.clone();
        terms.id = InstrumentId(50);
        names.put_instrument("XAG/USD", "Silver", terms);
    });
    let frames = peer.frames(&house);
    let later = frames.iter().find(|f| f["t"] == "ok").expect("a notice");
    assert_eq!(later["subs"][0]["sym"], "XAG/USD");
    // One frame in two seconds, as before the break.
    let mut sent = 0;
    for bid in 0..40 {
        house.mark(EURUSD, 10 + bid);
        house.desk.pass(SECOND_NS / 4);
        let frames = peer.frames(&house);
        let updates = state_frames(&frames);
        sent += updates
            .iter()
            .filter(|f| f["sub"] == quotes(EURUSD))
            .count();
    }
    assert!((4..=6).contains(&sent), "{sent} frames in ten seconds");
}

#[test]
fn a_resync_is_one_at_a_time() {
    let house = House::new();
    house.mark(EURUSD, 1);
    let mut peer = house.open();
    let (ids, _) = peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR/USD"] }),
    );
    let request = json!({ "op": "resync", "id": 2, "sub": ids[0] });
    peer.session.on_text(&request.to_string(), house.now());
    let frames = peer.frames(&house);
    assert_eq!(
        (&frames[0]["t"], &frames[1]["t"]),
        (&json!("ok"), &json!("snap"))
    );
    let busy = peer.ask(&house, request.clone());
    assert_eq!(
        (&busy["code"], &busy["after_ms"]),
        (&json!(1401), &json!(1_000))
    );
    house.desk.pass(SECOND_NS);
    assert_eq!(peer.ask(&house, request)["t"], "ok");
}

proptest! {
    #[test]
    fn no_text_breaks_a_session(texts in proptest::collection::vec("\\PC{0,80}", 1..20), open: bool) {
        let house = House::new();
        let mut peer = if open { house.open() } else { house.silent() };
        for text in &texts {
            peer.session.on_text(text, house.now());
        }
        peer.frames(&house);
        // A panic would end it so.
        prop_assert_ne!(peer.closed, Some(Close::Internal));
    }
}

#[test]
fn sales_hear_of_sales_and_of_nothing_at_the_desk() {
    let house = House::new();
    let mut peer = house.silent();
    let session = uuid::Uuid::from_u128(7);
    let rooms = Rooms {
        sales: true,
        ..Rooms::NONE
    };
    let (ticket, _) = house
        .doors
        .guest_ticket(siaga_risk::ids::ActorId(1_000), session, rooms, house.now())
        .expect("room");
    let welcome = peer.ask(
        &house,
        json!({ "op": "hello", "ticket": ticket, "client": "test" }),
    );
    assert_eq!(welcome["t"], "welcome");
    for ch in [
        "quote",
        "margin",
        "portfolio",
        "alert",
        "order",
        "status",
        "kyc",
        "aml",
        "cash",
    ] {
        let refused = peer.ask(
            &house,
            json!({ "op": "sub", "id": 1, "ch": ch, "sym": ["*"] }),
        );
        assert_eq!(
            (&refused["t"], &refused["name"]),
            (&json!("err"), &json!("forbidden")),
            "{ch}"
        );
    }
    let ok = peer.ask(&house, json!({ "op": "sub", "id": 2, "ch": "crm" }));
    assert_eq!(
        (&ok["t"], &ok["subs"][0]["sym"]),
        (&json!("ok"), &json!("*"))
    );
    let followed = house
        .hub
        .followed(|topic| topic == Topic::News(Part::Sales));
    let news = News { version: 7 };
    house.hub.put_data(&followed[0], house.now(), &news);
    let frames = peer.frames(&house);
    let snap = frames
        .iter()
        .find(|frame| frame["t"] == "snap")
        .expect("news");
    assert_eq!(snap["data"], json!({ "version": 7 }));
    let mut desk = house.open();
    let ok = desk.ask(
        &house,
        json!({ "op": "sub", "id": 3, "ch": "crm", "sym": ["*"] }),
    );
    assert_eq!(ok["t"], "ok", "the administrator sees both");
}

/// Whoever decides on payments hears when one is asked for, and nothing of when a case of somebody moves.
#[test]
fn each_part_of_the_house_is_told_to_whom_it_is_open() {
    let house = House::new();
    let mut peer = house.silent();
    let session = uuid::Uuid::from_u128(8);
    let rooms = Rooms {
        cash: true,
        kyc: true,
        ..Rooms::NONE
    };
    let (ticket, _) = house
        .doors
        .guest_ticket(siaga_risk::ids::ActorId(1_001), session, rooms, house.now())
        .expect("room");
    let welcome = peer.ask(
        &house,
        json!({ "op": "hello", "ticket": ticket, "client": "test" }),
    );
    assert_eq!(welcome["t"], "welcome");
    for (ch, answer) in [
        ("cash", "ok"),
        ("kyc", "ok"),
        ("aml", "err"),
        ("crm", "err"),
        ("status", "err"),
    ] {
        let said = peer.ask(&house, json!({ "op": "sub", "id": 2, "ch": ch }));
        assert_eq!(said["t"], answer, "{ch}: {said}");
    }
    let narrow = peer.ask(
        &house,
        json!({ "op": "sub", "id": 3, "ch": "cash", "sym": ["EUR/USD"] }),
    );
    assert_eq!(narrow["t"], "err", "news are of a whole part: {narrow}");
    for (part, version) in [(Part::Cash, 3), (Part::Kyc, 4)] {
        let followed = house.hub.followed(|topic| topic == Topic::News(part));
        let news = News { version };
        house.hub.put_data(&followed[0], house.now(), &news);
    }
    let mut told: Vec<(u64, u64)> = Vec::new();
    for frame in peer.frames(&house) {
        if frame["t"] == "snap" {
            let number = |value: &serde_json::Value| value.as_u64().expect("a number");
            told.push((number(&frame["sub"]), number(&frame["data"]["version"])));
        }
    }
    told.sort_unstable();
    let sub = |part| Topic::News(part).id().0;
    let mut expected = [(sub(Part::Cash), 3), (sub(Part::Kyc), 4)];
    expected.sort_unstable();
    assert_eq!(told, expected);
}

/// A connection of a person with a session of identity.
fn guest(house: &House, id: uuid::Uuid) -> Peer {
    let mut peer = house.silent();
    let (ticket, _) = house
        .doors
        .guest_ticket(siaga_risk::ids::ActorId(1_000), id, Rooms::ALL, house.now())
        .expect("room");
    let welcome = peer.ask(
        house,
        json!({ "op": "hello", "ticket": ticket, "client": "test" }),
    );
    assert_eq!(welcome["t"], "welcome");
    peer
}

#[test]
fn what_a_person_asks_for_is_told_apart_from_what_a_page_does() {
    let house = House::new();
    let id = uuid::Uuid::from_u128(7);
    let mut peer = guest(&house, id);
    let asked = || house.hub.guests().get(&id).copied();
    assert_eq!(asked(), Some(Ts(0)));
    let pong = peer.ask(&house, json!({ "op": "ping", "id": 1 }));
    assert_eq!((&pong["t"], asked()), (&json!("ok"), Some(Ts(0))));
    let listed = peer.ask(&house, json!({ "op": "list", "id": 2 }));
    assert_eq!(listed["t"], "ok");
    assert_eq!(asked(), Some(house.now()));
    drop(peer);
    assert_eq!(asked(), None, "nobody is looked after whose stream is gone");
}

#[test]
fn what_the_secret_opened_ends_and_guests_stay() {
    let house = House::new();
    let (mut owner, mut sari) = (house.open(), guest(&house, uuid::Uuid::from_u128(7)));
    house.hub.revoke_secret();
    owner.frames(&house);
    sari.frames(&house);
    assert_eq!((owner.closed, sari.closed), (Some(Close::Revoked), None));
}
