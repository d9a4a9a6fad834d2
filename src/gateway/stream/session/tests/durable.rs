//! Orders and alerts: nothing merged, nothing dropped, positions that outlive a connection.

use super::*;

fn numbers(frames: &[Value]) -> Vec<u64> {
    let events = frames.iter().filter(|f| f["t"] == "ev");
    events
        .map(|f| f["seq"].as_u64().expect("a number"))
        .collect()
}

fn follow(peer: &mut Peer, house: &House, more: Value) -> (u64, Vec<Value>) {
    let mut request = json!({ "op": "sub", "id": 1, "ch": "order", "sym": ["7"] });
    for (key, value) in more.as_object().expect("an object") {
        request[key] = value.clone();
    }
    let (ids, frames) = peer.sub(house, request);
    (ids[0], frames)
}

#[test]
fn a_peer_that_sleeps_gets_every_event_in_order() {
    let house = House::new();
    house.order(1_000_000);
    let mut peer = house.open();
    follow(&mut peer, &house, json!({}));
    for number in 0..3_000 {
        house.order(1_000_001 + number);
    }
    let frames = peer.frames(&house);
    let wanted: Vec<u64> = (0..3_000).map(|n| 1_000_001 + n).collect();
    assert_eq!(numbers(&frames), wanted);
    let mut last = 1_000_000;
    for frame in frames.iter().filter(|f| f["t"] == "ev") {
        assert_eq!(frame["prev"], last);
        last = frame["seq"].as_u64().expect("a number");
    }
}

#[test]
fn events_of_others_are_not_shown() {
    let house = House::new();
    house.desk.set_directory(|names| {
        let mut terms = names.account(ACCOUNT).expect("there").terms;
        terms.id = siaga_risk::ids::AccountId(8);
        names.put_account("Other", terms);
    });
    let mut peer = house.open();
    follow(&mut peer, &house, json!({ "sym": ["8"] }));
    house.order(1_000_000);
    house.desk.raise(alert(4));
    assert_eq!(numbers(&peer.frames(&house)), Vec::<u64>::new());
    let mut all = house.open();
    let (_, frames) = follow(
        &mut all,
        &house,
        json!({ "sym": ["*"], "from": { "epoch": 9, "seq": 999_999 } }),
    );
    assert_eq!(numbers(&frames), [1_000_000]);
}

#[test]
fn a_position_is_gone_on_with_after_a_lost_connection() {
    let house = House::new();
    house.order(1_000_000);
    let mut peer = house.open();
    let (sub, _) = follow(&mut peer, &house, json!({}));
    house.order(1_000_001);
    assert_eq!(numbers(&peer.frames(&house)), [1_000_001]);
    let conn = peer.session.conn.clone();
    drop(peer);
    house.order(1_000_002);
    house.order(1_000_003);
    let mut again = house.silent();
    let resume = json!({ "resume": { "conn": conn, "subs": [
        { "sub": sub, "epoch": 9, "seq": 1_000_001 },
        { "sub": Topic::Alert.id().0, "epoch": 8, "seq": 1 },
        { "sub": 999, "epoch": 9, "seq": 1 },
    ] } });
    let (ticket, _) = house
        .doors
        .ticket(crate::gateway::auth::ADMINISTRATOR, None, house.now())
        .expect("room");
    let hello = json!({ "op": "hello", "ticket": ticket, "resume": resume["resume"] });
    again.session.on_text(&hello.to_string(), house.now());
    let frames = again.frames(&house);
    assert_eq!(frames[0]["resumed"], json!([sub]));
    assert_eq!(frames[0]["lost"], json!([Topic::Alert.id().0, 999]));
    assert_eq!(numbers(&frames), [1_000_002, 1_000_003]);
    assert_eq!(
        frames
            .iter()
            .find(|f| f["t"] == "ev")
            .map(|f| f["prev"].clone()),
        Some(json!(1_000_001))
    );
}

#[test]
fn what_is_no_longer_held_is_said() {
    let house = House::of(TestDesk::with_events(10));
    for number in 0..=30 {
        house.order(1_000_000 + number);
    }
    let mut peer = house.open();
    for (from, name) in [
        (json!({ "epoch": 9, "seq": 1_000_010 }), "history_gone"),
        (json!({ "epoch": 8, "seq": 1_000_030 }), "history_gone"),
        (json!({ "epoch": 9, "seq": 9_000_000 }), "history_gone"),
    ] {
        let answer = peer.ask(
            &house,
            json!({ "op": "sub", "id": 1, "ch": "order", "sym": ["7"], "from": from }),
        );
        assert_eq!(
            (&answer["name"], &answer["retry"]),
            (&json!(name), &json!("now")),
            "{from}"
        );
    }
    let (_, frames) = follow(
        &mut peer,
        &house,
        json!({ "from": { "epoch": 9, "seq": 1_000_025 } }),
    );
    assert_eq!(
        numbers(&frames),
        [1_000_026, 1_000_027, 1_000_028, 1_000_029, 1_000_030]
    );
}

#[test]
fn a_cursor_that_falls_out_ends_the_connection_instead_of_dropping() {
    let house = House::of(TestDesk::with_events(10));
    house.order(1_000_000);
    let mut peer = house.open();
    follow(&mut peer, &house, json!({}));
    for number in 1..=30 {
        house.order(1_000_000 + number);
    }
    let frames = peer.frames(&house);
    assert_eq!(numbers(&frames), Vec::<u64>::new());
    assert_eq!(frames[0]["t"], "gap");
    assert_eq!(frames[0]["action"], "resync");
    assert_eq!(peer.closed, Some(Close::SlowConsumer));
    assert_eq!(frames.last().map(|f| f["code"].clone()), Some(json!(4008)));
}

#[test]
fn alerts_are_written_once_for_everybody() {
    let house = House::new();
    let mut peers = [house.open(), house.open()];
    for peer in &mut peers {
        peer.sub(&house, json!({ "op": "sub", "id": 1, "ch": "alert" }));
    }
    house.desk.raise(alert(1));
    let tip = house.desk.events().tip();
    house.announce(tip);
    let before = house.hub.metrics.stream_serialisations.get();
    for peer in &mut peers {
        let frames = peer.frames(&house);
        assert_eq!(frames[0]["data"]["rule"], "margin_restricted");
        assert_eq!(frames[0]["data"]["money_at_risk"], "123.45");
        assert_eq!(frames[0]["epoch"], 9);
    }
    assert_eq!(house.hub.metrics.stream_serialisations.get() - before, 1);
}
