//! Who did what: commands of people and what they changed.

use serde_json::{Value, json};
use siaga_platform::db::{DbError, Tx};
use siaga_platform::events::event_of;
use siaga_platform::source::Entry;
use siaga_platform::values::{bound, count, hash};
use siaga_risk::event::{Output, OutputKey, TermsChange};
use siaga_risk::ids::ActorId;
use siaga_risk::units::Ts;

use super::column;

struct AuditRow {
    key: OutputKey,
    ts: Ts,
    actor: u32,
    action: String,
    scope: String,
    note: u64,
    detail: Value,
}

pub(super) fn apply(tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
    let rows: Vec<AuditRow> = entries
        .iter()
        .filter_map(|entry| row_of(entry, entries))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    tx.execute(
        sqlx::query(
            "INSERT INTO audit_log (source_seq, source_index, time, actor, action, scope, note, detail)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::jsonb[])
             ON CONFLICT (source_seq, source_index) DO NOTHING",
        )
        .bind(column(&rows, |row| count(row.key.seq)))
        .bind(column(&rows, |row| i64::from(row.key.index)))
        .bind(column(&rows, |row| bound(row.ts)))
        .bind(column(&rows, |row| i64::from(row.actor)))
        .bind(column(&rows, |row| row.action.as_str()))
        .bind(column(&rows, |row| row.scope.as_str()))
        .bind(column(&rows, |row| hash(row.note)))
        .bind(column(&rows, |row| row.detail.clone())),
    )
    .map(drop)
}

/// The audit row of an output: what a person changed, and what a person was refused.
fn row_of(entry: &Entry, batch: &[Entry]) -> Option<AuditRow> {
    let (actor, note) = match &entry.output {
        Output::Mode(change) => (change.actor, change.set.note),
        Output::Kill(change) => (change.actor, change.set.note),
        Output::Throttle(change) if !change.on => (change.actor, 0),
        Output::Alert(echo) => (echo.actor, echo.command.note),
        Output::Terms(TermsChange::Limit(limit)) => (asked_by(entry.key.seq, batch), limit.note),
        Output::Terms(TermsChange::Review(review)) => (asked_by(entry.key.seq, batch), review.note),
        Output::Terms(_) | Output::Cash(_) => (asked_by(entry.key.seq, batch), 0),
        Output::Halt(halt) if halt.manual => (asked_by(entry.key.seq, batch), 0),
        Output::Answer(answer) if !answer.reasons.is_empty() && answer.actor != ActorId(0) => {
            (answer.actor, 0)
        }
        _ => return None,
    };
    let event = event_of(entry)?;
    let scope = match (event.account, event.instrument, event.payload.get("scope")) {
        (_, _, Some(Value::String(scope))) => scope.clone(),
        (Some(account), _, _) => format!("account:{account}"),
        (None, Some(instrument), _) => format!("instrument:{instrument}"),
        _ => "house".into(),
    };
    Some(AuditRow {
        key: entry.key,
        ts: entry.ts,
        actor: actor.0,
        action: event.kind,
        scope,
        note,
        detail: json!({"account": event.account, "instrument": event.instrument, "facts": event.payload}),
    })
}

/// The answer to the same input names who asked for it; the outputs of one input come in one batch.
fn asked_by(seq: u64, batch: &[Entry]) -> ActorId {
    let start = batch.partition_point(|entry| entry.key.seq < seq);
    let same_input = batch[start..]
        .iter()
        .take_while(|entry| entry.key.seq == seq);
    let mut answers = same_input.filter_map(|entry| match &entry.output {
        Output::Answer(answer) => Some(answer.actor),
        _ => None,
    });
    answers.next().unwrap_or_default()
}
