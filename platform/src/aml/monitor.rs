//! Looks at every movement when it is asked for. What the rules find grave holds it before money moves.

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::case::CaseKind;
use super::cases::{NewAlert, add_alert, open_case};
use super::cash::keep_told;
use super::rules::{
    Deal, HISTORY_NS, Movement, Payer, Rule, Severity, THROUGH_NS, Told, Way, judge,
};
use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::outbox::{Event, Stored, Subscriber};
use crate::refusal::Refusal;
use crate::unit::Unit;
use crate::values::{bound, from_micros};

/// Movements of a client that are looked at: far more than [`super::rules::VELOCITY_COUNT`] a day for a month.
const MOVEMENTS_MAX: i64 = 2_000;

/// Deals of three days that are looked at: the newest are enough to see that a client trades.
const DEALS_MAX: i64 = 5_000;

/// The consumer of requests.
pub struct Monitor;

impl Subscriber for Monitor {
    fn name(&self) -> &'static str {
        "aml.monitor"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "cash.requested"
    }

    fn apply(&self, unit: &mut Unit<'_, '_>, event: &Stored) -> Result<(), Refusal> {
        look_at(unit, event.aggregate_id)
    }
}

type Row = (Uuid, Uuid, String, i64, i64, Option<bool>);

fn movement((id, _, kind, usd_cents, at, is_client): &Row) -> Option<Movement> {
    Some(Movement {
        id: *id,
        way: Way::of_kind(kind)?,
        usd_cents: *usd_cents,
        at: from_micros(*at),
        payer: match is_client {
            Some(true) => Payer::Client,
            Some(false) => Payer::Other,
            None => Payer::Unknown,
        },
    })
}

/// Judges one request, as the system in its organisation.
pub(super) fn look_at(unit: &mut Unit<'_, '_>, request: Uuid) -> Result<(), Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    let row: Option<Row> = unit.tx().optional(
        sqlx::query_as(
            "SELECT id, user_id, kind, usd_cents, (extract(epoch FROM created_at) * 1000000)::bigint, payer_is_client
             FROM cash_requests WHERE id = $1 FOR UPDATE",
        )
        .bind(request),
    )?;
    let Some(row) = row else {
        return Ok(());
    };
    let user = row.1;
    let alerts = match movement(&row) {
        Some(new) => {
            let others = movements(unit.tx(), user, new.at)?;
            let deals = deals(unit.tx(), user, new.at)?;
            let active = last_active(unit.tx(), user, request, new.at)?;
            let told = told(unit.tx(), user, request, new.at)?;
            judge(&new, &others, &deals, active, &told)
        }
        None => Vec::new(),
    };
    if let Some(worst) = alerts.iter().map(|alert| alert.rule.severity()).max() {
        let case = open_case(unit, user, CaseKind::Transactions, worst)?;
        for alert in &alerts {
            let evidence: Vec<Value> = alert
                .evidence
                .iter()
                .map(|id| Value::from(id.to_string()))
                .collect();
            let mut facts = alert.figures.clone();
            facts.insert("requests".to_owned(), evidence.into());
            let alert = NewAlert {
                rule: alert.rule,
                key: request.to_string(),
                detail: alert.detail.clone(),
                facts: Value::Object(facts),
            };
            add_alert(unit, case, user, CaseKind::Transactions, &alert)?;
        }
        if worst == Severity::High {
            hold(unit, request, user)?;
        }
    }
    unit.tx().execute(
        sqlx::query("INSERT INTO cash_checks (request_id, org_id, alerts, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (request_id) DO NOTHING")
            .bind(request)
            .bind(org)
            .bind(i64::try_from(alerts.len()).unwrap_or(i64::MAX))
            .bind(bound(now)),
    )?;
    Ok(())
}

/// Holds a request that was not decided on yet, or that was approved before it was looked at.
fn hold(unit: &mut Unit<'_, '_>, request: Uuid, user: Uuid) -> Result<(), Refusal> {
    // Whoever asks has locked the row.
    let goes_on: Option<(String,)> = unit.tx().optional(
        sqlx::query_as(
            "SELECT kind FROM cash_requests WHERE id = $1 AND status IN ('requested', 'approved')
                 AND NOT EXISTS (SELECT FROM cash_bookings b WHERE b.request_id = cash_requests.id)",
        )
        .bind(request),
    )?;
    let Some((kind,)) = goes_on else {
        return Ok(());
    };
    keep_told(unit.tx(), request)?;
    unit.tx().execute(
        sqlx::query(
            "UPDATE cash_requests SET status = 'held', called_at = NULL, revision = revision + 1, untold = untold + 1 WHERE id = $1",
        )
        .bind(request),
    )?;
    unit.audit(
        Change::new(Action::Update, "cash_request", request)
            .about(user)
            .field("status", Value::Null, "held"),
    );
    unit.emit(
        Event::new(
            "cash.held",
            "cash_request",
            request,
            json!({ "user_id": user, "kind": kind }),
        )
        .about(user),
    );
    Ok(())
}

fn movements(tx: &mut Tx<'_>, user: Uuid, at: Ts) -> Result<Vec<Movement>, Refusal> {
    let from = Ts(at.0.saturating_sub(HISTORY_NS));
    let rows: Vec<Row> = tx.all(
        sqlx::query_as(
            "SELECT id, user_id, kind, usd_cents, (extract(epoch FROM created_at) * 1000000)::bigint, payer_is_client FROM cash_requests
             WHERE user_id = $1 AND created_at > $2 AND created_at <= $3 AND kind <> 'correction' AND status NOT IN ('rejected', 'cancelled')
             ORDER BY created_at DESC LIMIT $4",
        )
        .bind(user)
        .bind(bound(from))
        .bind(bound(at))
        .bind(MOVEMENTS_MAX),
    )?;
    Ok(rows.iter().filter_map(movement).collect())
}

/// What was told about the client's other movements and waits for a decision. A case that comes back does not bring back what was
/// decided in it before.
fn told(tx: &mut Tx<'_>, user: Uuid, request: Uuid, at: Ts) -> Result<Vec<Told>, Refusal> {
    let from = Ts(at.0.saturating_sub(HISTORY_NS));
    let rows: Vec<(String, String, i64)> = tx.all(
        sqlx::query_as(
            "SELECT a.rule, r.kind, (extract(epoch FROM r.created_at) * 1000000)::bigint
             FROM cash_requests AS r JOIN aml_alerts AS a ON a.user_id = r.user_id AND a.key = r.id::text JOIN aml_cases AS c ON c.id = a.case_id
             WHERE r.user_id = $1 AND r.id <> $2 AND r.created_at > $3 AND r.created_at <= $4 AND c.status IN ('open', 'investigating', 'escalated')
                 AND NOT EXISTS (SELECT FROM aml_steps AS s WHERE s.case_id = c.id AND s.to_status IN ('cleared', 'confirmed', 'reported')
                                 AND s.created_at >= a.created_at)
             ORDER BY r.created_at DESC LIMIT $5",
        )
        .bind(user)
        .bind(request)
        .bind(bound(from))
        .bind(bound(at))
        .bind(MOVEMENTS_MAX),
    )?;
    let told = |(rule, kind, at): (String, String, i64)| {
        Some(Told {
            rule: Rule::parse(&rule)?,
            way: Way::of_kind(&kind)?,
            at: from_micros(at),
        })
    };
    Ok(rows.into_iter().filter_map(told).collect())
}

fn deals(tx: &mut Tx<'_>, user: Uuid, at: Ts) -> Result<Vec<Deal>, Refusal> {
    let from = Ts(at.0.saturating_sub(THROUGH_NS));
    let rows: Vec<(i64, i64)> = tx.all(
        sqlx::query_as(
            "SELECT (extract(epoch FROM d.time) * 1000000)::bigint, (d.qty::numeric * 1000000 / (10::numeric ^ coalesce(i.qty_digits, 0)))::bigint
             FROM deals d JOIN accounts_directory a ON a.account = d.account LEFT JOIN instruments i ON i.id = d.instrument
             WHERE a.user_id = $1 AND a.account_type = 'live' AND d.time >= $2 AND d.time <= $3 ORDER BY d.seq DESC LIMIT $4",
        )
        .bind(user)
        .bind(bound(from))
        .bind(bound(at))
        .bind(DEALS_MAX),
    )?;
    let deal = |(at, lots): (i64, i64)| Deal {
        at: from_micros(at),
        lots: lots.saturating_abs(),
    };
    Ok(rows.into_iter().map(deal).collect())
}

/// The last movement or deal before this one.
fn last_active(tx: &mut Tx<'_>, user: Uuid, request: Uuid, at: Ts) -> Result<Option<Ts>, Refusal> {
    let last: Option<i64> = tx.scalar(
        sqlx::query_scalar(
            "SELECT (extract(epoch FROM greatest(
                 (SELECT max(r.created_at) FROM cash_requests r WHERE r.user_id = $1 AND r.id <> $2 AND r.created_at <= $3),
                 (SELECT max(d.time) FROM deals d JOIN accounts_directory a ON a.account = d.account
                      WHERE a.user_id = $1 AND a.account_type = 'live' AND d.time <= $3)
             )) * 1000000)::bigint",
        )
        .bind(user)
        .bind(request)
        .bind(bound(at)),
    )?;
    Ok(last.map(from_micros))
}
