//! Who worked on a case is named to whoever reads cases; who is no staff is named to nobody here.

use siaga_platform::identity::{COLLEAGUES_MAX, colleagues, is_colleague};
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{FORBIDDEN, INVALID};
use siaga_risk::ids::ActorId;

use super::desk::houses;

#[tokio::test]
async fn whoever_reads_cases_payments_or_the_log_reads_the_names_of_staff_and_of_nobody_else() {
    for house in houses().await {
        let kind = house.kind;
        let elsewhere = house.organisation("elsewhere").await;
        let rina = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        let sari = house.client("Sari").await;
        let toni = house.person(elsewhere, Role::Finance, None, "Toni").await;
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let id = |who: &Principal| who.user().expect("a person");
        let asked = vec![
            id(&rina),
            id(&sari),
            id(&toni),
            id(&rina),
            new_id(house.platform.now()),
        ];
        for role in [Role::ComplianceOfficer, Role::Finance, Role::RiskOfficer] {
            let reader = house.person(HOUSE, role, None, role.name()).await;
            let found = colleagues(&house.platform, &reader, asked.clone())
                .await
                .expect(kind);
            let found: Vec<_> = found
                .iter()
                .map(|one| (one.id, one.name.as_str()))
                .collect();
            assert_eq!(found, [(id(&rina), "Rina")], "{kind}: {}", role.name());
        }
        let dealer = house.person(HOUSE, Role::Dealer, None, "Dodi").await;
        let narrowed = Principal {
            narrowed: Some(vec!["lead.read".into()]),
            ..citra.clone()
        };
        for (who, name) in [
            (&sari, "a client, who reads a case of their own"),
            (&dealer, "who reads none of it"),
            (&narrowed, "a key that was made for something else"),
        ] {
            let refused = colleagues(&house.platform, who, asked.clone()).await;
            let fault = refused.expect_err(name).fault();
            assert_eq!(fault, Some(FORBIDDEN), "{kind}: {name}");
        }
        for many in [0, COLLEAGUES_MAX + 1] {
            let refused = colleagues(&house.platform, &citra, vec![id(&rina); many]).await;
            assert_eq!(
                refused.expect_err("too many").fault(),
                Some(INVALID),
                "{kind}"
            );
        }
    }
}

#[tokio::test]
async fn a_number_of_the_core_is_that_of_a_colleague_or_of_nobody() {
    for house in houses().await {
        let kind = house.kind;
        let elsewhere = house.organisation("elsewhere").await;
        let rina = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        let sari = house.client("Sari").await;
        let toni = house.person(elsewhere, Role::Finance, None, "Toni").await;
        let dodi = house.person(HOUSE, Role::Dealer, None, "Dodi").await;
        let number = async |who: &Principal| {
            let own = "SELECT actor FROM users WHERE id = app_user_id()";
            let actor = house.count(who, own).await;
            ActorId(u32::try_from(actor).expect("a number of the core"))
        };
        for (actor, known, name) in [
            (number(&rina).await, true, "a colleague"),
            (number(&dodi).await, true, "whoever asks"),
            (number(&sari).await, false, "a client"),
            (number(&toni).await, false, "of another organisation"),
            (ActorId(77_777_777), false, "nobody"),
        ] {
            let found = is_colleague(&house.platform, &dodi, actor).await;
            assert_eq!(found.expect(kind), known, "{kind}: {name}");
        }
        let refused = is_colleague(&house.platform, &sari, number(&rina).await).await;
        let fault = refused.expect_err("a client").fault();
        assert_eq!(fault, Some(FORBIDDEN), "{kind}");
    }
}
