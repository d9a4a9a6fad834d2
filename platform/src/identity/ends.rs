//! Ends of sessions and API keys that came with another engine's event or with an erasure: told behind the commit, so that
//! nobody is believed for the seconds until the next look, nor while the database is away.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::service::Identity;
use crate::outbox::{Effect, Event, Running, Stored};
use crate::unit::{Platform, Unit};

/// Says which sessions and API keys of a person ended.
const ENDED: &str = "user.sessions_ended";

/// Has the ends told once the unit is committed.
pub(super) fn emit(unit: &mut Unit<'_, '_>, user: Uuid, ids: &[Uuid]) {
    let Some(first) = ids.first() else {
        return;
    };
    let facts = json!({"user_id": user, "ids": ids});
    // Not of the user: it would wait for what is stuck of theirs.
    unit.emit(Event::new(ENDED, "session", *first, facts).about(user));
}

/// Forgets what is known of them here, and tells the other programs.
pub struct TellEnds(pub Arc<Identity>);

impl Effect for TellEnds {
    fn name(&self) -> &'static str {
        "identity.ends"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == ENDED
    }

    fn run<'a>(&'a self, _platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            let ids = event.payload["ids"].as_array();
            let ids = ids.into_iter().flatten();
            let ids: Vec<Uuid> = ids
                .filter_map(|id| Uuid::try_parse(id.as_str()?).ok())
                .collect();
            self.0.tell_ends(&ids).await;
            Ok(())
        })
    }
}
