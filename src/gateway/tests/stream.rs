//! The stream with real clients.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;
use crate::gateway::auth::SESSION_IDLE_NS;
use crate::gateway::core::Core;
use crate::gateway::events::EventBody;
use crate::gateway::stream::hub::SILENCE_MAX_NS;
use crate::gateway::testing::{EURUSD, order};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A client of the stream.
struct Client {
    socket: Socket,
}

/// What a client sees.
#[derive(Debug)]
enum Seen {
    Frame(Value),
    Closed(u16),
}

impl Client {
    async fn connect(server: &Server, headers: &[(&'static str, String)]) -> Result<Client, Error> {
        let mut request = format!("ws://{}/ws/v1", server.host())
            .into_client_request()
            .expect("a request");
        request.headers_mut().insert(
            "sec-websocket-protocol",
            "siaga.json.v1".parse().expect("a value"),
        );
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, value.parse().expect("a value"));
        }
        let (socket, answer) = connect_async(request).await?;
        assert_eq!(answer.headers()["sec-websocket-protocol"], "siaga.json.v1");
        Ok(Client { socket })
    }

    /// Connected and greeted, by a ticket as browsers do it.
    async fn open(server: &Server) -> Client {
        let ticket = server.call("POST", "/api/v1/ws-tickets", None).await.json()["ticket"].clone();
        let mut client = Client::connect(server, &[]).await.expect("connected");
        client
            .say(json!({ "op": "hello", "ticket": ticket, "client": "test" }))
            .await;
        assert_eq!(client.frame().await["t"], "welcome");
        client
    }

    async fn say(&mut self, message: Value) {
        self.socket
            .send(Message::text(message.to_string()))
            .await
            .expect("sent");
    }

    async fn next(&mut self) -> Seen {
        loop {
            let message = timeout(PATIENCE, self.socket.next())
                .await
                .expect("something in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Seen::Frame(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Seen::Closed(frame.map_or(0, |f| u16::from(f.code)));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Seen::Closed(0),
            }
        }
    }

    async fn frame(&mut self) -> Value {
        match self.next().await {
            Seen::Frame(frame) => frame,
            Seen::Closed(code) => panic!("closed {code}"),
        }
    }

    /// The next frame of a kind.
    async fn kind(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["t"] == kind {
                return frame;
            }
        }
    }

    /// The code of the close, with what was said before.
    async fn end(&mut self) -> (Vec<Value>, u16) {
        let mut said = Vec::new();
        loop {
            match self.next().await {
                Seen::Frame(frame) => said.push(frame),
                Seen::Closed(code) => return (said, code),
            }
        }
    }
}

#[tokio::test]
async fn prices_flow_from_the_desk_to_a_client() {
    let server = Server::start().await;
    server.desk.mark(EURUSD, 108_512);
    let mut client = Client::open(&server).await;
    client
        .say(json!({ "op": "sub", "id": 1, "ch": "quote", "sym": ["EUR/USD"] }))
        .await;
    let ok = client.kind("ok").await;
    assert_eq!(
        (&ok["id"], &ok["subs"][0]["sym"]),
        (&json!(1), &json!("EUR/USD"))
    );
    let snap = client.kind("snap").await;
    assert_eq!(
        (&snap["data"]["bid"], &snap["seq"]),
        (&json!("1.08512"), &json!(1))
    );
    let (te, ti, to) = (
        snap["te"].as_u64(),
        snap["ti"].as_u64(),
        snap["to"].as_u64(),
    );
    assert_eq!(ti.zip(te).map(|(ti, te)| ti - te), Some(250));
    assert!(to >= ti);
    for step in 1..=20 {
        server.desk.mark(EURUSD, 108_512 + step);
        let upd = client.kind("upd").await;
        assert_eq!(
            (&upd["prev"], &upd["seq"]),
            (&json!(step), &json!(step + 1))
        );
    }
    client.say(json!({ "op": "ping", "id": 2 })).await;
    assert!(client.kind("ok").await["now"].as_u64() >= to);
    assert_eq!(server.metric("siaga_stream_connections").await, 1.0);
    drop(client);
    until("the leave", async || {
        server.metric("siaga_stream_connections").await == 0.0
    })
    .await;
    server.end().await;
}

#[tokio::test]
async fn accounts_desk_and_orders_are_followed() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let mut client = Client::open(&server).await;
    client
        .say(json!({ "op": "sub", "id": 1, "ch": "margin", "sym": ["7"] }))
        .await;
    let snap = client.kind("snap").await;
    assert_eq!(snap["data"]["balance"], "10000.00");
    client
        .say(json!({ "op": "sub", "id": 2, "ch": "order", "sym": ["7"] }))
        .await;
    client.kind("ok").await;
    let placed = server
        .call("POST", "/api/v1/orders", Some(order_body("followed")))
        .await
        .json();
    let event = client.kind("ev").await;
    assert_eq!(
        (&event["data"]["id"], &event["data"]["client_id"]),
        (&placed["order"]["id"], &json!("followed"))
    );
    client
        .say(json!({ "op": "sub", "id": 3, "ch": "status" }))
        .await;
    let status = client.kind("snap").await;
    assert_eq!(
        (&status["sym"], &status["data"]["orders"]),
        (&json!("*"), &json!(1))
    );
    let halt = json!({ "symbol": "XAU/USD", "on": true, "note": "rumour" });
    assert_eq!(
        server
            .call("POST", "/api/v1/halts", Some(halt))
            .await
            .status,
        200
    );
    loop {
        let upd = client.kind("upd").await;
        if upd["sym"] == "*" && upd["data"]["halted"] == json!(["XAU/USD"]) {
            break;
        }
    }
    server.end().await;
}

#[tokio::test]
async fn strangers_are_shown_out() {
    let server = Server::start().await;
    let foreign = Client::connect(&server, &[("origin", "http://evil.example".to_owned())]).await;
    assert!(matches!(foreign, Err(Error::Http(answer)) if answer.status() == 403));
    let wrong = Client::connect(&server, &[("authorization", "Bearer wrong".to_owned())]).await;
    assert!(matches!(wrong, Err(Error::Http(answer)) if answer.status() == 401));
    let mut invented = Client::connect(&server, &[]).await.expect("connected");
    invented
        .say(json!({ "op": "hello", "ticket": "invented" }))
        .await;
    let (said, code) = invented.end().await;
    assert_eq!(
        (said.last().map(|f| f["t"].clone()), code),
        (Some(json!("bye")), 4502)
    );
    let mut silent = Client::connect(&server, &[]).await.expect("connected");
    let (said, code) = silent.end().await;
    assert_eq!((said[0]["code"].clone(), code), (json!(4501), 4501));
    let mut program = Client::connect(&server, &[("authorization", format!("Bearer {SECRET}"))])
        .await
        .expect("connected");
    program
        .say(json!({ "op": "hello", "client": "program" }))
        .await;
    assert_eq!(program.frame().await["t"], "welcome");
    server.end().await;
}

#[tokio::test]
async fn a_huge_frame_ends_its_connection_alone() {
    let server = Server::start().await;
    let mut good = Client::open(&server).await;
    let mut huge = Client::open(&server).await;
    let text = "x".repeat(10 * 1024 * 1024);
    // The server may hang up before all of it was sent.
    let _ = huge.socket.send(Message::text(text)).await;
    let (_, code) = huge.end().await;
    assert!(code == 4504 || code == 0, "{code}");
    until("the count", async || {
        server
            .metric("siaga_stream_closed_total{reason=\"protocol_error\"}")
            .await
            == 1.0
    })
    .await;
    good.socket
        .send(Message::binary(vec![0u8; 16]))
        .await
        .expect("sent");
    assert_eq!(good.frame().await["name"], "bad_json");
    good.say(json!({ "op": "ping", "id": 1 })).await;
    assert_eq!(good.frame().await["t"], "ok");
    server.end().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_others_go_on() {
    let desk = TestDesk::new();
    let server = Server::with(desk, |options| options.timing.progress_ns = 500_000_000).await;
    let mut slow = Client::open(&server).await;
    slow.say(json!({ "op": "sub", "id": 1, "ch": "order", "sym": ["7"] }))
        .await;
    assert_eq!(slow.frame().await["t"], "ok");
    let mut good = Client::open(&server).await;
    good.say(json!({ "op": "sub", "id": 1, "ch": "order", "sym": ["7"] }))
        .await;
    assert_eq!(good.frame().await["t"], "ok");
    // More than the kernel's buffers hold: 40,000 events of about 600 bytes.
    let first = server.desk.events().tip() + 1;
    for number in 0..40_000 {
        server.desk.events().push(EventBody::Order(order(number)));
    }
    let mut last = first - 1;
    for number in 0..40_000 {
        let event = good.kind("ev").await;
        assert_eq!(
            (&event["seq"], &event["prev"]),
            (&json!(first + number), &json!(last))
        );
        last = first + number;
    }
    until("the cut", async || {
        server
            .metric("siaga_stream_closed_total{reason=\"slow_consumer\"}")
            .await
            == 1.0
    })
    .await;
    server.end().await;
}

/// A session of the first-start secret, as the header lines of its writes.
async fn session_of(server: &Server) -> String {
    let secret = json!({ "secret": SECRET });
    let opened = server
        .send("POST", "/api/v1/session", "", Some(secret))
        .await;
    let set = opened.header("set-cookie").expect("a cookie");
    let cookie = set.split(';').next().expect("a value");
    let csrf = opened.json()["csrf"].as_str().expect("a token").to_owned();
    format!("Cookie: {cookie}\r\nX-CSRF-Token: {csrf}\r\n")
}

#[tokio::test]
async fn the_streams_of_a_session_end_when_it_was_idle_too_long() {
    let short = Duration::from_millis(10);
    let server = Server::with(TestDesk::new(), |options| options.look_every = short).await;
    let mut others = Client::open(&server).await;
    let with = session_of(&server).await;
    let answer = server.send("POST", "/api/v1/ws-tickets", &with, None).await;
    let mut client = Client::connect(&server, &[]).await.expect("connected");
    client
        .say(json!({ "op": "hello", "ticket": answer.json()["ticket"] }))
        .await;
    assert_eq!(client.frame().await["t"], "welcome");
    let now = server.desk.now();
    server.desk.pass(now.0 + SESSION_IDLE_NS + 1);
    let (said, code) = client.end().await;
    let bye = said.last().expect("a bye");
    assert_eq!((code, &bye["name"]), (4503, &json!("revoked")));
    others.say(json!({ "op": "ping", "id": 1 })).await;
    assert_eq!(others.kind("ok").await["id"], 1, "the secret stays");
    server.end().await;
}

#[tokio::test]
async fn signing_out_ends_the_streams_of_that_session_alone() {
    let server = Server::start().await;
    let mut others = Client::open(&server).await;
    let with = session_of(&server).await;
    let ticket = async || {
        let answer = server.send("POST", "/api/v1/ws-tickets", &with, None).await;
        answer.json()["ticket"].clone()
    };
    let mut client = Client::connect(&server, &[]).await.expect("connected");
    client
        .say(json!({ "op": "hello", "ticket": ticket().await }))
        .await;
    assert_eq!(client.frame().await["t"], "welcome");
    let unused = ticket().await;
    let out = server.send("DELETE", "/api/v1/session", &with, None).await;
    assert_eq!(out.status, 204);
    let (said, code) = client.end().await;
    let bye = said.last().expect("a bye");
    assert_eq!(
        (code, &bye["name"], &bye["reconnect"]),
        (4503, &json!("revoked"), &json!(false))
    );
    let mut late = Client::connect(&server, &[]).await.expect("connected");
    late.say(json!({ "op": "hello", "ticket": unused })).await;
    assert_eq!(late.end().await.1, 4502);
    others.say(json!({ "op": "ping", "id": 1 })).await;
    assert_eq!(others.frame().await["t"], "ok");
    server.end().await;
}

#[tokio::test]
async fn a_stop_says_bye_and_invites_back() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    server.end().await;
    let (said, code) = client.end().await;
    assert_eq!(said[0]["kind"], "drain");
    assert_eq!(
        (&said[1]["code"], &said[1]["reconnect"]),
        (&json!(4001), &json!(true))
    );
    assert_eq!(code, u16::from(CloseCode::from(4001)));
}

#[tokio::test]
async fn who_follows_an_account_hears_that_the_core_does_not_answer() {
    use std::sync::atomic::Ordering;
    let server = Server::start().await;
    server.desk.silent.store(true, Ordering::SeqCst);
    let mut client = Client::open(&server).await;
    let mut later = Client::open(&server).await;
    for follower in [&mut client, &mut later] {
        follower
            .say(json!({ "op": "sub", "id": 1, "ch": "margin", "sym": ["7"] }))
            .await;
        let ok = follower.frame().await;
        assert_eq!(ok["t"], "ok", "{ok}");
        let told = follower.frame().await;
        assert_eq!(
            (&told["t"], &told["code"], &told["name"]),
            (&json!("err"), &json!(1503), &json!("degraded"))
        );
        assert_eq!(told["sub"], ok["subs"][0]["sub"]);
        assert!(told["id"].is_null(), "its request was done: {told}");
        assert!(told["after_ms"].as_u64() > Some(0), "{told}");
        let msg = told["msg"].as_str().expect("a text");
        assert!(
            msg.contains("the core") && msg.contains("margin 7"),
            "{msg}"
        );
    }
    server.desk.silent.store(false, Ordering::SeqCst);
    // Each was told once: the answer comes next.
    for follower in [&mut client, &mut later] {
        assert_eq!(follower.frame().await["t"], "snap");
    }
    server.end().await;
}

#[tokio::test]
async fn numbers_are_called_old_while_a_question_waits_for_the_core() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    client
        .say(json!({ "op": "sub", "id": 1, "ch": "margin", "sym": ["7"] }))
        .await;
    assert_eq!(client.kind("snap").await["data"]["balance"], "10000.00");
    server.desk.hung.send_replace(true);
    let now = server.desk.now();
    server.desk.pass(now.0 + SILENCE_MAX_NS);
    let told = client.kind("err").await;
    assert_eq!(
        (&told["code"], &told["name"]),
        (&json!(1503), &json!("degraded"))
    );
    server.desk.hung.send_replace(false);
    assert_eq!(client.kind("upd").await["data"]["balance"], "10000.00");
    server.end().await;
}

#[tokio::test]
async fn what_fails_inside_is_a_number_outside_and_the_log_has_its_cause() {
    use std::sync::atomic::Ordering;
    // The server runs on this thread too.
    let (log, _here) = super::log::Log::listen();
    let server = Server::start().await;
    let (mut client, mut other) = (Client::open(&server).await, Client::open(&server).await);
    server.desk.confused.store(true, Ordering::SeqCst);
    client
        .say(json!({ "op": "sub", "id": 1, "ch": "margin", "sym": ["7"] }))
        .await;
    assert_eq!(client.frame().await["t"], "ok");
    let failed = client.frame().await;
    assert_eq!(
        (&failed["code"], &failed["name"]),
        (&json!(1500), &json!("internal"))
    );
    server.desk.confused.store(false, Ordering::SeqCst);
    assert_eq!(client.kind("snap").await["data"]["balance"], "10000.00");
    client
        .say(json!({ "op": "unsub", "id": 2, "sub": failed["sub"] }))
        .await;
    assert_eq!(client.kind("ok").await["id"], 2);
    server.desk.broken.store(true, Ordering::SeqCst);
    client
        .say(json!({ "op": "sub", "id": 3, "ch": "quote", "sym": ["XAU/USD"] }))
        .await;
    let (said, code) = client.end().await;
    server.desk.broken.store(false, Ordering::SeqCst);
    assert_eq!(
        (&said[0]["id"], &said[0]["name"], code),
        (&json!(3), &json!("internal"), 4011)
    );
    let text = log.text();
    for (refusal, cause) in [
        (&failed, "an account was asked for"),
        (&said[0], "the names of XAU/USD are broken"),
    ] {
        let incident = refusal["incident"].as_str().expect("a number");
        let line = text.lines().find(|line| line.contains(incident));
        assert!(line.is_some_and(|line| line.contains(cause)), "{text}");
        assert!(!refusal.to_string().contains(cause), "{refusal}");
    }
    other.say(json!({ "op": "ping", "id": 1 })).await;
    assert_eq!(other.frame().await["t"], "ok", "nobody else is cut off");
    server.end().await;
}

#[tokio::test]
async fn every_frame_fits_the_published_schema() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let document = crate::gateway::asyncapi::document();
    let mut client = Client::open(&server).await;
    for (id, ch, sym) in [
        (1, "quote", "*"),
        (2, "candle", "EUR/USD@1m"),
        (3, "margin", "7"),
        (4, "status", "*"),
        (5, "order", "*"),
        (6, "alert", "*"),
        (7, "quote", "nothing"),
    ] {
        client
            .say(json!({ "op": "sub", "id": id, "ch": ch, "sym": [sym] }))
            .await;
    }
    let mut unanswered = 7;
    let mut seen = std::collections::BTreeSet::new();
    let wanted = [
        "ok",
        "err",
        "snap:quote",
        "snap:candle",
        "snap:margin",
        "snap:status",
        "ev",
        "upd",
    ];
    let mut bid = 108_512;
    while !wanted.iter().all(|w| seen.contains(*w)) {
        bid += 1;
        server.desk.quote(EURUSD, bid, bid + 8);
        let frame = client.frame().await;
        let kind = frame["t"].as_str().expect("a kind").to_owned();
        let problems: Vec<String> = crate::gateway::asyncapi::tests::validator(&document, &kind)
            .iter_errors(&frame)
            .map(|e| e.to_string())
            .collect();
        assert!(problems.is_empty(), "{frame}: {problems:?}");
        if kind == "snap" {
            let data = frame["data"].as_object().expect("an object");
            let channel = ["spread_points", "ticks", "balance", "journal"]
                .iter()
                .zip(["quote", "candle", "margin", "status"]);
            let channel = channel
                .into_iter()
                .find(|(key, _)| data.contains_key(**key))
                .expect("a channel")
                .1;
            seen.insert(format!("snap:{channel}"));
            continue;
        }
        if ["ok", "err"].contains(&kind.as_str()) {
            unanswered -= 1;
            if unanswered == 0 {
                server.desk.raise(crate::gateway::testing::alert(1 << 60));
                let placed = server
                    .call("POST", "/api/v1/orders", Some(order_body("schema")))
                    .await;
                assert_eq!(placed.status, 201);
            }
        }
        seen.insert(kind);
    }
    server.end().await;
}
