//! What an administrator announces reaches everybody on the stream: who is connected at once, who connects later behind the welcome.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::house::{HOUSE, House, Person};
use crate::program::PATIENCE;

const ROUTE: &str = "/api/v1/maintenance";
const HOUR_US: u64 = 3_600_000_000;

/// Somebody on the stream.
struct Listener(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Listener {
    /// Connected and greeted; with the server's time.
    async fn open(house: &House, by: &Person) -> (Listener, u64) {
        let made = house.ask("POST", "/api/v1/ws-tickets", Some(by), None);
        assert_eq!(made.status, 201, "{}", made.body);
        let request = format!("ws://{}/ws/v1", house.address()).into_client_request();
        let mut request = request.expect("a request");
        let protocol = "siaga.json.v1".parse().expect("a value");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (socket, _) = connect_async(request).await.expect("connected");
        let mut listener = Listener(socket);
        let hello = json!({"op": "hello", "ticket": made.body["ticket"], "client": "test"});
        let sent = listener.0.send(Message::text(hello.to_string()));
        sent.await.expect("sent");
        let welcome = listener.next("welcome").await;
        (listener, welcome["now"].as_u64().expect("a time"))
    }

    /// The next frame of a kind.
    async fn next(&mut self, kind: &str) -> Value {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await;
            match message.expect("something in time") {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    if frame["t"] == kind {
                        return frame;
                    }
                }
                Some(Ok(_)) => {}
                ended => panic!("no {kind}: {ended:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintenance_is_told_to_all_who_are_connected_and_to_who_comes_later() {
    let Some(house) = House::open().await else {
        return;
    };
    let admin = house.person("super_admin", HOUSE, None).await;
    let dealer = house.person("dealer", HOUSE, None).await;
    let client = house.person("end_user", HOUSE, None).await;
    let (mut here, now_us) = Listener::open(&house, &client).await;
    let nothing = house.ask("GET", ROUTE, Some(&client), None);
    assert_eq!(
        (nothing.status, nothing.body),
        (200, json!({"maintenance": null}))
    );

    let window = json!({"starts_at": now_us + HOUR_US, "ends_at": now_us + 2 * HOUR_US, "message": "a new disk"});
    for somebody in [&dealer, &client] {
        let refused = house.ask("PUT", ROUTE, Some(somebody), Some(&window));
        assert_eq!(refused.status, 403, "{}", refused.body);
        let refused = house.ask("DELETE", ROUTE, Some(somebody), None);
        assert_eq!(refused.status, 403, "{}", refused.body);
    }
    let past = json!({"starts_at": now_us - HOUR_US, "ends_at": now_us - 1});
    let refused = house.ask("PUT", ROUTE, Some(&admin), Some(&past));
    assert_eq!(
        (refused.status, &refused.body["field"]),
        (422, &json!("ends_at")),
        "{}",
        refused.body
    );

    let announced = house.ask_once("PUT", ROUTE, &admin, "announced", Some(&window));
    assert_eq!((announced.status, &announced.body), (200, &window));
    let note = json!({"t": "note", "kind": "maintenance", "window": window});
    assert_eq!(here.next("note").await, note);
    let (mut later, _) = Listener::open(&house, &dealer).await;
    assert_eq!(later.next("note").await, note);
    let known = house.ask("GET", ROUTE, Some(&dealer), None);
    assert_eq!(known.body, json!({"maintenance": window}));

    let withdrawn = house.ask("DELETE", ROUTE, Some(&admin), None);
    assert_eq!(withdrawn.status, 204, "{}", withdrawn.body);
    // The first announcement comes once more, because its answer was lost: it is not made again.
    let again = house.ask_once("PUT", ROUTE, &admin, "announced", Some(&window));
    assert_eq!((again.status, &again.body), (200, &window));
    let none = json!({"t": "note", "kind": "maintenance"});
    for listener in [&mut here, &mut later] {
        assert_eq!(listener.next("note").await, none);
    }
    let known = house.ask("GET", ROUTE, Some(&client), None);
    assert_eq!(known.body, json!({"maintenance": null}));
}
