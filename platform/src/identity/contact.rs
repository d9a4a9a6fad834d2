//! Codes that are sent: to confirm an address or a number, as a second factor, and for a forgotten password.

use std::sync::Arc;

use serde_json::json;
use siaga_risk::units::SECOND_NS;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::codes::{self, Purpose, RESEND_NS, Tried, judge as judge_code};
use super::faults::{CODE_WRONG, NO_FACTOR, NOT_SET_UP, TOO_OFTEN};
use super::messenger::{Channel, Message};
use super::person::{Person, Standing};
use super::service::Identity;
use super::session::End;
use super::sign_in::{Visit, count, forgive_account, wrong};
use super::{address, password, store};
use crate::audit::{Action, Change};
use crate::crypto::Keyring;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{INVALID, Refusal};
use crate::unit::Unit;

/// Where a code reaches a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// Their address.
    Email,
    /// Their number.
    Phone,
}

impl Contact {
    /// The name on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Contact::Email => "email",
            Contact::Phone => "phone",
        }
    }

    /// The contact of that name.
    pub fn parse(name: &str) -> Option<Contact> {
        [Contact::Email, Contact::Phone]
            .into_iter()
            .find(|contact| contact.name() == name)
    }

    pub(super) fn confirming(self) -> Purpose {
        match self {
            Contact::Email => Purpose::ConfirmEmail,
            Contact::Phone => Purpose::ConfirmPhone,
        }
    }

    pub(super) fn factor(self) -> Purpose {
        match self {
            Contact::Email => Purpose::MfaEmail,
            Contact::Phone => Purpose::MfaSms,
        }
    }

    fn field(self) -> &'static str {
        match self {
            Contact::Email => store::EMAIL,
            Contact::Phone => store::PHONE,
        }
    }
}

fn contact_of(purpose: Purpose) -> Contact {
    match purpose {
        Purpose::ConfirmEmail | Purpose::MfaEmail | Purpose::Password | Purpose::NewEmail => {
            Contact::Email
        }
        Purpose::ConfirmPhone | Purpose::MfaSms => Contact::Phone,
    }
}

fn channel_of(purpose: Purpose) -> Channel {
    match contact_of(purpose) {
        Contact::Email => Channel::Email,
        Contact::Phone => Channel::Sms,
    }
}

fn value_of(person: &Person, contact: Contact) -> Option<String> {
    match contact {
        Contact::Email => person.email.clone(),
        Contact::Phone => person.phone.clone(),
    }
}

/// Makes a code and sends it, not more often than once a minute.
pub(super) async fn send(
    identity: &Identity,
    user: Uuid,
    purpose: Purpose,
    visit: &Visit,
) -> Result<(), Refusal> {
    if !identity.serves(channel_of(purpose)) {
        return Err(NOT_SET_UP.because("no way to send this code is set up; tell the desk"));
    }
    let keyring = Arc::clone(identity.platform.keyring());
    let title = identity.settings.title.clone();
    let message = identity
        .platform
        .command(&visit.principal("identity.codes"), move |unit| {
            let now = unit.now();
            let person = store::person(unit.tx(), &keyring, user)?;
            let to = value_of(&person, contact_of(purpose))
                .ok_or_else(|| NO_FACTOR.because("there is nowhere to send it to"))?;
            rested(unit, user, purpose)?;
            let code = codes::sent_code();
            store::keep_sent(unit.tx(), &keyring, user, purpose, &code, now)?;
            Ok(Message {
                channel: channel_of(purpose),
                to,
                subject: subject(&person.locale, &title),
                text: text(&person.locale, &title, purpose, &code),
            })
        })
        .await?;
    // Sent behind the commit: a code that is not kept would be of no use.
    identity.settings.messenger.send(message).await
}

/// Passes when the code before was not sent just now.
pub(super) fn rested(unit: &mut Unit<'_, '_>, user: Uuid, purpose: Purpose) -> Result<(), Refusal> {
    let now = unit.now();
    store::lock_sending(unit.tx(), user, purpose)?;
    if let Some(sent) = store::sent_for_update(unit.tx(), user, purpose)? {
        let waited = now.since(sent.made);
        if waited < RESEND_NS {
            let seconds = u32::try_from((RESEND_NS - waited).div_ceil(SECOND_NS)).unwrap_or(60);
            return Err(TOO_OFTEN.for_seconds(seconds, "a code was just sent; look for it first"));
        }
    }
    Ok(())
}

pub(super) fn subject(locale: &str, title: &str) -> String {
    match locale {
        "en" => format!("Your code for {title}"),
        _ => format!("Kode Anda untuk {title}"),
    }
}

pub(super) fn text(locale: &str, title: &str, purpose: Purpose, code: &str) -> Zeroizing<String> {
    let text = match (locale, purpose) {
        ("en", Purpose::Password) => format!(
            "{code} is your code to set a password at {title}. It is valid for 10 minutes. If you did not ask for it, do nothing."
        ),
        ("en", _) => format!(
            "{code} is your code for {title}. It is valid for 10 minutes. Nobody of {title} asks you for it."
        ),
        (_, Purpose::Password) => format!(
            "{code} adalah kode Anda untuk mengatur kata sandi di {title}. Berlaku 10 menit. Abaikan jika Anda tidak memintanya."
        ),
        (_, _) => format!(
            "{code} adalah kode Anda untuk {title}. Berlaku 10 menit. Tidak ada staf {title} yang memintanya."
        ),
    };
    Zeroizing::new(text)
}

/// Judges a sent code and, whatever it was for, notes that a right one reached the person there.
pub(super) fn judge(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    user: Uuid,
    purpose: Purpose,
    code: &str,
) -> Result<Tried, Refusal> {
    let tried = use_code(unit, keyring, user, purpose, code)?;
    if tried == Tried::Right {
        reached(unit, keyring, user, contact_of(purpose))?;
    }
    Ok(tried)
}

/// Judges a sent code: counts a wrong one, uses a right one up.
fn use_code(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    user: Uuid,
    purpose: Purpose,
    code: &str,
) -> Result<Tried, Refusal> {
    let now = unit.now();
    let Some(sent) = store::sent_for_update(unit.tx(), user, purpose)? else {
        return Ok(Tried::Over);
    };
    let tried = judge_code(
        &sent,
        &store::sent_digest(keyring, user, purpose, code),
        now,
    );
    match tried {
        Tried::Right => store::spend_sent(unit.tx(), user, purpose)?,
        Tried::Wrong => store::count_sent_try(unit.tx(), user, purpose)?,
        Tried::Over => {}
    }
    Ok(tried)
}

/// A code reached the person there.
fn reached(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    user: Uuid,
    contact: Contact,
) -> Result<(), Refusal> {
    let now = unit.now();
    let person = store::person(unit.tx(), keyring, user)?;
    if let Some(value) = value_of(&person, contact)
        && store::confirm_contact(
            unit.tx(),
            keyring,
            user,
            contact.name(),
            contact.field(),
            &value,
            now,
        )?
    {
        confirmed(unit, user, contact);
    }
    Ok(())
}

/// The one answer to a code for a password that opens nothing, whether there is such an address or not.
fn no_password_code() -> Refusal {
    CODE_WRONG.field(
        "code",
        "it is wrong or over; look again, or ask for a new one",
    )
}

/// Failures at confirming an address or number, counted beside those of passwords: a new code each minute would be
/// five guesses each minute.
pub(super) fn confirming_count(user: Uuid) -> String {
    format!("confirm {user}")
}

/// Failures at the code for a new password: whoever knows the address may try.
pub(super) fn password_code_count(email: &str) -> String {
    format!("password code {email}")
}

pub(super) fn network_of(visit: &Visit) -> String {
    visit.ip.map_or_else(
        || "unknown".to_owned(),
        |ip| super::limit::household(ip).to_string(),
    )
}

pub(super) fn told(tried: Tried) -> Result<(), Refusal> {
    match tried {
        Tried::Right => Ok(()),
        Tried::Wrong => Err(CODE_WRONG.field("code", "look again")),
        Tried::Over => Err(CODE_WRONG.field("code", "it is over; ask for a new one")),
    }
}

impl Identity {
    /// Sends a code to confirm the address or number of `by`.
    ///
    /// # Errors
    /// Too soon; nothing to send by; it could not be sent.
    pub async fn send_contact_code(
        &self,
        by: &Principal,
        contact: Contact,
        visit: &Visit,
    ) -> Result<(), Refusal> {
        let user = by
            .user()
            .ok_or_else(|| NO_FACTOR.because("the program has no address"))?;
        send(self, user, contact.confirming(), visit).await
    }

    /// Confirms the address or number of `by`; the address of who was just registered makes them active.
    ///
    /// # Errors
    /// The code is wrong or over, too many were tried; the database's.
    pub async fn confirm_contact(
        &self,
        by: &Principal,
        contact: Contact,
        code: String,
        visit: &Visit,
    ) -> Result<Person, Refusal> {
        let user = by
            .user()
            .ok_or_else(|| NO_FACTOR.because("the program has no address"))?;
        let keyring = Arc::clone(self.platform.keyring());
        let network = network_of(visit);
        let person = self
            .platform
            .command(&by.elevated(), move |unit| {
                if let Err(refusal) = count(unit, &keyring, &confirming_count(user), &network)? {
                    return Ok(Err(refusal));
                }
                if let Err(refusal) =
                    told(judge(unit, &keyring, user, contact.confirming(), &code)?)
                {
                    return Ok(Err(refusal));
                }
                forgive_account(unit, &keyring, &confirming_count(user))?;
                unit.audit(Change::new(Action::Update, "user", user).about(user).field(
                    "confirmed",
                    json!(null),
                    contact.name(),
                ));
                let person = store::person(unit.tx(), &keyring, user)?;
                if contact == Contact::Email {
                    activate(unit, &person)?;
                }
                Ok(Ok(store::person(unit.tx(), &keyring, user)?))
            })
            .await??;
        self.known.invalidate_all();
        Ok(person)
    }

    /// Whether a code is asked for at every sign-in by this way.
    ///
    /// # Errors
    /// It was not confirmed; the database's.
    pub async fn use_contact(
        &self,
        by: &Principal,
        contact: Contact,
        on: bool,
    ) -> Result<(), Refusal> {
        let user = by
            .user()
            .ok_or_else(|| NO_FACTOR.because("the program has no address"))?;
        self.platform
            .command(&by.elevated(), move |unit| {
                let changed = unit.tx().execute(
                    sqlx::query("UPDATE confirmed_contacts SET as_factor = $3 WHERE user_id = $1 AND what = $2").bind(user).bind(contact.name()).bind(on),
                )?;
                if changed == 0 {
                    return Err(NO_FACTOR.field("what", "confirm it first"));
                }
                unit.audit(Change::new(Action::Update, "user", user).about(user).field(contact.name(), !on, on));
                Ok(())
            })
            .await
    }

    /// Sends a code for a new password. Says the same whether there is such an address or not.
    ///
    /// # Errors
    /// No way to send is set up.
    pub async fn forgot_password(&self, email: &str, visit: &Visit) -> Result<(), Refusal> {
        if !self.serves(Channel::Email) {
            return Err(NOT_SET_UP.because("codes cannot be sent; ask the desk"));
        }
        let Ok(email) = address::email(email) else {
            return Ok(());
        };
        let keyring = Arc::clone(self.platform.keyring());
        let found = self
            .platform
            .read(&Principal::system("identity.codes"), move |tx| {
                store::by_email(tx, &keyring, &email)
            })
            .await?;
        if let Some((user, _)) = found
            && let Err(refusal) = send(self, user, Purpose::Password, visit).await
        {
            tracing::info!("no code for a password was sent: {refusal}");
        }
        Ok(())
    }

    /// Sets a password by a code that was sent; every session of the person ends. An account of a client whose address was never
    /// confirmed loses its factors, linked accounts and keys too: they may be somebody else's, who registered it first. Nobody registers as
    /// staff, and theirs stay: a mailbox would else be all that it takes. What an address that nobody has is told, and how long that takes,
    /// is the same as for a wrong code.
    ///
    /// # Errors
    /// The code is wrong or over, too many were tried; the password is weak; the database's.
    pub async fn reset_password(
        &self,
        email: &str,
        code: String,
        new: String,
        visit: &Visit,
    ) -> Result<(), Refusal> {
        let email = address::email(email)?;
        password::check(&new, &email, "")?;
        let keyring = Arc::clone(self.platform.keyring());
        let network = network_of(visit);
        let asked = email.clone();
        let found = self
            .platform
            .command(&visit.principal("identity.codes"), move |unit| {
                if let Err(refusal) = count(unit, &keyring, &password_code_count(&asked), &network)?
                {
                    return Ok(Err(refusal));
                }
                Ok(Ok(
                    store::by_email(unit.tx(), &keyring, &asked)?.map(|(user, _)| user)
                ))
            })
            .await??;
        let hash = self.hasher.hash(new.clone()).await?;
        let keyring = Arc::clone(self.platform.keyring());
        let ended = self
            .platform
            .command(&visit.principal("identity.codes"), move |unit| {
                let Some(user) = found else {
                    return Ok(Err(no_password_code()));
                };
                let now = unit.now();
                store::hold_sessions(unit.tx(), user)?;
                let person = store::person(unit.tx(), &keyring, user)?;
                let may_be_anothers =
                    !person.role.is_staff() && !store::factors(unit.tx(), user)?.email;
                if use_code(unit, &keyring, user, Purpose::Password, &code)? != Tried::Right {
                    return Ok(Err(no_password_code()));
                }
                // Only whoever has the code is told that the password says the name; the code stays for another one.
                password::check(&new, &email, person.name.as_deref().unwrap_or_default())?;
                let mut ended = store::end_sessions(unit.tx(), user, None, End::Revoked, now)?;
                if may_be_anothers {
                    ended.extend(store::drop_ways_in(unit, user)?);
                }
                // Behind what ends: nobody had confirmed the address that this code reached.
                reached(unit, &keyring, user, Contact::Email)?;
                if may_be_anothers {
                    let change = Change::new(Action::Update, "user", user).about(user);
                    unit.audit(change.field("confirmed", json!(null), Contact::Email.name()));
                }
                store::set_password(unit, user, &hash)?;
                forgive_account(unit, &keyring, &email)?;
                forgive_account(unit, &keyring, &password_code_count(&email))?;
                unit.audit(
                    Change::new(Action::Update, "credential", user)
                        .about(user)
                        .field("password", json!(null), "set by a code"),
                );
                activate(unit, &person)?;
                Ok(Ok(ended))
            })
            .await??;
        self.tell_ends(&ended).await;
        Ok(())
    }

    /// Changes the password of `by`; their other sessions end.
    ///
    /// # Errors
    /// The current one is wrong, or locked; the new one is weak; the session ended; the database's.
    pub async fn change_password(
        &self,
        by: &Principal,
        session: Uuid,
        current: String,
        new: String,
        visit: &Visit,
    ) -> Result<(), Refusal> {
        let user = by
            .user()
            .ok_or_else(|| NO_FACTOR.because("the program has no password"))?;
        let keyring = Arc::clone(self.platform.keyring());
        let network = network_of(visit);
        let (person, hash) = self
            .platform
            .command(&visit.principal("identity.password"), move |unit| {
                let person = store::person(unit.tx(), &keyring, user)?;
                let account = person.email.clone().unwrap_or_else(|| user.to_string());
                if let Err(refusal) = count(unit, &keyring, &account, &network)? {
                    return Ok(Err(refusal));
                }
                let hash = store::password_hash(unit.tx(), user)?;
                Ok(Ok((person, hash)))
            })
            .await??;
        if !self.hasher.fits(current.clone(), hash).await? {
            return Err(wrong());
        }
        if current == new {
            return Err(INVALID.field("new", "use another one than before"));
        }
        let email = person.email.clone().unwrap_or_default();
        password::check(&new, &email, person.name.as_deref().unwrap_or_default())?;
        let hash = self.hasher.hash(new).await?;
        let keyring = Arc::clone(self.platform.keyring());
        let ended = self
            .platform
            .command(&by.elevated(), move |unit| {
                let now = unit.now();
                // Whoever set another password while this one was compared has ended the session.
                store::hold_open_session(unit.tx(), user, session)?;
                store::set_password(unit, user, &hash)?;
                forgive_account(unit, &keyring, &email)?;
                unit.audit(
                    Change::new(Action::Update, "credential", user)
                        .about(user)
                        .field("password", json!(null), "changed"),
                );
                store::end_sessions(unit.tx(), user, Some(session), End::Revoked, now)
            })
            .await?;
        self.tell_ends(&ended).await;
        Ok(())
    }
}

/// Tells that an address or number is proved to be the person's.
pub(super) fn confirmed(unit: &mut Unit<'_, '_>, user: Uuid, contact: Contact) {
    let facts = json!({"user_id": user, "what": contact.name()});
    unit.emit(Event::new("user.contact_confirmed", "user", user, facts).about(user));
}

/// A code reached the address of who was pending: they are active now.
pub(super) fn activate(unit: &mut Unit<'_, '_>, person: &Person) -> Result<(), Refusal> {
    if person.standing != Standing::Pending {
        return Ok(());
    }
    store::set_standing(unit, person.id, Standing::Active, None)?;
    let change = Change::new(Action::Update, "user", person.id).about(person.id);
    unit.audit(change.field("status", Standing::Pending.name(), Standing::Active.name()));
    let facts = json!({"user_id": person.id, "from": Standing::Pending.name(), "to": Standing::Active.name()});
    unit.emit(Event::new("user.status_changed", "user", person.id, facts).about(person.id));
    Ok(())
}
