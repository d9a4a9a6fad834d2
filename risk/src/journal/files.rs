//! The journal's segments for other threads than its writer's: to read behind it, and to make room.

use super::disk::Disk;
#[cfg(feature = "compress")]
use super::disk::DiskFile;
use super::error::JournalError;
use super::index::SegmentIndex;
#[cfg(feature = "compress")]
use super::layout::SEGMENT_HEADER_BYTES;
use super::layout::Stream;
#[cfg(feature = "compress")]
use super::pack::{PackedFile, pack};
use super::reader::{LogReader, Records};
#[cfg(feature = "compress")]
use super::survey::Segment;
use super::survey::survey;
#[cfg(feature = "compress")]
use super::walk::each;
use std::sync::Arc;

/// What a segment is called while it is packed beside the plain one.
const PACK_SUFFIX: &str = ".pack.tmp";
/// Plain and packed form are compared in pieces of this size.
#[cfg(feature = "compress")]
const COMPARE_BYTES: usize = 256 << 10;

/// A handle on the segments of an open journal; clones share them. It never touches the segment
/// that is being written.
#[derive(Clone)]
pub struct JournalFiles {
    index: Arc<SegmentIndex>,
    rules: (u64, u32),
}

/// One segment of the journal, as much of it as matters for keeping it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// Its number.
    pub ordinal: u32,
    /// First sequence in it.
    pub first_seq: u64,
    /// Bytes on the disk.
    pub file_bytes: u64,
    /// Whether its records are packed.
    pub packed: bool,
}

/// What packing a segment came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// It takes so many bytes now.
    Packed {
        /// Bytes of the file before.
        from: u64,
        /// Bytes of the file now.
        to: u64,
    },
    /// It is gone, is being written to, or is packed already.
    Passed,
    /// It would not become smaller.
    NotWorth,
}

impl JournalFiles {
    pub(crate) fn new(index: Arc<SegmentIndex>, rules: (u64, u32)) -> Self {
        Self { index, rules }
    }

    /// The journal in `disk` as it was left, to read; `None` when there is none. Changes nothing,
    /// and of a running desk it sees what was there when it looked.
    ///
    /// # Errors
    /// [`JournalError`]: damage, or a directory that cannot be read.
    pub fn open(disk: &Arc<dyn Disk>) -> Result<Option<Self>, JournalError> {
        let found = survey(disk.as_ref(), Stream::Journal)?;
        let Some(newest) = found.segments.last() else {
            return Ok(None);
        };
        let rules = (newest.header.fingerprint, newest.header.epoch);
        let index = SegmentIndex::new(Arc::clone(disk), Stream::Journal, found.segments);
        Ok(Some(Self::new(Arc::new(index), rules)))
    }

    /// The same segments, read whatever rules they were decided by: to show, not to replay.
    ///
    /// # Errors
    /// As [`records`](Self::records), without the fingerprint.
    pub fn any_rules(&self, from: u64) -> Result<Records, JournalError> {
        self.read(from, None)
    }

    /// Reads the inputs from sequence `from` on, as far as they are durable, and later on from there.
    ///
    /// # Errors
    /// [`JournalError::Trimmed`], [`JournalError::Fingerprint`], [`JournalError::Io`].
    pub fn records(&self, from: u64) -> Result<Records, JournalError> {
        self.read(from, Some(self.rules))
    }

    fn read(&self, from: u64, rules: Option<(u64, u32)>) -> Result<Records, JournalError> {
        let newest = self
            .index
            .newest(|segment| segment.header.first_seq <= from);
        let Some(segment) = newest else {
            return Err(JournalError::Trimmed {
                asked: from,
                first: self.first_seq(),
            });
        };
        let reader = LogReader::new(Arc::clone(&self.index), segment, rules)?;
        Ok(Records::new(reader, from))
    }

    /// Which segments there are and how far they are durable, for readers beside this file.
    pub(super) fn index(&self) -> &SegmentIndex {
        &self.index
    }

    /// First sequence that can be read.
    pub fn first_seq(&self) -> u64 {
        let oldest = self.index.oldest();
        oldest.map_or(1, |segment| segment.header.first_seq)
    }

    /// First sequence of the epoch that is written, as far back as it can be read.
    pub fn epoch_first(&self) -> Option<u64> {
        let segments = self.index.segments().into_iter();
        let mut own = segments
            .map(|segment| segment.header)
            .filter(|header| (header.fingerprint, header.epoch) == self.rules);
        own.next().map(|header| header.first_seq)
    }

    /// The segments, oldest first; the last one is being written.
    pub fn segments(&self) -> Vec<SegmentFile> {
        let segments = self.index.segments().into_iter();
        segments
            .map(|segment| SegmentFile {
                ordinal: segment.header.ordinal,
                first_seq: segment.header.first_seq,
                file_bytes: segment.file_bytes,
                packed: segment.packed,
            })
            .collect()
    }

    /// Removes the segments that hold only sequences below `seq`, and says how many. One thread at
    /// a time may do this.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the journal goes on.
    pub fn trim_before(&self, seq: u64) -> Result<usize, JournalError> {
        let newest = self.index.newest(|segment| segment.header.first_seq <= seq);
        match newest {
            Some(keep) => self.index.trim_below(keep.header.ordinal),
            None => Ok(0),
        }
    }

    /// Rewrites a closed segment in packed form, beside it, then in its place in one step: after a
    /// crash there is the one or the other. Every record is checked before, and read back from the
    /// packed form after; a damaged segment stays as it is. One thread at a time may make room.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] for the segment as it was; [`JournalError::Io`]: it is untouched.
    #[cfg(feature = "compress")]
    pub fn pack(&self, ordinal: u32) -> Result<Packing, JournalError> {
        let segments = self.index.segments();
        let closed = segments.split_last().map_or(&[][..], |(_, closed)| closed);
        let found = closed
            .iter()
            .find(|segment| segment.header.ordinal == ordinal && !segment.packed);
        let Some(segment) = found else {
            return Ok(Packing::Passed);
        };
        self.check(segment)?;
        let (disk, stream) = (self.index.disk.as_ref(), self.index.stream);
        let name = stream.file_name(ordinal);
        let temporary = format!("{name}{PACK_SUFFIX}");
        let fail = |error| JournalError::io("pack", &name)(error);
        disk.create_zeroed(&temporary, 0).map_err(fail)?;
        let (from, to) = (
            disk.open(&name).map_err(fail)?,
            disk.open(&temporary).map_err(fail)?,
        );
        let bytes = pack(from.as_ref(), to.as_ref(), segment.header, segment.end).map_err(fail)?;
        if bytes >= segment.file_bytes {
            disk.remove(&temporary).map_err(fail)?;
            return Ok(Packing::NotWorth);
        }
        to.sync_data().map_err(fail)?;
        let packed = PackedFile::new(to, segment.header).map_err(fail)?;
        same(from.as_ref(), &packed, segment.end).map_err(fail)?;
        disk.rename(&temporary, &name).map_err(fail)?;
        self.index.replace(Segment {
            file_bytes: bytes,
            plain_bytes: u64::from(segment.end),
            packed: true,
            ..*segment
        });
        disk.sync_dir().map_err(fail)?;
        Ok(Packing::Packed {
            from: segment.file_bytes,
            to: bytes,
        })
    }

    /// Reads every record of a closed segment.
    #[cfg(feature = "compress")]
    fn check(&self, segment: &Segment) -> Result<(), JournalError> {
        let front = (segment.header.previous, SEGMENT_HEADER_BYTES);
        each(&self.index, segment, front, segment.end, |_, _, _| Ok(true)).map(drop)
    }
}

/// Whether both read the same up to `end`; an error otherwise.
#[cfg(feature = "compress")]
fn same(plain: &dyn DiskFile, packed: &dyn DiskFile, end: u32) -> std::io::Result<()> {
    let mut pieces = [vec![0; COMPARE_BYTES], vec![0; COMPARE_BYTES]];
    let mut offset = 0;
    while offset < u64::from(end) {
        let wanted = COMPARE_BYTES.min((u64::from(end) - offset) as usize);
        let [ours, theirs] = &mut pieces;
        let counts = (
            plain.read_at(offset, &mut ours[..wanted])?,
            packed.read_at(offset, &mut theirs[..wanted])?,
        );
        if counts != (wanted, wanted) || ours[..wanted] != theirs[..wanted] {
            return Err(std::io::Error::other(
                "the packed form does not read as the segment",
            ));
        }
        offset += wanted as u64;
    }
    Ok(())
}

/// Removes what an interrupted packing has left.
pub fn remove_half_packed(disk: &dyn Disk) -> Result<(), JournalError> {
    let listed = disk
        .list()
        .map_err(JournalError::io("list", "the data directory"))?;
    for (name, _) in listed {
        let half = name.strip_suffix(PACK_SUFFIX);
        if half.is_some_and(|name| Stream::Journal.ordinal_of(name).is_some()) {
            disk.remove(&name)
                .map_err(JournalError::io("remove", &name))?;
        }
    }
    Ok(())
}
