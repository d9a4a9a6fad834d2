//! The record of what became of every delivery: one line of JSON each, synced before it counts, so that anybody can
//! read that an alert was told once, and a start knows what not to tell again.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use siaga_alerts::alert::LOCAL_BIT;
use siaga_alerts::outbox::{DeliveryId, End, Ended};
use siaga_risk::ids::AlertId;
use siaga_risk::units::Ts;

/// A file of this size is set aside and a new one begun; the one before it is kept: some 600,000 deliveries in all.
const BYTES_MAX: u64 = 32 << 20;

/// The file, open for appending.
pub struct Record {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// It may end with half a line, behind which the next one would be lost with it.
    torn: bool,
}

/// One line of the file.
#[derive(Debug, Deserialize, Serialize)]
struct Line {
    /// UTC nanoseconds.
    at: u64,
    alert: u64,
    revision: u32,
    sink: u16,
    end: Word,
    attempts: u32,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Delivered,
    Replaced,
    Dead,
    Gone,
    Overflow,
}

impl Record {
    /// Opens the record, and gives what it and the file before it say, oldest first. A line that a crash cut off is
    /// passed over: its delivery is made again under its old id.
    ///
    /// # Errors
    /// When a file cannot be read or made.
    pub fn open(path: &Path) -> std::io::Result<(Self, Vec<Ended>)> {
        let ended = read_all(path)?;
        Ok((Self::append_to(path)?, ended))
    }

    /// Sets the record aside and begins one with what had ended by `end`. What ended later may tell of inputs that are
    /// gone, and the ids of their alerts come again; only those of alerts that no journal holds do not.
    ///
    /// # Errors
    /// When a file cannot be read, renamed or made.
    pub fn set_aside_after(path: &Path, end: Ts) -> std::io::Result<()> {
        let mut ended = read_all(path)?;
        ended.retain(|ended| ended.at <= end || ended.id.alert.0 & LOCAL_BIT != 0);
        for file in [aside(path), path.to_owned()] {
            let mut ahead = file.clone().into_os_string();
            ahead.push(".ahead");
            match std::fs::rename(&file, PathBuf::from(ahead)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Self::append_to(path)?.add(&ended)
    }

    /// Adds what has ended, durably.
    ///
    /// # Errors
    /// When the disk refuses: then a restart may tell these again, under their old ids.
    pub fn add(&mut self, ended: &[Ended]) -> std::io::Result<()> {
        if self.bytes >= BYTES_MAX {
            match std::fs::rename(&self.path, aside(&self.path)) {
                // It was set aside before, and no new one could be made.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                done => done?,
            }
            *self = Self::append_to(&self.path)?;
        }
        let mut text = Vec::new();
        for ended in ended {
            serde_json::to_writer(&mut text, &line_of(ended))?;
            text.push(b'\n');
        }
        self.write(&text)
    }

    fn append_to(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self {
            path: path.to_owned(),
            bytes: file.metadata()?.len(),
            file,
            torn: true,
        })
    }

    fn write(&mut self, text: &[u8]) -> std::io::Result<()> {
        if std::mem::replace(&mut self.torn, true) {
            self.file.write_all(b"\n")?;
        }
        self.file.write_all(text)?;
        self.torn = false;
        self.file.sync_data()?;
        self.bytes += text.len() as u64;
        Ok(())
    }
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("1.ndjson")
}

/// What the file before and the file itself say.
fn read_all(path: &Path) -> std::io::Result<Vec<Ended>> {
    let mut ended = Vec::new();
    for path in [aside(path), path.to_owned()] {
        match File::open(&path) {
            Ok(file) => read(&file, &mut ended)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ended)
}

fn read(file: &File, ended: &mut Vec<Ended>) -> std::io::Result<()> {
    for line in BufReader::new(file).split(b'\n') {
        if let Ok(line) = serde_json::from_slice::<Line>(&line?) {
            ended.push(Ended {
                id: DeliveryId {
                    alert: AlertId(line.alert),
                    revision: line.revision,
                    sink: line.sink,
                },
                end: end_of(line.end),
                at: Ts(line.at),
                attempts: line.attempts,
            });
        }
    }
    Ok(())
}

fn line_of(ended: &Ended) -> Line {
    Line {
        at: ended.at.0,
        alert: ended.id.alert.0,
        revision: ended.id.revision,
        sink: ended.id.sink,
        end: match ended.end {
            End::Delivered => Word::Delivered,
            End::Replaced => Word::Replaced,
            End::Dead => Word::Dead,
            End::Gone => Word::Gone,
            End::Overflow => Word::Overflow,
        },
        attempts: ended.attempts,
    }
}

fn end_of(word: Word) -> End {
    match word {
        Word::Delivered => End::Delivered,
        Word::Replaced => End::Replaced,
        Word::Dead => End::Dead,
        Word::Gone => End::Gone,
        Word::Overflow => End::Overflow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(alert: u64, end: End) -> Ended {
        Ended {
            id: DeliveryId {
                alert: AlertId(alert),
                revision: 3,
                sink: 2,
            },
            end,
            at: Ts(17),
            attempts: 4,
        }
    }

    #[test]
    fn what_was_recorded_is_read_back_and_a_torn_line_harms_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deliveries.ndjson");
        let (mut record, before) = Record::open(&path).expect("a new record");
        assert_eq!(before, []);
        let first = [ended(1, End::Delivered), ended(1 << 63, End::Overflow)];
        record.add(&first).expect("added");
        drop(record);
        // A crash in the middle of a line.
        let mut file = File::options().append(true).open(&path).expect("the file");
        file.write_all(b"{\"at\":17,\"alert\":9,\"rev")
            .expect("half");
        let (mut record, before) = Record::open(&path).expect("the record");
        assert_eq!(before, first);
        record.add(&[ended(2, End::Gone)]).expect("added");
        let (_, all) = Record::open(&path).expect("the record");
        assert_eq!(all, [first[0], first[1], ended(2, End::Gone)]);
    }

    #[test]
    fn what_ended_after_the_end_of_the_journal_is_set_aside_but_for_local_alerts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deliveries.ndjson");
        let (mut record, _) = Record::open(&path).expect("a new record");
        let later = |alert| Ended {
            at: Ts(18),
            ..ended(alert, End::Delivered)
        };
        let all = [ended(1, End::Delivered), later(2), later(LOCAL_BIT | 3)];
        record.add(&all).expect("added");
        drop(record);
        Record::set_aside_after(&path, Ts(17)).expect("set aside");
        let (_, left) = Record::open(&path).expect("the record");
        assert_eq!(left, [all[0], all[2]]);
        let aside = folder.path().join("deliveries.ndjson.ahead");
        assert_eq!(read_all(&aside).expect("what was"), all);
        let nothing = folder.path().join("none.ndjson");
        Record::set_aside_after(&nothing, Ts(17)).expect("nothing to set aside");
    }

    #[test]
    fn a_write_that_failed_harms_no_later_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deliveries.ndjson");
        let (mut record, _) = Record::open(&path).expect("a new record");
        record.add(&[ended(1, End::Delivered)]).expect("added");
        // The disk takes half a line and refuses the rest.
        let reads_only = File::open(&path).expect("the file");
        let file = std::mem::replace(&mut record.file, reads_only);
        record.add(&[ended(2, End::Dead)]).expect_err("refused");
        (&file).write_all(b"{\"at\":17,\"al").expect("half");
        record.file = file;
        record.add(&[ended(3, End::Gone)]).expect("added");
        let (_, all) = Record::open(&path).expect("the record");
        assert_eq!(all, [ended(1, End::Delivered), ended(3, End::Gone)]);
    }

    #[test]
    fn a_full_file_is_set_aside_and_still_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deliveries.ndjson");
        let (mut record, _) = Record::open(&path).expect("a new record");
        record.add(&[ended(1, End::Dead)]).expect("added");
        record.bytes = BYTES_MAX;
        record.add(&[ended(2, End::Replaced)]).expect("added");
        assert!(record.bytes < BYTES_MAX);
        let (_, all) = Record::open(&path).expect("the record");
        assert_eq!(all, [ended(1, End::Dead), ended(2, End::Replaced)]);
        // Once more, but no new file could be made.
        record.bytes = BYTES_MAX;
        std::fs::rename(&path, aside(&path)).expect("set aside");
        record.add(&[ended(3, End::Gone)]).expect("added");
        let (_, all) = Record::open(&path).expect("the record");
        assert_eq!(all, [ended(2, End::Replaced), ended(3, End::Gone)]);
    }
}
