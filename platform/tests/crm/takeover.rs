//! Nobody reads what is known of somebody else by typing that person's number beside an address of their own.

use serde_json::json;
use siaga_platform::consent;
use siaga_platform::crm::tasks::{self, NewTask};
use siaga_platform::crm::work::{self, NoteKind};
use siaga_platform::crm::{Outcome, deals, moves};
use siaga_platform::crypto::blind;
use siaga_platform::handlers;
use siaga_platform::people::Principal;
use uuid::Uuid;

use super::floor::{agent, happen, number, seen, take, told};
use super::proof::{form, prove};
use crate::ground::desk::{House, houses};

/// What a person of the house wrote down.
const NOTE: &str = "Earns twenty million.";

/// A person registers with a number that nobody checks.
async fn registers(house: &House, name: &'static str, phone: Option<String>) -> Principal {
    let client = house.client(name).await;
    let user = client.user().expect("a person");
    let system = Principal::system("test");
    let done = house.platform.command(&system, move |unit| {
        let key = unit.key(user)?;
        let sealed = phone
            .as_deref()
            .map(|phone| key.seal("users.phone", phone).as_bytes().to_vec());
        let index = phone
            .as_deref()
            .map(|phone| blind(unit.keyring(), "users.phone", phone).to_vec());
        unit.tx().execute(
            sqlx::query("UPDATE users SET status = 'pending', phone_sealed = $2, phone_index = $3 WHERE id = $1")
                .bind(user)
                .bind(sealed)
                .bind(index),
        )?;
        Ok(())
    });
    done.await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind));
    let payload = json!({"user_id": user});
    happen(&house.platform, "user.registered", user, payload).await;
    client
}

/// The code that was sent to the address came back.
async fn confirms(house: &House, client: &Principal) -> Uuid {
    let user = client.user().expect("a person");
    house
        .system(move |tx| {
            let query = sqlx::query("UPDATE users SET status = 'active' WHERE id = $1");
            tx.execute(query.bind(user))
        })
        .await;
    let payload = json!({"user_id": user, "to": "active"});
    happen(&house.platform, "user.status_changed", user, payload).await;
    user
}

async fn writes(house: &House, lead: Uuid) {
    let (owner, text) = (Principal::owner(), NOTE.to_owned());
    let noted = work::note(&house.platform, &owner, None, lead, NoteKind::Note, text).await;
    noted.unwrap_or_else(|error| panic!("{}: {error}", house.kind));
}

/// Everything that a person is given of themselves.
async fn reads(house: &House, client: &Principal) -> String {
    let (stores, user) = (handlers::engines().stores, client.user());
    let user = user.expect("a person");
    let given = siaga_platform::erasure::export(&house.platform, client, &stores, user).await;
    given
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind))
        .to_string()
}

/// The lead of a user.
async fn of(house: &House, user: Uuid) -> Uuid {
    house
        .system(move |tx| {
            let query = sqlx::query_scalar("SELECT id FROM leads WHERE user_id = $1");
            tx.scalar::<Uuid>(query.bind(user))
        })
        .await
}

/// A lead that a person of the house typed, with a note.
async fn victim(house: &House) -> Uuid {
    let typed = told(Some(&number(1)), Some("korban@contoh.id"), Some("Korban"));
    let lead = take(house, typed).await.lead;
    writes(house, lead).await;
    lead
}

/// The lead is as the house typed it, and nobody's.
async fn stands(house: &House, lead: Uuid) {
    let seen = seen(house, lead).await;
    assert_eq!(
        (
            seen.lead.user,
            seen.known.name.as_deref(),
            seen.known.phone,
            seen.known.email.as_deref(),
        ),
        (
            None,
            Some("Korban"),
            Some(number(1)),
            Some("korban@contoh.id"),
        ),
        "{}",
        house.kind
    );
}

#[tokio::test]
async fn who_registers_with_a_number_of_somebody_else_gets_a_lead_of_their_own() {
    for house in houses().await {
        let kind = house.kind;
        let lead = victim(&house).await;
        let eve = registers(&house, "Eve", Some(number(1))).await;
        stands(&house, lead).await;
        assert!(!reads(&house, &eve).await.contains("orban"), "{kind}");
        let user = confirms(&house, &eve).await;
        stands(&house, lead).await;
        let text = reads(&house, &eve).await;
        assert!(!text.contains(NOTE) && !text.contains("orban"), "{kind}");
        let own = "SELECT count(*) FROM leads AS l JOIN users AS u ON u.id = l.user_id WHERE l.phone_index IS NULL";
        let system = Principal::system("test");
        assert_eq!(house.count(&system, own).await, 1, "{kind}: her own");
        // Who shows that the number is theirs has what was said by it.
        prove(&house, user, number(1)).await;
        let joined = seen(&house, lead).await.lead.merged_into;
        assert!(joined.is_some(), "{kind}: by proof");
    }
}

#[tokio::test]
async fn a_form_plants_no_address_and_no_name_in_a_lead_that_is_there() {
    for house in houses().await {
        let kind = house.kind;
        let lead = victim(&house).await;
        house.pass(60);
        for email in [Some("eve@contoh.id"), None] {
            let typed = form(&house, told(Some(&number(1)), email, Some("Eve"))).await;
            assert_eq!(
                (typed.lead, typed.outcome),
                (lead, Outcome::Merged),
                "{kind}"
            );
            stands(&house, lead).await;
        }
        let eve = registers(&house, "Eve", Some(number(2))).await;
        confirms(&house, &eve).await;
        stands(&house, lead).await;
        let text = reads(&house, &eve).await;
        assert!(!text.contains(NOTE) && !text.contains("orban"), "{kind}");
        // Nor by typing both when each has a lead.
        let both = told(Some(&number(1)), Some("eve@contoh.id"), Some("Eve"));
        form(&house, both).await;
        stands(&house, lead).await;
        // The one whose lead it is has all of it by the address that the house typed.
        let korban = registers(&house, "Korban", None).await;
        let user = confirms(&house, &korban).await;
        assert_eq!(seen(&house, lead).await.lead.user, Some(user), "{kind}");
        assert!(reads(&house, &korban).await.contains(NOTE), "{kind}");
    }
}

#[tokio::test]
async fn two_leads_that_nobody_owns_are_joined_by_no_form() {
    for house in houses().await {
        let kind = house.kind;
        let lead = take(&house, told(Some(&number(1)), None, Some("Korban"))).await;
        writes(&house, lead.lead).await;
        let own = form(&house, told(None, Some("eve@contoh.id"), Some("Eve"))).await;
        let both = told(Some(&number(1)), Some("eve@contoh.id"), Some("Eve"));
        assert_eq!(form(&house, both).await.outcome, Outcome::Merged, "{kind}");
        for one in [lead.lead, own.lead] {
            assert_eq!(seen(&house, one).await.lead.merged_into, None, "{kind}");
        }
        let eve = registers(&house, "Eve", None).await;
        confirms(&house, &eve).await;
        assert!(!reads(&house, &eve).await.contains(NOTE), "{kind}");
        assert_eq!(seen(&house, lead.lead).await.lead.user, None, "{kind}");
    }
}

#[tokio::test]
async fn an_address_that_was_planted_first_brings_nothing_that_is_said_by_the_number() {
    for house in houses().await {
        let kind = house.kind;
        let planted = || told(Some(&number(1)), Some("eve@contoh.id"), Some("Korban"));
        let lead = form(&house, planted()).await.lead;
        // The owner of the number speaks with the house, and the house writes it down.
        let mut word = told(Some(&number(1)), None, Some("Ibu Korban"));
        word.city = Some("Bandung".into());
        assert_eq!(take(&house, word).await.lead, lead, "{kind}");
        writes(&house, lead).await;
        let eve = registers(&house, "Eve", None).await;
        let user = confirms(&house, &eve).await;
        let old = seen(&house, lead).await;
        assert_eq!(
            (old.lead.user, old.known.phone, old.known.email),
            (None, Some(number(1)), None),
            "{kind}: the address alone is hers"
        );
        let text = reads(&house, &eve).await;
        assert!(!text.contains(NOTE) && !text.contains("Bandung"), "{kind}");
        let hers = of(&house, user).await;
        assert_ne!(hers, lead, "{kind}");
        // What Eve said came into the lead too, so it is nobody's whole: who shows that the number is theirs has the number.
        let dewi = registers(&house, "Dewi", None).await;
        let user = confirms(&house, &dewi).await;
        prove(&house, user, number(1)).await;
        let hers = of(&house, user).await;
        assert_eq!(seen(&house, hers).await.known.phone, Some(number(1)));
        assert!(!reads(&house, &dewi).await.contains(NOTE), "{kind}");
        assert_eq!(seen(&house, lead).await.lead.user, None, "{kind}");
    }
}

#[tokio::test]
async fn a_number_that_a_client_only_typed_leads_no_word_of_the_house_to_them() {
    for house in houses().await {
        let kind = house.kind;
        let eve = registers(&house, "Eve", Some(number(1))).await;
        let user = confirms(&house, &eve).await;
        let hers = of(&house, user).await;
        assert_eq!(seen(&house, hers).await.known.phone, Some(number(1)));
        let lead = take(&house, told(Some(&number(1)), None, Some("Korban"))).await;
        assert_eq!(lead.outcome, Outcome::Created, "{kind}");
        writes(&house, lead.lead).await;
        assert_eq!(seen(&house, hers).await.known.phone, None, "{kind}");
        let text = reads(&house, &eve).await;
        assert!(!text.contains(NOTE) && !text.contains("Korban"), "{kind}");
        // She proves it, and it is hers.
        prove(&house, user, number(1)).await;
        let joined = seen(&house, lead.lead).await.lead.merged_into;
        assert_eq!(joined, Some(hers), "{kind}");
    }
}

#[tokio::test]
async fn a_form_that_nobody_added_to_goes_with_who_proves_its_address() {
    for house in houses().await {
        let kind = house.kind;
        let filled = || told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari"));
        let lead = form(&house, filled()).await.lead;
        assert_eq!(form(&house, filled()).await.lead, lead, "{kind}");
        let sari = registers(&house, "Sari", Some(number(1))).await;
        let user = confirms(&house, &sari).await;
        assert_eq!(seen(&house, lead).await.lead.user, Some(user), "{kind}");
    }
}

#[tokio::test]
async fn a_lead_is_parted_by_one_proof_and_whole_by_both() {
    for house in houses().await {
        let kind = house.kind;
        let filled = told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari"));
        let lead = form(&house, filled).await.lead;
        writes(&house, lead).await;
        let sari = registers(&house, "Sari", Some(number(1))).await;
        let user = confirms(&house, &sari).await;
        assert!(!reads(&house, &sari).await.contains(NOTE), "{kind}");
        prove(&house, user, number(1)).await;
        assert!(reads(&house, &sari).await.contains(NOTE), "{kind}");
        // What a person of the house corrects is answered for.
        let typed = told(Some(&number(2)), None, Some("Budi"));
        let other = form(&house, typed).await.lead;
        let edit = moves::Edit {
            email: Some("budi@contoh.id".into()),
            ..moves::Edit::default()
        };
        moves::edit(&house.platform, &Principal::owner(), None, other, edit)
            .await
            .expect(kind);
        let budi = registers(&house, "Budi", None).await;
        let user = confirms(&house, &budi).await;
        assert_eq!(seen(&house, other).await.lead.user, Some(user), "{kind}");
    }
}

/// What was written on a lead whose number is somebody else's is not read by who proves its address alone.
async fn kept_from(house: &House, name: &'static str, lead: Uuid, written: &[&str]) {
    let kind = house.kind;
    let client = registers(house, name, None).await;
    confirms(house, &client).await;
    assert_eq!(seen(house, lead).await.lead.user, None, "{kind}: {name}");
    let text = reads(house, &client).await;
    for written in written {
        assert!(!text.contains(written), "{kind}: {name} reads {written}");
    }
}

#[tokio::test]
async fn what_the_house_keeps_of_a_lead_beside_its_timeline_goes_with_no_planted_address() {
    for house in houses().await {
        let (kind, platform, owner) = (house.kind, &house.platform, Principal::owner());
        agent(&house, None, "Ayu").await;
        let plant = async |n: u32, email: &str| {
            let typed = told(Some(&number(n)), Some(email), Some("Korban"));
            form(&house, typed).await.lead
        };
        let lead = plant(1, "eve@contoh.id").await;
        let title = "Budi, 500k of gold".to_owned();
        deals::add_deal(platform, &owner, None, lead, title, 51_234_567)
            .await
            .expect(kind);
        kept_from(&house, "Eve", lead, &["500k of gold", "51234567"]).await;
        let lead = plant(2, "eva@contoh.id").await;
        let task = NewTask {
            lead,
            title: "Ring Budi about his gold".into(),
            description: None,
            priority: "high".into(),
            due: platform.now(),
            assignee: None,
        };
        tasks::add(platform, &owner, None, task).await.expect(kind);
        kept_from(&house, "Eva", lead, &["about his gold"]).await;
        let lead = plant(3, "evi@contoh.id").await;
        let subject = seen(&house, lead).await.lead.subject;
        let (source, version) = ("Budi, by telephone", "1");
        platform
            .command(&owner, move |unit| {
                consent::record(unit, subject, "marketing_call", false, source, version)
            })
            .await
            .expect(kind);
        kept_from(&house, "Evi", lead, &["by telephone"]).await;
    }
}

#[tokio::test]
async fn a_contact_that_stands_is_answered_for_by_sending_it_again() {
    for house in houses().await {
        let kind = house.kind;
        let sends = async |lead: Uuid, phone: String, email: Option<&str>| {
            let edit = moves::Edit {
                phone: Some(phone),
                email: email.map(str::to_owned),
                ..moves::Edit::default()
            };
            moves::edit(&house.platform, &Principal::owner(), None, lead, edit)
                .await
                .expect(kind);
        };
        let typed = told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari"));
        let lead = form(&house, typed).await.lead;
        let typed = told(Some(&number(2)), Some("eve@contoh.id"), Some("Korban"));
        let other = form(&house, typed).await.lead;
        for lead in [lead, other] {
            writes(&house, lead).await;
        }
        sends(lead, number(1), Some("sari@contoh.id")).await;
        sends(other, number(2), None).await;
        let sari = registers(&house, "Sari", None).await;
        let user = confirms(&house, &sari).await;
        assert_eq!(seen(&house, lead).await.lead.user, Some(user), "{kind}");
        assert!(reads(&house, &sari).await.contains(NOTE), "{kind}");
        // One of two says nothing of the other one.
        kept_from(&house, "Eve", other, &[NOTE]).await;
    }
}

#[tokio::test]
async fn a_contact_that_leaves_a_lead_is_told_to_who_works_it_and_stands_in_the_log() {
    for house in houses().await {
        let (kind, system) = (house.kind, Principal::system("test"));
        let ayu = agent(&house, None, "Ayu").await;
        let typed = told(Some(&number(1)), Some("eve@contoh.id"), Some("Korban"));
        let lead = form(&house, typed).await.lead;
        writes(&house, lead).await;
        let eve = registers(&house, "Eve", None).await;
        confirms(&house, &eve).await;
        assert_eq!(seen(&house, lead).await.known.email, None, "{kind}");
        let dewi = registers(&house, "Dewi", Some(number(2))).await;
        let user = confirms(&house, &dewi).await;
        // The house says of somebody else what she only typed.
        take(&house, told(Some(&number(2)), None, Some("Budi"))).await;
        let hers = of(&house, user).await;
        assert_eq!(seen(&house, hers).await.known.phone, None, "{kind}");
        for sql in [
            "SELECT count(*) FROM audit_log WHERE entity_type = 'lead' AND action = 'update'
                 AND old_value ->> 'email' IS NOT NULL AND new_value ->> 'email' IS NULL",
            "SELECT count(*) FROM audit_log WHERE entity_type = 'lead' AND action = 'update'
                 AND old_value ->> 'phone' IS NOT NULL AND new_value ->> 'phone' IS NULL",
            "SELECT count(*) FROM events WHERE type = 'lead.changed' AND payload -> 'fields' = '[\"email\"]'",
            "SELECT count(*) FROM events WHERE type = 'lead.changed' AND payload -> 'fields' = '[\"phone\"]'",
        ] {
            assert_eq!(house.count(&system, sql).await, 1, "{kind}: {sql}");
        }
        let notices = "SELECT count(*) FROM crm_notices WHERE kind = 'contact'";
        assert_eq!(house.count(&ayu, notices).await, 2, "{kind}");
    }
}
