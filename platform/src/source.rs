//! The output log as its readers see it.

use siaga_risk::event::{Output, OutputKey};
use siaga_risk::units::Ts;

/// One durable output.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The input that caused it and its place among that input's outputs.
    pub key: OutputKey,
    /// When that input entered.
    pub ts: Ts,
    /// What left the core.
    pub output: Output,
}

/// Why the log could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The reader fell so far behind that what it needs is gone.
    #[error("the output log was trimmed up to input {} before this reader had read it; run siaga rebuild", first.seq)]
    Trimmed {
        /// Oldest output still held.
        first: OutputKey,
    },
    /// The files.
    #[error("the output log cannot be read: {0}")]
    Io(String),
}

/// A reader of the output log.
pub trait OutputSource: Send + 'static {
    /// At most `max` outputs after `cursor`, in order; none when it has come to the end.
    ///
    /// # Errors
    /// [`SourceError`].
    fn read_from(&mut self, cursor: OutputKey, max: usize) -> Result<Vec<Entry>, SourceError>;

    /// The oldest output held, `None` when the log is empty.
    ///
    /// # Errors
    /// [`SourceError::Io`].
    fn first(&mut self) -> Result<Option<OutputKey>, SourceError>;

    /// True when nothing was ever trimmed: everything that happened can be read again.
    fn is_complete(&self) -> bool;
}

/// Outputs in memory, for tests and small tools.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub Vec<Entry>);

impl OutputSource for Memory {
    fn read_from(&mut self, cursor: OutputKey, max: usize) -> Result<Vec<Entry>, SourceError> {
        let start = self.0.partition_point(|entry| entry.key <= cursor);
        Ok(self.0[start..].iter().take(max).cloned().collect())
    }

    fn first(&mut self) -> Result<Option<OutputKey>, SourceError> {
        Ok(self.0.first().map(|entry| entry.key))
    }

    fn is_complete(&self) -> bool {
        true
    }
}
