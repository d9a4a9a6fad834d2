//! A walk over the records of one segment through a read buffer.

use super::disk::DiskFile;
use super::error::JournalError;
use super::index::SegmentIndex;
use super::layout::{
    Key, RECORD_HEADER_BYTES, RecordFault, RecordHead, SEGMENT_HEADER_BYTES, record_checksum,
};
use super::pack::open_segment;
use super::survey::{Segment, next_key};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Bytes read at once; large enough that the system calls cost nothing beside the checksums.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Steps from record to record; the caller says how far it may look.
pub struct SegmentWalk {
    file: Arc<dyn DiskFile>,
    salt: u32,
    position: u32,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
}

/// What stood at the position.
pub enum Step {
    /// A valid record; its payload is at the range of [`SegmentWalk::payload`].
    Record(RecordHead, Range<usize>),
    /// No room for a record before the limit.
    End,
    /// Something that is no record.
    Fault(RecordFault),
}

impl SegmentWalk {
    /// A walk over `file`, whose header has the checksum `salt`, from its first record.
    pub fn new(file: Arc<dyn DiskFile>, salt: u32) -> Self {
        Self {
            file,
            salt,
            position: SEGMENT_HEADER_BYTES,
            buffer: Vec::new(),
            start: 0,
            filled: 0,
        }
    }

    /// A walk that goes on at `position`, where a record begins.
    pub fn at(file: Arc<dyn DiskFile>, salt: u32, position: u32) -> Self {
        Self {
            position,
            ..Self::new(file, salt)
        }
    }

    /// Offset of the next record.
    pub const fn position(&self) -> u32 {
        self.position
    }

    /// Looks at the next record, which must end at or before `limit`. Stays where it is unless it
    /// was a record.
    ///
    /// # Errors
    /// The system's.
    #[inline]
    pub fn step(&mut self, limit: u32) -> io::Result<Step> {
        let room = limit.saturating_sub(self.position);
        if room < RECORD_HEADER_BYTES {
            return Ok(Step::End);
        }
        if !self.ensure(RECORD_HEADER_BYTES as usize, limit)? {
            return Ok(Step::Fault(RecordFault::Short));
        }
        let Some(head) = RecordHead::from_bytes(&self.buffer[self.start..]) else {
            return Ok(Step::Fault(RecordFault::Zero));
        };
        if let Err(fault) = head.check(self.position, room) {
            return Ok(Step::Fault(fault));
        }
        let bytes = head.record_bytes() as usize;
        if !self.ensure(bytes, limit)? {
            return Ok(Step::Fault(RecordFault::Short));
        }
        let record = self.start..self.start + bytes;
        if record_checksum(&self.buffer[record.clone()], self.salt) != head.checksum {
            return Ok(Step::Fault(RecordFault::Checksum));
        }
        self.start = record.end;
        self.position += bytes as u32;
        Ok(Step::Record(
            head,
            record.start + RECORD_HEADER_BYTES as usize..record.end,
        ))
    }

    /// Bytes of the record just stepped over.
    #[inline]
    pub fn payload(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// Has `bytes` from the position in the buffer; false when the file ends before.
    fn ensure(&mut self, bytes: usize, limit: u32) -> io::Result<bool> {
        let ready = self.filled - self.start;
        if ready >= bytes {
            return Ok(true);
        }
        self.buffer.copy_within(self.start..self.filled, 0);
        (self.start, self.filled) = (0, ready);
        let room = (limit - self.position) as usize;
        let wanted = bytes.max(READ_BUFFER_BYTES).min(room);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let offset = u64::from(self.position) + ready as u64;
        self.filled += self.file.read_at(offset, &mut self.buffer[ready..wanted])?;
        Ok(self.filled >= bytes)
    }
}

/// Steps over the records of `segment` from `place` (the key before it, and its offset) up to `limit`, as long as `see`
/// says so of a record and its offset. Gives the last key and the offset behind it.
///
/// # Errors
/// [`JournalError::Damaged`], also for what `see` finds wrong; [`JournalError::Io`].
pub fn each(
    index: &SegmentIndex,
    segment: &Segment,
    place: (Key, u32),
    limit: u32,
    mut see: impl FnMut(&RecordHead, u32, &[u8]) -> Result<bool, String>,
) -> Result<(Key, u32), JournalError> {
    let header = segment.header;
    let name = || index.stream.file_name(header.ordinal);
    let file = open_segment(index.disk.as_ref(), index.stream, header.ordinal)?;
    let (mut last, position) = place;
    let mut walk = SegmentWalk::at(file, header.checksum, position);
    while walk.position() < limit {
        let offset = walk.position();
        let step = walk.step(limit);
        let found = match step.map_err(|error| JournalError::io("read", &name())(error))? {
            Step::Record(head, payload) => {
                let payload = walk.payload(payload);
                let seen = next_key(index.stream, last, &head, payload).and_then(|key| {
                    last = key;
                    see(&head, offset, payload)
                });
                match seen {
                    Ok(true) => continue,
                    Ok(false) => break,
                    Err(found) => found,
                }
            }
            Step::End => "the last bytes are no record".to_owned(),
            Step::Fault(fault) => fault.to_string(),
        };
        return Err(JournalError::Damaged {
            file: name(),
            offset: u64::from(offset),
            found,
        });
    }
    Ok((last, walk.position()))
}
