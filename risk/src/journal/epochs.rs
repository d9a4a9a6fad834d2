//! Which input began which epoch: new rules do, and a history that goes on where recorded inputs are gone. An order
//! keeps the epoch of its input in the id that a broker knows, so the beginnings outlive the segments that held them.

use super::disk::Disk;
use super::error::JournalError;
use super::layout::{FORMAT_VERSION, Stream};
use super::survey::headers;
use std::sync::Arc;

const EPOCHS_FILE: &str = "epochs.bin";
const EPOCHS_TEMPORARY: &str = "epochs.bin.tmp";
const EPOCHS_MAGIC: [u8; 8] = *b"SIAGAEPO";
/// Magic, format version, number of entries.
const HEADER_BYTES: usize = 16;
const ENTRY_BYTES: usize = 20;
const CHECKSUM_BYTES: usize = 4;

/// One epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub number: u32,
    /// Fingerprint of its rules.
    pub fingerprint: u64,
    /// Its first input.
    pub first_seq: u64,
}

/// All epochs of one directory, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epochs(Vec<Epoch>);

impl Epochs {
    /// The epochs that `disk` knows of: those kept, and those of the journal's segments. What was
    /// not kept yet is kept now.
    ///
    /// # Errors
    /// [`JournalError`] when the directory cannot be read or written. A damaged table is made
    /// again from the segments; `true` says that this happened.
    pub fn open(disk: &Arc<dyn Disk>) -> Result<(Self, bool), JournalError> {
        let (kept, damaged) = match read(disk.as_ref())? {
            Read::Whole(epochs) => (epochs, false),
            Read::Absent => (Vec::new(), false),
            Read::Damaged => (Vec::new(), true),
        };
        let mut epochs = Self(kept);
        let before = epochs.0.len();
        for segment in headers(disk.as_ref(), Stream::Journal)?.segments {
            let header = segment.header;
            epochs.note(Epoch {
                number: header.epoch,
                fingerprint: header.fingerprint,
                first_seq: header.first_seq,
            });
        }
        if damaged || epochs.0.len() != before {
            epochs.write(disk.as_ref())?;
        }
        Ok((epochs, damaged))
    }

    /// Begins an epoch of the same rules at `first_seq` and keeps it: another history goes on there, in which no id
    /// of the lost one may come again.
    ///
    /// # Errors
    /// [`JournalError`] when the directory cannot be written.
    pub fn begin(&mut self, disk: &Arc<dyn Disk>, first_seq: u64) -> Result<Epoch, JournalError> {
        let epoch = Epoch {
            number: self.newest().saturating_add(1),
            fingerprint: self.0.last().map_or(0, |last| last.fingerprint),
            first_seq,
        };
        self.note(epoch);
        self.write(disk.as_ref())?;
        Ok(epoch)
    }

    /// A history of one epoch, from the first input on.
    pub fn single(number: u32, fingerprint: u64) -> Self {
        let first_seq = 1;
        Self(vec![Epoch {
            number,
            fingerprint,
            first_seq,
        }])
    }

    /// Number of the newest epoch; 0 when none has begun.
    pub fn newest(&self) -> u32 {
        self.0.last().map_or(0, |epoch| epoch.number)
    }

    /// The epoch that input `seq` belongs to. What came before the first known one counts as its.
    pub fn of(&self, seq: u64) -> Option<Epoch> {
        let known = self.0.iter().rev().find(|epoch| epoch.first_seq <= seq);
        known.or(self.0.first()).copied()
    }

    /// The epochs, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Epoch> {
        self.0.iter()
    }

    // New rules whose number an epoch of ours has taken go on under that one: an id names its input once all the same.
    fn note(&mut self, epoch: Epoch) {
        let later = self.0.last().is_none_or(|last| last.number < epoch.number);
        if later {
            self.0.push(epoch);
        }
    }

    fn write(&self, disk: &dyn Disk) -> Result<(), JournalError> {
        let fail = |error| JournalError::io("write", EPOCHS_FILE)(error);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.0.len() * ENTRY_BYTES);
        bytes.extend_from_slice(&EPOCHS_MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&(self.0.len() as u32).to_le_bytes());
        for epoch in &self.0 {
            bytes.extend_from_slice(&epoch.number.to_le_bytes());
            bytes.extend_from_slice(&epoch.fingerprint.to_le_bytes());
            bytes.extend_from_slice(&epoch.first_seq.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        disk.create_zeroed(EPOCHS_TEMPORARY, 0).map_err(fail)?;
        let file = disk.open(EPOCHS_TEMPORARY).map_err(fail)?;
        file.write_at(0, &bytes).map_err(fail)?;
        file.sync_data().map_err(fail)?;
        disk.rename(EPOCHS_TEMPORARY, EPOCHS_FILE).map_err(fail)?;
        disk.sync_dir().map_err(fail)
    }
}

enum Read {
    Absent,
    Damaged,
    Whole(Vec<Epoch>),
}

fn read(disk: &dyn Disk) -> Result<Read, JournalError> {
    let fail = |error| JournalError::io("read", EPOCHS_FILE)(error);
    let listed = disk.list().map_err(fail)?;
    if !listed.iter().any(|file| file.0 == EPOCHS_FILE) {
        return Ok(Read::Absent);
    }
    let file = disk.open(EPOCHS_FILE).map_err(fail)?;
    let length = file.bytes().map_err(fail)?;
    // A damaged length must not ask for all memory: far more epochs than a directory ever has.
    if length > 1 << 20 {
        return Ok(Read::Damaged);
    }
    let mut bytes = vec![0; length as usize];
    let count = file.read_at(0, &mut bytes).map_err(fail)?;
    bytes.truncate(count);
    Ok(decode(&bytes).map_or(Read::Damaged, Read::Whole))
}

fn decode(bytes: &[u8]) -> Option<Vec<Epoch>> {
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let rest = body.strip_prefix(&EPOCHS_MAGIC)?;
    let rest = rest.strip_prefix(&FORMAT_VERSION.to_le_bytes())?;
    let (count, entries) = rest.split_first_chunk::<4>()?;
    let whole = entries.len() == u32::from_le_bytes(*count) as usize * ENTRY_BYTES;
    whole.then(|| {
        entries
            .chunks_exact(ENTRY_BYTES)
            .filter_map(entry)
            .collect()
    })
}

fn entry(bytes: &[u8]) -> Option<Epoch> {
    let (number, rest) = bytes.split_first_chunk()?;
    let (fingerprint, rest) = rest.split_first_chunk()?;
    let (first_seq, _) = rest.split_first_chunk()?;
    Some(Epoch {
        number: u32::from_le_bytes(*number),
        fingerprint: u64::from_le_bytes(*fingerprint),
        first_seq: u64::from_le_bytes(*first_seq),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Journal, MemoryDisk, Options, Preparation};
    use super::*;

    fn options(fingerprint: u64, epoch: u32) -> Options {
        Options {
            segment_bytes: 1_024,
            preparation: Preparation::Inline,
            ..Options::new(fingerprint, epoch)
        }
    }

    #[test]
    fn beginnings_outlive_the_segments_that_held_them() {
        let memory = Arc::new(MemoryDisk::default());
        let disk: Arc<dyn Disk> = memory.clone();
        let (mut journal, _) = Journal::open(disk.clone(), options(10, 1)).unwrap();
        for seq in 1..=40 {
            journal.append(seq, 1, &[7; 60]).unwrap();
        }
        journal.close().unwrap();
        Epochs::open(&disk).unwrap();
        let (mut journal, _) = Journal::open(disk.clone(), options(20, 2)).unwrap();
        for seq in 41..=80 {
            journal.append(seq, 1, &[7; 60]).unwrap();
        }
        journal.sync().unwrap();
        let (epochs, damaged) = Epochs::open(&disk).unwrap();
        assert!(!damaged);
        let begun: Vec<_> = epochs.iter().map(|e| (e.number, e.first_seq)).collect();
        assert_eq!(begun, [(1, 1), (2, 41)]);
        assert!(journal.trim_before(70).unwrap() > 0);
        let (trimmed, _) = Epochs::open(&disk).unwrap();
        assert_eq!(trimmed, epochs);
        let number = |seq| epochs.of(seq).unwrap().number;
        assert_eq!(
            [number(1), number(40), number(41), number(900)],
            [1, 1, 2, 2]
        );

        let file = disk.open(EPOCHS_FILE).unwrap();
        let mut bytes = vec![0; file.bytes().unwrap() as usize];
        file.read_at(0, &mut bytes).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&broken), None, "bit {bit}");
        }
        bytes[20] ^= 1;
        memory.put(EPOCHS_FILE, bytes);
        let (remade, damaged) = Epochs::open(&disk).unwrap();
        assert!(damaged, "and it is made again from what segments are left");
        assert_eq!(remade.of(75).unwrap().number, 2);
        assert!(!Epochs::open(&disk).unwrap().1);
    }
}
