//! The log of durable outputs: derived from the journal, read by cursor, trimmed behind its readers.

use super::appender::{Appender, Settings};
use super::cursors::{CONSUMERS_MAX, Consumers, Cursor, CursorState, LogEvent};
use super::cut::cut_after;
use super::disk::Disk;
use super::error::{JournalError, Poison};
use super::index::SegmentIndex;
use super::layout::Stream;
use super::prepare::Preparation;
use super::reader::LogReader;
use super::survey::{Torn, survey};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How an output log is opened.
#[derive(Clone, Copy, Debug)]
pub struct OutputOptions {
    /// Bytes of one segment file.
    pub segment_bytes: u32,
    /// Most bytes of all segments; past it the slowest readers are cut off.
    pub bytes_max: u64,
    /// Fingerprint of the constants that change decisions.
    pub fingerprint: u64,
    /// Epoch of the rules; outputs of earlier epochs stay readable.
    pub epoch: u32,
    /// First input sequence of an empty log: 1, or the one behind the snapshot replayed from.
    pub first_seq: u64,
    /// Last input of the journal: everything later is cut off. `None` leaves the log as it is.
    pub journal_end: Option<u64>,
    /// Who prepares the next segment.
    pub preparation: Preparation,
}

/// What the log held when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRecovered {
    /// Its last output; replay continues behind it with [`OutputLog::append_missing`].
    pub last: Cursor,
    /// Cursor from which on it can be read.
    pub from: Cursor,
    /// Whether outputs of inputs that the journal does not hold were cut off.
    pub cut: bool,
    /// What was cut because its write was unfinished.
    pub torn: Option<Torn>,
    /// Whether the last process closed the log.
    pub clean: bool,
}

/// The output log: [`append`](Self::append), [`sync`](Self::sync), now and then
/// [`trim`](Self::trim), at the end [`close`](Self::close). One writer; [`OutputReader`] and
/// [`OutputConsumers`] live on other threads.
pub struct OutputLog {
    appender: Appender,
    consumers: OutputConsumers,
    bytes_max: u64,
}

impl OutputLog {
    /// Opens the log in `disk`, first cutting a torn tail and what lies behind the journal's end.
    ///
    /// # Errors
    /// [`JournalError`]: damage, another fingerprint in the same epoch, or a disk that fails.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: OutputOptions,
    ) -> Result<(Self, OutputRecovered), JournalError> {
        let mut cut = None;
        if let Some(end) = options.journal_end {
            cut = cut_after(disk.as_ref(), end, options.segment_bytes)?;
        }
        let OutputOptions {
            segment_bytes,
            fingerprint,
            epoch,
            first_seq,
            preparation,
            ..
        } = options;
        let settings = Settings {
            segment_bytes,
            fingerprint,
            epoch,
            first_seq,
            preparation,
        };
        let (appender, opened) = Appender::open(disk, Stream::Output, settings)?;
        let index = Arc::clone(appender.index());
        let consumers = OutputConsumers {
            index,
            table: Arc::default(),
            opened: Cursor::of(opened.last),
        };
        let recovered = OutputRecovered {
            last: Cursor::of(opened.last),
            from: consumers.from(),
            cut: cut.as_ref().is_some_and(|cut| cut.removed),
            torn: opened.torn.or(cut.and_then(|cut| cut.torn)),
            clean: opened.clean,
        };
        Ok((
            Self {
                appender,
                consumers,
                bytes_max: options.bytes_max,
            },
            recovered,
        ))
    }

    /// Adds an output behind the last one. Allocates nothing.
    ///
    /// # Errors
    /// [`JournalError::Sequence`] when its key is not above the last; `TooLarge`, `ReservedKind`;
    /// [`JournalError::Poisoned`].
    pub fn append(&mut self, at: Cursor, kind: u16, payload: &[u8]) -> Result<(), JournalError> {
        let last = self.last();
        if at <= last || at.seq == 0 {
            return Err(JournalError::Sequence {
                expected: last.seq,
                given: at.seq,
            });
        }
        self.appender
            .append(at.key(), kind, [&at.index.to_le_bytes(), payload])
    }

    /// Adds an output of a replay unless the log has it already; says whether it was missing.
    ///
    /// # Errors
    /// See [`append`](Self::append).
    pub fn append_missing(
        &mut self,
        at: Cursor,
        kind: u16,
        payload: &[u8],
    ) -> Result<bool, JournalError> {
        if at <= self.last() {
            return Ok(false);
        }
        self.append(at, kind, payload).map(|()| true)
    }

    /// Tells that the replay at the start has added what was missing: it counts as there when the log was opened.
    pub fn caught_up(&mut self) {
        self.consumers.opened = self.durable();
    }

    /// Makes everything appended durable: from now on readers see it.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`], from now on for ever.
    pub fn sync(&mut self) -> Result<Cursor, JournalError> {
        self.appender.sync().map(Cursor::of)
    }

    /// The last output appended.
    pub fn last(&self) -> Cursor {
        Cursor::of(self.appender.last())
    }

    /// The last output that readers see.
    pub fn durable(&self) -> Cursor {
        Cursor::of(self.appender.durable())
    }

    /// Why nothing is accepted any more; `None` while all is well.
    pub const fn poisoned(&self) -> Option<&Poison> {
        self.appender.poison()
    }

    /// Why the next segment could not be prepared yet; see
    /// [`Journal::preparation_failure`](super::Journal::preparation_failure).
    pub fn preparation_failure(&mut self) -> Option<std::io::Error> {
        self.appender.preparation_failure()
    }

    /// Tries once more; see [`Journal::prepare_again`](super::Journal::prepare_again).
    pub fn prepare_again(&mut self) {
        self.appender.prepare_again();
    }

    /// A reader for another thread.
    pub fn reader(&self) -> OutputReader {
        self.consumers.reader()
    }

    /// The table of named readers, for other threads.
    pub fn consumers(&self) -> OutputConsumers {
        self.consumers.clone()
    }

    /// Removes whole segments behind the slowest named reader (without any reader: none). While the
    /// log is above its limit, also the oldest segment, cutting off whoever has not read it.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the log goes on.
    pub fn trim(&mut self) -> Result<Vec<LogEvent>, JournalError> {
        let index = Arc::clone(self.appender.index());
        let segments = index.segments();
        let mut table = self.consumers.lock();
        let slowest = table.slowest().unwrap_or(Cursor::START);
        let mut bytes: u64 = segments.iter().map(|segment| segment.file_bytes).sum();
        let mut events = Vec::new();
        let mut keep = segments[0].header;
        for pair in segments.windows(2) {
            let behind_all = pair[1].header.previous <= slowest.key();
            if !behind_all && bytes <= self.bytes_max {
                break;
            }
            bytes -= pair[0].file_bytes;
            keep = pair[1].header;
        }
        let from = Cursor::of(keep.previous);
        table.cut_off(from, &mut events);
        // Under the lock, so that nobody is told "following" of what is about to go.
        let removed = index.trim_below(keep.ordinal)?;
        drop(table);
        if removed > 0 {
            events.push(LogEvent::Trimmed {
                segments: removed,
                from,
            });
        }
        Ok(events)
    }

    /// Makes everything durable and leaves the mark of a clean stop.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`].
    pub fn close(self) -> Result<Cursor, JournalError> {
        self.appender.close().map(Cursor::of)
    }
}

/// The named readers of one log; clones share one table.
#[derive(Clone)]
pub struct OutputConsumers {
    index: Arc<SegmentIndex>,
    table: Arc<Mutex<Consumers>>,
    opened: Cursor,
}

impl OutputConsumers {
    /// Tells that `name` has durably applied everything up to `cursor`.
    ///
    /// # Errors
    /// [`JournalError::Options`] when there are too many readers.
    pub fn set_cursor(&self, name: &str, cursor: Cursor) -> Result<CursorState, JournalError> {
        let mut table = self.lock();
        // Asked under the lock that trimming holds.
        let from = self.from();
        table.set(name, cursor, from).ok_or_else(|| {
            JournalError::Options(format!(
                "{name} is one reader of the output log too many: at most {CONSUMERS_MAX}"
            ))
        })
    }

    /// Whether a reader that comes back with the cursor `kept` has read this log and not a longer one, whose end is
    /// lost: then what it applied never happened, and it must be rebuilt.
    pub fn admit(&self, name: &str, kept: Cursor) -> bool {
        self.lock().admit(name, kept, self.opened)
    }

    /// The last output when the log was opened and its replay was done.
    pub const fn opened(&self) -> Cursor {
        self.opened
    }

    /// Forgets a reader, so that it holds nothing back.
    pub fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Where a reader is and how it stands.
    pub fn get(&self, name: &str) -> Option<(Cursor, CursorState)> {
        self.lock().get(name)
    }

    /// The oldest cursor that can still be read from.
    pub fn from(&self) -> Cursor {
        self.reader().from()
    }

    /// A reader for any thread.
    pub fn reader(&self) -> OutputReader {
        OutputReader {
            index: Arc::clone(&self.index),
            open: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Consumers> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads outputs by cursor; keeps its place, so going on from the last batch costs no search.
pub struct OutputReader {
    index: Arc<SegmentIndex>,
    open: Option<LogReader>,
}

impl OutputReader {
    /// A reader of the log in `disk` as it was left; `None` when there is none. Changes nothing.
    ///
    /// # Errors
    /// [`JournalError`]: damage, or a directory that cannot be read.
    pub fn open(disk: &Arc<dyn Disk>) -> Result<Option<Self>, JournalError> {
        let found = survey(disk.as_ref(), Stream::Output)?;
        if found.segments.is_empty() {
            return Ok(None);
        }
        let index = SegmentIndex::new(Arc::clone(disk), Stream::Output, found.segments);
        Ok(Some(Self {
            index: Arc::new(index),
            open: None,
        }))
    }

    /// The oldest cursor that can still be read from.
    pub fn from(&self) -> Cursor {
        self.index
            .oldest()
            .map_or(Cursor::START, |oldest| Cursor::of(oldest.header.previous))
    }

    /// The outputs behind `cursor`, up to the durable end or until their payloads reach `bytes_max`
    /// (at least one). Empty at the end.
    ///
    /// # Errors
    /// [`JournalError::Trimmed`]: the reader must be rebuilt; [`JournalError::Damaged`].
    pub fn read_from(
        &mut self,
        cursor: Cursor,
        bytes_max: usize,
    ) -> Result<OutputBatch, JournalError> {
        let mut batch = OutputBatch {
            next: cursor,
            bytes: Vec::new(),
            entries: Vec::new(),
        };
        // Taken out, so that after an error the next call searches anew.
        let mut reader = match self.open.take() {
            Some(reader) if reader.last() == cursor.key() => reader,
            _ => self.seek(cursor)?,
        };
        while batch.bytes.len() < bytes_max.max(1) {
            let Some(entry) = reader.advance()? else {
                break;
            };
            if entry.key <= cursor.key() {
                continue;
            }
            let output = reader.payload(entry.payload);
            let start = batch.bytes.len();
            // The index stands in the key; `advance` has refused an output without one.
            batch
                .bytes
                .extend_from_slice(output.get(4..).unwrap_or_default());
            batch.next = Cursor::of(entry.key);
            batch
                .entries
                .push((batch.next, entry.kind, start..batch.bytes.len()));
        }
        self.open = Some(reader);
        Ok(batch)
    }

    fn seek(&self, cursor: Cursor) -> Result<LogReader, JournalError> {
        let Some(segment) = self
            .index
            .newest(|found| found.header.previous <= cursor.key())
        else {
            let first = self
                .index
                .oldest()
                .map_or(0, |oldest| oldest.header.first_seq);
            return Err(JournalError::Trimmed {
                asked: cursor.seq,
                first,
            });
        };
        LogReader::new(Arc::clone(&self.index), segment, None)
    }
}

/// Outputs read at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputBatch {
    /// Cursor of the last one: where to read on.
    pub next: Cursor,
    bytes: Vec<u8>,
    entries: Vec<(Cursor, u16, Range<usize>)>,
}

/// One output as it stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputRecord<'a> {
    /// Its key.
    pub at: Cursor,
    /// What the payload is.
    pub kind: u16,
    /// The payload.
    pub payload: &'a [u8],
}

impl OutputBatch {
    /// The outputs in order.
    pub fn iter(&self) -> impl Iterator<Item = OutputRecord<'_>> {
        self.entries.iter().map(|(at, kind, range)| OutputRecord {
            at: *at,
            kind: *kind,
            payload: &self.bytes[range.clone()],
        })
    }

    /// Whether the reader is at the durable end.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}
