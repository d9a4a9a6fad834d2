//! The partner who brought a client. A lead says it until it is a client's; from then on the user says it, and by that the partner sees
//! the client's money. What is said of somebody who was a client before brings nobody, unless a person of the house answers for it.

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::outbox::Event;
use crate::refusal::Refusal;
use crate::unit::Unit;
use crate::values::bound;

/// A client and the partner who brought them.
type Brought = (Uuid, Uuid);

/// Notes who brought `user`, unless somebody else did before or the user is older than the word of it: `said` is the partner, and when
/// a lead named them. Answers what was written.
///
/// # Errors
/// The database.
pub(super) fn brought(
    unit: &mut Unit<'_, '_>,
    user: Option<Uuid>,
    said: Option<(Uuid, Ts)>,
) -> Result<Option<Brought>, Refusal> {
    match (user, said) {
        (Some(user), Some((referrer, since))) => put(unit, user, referrer, Some(since)),
        _ => Ok(None),
    }
}

/// As [`brought`], by the word of a person of the house: also of who was a client before.
///
/// # Errors
/// The database.
pub(super) fn vouched(
    unit: &mut Unit<'_, '_>,
    user: Option<Uuid>,
    referrer: Option<Uuid>,
) -> Result<(), Refusal> {
    if let (Some(user), Some(referrer)) = (user, referrer) {
        put(unit, user, referrer, None)?;
    }
    Ok(())
}

fn put(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    referrer: Uuid,
    since: Option<Ts>,
) -> Result<Option<Brought>, Refusal> {
    let written = unit.tx().execute(
        sqlx::query(
            "UPDATE users SET referrer_id = $2 WHERE id = $1 AND id <> $2 AND referrer_id IS NULL AND role = 'end_user' AND status <> 'deleted'
                 AND ($3::timestamptz IS NULL OR created_at >= $3)",
        )
        .bind(user)
        .bind(referrer)
        .bind(since.map(bound)),
    )?;
    if written == 0 {
        return Ok(None);
    }
    tell(unit, user, Value::Null, json!(referrer));
    Ok(Some((user, referrer)))
}

/// Keeps with a merge which partner it gave its lead and which client a partner, so that both are taken back with it.
///
/// # Errors
/// The database.
pub(super) fn note(
    unit: &mut Unit<'_, '_>,
    merge: Uuid,
    named: Option<Uuid>,
    brought: Option<Brought>,
) -> Result<(), Refusal> {
    if named.is_none() && brought.is_none() {
        return Ok(());
    }
    let (client, partner) = brought.unzip();
    unit.tx().execute(
        sqlx::query("UPDATE lead_merges SET referrer_id = $2, brought_id = $3, brought_by = $4 WHERE id = $1")
            .bind(merge)
            .bind(named)
            .bind(client)
            .bind(partner),
    )?;
    Ok(())
}

/// Takes back that `partner` brought `user`, where that still stands.
///
/// # Errors
/// The database.
pub(super) fn taken_back(
    unit: &mut Unit<'_, '_>,
    user: Option<Uuid>,
    partner: Option<Uuid>,
) -> Result<(), Refusal> {
    let (Some(user), Some(partner)) = (user, partner) else {
        return Ok(());
    };
    let cleared = unit.tx().execute(
        sqlx::query("UPDATE users SET referrer_id = NULL WHERE id = $1 AND referrer_id = $2")
            .bind(user)
            .bind(partner),
    )?;
    if cleared > 0 {
        tell(unit, user, json!(partner), Value::Null);
    }
    Ok(())
}

fn tell(unit: &mut Unit<'_, '_>, user: Uuid, before: Value, after: Value) {
    let facts = json!({"user_id": user, "referrer_id": after});
    let change = Change::new(Action::Update, "user", user).about(user);
    unit.audit(change.field("referrer", before, after));
    unit.emit(Event::new("user.referred", "user", user, facts).about(user));
}
