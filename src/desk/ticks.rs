//! Accepted prices on their way into a server's table of ticks. They are live outputs: what finds
//! the queue full, or a database that is not there, is dropped and counted, and nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use jiff::civil::Date;
use siaga_risk::event::{Mark, OutputKey, Seq};
use tokio::sync::watch;

use super::store::stopped;
use crate::store::db::{Db, DbError};
use crate::store::ticks::{self, COPY_ROWS};

/// Ticks that wait for the database: half a minute of a busy market, 7 MB.
const WAITING_MAX: usize = 65_536;
/// How often the queue is emptied when it is not full.
const COPY_EVERY: Duration = Duration::from_millis(500);
/// Pause before a batch that was not stored is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(2);
/// How often it is looked whether days are old enough to go.
const DROP_EVERY: Duration = Duration::from_secs(3_600);

/// Figures for `/metrics`.
#[derive(Debug, Default)]
pub struct TickFigures {
    /// Ticks in the table.
    pub stored: AtomicU64,
    /// Ticks that found the queue full.
    pub dropped: AtomicU64,
    /// Ticks in the queue when it was last emptied.
    pub waiting: AtomicU64,
}

/// The end of the queue that egress holds.
pub struct TickDoor {
    queue: Sender<(OutputKey, Mark)>,
    figures: Arc<TickFigures>,
    last: OutputKey,
}

/// The end of the queue that the store's task holds.
#[derive(Clone)]
pub struct TickQueue {
    queue: Receiver<(OutputKey, Mark)>,
    figures: Arc<TickFigures>,
    keep_days: u16,
    /// The last input of the journal at the start.
    journal_end: Seq,
}

/// Both ends; the table keeps `keep_days` whole days behind today, and what comes is behind `journal_end`.
pub fn queue(figures: Arc<TickFigures>, keep_days: u16, journal_end: Seq) -> (TickDoor, TickQueue) {
    let (sender, receiver) = bounded(WAITING_MAX);
    let door = TickDoor {
        queue: sender,
        figures: figures.clone(),
        last: OutputKey::default(),
    };
    let queue = TickQueue {
        queue: receiver,
        figures,
        keep_days,
        journal_end,
    };
    (door, queue)
}

impl TickDoor {
    /// Takes a tick of input `seq`. Never waits.
    pub fn put(&mut self, seq: Seq, mark: Mark) {
        let index = match self.last.seq == seq {
            true => self.last.index + 1,
            false => 0,
        };
        self.last = OutputKey { seq, index };
        match self.queue.try_send((self.last, mark)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.figures.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl TickQueue {
    fn take(&self) -> Vec<(OutputKey, Mark)> {
        self.figures
            .waiting
            .store(self.queue.len() as u64, Ordering::Relaxed);
        self.queue.try_iter().take(COPY_ROWS).collect()
    }

    /// Copies ticks until told to stop, then what is left, and drops old days meanwhile. `today` names the day whose
    /// partitions must be there.
    pub async fn run(
        self,
        db: Db,
        today: impl Fn() -> Date + Send + Sync,
        stop: watch::Receiver<bool>,
    ) {
        // Side by side: that prices are kept does not depend on whether old ones can go.
        tokio::join!(
            self.copy(&db, &today, stop.clone()),
            self.drop_old(&db, &today, stop)
        );
    }

    /// A batch is tried again until it is stored: the queue behind it fills meanwhile.
    async fn copy(
        &self,
        db: &Db,
        today: &(impl Fn() -> Date + Sync),
        mut stop: watch::Receiver<bool>,
    ) {
        let mut prepared: Option<Date> = None;
        let (mut batch, mut well) = (Vec::new(), true);
        loop {
            let stopping = *stop.borrow() || stop.has_changed().is_err();
            if batch.is_empty() {
                batch = self.take();
            }
            if batch.is_empty() && stopping {
                return;
            }
            let full = batch.len() == COPY_ROWS;
            let done = match self.prepare(db, today(), &mut prepared).await {
                Ok(()) => ticks::store(db, batch.clone()).await,
                Err(error) => Err(error),
            };
            let pause = match self.settle(done, &mut batch, &mut well) {
                true if full => continue,
                true => COPY_EVERY,
                false if stopping => return,
                false => TRY_AGAIN,
            };
            tokio::select! {
                () = stopped(&mut stop) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Before the first tick, what is stored is held against the journal. At a new day its partitions are made; ticks of
    /// a day without one are kept beside the others.
    async fn prepare(
        &self,
        db: &Db,
        day: Date,
        prepared: &mut Option<Date>,
    ) -> Result<(), DbError> {
        if *prepared == Some(day) {
            return Ok(());
        }
        if prepared.is_none()
            && let Some(stored) = ticks::admit(db, self.journal_end).await?
        {
            tracing::warn!(
                stored,
                journal_end = self.journal_end,
                "the ticks in the database are ahead of the journal: what comes from here on is stored all the same"
            );
        }
        match ticks::prepare(db, day).await {
            // Later days have theirs already: a reader that is in the way keeps no tick from being stored.
            Err(error) if error.may_retry() && prepared.is_none() => return Err(error),
            Err(error) => tracing::warn!(%error, "no partition of ticks could be made for the day"),
            Ok(_) => {}
        }
        *prepared = Some(day);
        Ok(())
    }

    /// Drops the days that are old enough, once a day.
    async fn drop_old(
        &self,
        db: &Db,
        today: &(impl Fn() -> Date + Sync),
        mut stop: watch::Receiver<bool>,
    ) {
        let keep = jiff::Span::new().days(i64::from(self.keep_days));
        let mut done: Option<Date> = None;
        loop {
            let day = today();
            let oldest = day.checked_sub(keep).ok().filter(|_| done != Some(day));
            let mut pause = DROP_EVERY;
            if let Some(oldest) = oldest {
                let dropped = tokio::select! {
                    () = stopped(&mut stop) => return,
                    dropped = ticks::drop_before(db, oldest) => dropped,
                };
                match dropped {
                    Ok(dropped) => {
                        done = Some(day);
                        if dropped > 0 {
                            tracing::info!(days = dropped, before = %oldest, "old ticks are dropped");
                        }
                    }
                    Err(error) if error.may_retry() => pause = TRY_AGAIN,
                    Err(error) => {
                        tracing::warn!(%error, before = %oldest, "old ticks could not be dropped: tried again in an hour");
                    }
                }
            }
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// True when the batch is stored, or can never be.
    fn settle(
        &self,
        done: Result<u64, DbError>,
        batch: &mut Vec<(OutputKey, Mark)>,
        well: &mut bool,
    ) -> bool {
        match done {
            Ok(stored) => {
                self.figures.stored.fetch_add(stored, Ordering::Relaxed);
                batch.clear();
                *well = true;
                true
            }
            Err(error) if error.may_retry() => {
                // Said once: the next tries are silent until one succeeds.
                if std::mem::replace(well, false) {
                    tracing::warn!(%error, "ticks wait for the database");
                }
                false
            }
            Err(error) => {
                tracing::error!(%error, "ticks were refused by the database");
                let lost = std::mem::take(batch).len();
                self.figures
                    .dropped
                    .fetch_add(lost as u64, Ordering::Relaxed);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_risk::ids::{InstrumentId, SourceId};
    use siaga_risk::units::{Price, Qty, Ratio, Ts};

    #[test]
    fn a_full_queue_drops_counts_and_never_waits() {
        let figures = Arc::new(TickFigures::default());
        let (mut door, queue) = queue(figures.clone(), 1, 0);
        let mark = Mark {
            ts: Ts(1),
            instrument: InstrumentId(1),
            source: SourceId(1),
            bid: Price(1),
            ask: Price(2),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            venue_lag_us: 0,
            count: 1,
            day_change: Ratio(0),
        };
        for seq in 0..WAITING_MAX as u64 + 3 {
            door.put(seq / 2, mark);
        }
        assert_eq!(figures.dropped.load(Ordering::Relaxed), 3);
        let first = queue.take();
        assert_eq!(first.len(), COPY_ROWS);
        assert!(first.is_sorted_by(|a, b| a.0 < b.0), "no key comes twice");
        drop(queue);
        door.put(1 << 40, mark);
        assert_eq!(figures.dropped.load(Ordering::Relaxed), 4);
    }
}
