//! What the gateway reads. Every statement is bounded by an index and a limit, and pages go by key:
//! the embedded database cannot interrupt a statement.
//!
//! Times are UTC microseconds, prices steps, quantities lot steps, money minor units.

mod order;
mod rows;

use siaga_platform::db::{DbError, Tx};
use siaga_platform::values::{bound, count, hash};
use siaga_risk::event::BarSpan;
use siaga_risk::ids::{AccountId, AlertId, InstrumentId};
use siaga_risk::journal::TickRequest;
use siaga_risk::units::Ts;

pub use order::order_of;
pub use rows::{AlertEventPage, AlertPage, BarRow, DealPage, EventPage, OrderPage, TICKS, TickRow};

/// Most rows of a page.
pub const PAGE_MAX: u32 = 100;

/// Most bars of one answer: a wide screen at two pixels each.
pub const BARS_MAX: u32 = 1_000;

/// Most ticks of one answer.
pub const TICKS_MAX: usize = 1_000;

/// Accepted prices of an instrument behind an input, in the order of the inputs, at most [`TICKS_MAX`]. That is the order of
/// their times, which are the machine's now and never go back.
///
/// # Errors
/// The database; the embedded one has no such table.
pub fn ticks(tx: &mut Tx<'_>, request: &TickRequest) -> Result<Vec<TickRow>, DbError> {
    let limit = request.limit.min(TICKS_MAX) as i64;
    tx.all(
        sqlx::query_as(rows::TICKS)
            .bind(i64::from(request.instrument.0))
            .bind(bound(request.from))
            .bind(bound(request.to))
            .bind(count(request.after))
            .bind(limit),
    )
}

/// Bars of an instrument that start in `from..to`, oldest first; the newest [`BARS_MAX`] when there are more.
///
/// # Errors
/// The database.
pub fn bars(
    tx: &mut Tx<'_>,
    instrument: InstrumentId,
    span: BarSpan,
    from: Ts,
    to: Ts,
) -> Result<Vec<BarRow>, DbError> {
    let mut bars = tx.all(
        sqlx::query_as(rows::BARS)
            .bind(i64::from(instrument.0))
            .bind(i16::from(span.tag()))
            .bind(bound(from))
            .bind(bound(to))
            .bind(i64::from(BARS_MAX)),
    )?;
    bars.reverse();
    Ok(bars)
}

/// Which alerts a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertFilter {
    /// Pending, firing and acknowledged ones.
    Active,
    /// All of them.
    All,
    /// Those of an account.
    Account(AccountId),
}

/// Alerts older than `before` (`None` = from the newest), newest first.
///
/// # Errors
/// The database.
pub fn alerts(
    tx: &mut Tx<'_>,
    filter: AlertFilter,
    before: Option<AlertId>,
    limit: u32,
) -> Result<Vec<AlertPage>, DbError> {
    let (sql, account) = match filter {
        AlertFilter::Active => (rows::ALERTS_ACTIVE, None),
        AlertFilter::All => (rows::ALERTS, None),
        AlertFilter::Account(account) => (rows::ALERTS_OF_ACCOUNT, Some(i64::from(account.0))),
    };
    let query = sqlx::query_as(sql)
        .bind(before.map_or(i64::MAX, |id| hash(id.0)))
        .bind(page(limit));
    tx.all(match account {
        Some(account) => query.bind(account),
        None => query,
    })
}

/// One alert.
///
/// # Errors
/// The database.
pub fn alert(tx: &mut Tx<'_>, id: AlertId) -> Result<Option<AlertPage>, DbError> {
    tx.optional(sqlx::query_as(rows::ALERT).bind(hash(id.0)).bind(page(1)))
}

/// The timeline of an alert, oldest first, after revision `after`.
///
/// # Errors
/// The database.
pub fn alert_timeline(
    tx: &mut Tx<'_>,
    alert: AlertId,
    after: u32,
    limit: u32,
) -> Result<Vec<AlertEventPage>, DbError> {
    let query = sqlx::query_as(rows::ALERT_EVENTS)
        .bind(hash(alert.0))
        .bind(i64::from(after));
    tx.all(query.bind(page(limit)))
}

/// Orders older than `before`, newest first; of one account, or of all.
///
/// # Errors
/// The database.
pub fn orders(
    tx: &mut Tx<'_>,
    account: Option<AccountId>,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<OrderPage>, DbError> {
    let sql = if account.is_some() {
        rows::ORDERS_OF_ACCOUNT
    } else {
        rows::ORDERS
    };
    let query = sqlx::query_as(sql).bind(key(before)).bind(page(limit));
    tx.all(match account {
        Some(account) => query.bind(i64::from(account.0)),
        None => query,
    })
}

/// Deals before the deal (sequence, index), newest first; of one account, or of all.
///
/// # Errors
/// The database.
pub fn deals(
    tx: &mut Tx<'_>,
    account: Option<AccountId>,
    before: Option<(u64, u32)>,
    limit: u32,
) -> Result<Vec<DealPage>, DbError> {
    let sql = if account.is_some() {
        rows::DEALS_OF_ACCOUNT
    } else {
        rows::DEALS
    };
    let (seq, index) = before.map_or((i64::MAX, i64::MAX), |(seq, index)| {
        (count(seq), i64::from(index))
    });
    let query = sqlx::query_as(sql).bind(seq).bind(index).bind(page(limit));
    tx.all(match account {
        Some(account) => query.bind(i64::from(account.0)),
        None => query,
    })
}

/// Events before the event `before`, newest first; of one account, or of all.
///
/// # Errors
/// The database.
pub fn events(
    tx: &mut Tx<'_>,
    account: Option<AccountId>,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<EventPage>, DbError> {
    let sql = if account.is_some() {
        rows::EVENTS_OF_ACCOUNT
    } else {
        rows::EVENTS
    };
    let query = sqlx::query_as(sql).bind(key(before)).bind(page(limit));
    tx.all(match account {
        Some(account) => query.bind(i64::from(account.0)),
        None => query,
    })
}

fn page(limit: u32) -> i64 {
    i64::from(limit.clamp(1, PAGE_MAX))
}

fn key(before: Option<u64>) -> i64 {
    before.map_or(i64::MAX, count)
}
