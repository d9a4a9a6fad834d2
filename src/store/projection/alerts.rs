use serde_json::Value;
use siaga_platform::db::{DbError, Tx};
use siaga_platform::values::{bound, count, hash};
use siaga_risk::event::OutputKey;
use siaga_risk::units::Ts;

use super::{column, newest};

/// An alert after a change.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    /// Number of the alert.
    pub id: u64,
    /// Counts its changes.
    pub revision: u32,
    /// Name of the rule.
    pub rule: String,
    /// Revision of the rule.
    pub rule_revision: u32,
    /// What makes two alerts the same.
    pub fingerprint: String,
    /// `pending`, `firing`, `acknowledged`, `resolved`, `archived`.
    pub state: String,
    /// `info`, `warning`, `critical`.
    pub severity: String,
    /// Delivered to nobody because of a silence.
    pub silenced: bool,
    /// Delivered to nobody because a worse alert says it already.
    pub inhibited: bool,
    /// Changes too often to be shown as many.
    pub flapping: bool,
    /// Quiet until then.
    pub snoozed_until: Option<Ts>,
    /// Level of escalation.
    pub escalated: u8,
    /// Account it is about.
    pub account: Option<u32>,
    /// Instrument it is about.
    pub instrument: Option<u32>,
    /// All labels.
    pub labels: Value,
    /// One line.
    pub title: String,
    /// What happened.
    pub summary: String,
    /// The value that raised it, as text with its unit.
    pub value: Option<String>,
    /// Level at which it is raised.
    pub raise_level: Option<String>,
    /// Level at which it is cleared.
    pub clear_level: Option<String>,
    /// How long the condition must hold, nanoseconds.
    pub hold_ns: u64,
    /// When it began.
    pub started: Ts,
    /// When it changed last.
    pub changed: Ts,
    /// When it ended.
    pub ended: Option<Ts>,
    /// Input sequence, inputs, formula, chart.
    pub evidence: Value,
    /// Money at risk, minor units of the house currency.
    pub money_at_risk: Option<i64>,
    /// Who works on it.
    pub owner: Option<u32>,
    /// Who acknowledged it.
    pub acknowledged_by: Option<u32>,
    /// When.
    pub acknowledged: Option<Ts>,
    /// The alert in the core's encoding.
    pub body: Vec<u8>,
    /// The output that changed it.
    pub key: OutputKey,
}

/// A step in the timeline of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertEventRow {
    /// Number of the alert.
    pub alert: u64,
    /// Its revision after the step.
    pub revision: u32,
    /// When.
    pub ts: Ts,
    /// `raised`, `acknowledged`, `resolved`, …
    pub kind: String,
    /// Who; 0 is the system.
    pub actor: u32,
    /// Hash of the note, 0 = none.
    pub note: u64,
    /// The facts.
    pub detail: Value,
    /// The output that caused it.
    pub key: OutputKey,
}

/// Writes alerts as they stand. An older revision never replaces a newer one.
///
/// # Errors
/// PostgreSQL's refusal.
pub fn apply_alert_changes(tx: &mut Tx<'_>, rows: &[AlertRow]) -> Result<(), DbError> {
    let rows = newest(rows, |row| row.id);
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.as_slice();
    tx.execute(
        sqlx::query(
            "INSERT INTO alerts AS a (id, revision, rule, rule_revision, fingerprint, state, severity, silenced, inhibited, flapping,
                 snoozed_until, escalated, account, instrument, labels, title, summary, value, raise_level, clear_level, hold_ns,
                 started, changed, ended, evidence, money_at_risk, owner, acknowledged_by, acknowledged, body, seq, index)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::text[],
                 $8::boolean[], $9::boolean[], $10::boolean[], $11::timestamptz[], $12::smallint[], $13::bigint[], $14::bigint[],
                 $15::jsonb[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::bigint[], $22::timestamptz[],
                 $23::timestamptz[], $24::timestamptz[], $25::jsonb[], $26::bigint[], $27::bigint[], $28::bigint[],
                 $29::timestamptz[], $30::bytea[], $31::bigint[], $32::bigint[])
             ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, state = excluded.state, severity = excluded.severity,
                 silenced = excluded.silenced, inhibited = excluded.inhibited, flapping = excluded.flapping,
                 snoozed_until = excluded.snoozed_until, escalated = excluded.escalated, labels = excluded.labels,
                 title = excluded.title, summary = excluded.summary, value = excluded.value, raise_level = excluded.raise_level,
                 clear_level = excluded.clear_level, changed = excluded.changed, ended = excluded.ended,
                 evidence = excluded.evidence, money_at_risk = excluded.money_at_risk, owner = excluded.owner,
                 acknowledged_by = excluded.acknowledged_by, acknowledged = excluded.acknowledged, body = excluded.body,
                 seq = excluded.seq, index = excluded.index
             WHERE a.revision <= excluded.revision",
        )
        .bind(column(rows, |row| hash(row.id)))
        .bind(column(rows, |row| i64::from(row.revision)))
        .bind(column(rows, |row| row.rule.as_str()))
        .bind(column(rows, |row| i32::try_from(row.rule_revision).unwrap_or(i32::MAX)))
        .bind(column(rows, |row| row.fingerprint.as_str()))
        .bind(column(rows, |row| row.state.as_str()))
        .bind(column(rows, |row| row.severity.as_str()))
        .bind(column(rows, |row| row.silenced))
        .bind(column(rows, |row| row.inhibited))
        .bind(column(rows, |row| row.flapping))
        .bind(column(rows, |row| row.snoozed_until.map(bound)))
        .bind(column(rows, |row| i16::from(row.escalated)))
        .bind(column(rows, |row| row.account.map(i64::from)))
        .bind(column(rows, |row| row.instrument.map(i64::from)))
        .bind(column(rows, |row| row.labels.clone()))
        .bind(column(rows, |row| row.title.as_str()))
        .bind(column(rows, |row| row.summary.as_str()))
        .bind(column(rows, |row| row.value.as_deref()))
        .bind(column(rows, |row| row.raise_level.as_deref()))
        .bind(column(rows, |row| row.clear_level.as_deref()))
        .bind(column(rows, |row| count(row.hold_ns)))
        .bind(column(rows, |row| bound(row.started)))
        .bind(column(rows, |row| bound(row.changed)))
        .bind(column(rows, |row| row.ended.map(bound)))
        .bind(column(rows, |row| row.evidence.clone()))
        .bind(column(rows, |row| row.money_at_risk))
        .bind(column(rows, |row| row.owner.map(i64::from)))
        .bind(column(rows, |row| row.acknowledged_by.map(i64::from)))
        .bind(column(rows, |row| row.acknowledged.map(bound)))
        .bind(column(rows, |row| row.body.as_slice()))
        .bind(column(rows, |row| count(row.key.seq)))
        .bind(column(rows, |row| i64::from(row.key.index))),
    )
    .map(drop)
}

/// Appends steps of timelines; a step that stands there already is left alone.
///
/// # Errors
/// PostgreSQL's refusal.
pub fn apply_alert_events(tx: &mut Tx<'_>, rows: &[AlertEventRow]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    tx.execute(
        sqlx::query(
            "INSERT INTO alert_events (alert, revision, time, kind, actor, note, detail, seq, index)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::bigint[], $6::bigint[], $7::jsonb[],
                 $8::bigint[], $9::bigint[])
             ON CONFLICT (alert, revision, kind) DO NOTHING",
        )
        .bind(column(rows, |row| hash(row.alert)))
        .bind(column(rows, |row| i64::from(row.revision)))
        .bind(column(rows, |row| bound(row.ts)))
        .bind(column(rows, |row| row.kind.as_str()))
        .bind(column(rows, |row| i64::from(row.actor)))
        .bind(column(rows, |row| hash(row.note)))
        .bind(column(rows, |row| row.detail.clone()))
        .bind(column(rows, |row| count(row.key.seq)))
        .bind(column(rows, |row| i64::from(row.key.index))),
    )
    .map(drop)
}
