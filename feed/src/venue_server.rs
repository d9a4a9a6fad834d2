//! A local server that speaks the venues' WebSocket protocols and misbehaves by script.
//!
//! Each connection plays the next script, the last one again and again. For tests and benches; loopback only.

use futures_util::{SinkExt, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

/// Frames remembered of what clients sent.
const HEARD_MAX: usize = 1_024;

const HEARTBEAT: &str = r#"{"channel":"heartbeat"}"#;

/// Whose protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Binance,
    Kraken,
}

/// One thing the server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Instead of the upgrade: this HTTP status, with `Retry-After` when given.
    RefuseHttp {
        status: u16,
        retry_after_s: Option<u32>,
    },
    /// Waits for so many requests of the client, answers each.
    Requests(usize),
    /// Answers requests as they come, with a heartbeat as often as this, until the client leaves.
    Attend(Duration),
    /// A best price; the update id counts on by itself.
    Quote {
        symbol: String,
        bid: String,
        ask: String,
    },
    /// A trade with this id.
    Trade {
        symbol: String,
        id: u64,
        price: String,
    },
    /// The last frame once more.
    Again,
    /// The quote before the last one, late.
    Late,
    Heartbeat,
    Ping,
    /// The venue says it is going away.
    Shutdown,
    /// Whatever text.
    Raw(String),
    /// A frame of so many bytes.
    Huge(usize),
    /// Nothing for this long, the socket open.
    Silent(Duration),
    /// A close frame with this code.
    Close(u16),
    /// The connection breaks without a word.
    Drop,
}

/// A running server; it ends with the runtime it was started on or with [`VenueServer::stop`].
pub struct VenueServer {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
    task: tokio::task::JoinHandle<()>,
}

impl VenueServer {
    /// Serves on a bound listener.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(
        listener: TcpListener,
        protocol: Protocol,
        scripts: Vec<Vec<Act>>,
    ) -> io::Result<VenueServer> {
        let address = listener.local_addr()?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (ear, counter) = (heard.clone(), connections.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let nth = {
                    let mut connections = counter.lock().expect("no panic holds the lock");
                    *connections += 1;
                    *connections - 1
                };
                let Some(script) = scripts.get(nth).or(scripts.last()).cloned() else {
                    return;
                };
                let ear = ear.clone();
                tokio::spawn(async move {
                    // A client that goes away ends its script.
                    let _ = Connection {
                        protocol,
                        ear,
                        update: 0,
                        quotes: Vec::new(),
                        last: None,
                        subscribed: BTreeSet::new(),
                        best: BTreeMap::new(),
                    }
                    .play(stream, script)
                    .await;
                });
            }
        });
        Ok(VenueServer {
            address,
            heard,
            connections,
            task,
        })
    }

    pub fn url(&self) -> String {
        format!("ws://{}/stream", self.address)
    }

    /// What clients have sent so far.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("no panic holds the lock").clone()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("no panic holds the lock")
    }

    pub fn stop(&self) {
        self.task.abort();
    }
}

struct Connection {
    protocol: Protocol,
    ear: Arc<Mutex<Vec<String>>>,
    update: u64,
    quotes: Vec<String>,
    last: Option<String>,
    /// Channel and symbol of what the client has subscribed; Kraken alone minds.
    subscribed: BTreeSet<(String, String)>,
    /// Newest bid and ask of each symbol.
    best: BTreeMap<String, (String, String)>,
}

impl Connection {
    async fn play(mut self, mut stream: TcpStream, script: Vec<Act>) -> anyhow::Result<()> {
        if let Some(Act::RefuseHttp {
            status,
            retry_after_s,
        }) = script.first()
        {
            return refuse(&mut stream, *status, *retry_after_s).await;
        }
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let mut socket = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await?;
        for act in script {
            match act {
                Act::RefuseHttp { .. } => {}
                Act::Requests(count) => self.requests(&mut socket, count).await?,
                Act::Attend(every) => self.attend(&mut socket, every).await?,
                Act::Silent(length) => tokio::time::sleep(length).await,
                Act::Ping => socket.send(Message::Ping(Vec::new().into())).await?,
                Act::Close(code) => {
                    let frame = CloseFrame {
                        code: code.into(),
                        reason: "script".into(),
                    };
                    socket.close(Some(frame)).await?;
                }
                Act::Drop => return Ok(()),
                other => {
                    if let Some(frame) = self.frame(other) {
                        self.last = Some(frame.clone());
                        socket.send(Message::text(frame)).await?;
                    }
                }
            }
        }
        // The script is over: the socket stays open and silent until the client leaves.
        while let Some(Ok(_)) = socket.next().await {}
        Ok(())
    }

    async fn requests(
        &mut self,
        socket: &mut WebSocketStream<TcpStream>,
        count: usize,
    ) -> anyhow::Result<()> {
        let mut left = count;
        while left > 0 {
            let Some(message) = socket.next().await else {
                anyhow::bail!("the client left")
            };
            let Message::Text(text) = message? else {
                continue;
            };
            left -= 1;
            self.reply(socket, &text).await?;
        }
        Ok(())
    }

    async fn attend(
        &mut self,
        socket: &mut WebSocketStream<TcpStream>,
        every: Duration,
    ) -> anyhow::Result<()> {
        let mut beats = tokio::time::interval(every);
        loop {
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => self.reply(socket, &text).await?,
                    Some(Ok(_)) => {}
                    _ => return Ok(()),
                },
                _ = beats.tick() => socket.send(Message::text(HEARTBEAT)).await?,
            }
        }
    }

    async fn reply(
        &mut self,
        socket: &mut WebSocketStream<TcpStream>,
        request: &str,
    ) -> anyhow::Result<()> {
        {
            let mut heard = self.ear.lock().expect("no panic holds the lock");
            if heard.len() < HEARD_MAX {
                heard.push(request.to_owned());
            }
        }
        let last = request.rsplit(':').next().unwrap_or("0");
        let id: String = last.chars().filter(char::is_ascii_digit).collect();
        let answers = match self.protocol {
            Protocol::Binance => vec![format!(r#"{{"result":null,"id":{id}}}"#)],
            Protocol::Kraken => self.kraken(request, &id),
        };
        for answer in answers {
            socket.send(Message::text(answer)).await?;
        }
        Ok(())
    }

    /// Kraken answers each symbol on its own, takes no subscription twice, and begins a ticker with its newest price.
    fn kraken(&mut self, request: &str, id: &str) -> Vec<String> {
        let method = between(request, r#""method":""#, '"');
        let channel = between(request, r#""channel":""#, '"');
        let mut answers = Vec::new();
        for symbol in between(request, r#""symbol":["#, ']').split(',') {
            let symbol = symbol.trim_matches('"');
            let key = (channel.to_owned(), symbol.to_owned());
            let (is_taken, error) = if method == "unsubscribe" {
                (self.subscribed.remove(&key), "Subscription Not Found")
            } else {
                (self.subscribed.insert(key), "Already subscribed")
            };
            if !is_taken {
                answers.push(format!(
                    r#"{{"error":"{error}","method":"subscribe","req_id":{id},"success":false,"symbol":"{symbol}"}}"#
                ));
                continue;
            }
            answers.push(format!(
                r#"{{"method":"{method}","result":{{"channel":"{channel}","symbol":"{symbol}"}},"success":true,"req_id":{id}}}"#
            ));
            let is_begun = method == "subscribe" && channel == "ticker";
            if let Some((bid, ask)) = self.best.get(symbol).filter(|_| is_begun) {
                answers.push(kraken_ticker("snapshot", symbol, bid, ask));
            }
        }
        answers
    }

    fn frame(&mut self, act: Act) -> Option<String> {
        match act {
            Act::Quote { symbol, bid, ask } => {
                let frame = self.quote(&symbol, &bid, &ask);
                self.quotes.push(frame.clone());
                self.best.insert(symbol, (bid, ask));
                Some(frame)
            }
            Act::Trade { symbol, id, price } => Some(self.trade(&symbol, id, &price)),
            Act::Again => self.last.clone(),
            Act::Late => self.quotes.iter().rev().nth(1).cloned(),
            Act::Heartbeat => Some(HEARTBEAT.to_owned()),
            Act::Shutdown => Some(r#"{"e":"serverShutdown","E":1770123456789}"#.to_owned()),
            Act::Raw(text) => Some(text),
            Act::Huge(bytes) => Some("x".repeat(bytes)),
            _ => None,
        }
    }

    fn quote(&mut self, symbol: &str, bid: &str, ask: &str) -> String {
        self.update += 1;
        match self.protocol {
            Protocol::Binance => format!(
                r#"{{"stream":"{}@bookTicker","data":{{"u":{},"s":"{symbol}","b":"{bid}","B":"1.00000000","a":"{ask}","A":"2.00000000"}}}}"#,
                symbol.to_ascii_lowercase(),
                self.update
            ),
            Protocol::Kraken => {
                let kind = if self.update == 1 {
                    "snapshot"
                } else {
                    "update"
                };
                kraken_ticker(kind, symbol, bid, ask)
            }
        }
    }

    fn trade(&self, symbol: &str, id: u64, price: &str) -> String {
        match self.protocol {
            Protocol::Binance => format!(
                r#"{{"stream":"{}@aggTrade","data":{{"e":"aggTrade","E":1770123456789,"s":"{symbol}","a":{id},"p":"{price}","q":"1.0","f":{id},"l":{id},"T":1770123456789,"m":false}}}}"#,
                symbol.to_ascii_lowercase()
            ),
            Protocol::Kraken => format!(
                r#"{{"channel":"trade","type":"update","data":[{{"symbol":"{symbol}","side":"buy","price":{price},"qty":1.0,"ord_type":"limit","trade_id":{id},"timestamp":"2026-02-03T12:57:36.789000Z"}}]}}"#
            ),
        }
    }
}

fn kraken_ticker(kind: &str, symbol: &str, bid: &str, ask: &str) -> String {
    format!(
        r#"{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{symbol}","bid":{bid},"bid_qty":1.0,"ask":{ask},"ask_qty":2.0}}]}}"#
    )
}

/// What stands behind `from` and before the next `to`.
fn between<'a>(text: &'a str, from: &str, to: char) -> &'a str {
    let rest = text.split_once(from).map_or("", |(_, rest)| rest);
    rest.split_once(to).map_or("", |(found, _)| found)
}

/// Reads the request's head and answers with a status instead of the upgrade.
async fn refuse(
    stream: &mut TcpStream,
    status: u16,
    retry_after_s: Option<u32>,
) -> anyhow::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0u8; 1_024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < 16_384 {
        let read = stream.read(&mut buffer).await?;
        anyhow::ensure!(read > 0, "the client left");
        head.extend_from_slice(&buffer[..read]);
    }
    let retry = retry_after_s
        .map(|seconds| format!("Retry-After: {seconds}\r\n"))
        .unwrap_or_default();
    let answer = format!(
        "HTTP/1.1 {status} Refused\r\n{retry}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}
