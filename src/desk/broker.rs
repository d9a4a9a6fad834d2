//! What the broker router needs of the program around it.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use siaga_broker::router::Difference;
use siaga_broker::router::task::{OutputSource, Rim};
use siaga_risk::event::{Body, Command, Output, OutputKey};
use siaga_risk::ids::ActorId;
use siaga_risk::journal::{Cursor, OutputConsumers};
use siaga_risk::pipeline::Inbox;
use siaga_risk::units::Ts;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::log_source::LogSource;
use super::notices::Notice;
use crate::clock::Clock;

/// Bytes of the kept cursor: sequence, index, and both again inverted as a check.
const CURSOR_BYTES: usize = 24;

/// The router's rim over the real clock, ring and disk.
pub struct BrokerRim {
    pub clock: Arc<Clock>,
    pub inbox: Inbox,
    pub cursor: CursorFile,
    pub notices: mpsc::Sender<Notice>,
}

impl Rim for BrokerRim {
    fn now(&self) -> Ts {
        self.clock.now()
    }

    fn offer(&mut self, body: Body) -> Result<(), Box<Body>> {
        let command = Command {
            ts: self.clock.now(),
            actor: ActorId(0),
            token: 0,
            body,
        };
        self.inbox
            .command(command.clone())
            .map_err(|_| Box::new(command.body))
    }

    fn keep_cursor(&mut self, cursor: OutputKey) -> std::io::Result<()> {
        self.cursor.keep(cursor)
    }

    fn differ(&mut self, difference: &Difference) -> bool {
        // Who hears it may wait for the router's orders: it must not be waited for.
        match self.notices.try_send(Notice::Holdings(*difference)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => false,
            Err(TrySendError::Closed(_)) => {
                tracing::error!(
                    ?difference,
                    "nobody heard that a broker holds something else"
                );
                true
            }
        }
    }
}

/// A cursor in a file, synced before it counts.
pub struct CursorFile(File);

impl CursorFile {
    /// Opens the file; gives the cursor it holds, if it holds a whole one.
    ///
    /// # Errors
    /// When the file cannot be opened or made.
    pub fn open(path: &Path) -> std::io::Result<(Self, Option<OutputKey>)> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut bytes = [0; CURSOR_BYTES];
        let cursor = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => decode(&bytes),
            Err(_) => {
                file.write_all(&bytes)?;
                None
            }
        };
        Ok((Self(file), cursor))
    }

    /// Keeps a cursor durably.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep(&mut self, cursor: OutputKey) -> std::io::Result<()> {
        self.0.write_all_at(&encode(cursor), 0)?;
        self.0.sync_data()
    }
}

/// Where the router goes on: what it kept, unless the log has lost what was handed over after `born`, its end at the
/// start. Behind a cursor ahead of the log every new order would count as handed over.
pub fn resumed(kept: Option<OutputKey>, born: OutputKey) -> OutputKey {
    match kept {
        Some(kept) if kept > born => {
            tracing::error!(
                handed_over = kept.seq,
                log_end = born.seq,
                "instructions were handed to brokers that the output log does not hold: compare the brokers' orders and positions with ours by hand"
            );
            born
        }
        kept => kept.unwrap_or(born),
    }
}

fn encode(cursor: OutputKey) -> [u8; CURSOR_BYTES] {
    let mut bytes = [0; CURSOR_BYTES];
    bytes[..8].copy_from_slice(&cursor.seq.to_le_bytes());
    bytes[8..12].copy_from_slice(&cursor.index.to_le_bytes());
    for at in 0..12 {
        bytes[12 + at] = !bytes[at];
    }
    bytes
}

fn decode(bytes: &[u8; CURSOR_BYTES]) -> Option<OutputKey> {
    if (0..12).any(|at| bytes[12 + at] != !bytes[at]) {
        return None;
    }
    let mut seq = [0; 8];
    seq.copy_from_slice(&bytes[..8]);
    let mut index = [0; 4];
    index.copy_from_slice(&bytes[8..12]);
    Some(OutputKey {
        seq: u64::from_le_bytes(seq),
        index: u32::from_le_bytes(index),
    })
}

/// Name of the router's cursor: the log keeps what it has not read.
const READER: &str = "router";

/// The output log as the router reads it.
pub struct RouterLog {
    source: LogSource,
    consumers: OutputConsumers,
    /// The last output handed over, and up to where the log was told so.
    given: Cursor,
    told: Option<Cursor>,
}

impl RouterLog {
    /// The log behind `from`.
    pub fn new(source: LogSource, consumers: OutputConsumers, from: Cursor) -> Self {
        let mut log = Self {
            source,
            consumers,
            given: from,
            told: None,
        };
        log.hold();
        log
    }

    /// Tells the log what it must keep.
    fn hold(&mut self) {
        if self.told.replace(self.given) == Some(self.given) {
            return;
        }
        if let Err(error) = self.consumers.set_cursor(READER, self.given) {
            tracing::warn!(%error, "the output log does not wait for the broker router");
        }
    }
}

impl OutputSource for RouterLog {
    async fn next(&mut self) -> Option<Vec<(OutputKey, Output)>> {
        // Whoever asks for more has dealt with what came before.
        self.hold();
        match self.source.next().await {
            Ok(Some(outputs)) => {
                if let Some(last) = outputs.last() {
                    self.given = Cursor {
                        seq: last.key.seq,
                        index: last.key.index,
                    };
                }
                let outputs = outputs.into_iter();
                Some(outputs.map(|logged| (logged.key, logged.output)).collect())
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the broker router lost the output log: restart to reconcile"
                );
                None
            }
        }
    }
}

/// A place in the log as a key.
pub fn key_of(cursor: Cursor) -> OutputKey {
    OutputKey {
        seq: cursor.seq,
        index: cursor.index,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_ahead_of_the_log_is_not_gone_on_from() {
        let key = |seq| OutputKey { seq, index: 0 };
        assert_eq!(resumed(None, key(5)), key(5));
        assert_eq!(resumed(Some(key(4)), key(5)), key(4));
        assert_eq!(resumed(Some(key(9)), key(5)), key(5));
    }

    #[test]
    fn a_cursor_comes_back_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cursor");
        let (mut file, none) = CursorFile::open(&path).unwrap();
        assert_eq!(none, None);
        let kept = OutputKey { seq: 77, index: 3 };
        file.keep(kept).unwrap();
        drop(file);
        assert_eq!(CursorFile::open(&path).unwrap().1, Some(kept));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[0] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(CursorFile::open(&path).unwrap().1, None);
    }
}
