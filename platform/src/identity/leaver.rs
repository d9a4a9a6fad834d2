//! A person may be suspended by another engine: whoever leaves sales is. Their sessions and API keys end all the same, or
//! they would open again when the person is brought back.

use serde_json::json;

use super::ends;
use super::person::Standing;
use super::session::End;
use super::store;
use crate::audit::{Action, Change};
use crate::outbox::{Stored, Subscriber};
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
        // As they stand now: an event that comes late ends nothing of who was brought back.
        let standing: Option<(String,)> = unit.tx().optional(
            sqlx::query_as("SELECT status FROM users WHERE id = $1 FOR SHARE").bind(user),
        )?;
        let standing = standing.and_then(|(status,)| Standing::parse(&status));
        if standing.is_none_or(|standing| standing.may_sign_in().is_ok()) {
            return Ok(());
        }
        let now = unit.now();
        let sessions = store::end_sessions(unit.tx(), user, None, End::Revoked, now)?;
        let keys = store::revoke_keys(unit.tx(), user, now)?;
        if !sessions.is_empty() || !keys.is_empty() {
            unit.audit(
                Change::new(Action::Delete, "session", "all")
                    .about(user)
                    .field("by", json!(null), End::Revoked.name())
                    .field("sessions", json!(null), sessions.len())
                    .field("keys", json!(null), keys.len()),
            );
            ends::emit(unit, user, &[sessions, keys].concat());
        }
        Ok(())
    }
}
