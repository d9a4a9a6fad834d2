//! The bytes of a segment: one header, then records one behind the other, then zeros.
//!
//! All numbers are little-endian. A record's checksum begins with the checksum of its segment's
//! header, so a record is valid only in the segment it was written to.

use std::fmt;

/// First bytes of every segment.
const SEGMENT_MAGIC: [u8; 8] = *b"SIAGASEG";

/// Version of the layout of headers and records; payloads are covered by the fingerprint.
pub const FORMAT_VERSION: u32 = 1;

/// Version of a segment whose records are packed; everything else of it is as in version 1.
pub const PACKED_VERSION: u32 = 2;

/// A segment header fills one cache line.
pub const SEGMENT_HEADER_BYTES: u32 = 64;

/// Checksum, length, sequence, start of the batch, kind: a 42-byte payload makes 64 bytes.
pub const RECORD_HEADER_BYTES: u32 = 22;

/// Longest payload of one record: far above any input, small enough for one read buffer.
pub const PAYLOAD_BYTES_MAX: u32 = 1 << 20;

/// Smallest segment: a header and a few records. Tests use it to cross segments often.
pub const SEGMENT_BYTES_MIN: u32 = 512;

/// Largest segment: offsets are 32 bits, and a damaged one is searched in memory.
pub const SEGMENT_BYTES_MAX: u32 = 1 << 30;

/// Kind of the marks that opening and closing write; no input or output may use it.
pub const KIND_MARK: u16 = 0;

/// Payload of the mark written when the files are opened.
pub const MARK_OPENED: [u8; 1] = [1];
/// Payload of the mark written by a clean close.
pub const MARK_CLOSED: [u8; 1] = [2];

/// Which of the two logs a segment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The inputs.
    Journal,
    /// The outputs.
    Output,
}

impl Stream {
    /// First part of the file names.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Output => "output",
        }
    }

    /// File name of one segment.
    pub fn file_name(self, ordinal: u32) -> String {
        format!("{}-{ordinal:010}.seg", self.prefix())
    }

    /// The ordinal in a file name of this stream.
    pub fn ordinal_of(self, name: &str) -> Option<u32> {
        let digits = name
            .strip_prefix(self.prefix())?
            .strip_prefix('-')?
            .strip_suffix(".seg")?;
        let ordinal = digits.parse().ok()?;
        (self.file_name(ordinal) == name).then_some(ordinal)
    }

    const fn tag(self) -> u32 {
        match self {
            Self::Journal => 1,
            Self::Output => 2,
        }
    }
}

/// The place of a record in its log. The journal's index is always 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Sequence of the input.
    pub seq: u64,
    /// Index of the output among those of the input.
    pub index: u32,
}

/// What stands at the front of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The log it belongs to.
    pub stream: Stream,
    /// Fingerprint of the constants that change decisions.
    pub fingerprint: u64,
    /// Epoch of those rules.
    pub epoch: u32,
    /// Number of the segment, strictly +1.
    pub ordinal: u32,
    /// No record in the segment has a smaller sequence.
    pub first_seq: u64,
    /// Key of the last record before the segment.
    pub previous: Key,
    /// Offset in the previous segment behind its last record; 0 when there was none.
    pub previous_end: u32,
    /// Checksum of the header; the salt of its records.
    pub checksum: u32,
}

/// Why the front of a file is not a usable header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// Only zeros: prepared and not used yet.
    Zero,
    /// Shorter than a header, or the checksum, the magic or a field does not fit.
    Broken,
    /// Whole, but written in another version of the layout.
    Version(u32),
}

impl SegmentHeader {
    /// The header as bytes; fills in `checksum`.
    pub fn seal(&mut self) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let bytes = self.bytes_as(FORMAT_VERSION);
        self.checksum = u32_at(&bytes, 60);
        bytes
    }

    /// The header of the packed form.
    pub fn seal_packed(&self) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        self.bytes_as(PACKED_VERSION)
    }

    fn bytes_as(&self, version: u32) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
        bytes[0..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.stream.tag().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.fingerprint.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.first_seq.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.previous.seq.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.previous.index.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.previous_end.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the header of segment `ordinal` of `stream` from the front of a file.
    ///
    /// # Errors
    /// [`HeaderFault`].
    #[cfg(test)]
    pub fn from_bytes(bytes: &[u8], stream: Stream, ordinal: u32) -> Result<Self, HeaderFault> {
        Self::read(bytes, stream, ordinal).map(|(header, _)| header)
    }

    /// Reads the header of segment `ordinal` of `stream`, and whether its records are packed. Its
    /// checksum is that of the plain form either way: the salt of its records.
    ///
    /// # Errors
    /// [`HeaderFault`].
    pub fn read(bytes: &[u8], stream: Stream, ordinal: u32) -> Result<(Self, bool), HeaderFault> {
        let front = &bytes[..bytes.len().min(SEGMENT_HEADER_BYTES as usize)];
        if front.iter().all(|byte| *byte == 0) {
            return Err(HeaderFault::Zero);
        }
        if front.len() < SEGMENT_HEADER_BYTES as usize || front[..8] != SEGMENT_MAGIC {
            return Err(HeaderFault::Broken);
        }
        let checksum = u32_at(front, 60);
        if checksum != crc32c::crc32c(&front[..60]) {
            return Err(HeaderFault::Broken);
        }
        let packed = match u32_at(front, 8) {
            FORMAT_VERSION => false,
            // The output log is trimmed behind its readers: nothing of it lies about for long.
            PACKED_VERSION if stream == Stream::Journal => true,
            other => return Err(HeaderFault::Version(other)),
        };
        let mut header = Self {
            stream,
            fingerprint: u64_at(front, 16),
            epoch: u32_at(front, 24),
            ordinal: u32_at(front, 28),
            first_seq: u64_at(front, 32),
            previous: Key {
                seq: u64_at(front, 40),
                index: u32_at(front, 48),
            },
            previous_end: u32_at(front, 52),
            checksum,
        };
        let fits = u32_at(front, 12) == stream.tag() && header.ordinal == ordinal;
        if packed {
            header.seal();
        }
        fits.then_some((header, packed)).ok_or(HeaderFault::Broken)
    }
}

/// The fixed part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHead {
    /// Checksum over the rest of the header and the payload.
    pub checksum: u32,
    /// Length of the payload.
    pub length: u32,
    /// Sequence of the input.
    pub seq: u64,
    /// Offset in the segment at which the batch of this record begins.
    pub batch_start: u32,
    /// What the payload is.
    pub kind: u16,
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFault {
    /// Length above the limit or behind the end of the segment.
    Length(u32),
    /// The checksum does not fit.
    Checksum,
    /// The batch would begin behind the record or inside the header.
    BatchStart(u32),
    /// The file ends inside the record.
    Short,
    /// Zeros where records must stand.
    Zero,
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => write!(f, "the record length {length} is impossible"),
            Self::Checksum => f.write_str("the record's checksum does not fit"),
            Self::BatchStart(start) => write!(f, "the batch start {start} is impossible"),
            Self::Short => f.write_str("the file ends inside a record"),
            Self::Zero => f.write_str("zeros stand where a record was written"),
        }
    }
}

impl RecordHead {
    /// Reads the fixed part; `None` when it is all zeros. `bytes` holds at least a header.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let head = Self {
            checksum: u32_at(bytes, 0),
            length: u32_at(bytes, 4),
            seq: u64_at(bytes, 8),
            batch_start: u32_at(bytes, 16),
            kind: u16::from_le_bytes([bytes[20], bytes[21]]),
        };
        let zero = head.checksum == 0
            && head.length == 0
            && head.seq == 0
            && head.batch_start == 0
            && head.kind == 0;
        (!zero).then_some(head)
    }

    /// Bytes of the whole record. Only for a length that was checked.
    pub const fn record_bytes(&self) -> u32 {
        RECORD_HEADER_BYTES + self.length
    }

    /// Checks what can be checked without the payload: the record stands at `offset` with `room`
    /// bytes up to the end.
    ///
    /// # Errors
    /// [`RecordFault`].
    #[inline]
    pub const fn check(&self, offset: u32, room: u32) -> Result<(), RecordFault> {
        if self.length > PAYLOAD_BYTES_MAX || self.record_bytes() > room {
            return Err(RecordFault::Length(self.length));
        }
        if self.batch_start < SEGMENT_HEADER_BYTES || self.batch_start > offset {
            return Err(RecordFault::BatchStart(self.batch_start));
        }
        Ok(())
    }
}

/// Appends one record whose payload is the two parts, one behind the other.
#[inline]
pub fn put_record(
    out: &mut Vec<u8>,
    salt: u32,
    seq: u64,
    batch_start: u32,
    kind: u16,
    parts: [&[u8]; 2],
) {
    let start = out.len();
    let length = (parts[0].len() + parts[1].len()) as u32;
    let mut head = [0; RECORD_HEADER_BYTES as usize];
    head[4..8].copy_from_slice(&length.to_le_bytes());
    head[8..16].copy_from_slice(&seq.to_le_bytes());
    head[16..20].copy_from_slice(&batch_start.to_le_bytes());
    head[20..22].copy_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(parts[0]);
    out.extend_from_slice(parts[1]);
    let checksum = record_checksum(&out[start..], salt);
    out[start..start + 4].copy_from_slice(&checksum.to_le_bytes());
}

/// The checksum that a whole record must carry.
#[inline]
pub fn record_checksum(record: &[u8], salt: u32) -> u32 {
    crc32c::crc32c_append(salt, &record[4..])
}

#[inline]
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[inline]
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

const _: () = assert!(SEGMENT_BYTES_MIN > SEGMENT_HEADER_BYTES + 4 * RECORD_HEADER_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            stream: Stream::Journal,
            fingerprint: 0x0123_4567_89ab_cdef,
            epoch: 3,
            ordinal: 9,
            first_seq: 1_000,
            previous: Key { seq: 999, index: 0 },
            previous_end: 4_000,
            checksum: 0,
        }
    }

    #[test]
    fn a_header_comes_back_and_every_flipped_bit_is_seen() {
        let mut header = header();
        let bytes = header.seal();
        assert_eq!(
            SegmentHeader::from_bytes(&bytes, Stream::Journal, 9),
            Ok(header)
        );
        for at in 0..bytes.len() * 8 {
            let mut broken = bytes;
            broken[at / 8] ^= 1 << (at % 8);
            assert_eq!(
                SegmentHeader::from_bytes(&broken, Stream::Journal, 9),
                Err(HeaderFault::Broken)
            );
        }
    }

    #[test]
    fn a_header_of_another_file_version_or_log_is_refused() {
        let bytes = header().seal();
        let broken = Err(HeaderFault::Broken);
        assert_eq!(SegmentHeader::from_bytes(&bytes, Stream::Output, 9), broken);
        assert_eq!(
            SegmentHeader::from_bytes(&bytes, Stream::Journal, 8),
            broken
        );
        assert_eq!(
            SegmentHeader::from_bytes(&bytes[..63], Stream::Journal, 9),
            broken
        );
        let zero = Err(HeaderFault::Zero);
        assert_eq!(
            SegmentHeader::from_bytes(&[0; 64], Stream::Journal, 9),
            zero
        );
        assert_eq!(SegmentHeader::from_bytes(&[], Stream::Journal, 9), zero);
        let mut other = bytes;
        other[8] = 3;
        let checksum = crc32c::crc32c(&other[..60]);
        other[60..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(
            SegmentHeader::from_bytes(&other, Stream::Journal, 9),
            Err(HeaderFault::Version(3))
        );
    }

    #[test]
    fn a_packed_header_keeps_the_salt_of_the_plain_one() {
        let mut header = header();
        header.seal();
        let packed = header.seal_packed();
        let read = SegmentHeader::read(&packed, Stream::Journal, 9);
        assert_eq!(read, Ok((header, true)));
        for at in 0..packed.len() * 8 {
            let mut broken = packed;
            broken[at / 8] ^= 1 << (at % 8);
            let read = SegmentHeader::read(&broken, Stream::Journal, 9);
            assert_eq!(read, Err(HeaderFault::Broken));
        }
    }

    #[test]
    fn a_record_of_42_bytes_takes_64() {
        let mut out = Vec::new();
        put_record(&mut out, 7, 5, 64, 3, [&[1; 2], &[2; 40]]);
        assert_eq!(out.len(), 64);
        let head = RecordHead::from_bytes(&out).unwrap();
        assert_eq!(
            (head.seq, head.batch_start, head.kind, head.length),
            (5, 64, 3, 42)
        );
        assert_eq!(head.checksum, record_checksum(&out, 7));
        assert_ne!(head.checksum, record_checksum(&out, 8));
        assert_eq!(head.check(64, 64), Ok(()));
        assert_eq!(head.check(64, 63), Err(RecordFault::Length(42)));
        assert_eq!(head.check(63, 64), Err(RecordFault::BatchStart(64)));
    }

    #[test]
    fn names_and_ordinals_agree() {
        assert_eq!(Stream::Journal.file_name(7), "journal-0000000007.seg");
        assert_eq!(
            Stream::Journal.ordinal_of("journal-0000000007.seg"),
            Some(7)
        );
        assert_eq!(Stream::Output.ordinal_of("journal-0000000007.seg"), None);
        assert_eq!(Stream::Journal.ordinal_of("journal-7.seg"), None);
    }
}
