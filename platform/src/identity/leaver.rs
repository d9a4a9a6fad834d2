//! A person may be suspended by another engine: whoever leaves sales is. Their sessions and API keys end all the same, or
//! they would open again when the person is brought back.

use serde_json::json;
use uuid::Uuid;

use super::ends;
use super::person::Standing;
use super::service::Identity;
use super::session::End;
use super::store;
use crate::audit::{Action, Change};
use crate::outbox::{Stored, Subscriber};
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::Unit;

/// Ends what a suspended person signs in with.
pub(super) struct Leavers;

impl Subscriber for Leavers {
    fn name(&self) -> &'static str {
        "identity.leavers"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "user.status_changed"
    }

    fn apply(&self, unit: &mut Unit<'_, '_>, event: &Stored) -> Result<(), Refusal> {
        let Some(user) = event.key("user_id") else {
            return Ok(());
        };
        end(unit, user).map(drop)
    }
}

impl Identity {
    /// Ends what somebody who left signs in with before the answer goes out; where that fails, the event of their leaving does it.
    pub async fn end_left(&self, by: &Principal, user: Uuid) {
        let ended = self
            .platform
            .command(&by.elevated(), move |unit| end(unit, user))
            .await;
        match ended {
            Ok(ended) => self.tell_ends(&ended).await,
            Err(refusal) => tracing::info!("sessions of who left end with the event: {refusal}"),
        }
    }
}

/// Ends the sessions and API keys of who may not sign in; those that ended.
fn end(unit: &mut Unit<'_, '_>, user: Uuid) -> Result<Vec<Uuid>, Refusal> {
    store::hold_sessions(unit.tx(), user)?;
    // As they stand now: an event that comes late ends nothing of who was brought back.
    let standing: Option<(String,)> = unit
        .tx()
        .optional(sqlx::query_as("SELECT status FROM users WHERE id = $1 FOR SHARE").bind(user))?;
    let standing = standing.and_then(|(status,)| Standing::parse(&status));
    if standing.is_none_or(|standing| standing.may_sign_in().is_ok()) {
        return Ok(Vec::new());
    }
    let now = unit.now();
    let sessions = store::end_sessions(unit.tx(), user, None, End::Revoked, now)?;
    let keys = store::revoke_keys(unit.tx(), user, now)?;
    if sessions.is_empty() && keys.is_empty() {
        return Ok(Vec::new());
    }
    unit.audit(
        Change::new(Action::Delete, "session", "all")
            .about(user)
            .field("by", json!(null), End::Revoked.name())
            .field("sessions", json!(null), sessions.len())
            .field("keys", json!(null), keys.len()),
    );
    let ended = [sessions, keys].concat();
    ends::emit(unit, user, &ended);
    Ok(ended)
}
