//! Segments are written full of zeros ahead of need: a write into them changes no metadata, so a
//! sync costs a third of one into a growing file.

use super::disk::Disk;
use super::layout::Stream;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

/// Who prepares the next segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preparation {
    /// A thread of its own, one segment ahead.
    #[default]
    Helper,
    /// The appending thread when it needs one: for tests and tools, whose steps must repeat.
    Inline,
}

/// Makes segments; at most one is ordered ahead.
pub struct Preparer {
    disk: Arc<dyn Disk>,
    stream: Stream,
    bytes: u64,
    ready: Option<u32>,
    ordered: Option<u32>,
    helper: Option<Helper>,
}

struct Helper {
    orders: Option<SyncSender<u32>>,
    done: Receiver<io::Result<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Preparer {
    /// A preparer of segments of `bytes`; `ready` exists already.
    ///
    /// # Errors
    /// The system's, when no thread can be started.
    pub fn new(
        disk: Arc<dyn Disk>,
        stream: Stream,
        bytes: u32,
        ready: Option<u32>,
        preparation: Preparation,
    ) -> io::Result<Self> {
        let bytes = u64::from(bytes);
        let helper = match preparation {
            Preparation::Inline => None,
            Preparation::Helper => Some(Helper::start(Arc::clone(&disk), stream, bytes)?),
        };
        Ok(Self {
            disk,
            stream,
            bytes,
            ready,
            ordered: None,
            helper,
        })
    }

    /// Orders segment `ordinal` unless it is there or on its way.
    pub fn order(&mut self, ordinal: u32) {
        if self.ready == Some(ordinal) || self.ordered.is_some() {
            return;
        }
        if let Some(Helper {
            orders: Some(orders),
            ..
        }) = &self.helper
            && orders.try_send(ordinal).is_ok()
        {
            self.ordered = Some(ordinal);
        }
    }

    /// Waits for segment `ordinal`, making it here when nobody else has.
    ///
    /// # Errors
    /// The system's.
    pub fn take(&mut self, ordinal: u32) -> io::Result<()> {
        if self.ordered.take() == Some(ordinal)
            && let Some(helper) = &self.helper
            && let Ok(Ok(())) = helper.done.recv()
        {
            return Ok(());
        }
        if self.ready.take() == Some(ordinal) {
            return Ok(());
        }
        // Nothing of the log lies in this file yet, so another attempt is no retry of a lost write.
        self.disk
            .create_zeroed(&self.stream.file_name(ordinal), self.bytes)
    }

    /// Why the segment ordered ahead could not be made. It is made when it is needed, or when somebody
    /// [orders](Self::order) it again: at once would only fill a full disk again.
    pub fn failure(&mut self) -> Option<io::Error> {
        let ordinal = self.ordered?;
        match self.helper.as_ref()?.done.try_recv() {
            Ok(Ok(())) => (self.ready, self.ordered) = (Some(ordinal), None),
            Ok(Err(error)) => {
                self.ordered = None;
                return Some(error);
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => self.ordered = None,
        }
        None
    }
}

impl Helper {
    fn start(disk: Arc<dyn Disk>, stream: Stream, bytes: u64) -> io::Result<Self> {
        // One order and one answer are under way at most.
        let (orders, inbox) = sync_channel::<u32>(1);
        let (answers, done) = sync_channel(1);
        let name = format!("{}-prepare", stream.prefix());
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            for ordinal in inbox {
                let made = disk.create_zeroed(&stream.file_name(ordinal), bytes);
                if answers.send(made).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self {
            orders: Some(orders),
            done,
            thread: Some(thread),
        })
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // The thread ends with its inbox; a panic in it has no one left to tell.
            let _ = thread.join();
        }
    }
}
