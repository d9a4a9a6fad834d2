//! Registering, and signing in as who was just registered.

use std::sync::Arc;

use serde_json::json;

use super::contact::{self, Contact};
use super::service::Identity;
use super::sign_in::{SignedIn, Visit, open};
use super::{address, password, store};
use crate::audit::{Action, Change};
use crate::ids::HOUSE;
use crate::outbox::Event;
use crate::people::Role;
use crate::refusal::{INVALID, Refusal};

/// Longest name.
const NAME_CHARS_MAX: usize = 120;
/// The languages of the product.
pub(super) const LOCALES: [&str; 2] = ["id", "en"];

/// Who wants to be a client. It has no Debug: it holds a password.
#[derive(Clone)]
pub struct Registration {
    /// As typed.
    pub email: String,
    /// As typed.
    pub password: String,
    /// As typed.
    pub name: String,
    /// As typed.
    pub phone: String,
    /// `id` when absent.
    pub locale: Option<String>,
}

impl Identity {
    /// Registers a client and opens their first session; a code to confirm the address is sent.
    ///
    /// # Errors
    /// The field that is wrong; [`EMAIL_TAKEN`](super::faults::EMAIL_TAKEN); the database's.
    pub async fn register(
        &self,
        registration: Registration,
        visit: &Visit,
    ) -> Result<SignedIn, Refusal> {
        let email = address::email(&registration.email)?;
        let phone = address::phone(&registration.phone)?;
        let name = name(&registration.name)?;
        let locale = locale(registration.locale.as_deref())?;
        password::check(&registration.password, &email, &name)?;
        // Asked before the hash, which costs; the unique index decides.
        self.address_is_free(&email, store::taken).await?;
        let hash = self.hasher.hash(registration.password).await?;
        let keyring = Arc::clone(self.platform.keyring());
        let client = visit.client;
        let done = self
            .platform
            .command(&visit.principal("identity.register"), move |unit| {
                let new = store::NewUser {
                    org: HOUSE,
                    email: &email,
                    name: &name,
                    phone: Some(&phone),
                    role: Role::EndUser,
                    team: None,
                    locale,
                };
                let user = store::add_user(unit, &new)?;
                store::set_password(unit, user, &hash)?;
                unit.audit(
                    Change::new(Action::Create, "user", user)
                        .about(user)
                        .field("role", json!(null), Role::EndUser.name())
                        .personal("email", None, Some(&email))
                        .personal("phone", None, Some(&phone)),
                );
                unit.emit(
                    Event::new(
                        "user.registered",
                        "user",
                        user,
                        json!({"user_id": user, "role": Role::EndUser.name()}),
                    )
                    .about(user),
                );
                let person = store::person(unit.tx(), &keyring, user)?;
                open(unit, person, client, false)
            })
            .await?;
        let signed_in = self.opened(done).await?;
        if let SignedIn::Open(opened) = &signed_in {
            // Who gets no code asks for one: the registration stands.
            if let Err(refusal) =
                contact::send(self, opened.person.id, Contact::Email.confirming(), visit).await
            {
                tracing::info!("no code was sent to who registered: {refusal}");
            }
        }
        Ok(signed_in)
    }

    pub(super) async fn address_is_free(
        &self,
        email: &str,
        taken: fn() -> Refusal,
    ) -> Result<(), Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        let email = email.to_owned();
        let found = self
            .platform
            .read(
                &crate::people::Principal::system("identity.register"),
                move |tx| store::by_email(tx, &keyring, &email),
            )
            .await?;
        match found {
            None => Ok(()),
            Some(_) => Err(taken()),
        }
    }
}

/// A name as it is kept.
pub(super) fn name(text: &str) -> Result<String, Refusal> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty()
        || name.chars().count() > NAME_CHARS_MAX
        || name.chars().any(char::is_control)
    {
        return Err(INVALID.field("name", format!("use 1 to {NAME_CHARS_MAX} characters")));
    }
    Ok(name)
}

/// A language of the product.
pub(super) fn locale(text: Option<&str>) -> Result<&'static str, Refusal> {
    let asked = text.unwrap_or("id");
    let known = LOCALES.into_iter().find(|locale| *locale == asked);
    known.ok_or_else(|| INVALID.field("locale", "use id or en"))
}
