//! A merge is taken back: fields that nobody changed since get what they had before, and a joined lead is a lead of its own again.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crypto::SubjectKey;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit};
use crate::values::bound;

use super::assignment;
use super::faults::{DUPLICATE, NOT_UNDONE};
use super::lead::{FIELDS, Lead, Said, open};
use super::permissions::LEAD_EDIT;
use super::referral;
use super::score::FactKind;
use super::stage::{Status, check_reason};
use super::store;
use super::subject;

type Merge = (
    Uuid,
    Option<Uuid>,
    Option<Uuid>,
    Option<String>,
    Vec<Uuid>,
    Value,
    String,
    bool,
    Option<Uuid>,
    Option<Uuid>,
    Option<Uuid>,
);

/// Takes the merge back; answers the lead that was kept.
///
/// # Errors
/// Not found, [`NOT_UNDONE`], or a missing reason.
pub async fn undo(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    merge: Uuid,
    reason: String,
) -> Result<Uuid, Refusal> {
    check_reason(Some(&reason), true)?;
    let owned = by.clone();
    let allowed = platform.read(by, move |tx| {
        let row: Option<(Uuid,)> = tx.optional(
            sqlx::query_as("SELECT lead_id FROM lead_merges WHERE id = $1").bind(merge),
        )?;
        let (lead,) = row.ok_or_else(|| NOT_FOUND.because("it does not exist, or not for you"))?;
        owned.may(LEAD_EDIT, &store::find(tx, lead)?.target())?;
        Ok(())
    });
    allowed.await?;
    let recorded_by = by.audit_name();
    platform
        .command_once(&by.elevated(), once, move |unit| {
            undo_in(unit, merge, reason.trim(), &recorded_by)
        })
        .await
}

fn undo_in(
    unit: &mut Unit<'_, '_>,
    merge: Uuid,
    reason: &str,
    recorded_by: &str,
) -> Result<Uuid, Refusal> {
    store::lock_assignment(unit)?;
    let row: Option<Merge> = unit.tx().optional(
        sqlx::query_as(
            "SELECT m.lead_id, m.other_id, m.other_subject_id, m.other_status, m.moved, m.changed, m.status,
                 EXISTS (SELECT FROM lead_merges AS n WHERE n.lead_id = m.lead_id AND n.status = 'done' AND n.id > m.id),
                 m.referrer_id, m.brought_id, m.brought_by
             FROM lead_merges AS m WHERE m.id = $1 FOR UPDATE OF m",
        )
        .bind(merge),
    )?;
    let row = row.ok_or_else(|| NOT_FOUND.because("it does not exist, or not for you"))?;
    let (.., named, brought, by_partner) = row;
    let (kept, other, own_subject, other_status, moved, changed, status, followed, ..) = row;
    if status == "undone" || followed {
        let why = if followed {
            "a later merge of this lead stands; take that one back first"
        } else {
            "it was taken back already"
        };
        return Err(NOT_UNDONE.because(why));
    }
    let mut lead = store::for_update(unit.tx(), kept)?;
    if lead.merged_into.is_some() {
        return Err(
            NOT_UNDONE.because("the lead is part of another one now; take that merge back first")
        );
    }
    let key = unit.key(lead.subject)?;
    let before = lead.open(&key)?;
    for field in FIELDS {
        restore(&mut lead, &key, field, changed.get(field))?;
    }
    let after = lead.open(&key)?;
    [lead.phone_index, lead.email_index] = store::indexes(unit, &after);
    // What the merge brought was never the lead's: it is not kept as a contact of the past, by which the next one would find it.
    lead.keep_past(Vec::new());
    super::merge::replaced(unit, &lead, &before, &after)?;
    let parted = match other {
        Some(other) => Some(part(
            unit,
            &mut lead,
            other,
            own_subject,
            other_status.as_deref(),
            &moved,
        )?),
        None => None,
    };
    if named.is_some() && lead.referrer == named {
        (lead.referrer, lead.referred) = (None, None);
    }
    referral::taken_back(unit, brought, by_partner)?;
    mark(unit, merge, recorded_by)?;
    let detail = json!({"merge_id": merge, "other_id": other, "by": recorded_by});
    store::history(unit, &lead, "undone", &detail, Some(reason))?;
    // Its contacts are free before the other one takes them.
    store::save(unit, &mut lead).map_err(taken)?;
    if let Some(mut other) = parted {
        store::history(unit, &other, "undone", &detail, Some(reason))?;
        let other_key = unit.key(other.subject)?;
        store::rescore(unit, &mut other)?;
        store::save(unit, &mut other).map_err(taken)?;
        store::index(unit, &other, &other_key)?;
    }
    for (field, kind) in [("name", FactKind::Name), ("city", FactKind::City)] {
        if before.get(field).is_some() && after.get(field).is_none() {
            store::withdraw_kind(unit, &lead, kind)?;
        }
    }
    // The facts of the other one count for it no more, now that they are apart.
    store::rescore(unit, &mut lead)?;
    store::save(unit, &mut lead)?;
    store::index(unit, &lead, &key)?;
    let change = Change::new(Action::Update, "lead_merge", merge).about(lead.subject);
    unit.audit(
        change
            .field("status", "done", "undone")
            .field("recorded_by", Value::Null, recorded_by)
            .personal("reason", None, Some(reason)),
    );
    let facts = json!({"lead_id": lead.id, "other_id": other, "merge_id": merge});
    unit.emit(Event::new("lead.undone", "lead", lead.id, facts).about(lead.subject));
    assignment::drain(unit)?;
    Ok(lead.id)
}

/// Puts back what stood before, where what the merge wrote still stands.
fn restore(
    lead: &mut Lead,
    key: &SubjectKey,
    field: &str,
    changed: Option<&Value>,
) -> Result<(), Refusal> {
    let Some(changed) = changed else {
        return Ok(());
    };
    let side = |name: &str| -> Result<Option<String>, Refusal> {
        let sealed = changed.get(name).and_then(Value::as_str);
        sealed
            .map(|text| open(key, &format!("leads.{field}"), text))
            .transpose()
    };
    if lead.field(key, field)? != side("after")? {
        return Ok(());
    }
    let answered = changed.get("before_house").and_then(Value::as_i64);
    let (before, before_at) = (changed.get("before"), changed.get("before_at"));
    lead.drop_field(field);
    if let Some(before) = before.and_then(Value::as_str) {
        let at = before_at.and_then(Value::as_i64).unwrap_or(0);
        lead.data.insert(field.to_owned(), before.to_owned());
        lead.data_at.insert(field.to_owned(), at);
    }
    if let Some(at) = answered {
        lead.say(field, Said::House, crate::values::from_micros(at));
    }
    Ok(())
}

/// Makes a joined lead one of its own again, in the pool; the caller saves it behind the one that was kept.
fn part(
    unit: &mut Unit<'_, '_>,
    lead: &mut Lead,
    other: Uuid,
    own_subject: Option<Uuid>,
    status: Option<&str>,
    moved: &[Uuid],
) -> Result<Lead, Refusal> {
    let mut other = store::for_update(unit.tx(), other)?;
    if other.merged_into != Some(lead.id) {
        return Err(NOT_UNDONE.because("the other lead is not part of this one any more"));
    }
    if let Some(own) = own_subject.filter(|own| *own != other.subject) {
        subject::move_to(unit, &mut other, own)?;
        // The key of the lead that is kept was never its own.
        unit.tx().execute(
            sqlx::query("DELETE FROM lead_subjects WHERE lead_id = $1 AND subject_id = $2")
                .bind(other.id)
                .bind(lead.subject),
        )?;
    }
    let key = unit.key(other.subject)?;
    let known = other.open(&key)?;
    [other.phone_index, other.email_index] = store::indexes(unit, &known);
    lead.past.retain(|past| {
        let theirs = [&other.phone_index, &other.email_index];
        !theirs
            .into_iter()
            .flatten()
            .chain(&other.past)
            .any(|index| index == past)
    });
    (other.status, other.merged_into, other.assigned_to) = (
        status.and_then(Status::parse).unwrap_or(Status::Open),
        None,
        None,
    );
    if other.user.is_some() && other.user == lead.user {
        lead.user = None;
    }
    if other.converted {
        lead.converted = unit.tx().scalar(
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM lead_stage_spans WHERE lead_id = $1 AND stage = 'active')")
                .bind(lead.id),
        )?;
    }
    lead.kyc_passed -= other.kyc_passed.min(lead.kyc_passed);
    lead.kyc_failed -= other.kyc_failed.min(lead.kyc_failed);
    unit.tx().execute(
        sqlx::query("UPDATE leads SET merged_into = $1 WHERE id = ANY ($2) AND merged_into = $3")
            .bind(other.id)
            .bind(moved)
            .bind(lead.id),
    )?;
    Ok(other)
}

fn mark(unit: &mut Unit<'_, '_>, merge: Uuid, recorded_by: &str) -> Result<(), Refusal> {
    let now = unit.now();
    unit.tx().execute(
        sqlx::query("UPDATE lead_merges SET status = 'undone', undone_at = $2, undone_by = $3 WHERE id = $1")
            .bind(merge)
            .bind(bound(now))
            .bind(recorded_by),
    )?;
    Ok(())
}

/// A contact that went to a third lead meanwhile.
fn taken(refusal: Refusal) -> Refusal {
    match refusal.fault() {
        Some(fault) if fault == DUPLICATE => {
            NOT_UNDONE.because("one of the contacts belongs to another lead by now")
        }
        _ => refusal,
    }
}
