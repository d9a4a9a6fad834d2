//! What sales changes of what stands: deals, fields that are emptied, sources, who is away; and what each role is told of it.

use serde_json::{Value, json};
use siaga_platform::crm::assignment::SeatChange;
use siaga_platform::crm::deals::{self, DealChange};
use siaga_platform::crm::faults::{BAD_SIGNATURE, NO_CONTACT, NOT_AVAILABLE};
use siaga_platform::crm::moves::{self, Edit};
use siaga_platform::crm::{
    CAP, FactKind, Rule, assignment, notice, signature, sources, staff, view,
};
use siaga_platform::erasure;
use siaga_platform::handlers;
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{CONFLICT, FORBIDDEN, INVALID, NOT_FOUND, Refusal, STALE};
use siaga_platform::unit::Once;
use siaga_risk::units::SECOND_NS;
use uuid::Uuid;

use super::floor::{agent, number, seen, take, told};
use crate::ground::desk::{House, houses};

/// The lines of a lead's timeline of one kind, newest first: what is said in them, and what a person wrote.
async fn lines(house: &House, lead: Uuid, kind: &str) -> Vec<(Value, Option<String>)> {
    let page = Paging::of(None, None).expect("a page");
    let timeline = view::timeline(&house.platform, &Principal::owner(), lead, page).await;
    let items = timeline.expect(house.kind).lines.items;
    let of_kind = items.into_iter().filter(|line| line.kind == kind);
    of_kind.map(|line| (line.detail, line.text)).collect()
}

#[tokio::test]
async fn a_deal_gets_another_name_and_another_sum_and_what_it_was_stays_in_the_timeline() {
    for house in houses().await {
        let (kind, platform) = (house.kind, &house.platform);
        let ayu = agent(&house, None, "Ayu").await;
        let lead = take(&house, told(Some(&number(1)), None, None)).await.lead;
        let bima = agent(&house, None, "Bima").await;
        let deal = deals::add_deal(platform, &ayu, None, lead, "Gold".into(), 500_000).await;
        let deal = deal.expect(kind);
        let change = DealChange {
            title: Some("Gold for a jeweller".into()),
            expected_usd_cents: Some(125_050),
            ..DealChange::default()
        };
        let others = deals::change_deal(platform, &bima, None, deal, change.clone(), 1).await;
        assert_eq!(others.expect_err("hers").fault(), Some(NOT_FOUND), "{kind}");
        for _ in 0..2 {
            let done = deals::change_deal(platform, &ayu, None, deal, change.clone(), 1).await;
            match done {
                Ok(()) => {}
                Err(refusal) => assert_eq!(refusal.fault(), Some(STALE), "{kind}"),
            }
        }
        let now = deals::one_deal(platform, &ayu, deal).await.expect(kind);
        assert_eq!(
            (now.title.as_deref(), now.expected_usd_cents, now.revision),
            (Some("Gold for a jeweller"), 125_050, 2),
            "{kind}: once"
        );
        let (detail, text) = lines(&house, lead, "deal").await.swap_remove(0);
        assert_eq!(text.as_deref(), Some("Gold"), "{kind}");
        assert_eq!(
            (&detail["expected_usd_cents"], &detail["from_usd_cents"]),
            (&json!(125_050), &json!(500_000)),
            "{kind}"
        );
        // The same once more changes nothing, and its end says from where.
        let same = deals::change_deal(platform, &ayu, None, deal, change, 2).await;
        same.expect(kind);
        let won = DealChange {
            status: Some("won".into()),
            ..DealChange::default()
        };
        let won = deals::change_deal(platform, &ayu, None, deal, won, 2).await;
        won.expect(kind);
        let (detail, _) = lines(&house, lead, "deal").await.swap_remove(0);
        assert_eq!(
            (&detail["from"], &detail["status"]),
            (&json!("open"), &json!("won")),
            "{kind}"
        );
        let nothing = DealChange::default();
        let nothing = deals::change_deal(platform, &ayu, None, deal, nothing, 3).await;
        assert_eq!(
            nothing.expect_err("nothing").fault(),
            Some(INVALID),
            "{kind}"
        );
        let system = Principal::system("test");
        for (what, sql) in [
            (
                "audited",
                "SELECT count(*) FROM audit_log WHERE entity_type = 'deal'",
            ),
            (
                "told",
                "SELECT count(*) FROM events WHERE type = 'lead.changed' AND payload ->> 'deal_id' IS NOT NULL",
            ),
        ] {
            assert_eq!(house.count(&system, sql).await, 3, "{kind}: {what}");
        }
    }
}

#[tokio::test]
async fn a_lead_goes_to_who_works_its_city_which_stands_nowhere_in_the_clear() {
    for house in houses().await {
        let (kind, platform, owner) = (house.kind, &house.platform, Principal::owner());
        // Who would have it in turn, and who works the city.
        agent(&house, None, "Ayu").await;
        let bima = agent(&house, None, "Bima").await.user().expect("a person");
        let change = SeatChange {
            territories: vec!["Bandung".into()],
            skills: Vec::new(),
            cap: CAP,
            accepting: true,
        };
        assignment::seat(platform, &owner, None, bima, change)
            .await
            .expect(kind);
        assignment::set_rule(platform, &owner, None, Rule::Territory)
            .await
            .expect(kind);
        let mut capture = told(Some(&number(1)), None, None);
        capture.city = Some("Kota Bandung".into());
        let lead = take(&house, capture).await.lead;
        let seen = seen(&house, lead).await;
        assert_eq!(seen.lead.assigned_to, Some(bima), "{kind}");
        assert_eq!(seen.known.territory().as_deref(), Some("bandung"), "{kind}");
        let clear = "SELECT count(*) FROM leads WHERE leads::text ~* 'bandung'";
        let system = Principal::system("test");
        assert_eq!(house.count(&system, clear).await, 0, "{kind}");
        // Nor by a program of before that works on the same database.
        let older = "UPDATE leads SET territory = 'bandung'".to_owned();
        assert_eq!(house.attempt(&system, older).await, Ok(1), "{kind}");
        assert_eq!(house.count(&system, clear).await, 0, "{kind}");
    }
}

#[tokio::test]
async fn a_field_is_emptied_with_its_points_and_what_it_held_stays_in_the_timeline() {
    for house in houses().await {
        let (kind, platform) = (house.kind, &house.platform);
        let sales = agent(&house, None, "Ayu").await;
        let mut capture = told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari"));
        capture.city = Some("Kota Bandung".into());
        let lead = take(&house, capture).await.lead;
        let other = Edit {
            name: Some("Sari Dewi".into()),
            ..Edit::default()
        };
        moves::edit(platform, &sales, None, lead, other)
            .await
            .expect(kind);
        let before = seen(&house, lead).await.lead;
        let empty = async |fields: &[&'static str]| {
            let edit = Edit {
                emptied: fields.to_vec(),
                ..Edit::default()
            };
            moves::edit(platform, &sales, None, lead, edit).await
        };
        empty(&["name", "city", "phone"]).await.expect(kind);
        let now = seen(&house, lead).await;
        assert_eq!(
            (now.known.name, now.known.city, now.known.phone),
            (None, None, None),
            "{kind}"
        );
        assert_eq!(now.known.email.as_deref(), Some("sari@contoh.id"), "{kind}");
        assert_eq!(
            now.lead.score,
            before.score - 15 - 10,
            "{kind}: 15 of the name, 10 of the city"
        );
        let (facts, _) = view::facts(platform, &sales, lead).await.expect(kind);
        let stands = |kind: FactKind| {
            facts
                .iter()
                .any(|fact| fact.kind == kind && fact.withdrawn.is_none())
        };
        assert!(
            !stands(FactKind::Name) && !stands(FactKind::City),
            "{kind}: {facts:?}"
        );
        // What was known stays in the timeline.
        let said = |lines: Vec<(Value, Option<String>)>| -> Vec<String> {
            lines.into_iter().filter_map(|(_, text)| text).collect()
        };
        assert_eq!(
            said(lines(&house, lead, "fact").await),
            ["Kota Bandung", "Sari Dewi", "Sari"],
            "{kind}"
        );
        assert_eq!(
            said(lines(&house, lead, "contact").await),
            [number(1)],
            "{kind}"
        );
        let last = empty(&["email"]).await;
        assert_eq!(
            last.expect_err("the last way to them").fault(),
            Some(NO_CONTACT),
            "{kind}"
        );
        // An older word does not bring it back; a newer one does.
        for (observed, name) in [(before.created, None), (platform.now(), Some("Sari Ayu"))] {
            let mut again = told(None, Some("sari@contoh.id"), Some("Sari Ayu"));
            again.observed = Some(observed);
            assert_eq!(take(&house, again).await.lead, lead, "{kind}");
            assert_eq!(
                seen(&house, lead).await.known.name.as_deref(),
                name,
                "{kind}"
            );
        }
    }
}

#[tokio::test]
async fn a_source_that_is_made_twice_is_one_and_no_remembered_answer_has_its_secret() {
    for house in houses().await {
        let (kind, platform, owner) = (house.kind, &house.platform, Principal::owner());
        let once = |key: &str, route: &'static str| {
            Some(Once {
                key: key.to_owned(),
                route,
                request: [1; 32],
            })
        };
        let add = async || {
            let once = once("a", "POST /api/v1/crm/sources");
            sources::add(platform, &owner, once, "landing".into(), "web".into()).await
        };
        let (source, secret) = add().await.expect(kind);
        let (same, again) = add().await.expect(kind);
        assert_eq!((same.id, &again), (source.id, &secret), "{kind}");
        let renew = async || {
            let once = once("b", "POST /api/v1/crm/sources/{id}/secret");
            sources::renew(platform, &owner, once, source.id).await
        };
        let renewed = renew().await.expect(kind);
        assert_ne!(renewed, secret, "{kind}");
        assert_eq!(renew().await.expect(kind), renewed, "{kind}: renewed once");
        let newest = sources::renew(platform, &owner, None, source.id).await;
        assert_ne!(newest.expect(kind), renewed, "{kind}");
        // What somebody made since is shown to them alone.
        for late in [renew().await.err(), add().await.err()] {
            let fault = late.and_then(|refusal| refusal.fault());
            assert_eq!(fault, Some(CONFLICT), "{kind}");
        }
        // Sealed it is its length and a constant: a key, an instant and a mark leave no room for a secret of 70 characters.
        let system = Principal::system("test");
        let largest = "SELECT max(octet_length(answer_sealed))::bigint FROM idempotency_keys";
        let largest = house.count(&system, largest).await;
        assert!(largest < 128, "{kind}: {largest}");
    }
}

#[tokio::test]
async fn a_source_that_is_off_brings_nothing_until_it_is_on_again() {
    for house in houses().await {
        let (kind, platform, owner) = (house.kind, &house.platform, Principal::owner());
        let made = sources::add(platform, &owner, None, "landing".into(), "web".into()).await;
        let (source, secret) = made.expect(kind);
        let body = br#"{"phone":"081234567842"}"#;
        let header = signature::sign(secret.as_bytes(), platform.now().0 / SECOND_NS, body);
        for active in [false, false, true] {
            let switched = sources::switch(platform, &owner, None, source.id, active).await;
            assert_eq!(switched.expect(kind).active, active, "{kind}");
            let listed = sources::list(platform, &owner).await.expect(kind);
            assert_eq!(listed[0].active, active, "{kind}");
            let delivered = sources::verify(platform, source.id, &header, body).await;
            assert_eq!(
                delivered.err().and_then(|refusal| refusal.fault()),
                (!active).then_some(BAD_SIGNATURE),
                "{kind}: {active}"
            );
        }
        let system = Principal::system("test");
        for sql in [
            "SELECT count(*) FROM audit_log WHERE entity_type = 'lead_source' AND action = 'update'",
            "SELECT count(*) FROM events WHERE type = 'crm.source_changed' AND payload ->> 'active' IS NOT NULL",
        ] {
            assert_eq!(
                house.count(&system, sql).await,
                2,
                "{kind}: off and on: {sql}"
            );
        }
        let other = house.organisation("other").await;
        let foreigner = house.person(other, Role::SuperAdmin, None, "Eve").await;
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        for (who, fault) in [(&foreigner, NOT_FOUND), (&boss, FORBIDDEN)] {
            let refused = sources::switch(platform, who, None, source.id, false).await;
            assert_eq!(
                refused.expect_err("not theirs").fault(),
                Some(fault),
                "{kind}: {:?}",
                who.role
            );
        }
    }
}

#[tokio::test]
async fn nobody_on_leave_gets_a_lead_and_who_is_back_gets_what_waits() {
    for house in houses().await {
        let (kind, platform, owner) = (house.kind, &house.platform, Principal::owner());
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        let team = house.team(HOUSE, "Bandung", boss.user()).await;
        let boss = Principal {
            teams: vec![team],
            ..boss
        };
        let ayu = agent(&house, Some(team), "Ayu").await;
        let user = ayu.user().expect("a person");
        let kept = take(&house, told(Some(&number(1)), None, None)).await.lead;
        staff::set_leave(platform, &boss, None, user, true)
            .await
            .expect(kind);
        let waits = take(&house, told(Some(&number(2)), None, None)).await.lead;
        assert_eq!(
            (
                seen(&house, kept).await.lead.assigned_to,
                seen(&house, waits).await.lead.assigned_to
            ),
            (Some(user), None),
            "{kind}: what she has stays hers"
        );
        let given = assignment::assign(platform, &owner, None, waits, Some(user), None).await;
        assert_eq!(
            given.expect_err("away").fault(),
            Some(NOT_AVAILABLE),
            "{kind}"
        );
        let seats = assignment::seats(platform, &ayu).await.expect(kind).seats;
        assert_eq!(
            (seats[0].on_leave, seats[0].agent.available),
            (true, false),
            "{kind}"
        );
        // Not by herself, not by another team's manager, not by another house.
        let elsewhere = house.team(HOUSE, "Medan", None).await;
        let tono = house
            .person(HOUSE, Role::SalesManager, Some(elsewhere), "Tono")
            .await;
        let other = house.organisation("other").await;
        let foreigner = house.person(other, Role::SuperAdmin, None, "Eve").await;
        for (who, fault) in [
            (&ayu, FORBIDDEN),
            (&tono, NOT_FOUND),
            (&foreigner, NOT_FOUND),
        ] {
            let refused = staff::set_leave(platform, who, None, user, false).await;
            assert_eq!(
                refused.expect_err("not theirs").fault(),
                Some(fault),
                "{kind}: {:?}",
                who.role
            );
        }
        staff::set_leave(platform, &boss, None, user, false)
            .await
            .expect(kind);
        let drained = assignment::drain_pool(platform, HOUSE).await.expect(kind);
        assert_eq!(drained, 1, "{kind}");
        assert_eq!(
            seen(&house, waits).await.lead.assigned_to,
            Some(user),
            "{kind}"
        );
        let system = Principal::system("test");
        let told = "SELECT count(*) FROM events WHERE type = 'crm.agent_changed' AND payload ->> 'on_leave' IS NOT NULL";
        assert_eq!(house.count(&system, told).await, 2, "{kind}");
        // What is old enough loses the person whom it names; of what names nobody it would be kept.
        for (of, sql) in [
            (
                "notices",
                "SELECT count(*) FROM events WHERE type = 'crm.notice' AND subject_id = (payload ->> 'user_id')::uuid",
            ),
            (
                "seats",
                "SELECT count(*) FROM events WHERE type = 'crm.agent_changed' AND payload ->> 'on_leave' IS NULL AND subject_id = (payload ->> 'user_id')::uuid",
            ),
        ] {
            assert!(house.count(&system, sql).await > 0, "{kind}: {of}");
        }
        let unnamed = "SELECT count(*) FROM events WHERE type IN ('crm.notice', 'crm.agent_changed') AND subject_id IS DISTINCT FROM (payload ->> 'user_id')::uuid";
        assert_eq!(house.count(&system, unnamed).await, 0, "{kind}");
        let named = house
            .count(
                &system,
                "SELECT count(*) FROM audit_log AS a JOIN users AS u ON u.id::text = a.actor_id WHERE a.entity_type = 'user' AND u.role = 'sales_manager'",
            )
            .await;
        assert_eq!(named, 2, "{kind}: the log names who had it done");
    }
}

#[tokio::test]
async fn a_manager_is_told_whom_of_their_teams_to_make_an_agent() {
    for house in houses().await {
        let (kind, platform) = (house.kind, &house.platform);
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        let team = house.team(HOUSE, "Bandung", boss.user()).await;
        let boss = Principal {
            teams: vec![team],
            ..boss
        };
        let elsewhere = house.team(HOUSE, "Medan", None).await;
        agent(&house, Some(team), "Ayu").await;
        let bima = house
            .person(HOUSE, Role::SalesAgent, Some(team), "Bima")
            .await;
        house
            .person(HOUSE, Role::SalesAgent, Some(elsewhere), "Citra")
            .await;
        house.person(HOUSE, Role::CsStaff, Some(team), "Dewi").await;
        let names = async |by: &Principal| {
            let found = staff::candidates(platform, by).await?;
            let mut names: Vec<_> = found.into_iter().filter_map(|one| one.name).collect();
            names.sort();
            Ok::<_, Refusal>(names)
        };
        assert_eq!(
            names(&boss).await.expect(kind),
            ["Bima"],
            "{kind}: no agent, no stranger, nobody of another desk"
        );
        assert_eq!(
            names(&Principal::owner()).await.expect(kind),
            ["Bima", "Citra", "Rina"],
            "{kind}"
        );
        let auditor = house.person(HOUSE, Role::Auditor, None, "Fitri").await;
        for who in [&bima, &auditor] {
            let refused = names(who).await.expect_err("manages nobody");
            assert_eq!(refused.fault(), Some(FORBIDDEN), "{kind}: {:?}", who.role);
        }
    }
}

#[tokio::test]
async fn notices_that_were_not_read_are_counted_beyond_any_page_and_to_an_end() {
    for house in houses().await {
        let (kind, platform) = (house.kind, &house.platform);
        let ayu = house.person(HOUSE, Role::SalesAgent, None, "Ayu").await;
        let bima = house.person(HOUSE, Role::SalesAgent, None, "Bima").await;
        let notices = async |of: &Principal, count: i64| {
            let user = of.user().expect("a person");
            house
                .system(move |tx| {
                    tx.execute(
                        sqlx::query(
                            "INSERT INTO crm_notices (id, org_id, user_id, kind, told, created_at)
                             SELECT gen_random_uuid(), $1, $2, 'hot', 'n' || n, now() FROM generate_series(1, $3) AS n",
                        )
                        .bind(HOUSE)
                        .bind(user)
                        .bind(count),
                    )
                })
                .await
        };
        notices(&ayu, 123).await;
        assert_eq!(
            notice::unread(platform, &ayu).await.expect(kind),
            123,
            "{kind}"
        );
        let page = Paging::of(None, Some(1)).expect("a page");
        let newest = notice::list(platform, &ayu, true, page).await.expect(kind);
        notice::read(platform, &ayu, None, newest.items[0].id)
            .await
            .expect(kind);
        assert_eq!(
            notice::unread(platform, &ayu).await.expect(kind),
            122,
            "{kind}"
        );
        assert_eq!(
            notice::unread(platform, &bima).await.expect(kind),
            0,
            "{kind}: others' are not theirs"
        );
        notices(&bima, notice::UNREAD_MAX + 1).await;
        assert_eq!(
            notice::unread(platform, &bima).await.expect(kind),
            notice::UNREAD_MAX,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_lead_that_is_no_client_has_a_subject_whose_data_are_exported() {
    for house in houses().await {
        let (kind, platform, owner) = (house.kind, &house.platform, Principal::owner());
        let partner = house.person(HOUSE, Role::IbPartner, None, "Putri").await;
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        let team = house.team(HOUSE, "Bandung", boss.user()).await;
        let boss = Principal {
            teams: vec![team],
            ..boss
        };
        let ayu = agent(&house, Some(team), "Ayu").await;
        let auditor = house.person(HOUSE, Role::Auditor, None, "Fitri").await;
        let mut capture = told(Some(&number(1)), None, Some("Sari"));
        capture.referrer = partner.user();
        let lead = take(&house, capture).await.lead;
        let shown = async |by: &Principal| view::one(platform, by, lead).await;
        let subject = shown(&owner).await.expect(kind).subject;
        let subject = subject.expect("an administrator sees it");
        assert_ne!(subject, lead, "{kind}");
        for (who, sees) in [
            (&ayu, true),
            (&auditor, true),
            (&boss, false),
            (&partner, false),
        ] {
            let seen = shown(who).await.expect(kind).subject;
            assert_eq!(seen, sees.then_some(subject), "{kind}: {:?}", who.role);
        }
        let stores = handlers::engines().stores;
        let export = erasure::export(platform, &owner, &stores, subject).await;
        let export = export.expect(kind).to_string();
        assert!(
            export.contains("Sari") && export.contains(&number(1)),
            "{kind}: {export}"
        );
        let nobody = new_id(platform.now());
        let refused = erasure::export(platform, &owner, &stores, nobody).await;
        assert_eq!(
            refused.expect_err("nobody").fault(),
            Some(NOT_FOUND),
            "{kind}"
        );
    }
}
