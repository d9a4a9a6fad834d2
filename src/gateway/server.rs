//! The loop that accepts connections, and all routes in one place.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use siaga_platform::identity::Identity;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower_http::catch_panic::CatchPanicLayer;

use super::auth::Doors;
use super::core::Core;
use super::guard::{self, Hosts, Peer};
use super::metrics::Metrics;
use super::refusals::Refusals;
use super::stream::hub::Hub;
use super::stream::poll;
use super::stream::session::Timing;
use super::{assets, asyncapi, bridge, health, openapi, platform, rest, revocation};

/// Largest body of a request: an order has 1 KiB.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// A request's head must be complete within this time, against senders of one byte a second.
pub const HEAD_TIME: Duration = Duration::from_secs(10);
/// A request must be answered within this time, its body's arrival included.
pub const REQUEST_TIME: Duration = Duration::from_secs(15);
/// What is sent for an alert is answered within this time: with the wait for a turn before it, it is below [`REQUEST_TIME`].
const ALERT_TIME: Duration = Duration::from_secs(10);
/// Connections at once: 5,000 subscribers and room for REST. One costs about 20 KiB.
pub const CONNECTIONS_MAX: usize = 8_192;
/// Largest head of a request.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// What the kernel may hold of one connection unsent, bytes (it doubles this): left alone it lets that grow to megabytes, which a
/// reader that stopped would be owed at once, long out of date.
const UNSENT_BYTES: usize = 256 * 1024;
/// Open connections get this long to end at a stop.
const DRAIN: Duration = Duration::from_secs(3);
/// Pause after a failed accept (no file descriptors): it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the operator sets.
#[derive(Clone, Debug)]
pub struct Options {
    /// The first-start secret, see [`super::auth::open_secret`].
    pub secret: String,
    /// Further names of this server with their ports.
    pub hosts: Vec<String>,
    /// Serves the console from this folder instead of the built-in one.
    pub assets_dir: Option<PathBuf>,
    /// Times of the stream.
    pub timing: Timing,
    /// A request's head must be complete within this time.
    pub head_time: Duration,
    /// What is sent for an alert is answered within this time.
    pub alert_time: Duration,
    /// Connections at once, see [`CONNECTIONS_MAX`].
    pub connections_max: u32,
    /// Streams are looked after this often.
    pub look_every: Duration,
}

impl Options {
    /// Defaults with this secret.
    pub fn new(secret: impl Into<String>) -> Options {
        Options {
            secret: secret.into(),
            hosts: Vec::new(),
            assets_dir: None,
            timing: Timing::default(),
            head_time: HEAD_TIME,
            alert_time: ALERT_TIME,
            connections_max: CONNECTIONS_MAX as u32,
            look_every: revocation::LOOK_EVERY,
        }
    }
}

/// What every handler can reach.
pub struct Gateway {
    pub core: Arc<dyn Core>,
    pub doors: Arc<Doors>,
    pub hosts: Hosts,
    pub hub: Arc<Hub>,
    pub metrics: Arc<Metrics>,
    pub refusals: Refusals,
    pub options: Options,
    pub stop: watch::Receiver<bool>,
    /// One permit for each open connection, of whatever kind.
    pub places: Arc<Semaphore>,
    /// The desk as clients' questions last found it.
    pub stops: rest::standing::Kept,
    /// Held from reading an account's terms to writing them: the desk and the client change the same ones.
    pub terms: tokio::sync::Mutex<()>,
    /// Held from reading what is announced to telling it.
    pub telling: tokio::sync::Mutex<()>,
    /// Whose turn it is to act on an alert.
    pub turns: rest::turns::Turns,
}

impl Gateway {
    /// People's accounts; `None` until the store is open, and without one.
    pub fn identity(&self) -> Option<Arc<Identity>> {
        self.core.identity().borrow().clone()
    }
}

/// The shared state of all handlers.
pub type App = Arc<Gateway>;

/// Serves until `shutdown` ends; then says bye to streams, lets requests finish, and returns.
///
/// # Errors
/// When the listener has no address: nothing was served.
pub async fn serve(
    listener: TcpListener,
    core: Arc<dyn Core>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let bound = listener.local_addr()?;
    let (stop_now, stop) = watch::channel(false);
    let connections_max = options.connections_max;
    let metrics = Arc::new(Metrics::default());
    let hub = Hub::new(core.clone(), metrics.clone());
    rest::market::seed(&core).await;
    let tasks = [
        tokio::spawn(poll::broadcast(hub.clone(), stop.clone())),
        tokio::spawn(poll::announce(hub.clone(), stop.clone())),
        tokio::spawn(poll::accounts(hub.clone(), stop.clone())),
        tokio::spawn(poll::status(hub.clone(), stop.clone())),
        tokio::spawn(poll::ages(hub.clone(), stop.clone())),
        tokio::spawn(poll::news(hub.clone(), stop.clone())),
    ];
    let app = Arc::new(Gateway {
        core,
        doors: Arc::new(Doors::new(&options.secret)),
        hosts: Hosts::of(bound, &options.hosts),
        hub,
        metrics,
        refusals: Refusals::default(),
        options,
        stop,
        places: Arc::new(Semaphore::new(connections_max as usize)),
        stops: rest::standing::Kept::default(),
        terms: tokio::sync::Mutex::default(),
        telling: tokio::sync::Mutex::default(),
        turns: rest::turns::Turns::default(),
    });
    let guards = [
        tokio::spawn(revocation::hear(app.clone())),
        tokio::spawn(revocation::look_after(app.clone())),
        tokio::spawn(platform::maintenance::look_after(app.clone())),
    ];
    let routes = router(app.clone());
    accept(&listener, &app, routes, shutdown).await;
    drop(listener);
    stop_now.send_replace(true);
    if timeout(DRAIN, app.places.acquire_many(connections_max))
        .await
        .is_err()
    {
        tracing::info!("connections that did not end in time were cut");
    }
    for task in tasks.into_iter().chain(guards) {
        if let Err(error) = task.await {
            tracing::warn!("a task of the gateway ended badly: {error}");
        }
    }
    Ok(())
}

/// All routes. What has no caller check is listed here and nowhere else.
pub fn router(app: App) -> Router {
    let (desk, _) = rest::routes().merge(health::routes()).split_for_parts();
    let (own, _) = rest::own::routes().split_for_parts();
    let (trading, _) = rest::trading_routes().split_for_parts();
    let (api, _) = platform::routes().split_for_parts();
    let closed = desk
        .layer(from_fn(guard::desk))
        .merge(own.layer(from_fn(guard::client)))
        .merge(trading.layer(from_fn(guard::trader)))
        .merge(api)
        .merge(openapi::routes())
        .merge(asyncapi::routes())
        .layer(from_fn_with_state(app.clone(), guard::caller));
    let (open, _) = rest::session::routes()
        .merge(platform::open_routes())
        .merge(health::open_routes())
        .split_for_parts();
    closed
        .merge(open)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(rest::deadline))
        .route("/ws/v1", any(rest::sockets::stream))
        .route("/bridge/v1", any(bridge::socket))
        .route("/docs", get(assets::docs_page))
        .route("/docs/{file}", get(assets::docs_file))
        .fallback(assets::console)
        .method_not_allowed_fallback(rest::method_not_allowed)
        .layer(CatchPanicLayer::custom(rest::on_panic))
        .layer(from_fn_with_state(app.clone(), guard::arrivals))
        .layer(from_fn_with_state(app.clone(), guard::addresses))
        .layer(from_fn_with_state(app.clone(), rest::count))
        .layer(from_fn(guard::armour))
        .with_state(app)
}

async fn accept(
    listener: &TcpListener,
    app: &App,
    routes: Router,
    shutdown: impl Future<Output = ()>,
) {
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => return,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        app.metrics.connections.add(1);
        match app.places.clone().try_acquire_owned() {
            Ok(place) => drop(tokio::spawn(connection(
                (socket, Peer(peer)),
                place,
                app.clone(),
                routes.clone(),
            ))),
            Err(_) => app.metrics.connections_refused.add(1),
        }
    }
}

async fn connection(
    (socket, peer): (TcpStream, Peer),
    place: OwnedSemaphorePermit,
    app: App,
    routes: Router,
) {
    // Frames are gathered before they are written: waiting for more would only add time.
    let _ = socket.set_nodelay(true);
    // A socket that refuses either is served all the same.
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(&socket, UNSENT_BYTES);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(app.options.head_time)
        .max_buf_size(HEAD_BYTES_MAX);
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        routes.call(request)
    });
    let served = builder
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut served = std::pin::pin!(served);
    let mut stop = app.stop.clone();
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = stopped(&mut stop) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended
        && (error.is_timeout() || error.is_parse())
    {
        app.metrics.header_timeouts.add(1);
    }
    drop(place);
}

/// Waits for the stop.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender is gone: the server is, too.
    let _ = stop.wait_for(|stop| *stop).await;
}
