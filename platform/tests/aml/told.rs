//! A client who is looked at does not learn of it, from their own data no more than from their money.

use std::sync::Arc;

use siaga_platform::aml::case::Status;
use siaga_platform::aml::cash::state::Step;
use siaga_platform::aml::cash::{self, CashRow, NewCash};
use siaga_platform::aml::monitor::Monitor;
use siaga_platform::aml::report::Step as ReportStep;
use siaga_platform::aml::screen::{self, Cause};
use siaga_platform::aml::{cases, faults, reports, sanctions};
use siaga_platform::erasure::{self, Kind};
use siaga_platform::handlers;
use siaga_platform::ids::HOUSE;
use siaga_platform::outbox::{Handlers, Publisher};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::retention;

use super::cases::list;
use super::money::{account, ask, step};
use crate::ground::desk::{House, houses};

const WHY: &str = "looked at it";

/// Words that would tell of a case, a list, a report or a hold; in lower case.
const UNSAID: [&str; 12] = [
    "aml",
    "sanction",
    "whitelist",
    "watch",
    "hold",
    "held",
    "suspicious",
    "structuring",
    "third_party",
    "polisi",
    "decided_by",
    "looked at it",
];

/// A report about a hit that was taken for somebody else's.
async fn report(house: &House, client: &Principal, officers: [&Principal; 2]) {
    let (platform, kind) = (&house.platform, house.kind);
    let [citra, dedi] = officers;
    let system = Principal::system("test");
    let lists = list(&[("1", "ERIC", "BADEGE")]);
    sanctions::take(platform, &system, "un".into(), lists)
        .await
        .expect(kind);
    let user = client.user().expect("a person");
    let screened = screen::client(platform, user, Cause::Onboarding).await;
    let case = screened.expect(kind).case.expect("a case");
    let file = cases::file(platform, citra, case).await.expect(kind);
    let (hit, revision) = (file.hits.first().expect("a hit").id, file.row.revision);
    let to = Status::Investigating;
    cases::move_case(platform, citra, None, case, to, WHY.into(), revision)
        .await
        .expect(kind);
    cases::decide_hit(platform, citra, None, case, hit, false, WHY.into())
        .await
        .expect(kind);
    let mut row = reports::draft(platform, citra, None, case)
        .await
        .expect(kind);
    for (by, step, text) in [
        (citra, ReportStep::Submit, ""),
        (dedi, ReportStep::Approve, ""),
        (dedi, ReportStep::File, "PPATK 12/2026"),
    ] {
        let asked = reports::Asked {
            id: row.id,
            step,
            text: text.into(),
            revision: row.revision,
        };
        row = reports::take_step(platform, by, None, asked)
            .await
            .expect(kind);
    }
}

/// A deposit of somebody else's money.
async fn foreign(house: &House, client: &Principal) -> CashRow {
    let new = NewCash {
        payer: Some("PT Angin Lalu".into()),
        note: "for the new month".into(),
        ..ask(7, "deposit", 50)
    };
    let asked = cash::request(&house.platform, client, None, new).await;
    asked.expect(house.kind)
}

/// Monitoring looks at what was asked for.
async fn look(house: &House) {
    let handlers = Handlers {
        subscribers: vec![Arc::new(Monitor)],
        ..Handlers::default()
    };
    let publisher = Publisher::new(&house.platform, handlers);
    while publisher.step().await.expect(house.kind) > 0 {}
}

/// The same deposit, held by the rule.
async fn held(house: &House, client: &Principal) -> CashRow {
    let asked = foreign(house, client).await;
    look(house).await;
    asked
}

#[tokio::test]
async fn a_client_who_is_looked_at_reads_nothing_of_it_in_their_data() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let eric = house.client("Eric Badege").await;
        let me = eric.user().expect("a person");
        let officer = |name| house.person(HOUSE, Role::ComplianceOfficer, None, name);
        let (citra, dedi) = (officer("Citra").await, officer("Dedi").await);
        report(&house, &eric, [&citra, &dedi]).await;
        account(&house, &eric, 7).await;
        held(&house, &eric).await;
        let why = "Polisi minta data ini".to_owned();
        retention::place(platform, &citra, "erasure".into(), Some(me), why)
            .await
            .expect(kind);
        let stores = handlers::engines().stores;
        erasure::request(platform, &eric, me, Kind::Erasure)
            .await
            .expect(kind);
        assert_eq!(
            erasure::erase_due(platform, &stores).await.expect(kind),
            0,
            "{kind}: the hold stands before it"
        );
        let own = erasure::list(platform, &eric, me).await.expect(kind);
        assert_eq!(
            (own[0].status, own[0].reason.as_deref()),
            (erasure::Status::Open, None),
            "{kind}: nor that authorities asked"
        );
        let theirs = erasure::list(platform, &Principal::owner(), me).await;
        assert_eq!(theirs.expect(kind)[0].status, erasure::Status::Held);

        let looked = [
            "SELECT count(*) FROM events WHERE type LIKE 'aml.%'",
            "SELECT count(*) FROM audit_log WHERE entity_type = 'aml_hit'",
            "SELECT count(*) FROM audit_log WHERE entity_type = 'sanctions_whitelist'",
            "SELECT count(*) FROM audit_log WHERE entity_type = 'legal_hold'",
            "SELECT count(*) FROM aml_reports WHERE status = 'filed'",
            "SELECT count(*) FROM cash_requests WHERE status = 'held'",
        ];
        for sql in looked {
            let found = house.count(&Principal::system("test"), sql).await;
            assert!(found > 0, "{kind}: there is something to keep: {sql}");
        }
        let export = erasure::export(platform, &eric, &stores, me)
            .await
            .expect(kind);
        let text = export.to_string().to_lowercase();
        for word in UNSAID {
            assert!(!text.contains(word), "{kind}: {word}: {text}");
        }
        for officer in [&citra, &dedi] {
            assert!(!text.contains(&officer.audit_name()), "{kind}: {text}");
        }

        let data = &export["data"];
        assert_eq!(data["users"]["name"], "Eric Badege", "{kind}");
        let money = &data["cash"][0];
        assert_eq!(money["status"], "requested", "{kind}");
        assert_eq!(money["payer"], "PT Angin Lalu", "{kind}");
        assert_eq!(money["note"], "for the new month", "{kind}");
        assert_eq!(data["trading"]["accounts"][0]["account"], 7, "{kind}");
        let events = data["events"].as_array().expect("events");
        assert!(
            events.iter().any(|event| event["kind"] == "cash.requested"),
            "{kind}: {events:?}"
        );
        let log = data["audit_log"].as_array().expect("rows");
        assert!(
            log.iter()
                .any(|row| row["entity"] == "cash_request" && row["after"]["amount"] == 5_000),
            "{kind}: {log:?}"
        );
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn a_held_movement_looks_to_its_client_and_their_partner_like_any_other() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let sari = house.client("Sari").await;
        let me = sari.user();
        let partner = house.person(HOUSE, Role::IbPartner, None, "Putu").await;
        let brought_by = partner.user();
        house
            .system(move |tx| {
                tx.execute(
                    sqlx::query("UPDATE users SET referrer_id = $1 WHERE id = $2")
                        .bind(brought_by)
                        .bind(me),
                )
            })
            .await;
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        account(&house, &sari, 7).await;
        let id = held(&house, &sari).await.id;

        let seen = cash::one(platform, &citra, id).await.expect(kind);
        assert_eq!(
            (seen.status.as_str(), seen.payer_is_client, seen.moves),
            ("held", Some(false), vec!["release".to_owned()]),
            "{kind}"
        );
        for (by, moves) in [(&sari, vec!["cancel".to_owned()]), (&partner, Vec::new())] {
            let seen = cash::one(platform, by, id).await.expect(kind);
            assert_eq!(
                (seen.status.as_str(), seen.payer_is_client, seen.moves),
                ("requested", None, moves),
                "{kind}"
            );
            for (status, expected) in [("requested", 1), ("held", 0)] {
                let paging = Paging::of(None, None).expect("a page");
                let page = cash::list(platform, by, Some(status.into()), None, paging).await;
                assert_eq!(page.expect(kind).items.len(), expected, "{kind}: {status}");
            }
        }
        let revision = cash::one(platform, &sari, id).await.expect(kind).revision;
        let taken_back = cash::take_step(platform, &sari, None, step(id, Step::Cancel, revision));
        assert_eq!(
            taken_back.await.expect(kind).status,
            "cancelled",
            "{kind}: as one that nobody holds"
        );
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn a_movement_that_is_held_behind_its_approval_stays_approved_to_its_client() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let sari = house.client("Sari").await;
        let me = sari.user().expect("a person");
        let dewi = house.person(HOUSE, Role::Finance, None, "Dewi").await;
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        account(&house, &sari, 7).await;
        let stores = handlers::engines().stores;
        for by_rule in [false, true] {
            let id = foreign(&house, &sari).await.id;
            let seen = async |by: &Principal| cash::one(platform, by, id).await.expect(kind);
            let go = async |by: &Principal, to: Step| {
                let revision = cash::one(platform, by, id).await.expect(kind).revision;
                cash::take_step(platform, by, None, step(id, to, revision)).await
            };
            go(&dewi, Step::Approve).await.expect(kind);
            let before = seen(&sari).await;
            assert_eq!(before.status, "approved", "{kind}");
            assert!(before.approved_by.is_some() && before.decided_at.is_some());
            assert_eq!(before.moves, [""; 0], "{kind}: it was decided");

            match by_rule {
                true => look(&house).await,
                false => drop(go(&citra, Step::Hold).await.expect(kind)),
            }
            for stands in ["held", "requested", "approved"] {
                match stands {
                    "requested" => drop(go(&citra, Step::Release).await.expect(kind)),
                    "approved" => drop(go(&dewi, Step::Approve).await.expect(kind)),
                    _ => {}
                }
                assert_eq!(seen(&citra).await.status, stands, "{kind}");
                assert_eq!(seen(&sari).await, before, "{kind}: {stands}");
                for (status, expected) in [("approved", 1), ("requested", 0)] {
                    let paging = Paging::of(None, None).expect("a page");
                    let page = cash::list(platform, &sari, Some(status.into()), None, paging);
                    let items = page.await.expect(kind).items;
                    assert_eq!(items.len(), expected, "{kind}: {stands}: {status}");
                }
                let late = go(&sari, Step::Cancel).await.expect_err(kind);
                assert_eq!(late.fault(), Some(faults::CASH_MOVE), "{kind}: {stands}");
                assert!(!late.to_string().contains("held"), "{kind}: {late}");

                let export = erasure::export(platform, &sari, &stores, me).await;
                let data = &export.expect(kind)["data"];
                let rows = data["cash"].as_array().expect("rows");
                let own = rows.iter().find(|row| row["id"] == id.to_string());
                let own = own.expect("the movement");
                assert_eq!(own["status"], "approved", "{kind}: {stands}");
                assert_eq!(own["decided_us"].as_i64(), before.decided_at, "{kind}");
                let events = data["events"].as_array().expect("events");
                let told = events
                    .iter()
                    .filter(|event| event["kind"] == "cash.approved");
                assert_eq!(told.count(), 1 + usize::from(by_rule), "{kind}: {stands}");
            }
            go(&dewi, Step::Reject).await.expect(kind);
            let after = seen(&sari).await;
            assert_eq!(
                (after.status.as_str(), after.revision),
                ("rejected", before.revision + 1),
                "{kind}: the next that they are told"
            );
        }
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn a_client_takes_back_what_is_held_by_the_revision_they_saw_before() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let sari = house.client("Sari").await;
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        account(&house, &sari, 7).await;
        for by_rule in [false, true] {
            let before = foreign(&house, &sari).await;
            let id = before.id;
            if by_rule {
                look(&house).await;
            } else {
                let hold = step(id, Step::Hold, before.revision);
                let held = cash::take_step(platform, &citra, None, hold).await;
                assert_eq!(held.expect(kind).revision, before.revision + 1, "{kind}");
            }
            let seen = cash::one(platform, &citra, id).await.expect(kind);
            assert_eq!(seen.status, "held", "{kind}");
            let seen = cash::one(platform, &sari, id).await.expect(kind);
            assert_eq!(seen, before, "{kind}: nothing changed to them");
            let cancel = step(id, Step::Cancel, before.revision);
            let taken_back = cash::take_step(platform, &sari, None, cancel).await;
            let taken_back = taken_back.expect(kind);
            assert_eq!(
                (taken_back.status.as_str(), taken_back.revision),
                ("cancelled", before.revision + 1),
                "{kind}"
            );
        }
        house.database.db.close().await;
    }
}
