//! Somebody is called when something waits too long, or a list stays away.

use siaga_platform::aml::cash::state::Step;
use siaga_platform::aml::cash::{self, Asked, NewCash};
use siaga_platform::aml::screen::{self, Cause};
use siaga_platform::aml::{overdue, sanctions};
use siaga_platform::ids::HOUSE;
use siaga_platform::people::{Principal, Role};

use super::cases::list;
use super::money::account;
use crate::ground::desk::houses;

const DAY: u64 = 24 * 3_600;

const TOLD: &str = "SELECT count(*) FROM crm_notices WHERE kind = 'sla'";

#[tokio::test]
async fn a_movement_that_waits_is_told_once_for_each_time_that_it_begins_to() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        let sari = house.client("Sari").await;
        let dewi = house.person(HOUSE, Role::Finance, None, "Dewi").await;
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        account(&house, &sari, 7).await;
        let deposit = NewCash {
            account: 7,
            kind: "deposit".into(),
            currency: "USD".into(),
            amount: 5_000,
            usd_cents: 5_000,
            method: "bank".into(),
            payer: None,
            note: String::new(),
        };
        let asked = cash::request(platform, &sari, None, deposit)
            .await
            .expect(kind);
        assert_eq!(overdue::call(platform).await.expect(kind), 0, "{kind}");
        house.pass(14 * DAY);
        assert_eq!(overdue::call(platform).await.expect(kind), 1, "{kind}");
        assert_eq!(
            overdue::call(platform).await.expect(kind),
            0,
            "{kind}: once"
        );
        assert_eq!(
            house.count(&dewi, TOLD).await,
            1,
            "{kind}: finance approves it"
        );
        assert_eq!(
            house.count(&citra, TOLD).await,
            0,
            "{kind}: compliance does not"
        );
        let hold = Asked {
            id: asked.id,
            step: Step::Hold,
            reason: "who pays?".into(),
            revision: asked.revision,
        };
        cash::take_step(platform, &citra, None, hold)
            .await
            .expect(kind);
        assert_eq!(overdue::call(platform).await.expect(kind), 0, "{kind}");
        house.pass(14 * DAY);
        assert_eq!(
            overdue::call(platform).await.expect(kind),
            1,
            "{kind}: it waits for another step"
        );
        assert_eq!(house.count(&citra, TOLD).await, 1, "{kind}");
        let told = "SELECT count(*) FROM events WHERE type = 'compliance.overdue'";
        assert_eq!(house.count(&system, told).await, 2, "{kind}");
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn a_case_nobody_works_on_is_told_to_compliance() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let lists = list(&[("1", "ERIC", "BADEGE")]);
        sanctions::take(platform, &system, "un".into(), lists)
            .await
            .expect(kind);
        let eric = house.client("Eric Badege").await.user().expect("a person");
        screen::client(platform, eric, Cause::Onboarding)
            .await
            .expect(kind);
        house.pass(14 * DAY);
        assert_eq!(overdue::call(platform).await.expect(kind), 1, "{kind}");
        assert_eq!(house.count(&citra, TOLD).await, 1, "{kind}");
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn a_list_that_no_longer_comes_is_told_every_day_until_it_comes() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let lists = || list(&[("1", "ERIC", "BADEGE")]);
        sanctions::take(platform, &system, "un".into(), lists())
            .await
            .expect(kind);
        let fail = || sanctions::failed(platform, &system, "un".into(), "no answer".into());
        fail().await.expect_err(kind);
        assert_eq!(overdue::call(platform).await.expect(kind), 0, "{kind}");
        house.pass(DAY);
        fail().await.expect_err(kind);
        assert_eq!(overdue::call(platform).await.expect(kind), 1, "{kind}");
        assert_eq!(overdue::call(platform).await.expect(kind), 0, "{kind}");
        house.pass(DAY);
        assert_eq!(
            overdue::call(platform).await.expect(kind),
            1,
            "{kind}: another day"
        );
        assert_eq!(house.count(&citra, TOLD).await, 2, "{kind}");
        sanctions::take(platform, &system, "un".into(), lists())
            .await
            .expect(kind);
        house.pass(2 * DAY);
        assert_eq!(
            overdue::call(platform).await.expect(kind),
            0,
            "{kind}: it came"
        );
        let sources = sanctions::sources(platform, &system).await.expect(kind);
        let un = sources
            .iter()
            .find(|source| source.name == "un")
            .expect("the source");
        let none = Vec::new();
        sanctions::configure(
            platform,
            &system,
            None,
            "un".into(),
            none,
            true,
            un.revision,
        )
        .await
        .expect(kind);
        house.pass(29 * DAY);
        assert_eq!(
            overdue::call(platform).await.expect(kind),
            1,
            "{kind}: people give its files, and gave none for a month"
        );
        house.database.db.close().await;
    }
}
