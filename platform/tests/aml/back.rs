//! What was decided has a way back, over a second person; what a stop cut goes on.

use siaga_platform::aml::case::Status;
use siaga_platform::aml::screen::{self, Cause};
use siaga_platform::aml::{arranged, cases, faults, sanctions, whitelist};
use siaga_platform::ids::HOUSE;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::FOUR_EYES;
use siaga_platform::values::bound;
use siaga_risk::units::{SECOND_NS, Ts};

use super::cases::list;
use super::money::account;
use crate::ground::desk::{House, houses};

const WHY: &str = "looked at it";

#[tokio::test]
async fn a_confirmed_case_comes_back_over_a_second_person() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        let lists = list(&[("1", "ERIC", "BADEGE")]);
        sanctions::take(platform, &system, "un".into(), lists)
            .await
            .expect(kind);
        let eric = house.client("Eric Badege").await.user().expect("a person");
        let officer = |name| house.person(HOUSE, Role::ComplianceOfficer, None, name);
        let (citra, dedi) = (officer("Citra").await, officer("Dedi").await);
        let screened = screen::client(platform, eric, Cause::Onboarding).await;
        let case = screened.expect(kind).case.expect("a case");
        let go = |by: &Principal, to: Status, revision: i64| {
            let by = by.clone();
            async move { cases::move_case(platform, &by, None, case, to, WHY.into(), revision).await }
        };
        let now = async || cases::file(platform, &citra, case).await.expect(kind);
        let file = now().await;
        let hit = file.hits.first().expect("a hit").id;
        let begun = go(&citra, Status::Investigating, file.row.revision)
            .await
            .expect(kind);
        cases::decide_hit(platform, &citra, None, case, hit, true, WHY.into())
            .await
            .expect(kind);
        let confirmed = go(&citra, Status::Confirmed, begun.revision)
            .await
            .expect(kind);
        assert_eq!(confirmed.moves, ["escalated"], "{kind}");
        let closed = cases::decide_hit(platform, &dedi, None, case, hit, false, WHY.into()).await;
        assert_eq!(
            closed.expect_err(kind).fault(),
            Some(faults::CASE_MOVE),
            "{kind}: the case is opened first"
        );

        let back = go(&citra, Status::Escalated, confirmed.revision)
            .await
            .expect(kind);
        let told = "SELECT count(*) FROM events WHERE type = 'aml.case_opened' AND payload ->> 'from' = 'confirmed' AND payload ->> 'reopened' = 'true'";
        assert_eq!(house.count(&system, told).await, 1, "{kind}");
        let own = cases::decide_hit(platform, &citra, None, case, hit, false, WHY.into()).await;
        assert_eq!(
            own.expect_err(kind).fault(),
            Some(FOUR_EYES),
            "{kind}: nobody takes back their own word alone"
        );
        let other = cases::decide_hit(platform, &dedi, None, case, hit, false, WHY.into())
            .await
            .expect(kind);
        assert_eq!(other.decision, "other", "{kind}");
        let alone = go(&citra, Status::Cleared, back.revision).await;
        assert_eq!(alone.expect_err(kind).fault(), Some(FOUR_EYES), "{kind}");
        go(&dedi, Status::Cleared, back.revision).await.expect(kind);
        let holds = whitelist::of_client(platform, &dedi, eric)
            .await
            .expect(kind);
        assert_eq!(holds.len(), 1, "{kind}: excepted");
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn a_case_does_not_come_back_beside_another_one_of_its_client() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        let take = |lists| sanctions::take(platform, &system, "un".into(), lists);
        take(list(&[("1", "ERIC", "BADEGE")])).await.expect(kind);
        let eric = house.client("Eric Badege").await.user().expect("a person");
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let screened = screen::client(platform, eric, Cause::Onboarding).await;
        let case = screened.expect(kind).case.expect("a case");
        let file = cases::file(platform, &citra, case).await.expect(kind);
        let mut revision = file.row.revision;
        for to in [Status::Investigating, Status::Confirmed] {
            revision = cases::move_case(platform, &citra, None, case, to, WHY.into(), revision)
                .await
                .expect(kind)
                .revision;
        }
        take(list(&[("1", "ERIC", "BADEGE"), ("2", "ERIK", "BADEGE")]))
            .await
            .expect(kind);
        let next = screen::client(platform, eric, Cause::ByHand)
            .await
            .expect(kind);
        assert!(next.case.is_some_and(|next| next != case), "{kind}");
        let beside = cases::move_case(
            platform,
            &citra,
            None,
            case,
            Status::Escalated,
            WHY.into(),
            revision,
        )
        .await;
        assert_eq!(
            beside.expect_err(kind).fault(),
            Some(faults::CASE_MOVE),
            "{kind}"
        );
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn a_search_that_was_cut_goes_on_behind_the_clients_it_has_done() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        for name in ["Eric Badege", "Sari", "Budi"] {
            house.client(name).await;
        }
        let lists = list(&[("1", "ERIC", "BADEGE")]);
        sanctions::take(platform, &system, "un".into(), lists)
            .await
            .expect(kind);
        let cut = "UPDATE sanctions_sources SET searched_event = (SELECT event_id FROM events WHERE type = 'sanctions.list_changed'),
                       searched_after = (SELECT min(id::text)::uuid FROM users WHERE role = 'end_user') WHERE name = 'un'";
        assert_eq!(house.attempt(&system, cut.into()).await, Ok(1), "{kind}");
        let done = screen::lists_changed(platform).await.expect(kind);
        assert_eq!(done, 2, "{kind}: Eric was looked up before the stop");
        let far = "SELECT count(*) FROM sanctions_sources WHERE name = 'un' AND searched_after = (SELECT max(id::text)::uuid FROM users WHERE role = 'end_user')";
        assert_eq!(house.count(&system, far).await, 1, "{kind}");
        let whole = screen::list_changed(platform, "un", 1, true).await;
        assert_eq!(whole.expect(kind), 3, "{kind}: another search begins anew");
        house.database.db.close().await;
    }
}

/// Three deals of one account, each with its counterpart in the other a few seconds later.
async fn deal_against(house: &House, one: i64, other: i64) {
    let now = house.platform.now().0;
    for pair in 0..3u32 {
        for (account, side, late) in [(one, "buy", 0u64), (other, "sell", 5)] {
            let at = Ts(now - (600 * u64::from(pair + 1) - late) * SECOND_NS);
            let seq = i64::from(pair) * 1_000 + account;
            let query = sqlx::query(
                "INSERT INTO deals (seq, index, time, order_id, account, instrument, position, side, qty, price, commission, realised, balance, origin, exec)
                 VALUES ($1, 0, $2, $1, $3, 1, $1, $4, 100, 1, 0, 0, 0, 'client', '\\x00')",
            );
            let query = query.bind(seq).bind(bound(at)).bind(account).bind(side);
            house.system(move |tx| tx.execute(query)).await;
        }
    }
}

#[tokio::test]
async fn accounts_of_one_client_and_clients_of_one_telephone_are_linked() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        let (sari, budi, tono) = (
            house.client("Sari").await,
            house.client("Budi").await,
            house.client("Tono").await,
        );
        for (owner, number) in [(&sari, 7), (&sari, 8), (&budi, 9), (&tono, 10)] {
            account(&house, owner, number).await;
        }
        deal_against(&house, 7, 8).await;
        deal_against(&house, 9, 10).await;
        assert_eq!(arranged::round(platform).await.expect(kind), 1, "{kind}");
        let own = "SELECT count(*) FROM aml_alerts WHERE rule = 'linked_opposite' AND facts -> 'counterpart' = '[7, 8]'";
        assert_eq!(house.count(&system, own).await, 1, "{kind}");
        let shared = format!(
            "UPDATE users SET phone_index = '\\x07' WHERE id IN ('{}', '{}')",
            budi.user().expect("a person"),
            tono.user().expect("a person")
        );
        assert_eq!(house.attempt(&system, shared).await, Ok(2), "{kind}");
        assert_eq!(
            arranged::round(platform).await.expect(kind),
            1,
            "{kind}: Budi and Tono; Sari was told today"
        );
        assert_eq!(arranged::round(platform).await.expect(kind), 0, "{kind}");
        house.database.db.close().await;
    }
}
