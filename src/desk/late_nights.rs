//! Nights that a leap of the clock has left to people: said by `/readyz?verbose` until somebody has settled them.
//!
//! They stand in a file that outlives the program; whoever has settled them removes it. No input of the core says that they are
//! settled: what is then booked are corrections like any other.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use siaga_feed::calendar::Leap;

use crate::gateway::core::Part;

/// Name of the file in the data folder.
pub const FILE: &str = "late_nights.txt";

/// A file with a line for each leap.
#[derive(Debug)]
pub struct LateNights {
    path: PathBuf,
    /// What could not be written into it.
    unkept: Mutex<Vec<String>>,
}

impl LateNights {
    /// Of the program whose data folder this is.
    pub fn at(data: &Path) -> Self {
        Self {
            path: data.join(FILE),
            unkept: Mutex::default(),
        }
    }

    /// Keeps a leap until its nights are settled; one that cannot be written is kept until the program ends.
    pub fn keep(&self, leap: &Leap) {
        let line = leap.to_string();
        if let Err(error) = append(&self.path, &line) {
            let path = self.path.display();
            tracing::error!(%error, "{path} cannot be written: a restart forgets that nights are to be settled");
            let mut unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner);
            unkept.push(line);
        }
    }

    /// The part of `/readyz?verbose`. The desk goes on: what is late is money, and no price.
    pub fn part(&self) -> Part {
        let path = self.path.display();
        let kept = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => format!("{path} cannot be read: {error}"),
        };
        let unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.lines().map(str::trim);
        let lines: Vec<&str> = kept
            .filter(|line| !line.is_empty())
            .chain(unkept.iter().map(String::as_str))
            .collect();
        let detail = match lines.is_empty() {
            true => "every night was charged".to_owned(),
            false => format!("{}. Remove {path} when they are settled", lines.join("; ")),
        };
        Part {
            name: "nights",
            ok: lines.is_empty(),
            required: false,
            detail,
        }
    }
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use siaga_risk::units::{DAY_NS, Ts};

    use super::*;

    const LEAP: Leap = Leap {
        from: Ts(20_000 * DAY_NS),
        until: Ts(20_009 * DAY_NS),
    };

    #[test]
    fn a_leap_is_said_over_a_restart_until_it_is_settled() {
        let folder = tempfile::tempdir().unwrap();
        let nights = LateNights::at(folder.path());
        let well = nights.part();
        assert!(well.ok && !well.required, "{well:?}");
        nights.keep(&LEAP);
        nights.keep(&LEAP);
        for nights in [nights, LateNights::at(folder.path())] {
            let part = nights.part();
            assert!(!part.ok && !part.required, "{part:?}");
            assert_eq!(part.detail.matches("not charged").count(), 2, "{part:?}");
            assert!(part.detail.contains(FILE), "{part:?}");
        }
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        assert!(LateNights::at(folder.path()).part().ok);
    }

    #[test]
    fn what_cannot_be_written_is_said_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let nights = LateNights::at(&folder.path().join("gone"));
        nights.keep(&LEAP);
        let part = nights.part();
        assert!(!part.ok && part.detail.contains("not charged"), "{part:?}");
    }
}
