//! The output log as a reader sees it: decoded outputs behind a cursor, waiting at the end.

use std::sync::Arc;

use anyhow::Context;
use siaga_risk::event::{Output, OutputKey};
use siaga_risk::journal::{Cursor, OutputReader};
use siaga_risk::record;
use siaga_risk::units::Ts;
use tokio::sync::watch;

/// Bytes read at a time: small enough to be decoded within a millisecond.
const READ_BYTES: usize = 256 * 1_024;

/// One output of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    pub key: OutputKey,
    pub ts: Ts,
    pub output: Output,
}

/// A reader with its place and the bell that rings when there is more.
pub struct LogSource {
    reader: OutputReader,
    cursor: Cursor,
    news: watch::Receiver<u64>,
}

impl LogSource {
    /// Reads behind `cursor`.
    pub fn new(reader: OutputReader, cursor: Cursor, news: watch::Receiver<u64>) -> Self {
        Self {
            reader,
            cursor,
            news,
        }
    }

    /// What is there now; empty at the end.
    ///
    /// # Errors
    /// The log was trimmed past this reader, or is damaged.
    pub fn read(&mut self) -> anyhow::Result<Vec<Logged>> {
        let batch = self.reader.read_from(self.cursor, READ_BYTES)?;
        let mut outputs = Vec::with_capacity(batch.len());
        for found in batch.iter() {
            let (ts, output) =
                record::get_output(found.kind, found.payload).with_context(|| {
                    format!("output {}.{} of the log", found.at.seq, found.at.index)
                })?;
            let key = OutputKey {
                seq: found.at.seq,
                index: found.at.index,
            };
            outputs.push(Logged { key, ts, output });
        }
        self.cursor = batch.next;
        Ok(outputs)
    }

    /// The next outputs; waits for them. `None` when egress has ended and all is read.
    /// Cancel-safe: nothing is taken before it is returned.
    ///
    /// # Errors
    /// See [`LogSource::read`].
    pub async fn next(&mut self) -> anyhow::Result<Option<Vec<Logged>>> {
        loop {
            self.news.borrow_and_update();
            let outputs = self.read()?;
            if !outputs.is_empty() {
                return Ok(Some(outputs));
            }
            if self.news.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// Resolves when egress has ended, whatever is unread.
    pub async fn ended(&mut self) {
        while self.news.changed().await.is_ok() {}
    }
}

/// Where to make further sources.
#[derive(Clone)]
pub struct LogDoor {
    make: Arc<dyn Fn() -> OutputReader + Send + Sync>,
    news: watch::Receiver<u64>,
}

impl LogDoor {
    /// A door to the log whose readers `make` gives.
    pub fn new(
        make: impl Fn() -> OutputReader + Send + Sync + 'static,
        news: watch::Receiver<u64>,
    ) -> Self {
        Self {
            make: Arc::new(make),
            news,
        }
    }

    /// A bell for readers of other kinds: its value rises with the log.
    pub fn nudge(&self) -> watch::Receiver<u64> {
        self.news.clone()
    }

    /// A source behind `cursor`.
    pub fn source(&self, cursor: Cursor) -> LogSource {
        LogSource::new((self.make)(), cursor, self.news.clone())
    }
}
