//! Leads are moved, closed, opened again and changed, by hand and by what happened.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{CONFLICT, FORBIDDEN, Refusal};
use crate::unit::{Once, Platform, Unit};

use super::assignment;
use super::capture::interests;
use super::contact;
use super::faults::{NO_CONTACT, NOT_OPEN};
use super::lead::{FIELDS, Lead, Said};
use super::merge::replaced;
use super::permissions::{LEAD_EDIT, LEAD_MOVE};
use super::score::FactKind;
use super::stage::{self, Cause, Hand, Move, Stage, Status, check_reason};
use super::store;

/// Where somebody may move a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where to.
    pub to: Stage,
    /// They have to say why.
    pub needs_reason: bool,
}

/// Where `by` may move a lead that stands at `from`.
pub fn ways(by: &Principal, lead: &Lead) -> Vec<Way> {
    let hand = hand_of(by)
        .filter(|_| lead.status == Status::Open && by.may(LEAD_MOVE, &lead.target()).is_ok());
    let Some(hand) = hand else {
        return Vec::new();
    };
    let way = |to: Stage| {
        stage::by_hand(hand, lead.stage, to).map(|cause| Way {
            to,
            needs_reason: cause.needs_reason(),
        })
    };
    Stage::ALL.into_iter().filter_map(way).collect()
}

fn hand_of(by: &Principal) -> Option<Hand> {
    match by.user() {
        Some(_) => Hand::of(by.role),
        None => Some(Hand::Admin),
    }
}

/// A lead that `unit`'s principal may move, as they saw it. Leads that leave for the last stage, or come back from it, make room or need
/// it, so nobody else gives leads meanwhile.
fn to_move(unit: &mut Unit<'_, '_>, lead: Uuid, revision: Option<i64>) -> Result<Lead, Refusal> {
    store::lock_assignment(unit)?;
    let lead = store::for_update(unit.tx(), lead)?;
    unit.by().may(LEAD_MOVE, &lead.target())?;
    store::check_revision(&lead, revision)?;
    Ok(lead)
}

/// Moves a lead by hand.
///
/// # Errors
/// Forbidden, not found, stale, or what [`stage::next`] refuses.
pub async fn move_lead(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    lead: Uuid,
    to: Stage,
    reason: Option<String>,
    revision: Option<i64>,
) -> Result<(), Refusal> {
    platform
        .command_once(by, once, move |unit| {
            let mut lead = to_move(unit, lead, revision)?;
            let hand = hand_of(unit.by())
                .ok_or_else(|| FORBIDDEN.because("lead.move is not part of your role"))?;
            apply(unit, &mut lead, Move::ByHand { hand, to, reason })?;
            Ok(())
        })
        .await
}

/// Applies a move; true when the lead moved. The assignment's lock is held by the caller.
///
/// # Errors
/// What [`stage::next`] refuses, or the database.
pub fn apply(unit: &mut Unit<'_, '_>, lead: &mut Lead, wanted: Move) -> Result<bool, Refusal> {
    let Some(moved) = stage::next(lead.stage, lead.status, wanted)? else {
        return Ok(false);
    };
    store::enter(unit, lead, &moved)?;
    store::save(unit, lead)?;
    let change = Change::new(Action::Update, "lead", lead.id).about(lead.subject);
    unit.audit(
        change
            .field("stage", moved.from.name(), moved.to.name())
            .field("cause", Value::Null, moved.cause.name())
            .personal("reason", None, moved.reason.as_deref()),
    );
    Ok(true)
}

/// Applies what happened to a lead.
///
/// # Errors
/// The database.
pub fn happened(unit: &mut Unit<'_, '_>, lead: &mut Lead, cause: Cause) -> Result<bool, Refusal> {
    apply(unit, lead, Move::ByEvent(cause))
}

/// Gives a lead up.
///
/// # Errors
/// Forbidden, not found, stale, [`NOT_OPEN`], or a missing reason.
pub async fn close(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    lead: Uuid,
    reason: String,
    revision: Option<i64>,
) -> Result<(), Refusal> {
    check_reason(Some(&reason), true)?;
    platform
        .command_once(by, once, move |unit| {
            let mut lead = to_move(unit, lead, revision)?;
            if lead.status != Status::Open {
                return Err(NOT_OPEN.because(format!("it is {} already", lead.status.name())));
            }
            let sealed = unit.key(lead.subject)?.seal("leads.reason", reason.trim());
            (lead.status, lead.reason) = (Status::Lost, Some(sealed));
            store::close_span(unit, lead.id)?;
            store::save(unit, &mut lead)?;
            store::history(unit, &lead, "closed", &json!({"stage": lead.stage.name()}), Some(reason.trim()))?;
            let change = Change::new(Action::Update, "lead", lead.id).about(lead.subject);
            unit.audit(change.field("status", "open", "lost").personal("reason", None, Some(reason.trim())));
            let facts = json!({"lead_id": lead.id, "stage": lead.stage.name(), "assigned_to": lead.assigned_to});
            unit.emit(Event::new("lead.closed", "lead", lead.id, facts).about(lead.subject));
            Ok(())
        })
        .await
}

/// Opens a lost lead again. Where its agent has no room or is away, a manager opens it for the pool; an agent has to make room.
///
/// # Errors
/// Forbidden, not found, stale, a missing reason, or that the agent has no room.
pub async fn reopen(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    lead: Uuid,
    reason: String,
    revision: Option<i64>,
) -> Result<(), Refusal> {
    check_reason(Some(&reason), true)?;
    platform
        .command_once(by, once, move |unit| {
            let mut lead = to_move(unit, lead, revision)?;
            if lead.status != Status::Lost {
                return Err(CONFLICT.because(format!(
                    "it is {}; only a lost lead is opened again",
                    lead.status.name()
                )));
            }
            let from = lead.assigned_to;
            let manages = hand_of(unit.by()).is_some_and(|hand| hand >= Hand::Manager);
            if let Some(agent) = from
                && manages
                && lead.stage.is_worked()
                && !assignment::has_room(unit, agent)?
            {
                lead.assigned_to = None;
            }
            store::reopen(unit, &mut lead, "hand", Some(reason.trim()))?;
            store::save(unit, &mut lead)?;
            if lead.assigned_to != from {
                assignment::told(unit, &lead, from, None, None)?;
            }
            let change = Change::new(Action::Update, "lead", lead.id).about(lead.subject);
            unit.audit(change.field("status", "lost", "open").personal(
                "reason",
                None,
                Some(reason.trim()),
            ));
            Ok(())
        })
        .await
}

/// What is to be changed of a lead's person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Full name.
    pub name: Option<String>,
    /// A number in any form.
    pub phone: Option<String>,
    /// An address in any form.
    pub email: Option<String>,
    /// A city.
    pub city: Option<String>,
    /// Replace the interests.
    pub interests: Option<Vec<String>>,
    /// Of [`FIELDS`]: what is not known any more. A field that is named here takes no value.
    pub emptied: Vec<&'static str>,
    /// The revision that was seen.
    pub revision: Option<i64>,
}

/// Changes what is known of a lead. A new number or address takes the proof of the old one away, and must belong to no other lead. What
/// is replaced or emptied stays in the timeline. A person of the house answers for what they send, also where it stood already.
///
/// # Errors
/// Forbidden, not found, stale, a field that is wrong, or a duplicate.
pub async fn edit(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    lead: Uuid,
    edit: Edit,
) -> Result<(), Refusal> {
    let wanted = [
        ("name", edit.name.as_deref().and_then(contact::words)),
        (
            "phone",
            edit.phone.as_deref().map(contact::phone).transpose()?,
        ),
        (
            "email",
            edit.email.as_deref().map(contact::email).transpose()?,
        ),
        ("city", edit.city.as_deref().and_then(contact::words)),
    ];
    let chosen = edit.interests.as_deref().map(interests).transpose()?;
    platform
        .command_once(by, once, move |unit| {
            let new_phone = wanted[1]
                .1
                .as_deref()
                .map(|phone| store::phone_index(unit, phone));
            let new_email = wanted[2]
                .1
                .as_deref()
                .map(|email| store::email_index(unit, email));
            store::lock_contacts(unit, &[new_phone.as_deref(), new_email.as_deref()])?;
            let mut lead = store::for_update(unit.tx(), lead)?;
            unit.by().may(LEAD_EDIT, &lead.target())?;
            store::check_revision(&lead, edit.revision)?;
            if lead.status == Status::Merged {
                return Err(NOT_OPEN.because("it is part of another lead; change that one"));
            }
            let (key, now) = (unit.key(lead.subject)?, unit.now());
            let before = lead.open(&key)?;
            for (field, value) in &wanted {
                if edit.emptied.contains(field) {
                    if before.get(field).is_some() {
                        lead.empty(field, now);
                    }
                    continue;
                }
                let Some(value) = value else { continue };
                if before.get(field) != Some(value.as_str()) {
                    lead.put(&key, field, value, now);
                }
                // Sent again, what stands is answered for as well.
                if unit.by().in_person().is_err() {
                    continue;
                }
                match *field {
                    "phone" | "email" => {
                        lead.corrected(field, before.get(field).is_none(), now);
                    }
                    _ => lead.say(field, Said::House, now),
                }
            }
            let contacts = [&wanted[1], &wanted[2]];
            let are_sent = contacts
                .iter()
                .all(|(field, value)| value.is_some() && !edit.emptied.contains(field));
            let one_stands = contacts
                .iter()
                .any(|(field, value)| value.is_some() && before.get(field) == value.as_deref());
            if are_sent && one_stands && unit.by().in_person().is_ok() {
                // Said in one word they are one person's; of two that are both new it is not known whether the lead is.
                for (field, _) in contacts {
                    lead.say(field, Said::House, now);
                }
            }
            let after = lead.open(&key)?;
            if after.phone.is_none() && after.email.is_none() {
                return Err(NO_CONTACT.because("a lead keeps a telephone number or an address"));
            }
            let had = vec![lead.phone_index.clone(), lead.email_index.clone()];
            [lead.phone_index, lead.email_index] = store::indexes(unit, &after);
            lead.keep_past(had);
            if let Some(chosen) = chosen {
                if chosen.is_empty() {
                    store::withdraw_kind(unit, &lead, FactKind::Interest)?;
                }
                lead.interests = chosen;
            }
            replaced(unit, &lead, &before, &after)?;
            for (field, kind) in [("name", FactKind::Name), ("city", FactKind::City)] {
                if let Some(was) = before.get(field)
                    && after.get(field) != Some(was)
                {
                    former(unit, &lead, kind, was, after.get(field).is_none())?;
                }
            }
            let by = unit.by().audit_name();
            let known = [
                (FactKind::Name, after.name.is_some()),
                (FactKind::City, after.city.is_some()),
                (FactKind::Interest, !lead.interests.is_empty()),
            ];
            for (kind, known) in known {
                if known {
                    store::add_fact(unit, &lead, kind, "staff", "edited", &by)?;
                }
            }
            store::rescore(unit, &mut lead)?;
            store::save(unit, &mut lead)?;
            store::index(unit, &lead, &key)?;
            let mut change = Change::new(Action::Update, "lead", lead.id).about(lead.subject);
            let mut changed = Vec::new();
            for field in FIELDS {
                if before.get(field) != after.get(field) {
                    change = change.personal(field, before.get(field), after.get(field));
                    changed.push(field);
                }
            }
            unit.audit(change);
            let facts =
                json!({"lead_id": lead.id, "fields": changed, "assigned_to": lead.assigned_to});
            unit.emit(Event::new("lead.changed", "lead", lead.id, facts).about(lead.subject));
            Ok(())
        })
        .await
}

/// Keeps what stood in a field in the timeline; what one that was emptied counted for is withdrawn.
fn former(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    kind: FactKind,
    was: &str,
    emptied: bool,
) -> Result<(), Refusal> {
    if emptied {
        store::withdraw_kind(unit, lead, kind)?;
    }
    let how = if emptied { "withdrawn" } else { "replaced" };
    let detail = json!({"kind": kind.name(), how: true});
    store::history(unit, lead, "fact", &detail, Some(was))?;
    Ok(())
}
