//! The alert engine beside the rows it made: where a reader that starts again goes on from.

use std::sync::{Arc, Mutex, PoisonError};

use siaga_alerts::engine::Engine;
use siaga_platform::db::{DbError, Tx};
use siaga_platform::source::{Entry, OutputSource, SourceError};
use siaga_platform::values::count;
use siaga_risk::event::OutputKey;

/// The engine as it was last kept, if there is one this version can read.
///
/// # Errors
/// The database did not answer.
pub fn read_engine(tx: &mut Tx<'_>) -> Result<Option<Engine>, DbError> {
    let row: Option<(Vec<u8>,)> = tx.optional(sqlx::query_as("SELECT state FROM alert_engine"))?;
    Ok(row.and_then(|(state,)| match Engine::restore(&state) {
        Ok(engine) => Some(engine),
        Err(error) => {
            tracing::warn!("the alert engine of the database cannot be used: {error}");
            None
        }
    }))
}

/// Keeps the engine in place of the one before.
pub(super) fn write_engine(tx: &mut Tx<'_>, engine: &Engine) -> Result<(), DbError> {
    let OutputKey { seq, index } = engine.applied();
    tx.execute(sqlx::query("DELETE FROM alert_engine"))?;
    let insert = "INSERT INTO alert_engine (seq, index, state) VALUES ($1, $2, $3)";
    tx.execute(
        sqlx::query(insert)
            .bind(count(seq))
            .bind(i64::from(index))
            .bind(engine.snapshot()),
    )
    .map(drop)
}

/// Up to where the kept engine has come; shared by the projection and its source.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<OutputKey>>);

impl Kept {
    /// As a start finds it.
    pub fn at(key: OutputKey) -> Self {
        Self(Arc::new(Mutex::new(key)))
    }

    /// A projection without a state of its own: everything it has is in its rows.
    pub fn all() -> Self {
        Self::at(OutputKey {
            seq: u64::MAX,
            index: u32::MAX,
        })
    }

    /// Where it is.
    pub fn get(&self) -> OutputKey {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, key: OutputKey) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }
}

/// The log as the alert history reads it: what the kept engine has not applied stays in it, because
/// a start folds the log from there.
pub struct Held<S> {
    source: S,
    kept: Kept,
    /// A rebuild begins where its engine stands, behind the beginning of the log.
    start: OutputKey,
}

impl<S> Held<S> {
    /// A source that is read from `start` on.
    pub fn new(source: S, kept: Kept, start: OutputKey) -> Self {
        Self {
            source,
            kept,
            start,
        }
    }
}

impl<S: OutputSource> OutputSource for Held<S> {
    fn read_from(&mut self, cursor: OutputKey, max: usize) -> Result<Vec<Entry>, SourceError> {
        self.source.read_from(cursor, max)
    }

    fn applied(&mut self, cursor: OutputKey) -> Result<(), SourceError> {
        self.source.applied(cursor.min(self.kept.get()))
    }

    fn from(&self) -> OutputKey {
        self.source.from().max(self.start)
    }

    fn admit(&mut self, kept: OutputKey) -> Result<(), SourceError> {
        self.source.admit(kept)
    }

    fn opened(&self) -> OutputKey {
        self.source.opened()
    }
}
