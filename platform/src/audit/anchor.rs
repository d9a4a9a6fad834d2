//! Heads of the chain written down outside of the database, in a file that only grows: who rewrites the
//! whole chain inside of it still cannot make it end where it ended.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;

use crate::db::{DbError, Tx};

/// The head of a month at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// `2026-11-01`.
    pub month: String,
    /// Rows it had.
    pub links: i64,
    /// Hash of the last of them.
    pub hash: Vec<u8>,
}

impl Anchor {
    fn line(&self) -> String {
        let hash: String = self.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{} {} {hash}\n", self.month, self.links)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (month, links, hex) = (words.next()?, words.next()?, words.next()?);
        let hash =
            (0..hex.len() / 2).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok());
        Some(Self {
            month: month.to_owned(),
            links: links.parse().ok()?,
            hash: hash
                .collect::<Option<Vec<u8>>>()
                .filter(|hash| hash.len() == 32)?,
        })
    }
}

/// Where the chain of each month stands now.
///
/// # Errors
/// The database did not answer.
pub fn heads(tx: &mut Tx<'_>) -> Result<Vec<Anchor>, DbError> {
    let rows: Vec<(String, i64, Vec<u8>)> = tx.all(sqlx::query_as(
        "SELECT month::text, links, hash FROM audit_heads WHERE dropped_at IS NULL AND links > 0 ORDER BY month",
    ))?;
    let anchor = |(month, links, hash)| Anchor { month, links, hash };
    Ok(rows.into_iter().map(anchor).collect())
}

/// Adds what is new since the file's last word on each month, and syncs it. Returns the lines added.
///
/// # Errors
/// The file system's.
pub fn append_anchor(path: &Path, heads: &[Anchor]) -> io::Result<usize> {
    let known = anchors_of(path)?;
    let new = heads.iter().filter(|head| !known.contains(head));
    let lines: Vec<String> = new.map(Anchor::line).collect();
    if lines.is_empty() {
        return Ok(0);
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(lines.concat().as_bytes())?;
    file.sync_all()?;
    Ok(lines.len())
}

/// What the file holds; none when there is no file. A line that is not whole is left out.
///
/// # Errors
/// The file system's.
pub fn anchors_of(path: &Path) -> io::Result<Vec<Anchor>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut anchors = Vec::new();
    for line in BufReader::new(file).lines() {
        anchors.extend(Anchor::parse(&line?));
    }
    Ok(anchors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_added_once_and_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.anchors");
        assert_eq!(anchors_of(&path).expect("no file"), []);
        let first = Anchor {
            month: "2026-10-01".into(),
            links: 7,
            hash: vec![7; 32],
        };
        let grown = Anchor {
            links: 9,
            hash: vec![9; 32],
            ..first.clone()
        };
        assert_eq!(
            append_anchor(&path, std::slice::from_ref(&first)).expect("added"),
            1
        );
        assert_eq!(
            append_anchor(&path, std::slice::from_ref(&first)).expect("known"),
            0
        );
        assert_eq!(
            append_anchor(&path, std::slice::from_ref(&grown)).expect("added"),
            1
        );
        assert_eq!(anchors_of(&path).expect("read"), [first, grown]);
    }
}
