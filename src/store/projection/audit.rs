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
            "INSERT INTO audit_log (source_seq, source_index, created_at, actor_id, action, entity_type, entity_id, note, new_value)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::jsonb[])",
        )
        .bind(column(&rows, |row| count(row.key.seq)))
        .bind(column(&rows, |row| i64::from(row.key.index)))
        .bind(column(&rows, |row| bound(row.ts)))
        .bind(column(&rows, |row| format!("core:{}", row.actor)))
        .bind(column(&rows, |row| row.action.as_str()))
        .bind(column(&rows, |row| kind_of(&row.scope)))
        .bind(column(&rows, |row| key_of(&row.scope)))
        .bind(column(&rows, |row| hash(row.note)))
        .bind(column(&rows, |row| row.detail.clone())),
    )
    .map(drop)
}

/// `account` of `account:7`; `house` of `house`. A core output that stands in the log already is left out
/// by the log itself.
fn kind_of(scope: &str) -> &str {
    scope.split_once(':').map_or(scope, |(kind, _)| kind)
}

/// `7` of `account:7`; `house` of `house`.
fn key_of(scope: &str) -> &str {
    scope.split_once(':').map_or(scope, |(_, key)| key)
}

/// The audit row of an output: what a person changed, and what a person was refused.
fn row_of(entry: &Entry, batch: &[Entry]) -> Option<AuditRow> {
    let (actor, note) = match &entry.output {
        Output::Mode(change) => (change.actor, change.set.note),
        Output::Kill(change) => (change.actor, change.set.note),
        Output::Throttle(change) if !change.on => (change.actor, noted(entry, batch)),
        // A full disk takes no note, so that one says nothing; what its supervisor changes, nobody asked for.
        Output::Link(_) if asked_by(entry.key.seq, batch) != ActorId(0) => {
            (asked_by(entry.key.seq, batch), noted(entry, batch))
        }
        Output::Alert(echo) => (echo.actor, echo.command.note),
        Output::Terms(TermsChange::Limit(limit)) => (asked_by(entry.key.seq, batch), limit.note),
        Output::Terms(TermsChange::Review(review)) => (asked_by(entry.key.seq, batch), review.note),
        Output::Terms(_) | Output::Cash(_) => (asked_by(entry.key.seq, batch), 0),
        Output::Halt(halt) if halt.manual => (asked_by(entry.key.seq, batch), noted(entry, batch)),
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
        _ => match &entry.output {
            Output::Link(change) => format!("link:{}", change.link),
            _ => "house".into(),
        },
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

/// Why the person did it, 0 = without a note.
fn noted(entry: &Entry, batch: &[Entry]) -> u64 {
    let mut notes = same_input(entry.key.seq, batch).filter_map(|entry| match &entry.output {
        Output::Noted(noted) => Some(noted.note),
        _ => None,
    });
    notes.next().unwrap_or(0)
}

/// The outputs of one input; they come in one batch.
fn same_input(seq: u64, batch: &[Entry]) -> impl Iterator<Item = &Entry> {
    let start = batch.partition_point(|entry| entry.key.seq < seq);
    batch[start..]
        .iter()
        .take_while(move |entry| entry.key.seq == seq)
}

/// The answer to the same input names who asked for it.
fn asked_by(seq: u64, batch: &[Entry]) -> ActorId {
    let mut answers = same_input(seq, batch).filter_map(|entry| match &entry.output {
        Output::Answer(answer) => Some(answer.actor),
        _ => None,
    });
    answers.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use siaga_risk::event::{Answer, LinkChange, LinkMode, Noted};
    use siaga_risk::ids::LinkId;

    use super::*;

    #[test]
    fn a_scope_is_a_kind_and_a_key() {
        assert_eq!(
            (kind_of("account:7"), key_of("account:7")),
            ("account", "7")
        );
        assert_eq!((kind_of("house"), key_of("house")), ("house", "house"));
        assert_eq!(key_of("account:7:8"), "7:8");
    }

    #[test]
    fn a_link_taken_out_by_hand_says_who_and_why_if_that_is_known() {
        let change = Output::Link(LinkChange {
            link: LinkId(2),
            from: LinkMode::Live,
            to: LinkMode::ReadOnly,
            manual: true,
            queued: 0,
            in_doubt: 0,
        });
        let answer = |actor| {
            Output::Answer(Answer {
                token: 1,
                actor,
                account: None,
                order: None,
                repeated: false,
                reasons: Vec::new(),
            })
        };
        let noted = Output::Noted(Noted {
            actor: ActorId(5),
            note: 77,
        });
        let rows = |outputs: Vec<Output>| {
            let entries = outputs.into_iter().zip(0..).map(|(output, index)| Entry {
                key: OutputKey { seq: 4, index },
                ts: Ts(9),
                output,
            });
            let batch: Vec<Entry> = entries.collect();
            let rows = batch.iter().filter_map(|entry| row_of(entry, &batch));
            let told = rows.map(|row| (row.key.index, row.actor, row.scope, row.note));
            told.collect::<Vec<_>>()
        };
        let told = |note: u64| vec![(1u32, 5u32, "link:2".to_owned(), note)];
        let by_hand = vec![answer(ActorId(5)), change.clone()];
        assert_eq!(rows(by_hand.clone()), told(0), "the disk took no note");
        assert_eq!(rows([by_hand, vec![noted]].concat()), told(77));
        assert!(rows(vec![change.clone()]).is_empty(), "by itself");
        let by_supervisor = vec![answer(ActorId(0)), change];
        assert!(rows(by_supervisor).is_empty(), "by its supervisor");
    }
}
