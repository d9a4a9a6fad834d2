//! A file whose room is taken when it is opened, so that what matters most on a full disk can still be written: it is
//! overwritten in place, in one of two slots, and grows only when its state does.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Room taken at first, bytes. It grows by powers of two, so that a slot of before lies within one of after.
const ROOM_BYTES: u64 = 256 << 10;
/// Two slots share the room. Each begins at a multiple of the smallest one.
const SLOT_BYTES: u64 = ROOM_BYTES / 2;
/// What a slot begins with.
const MAGIC: [u8; 8] = *b"siagars2";
/// The magic, the number of the write, the length of the state, and the checksum of what follows the magic.
const HEADER_BYTES: usize = 8 + 8 + 8 + 32;

/// The open file: two slots, written in turn, so that a torn write leaves the state before.
#[derive(Debug)]
pub struct Reserved {
    file: File,
    /// Bytes that are its own.
    room: u64,
    /// Number of the last whole write, and where it is.
    number: u64,
    newest: Option<u64>,
}

impl Reserved {
    /// Opens the file or makes it, and gives the newest state it holds. A state that is not whole is passed over for the
    /// one before, and told in the log, as is a disk that has no room for the file: it is tried again with each write.
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
        // Slots of smaller rooms as well: the newest state may be in one until the next is whole.
        let places = || (0..bytes.len()).step_by(SLOT_BYTES as usize);
        let whole = places().filter_map(|at| {
            let (number, state) = parse(&bytes[at..])?;
            Some((number, at as u64, state.to_vec()))
        });
        let newest = whole.max_by_key(|(number, ..)| *number);
        let is_torn = |at: usize| bytes[at..].starts_with(&MAGIC) && parse(&bytes[at..]).is_none();
        if newest.is_none() && bytes.iter().any(|byte| *byte != 0) {
            tracing::error!(path = %path.display(), "what the file kept is not whole, lost and passed over");
        } else if places().any(is_torn) {
            tracing::warn!(path = %path.display(), "the last write of the file is not whole: the state before it is taken");
        }
        let mut reserved = Self {
            room: bytes.len() as u64,
            file,
            number: newest.as_ref().map_or(0, |(number, ..)| *number),
            newest: newest.as_ref().map(|(_, at, _)| *at),
        };
        if let Err(error) = reserved.begin(path) {
            tracing::warn!(%error, path = %path.display(), "no room could be set aside: what belongs in the file is not kept while the disk is full");
        }
        Ok((reserved, newest.map(|(.., state)| state)))
    }

    /// Puts a state beside the one before, durably; the one before that is gone.
    ///
    /// # Errors
    /// When it does not fit and the disk has no more room, or refuses otherwise: the state before stays.
    pub fn write(&mut self, state: &[u8]) -> std::io::Result<()> {
        let number = self.number + 1;
        let bytes = framed(number, state);
        let needed = bytes.len() as u64;
        if needed > slot_bytes(self.room) {
            self.grow(2 * needed.next_power_of_two().max(SLOT_BYTES))?;
        }
        let slot = slot_bytes(self.room);
        let at = match self.newest {
            Some(newest) if newest < slot => slot,
            _ => 0,
        };
        self.file.write_all_at(&bytes, at)?;
        self.file.sync_data()?;
        (self.number, self.newest) = (number, Some(at));
        Ok(())
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

    /// Takes more room, with zeros that are really written. Nothing of what is there moves.
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

/// Bytes of one slot in so much room; a room that was half taken has the slots of the one before.
fn slot_bytes(room: u64) -> u64 {
    match (room / ROOM_BYTES).checked_ilog2() {
        Some(doubled) => SLOT_BYTES << doubled,
        None => 0,
    }
}

fn checksum(number: u64, state: &[u8]) -> [u8; 32] {
    let mut sum = Sha256::new();
    sum.update(number.to_le_bytes());
    sum.update((state.len() as u64).to_le_bytes());
    sum.update(state);
    sum.finalize().into()
}

fn framed(number: u64, state: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + state.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&checksum(number, state));
    bytes.extend_from_slice(state);
    bytes
}

/// The number and the state of a slot that begins here; none where it is not whole.
fn parse(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let field = |at: usize| {
        let bytes = bytes.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    };
    if !bytes.starts_with(&MAGIC) {
        return None;
    }
    let (number, length) = (field(8)?, field(16)?);
    let end = HEADER_BYTES.checked_add(usize::try_from(length).ok()?)?;
    let (sum, state) = (bytes.get(24..HEADER_BYTES)?, bytes.get(HEADER_BYTES..end)?);
    (*sum == checksum(number, state)).then_some((number, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the next start finds.
    fn kept(path: &Path) -> Option<Vec<u8>> {
        Reserved::open(path).expect("opened").1
    }

    #[test]
    fn what_was_kept_last_comes_back_and_takes_no_more_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept.bin");
        let (mut file, before) = Reserved::open(&path).expect("made");
        assert_eq!(before, None);
        let bytes = || std::fs::metadata(&path).expect("it is there").len();
        assert_eq!(bytes(), ROOM_BYTES, "before anything is written");
        assert_eq!(kept(&path), None, "nothing was kept yet");
        file.write(&[7; 1_000]).expect("written");
        file.write(b"shorter").expect("written");
        assert_eq!(kept(&path).as_deref(), Some(b"shorter".as_slice()));
        assert_eq!(bytes(), ROOM_BYTES);
        file.write(&[]).expect("written");
        assert_eq!(
            kept(&path),
            Some(Vec::new()),
            "nothing is something to keep"
        );
        // Opened again it goes on in turn.
        for state in [b"a", b"b", b"c"] {
            let (mut file, _) = Reserved::open(&path).expect("opened");
            file.write(state).expect("written");
            assert_eq!(kept(&path).as_deref(), Some(state.as_slice()));
        }
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
        assert_eq!(again.room, 4 * ROOM_BYTES, "two of twice the state");
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
        assert_eq!(kept(&path).as_deref(), Some(b"before".as_slice()));
    }

    #[test]
    fn a_torn_write_leaves_the_state_before_in_either_slot() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept.bin");
        let (mut file, _) = Reserved::open(&path).expect("made");
        for (number, state, next_at) in [(1, [7_u8; 100], SLOT_BYTES), (2, [8; 100], 0)] {
            file.write(&state).expect("written");
            let next = framed(number + 1, &[9; 100]);
            for torn in [1, 8, 15, 23, HEADER_BYTES, HEADER_BYTES + 50] {
                file.file
                    .write_all_at(&next[..torn], next_at)
                    .expect("half");
                assert_eq!(kept(&path), Some(state.to_vec()), "{torn} bytes");
            }
        }
        file.write(b"whole").expect("written");
        assert_eq!(kept(&path).as_deref(), Some(b"whole".as_slice()));
        // Another number or length under the checksum of before is no state.
        for at in [8, 16] {
            let mut wrong = framed(9, b"wrong");
            wrong[at] ^= 1;
            assert_eq!(parse(&wrong), None);
        }
        std::fs::write(&path, b"SIAGA?").expect("garbage");
        assert_eq!(kept(&path), None);
    }

    #[test]
    fn a_write_that_is_torn_while_the_room_grows_leaves_the_state_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept.bin");
        let (mut file, _) = Reserved::open(&path).expect("made");
        file.write(b"first").expect("written");
        // In the second slot, which lies elsewhere in a larger room.
        file.write(b"second").expect("written");
        file.grow(4 * ROOM_BYTES).expect("grown");
        let large = framed(3, &vec![9; ROOM_BYTES as usize]);
        let half = &large[..large.len() / 2];
        file.file.write_all_at(half, 2 * ROOM_BYTES).expect("half");
        let (mut again, last) = Reserved::open(&path).expect("opened");
        assert_eq!(last.as_deref(), Some(b"second".as_slice()));
        for state in [b"3", b"4", b"5"] {
            again.write(state).expect("written");
            assert_eq!(kept(&path).as_deref(), Some(state.as_slice()));
        }
        // Half of the room was taken: the slots are those of before.
        file.file.set_len(3 * ROOM_BYTES / 2).expect("cut");
        let (half, _) = Reserved::open(&path).expect("opened");
        assert_eq!(slot_bytes(half.room), SLOT_BYTES);
    }
}
