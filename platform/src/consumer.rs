//! A consumer of the output log: it writes the rows of a batch and its cursor in one transaction, so
//! a crash loses nothing and doubles nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use siaga_risk::event::OutputKey;
use tokio::sync::watch;

use crate::db::{Actor, Db, DbError, Tx};
use crate::source::{Entry, OutputSource, SourceError};
use crate::values::count;

/// Outputs applied by one transaction: below 50 ms on the embedded database.
pub const BATCH_MAX: usize = 500;

/// How long a consumer that has come to the end waits for a nudge before it looks again.
const IDLE: Duration = Duration::from_millis(250);

/// How long it waits after the database was gone or busy.
const PAUSE: Duration = Duration::from_secs(1);

/// What a consumer makes of outputs.
pub trait Projection: Send + Sync + 'static {
    /// Name of its cursor.
    fn name(&self) -> &'static str;

    /// Writes what `entries` mean. They are in order, follow the last ones applied, and end with the
    /// last output of an input (unless one input has more than [`BATCH_MAX`]).
    ///
    /// # Errors
    /// PostgreSQL's refusal; nothing of the batch is then written.
    fn apply(&self, tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError>;

    /// Whether a batch may leave work that is too much for its transaction: it is [settled](Projection::settle) before the
    /// next one is read.
    fn leaves_work(&self) -> bool {
        false
    }

    /// The next slice of the work that batches left; false when none was left. What is left stands in the database: a
    /// program that starts again goes on with it.
    ///
    /// # Errors
    /// PostgreSQL's refusal; nothing of the slice is then written.
    fn settle(&self, _tx: &mut Tx<'_>) -> Result<bool, DbError> {
        Ok(false)
    }
}

/// Why a consumer stopped.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The log.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// A projection, its log and how far it has come. Call [`Consumer::open`], then [`Consumer::step`] or [`Consumer::run`].
pub struct Consumer {
    db: Db,
    projection: Arc<dyn Projection>,
    source: Arc<Mutex<Box<dyn OutputSource>>>,
    cursor: OutputKey,
    /// A commit whose answer was lost may have moved the cursor.
    in_doubt: bool,
    /// A batch may have left work.
    unsettled: bool,
}

impl Consumer {
    /// Reads the cursor and tells the log where it stands.
    ///
    /// # Errors
    /// The database did not answer, or the log has forgotten what comes next.
    pub async fn open(
        db: &Db,
        projection: Arc<dyn Projection>,
        mut source: Box<dyn OutputSource>,
    ) -> Result<Self, ConsumeError> {
        let db = db.background();
        let name = projection.name();
        let cursor = db
            .read(&Actor::SYSTEM, move |tx| read_cursor(tx, name))
            .await?;
        source.admit(cursor)?;
        source.applied(cursor)?;
        Ok(Self {
            db,
            unsettled: projection.leaves_work(),
            projection,
            source: Arc::new(Mutex::new(source)),
            cursor,
            in_doubt: false,
        })
    }

    /// The last output applied; the log must keep what comes after.
    pub fn cursor(&self) -> OutputKey {
        self.cursor
    }

    /// Applies the next batch; returns how many outputs it had, 0 at the end of the log.
    ///
    /// # Errors
    /// [`ConsumeError`]; nothing was applied then, and the next call tries the same batch again.
    pub async fn step(&mut self) -> Result<usize, ConsumeError> {
        if self.in_doubt {
            let name = self.projection.name();
            self.cursor = self
                .db
                .read(&Actor::SYSTEM, move |tx| read_cursor(tx, name))
                .await?;
            self.in_doubt = false;
        }
        while self.unsettled {
            let projection = Arc::clone(&self.projection);
            let work = move |tx: &mut Tx<'_>| projection.settle(tx);
            self.unsettled = self.db.write(&Actor::SYSTEM, work).await?;
        }
        let entries = self.next_batch().await?;
        let Some(last) = entries.last() else {
            return Ok(0);
        };
        let (from, to, read) = (self.cursor, last.key, entries.len());
        let projection = Arc::clone(&self.projection);
        let work = move |tx: &mut Tx<'_>| {
            move_cursor(tx, projection.name(), from, to)?;
            projection.apply(tx, &entries)
        };
        self.unsettled = self.projection.leaves_work();
        let written = self.db.write(&Actor::SYSTEM, work).await;
        self.in_doubt = matches!(written, Err(DbError::Unavailable(_)));
        written?;
        self.cursor = to;
        Ok(read)
    }

    /// Applies everything that comes, until `stop` turns true; then what is left to the end.
    /// `nudge` says that the log grew; `told` hears how far it is, and what it waits for when that lasts.
    ///
    /// # Errors
    /// What waiting cannot heal: a trimmed log or a statement that is refused for good.
    pub async fn run(
        mut self,
        mut nudge: watch::Receiver<u64>,
        mut stop: watch::Receiver<bool>,
        mut told: impl FnMut(Result<OutputKey, &DbError>) + Send,
    ) -> Result<OutputKey, ConsumeError> {
        let mut waits = false;
        loop {
            // A program that is gone asks for a stop too.
            let stopping = *stop.borrow() || stop.has_changed().is_err();
            let step = self.step().await;
            if waits && step.is_ok() {
                waits = false;
                told(Ok(self.cursor));
            }
            let wait = match step {
                Ok(0) if stopping => return Ok(self.cursor),
                Ok(0) => IDLE,
                Ok(_) => {
                    told(Ok(self.cursor));
                    continue;
                }
                Err(error) if stopping => return Err(error),
                Err(ConsumeError::Db(error)) if error.may_retry() => {
                    tracing::warn!("{} waits for the database: {error}", self.projection.name());
                    if error.lasts() {
                        waits = true;
                        told(Err(&error));
                    }
                    PAUSE
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = stopped(&mut stop) => {}
                grown = nudge.changed(), if wait == IDLE => {
                    // A log that nobody writes any more is looked at now and then.
                    if grown.is_err() {
                        tokio::time::sleep(wait).await;
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn next_batch(&self) -> Result<Vec<Entry>, ConsumeError> {
        let (source, cursor) = (Arc::clone(&self.source), self.cursor);
        let read = move || {
            let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
            source.applied(cursor)?;
            source.read_from(cursor, BATCH_MAX)
        };
        let entries = tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| DbError::Panicked)??;
        Ok(whole_inputs(entries))
    }
}

/// Resolves when the program stops, or is gone.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _gone = stop.wait_for(|stop| *stop).await.is_err();
}

/// Drops the outputs of a last input that may not be complete, so that its outputs stay together.
fn whole_inputs(mut entries: Vec<Entry>) -> Vec<Entry> {
    if entries.len() < BATCH_MAX {
        return entries;
    }
    let (first, last) = match (entries.first(), entries.last()) {
        (Some(first), Some(last)) => (first.key.seq, last.key.seq),
        _ => return entries,
    };
    if first != last {
        entries.retain(|entry| entry.key.seq != last);
    }
    entries
}

/// How far the consumer `name` has come.
///
/// # Errors
/// The database did not answer.
pub fn read_cursor(tx: &mut Tx<'_>, name: &'static str) -> Result<OutputKey, DbError> {
    let row: Option<(i64, i64)> = tx.optional(
        sqlx::query_as("SELECT cursor_seq, cursor_index FROM consumers WHERE name = $1").bind(name),
    )?;
    Ok(row.map_or(OutputKey::default(), |(seq, index)| OutputKey {
        seq: seq.cast_unsigned(),
        index: u32::try_from(index).unwrap_or(u32::MAX),
    }))
}

/// Moves the cursor from where this consumer left it: a second one of the same name is found here.
fn move_cursor(
    tx: &mut Tx<'_>,
    name: &'static str,
    from: OutputKey,
    to: OutputKey,
) -> Result<(), DbError> {
    let moved = tx.execute(
        sqlx::query(
            "INSERT INTO consumers AS c (name, cursor_seq, cursor_index) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET cursor_seq = $2, cursor_index = $3, moved = now()
             WHERE c.cursor_seq = $4 AND c.cursor_index = $5",
        )
        .bind(name)
        .bind(count(to.seq))
        .bind(i64::from(to.index))
        .bind(count(from.seq))
        .bind(i64::from(from.index)),
    )?;
    if moved == 1 {
        return Ok(());
    }
    Err(DbError::Unexpected(format!(
        "the cursor of {name} is no longer at input {}: another program writes this database; stop one of them",
        from.seq
    )))
}

/// Puts the cursor of `name` to `key`: a rebuild reads the log again from there.
///
/// # Errors
/// The database did not answer.
pub fn set_cursor(tx: &mut Tx<'_>, name: &'static str, key: OutputKey) -> Result<(), DbError> {
    tx.execute(
        sqlx::query(
            "INSERT INTO consumers (name, cursor_seq, cursor_index) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET cursor_seq = $2, cursor_index = $3, moved = now()",
        )
        .bind(name)
        .bind(count(key.seq))
        .bind(i64::from(key.index)),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use siaga_risk::event::Output;
    use siaga_risk::units::Ts;

    use super::*;

    fn entry(seq: u64, index: u32) -> Entry {
        let jump = siaga_risk::event::ClockJump { by_ns: 1 };
        Entry {
            key: OutputKey { seq, index },
            ts: Ts(seq),
            output: Output::ClockJump(jump),
        }
    }

    #[test]
    fn outputs_of_one_input_stay_together() {
        let short = vec![entry(1, 0), entry(2, 0)];
        assert_eq!(whole_inputs(short.clone()), short);
        let mut full: Vec<Entry> = (1..BATCH_MAX as u64).map(|seq| entry(seq, 0)).collect();
        full.push(entry(BATCH_MAX as u64 - 1, 1));
        assert_eq!(full.len(), BATCH_MAX);
        let cut = whole_inputs(full);
        assert_eq!(cut.len(), BATCH_MAX - 2);
        assert_eq!(
            cut.last().map(|entry| entry.key.seq),
            Some(BATCH_MAX as u64 - 2)
        );
        let one_input: Vec<Entry> = (0..BATCH_MAX as u32).map(|index| entry(1, index)).collect();
        assert_eq!(
            whole_inputs(one_input).len(),
            BATCH_MAX,
            "one huge input goes in pieces"
        );
    }
}
