//! Cuts the output log back to the end of the journal it is derived from.

use super::disk::Disk;
use super::error::JournalError;
use super::layout::{KIND_MARK, Stream};
use super::survey::{Segment, Torn, repair, survey};
use super::walk::{SegmentWalk, Step};

/// The shortened segment is written here and renamed over the long one: zeroing in place could be
/// torn so that it looks like damage.
const CUT_FILE: &str = "output-cut.tmp";

/// A piece of this size is copied at once.
const COPY_BYTES: usize = 1 << 20;

/// What a cut found.
pub struct Cut {
    pub removed: bool,
    pub torn: Option<Torn>,
}

/// Removes every output of an input above `seq`. May be repeated after a crash in the middle.
///
/// # Errors
/// [`JournalError`].
pub fn cut_after(
    disk: &dyn Disk,
    seq: u64,
    segment_bytes: u32,
) -> Result<Option<Cut>, JournalError> {
    let stream = Stream::Output;
    let mut found = survey(disk, stream)?;
    repair(disk, stream, &mut found, segment_bytes)?;
    if found.last.seq <= seq {
        return Ok(found.torn.map(|torn| Cut {
            removed: false,
            torn: Some(torn),
        }));
    }
    let ordinals = |segment: &Segment| segment.header.ordinal;
    let keep = found
        .segments
        .iter()
        .rposition(|segment| segment.header.previous.seq <= seq);
    let first_removed = keep.map_or(0, |keep| keep + 1);
    let used = found.segments[first_removed..].iter().map(ordinals);
    let unused: Vec<u32> = used
        .chain(found.spares.iter().map(|spare| spare.ordinal))
        .collect();
    for ordinal in unused.into_iter().rev() {
        let name = stream.file_name(ordinal);
        disk.remove(&name)
            .map_err(JournalError::io("remove", &name))?;
        disk.sync_dir()
            .map_err(JournalError::io("sync", "the data directory"))?;
    }
    if let Some(keep) = keep {
        let segment = found.segments[keep];
        if let Some(end) = first_after(disk, &segment, seq)? {
            shorten(disk, &segment, end)?;
        }
    }
    Ok(Some(Cut {
        removed: true,
        torn: found.torn,
    }))
}

/// Offset of the first record of an input above `seq`.
fn first_after(disk: &dyn Disk, segment: &Segment, seq: u64) -> Result<Option<u32>, JournalError> {
    let name = segment.header.stream.file_name(segment.header.ordinal);
    let file = disk.open(&name).map_err(JournalError::io("open", &name))?;
    let mut walk = SegmentWalk::new(file, segment.header.checksum);
    loop {
        let offset = walk.position();
        if offset >= segment.end {
            return Ok(None);
        }
        match walk
            .step(segment.end)
            .map_err(JournalError::io("read", &name))?
        {
            Step::Record(head, _) if head.kind != KIND_MARK && head.seq > seq => {
                return Ok(Some(offset));
            }
            Step::Record(..) => {}
            Step::End => return Ok(None),
            Step::Fault(fault) => {
                let found = fault.to_string();
                return Err(JournalError::Damaged {
                    file: name,
                    offset: offset.into(),
                    found,
                });
            }
        }
    }
}

/// Replaces the segment by one of the same length whose records end at `end`.
fn shorten(disk: &dyn Disk, segment: &Segment, end: u32) -> Result<(), JournalError> {
    let name = segment.header.stream.file_name(segment.header.ordinal);
    let fail = |error| JournalError::io("shorten", &name)(error);
    disk.create_zeroed(CUT_FILE, segment.file_bytes)
        .map_err(fail)?;
    let from = disk.open(&name).map_err(fail)?;
    let to = disk.open(CUT_FILE).map_err(fail)?;
    let mut piece = vec![0; COPY_BYTES.min(end as usize)];
    let mut offset = 0;
    while offset < u64::from(end) {
        let wanted = piece.len().min((u64::from(end) - offset) as usize);
        let count = from.read_at(offset, &mut piece[..wanted]).map_err(fail)?;
        if count == 0 {
            return Err(fail(std::io::ErrorKind::UnexpectedEof.into()));
        }
        to.write_at(offset, &piece[..count]).map_err(fail)?;
        offset += count as u64;
    }
    to.sync_data().map_err(fail)?;
    disk.rename(CUT_FILE, &name).map_err(fail)?;
    disk.sync_dir().map_err(fail)
}
