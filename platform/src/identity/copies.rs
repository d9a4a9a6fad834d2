//! Copies of messages that a demonstration without a mail server writes to a file: they hold addresses and names, so an erasure takes
//! out what went to the person.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

use super::faults::NOT_SENT;
use crate::crm::erase::contacts;
use crate::crypto::{Sealed, SubjectKey};
use crate::db::Tx;
use crate::erasure::{Done, Erased, Keys, Store};
use crate::refusal::{ERASED, Refusal};
use crate::unit::{Unit, subject_key};

/// Copies in an export; a demonstration sends a person no more.
const COPIES_MAX: usize = 1_000;

/// The file, as a place with data of persons. It is asked before the others: those forget the addresses by which copies are found.
pub struct Copies {
    path: PathBuf,
}

impl Copies {
    /// Of this file, which may not be there.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

/// Adds a line to the file, which its owner alone reads.
pub(super) fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // Whoever takes lines out waits, and is waited for.
    file.lock()?;
    file.write_all(line.as_bytes())
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => {
            file.lock()?;
            Ok(Some(file))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a line is a message to one of these; one that is damaged is nobody's.
fn is_to(line: &str, to: &BTreeSet<String>) -> bool {
    serde_json::from_str::<Value>(line)
        .ok()
        .and_then(|message| Some(to.contains(message.get("to")?.as_str()?)))
        .unwrap_or(false)
}

/// Takes out what went to these; gives how many messages that were.
fn take_out(path: &Path, to: &BTreeSet<String>) -> io::Result<u64> {
    let Some(mut file) = open(path)? else {
        return Ok(0);
    };
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let (gone, kept): (Vec<&str>, Vec<&str>) =
        text.split_inclusive('\n').partition(|line| is_to(line, to));
    if !gone.is_empty() {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(kept.concat().as_bytes())?;
        file.sync_all()?;
    }
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
}

/// What went to these, oldest first.
fn copies(path: &Path, to: &BTreeSet<String>) -> io::Result<Vec<Value>> {
    let Some(mut file) = open(path)? else {
        return Ok(Vec::new());
    };
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let theirs = text.lines().filter(|line| is_to(line, to));
    Ok(theirs
        .filter_map(|line| serde_json::from_str(line).ok())
        .take(COPIES_MAX)
        .collect())
}

/// Of an account, sealed: address and number.
type Contacts = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Every address and number that the house knows of the subject, as an account and as a lead.
fn addresses(
    tx: &mut Tx<'_>,
    key: &SubjectKey,
    subject: Uuid,
) -> Result<BTreeSet<String>, Refusal> {
    let mut known = contacts(tx, key, subject)?;
    let row: Option<Contacts> = tx.optional(
        sqlx::query_as("SELECT email_sealed, phone_sealed FROM users WHERE id = $1").bind(subject),
    )?;
    if let Some((email, phone)) = row {
        for (field, sealed) in [("users.email", email), ("users.phone", phone)] {
            let opened = sealed.map(|bytes| key.open(field, &Sealed::from_bytes(bytes)));
            known.extend(opened.and_then(Result::ok));
        }
    }
    Ok(known)
}

fn unread(path: &Path, error: &io::Error) -> Refusal {
    tracing::warn!("{}: {error}", path.display());
    NOT_SENT.because("the file of messages cannot be read and written; look at its folder")
}

impl Store for Copies {
    fn name(&self) -> &'static str {
        "messages"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let keyring = unit.keyring_shared();
        let key = match subject_key(unit.tx(), &keyring, subject) {
            Ok(Some(key)) => key,
            // Asked once more behind the end of the key: nothing is sent to somebody who has none.
            Ok(None) => return Ok(Erased::rows(Done::Deleted, 0)),
            Err(refusal) if refusal.fault() == Some(ERASED) => {
                return Ok(Erased::rows(Done::Deleted, 0));
            }
            Err(refusal) => return Err(refusal),
        };
        let to = addresses(unit.tx(), &key, subject)?;
        let gone = take_out(&self.path, &to).map_err(|error| unread(&self.path, &error))?;
        Ok(Erased::rows(Done::Deleted, gone))
    }

    fn export(&self, tx: &mut Tx<'_>, keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        let Some(key) = &keys.personal else {
            return Ok(Value::Null);
        };
        let to = addresses(tx, key, subject)?;
        let theirs = copies(&self.path, &to).map_err(|error| unread(&self.path, &error))?;
        Ok(match theirs.is_empty() {
            true => Value::Null,
            false => json!(theirs),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_to_a_person_is_taken_out_and_the_rest_stays_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("messages.ndjson");
        let to = BTreeSet::from(["sari@contoh.id".to_owned(), "+62812".to_owned()]);
        assert_eq!(take_out(&path, &to).expect("no file"), 0);
        let rest = "{\"to\":\"budi@contoh.id\",\"text\":\"to sari@contoh.id\"}\nno JSON\n";
        for line in [
            "{\"to\":\"sari@contoh.id\",\"text\":\"1\"}\n",
            rest,
            "{\"to\":\"+62812\",\"text\":\"2\"}\n",
        ] {
            append(&path, line).expect("written");
        }
        assert_eq!(copies(&path, &to).expect("read").len(), 2);
        assert_eq!(take_out(&path, &to).expect("taken"), 2);
        assert_eq!(std::fs::read_to_string(&path).expect("there"), rest);
        append(&path, "more\n").expect("written behind");
        assert!(
            std::fs::read_to_string(&path)
                .expect("there")
                .ends_with("no JSON\nmore\n")
        );
        assert_eq!(take_out(&path, &to).expect("nothing more"), 0);
    }
}
