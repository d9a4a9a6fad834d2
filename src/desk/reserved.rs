//! A file whose room is taken when it is opened, so that what matters most on a full disk can still be written: it is
//! overwritten in place, and grows only when its state does.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Room taken at first, and in steps of which it grows, bytes.
const ROOM_BYTES: u64 = 256 << 10;
/// What such a file begins with.
const MAGIC: [u8; 8] = *b"siagarsv";
/// The magic, the length of the state and its checksum.
const HEADER_BYTES: usize = 8 + 8 + 32;

/// The open file.
#[derive(Debug)]
pub struct Reserved {
    file: File,
    /// Bytes that are its own.
    room: u64,
}

impl Reserved {
    /// Opens the file or makes it, and gives the state it holds. A state that is not whole is passed over, and told in
    /// the log, as is a disk that has no room for the file: it is tried again with each write.
    ///
    /// # Errors
    /// When the file cannot be read or made.
    pub fn open(path: &Path) -> std::io::Result<(Self, Option<Vec<u8>>)> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let state = parse(&bytes).unwrap_or_else(|why| {
            tracing::error!(path = %path.display(), why, "what the file kept is lost and passed over");
            None
        });
        let room = bytes.len() as u64;
        let mut reserved = Self { file, room };
        if let Err(error) = reserved.begin(path) {
            tracing::warn!(%error, path = %path.display(), "no room could be set aside: what belongs in the file is not kept while the disk is full");
        }
        Ok((reserved, state))
    }

    /// Puts a state in place of the one before, durably.
    ///
    /// # Errors
    /// When it does not fit and the disk has no more room: the state before stays. When the disk refuses otherwise,
    /// neither may be whole.
    pub fn write(&mut self, state: &[u8]) -> std::io::Result<()> {
        let bytes = framed(state);
        let wanted = (bytes.len() as u64).next_multiple_of(ROOM_BYTES);
        if bytes.len() as u64 > self.room {
            self.grow(wanted)?;
        }
        self.file.write_all_at(&bytes, 0)?;
        self.file.sync_data()
    }

    fn begin(&mut self, path: &Path) -> std::io::Result<()> {
        if self.room >= ROOM_BYTES {
            return Ok(());
        }
        self.grow(ROOM_BYTES)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Takes more room, with zeros that are really written.
    fn grow(&mut self, to: u64) -> std::io::Result<()> {
        let zeros = vec![0_u8; usize::try_from(to - self.room).map_err(std::io::Error::other)?];
        let grown = self.file.write_all_at(&zeros, self.room);
        if let Err(error) = grown.and_then(|()| self.file.sync_all()) {
            // What is left of a full disk belongs to those who have something to write.
            let _ = self.file.set_len(self.room);
            return Err(error);
        }
        self.room = to;
        Ok(())
    }
}

fn checksum(state: &[u8]) -> [u8; 32] {
    Sha256::digest(state).into()
}

fn framed(state: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + state.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&checksum(state));
    bytes.extend_from_slice(state);
    bytes
}

/// The state that a file holds; none where nothing was kept yet.
fn parse(bytes: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    if bytes.iter().take(HEADER_BYTES).all(|byte| *byte == 0) {
        return Ok(None);
    }
    let (Some(magic), Some(length), Some(sum)) = (
        bytes.get(..8),
        bytes.get(8..16),
        bytes.get(16..HEADER_BYTES),
    ) else {
        return Err("it ends within its first bytes");
    };
    if magic != MAGIC {
        return Err("it is of another kind");
    }
    let length = length
        .iter()
        .rev()
        .fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    let state = usize::try_from(length)
        .ok()
        .and_then(|length| bytes.get(HEADER_BYTES..HEADER_BYTES.checked_add(length)?))
        .ok_or("it ends before what it holds")?;
    match checksum(state) == sum {
        true => Ok(Some(state.to_vec())),
        false => Err("it was half written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_last_comes_back_and_takes_no_more_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept.bin");
        let (mut file, before) = Reserved::open(&path).expect("made");
        assert_eq!(before, None);
        let bytes = || std::fs::metadata(&path).expect("it is there").len();
        assert_eq!(bytes(), ROOM_BYTES, "before anything is written");
        let (_, before) = Reserved::open(&path).expect("opened");
        assert_eq!(before, None, "nothing was kept yet");
        file.write(&[7; 1_000]).expect("written");
        file.write(b"shorter").expect("written");
        let (_, last) = Reserved::open(&path).expect("opened");
        assert_eq!(last.as_deref(), Some(b"shorter".as_slice()));
        assert_eq!(bytes(), ROOM_BYTES);
        file.write(&[]).expect("written");
        let (_, last) = Reserved::open(&path).expect("opened");
        assert_eq!(last, Some(Vec::new()), "nothing is something to keep");
    }

    #[test]
    fn a_larger_state_takes_more_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept.bin");
        let (mut file, _) = Reserved::open(&path).expect("made");
        let large = vec![9; ROOM_BYTES as usize];
        file.write(&large).expect("written");
        let (again, last) = Reserved::open(&path).expect("opened");
        assert_eq!(last, Some(large));
        assert_eq!(again.room, 2 * ROOM_BYTES);
    }

    #[test]
    fn no_more_room_leaves_what_was_kept_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept.bin");
        let (mut file, _) = Reserved::open(&path).expect("made");
        file.write(b"before").expect("written");
        // A disk that takes no byte more: the file cannot be written at all.
        file.file = File::open(&path).expect("to read");
        file.write(&vec![9; ROOM_BYTES as usize])
            .expect_err("it does not fit");
        assert_eq!(file.room, ROOM_BYTES);
        let (_, last) = Reserved::open(&path).expect("opened");
        assert_eq!(last.as_deref(), Some(b"before".as_slice()));
    }

    #[test]
    fn a_torn_write_is_passed_over_and_the_next_one_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept.bin");
        let (mut file, _) = Reserved::open(&path).expect("made");
        file.write(&[7; 100]).expect("written");
        let whole = framed(&[8; 100]);
        for torn in [1, 8, 15, 20, HEADER_BYTES, HEADER_BYTES + 50] {
            file.file.write_all_at(&whole[..torn], 0).expect("half");
            let (_, kept) = Reserved::open(&path).expect("opened");
            let is_before = torn <= 15;
            assert_eq!(kept.is_some(), is_before, "{torn} bytes");
        }
        file.write(b"whole").expect("written");
        let (_, kept) = Reserved::open(&path).expect("opened");
        assert_eq!(kept.as_deref(), Some(b"whole".as_slice()));
        std::fs::write(&path, b"SIAGA?").expect("garbage");
        let (_, kept) = Reserved::open(&path).expect("opened");
        assert_eq!(kept, None);
    }
}
