//! A lead's way: moved by what happens, counted by facts, told of once.

use std::sync::Arc;

use serde_json::json;
use siaga_platform::crm::faults::{BAD_MOVE, NOT_BY_HAND, REASON_MISSING};
use siaga_platform::crm::outreach::{self, first_word_text};
use siaga_platform::crm::work::NoteKind;
use siaga_platform::crm::{ByMessenger, FactKind, Follow, Outreach, Stage, moves, view, work};
use siaga_platform::handlers;
use siaga_platform::identity::messenger::FileSink;
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::outbox::{Handlers, Publisher};
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::STALE;

use super::floor::{agent, happen, number, seen, take, told};
use crate::ground::desk::houses;

#[tokio::test]
async fn what_a_client_does_moves_the_lead_to_the_end() {
    for house in houses().await {
        let sales = agent(&house, None, "Ayu").await;
        let client = house.client("Sari").await;
        let user = client.user().expect("a person");
        let lead = take(
            &house,
            told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari")),
        )
        .await
        .lead;
        assert_eq!(
            seen(&house, lead).await.lead.user,
            Some(user),
            "{}: they meet by the address",
            house.kind
        );
        let case = new_id(house.platform.now());
        let about = json!({"user_id": user});
        for (event, stage) in [
            ("kyc.submitted", Stage::Kyc),
            ("kyc.rejected", Stage::Kyc),
            ("kyc.submitted", Stage::Kyc),
            ("kyc.approved", Stage::Verified),
            ("cash.requested", Stage::Deposit),
            ("cash.confirmed", Stage::Active),
            ("kyc.submitted", Stage::Active),
        ] {
            let mut payload = about.clone();
            if event.starts_with("cash") {
                payload["kind"] = json!("deposit");
            }
            happen(&house.platform, event, case, payload).await;
            assert_eq!(
                seen(&house, lead).await.lead.stage,
                stage,
                "{}: {event}",
                house.kind
            );
        }
        let figures = view::dashboard(&house.platform, &sales)
            .await
            .expect("figures");
        assert_eq!(
            (figures.total[3], figures.converted, figures.kyc),
            (1, 1, (1, 1)),
            "{}",
            house.kind
        );
        let board = view::board(&house.platform, &sales).await.expect("a board");
        assert_eq!(
            board.iter().map(|column| column.total).collect::<Vec<_>>(),
            [0, 0, 0, 0, 0, 1]
        );
        let system = Principal::system("test");
        assert_eq!(
            house
                .count(&system, "SELECT active_leads::bigint FROM sales_agents")
                .await,
            0,
            "{}: a client is no active lead",
            house.kind
        );
    }
}

#[tokio::test]
async fn hands_move_in_order_and_override_with_a_reason() {
    for house in houses().await {
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        let team = house.team(HOUSE, "Bandung", boss.user()).await;
        let sales = agent(&house, Some(team), "Ayu").await;
        let boss = Principal {
            teams: vec![team],
            ..boss
        };
        let lead = take(&house, told(Some(&number(1)), None, None)).await.lead;
        let step = async |by: &Principal, to, reason: Option<&str>, revision| {
            moves::move_lead(
                &house.platform,
                by,
                None,
                lead,
                to,
                reason.map(str::to_owned),
                revision,
            )
            .await
        };
        let skip = step(&sales, Stage::Demo, None, None).await;
        assert_eq!(
            skip.expect_err("in order").fault(),
            Some(BAD_MOVE),
            "{}",
            house.kind
        );
        step(&sales, Stage::Contacted, None, None)
            .await
            .expect("in order");
        step(&sales, Stage::Interested, None, None)
            .await
            .expect("in order");
        let late = step(&sales, Stage::Demo, None, Some(1)).await;
        assert_eq!(late.expect_err("stale").fault(), Some(STALE));
        let silent = step(&boss, Stage::New, None, None).await;
        assert_eq!(silent.expect_err("no reason").fault(), Some(REASON_MISSING));
        step(&boss, Stage::New, Some("wrong number"), None)
            .await
            .expect("an override");
        assert_eq!(seen(&house, lead).await.lead.stage, Stage::New);
        // A call contacts a new lead: by the event, as the first word of the system does.
        work::note(
            &house.platform,
            &sales,
            None,
            lead,
            NoteKind::Call,
            "Reached her".into(),
        )
        .await
        .expect("a note");
        happen(
            &house.platform,
            "lead.outreach_sent",
            lead,
            json!({"lead_id": lead}),
        )
        .await;
        assert_eq!(
            seen(&house, lead).await.lead.stage,
            Stage::Contacted,
            "{}",
            house.kind
        );
    }
}

#[tokio::test]
async fn the_manager_is_told_once_for_each_rise_above_eighty() {
    for house in houses().await {
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        let team = house.team(HOUSE, "Bandung", boss.user()).await;
        let sales = agent(&house, Some(team), "Ayu").await;
        let mut capture = told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari"));
        capture.city = Some("Bandung".into());
        let lead = take(&house, capture).await.lead;
        let program = Principal::system("test");
        assert_eq!(
            seen(&house, lead).await.lead.score,
            35,
            "{}: name, city, source",
            house.kind
        );
        let typed = work::add_fact(
            &house.platform,
            &sales,
            None,
            lead,
            FactKind::PhoneVerified,
            "me".into(),
            String::new(),
        )
        .await;
        assert_eq!(
            typed.expect_err("a check gives it").fault(),
            Some(NOT_BY_HAND)
        );
        for (kind, score) in [
            (FactKind::PhoneVerified, 60),
            (FactKind::EmailDeliverable, 80),
            (FactKind::Interest, 100),
        ] {
            work::add_fact(
                &house.platform,
                &program,
                None,
                lead,
                kind,
                "check".into(),
                String::new(),
            )
            .await
            .expect("a fact");
            assert_eq!(seen(&house, lead).await.lead.score, score, "{}", house.kind);
            let told = house
                .count(
                    &program,
                    "SELECT count(*) FROM crm_notices WHERE kind = 'score'",
                )
                .await;
            assert_eq!(told, i64::from(score > 80), "{}: at {score}", house.kind);
        }
        // A new number takes the proof of the old one away; proved again, the score rises again.
        let edit = moves::Edit {
            phone: Some(number(2)),
            ..moves::Edit::default()
        };
        moves::edit(&house.platform, &sales, None, lead, edit)
            .await
            .expect("a new number");
        assert_eq!(seen(&house, lead).await.lead.score, 75, "{}", house.kind);
        work::add_fact(
            &house.platform,
            &program,
            None,
            lead,
            FactKind::PhoneVerified,
            "check".into(),
            String::new(),
        )
        .await
        .expect("a fact");
        assert_eq!(
            house
                .count(
                    &program,
                    "SELECT count(*) FROM crm_notices WHERE kind = 'score'"
                )
                .await,
            2,
            "{}",
            house.kind
        );
    }
}

#[tokio::test]
async fn after_a_day_without_action_the_first_word_is_put_on_its_way_once() {
    for house in houses().await {
        agent(&house, None, "Ayu").await;
        take(&house, told(None, Some("sari@contoh.id"), Some("Sari"))).await;
        let mail = [true, false, false];
        let sweep = async || {
            outreach::sweep(&house.platform, HOUSE, mail)
                .await
                .expect("swept")
        };
        house.pass(24 * 3_600 - 60);
        assert_eq!(sweep().await, 0, "{}: not before a day", house.kind);
        house.pass(120);
        let (one, two) = tokio::join!(sweep(), sweep());
        assert_eq!(
            one + two,
            1,
            "{}: once, also when two programs look",
            house.kind
        );
        assert_eq!(
            outreach::watch_terms(&house.platform, HOUSE)
                .await
                .expect("watched"),
            1
        );
        assert_eq!(
            outreach::watch_terms(&house.platform, HOUSE)
                .await
                .expect("watched"),
            0,
            "{}: told once",
            house.kind
        );
        assert!(first_word_text(Some("Sari")).1.contains("Sari"));
        // It goes the way of codes, and moves the lead on.
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("messages.ndjson");
        let courier = Arc::new(ByMessenger::new(Arc::new(FileSink::new(path.clone()))));
        let handlers = Handlers {
            subscribers: vec![Arc::new(Follow)],
            effects: vec![Arc::new(Outreach::new(courier))],
        };
        let publisher = Publisher::new(&house.platform, handlers);
        while publisher.step().await.expect(house.kind) > 0 {}
        let written = std::fs::read_to_string(&path).expect("there");
        assert_eq!(
            (written.lines().count(), written.contains("sari@contoh.id")),
            (1, true),
            "{}",
            house.kind
        );
        let stage = house
            .count(
                &Principal::system("test"),
                "SELECT count(*) FROM leads WHERE stage = 'contacted'",
            )
            .await;
        assert_eq!(stage, 1, "{}", house.kind);
    }
}

#[tokio::test]
async fn an_erasure_leaves_a_lead_that_names_nobody() {
    for house in houses().await {
        let client = house.client("Sari").await;
        let user = client.user().expect("a person");
        let lead = take(
            &house,
            told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari")),
        )
        .await
        .lead;
        let program = Principal::system("test");
        for sql in [
            format!(
                "INSERT INTO tasks (id, org_id, lead_id, due_date) VALUES (gen_random_uuid(), '{HOUSE}', '{lead}', now())"
            ),
            format!(
                "INSERT INTO lead_deals (id, org_id, lead_id, expected_usd_cents) VALUES (gen_random_uuid(), '{HOUSE}', '{lead}', 100)"
            ),
        ] {
            assert_eq!(house.attempt(&program, sql).await, Ok(1), "{}", house.kind);
        }
        // A city that came into the clear past what keeps it out.
        house
            .intrude(format!(
                "SET LOCAL app.current_user_id = 'system'; ALTER TABLE leads DISABLE TRIGGER leads_territory;
                 UPDATE leads SET territory = 'bandung' WHERE id = '{lead}';"
            ))
            .await;
        let stores = handlers::engines().stores;
        let leads = stores
            .iter()
            .find(|store| store.name() == "leads")
            .expect("the CRM plugs in")
            .clone();
        house
            .platform
            .command(&program, move |unit| leads.erase(unit, user))
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", house.kind));
        for sql in [
            "SELECT count(*) FROM tasks WHERE status <> 'done'",
            "SELECT count(*) FROM lead_deals WHERE status = 'open'",
            "SELECT count(*) FROM leads WHERE territory IS NOT NULL",
        ] {
            assert_eq!(house.count(&program, sql).await, 0, "{}: {sql}", house.kind);
        }
        let lead = seen(&house, lead).await;
        assert_eq!(
            (lead.known.name, lead.known.phone, lead.known.email),
            (None, None, None),
            "{}",
            house.kind
        );
        assert_eq!(house.count(&program, "SELECT count(*) FROM leads WHERE phone_index IS NOT NULL OR email_index IS NOT NULL").await, 0);
        // The same contact is a new lead now.
        assert_ne!(
            take(&house, told(Some(&number(1)), None, None)).await.lead,
            lead.lead.id
        );
    }
}
