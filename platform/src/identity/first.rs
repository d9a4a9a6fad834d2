//! The first administrator: whoever knows the first-start secret gives the owner of the house a name and a password.

use std::sync::Arc;

use serde_json::json;

use super::register::{Registration, locale, name};
use super::service::Identity;
use super::session::End;
use super::sign_in::{SignedIn, Visit, forgive_person, open};
use super::{address, password, store};
use crate::audit::{Action, Change};
use crate::ids::OWNER;
use crate::outbox::Event;
use crate::refusal::Refusal;

impl Identity {
    /// Makes the owner of the house a person who signs in. Done again it lets them in anew: their password is set, their
    /// factors, linked accounts, keys, sessions and locks end. The gateway has compared the secret.
    ///
    /// # Errors
    /// The field that is wrong; the address is another user's; the database's.
    pub async fn first_administrator(
        &self,
        registration: Registration,
        visit: &Visit,
    ) -> Result<SignedIn, Refusal> {
        let email = address::email(&registration.email)?;
        let phone = address::phone(&registration.phone)?;
        let name = name(&registration.name)?;
        locale(registration.locale.as_deref())?;
        password::check(&registration.password, &email, &name)?;
        let hash = self.hasher.hash(registration.password).await?;
        let keyring = Arc::clone(self.platform.keyring());
        let client = visit.client;
        let (done, ended) = self
            .platform
            .command(
                &visit.principal("identity.first_administrator"),
                move |unit| {
                    let now = unit.now();
                    store::hold_sessions(unit.tx(), OWNER)?;
                    store::rename(unit, OWNER, &email, &name, &phone)?;
                    store::set_password(unit, OWNER, &hash)?;
                    forgive_person(unit, &keyring, OWNER, Some(&email))?;
                    let mut ended = store::end_sessions(unit.tx(), OWNER, None, End::Revoked, now)?;
                    ended.extend(store::drop_ways_in(unit, OWNER)?);
                    unit.audit(
                        Change::new(Action::Update, "user", OWNER)
                            .about(OWNER)
                            .field("let_in_by", json!(null), "first-start secret")
                            .personal("email", None, Some(&email)),
                    );
                    let facts = json!({"user_id": OWNER});
                    unit.emit(Event::new("user.claimed", "user", OWNER, facts).about(OWNER));
                    let person = store::person(unit.tx(), &keyring, OWNER)?;
                    Ok((open(unit, person, client, false)?, ended))
                },
            )
            .await?;
        self.tell_ends(&ended).await;
        self.claimed();
        self.opened(done).await
    }
}
