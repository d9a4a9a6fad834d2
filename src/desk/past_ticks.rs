//! Prices of the past: a server's table of ticks, else the journal.

use std::sync::Arc;

use siaga_risk::ids::SourceId;
use siaga_risk::journal::{JournalFiles, TickIndex, TickRequest};
use siaga_risk::units::{Price, Qty, Ts};
use tokio::sync::Semaphore;

use super::handle::Handle;
use super::past::unanswered;
use crate::gateway::core::{CoreError, PastTick, PastTicks};
use crate::store::db::{Actor, Db, Tx};
use crate::store::read::{self, TickRow};

/// Questions that read the journal at once.
const READERS_MAX: usize = 4;

/// The journal's prices, for a few askers at once.
pub struct TickReader {
    index: Arc<TickIndex>,
    turns: Arc<Semaphore>,
}

impl TickReader {
    /// Reads nothing before it is asked.
    pub fn new(files: JournalFiles) -> TickReader {
        TickReader {
            index: Arc::new(TickIndex::new(files)),
            turns: Arc::new(Semaphore::new(READERS_MAX)),
        }
    }

    /// Reads on a thread that may block.
    async fn read(&self, request: TickRequest) -> Result<PastTicks, CoreError> {
        let turn = self.turns.clone().try_acquire_owned();
        let turn = turn.map_err(|_| CoreError::Busy)?;
        let index = self.index.clone();
        let read = tokio::task::spawn_blocking(move || {
            // Held to the end, also when the caller has gone.
            let _turn = turn;
            index.ticks(&request)
        });
        let page = read.await.map_err(|_| CoreError::Stopped)?;
        let page = page.map_err(|error| {
            CoreError::NotAvailable(format!("prices of the past cannot be read: {error}"))
        })?;
        let ticks = page.ticks.into_iter().map(PastTick::from).collect();
        let next = page.next;
        Ok(PastTicks { ticks, next })
    }
}

/// One page of an instrument's prices.
///
/// # Errors
/// [`CoreError::Busy`] while others read, or the database does not answer; [`CoreError::NotAvailable`]: it refuses, or the journal
/// is damaged.
pub async fn ticks(handle: &Handle, request: TickRequest) -> Result<PastTicks, CoreError> {
    match Handle::read(&*handle.db).filter(Db::is_server) {
        Some(db) => stored(&db, request).await,
        None => handle.past_ticks.read(request).await,
    }
}

async fn stored(db: &Db, request: TickRequest) -> Result<PastTicks, CoreError> {
    let read = db.read(&Actor::SYSTEM, move |tx: &mut Tx<'_>| {
        read::ticks(tx, &request)
    });
    let rows = read
        .await
        .map_err(|error| unanswered("prices of the past are", &error))?;
    let full = rows.len() >= request.limit;
    let ticks: Vec<PastTick> = rows.iter().map(of_row).collect();
    let next = ticks.last().filter(|_| full).map(|tick| tick.seq);
    Ok(PastTicks { ticks, next })
}

fn of_row(row: &TickRow) -> PastTick {
    PastTick {
        seq: row.seq.cast_unsigned(),
        ts: Ts(row.time_us.cast_unsigned().saturating_mul(1_000)),
        source: SourceId(u16::try_from(row.source).unwrap_or(0)),
        bid: Price(row.bid),
        ask: Price(row.ask),
        bid_qty: Qty(row.bid_qty),
        ask_qty: Qty(row.ask_qty),
    }
}
