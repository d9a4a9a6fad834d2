//! What a log holds, for people: reads everything, changes nothing, never fails on damage.

use super::disk::Disk;
use super::error::JournalError;
use super::layout::{KIND_MARK, Key, Stream};
use super::pack::open_segment;
use super::survey::{Found, Segment, Torn, headers, next_key, settled, survey};
use super::walk::{SegmentWalk, Step};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Summary of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Segments in use, oldest first.
    pub segments: Vec<SegmentSummary>,
    /// First sequence.
    pub first_seq: Option<u64>,
    /// Last sequence.
    pub last_seq: Option<u64>,
    /// Records, without the log's own marks.
    pub records: u64,
    /// Bytes of those records, headers included.
    pub bytes: u64,
    /// Bytes of all files, prepared ones included.
    pub file_bytes: u64,
    /// Records and bytes by kind.
    pub kinds: BTreeMap<u16, KindSummary>,
    /// Whether the last process closed the log.
    pub clean: bool,
    /// The tail that the next start will cut.
    pub torn: Option<Torn>,
    /// Everything that will keep the next start or a replay from going on.
    pub damage: Vec<Damage>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file, when one can be named.
    pub file: Option<String>,
    /// Where in it.
    pub offset: Option<u64>,
    /// What was found and what to do, for the operator.
    pub text: String,
}

impl Damage {
    /// What an error says of a file.
    pub fn of(error: &JournalError) -> Self {
        let (file, offset) = match error {
            JournalError::Damaged { file, offset, .. } => (Some(file.clone()), Some(*offset)),
            JournalError::Missing { file, .. }
            | JournalError::Version { file, .. }
            | JournalError::Fingerprint { file, .. }
            | JournalError::Io { file, .. } => (Some(file.clone()), None),
            _ => (None, None),
        };
        let text = error.to_string();
        Self { file, offset, text }
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSummary {
    /// File name.
    pub file: String,
    /// Epoch of its rules.
    pub epoch: u32,
    /// Fingerprint of its rules.
    pub fingerprint: u64,
    /// First sequence in it.
    pub first_seq: Option<u64>,
    /// Last sequence in it.
    pub last_seq: Option<u64>,
    /// Records in it, without marks.
    pub records: u64,
    /// Bytes in use.
    pub bytes: u64,
    /// Length of the file.
    pub file_bytes: u64,
    /// Whether its records are packed.
    pub packed: bool,
}

/// The records of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSummary {
    /// How many.
    pub records: u64,
    /// Their bytes, headers included.
    pub bytes: u64,
}

/// Reads the whole log of `stream` in `disk`; once more when something is wrong, because a desk that runs may have
/// trimmed or begun a segment meanwhile.
///
/// # Errors
/// [`JournalError::Io`] when the directory cannot be listed at all.
pub fn inspect(disk: &Arc<dyn Disk>, stream: Stream) -> Result<Inspection, JournalError> {
    inspect_told(disk, stream, &mut |_, _| {})
}

/// As [`inspect`]; `progress` is told how many bytes of the segments have been read, of how many.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_told(
    disk: &Arc<dyn Disk>,
    stream: Stream,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Inspection, JournalError> {
    let look = || inspect_once(disk, stream, &mut *progress);
    settled(look, |found| match found {
        Ok(found) if found.damage.is_empty() => None,
        Ok(found) => Some(format!("{:?}", found.damage)),
        Err(error) => Some(error.to_string()),
    })
}

fn inspect_once(
    disk: &Arc<dyn Disk>,
    stream: Stream,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Inspection, JournalError> {
    let mut inspection = Inspection::default();
    let listed = disk
        .list()
        .map_err(JournalError::io("list", "the data directory"))?;
    let files = listed
        .iter()
        .filter(|file| stream.ordinal_of(&file.0).is_some());
    inspection.file_bytes = files.map(|file| file.1).sum();
    let found = match survey(disk.as_ref(), stream) {
        Ok(found) => found,
        Err(error) => {
            inspection.damage.push(Damage::of(&error));
            // The headers may still be whole when the last segment is not.
            match headers(disk.as_ref(), stream) {
                Ok(found) => found,
                Err(_) => return Ok(inspection),
            }
        }
    };
    inspection.clean = found.clean;
    inspection.torn.clone_from(&found.torn);
    inspection.read_segments(disk.as_ref(), stream, &found, progress);
    Ok(inspection)
}

impl Inspection {
    fn read_segments(
        &mut self,
        disk: &dyn Disk,
        stream: Stream,
        found: &Found,
        progress: &mut dyn FnMut(u64, u64),
    ) {
        let bytes: u64 = found.segments.iter().map(|found| found.file_bytes).sum();
        let mut bytes_read = 0;
        let mut last: Option<Key> = None;
        for (number, segment) in found.segments.iter().enumerate() {
            let sealed = number + 1 < found.segments.len();
            let mut key = segment.header.previous;
            if last.is_some_and(|last| last != key) {
                let file = stream.file_name(segment.header.ordinal);
                let text = format!("{file}: does not follow the last record of the segment before");
                self.note(Damage {
                    file: Some(file),
                    offset: Some(0),
                    text,
                });
            }
            if let Err(error) = self.read_segment(disk, segment, sealed, &mut key) {
                self.note(Damage::of(&error));
            }
            last = Some(key);
            bytes_read += segment.file_bytes;
            progress(bytes_read, bytes);
        }
    }

    fn read_segment(
        &mut self,
        disk: &dyn Disk,
        segment: &Segment,
        sealed: bool,
        key: &mut Key,
    ) -> Result<(), JournalError> {
        let header = segment.header;
        let name = header.stream.file_name(header.ordinal);
        let mut summary = SegmentSummary {
            file: name.clone(),
            epoch: header.epoch,
            fingerprint: header.fingerprint,
            first_seq: None,
            last_seq: None,
            records: 0,
            bytes: 0,
            file_bytes: segment.file_bytes,
            packed: segment.packed,
        };
        let file = open_segment(disk, header.stream, header.ordinal)?;
        let mut walk = SegmentWalk::new(file, header.checksum);
        let limit = if sealed {
            segment.end
        } else {
            segment.plain_bytes as u32
        };
        let stopped = loop {
            let offset = u64::from(walk.position());
            let damaged = |found| JournalError::Damaged {
                file: name.clone(),
                offset,
                found,
            };
            match walk.step(limit).map_err(JournalError::io("read", &name))? {
                Step::Record(head, payload) => {
                    match next_key(header.stream, *key, &head, walk.payload(payload)) {
                        Ok(next) => *key = next,
                        Err(found) => break Err(damaged(found)),
                    }
                    if head.kind != KIND_MARK {
                        summary.count(head.seq);
                        self.count(head.kind, head.seq, u64::from(head.record_bytes()));
                    }
                }
                Step::End if sealed && walk.position() < limit => {
                    break Err(damaged("the last bytes are no record".to_owned()));
                }
                Step::Fault(fault) if sealed => break Err(damaged(fault.to_string())),
                // Behind the last record of the last segment: `survey` has judged it.
                Step::End | Step::Fault(_) => break Ok(()),
            }
        };
        summary.bytes = u64::from(walk.position());
        self.segments.push(summary);
        stopped
    }

    fn count(&mut self, kind: u16, seq: u64, bytes: u64) {
        self.first_seq.get_or_insert(seq);
        self.last_seq = Some(seq);
        self.records += 1;
        self.bytes += bytes;
        let summary = self.kinds.entry(kind).or_default();
        summary.records += 1;
        summary.bytes += bytes;
    }

    fn note(&mut self, damage: Damage) {
        if !self.damage.contains(&damage) {
            self.damage.push(damage);
        }
    }
}

impl SegmentSummary {
    fn count(&mut self, seq: u64) {
        self.first_seq.get_or_insert(seq);
        self.last_seq = Some(seq);
        self.records += 1;
    }
}
