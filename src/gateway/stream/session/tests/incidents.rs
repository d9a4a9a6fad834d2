//! What fails inside is an incident: a number for the client, the story for the log, and nothing of it on the wire.

use std::sync::atomic::Ordering;

use serde::ser::Error as _;

use super::*;
use crate::gateway::stream::hub::SILENCE_MAX_NS;

/// The incident of an `err 1500`, which says nothing else.
fn incident(refusal: &Value) -> String {
    assert_eq!(
        (&refusal["t"], &refusal["code"], &refusal["name"]),
        (&json!("err"), &json!(1500), &json!("internal")),
        "{refusal}"
    );
    assert_eq!(refusal["retry"], "after");
    assert_eq!(refusal["after_ms"], INTERNAL_WAIT_MS);
    let id = refusal["incident"].as_str().expect("a number").to_owned();
    let msg = format!("something is wrong on our side: tell the desk incident {id}");
    assert_eq!(refusal["msg"], msg);
    id
}

/// Where a connection ends that an incident befell.
fn ended(peer: &Peer, bye: &Value) {
    assert_eq!(peer.closed, Some(Close::Internal));
    assert_eq!(
        (&bye["t"], &bye["code"], &bye["reconnect"]),
        (&json!("bye"), &json!(4011), &json!(true))
    );
}

#[test]
fn a_request_that_panics_is_answered_and_ends_its_connection_alone() {
    let house = House::new();
    let (mut peer, mut other) = (house.open(), house.open());
    let sub = json!({ "op": "sub", "id": 7, "ch": "quote", "sym": ["XAU/USD"] });
    house.desk.broken.store(true, Ordering::SeqCst);
    peer.session.on_text(&sub.to_string(), house.now());
    let frames = peer.frames(&house);
    assert_eq!((frames.len(), &frames[0]["id"]), (2, &json!(7)));
    incident(&frames[0]);
    ended(&peer, &frames[1]);
    house.desk.broken.store(false, Ordering::SeqCst);
    assert_eq!(other.ask(&house, sub)["t"], "ok");
    assert_eq!(house.hub.metrics.stream_refusals.get(), 1);
    drop(peer);
    assert_eq!(house.hub.connected(), 1);
}

#[test]
fn a_batch_that_panics_ends_its_connection_with_the_same_words() {
    let house = House::new();
    let mut peer = house.open();
    house.desk.broken.store(true, Ordering::SeqCst);
    let frames = peer.frames(&house);
    assert_eq!((frames.len(), frames[0].get("id")), (2, None));
    incident(&frames[0]);
    ended(&peer, &frames[1]);
    let closed = &house.hub.metrics.stream_closed[Close::Internal as usize];
    assert_eq!(closed.get(), 1);
}

#[test]
fn who_asked_is_answered_though_the_batch_panics() {
    let house = House::new();
    let mut peer = house.open();
    let ping = json!({ "op": "ping", "id": 7 });
    peer.session.on_text(&ping.to_string(), house.now());
    house.desk.broken.store(true, Ordering::SeqCst);
    let frames = peer.frames(&house);
    assert_eq!(frames.len(), 3, "{frames:?}");
    assert_eq!(
        (&frames[0]["t"], &frames[0]["id"]),
        (&json!("ok"), &json!(7))
    );
    incident(&frames[1]);
    ended(&peer, &frames[2]);
}

/// Data that no text can be made of.
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("the balance of account 7 is no number"))
    }
}

#[test]
fn a_stream_whose_frames_fail_says_so_once_and_goes_on_when_they_do_not() {
    let house = House::new();
    let mut peer = house.open();
    let (ids, _) = peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "crm", "sym": ["*"] }),
    );
    let stream = house
        .hub
        .followed(|topic| matches!(topic, Topic::News(_)))
        .remove(0);
    let news = News { version: 7 };
    let mut numbers = Vec::new();
    for kind in ["snap", "upd"] {
        for _ in 0..3 {
            house.hub.put_data(&stream, house.now(), &Unwritable);
        }
        let frames = peer.frames(&house);
        assert_eq!(frames.len(), 1, "once: {frames:?}");
        assert_eq!(frames[0]["sub"], ids[0]);
        numbers.push(incident(&frames[0]));
        // What was there before is news to who was told of the incident.
        house.hub.put_data(&stream, house.now(), &news);
        let frames = peer.frames(&house);
        assert_eq!((frames.len(), &frames[0]["t"]), (1, &json!(kind)));
        assert_eq!(frames[0]["data"], json!({ "version": 7 }));
        house.hub.put_data(&stream, house.now(), &news);
        assert!(peer.frames(&house).is_empty(), "and no news to anybody");
    }
    assert_ne!(numbers[0], numbers[1], "each is an incident of its own");
    assert!(peer.closed.is_none());
}

#[test]
fn who_follows_later_hears_of_the_same_incident() {
    let house = House::new();
    let mut peer = house.open();
    let sub = json!({ "op": "sub", "id": 1, "ch": "crm", "sym": ["*"] });
    peer.sub(&house, sub.clone());
    let stream = house
        .hub
        .followed(|topic| matches!(topic, Topic::News(_)))
        .remove(0);
    house.hub.put_incident(&stream, "something else came");
    let first = incident(&peer.frames(&house)[0]);
    let mut later = house.open();
    let (_, beside) = later.sub(&house, sub);
    assert_eq!(incident(&beside[0]), first);
    house.hub.put_no_answer(&stream);
    let frames = later.frames(&house);
    assert_eq!(
        frames[0]["name"], "degraded",
        "that it is asked and silent is told too: {frames:?}"
    );
}

#[test]
fn an_incident_that_silence_follows_ends_with_the_same_data() {
    let house = House::new();
    let mut peer = house.open();
    peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "crm", "sym": ["*"] }),
    );
    let stream = house
        .hub
        .followed(|topic| matches!(topic, Topic::News(_)))
        .remove(0);
    let news = News { version: 7 };
    house.hub.put_data(&stream, house.now(), &news);
    assert_eq!(peer.frames(&house)[0]["t"], "snap");
    house.hub.put_incident(&stream, "something else came");
    incident(&peer.frames(&house)[0]);
    house.hub.put_no_answer(&stream);
    let frames = peer.frames(&house);
    assert!(frames.is_empty(), "who has a frame keeps it: {frames:?}");
    house.hub.put_data(&stream, house.now(), &news);
    let frames = peer.frames(&house);
    assert_eq!(
        (frames.len(), &frames[0]["t"], &frames[0]["prev"]),
        (1, &json!("upd"), &json!(1)),
        "that it is over is told: {frames:?}"
    );
    house.hub.put_no_answer(&stream);
    house.hub.put_data(&stream, house.now(), &news);
    assert!(peer.frames(&house).is_empty(), "silence alone is none");
}

/// The kinds of frames, in their order.
fn kinds(frames: &[Value]) -> Vec<&str> {
    let kinds = frames.iter().map(|f| f["t"].as_str().expect("a kind"));
    kinds.collect()
}

#[test]
fn an_incident_stands_behind_the_frame_of_before_it() {
    let house = House::new();
    let mut peer = house.open();
    let sub = json!({ "op": "sub", "id": 1, "ch": "crm", "sym": ["*"] });
    let (ids, _) = peer.sub(&house, sub.clone());
    let stream = house
        .hub
        .followed(|topic| matches!(topic, Topic::News(_)))
        .remove(0);
    house
        .hub
        .put_data(&stream, house.now(), &News { version: 7 });
    assert_eq!(kinds(&peer.frames(&house)), ["snap"]);
    house.hub.put_incident(&stream, "something else came");
    let frames = peer.frames(&house);
    assert_eq!(kinds(&frames), ["err"]);
    let id = incident(&frames[0]);
    // A frame alone would say that it is over.
    let mut later = house.open();
    let (_, beside) = later.sub(&house, sub);
    assert_eq!(kinds(&beside), ["snap", "err"]);
    assert_eq!(incident(&beside[1]), id);
    let again = json!({ "op": "resync", "id": 2, "sub": ids[0] });
    peer.session.on_text(&again.to_string(), house.now());
    let frames = peer.frames(&house);
    assert_eq!(
        kinds(&frames),
        ["ok", "snap", "err"],
        "though it was told before"
    );
    assert_eq!(incident(&frames[2]), id);
    assert!(peer.frames(&house).is_empty(), "once behind each frame");
}

#[test]
fn an_incident_waits_for_the_frame_that_a_rate_holds_back() {
    let house = House::new();
    let mut peer = house.open();
    peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "crm", "sym": ["*"], "hz": 1 }),
    );
    let stream = house
        .hub
        .followed(|topic| matches!(topic, Topic::News(_)))
        .remove(0);
    for version in [7, 8] {
        let news = News { version };
        house.hub.put_data(&stream, house.now(), &news);
        let sent = peer.frames(&house);
        assert_eq!(sent.len(), usize::from(version == 7), "{sent:?}");
    }
    house.hub.put_incident(&stream, "something else came");
    assert!(peer.frames(&house).is_empty(), "the frame comes first");
    house.desk.pass(SECOND_NS);
    let frames = peer.frames(&house);
    assert_eq!(kinds(&frames), ["upd", "err"]);
    incident(&frames[1]);
}

#[test]
fn numbers_that_the_core_is_silent_of_are_called_old_until_it_answers() {
    let house = House::new();
    let mut peer = house.open();
    let sub = json!({ "op": "sub", "id": 1, "ch": "margin", "sym": ["7"] });
    let (ids, _) = peer.sub(&house, sub.clone());
    let stream = house
        .hub
        .followed(|topic| topic == Topic::Margin(ACCOUNT))
        .remove(0);
    let sums = json!({ "equity": "1.00", "now": 1, "seq": 1 });
    house.hub.put_data(&stream, house.now(), &sums);
    assert_eq!(kinds(&peer.frames(&house)), ["snap"]);
    house.desk.pass(SILENCE_MAX_NS - 1);
    house.hub.put_no_answer(&stream);
    house.hub.sweep_silent();
    let frames = peer.frames(&house);
    assert!(frames.is_empty(), "they are fresh enough: {frames:?}");
    house.desk.pass(1);
    // A question that waits is no refusal: nobody but the sweep tells of it.
    house.hub.sweep_silent();
    let frames = peer.frames(&house);
    assert_eq!(kinds(&frames), ["err"]);
    assert_eq!(
        (&frames[0]["name"], &frames[0]["sub"]),
        (&json!("degraded"), &json!(ids[0]))
    );
    let msg = frames[0]["msg"].as_str().expect("a text");
    assert!(msg.contains("margin 7 may be out of date"), "{msg}");
    house.hub.put_no_answer(&stream);
    assert!(peer.frames(&house).is_empty(), "told once");
    let mut later = house.open();
    let (_, beside) = later.sub(&house, sub);
    assert_eq!(kinds(&beside), ["snap", "err"]);
    // The same numbers are current again, which a frame says.
    house.hub.put_data(&stream, house.now(), &sums);
    for follower in [&mut peer, &mut later] {
        assert_eq!(kinds(&follower.frames(&house)), ["upd"]);
    }
    house.hub.put_no_answer(&stream);
    assert!(peer.frames(&house).is_empty(), "it is counted anew");
}

#[test]
fn questions_that_are_refused_for_long_are_silence_too() {
    let house = House::new();
    let mut peer = house.open();
    peer.sub(
        &house,
        json!({ "op": "sub", "id": 1, "ch": "margin", "sym": ["7"] }),
    );
    let stream = house
        .hub
        .followed(|topic| topic == Topic::Margin(ACCOUNT))
        .remove(0);
    let sums = json!({ "equity": "1.00", "now": 1, "seq": 1 });
    house.hub.put_data(&stream, house.now(), &sums);
    assert_eq!(kinds(&peer.frames(&house)), ["snap"]);
    house.desk.pass(SILENCE_MAX_NS);
    house.hub.put_no_answer(&stream);
    assert_eq!(peer.frames(&house)[0]["name"], "degraded");
}
