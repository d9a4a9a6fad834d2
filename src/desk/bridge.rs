//! The desk's side of `/bridge/v1`: carries text between the gateway's socket and the router's bridge session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use siaga_broker::router::task::{RouterHandle, WireFrame};
use siaga_risk::ids::LinkId;
use tokio::sync::mpsc;

use crate::gateway::bridge::{Bridge, Heard, Line, Said};

/// Frames in flight to either side; the session behind merges prices when its peer is slow.
const FRAMES_MAX: usize = 256;

/// Opens lines to one bridge link.
pub struct DeskBridge {
    router: RouterHandle,
    link: LinkId,
    connections: AtomicU64,
    runtime: tokio::runtime::Handle,
}

impl DeskBridge {
    /// A bridge to `link`. Called inside the runtime.
    pub fn new(router: RouterHandle, link: LinkId) -> Arc<Self> {
        Arc::new(Self {
            router,
            link,
            connections: AtomicU64::new(0),
            runtime: tokio::runtime::Handle::current(),
        })
    }
}

impl Bridge for DeskBridge {
    fn open(&self) -> Option<Line> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let (heard, frames_in) = mpsc::channel(FRAMES_MAX);
        let (frames_out, say) = mpsc::channel(FRAMES_MAX);
        self.runtime.spawn(carry(
            self.router.clone(),
            self.link,
            number,
            frames_in,
            frames_out,
        ));
        Some(Line { heard, say })
    }
}

async fn carry(
    router: RouterHandle,
    link: LinkId,
    number: u64,
    mut heard: mpsc::Receiver<Heard>,
    say: mpsc::Sender<Said>,
) {
    // Either end that goes away ends the connection; dropping it tells the session.
    let Ok(mut connection) = router.connect(link, number).await else {
        return;
    };
    loop {
        tokio::select! {
            frame = heard.recv() => {
                let taken = match frame {
                    Some(Heard::Text(text)) => connection.text(text).await,
                    Some(Heard::Unreadable(frame)) => connection.unreadable(frame).await,
                    None => return,
                };
                if taken.is_err() {
                    return;
                }
            }
            frame = connection.next() => {
                let said = match frame {
                    Some(WireFrame::Text(text)) => Said::Text(text),
                    Some(WireFrame::Close(reason)) => Said::Close(reason),
                    None => return,
                };
                if say.send(said).await.is_err() {
                    return;
                }
            }
        }
    }
}
