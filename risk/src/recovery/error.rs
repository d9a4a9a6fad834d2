//! Why a desk cannot be brought back, and what to do about it.

use std::fmt;

use crate::codec::CodecError;
use crate::event::Seq;
use crate::journal::JournalError;

/// Why recovery stopped. Nothing was changed on the disk that an older build needs.
#[derive(Debug)]
pub enum RecoveryError {
    /// The durable files themselves.
    Journal(JournalError),
    /// An input of the journal cannot be read by this build.
    Input {
        /// Its sequence.
        seq: Seq,
        /// Why.
        error: CodecError,
    },
    /// No snapshot can be used, and the journal does not begin at the first input.
    NoStart {
        /// First input that the journal holds.
        first_seq: Seq,
        /// Why each snapshot was passed over.
        skipped: Vec<String>,
    },
    /// Other rules decided the journal, and there is no way from there to here.
    Upgrade(Upgrade),
    /// Other rules decided the journal, and it was only to be looked at.
    Rules {
        /// Epoch and fingerprint of the journal.
        found: (u32, u64),
    },
}

/// Why a new epoch cannot begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// Epoch and fingerprint of the journal.
    pub found: (u32, u64),
    /// Fingerprint of this build.
    pub own: u64,
    /// Last input of the journal.
    pub journal_end: Seq,
    /// What is missing.
    pub why: UpgradeFault,
}

/// What is missing at the end of the old epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpgradeFault {
    /// No snapshot at the journal's end: the newest one is of this input, if there is any.
    NotStopped(Option<Seq>),
    /// The snapshot at the journal's end is damaged.
    Damaged(String),
    /// This build cannot read the state as the old one laid it out.
    Layout(String),
    /// The output log ends before the journal, and its rest can only be made by the old rules.
    OutputsBehind(Seq),
}

impl From<JournalError> for RecoveryError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl fmt::Display for RecoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(f),
            Self::Input { seq, error } => write!(
                f,
                "input {seq} of the journal cannot be read ({error}): use the build that wrote it"
            ),
            Self::NoStart { first_seq, skipped } => {
                write!(
                    f,
                    "the journal begins at input {first_seq} and no snapshot before it can be \
                     used: restore a snapshot from a backup or a replica"
                )?;
                for reason in skipped {
                    write!(f, "; {reason}")?;
                }
                Ok(())
            }
            Self::Upgrade(upgrade) => upgrade.fmt(f),
            Self::Rules {
                found: (epoch, found),
            } => write!(
                f,
                "the journal's epoch {epoch} was decided by other rules ({found:#018x}) than this build's, and old \
                 inputs are never replayed through new rules: use the build that wrote it, or start this one with \
                 `siaga serve` first"
            ),
        }
    }
}

impl fmt::Display for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            found: (epoch, found),
            own,
            journal_end,
            why,
        } = self;
        write!(
            f,
            "the journal's epoch {epoch} was decided by other rules ({found:#018x}; this build has \
             {own:#018x}), and old inputs are never replayed through new rules. "
        )?;
        let stop = "start the old version once more and stop it with SIGTERM, then start this one";
        match why {
            UpgradeFault::NotStopped(Some(snapshot)) => write!(
                f,
                "It goes on to input {journal_end}, but the newest snapshot is of input \
                 {snapshot}: the old version was not stopped gracefully; {stop}"
            ),
            UpgradeFault::NotStopped(None) => write!(
                f,
                "It ends at input {journal_end} and there is no snapshot to go on from: {stop}"
            ),
            UpgradeFault::Damaged(reason) => write!(
                f,
                "The snapshot at its end cannot be used ({reason}): {stop}, which writes it again"
            ),
            UpgradeFault::Layout(reason) => write!(
                f,
                "This build cannot take over the snapshot at input {journal_end} ({reason}): go \
                 through a version between the two that can, or begin a new data directory"
            ),
            UpgradeFault::OutputsBehind(end) => write!(
                f,
                "It ends at input {journal_end}, but the output log ends at input {end}: {stop}"
            ),
        }
    }
}

// Each says its cause in its own text: as a source too, it would be printed twice.
impl std::error::Error for RecoveryError {}
