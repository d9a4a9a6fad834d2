//! Snapshots of the machine's state: one file each, written beside, synced, then renamed.

use super::disk::{Disk, DiskFile};
use super::error::JournalError;
use super::layout::FORMAT_VERSION;
use std::io;
use std::sync::Arc;

const SNAPSHOT_MAGIC: [u8; 8] = *b"SIAGASNP";
const HEADER_BYTES: usize = 64;

/// Snapshots that are kept: when the newest is damaged, the one before still bounds the replay.
const SNAPSHOTS_KEPT: usize = 2;

/// What the name of a snapshot ahead of the journal ends with: kept for people, read by nobody.
const AHEAD_SUFFIX: &str = ".ahead";

/// Written and read in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

/// Largest state that is read back, so that a damaged length cannot ask for all memory.
const PAYLOAD_BYTES_MAX: u64 = 16 << 30;

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotMeta {
    /// Last input that the state contains.
    pub seq: u64,
    /// Fingerprint of the constants that change decisions.
    pub fingerprint: u64,
    /// Epoch of the rules.
    pub epoch: u32,
    /// Hash of the state; the machine checks it after loading.
    pub state_hash: u64,
}

/// A snapshot that was read back whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is of.
    pub meta: SnapshotMeta,
    /// The state's encoding.
    pub payload: Vec<u8>,
}

/// A snapshot that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedSnapshot {
    /// File name.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// A snapshot was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotWritten {
    /// Bytes of the file.
    pub bytes: u64,
    /// The journal may be trimmed before this sequence: the oldest snapshot kept needs the rest.
    pub trim_before: u64,
}

/// The snapshots in one directory.
pub struct Snapshots {
    disk: Arc<dyn Disk>,
}

impl Snapshots {
    /// The snapshots in `disk`.
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk }
    }

    /// Writes a snapshot durably, then removes all but the newest two.
    ///
    /// # Errors
    /// [`JournalError::Io`]; older snapshots are then untouched.
    pub fn write(
        &self,
        meta: &SnapshotMeta,
        payload: &[u8],
    ) -> Result<SnapshotWritten, JournalError> {
        let name = file_name(meta.seq);
        let temporary = format!("{name}.tmp");
        let fail = |error| JournalError::io("write", &name)(error);
        let bytes = (HEADER_BYTES + payload.len()) as u64;
        self.disk.create_zeroed(&temporary, 0).map_err(fail)?;
        let file = self.disk.open(&temporary).map_err(fail)?;
        file.write_at(0, &header(meta, payload)).map_err(fail)?;
        for (number, piece) in payload.chunks(PIECE_BYTES).enumerate() {
            let offset = (HEADER_BYTES + number * PIECE_BYTES) as u64;
            file.write_at(offset, piece).map_err(fail)?;
        }
        file.sync_data().map_err(fail)?;
        self.disk.rename(&temporary, &name).map_err(fail)?;
        self.disk.sync_dir().map_err(fail)?;
        let trim_before = self.remove_old()?.saturating_add(1);
        Ok(SnapshotWritten { bytes, trim_before })
    }

    /// The newest whole snapshot of an input at or below `seq_max`, and which newer ones could not
    /// be used. With `fingerprint`, only one of those rules; `None` is for starting a new epoch.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the directory cannot be listed. A file that cannot be read is
    /// skipped with its reason.
    pub fn newest_good(
        &self,
        seq_max: u64,
        fingerprint: Option<u64>,
    ) -> Result<(Option<Snapshot>, Vec<SkippedSnapshot>), JournalError> {
        let mut skipped = Vec::new();
        for seq in self.sequences()?.into_iter().rev() {
            let file = file_name(seq);
            let reason = if seq > seq_max {
                format!("it is of input {seq}, and the log ends at {seq_max}")
            } else {
                match self.read(seq) {
                    Ok(snapshot) if fingerprint.is_none_or(|f| f == snapshot.meta.fingerprint) => {
                        return Ok((Some(snapshot), skipped));
                    }
                    Ok(snapshot) => format!(
                        "it was written under decision fingerprint {:#018x} of epoch {}",
                        snapshot.meta.fingerprint, snapshot.meta.epoch
                    ),
                    Err(error) => error.to_string(),
                }
            };
            skipped.push(SkippedSnapshot { file, reason });
        }
        Ok((None, skipped))
    }

    /// Renames every snapshot of an input behind `end`, durably, and says which: the inputs that follow in the
    /// journal are others than those that led to it, and nothing in the file would tell. Call it before any is recorded.
    ///
    /// # Errors
    /// [`JournalError::Io`]: nothing may be recorded then.
    pub fn set_aside_after(&self, end: u64) -> Result<Vec<u64>, JournalError> {
        let ahead: Vec<u64> = self
            .sequences()?
            .into_iter()
            .filter(|seq| *seq > end)
            .collect();
        for seq in &ahead {
            let name = file_name(*seq);
            self.disk
                .rename(&name, &format!("{name}{AHEAD_SUFFIX}"))
                .map_err(JournalError::io("set aside", &name))?;
        }
        if !ahead.is_empty() {
            self.disk
                .sync_dir()
                .map_err(JournalError::io("sync", "the data directory"))?;
        }
        Ok(ahead)
    }

    /// Sequences of all snapshot files, oldest first; whether they are whole is not known.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn sequences(&self) -> Result<Vec<u64>, JournalError> {
        let listed = self
            .disk
            .list()
            .map_err(JournalError::io("list", "the data directory"))?;
        let mut found: Vec<u64> = listed.iter().filter_map(|file| seq_of(&file.0)).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Reads one snapshot whole.
    ///
    /// # Errors
    /// [`JournalError::Damaged`], [`JournalError::Version`] or [`JournalError::Io`].
    pub fn read(&self, seq: u64) -> Result<Snapshot, JournalError> {
        let name = file_name(seq);
        let file = self
            .disk
            .open(&name)
            .map_err(JournalError::io("open", &name))?;
        read_file(file.as_ref(), seq).map_err(|fault| match fault {
            Fault::Io(error) => JournalError::io("read", &name)(error),
            Fault::Version(found) => JournalError::Version {
                file: name,
                found,
                expected: FORMAT_VERSION,
            },
            Fault::Damaged(offset, found) => JournalError::Damaged {
                file: name,
                offset,
                found: found.to_owned(),
            },
        })
    }

    /// Removes all but the newest ones and files half written; gives the oldest sequence kept.
    fn remove_old(&self) -> Result<u64, JournalError> {
        let sequences = self.sequences()?;
        let kept_from = sequences.len().saturating_sub(SNAPSHOTS_KEPT);
        let old = sequences[..kept_from].iter().map(|seq| file_name(*seq));
        let listed = self
            .disk
            .list()
            .map_err(JournalError::io("list", "the data directory"))?;
        let half = listed.into_iter().map(|file| file.0).filter(|name| {
            name.strip_suffix(".tmp")
                .is_some_and(|name| seq_of(name).is_some())
        });
        for name in old.chain(half) {
            self.disk
                .remove(&name)
                .map_err(JournalError::io("remove", &name))?;
        }
        self.disk
            .sync_dir()
            .map_err(JournalError::io("sync", "the data directory"))?;
        Ok(sequences.get(kept_from).copied().unwrap_or(0))
    }
}

enum Fault {
    Io(io::Error),
    Version(u32),
    Damaged(u64, &'static str),
}

fn file_name(seq: u64) -> String {
    format!("snapshot-{seq:020}.bin")
}

fn seq_of(name: &str) -> Option<u64> {
    let seq = name
        .strip_prefix("snapshot-")?
        .strip_suffix(".bin")?
        .parse()
        .ok()?;
    (file_name(seq) == name).then_some(seq)
}

fn header(meta: &SnapshotMeta, payload: &[u8]) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[0..8].copy_from_slice(&SNAPSHOT_MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&meta.epoch.to_le_bytes());
    bytes[16..24].copy_from_slice(&meta.fingerprint.to_le_bytes());
    bytes[24..32].copy_from_slice(&meta.seq.to_le_bytes());
    bytes[32..40].copy_from_slice(&meta.state_hash.to_le_bytes());
    bytes[40..48].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes[48..52].copy_from_slice(&crc32c::crc32c(payload).to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn read_file(file: &dyn DiskFile, seq: u64) -> Result<Snapshot, Fault> {
    let mut front = [0; HEADER_BYTES];
    let count = file.read_at(0, &mut front).map_err(Fault::Io)?;
    let u32_at =
        |at: usize| u32::from_le_bytes([front[at], front[at + 1], front[at + 2], front[at + 3]]);
    let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
    let whole = count == HEADER_BYTES
        && front[..8] == SNAPSHOT_MAGIC
        && u32_at(60) == crc32c::crc32c(&front[..60]);
    if !whole {
        return Err(Fault::Damaged(0, "the header is broken"));
    }
    if u32_at(8) != FORMAT_VERSION {
        return Err(Fault::Version(u32_at(8)));
    }
    let meta = SnapshotMeta {
        seq: u64_at(24),
        fingerprint: u64_at(16),
        epoch: u32_at(12),
        state_hash: u64_at(32),
    };
    let length = u64_at(40);
    let behind = file
        .bytes()
        .map_err(Fault::Io)?
        .saturating_sub(HEADER_BYTES as u64);
    if meta.seq != seq || length != behind || length > PAYLOAD_BYTES_MAX {
        return Err(Fault::Damaged(24, "the header does not fit the file"));
    }
    let mut payload = vec![0; length as usize];
    let count = file
        .read_at(HEADER_BYTES as u64, &mut payload)
        .map_err(Fault::Io)?;
    if count as u64 != length || crc32c::crc32c(&payload) != u32_at(48) {
        return Err(Fault::Damaged(
            HEADER_BYTES as u64,
            "the checksum of the state does not fit",
        ));
    }
    Ok(Snapshot { meta, payload })
}
