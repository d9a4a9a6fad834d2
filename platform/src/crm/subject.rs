//! Whose key a lead's data are sealed under. A lead that joins another, or becomes a user, is sealed anew under that one's key, so
//! that an export of the person opens all of it; the key it had is remembered, because older audit rows are sealed under it and an
//! erasure has to end it too.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use crate::crypto::{Sealed, SubjectKey};
use crate::ids::new_id;
use crate::refusal::Refusal;
use crate::unit::Unit;
use crate::values::bound;

use super::lead::{FIELDS, Lead, broken, open};

/// Rows sealed anew by one statement.
const SLICE: i64 = 200;

/// Columns that are sealed under the key of a lead's subject: table, column, and the name it is sealed under.
const COLUMNS: [(&str, &str, &str); 4] = [
    ("lead_history", "text_sealed", "lead_history.text"),
    ("tasks", "title_sealed", "tasks.title"),
    ("tasks", "description_sealed", "tasks.description"),
    ("lead_deals", "title_sealed", "lead_deals.title"),
];

/// Seals everything of `lead` under the key of `subject`; the caller saves the lead. Nothing happens when it is there already.
///
/// # Errors
/// The database, or something that does not open.
pub fn move_to(unit: &mut Unit<'_, '_>, lead: &mut Lead, subject: Uuid) -> Result<(), Refusal> {
    if lead.subject == subject {
        return Ok(());
    }
    let (from, to) = (unit.key(lead.subject)?, unit.key(subject)?);
    for field in FIELDS {
        let name = format!("leads.{field}");
        if let Some(text) = lead.data.get(field) {
            let sealed = to.seal(&name, &open(&from, &name, text)?).to_text();
            lead.data.insert(field.to_owned(), sealed);
        }
    }
    if let Some(reason) = &lead.reason {
        lead.reason = Some(to.seal(
            "leads.reason",
            &from.open("leads.reason", reason).map_err(broken)?,
        ));
    }
    for (table, column, name) in COLUMNS {
        rows(unit, lead.id, (table, column, name), &from, &to)?;
    }
    merges(unit, lead.id, &from, &to)?;
    keep_noes(unit, lead.subject, subject)?;
    let (now, old) = (unit.now(), lead.subject);
    unit.tx().execute(
        sqlx::query("INSERT INTO lead_subjects (lead_id, subject_id, org_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(lead.id)
            .bind(old)
            .bind(lead.org)
            .bind(bound(now)),
    )?;
    unit.tx().execute(
        sqlx::query("UPDATE leads SET subject_id = $2 WHERE id = $1")
            .bind(lead.id)
            .bind(subject),
    )?;
    lead.subject = subject;
    Ok(())
}

/// Whoever said no to a purpose under the one key has said it under the other: a no is kept always, a yes is asked for anew.
fn keep_noes(unit: &mut Unit<'_, '_>, from: Uuid, to: Uuid) -> Result<(), Refusal> {
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO consents (id, org_id, subject_id, purpose, granted, source, text_version, recorded_by, created_at)
             SELECT gen_random_uuid(), n.org_id, $2, n.purpose, false, n.source, n.text_version, n.recorded_by, n.created_at
             FROM (SELECT DISTINCT ON (purpose) * FROM consents WHERE subject_id = $1 ORDER BY purpose, created_at DESC, id DESC) AS n
             WHERE NOT n.granted
                 AND NOT EXISTS (SELECT FROM consents AS t WHERE t.subject_id = $2 AND t.purpose = n.purpose AND t.created_at >= n.created_at)",
        )
        .bind(from)
        .bind(to),
    )?;
    Ok(())
}

/// As [`move_to`], to a user who registered: whatever finds the lead's person by its subject finds the user.
///
/// # Errors
/// As [`move_to`].
pub fn take_over(unit: &mut Unit<'_, '_>, lead: &mut Lead, user: Uuid) -> Result<(), Refusal> {
    if lead.subject == user {
        return Ok(());
    }
    move_to(unit, lead, user)?;
    unit.tx().execute(
        sqlx::query("UPDATE search_entries SET subject_id = $2 WHERE entity_type = 'lead' AND entity_id = $1")
            .bind(lead.id)
            .bind(user),
    )?;
    Ok(())
}

/// Gives a lead back a subject of its own before words of somebody else go into it: it is sealed under the key of a user who has not
/// proved any contact, and who would read them in an export.
///
/// # Errors
/// The database, or something that does not open.
pub fn keep_apart(unit: &mut Unit<'_, '_>, lead: &mut Lead) -> Result<(), Refusal> {
    let unproved: bool = unit.tx().scalar(
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND status = 'pending')",
        )
        .bind(lead.subject),
    )?;
    if lead.user.is_some() || !unproved {
        return Ok(());
    }
    let user = lead.subject;
    let own = new_id(unit.now());
    move_to(unit, lead, own)?;
    // The user's key is not one that the lead's own erasure ends.
    unit.tx().execute(
        sqlx::query("DELETE FROM lead_subjects WHERE lead_id = $1 AND subject_id = $2")
            .bind(lead.id)
            .bind(user),
    )?;
    Ok(())
}

/// One sealed column of a lead's rows, by slices in the order of their keys.
fn rows(
    unit: &mut Unit<'_, '_>,
    lead: Uuid,
    (table, column, name): (&str, &str, &str),
    from: &SubjectKey,
    to: &SubjectKey,
) -> Result<(), Refusal> {
    let mut after = Uuid::nil();
    loop {
        let slice: Vec<(Uuid, Vec<u8>)> = unit.tx().all(
            sqlx::query_as(sqlx::AssertSqlSafe(format!(
                "SELECT id, {column} FROM {table} WHERE lead_id = $1 AND {column} IS NOT NULL AND id > $2 ORDER BY id LIMIT $3"
            )))
            .bind(lead)
            .bind(after)
            .bind(SLICE),
        )?;
        let Some((last, _)) = slice.last() else {
            return Ok(());
        };
        after = *last;
        for (id, bytes) in slice {
            let plain = from
                .open(name, &Sealed::from_bytes(bytes))
                .map_err(broken)?;
            let sealed = to.seal(name, &plain);
            unit.tx().execute(
                sqlx::query(sqlx::AssertSqlSafe(format!(
                    "UPDATE {table} SET {column} = $2 WHERE id = $1"
                )))
                .bind(id)
                .bind(sealed.as_bytes()),
            )?;
        }
    }
}

/// The values that merges of the lead keep for being taken back.
fn merges(
    unit: &mut Unit<'_, '_>,
    lead: Uuid,
    from: &SubjectKey,
    to: &SubjectKey,
) -> Result<(), Refusal> {
    let all: Vec<(Uuid, Value)> = unit.tx().all(
        sqlx::query_as("SELECT id, changed FROM lead_merges WHERE lead_id = $1 AND changed <> '{}' ORDER BY id LIMIT 1000").bind(lead),
    )?;
    for (id, changed) in all {
        let mut fields: BTreeMap<String, Value> =
            serde_json::from_value(changed).unwrap_or_default();
        for (field, entry) in &mut fields {
            let name = format!("leads.{field}");
            for side in ["before", "after"] {
                if let Some(text) = entry.get(side).and_then(Value::as_str) {
                    let sealed = to.seal(&name, &open(from, &name, text)?).to_text();
                    if let Some(slot) = entry.get_mut(side) {
                        *slot = Value::String(sealed);
                    }
                }
            }
        }
        unit.tx().execute(
            sqlx::query("UPDATE lead_merges SET changed = $2 WHERE id = $1")
                .bind(id)
                .bind(serde_json::json!(fields)),
        )?;
    }
    Ok(())
}
