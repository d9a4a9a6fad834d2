//! What memory no longer holds: older alerts and bars, from the database when it answers.

use siaga_alerts::alert::Alert;
use siaga_risk::codec::decode;
use siaga_risk::event::{Bar, Ohlc};
use siaga_risk::ids::{ActorId, AlertId};
use siaga_risk::units::{Qty, Ts};

use super::alert_desk;
use super::bars::Older;
use super::handle::Handle;
use crate::gateway::core::{
    AlertFilter, AlertRecord, AlertState, BarsRequest, CoreError, Evidence, TimelineEntry,
};
use crate::store::consumer::read_cursor;
use crate::store::db::{Actor, Db, DbError, Tx};
use crate::store::evidence;
use crate::store::projection::ReadModel;
use crate::store::read::{self, AlertEventPage, AlertPage, BarRow, PAGE_MAX};

/// Steps read of one timeline: an alert that changes more often is shown from its later steps on.
const STEPS_MAX: usize = 1_000;
/// Pages of alerts looked through for one answer, so that a filter few pass stays cheap.
const PAGES_MAX: usize = 10;

/// An alert of the database.
///
/// # Errors
/// The database is there and does not answer: [`CoreError::Busy`] when it may in a moment.
pub async fn alert(handle: &Handle, id: AlertId) -> Result<Option<AlertRecord>, CoreError> {
    let found = stored_alert(handle, id).await?;
    let directory = Handle::read(&*handle.directory);
    Ok(found.map(|alert| alert_desk::record(&alert, &directory)))
}

/// Alerts of the database that left memory and pass the filter, newest first; none when it does not
/// answer.
///
/// # Errors
/// None: memory answers alone then.
pub async fn alerts(handle: &Handle, filter: AlertFilter) -> Result<Vec<AlertRecord>, CoreError> {
    // Memory holds every alert that is not archived.
    let may_be_past = filter.states.is_empty() || filter.states.contains(&AlertState::Archived);
    let Some(db) = Handle::read(&*handle.db).filter(|_| may_be_past) else {
        return Ok(Vec::new());
    };
    let which = match filter.account {
        Some(account) => read::AlertFilter::Account(account),
        None => read::AlertFilter::All,
    };
    let (mut before, mut found) = (filter.before, Vec::new());
    for _ in 0..PAGES_MAX {
        let from = before;
        let page = db.read(&Actor::SYSTEM, move |tx| {
            read::alerts(tx, which, from, PAGE_MAX)
        });
        let page = match page.await {
            Ok(page) => page,
            Err(error) => {
                tracing::debug!(%error, "older alerts could not be read");
                return Ok(Vec::new());
            }
        };
        let ended = page.len() < PAGE_MAX as usize;
        before = page.last().map(|row| AlertId(row.id.cast_unsigned()));
        let directory = Handle::read(&*handle.directory);
        // What is in memory is newer there.
        let alerts = page
            .iter()
            .filter(|row| {
                let id = AlertId(row.id.cast_unsigned());
                handle.alerts.reach(id).is_none()
            })
            .filter_map(decoded);
        let passing = alerts.filter(|alert| alert_desk::passes(alert, &filter));
        found.extend(passing.map(|alert| alert_desk::record(&alert, &directory)));
        if ended || found.len() >= filter.limit {
            break;
        }
    }
    found.truncate(filter.limit);
    Ok(found)
}

/// The steps of an alert: those in memory, behind those that only the database has.
///
/// # Errors
/// The alert is not in memory and the database does not answer.
pub async fn timeline(
    handle: &Handle,
    id: AlertId,
) -> Result<Option<Vec<TimelineEntry>>, CoreError> {
    let held = handle.alerts.timeline(id, &handle.notes);
    let Some((held, first)) = held.zip(first_held(handle, id)) else {
        let steps = steps(handle, id, u32::MAX).await?;
        return Ok((!steps.is_empty()).then_some(steps));
    };
    if first <= 1 {
        return Ok(Some(held));
    }
    let mut all = steps(handle, id, first).await.unwrap_or_default();
    all.extend(held);
    Ok(Some(all))
}

/// What an alert stands on; the chart from memory, else from the database.
///
/// # Errors
/// The alert is not in memory and the database does not answer.
pub async fn evidence(handle: &Handle, id: AlertId) -> Result<Option<Evidence>, CoreError> {
    let directory = Handle::read(&*handle.directory);
    let held = handle.alerts.evidence(id, &directory);
    if held.as_ref().is_some_and(|found| !found.chart.is_empty()) {
        return Ok(held);
    }
    let chart = match Handle::read(&*handle.db) {
        Some(db) => {
            let read = db.read(&Actor::SYSTEM, move |tx| evidence::read(tx, id));
            read.await.ok().flatten()
        }
        None => None,
    };
    let chart = chart.map(|row| (row.instrument, row.points));
    if let Some(mut found) = held {
        if let Some((instrument, points)) = chart {
            (found.instrument, found.chart) = (Some(instrument), points);
        }
        return Ok(Some(found));
    }
    let alert = stored_alert(handle, id).await?;
    Ok(alert.map(|alert| alert_desk::evidence(&alert, chart, &directory)))
}

/// Closed bars, oldest first: the newest `limit` of the range. Memory answers alone when the
/// database does not answer, or has not yet read what memory no longer holds.
pub async fn bars(handle: &Handle, request: &BarsRequest) -> Vec<Bar> {
    let (mut held, older) = handle.bars.find(request);
    let Some((older, db)) = older.zip(Handle::read(&*handle.db)) else {
        return held;
    };
    match older_bars(&db, request, older, request.limit - held.len()).await {
        Ok(mut found) => {
            found.append(&mut held);
            found
        }
        Err(error) => {
            tracing::debug!(%error, "older bars could not be read");
            held
        }
    }
}

async fn older_bars(
    db: &Db,
    request: &BarsRequest,
    older: Older,
    limit: usize,
) -> Result<Vec<Bar>, DbError> {
    let BarsRequest {
        instrument, span, ..
    } = *request;
    let from = request.from.unwrap_or(Ts(0));
    let mut to = older.before;
    // Newest first, page by page.
    let mut found: Vec<Bar> = Vec::new();
    while found.len() < limit && from < to {
        let page = db.read(&Actor::SYSTEM, move |tx| {
            if read_cursor(tx, ReadModel::NAME)? < older.applied {
                return Ok(Vec::new());
            }
            read::bars(tx, instrument, span, from, to)
        });
        let page = page.await?;
        let Some(first) = page.first() else {
            break;
        };
        to = start(first);
        found.extend(page.iter().rev().map(|row| bar(request, row)));
    }
    found.truncate(limit);
    found.reverse();
    Ok(found)
}

fn start(row: &BarRow) -> Ts {
    Ts(row.start_us.cast_unsigned().saturating_mul(1_000))
}

fn bar(request: &BarsRequest, row: &BarRow) -> Bar {
    let corners = |open, high, low, close| Ohlc {
        open,
        high,
        low,
        close,
    };
    Bar {
        instrument: request.instrument,
        span: request.span,
        start: start(row),
        bid: corners(row.bid_open, row.bid_high, row.bid_low, row.bid_close),
        ask: corners(row.ask_open, row.ask_high, row.ask_low, row.ask_close),
        mid: corners(row.mid2_open, row.mid2_high, row.mid2_low, row.mid2_close),
        ticks: u32::try_from(row.ticks).unwrap_or(u32::MAX),
        volume: Qty(row.volume),
        closed: true,
        late: u32::try_from(row.late).unwrap_or(u32::MAX),
    }
}

/// Revision of the oldest step in memory.
fn first_held(handle: &Handle, id: AlertId) -> Option<u32> {
    let (revision, steps) = handle.alerts.reach(id)?;
    let steps = u32::try_from(steps).unwrap_or(u32::MAX);
    Some(revision.saturating_sub(steps) + 1)
}

/// Steps of the database before a revision, oldest first.
async fn steps(handle: &Handle, id: AlertId, before: u32) -> Result<Vec<TimelineEntry>, CoreError> {
    let Some(db) = Handle::read(&*handle.db) else {
        return absent(handle);
    };
    let mut steps: Vec<TimelineEntry> = Vec::new();
    let mut after = 0;
    while steps.len() < STEPS_MAX {
        let page = db.read(&Actor::SYSTEM, move |tx: &mut Tx<'_>| {
            read::alert_timeline(tx, id, after, PAGE_MAX)
        });
        let page = page.await.map_err(silent)?;
        let Some(last) = page.last() else {
            break;
        };
        let revision = |row: &AlertEventPage| u32::try_from(row.revision).unwrap_or(u32::MAX);
        after = revision(last);
        let wanted = page.iter().filter(|row| revision(row) < before);
        steps.extend(wanted.map(|row| step(handle, row)));
        if after >= before || page.len() < PAGE_MAX as usize {
            break;
        }
    }
    Ok(steps)
}

fn step(handle: &Handle, row: &AlertEventPage) -> TimelineEntry {
    TimelineEntry {
        at: Ts(row.time_us.cast_unsigned().saturating_mul(1_000)),
        what: alert_desk::step_name(&row.kind).to_owned(),
        by: ActorId(u32::try_from(row.actor).unwrap_or(0)),
        note: handle.notes.text(row.note.cast_unsigned()),
    }
}

async fn stored_alert(handle: &Handle, id: AlertId) -> Result<Option<Alert>, CoreError> {
    let Some(db) = Handle::read(&*handle.db) else {
        return absent(handle);
    };
    let read = db.read(&Actor::SYSTEM, move |tx| read::alert(tx, id));
    Ok(read.await.map_err(silent)?.as_ref().and_then(decoded))
}

/// The answer without a database: nothing, unless there should be one.
fn absent<T: Default>(handle: &Handle) -> Result<T, CoreError> {
    let status = Handle::read(&*handle.store);
    if !status.is_configured() {
        return Ok(T::default());
    }
    let reason = format!(
        "what memory no longer holds is in the database, which is not there: {}",
        status.detail
    );
    Err(CoreError::NotAvailable(reason))
}

fn silent(error: DbError) -> CoreError {
    unanswered("what memory no longer holds is", &error)
}

/// Why a question is not answered, whose answer is in the database: a database that is busy, slow or out of reach is asked
/// again in a moment.
pub(super) fn unanswered(what: &str, error: &DbError) -> CoreError {
    if error.may_retry() {
        tracing::debug!(%error, "{what} in the database, which does not answer");
        return CoreError::Busy;
    }
    CoreError::NotAvailable(format!(
        "{what} in the database, which does not answer: {error}"
    ))
}

/// The alert as it was written; `None` (said once in the log) when this version cannot read it.
fn decoded(row: &AlertPage) -> Option<Alert> {
    decode(&row.body)
        .inspect_err(|error| tracing::warn!(alert = row.id, %error, "a stored alert is not read"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_may_answer_later_is_to_be_asked_later() {
        let unreachable = DbError::Unavailable("connection refused".into());
        for later in [DbError::Busy, DbError::Timeout, unreachable] {
            assert_eq!(silent(later), CoreError::Busy);
        }
        let broken = DbError::Unexpected("a row of another program".into());
        for never in [DbError::Closed, DbError::NeedsServer("a report"), broken] {
            let why = never.to_string();
            let told = silent(never).to_string();
            assert!(told.contains(&why), "{told}");
        }
    }
}
