//! Reads a directory as it was left: which segments there are, where the log ends, and whether what
//! stands behind the end is a torn tail or damage. Changes nothing; [`repair`] does.

use super::disk::{Disk, DiskFile};
use super::error::JournalError;
use super::layout::{
    FORMAT_VERSION, HeaderFault, KIND_MARK, Key, MARK_CLOSED, RECORD_HEADER_BYTES, RecordFault,
    RecordHead, SEGMENT_BYTES_MAX, SEGMENT_HEADER_BYTES, SegmentHeader, Stream, record_checksum,
};
use super::pack::plain_bytes;
use super::walk::{SegmentWalk, Step};
use std::fmt;
use std::io;
use std::sync::Arc;

/// The tail of a batch that was never acknowledged; it is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Segment file.
    pub file: String,
    /// Where the log ends in it.
    pub offset: u64,
    /// Bytes that are cut.
    pub bytes: u64,
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            offset,
            bytes,
        } = self;
        write!(
            f,
            "{bytes} bytes of an unfinished write cut at byte {offset} of {file}"
        )
    }
}

/// One segment that is in use.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Its header.
    pub header: SegmentHeader,
    /// Length of the file.
    pub file_bytes: u64,
    /// Length of the plain segment: what a packed one reads as.
    pub plain_bytes: u64,
    /// Whether its records are packed.
    pub packed: bool,
    /// Offset behind its last record.
    pub end: u32,
}

/// A directory as it was left.
pub struct Found {
    /// Segments in use, oldest first; the last one is written to.
    pub segments: Vec<Segment>,
    /// Key of the last record.
    pub last: Key,
    /// Where the last batch begins: nothing behind it proves that it was synced.
    pub unproven: u32,
    /// Whether the last record is the mark of a clean close.
    pub clean: bool,
    /// What is to be cut.
    pub torn: Option<Torn>,
    /// Files behind the last segment that hold nothing.
    pub spares: Vec<Spare>,
}

/// A file that was prepared and never used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spare {
    /// Its number.
    pub ordinal: u32,
    /// Length of the file.
    pub bytes: u64,
    /// Whether it holds zeros alone, no torn header.
    pub zero: bool,
}

/// Epoch and fingerprint of the newest segment; `None` in an empty directory. A build whose
/// fingerprint differs asks for a new epoch with the next number.
///
/// # Errors
/// [`JournalError`] when the directory cannot be read or is damaged.
pub fn newest_epoch(
    disk: &Arc<dyn Disk>,
    stream: Stream,
) -> Result<Option<(u32, u64)>, JournalError> {
    let found = headers(disk.as_ref(), stream)?;
    Ok(found
        .segments
        .last()
        .map(|segment| (segment.header.epoch, segment.header.fingerprint)))
}

/// Where a log ends, and under which rules, without changing anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// Epoch of its newest segment.
    pub epoch: u32,
    /// Fingerprint of those rules.
    pub fingerprint: u64,
    /// First sequence of that epoch that is still there.
    pub epoch_first: u64,
    /// First sequence of the whole log that is still there.
    pub first_seq: u64,
    /// Sequence of its last record.
    pub last_seq: u64,
}

/// Looks where the log of `stream` ends; `None` in an empty directory.
///
/// # Errors
/// [`JournalError`] when the directory cannot be read or is damaged.
pub fn log_end(disk: &Arc<dyn Disk>, stream: Stream) -> Result<Option<LogEnd>, JournalError> {
    let found = survey(disk.as_ref(), stream)?;
    let (Some(oldest), Some(newest)) = (found.segments.first(), found.segments.last()) else {
        return Ok(None);
    };
    let SegmentHeader {
        epoch, fingerprint, ..
    } = newest.header;
    let mut of_epoch = found.segments.iter().map(|segment| segment.header);
    let first = of_epoch.find(|header| header.epoch == epoch);
    Ok(Some(LogEnd {
        epoch,
        fingerprint,
        epoch_first: first.map_or(newest.header.first_seq, |header| header.first_seq),
        first_seq: oldest.header.first_seq,
        last_seq: found.last.seq,
    }))
}

/// Looks at all headers and at every record of the last segment. Of a log that is written meanwhile it sees some
/// moment: what looks broken because it moved under our eyes is looked at anew.
///
/// # Errors
/// [`JournalError`] naming the file and offset of what cannot be explained by a crash.
pub fn survey(disk: &dyn Disk, stream: Stream) -> Result<Found, JournalError> {
    let look = || survey_once(disk, stream);
    settled(look, |found| {
        let error = found.as_ref().err()?;
        Some(error.to_string())
    })
}

/// Most times one looks for the same answer twice.
const LOOKS_MAX: usize = 8;

/// What `look` gives when nothing is wrong with it, or the same is wrong twice in a row: what is on the disk stays as it
/// is, and what a writer changed between two reads does not.
pub fn settled<T>(mut look: impl FnMut() -> T, wrong: impl Fn(&T) -> Option<String>) -> T {
    let mut seen = look();
    for _ in 1..LOOKS_MAX {
        let Some(before) = wrong(&seen) else {
            break;
        };
        seen = look();
        if wrong(&seen) == Some(before) {
            break;
        }
    }
    seen
}

fn survey_once(disk: &dyn Disk, stream: Stream) -> Result<Found, JournalError> {
    let mut found = headers(disk, stream)?;
    let Some(active) = found.segments.last_mut() else {
        return Ok(found);
    };
    let name = stream.file_name(active.header.ordinal);
    if active.packed {
        let found = "the segments behind a packed one are missing".to_owned();
        let file = stream.file_name(active.header.ordinal.saturating_add(1));
        return Err(JournalError::Missing { file, found });
    }
    let file = disk.open(&name).map_err(JournalError::io("open", &name))?;
    let limit = active.file_bytes.min(u64::from(SEGMENT_BYTES_MAX)) as u32;
    let mut walk = SegmentWalk::new(Arc::clone(&file), active.header.checksum);
    found.last = active.header.previous;
    loop {
        match walk.step(limit).map_err(JournalError::io("read", &name))? {
            Step::Record(head, payload) => {
                let payload = walk.payload(payload);
                found.unproven = head.batch_start;
                found.clean = head.kind == KIND_MARK && payload == MARK_CLOSED;
                found.last = next_key(stream, found.last, &head, payload).map_err(|found| {
                    let offset = u64::from(walk.position() - head.record_bytes());
                    JournalError::Damaged {
                        file: name.clone(),
                        offset,
                        found,
                    }
                })?;
            }
            Step::End => break,
            Step::Fault(fault) => {
                let torn = judge(file.as_ref(), &name, active, walk.position(), fault)?;
                found.torn = torn.or(found.torn);
                break;
            }
        }
    }
    active.end = walk.position();
    found.clean &= found.torn.is_none();
    Ok(found)
}

/// The key of a record that follows `last`, or what is wrong with it.
pub fn next_key(
    stream: Stream,
    last: Key,
    head: &RecordHead,
    payload: &[u8],
) -> Result<Key, String> {
    if head.kind == KIND_MARK {
        let same = head.seq == last.seq;
        return if same {
            Ok(last)
        } else {
            Err(format!("a mark of {} after {}", head.seq, last.seq))
        };
    }
    match stream {
        Stream::Journal if Some(head.seq) == last.seq.checked_add(1) => Ok(Key {
            seq: head.seq,
            index: 0,
        }),
        Stream::Journal => Err(format!("sequence {} follows {}", head.seq, last.seq)),
        Stream::Output => {
            let Some(index) = payload.first_chunk::<4>() else {
                return Err("an output without an index".to_owned());
            };
            let key = Key {
                seq: head.seq,
                index: u32::from_le_bytes(*index),
            };
            if key > last {
                Ok(key)
            } else {
                Err(format!("output {key:?} follows {last:?}"))
            }
        }
    }
}

/// Cuts the torn tail, makes what was read durable, and removes what holds nothing. Afterwards only
/// spares of `segment_bytes` are left.
///
/// # Errors
/// [`JournalError::Io`].
pub fn repair(
    disk: &dyn Disk,
    stream: Stream,
    found: &mut Found,
    segment_bytes: u32,
) -> Result<(), JournalError> {
    let usable = |spare: &Spare| spare.zero && spare.bytes == u64::from(segment_bytes);
    let kept = found
        .spares
        .iter()
        .take_while(|spare| usable(spare))
        .count();
    // From the last one back, each durably: a crash in between leaves no hole in the numbers.
    for spare in found.spares.drain(kept..).rev() {
        let name = stream.file_name(spare.ordinal);
        disk.remove(&name)
            .map_err(JournalError::io("remove", &name))?;
        disk.sync_dir()
            .map_err(JournalError::io("sync", "the data directory"))?;
    }
    let Some(active) = found.segments.last() else {
        return Ok(());
    };
    let name = stream.file_name(active.header.ordinal);
    let file = disk.open(&name).map_err(JournalError::io("open", &name))?;
    if let Some(torn) = found.torn.as_ref().filter(|torn| torn.file == name) {
        let zeros = vec![0; torn.bytes as usize];
        file.write_at(torn.offset, &zeros)
            .map_err(JournalError::io("cut", &name))?;
    }
    // After a failed sync or a killed process these bytes may come from the page cache alone, and
    // a system that has given up on a page calls it clean: only a new write gets it to the disk.
    rewrite(file.as_ref(), 0, SEGMENT_HEADER_BYTES)
        .and_then(|()| rewrite(file.as_ref(), found.unproven, active.end))
        .and_then(|()| file.sync_data())
        .map_err(JournalError::io("sync", &name))
}

/// Writes what is read, in place: a sector holds the same bytes whether it arrives or not.
fn rewrite(file: &dyn DiskFile, from: u32, to: u32) -> io::Result<()> {
    let mut bytes = vec![0; to.saturating_sub(from) as usize];
    let count = file.read_at(u64::from(from), &mut bytes)?;
    file.write_at(u64::from(from), &bytes[..count])
}

/// Finds the segments in use and the spares, from the headers alone.
pub fn headers(disk: &dyn Disk, stream: Stream) -> Result<Found, JournalError> {
    let listed = disk
        .list()
        .map_err(JournalError::io("list", "the data directory"))?;
    let mut files: Vec<(u32, u64)> = listed
        .iter()
        .filter_map(|(name, bytes)| Some((stream.ordinal_of(name)?, *bytes)))
        .collect();
    files.sort_unstable();
    for pair in files.windows(2) {
        if Some(pair[1].0) != pair[0].0.checked_add(1) {
            let file = stream.file_name(pair[0].0.saturating_add(1));
            let found = "the segment is missing between two others".to_owned();
            return Err(JournalError::Missing { file, found });
        }
    }
    let mut read = Vec::with_capacity(files.len());
    for (ordinal, bytes) in &files {
        read.push(read_header(disk, stream, *ordinal, *bytes)?);
    }
    let used = read
        .iter()
        .rposition(Result::is_ok)
        .map_or(0, |last| last + 1);
    let mut found = Found {
        segments: Vec::new(),
        last: Key::default(),
        unproven: SEGMENT_HEADER_BYTES,
        clean: false,
        torn: None,
        spares: Vec::new(),
    };
    for ((ordinal, bytes), header) in files.iter().zip(&read) {
        let name = stream.file_name(*ordinal);
        match header {
            Ok((header, packed)) => {
                link(found.segments.last_mut(), header, &name)?;
                found.segments.push(Segment {
                    header: *header,
                    file_bytes: *bytes,
                    plain_bytes: packed.unwrap_or(*bytes),
                    packed: packed.is_some(),
                    end: SEGMENT_HEADER_BYTES,
                });
            }
            Err(fault) => {
                let first_unused = found.segments.len() == used && found.spares.is_empty();
                let torn = unused(disk, &name, *bytes, *fault, first_unused)?;
                if found.segments.len() < used {
                    let found = "the header is broken".to_owned();
                    return Err(JournalError::Damaged {
                        file: name,
                        offset: 0,
                        found,
                    });
                }
                found.torn = torn.or(found.torn);
                let zero = *fault == HeaderFault::Zero;
                found.spares.push(Spare {
                    ordinal: *ordinal,
                    bytes: *bytes,
                    zero,
                });
            }
        }
    }
    Ok(found)
}

/// The header, and for a packed segment the length of the plain one.
fn read_header(
    disk: &dyn Disk,
    stream: Stream,
    ordinal: u32,
    bytes: u64,
) -> Result<Result<(SegmentHeader, Option<u64>), HeaderFault>, JournalError> {
    let name = stream.file_name(ordinal);
    if bytes == 0 {
        return Ok(Err(HeaderFault::Zero));
    }
    let file = disk.open(&name).map_err(JournalError::io("open", &name))?;
    let mut front = [0; SEGMENT_HEADER_BYTES as usize];
    let count = file
        .read_at(0, &mut front)
        .map_err(JournalError::io("read", &name))?;
    match SegmentHeader::read(&front[..count], stream, ordinal) {
        Ok((header, false)) => Ok(Ok((header, None))),
        Ok((header, true)) => {
            let plain = plain_bytes(file, header).map_err(JournalError::io("read", &name))?;
            Ok(Ok((header, Some(plain))))
        }
        Err(HeaderFault::Version(found)) => Err(JournalError::Version {
            file: name,
            found,
            expected: FORMAT_VERSION,
        }),
        Err(fault) => Ok(Err(fault)),
    }
}

/// Joins a segment to the one before it, whose end it knows.
fn link(
    before: Option<&mut Segment>,
    header: &SegmentHeader,
    name: &str,
) -> Result<(), JournalError> {
    let Some(before) = before else {
        return Ok(());
    };
    let ordered = header.first_seq >= before.header.first_seq
        && header.epoch >= before.header.epoch
        && header.previous >= before.header.previous
        && header.previous_end >= SEGMENT_HEADER_BYTES;
    if !ordered {
        let found = "the header does not follow the segment before".to_owned();
        return Err(JournalError::Damaged {
            file: name.to_owned(),
            offset: 0,
            found,
        });
    }
    before.end = header.previous_end;
    if u64::from(before.end) > before.plain_bytes {
        let file = header.stream.file_name(before.header.ordinal);
        let found = format!("{} of {} bytes are left", before.plain_bytes, before.end);
        return Err(JournalError::Missing { file, found });
    }
    Ok(())
}

/// A file without a usable header holds nothing: a spare, or a header that was being written.
fn unused(
    disk: &dyn Disk,
    name: &str,
    bytes: u64,
    fault: HeaderFault,
    first_unused: bool,
) -> Result<Option<Torn>, JournalError> {
    let damaged = |found: &str| {
        Err(JournalError::Damaged {
            file: name.to_owned(),
            offset: 0,
            found: found.to_owned(),
        })
    };
    let mut whole = Vec::new();
    if bytes > 0 {
        let file = disk.open(name).map_err(JournalError::io("open", name))?;
        whole = read_rest(file.as_ref(), name, 0)?;
    }
    // The header is synced before the first record is written.
    let last = whole.iter().rposition(|byte| *byte != 0);
    if last.is_some_and(|last| last >= SEGMENT_HEADER_BYTES as usize) {
        return damaged("records stand behind a broken header");
    }
    match fault {
        HeaderFault::Zero => Ok(None),
        _ if first_unused => {
            let bytes = last.map_or(0, |last| last as u64 + 1);
            Ok(Some(Torn {
                file: name.to_owned(),
                offset: 0,
                bytes,
            }))
        }
        _ => damaged("the header is broken"),
    }
}

/// Decides what stands at `offset`, where no record does: nothing, a torn tail, or damage.
fn judge(
    file: &dyn DiskFile,
    name: &str,
    segment: &Segment,
    offset: u32,
    fault: RecordFault,
) -> Result<Option<Torn>, JournalError> {
    let rest = read_rest(file, name, offset)?;
    let Some(last) = rest.iter().rposition(|byte| *byte != 0) else {
        return Ok(None);
    };
    match later_batch(&rest[..], offset, segment.header.checksum) {
        None => {
            let bytes = last as u64 + 1;
            Ok(Some(Torn {
                file: name.to_owned(),
                offset: u64::from(offset),
                bytes,
            }))
        }
        Some(seq) => {
            let found = format!("{fault}, but a later batch with sequence {seq} follows");
            Err(JournalError::Damaged {
                file: name.to_owned(),
                offset: u64::from(offset),
                found,
            })
        }
    }
}

/// Searches for a valid record whose batch began behind `offset`; gives its sequence.
fn later_batch(rest: &[u8], offset: u32, salt: u32) -> Option<u64> {
    let header = RECORD_HEADER_BYTES as usize;
    for at in 1..rest.len().saturating_sub(header - 1) {
        let start =
            u32::from_le_bytes([rest[at + 16], rest[at + 17], rest[at + 18], rest[at + 19]]);
        let here = offset + at as u32;
        if start <= offset || start > here {
            continue;
        }
        let Some(head) = RecordHead::from_bytes(&rest[at..]) else {
            continue;
        };
        if head.check(here, (rest.len() - at) as u32).is_err() {
            continue;
        }
        let record = &rest[at..at + head.record_bytes() as usize];
        if record_checksum(record, salt) == head.checksum {
            return Some(head.seq);
        }
    }
    None
}

/// The file from `offset` on, in memory: only for the segment at the end of the log.
fn read_rest(file: &dyn DiskFile, name: &str, offset: u32) -> Result<Vec<u8>, JournalError> {
    let bytes = file.bytes().map_err(JournalError::io("read", name))?;
    let bytes = bytes
        .min(u64::from(SEGMENT_BYTES_MAX))
        .saturating_sub(u64::from(offset));
    let mut rest = vec![0; bytes as usize];
    let count = file
        .read_at(u64::from(offset), &mut rest)
        .map_err(JournalError::io("read", name))?;
    rest.truncate(count);
    Ok(rest)
}
