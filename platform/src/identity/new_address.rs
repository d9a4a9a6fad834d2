//! Another address in place of the present one, by which a person signs in: asked for with the password, theirs when a code that was sent
//! there comes back. The old one is told.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::codes::{self, Purpose, Tried, judge};
use super::confirm::Method;
use super::contact::{self, Contact};
use super::faults::{CODE_WRONG, NO_FACTOR, NOT_SET_UP};
use super::messenger::{Channel, Message};
use super::person::Person;
use super::service::Identity;
use super::session::End;
use super::sign_in::{Visit, count, forgive_account, wrong};
use super::{address, store};
use crate::audit::{Action, Change};
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{INVALID, Refusal};

/// Codes that went to the old address, or to one that nobody took: they open nothing any more.
const OVER: [Purpose; 4] = [
    Purpose::NewEmail,
    Purpose::ConfirmEmail,
    Purpose::MfaEmail,
    Purpose::Password,
];

impl Identity {
    /// Sends a code to the address that `by` wants to have.
    ///
    /// # Errors
    /// The password is wrong, or locked; the second factor is missing in the session of staff or of somebody who has one; the address is
    /// none, theirs already, or taken; a code was just sent; nothing to send by; it could not be sent.
    pub async fn ask_new_address(
        &self,
        by: &Principal,
        email: &str,
        password: String,
        visit: &Visit,
    ) -> Result<(), Refusal> {
        by.in_person()?;
        let user = by
            .user()
            .ok_or_else(|| NO_FACTOR.because("the program has no address"))?;
        if !self.serves(Channel::Email) {
            return Err(NOT_SET_UP.because("codes cannot be sent; ask the desk"));
        }
        let email = address::email(email)?;
        let (keyring, network) = (
            Arc::clone(self.platform.keyring()),
            contact::network_of(visit),
        );
        let sends = self.sends();
        let (person, hash, can_confirm) = self
            .platform
            .command(&visit.principal("identity.address"), move |unit| {
                let person = store::person(unit.tx(), &keyring, user)?;
                let account = person.email.clone().unwrap_or_else(|| user.to_string());
                if let Err(refusal) = count(unit, &keyring, &account, &network)? {
                    return Ok(Err(refusal));
                }
                let hash = store::password_hash(unit.tx(), user)?;
                let factors = store::factors(unit.tx(), user)?;
                let can_confirm = !Method::in_session(&person, &factors, sends).is_empty();
                Ok(Ok((person, hash, can_confirm)))
            })
            .await??;
        if person.role.is_staff() || can_confirm {
            by.with_mfa()?;
        }
        if !self.hasher.fits(password, hash).await? {
            return Err(wrong());
        }
        if person.email.as_deref() == Some(email.as_str()) {
            return Err(INVALID.field("email", "it is yours already"));
        }
        self.address_is_free(&email, store::not_yours).await?;
        let (keyring, title) = (
            Arc::clone(self.platform.keyring()),
            self.settings.title.clone(),
        );
        let message = self
            .platform
            .command(&visit.principal("identity.address"), move |unit| {
                if let Some(present) = &person.email {
                    forgive_account(unit, &keyring, present)?;
                }
                contact::rested(unit, user, Purpose::NewEmail)?;
                let (now, code) = (unit.now(), codes::sent_code());
                store::keep_sent(unit.tx(), &keyring, user, Purpose::NewEmail, &code, now)?;
                store::keep_new_address(unit, user, &email)?;
                Ok(Message {
                    channel: Channel::Email,
                    subject: contact::subject(&person.locale, &title),
                    text: contact::text(&person.locale, &title, Purpose::NewEmail, &code),
                    to: email,
                })
            })
            .await?;
        self.settings.messenger.send(message).await
    }

    /// Takes the address that the code was sent to; the other sessions of `by` end.
    ///
    /// # Errors
    /// The code is wrong or over, too many were tried; somebody has the address by now; the session ended; the database's.
    pub async fn take_new_address(
        &self,
        by: &Principal,
        session: Uuid,
        code: String,
        visit: &Visit,
    ) -> Result<Person, Refusal> {
        by.in_person()?;
        let user = by
            .user()
            .ok_or_else(|| NO_FACTOR.because("the program has no address"))?;
        let (keyring, network) = (
            Arc::clone(self.platform.keyring()),
            contact::network_of(visit),
        );
        let (person, before, ended) = self
            .platform
            .command(&by.elevated(), move |unit| {
                store::hold_open_session(unit.tx(), user, session)?;
                let trying = contact::confirming_count(user);
                if let Err(refusal) = count(unit, &keyring, &trying, &network)? {
                    return Ok(Err(refusal));
                }
                let now = unit.now();
                let sent = store::sent_for_update(unit.tx(), user, Purpose::NewEmail)?;
                let digest = store::sent_digest(&keyring, user, Purpose::NewEmail, &code);
                let tried = sent.map_or(Tried::Over, |sent| judge(&sent, &digest, now));
                if tried == Tried::Wrong {
                    store::count_sent_try(unit.tx(), user, Purpose::NewEmail)?;
                }
                if let Err(refusal) = contact::told(tried) {
                    return Ok(Err(refusal));
                }
                let Some(email) = store::new_address(unit, user)? else {
                    return Err(CODE_WRONG.field("code", "it is over; ask for a new one"));
                };
                forgive_account(unit, &keyring, &trying)?;
                let before = store::person(unit.tx(), &keyring, user)?;
                store::set_email(unit, user, &email)?;
                for purpose in OVER {
                    store::spend_sent(unit.tx(), user, purpose)?;
                }
                let what = Contact::Email;
                if store::confirm_contact(
                    unit.tx(),
                    &keyring,
                    user,
                    what.name(),
                    store::EMAIL,
                    &email,
                    now,
                )? {
                    contact::confirmed(unit, user, what);
                }
                let change = Change::new(Action::Update, "user", user).about(user);
                unit.audit(change.personal("email", before.email.as_deref(), Some(&email)));
                let facts = json!({"user_id": user, "fields": [what.name()]});
                unit.emit(Event::new("user.corrected", "user", user, facts).about(user));
                contact::activate(unit, &before)?;
                let ended = store::end_sessions(unit.tx(), user, Some(session), End::Revoked, now)?;
                let person = store::person(unit.tx(), &keyring, user)?;
                store::index_person(unit, &person, person.team)?;
                Ok(Ok((person, before.email, ended)))
            })
            .await??;
        self.tell_ends(&ended).await;
        self.known.invalidate_all();
        if let Some(before) = before {
            self.tell_old_address(&person, before).await;
        }
        Ok(person)
    }

    /// Who took an account over by another address is found by whoever reads at the old one.
    async fn tell_old_address(&self, person: &Person, to: String) {
        let title = &self.settings.title;
        let (subject, text) = match person.locale.as_str() {
            "en" => (
                format!("Your address at {title}"),
                format!(
                    "You sign in at {title} with another address from now on. If that was not you, tell us at once."
                ),
            ),
            _ => (
                format!("Alamat Anda di {title}"),
                format!(
                    "Mulai sekarang Anda masuk ke {title} dengan alamat lain. Jika itu bukan Anda, segera hubungi kami."
                ),
            ),
        };
        let message = Message {
            channel: Channel::Email,
            to,
            subject,
            text: Zeroizing::new(text),
        };
        if let Err(refusal) = self.settings.messenger.send(message).await {
            tracing::info!("an old address was not told of the new one: {refusal}");
        }
    }
}
