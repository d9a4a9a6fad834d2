//! What a client follows, and that a stranger's account is not there for them.

use siaga_platform::news::Part;
use siaga_risk::ids::{AccountId, ActorId};
use uuid::Uuid;

use super::*;
use crate::gateway::stream::CLIENTS_MAX;

/// The actor of the clients here; a ticket carries it and nothing asks for it.
const CLIENT: ActorId = ActorId(1_001);

/// A connection of a client with these accounts, and its welcome.
fn client(house: &House, own: &[AccountId], more: Value) -> (Peer, Value) {
    let mut rooms = Rooms {
        client: true,
        ..Rooms::NONE
    };
    for (room, account) in rooms.own.iter_mut().zip(own) {
        *room = Some(*account);
    }
    let (ticket, _) = house
        .doors
        .guest_ticket(CLIENT, Uuid::from_u128(9), rooms, house.now())
        .expect("room");
    let mut hello = json!({ "op": "hello", "ticket": ticket, "client": "test" });
    for (key, value) in more.as_object().expect("an object") {
        hello[key] = value.clone();
    }
    let mut peer = house.silent();
    let welcome = peer.ask(house, hello);
    assert_eq!(welcome["t"], "welcome");
    (peer, welcome)
}

fn follow(house: &House, peer: &mut Peer, ch: &str, sym: &str) -> Value {
    peer.ask(
        house,
        json!({ "op": "sub", "id": 1, "ch": ch, "sym": [sym] }),
    )
}

#[test]
fn clients_follow_prices_and_what_is_theirs() {
    let house = House::new();
    let (mut peer, _) = client(&house, &[ACCOUNT], json!({}));
    assert_eq!(house.hub.connected_of(CLIENT), 1);
    assert_eq!(house.hub.connected_of(ActorId(1_002)), 0);
    let mine = ACCOUNT.to_string();
    for (ch, sym) in [
        ("margin", mine.as_str()),
        ("alert", "*"),
        ("order", "*"),
        ("status", "*"),
        ("crm", "*"),
    ] {
        let refused = follow(&house, &mut peer, ch, sym);
        assert_eq!(
            (&refused["t"], &refused["code"], &refused["name"]),
            (&json!("err"), &json!(1102), &json!("forbidden")),
            "{ch}"
        );
    }
    for (ch, sym) in [
        ("quote", "*"),
        ("candle", "EUR/USD@1m"),
        ("portfolio", mine.as_str()),
        ("order", mine.as_str()),
    ] {
        let ok = follow(&house, &mut peer, ch, sym);
        assert_eq!(ok["t"], "ok", "{ch}: {ok}");
    }
    let watched = house
        .hub
        .followed(|topic| topic == Topic::Portfolio(ACCOUNT));
    let sums = json!({ "equity": "1.00", "now": 1, "seq": 1 });
    house.hub.put_data(&watched[0], house.now(), &sums);
    house.order(1);
    house.mark(EURUSD, 108_500);
    let frames = peer.frames(&house);
    let quote = json!(Topic::Quote(EURUSD).id().0);
    assert!(
        frames.iter().any(|frame| frame["sub"] == quote),
        "{frames:?}"
    );
    let event = frames.iter().find(|frame| frame["t"] == "ev");
    let event = event.unwrap_or_else(|| panic!("{frames:?}"));
    assert_eq!(event["data"]["link"], "", "how the house routes: {event}");
    assert!(
        frames.iter().any(|frame| frame["data"] == sums),
        "{frames:?}"
    );
    // Whatever a subscription once was, nothing leaves that its rooms have no place for.
    peer.session.rooms = Rooms::NONE;
    house.order(2);
    house.mark(EURUSD, 108_600);
    let late = json!({ "equity": "2.00", "now": 2, "seq": 2 });
    house.hub.put_data(&watched[0], house.now(), &late);
    assert_eq!(peer.frames(&house), Vec::<Value>::new());
}

#[test]
fn a_strangers_account_is_not_there_for_a_client() {
    let house = House::new();
    let (own, nobodys) = (AccountId(4_000_000), AccountId(3_999_999));
    let (mut peer, _) = client(&house, &[own], json!({}));
    for ch in ["portfolio", "order"] {
        let refused = [ACCOUNT, nobodys].map(|account| {
            let account = account.to_string();
            let mut refused = follow(&house, &mut peer, ch, &account);
            assert_eq!(refused["name"], "unknown_symbol", "{refused}");
            let told = refused["msg"].as_str().expect("a text");
            let told = told.replace(&account, "it");
            refused["msg"] = json!(told);
            refused
        });
        assert_eq!(
            refused[0], refused[1],
            "whether there is one is not told either"
        );
    }
}

#[test]
fn a_client_goes_on_with_their_own_streams_alone() {
    let house = House::new();
    house.order(1);
    let tip = house.desk.events().tip();
    let wanted = [
        Topic::Portfolio(ACCOUNT),
        Topic::Order(Some(ACCOUNT)),
        Topic::Margin(ACCOUNT),
        Topic::Order(None),
        Topic::Alert,
        Topic::Status,
        Topic::News(Part::Sales),
    ];
    let subs = wanted.map(|topic| {
        let seq = if topic.durable() { tip } else { 0 };
        json!({ "sub": topic.id().0, "epoch": house.hub.epoch_of(topic), "seq": seq })
    });
    let resume = json!({ "resume": { "conn": "gone", "subs": subs } });
    let (_, welcome) = client(&house, &[ACCOUNT], resume.clone());
    let own = [wanted[0].id().0, wanted[1].id().0];
    assert_eq!(welcome["resumed"], json!(own), "{welcome}");
    let (mut stranger, welcome) = client(&house, &[AccountId(4_000_000)], resume);
    assert_eq!(welcome["resumed"], json!([]), "{welcome}");
    house.order(2);
    assert!(
        stranger
            .frames(&house)
            .iter()
            .all(|frame| frame["t"] != "ev"),
        "nothing of others is told"
    );
}

#[test]
fn clients_leave_the_places_of_the_house_alone() {
    let house = House::new();
    let mailbox = Arc::default();
    let connect = |n: u32| {
        let (conn, somebody) = (n.to_string(), ActorId(2_000 + n));
        house.hub.connect(&conn, &mailbox, None, Some(somebody))
    };
    // People of the house take none of the clients' places.
    assert!(house.hub.connect("desk", &mailbox, None, None));
    let places = u32::try_from(CLIENTS_MAX).expect("a number");
    assert!((0..places).all(connect));
    assert!(house.hub.clients_full());
    let rooms = Rooms {
        client: true,
        ..Rooms::NONE
    };
    let (ticket, _) = house
        .doors
        .guest_ticket(CLIENT, Uuid::from_u128(9), rooms, house.now())
        .expect("room");
    let mut late = house.silent();
    let hello = json!({ "op": "hello", "ticket": ticket, "client": "test" });
    let refused = late.ask(&house, hello);
    assert_eq!(
        (&refused["t"], &refused["name"], &refused["after_ms"]),
        (&json!("err"), &json!("rate_limited"), &json!(30_000))
    );
    assert_eq!(late.closed, Some(Close::Full));
    assert!(Close::Full.reconnect());
    assert_eq!(house.hub.connected_of(CLIENT), 0);
    house.open();
    house.hub.disconnect("7");
    assert!(!house.hub.clients_full());
    client(&house, &[], json!({}));
}
