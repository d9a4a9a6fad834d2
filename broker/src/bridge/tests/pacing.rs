//! How much a peer is told at once, and what it may owe.

use super::*;

#[test]
fn a_peer_that_acknowledges_nothing_is_cut_off() {
    let mut bridge = greeted();
    for order in 0..=UNACKED_MAX as u64 {
        bridge.submit(&sample_submit(100 + order), Ts(2));
        while bridge.poll_text().is_some() {}
    }
    assert_eq!(bridge.poll_close(), Some("too_slow"));
    assert!(!bridge.connection().up);
}

#[test]
fn a_position_is_named_before_its_prices_are_told() {
    let mut bridge = greeted();
    let opened = |position: u64| Opened {
        position: PositionId(position),
        order: (position == 70).then_some(OrderId(40)),
        account: AccountId(9),
        instrument: InstrumentId(1),
        side: Side::Buy,
    };
    // Whatever waits for the peer's acknowledgements keeps that order.
    for order in 0..HELD_UNACKED_MAX as u64 {
        bridge.status(OrderId(order), Ts(2));
    }
    let protect = Protect {
        account: AccountId(9),
        position: PositionId(70),
        protection: sample_submit(1).protection,
    };
    bridge.protect(&protect, Ts(2));
    bridge.opened(&opened(71), Ts(2));
    bridge.opened(&opened(70), Ts(2));
    assert_eq!(frames(&mut bridge).len(), HELD_UNACKED_MAX);
    say(&mut bridge, json!({"t": "ack", "n": HELD_UNACKED_MAX}));
    let told = frames(&mut bridge);
    assert_eq!(
        told[..2],
        [
            json!({"t": "opened", "n": HELD_UNACKED_MAX + 1, "position": 70, "id": "10000000000014",
                "account": 9, "symbol": "EUR/USD", "side": "buy"}),
            json!({"t": "opened", "n": HELD_UNACKED_MAX + 2, "position": 71, "account": 9,
                "symbol": "EUR/USD", "side": "buy"})
        ]
    );
    assert_eq!(told[2]["t"], json!("protect"));
    assert_eq!(told.len(), 3);
}

/// A session that owes its peer as much as it may before everything but orders waits.
fn owing() -> BridgeSession {
    let mut bridge = greeted();
    for order in 0..HELD_UNACKED_MAX as u64 {
        bridge.cancel(OrderId(10_000 + order), Ts(2));
    }
    let opened = Opened {
        position: PositionId(70),
        order: None,
        account: AccountId(9),
        instrument: InstrumentId(1),
        side: Side::Buy,
    };
    bridge.opened(&opened, Ts(2));
    let protect = Protect {
        account: AccountId(9),
        position: PositionId(70),
        protection: sample_submit(1).protection,
    };
    bridge.protect(&protect, Ts(2));
    assert_eq!(frames(&mut bridge).len(), HELD_UNACKED_MAX);
    bridge
}

#[test]
fn an_order_that_names_a_position_goes_behind_its_name() {
    let mut bridge = owing();
    let close = Submit {
        position: Some(PositionId(70)),
        ..sample_submit(41)
    };
    bridge.submit(&close, Ts(2));
    assert_eq!(kinds(&mut bridge), ["opened", "order"]);
}

#[test]
fn nobody_hears_of_a_position_that_has_closed_meanwhile() {
    let mut bridge = owing();
    bridge.on_position(&position(70, 0));
    say(&mut bridge, json!({"t": "ack", "n": HELD_UNACKED_MAX}));
    assert_eq!(frames(&mut bridge), Vec::<Value>::new());
}

/// Deals with everything it has been told: what by its kind, and the number of the last command.
fn dealt_with(bridge: &mut BridgeSession) -> (Vec<String>, u64) {
    let told: Vec<Value> = std::iter::from_fn(|| bridge.poll_text())
        .map(|text| serde_json::from_str(&text).expect("frames are JSON"))
        .collect();
    let kind = |frame: &Value| frame["t"].as_str().unwrap_or_default().to_owned();
    let last = told.iter().rev().find_map(|frame| frame["n"].as_u64());
    (told.iter().map(kind).collect(), last.unwrap_or_default())
}

#[test]
fn questions_beyond_what_a_peer_may_owe_wait_for_it_and_a_cancel_does_not() {
    let mut bridge = greeted();
    let asked = UNACKED_MAX as u64 + 1_000;
    for order in 0..asked {
        bridge.status(OrderId(order), Ts(2));
    }
    // Asked again meanwhile, it is one question.
    bridge.status(OrderId(asked - 1), Ts(2));
    bridge.cancel(OrderId(asked), Ts(2));
    let (first, mut last) = dealt_with(&mut bridge);
    assert_eq!(first.len(), HELD_UNACKED_MAX + 1);
    assert_eq!(first[HELD_UNACKED_MAX], "cancel", "it waits for nothing");
    let mut told = first;
    while told.len() <= asked as usize {
        say(&mut bridge, json!({"t": "ack", "n": last}));
        let (next, upto) = dealt_with(&mut bridge);
        assert!(!next.is_empty(), "{} of {asked} were told", told.len());
        told.extend(next);
        last = upto;
    }
    assert!(bridge.connection().up);
    let count = |kind: &str| told.iter().filter(|told| *told == kind).count() as u64;
    assert_eq!((count("status"), count("cancel")), (asked, 1));
}

#[test]
fn a_cancel_waits_for_no_orders_and_leaves_them_their_room() {
    let mut bridge = greeted();
    let behind = HELD_UNACKED_MAX as u64 + 1_000;
    for order in 0..behind {
        bridge.submit(&sample_submit(100 + order), Ts(2));
    }
    bridge.cancel(OrderId(100), Ts(2));
    let (told, last) = dealt_with(&mut bridge);
    assert_eq!(told.last().map(String::as_str), Some("cancel"));
    assert_eq!(last, behind + 1);
    // A kill switch cancels more than is told at once; the closes behind it go out.
    for order in 0..UNACKED_MAX as u64 {
        bridge.cancel(OrderId(10_000 + order), Ts(2));
    }
    let (told, _) = dealt_with(&mut bridge);
    assert_eq!(told, vec!["cancel"; HELD_UNACKED_MAX - 1]);
    bridge.submit(&sample_submit(50_000), Ts(2));
    assert_eq!(kinds(&mut bridge), ["order"]);
    // The first of them was dealt with: another one follows.
    say(&mut bridge, json!({"t": "ack", "n": last}));
    assert_eq!(kinds(&mut bridge), ["cancel"]);
}

#[test]
fn cancels_leave_room_for_an_order() {
    let mut bridge = greeted();
    let mut order = 100;
    while bridge.has_room() {
        bridge.submit(&sample_submit(order), Ts(2));
        order += 1;
    }
    dealt_with(&mut bridge);
    for order in 100..110 {
        bridge.cancel(OrderId(order), Ts(2));
    }
    assert_eq!(kinds(&mut bridge), Vec::<String>::new());
    say(&mut bridge, json!({"t": "ack", "n": 5}));
    assert_eq!(kinds(&mut bridge), ["cancel"; 4]);
    assert!(bridge.has_room());
}

/// The core cancels none again that it had stopped waiting for when the connection was lost.
#[test]
fn a_new_connection_is_asked_anew_and_hears_the_cancels_that_waited() {
    for resumes in [true, false] {
        let mut bridge = owing();
        let session = bridge.session_name();
        bridge.status(OrderId(9_000), Ts(2));
        bridge.cancel(OrderId(9_001), Ts(2));
        bridge.on_close(Ts(3));
        bridge.on_open(Ts(4));
        let mut hello = json!({"t": "hello", "v": 1, "link": 2, "token": "sample"});
        if resumes {
            hello["resume"] = json!({"session": session, "in": HELD_UNACKED_MAX});
        }
        say(&mut bridge, hello);
        let told = match resumes {
            // Names and prices that waited go on; the router asks once more.
            true => vec!["welcome", "cancel", "opened", "protect"],
            false => vec!["welcome", "cancel"],
        };
        assert_eq!(kinds(&mut bridge), told);
    }
}

#[test]
fn a_new_session_hears_the_cancels_that_were_lost_with_the_old_one() {
    let mut bridge = greeted();
    for order in 41..45 {
        bridge.submit(&sample_submit(order), Ts(2));
        bridge.cancel(OrderId(order), Ts(2));
    }
    assert_eq!(frames(&mut bridge).len(), 8);
    // One was dealt with, one was refused before it was acknowledged, and the core has ended another order.
    say(&mut bridge, json!({"t": "ack", "n": 2}));
    let refused = crate::id::to_wire(1, OrderId(44));
    say(
        &mut bridge,
        json!({"t": "report", "n": 1, "id": refused, "event": "cancel_rejected"}),
    );
    bridge.ended(OrderId(42));
    bridge.on_close(Ts(3));
    bridge.on_open(Ts(4));
    bridge.on_text(&sample_hello(), Ts(4));
    let told = frames(&mut bridge);
    assert_eq!(told[0]["resumed"], json!(false));
    let id = crate::id::to_wire(1, OrderId(43));
    assert_eq!(told[1..], [json!({"t": "cancel", "n": 1, "id": id})]);
}

#[test]
fn nothing_is_asked_of_an_order_that_has_ended() {
    let mut bridge = owing();
    for order in [9_000, 9_001] {
        bridge.status(OrderId(order), Ts(2));
        bridge.cancel(OrderId(order), Ts(2));
    }
    bridge.ended(OrderId(9_000));
    say(&mut bridge, json!({"t": "ack", "n": HELD_UNACKED_MAX}));
    let told = ["cancel", "status", "opened", "protect"];
    assert_eq!(kinds(&mut bridge), told);
}

#[test]
fn a_peer_that_leaves_no_room_for_an_order_is_closed_in_time() {
    let mut bridge = greeted();
    let start = Ts(2 * SECOND_NS);
    let mut order = 100;
    while bridge.has_room() {
        bridge.submit(&sample_submit(order), start);
        order += 1;
    }
    assert!(
        bridge.connection().up,
        "whoever asks for room is not cut off"
    );
    let (_, last) = dealt_with(&mut bridge);
    assert_eq!(last, order - 100);
    // It has made room, and is full once more.
    bridge.on_text("{\"t\":\"ack\",\"n\":1}", start.plus(SECOND_NS));
    let later = start.plus(2 * SECOND_NS);
    bridge.submit(&sample_submit(order), later);
    assert!(!bridge.has_room());
    let due = later.plus(ROOM_NS);
    bridge.on_text("{\"t\":\"ping\"}", due);
    assert_eq!(bridge.poll_deadline().map(|at| at <= due), Some(true));
    bridge.on_deadline(Ts(due.0 - 1));
    assert!(bridge.connection().up);
    bridge.on_deadline(due);
    assert_eq!(faults(&mut bridge), ["too_slow"]);
    assert!(!bridge.connection().up);
}

/// Such a peer was restored from an older state: what it has acknowledged is not kept for it.
#[test]
fn a_session_is_not_resumed_below_what_was_acknowledged() {
    let mut bridge = greeted();
    let session = bridge.session_name();
    for order in 40..43 {
        bridge.cancel(OrderId(order), Ts(2));
    }
    assert_eq!(frames(&mut bridge).len(), 3);
    say(&mut bridge, json!({"t": "ack", "n": 2}));
    bridge.on_open(Ts(4));
    let hello = json!({"t": "hello", "v": 1, "link": 2, "token": "sample", "resume": {"session": session, "in": 1}});
    say(&mut bridge, hello);
    let told = frames(&mut bridge);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["resumed"], json!(false));
    bridge.status(OrderId(42), Ts(5));
    assert_eq!(frames(&mut bridge)[0]["n"], json!(1));
}

#[test]
fn orders_that_the_core_has_ended_are_remembered_for_late_reports_and_no_further_ones() {
    let mut bridge = greeted();
    let known = bridge.orders.len();
    for order in 0..=ENDED_MAX as u64 {
        let order = OpenOrder {
            submit: sample_submit(1_000 + order),
            filled: Qty(0),
            confirmed: true,
        };
        bridge.adopt(&order, Ts(2));
        bridge.ended(order.submit.id);
        bridge.ended(order.submit.id);
    }
    assert_eq!(bridge.orders.len(), known + ENDED_MAX);
    let late = crate::id::to_wire(1, OrderId(1_001));
    say(&mut bridge, fill(1, &late, "E-1", "1.00"));
    assert_eq!(faults(&mut bridge), Vec::<String>::new());
    let forgotten = crate::id::to_wire(1, OrderId(1_000));
    say(&mut bridge, fill(2, &forgotten, "E-1", "1.00"));
    assert_eq!(faults(&mut bridge), ["unknown_order"]);
}
