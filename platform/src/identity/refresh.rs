//! Refreshing and ending sessions.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::people::administers;
use super::service::Identity;
use super::session::{End, Refreshed, refresh, refused};
use super::sign_in::{Client, Visit};
use super::store;
use crate::audit::{Action, Change};
use crate::people::Principal;
use crate::refusal::Refusal;

/// New tokens of a session. It has no Debug: these are secrets.
pub struct Renewed {
    /// The session.
    pub session: Uuid,
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// Goes with every write of a browser.
    pub csrf: String,
    /// How they travel.
    pub client: Client,
}

impl Identity {
    /// New tokens for a refresh token. A second use ends the session, but for a moment after the first: then it brings the same
    /// refresh token again.
    ///
    /// # Errors
    /// The token is unknown, too old, or a copy; the session ended or was idle; the database's.
    pub async fn refresh(&self, token: String, visit: &Visit) -> Result<Renewed, Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        let unattended = visit.unattended;
        let done = self
            .platform
            .command(&visit.principal("identity.refresh"), move |unit| {
                let now = unit.now();
                let row = store::refresh_for_update(unit.tx(), &token)?;
                let refreshed = refresh(&row.facts, now);
                if let Refreshed::End(end) = refreshed {
                    store::end_session(unit.tx(), row.session, end, now)?;
                    unit.audit(
                        Change::new(Action::Delete, "session", row.session)
                            .about(row.user)
                            .field("by", json!(null), end.name()),
                    );
                }
                if let Some(refusal) = refused(refreshed) {
                    let ends_now = matches!(refreshed, Refreshed::End(_));
                    return Ok(Err((refusal, row.session, ends_now)));
                }
                store::person(unit.tx(), &keyring, row.user)?
                    .standing
                    .may_sign_in()?;
                store::use_refresh_token(unit.tx(), &token, now)?;
                if !unattended {
                    store::see_session(unit.tx(), row.session, now)?;
                }
                let refresh =
                    store::next_refresh_token(unit.tx(), &keyring, row.session, &token, now)?;
                Ok(Ok((row.user, row.session, row.client, refresh)))
            })
            .await?;
        match done {
            Err((refusal, session, ends_now)) => {
                match ends_now {
                    true => self.tell_ends(&[session]).await,
                    false => self.hear_end(session).await,
                }
                Err(refusal)
            }
            Ok((user, session, client, refresh)) => {
                let access = self.access_token(user, session).await?;
                Ok(Renewed {
                    session,
                    access,
                    refresh,
                    csrf: self.csrf(session),
                    client,
                })
            }
        }
    }

    /// Ends a session of `by` or, for administrators, of another person.
    ///
    /// # Errors
    /// There is none such for whoever asks; the database's.
    pub async fn end_session(&self, by: &Principal, session: Uuid) -> Result<(), Refusal> {
        let me = by.user();
        // Who has not given their second factor reaches this route too, and ends their own sessions only.
        let may_write = administers(by).is_ok();
        let (org, end) = (
            by.org,
            if me.is_none() {
                End::Revoked
            } else {
                End::SignedOut
            },
        );
        let acting = by.elevated();
        self.platform
            .command(&acting, move |unit| {
                let now = unit.now();
                let row: Option<(Uuid, Uuid)> =
                    unit.tx().optional(sqlx::query_as("SELECT user_id, org_id FROM sessions WHERE id = $1 AND ended_at IS NULL FOR UPDATE").bind(session))?;
                let mine = |user: Uuid| Some(user) == me;
                let Some((user, _)) = row.filter(|(user, of)| mine(*user) || (may_write && *of == org)) else {
                    return Err(crate::refusal::NOT_FOUND.because("there is no such session, or not for you"));
                };
                let end = if mine(user) { end } else { End::Revoked };
                store::end_session(unit.tx(), session, end, now)?;
                unit.audit(Change::new(Action::Delete, "session", session).about(user).field("by", json!(null), end.name()));
                Ok(())
            })
            .await?;
        self.tell_ends(&[session]).await;
        Ok(())
    }
}
