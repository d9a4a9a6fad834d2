//! Clients that read as fast as they can and note how old each price was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::server::Stream;
use crate::report::histogram;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Ages and number of the frames.
pub type Seen = (Histogram<u64>, u64);

/// All clients of one run.
pub struct Clients {
    measuring: Arc<AtomicBool>,
    ending: Arc<AtomicBool>,
    tasks: JoinSet<Seen>,
}

impl Clients {
    /// Connects them one after the other; `symbols` says what each follows.
    ///
    /// # Panics
    /// When one is refused.
    pub async fn connect(
        stream: Stream,
        count: usize,
        symbols: impl Fn(usize) -> Vec<String>,
    ) -> Self {
        let mut clients = Self {
            measuring: Arc::default(),
            ending: Arc::default(),
            tasks: JoinSet::new(),
        };
        for client in 0..count {
            let socket = subscribe(&stream, symbols(client)).await;
            let (measuring, ending) = (clients.measuring.clone(), clients.ending.clone());
            clients.tasks.spawn(read(socket, measuring, ending));
        }
        clients
    }

    /// Begins or ends the measured part.
    pub fn measure(&self, on: bool) {
        self.measuring.store(on, Ordering::Relaxed);
    }

    /// Hangs up; what all of them saw.
    ///
    /// # Panics
    /// When one was cut off before.
    pub async fn end(mut self) -> Seen {
        self.ending.store(true, Ordering::Relaxed);
        let (mut all, mut frames) = (histogram(), 0);
        while let Some(seen) = self.tasks.join_next().await {
            let (latency, count) = seen.expect("a client reads to the end");
            all.add(latency).expect("the same bounds");
            frames += count;
        }
        (all, frames)
    }
}

/// Connects and waits until the first price of any instrument is there.
///
/// # Panics
/// When the connection is cut off before.
pub async fn first_price(stream: &Stream) {
    let mut socket = subscribe(stream, vec!["*".to_owned()]).await;
    loop {
        let message = socket.next().await.expect("open").expect("open");
        if message
            .to_text()
            .is_ok_and(|text| text.contains("\"bid\":"))
        {
            return;
        }
    }
}

async fn subscribe(stream: &Stream, symbols: Vec<String>) -> Socket {
    let mut request = stream
        .url
        .as_str()
        .into_client_request()
        .expect("an address");
    let headers = request.headers_mut();
    headers.insert(
        "sec-websocket-protocol",
        "siaga.json.v1".parse().expect("a value"),
    );
    headers.insert("authorization", stream.bearer.parse().expect("a value"));
    let (mut socket, _) = connect_async(request).await.expect("connected");
    for say in [
        json!({ "op": "hello", "client": "bench" }),
        json!({ "op": "sub", "id": 1, "ch": "quote", "sym": symbols }),
    ] {
        let sent = socket.send(Message::text(say.to_string())).await;
        sent.expect("sent");
    }
    for wanted in ["welcome", "ok"] {
        let said = socket.next().await.expect("an answer").expect("an answer");
        let text = said.into_text().expect("text");
        let said: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(said["t"], wanted, "{said}");
    }
    socket
}

async fn read(mut socket: Socket, measuring: Arc<AtomicBool>, ending: Arc<AtomicBool>) -> Seen {
    let (mut latency, mut frames) = (histogram(), 0);
    while !ending.load(Ordering::Relaxed) {
        let message = socket.next().await.expect("open").expect("open");
        let Message::Text(text) = message else {
            continue;
        };
        let Some(entered_us) = entered_us(&text).filter(|_| measuring.load(Ordering::Relaxed))
        else {
            continue;
        };
        frames += 1;
        latency.saturating_record(now_us().saturating_sub(entered_us) * 1_000);
    }
    (latency, frames)
}

/// When the price of an update entered, microseconds; `None` for other frames. A scan, not a parse: the reader's own cost is part
/// of what is measured.
fn entered_us(frame: &str) -> Option<u64> {
    if !frame.contains(r#""t":"upd""#) {
        return None;
    }
    let (_, after) = frame.split_once(r#""ti":"#)?;
    let end = after.find(|c: char| !c.is_ascii_digit())?;
    after[..end].parse().ok()
}

/// The wall clock, which is the program's, too.
#[allow(clippy::disallowed_methods)] // a bench is where time is measured
pub fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_micros() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_update_is_found() {
        let update = r#"{"t":"upd","sub":1,"ti":1736164800000001,"to":2,"data":{}}"#;
        assert_eq!(entered_us(update), Some(1_736_164_800_000_001));
        assert_eq!(entered_us(r#"{"t":"hb","ti":5}"#), None);
        assert_eq!(entered_us(r#"{"t":"upd"}"#), None);
    }
}
