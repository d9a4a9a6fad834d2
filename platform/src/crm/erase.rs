//! A person's leads in an export, and their end in an erasure.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::crypto::{Sealed, SubjectKey};
use crate::db::Tx;
use crate::erasure::{Done, Erased, Keys, Store};
use crate::refusal::{HELD, Refusal};
use crate::subjects::KeyClass;
use crate::unit::Unit;

use super::lead::{FIELDS, Lead, lead_columns};

/// What a line of the timeline tells besides its text. Who of the house did something, and to whom a lead was given, is the house's own.
const DETAIL_TOLD: &[&str] = &[
    "band",
    "budget_confirmed",
    "cause",
    "channel",
    "deal_id",
    "event",
    "expected_usd_cents",
    "field",
    "fields",
    "from",
    "id",
    "kind",
    "priority",
    "proof_withdrawn",
    "proved",
    "score",
    "source",
    "stage",
    "status",
    "task_id",
    "template",
    "to",
    "what",
    "why",
    "withdrawn",
];

/// Leads and lines of one person: bounded as every statement is.
const ROWS_MAX: i64 = 1_000;

/// The leads of a subject, and those that became part of them: all are sealed under the subject's key.
pub struct Leads;

fn of(tx: &mut Tx<'_>, subject: Uuid) -> Result<Vec<Lead>, Refusal> {
    let query = sqlx::query_as(concat!(
        "SELECT ",
        lead_columns!(),
        " FROM leads AS l WHERE l.subject_id = $1 OR l.user_id = $1
              OR l.merged_into IN (SELECT k.id FROM leads AS k WHERE k.subject_id = $1 OR k.user_id = $1)
          ORDER BY l.id LIMIT $2"
    ));
    Ok(tx.all(query.bind(subject).bind(ROWS_MAX))?)
}

/// Every number and address of a subject's leads, those that were replaced too.
///
/// # Errors
/// The database, or a field that does not open.
pub(crate) fn contacts(
    tx: &mut Tx<'_>,
    key: &SubjectKey,
    subject: Uuid,
) -> Result<BTreeSet<String>, Refusal> {
    let mut known = BTreeSet::new();
    for lead in of(tx, subject)? {
        if lead.subject != key.subject() {
            continue;
        }
        for field in ["phone", "email"] {
            known.extend(lead.field(key, field)?);
        }
        let replaced: Vec<(Vec<u8>,)> = tx.all(
            sqlx::query_as(
                "SELECT text_sealed FROM lead_history WHERE lead_id = $1 AND kind = 'contact' AND text_sealed IS NOT NULL ORDER BY seq DESC LIMIT $2",
            )
            .bind(lead.id)
            .bind(ROWS_MAX),
        )?;
        let open = |(sealed,): (Vec<u8>,)| {
            key.open("lead_history.text", &Sealed::from_bytes(sealed))
                .ok()
        };
        known.extend(replaced.into_iter().filter_map(open));
    }
    Ok(known)
}

/// Takes out of these leads, and of all that is written of them, what names anybody or leads to them. The rows stay: they are counted.
///
/// # Errors
/// The database.
pub(super) fn anonymise(unit: &mut Unit<'_, '_>, ids: &[Uuid]) -> Result<(), Refusal> {
    for statement in [
        "UPDATE leads SET data = '{}', data_at = '{}', phone_index = NULL, email_index = NULL, past_contacts = '{}', reason_sealed = NULL, utm = '{}', territory = NULL,
             interests = '{}', assigned_to = NULL, status = CASE WHEN status = 'merged' THEN status ELSE 'lost' END, revision = revision + 1
         WHERE id = ANY ($1)",
        "UPDATE lead_history SET text_sealed = NULL WHERE lead_id = ANY ($1) AND text_sealed IS NOT NULL",
        "UPDATE lead_merges SET changed = '{}' WHERE lead_id = ANY ($1) OR other_id = ANY ($1)",
        "UPDATE lead_facts SET contact_index = NULL, proof = '', withdrawn_at = coalesce(withdrawn_at, now()), withdrawn_by = coalesce(withdrawn_by, 'system')
         WHERE lead_id = ANY ($1)",
        // Nobody is left whom a task or a deal could be about.
        "UPDATE tasks SET title_sealed = NULL, description_sealed = NULL, status = 'done', revision = revision + 1 WHERE lead_id = ANY ($1)",
        "DELETE FROM ai_embeddings WHERE source_type = 'task' AND source_id IN (SELECT id FROM tasks WHERE lead_id = ANY ($1))",
        "UPDATE lead_deals SET title_sealed = NULL, status = CASE WHEN status = 'open' THEN 'lost' ELSE status END, revision = revision + 1
         WHERE lead_id = ANY ($1)",
        "DELETE FROM search_entries WHERE entity_type = 'lead' AND entity_id = ANY ($1)",
        // Parameters of links are anybody's text, and the hash of a request could be guessed from its parts.
        "UPDATE lead_captures SET utm = '{}', receipt = NULL, request_hash = NULL WHERE lead_id = ANY ($1)",
        "UPDATE lead_outreaches SET failure = NULL, reference = NULL WHERE lead_id = ANY ($1)",
    ] {
        unit.tx().execute(sqlx::query(statement).bind(ids))?;
    }
    unit.findable_changed();
    Ok(())
}

/// The detail of a line of the timeline, as its person is told it.
fn told(kind: &str, detail: Value) -> Value {
    let Value::Object(fields) = detail else {
        return Value::Null;
    };
    let names_people = kind == "assigned";
    let told = fields.into_iter().filter(|(name, _)| {
        let name = name.as_str();
        DETAIL_TOLD.contains(&name) && !(names_people && matches!(name, "from" | "to"))
    });
    Value::Object(told.collect())
}

fn opened(key: Option<&SubjectKey>, field: &str, sealed: Option<Vec<u8>>) -> Option<String> {
    let (key, sealed) = key.zip(sealed)?;
    key.open(field, &Sealed::from_bytes(sealed)).ok()
}

fn deals(tx: &mut Tx<'_>, key: Option<&SubjectKey>, lead: Uuid) -> Result<Vec<Value>, Refusal> {
    type Deal = (Option<Vec<u8>>, i64, String, i64);
    let rows: Vec<Deal> = tx.all(
        sqlx::query_as(
            "SELECT title_sealed, expected_usd_cents, status, (extract(epoch FROM created_at) * 1000000)::bigint
             FROM lead_deals WHERE lead_id = $1 ORDER BY id LIMIT $2",
        )
        .bind(lead)
        .bind(ROWS_MAX),
    )?;
    let deal = |(title, cents, status, at): Deal| {
        let title = opened(key, "lead_deals.title", title);
        json!({"title": title, "expected_usd_cents": cents, "status": status, "created_at": at})
    };
    Ok(rows.into_iter().map(deal).collect())
}

fn tasks(tx: &mut Tx<'_>, key: Option<&SubjectKey>, lead: Uuid) -> Result<Vec<Value>, Refusal> {
    type Task = (Option<Vec<u8>>, Option<Vec<u8>>, String, String, i64, i64);
    let rows: Vec<Task> = tx.all(
        sqlx::query_as(
            "SELECT title_sealed, description_sealed, priority, status, (extract(epoch FROM due_date) * 1000000)::bigint,
                 (extract(epoch FROM created_at) * 1000000)::bigint
             FROM tasks WHERE lead_id = $1 ORDER BY id LIMIT $2",
        )
        .bind(lead)
        .bind(ROWS_MAX),
    )?;
    let task = |(title, description, priority, status, due, at): Task| {
        json!({
            "title": opened(key, "tasks.title", title), "description": opened(key, "tasks.description", description),
            "priority": priority, "status": status, "due_at": due, "created_at": at,
        })
    };
    Ok(rows.into_iter().map(task).collect())
}

impl Store for Leads {
    fn name(&self) -> &'static str {
        "leads"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        // Before the rows are read: a lead that is joined to one of these meanwhile is one of them.
        super::store::lock_assignment(unit)?;
        let leads = of(unit.tx(), subject)?;
        let ids: Vec<Uuid> = leads.iter().map(|lead| lead.id).collect();
        // The subject's own key is destroyed by the erasure itself; what its leads were sealed under before is destroyed here.
        let former: Vec<(Uuid, bool)> = unit.tx().all(
            // The key of a user whose lead joined this one is that user's to have ended.
            sqlx::query_as(
                "SELECT s.subject_id, app_held('erasure', s.subject_id) FROM (
                     SELECT DISTINCT f.subject_id FROM lead_subjects AS f WHERE f.lead_id = ANY ($1) AND f.subject_id <> $2
                         AND NOT EXISTS (SELECT FROM users AS u WHERE u.id = f.subject_id) LIMIT $3) AS s",
            )
            .bind(&ids)
            .bind(subject)
            .bind(ROWS_MAX),
        )?;
        if former.iter().any(|(_, held)| *held) {
            return Err(HELD.because(
                "a legal hold keeps a lead that joined this person's; it is tried again when the hold is lifted",
            ));
        }
        anonymise(unit, &ids)?;
        for (old, _) in former {
            unit.destroy_key(old, KeyClass::Personal)?;
            unit.end_statutory_key(old)?;
        }
        let items = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        Ok(Erased::rows(Done::Anonymised, items))
    }

    fn export(&self, tx: &mut Tx<'_>, keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        let leads = of(tx, subject)?;
        if leads.is_empty() {
            return Ok(Value::Null);
        }
        let mut all = Vec::with_capacity(leads.len());
        for lead in leads {
            let key = keys
                .personal
                .as_ref()
                .filter(|key| key.subject() == lead.subject);
            let mut fields = Map::new();
            for field in FIELDS {
                if let Some(key) = key
                    && let Some(value) = lead.field(key, field)?
                {
                    fields.insert(field.to_owned(), Value::String(value));
                }
            }
            let lines: Vec<(String, Value, Option<Vec<u8>>, i64)> = tx.all(
                sqlx::query_as(
                    "SELECT kind, detail, text_sealed, (extract(epoch FROM created_at) * 1000000)::bigint FROM lead_history WHERE lead_id = $1 ORDER BY seq LIMIT $2",
                )
                .bind(lead.id)
                .bind(ROWS_MAX),
            )?;
            let lines: Vec<Value> = lines
                .into_iter()
                .map(|(kind, detail, sealed, at)| {
                    let text = key.zip(sealed).and_then(|(key, sealed)| {
                        key.open("lead_history.text", &Sealed::from_bytes(sealed))
                            .ok()
                    });
                    json!({"kind": kind, "detail": told(&kind, detail), "text": text, "at": at})
                })
                .collect();
            all.push(json!({
                "id": lead.id, "person": fields, "source": lead.source, "channel": lead.channel, "utm": lead.utm, "stage": lead.stage.name(),
                "score": lead.score, "interests": lead.interests, "created_at": super::lead::micros_of(lead.created), "history": lines,
                "deals": deals(tx, key, lead.id)?, "tasks": tasks(tx, key, lead.id)?,
            }));
        }
        Ok(Value::Array(all))
    }
}
