//! The gateway from outside: a real server on a free port, real clients.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::server::{Options, serve};
use super::stream::session::Timing;
use super::testing::TestDesk;

mod alerts;
mod bridge;
mod doors;
mod log;
mod refusals;
mod rest;
mod risk;
mod stream;
mod ticks;
mod whatif;

const SECRET: &str = "the secret of this test";
/// Nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
struct Server {
    desk: Arc<TestDesk>,
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start() -> Server {
        Server::with(TestDesk::new(), |_| {}).await
    }

    async fn with(desk: Arc<TestDesk>, edit: impl FnOnce(&mut Options)) -> Server {
        desk.real_time();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let mut options = Options::new(SECRET);
        options.head_time = Duration::from_millis(300);
        options.timing = Timing {
            hello_ns: 300_000_000,
            ..Timing::default()
        };
        edit(&mut options);
        let (stop, stopped) = oneshot::channel::<()>();
        let core = desk.clone();
        let task = tokio::spawn(async move {
            serve(listener, core, options, async move {
                // A dropped sender stops the server, too.
                let _ = stopped.await;
            })
            .await
        });
        Server {
            desk,
            port,
            stop: Some(stop),
            task,
        }
    }

    /// Stops and waits for the end.
    async fn end(mut self) {
        drop(self.stop.take());
        let ended = timeout(PATIENCE, self.task).await.expect("the server ends");
        ended.expect("no panic").expect("no error");
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Sends a request head and body as they are; the answer.
    async fn raw(&self, request: &[u8]) -> Answer {
        let mut socket = TcpStream::connect(self.host()).await.expect("connected");
        // A server that refuses may hang up before all of it was sent; its answer counts.
        let _ = socket.write_all(request).await;
        read_answer(&mut socket).await
    }

    /// A request with the secret.
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Authorization: Bearer {SECRET}\r\n");
        self.send(method, path, &bearer, body).await
    }

    /// A request with these header lines.
    async fn send(&self, method: &str, path: &str, headers: &str, body: Option<Value>) -> Answer {
        let host = self.host();
        let body = body.map(|b| b.to_string()).unwrap_or_default();
        let kind = match body.is_empty() {
            true => "",
            false => "Content-Type: application/json\r\n",
        };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{kind}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        self.raw(request.as_bytes()).await
    }

    /// A number of `/metrics`.
    async fn metric(&self, name: &str) -> f64 {
        let text = self.call("GET", "/metrics", None).await.text;
        let line = text.lines().find(|l| l.split(' ').next() == Some(name));
        let value = line
            .and_then(|l| l.split(' ').nth(1))
            .unwrap_or_else(|| panic!("no {name} in {text}"));
        value.parse().expect("a number")
    }
}

/// What a server answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

async fn read_answer(socket: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A server that refuses may reset the rest of what was sent: what came before counts.
    let read = timeout(PATIENCE, socket.read_to_end(&mut bytes))
        .await
        .expect("an answer in time");
    assert!(read.is_ok() || !bytes.is_empty(), "{read:?}");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.as_str(), ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    Answer {
        status,
        head: head.to_owned(),
        text: body.to_owned(),
    }
}

/// Waits until a condition holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} did not come");
}

fn order_body(client_id: &str) -> Value {
    json!({ "account": 7, "symbol": "EUR/USD", "side": "buy", "kind": "limit", "qty": "0.10", "price": "1.08000", "client_id": client_id })
}
