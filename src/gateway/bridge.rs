//! The socket of `/bridge/v1`: carries text between a broker's program and the desk's side of the bridge, which knows the protocol.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::{SinkExt, StreamExt};
use siaga_broker::bridge::SUB_PROTOCOL;
use siaga_broker::link::Unreadable;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::timeout;

use super::error::{ApiError, ApiResult, Fault};
use super::server::{App, stopped};
use super::stream::socket::is_too_large;

/// Largest frame of a broker's program.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// A program that takes nothing for this long is cut off; it resumes.
const PROGRESS: Duration = Duration::from_secs(10);
/// How long the last words may take.
const BYE: Duration = Duration::from_secs(1);
/// Code of a close that the desk's side asked for; the reason says why.
const CLOSED_BY_DESK: u16 = 4504;
/// Code of a close at a stop.
const CLOSED_BY_STOP: u16 = 4001;

/// The desk's side: opens a line for each program that connects. A newer line replaces the older one once its hello is taken.
pub trait Bridge: Send + Sync + 'static {
    /// `None` when the desk takes no further program now.
    fn open(&self) -> Option<Line>;
}

/// One connection. Dropping `heard` tells the desk that the program is gone; the desk drops `say` to hang up.
pub struct Line {
    /// Frames of the program.
    pub heard: mpsc::Sender<Heard>,
    /// What the program is to be told.
    pub say: mpsc::Receiver<Said>,
}

/// What the program sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Text(String),
    /// A frame that cannot be taken for text; the desk's side says so and hangs up when it must.
    Unreadable(Unreadable),
}

/// What the desk's side does.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Text(String),
    /// Hang up, with the reason.
    Close(&'static str),
}

/// The upgrade. The program's own token comes in its hello, so nothing but Host and Origin is checked here, and until then
/// the line disturbs no other.
pub async fn socket(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> ApiResult<Response> {
    let upgrade =
        upgrade.map_err(|_| ApiError::new(Fault::BadField, "connect with a WebSocket client"))?;
    let bridge = app.core.bridge();
    let bridge = bridge.ok_or_else(|| {
        ApiError::new(Fault::NotAvailable, "no bridge is configured on this desk")
    })?;
    // First: the desk may send a program away that waits, to make room for the line.
    let place = app.places.clone().try_acquire_owned();
    let place = place.map_err(|_| ApiError::new(Fault::Busy, "too many connections are open"))?;
    let line = bridge.open();
    let line = line.ok_or_else(|| {
        ApiError::new(Fault::Busy, "another program is being connected; try again")
    })?;
    app.metrics.bridge_opened.add(1);
    let upgrade = upgrade
        .protocols([SUB_PROTOCOL])
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| carry(socket, line, app.stop.clone(), place)))
}

async fn carry(
    socket: WebSocket,
    mut line: Line,
    mut stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    let (mut sink, mut stream) = socket.split();
    let mut readable = true;
    let close = loop {
        tokio::select! {
            frame = stream.next(), if readable => {
                let heard = match frame {
                    Some(Ok(Message::Text(text))) => Heard::Text(text.to_string()),
                    Some(Ok(Message::Binary(_))) => Heard::Unreadable(Unreadable::Binary),
                    Some(Err(error)) if is_too_large(&error) => {
                        // The stream has ended with it; what is left is to hear the desk's last words.
                        readable = false;
                        Heard::Unreadable(Unreadable::TooLarge)
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
                    Some(Ok(_)) => continue,
                };
                if line.heard.send(heard).await.is_err() {
                    break Some((CLOSED_BY_DESK, "the desk hung up"));
                }
            }
            said = line.say.recv() => {
                let Some(said) = said else { break Some((CLOSED_BY_DESK, "the desk hung up")) };
                let all = gather(said, &mut line.say, &mut sink);
                match timeout(PROGRESS, all).await {
                    Ok(Ok(None)) => {}
                    Ok(Ok(Some(why))) => break Some((CLOSED_BY_DESK, why)),
                    Ok(Err(_)) => break None,
                    Err(_) => break Some((4008, "slow_consumer")),
                }
            }
            () = stopped(&mut stop) => break Some((CLOSED_BY_STOP, "server_restart")),
        }
    };
    if let Some((code, reason)) = close {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        // A peer that takes nothing more is not waited for.
        let _ = timeout(BYE, sink.send(Message::Close(Some(frame)))).await;
    }
}

/// Everything that is ready in one write; the reason when the desk hangs up.
async fn gather<S>(
    first: Said,
    say: &mut mpsc::Receiver<Said>,
    sink: &mut S,
) -> Result<Option<&'static str>, axum::Error>
where
    S: SinkExt<Message, Error = axum::Error> + Unpin,
{
    let mut next = Some(first);
    let mut close = None;
    while let Some(said) = next.take() {
        match said {
            Said::Text(text) => sink.feed(Message::Text(text.into())).await?,
            Said::Close(why) => {
                close = Some(why);
                break;
            }
        }
        next = say.try_recv().ok();
    }
    sink.flush().await?;
    Ok(close)
}
