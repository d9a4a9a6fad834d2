//! Whose team sees a case: the one that has the client's lead.

use siaga_platform::crm::assignment;
use siaga_platform::ids::HOUSE;
use siaga_platform::kyc::{self, Verb};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::NOT_FOUND;
use uuid::Uuid;

use super::office::{Office, fault, offices};
use crate::crm::floor::{agent, seen, take, told};
use crate::ground::desk::House;

const TABLES: [&str; 5] = [
    "kyc_cases",
    "kyc_documents",
    "kyc_reviews",
    "kyc_disputes",
    "kyc_accounts",
];

/// A manager and an agent of a new team.
async fn team(
    house: &House,
    name: &'static str,
    manager: &'static str,
    sales: &'static str,
) -> (Principal, Principal) {
    let team = house.team(HOUSE, name, None).await;
    let manager = house
        .person(HOUSE, Role::SalesManager, Some(team), manager)
        .await;
    (manager, agent(house, Some(team), sales).await)
}

async fn give(house: &House, lead: Uuid, to: &Principal) {
    let owner = Principal::owner();
    let given = assignment::assign(
        &house.platform,
        &owner,
        None,
        lead,
        to.user(),
        Some("another town".into()),
    );
    given
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind));
}

/// Cases and disputes that a manager is shown.
async fn shown(office: &Office, by: &Principal) -> (usize, usize) {
    let page = Paging {
        after: None,
        limit: 10,
    };
    let cases = kyc::queue(&office.kyc, by, None, page).await;
    let disputes = kyc::disputes(&office.kyc, by, None, page).await;
    (
        cases.expect("cases").items.len(),
        disputes.expect("disputes").items.len(),
    )
}

#[tokio::test]
async fn the_manager_of_the_leads_team_sees_the_case_and_it_goes_where_the_lead_goes() {
    for office in offices().await {
        let (house, kind) = (&office.house, office.house.kind);
        let (dewi, rina) = team(house, "Jakarta", "Dewi", "Rina").await;
        let (eko, tono) = team(house, "Surabaya", "Eko", "Tono").await;
        let sari = house.client("Sari").await;
        let user = sari.user().expect("a person");
        let lead = take(house, told(None, Some("sari@contoh.id"), Some("Sari"))).await;
        let lead = lead.lead;
        assert_eq!(seen(house, lead).await.lead.user, Some(user), "{kind}");
        give(house, lead, &rina).await;

        let handed = office.in_review(&sari, 1).await;
        office
            .type_card(&office.anna, handed.documents[0].id, "Sari", 1)
            .await;
        office
            .decide(&office.bayu, handed.case, Verb::Approve)
            .await
            .expect(kind);
        kyc::open_account(&office.kyc, user).await.expect(kind);
        kyc::dispute(&office.kyc, &sari, None, "that is not my card")
            .await
            .expect(kind);

        for (sees, other, to) in [(&dewi, &eko, &tono), (&eko, &dewi, &rina)] {
            assert_eq!(shown(&office, sees).await, (1, 1), "{kind}");
            let case = kyc::case(&office.kyc, sees, handed.case).await;
            let case = case.expect(kind);
            assert_eq!(
                (case.client.as_deref(), case.documents.len()),
                (Some("Sari"), 2),
                "{kind}"
            );
            assert!(case.dispute.is_some() && case.account.is_some(), "{kind}");
            assert_eq!(shown(&office, other).await, (0, 0), "{kind}");
            assert_eq!(
                fault(kyc::case(&office.kyc, other, handed.case).await),
                NOT_FOUND,
                "{kind}"
            );
            for table in TABLES {
                let sql: &'static str = format!("SELECT count(*) FROM {table}").leak();
                assert!(house.count(sees, sql).await > 0, "{kind}: {table}");
                assert_eq!(house.count(other, sql).await, 0, "{kind}: {table}");
            }
            give(house, lead, to).await;
        }
    }
}

#[tokio::test]
async fn a_case_that_was_there_before_the_lead_is_followed_too() {
    for office in offices().await {
        let (house, kind) = (&office.house, office.house.kind);
        let (dewi, rina) = team(house, "Jakarta", "Dewi", "Rina").await;
        let sari = house.client("Sari").await;
        let handed = office.in_review(&sari, 1).await;
        assert_eq!(shown(&office, &dewi).await, (0, 0), "{kind}");
        let lead = take(house, told(None, Some("sari@contoh.id"), Some("Sari"))).await;
        give(house, lead.lead, &rina).await;
        assert_eq!(shown(&office, &dewi).await, (1, 0), "{kind}");
        // What is decided from now on is the team's as well.
        office
            .decide(&office.anna, handed.case, Verb::Reject)
            .await
            .expect(kind);
        let case = kyc::case(&office.kyc, &dewi, handed.case).await;
        assert_eq!(case.expect(kind).reviews.len(), 1, "{kind}");
    }
}
