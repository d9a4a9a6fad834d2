//! Leads that are given up and come back, several at once, and who has to be told.

use std::collections::HashMap;

use serde_json::json;
use siaga_platform::crm::bulk::{self, Picked};
use siaga_platform::crm::faults::{LEAD_CAP, REASON_MISSING};
use siaga_platform::crm::{
    CAP, Column, FactKind, Stage, Status, assignment, leave, limits, moves, outreach, view, work,
};
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{FORBIDDEN, NOT_FOUND, STALE};
use siaga_platform::unit::Once;
use uuid::Uuid;

use super::floor::{agent, happen, lose, number, seat, seen, take, told};
use crate::ground::desk::houses;

#[tokio::test]
async fn a_lead_that_comes_back_has_its_term_anew_and_the_time_between_is_in_no_stage() {
    for house in houses().await {
        let (kind, owner) = (house.kind, Principal::owner());
        let sales = agent(&house, None, "Ayu").await;
        let lead = take(&house, told(Some(&number(1)), None, Some("Budi")))
            .await
            .lead;
        house.pass(3_600);
        lose(&house, lead).await;
        house.pass(90 * 24 * 3_600);
        moves::reopen(
            &house.platform,
            &owner,
            None,
            lead,
            "called back".into(),
            None,
        )
        .await
        .expect(kind);
        let back = seen(&house, lead).await.lead;
        assert_eq!(
            (
                back.status,
                back.is_overdue(house.platform.now()),
                back.breached
            ),
            (Status::Open, false, false),
            "{kind}"
        );
        let figures = view::dashboard(&house.platform, &owner).await.expect(kind);
        let new = figures
            .stages
            .iter()
            .find(|stage| stage.stage == Stage::New);
        assert_eq!(new.and_then(|stage| stage.average_s), Some(3_600), "{kind}");
        // Its term is over once more: it is told of once more.
        for days in [2, 4] {
            house.pass(days * 24 * 3_600);
            assert_eq!(
                outreach::watch_terms(&house.platform, HOUSE)
                    .await
                    .expect(kind),
                u64::from(days == 2),
                "{kind}"
            );
        }
        // Its agent is full by now: a manager opens it for the pool.
        lose(&house, lead).await;
        seat(&house, &sales, 0, true).await;
        moves::reopen(
            &house.platform,
            &owner,
            None,
            lead,
            "wrote again".into(),
            None,
        )
        .await
        .expect(kind);
        assert_eq!(seen(&house, lead).await.lead.assigned_to, None, "{kind}");
    }
}

#[tokio::test]
async fn a_client_goes_on_though_sales_gave_them_up() {
    for house in houses().await {
        let (kind, owner) = (house.kind, Principal::owner());
        let user = house.client("Sari").await.user().expect("a person");
        let lead = take(&house, told(None, Some("sari@contoh.id"), Some("Sari")))
            .await
            .lead;
        lose(&house, lead).await;
        let case = new_id(house.platform.now());
        for (event, stage) in [
            ("kyc.rejected", Stage::New),
            ("kyc.approved", Stage::Verified),
            ("cash.confirmed", Stage::Active),
        ] {
            let payload = json!({"user_id": user, "kind": "deposit"});
            happen(&house.platform, event, case, payload).await;
            assert_eq!(
                seen(&house, lead).await.lead.stage,
                stage,
                "{kind}: {event}"
            );
        }
        let figures = view::dashboard(&house.platform, &owner).await.expect(kind);
        assert_eq!(
            (figures.total[3], figures.converted),
            (1, 1),
            "{kind}: counted where they are"
        );
    }
}

#[tokio::test]
async fn an_interest_that_is_taken_away_takes_its_points_along() {
    for house in houses().await {
        let mut capture = told(Some(&number(1)), None, Some("Budi"));
        capture.interests = vec!["metals".into()];
        let lead = take(&house, capture).await.lead;
        let before = seen(&house, lead).await.lead.score;
        let edit = moves::Edit {
            interests: Some(Vec::new()),
            ..moves::Edit::default()
        };
        moves::edit(&house.platform, &Principal::owner(), None, lead, edit)
            .await
            .expect(house.kind);
        assert_eq!(
            seen(&house, lead).await.lead.score,
            before - 20,
            "{}",
            house.kind
        );
    }
}

#[tokio::test]
async fn a_lead_that_was_only_given_to_somebody_gets_its_first_word() {
    for house in houses().await {
        let kind = house.kind;
        let (ayu, dina) = (
            agent(&house, None, "Ayu").await,
            agent(&house, None, "Dina").await,
        );
        let lead = take(&house, told(None, Some("budi@contoh.id"), Some("Budi")))
            .await
            .lead;
        let has = seen(&house, lead).await.lead.assigned_to;
        let to = if has == ayu.user() {
            dina.user()
        } else {
            ayu.user()
        };
        assignment::assign(&house.platform, &Principal::owner(), None, lead, to, None)
            .await
            .expect(kind);
        house.pass(25 * 3_600);
        let sent = outreach::sweep(&house.platform, HOUSE, [true, false, false]).await;
        assert_eq!(sent.expect(kind), 1, "{kind}: nobody wrote to them");
    }
}

#[tokio::test]
async fn several_leads_move_at_once_and_each_has_its_verdict() {
    for house in houses().await {
        let kind = house.kind;
        let ayu = agent(&house, None, "Ayu").await;
        let mut leads = Vec::new();
        for n in 0..4 {
            leads.push(take(&house, told(Some(&number(n)), None, None)).await.lead);
        }
        let stranger = new_id(house.platform.now());
        moves::move_lead(
            &house.platform,
            &ayu,
            None,
            leads[1],
            Stage::Contacted,
            None,
            None,
        )
        .await
        .expect(kind);
        let pick = |lead: Uuid, revision| Picked { lead, revision };
        let once = Once {
            key: "k1".into(),
            route: "POST /api/v1/crm/leads/stage",
            request: [1; 32],
        };
        let picked = vec![
            pick(leads[0], None),
            pick(leads[1], None),
            pick(leads[2], Some(999)),
            pick(stranger, None),
            pick(leads[3], None),
        ];
        for round in 0..2 {
            let moved = bulk::move_leads(
                &house.platform,
                &ayu,
                Some(once.clone()),
                picked.clone(),
                Stage::Contacted,
                None,
            );
            let verdicts: HashMap<Uuid, _> = moved
                .await
                .expect(kind)
                .into_iter()
                .map(|verdict| {
                    (
                        verdict.lead,
                        verdict.refusal.and_then(|refusal| refusal.fault()),
                    )
                })
                .collect();
            assert_eq!(verdicts.len(), 5, "{kind}: one of each, in round {round}");
            assert_eq!(
                (verdicts[&leads[0]], verdicts[&leads[3]]),
                (None, None),
                "{kind}: what was done is not done twice"
            );
            assert!(verdicts[&leads[1]].is_some(), "{kind}: it is there already");
            assert_eq!(
                (verdicts[&leads[2]], verdicts[&stranger]),
                (Some(STALE), Some(NOT_FOUND)),
                "{kind}"
            );
        }
        // Back needs a reason, for every one of them.
        let owner = Principal::owner();
        let back = bulk::move_leads(
            &house.platform,
            &owner,
            None,
            vec![pick(leads[0], None)],
            Stage::New,
            None,
        );
        let refusal = back.await.expect(kind).remove(0).refusal;
        assert_eq!(
            refusal.and_then(|refusal| refusal.fault()),
            Some(REASON_MISSING),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn several_leads_are_given_to_one_agent_up_to_their_cap() {
    for house in houses().await {
        let kind = house.kind;
        let ayu = agent(&house, None, "Ayu").await;
        let mut leads = Vec::new();
        for n in 0..3 {
            leads.push(take(&house, told(Some(&number(n)), None, None)).await.lead);
        }
        let dina = agent(&house, None, "Dina").await;
        seat(&house, &dina, 2, true).await;
        let by_agent = bulk::assign_leads(
            &house.platform,
            &ayu,
            None,
            leads.clone(),
            dina.user(),
            None,
        );
        assert_eq!(
            by_agent.await.expect_err("managers distribute").fault(),
            Some(FORBIDDEN),
            "{kind}"
        );
        let owner = Principal::owner();
        let given = bulk::assign_leads(
            &house.platform,
            &owner,
            None,
            leads.clone(),
            dina.user(),
            None,
        );
        let refusals: Vec<_> = given
            .await
            .expect(kind)
            .into_iter()
            .map(|verdict| verdict.refusal.and_then(|refusal| refusal.fault()))
            .collect();
        assert_eq!(refusals, [None, None, Some(LEAD_CAP)], "{kind}");
        let kept = seen(&house, leads[2]).await.lead.assigned_to;
        assert_eq!(kept, ayu.user(), "{kind}: it stays where it was");
    }
}

#[tokio::test]
async fn who_left_is_told_nothing_and_the_owner_is_instead() {
    for house in houses().await {
        let kind = house.kind;
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        let team = house.team(HOUSE, "Bandung", boss.user()).await;
        let ayu = agent(&house, Some(team), "Ayu").await;
        seat(&house, &ayu, CAP, true).await;
        leave::leave(
            &house.platform,
            &Principal::owner(),
            None,
            boss.user().expect("a person"),
            "moved away".into(),
        )
        .await
        .expect(kind);
        take(&house, told(Some(&number(1)), None, None)).await;
        house.pass(25 * 3_600);
        outreach::watch_terms(&house.platform, HOUSE)
            .await
            .expect(kind);
        let system = Principal::system("test");
        for (sql, expected) in [
            (
                "SELECT count(*) FROM crm_notices AS n JOIN users AS u ON u.id = n.user_id WHERE n.kind = 'sla' AND u.status <> 'active'",
                0,
            ),
            (
                "SELECT count(*) FROM crm_notices AS n JOIN organizations AS o ON o.owner_id = n.user_id WHERE n.kind = 'sla'",
                1,
            ),
        ] {
            assert_eq!(house.count(&system, sql).await, expected, "{kind}: {sql}");
        }
    }
}

#[tokio::test]
async fn a_limit_of_a_column_is_shown_beside_its_total_and_refuses_nobody() {
    for house in houses().await {
        let (kind, owner) = (house.kind, Principal::owner());
        let sales = agent(&house, None, "Ayu").await;
        let wanted = limits::Limits::from([(Column::New, 1)]);
        let by_agent = limits::set(&house.platform, &sales, None, wanted.clone()).await;
        assert_eq!(
            by_agent.expect_err("an administrator's").fault(),
            Some(FORBIDDEN),
            "{kind}"
        );
        limits::set(&house.platform, &owner, None, wanted)
            .await
            .expect(kind);
        for n in 0..2 {
            take(&house, told(Some(&number(n)), None, None)).await;
        }
        let board = view::board(&house.platform, &sales).await.expect(kind);
        let shown: Vec<_> = board
            .iter()
            .map(|column| (column.total, column.limit))
            .take(2)
            .collect();
        assert_eq!(shown, [(2, Some(1)), (0, None)], "{kind}");
    }
}

#[tokio::test]
async fn totals_are_those_of_the_rows() {
    for house in houses().await {
        let (kind, owner) = (house.kind, Principal::owner());
        let ayu = agent(&house, None, "Ayu").await;
        seat(&house, &ayu, 6, true).await;
        let mut leads = Vec::new();
        for n in 0..10 {
            leads.push(take(&house, told(Some(&number(n)), None, None)).await.lead);
        }
        for (lead, to) in [
            (1, Stage::Contacted),
            (2, Stage::Kyc),
            (3, Stage::Active),
            (4, Stage::Deposit),
        ] {
            let reason = Some("set right".to_owned());
            moves::move_lead(&house.platform, &owner, None, leads[lead], to, reason, None)
                .await
                .expect(kind);
        }
        for lead in [0, 2, 6] {
            let fact = FactKind::BudgetConfirmed;
            let (source, proof) = ("call".to_owned(), String::new());
            work::add_fact(
                &house.platform,
                &owner,
                None,
                leads[lead],
                fact,
                source,
                proof,
            )
            .await
            .expect(kind);
        }
        lose(&house, leads[6]).await;
        lose(&house, leads[7]).await;
        house.pass(25 * 3_600);
        let page = Paging::of(None, Some(100)).expect("a page");
        let rows = async |filter: view::Filter| {
            let list = view::list(&house.platform, &owner, filter, page).await;
            i64::try_from(list.expect(kind).items.len()).expect("few")
        };
        let open = || view::Filter {
            status: Some(Status::Open),
            ..view::Filter::default()
        };
        for column in view::board(&house.platform, &owner).await.expect(kind) {
            let of = || view::Filter {
                stages: column.column.stages(),
                ..open()
            };
            let hot = view::Filter {
                hot: Some(true),
                ..of()
            };
            let overdue = view::Filter {
                overdue: true,
                ..of()
            };
            assert_eq!(
                (column.total, column.hot, column.overdue),
                (rows(of()).await, rows(hot).await, rows(overdue).await),
                "{kind}: {:?}",
                column.column
            );
        }
        let figures = view::dashboard(&house.platform, &owner).await.expect(kind);
        let pool = view::Filter {
            pool: true,
            ..view::Filter::default()
        };
        let hot = view::Filter {
            hot: Some(true),
            ..open()
        };
        assert_eq!(
            (figures.total[3], figures.pool, figures.hot),
            (
                rows(view::Filter::default()).await,
                rows(pool).await,
                rows(hot).await
            ),
            "{kind}"
        );
        assert!(
            figures.pool > 0 && figures.hot == 2,
            "{kind}: there is something to count"
        );
        let now: i64 = figures.stages.iter().map(|stage| stage.now).sum();
        assert_eq!(now, rows(open()).await, "{kind}");
    }
}
