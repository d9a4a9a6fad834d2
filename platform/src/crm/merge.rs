//! What was said goes into a lead that is there: the newest word on each field wins, what was there before stays in the history, and
//! a record lets it be taken back.

use serde_json::{Map, Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::ids::new_id;
use crate::outbox::Event;
use crate::refusal::Refusal;
use crate::unit::Unit;
use crate::values::bound;

use super::capture::{Clean, known_facts};
use super::lead::{FIELDS, Known, Lead, Said};
use super::referral;
use super::score::FactKind;
use super::stage::Status;
use super::store;
use super::subject;

/// Puts what was said into `lead`, which takes `joined` in; the lead is saved.
///
/// # Errors
/// A contact that another lead has, or the database.
pub(super) fn merge(
    unit: &mut Unit<'_, '_>,
    lead: &mut Lead,
    clean: &Clean,
    joined: Option<Lead>,
    recorded_by: &str,
) -> Result<(), Refusal> {
    let now = unit.now();
    let named_before = lead.referrer;
    // Who brought a client says the lead that was nobody's until now.
    let brought_by = joined
        .as_ref()
        .and_then(|other| match (lead.user, other.user) {
            (Some(_), None) => other.referral(),
            (None, Some(_)) => lead.referral(),
            _ => None,
        });
    match lead.user.or(joined.as_ref().and_then(|other| other.user)) {
        Some(user) => subject::move_to(unit, lead, user)?,
        None => subject::keep_apart(unit, lead)?,
    }
    let key = unit.key(lead.subject)?;
    let before = lead.open(&key)?;
    let (data, data_at) = (lead.data.clone(), lead.data_at.clone());
    let mut had = vec![lead.phone_index.clone(), lead.email_index.clone()];
    let merge = new_id(now);
    let mut moved = Vec::new();
    if let Some(other) = &joined {
        had.extend(other.past.iter().cloned().map(Some));
        had.extend([other.phone_index.clone(), other.email_index.clone()]);
        let other_key = unit.key(other.subject)?;
        let theirs = other.open(&other_key)?;
        // Contacts of the other lead were typed by somebody: a client's lead takes those that its client proved.
        let proved = match lead.user {
            Some(user) if other.user.is_none() => {
                super::proof::of(unit, Some(user), &other.phone_index, &other.email_index)?
            }
            _ => [true; 2],
        };
        for field in FIELDS {
            if (field == "phone" && !proved[0]) || (field == "email" && !proved[1]) {
                continue;
            }
            let answered = other.is_said(field, Said::House);
            if !answered && is_houses(lead, field) {
                continue;
            }
            let at = crate::values::from_micros(other.data_at.get(field).copied().unwrap_or(0));
            if newest(lead, &key, field, theirs.get(field), at)? && answered {
                lead.say(field, Said::House, at);
            }
        }
        moved = absorb(unit, lead, other)?;
    }
    let said = clean.observed.unwrap_or(now).min(now);
    for field in FIELDS {
        if clean.vouched || !is_houses(lead, field) {
            newest(lead, &key, field, clean.known.get(field), said)?;
        }
    }
    let after = lead.open(&key)?;
    attribute(lead, clean, &after, said);
    let changed = changes(&before, &after, &data, &data_at, lead);
    [lead.phone_index, lead.email_index] = store::indexes(unit, &after);
    lead.keep_past(had);
    lead.add_interests(&clean.interests);
    if lead.referrer.is_none() && clean.referrer.is_some() {
        // What a person of the house says of a lead holds from its beginning, what a form says from now on.
        lead.referrer = clean.referrer;
        lead.referred = (!clean.vouched).then_some(now);
    }
    if lead.status == Status::Lost {
        // Whoever worked it may be away or full by now.
        lead.assigned_to = None;
        store::reopen(unit, lead, "captured", None)?;
    }
    record(unit, merge, lead, joined.as_ref(), &moved, &changed)?;
    let brought = referral::brought(unit, lead.user, brought_by)?;
    let named = lead.referrer.filter(|_| named_before.is_none());
    referral::note(unit, merge, named, brought)?;
    replaced(unit, lead, &before, &after)?;
    known_facts(unit, lead, &clean.source, recorded_by)?;
    let kind = if joined.is_some() { "joined" } else { "merged" };
    let fields: Vec<&str> = changed
        .keys()
        .map(String::as_str)
        .filter(|field| before.get(field) != after.get(field))
        .collect();
    let detail = json!({
        "merge_id": merge, "other_id": joined.as_ref().map(|other| other.id), "fields": fields, "source": clean.source, "by": recorded_by,
    });
    store::history(unit, lead, kind, &detail, None)?;
    tell(unit, lead, joined.as_ref(), merge)?;
    let mut change = Change::new(Action::Update, "lead", lead.id).about(lead.subject);
    change = change.field("merge", Value::Null, json!(merge)).field(
        "recorded_by",
        Value::Null,
        recorded_by,
    );
    for field in ["name", "phone", "email", "city"] {
        if before.get(field) != after.get(field) {
            change = change.personal(field, before.get(field), after.get(field));
        }
    }
    unit.audit(change);
    let facts = json!({"lead_id": lead.id, "merge_id": merge, "other_id": joined.as_ref().map(|other| other.id), "assigned_to": lead.assigned_to});
    let name = if joined.is_some() {
        "lead.joined"
    } else {
        "lead.merged"
    };
    unit.emit(Event::new(name, "lead", lead.id, facts).about(lead.subject));
    store::rescore(unit, lead)?;
    store::save(unit, lead)?;
    store::index(unit, lead, &key)
}

/// Whether a field of a lead that nobody owns is the word of a person of the house: no form replaces it.
fn is_houses(lead: &Lead, field: &str) -> bool {
    lead.user.is_none() && lead.is_said(field, Said::House)
}

/// Notes who answers for what stands now, and which contacts the word came in without: who proves one of those does not read it.
fn attribute(lead: &mut Lead, clean: &Clean, after: &Known, at: Ts) {
    let stands = |field: &str| {
        let said = clean.known.get(field);
        said.is_some() && said == after.get(field)
    };
    for field in ["name", "city"] {
        if clean.vouched && stands(field) {
            lead.say(field, Said::House, at);
        }
    }
    // What a form says of a client changes nothing of what the house answers for.
    if clean.vouched || lead.user.is_none() {
        lead.hears([stands("phone"), stands("email")], clean.vouched, at);
    }
}

/// Puts a value that was said at `at` where nothing newer stands; true when it did.
fn newest(
    lead: &mut Lead,
    key: &crate::crypto::SubjectKey,
    field: &str,
    value: Option<&str>,
    at: Ts,
) -> Result<bool, Refusal> {
    let Some(value) = value else {
        return Ok(false);
    };
    let standing = lead
        .data_at
        .get(field)
        .copied()
        .map(crate::values::from_micros);
    let newer = standing.is_none_or(|standing| standing <= at);
    let puts = newer && lead.field(key, field)?.as_deref() != Some(value);
    if puts {
        lead.put(key, field, value, at);
    }
    Ok(puts)
}

/// What a merge changed: for each field the sealed value before and after it, and since when the house answered for it before.
fn changes(
    before: &Known,
    after: &Known,
    data: &std::collections::BTreeMap<String, String>,
    data_at: &std::collections::BTreeMap<String, i64>,
    lead: &Lead,
) -> Map<String, Value> {
    let mut changed = Map::new();
    for field in FIELDS {
        let answered = data_at.get(&Said::House.of(field)).copied();
        let answers = answered.is_none() && lead.is_said(field, Said::House);
        if answers || before.get(field) != after.get(field) {
            let entry = json!({
                "before": data.get(field), "before_at": data_at.get(field), "before_house": answered, "after": lead.data.get(field),
            });
            changed.insert(field.to_owned(), entry);
        }
    }
    changed
}

/// Makes `other` part of `lead`: it keeps its own row, is sealed under the lead's key, and gives its contacts, its referrer and its user up.
fn absorb(unit: &mut Unit<'_, '_>, lead: &mut Lead, other: &Lead) -> Result<Vec<Uuid>, Refusal> {
    let mut gone = other.clone();
    subject::move_to(unit, &mut gone, lead.subject)?;
    gone.status = Status::Merged;
    gone.merged_into = Some(lead.id);
    (gone.phone_index, gone.email_index) = (None, None);
    store::save(unit, &mut gone)?;
    let rows: Vec<(Uuid,)> = unit.tx().all(
        sqlx::query_as("UPDATE leads SET merged_into = $1 WHERE merged_into = $2 RETURNING id")
            .bind(lead.id)
            .bind(other.id),
    )?;
    lead.user = lead.user.or(other.user);
    if lead.referrer.is_none() {
        (lead.referrer, lead.referred) = other.referral().unzip();
    }
    lead.kyc_passed += other.kyc_passed;
    lead.kyc_failed += other.kyc_failed;
    lead.converted |= other.converted;
    lead.add_interests(&other.interests);
    crate::search::remove(unit, "lead", other.id)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

fn record(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    lead: &Lead,
    joined: Option<&Lead>,
    moved: &[Uuid],
    changed: &Map<String, Value>,
) -> Result<(), Refusal> {
    let now = unit.now();
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO lead_merges (id, org_id, lead_id, other_id, other_subject_id, other_status, moved, changed, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id)
        .bind(lead.org)
        .bind(lead.id)
        .bind(joined.map(|other| other.id))
        .bind(joined.map(|other| other.subject))
        .bind(joined.map(|other| other.status.name()))
        .bind(moved)
        .bind(Value::Object(changed.clone()))
        .bind(bound(now)),
    )?;
    Ok(())
}

/// Keeps contacts that were replaced in the history, and withdraws what proved them.
pub(super) fn replaced(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    before: &Known,
    after: &Known,
) -> Result<(), Refusal> {
    let contacts = [
        (
            "phone",
            FactKind::PhoneVerified,
            lead.phone_index.as_deref(),
        ),
        (
            "email",
            FactKind::EmailDeliverable,
            lead.email_index.as_deref(),
        ),
    ];
    let (now, by) = (unit.now(), unit.by().audit_name());
    for (field, proof, index) in contacts {
        let Some(old) = before
            .get(field)
            .filter(|old| after.get(field) != Some(*old))
        else {
            continue;
        };
        let withdrawn = unit.tx().execute(
            sqlx::query(
                "UPDATE lead_facts SET withdrawn_at = $3, withdrawn_by = $4
                 WHERE lead_id = $1 AND kind = $2 AND withdrawn_at IS NULL AND contact_index IS DISTINCT FROM $5",
            )
            .bind(lead.id)
            .bind(proof.name())
            .bind(bound(now))
            .bind(&by)
            .bind(index),
        )?;
        let detail = json!({"field": field, "proof_withdrawn": withdrawn > 0});
        store::history(unit, lead, "contact", &detail, Some(old))?;
    }
    Ok(())
}

fn tell(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    joined: Option<&Lead>,
    merge: Uuid,
) -> Result<(), Refusal> {
    let mut people: Vec<Uuid> = [lead.assigned_to, joined.and_then(|other| other.assigned_to)]
        .into_iter()
        .flatten()
        .collect();
    people.dedup();
    for person in people {
        let detail = json!({"merge_id": merge, "other_id": joined.map(|other| other.id)});
        super::notice::tell(
            unit,
            person,
            "merged",
            Some(lead.id),
            &detail,
            &format!("merge {merge}"),
        )?;
    }
    Ok(())
}
