//! What happens elsewhere moves leads: registering, identity, money, the first word; and whatever makes room drains the pool.

use serde_json::json;
use uuid::Uuid;

use crate::crypto::Sealed;
use crate::outbox::{Stored, Subscriber};
use crate::refusal::{ERASED, Refusal};
use crate::unit::Unit;

use super::assignment;
use super::capture::{self, Capture, Outcome};
use super::lead::Lead;
use super::moves;
use super::proof;
use super::referral;
use super::score::FactKind;
use super::stage::{self, Cause, Stage, Status};
use super::store;
use super::subject;
use super::work;

/// Events after which an agent may have room, or a lead may wait.
const ROOM: &[&str] = &[
    "lead.closed",
    "lead.reopened",
    "lead.assigned",
    "lead.stage_moved",
    "crm.agent_changed",
];

/// Events about people, their identity and their money.
const ABOUT: &[&str] = &[
    "user.registered",
    "user.status_changed",
    "user.contact_confirmed",
    "kyc.submitted",
    "kyc.approved",
    "kyc.rejected",
    "kyc.blocked",
    "kyc.disputed",
    "kyc.dispute_resolved",
    "account.opened",
    "cash.requested",
    "cash.confirmed",
    "cash.rejected",
    "lead.outreach_sent",
];

/// Applies them, once each.
pub struct Follow;

impl Subscriber for Follow {
    fn name(&self) -> &'static str {
        "crm.follow"
    }

    fn wants(&self, kind: &str) -> bool {
        ROOM.contains(&kind) || ABOUT.contains(&kind)
    }

    fn apply(&self, unit: &mut Unit<'_, '_>, event: &Stored) -> Result<(), Refusal> {
        if ROOM.contains(&event.kind.as_str()) {
            let to = event.payload.get("to").and_then(|to| to.as_str());
            // Of moves only the one to the last stage makes room.
            if event.kind != "lead.stage_moved" || to == Some(Stage::Active.name()) {
                assignment::drain(unit)?;
            }
            return Ok(());
        }
        // Contacts are locked before the assignment, in the same order as everywhere.
        if event.kind == "user.registered" {
            return registered(unit, event);
        }
        if event.kind == "user.contact_confirmed" {
            let what = event.payload.get("what").and_then(|what| what.as_str());
            return match event.key("user_id") {
                Some(user) => proof::confirmed(unit, user, what),
                None => Ok(()),
            };
        }
        let activates = event.kind == "user.status_changed"
            && event.payload.get("to").and_then(|to| to.as_str()) == Some("active");
        if activates {
            lock_own(unit, event)?;
        }
        store::lock_assignment(unit)?;
        match event.kind.as_str() {
            "user.status_changed" => {
                if activates {
                    activated(unit, event)?;
                }
                assignment::drain(unit)?;
            }
            "lead.outreach_sent" => {
                if let Some(lead) = event.key("lead_id") {
                    let mut lead = store::for_update(unit.tx(), lead)?;
                    moves::happened(unit, &mut lead, Cause::Outreach)?;
                }
            }
            _ => {
                let Some(user) = event.key("user_id") else {
                    return Ok(());
                };
                if let Some(mut lead) = store::of_user(unit.tx(), user)? {
                    about(unit, &mut lead, event)?;
                    assignment::drain(unit)?;
                }
            }
        }
        Ok(())
    }
}

/// A registration is a lead like one of a form. One that it made itself holds nothing but the person's own words, so it is sealed
/// under their key at once and goes with them. One that was there is bound to the user when the address is confirmed: until then
/// anybody may have typed it.
fn registered(unit: &mut Unit<'_, '_>, event: &Stored) -> Result<(), Refusal> {
    let Some(user) = event.key("user_id") else {
        return Ok(());
    };
    let Some(capture) = words(unit, user)? else {
        return Ok(());
    };
    let captured = capture::registration(unit, capture)?;
    if captured.outcome == Outcome::Created {
        let mut lead = store::for_update(unit.tx(), captured.lead)?;
        if lead.user.is_none() {
            subject::take_over(unit, &mut lead, user)?;
            store::save(unit, &mut lead)?;
        }
    }
    Ok(())
}

/// What a user says of themselves; `None` of whoever is no client, or was erased meanwhile.
fn words(unit: &mut Unit<'_, '_>, user: Uuid) -> Result<Option<Capture>, Refusal> {
    type Row = (
        String,
        Option<Vec<u8>>,
        Option<Vec<u8>>,
        Option<Vec<u8>>,
        Option<Uuid>,
    );
    let row: Option<Row> = unit.tx().optional(
        sqlx::query_as("SELECT role, name_sealed, phone_sealed, email_sealed, referrer_id FROM users WHERE id = $1").bind(user),
    )?;
    let Some((role, name, phone, email, referrer)) = row else {
        return Ok(None);
    };
    if role != "end_user" {
        return Ok(None);
    }
    let key = match unit.key(user) {
        Ok(key) => key,
        // Erased between the registration and now.
        Err(refusal) if refusal.fault() == Some(ERASED) => return Ok(None),
        Err(refusal) => return Err(refusal),
    };
    let open = |field: &str, sealed: Option<Vec<u8>>| {
        sealed.and_then(|sealed| key.open(field, &Sealed::from_bytes(sealed)).ok())
    };
    Ok(Some(Capture {
        source: "registration".into(),
        channel: "web".into(),
        name: open("users.name", name),
        phone: open("users.phone", phone),
        email: open("users.email", email),
        referrer,
        ..Capture::default()
    }))
}

/// Waits until nobody else works with the contacts of the event's user.
fn lock_own(unit: &mut Unit<'_, '_>, event: &Stored) -> Result<(), Refusal> {
    let Some(user) = event.key("user_id") else {
        return Ok(());
    };
    type Row = (Option<Vec<u8>>, Option<Vec<u8>>);
    let row: Option<Row> = unit.tx().optional(
        sqlx::query_as("SELECT phone_index, email_index FROM users WHERE id = $1").bind(user),
    )?;
    let (phone, email) = row.unwrap_or_default();
    store::lock_contacts(unit, &[phone.as_deref(), email.as_deref()])
}

/// The lead that nobody owns and that has this address, which `user` proved. Where what is known there need not be of this user, the
/// address alone is theirs: it begins a lead of their own.
fn by_address(unit: &mut Unit<'_, '_>, user: Uuid, email: &[u8]) -> Result<Option<Lead>, Refusal> {
    let found = capture::with_contact(unit, None, Some(email))?;
    let Some(mut lead) = found.into_iter().find(|lead| lead.user.is_none()) else {
        return Ok(None);
    };
    if proof::takes(unit, user, &lead)? {
        return Ok(Some(lead));
    }
    let Some(capture) = words(unit, user)? else {
        return Ok(None);
    };
    proof::give_up(unit, &mut lead, "email", Some(user))?;
    // Who brought them the user says already; that partner may be gone by now.
    let capture = Capture {
        referrer: None,
        ..capture
    };
    let captured = capture::registration(unit, capture)?;
    if captured.outcome != Outcome::Created {
        return Ok(None);
    }
    store::for_update(unit.tx(), captured.lead).map(Some)
}

/// The address of a user is confirmed: the lead with it is theirs, and the address takes mail.
fn activated(unit: &mut Unit<'_, '_>, event: &Stored) -> Result<(), Refusal> {
    let Some(user) = event.key("user_id") else {
        return Ok(());
    };
    type Row = (String, Option<Vec<u8>>);
    let row: Option<Row> = unit
        .tx()
        .optional(sqlx::query_as("SELECT role, email_index FROM users WHERE id = $1").bind(user))?;
    let Some((role, Some(email))) = row else {
        return Ok(());
    };
    if role != "end_user" {
        return Ok(());
    }
    let lead = match store::of_user(unit.tx(), user)? {
        Some(lead) => Some(lead),
        None => by_address(unit, user, &email)?,
    };
    let Some(mut lead) = lead else {
        return Ok(());
    };
    if lead.user.is_none() {
        subject::take_over(unit, &mut lead, user)?;
        lead.user = Some(user);
        store::save(unit, &mut lead)?;
        store::history(
            unit,
            &lead,
            "account",
            &json!({"user_id": user, "what": "registered"}),
            None,
        )?;
        referral::brought(unit, lead.user, lead.referral())?;
    }
    if lead.email_index.as_deref() == Some(email.as_slice()) {
        work::fact_in(
            unit,
            &mut lead,
            FactKind::EmailDeliverable,
            "identity",
            "a code that was sent came back",
        )?;
    }
    Ok(())
}

/// Something about the person a lead became.
fn about(unit: &mut Unit<'_, '_>, lead: &mut Lead, event: &Stored) -> Result<(), Refusal> {
    match event.kind.as_str() {
        "kyc.submitted" => {
            line(unit, lead, "document", event)?;
            happened(unit, lead, Cause::KycSubmitted)?;
            Ok(())
        }
        "kyc.approved" => {
            line(unit, lead, "document", event)?;
            lead.kyc_passed += 1;
            if !happened(unit, lead, Cause::KycApproved)? {
                store::save(unit, lead)?;
            }
            Ok(())
        }
        "kyc.rejected" | "kyc.blocked" => {
            line(unit, lead, "document", event)?;
            // The last of the failures is told as the block that it makes, and not as a rejection too.
            lead.kyc_failed += 1;
            store::save(unit, lead)
        }
        "kyc.disputed" | "kyc.dispute_resolved" => line(unit, lead, "document", event),
        "account.opened" => {
            line(unit, lead, "account", event)?;
            if event
                .payload
                .get("account_type")
                .and_then(|kind| kind.as_str())
                == Some("demo")
            {
                happened(unit, lead, Cause::DemoOpened)?;
            }
            Ok(())
        }
        "cash.requested" | "cash.confirmed" | "cash.rejected" => {
            line(unit, lead, "cash", event)?;
            let deposit = is_deposit(unit, event)?;
            match event.kind.as_str() {
                "cash.requested" if deposit => {
                    happened(unit, lead, Cause::DepositRequested).map(drop)
                }
                "cash.confirmed" if deposit => {
                    happened(unit, lead, Cause::DepositConfirmed).map(drop)
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Applies what a client did. One whose lead sales gave up goes on all the same: it is opened again, for whoever has room.
fn happened(unit: &mut Unit<'_, '_>, lead: &mut Lead, cause: Cause) -> Result<bool, Refusal> {
    let goes_on = cause
        .target()
        .is_some_and(|to| stage::allowed(lead.stage, cause, to));
    // Nobody is left in a lead that was erased.
    if lead.status == Status::Lost && goes_on && !lead.data.is_empty() {
        lead.assigned_to = None;
        store::reopen(unit, lead, cause.name(), None)?;
    }
    moves::happened(unit, lead, cause)
}

/// A line of the timeline: what happened, without amounts and reasons, which are for those who may see money and documents.
fn line(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    kind: &'static str,
    event: &Stored,
) -> Result<(), Refusal> {
    let detail =
        json!({"event": event.kind, "id": event.aggregate_id, "kind": event.payload.get("kind")});
    store::history(unit, lead, kind, &detail, None)?;
    Ok(())
}

fn is_deposit(unit: &mut Unit<'_, '_>, event: &Stored) -> Result<bool, Refusal> {
    if let Some(kind) = event.payload.get("kind").and_then(|kind| kind.as_str()) {
        return Ok(kind == "deposit");
    }
    let row: Option<(String,)> = unit.tx().optional(
        sqlx::query_as("SELECT kind FROM cash_requests WHERE id = $1").bind(event.aggregate_id),
    )?;
    Ok(row.is_some_and(|(kind,)| kind == "deposit"))
}
