//! Reads a log in order, record by record, up to what is durable; also while it is written to.

use super::error::JournalError;
use super::index::SegmentIndex;
use super::layout::{KIND_MARK, Key, RecordHead};
use super::pack::open_segment;
use super::survey::{Segment, next_key};
use super::walk::{SegmentWalk, Step};
use std::ops::Range;
use std::sync::Arc;

/// One input as it stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its sequence.
    pub seq: u64,
    /// What the payload is.
    pub kind: u16,
    /// The payload.
    pub payload: &'a [u8],
}

/// The journal's records from one sequence on. Ask with [`next`](Self::next) until it gives `None`;
/// later, when more has become durable, it goes on from there. May move to another thread.
pub struct Records {
    reader: LogReader,
    from: u64,
}

impl Records {
    pub(crate) fn new(reader: LogReader, from: u64) -> Self {
        Self { reader, from }
    }

    /// Another reader of the same journal, from a sequence of its own.
    ///
    /// # Errors
    /// [`JournalError::Trimmed`], [`JournalError::Fingerprint`], [`JournalError::Io`].
    pub fn again(&self, from: u64) -> Result<Self, JournalError> {
        let index = &self.reader.index;
        let newest = index.newest(|segment| segment.header.first_seq <= from);
        let Some(segment) = newest else {
            let first = self.first_seq();
            return Err(JournalError::Trimmed { asked: from, first });
        };
        let reader = LogReader::new(Arc::clone(index), segment, self.reader.rules)?;
        Ok(Self::new(reader, from))
    }

    /// First sequence that can be read.
    pub fn first_seq(&self) -> u64 {
        let oldest = self.reader.index.oldest();
        oldest.map_or(1, |segment| segment.header.first_seq)
    }

    /// The next record, `None` at the durable end.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] with segment and offset, [`JournalError::Fingerprint`] where other
    /// rules begin, [`JournalError::Trimmed`] when the writer trimmed what comes next.
    // Not an `Iterator`: a record borrows the read buffer, so that none is allocated.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        while let Some(entry) = self.reader.advance()? {
            if entry.key.seq >= self.from {
                let payload = self.reader.payload(entry.payload);
                return Ok(Some(Record {
                    seq: entry.key.seq,
                    kind: entry.kind,
                    payload,
                }));
            }
        }
        Ok(None)
    }
}

/// Reads either log; marks are passed over.
pub struct LogReader {
    index: Arc<SegmentIndex>,
    segment: Segment,
    sealed: Option<u32>,
    walk: SegmentWalk,
    last: Key,
    rules: Option<(u64, u32)>,
}

/// A record that [`LogReader::advance`] stepped over.
pub struct Entry {
    pub key: Key,
    pub kind: u16,
    pub payload: Range<usize>,
}

impl LogReader {
    /// A reader from the front of `segment`. `rules` are the fingerprint and epoch that every
    /// segment must have.
    ///
    /// # Errors
    /// [`JournalError::Io`] or [`JournalError::Fingerprint`].
    pub fn new(
        index: Arc<SegmentIndex>,
        segment: Segment,
        rules: Option<(u64, u32)>,
    ) -> Result<Self, JournalError> {
        let walk = open_walk(&index, &segment, rules)?;
        let last = segment.header.previous;
        Ok(Self {
            index,
            segment,
            sealed: None,
            walk,
            last,
            rules,
        })
    }

    /// Key of the last record stepped over.
    pub const fn last(&self) -> Key {
        self.last
    }

    /// Steps over the next record; `None` at the durable end.
    ///
    /// # Errors
    /// See [`Records::next`].
    #[inline]
    pub fn advance(&mut self) -> Result<Option<Entry>, JournalError> {
        loop {
            let durable = self.index.durable();
            let ordinal = self.segment.header.ordinal;
            if durable.ordinal < ordinal {
                return Ok(None);
            }
            let sealed = durable.ordinal > ordinal;
            let limit = if sealed {
                self.sealed_end()?
            } else {
                durable.offset
            };
            if self.walk.position() >= limit {
                if !sealed {
                    return Ok(None);
                }
                self.next_segment()?;
                continue;
            }
            let name = || self.index.stream.file_name(ordinal);
            let step = self.walk.step(limit);
            match step.map_err(|error| JournalError::io("read", &name())(error))? {
                Step::Record(head, payload) => {
                    let entry = self.accept(&head, payload)?;
                    if head.kind != KIND_MARK {
                        return Ok(Some(entry));
                    }
                }
                Step::End => {
                    let left = limit - self.walk.position();
                    return Err(self.damaged(0, format!("{left} bytes are no record")));
                }
                Step::Fault(fault) => return Err(self.damaged(0, fault.to_string())),
            }
        }
    }

    /// Bytes of the record just stepped over.
    #[inline]
    pub fn payload(&self, range: Range<usize>) -> &[u8] {
        self.walk.payload(range)
    }

    #[inline]
    fn accept(&mut self, head: &RecordHead, payload: Range<usize>) -> Result<Entry, JournalError> {
        let bytes = self.walk.payload(payload.clone());
        match next_key(self.index.stream, self.last, head, bytes) {
            Ok(key) => {
                self.last = key;
                Ok(Entry {
                    key,
                    kind: head.kind,
                    payload,
                })
            }
            Err(found) => Err(self.damaged(head.record_bytes(), found)),
        }
    }

    /// Where this segment ends, now that a later one has begun.
    #[inline]
    fn sealed_end(&mut self) -> Result<u32, JournalError> {
        if let Some(end) = self.sealed {
            return Ok(end);
        }
        let end = match self.index.get(self.segment.header.ordinal) {
            Some(segment) => segment.end,
            // Trimmed while we stood at its end, as is allowed to whoever has read it whole.
            None => {
                self.oldest_behind()?;
                self.walk.position()
            }
        };
        self.sealed = Some(end);
        Ok(end)
    }

    #[cold]
    fn next_segment(&mut self) -> Result<(), JournalError> {
        let next = match self.index.get(self.segment.header.ordinal + 1) {
            Some(next) => next,
            None => self.oldest_behind()?,
        };
        if next.header.previous != self.last {
            let found = format!("{:?} is followed by {:?}", self.last, next.header.previous);
            return Err(self.damaged(0, found));
        }
        self.walk = open_walk(&self.index, &next, self.rules)?;
        (self.segment, self.sealed) = (next, None);
        Ok(())
    }

    /// The oldest segment that is left, if it goes on right behind the last record.
    fn oldest_behind(&self) -> Result<Segment, JournalError> {
        let oldest = self.index.oldest();
        let first = oldest.map_or(0, |oldest| oldest.header.first_seq);
        oldest
            .filter(|oldest| oldest.header.previous == self.last)
            .ok_or(JournalError::Trimmed {
                asked: self.last.seq,
                first,
            })
    }

    #[cold]
    fn damaged(&self, back: u32, found: String) -> JournalError {
        let file = self.index.stream.file_name(self.segment.header.ordinal);
        let offset = u64::from(self.walk.position() - back);
        JournalError::Damaged {
            file,
            offset,
            found,
        }
    }
}

fn open_walk(
    index: &SegmentIndex,
    segment: &Segment,
    rules: Option<(u64, u32)>,
) -> Result<SegmentWalk, JournalError> {
    let header = segment.header;
    let found = (header.fingerprint, header.epoch);
    if let Some(expected) = rules.filter(|rules| *rules != found) {
        return Err(JournalError::Fingerprint {
            file: index.stream.file_name(header.ordinal),
            found,
            expected,
        });
    }
    let file = open_segment(index.disk.as_ref(), index.stream, header.ordinal)?;
    Ok(SegmentWalk::new(file, header.checksum))
}
