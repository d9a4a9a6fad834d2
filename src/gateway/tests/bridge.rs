//! The bridge's socket: text both ways, frames that are none, hanging up, a desk without a bridge.

use std::sync::Mutex;

use futures_util::{SinkExt, StreamExt};
use siaga_broker::link::Unreadable;
use tokio::sync::mpsc;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::*;
use crate::gateway::bridge::{Bridge, Heard, Line, Said};

/// The desk's side of one line.
type Ends = (mpsc::Receiver<Heard>, mpsc::Sender<Said>);

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

/// Lets the desk take one program; the ends of its line.
fn take_one(server: &Server) -> mpsc::Receiver<Ends> {
    let (tell, ends) = mpsc::channel(1);
    *server.desk.bridge.lock().expect("not poisoned") =
        Some(Arc::new(OneLine(Mutex::new(Some(tell)))));
    ends
}

/// What the program sends next.
async fn next(heard: &mut mpsc::Receiver<Heard>) -> Option<Heard> {
    timeout(PATIENCE, heard.recv()).await.expect("in time")
}

#[tokio::test]
async fn text_goes_both_ways_and_the_desk_hangs_up() {
    let server = Server::start().await;
    let address = format!("ws://{}/bridge/v1", server.host());
    let none = connect_async(&address).await;
    assert!(matches!(none, Err(Error::Http(answer)) if answer.status() == 409));
    let mut ends = take_one(&server);
    let (mut program, _) = connect_async(&address).await.expect("connected");
    let (mut heard, say) = ends.recv().await.expect("a line");
    program.send(Message::text("hello")).await.expect("sent");
    assert_eq!(next(&mut heard).await, Some(Heard::Text("hello".into())));
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
    assert_eq!(next(&mut heard).await, None);
    server.end().await;
}

#[tokio::test]
async fn a_frame_that_cannot_be_read_is_told_to_the_desk_and_ends_no_other_connection() {
    let server = Server::start().await;
    let address = format!("ws://{}/bridge/v1", server.host());
    let mut ends = take_one(&server);
    let (program, _) = connect_async(&address).await.expect("connected");
    let (mut heard, say) = ends.recv().await.expect("a line");
    let (mut sink, mut stream) = program.split();
    let binary = Message::binary(vec![0u8; 16]);
    sink.send(binary).await.expect("sent");
    let binary = Heard::Unreadable(Unreadable::Binary);
    assert_eq!(next(&mut heard).await, Some(binary));
    let sending = tokio::spawn(async move {
        let huge = Message::text("x".repeat(10 * 1024 * 1024));
        // The server hangs up before all of it was sent.
        let _ = sink.send(huge).await;
    });
    let huge = Heard::Unreadable(Unreadable::TooLarge);
    assert_eq!(next(&mut heard).await, Some(huge));
    let words = Said::Text("a frame has at most 65536 bytes".to_owned());
    say.send(words).await.expect("room");
    say.send(Said::Close("frame_too_large"))
        .await
        .expect("room");
    let message = timeout(PATIENCE, stream.next()).await.expect("in time");
    assert_eq!(
        message.expect("open").expect("no error"),
        Message::text("a frame has at most 65536 bytes")
    );
    let message = timeout(PATIENCE, stream.next()).await.expect("in time");
    let Some(Ok(Message::Close(Some(frame)))) = message else {
        panic!("{message:?}")
    };
    assert_eq!(
        (u16::from(frame.code), frame.reason.as_str()),
        (4504, "frame_too_large")
    );
    assert_eq!(next(&mut heard).await, None);
    let sent = timeout(PATIENCE, sending).await.expect("in time");
    sent.expect("no panic");

    let mut ends = take_one(&server);
    let (mut second, _) = connect_async(&address).await.expect("connected");
    let (mut heard, say) = ends.recv().await.expect("a line");
    second.send(Message::text("hello")).await.expect("sent");
    assert_eq!(next(&mut heard).await, Some(Heard::Text("hello".into())));
    drop(say);
    server.end().await;
}

#[tokio::test]
async fn a_program_that_finds_no_place_takes_no_line() {
    // The connection itself has the only one.
    let server = Server::with(TestDesk::new(), |options| options.connections_max = 1).await;
    let mut ends = take_one(&server);
    let refused = connect_async(format!("ws://{}/bridge/v1", server.host())).await;
    assert!(matches!(refused, Err(Error::Http(answer)) if answer.status() == 503));
    let line = ends.try_recv();
    assert!(matches!(line, Err(mpsc::error::TryRecvError::Empty)));
    server.end().await;
}

#[tokio::test]
async fn a_program_that_names_the_sub_protocol_gets_it() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    let server = Server::start().await;
    let mut ends = take_one(&server);
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
