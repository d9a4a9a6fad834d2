//! Who brought a client, and whose money a partner sees by it.

use serde_json::json;
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::people::{Principal, Role};

use super::floor::{happen, number, seen, take, take_back, told};
use super::proof::{form, prove};
use crate::ground::desk::{House, houses};

const CASH: &str = "SELECT count(*) FROM cash_requests";
const TOLD: &str = "SELECT count(*) FROM events WHERE type = 'user.referred'";

/// Days before and after the house's clock.
const BEFORE: &str = "2026-01-01";
const AFTER: &str = "2027-12-31";

/// Says when a client registered.
async fn registered(house: &House, client: &Principal, on: &str) {
    let user = client.user().expect("a person");
    let sql = format!("UPDATE users SET created_at = '{on}' WHERE id = '{user}'");
    let done = house.attempt(&Principal::system("test"), sql).await;
    assert_eq!(done, Ok(1), "{}", house.kind);
}

/// A deposit that a client asked for.
async fn pays(house: &House, client: &Principal) {
    let (id, user) = (new_id(house.platform.now()), client.audit_name());
    house
        .intrude(format!(
            "INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, requested_by, created_at)
                 VALUES ('{id}', '{HOUSE}', '{user}', 7, 'deposit', 'USD', 100, 100, '{user}', now());"
        ))
        .await;
}

#[tokio::test]
async fn a_partner_sees_the_money_of_whom_they_brought_from_when_the_lead_is_theirs() {
    for house in houses().await {
        let kind = house.kind;
        let partner = house.person(HOUSE, Role::IbPartner, None, "Putri").await;
        let other = house.person(HOUSE, Role::IbPartner, None, "Ivan").await;
        let brought = |by: &Principal| {
            let mut capture = told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari"));
            capture.referrer = by.user();
            capture
        };
        let lead = take(&house, brought(&partner)).await.lead;
        let (sari, budi) = (house.client("Sari").await, house.client("Budi").await);
        registered(&house, &sari, AFTER).await;
        pays(&house, &sari).await;
        pays(&house, &budi).await;
        assert_eq!(house.count(&partner, CASH).await, 0, "{kind}: not yet");
        let user = sari.user().expect("a person");
        let payload = json!({"user_id": user, "to": "active"});
        for _ in 0..2 {
            happen(
                &house.platform,
                "user.status_changed",
                user,
                payload.clone(),
            )
            .await;
        }
        assert_eq!(seen(&house, lead).await.lead.user, Some(user), "{kind}");
        // Whoever names them later did not bring them.
        take(&house, brought(&other)).await;
        for (who, rows) in [(&partner, 1), (&other, 0), (&sari, 1), (&budi, 1)] {
            assert_eq!(
                house.count(who, CASH).await,
                rows,
                "{kind}: {:?}",
                who.audit_name()
            );
        }
        let theirs = "SELECT count(*) FROM cash_requests AS c JOIN users AS u ON u.id = c.user_id WHERE u.referrer_id = app_user_id()";
        assert_eq!(house.count(&partner, theirs).await, 1, "{kind}");
        let system = Principal::system("test");
        assert_eq!(house.count(&system, TOLD).await, 1, "{kind}: told once");
        let audited = "SELECT count(*) FROM audit_log WHERE entity_type = 'user' AND new_value::text LIKE '%referrer%'";
        assert_eq!(house.count(&system, audited).await, 1, "{kind}");
    }
}

#[tokio::test]
async fn who_was_a_client_before_was_brought_by_a_word_of_the_house_alone() {
    for house in houses().await {
        let kind = house.kind;
        let partner = house.person(HOUSE, Role::IbPartner, None, "Putri").await;
        let by_partner = |phone: Option<&str>, email: Option<&str>| {
            let mut capture = told(phone, email, None);
            capture.referrer = partner.user();
            capture
        };
        let (sari, budi, dewi) = (
            house.client("Sari").await,
            house.client("Budi").await,
            house.client("Dewi").await,
        );
        for client in [&sari, &budi, &dewi] {
            registered(&house, client, BEFORE).await;
            pays(&house, client).await;
        }
        let typed = form(&house, by_partner(None, Some("sari@contoh.id"))).await;
        assert_eq!(
            seen(&house, typed.lead).await.lead.user,
            sari.user(),
            "{kind}"
        );
        assert_eq!(
            house.count(&partner, CASH).await,
            0,
            "{kind}: anybody types that"
        );
        take(&house, by_partner(None, Some("budi@contoh.id"))).await;
        assert_eq!(
            house.count(&partner, CASH).await,
            1,
            "{kind}: a person of the house says so"
        );
        take(&house, told(None, Some("dewi@contoh.id"), None)).await;
        form(&house, by_partner(Some(&number(2)), None)).await;
        assert_eq!(house.count(&partner, CASH).await, 1, "{kind}");
        prove(&house, dewi.user().expect("a person"), number(2)).await;
        assert_eq!(
            house.count(&partner, CASH).await,
            1,
            "{kind}: anybody types the number of a client into a form, and waits until she shows that it is hers"
        );
    }
}

#[tokio::test]
async fn a_lead_that_was_there_first_brings_its_client_until_that_is_taken_back() {
    for house in houses().await {
        let kind = house.kind;
        let partner = house.person(HOUSE, Role::IbPartner, None, "Putri").await;
        let by_partner = |n: u32| {
            let mut capture = told(Some(&number(n)), None, None);
            capture.referrer = partner.user();
            capture
        };
        form(&house, by_partner(1)).await;
        let eko = house.client("Eko").await;
        registered(&house, &eko, AFTER).await;
        pays(&house, &eko).await;
        let lead = take(&house, told(None, Some("eko@contoh.id"), None)).await;
        prove(&house, eko.user().expect("a person"), number(1)).await;
        assert_eq!(house.count(&partner, CASH).await, 1, "{kind}");
        assert_eq!(seen(&house, lead.lead).await.lead.referrer, partner.user());
        take_back(&house, lead.lead, "joined").await;
        assert_eq!(house.count(&partner, CASH).await, 0, "{kind}: not his");
        assert_eq!(seen(&house, lead.lead).await.lead.referrer, None, "{kind}");

        // The lead was there first, and the word of the partner was not.
        let old = form(&house, told(Some(&number(2)), None, None)).await;
        house.pass(3_600);
        let fitri = house.client("Fitri").await;
        let at = format!(
            "UPDATE users AS u SET created_at = l.created_at + interval '1 minute' FROM leads AS l WHERE u.id = '{}' AND l.id = '{}'",
            fitri.user().expect("a person"),
            old.lead
        );
        let done = house.attempt(&Principal::system("test"), at).await;
        assert_eq!(done, Ok(1), "{kind}");
        pays(&house, &fitri).await;
        form(&house, by_partner(2)).await;
        take(&house, told(None, Some("fitri@contoh.id"), None)).await;
        prove(&house, fitri.user().expect("a person"), number(2)).await;
        assert_eq!(house.count(&partner, CASH).await, 0, "{kind}");
    }
}
