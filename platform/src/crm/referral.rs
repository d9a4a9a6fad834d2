//! The partner who brought a client. A lead says it until it is a client's; from then on the user says it, and by that the partner sees
//! the client's money. What is said of somebody who was a client before brings nobody.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::outbox::Event;
use crate::refusal::Refusal;
use crate::unit::Unit;

/// Notes who brought `user`, unless somebody else did before.
///
/// # Errors
/// The database.
pub(super) fn brought(
    unit: &mut Unit<'_, '_>,
    user: Option<Uuid>,
    referrer: Option<Uuid>,
) -> Result<(), Refusal> {
    let (Some(user), Some(referrer)) = (user, referrer) else {
        return Ok(());
    };
    let written = unit.tx().execute(
        sqlx::query(
            "UPDATE users SET referrer_id = $2 WHERE id = $1 AND id <> $2 AND referrer_id IS NULL AND role = 'end_user' AND status <> 'deleted'",
        )
        .bind(user)
        .bind(referrer),
    )?;
    if written == 0 {
        return Ok(());
    }
    unit.audit(Change::new(Action::Update, "user", user).about(user).field(
        "referrer",
        Value::Null,
        json!(referrer),
    ));
    let facts = json!({"user_id": user, "referrer_id": referrer});
    unit.emit(Event::new("user.referred", "user", user, facts).about(user));
    Ok(())
}
