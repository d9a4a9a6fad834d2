//! What can go wrong with the durable files: what happened, where, and what to do.

use super::pack::PackFault;
use std::fmt;
use std::io;

/// An error of the journal, the output log, the snapshots or the directory's lock.
#[derive(Debug)]
pub enum JournalError {
    /// The operating system refused something outside the append path.
    Io {
        /// What was tried.
        action: &'static str,
        /// File (in the data directory) or directory.
        file: String,
        /// The system's answer.
        error: io::Error,
    },
    /// Bytes that had been synced are no longer what was written.
    Damaged {
        /// Segment or snapshot file.
        file: String,
        /// Where in the file.
        offset: u64,
        /// What was found.
        found: String,
    },
    /// A segment between two others, or the end of one, is missing.
    Missing {
        /// The file.
        file: String,
        /// What is missing.
        found: String,
    },
    /// A file was written in another version of the layout.
    Version {
        /// The file.
        file: String,
        /// Version found.
        found: u32,
        /// Version this build reads.
        expected: u32,
    },
    /// Records were written under other decision constants.
    Fingerprint {
        /// The file.
        file: String,
        /// Fingerprint and epoch found.
        found: (u64, u32),
        /// Fingerprint and epoch of this build.
        expected: (u64, u32),
    },
    /// A sequence or key does not follow the last one. A bug of the caller.
    Sequence {
        /// The one expected (or the last one present, for outputs).
        expected: u64,
        /// The one given.
        given: u64,
    },
    /// The record can never fit.
    TooLarge {
        /// Bytes of the payload.
        bytes: usize,
        /// Most bytes that fit.
        max: u32,
    },
    /// The kind is reserved for marks.
    ReservedKind,
    /// The options contradict themselves or the directory.
    Options(String),
    /// A write or sync failed earlier; nothing can be appended in this process any more.
    Poisoned(Poison),
    /// What was asked for has been trimmed: load a snapshot, or rebuild the reader.
    Trimmed {
        /// Sequence asked for.
        asked: u64,
        /// First sequence that is still there.
        first: u64,
    },
    /// What was asked for lies behind the end.
    BeyondEnd {
        /// Sequence asked for.
        asked: u64,
        /// Last sequence there is.
        last: u64,
    },
    /// Another process works in the directory.
    Locked {
        /// The directory.
        directory: String,
        /// The process, when it could be read.
        pid: Option<u32>,
    },
}

/// Why a log takes nothing any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    /// What failed.
    pub reason: PoisonReason,
    /// File it failed on.
    pub file: String,
    /// The system's answer.
    pub message: String,
    /// Last sequence known to be durable.
    pub durable_seq: u64,
}

/// What failed when a log was poisoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoisonReason {
    /// No space or quota left: free some and start again.
    DiskFull,
    /// A write failed.
    Write,
    /// A sync failed; what the disk holds is unknown until the next start reads it.
    Sync,
    /// The next segment could not be prepared.
    Prepare,
}

impl PoisonReason {
    /// `DiskFull` when the system says so, else `other`.
    pub(crate) fn of(error: &io::Error, other: Self) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => other,
        }
    }
}

impl JournalError {
    pub(crate) fn io(action: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |error: io::Error| match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(PackFault { offset, found }) => Self::Damaged {
                file,
                offset: *offset,
                found: (*found).to_owned(),
            },
            None => Self::Io {
                action,
                file,
                error,
            },
        }
    }
}

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.reason {
            PoisonReason::DiskFull => "the disk is full",
            PoisonReason::Write => "a write failed",
            PoisonReason::Sync => "a sync failed",
            PoisonReason::Prepare => "the next segment could not be prepared",
        };
        let Self {
            file,
            message,
            durable_seq,
            ..
        } = self;
        write!(
            f,
            "{what} on {file} ({message}); durable up to {durable_seq}, nothing is accepted any \
             more: mend the disk or free space, then restart"
        )
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io {
                action,
                file,
                error,
            } => write!(
                f,
                "cannot {action} {file}: {error}; see to the disk and the folder's rights, then try again"
            ),
            Self::Sequence { expected, given } => {
                write!(
                    f,
                    "sequence {given} was appended where {expected} was expected: a fault of this \
                     program; keep the data folder, restart, and report it"
                )
            }
            Self::TooLarge { bytes, max } => {
                write!(
                    f,
                    "a record of {bytes} bytes is above the limit of {max}: make it smaller, or the \
                     segments larger (data.segment_mib)"
                )
            }
            Self::ReservedKind => f.write_str("kind 0 is reserved for the log's own marks"),
            Self::Options(what) => f.write_str(what),
            Self::Poisoned(poison) => poison.fmt(f),
            Self::Trimmed { asked, first } => write!(
                f,
                "sequence {asked} has been trimmed, the log begins at {first}: start from a \
                 snapshot, or rebuild this reader"
            ),
            Self::BeyondEnd { asked, last } => write!(
                f,
                "sequence {asked} was asked for but the log ends at {last}: a snapshot or cursor \
                 from another directory, or segments are missing at the end"
            ),
            Self::Locked {
                directory,
                pid: Some(pid),
            } => write!(
                f,
                "{directory} is in use by process {pid}: stop it, or choose another data directory"
            ),
            Self::Locked {
                directory,
                pid: None,
            } => write!(
                f,
                "{directory} is in use by another process: stop it, or choose another directory"
            ),
            Self::Damaged { .. }
            | Self::Missing { .. }
            | Self::Version { .. }
            | Self::Fingerprint { .. } => self.fmt_file(f),
        }
    }
}

impl JournalError {
    /// The errors about what a file holds.
    fn fmt_file(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged {
                file,
                offset,
                found,
            } => write!(
                f,
                "{file} is damaged at byte {offset}: {found}. These bytes had been synced, so \
                 nothing is cut: restore the file from a replica or a backup, or start from a \
                 snapshot behind this place; `siaga journal inspect` shows what is readable"
            ),
            Self::Missing { file, found } => write!(
                f,
                "{file}: {found}. Restore the file from a replica or a backup, or start from a \
                 snapshot behind it"
            ),
            Self::Version {
                file,
                found,
                expected,
            } => write!(
                f,
                "{file} has format version {found}, this build reads {expected}: use the build \
                 that wrote it, or start a new directory from a snapshot"
            ),
            Self::Fingerprint {
                file,
                found,
                expected,
            } => write!(
                f,
                "{file} was written under decision fingerprint {:#018x} of epoch {}, this build \
                 has {:#018x} of epoch {}: old inputs are not replayed through new rules; use the \
                 build that wrote it, or start a new epoch from a snapshot",
                found.0, found.1, expected.0, expected.1
            ),
            _ => Ok(()),
        }
    }
}

// The system's answer stands in its text: as a source too, it would be printed twice.
impl std::error::Error for JournalError {}
