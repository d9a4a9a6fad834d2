//! What people proved to be theirs. A code that came back binds a contact to its owner's lead, and brings in the lead that had it.

use uuid::Uuid;

use crate::crypto::Sealed;
use crate::refusal::{ERASED, Refusal};
use crate::unit::Unit;

use super::assignment;
use super::capture::{Clean, with_contact};
use super::lead::{Known, Lead};
use super::merge::{merge, replaced};
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
            Some(mut other) if is_of_another(unit, &other, user)? => {
                give_up(unit, &mut other, kind)?;
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

/// Takes a contact out of a lead whose person never proved it: its owner has shown that it is theirs.
fn give_up(unit: &mut Unit<'_, '_>, lead: &mut Lead, kind: FactKind) -> Result<(), Refusal> {
    let field = match kind {
        FactKind::PhoneVerified => "phone",
        _ => "email",
    };
    let key = unit.key(lead.subject)?;
    let before = lead.open(&key)?;
    lead.data.remove(field);
    lead.data_at.remove(field);
    let after = lead.open(&key)?;
    [lead.phone_index, lead.email_index] = store::indexes(unit, &after);
    replaced(unit, lead, &before, &after)?;
    store::rescore(unit, lead)?;
    store::save(unit, lead)?;
    store::index(unit, lead, &key)
}
