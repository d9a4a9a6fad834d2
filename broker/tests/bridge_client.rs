//! The reference client against the real router, over a real WebSocket: orders, a broken line, a resumed session.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use siaga_broker::bridge::{BridgeConfig, BridgeSession, SUB_PROTOCOL};
use siaga_broker::directory::{Directory, Listing};
use siaga_broker::router::task::{Rim, RouterHandle, WireFrame, spawn};
use siaga_broker::router::{Limits, Router};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::{AccountTerms, Accounting, HeldBy, LinkTerms};
use siaga_risk::units::*;
use tokio::io::AsyncBufReadExt;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

#[path = "../../tests/support/shared.rs"]
#[allow(dead_code)] // this test needs no recordings, only the note of its skip
mod shared;

const LINK: LinkId = LinkId(2);
/// Longest wait for anything in this test.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_reference_client_trades_breaks_and_resumes() {
    if !has_python() {
        return;
    }
    let token = format!(
        "{:032x}",
        std::process::id() as u128 * 0x9e37_79b9_7f4a_7c15
    );
    let (log, outputs) = mpsc::channel::<Vec<(OutputKey, Output)>>(16);
    let (inputs, mut heard) = mpsc::channel(64);
    let (handle, join) = spawn(router(&token), outputs, TestRim::new(inputs));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    let carrier = tokio::spawn(carry(listener, handle.clone()));
    let options = ["--orders", "3", "--break-after", "2"];
    let mut client = start_client(&format!("ws://{address}/bridge/v1"), &token, &options);
    let lines = client.stdout.take().expect("piped");
    let told = tokio::spawn(listen(lines));

    let mut core = Core::default();
    core.wait_live(&mut heard).await;
    core.modes.clear();
    handle.marks().put(mark(110_000));
    log.send(vec![(key(1), submit(1)), (key(2), submit(2))])
        .await
        .expect("runs");
    core.wait_filled(&mut heard, 2).await;
    core.wait_live(&mut heard).await;
    handle.marks().put(mark(110_000));
    log.send(vec![(key(3), submit(3))]).await.expect("runs");
    core.wait_filled(&mut heard, 3).await;
    let told = tokio::time::timeout(PATIENCE, told).await;
    let done = told.expect("the client ends in time").expect("no panic");
    assert!(
        done.contains("\"orders\": 3") && done.contains("\"connections\": 2"),
        "{done}"
    );
    assert_eq!(
        core.filled,
        BTreeMap::from([(1, 100), (2, 100), (3, 100)]),
        "each filled once"
    );
    assert_eq!(
        core.modes,
        [LinkMode::ReadOnly, LinkMode::Recovering, LinkMode::Live],
        "the broken line was told and reconciled"
    );
    drop(log);
    let router = join.await.expect("no panic").expect("cursor kept");
    assert_eq!(router.counts().handed, 3);
    carrier.abort();
}

#[tokio::test]
async fn the_reference_client_closes_by_a_price_that_it_holds() {
    if !has_python() {
        return;
    }
    let token = format!(
        "{:032x}",
        std::process::id() as u128 * 0x9e37_79b9_7f4a_7c15
    );
    let (log, outputs) = mpsc::channel::<Vec<(OutputKey, Output)>>(16);
    let (inputs, mut heard) = mpsc::channel(64);
    let mut router = router(&token);
    router.on_terms(&TermsChange::Link(LinkTerms {
        id: LINK,
        protective: HeldBy::Broker,
        answer_timeout_ns: SECOND_NS,
        queue_tolerance: Ratio::percent(1),
        queue_expiry_ns: SECOND_NS,
        trades_closed: false,
    }));
    let (handle, join) = spawn(router, outputs, TestRim::new(inputs));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    let carrier = tokio::spawn(carry(listener, handle.clone()));
    let options = "--held-by broker --orders 2 --closes 1 --break-closes 1";
    let options: Vec<&str> = options.split(' ').collect();
    let mut client = start_client(&format!("ws://{address}/bridge/v1"), &token, &options);
    let lines = client.stdout.take().expect("piped");
    let told = tokio::spawn(listen(lines));

    let mut core = Core::default();
    core.wait_live(&mut heard).await;
    handle.marks().put(mark(110_000));
    log.send(vec![(key(1), submit_with(1, Some(Price(109_000))))])
        .await
        .expect("runs");
    core.wait_filled(&mut heard, 1).await;
    // The second order is executed behind the name of the position, so the client knows that by then.
    log.send(vec![
        (key(2), Output::Position(position())),
        (key(3), opened()),
        (key(4), submit(2)),
    ])
    .await
    .expect("runs");
    core.wait_filled(&mut heard, 2).await;
    core.modes.clear();
    handle.marks().put(mark(108_990));
    while core.closes.is_empty() {
        core.hear(&mut heard).await;
    }
    core.wait_live(&mut heard).await;
    let told = tokio::time::timeout(PATIENCE, told).await;
    let done = told.expect("the client ends in time").expect("no panic");
    assert!(
        done.contains("\"closes\": 1") && done.contains("\"connections\": 2"),
        "{done}"
    );
    let [close] = core.closes[..] else {
        panic!("closed once: {:?}", core.closes)
    };
    let fill = Fill {
        qty: Qty(100),
        price: Price(108_990),
        commission: Money(0),
    };
    let event = CloseEvent::Filled {
        kind: ProtectiveKind::StopLoss,
        fill,
    };
    assert_eq!((close.position, close.event), (POSITION, event));
    assert!(
        core.modes.contains(&LinkMode::ReadOnly),
        "the line broke before the close was told"
    );
    drop(log);
    join.await.expect("no panic").expect("cursor kept");
    carrier.abort();
}

/// Shows what the client says and returns its last line.
async fn listen(output: tokio::process::ChildStdout) -> String {
    let mut lines = tokio::io::BufReader::new(output).lines();
    let mut last = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        println!("client: {line}");
        last = line;
    }
    last
}

/// Serves WebSockets as the gateway does: frames in, frames out, nothing more.
async fn carry(listener: tokio::net::TcpListener, handle: RouterHandle) {
    let numbers = AtomicU64::new(1);
    while let Ok((stream, _)) = listener.accept().await {
        let handle = handle.clone();
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            #[allow(clippy::result_large_err)]
            let accept = tokio_tungstenite::accept_hdr_async(
                stream,
                |_: &tokio_tungstenite::tungstenite::handshake::server::Request,
                 mut response: tokio_tungstenite::tungstenite::handshake::server::Response| {
                    let name = SUB_PROTOCOL.parse().expect("a header");
                    response.headers_mut().insert("Sec-WebSocket-Protocol", name);
                    Ok(response)
                },
            );
            let mut socket = accept.await.expect("a WebSocket");
            let mut wire = handle.connect(LINK, number).await.expect("the router runs");
            loop {
                tokio::select! {
                    message = socket.next() => match message {
                        Some(Ok(Message::Text(text))) => wire.text(text.as_str().to_owned()).await.expect("runs"),
                        Some(Ok(_)) => {}
                        _ => return,
                    },
                    frame = wire.next() => match frame {
                        Some(WireFrame::Text(text)) => {
                            if socket.send(Message::text(text)).await.is_err() {
                                return;
                            }
                        }
                        Some(WireFrame::Close(_)) | None => {
                            let _ = socket.close(None).await;
                            return;
                        }
                    },
                }
            }
        });
    }
}

struct TestRim {
    inputs: mpsc::Sender<Body>,
    start: std::time::Instant,
}

impl TestRim {
    #[allow(clippy::disallowed_methods)] // heartbeats of a real connection need a real clock
    fn new(inputs: mpsc::Sender<Body>) -> Self {
        let start = std::time::Instant::now();
        Self { inputs, start }
    }
}

impl Rim for TestRim {
    fn now(&self) -> Ts {
        Ts(SECOND_NS + self.start.elapsed().as_nanos() as u64)
    }

    fn offer(&mut self, body: Body) -> Result<(), Box<Body>> {
        self.inputs
            .try_send(body)
            .map_err(|back| Box::new(back.into_inner()))
    }

    fn keep_cursor(&mut self, _cursor: OutputKey) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the core would hear.
#[derive(Default)]
struct Core {
    filled: BTreeMap<u64, i64>,
    closes: Vec<BrokerClose>,
    modes: Vec<LinkMode>,
}

impl Core {
    async fn wait_live(&mut self, heard: &mut mpsc::Receiver<Body>) {
        while self.modes.last() != Some(&LinkMode::Live) {
            self.hear(heard).await;
        }
    }

    async fn wait_filled(&mut self, heard: &mut mpsc::Receiver<Body>, orders: usize) {
        while self.filled.len() < orders {
            self.hear(heard).await;
        }
    }

    async fn hear(&mut self, heard: &mut mpsc::Receiver<Body>) {
        let body = tokio::time::timeout(PATIENCE, heard.recv())
            .await
            .expect("in time");
        match body.expect("the router runs") {
            Body::LinkState(report) => self.modes.push(report.mode),
            Body::BrokerClose(close) => self.closes.push(close),
            Body::Report(report) => {
                if let BrokerEvent::Filled(fill) = report.event {
                    // The core removes repeated executions by their id; here one per order is expected.
                    self.filled.insert(report.order.0, fill.qty.0);
                }
            }
            _ => {}
        }
    }
}

fn router(token: &str) -> Router {
    let mut directory = Directory::default();
    directory.list(
        InstrumentId(1),
        Listing {
            symbol: "EUR/USD".to_owned(),
            price_digits: 5,
            qty_digits: 2,
        },
    );
    let config = BridgeConfig {
        link: LINK,
        token: token.to_owned(),
        epochs: siaga_risk::journal::Epochs::single(1, 0),
        run: 1,
    };
    let mut router = Router::new(key(0), key(0), Limits::default());
    router.add(Box::new(BridgeSession::new(config, directory)));
    router.on_terms(&TermsChange::Account(AccountTerms {
        id: AccountId(9),
        group: GroupId(1),
        link: LINK,
        currency: CurrencyId(1),
        accounting: Accounting::Hedging,
        leverage: Leverage::default(),
    }));
    router
}

fn start_client(url: &str, token: &str, options: &[&str]) -> tokio::process::Child {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/clients/bridge_client.py"
    );
    tokio::process::Command::new("python3")
        .args([script, url, "--link", "2"])
        .args(options)
        .env("BRIDGE_TOKEN", token)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("python3 starts")
}

fn has_python() -> bool {
    let found = std::process::Command::new("python3")
        .arg("--version")
        .output()
        .is_ok();
    if !found {
        shared::missing("python3 not found");
    }
    found
}

fn key(seq: u64) -> OutputKey {
    OutputKey { seq, index: 0 }
}

fn submit(id: u64) -> Output {
    submit_with(id, None)
}

fn submit_with(id: u64, stop_loss: Option<Price>) -> Output {
    let submit = Submit {
        id: OrderId(id),
        account: AccountId(9),
        instrument: InstrumentId(1),
        side: Side::Buy,
        kind: OrderKind::Market,
        tif: Tif::Ioc,
        qty: Qty(100),
        price: None,
        stop: None,
        expires: None,
        position: None,
        slippage_max: Price(0),
        seen: Price(110_002),
        protection: Protection {
            stop_loss,
            take_profit: None,
            trailing: Price(0),
        },
    };
    Output::Send(siaga_risk::event::Send {
        link: LINK,
        command: LinkCommand::Submit(Box::new(submit)),
    })
}

/// The position that the first order opened.
const POSITION: PositionId = PositionId(77);

fn position() -> PositionChange {
    PositionChange {
        id: POSITION,
        account: AccountId(9),
        instrument: InstrumentId(1),
        side: Side::Buy,
        qty: Qty(100),
        open_price: Price(110_002),
        opened: Ts(SECOND_NS),
        margin: Money(0),
        swap: Money(0),
        commission: Money(0),
        realised: Money(0),
        protection: Protection::default(),
    }
}

fn opened() -> Output {
    Output::Send(siaga_risk::event::Send {
        link: LINK,
        command: LinkCommand::Opened(Opened {
            position: POSITION,
            order: Some(OrderId(1)),
            account: AccountId(9),
            instrument: InstrumentId(1),
            side: Side::Buy,
        }),
    })
}

fn mark(bid: i64) -> Mark {
    Mark {
        ts: Ts(SECOND_NS),
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
