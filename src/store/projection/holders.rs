//! Who holds an instrument is told when it is halted or resumed, and when a window of higher requirements begins: an event
//! for each account.
//!
//! Who holds it is folded from the log, so it is who held it at that output whenever the database comes to it. Asked of the
//! core, the answer would be of another moment, and another one after a crash.

use std::sync::Arc;

use siaga_platform::consumer::{ConsumeError, Projection, read_cursor, set_cursor};
use siaga_platform::db::{Actor, Db, DbError, Tx};
use siaga_platform::events::event_of;
use siaga_platform::source::{Entry, OutputSource, SourceError};
use siaga_platform::values::{bound, count};
use siaga_risk::event::{Output, OutputKey, PositionChange, WindowPhase};
use siaga_risk::ids::{AccountId, InstrumentId, PositionId};

use super::{column, newest};

/// Accounts told by one transaction: below 50 ms on the embedded database.
pub const SLICE_ACCOUNTS: i64 = 1_000;

/// Positions written by one statement when the table is filled.
const FILL_ROWS: usize = 10_000;

/// The open positions of the core, and behind which output of the log it had them.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// The last output before the start.
    pub at: OutputKey,
    /// What was open then.
    pub open: Vec<Holding>,
}

/// One open position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Its id.
    pub position: PositionId,
    /// Whose it is.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
}

impl Holding {
    /// Of a position as it was told.
    pub fn of(change: &PositionChange) -> Self {
        Self {
            position: change.id,
            account: change.account,
            instrument: change.instrument,
        }
    }
}

/// Open positions, and what their accounts are still to be told.
pub struct Holders;

impl Holders {
    /// Name of its cursor.
    pub const NAME: &'static str = "holders";
}

impl Projection for Holders {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn apply(&self, tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
        let changes = entries.iter().filter_map(|entry| match &entry.output {
            Output::Position(change) => Some(change),
            _ => None,
        });
        let (closed, open): (Vec<_>, Vec<_>) = newest(changes, |change| change.id)
            .into_iter()
            .partition(|change| change.qty.0 == 0);
        if !closed.is_empty() {
            let ids = column(&closed, |change: &&PositionChange| count(change.id.0));
            let gone = "DELETE FROM open_positions WHERE id = ANY ($1)";
            tx.execute(sqlx::query(gone).bind(ids))?;
        }
        let open: Vec<Holding> = open.into_iter().map(Holding::of).collect();
        write_open(tx, &open)?;
        for entry in entries {
            if let Some(kind) = told_as(&entry.output) {
                leave(tx, entry, kind)?;
            }
        }
        Ok(())
    }

    fn leaves_work(&self) -> bool {
        true
    }

    /// Tells the next accounts of the oldest halt or window that is not told to all of them.
    fn settle(&self, tx: &mut Tx<'_>) -> Result<bool, DbError> {
        let oldest: Option<(i64, i64, i64, i64)> = tx.optional(sqlx::query_as(
            "SELECT seq, index, instrument, told_to FROM holder_tellings ORDER BY seq, index LIMIT 1",
        ))?;
        let Some((seq, index, instrument, told_to)) = oldest else {
            return Ok(false);
        };
        let last: Option<i64> = tx.scalar(
            sqlx::query_scalar(TELL)
                .bind(seq)
                .bind(index)
                .bind(instrument)
                .bind(told_to)
                .bind(SLICE_ACCOUNTS),
        )?;
        let done = match last {
            Some(last) => sqlx::query(TOLD).bind(seq).bind(index).bind(last),
            None => sqlx::query(TOLD_ALL).bind(seq).bind(index),
        };
        tx.execute(done)?;
        Ok(true)
    }
}

/// An event for each of the next holders; gives the last of them. Its id is of the output and the account, so one that is
/// told again is the same.
const TELL: &str = "WITH slice AS (
        SELECT DISTINCT account FROM open_positions WHERE instrument = $3 AND account > $4 ORDER BY account LIMIT $5
    ), told AS (
        INSERT INTO events (event_id, type, time, account, instrument, payload)
        SELECT md5(concat_ws(':', 'held', t.seq, t.index, extract(epoch FROM t.time), slice.account))::uuid,
            t.type, t.time, slice.account, t.instrument, t.payload
        FROM slice, holder_tellings AS t WHERE t.seq = $1 AND t.index = $2
        ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING
    )
    SELECT max(account) FROM slice";

const TOLD: &str = "UPDATE holder_tellings SET told_to = $3 WHERE seq = $1 AND index = $2";
const TOLD_ALL: &str = "DELETE FROM holder_tellings WHERE seq = $1 AND index = $2";

/// What the event of each holder is called; nothing where holders are told nothing.
fn told_as(output: &Output) -> Option<&'static str> {
    match output {
        Output::Halt(halt) if halt.on => Some("risk.halt_held"),
        Output::Halt(_) => Some("risk.halt_resumed"),
        Output::Window(change) if change.phase == WindowPhase::Began => {
            Some("risk.requirement_held")
        }
        _ => None,
    }
}

/// Notes that holders are to be told of an output.
fn leave(tx: &mut Tx<'_>, entry: &Entry, kind: &'static str) -> Result<(), DbError> {
    let Some(event) = event_of(entry) else {
        return Ok(());
    };
    tx.execute(
        sqlx::query(
            "INSERT INTO holder_tellings (seq, index, time, type, instrument, payload) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (seq, index) DO NOTHING",
        )
        .bind(count(entry.key.seq))
        .bind(i64::from(entry.key.index))
        .bind(bound(entry.ts))
        .bind(kind)
        .bind(event.instrument.map(i64::from))
        .bind(event.payload),
    )
    .map(drop)
}

fn write_open(tx: &mut Tx<'_>, rows: &[Holding]) -> Result<(), DbError> {
    for rows in rows.chunks(FILL_ROWS) {
        tx.execute(
            sqlx::query(
                "INSERT INTO open_positions (id, account, instrument)
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
                 ON CONFLICT (id) DO UPDATE SET account = excluded.account, instrument = excluded.instrument
                 WHERE (open_positions.account, open_positions.instrument) <> (excluded.account, excluded.instrument)",
            )
            .bind(column(rows, |row| count(row.position.0)))
            .bind(column(rows, |row| i64::from(row.account.0)))
            .bind(column(rows, |row| i64::from(row.instrument.0))),
        )?;
    }
    Ok(())
}

/// Fills the table from the core's own positions where the log does not lead on from it: at its first start, in a new
/// database, behind a log that was cut. Nobody is told of what was before.
///
/// # Errors
/// The database did not answer.
pub async fn begin(
    db: &Db,
    source: &mut dyn OutputSource,
    holdings: Arc<Holdings>,
) -> Result<(), ConsumeError> {
    let db = db.background();
    let kept = |tx: &mut Tx<'_>| read_cursor(tx, Holders::NAME);
    let cursor = db.read(&Actor::SYSTEM, kept).await?;
    let leads_on = cursor >= source.from() && source.admit(cursor).is_ok();
    if leads_on && cursor != OutputKey::default() {
        return Ok(());
    }
    let fill = move |tx: &mut Tx<'_>| {
        tx.execute(sqlx::query("DELETE FROM open_positions"))?;
        write_open(tx, &holdings.open)?;
        set_cursor(tx, Holders::NAME, holdings.at)
    };
    Ok(db.write(&Actor::SYSTEM, fill).await?)
}

/// The log in pieces that end with what holders are told of: nothing behind it changes who held it.
pub struct Pieces<S>(pub S);

impl<S: OutputSource> OutputSource for Pieces<S> {
    fn read_from(&mut self, cursor: OutputKey, max: usize) -> Result<Vec<Entry>, SourceError> {
        let mut entries = self.0.read_from(cursor, max)?;
        let is_told = |entry: &Entry| told_as(&entry.output).is_some();
        if let Some(at) = entries.iter().position(is_told) {
            entries.truncate(at + 1);
        }
        Ok(entries)
    }

    fn applied(&mut self, cursor: OutputKey) -> Result<(), SourceError> {
        self.0.applied(cursor)
    }

    fn from(&self) -> OutputKey {
        self.0.from()
    }

    fn admit(&mut self, kept: OutputKey) -> Result<(), SourceError> {
        self.0.admit(kept)
    }

    fn opened(&self) -> OutputKey {
        self.0.opened()
    }
}
