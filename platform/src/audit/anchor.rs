//! Heads of the chain written down outside of the database, in a file that only grows: who rewrites the
//! whole chain inside of it still cannot make it end where it ended.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;

use jiff::Timestamp;

use crate::db::{DbError, Tx};

/// Name of the file inside the data directory.
pub const ANCHORS_FILE: &str = "audit.anchors";

/// Begins the line of a restore; no month does.
const RESTORED: &str = "restored";

/// Stands where there is nothing to name.
const NONE: &str = "-";

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

/// A database that another took the place of, with what its dump held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// When.
    pub at: Timestamp,
    /// Of when the dump was; `None` when there was no dump.
    pub dump: Option<Timestamp>,
    /// What was written down before, of rows that the dump did not have yet.
    pub lost: Vec<Anchor>,
}

impl Restore {
    /// What was known before of rows behind the heads that came back.
    fn parse(line: &str, known: &[Anchor]) -> Option<Self> {
        let mut words = line.strip_prefix(RESTORED)?.trim_start().split(' ');
        let (at, dump, months) = (words.next()?, words.next()?, words.next()?);
        let mut heads: Vec<(&str, i64)> = Vec::new();
        for part in months.split(',').filter(|part| *part != NONE) {
            let (month, links) = part.split_once(':')?;
            heads.push((month, links.parse().ok()?));
        }
        let came_back = |month: &str| {
            let head = heads.iter().find(|(name, _)| *name == month);
            head.map_or(0, |(_, links)| *links)
        };
        let lost = known
            .iter()
            .filter(|anchor| anchor.links > came_back(&anchor.month));
        Some(Self {
            at: at.parse().ok()?,
            dump: match dump {
                NONE => None,
                dump => Some(dump.parse().ok()?),
            },
            lost: lost.cloned().collect(),
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
    append(path, &lines.concat())?;
    Ok(lines.len())
}

/// Notes that another database took the place of the one whose heads stand above, and where its chains end.
///
/// # Errors
/// The file system's.
pub fn append_restore(
    path: &Path,
    at: Timestamp,
    dump: Option<Timestamp>,
    heads: &[Anchor],
) -> io::Result<()> {
    let dump = dump.map_or(NONE.to_owned(), |dump| dump.to_string());
    let months: Vec<String> = heads
        .iter()
        .map(|head| format!("{}:{}", head.month, head.links))
        .collect();
    let months = match months.is_empty() {
        true => NONE.to_owned(),
        false => months.join(","),
    };
    append(path, &format!("{RESTORED} {at} {dump} {months}\n"))
}

fn append(path: &Path, lines: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(lines.as_bytes())?;
    file.sync_all()
}

/// The restores that the file holds, oldest first.
///
/// # Errors
/// The file system's.
pub fn restores_of(path: &Path) -> io::Result<Vec<Restore>> {
    let (mut known, mut restores) = (Vec::<Anchor>::new(), Vec::new());
    for line in lines_of(path)? {
        match Restore::parse(&line, &known) {
            Some(restore) => restores.push(restore),
            None => known.extend(Anchor::parse(&line)),
        }
    }
    Ok(restores)
}

/// What the file holds; none when there is no file. A line that is not whole is left out.
///
/// # Errors
/// The file system's.
pub fn anchors_of(path: &Path) -> io::Result<Vec<Anchor>> {
    let lines = lines_of(path)?;
    Ok(lines
        .iter()
        .filter_map(|line| Anchor::parse(line))
        .collect())
}

fn lines_of(path: &Path) -> io::Result<Vec<String>> {
    match File::open(path) {
        Ok(file) => BufReader::new(file).lines().collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
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

    #[test]
    fn a_restore_says_which_of_the_heads_before_it_went() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.anchors");
        assert_eq!(restores_of(&path).expect("no file"), []);
        let head = |month: &str, links| Anchor {
            month: month.into(),
            links,
            hash: vec![7; 32],
        };
        let (october, november) = (head("2026-10-01", 4), head("2026-11-01", 9));
        let came_back = head("2026-11-01", 6);
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (dumped, restored) = (time("2026-11-20T08:00:00Z"), time("2026-11-20T08:10:00Z"));
        append_anchor(&path, &[october.clone(), came_back.clone()]).expect("added");
        append_anchor(&path, std::slice::from_ref(&november)).expect("added");
        append_restore(&path, restored, Some(dumped), &[october, came_back]).expect("noted");
        append_anchor(&path, &[head("2026-11-01", 12)]).expect("added");
        append_restore(&path, restored, None, &[]).expect("noted");
        let restores = restores_of(&path).expect("read");
        assert_eq!(
            restores[0],
            Restore {
                at: restored,
                dump: Some(dumped),
                lost: vec![november]
            }
        );
        assert_eq!(restores[1].dump, None);
        assert_eq!(
            restores[1].lost.len(),
            4,
            "without a dump everything that was known went"
        );
        assert_eq!(anchors_of(&path).expect("read").len(), 4);
    }
}
