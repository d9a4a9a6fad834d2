//! How long things are kept, and what stops their end.

use siaga_platform::erasure::{self, Kind};
use siaga_platform::handlers;
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::INVALID;
use siaga_platform::retention::{self, Run};
use siaga_platform::unit::Once;

use super::desk::{House, houses};

const DAY: u64 = 24 * 3_600;

async fn run(house: &House) -> Vec<Run> {
    retention::run(&house.platform, &handlers::engines().categories)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind))
}

fn rows(runs: &[Run], category: &str) -> (u64, bool) {
    let found = runs.iter().find(|run| run.category == category);
    found
        .map(|run| (run.rows, run.held))
        .unwrap_or_else(|| panic!("no category {category}"))
}

#[tokio::test]
async fn what_is_past_its_term_goes_and_a_hold_stops_it() {
    for house in houses().await {
        let kind = house.kind;
        let sari = house.client("Sari").await;
        let once = Once {
            key: "a".into(),
            route: "POST /x",
            request: [0; 32],
        };
        house
            .platform
            .command_once(&sari, Some(once), |_unit| Ok(1u8))
            .await
            .expect(kind);
        assert_eq!(
            rows(&run(&house).await, "idempotency"),
            (0, false),
            "{kind}: an hour old"
        );
        house.pass(2 * DAY);
        let compliance = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let hold = retention::place(
            &house.platform,
            &compliance,
            "idempotency".into(),
            None,
            "a case".into(),
        )
        .await
        .expect(kind);
        assert_eq!(rows(&run(&house).await, "idempotency"), (0, true), "{kind}");
        retention::lift(&house.platform, &compliance, hold)
            .await
            .expect(kind);
        assert_eq!(
            rows(&run(&house).await, "idempotency"),
            (1, false),
            "{kind}"
        );
        let system = Principal::system("test");
        assert_eq!(
            house
                .count(
                    &system,
                    "SELECT count(*) FROM retention_runs WHERE outcome = 'held'"
                )
                .await,
            1,
            "{kind}: it is on record"
        );
        assert_eq!(
            house
                .count(
                    &system,
                    "SELECT count(*) FROM retention_runs WHERE outcome = 'done'"
                )
                .await,
            1
        );
    }
}

/// A hold on a word that no job asks for would keep nothing and look as if it did.
#[tokio::test]
async fn a_hold_is_on_something_that_ends() {
    for house in houses().await {
        let kind = house.kind;
        let compliance = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let place = |category: &str| {
            let category = category.to_owned();
            retention::place(
                &house.platform,
                &compliance,
                category,
                None,
                "a case".into(),
            )
        };
        for unknown in ["chat", "", "Audit", "aml"] {
            let refused = place(unknown).await.expect_err(kind);
            assert_eq!(refused.fault(), Some(INVALID), "{kind}: {unknown}");
            let said = refused.to_string();
            assert!(
                said.contains("kyc_documents") && said.contains("all"),
                "{kind}: {said}"
            );
        }
        let categories = retention::hold_categories();
        for category in handlers::engines().categories {
            assert!(
                categories.contains(&category.name()),
                "{kind}: {}",
                category.name()
            );
        }
        for category in categories {
            place(category).await.expect(kind);
        }
    }
}

#[tokio::test]
async fn events_name_nobody_after_two_years_but_whom_a_hold_keeps() {
    for house in houses().await {
        let kind = house.kind;
        let (sari, budi) = (house.client("Sari").await, house.client("Budi").await);
        for person in [&sari, &budi] {
            let (id, subject) = (
                new_id(house.platform.now()),
                person.user().expect("a person"),
            );
            house
                .system(move |tx| {
                    let query = sqlx::query(
                        "INSERT INTO events (type, time, payload, event_id, org_id, aggregate_type, aggregate_id, subject_id, status)
                         VALUES ('lead.moved', '2024-11-01', '{\"user_id\": 1}', $1, $2, 'lead', $1, $3, 'published')",
                    );
                    tx.execute(query.bind(id).bind(HOUSE).bind(subject))
                })
                .await;
        }
        let compliance = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        retention::place(
            &house.platform,
            &compliance,
            "operations".into(),
            budi.user(),
            "a case".into(),
        )
        .await
        .expect(kind);
        assert_eq!(rows(&run(&house).await, "operations"), (1, false), "{kind}");
        assert_eq!(rows(&run(&house).await, "operations"), (0, false), "{kind}");
        let kept = house
            .count(
                &Principal::system("test"),
                "SELECT count(*) FROM events WHERE subject_id IS NOT NULL AND payload <> '{}'",
            )
            .await;
        assert_eq!(kept, 1, "{kind}: the one under a hold");
        let led_to = house
            .count(
                &Principal::system("test"),
                "SELECT count(*) FROM events WHERE type = 'lead.moved' AND aggregate_id IS NOT NULL",
            )
            .await;
        assert_eq!(led_to, 1, "{kind}: the other leads to nobody either");
    }
}

/// What an erasure itself leaves among the events names the person no longer than the rest.
#[tokio::test]
async fn the_event_of_an_erasure_is_anonymised_too() {
    for house in houses().await {
        let (sari, kind) = (house.client("Sari").await, house.kind);
        let me = sari.user().expect("a person");
        erasure::request(&house.platform, &sari, me, Kind::Erasure)
            .await
            .expect(kind);
        erasure::erase_due(&house.platform, &handlers::engines().stores)
            .await
            .expect(kind);
        let system = Principal::system("test");
        let named = "SELECT count(*) FROM events WHERE type LIKE 'subject.%' AND (aggregate_id IS NOT NULL OR subject_id IS NOT NULL OR payload <> '{}')";
        assert_eq!(house.count(&system, named).await, 2, "{kind}: asked, done");
        let old = "SELECT set_config('app.current_user_id', 'system', true);
            UPDATE events SET status = 'published', published_at = time, time = time - INTERVAL '731 days'";
        house.intrude(old.to_owned()).await;
        run(&house).await;
        assert_eq!(house.count(&system, named).await, 0, "{kind}");
    }
}

/// An authority asks one organisation to keep everything; the other one's rows end with their terms.
#[tokio::test]
async fn a_hold_on_everybody_is_on_everybody_of_its_organisation() {
    for house in houses().await {
        let kind = house.kind;
        let elsewhere = house.organisation("elsewhere").await;
        let sari = house.client("Sari").await;
        let budi = house.person(elsewhere, Role::EndUser, None, "Budi").await;
        for (person, org) in [(&sari, HOUSE), (&budi, elsewhere)] {
            let (id, subject) = (
                new_id(house.platform.now()),
                person.user().expect("a person"),
            );
            house
                .system(move |tx| {
                    let query = sqlx::query(
                        "INSERT INTO events (type, time, payload, event_id, org_id, aggregate_type, aggregate_id, subject_id, status)
                         VALUES ('lead.moved', '2024-11-01', '{\"user_id\": 1}', $1, $2, 'lead', $1, $3, 'published')",
                    );
                    tx.execute(query.bind(id).bind(org).bind(subject))
                })
                .await;
        }
        let compliance = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let hold = retention::place(
            &house.platform,
            &compliance,
            "all".into(),
            None,
            "a case".into(),
        )
        .await
        .expect(kind);
        assert_eq!(
            rows(&run(&house).await, "operations"),
            (1, false),
            "{kind}: the other organisation's"
        );
        let kept = "SELECT count(*) FROM events WHERE subject_id IS NOT NULL";
        let system = Principal::system("test");
        assert_eq!(house.count(&system, kept).await, 1, "{kind}");
        retention::lift(&house.platform, &compliance, hold)
            .await
            .expect(kind);
        assert_eq!(rows(&run(&house).await, "operations"), (1, false), "{kind}");
    }
}

/// Until then it was written in the clear.
#[tokio::test]
async fn the_reason_of_an_older_hold_is_sealed_by_the_daily_job() {
    for house in houses().await {
        let kind = house.kind;
        let (id, sari) = (
            new_id(house.platform.now()),
            house.client("Sari").await.user().expect("a person"),
        );
        house
            .system(move |tx| {
                let query = sqlx::query(
                    "INSERT INTO legal_holds (id, org_id, category, subject_id, reason, placed_by, created_at)
                     VALUES ($1, $2, 'operations', $3, 'Sari is asked for', 'test', now())",
                );
                tx.execute(query.bind(id).bind(HOUSE).bind(sari))
            })
            .await;
        let clear = "SELECT count(*) FROM legal_holds WHERE reason <> '' OR reason_sealed IS NULL";
        let system = Principal::system("test");
        assert_eq!(house.count(&system, clear).await, 1, "{kind}");
        for _ in 0..2 {
            run(&house).await;
            assert_eq!(house.count(&system, clear).await, 0, "{kind}");
            let paging = Paging::of(None, None).expect("a page");
            let holds = retention::list(&house.platform, &Principal::owner(), paging).await;
            assert_eq!(
                holds.expect(kind).items[0].reason,
                "Sari is asked for",
                "{kind}"
            );
        }
    }
}

#[tokio::test]
async fn nobody_ends_the_audit_log_before_its_seven_years() {
    for house in houses().await {
        let early = house
            .attempt(
                &Principal::system("test"),
                "SELECT drop_audit_months((now() + interval '8 years')::date)".into(),
            )
            .await;
        assert!(
            early.is_err(),
            "{}: the database's own clock decides",
            house.kind
        );
        house
            .intrude(
                "INSERT INTO audit_log (created_at, actor_id, action, entity_type, entity_id) VALUES ('2018-11-15', 'system', 'create', 'x', 'x');
                 SELECT ensure_audit_partitions('2019-01-01', 1);
                 INSERT INTO audit_log (created_at, actor_id, action, entity_type, entity_id) VALUES ('2019-01-15', 'system', 'create', 'x', 'x');
                 INSERT INTO audit_log (created_at, actor_id, action, entity_type, entity_id) VALUES (now() - interval '5 years', 'system', 'create', 'x', 'x');
                 INSERT INTO audit_log (created_at, actor_id, action, entity_type, entity_id) VALUES (now(), 'system', 'create', 'x', 'x');"
                    .into(),
            )
            .await;
        let runs = run(&house).await;
        assert_eq!(
            rows(&runs, "audit"),
            (2, false),
            "{}: the month of 2019, and that of 2018 without a partition of its own",
            house.kind
        );
        let report = siaga_platform::audit::verify(house.db(), &[])
            .await
            .expect(house.kind);
        assert_eq!(
            (report.dropped, report.faults),
            (2, Vec::new()),
            "{}: their heads stay",
            house.kind
        );
        let change = "DELETE FROM audit_log_other";
        assert!(
            house
                .db()
                .own(move |tx| tx.script(change.to_owned()))
                .await
                .is_err(),
            "{}: what is younger stays append only there too",
            house.kind
        );
    }
}
