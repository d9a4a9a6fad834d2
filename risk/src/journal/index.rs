//! Which segments a log has and how far it is durable: shared by its writer and its readers.

use super::disk::Disk;
use super::error::JournalError;
use super::layout::Stream;
use super::survey::Segment;
#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};

/// The segments in use, oldest first, and the durable end of the last one.
pub struct SegmentIndex {
    pub disk: Arc<dyn Disk>,
    pub stream: Stream,
    segments: Mutex<Vec<Segment>>,
    /// Ordinal and offset in one word, so a reader never sees half of a step.
    durable: AtomicU64,
}

/// Position behind the last durable record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurableEnd {
    pub ordinal: u32,
    pub offset: u32,
}

impl SegmentIndex {
    pub fn new(disk: Arc<dyn Disk>, stream: Stream, segments: Vec<Segment>) -> Self {
        let index = Self {
            disk,
            stream,
            segments: Mutex::new(Vec::new()),
            durable: AtomicU64::new(0),
        };
        if let Some(last) = segments.last() {
            index.set_durable(DurableEnd {
                ordinal: last.header.ordinal,
                offset: last.end,
            });
        }
        *index.lock() = segments;
        index
    }

    /// How far readers may look.
    pub fn durable(&self) -> DurableEnd {
        let word = self.durable.load(Ordering::Acquire);
        DurableEnd {
            ordinal: (word >> 32) as u32,
            offset: word as u32,
        }
    }

    pub fn set_durable(&self, end: DurableEnd) {
        let word = u64::from(end.ordinal) << 32 | u64::from(end.offset);
        self.durable.store(word, Ordering::Release);
    }

    /// Adds the next segment; the one before ends at `next.header.previous_end`.
    pub fn push(&self, next: Segment) {
        let mut segments = self.lock();
        if let Some(last) = segments.last_mut() {
            last.end = next.header.previous_end;
        }
        segments.push(next);
    }

    /// The newest segment that `fits`, searched from the end.
    pub fn newest(&self, fits: impl Fn(&Segment) -> bool) -> Option<Segment> {
        self.lock()
            .iter()
            .rev()
            .find(|segment| fits(segment))
            .copied()
    }

    /// The segment with this ordinal, unless it has been trimmed.
    pub fn get(&self, ordinal: u32) -> Option<Segment> {
        self.newest(|segment| segment.header.ordinal == ordinal)
    }

    /// The oldest segment that is still there.
    pub fn oldest(&self) -> Option<Segment> {
        self.lock().first().copied()
    }

    /// Puts `segment` in place of the one with its ordinal, unless that has been trimmed.
    pub fn replace(&self, segment: Segment) {
        let mut segments = self.lock();
        let found = segments
            .iter_mut()
            .find(|known| known.header.ordinal == segment.header.ordinal);
        if let Some(known) = found {
            *known = segment;
        }
    }

    /// A copy of the list.
    pub fn segments(&self) -> Vec<Segment> {
        self.lock().clone()
    }

    /// Removes the files of all segments below `ordinal`, oldest first, each durably, so that a
    /// crash in between leaves no hole. Gives how many went.
    ///
    /// # Errors
    /// [`JournalError::Io`]; what was removed stays removed.
    pub fn trim_below(&self, ordinal: u32) -> Result<usize, JournalError> {
        let mut removed = 0;
        while let Some(oldest) = self.oldest() {
            if oldest.header.ordinal >= ordinal {
                break;
            }
            let name = self.stream.file_name(oldest.header.ordinal);
            self.disk
                .remove(&name)
                .map_err(JournalError::io("remove", &name))?;
            self.disk
                .sync_dir()
                .map_err(JournalError::io("sync", "the data directory"))?;
            self.lock().remove(0);
            removed += 1;
        }
        Ok(removed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Segment>> {
        // The list is replaced in single steps, so a panic elsewhere cannot leave it half changed.
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, loom))]
#[path = "index_models.rs"]
mod models;
