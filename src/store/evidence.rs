//! The prices around an alert, copied when it fires and completed half a minute later. They come
//! from no output, so they are written beside the consumers, keyed by the alert: again is the same.

use siaga_platform::db::{DbError, Tx};
use siaga_platform::values::{bound, count, hash};
use siaga_risk::ids::{AlertId, InstrumentId};
use siaga_risk::units::{Price, Ts};

/// Charts read at a start: more cannot have been open within half a minute of any day we know.
const OPEN_MAX: i64 = 500;

/// The chart of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRow {
    /// The alert.
    pub alert: AlertId,
    /// Whose prices.
    pub instrument: InstrumentId,
    /// When it fired.
    pub fired: Ts,
    /// Nothing more will come.
    pub complete: bool,
    /// Bid and ask in the instrument's steps, oldest first.
    pub points: Vec<(Ts, Price, Price)>,
}

/// Columns of a chart as they are read.
type Columns = (i64, i64, i64, bool, Vec<i64>, Vec<i64>, Vec<i64>);

/// Writes a chart. One of a later moment stays, and of the same moment one that is complete or has more points.
///
/// # Errors
/// PostgreSQL's refusal.
pub fn write(tx: &mut Tx<'_>, row: &EvidenceRow) -> Result<(), DbError> {
    let column =
        |value: fn(&(Ts, Price, Price)) -> i64| row.points.iter().map(value).collect::<Vec<_>>();
    tx.execute(
        sqlx::query(
            "INSERT INTO alert_evidence AS e (alert, instrument, fired, complete, times_ns, bids, asks)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (alert) DO UPDATE SET instrument = excluded.instrument, fired = excluded.fired,
                 complete = excluded.complete, times_ns = excluded.times_ns, bids = excluded.bids, asks = excluded.asks
             WHERE e.fired < excluded.fired
                 OR e.fired = excluded.fired AND NOT e.complete AND cardinality(e.times_ns) <= cardinality(excluded.times_ns)",
        )
        .bind(hash(row.alert.0))
        .bind(i64::from(row.instrument.0))
        .bind(bound(row.fired))
        .bind(row.complete)
        .bind(column(|point| count(point.0.0)))
        .bind(column(|point| point.1.0))
        .bind(column(|point| point.2.0)),
    )
    .map(drop)
}

/// The chart of an alert, if there is one.
///
/// # Errors
/// The database.
pub fn read(tx: &mut Tx<'_>, alert: AlertId) -> Result<Option<EvidenceRow>, DbError> {
    let sql = "SELECT alert, instrument, (extract(epoch FROM fired) * 1000000)::bigint, complete, times_ns, bids, asks
         FROM alert_evidence WHERE alert = $1";
    let found: Option<Columns> = tx.optional(sqlx::query_as(sql).bind(hash(alert.0)))?;
    Ok(found.map(row_of))
}

/// Charts that wait for their second half, newest first.
///
/// # Errors
/// The database.
pub fn open(tx: &mut Tx<'_>) -> Result<Vec<EvidenceRow>, DbError> {
    let sql = "SELECT alert, instrument, (extract(epoch FROM fired) * 1000000)::bigint, complete, times_ns, bids, asks
         FROM alert_evidence WHERE NOT complete ORDER BY alert DESC LIMIT $1";
    let found: Vec<Columns> = tx.all(sqlx::query_as(sql).bind(OPEN_MAX))?;
    Ok(found.into_iter().map(row_of).collect())
}

fn row_of(columns: Columns) -> EvidenceRow {
    let (alert, instrument, fired_us, complete, times, bids, asks) = columns;
    let points = times.into_iter().zip(bids).zip(asks);
    EvidenceRow {
        alert: AlertId(alert.cast_unsigned()),
        instrument: InstrumentId(u32::try_from(instrument).unwrap_or(u32::MAX)),
        fired: Ts(u64::try_from(fired_us).unwrap_or(0).saturating_mul(1_000)),
        complete,
        points: points
            .map(|((time, bid), ask)| (Ts(time.cast_unsigned()), Price(bid), Price(ask)))
            .collect(),
    }
}
