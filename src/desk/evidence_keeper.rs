//! Copies alerts' charts to the database: when they fire, and again when they are whole.

use std::sync::Arc;
use std::time::Duration;

use siaga_risk::units::Ts;
use tokio::sync::watch;

use super::evidence::EvidenceBook;
use super::store::stopped;
use crate::clock::Clock;
use crate::store::db::{Actor, Db, DbError};
use crate::store::evidence;

/// How often the book is looked through: an alert that fired is in the database a moment later.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Charts of one transaction: a few milliseconds on the embedded database.
const CHARTS_MAX: usize = 8;

/// Runs until told to stop, then copies what is left.
pub async fn run(
    db: Db,
    book: Arc<EvidenceBook>,
    clock: Arc<Clock>,
    mut stop: watch::Receiver<bool>,
) {
    let mut resumed = false;
    let mut well = true;
    loop {
        let stopping = tokio::select! {
            () = stopped(&mut stop) => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let done = copy(&db, &book, clock.now(), stopping, &mut resumed).await;
        // Said once: the next looks try again by themselves.
        if let Err(error) = &done
            && well
        {
            tracing::warn!(%error, "evidence of alerts waits for the database");
        }
        well = done.is_ok();
        if stopping {
            return;
        }
    }
}

/// One look: what is due is written, a few charts at a time.
///
/// # Errors
/// The database; what was not written is due again.
pub async fn copy(
    db: &Db,
    book: &EvidenceBook,
    now: Ts,
    all: bool,
    resumed: &mut bool,
) -> Result<(), DbError> {
    let db = db.background();
    if !*resumed {
        book.resume(db.read(&Actor::SYSTEM, evidence::open).await?);
        *resumed = true;
    }
    loop {
        let rows = book.due(now, all, CHARTS_MAX);
        if rows.is_empty() {
            return Ok(());
        }
        let written = db
            .write(&Actor::SYSTEM, move |tx| {
                rows.iter().try_for_each(|row| evidence::write(tx, row))?;
                Ok(rows)
            })
            .await?;
        written.iter().for_each(|row| book.stored(row));
    }
}
