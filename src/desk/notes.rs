//! What people write: kept by its hash, because the journal holds numbers alone.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use siaga_risk::ids::ActorId;
use siaga_risk::units::Ts;

use crate::store::names::NoteRow;

/// Longest note, bytes: a paragraph, not a document.
const NOTE_BYTES_MAX: usize = 4_096;

/// All notes; one line of JSON each in a file that is synced before a note counts.
pub struct Notes {
    inner: Mutex<Inner>,
}

struct Inner {
    path: PathBuf,
    file: File,
    /// The last line may be there in part: the disk refused it.
    cut: bool,
    texts: BTreeMap<u64, String>,
    /// Hash, author and time, in the order in which they came.
    order: Vec<(u64, u32, Ts)>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    hash: u64,
    at: u64,
    by: u32,
    text: String,
}

impl Notes {
    /// Opens the notes in `path`; a line that was cut by a crash is passed over.
    ///
    /// # Errors
    /// When the file cannot be read or made.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let (mut texts, mut order) = (BTreeMap::new(), Vec::new());
        if let Ok(file) = File::open(path) {
            for line in BufReader::new(file).lines() {
                if let Ok(line) = serde_json::from_str::<Line>(&line?)
                    && texts.insert(line.hash, line.text).is_none()
                {
                    order.push((line.hash, line.by, Ts(line.at)));
                }
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        // A line that was cut must not swallow the next one.
        file.write_all(b"\n")?;
        Ok(Self {
            inner: Mutex::new(Inner {
                path: path.to_owned(),
                file,
                cut: false,
                texts,
                order,
            }),
        })
    }

    /// Keeps a note durably and gives its hash; the empty note is 0.
    ///
    /// # Errors
    /// When the disk refuses: then the note is not kept.
    pub fn keep(&self, at: Ts, by: ActorId, text: &str) -> std::io::Result<u64> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(0);
        }
        if text.len() > NOTE_BYTES_MAX {
            let why = format!("a note has at most {NOTE_BYTES_MAX} bytes");
            return Err(std::io::Error::new(ErrorKind::InvalidInput, why));
        }
        let hash = hash_of(text);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.texts.contains_key(&hash) {
            return Ok(hash);
        }
        let line = Line {
            hash,
            at: at.0,
            by: by.0,
            text: text.to_owned(),
        };
        let mut bytes = match inner.cut {
            true => b"\n".to_vec(),
            false => Vec::new(),
        };
        serde_json::to_writer(&mut bytes, &line)?;
        bytes.push(b'\n');
        inner.cut = true;
        inner.file.write_all(&bytes)?;
        inner.file.sync_data()?;
        inner.cut = false;
        inner.texts.insert(hash, line.text);
        inner.order.push((hash, by.0, at));
        Ok(hash)
    }

    /// Takes over texts out of which an erasure took what names a person: in memory and in the file, which is written
    /// anew and put in its place at once. Says whether anything was otherwise.
    ///
    /// # Errors
    /// When the disk refuses: then everything stays as it was.
    pub fn redact(&self, redacted: &[(u64, String)]) -> std::io::Result<bool> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |(hash, text): &(u64, String)| inner.texts.get(hash).is_none_or(|held| held == text);
        if redacted.iter().all(same) {
            return Ok(false);
        }
        let mut texts = inner.texts.clone();
        for (hash, text) in redacted {
            if let Some(held) = texts.get_mut(hash) {
                held.clone_from(text);
            }
        }
        let beside = inner.path.with_extension("redacted");
        let mut file = File::create(&beside)?;
        for (hash, by, at) in &inner.order {
            let Some(text) = texts.get(hash) else {
                continue;
            };
            let line = Line {
                hash: *hash,
                at: at.0,
                by: *by,
                text: text.clone(),
            };
            let mut bytes = serde_json::to_vec(&line)?;
            bytes.push(b'\n');
            file.write_all(&bytes)?;
        }
        file.sync_all()?;
        std::fs::rename(&beside, &inner.path)?;
        if let Some(folder) = inner.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        inner.file = OpenOptions::new().append(true).open(&inner.path)?;
        inner.texts = texts;
        Ok(true)
    }

    /// At most `limit` notes behind the first `count`, in the order in which they came, as the database takes them: it has
    /// no NUL.
    pub fn after(&self, count: usize, limit: usize) -> Vec<NoteRow> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let later = inner.order.iter().skip(count).take(limit);
        later
            .filter_map(|(hash, author, at)| {
                Some(NoteRow {
                    hash: *hash,
                    text: inner.texts.get(hash)?.replace('\0', "\u{fffd}"),
                    author: *author,
                    at: *at,
                })
            })
            .collect()
    }

    /// The note with this hash.
    pub fn text(&self, hash: u64) -> Option<String> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.texts.get(&hash).cloned()
    }
}

/// The first 63 bits of SHA-256, never 0.
fn hash_of(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    (u64::from_be_bytes(first) >> 1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_erasure_took_out_is_in_no_file_and_does_not_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.ndjson");
        let notes = Notes::open(&path).unwrap();
        let keep = |text| notes.keep(Ts(1), ActorId(1), text).unwrap();
        let (sari, other) = (keep("called Sari Dewi"), keep("fine"));
        let redacted = [(sari, "called [erased]".to_owned()), (7, "x".to_owned())];
        assert!(notes.redact(&redacted).unwrap());
        assert!(!notes.redact(&redacted).unwrap(), "once is enough");
        assert_eq!(keep("called Sari Dewi"), sari, "its hash stays");
        let later = keep("later");
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let file = entry.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(!text.contains("Sari"), "{}", file.display());
        }
        let again = Notes::open(&path).unwrap();
        for (hash, text) in [(sari, "called [erased]"), (other, "fine"), (later, "later")] {
            assert_eq!(again.text(hash).as_deref(), Some(text));
        }
        assert_eq!(again.after(0, 10).len(), 3);
    }

    #[test]
    fn notes_survive_a_restart_and_a_cut_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes");
        let hash = {
            let notes = Notes::open(&path).unwrap();
            assert_eq!(notes.keep(Ts(1), ActorId(1), "  ").unwrap(), 0);
            notes
                .keep(Ts(1), ActorId(1), " called the client ")
                .unwrap()
        };
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"hash\":7,\"at\"").unwrap();
        let notes = Notes::open(&path).unwrap();
        assert_eq!(notes.text(hash).as_deref(), Some("called the client"));
        let second = notes.keep(Ts(2), ActorId(1), "second").unwrap();
        drop(notes);
        assert_eq!(
            Notes::open(&path).unwrap().text(second).as_deref(),
            Some("second")
        );
    }

    #[test]
    fn a_line_that_the_disk_refused_in_part_does_not_swallow_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes");
        let notes = Notes::open(&path).unwrap();
        {
            let mut inner = notes.inner.lock().unwrap();
            inner.file.write_all(b"{\"hash\":7,\"at\"").unwrap();
            inner.cut = true;
        }
        let hash = notes.keep(Ts(1), ActorId(1), "there is room").unwrap();
        drop(notes);
        let again = Notes::open(&path).unwrap();
        assert_eq!(again.text(hash).as_deref(), Some("there is room"));
        let long = "x".repeat(NOTE_BYTES_MAX + 1);
        let refused = again.keep(Ts(2), ActorId(1), &long).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
}
