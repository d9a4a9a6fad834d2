//! A maintenance is told to who is connected, and to who connects before it is over.

use super::*;
use crate::gateway::dto::maintenance::MaintenanceDto;

/// From 60 to 120 seconds ahead.
fn ahead(house: &House, message: &str) -> MaintenanceDto {
    let now_us = micros(house.now());
    MaintenanceDto {
        starts_at: now_us + 60_000_000,
        ends_at: now_us + 120_000_000,
        message: Some(message.to_owned()),
    }
}

/// What a connection is told of maintenance now.
fn told(house: &House, peer: &mut Peer) -> Vec<Value> {
    let mut frames = peer.frames(house);
    frames.retain(|frame| frame["t"] == "note" && frame["kind"] == "maintenance");
    frames
}

#[test]
fn it_is_told_once_and_told_again_when_it_changes() {
    let house = House::new();
    let (mut here, mut silent) = (house.open(), house.silent());
    let window = ahead(&house, "a new disk");
    house.hub.announce_maintenance(Some(window.clone()));
    house.hub.announce_maintenance(Some(window.clone()));
    let note = json!({ "t": "note", "kind": "maintenance", "window": {
        "starts_at": window.starts_at, "ends_at": window.ends_at, "message": "a new disk",
    } });
    assert_eq!(told(&house, &mut here), [note]);
    assert_eq!(told(&house, &mut here), [] as [Value; 0]);
    assert_eq!(told(&house, &mut silent), [] as [Value; 0]);
    let later = MaintenanceDto {
        message: None,
        ..ahead(&house, "")
    };
    house.hub.announce_maintenance(Some(later.clone()));
    let again = told(&house, &mut here);
    assert_eq!(again[0]["window"]["ends_at"], later.ends_at);
    assert!(again[0]["window"].get("message").is_none(), "{again:?}");
    house.hub.announce_maintenance(None);
    let withdrawn = json!({ "t": "note", "kind": "maintenance" });
    assert_eq!(told(&house, &mut here), [withdrawn]);
}

#[test]
fn who_connects_is_told_behind_the_welcome_while_it_is_ahead_or_running() {
    let house = House::new();
    let window = ahead(&house, "a new disk");
    house.hub.announce_maintenance(Some(window));
    for (seconds, is_told) in [(0, true), (90, true), (30, false)] {
        house.desk.pass(seconds * SECOND_NS);
        let mut peer = house.silent();
        let (ticket, _) = house
            .doors
            .ticket(crate::gateway::auth::ADMINISTRATOR, None, house.now())
            .expect("room");
        let hello = json!({ "op": "hello", "ticket": ticket });
        peer.session.on_text(&hello.to_string(), house.now());
        let frames = peer.frames(&house);
        let kinds: Vec<_> = frames.iter().map(|frame| frame["t"].as_str()).collect();
        let expected: &[Option<&str>] = match is_told {
            true => &[Some("welcome"), Some("note")],
            false => &[Some("welcome")],
        };
        assert_eq!(kinds, expected, "{frames:?}");
    }
}

#[test]
fn who_was_told_of_none_is_told_of_no_end() {
    let house = House::new();
    let mut before = house.open();
    house.hub.announce_maintenance(Some(ahead(&house, "")));
    house.hub.announce_maintenance(None);
    assert_eq!(told(&house, &mut before), [] as [Value; 0]);
    let mut after = house.open();
    assert_eq!(told(&house, &mut after), [] as [Value; 0]);
}
