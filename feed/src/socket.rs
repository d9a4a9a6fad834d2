//! The one place of this crate that waits: a WebSocket under a venue's session.

use crate::rng::Rng;
use crate::venue::{CloseReason, Counts, FRAME_BYTES_MAX, Session};
use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::CertificateDer;
use siaga_risk::event::Input;
use siaga_risk::units::{SECOND_NS, Ts};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

/// TCP, TLS and the upgrade together must not take longer.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// A close of ours is given this long before the socket is dropped.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// A connection that lived this long and brought data starts the count of attempts anew.
const STEADY_NS: u64 = 60 * SECOND_NS;

/// How long to wait between attempts: a few soon, then patiently. Every wait is shortened by up to a fifth at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub fast: Duration,
    pub fast_attempts: u32,
    pub slow: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff {
            fast: Duration::from_secs(5),
            fast_attempts: 10,
            slow: Duration::from_secs(60),
        }
    }
}

/// Where to connect and how.
#[derive(Clone, Debug)]
pub struct Settings {
    pub url: String,
    pub backoff: Backoff,
    /// Seed of the jitter.
    pub seed: u64,
    /// A certificate (DER) to trust beside the machine's own, for a proxy or a test.
    pub extra_root: Option<Vec<u8>>,
}

impl Settings {
    pub fn new(url: impl Into<String>, seed: u64) -> Settings {
        Settings {
            url: url.into(),
            backoff: Backoff::default(),
            seed,
            extra_root: None,
        }
    }
}

/// What the connection is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    Connecting {
        attempt: u32,
    },
    Connected,
    /// Gone; the next attempt follows after the wait.
    Lost {
        reason: String,
        wait: Duration,
    },
    Stopped,
}

/// The world of a socket: its clock, and who takes what comes.
pub trait Host: Send {
    /// Our time. Every frame is stamped with it as it is read.
    fn now(&self) -> Ts;
    /// Takes an input. Must not block: a full ring conflates.
    fn input(&mut self, input: Input);
    /// Told at every change and about once a second.
    fn status(&mut self, status: Option<&Status>, counts: &Counts);
}

/// Why a connection ended.
enum End {
    Stop,
    /// The session asked for a new one at once.
    Renew(CloseReason),
    Lost(String),
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Keeps a session connected until `stop` resolves.
///
/// # Errors
/// Only when TLS cannot be set up at all; a venue that cannot be reached is tried for ever.
pub async fn run(
    session: &mut dyn Session,
    settings: &Settings,
    host: &mut dyn Host,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let connector = connector(settings)?;
    let mut rng = Rng::new(settings.seed);
    let mut attempt = 0u32;
    tokio::pin!(stop);
    loop {
        attempt += 1;
        host.status(Some(&Status::Connecting { attempt }), session.counts());
        let opened = tokio::select! {
            () = &mut stop => break,
            opened = connect(settings, connector.clone()) => opened,
        };
        let (reason, patience) = match opened {
            Ok(mut socket) => {
                let (since, before) = (host.now(), records(session.counts()));
                session.on_open(since);
                host.status(Some(&Status::Connected), session.counts());
                let end = drive(&mut socket, session, host, stop.as_mut()).await;
                // A stop of ours is no loss of the venue: nobody is to be called for it.
                if !matches!(end, End::Stop) {
                    session.on_closed(host.now());
                }
                drain(session, host);
                let has_served = records(session.counts()) > before;
                if has_served && host.now().since(since) >= STEADY_NS {
                    attempt = 0;
                }
                // A courtesy; the venue may be gone already.
                let _ = tokio::time::timeout(CLOSE_MAX, socket.close(None)).await;
                match end {
                    End::Stop => break,
                    End::Renew(CloseReason::Age | CloseReason::Shutdown) => {
                        ("renewed".to_owned(), Duration::ZERO)
                    }
                    End::Renew(reason) => (format!("{reason:?}"), Duration::ZERO),
                    End::Lost(reason) => (reason, Duration::ZERO),
                }
            }
            Err(refused) => {
                session.on_unreachable(host.now());
                drain(session, host);
                (format!("{:#}", refused.error), refused.wait)
            }
        };
        let wait = pause(&settings.backoff, attempt, &reason, &mut rng).max(patience);
        host.status(Some(&Status::Lost { reason, wait }), session.counts());
        tokio::select! {
            () = &mut stop => break,
            () = tokio::time::sleep(wait) => {}
        }
    }
    host.status(Some(&Status::Stopped), session.counts());
    Ok(())
}

/// What a session has taken so far.
fn records(counts: &Counts) -> u64 {
    counts.quotes + counts.trades
}

fn pause(backoff: &Backoff, attempt: u32, reason: &str, rng: &mut Rng) -> Duration {
    if reason == "renewed" {
        return Duration::from_millis(rng.below(1_000));
    }
    let full = if attempt <= backoff.fast_attempts {
        backoff.fast
    } else {
        backoff.slow
    };
    let millis = u64::try_from(full.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis - rng.below(millis / 5 + 1))
}

/// An attempt that failed, and how long the venue asked us to stay away.
struct Refused {
    error: anyhow::Error,
    wait: Duration,
}

async fn connect(settings: &Settings, connector: Connector) -> Result<Socket, Refused> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    let opening = tokio_tungstenite::connect_async_tls_with_config(
        &settings.url,
        Some(config),
        true,
        Some(connector),
    );
    match tokio::time::timeout(CONNECT_MAX, opening).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => {
            let wait = asked_to_wait(&error);
            let error =
                anyhow::Error::new(error).context(format!("cannot connect to {}", settings.url));
            Err(Refused { error, wait })
        }
        Err(_) => {
            let error = anyhow::anyhow!(
                "no connection to {} within {} s",
                settings.url,
                CONNECT_MAX.as_secs()
            );
            Err(Refused {
                error,
                wait: Duration::ZERO,
            })
        }
    }
}

/// 429 and 418 (banned) ask for patience, in seconds; a minute when they do not say.
fn asked_to_wait(error: &Error) -> Duration {
    let Error::Http(response) = error else {
        return Duration::ZERO;
    };
    if !matches!(response.status().as_u16(), 418 | 429) {
        return Duration::ZERO;
    }
    let said = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok());
    let seconds = said.and_then(|text| text.parse().ok()).unwrap_or(60);
    // Longer bans are tried once an hour: a wrong header must not silence a feed for good.
    Duration::from_secs(u64::min(seconds, 3_600))
}

async fn drive(
    socket: &mut Socket,
    session: &mut dyn Session,
    host: &mut dyn Host,
    mut stop: std::pin::Pin<&mut impl Future<Output = ()>>,
) -> End {
    loop {
        drain(session, host);
        while let Some(frame) = session.poll_send() {
            if let Err(error) = socket.send(Message::text(frame)).await {
                return End::Lost(error.to_string());
            }
        }
        if let Some(reason) = session.poll_close() {
            return End::Renew(reason);
        }
        let now = host.now();
        let deadline = session
            .poll_deadline()
            .map_or(SECOND_NS, |deadline| deadline.since(now));
        tokio::select! {
            biased;
            () = &mut stop => return End::Stop,
            message = socket.next() => {
                if let Some(end) = take(message, session, host.now()) {
                    return end;
                }
            }
            () = tokio::time::sleep(Duration::from_nanos(deadline)) => {
                session.on_deadline(host.now());
                host.status(None, session.counts());
                continue;
            }
        }
        // A busy stream never lets the timer run out: deadlines are looked at behind each frame too.
        let now = host.now();
        if session
            .poll_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            session.on_deadline(now);
            host.status(None, session.counts());
        }
    }
}

/// Hands one message to the session; `Some` = the connection is over.
fn take(
    message: Option<Result<Message, Error>>,
    session: &mut dyn Session,
    now: Ts,
) -> Option<End> {
    match message {
        Some(Ok(Message::Text(text))) => session.on_frame(text.as_bytes(), now),
        Some(Ok(Message::Binary(bytes))) => session.on_frame(&bytes, now),
        // The library answers pings itself.
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => session.on_alive(now),
        Some(Ok(Message::Close(frame))) => {
            let said = frame.map_or("closed by the venue".to_owned(), |frame| {
                format!("closed by the venue: {} {}", frame.code, frame.reason)
            });
            return Some(End::Lost(said));
        }
        Some(Err(Error::Capacity(CapacityError::MessageTooLong { size, .. }))) => {
            session.on_oversize(now);
            return Some(End::Lost(format!(
                "a frame of {size} bytes is above the limit of {FRAME_BYTES_MAX}"
            )));
        }
        Some(Err(error)) => return Some(End::Lost(error.to_string())),
        None => return Some(End::Lost("the connection broke".to_owned())),
    }
    None
}

fn drain(session: &mut dyn Session, host: &mut dyn Host) {
    while let Some(input) = session.poll_input() {
        host.input(input);
    }
}

/// TLS with a named provider, trusting what the machine trusts. A plain `ws://` address does not look at it.
fn connector(settings: &Settings) -> Result<Connector> {
    if !settings.url.starts_with("wss://") {
        return Ok(Connector::Plain);
    }
    let mut roots = rustls::RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if let Some(extra) = &settings.extra_root {
        roots
            .add(CertificateDer::from(extra.clone()))
            .context("the extra root is no certificate")?;
    }
    anyhow::ensure!(
        !roots.is_empty(),
        "no trusted certificates found; install the ca-certificates of your system"
    );
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS versions")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector::Rustls(Arc::new(config)))
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
