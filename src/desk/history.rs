//! To which history the positions of the durable stream belong, and where it goes on after a restart.
//!
//! Positions count the events told, so they are dense and stay far below 2^53. What an input makes of them cannot be found by
//! replay (time alone raises and eases alerts), so the count is kept at a graceful end, together with the last output folded into the alerts. A start
//! that finds no count for exactly its own state begins a new history: clients see another `epoch` and read the lists again.

use std::path::{Path, PathBuf};

use anyhow::Context;
use siaga_risk::event::OutputKey;

/// Where the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// Names the history; rises with each new one.
    pub epoch: u64,
    /// Events told in it so far.
    pub told: u64,
}

/// Takes up the history that ended with `applied` folded, or begins the next one. `whole` = everything the last run told can be
/// vouched for: it ended well, its rules are ours, and the log still holds what comes after `applied`.
///
/// # Errors
/// The folder cannot be written.
pub fn begin(dir: &Path, applied: OutputKey, whole: bool) -> anyhow::Result<History> {
    let epoch = epoch_path(dir);
    let before: u64 = read(&epoch)
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0);
    let kept = read(&end_path(dir)).and_then(|text| parse(&text));
    // Taken once: a run that ends badly leaves none behind.
    match std::fs::remove_file(end_path(dir)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error)
                .with_context(|| format!("{} cannot be removed", end_path(dir).display()));
        }
        _ => {}
    }
    let history = match kept {
        Some((history, key)) if whole && key == applied && history.epoch == before => history,
        _ => History {
            epoch: before + 1,
            told: 0,
        },
    };
    replace(&epoch, &format!("{}\n", history.epoch))
        .with_context(|| format!("{} cannot be written", epoch.display()))?;
    Ok(history)
}

/// Keeps where the history stands at a graceful end.
///
/// # Errors
/// The disk refuses; then the next start begins a new history.
pub fn end(dir: &Path, history: History, applied: OutputKey) -> std::io::Result<()> {
    let History { epoch, told } = history;
    let OutputKey { seq, index } = applied;
    replace(&end_path(dir), &format!("{epoch} {told} {seq} {index}\n"))
}

fn epoch_path(dir: &Path) -> PathBuf {
    dir.join("stream-epoch")
}

fn end_path(dir: &Path) -> PathBuf {
    dir.join("stream-end")
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let half = path.with_extension("tmp");
    // Lost with the power, numbering would begin anew and old clients would go on.
    std::fs::write(&half, text)?;
    std::fs::File::open(&half)?.sync_all()?;
    std::fs::rename(&half, path)?;
    path.parent()
        .map_or(Ok(()), |dir| std::fs::File::open(dir)?.sync_all())
}

fn parse(text: &str) -> Option<(History, OutputKey)> {
    let mut words = text.split_whitespace();
    let history = History {
        epoch: words.next()?.parse().ok()?,
        told: words.next()?.parse().ok()?,
    };
    let key = OutputKey {
        seq: words.next()?.parse().ok()?,
        index: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some((history, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An input beyond 2^33: a week and a half of ten thousand prices a second.
    const FAR: OutputKey = OutputKey {
        seq: 1 << 33,
        index: 70_000,
    };

    #[test]
    fn only_a_graceful_end_at_the_same_output_goes_on() {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        let first = begin(dir, OutputKey { seq: 0, index: 0 }, true).expect("writable");
        assert_eq!(first, History { epoch: 1, told: 0 });
        let later = History { told: 12, ..first };
        end(dir, later, FAR).expect("writable");
        assert_eq!(begin(dir, FAR, true).expect("writable"), later);

        // That run was killed: what it told is not known.
        let second = begin(dir, FAR, true).expect("writable");
        assert_eq!(second, History { epoch: 2, told: 0 });
        end(dir, second, FAR).expect("writable");
        let moved = OutputKey {
            index: FAR.index + 1,
            ..FAR
        };
        assert_eq!(begin(dir, moved, true).expect("writable").epoch, 3);
        end(dir, History { epoch: 3, told: 1 }, FAR).expect("writable");
        assert_eq!(begin(dir, FAR, false).expect("writable").epoch, 4);
    }

    #[test]
    fn a_folder_of_a_build_without_counts_begins_a_new_history() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("stream-epoch"), "5\n").expect("writable");
        let history = begin(dir.path(), FAR, true).expect("writable");
        assert_eq!(history, History { epoch: 6, told: 0 });
    }
}
