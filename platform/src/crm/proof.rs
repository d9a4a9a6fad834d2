//! What people proved to be theirs. A code that came back binds a contact to its owner's lead, and brings in the lead that had it.

use serde_json::json;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crypto::Sealed;
use crate::outbox::Event;
use crate::refusal::{ERASED, Refusal};
use crate::unit::Unit;

use super::assignment;
use super::capture::{Clean, with_contact};
use super::lead::{Known, Lead, Said};
use super::merge::{merge, replaced};
use super::notice;
use super::score::FactKind;
use super::store;
use super::work;

/// Whether this user proved the number and the address that were said.
///
/// # Errors
/// The database.
pub(super) fn of(
    unit: &mut Unit<'_, '_>,
    user: Option<Uuid>,
    phone: &Option<Vec<u8>>,
    email: &Option<Vec<u8>>,
) -> Result<[bool; 2], Refusal> {
    let Some(user) = user else {
        return Ok([false; 2]);
    };
    // Who is not pending any more has had a code by mail.
    let row: Option<(bool, bool)> = unit.tx().optional(
        sqlx::query_as(
            "SELECT coalesce(u.phone_index = $2 AND EXISTS (SELECT FROM confirmed_contacts AS c
                        WHERE c.user_id = u.id AND c.what = 'phone' AND c.value_index = u.phone_index), false),
                 coalesce(u.email_index = $3 AND u.status IN ('active', 'suspended', 'under_review'), false)
             FROM users AS u WHERE u.id = $1",
        )
        .bind(user)
        .bind(phone)
        .bind(email),
    )?;
    let (phone, email) = row.unwrap_or_default();
    Ok([phone, email])
}

/// Whether a lead that nobody owns is this user's by what they proved. A contact that stands beside another one may have been typed by
/// anybody: by it the lead is theirs when a person of the house answers for both, or when nothing was ever said without it and the house
/// wrote nothing. Otherwise every contact that the lead has or had is to be theirs.
///
/// # Errors
/// The database.
pub(super) fn takes(unit: &mut Unit<'_, '_>, user: Uuid, lead: &Lead) -> Result<bool, Refusal> {
    // What a registration made is sealed under its user's key until somebody else's words come in.
    if lead.subject == user {
        return Ok(true);
    }
    let [phone, email] = of(unit, Some(user), &lead.phone_index, &lead.email_index)?;
    let by = |said: Said| {
        (phone && lead.is_said("phone", said)) || (email && lead.is_said("email", said))
    };
    // The other contact is theirs too, or there is none, or the house says that both are one person's.
    let fits =
        |field: &str, proved: bool, held: bool| proved || !held || lead.is_said(field, Said::House);
    let answered = fits("phone", phone, lead.phone_index.is_some())
        && fits("email", email, lead.email_index.is_some());
    if by(Said::House) && answered {
        return Ok(true);
    }
    if by(Said::Always) && !lead.touched && is_unwritten(unit, lead)? {
        return Ok(true);
    }
    let others = (!phone && lead.phone_index.is_some()) || (!email && lead.email_index.is_some());
    if others || !(phone || email) {
        return Ok(false);
    }
    for past in &lead.past {
        let past = Some(past.clone());
        if of(unit, Some(user), &past, &past)? == [false; 2] {
            return Ok(false);
        }
    }
    let query = sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM lead_history WHERE lead_id = $1 AND kind = 'contact' AND detail ->> 'given_up' = 'true'
             AND detail ->> 'given_to' IS DISTINCT FROM $2)",
    );
    let query = query.bind(lead.id).bind(user.to_string());
    Ok(unit.tx().scalar::<bool>(query)?)
}

/// Whether nobody of the house wrote anything about a lead, or about one that is part of it. Contacts that were said and not taken are
/// lines of its history too.
fn is_unwritten(unit: &mut Unit<'_, '_>, lead: &Lead) -> Result<bool, Refusal> {
    let query = sqlx::query_scalar(
        "WITH parts AS (SELECT id, touched_at FROM leads WHERE id = $1 OR merged_into = $1)
         SELECT NOT EXISTS (SELECT FROM parts WHERE touched_at IS NOT NULL)
             AND NOT EXISTS (SELECT FROM lead_history WHERE lead_id IN (SELECT id FROM parts) AND kind <> 'contact' AND text_sealed IS NOT NULL)
             AND NOT EXISTS (SELECT FROM lead_deals WHERE lead_id IN (SELECT id FROM parts))
             AND NOT EXISTS (SELECT FROM tasks WHERE lead_id IN (SELECT id FROM parts))
             AND NOT EXISTS (SELECT FROM consents WHERE subject_id = $2)",
    );
    let query = query.bind(lead.id).bind(lead.subject);
    Ok(unit.tx().scalar::<bool>(query)?)
}

type Row = (
    String,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
);

/// A code that was sent to the person's own number or address came back: it is their lead's, and proved there.
///
/// # Errors
/// The database.
pub(super) fn confirmed(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    what: Option<&str>,
) -> Result<(), Refusal> {
    let row: Option<Row> = unit.tx().optional(
        sqlx::query_as("SELECT role, phone_sealed, phone_index, email_sealed, email_index FROM users WHERE id = $1").bind(user),
    )?;
    let Some((role, phone_sealed, phone, email_sealed, email)) = row else {
        return Ok(());
    };
    let (kind, name, sealed, phone, email) = match what {
        Some("phone") => (
            FactKind::PhoneVerified,
            "users.phone",
            phone_sealed,
            phone,
            None,
        ),
        Some("email") => (
            FactKind::EmailDeliverable,
            "users.email",
            email_sealed,
            None,
            email,
        ),
        _ => return Ok(()),
    };
    if role != "end_user" {
        return Ok(());
    }
    store::lock_contacts(unit, &[phone.as_deref(), email.as_deref()])?;
    store::lock_assignment(unit)?;
    // Another number may have taken its place since.
    if !of(unit, Some(user), &phone, &email)?.contains(&true) {
        return Ok(());
    }
    let Some(mut lead) = store::of_user(unit.tx(), user)? else {
        return Ok(());
    };
    let key = match unit.key(user) {
        Ok(key) => key,
        Err(refusal) if refusal.fault() == Some(ERASED) => return Ok(()),
        Err(refusal) => return Err(refusal),
    };
    let said = sealed.and_then(|sealed| key.open(name, &Sealed::from_bytes(sealed)).ok());
    let held = match kind {
        FactKind::PhoneVerified => lead.phone_index == phone,
        _ => lead.email_index == email,
    };
    if !held {
        let other = with_contact(unit, phone.as_deref(), email.as_deref())?
            .into_iter()
            .next();
        if said.is_none() || other.as_ref().is_some_and(|other| other.user.is_some()) {
            // Another client's lead has it: whose it is by now is for a person to say.
            return Ok(());
        }
        let mut known = Known::default();
        match kind {
            FactKind::PhoneVerified => known.phone = said,
            _ => known.email = said,
        }
        let other = match other {
            Some(mut other)
                if is_of_another(unit, &other, user)? || !takes(unit, user, &other)? =>
            {
                let field = match kind {
                    FactKind::PhoneVerified => "phone",
                    _ => "email",
                };
                give_up(unit, &mut other, field, Some(user))?;
                None
            }
            other => other,
        };
        let by = unit.by().audit_name();
        merge(unit, &mut lead, &Clean::proved(known), other, &by)?;
    }
    work::fact_in(
        unit,
        &mut lead,
        kind,
        "identity",
        "a code that was sent came back",
    )?;
    assignment::drain(unit).map(drop)
}

/// Whether a lead is what somebody else said of themselves when they registered: it stays theirs.
fn is_of_another(unit: &mut Unit<'_, '_>, lead: &Lead, user: Uuid) -> Result<bool, Refusal> {
    let query = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND status <> 'deleted')",
    );
    Ok(lead.subject != user && unit.tx().scalar::<bool>(query.bind(lead.subject))?)
}

/// Takes a contact out of a lead whose person never proved it: its owner `to` has shown that it is theirs, or the house says it of
/// somebody else. Who works the lead is told.
///
/// # Errors
/// The database, or a field that does not open.
pub(super) fn give_up(
    unit: &mut Unit<'_, '_>,
    lead: &mut Lead,
    field: &'static str,
    to: Option<Uuid>,
) -> Result<(), Refusal> {
    let key = unit.key(lead.subject)?;
    let before = lead.open(&key)?;
    lead.drop_field(field);
    let after = lead.open(&key)?;
    [lead.phone_index, lead.email_index] = store::indexes(unit, &after);
    replaced(unit, lead, &before, &after)?;
    let detail = json!({"field": field, "given_up": true, "given_to": to});
    let line = store::history(unit, lead, "contact", &detail, None)?;
    store::rescore(unit, lead)?;
    store::save(unit, lead)?;
    store::index(unit, lead, &key)?;
    if let Some(agent) = lead.assigned_to {
        let (detail, told) = (json!({"field": field}), format!("contact {line}"));
        notice::tell(unit, agent, "contact", Some(lead.id), &detail, &told)?;
    }
    let change = Change::new(Action::Update, "lead", lead.id).about(lead.subject);
    unit.audit(change.personal(field, before.get(field), None));
    let facts = json!({"lead_id": lead.id, "fields": [field], "assigned_to": lead.assigned_to});
    unit.emit(Event::new("lead.changed", "lead", lead.id, facts).about(lead.subject));
    Ok(())
}
