//! The only part of the stream that touches a network: carries frames between a WebSocket and a [`Session`].

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use siaga_risk::units::Ts;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};

use super::hub::Hub;
use super::message::Close;
use super::session::{Next, Send, Session};
use crate::gateway::server::{App, stopped};

/// Requests read ahead of the session; a session that is busy writing stops the reader, and the reader the client.
const INBOX: usize = 64;
/// How long the last words to a client may take.
const BYE: Duration = Duration::from_secs(1);

enum Heard {
    Text(axum::extract::ws::Utf8Bytes),
    Pong,
    TooLarge,
}

/// Serves one connection to its end.
pub async fn run(socket: WebSocket, app: App, authorised: bool, _place: OwnedSemaphorePermit) {
    let (hub, mut stop) = (app.hub.clone(), app.stop.clone());
    let (mut sink, stream) = socket.split();
    let (tell, mut heard) = mpsc::channel(INBOX);
    let reader = tokio::spawn(read(stream, tell));
    let mut session = Session::new(
        hub.clone(),
        app.doors.clone(),
        app.options.timing,
        authorised,
        hub.core.now(),
    );
    let mailbox = session.mailbox().clone();
    let progress = Duration::from_nanos(app.options.timing.progress_ns);
    let mut batch = Vec::new();
    let mut draining = false;
    let close = loop {
        batch.clear();
        let next = session.poll_send(hub.core.now(), &mut batch);
        if !batch.is_empty() {
            match write(&mut sink, &mut batch, &hub, progress).await {
                Written::After(waited_ns) => session.on_written(waited_ns, hub.core.now()),
                Written::TooSlow => {
                    hub.metrics.stream_closed[Close::SlowConsumer as usize].add(1);
                    break Some(Close::SlowConsumer);
                }
                Written::Gone => break None,
            }
        }
        match next {
            Next::Close(why) => break Some(why),
            // A client that is sent something all the time is heard all the same.
            Next::More => match hear(&mut session, &mut heard, &hub) {
                true => {
                    if *stop.borrow() && !draining {
                        draining = true;
                        session.on_drain();
                    }
                    continue;
                }
                false => break None,
            },
            Next::Wait => {}
        }
        let deadline = session
            .poll_deadline()
            .map_or(Duration::MAX, |at| until(at, hub.core.now()));
        tokio::select! {
            frame = heard.recv() => match frame {
                Some(frame) => take(&mut session, frame, &hub),
                None => break None,
            },
            () = mailbox.rung() => {}
            () = sleep(deadline) => {}
            () = stopped(&mut stop) => session.on_drain(),
        }
    };
    if let Some(why) = close {
        let frame = CloseFrame {
            code: why.code(),
            reason: why.name().into(),
        };
        // A peer that takes nothing more is not waited for.
        let _ = timeout(BYE, sink.send(Message::Close(Some(frame)))).await;
    }
    reader.abort();
}

fn take(session: &mut Session, frame: Heard, hub: &Hub) {
    match frame {
        Heard::Text(text) => session.on_text(&text, hub.core.now()),
        Heard::Pong => session.on_pong(),
        Heard::TooLarge => session.on_too_large(),
    }
}

/// Takes what has arrived without waiting, at most as much as the inbox holds; false when the client is gone.
fn hear(session: &mut Session, heard: &mut mpsc::Receiver<Heard>, hub: &Hub) -> bool {
    for _ in 0..INBOX {
        match heard.try_recv() {
            Ok(frame) => take(session, frame, hub),
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
    true
}

async fn read(mut stream: SplitStream<WebSocket>, tell: mpsc::Sender<Heard>) {
    while let Some(frame) = stream.next().await {
        let heard = match frame {
            Ok(Message::Text(text)) => Heard::Text(text),
            Ok(Message::Pong(_)) => Heard::Pong,
            Ok(Message::Ping(_)) => continue,
            Ok(Message::Binary(_)) => Heard::Text("binary frames are not spoken here".into()),
            Ok(Message::Close(_)) => return,
            Err(error) if is_too_large(&error) => Heard::TooLarge,
            Err(_) => return,
        };
        let last = matches!(heard, Heard::TooLarge);
        if tell.send(heard).await.is_err() || last {
            // The session says its last words; dropping the sender before would end it without them.
            tell.closed().await;
            return;
        }
    }
}

/// Whether a frame was above its limit; every other error is a lost peer.
pub fn is_too_large(error: &axum::Error) -> bool {
    use std::error::Error;
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(tungstenite) = inner.downcast_ref::<tokio_tungstenite::tungstenite::Error>() {
            return matches!(
                tungstenite,
                tokio_tungstenite::tungstenite::Error::Capacity(_)
            );
        }
        source = inner.source();
    }
    false
}

enum Written {
    After(u64),
    TooSlow,
    Gone,
}

/// One write for everything that is ready.
async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    batch: &mut Vec<Send>,
    hub: &Hub,
    progress: Duration,
) -> Written {
    let began = hub.core.now();
    let all = async {
        for send in batch.drain(..) {
            let message = match send {
                Send::Text(text) => Message::Text(text),
                Send::Ping => Message::Ping(Default::default()),
            };
            sink.feed(message).await?;
        }
        sink.flush().await
    };
    hub.metrics.stream_writes.add(1);
    match timeout(progress, all).await {
        Ok(Ok(())) => Written::After(hub.core.now().since(began)),
        Ok(Err(_)) => Written::Gone,
        Err(_) => Written::TooSlow,
    }
}

fn until(at: Ts, now: Ts) -> Duration {
    // One timer tick at least: a deadline in the past is handled by the next poll, not by spinning.
    Duration::from_nanos(at.since(now)).max(Duration::from_millis(1))
}
