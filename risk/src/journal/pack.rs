//! Closed segments in packed form: the same records in blocks of LZ4, a fraction of the bytes.
//!
//! A packed segment has the name of the plain one and its header, except for the version. Behind the
//! header stand the length of the plain segment, the number of blocks and the length of each, then
//! the blocks, each behind its checksum. Readers see the plain bytes at their old offsets, so a
//! record keeps its place and its own checksum.

use super::disk::{Disk, DiskFile};
use super::error::JournalError;
use super::layout::{HeaderFault, SEGMENT_BYTES_MAX, SEGMENT_HEADER_BYTES, SegmentHeader, Stream};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Plain bytes of one block: large enough to pack well, small enough to be read for one record.
pub const BLOCK_BYTES: u32 = 256 << 10;
/// Plain length, bytes of a block, number of blocks, checksum over these and the lengths.
const TABLE_HEADER_BYTES: usize = 16;
const TABLE_AT: u64 = SEGMENT_HEADER_BYTES as u64;
const CHECKSUM_BYTES: usize = 4;
/// What LZ4 adds at most to a block that cannot be packed.
const BLOCK_PACKED_MAX: u32 = BLOCK_BYTES + BLOCK_BYTES / 255 + 64;

/// Bytes of a packed segment that are not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackFault {
    /// Where in the file.
    pub offset: u64,
    /// What was found.
    pub found: &'static str,
}

impl fmt::Display for PackFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.found, self.offset)
    }
}

impl std::error::Error for PackFault {}

fn fault(offset: u64, found: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, PackFault { offset, found })
}

/// Opens segment `ordinal` to read: plain bytes, however it is stored. What is stored is asked of
/// the file, which may have been packed since it was last looked at.
///
/// # Errors
/// [`JournalError::Io`], [`JournalError::Damaged`].
pub fn open_segment(
    disk: &dyn Disk,
    stream: Stream,
    ordinal: u32,
) -> Result<Arc<dyn DiskFile>, JournalError> {
    let name = stream.file_name(ordinal);
    let file = disk.open(&name).map_err(JournalError::io("open", &name))?;
    let fail = |error| JournalError::io("read", &name)(error);
    let mut front = [0; SEGMENT_HEADER_BYTES as usize];
    let count = file.read_at(0, &mut front).map_err(fail)?;
    match SegmentHeader::read(&front[..count], stream, ordinal) {
        Ok((header, true)) => {
            let packed = PackedFile::new(file, header).map_err(fail)?;
            Ok(Arc::new(packed))
        }
        // A broken header is for whoever reads it to judge.
        Ok((_, false)) | Err(HeaderFault::Zero | HeaderFault::Broken | HeaderFault::Version(_)) => {
            Ok(file)
        }
    }
}

/// A packed segment that reads as the plain one.
pub struct PackedFile {
    file: Arc<dyn DiskFile>,
    header: [u8; SEGMENT_HEADER_BYTES as usize],
    salt: u32,
    plain_bytes: u32,
    /// Offset and packed length of each block.
    blocks: Vec<(u64, u32)>,
    /// The block read last: readers go forward.
    last: Mutex<Option<(usize, Vec<u8>)>>,
}

impl PackedFile {
    /// The packed segment in `file`, whose header was read already.
    ///
    /// # Errors
    /// The system's; [`PackFault`] inside one of invalid data.
    pub fn new(file: Arc<dyn DiskFile>, mut header: SegmentHeader) -> io::Result<Self> {
        let plain_header = header.seal();
        let salt = header.checksum;
        let mut front = [0; TABLE_HEADER_BYTES];
        let count = file.read_at(TABLE_AT, &mut front)?;
        if count < front.len() {
            return Err(fault(TABLE_AT, "the file ends inside the table"));
        }
        let (plain_bytes, block_bytes) = (u32_at(&front, 0), u32_at(&front, 4));
        let number = u32_at(&front, 8);
        let content = plain_bytes.saturating_sub(SEGMENT_HEADER_BYTES);
        let fits = (SEGMENT_HEADER_BYTES..=SEGMENT_BYTES_MAX).contains(&plain_bytes)
            && block_bytes == BLOCK_BYTES
            && number == content.div_ceil(BLOCK_BYTES);
        if !fits {
            return Err(fault(TABLE_AT, "the table's header is broken"));
        }
        let mut lengths = vec![0; number as usize * 4];
        let at = TABLE_AT + TABLE_HEADER_BYTES as u64;
        let count = file.read_at(at, &mut lengths)?;
        if count < lengths.len()
            || table_checksum(salt, &front[..12], &lengths) != u32_at(&front, 12)
        {
            return Err(fault(TABLE_AT, "the table's checksum does not fit"));
        }
        let mut blocks = Vec::with_capacity(number as usize);
        let mut offset = at + lengths.len() as u64;
        for length in lengths.chunks_exact(4) {
            let length = u32_at(length, 0);
            if length > BLOCK_PACKED_MAX {
                return Err(fault(TABLE_AT, "a block's length is impossible"));
            }
            blocks.push((offset, length));
            offset += CHECKSUM_BYTES as u64 + u64::from(length);
        }
        if file.bytes()? != offset {
            return Err(fault(offset, "the file does not end where its blocks do"));
        }
        Ok(Self {
            file,
            header: plain_header,
            salt,
            plain_bytes,
            blocks,
            last: Mutex::new(None),
        })
    }

    /// The plain bytes of one block.
    fn block(&self, number: usize) -> io::Result<Vec<u8>> {
        let (offset, length) = self.blocks[number];
        let mut bytes = vec![0; CHECKSUM_BYTES + length as usize];
        let count = self.file.read_at(offset, &mut bytes)?;
        let whole = count == bytes.len();
        let packed = bytes.get(CHECKSUM_BYTES..).unwrap_or_default();
        if !whole || block_checksum(self.salt, number, packed) != u32_at(&bytes, 0) {
            return Err(fault(offset, "the block's checksum does not fit"));
        }
        let before = SEGMENT_HEADER_BYTES + number as u32 * BLOCK_BYTES;
        let plain = (self.plain_bytes - before).min(BLOCK_BYTES);
        unpack(packed, plain as usize).ok_or_else(|| fault(offset, "the block cannot be unpacked"))
    }

    fn read_block(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let content = offset - u64::from(SEGMENT_HEADER_BYTES);
        let number = (content / u64::from(BLOCK_BYTES)) as usize;
        if number >= self.blocks.len() {
            return Ok(0);
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|held| held.0 != number) {
            *last = Some((number, self.block(number)?));
        }
        let held = last.as_ref().map_or(&[][..], |held| &held.1);
        let from = (content % u64::from(BLOCK_BYTES)) as usize;
        let found = held.get(from..).unwrap_or_default();
        let count = found.len().min(bytes.len());
        bytes[..count].copy_from_slice(&found[..count]);
        Ok(count)
    }
}

impl DiskFile for PackedFile {
    fn write_at(&self, _offset: u64, _bytes: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < bytes.len() {
            let at = offset + filled as u64;
            let rest = &mut bytes[filled..];
            let count = match self.header.get(at as usize..) {
                Some(header) if !header.is_empty() => {
                    let count = header.len().min(rest.len());
                    rest[..count].copy_from_slice(&header[..count]);
                    count
                }
                _ => self.read_block(at, rest)?,
            };
            if count == 0 {
                break;
            }
            filled += count;
        }
        Ok(filled)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(u64::from(self.plain_bytes))
    }
}

/// Length of the plain segment that a packed `file` holds.
///
/// # Errors
/// As [`PackedFile::new`].
pub fn plain_bytes(file: Arc<dyn DiskFile>, header: SegmentHeader) -> io::Result<u64> {
    PackedFile::new(file, header).map(|packed| u64::from(packed.plain_bytes))
}

/// Writes the first `end` bytes of the plain segment `from` in packed form to the empty file `to`.
/// Gives the bytes written.
///
/// # Errors
/// The system's.
#[cfg(feature = "compress")]
pub fn pack(
    from: &dyn DiskFile,
    to: &dyn DiskFile,
    mut header: SegmentHeader,
    end: u32,
) -> io::Result<u64> {
    // The plain header's checksum is the salt of its records: that stays.
    header.seal();
    let salt = header.checksum;
    let content = end.saturating_sub(SEGMENT_HEADER_BYTES);
    let number = content.div_ceil(BLOCK_BYTES);
    let mut lengths = Vec::with_capacity(number as usize * 4);
    let mut offset = TABLE_AT + TABLE_HEADER_BYTES as u64 + u64::from(number) * 4;
    let mut plain = vec![0; BLOCK_BYTES.min(content) as usize];
    for block in 0..number {
        let at = SEGMENT_HEADER_BYTES + block * BLOCK_BYTES;
        let bytes = (end - at).min(BLOCK_BYTES) as usize;
        if from.read_at(u64::from(at), &mut plain[..bytes])? < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let packed = lz4_flex::block::compress(&plain[..bytes]);
        let checksum = block_checksum(salt, block as usize, &packed);
        let written = [&checksum.to_le_bytes()[..], &packed[..]].concat();
        to.write_at(offset, &written)?;
        offset += written.len() as u64;
        lengths.extend_from_slice(&(packed.len() as u32).to_le_bytes());
    }
    let mut front = Vec::with_capacity(TABLE_HEADER_BYTES + lengths.len());
    for field in [end, BLOCK_BYTES, number] {
        front.extend_from_slice(&field.to_le_bytes());
    }
    let checksum = table_checksum(salt, &front, &lengths);
    front.extend_from_slice(&checksum.to_le_bytes());
    front.extend_from_slice(&lengths);
    to.write_at(TABLE_AT, &front)?;
    to.write_at(0, &header.seal_packed())?;
    Ok(offset)
}

#[cfg(feature = "compress")]
fn unpack(packed: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let mut plain = vec![0; bytes];
    let count = lz4_flex::block::decompress_into(packed, &mut plain).ok()?;
    (count == bytes).then_some(plain)
}

#[cfg(not(feature = "compress"))]
fn unpack(_packed: &[u8], _bytes: usize) -> Option<Vec<u8>> {
    None
}

fn table_checksum(salt: u32, fields: &[u8], lengths: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(salt, fields), lengths)
}

fn block_checksum(salt: u32, number: usize, packed: &[u8]) -> u32 {
    crc32c::crc32c_append(
        crc32c::crc32c_append(salt, &(number as u32).to_le_bytes()),
        packed,
    )
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
