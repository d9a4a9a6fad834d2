//! Who reaches which lead, tried in raw SQL: what the handlers forget, the rows hold.

use siaga_platform::crm::{moves, view};
use siaga_platform::ids::HOUSE;
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{FORBIDDEN, NOT_FOUND};

use super::floor::{agent, number, take, told};
use crate::ground::desk::houses;

#[tokio::test]
async fn nobody_reaches_rows_that_are_not_theirs() {
    for house in houses().await {
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        let team = house.team(HOUSE, "Bandung", boss.user()).await;
        let elsewhere = house.team(HOUSE, "Medan", None).await;
        let ayu = agent(&house, Some(team), "Ayu").await;
        let lead = take(&house, told(Some(&number(1)), None, Some("Sari")))
            .await
            .lead;
        let bima = agent(&house, Some(elsewhere), "Bima").await;
        let stranger = house
            .person(HOUSE, Role::SalesManager, Some(elsewhere), "Tono")
            .await;
        let partner = house.person(HOUSE, Role::IbPartner, None, "Putri").await;
        let client = house.client("Sari").await;
        let other = house.organisation("other").await;
        let foreigner = house.person(other, Role::SuperAdmin, None, "Eve").await;
        let finance = house.person(HOUSE, Role::Finance, None, "Fitri").await;
        let kind = house.kind;
        for (who, leads) in [
            (&ayu, 1),
            (&bima, 1),
            (&boss, 1),
            (&stranger, 0),
            (&partner, 0),
            (&client, 0),
            (&foreigner, 0),
            (&finance, 0),
        ] {
            assert_eq!(
                house.count(who, "SELECT count(*) FROM leads").await,
                leads,
                "{kind}: {:?}",
                who.role
            );
            assert_eq!(
                house
                    .count(
                        who,
                        "SELECT count(*) FROM lead_history WHERE kind = 'captured'"
                    )
                    .await,
                leads,
                "{kind}: {:?}",
                who.role
            );
        }
        let change = format!("UPDATE leads SET stage = 'active' WHERE id = '{lead}'");
        for who in [&bima, &stranger, &partner, &client, &foreigner, &finance] {
            assert_eq!(
                house.attempt(who, change.clone()).await,
                Ok(0),
                "{kind}: {:?}",
                who.role
            );
        }
        // An agent does not take, give or prove by hand, not even by SQL.
        let denied = Err("42501".to_owned());
        let take = format!("UPDATE leads SET assigned_to = NULL WHERE id = '{lead}'");
        assert_eq!(house.attempt(&ayu, take).await, denied, "{kind}");
        let fact = format!(
            "INSERT INTO lead_facts (id, org_id, lead_id, kind, source, contact_index, recorded_by, created_at)
             VALUES (gen_random_uuid(), '{HOUSE}', '{lead}', 'phone_verified', 'me', '\\x01', 'me', now())"
        );
        assert_eq!(house.attempt(&ayu, fact).await, denied, "{kind}");
        let history = format!(
            "INSERT INTO lead_history (id, org_id, lead_id, kind, actor, created_at) VALUES (gen_random_uuid(), '{HOUSE}', '{lead}', 'note', 'system', now())"
        );
        assert_eq!(
            house.attempt(&ayu, history).await,
            denied,
            "{kind}: nobody writes as another"
        );
        let rewrite = "UPDATE lead_history SET detail = '{}'".to_owned();
        assert_eq!(house.attempt(&ayu, rewrite).await, Ok(0), "{kind}");
        let count = "UPDATE sales_agents SET active_leads = 0".to_owned();
        assert_eq!(house.attempt(&ayu, count).await, denied, "{kind}");
    }
}

#[tokio::test]
async fn a_lead_out_of_reach_is_as_if_it_were_not_there() {
    for house in houses().await {
        let team = house.team(HOUSE, "Bandung", None).await;
        let elsewhere = house.team(HOUSE, "Medan", None).await;
        agent(&house, Some(team), "Ayu").await;
        let lead = take(&house, told(Some(&number(1)), None, None)).await.lead;
        let stranger = house
            .person(HOUSE, Role::SalesManager, Some(elsewhere), "Tono")
            .await;
        let bima = agent(&house, Some(elsewhere), "Bima").await;
        let looked = view::one(&house.platform, &stranger, lead).await;
        assert_eq!(
            looked.expect_err("hidden").fault(),
            Some(NOT_FOUND),
            "{}",
            house.kind
        );
        let closed =
            moves::close(&house.platform, &bima, None, lead, "mine now".into(), None).await;
        assert_eq!(
            closed.expect_err("read only").fault(),
            Some(NOT_FOUND),
            "{}",
            house.kind
        );
        let page = Paging::of(None, None).expect("a page");
        let list = view::list(&house.platform, &stranger, view::Filter::default(), page)
            .await
            .expect("a list");
        assert!(list.items.is_empty(), "{}", house.kind);
        let found = view::find(&house.platform, &Principal::owner(), number(1), 10)
            .await
            .expect("found");
        assert_eq!(
            found.len(),
            1,
            "{}: the owner finds it by number",
            house.kind
        );
        let nothing = view::find(&house.platform, &stranger, number(1), 10)
            .await
            .expect("nothing");
        assert!(nothing.is_empty(), "{}", house.kind);
    }
}

#[tokio::test]
async fn a_partner_sees_the_accounts_of_who_came_through_them_and_none_of_their_risk() {
    for house in houses().await {
        let kind = house.kind;
        let partner = house.person(HOUSE, Role::IbPartner, None, "Putri").await;
        let user = house.client("Sari").await.user().expect("a person");
        let mut capture = told(None, Some("sari@contoh.id"), Some("Sari"));
        capture.referrer = partner.user();
        let lead = take(&house, capture).await.lead;
        house
            .intrude(format!(
                "INSERT INTO accounts_directory (account, system, outside_id, user_id, org_id) VALUES (7, 'mt5', '10007', '{user}', '{HOUSE}');
                 INSERT INTO accounts_directory (account, system, outside_id, user_id, org_id, account_type) VALUES (8, 'siaga', '8', '{user}', '{HOUSE}', 'demo');
                 INSERT INTO alerts (id, revision, rule, rule_revision, fingerprint, state, severity, account, title, summary, started, changed, body, seq, index)
                     VALUES (1, 1, 'margin_warning', 1, 'margin:7', 'firing', 'warning', 7, 'Margin level 92 %', 'Account 7', now(), now(), '\\x00', 12, 1),
                            (2, 1, 'margin_warning', 1, 'margin:8', 'firing', 'warning', 8, 'Margin level 41 %', 'Account 8', now() - interval '1 minute', now(), '\\x00', 13, 1);"
            ))
            .await;
        let page = Paging::of(None, None).expect("a page");
        for (who, alerts) in [(&Principal::owner(), 2), (&partner, 0)] {
            let timeline = view::timeline(&house.platform, who, lead, page)
                .await
                .expect(kind);
            assert_eq!(
                (timeline.accounts.len(), timeline.alerts.len()),
                (2, alerts),
                "{kind}: {:?}",
                who.role
            );
            let profile = (alerts > 0).then_some(user);
            assert_eq!(timeline.client, profile, "{kind}: {:?}", who.role);
            let of = |account: i64| if account == 8 { "demo" } else { "live" };
            for account in &timeline.accounts {
                assert_eq!(account.account_type, of(account.account), "{kind}");
            }
            for alert in &timeline.alerts {
                assert_eq!(alert.account_type, of(alert.account), "{kind}");
            }
        }
    }
}

#[tokio::test]
async fn figures_are_seen_by_many_and_taken_out_by_few() {
    for house in houses().await {
        let kind = house.kind;
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        let ayu = house.person(HOUSE, Role::SalesAgent, None, "Ayu").await;
        let dealer = house.person(HOUSE, Role::Dealer, None, "Dono").await;
        let key = |scope: &str| Principal {
            narrowed: Some(vec![scope.to_owned()]),
            ..boss.clone()
        };
        let (of_leads, of_figures) = (key("lead.read"), key("analytics.view"));
        let expected = |may| {
            if may { Ok(()) } else { Err(Some(FORBIDDEN)) }
        };
        for (by, sees, takes) in [
            (&boss, true, true),
            (&ayu, true, false),
            (&dealer, false, false),
            (&of_leads, false, false),
            (&of_figures, true, false),
        ] {
            let seen = view::dashboard(&house.platform, by).await;
            let seen = seen.map(drop).map_err(|refusal| refusal.fault());
            assert_eq!(seen, expected(sees), "{kind}: {by:?}");
            let taken = view::export(&house.platform, by).await;
            let taken = taken.map(drop).map_err(|refusal| refusal.fault());
            assert_eq!(taken, expected(takes), "{kind}: {by:?}");
        }
        let told =
            "SELECT count(*) FROM audit_log WHERE entity_type = 'dashboard' AND action = 'access'";
        assert_eq!(
            house.count(&Principal::owner(), told).await,
            1,
            "{kind}: who took them out is on record"
        );
    }
}
