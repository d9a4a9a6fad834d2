//! What sockets and clients cost on this machine: a server that only stamps frames and writes them.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::Size;
use super::clients::{Clients, now_us};
use super::server::Stream;

/// Frames are written this often, as many as are due.
const EVERY: Duration = Duration::from_millis(1);

/// Ages of frames of the program's size at the program's rate.
pub async fn run(size: Size, frames_per_s: f64) -> Histogram<u64> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("bound");
    let each_per_s = frames_per_s / size.subscribers as f64;
    // On a thread of its own, as the program is a process of its own.
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        runtime.block_on(async move {
            tokio::select! {
                () = serve(listener, each_per_s) => {}
                _ = stopped => {}
            }
        });
    });
    let stream = Stream {
        url: format!("ws://{address}/ws/v1"),
        bearer: "Bearer none".to_owned(),
    };
    let clients = Clients::connect(stream, size.subscribers, |_| Vec::new()).await;
    tokio::time::sleep(size.warm).await;
    clients.measure(true);
    tokio::time::sleep(size.measured).await;
    clients.measure(false);
    let (latency, _) = clients.end().await;
    let _ = stop.send(());
    server.join().expect("the bare server ends");
    latency
}

async fn serve(listener: std::net::TcpListener, each_per_s: f64) {
    let listener = TcpListener::from_std(listener).expect("a socket");
    let mut writers = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.expect("a client");
        let _ = socket.set_nodelay(true);
        writers.spawn(write(socket, each_per_s));
    }
}

#[allow(clippy::result_large_err)] // the library's own signature
fn protocol(_: &Request, mut answer: Response) -> Result<Response, ErrorResponse> {
    let headers = answer.headers_mut();
    headers.insert(
        "sec-websocket-protocol",
        "siaga.json.v1".parse().expect("a value"),
    );
    Ok(answer)
}

async fn write(socket: tokio::net::TcpStream, each_per_s: f64) {
    let mut socket = accept_hdr_async(socket, protocol).await.expect("a client");
    for answer in [r#"{"t":"welcome"}"#, r#"{"t":"ok"}"#] {
        socket.next().await.expect("a request").expect("a request");
        socket.send(Message::text(answer)).await.expect("sent");
    }
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut due = 0.0;
    loop {
        ticks.tick().await;
        due += each_per_s * EVERY.as_secs_f64();
        while due >= 1.0 {
            due -= 1.0;
            if socket.feed(Message::text(frame())).await.is_err() {
                return;
            }
        }
        if socket.flush().await.is_err() {
            return;
        }
    }
}

/// As long as an update of the program.
fn frame() -> String {
    let now = now_us();
    format!(
        r#"{{"t":"upd","sub":17,"ch":"quote","sym":"EUR/USD","epoch":1795183485590307,"prev":2374,"seq":2375,"n":1,"te":{now},"ti":{now},"to":{now},"data":{{"ask":"1.10894","ask_qty":null,"bid":"1.10886","bid_qty":null,"day_change_pct":"2.19","feed":"live","source":"simulator","spread_points":"8"}}}}"#
    )
}
