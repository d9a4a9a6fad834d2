//! Whose a contact is: shown by a code, never by what somebody types; and contacts of before still find their lead.

use serde_json::json;
use siaga_platform::crm::capture::{self, Capture, Captured, Outcome};
use siaga_platform::crm::{FactKind, Stage, moves, view};
use siaga_platform::crypto::blind;
use siaga_platform::people::Principal;
use uuid::Uuid;

use super::floor::{happen, number, seen, take, take_back, told};
use crate::ground::desk::{House, houses};

/// What a landing page sends in: anybody typed it.
pub async fn form(house: &House, capture: Capture) -> Captured {
    let hook = Principal::system("crm.hook");
    let taken = capture::capture(&house.platform, &hook, capture).await;
    taken.unwrap_or_else(|error| panic!("{}: {error}", house.kind))
}

/// A code that was sent to the number came back to this user.
pub async fn prove(house: &House, user: Uuid, phone: String) {
    let system = Principal::system("test");
    let done = house.platform.command(&system, move |unit| {
        let sealed = unit.key(user)?.seal("users.phone", &phone);
        let index = blind(unit.keyring(), "users.phone", &phone);
        unit.tx().execute(
            sqlx::query("UPDATE users SET phone_sealed = $2, phone_index = $3 WHERE id = $1")
                .bind(user)
                .bind(sealed.as_bytes())
                .bind(&index[..]),
        )?;
        unit.tx().execute(
            sqlx::query("INSERT INTO confirmed_contacts (user_id, what, value_index, confirmed_at) VALUES ($1, 'phone', $2, now())")
                .bind(user)
                .bind(&index[..]),
        )?;
        Ok(())
    });
    done.await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind));
    let payload = json!({"user_id": user, "what": "phone"});
    happen(&house.platform, "user.contact_confirmed", user, payload).await;
}

#[tokio::test]
async fn a_lead_joins_a_client_when_the_client_proves_its_number_and_not_before() {
    for house in houses().await {
        let kind = house.kind;
        let sari = house.client("Sari").await;
        let user = sari.user().expect("a person");
        let client = form(
            &house,
            told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari")),
        )
        .await;
        let lead = seen(&house, client.lead).await;
        assert_eq!(
            (lead.lead.user, lead.known.phone),
            (Some(user), None),
            "{kind}: a number is the client's when they show it"
        );
        let budi = form(&house, told(Some(&number(1)), None, Some("Budi"))).await;
        assert_eq!(budi.outcome, Outcome::Created, "{kind}");
        for typed in [
            form(
                &house,
                told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari")),
            )
            .await,
            take(
                &house,
                told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari")),
            )
            .await,
        ] {
            assert_eq!(typed.outcome, Outcome::Merged, "{kind}");
        }
        assert_eq!(
            seen(&house, budi.lead).await.lead.merged_into,
            None,
            "{kind}: not by whoever types both, of the house or not"
        );
        let stores = siaga_platform::handlers::engines().stores;
        let given = siaga_platform::erasure::export(&house.platform, &sari, &stores, user).await;
        assert!(!given.expect(kind).to_string().contains("Budi"), "{kind}");
        let before = seen(&house, client.lead).await.lead.score;
        prove(&house, user, number(1)).await;
        let (lead, gone) = (
            seen(&house, client.lead).await,
            seen(&house, budi.lead).await,
        );
        assert_eq!(gone.lead.merged_into, Some(client.lead), "{kind}");
        assert_eq!(lead.known.phone, Some(number(1)), "{kind}");
        assert_eq!(
            lead.lead.score,
            before + FactKind::PhoneVerified.points(),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_proof_is_of_the_number_that_was_proved() {
    for house in houses().await {
        let kind = house.kind;
        let user = house.client("Sari").await.user().expect("a person");
        let lead = take(
            &house,
            told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari")),
        )
        .await
        .lead;
        prove(&house, user, number(2)).await;
        let facts = view::facts(&house.platform, &Principal::owner(), lead).await;
        let (facts, _) = facts.expect(kind);
        let standing = facts
            .iter()
            .filter(|fact| fact.kind == FactKind::PhoneVerified && fact.withdrawn.is_none());
        assert_eq!(standing.count(), 1, "{kind}");
        assert_eq!(
            seen(&house, lead).await.known.phone,
            Some(number(2)),
            "{kind}: not of the one that sales had typed"
        );
    }
}

#[tokio::test]
async fn a_proof_brings_in_no_contact_that_somebody_typed_beside_it() {
    for house in houses().await {
        let kind = house.kind;
        let user = house.client("Sari").await.user().expect("a person");
        let client = form(
            &house,
            told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari")),
        )
        .await;
        form(
            &house,
            told(Some(&number(1)), Some("budi@contoh.id"), Some("Budi")),
        )
        .await;
        prove(&house, user, number(1)).await;
        let lead = seen(&house, client.lead).await;
        assert_eq!(
            (lead.known.phone, lead.known.email.as_deref()),
            (Some(number(1)), Some("sari@contoh.id")),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn who_shares_a_number_with_a_client_has_a_lead_of_their_own() {
    for house in houses().await {
        let kind = house.kind;
        house.client("Sari").await;
        let sari = take(
            &house,
            told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari")),
        )
        .await;
        let brother = form(
            &house,
            told(Some(&number(1)), Some("budi@contoh.id"), Some("Budi")),
        )
        .await;
        assert_eq!(brother.outcome, Outcome::Created, "{kind}");
        let same = form(&house, told(Some(&number(1)), None, Some("Budi"))).await;
        assert_eq!(
            (same.lead, same.outcome),
            (sari.lead, Outcome::Merged),
            "{kind}"
        );
        let lead = seen(&house, sari.lead).await;
        assert_eq!(
            (lead.known.name.as_deref(), lead.known.email.as_deref()),
            (Some("Sari"), Some("sari@contoh.id")),
            "{kind}: nothing of what was typed"
        );
        let unproved = house.client("Wati").await.user().expect("a person");
        let index = number(7);
        let system = Principal::system("test");
        let done = house.platform.command(&system, move |unit| {
            let index = blind(unit.keyring(), "users.phone", &index);
            Ok(unit.tx().execute(
                sqlx::query("UPDATE users SET phone_index = $2 WHERE id = $1")
                    .bind(unproved)
                    .bind(&index[..]),
            )?)
        });
        done.await.expect(kind);
        let owner = form(&house, told(Some(&number(7)), None, Some("Dewi"))).await;
        assert_eq!(
            seen(&house, owner.lead).await.lead.user,
            None,
            "{kind}: a number in an account is no proof of it"
        );
    }
}

#[tokio::test]
async fn a_contact_of_before_finds_its_lead_and_nobody_elses() {
    for house in houses().await {
        let kind = house.kind;
        let owner = Principal::owner();
        let lead = take(
            &house,
            told(Some(&number(1)), Some("budi@contoh.id"), Some("Budi")),
        )
        .await
        .lead;
        let edit = moves::Edit {
            phone: Some(number(2)),
            ..moves::Edit::default()
        };
        moves::edit(&house.platform, &owner, None, lead, edit)
            .await
            .expect(kind);
        let other = take(
            &house,
            told(Some(&number(1)), Some("lain@contoh.id"), Some("Dewi")),
        )
        .await;
        assert_eq!(
            other.outcome,
            Outcome::Created,
            "{kind}: the number was given to somebody else"
        );
        // A merge is found by what both leads had.
        let (one, two) = (
            take(&house, told(Some(&number(3)), None, Some("Rina"))).await,
            take(
                &house,
                told(Some(&number(4)), Some("rina@contoh.id"), Some("Rina")),
            )
            .await,
        );
        house.pass(60);
        let joined = take(&house, told(Some(&number(3)), Some("rina@contoh.id"), None)).await;
        assert_eq!(
            (joined.lead, joined.outcome),
            (one.lead, Outcome::Joined),
            "{kind}"
        );
        house.pass(60);
        let again = take(&house, told(Some(&number(4)), None, None)).await;
        assert_eq!(
            (again.lead, again.outcome),
            (one.lead, Outcome::Merged),
            "{kind}"
        );
        // Taken back, the numbers are apart again.
        take_back(&house, one.lead, "merged").await;
        take_back(&house, one.lead, "joined").await;
        let (first, second) = (
            take(&house, told(Some(&number(3)), None, None)).await,
            take(&house, told(Some(&number(4)), None, None)).await,
        );
        assert_eq!((first.lead, second.lead), (one.lead, two.lead), "{kind}");
    }
}

#[tokio::test]
async fn a_merge_taken_back_leaves_no_points_of_the_other_and_no_name_of_theirs() {
    for house in houses().await {
        let kind = house.kind;
        let nameless = take(&house, told(Some(&number(1)), None, None)).await.lead;
        let mut there = told(None, Some("rina@contoh.id"), Some("Rina"));
        there.city = Some("Bandung".into());
        let named = take(&house, there).await.lead;
        // It was a client once.
        for to in [Stage::Active, Stage::New] {
            let reason = Some("set right".to_owned());
            moves::move_lead(
                &house.platform,
                &Principal::owner(),
                None,
                named,
                to,
                reason,
                None,
            )
            .await
            .expect(kind);
        }
        let before = (
            seen(&house, nameless).await.lead.score,
            seen(&house, named).await.lead.score,
        );
        house.pass(60);
        take(&house, told(Some(&number(1)), Some("rina@contoh.id"), None)).await;
        take_back(&house, nameless, "joined").await;
        let (one, two) = (seen(&house, nameless).await, seen(&house, named).await);
        assert_eq!((one.lead.score, two.lead.score), before, "{kind}");
        assert_eq!(
            (one.known.territory(), one.lead.stage),
            (None, Stage::New),
            "{kind}"
        );
        let figures = view::dashboard(&house.platform, &Principal::owner()).await;
        assert_eq!(
            figures.expect(kind).converted,
            1,
            "{kind}: and no client of theirs"
        );
    }
}
