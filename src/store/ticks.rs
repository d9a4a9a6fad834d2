//! Ticks, on a server only: accepted marks are copied into daily partitions (or a hypertable). They
//! are not durable outputs, so a tick may be lost when the program dies; a quote in the journal is not.

use std::fmt::Write as _;

use jiff::civil::Date;
use siaga_platform::consumer::{read_cursor, set_cursor};
use siaga_platform::db::{Actor, Db, DbError, Tx};
use siaga_platform::values::instant;
use siaga_risk::event::{Mark, OutputKey, Seq};

/// Ticks of one COPY: about a second of a busy market.
pub const COPY_ROWS: usize = 5_000;

/// Days for which partitions are made ahead, today included.
const DAYS_AHEAD: i32 = 3;

/// Whoever wants the table, or a part of it, alone gives up while somebody reads it: others would wait behind.
const LOCK_WAIT: &str = "SET LOCAL lock_timeout = '1s'";

/// Name of the cursor: the newest input whose tick is stored.
const CURSOR: &str = "ticks";

/// Stores ticks in order; those at or before the newest one stored are left out. Returns the rows stored.
///
/// # Errors
/// [`DbError::NeedsServer`] on the embedded database, which has no table of ticks; else the database's.
pub async fn store(db: &Db, ticks: Vec<(OutputKey, Mark)>) -> Result<u64, DbError> {
    db.need_server("the table of ticks")?;
    let Some((last, _)) = ticks.last() else {
        return Ok(0);
    };
    let last = *last;
    db.background()
        .write(&Actor::SYSTEM, move |tx| {
            let stored = read_cursor(tx, CURSOR)?;
            let rows = copy_text(ticks.iter().filter(|(key, _)| *key > stored));
            if rows.is_empty() {
                return Ok(0);
            }
            set_cursor(tx, CURSOR, last)?;
            tx.copy_in(
                "COPY ticks (time, instrument, source, bid, ask, bid_qty, ask_qty, seq) FROM STDIN",
                rows.as_bytes(),
            )
        })
        .await
}

/// Takes the place up to which ticks are stored back to input `end`, the last of the journal at the start, where it is
/// ahead: beside an older data folder every new tick would be left out as stored. Returns where it was then.
///
/// # Errors
/// As [`store`].
pub async fn admit(db: &Db, end: Seq) -> Result<Option<Seq>, DbError> {
    db.need_server("the table of ticks")?;
    let work = move |tx: &mut Tx<'_>| {
        let stored = read_cursor(tx, CURSOR)?;
        if stored.seq <= end {
            return Ok(None);
        }
        let back = OutputKey {
            seq: end,
            index: u32::MAX,
        };
        set_cursor(tx, CURSOR, back)?;
        Ok(Some(stored.seq))
    };
    db.background().write(&Actor::SYSTEM, work).await
}

/// Makes the partitions of `today` and the days after it; returns how many were missing.
///
/// # Errors
/// As [`store`].
pub async fn prepare(db: &Db, today: Date) -> Result<i32, DbError> {
    db.need_server("the table of ticks")?;
    let sql = "SELECT ensure_tick_partitions($1::text::date, $2)";
    let work = move |tx: &mut Tx<'_>| {
        tx.execute(sqlx::query(LOCK_WAIT))?;
        tx.scalar(
            sqlx::query_scalar(sql)
                .bind(today.to_string())
                .bind(DAYS_AHEAD),
        )
    };
    db.background().write(&Actor::SYSTEM, work).await
}

/// Drops whole days before `day`, and what has no day of its own once all of it is older; returns how many partitions went.
///
/// # Errors
/// As [`store`]; also that somebody is reading them.
pub async fn drop_before(db: &Db, day: Date) -> Result<i32, DbError> {
    db.need_server("the table of ticks")?;
    let sql = "SELECT drop_ticks_before($1::text::date)";
    let work = move |tx: &mut Tx<'_>| {
        tx.execute(sqlx::query(LOCK_WAIT))?;
        tx.scalar(sqlx::query_scalar(sql).bind(day.to_string()))
    };
    db.background().write(&Actor::SYSTEM, work).await
}

/// Lines of PostgreSQL's text format; there is nothing to escape in numbers.
fn copy_text<'a>(ticks: impl Iterator<Item = &'a (OutputKey, Mark)>) -> String {
    let mut rows = String::new();
    for (key, mark) in ticks {
        let written = writeln!(
            rows,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            instant(mark.ts),
            mark.instrument,
            mark.source,
            mark.bid.0,
            mark.ask.0,
            mark.bid_qty.0,
            mark.ask_qty.0,
            key.seq
        );
        debug_assert!(written.is_ok(), "a string takes every line");
    }
    rows
}
