//! Money moves by two persons, once, and not past an open case.

use std::sync::Arc;

use siaga_platform::aml::case::Status;
use siaga_platform::aml::cash::state::Step;
use siaga_platform::aml::cash::{self, Asked, NewCash};
use siaga_platform::aml::monitor::Monitor;
use siaga_platform::aml::{cases, faults};
use siaga_platform::db::{Actor, DbError};
use siaga_platform::ids::HOUSE;
use siaga_platform::outbox::{Handlers, Publisher};
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{FORBIDDEN, FOUR_EYES, NEEDS_MFA, NOT_FOUND, STALE};

use crate::ground::desk::{House, houses};

pub async fn account(house: &House, owner: &Principal, number: i64) {
    let (user, org) = (owner.user(), owner.org);
    house
        .system(move |tx| {
            tx.execute(
                sqlx::query("INSERT INTO accounts_directory (account, system, outside_id, user_id, org_id) VALUES ($1, 'core', $2, $3, $4)")
                    .bind(number)
                    .bind(number.to_string())
                    .bind(user)
                    .bind(org),
            )
        })
        .await;
}

pub fn ask(account: u32, kind: &str, dollars: i64) -> NewCash {
    NewCash {
        account,
        kind: kind.into(),
        currency: "USD".into(),
        amount: dollars * 100,
        usd_cents: dollars * 100,
        method: "bank".into(),
        payer: None,
        note: String::new(),
    }
}

pub fn step(id: uuid::Uuid, step: Step, revision: i64) -> Asked {
    Asked {
        id,
        step,
        reason: "seen and decided".into(),
        revision,
    }
}

#[tokio::test]
async fn a_withdrawal_takes_a_second_factor_and_a_second_person() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let sari = house.client("Sari").await;
        let budi = house.client("Budi").await;
        let clerk = house.person(HOUSE, Role::Finance, None, "Dewi").await;
        account(&house, &sari, 7).await;
        let plain = Principal {
            mfa: false,
            ..sari.clone()
        };
        let refused = cash::request(platform, &plain, None, ask(7, "withdrawal", 50))
            .await
            .expect_err(kind);
        assert_eq!(refused.fault(), Some(NEEDS_MFA), "{kind}");
        let refused = cash::request(platform, &budi, None, ask(7, "withdrawal", 50))
            .await
            .expect_err(kind);
        assert_eq!(
            refused.fault(),
            Some(NOT_FOUND),
            "{kind}: another's account does not exist"
        );
        let refused = cash::request(platform, &sari, None, ask(7, "correction", 50))
            .await
            .expect_err(kind);
        assert_eq!(refused.fault(), Some(FORBIDDEN), "{kind}");
        let row = cash::request(platform, &sari, None, ask(7, "withdrawal", 50))
            .await
            .expect(kind);
        let refused = cash::take_step(
            platform,
            &sari,
            None,
            step(row.id, Step::Approve, row.revision),
        )
        .await
        .expect_err(kind);
        assert_eq!(refused.fault(), Some(FORBIDDEN), "{kind}");
        assert_eq!(
            cash::one(platform, &budi, row.id)
                .await
                .expect_err(kind)
                .fault(),
            Some(NOT_FOUND),
            "{kind}"
        );
        let approved = cash::take_step(
            platform,
            &clerk,
            None,
            step(row.id, Step::Approve, row.revision),
        )
        .await
        .expect(kind);
        assert_eq!(approved.status, "approved", "{kind}");
        for (who, revision, fault) in [
            (&sari, approved.revision, faults::CASH_MOVE),
            (&sari, row.revision, STALE),
            (&budi, approved.revision, NOT_FOUND),
        ] {
            let late = cash::take_step(platform, who, None, step(row.id, Step::Cancel, revision));
            assert_eq!(
                late.await.expect_err(kind).fault(),
                Some(fault),
                "{kind}: its client sees that it was decided"
            );
        }
        let unchecked = cash::confirm(platform, &clerk, None, row.id, approved.revision)
            .await
            .expect_err(kind);
        assert_eq!(
            unchecked.fault(),
            Some(faults::CASH_UNCHECKED),
            "{kind}: nothing is booked before it was looked at"
        );
        let own = cash::request(platform, &clerk, None, ask(7, "correction", 50))
            .await
            .expect(kind);
        let alone = cash::take_step(
            platform,
            &clerk,
            None,
            step(own.id, Step::Approve, own.revision),
        )
        .await
        .expect_err(kind);
        assert_eq!(alone.fault(), Some(FOUR_EYES), "{kind}");
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn no_client_sees_a_case_or_changes_a_request_in_sql() {
    for house in houses().await {
        let kind = house.kind;
        let sari = house.client("Sari").await;
        let me = sari.user().expect("a person");
        account(&house, &sari, 7).await;
        let row = cash::request(&house.platform, &sari, None, ask(7, "deposit", 50))
            .await
            .expect(kind);
        house
            .system(move |tx| {
                tx.execute(
                    sqlx::query("INSERT INTO aml_cases (id, org_id, kind, user_id, severity, created_at) VALUES ($1, $2, 'sanctions', $1, 'high', now())")
                        .bind(me)
                        .bind(HOUSE),
                )
            })
            .await;
        let seen: i64 = house
            .db()
            .read(&Actor::of(me), |tx| {
                tx.scalar(sqlx::query_scalar("SELECT (SELECT count(*) FROM aml_cases) + (SELECT count(*) FROM sanctions_entries) + (SELECT count(*) FROM cash_checks)"))
            })
            .await
            .expect(kind);
        assert_eq!(seen, 0, "{kind}");
        let forged: Result<u64, DbError> = house
            .db()
            .write(&Actor::of(me), move |tx| {
                tx.execute(
                    sqlx::query("UPDATE cash_requests SET status = 'approved' WHERE id = $1")
                        .bind(row.id),
                )
            })
            .await;
        assert_eq!(
            forged.expect_err(kind).sqlstate().as_deref(),
            Some("42501"),
            "{kind}"
        );
        house.database.db.close().await;
    }
}

/// A request that finance has approved and that was looked at.
async fn approved(
    house: &House,
    client: &Principal,
    clerk: &Principal,
    kind: &str,
) -> cash::CashRow {
    let row = cash::request(&house.platform, client, None, ask(7, kind, 50))
        .await
        .expect(house.kind);
    let row = cash::take_step(
        &house.platform,
        clerk,
        None,
        step(row.id, Step::Approve, row.revision),
    )
    .await
    .expect(house.kind);
    look_at(house, row.id).await;
    row
}

/// Monitoring has seen it and found nothing.
pub async fn look_at(house: &House, id: uuid::Uuid) {
    house
        .system(move |tx| {
            tx.execute(sqlx::query("INSERT INTO cash_checks (request_id, org_id, alerts, created_at) VALUES ($1, $2, 0, now())").bind(id).bind(HOUSE))
        })
        .await;
}

/// Asks for a movement and has monitoring look at it.
async fn ask_and_look(house: &House, client: &Principal, new: NewCash) {
    cash::request(&house.platform, client, None, new)
        .await
        .expect(house.kind);
    let handlers = Handlers {
        subscribers: vec![Arc::new(Monitor)],
        effects: Vec::new(),
    };
    let publisher = Publisher::new(&house.platform, handlers);
    while publisher.step().await.expect(house.kind) > 0 {}
}

/// Compliance finds that the case of a client was nothing.
async fn clear(house: &House, officer: &Principal, client: &Principal) {
    let (platform, kind, user) = (&house.platform, house.kind, client.user());
    let case: uuid::Uuid = house
        .system(move |tx| {
            let query = sqlx::query_scalar("SELECT id FROM aml_cases WHERE user_id = $1");
            tx.scalar(query.bind(user))
        })
        .await;
    let file = cases::file(platform, officer, case).await.expect(kind);
    let mut revision = file.row.revision;
    for to in [Status::Investigating, Status::Cleared] {
        let why = "it was a salary".to_owned();
        revision = cases::move_case(platform, officer, None, case, to, why, revision)
            .await
            .expect(kind)
            .revision;
    }
}

#[tokio::test]
async fn a_sum_that_goes_on_after_its_case_was_cleared_is_told_again() {
    for house in houses().await {
        let kind = house.kind;
        let system = Principal::system("test");
        let (sari, budi) = (house.client("Sari").await, house.client("Budi").await);
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        account(&house, &sari, 7).await;
        account(&house, &budi, 8).await;
        let told = async || {
            let sql = "SELECT count(*) FROM aml_alerts WHERE rule = 'day_total'";
            house.count(&system, sql).await
        };
        ask_and_look(&house, &sari, ask(7, "deposit", 12_000)).await;
        assert_eq!(told().await, 0, "{kind}: it was large by itself");
        clear(&house, &citra, &sari).await;
        for (dollars, so_far) in [(7_000, 1), (7_500, 1)] {
            ask_and_look(&house, &sari, ask(7, "deposit", dollars)).await;
            assert_eq!(told().await, so_far, "{kind}: {dollars}");
        }
        clear(&house, &citra, &sari).await;
        for (dollars, so_far) in [(7_900, 2), (7_999, 2)] {
            ask_and_look(&house, &sari, ask(7, "deposit", dollars)).await;
            assert_eq!(told().await, so_far, "{kind}: {dollars}");
        }

        for so_far in [2, 3] {
            ask_and_look(&house, &budi, ask(8, "deposit", 6_000)).await;
            assert_eq!(told().await, so_far, "{kind}");
        }
        clear(&house, &citra, &budi).await;
        // Another rule brings the case back, and not what was decided in it.
        let to_another = NewCash {
            payer: Some("Tono Wijaya".into()),
            ..ask(8, "withdrawal", 10)
        };
        ask_and_look(&house, &budi, to_another).await;
        let back = "SELECT count(*) FROM aml_cases WHERE status = 'open'";
        assert_eq!(house.count(&system, back).await, 2, "{kind}: both again");
        for so_far in [4, 4] {
            ask_and_look(&house, &budi, ask(8, "deposit", 7_000)).await;
            assert_eq!(told().await, so_far, "{kind}");
        }
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn what_the_core_booked_is_confirmed_though_nobody_heard_its_answer() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let sari = house.client("Sari").await;
        let clerk = house.person(HOUSE, Role::Finance, None, "Dewi").await;
        account(&house, &sari, 7).await;
        let row = approved(&house, &sari, &clerk, "deposit").await;
        let silent = cash::confirm(platform, &clerk, None, row.id, row.revision)
            .await
            .expect_err(kind);
        assert_eq!(silent.fault(), Some(faults::BOOKING_LATER), "{kind}");
        assert_eq!(
            cash::settle(platform).await.expect(kind),
            0,
            "{kind}: it is in no books yet"
        );
        let id = row.id;
        house
            .system(move |tx| {
                tx.execute(
                    sqlx::query(
                        "INSERT INTO cash_movements (seq, index, leg, time, account, book, kind, amount, balance, credit, reference)
                         SELECT 77, 0, 0, now(), account, 'client', 'deposit', amount, amount, 0, core_reference FROM cash_requests WHERE id = $1",
                    )
                    .bind(id),
                )
            })
            .await;
        assert_eq!(cash::settle(platform).await.expect(kind), 1, "{kind}");
        let settled = cash::one(platform, &clerk, row.id).await.expect(kind);
        assert_eq!(
            (settled.status.as_str(), settled.core_seq),
            ("confirmed", Some(77)),
            "{kind}"
        );
        assert_eq!(cash::settle(platform).await.expect(kind), 0, "{kind}: once");
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn nothing_is_paid_out_to_a_client_who_is_frozen() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let sari = house.client("Sari").await;
        let clerk = house.person(HOUSE, Role::Finance, None, "Dewi").await;
        account(&house, &sari, 7).await;
        let out = approved(&house, &sari, &clerk, "withdrawal").await;
        let freeze = format!(
            "UPDATE users SET status = 'under_review' WHERE id = '{}'",
            sari.audit_name()
        );
        assert_eq!(
            house.attempt(&Principal::system("test"), freeze).await,
            Ok(1),
            "{kind}"
        );
        let refused = cash::confirm(platform, &clerk, None, out.id, out.revision)
            .await
            .expect_err(kind);
        assert_eq!(refused.fault(), Some(faults::CASH_STOPPED), "{kind}");
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn an_account_that_an_approval_opens_is_a_clients_before_the_directory_has_it() {
    for house in houses().await {
        let kind = house.kind;
        let user = house.client("Sari").await.user();
        house
            .system(move |tx| {
                let sql = "INSERT INTO kyc_accounts (user_id, org_id, account, created_at) VALUES ($1, $2, 1000007, now())";
                tx.execute(sqlx::query(sql).bind(user).bind(HOUSE))
            })
            .await;
        let owner = Principal::owner();
        for (account, is_credit, fault) in [
            (1_000_007, false, Some(faults::CASH_BY_REQUEST)),
            (1_000_007, true, None),
            (1_000_008, false, None),
        ] {
            let answer = cash::may_book(&house.platform, &owner, account, is_credit).await;
            let refused = answer.err().and_then(|refusal| refusal.fault());
            assert_eq!(refused, fault, "{kind}: {account}");
        }
    }
}
