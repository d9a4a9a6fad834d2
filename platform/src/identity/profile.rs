//! One's own profile, which every page asks for, as the cache keeps it (N4.45). It is kept for the person
//! alone: what others see of them is read under row-level security and masked by their role.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use siaga_risk::ids::ActorId;
use uuid::Uuid;

use super::person::{Person, Standing};
use super::service::Identity;
use super::store;
use crate::cache::Key;
use crate::people::{Principal, Role};
use crate::refusal::Refusal;

/// A [`Person`] in the form in which it is kept.
#[derive(Serialize, Deserialize)]
struct Profile {
    id: Uuid,
    org: Uuid,
    actor: u32,
    email: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    role: String,
    team: Option<Uuid>,
    referrer: Option<Uuid>,
    standing: String,
    verified: bool,
    tier: String,
    locale: String,
    revision: i64,
}

impl From<Person> for Profile {
    fn from(person: Person) -> Self {
        Self {
            id: person.id,
            org: person.org,
            actor: person.actor.0,
            email: person.email,
            name: person.name,
            phone: person.phone,
            role: person.role.name().to_owned(),
            team: person.team,
            referrer: person.referrer,
            standing: person.standing.name().to_owned(),
            verified: person.verified,
            tier: person.tier,
            locale: person.locale,
            revision: person.revision,
        }
    }
}

impl Profile {
    /// The person; `None` for one that another version of the program kept.
    fn person(self) -> Option<Person> {
        Some(Person {
            id: self.id,
            org: self.org,
            actor: ActorId(self.actor),
            email: self.email,
            name: self.name,
            phone: self.phone,
            role: Role::parse(&self.role)?,
            team: self.team,
            referrer: self.referrer,
            standing: Standing::parse(&self.standing)?,
            verified: self.verified,
            tier: self.tier,
            locale: self.locale,
            revision: self.revision,
        })
    }
}

impl Identity {
    /// The person that `by` is.
    ///
    /// # Errors
    /// There is none such; the database's.
    pub(super) async fn own_profile(&self, by: &Principal, id: Uuid) -> Result<Person, Refusal> {
        let key = Key::Profile(id);
        let kept = self.platform.cache().get(&key, async {
            let person = self.read_person(by, id).await?;
            Ok::<_, Refusal>(Profile::from(person))
        });
        if let Some(person) = kept.await?.person() {
            return Ok(person);
        }
        self.platform.cache().forget(&key).await;
        self.read_person(by, id).await
    }

    async fn read_person(&self, by: &Principal, id: Uuid) -> Result<Person, Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        let read = self
            .platform
            .read(by, move |tx| store::person(tx, &keyring, id));
        read.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_comes_back_as_the_person_it_was_made_of() {
        for (role, standing) in [
            (Role::EndUser, Standing::UnderReview),
            (Role::SuperAdmin, Standing::Active),
        ] {
            let person = Person {
                id: Uuid::from_u128(1),
                org: Uuid::from_u128(2),
                actor: ActorId(7),
                email: Some("sari@contoh.id".into()),
                name: None,
                phone: Some("+6281234567890".into()),
                role,
                team: Some(Uuid::from_u128(3)),
                referrer: Some(Uuid::from_u128(4)),
                standing,
                verified: true,
                tier: "plus".into(),
                locale: "id".into(),
                revision: 9,
            };
            let text = serde_json::to_string(&Profile::from(person.clone())).expect("written");
            let read: Profile = serde_json::from_str(&text).expect("read");
            assert_eq!(read.person(), Some(person));
        }
    }

    #[test]
    fn a_role_that_this_program_does_not_know_is_read_anew() {
        let text = r#"{"id":"00000000-0000-0000-0000-000000000001","org":"00000000-0000-0000-0000-000000000002","actor":7,"email":null,
            "name":null,"phone":null,"role":"astrologer","team":null,"referrer":null,"standing":"active","verified":false,"tier":"standard",
            "locale":"id","revision":1}"#;
        let read: Profile = serde_json::from_str(text).expect("read");
        assert_eq!(read.person(), None);
    }
}
