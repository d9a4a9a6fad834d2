//! The bridge's socket: text both ways, hanging up, a desk without a bridge.

use std::sync::Mutex;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::*;
use crate::gateway::bridge::{Bridge, Line, Said};

/// The desk's side of one line.
type Ends = (mpsc::Receiver<String>, mpsc::Sender<Said>);

struct OneLine(Mutex<Option<mpsc::Sender<Ends>>>);

impl Bridge for OneLine {
    fn open(&self) -> Option<Line> {
        let (heard, from_program) = mpsc::channel(8);
        let (to_program, say) = mpsc::channel(8);
        let tell = self.0.lock().expect("not poisoned").take()?;
        tell.try_send((from_program, to_program)).expect("room");
        Some(Line { heard, say })
    }
}

#[tokio::test]
async fn text_goes_both_ways_and_the_desk_hangs_up() {
    let server = Server::start().await;
    let address = format!("ws://{}/bridge/v1", server.host());
    let none = connect_async(&address).await;
    assert!(matches!(none, Err(Error::Http(answer)) if answer.status() == 409));
    let (tell, mut ends) = mpsc::channel(1);
    *server.desk.bridge.lock().expect("not poisoned") =
        Some(Arc::new(OneLine(Mutex::new(Some(tell)))));
    let (mut program, _) = connect_async(&address).await.expect("connected");
    let (mut heard, say) = ends.recv().await.expect("a line");
    program.send(Message::text("hello")).await.expect("sent");
    assert_eq!(heard.recv().await.as_deref(), Some("hello"));
    say.send(Said::Text("welcome".to_owned()))
        .await
        .expect("room");
    let message = timeout(PATIENCE, program.next()).await.expect("in time");
    assert_eq!(
        message.expect("open").expect("no error"),
        Message::text("welcome")
    );
    let second = connect_async(&address).await;
    assert!(matches!(second, Err(Error::Http(answer)) if answer.status() == 503));
    say.send(Said::Close("wrong token")).await.expect("room");
    let message = timeout(PATIENCE, program.next()).await.expect("in time");
    let Some(Ok(Message::Close(Some(frame)))) = message else {
        panic!("{message:?}")
    };
    assert_eq!(frame.reason.as_str(), "wrong token");
    assert_eq!(
        timeout(PATIENCE, heard.recv()).await.expect("in time"),
        None
    );
    server.end().await;
}

#[tokio::test]
async fn a_program_that_names_the_sub_protocol_gets_it() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    let server = Server::start().await;
    let (tell, mut ends) = mpsc::channel(1);
    *server.desk.bridge.lock().expect("not poisoned") =
        Some(Arc::new(OneLine(Mutex::new(Some(tell)))));
    let address = format!("ws://{}/bridge/v1", server.host());
    let mut request = address.into_client_request().expect("an address");
    let name = "siaga.bridge.v1".parse().expect("a header");
    request.headers_mut().insert("Sec-WebSocket-Protocol", name);
    let (program, answer) = connect_async(request).await.expect("the handshake holds");
    assert_eq!(
        answer.headers()["Sec-WebSocket-Protocol"],
        "siaga.bridge.v1"
    );
    drop((program, ends.recv().await.expect("a line")));
    server.end().await;
}
