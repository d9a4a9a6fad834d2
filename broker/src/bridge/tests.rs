mod pacing;

use super::outbound::{sample, sample_hello, sample_submit};
use super::schema::tests::{described, fits};
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use siaga_risk::ids::SourceId;
use siaga_risk::units::{Money, Price, Qty, Ratio};

#[test]
fn hello_welcome_price_order_report() {
    let mut bridge = greeted();
    bridge.on_mark(&mark(110_000), Ts(2_000_000_000));
    bridge.submit(&sample_submit(41), Ts(2));
    let frames = frames(&mut bridge);
    assert_eq!(
        frames[0],
        json!({"t": "order", "n": 1, "id": "10000000000015", "account": 9, "symbol": "EUR/USD", "side": "buy",
               "kind": "market", "tif": "ioc", "qty": "1.00", "seen": "1.10002"}),
        "the stop is the core's: the broker does not hear of it"
    );
    assert_eq!(
        frames[1],
        json!({"t": "quote", "symbol": "EUR/USD", "bid": "1.10000", "ask": "1.10002", "ts": 2_000_000})
    );
    say(&mut bridge, json!({"t": "ack", "n": 1}));
    say(&mut bridge, fill(1, "10000000000015", "E-1", "1.00"));
    let event = bridge.poll_event().expect("a report");
    let expected = Fill {
        qty: Qty(100),
        price: Price(110_003),
        commission: Money(0),
    };
    let report = event.report().expect("of an order");
    assert_eq!(report.event, BrokerEvent::Filled(expected));
    assert_eq!(report.order, OrderId(41));
    assert_eq!(&report.exec[..4], b"E-1\0");
    assert_eq!(self::frames(&mut bridge), [json!({"t": "ack", "n": 1})]);
    assert!(bridge.unacked.is_empty());
}

#[test]
fn nothing_is_believed_before_the_hello() {
    for (frame, name) in [
        (json!({"t": "report"}), "hello_first"),
        (
            json!({"t": "hello", "v": 1, "link": 2, "token": "wrong"}),
            "wrong_token",
        ),
        (
            json!({"t": "hello", "v": 1, "link": 2, "token": ""}),
            "wrong_token",
        ),
        (
            json!({"t": "hello", "v": 1, "link": 3, "token": "sample"}),
            "wrong_link",
        ),
        (
            json!({"t": "hello", "v": 2, "link": 2, "token": "sample"}),
            "wrong_version",
        ),
    ] {
        let mut bridge = sample();
        bridge.on_open(Ts(1));
        say(&mut bridge, frame);
        assert_eq!(faults(&mut bridge), [name]);
        assert_eq!(bridge.poll_close(), Some(name));
        assert!(!bridge.connection().up);
        say(
            &mut bridge,
            serde_json::from_str(&sample_hello()).expect("JSON"),
        );
        assert!(
            !bridge.connection().up,
            "a closed connection says nothing more"
        );
    }
}

#[test]
fn every_wrong_frame_has_its_number_and_harms_nothing() {
    let mut bridge = greeted();
    let long = format!("{{\"t\":\"{}\"}}", "x".repeat(300));
    for (text, name) in [
        ("", "not_json"),
        ("[1]", "not_json"),
        ("{\"t\":7}", "not_json"),
        ("\u{0}", "not_json"),
        ("{\"t\":\"buy\"}", "unknown_type"),
        (long.as_str(), "unknown_type"),
        ("{\"t\":\"ack\"}", "bad_field"),
        ("{\"t\":\"ack\",\"n\":-1}", "bad_field"),
        ("{\"t\":\"ack\",\"n\":1,\"x\":1}", "bad_field"),
        ("{\"t\":\"ack\",\"n\":1}", "bad_ack"),
        (
            "{\"t\":\"report\",\"n\":9,\"id\":\"x\",\"event\":\"accepted\"}",
            "sequence_gap",
        ),
        (
            "{\"t\":\"report\",\"n\":1,\"id\":\"x\",\"event\":\"accepted\"}",
            "unknown_order",
        ),
        (
            "{\"t\":\"report\",\"n\":2,\"id\":\"20000000000014\",\"event\":\"accepted\"}",
            "unknown_order",
        ),
        (
            "{\"t\":\"report\",\"n\":3,\"id\":\"10000000000014\",\"event\":\"filled\"}",
            "bad_field",
        ),
    ] {
        bridge.on_text(text, Ts(2));
        assert_eq!(faults(&mut bridge), [name], "{text}");
    }
    for (field, value, name) in [
        ("price", "NaN", "bad_field"),
        ("price", "1.100001", "bad_field"),
        ("qty", "-1", "bad_quantity"),
        ("qty", "0", "bad_quantity"),
        ("exec", "", "bad_field"),
    ] {
        let mut frame = fill(bridge.taken + 1, "10000000000014", "E", "1.00");
        frame[field] = json!(value);
        say(&mut bridge, frame);
        assert_eq!(faults(&mut bridge), [name], "{field} {value}");
    }
    assert!(bridge.connection().up);
    assert_eq!(bridge.poll_event(), None);
    bridge.on_text(&"x".repeat(FRAME_BYTES_MAX + 1), Ts(2));
    let closed = bridge.poll_text().map(|_| bridge.poll_close());
    assert_eq!(closed, Some(Some("frame_too_large")));
}

#[test]
fn a_frame_that_is_no_text_is_told_and_one_that_is_too_large_closes() {
    let mut bridge = greeted();
    bridge.on_unreadable(Unreadable::Binary, Ts(2));
    assert_eq!(faults(&mut bridge), ["not_json"]);
    assert!(bridge.connection().up);
    bridge.on_unreadable(Unreadable::TooLarge, Ts(2));
    let told = frames(&mut bridge);
    assert_eq!(told[0]["name"], json!("frame_too_large"));
    assert_eq!(told[0]["msg"], json!("a frame has at most 65536 bytes"));
    assert_eq!(bridge.poll_close(), Some("frame_too_large"));
    assert!(!bridge.connection().up);
    bridge.on_unreadable(Unreadable::TooLarge, Ts(3));
    let counts = bridge.fault_counts();
    assert_eq!(counts.of(BridgeFault::NotJson), 1);
    assert_eq!(
        counts.of(BridgeFault::FrameTooLarge),
        1,
        "a closed connection says nothing more"
    );
}

#[test]
fn too_many_faults_close_the_connection() {
    let mut bridge = greeted();
    for _ in 0..=FAULTS_MAX {
        bridge.on_text("?", Ts(2));
        frames(&mut bridge);
    }
    assert_eq!(bridge.poll_close(), Some("too_many_faults"));
}

#[test]
fn a_repeated_report_counts_once_and_a_repeated_execution_is_the_cores_to_judge() {
    let mut bridge = greeted();
    let first = fill(1, "10000000000014", "E-1", "0.50");
    say(&mut bridge, first.clone());
    assert!(bridge.poll_event().is_some());
    frames(&mut bridge);
    say(&mut bridge, first);
    assert_eq!(bridge.poll_event(), None, "the same number");
    assert_eq!(
        frames(&mut bridge),
        [json!({"t": "ack", "n": 1})],
        "told again that it is taken"
    );
    // The core may have had to refuse it the first time.
    say(&mut bridge, fill(2, "10000000000014", "E-1", "0.50"));
    assert!(
        bridge.poll_event().is_some(),
        "the same execution under a new number"
    );
    say(&mut bridge, fill(3, "10000000000014", "E-2", "0.50"));
    assert!(bridge.poll_event().is_some());
    assert_eq!(bridge.counts().repeated, 2);
}

#[test]
fn more_than_was_ordered_goes_to_the_core() {
    let mut bridge = greeted();
    say(&mut bridge, fill(1, "10000000000014", "E-1", "1.01"));
    assert_eq!(faults(&mut bridge), Vec::<String>::new());
    let event = bridge.poll_event().expect("a report");
    let report = event.report().expect("of an order");
    let BrokerEvent::Filled(fill) = report.event else {
        panic!("no execution: {event:?}")
    };
    assert_eq!(fill.qty, Qty(101));
}

#[test]
fn a_new_run_takes_every_report_of_the_last_day_again_on_one_connection() {
    let orders = 2 * u64::from(FAULTS_MAX);
    let mut bridge = sample();
    for order in 0..orders {
        bridge.recall(&OpenOrder {
            submit: sample_submit(100 + order),
            filled: Qty(100),
            confirmed: true,
        });
    }
    bridge.on_open(Ts(1));
    bridge.on_text(&sample_hello(), Ts(1));
    frames(&mut bridge);
    for order in 0..orders {
        let id = crate::id::to_wire(1, OrderId(100 + order));
        say(&mut bridge, fill(order + 1, &id, "E-1", "1.00"));
    }
    // The core knows which of them it has booked: all of them go there.
    let told: Vec<u64> = std::iter::from_fn(|| bridge.poll_event())
        .filter_map(|event| event.report().map(|report| report.order.0))
        .collect();
    assert_eq!(told, (100..100 + orders).collect::<Vec<_>>());
    assert_eq!(faults(&mut bridge), Vec::<String>::new());
    for order in 0..orders {
        let forgotten = crate::id::to_wire(1, OrderId(9_000 + order));
        say(
            &mut bridge,
            fill(orders + order + 1, &forgotten, "E-1", "1.00"),
        );
        assert_eq!(faults(&mut bridge), ["unknown_order"]);
    }
    assert!(
        bridge.connection().up,
        "what is older than a day is told, and no more"
    );
}

#[test]
fn a_resumed_session_loses_nothing_and_sends_no_order_late() {
    let mut bridge = greeted();
    let session = bridge.session_name();
    bridge.submit(&sample_submit(41), Ts(2));
    bridge.submit(&sample_submit(42), Ts(2));
    bridge.cancel(OrderId(40), Ts(2));
    assert_eq!(kinds(&mut bridge), ["order", "order", "cancel"]);
    say(&mut bridge, fill(1, "10000000000015", "E-1", "1.00"));
    bridge.on_close(Ts(3));
    assert!(!bridge.connection().up);
    bridge.submit(&sample_submit(43), Ts(3));
    bridge.on_open(Ts(4));
    // The peer dealt with the first order before the line broke.
    say(
        &mut bridge,
        json!({"t": "hello", "v": 1, "link": 2, "token": "sample", "resume": {"session": session, "in": 1}}),
    );
    let frames = frames(&mut bridge);
    assert_eq!(frames[0]["resumed"], json!(true));
    assert_eq!(frames[0]["in"], json!(1));
    assert_eq!(
        frames[1..],
        [
            json!({"t": "void", "n": 2}),
            json!({"t": "cancel", "n": 3, "id": "10000000000014"})
        ]
    );
    assert_eq!(bridge.connection(), Connection { up: true, count: 2 });
    assert!(
        bridge.poll_event().is_some(),
        "the report of before is not lost"
    );
    say(&mut bridge, fill(2, "10000000000016", "E-2", "1.00"));
    assert!(bridge.poll_event().is_some());
}

#[test]
fn a_foreign_session_is_not_resumed() {
    let mut bridge = greeted();
    bridge.submit(&sample_submit(41), Ts(2));
    frames(&mut bridge);
    for (session, taken) in [("other", 0), (bridge.session_name().as_str(), 9)] {
        bridge.on_open(Ts(4));
        say(
            &mut bridge,
            json!({"t": "hello", "v": 1, "link": 2, "token": "sample", "resume": {"session": session, "in": taken}}),
        );
        let frames = frames(&mut bridge);
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0]["resumed"], json!(false));
        assert_eq!(frames[0]["in"], json!(0));
    }
    bridge.submit(&sample_submit(44), Ts(5));
    assert_eq!(frames(&mut bridge)[0]["n"], json!(1));
}

#[test]
fn heartbeats_and_dead_peers() {
    let mut bridge = greeted();
    let start = Ts(SECOND_NS);
    bridge.on_text("{\"t\":\"ping\"}", start);
    assert_eq!(kinds(&mut bridge), ["pong"]);
    let mut heartbeats = 0;
    let end = loop {
        let due = bridge.poll_deadline().expect("an open connection");
        bridge.on_deadline(due);
        heartbeats += kinds(&mut bridge)
            .iter()
            .filter(|kind| *kind == "hb")
            .count();
        if let Some(reason) = bridge.poll_close() {
            assert_eq!(reason, "dead_peer");
            break due;
        }
    };
    assert_eq!(end, start.plus(DEAD_NS));
    assert!(heartbeats >= 2);
    let mut quiet = sample();
    quiet.on_open(start);
    assert_eq!(quiet.poll_deadline(), Some(start.plus(HELLO_NS)));
    quiet.on_deadline(start.plus(HELLO_NS));
    assert_eq!(faults(&mut quiet), ["hello_timeout"]);
}

#[test]
fn prices_are_merged_for_a_slow_peer() {
    let mut bridge = greeted();
    for bid in 0..1_000 {
        bridge.on_mark(&mark(110_000 + bid), Ts(2));
    }
    let frames = frames(&mut bridge);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0]["bid"], json!("1.10999"));
    assert_eq!(bridge.counts().merged, 999);
    bridge.on_open(Ts(3));
    bridge.on_text(&sample_hello(), Ts(3));
    assert_eq!(
        kinds(&mut bridge),
        ["welcome", "quote"],
        "a new connection starts with the newest price"
    );
    let mut picky = sample();
    picky.on_open(Ts(1));
    say(
        &mut picky,
        json!({"t": "hello", "v": 1, "link": 2, "token": "sample", "symbols": ["XAU/USD"]}),
    );
    self::frames(&mut picky);
    picky.on_mark(&mark(110_000), Ts(2));
    assert_eq!(self::frames(&mut picky), Vec::<Value>::new());
}

#[test]
fn status_is_asked_and_answered() {
    let mut bridge = greeted();
    bridge.status(OrderId(40), Ts(2));
    assert_eq!(
        frames(&mut bridge),
        [json!({"t": "status", "n": 1, "id": "10000000000014"})]
    );
    say(
        &mut bridge,
        json!({"t": "status", "n": 1, "id": "10000000000014", "event": "unknown"}),
    );
    let event = bridge.poll_event().expect("an answer");
    assert!(matches!(event, LinkEvent::Status(report) if report.event == BrokerEvent::Unknown));
}

#[test]
fn a_peer_that_would_hold_what_the_core_holds_is_refused() {
    let hello = |held_by: &str| json!({"t": "hello", "v": 1, "link": 2, "token": "sample", "held_by": held_by});
    for (terms, right, wrong) in [
        (HeldBy::Core, "core", "broker"),
        (HeldBy::Broker, "broker", "core"),
    ] {
        let mut bridge = sample();
        bridge.on_terms(&link_terms(terms));
        bridge.on_open(Ts(1));
        say(&mut bridge, hello(wrong));
        assert_eq!(faults(&mut bridge), ["bad_field"]);
        assert!(!bridge.connection().up);
        say(&mut bridge, hello(right));
        assert!(bridge.connection().up);
        assert_eq!(bridge.capabilities().protective, terms);
        bridge.on_terms(&link_terms(terms));
        assert!(bridge.connection().up, "the same terms again");
        let other = match terms {
            HeldBy::Core => HeldBy::Broker,
            HeldBy::Broker => HeldBy::Core,
        };
        bridge.on_terms(&link_terms(other));
        assert!(!bridge.connection().up, "it agreed to other terms");
    }
}

fn link_terms(protective: HeldBy) -> TermsChange {
    TermsChange::Link(siaga_risk::terms::LinkTerms {
        id: LinkId(2),
        protective,
        answer_timeout_ns: SECOND_NS,
        queue_tolerance: Ratio::percent(1),
        queue_expiry_ns: SECOND_NS,
        trades_closed: false,
    })
}

#[test]
fn protective_prices_go_to_a_broker_that_holds_them() {
    let mut bridge = sample();
    bridge.on_terms(&link_terms(HeldBy::Broker));
    bridge.on_open(Ts(1));
    say(
        &mut bridge,
        json!({"t": "hello", "v": 1, "link": 2, "token": "sample", "held_by": "broker"}),
    );
    frames(&mut bridge);
    assert_eq!(bridge.capabilities().protective, HeldBy::Broker);
    let protect = Protect {
        account: AccountId(9),
        position: PositionId(77),
        protection: sample_submit(1).protection,
    };
    bridge.protect(&protect, Ts(2));
    assert_eq!(
        frames(&mut bridge),
        Vec::<Value>::new(),
        "digits are not known yet"
    );
    bridge.on_position(&position(77, 100));
    bridge.protect(&protect, Ts(2));
    assert_eq!(
        frames(&mut bridge),
        [
            json!({"t": "protect", "n": 1, "account": 9, "position": 77, "stop_loss": "1.09000",
                "take_profit": null, "trailing": null})
        ]
    );
}

#[test]
fn an_open_position_is_not_forgotten_for_closed_ones() {
    let mut bridge = greeted();
    // At a start closes of the last day are known before positions are.
    bridge.on_position(&position(70, 0));
    bridge.on_position(&position(70, 100));
    for id in 0..=CLOSED_MAX as u64 {
        bridge.on_position(&position(5_000 + id, 100));
        bridge.on_position(&position(5_000 + id, 0));
    }
    say(&mut bridge, closed(1, 70, "S-1"));
    assert_eq!(faults(&mut bridge), Vec::<String>::new());
    assert!(bridge.poll_event().is_some());
}

#[test]
fn a_close_of_the_broker_goes_to_the_core() {
    let mut bridge = greeted();
    say(&mut bridge, closed(1, 70, "S-1"));
    let mut exec = [0; 16];
    exec[..3].copy_from_slice(b"S-1");
    let fill = Fill {
        qty: Qty(100),
        price: Price(108_990),
        commission: Money(0),
    };
    let expected = BrokerClose {
        link: LinkId(2),
        position: PositionId(70),
        exec,
        event: CloseEvent::Filled {
            kind: ProtectiveKind::StopLoss,
            fill,
        },
    };
    assert_eq!(bridge.poll_event(), Some(LinkEvent::Closed(expected)));
    assert_eq!(frames(&mut bridge), [json!({"t": "ack", "n": 1})]);
    // The same number again is acknowledged again; a new session says it under a new one, and the core knows it.
    say(&mut bridge, closed(1, 70, "S-1"));
    assert_eq!(bridge.poll_event(), None);
    assert_eq!(frames(&mut bridge), [json!({"t": "ack", "n": 1})]);
    say(&mut bridge, closed(2, 70, "S-1"));
    assert_eq!(bridge.poll_event(), Some(LinkEvent::Closed(expected)));
    let bust = json!({"t": "closed", "n": 3, "position": 70, "event": "bust", "exec": "S-1"});
    say(&mut bridge, bust);
    let expected = BrokerClose {
        event: CloseEvent::Bust,
        ..expected
    };
    assert_eq!(bridge.poll_event(), Some(LinkEvent::Closed(expected)));
    // More than is open, and a price that none is, are the core's to judge: at the door they would be lost.
    for (n, field, value) in [(4, "qty", "99.00"), (5, "price", "-1.00000")] {
        let mut frame = closed(n, 70, "S-2");
        frame[field] = json!(value);
        say(&mut bridge, frame);
        assert_eq!(faults(&mut bridge), Vec::<String>::new(), "{field}");
        assert!(bridge.poll_event().is_some(), "{field}");
    }
}

#[test]
fn a_wrong_close_has_its_number_and_harms_nothing() {
    let mut bridge = greeted();
    for (field, value, name) in [
        ("position", json!(4_711), "unknown_position"),
        ("position", json!("70"), "bad_field"),
        ("event", json!("filled"), "bad_field"),
        ("exec", json!(""), "bad_field"),
        ("qty", json!("0.00"), "bad_quantity"),
        ("qty", json!("-1.00"), "bad_quantity"),
        ("qty", json!(1), "bad_field"),
        ("price", json!("1.089901"), "bad_field"),
        ("price", Value::Null, "bad_field"),
        // The account's currency is not known to this session.
        ("commission", json!("0.50"), "bad_field"),
        ("symbol", json!("EUR/USD"), "bad_field"),
    ] {
        let mut frame = closed(bridge.taken + 1, 70, "S-1");
        frame[field] = value.clone();
        say(&mut bridge, frame);
        assert_eq!(faults(&mut bridge), [name], "{field} {value}");
    }
    let beyond = bridge.taken + 2;
    say(&mut bridge, closed(beyond, 70, "S-1"));
    assert_eq!(faults(&mut bridge), ["sequence_gap"]);
    assert!(bridge.connection().up);
    assert_eq!(bridge.poll_event(), None);
}

#[test]
fn a_close_may_be_said_again_when_its_position_is_gone() {
    let mut bridge = greeted();
    bridge.on_position(&position(70, 0));
    say(&mut bridge, closed(1, 70, "S-1"));
    assert!(bridge.poll_event().is_some());
    // In a new run, by the order that closed it.
    let mut bridge = sample();
    bridge.recall(&OpenOrder {
        submit: Submit {
            position: Some(PositionId(77)),
            ..sample_submit(90)
        },
        filled: Qty(100),
        confirmed: true,
    });
    bridge.on_open(Ts(1));
    bridge.on_text(&sample_hello(), Ts(1));
    frames(&mut bridge);
    say(&mut bridge, closed(1, 77, "S-1"));
    assert!(bridge.poll_event().is_some());
    // Nobody is told prices of what is gone.
    bridge.protect(
        &Protect {
            account: AccountId(9),
            position: PositionId(77),
            protection: sample_submit(1).protection,
        },
        Ts(2),
    );
    assert_eq!(kinds(&mut bridge), ["ack"]);
    for n in 0..2 * u64::from(FAULTS_MAX) {
        say(&mut bridge, closed(2 + n, 5_000 + n, "S-1"));
        assert_eq!(faults(&mut bridge), ["unknown_position"]);
    }
    assert!(bridge.connection().up, "what is long gone closes nothing");
}

#[test]
fn a_close_that_was_not_acknowledged_is_said_again_on_the_next_connection() {
    let mut bridge = greeted();
    let session = bridge.session_name();
    bridge.on_close(Ts(3));
    bridge.on_open(Ts(4));
    say(
        &mut bridge,
        json!({"t": "hello", "v": 1, "link": 2, "token": "sample", "resume": {"session": session, "in": 0}}),
    );
    assert_eq!(frames(&mut bridge)[0]["in"], json!(0));
    say(&mut bridge, closed(1, 70, "S-1"));
    assert!(bridge.poll_event().is_some());
    assert_eq!(frames(&mut bridge), [json!({"t": "ack", "n": 1})]);
}

#[test]
fn fault_numbers_rise_and_names_are_unique() {
    let mut names = BTreeSet::new();
    for pair in BridgeFault::ALL.windows(2) {
        assert!(pair[0].code() < pair[1].code());
    }
    for fault in BridgeFault::ALL {
        assert!(names.insert(fault.name()));
    }
}

proptest! {
    #[test]
    fn no_input_harms_the_session(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_bridge(&bytes);
    }

    #[test]
    fn no_mutated_frame_harms_the_session(
        lines in prop::collection::vec((0usize..7, any::<u8>(), 0usize..200, any::<bool>()), 1..20),
    ) {
        let samples = [
            fill(1, "10000000000014", "E-1", "0.50").to_string(),
            json!({"t": "ack", "n": 0}).to_string(),
            json!({"t": "status", "n": 2, "id": "10000000000014", "event": "unknown"}).to_string(),
            json!({"t": "ping"}).to_string(),
            sample_hello(),
            json!({"t": "report", "n": 2, "id": "10000000000014", "event": "bust", "exec": "E-1"}).to_string(),
            closed(1, 70, "S-1").to_string(),
        ];
        let mut bytes = vec![0, b'\n'];
        for (sample, byte, at, mutate) in lines {
            let mut line = samples[sample].clone().into_bytes();
            let at = at % line.len();
            if mutate { line[at] = byte; }
            bytes.extend(line);
            bytes.push(b'\n');
        }
        fuzz_bridge(&bytes);
    }
}

fn greeted() -> BridgeSession {
    let mut bridge = sample();
    bridge.on_open(Ts(1));
    bridge.on_text(&sample_hello(), Ts(1));
    let frames = frames(&mut bridge);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0]["t"], json!("welcome"));
    assert_eq!(frames[0]["instruments"][0]["symbol"], json!("EUR/USD"));
    bridge
}

/// Says a frame; whatever the description of the protocol does not know is a fault here, too.
fn say(bridge: &mut BridgeSession, frame: Value) {
    let (greeted, before) = (bridge.peer.greeted, bridge.counts().faults);
    bridge.on_text(&frame.to_string(), Ts(2));
    let taken = greeted && bridge.counts().faults == before;
    assert!(
        !taken || fits(true, &frame),
        "not as it is described: {frame}"
    );
}

fn fill(n: u64, id: &str, exec: &str, qty: &str) -> Value {
    json!({"t": "report", "n": n, "id": id, "event": "filled", "exec": exec, "qty": qty, "price": "1.10003"})
}

fn closed(n: u64, position: u64, exec: &str) -> Value {
    json!({"t": "closed", "n": n, "position": position, "event": "stop_loss", "exec": exec, "qty": "1.00", "price": "1.08990"})
}

/// A position of the sample's instrument and account; none when its quantity is zero.
fn position(id: u64, qty: i64) -> PositionChange {
    PositionChange {
        id: PositionId(id),
        account: AccountId(9),
        instrument: InstrumentId(1),
        side: Side::Buy,
        qty: Qty(qty),
        open_price: Price(110_000),
        opened: Ts(1),
        margin: Money(0),
        swap: Money(0),
        commission: Money(0),
        realised: Money(0),
        protection: sample_submit(1).protection,
    }
}

/// What it has to say; each frame is as it is described.
fn frames(bridge: &mut BridgeSession) -> Vec<Value> {
    std::iter::from_fn(|| bridge.poll_text())
        .map(|text| described(serde_json::from_str(&text).expect("frames are JSON")))
        .collect()
}

fn kinds(bridge: &mut BridgeSession) -> Vec<String> {
    let kind = |frame: &Value| frame["t"].as_str().unwrap_or_default().to_owned();
    frames(bridge).iter().map(kind).collect()
}

fn faults(bridge: &mut BridgeSession) -> Vec<String> {
    frames(bridge)
        .iter()
        .filter(|frame| frame["t"] == json!("err"))
        .map(|frame| frame["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn mark(bid: i64) -> Mark {
    Mark {
        ts: Ts(2_000_000_000),
        instrument: InstrumentId(1),
        source: SourceId(1),
        bid: Price(bid),
        ask: Price(bid + 2),
        bid_qty: Qty(0),
        ask_qty: Qty(0),
        venue_lag_us: 0,
        count: 1,
        day_change: Ratio(0),
    }
}
