//! People correct what is kept of themselves: name, number, language. An address is another matter: see `new_address`.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::codes::Purpose;
use super::factor::may_add;
use super::person::Person;
use super::register::{locale, name};
use super::service::Identity;
use super::{address, store};
use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{CONFLICT, FORBIDDEN, Refusal};

/// What is right; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Correction {
    /// As typed.
    pub name: Option<String>,
    /// As typed.
    pub phone: Option<String>,
    /// A language of the product.
    pub locale: Option<String>,
    /// The revision that was seen.
    pub revision: i64,
}

impl Identity {
    /// Corrects what is kept of `by`. Another number is not confirmed, and no code that was sent to the old one confirms it.
    ///
    /// # Errors
    /// A field that is wrong; a name that documents show; the second factor is missing in the session of somebody who has one; it changed
    /// since they looked; the database's.
    pub async fn correct(&self, by: &Principal, correction: Correction) -> Result<Person, Refusal> {
        by.in_person()?;
        let user = by
            .user()
            .ok_or_else(|| FORBIDDEN.because("only a person has a name and a number"))?;
        let new_name = correction.name.as_deref().map(name).transpose()?;
        let new_phone = correction
            .phone
            .as_deref()
            .map(address::phone)
            .transpose()?;
        let new_locale = correction
            .locale
            .as_deref()
            .map(|text| locale(Some(text)))
            .transpose()?;
        let (keyring, revision) = (Arc::clone(self.platform.keyring()), correction.revision);
        let (who, sends) = (by.clone(), self.sends());
        let person = self
            .platform
            .command(&by.elevated(), move |unit| {
                let person = store::person(unit.tx(), &keyring, user)?;
                let new_name = new_name.filter(|name| person.name.as_ref() != Some(name));
                let new_phone = new_phone.filter(|phone| person.phone.as_ref() != Some(phone));
                let new_locale = new_locale.filter(|locale| person.locale != *locale);
                let mut changed = Vec::new();
                let mut noted = Change::new(Action::Update, "user", user).about(user);
                if let Some(name) = &new_name {
                    not_of_documents(unit.tx(), user)?;
                    noted = noted.personal("name", person.name.as_deref(), Some(name));
                    changed.push("name");
                }
                if let Some(phone) = &new_phone {
                    noted = noted.personal("phone", person.phone.as_deref(), Some(phone));
                    changed.push("phone");
                }
                if new_name.is_some() || new_phone.is_some() {
                    may_add(unit, &who, &person, sends)?;
                }
                if let Some(locale) = new_locale {
                    noted = noted.field("locale", person.locale.as_str(), locale);
                    changed.push("locale");
                }
                if changed.is_empty() {
                    return Ok(person);
                }
                let (name, phone) = (new_name.as_deref(), new_phone.as_deref());
                store::correct(unit, user, (name, phone, new_locale), revision)?;
                if phone.is_some() {
                    for purpose in [Purpose::ConfirmPhone, Purpose::MfaSms] {
                        store::spend_sent(unit.tx(), user, purpose)?;
                    }
                }
                unit.audit(noted);
                let facts = json!({"user_id": user, "fields": changed});
                unit.emit(Event::new("user.corrected", "user", user, facts).about(user));
                let person = store::person(unit.tx(), &keyring, user)?;
                store::index_person(unit, &person, person.team)?;
                Ok(person)
            })
            .await?;
        self.known.invalidate_all();
        Ok(person)
    }
}

/// Passes while no documents that show a name are looked at or were approved.
fn not_of_documents(tx: &mut Tx<'_>, user: Uuid) -> Result<(), Refusal> {
    let shown: bool = tx.scalar(
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND verified)
                 OR EXISTS (SELECT FROM kyc_cases WHERE user_id = $1 AND status NOT IN ('PENDING_UPLOAD', 'REJECTED'))",
        )
        .bind(user),
    )?;
    match shown {
        false => Ok(()),
        true => Err(CONFLICT.because(
            "your documents show the name: if it is wrong there, dispute the decision, or write to the desk",
        )),
    }
}
