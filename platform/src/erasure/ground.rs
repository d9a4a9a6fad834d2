//! The ground's own stores.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Done, Erased, Keys, Store, told};
use crate::consent;
use crate::crypto::{SealError, Sealed, SubjectKey};
use crate::db::Tx;
use crate::page::Paging;
use crate::refusal::{Refusal, SEAL};
use crate::unit::Unit;

/// Proof of a consent is kept as long as a claim could rest on it.
const CONSENT_LAW: &str = "proof of consent: GDPR article 7(1), UU PDP article 24";

/// The audit log outlives the person as ciphertext.
const AUDIT_LAW: &str = "values are sealed under the destroyed key; the chain stays";

/// Rows of one kind in an export: more than any person has.
const EXPORT_ROWS_MAX: i64 = 10_000;

/// The stores every installation has; engines add theirs before them.
pub fn ground() -> Vec<Arc<dyn Store>> {
    vec![
        Arc::new(Users),
        Arc::new(Consents),
        Arc::new(Holds),
        Arc::new(SearchEntries),
        Arc::new(Remembered),
        Arc::new(Events),
        Arc::new(AuditLog),
    ]
}

/// Opens a sealed column for an export.
pub(crate) fn opened(
    key: Option<&SubjectKey>,
    field: &str,
    sealed: Option<Vec<u8>>,
) -> Result<Value, Refusal> {
    let Some((key, bytes)) = key.zip(sealed) else {
        return Ok(Value::Null);
    };
    let text = key.open(field, &Sealed::from_bytes(bytes));
    text.map(Value::String)
        .map_err(|error: SealError| SEAL.because(format!("{field}: {error}")))
}

struct Users;

impl Store for Users {
    fn name(&self) -> &'static str {
        "users"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let query = sqlx::query(
            "UPDATE users SET status = 'deleted', email_sealed = NULL, email_index = NULL, username = NULL, name_sealed = NULL,
                 phone_sealed = NULL, phone_index = NULL, referrer_id = NULL, verified = false, profile_metadata = '{}', revision = revision + 1
             WHERE id = $1 AND status <> 'deleted'",
        );
        let rows = unit.tx().execute(query.bind(subject))?;
        Ok(Erased::rows(Done::Anonymised, rows))
    }

    fn export(&self, tx: &mut Tx<'_>, keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        type Row = (
            Option<Vec<u8>>,
            Option<Vec<u8>>,
            Option<Vec<u8>>,
            Option<String>,
            String,
            String,
            bool,
            String,
            Value,
        );
        let row: Option<Row> = tx.optional(
            sqlx::query_as(
                "SELECT email_sealed, name_sealed, phone_sealed, username, role, status, verified, tier, profile_metadata FROM users WHERE id = $1",
            )
            .bind(subject),
        )?;
        let Some((email, name, phone, username, role, status, verified, tier, profile)) = row
        else {
            return Ok(Value::Null);
        };
        let key = keys.personal.as_ref();
        Ok(json!({
            "email": opened(key, "users.email", email)?,
            "name": opened(key, "users.name", name)?,
            "phone": opened(key, "users.phone", phone)?,
            "username": username,
            "role": role,
            "status": status,
            "verified": verified,
            "tier": tier,
            "profile": profile,
        }))
    }
}

struct Consents;

impl Store for Consents {
    fn name(&self) -> &'static str {
        "consents"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let rows = count(
            unit.tx(),
            "SELECT count(*) FROM consents WHERE subject_id = $1",
            subject,
        )?;
        // The rows say what was agreed to and when, under a key that names nobody any more.
        Ok(Erased {
            reason: Some(CONSENT_LAW.into()),
            ..Erased::rows(Done::Anonymised, rows)
        })
    }

    fn export(&self, tx: &mut Tx<'_>, _keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        let mut said = Vec::new();
        let mut cursor = None;
        loop {
            let page = consent::history(tx, subject, Paging::of(cursor.as_deref(), None)?)?;
            said.extend(page.items.into_iter().map(|consent| {
                json!({"purpose": consent.purpose, "granted": consent.granted, "source": consent.source,
                    "text_version": consent.text_version, "at_us": consent.at.0 / 1_000})
            }));
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        Ok(if said.is_empty() {
            Value::Null
        } else {
            Value::Array(said)
        })
    }
}

/// Holds that were lifted. One in force keeps its reason, where it does not stand before the erasure, until it is lifted.
struct Holds;

impl Store for Holds {
    fn name(&self) -> &'static str {
        "legal_holds"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let query = sqlx::query(
            "UPDATE legal_holds SET reason = 'erased', reason_sealed = NULL WHERE subject_id = $1 AND lifted_at IS NOT NULL",
        );
        let rows = unit.tx().execute(query.bind(subject))?;
        Ok(Erased::rows(Done::Anonymised, rows))
    }

    fn export(&self, _tx: &mut Tx<'_>, _keys: &Keys, _subject: Uuid) -> Result<Value, Refusal> {
        // What authorities asked for is not the person's to be told.
        Ok(Value::Null)
    }
}

struct SearchEntries;

impl Store for SearchEntries {
    fn name(&self) -> &'static str {
        "search_entries"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        unit.findable_changed();
        let query = sqlx::query(
            "DELETE FROM search_entries WHERE subject_id = $1 OR (entity_type = 'user' AND entity_id = $1)",
        );
        let rows = unit.tx().execute(query.bind(subject))?;
        Ok(Erased::rows(Done::Deleted, rows))
    }

    fn export(&self, _tx: &mut Tx<'_>, _keys: &Keys, _subject: Uuid) -> Result<Value, Refusal> {
        // Derived from what the other stores export.
        Ok(Value::Null)
    }
}

struct Remembered;

impl Store for Remembered {
    fn name(&self) -> &'static str {
        "idempotency_keys"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let query = sqlx::query("DELETE FROM idempotency_keys WHERE user_id = $1");
        let rows = unit.tx().execute(query.bind(subject.to_string()))?;
        Ok(Erased::rows(Done::Deleted, rows))
    }

    fn export(&self, _tx: &mut Tx<'_>, _keys: &Keys, _subject: Uuid) -> Result<Value, Refusal> {
        // Answers that were given to the person before.
        Ok(Value::Null)
    }
}

struct Events;

impl Store for Events {
    fn name(&self) -> &'static str {
        "events"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let rows = count(
            unit.tx(),
            "SELECT count(*) FROM events WHERE subject_id = $1",
            subject,
        )?;
        // What another program said of a failure may quote what it was given.
        let query = sqlx::query(
            "UPDATE events SET last_error = NULL WHERE subject_id = $1 AND last_error IS NOT NULL",
        );
        unit.tx().execute(query.bind(subject))?;
        Ok(Erased {
            reason: Some("payloads hold keys and states alone".into()),
            ..Erased::rows(Done::Anonymised, rows)
        })
    }

    fn export(&self, tx: &mut Tx<'_>, _keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        let rows: Vec<(String, i64, Value, Option<Uuid>)> = tx.all(
            sqlx::query_as(
                "SELECT type, (extract(epoch FROM time) * 1000000)::bigint, payload, aggregate_id FROM events
                 WHERE subject_id = $1 AND type = ANY ($3) ORDER BY id LIMIT $2",
            )
            .bind(subject)
            .bind(EXPORT_ROWS_MAX)
            .bind(told::event_kinds()),
        )?;
        // A movement is approved once more where compliance let it go on.
        let mut approved = BTreeSet::new();
        let events = rows.into_iter();
        let events: Vec<Value> = events
            .filter(|(kind, .., movement)| kind != "cash.approved" || approved.insert(*movement))
            .map(|(kind, at, payload, _)| {
                let facts = told::facts(&kind, payload);
                json!({"kind": kind, "at_us": at, "facts": facts})
            })
            .collect();
        Ok(if events.is_empty() {
            Value::Null
        } else {
            Value::Array(events)
        })
    }
}

struct AuditLog;

impl Store for AuditLog {
    fn name(&self) -> &'static str {
        "audit_log"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let rows = count(
            unit.tx(),
            "SELECT count(*) FROM audit_log WHERE subject_id = $1",
            subject,
        )?;
        Ok(Erased {
            reason: Some(AUDIT_LAW.into()),
            ..Erased::rows(Done::KeyDestroyed, rows)
        })
    }

    fn export(&self, tx: &mut Tx<'_>, keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        type AuditTuple = (i64, String, String, Option<Value>, Option<Value>);
        let rows: Vec<AuditTuple> = tx.all(
            sqlx::query_as(
                "SELECT (extract(epoch FROM created_at) * 1000000)::bigint, action, entity_type, old_value, new_value
                 FROM audit_log WHERE subject_id = $1 AND entity_type = ANY ($3) AND (action <> 'access' OR actor_id = $4)
                 ORDER BY id LIMIT $2",
            )
            .bind(subject)
            .bind(EXPORT_ROWS_MAX)
            .bind(told::entities())
            // Who of the house looked, and when, would tell of an investigation.
            .bind(subject.to_string()),
        )?;
        let open = |value: Option<Value>| crate::audit::opened(keys.personal.as_ref(), value);
        let rows: Vec<Value> = rows
            .into_iter()
            .filter_map(|(at, action, entity, old, new)| {
                let (old, new) = told::values(&entity, open(old), open(new))?;
                Some(json!({"at_us": at, "action": action, "entity": entity, "before": old, "after": new}))
            })
            .collect();
        Ok(if rows.is_empty() {
            Value::Null
        } else {
            Value::Array(rows)
        })
    }
}

fn count(tx: &mut Tx<'_>, sql: &'static str, subject: Uuid) -> Result<u64, Refusal> {
    let rows: i64 = tx.scalar(sqlx::query_scalar(sql).bind(subject))?;
    Ok(u64::try_from(rows).unwrap_or(0))
}
