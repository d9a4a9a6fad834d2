//! From a hit to the end of its case, and what comes after.

use siaga_platform::aml::case::Status;
use siaga_platform::aml::cash::{self, NewCash};
use siaga_platform::aml::lists::Files;
use siaga_platform::aml::screen::{self, Cause};
use siaga_platform::aml::{arranged, cases, faults, sanctions, whitelist};
use siaga_platform::ids::HOUSE;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::FOUR_EYES;
use siaga_platform::unit::Platform;
use siaga_platform::values::bound;
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

use super::money::account;
use crate::ground::desk::houses;

const WHY: &str = "looked at it";

/// The UN's list with these persons: key, given name, family name.
pub fn list(persons: &[(&str, &str, &str)]) -> Files {
    let persons: String = persons
        .iter()
        .map(|(uid, given, family)| {
            format!("<INDIVIDUAL><DATAID>{uid}</DATAID><FIRST_NAME>{given}</FIRST_NAME><SECOND_NAME>{family}</SECOND_NAME></INDIVIDUAL>")
        })
        .collect();
    let text = format!(
        "<?xml version=\"1.0\"?><CONSOLIDATED_LIST dateGenerated=\"2026-02-27T00:00:00Z\"><INDIVIDUALS>{persons}</INDIVIDUALS></CONSOLIDATED_LIST>"
    );
    vec![text.into_bytes()]
}

/// Decides all hits as somebody else's and clears the case.
async fn clear(
    platform: &Platform,
    by: &Principal,
    case: Uuid,
) -> Result<(), siaga_platform::refusal::Refusal> {
    let file = cases::file(platform, by, case).await?;
    let mut revision = file.row.revision;
    if file.row.status == "open" {
        revision = cases::move_case(
            platform,
            by,
            None,
            case,
            Status::Investigating,
            WHY.into(),
            revision,
        )
        .await?
        .revision;
    }
    for hit in file.hits.iter().filter(|hit| hit.decision == "open") {
        cases::decide_hit(platform, by, None, case, hit.id, false, WHY.into()).await?;
    }
    cases::move_case(
        platform,
        by,
        None,
        case,
        Status::Cleared,
        WHY.into(),
        revision,
    )
    .await
    .map(drop)
}

#[tokio::test]
async fn a_cleared_case_opens_again_within_a_month_and_a_revoked_exception_is_decided_anew() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        sanctions::take(
            platform,
            &system,
            "un".into(),
            list(&[("1", "ERIC", "BADEGE")]),
        )
        .await
        .expect(kind);
        let eric = house.client("Eric Badege").await.user().expect("a person");
        let officer = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let first = screen::client(platform, eric, Cause::Onboarding)
            .await
            .expect(kind);
        let case = first.case.expect("a case");
        let again = screen::client(platform, eric, Cause::ByHand)
            .await
            .expect(kind);
        assert_eq!((again.hits, again.case), (0, None), "{kind}: told once");
        clear(platform, &officer, case).await.expect(kind);
        assert_eq!(
            screen::client(platform, eric, Cause::ByHand)
                .await
                .expect(kind)
                .case,
            None,
            "{kind}: excepted"
        );

        let exception = whitelist::of_client(platform, &officer, eric)
            .await
            .expect(kind)
            .remove(0);
        whitelist::revoke(platform, &officer, None, exception.id, WHY.into())
            .await
            .expect(kind);
        let asked = "SELECT count(*) FROM events WHERE type = 'sanctions.exception_revoked' AND status = 'pending'";
        assert_eq!(
            house.count(&system, asked).await,
            1,
            "{kind}: whose exception ends is looked for again"
        );
        let back = screen::client(platform, eric, Cause::ByHand)
            .await
            .expect(kind);
        assert_eq!(
            (back.hits, back.case),
            (1, Some(case)),
            "{kind}: the same case"
        );
        let file = cases::file(platform, &officer, case).await.expect(kind);
        assert_eq!(
            (file.row.status.as_str(), file.alerts.len()),
            ("open", 2),
            "{kind}"
        );
        assert!(
            file.hits.iter().all(|hit| hit.decision == "open"),
            "{kind}: {:?}",
            file.hits
        );
        let reopened = Some(("cleared".to_owned(), "open".to_owned()));
        assert!(
            file.steps.iter().any(|step| step.states == reopened),
            "{kind}: {:?}",
            file.steps
        );

        clear(platform, &officer, case).await.expect(kind);
        let exceptions = whitelist::of_client(platform, &officer, eric)
            .await
            .expect(kind);
        let holds = exceptions
            .iter()
            .find(|exception| exception.ended_at.is_none())
            .expect("one that holds");
        whitelist::revoke(platform, &officer, None, holds.id, WHY.into())
            .await
            .expect(kind);
        house.pass(31 * 24 * 3_600);
        let later = screen::client(platform, eric, Cause::ByHand)
            .await
            .expect(kind);
        assert!(
            later.case.is_some_and(|later| later != case),
            "{kind}: after a month another one is opened"
        );
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn whoever_asked_for_a_second_person_does_not_clear_the_case_on_a_detour() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        sanctions::take(
            platform,
            &Principal::system("test"),
            "un".into(),
            list(&[("1", "ERIC", "BADEGE")]),
        )
        .await
        .expect(kind);
        let eric = house.client("Eric Badege").await.user().expect("a person");
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let dedi = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Dedi")
            .await;
        let case = screen::client(platform, eric, Cause::Onboarding)
            .await
            .expect(kind)
            .case
            .expect("a case");
        let opened = cases::file(platform, &citra, case)
            .await
            .expect(kind)
            .row
            .revision;
        let asked = cases::move_case(
            platform,
            &citra,
            None,
            case,
            Status::Escalated,
            WHY.into(),
            opened,
        )
        .await
        .expect(kind);
        cases::move_case(
            platform,
            &citra,
            None,
            case,
            Status::Investigating,
            WHY.into(),
            asked.revision,
        )
        .await
        .expect(kind);
        let alone = clear(platform, &citra, case).await.expect_err(kind);
        assert_eq!(alone.fault(), Some(FOUR_EYES), "{kind}");
        clear(platform, &dedi, case).await.expect(kind);
        house.database.db.close().await;
    }
}

/// Whatever two who take a list do to each other, what is in force is whole.
#[tokio::test]
async fn lists_taken_at_the_same_moment_leave_one_of_them_whole() {
    const WHOLE: &str = "SELECT count(*) FROM sanctions_sources s WHERE s.entries <> (SELECT count(*) FROM sanctions_entries e
        WHERE e.source = s.name AND e.from_version <= s.version AND (e.until_version IS NULL OR e.until_version > s.version))";
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        for round in 0..6u32 {
            let names: Vec<String> = (0..6).map(|n| format!("NAME{round}X{n}")).collect();
            let one: Vec<(&str, &str, &str)> = ["1", "2", "3", "4"]
                .iter()
                .zip(&names)
                .map(|(uid, name)| (*uid, name.as_str(), "ONE"))
                .collect();
            let two: Vec<(&str, &str, &str)> = ["2", "3", "4", "5"]
                .iter()
                .zip(&names)
                .map(|(uid, name)| (*uid, name.as_str(), "TWO"))
                .collect();
            let (one, two) = tokio::join!(
                sanctions::take(platform, &system, "un".into(), list(&one)),
                sanctions::take(platform, &system, "un".into(), list(&two))
            );
            assert_eq!(
                house.count(&system, WHOLE).await,
                0,
                "{kind}, round {round}: {one:?} and {two:?}"
            );
        }
        sanctions::take(
            platform,
            &system,
            "un".into(),
            list(&[
                ("1", "ERIC", "BADEGE"),
                ("2", "A", "B"),
                ("3", "C", "D"),
                ("4", "E", "F"),
            ]),
        )
        .await
        .expect(kind);
        assert_eq!(house.count(&system, WHOLE).await, 0, "{kind}");
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn a_list_that_is_put_on_again_is_looked_through_for_everybody() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        let source = |sources: Vec<sanctions::Source>| {
            sources
                .into_iter()
                .find(|source| source.name == "un")
                .expect("the source")
        };
        let off = source(sanctions::sources(platform, &system).await.expect(kind));
        let off = sanctions::configure(
            platform,
            &system,
            None,
            "un".into(),
            Vec::new(),
            false,
            off.revision,
        )
        .await
        .expect(kind);
        sanctions::take(
            platform,
            &system,
            "un".into(),
            list(&[("1", "ERIC", "BADEGE")]),
        )
        .await
        .expect(kind);
        house.client("Eric Badege").await;
        assert_eq!(
            screen::lists_changed(platform).await.expect(kind),
            0,
            "{kind}: it is off"
        );
        sanctions::configure(
            platform,
            &system,
            None,
            "un".into(),
            Vec::new(),
            true,
            off.revision,
        )
        .await
        .expect(kind);
        let told = "SELECT count(*) FROM events WHERE type = 'sanctions.list_changed' AND payload ->> 'whole' = 'true'";
        assert_eq!(house.count(&system, told).await, 1, "{kind}");
        assert_eq!(
            screen::lists_changed(platform).await.expect(kind),
            1,
            "{kind}"
        );
        assert_eq!(
            screen::lists_changed(platform).await.expect(kind),
            0,
            "{kind}: once"
        );
        assert_eq!(
            house
                .count(
                    &system,
                    "SELECT count(*) FROM aml_cases WHERE kind = 'sanctions'"
                )
                .await,
            1,
            "{kind}"
        );
        let long = sanctions::check(
            platform,
            &system,
            siaga_platform::aml::index::Query {
                names: vec!["x".repeat(501)],
                ..Default::default()
            },
        )
        .await;
        assert!(
            long.is_err_and(|refusal| refusal.fault() != Some(faults::NO_LISTS)),
            "{kind}"
        );
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn linked_clients_who_deal_against_each_other_get_cases_once_a_day() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        for (name, number) in [("Sari", 7u32), ("Budi", 8), ("Tono", 9)] {
            let client = house.client(name).await;
            account(&house, &client, i64::from(number)).await;
            let payer = if number == 9 {
                "Somebody Else"
            } else {
                "Andi Wijaya"
            };
            let deposit = NewCash {
                account: number,
                kind: "deposit".into(),
                currency: "USD".into(),
                amount: 10_000,
                usd_cents: 10_000,
                method: "bank".into(),
                payer: Some(payer.into()),
                note: String::new(),
            };
            cash::request(platform, &client, None, deposit)
                .await
                .expect(kind);
        }
        let now = platform.now().0;
        for pair in 0..3u32 {
            for (account, side, late) in [(7i64, "buy", 0u64), (8, "sell", 5), (9, "sell", 6)] {
                let at = Ts(now - (600 * u64::from(pair + 1) - late) * SECOND_NS);
                let seq = i64::from(pair) * 10 + account;
                house
                    .system(move |tx| {
                        tx.execute(
                            sqlx::query(
                                "INSERT INTO deals (seq, index, time, order_id, account, instrument, position, side, qty, price, commission, realised, balance, origin, exec)
                                 VALUES ($1, 0, $2, $1, $3, 1, $1, $4, 100, 1, 0, 0, 0, 'client', '\\x00')",
                            )
                            .bind(seq)
                            .bind(bound(at))
                            .bind(account)
                            .bind(side),
                        )
                    })
                    .await;
            }
        }
        assert_eq!(
            arranged::round(platform).await.expect(kind),
            1,
            "{kind}: Tono deals like Budi and is linked with nobody"
        );
        assert_eq!(
            arranged::round(platform).await.expect(kind),
            0,
            "{kind}: once a day"
        );
        let told = "SELECT count(*) FROM aml_alerts WHERE rule = 'linked_opposite'";
        assert_eq!(house.count(&system, told).await, 2, "{kind}");
        assert_eq!(
            house
                .count(
                    &system,
                    "SELECT count(*) FROM aml_cases WHERE severity = 'high'"
                )
                .await,
            2,
            "{kind}"
        );
        house.database.db.close().await;
    }
}
