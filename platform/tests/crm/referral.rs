//! Who brought a client, and whose money a partner sees by it.

use serde_json::json;
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::people::{Principal, Role};

use super::floor::{happen, number, seen, take, told};
use super::proof::{form, prove};
use crate::ground::desk::{House, houses};

const CASH: &str = "SELECT count(*) FROM cash_requests";
const TOLD: &str = "SELECT count(*) FROM events WHERE type = 'user.referred'";

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
async fn who_was_a_client_before_was_brought_by_a_word_of_the_house_or_a_proof_alone() {
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
            2,
            "{kind}: her number led to the lead that the partner brought"
        );
    }
}
