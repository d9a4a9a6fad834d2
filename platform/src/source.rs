//! The output log as its readers see it.

use std::collections::VecDeque;

use siaga_risk::event::{Output, OutputKey};
use siaga_risk::journal::{Cursor, CursorState, JournalError, OutputConsumers, OutputReader};
use siaga_risk::record::{get_output, output_kind_name};
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
    #[error(
        "{reader} has to be rebuilt: the outputs behind input {cursor} are no longer in the log; run siaga rebuild"
    )]
    Trimmed {
        /// Name of the reader.
        reader: String,
        /// The last input it had applied.
        cursor: u64,
    },
    /// What the reader has applied stands in no log any more.
    #[error(
        "{reader} has applied outputs up to input {cursor}, and the log ended at input {end} when it was opened: its end was lost, or the folder comes from a backup; run siaga rebuild"
    )]
    Ahead {
        /// Name of the reader.
        reader: String,
        /// The last input it had applied.
        cursor: u64,
        /// The last input of the log.
        end: u64,
    },
    /// The files, or a record of a newer program.
    #[error("the output log cannot be read: {0}")]
    Log(String),
}

/// A reader of the output log.
pub trait OutputSource: Send + 'static {
    /// At most `max` outputs behind `cursor`, in order; none at the durable end.
    ///
    /// # Errors
    /// [`SourceError`].
    fn read_from(&mut self, cursor: OutputKey, max: usize) -> Result<Vec<Entry>, SourceError>;

    /// Everything up to `cursor` is applied and durable: the log may forget it.
    ///
    /// # Errors
    /// [`SourceError::Trimmed`] when it forgot more than that already.
    fn applied(&mut self, cursor: OutputKey) -> Result<(), SourceError>;

    /// The oldest cursor that can still be read from; the default one when nothing was ever trimmed.
    fn from(&self) -> OutputKey;

    /// Asked once, when a reader comes back with the cursor it kept.
    ///
    /// # Errors
    /// [`SourceError::Ahead`] when the log has never held what it applied.
    fn admit(&mut self, kept: OutputKey) -> Result<(), SourceError>;

    /// The last output when the log was opened: nothing that was kept before can be behind it.
    fn opened(&self) -> OutputKey;
}

/// Payload bytes read from the log at once.
const READ_BYTES: usize = 256 * 1024;

/// The program's own output log, read under a name that holds back its trimming.
pub struct LogSource {
    name: &'static str,
    log: OutputConsumers,
    reader: OutputReader,
    /// Read ahead: the outputs behind `served`, up to `read`.
    ahead: VecDeque<Entry>,
    served: OutputKey,
    read: Cursor,
}

impl LogSource {
    /// A reader of that name. Two readers of one name would move each other's place.
    pub fn new(log: &OutputConsumers, name: &'static str) -> Self {
        Self {
            name,
            reader: log.reader(),
            log: log.clone(),
            ahead: VecDeque::new(),
            served: OutputKey::default(),
            read: Cursor::START,
        }
    }

    fn fill(&mut self, max: usize) -> Result<(), SourceError> {
        while self.ahead.len() < max {
            let batch = self.reader.read_from(self.read, READ_BYTES);
            let batch = batch.map_err(|error| self.error(error))?;
            if batch.is_empty() {
                return Ok(());
            }
            for record in batch.iter() {
                let (ts, output) = get_output(record.kind, record.payload).map_err(|error| {
                    let what = output_kind_name(record.kind);
                    SourceError::Log(format!(
                        "the {what} of input {} is not understood: {error}",
                        record.at.seq
                    ))
                })?;
                self.ahead.push_back(Entry {
                    key: key_of(record.at),
                    ts,
                    output,
                });
            }
            self.read = batch.next;
        }
        Ok(())
    }

    fn error(&self, error: JournalError) -> SourceError {
        match error {
            JournalError::Trimmed { asked, .. } => SourceError::Trimmed {
                reader: self.name.to_owned(),
                cursor: asked,
            },
            other => SourceError::Log(other.to_string()),
        }
    }
}

impl OutputSource for LogSource {
    fn read_from(&mut self, cursor: OutputKey, max: usize) -> Result<Vec<Entry>, SourceError> {
        let known = self.served <= cursor && cursor <= key_of(self.read);
        if !known {
            self.ahead.clear();
            self.read = cursor_of(cursor);
        }
        self.served = cursor;
        while self.ahead.front().is_some_and(|entry| entry.key <= cursor) {
            self.ahead.pop_front();
        }
        self.fill(max)?;
        Ok(self.ahead.iter().take(max).cloned().collect())
    }

    fn applied(&mut self, cursor: OutputKey) -> Result<(), SourceError> {
        match self.log.set_cursor(self.name, cursor_of(cursor)) {
            Ok(CursorState::Following) => Ok(()),
            Ok(CursorState::MustRebuild) => Err(SourceError::Trimmed {
                reader: self.name.to_owned(),
                cursor: cursor.seq,
            }),
            Err(error) => Err(self.error(error)),
        }
    }

    fn from(&self) -> OutputKey {
        key_of(self.log.from())
    }

    fn admit(&mut self, kept: OutputKey) -> Result<(), SourceError> {
        if self.log.admit(self.name, cursor_of(kept)) {
            return Ok(());
        }
        Err(SourceError::Ahead {
            reader: self.name.to_owned(),
            cursor: kept.seq,
            end: self.opened().seq,
        })
    }

    fn opened(&self) -> OutputKey {
        key_of(self.log.opened())
    }
}

fn key_of(cursor: Cursor) -> OutputKey {
    OutputKey {
        seq: cursor.seq,
        index: cursor.index,
    }
}

fn cursor_of(key: OutputKey) -> Cursor {
    Cursor {
        seq: key.seq,
        index: key.index,
    }
}

/// Outputs in memory, for tests and small tools.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The outputs, in order.
    pub entries: Vec<Entry>,
    /// What was trimmed before them.
    pub from: OutputKey,
}

impl OutputSource for Memory {
    fn read_from(&mut self, cursor: OutputKey, max: usize) -> Result<Vec<Entry>, SourceError> {
        self.applied(cursor)?;
        let start = self.entries.partition_point(|entry| entry.key <= cursor);
        Ok(self.entries[start..].iter().take(max).cloned().collect())
    }

    fn applied(&mut self, cursor: OutputKey) -> Result<(), SourceError> {
        if cursor >= self.from {
            return Ok(());
        }
        Err(SourceError::Trimmed {
            reader: "memory".into(),
            cursor: cursor.seq,
        })
    }

    fn from(&self) -> OutputKey {
        self.from
    }

    /// Whoever gives the outputs gives the cursor too.
    fn admit(&mut self, _kept: OutputKey) -> Result<(), SourceError> {
        Ok(())
    }

    fn opened(&self) -> OutputKey {
        self.entries.last().map_or(self.from, |entry| entry.key)
    }
}
