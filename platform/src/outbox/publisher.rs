use std::time::Duration;

use siaga_risk::units::{SECOND_NS, Ts};
use tokio::sync::watch;
use uuid::Uuid;

use super::deliver::{Handlers, deliver};
use super::event::{Row, Stored, columns, stored};
use super::policy::{After, after};
use crate::audit::{Action, Change};
use crate::consumer::stopped;
use crate::page::{Cursor, Page, Paging};
use crate::people::{Area, Permission, Principal, Verb};
use crate::refusal::{NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit};
use crate::values::bound;

/// Events claimed at once: one slice of the embedded database.
const BATCH: i64 = 50;

/// A claim that nobody finished is free again after this: longer than every effect's own time limit.
const LEASE_NS: u64 = 120 * SECOND_NS;

/// How often the outbox is looked at when nobody nudges.
const IDLE: Duration = Duration::from_secs(1);

/// Pause after the database was gone or busy.
const PAUSE: Duration = Duration::from_secs(2);

/// Longest reason that is kept, characters.
const REASON_MAX: usize = 500;

/// See and send again what failed.
pub(super) const OUTBOX_READ: Permission = Permission::new("outbox.read", Area::Audit, Verb::Read);
pub(super) const OUTBOX_RETRY: Permission =
    Permission::new("outbox.retry", Area::Audit, Verb::Write);

/// Hands events on. Two programs on one database share the work: a claim is a lease.
pub struct Publisher {
    platform: Platform,
    handlers: Handlers,
}

impl Publisher {
    /// A publisher to these handlers.
    pub fn new(platform: &Platform, handlers: Handlers) -> Self {
        Self {
            platform: platform.background(),
            handlers,
        }
    }

    /// Hands on what is due, at most one event of each aggregate; returns how many were claimed.
    ///
    /// # Errors
    /// The database.
    pub async fn step(&self) -> Result<usize, Refusal> {
        let (events, leased) = self.claim().await?;
        let claimed = events.len();
        let mut stuck = Vec::new();
        let mut events = events.into_iter();
        while let Some(event) = events.next() {
            // What another program may claim by now is left to whoever gets it.
            if self.platform.now().0.saturating_add(LEASE_NS / 2) > leased.0 {
                let rest: Vec<i64> = std::iter::once(event.number)
                    .chain(events.map(|event| event.number))
                    .collect();
                self.give_back(rest, leased).await?;
                break;
            }
            let (outcome, reason) =
                deliver(&self.platform, &self.handlers, &event, &mut stuck).await;
            let now = self.platform.now();
            let attempts = event.attempts.saturating_add(1);
            let next = after(outcome, attempts, now);
            if let (After::Failed, Some(reason)) = (next, &reason) {
                tracing::error!(event = %event.id, kind = event.kind, "an event failed and waits for a person: {reason}");
            }
            self.settle((event.number, leased), attempts, next, reason, now)
                .await?;
        }
        Ok(claimed)
    }

    /// Hands on everything until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut nudges = self.platform.nudges();
        let mut well = true;
        loop {
            if *stop.borrow() || stop.has_changed().is_err() {
                return;
            }
            let wait = match self.step().await {
                Ok(0) => IDLE,
                Ok(_) => {
                    well = true;
                    continue;
                }
                Err(error) => {
                    if std::mem::replace(&mut well, false) {
                        tracing::warn!("the outbox waits for the database: {error}");
                    }
                    PAUSE
                }
            };
            tokio::select! {
                () = stopped(&mut stop) => return,
                nudged = nudges.changed() => if nudged.is_err() {
                    return;
                },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Claims due events that no earlier pending one of their aggregate stands before.
    async fn claim(&self) -> Result<(Vec<Stored>, Ts), Refusal> {
        let system = Principal::system("outbox");
        let claimed = self.platform.command(&system, move |unit| {
            let now = unit.now();
            let leased = now.plus(LEASE_NS);
            const CLAIM: &str = concat!(
                "UPDATE events SET next_attempt_at = $2 WHERE id IN (
                     SELECT e.id FROM events AS e
                     WHERE e.status = 'pending' AND e.next_attempt_at <= $1
                       AND NOT EXISTS (SELECT FROM events AS p WHERE p.status = 'pending' AND p.aggregate_id = e.aggregate_id AND p.id < e.id)
                     ORDER BY e.next_attempt_at, e.id LIMIT $3 FOR UPDATE SKIP LOCKED)
                 RETURNING ",
                columns!()
            );
            let query = sqlx::query_as(CLAIM)
                .bind(bound(now))
                .bind(bound(leased))
                .bind(BATCH);
            Ok((unit.tx().all::<Row>(query)?, leased))
        });
        let (rows, leased) = claimed.await?;
        let mut events: Vec<Stored> = rows.into_iter().map(stored).collect();
        events.sort_unstable_by_key(|event| event.number);
        Ok((events, leased))
    }

    /// Makes claims that were not used due again.
    async fn give_back(&self, numbers: Vec<i64>, leased: Ts) -> Result<(), Refusal> {
        let system = Principal::system("outbox");
        let given = self.platform.command(&system, move |unit| {
            let now = unit.now();
            let query = sqlx::query("UPDATE events SET next_attempt_at = $3 WHERE id = ANY ($1) AND status = 'pending' AND next_attempt_at = $2");
            unit.tx().execute(query.bind(numbers).bind(bound(leased)).bind(bound(now)))?;
            Ok(())
        });
        given.await
    }

    /// Notes how an attempt ended, unless the claim was lost meanwhile: then whoever has it says so.
    async fn settle(
        &self,
        (number, leased): (i64, Ts),
        attempts: u32,
        next: After,
        reason: Option<String>,
        now: Ts,
    ) -> Result<(), Refusal> {
        let system = Principal::system("outbox");
        let (status, again, published) = match next {
            After::Published => ("published", None, Some(bound(now))),
            After::Again(at) => ("pending", Some(bound(at)), None),
            After::Failed => ("failed", None, None),
        };
        let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
        let reason: Option<String> = reason.map(|reason| reason.chars().take(REASON_MAX).collect());
        let settled = self.platform.command(&system, move |unit| {
            let query = sqlx::query(
                "UPDATE events SET status = $2, attempts = $3, next_attempt_at = $4, published_at = $5, last_error = $6
                 WHERE id = $1 AND status = 'pending' AND next_attempt_at = $7",
            );
            let query = query.bind(number).bind(status).bind(attempts).bind(again).bind(published);
            unit.tx().execute(query.bind(reason).bind(bound(leased)))?;
            Ok(())
        });
        settled.await
    }
}

/// Events that wait for a person, newest first, with the reason of each.
///
/// # Errors
/// Not allowed, or the database.
pub async fn failed(
    platform: &Platform,
    by: &Principal,
    paging: Paging,
) -> Result<Page<(Stored, Option<String>)>, Refusal> {
    by.scope(OUTBOX_READ)?;
    let before = paging.after.map_or(i64::MAX, |cursor| cursor.key);
    let rows = platform.read(by, move |tx| {
        const FAILED: &str = concat!(
            "SELECT ",
            columns!(),
            ", last_error FROM events WHERE status = 'failed' AND id < $1 ORDER BY id DESC LIMIT $2"
        );
        let query = sqlx::query_as::<_, FailedRow>(FAILED);
        Ok(tx.all(query.bind(before).bind(paging.fetch()))?)
    });
    let page = paging.cut(rows.await?, |row| Cursor {
        key: row.event.0,
        id: row.event.1,
    });
    Ok(page.map(|row| (stored(row.event), row.last_error)))
}

/// Puts a failed event back: its attempts begin anew, and whoever had it already does not get it again.
///
/// # Errors
/// Not allowed, no such failed event, or the database.
pub async fn retry(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    id: Uuid,
) -> Result<(), Refusal> {
    by.may(OUTBOX_RETRY, &by.own())?;
    // Only the system changes rows of the event table.
    let by = by.elevated();
    let done = platform.command_once(&by, once, move |unit: &mut Unit<'_, '_>| {
        let now = unit.now();
        let org = unit.by().org;
        let query = sqlx::query(
            "UPDATE events SET status = 'pending', attempts = 0, next_attempt_at = $3 WHERE event_id = $1 AND org_id = $2 AND status = 'failed'",
        );
        let changed = unit.tx().execute(query.bind(id).bind(org).bind(bound(now)))?;
        if changed == 0 {
            return Err(NOT_FOUND.because("no failed event has this id"));
        }
        unit.audit(Change::new(Action::Update, "event", id).field("status", "failed", "pending"));
        unit.wake();
        Ok(())
    });
    done.await
}

/// The columns of an event and the reason behind them.
struct FailedRow {
    event: Row,
    last_error: Option<String>,
}

impl<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> for FailedRow {
    fn from_row(row: &'r sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row as _;
        Ok(Self {
            event: sqlx::FromRow::from_row(row)?,
            last_error: row.try_get("last_error")?,
        })
    }
}
