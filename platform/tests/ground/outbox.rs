//! What happened reaches everybody who wants it: in order, once, and after every crash.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_nats::jetstream;
use serde_json::json;
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::outbox::{
    ATTEMPTS_MAX, Effect, EffectError, Event, Handlers, Nats, Publisher, Running, Stored,
    Subscriber, failed, retry,
};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{CONFLICT, FORBIDDEN, NOT_FOUND, Refusal};
use siaga_platform::unit::{Platform, Unit};
use siaga_platform::values::bound;
use uuid::Uuid;

use super::desk::{House, houses};
use crate::services;

/// Writes a row for each event, so that a second application would be seen.
struct Ledger;

impl Subscriber for Ledger {
    fn name(&self) -> &'static str {
        "ledger"
    }

    fn wants(&self, kind: &str) -> bool {
        kind.starts_with("lead.")
    }

    fn apply(&self, unit: &mut Unit<'_, '_>, event: &Stored) -> Result<(), Refusal> {
        if event.kind == "lead.refused" {
            return Err(CONFLICT.because("the ledger takes no such lead"));
        }
        let (id, org, now) = (new_id(unit.now()), unit.by().org, unit.now());
        unit.tx().execute(
            sqlx::query("INSERT INTO consents (id, org_id, subject_id, purpose, granted, source, text_version, recorded_by, created_at) VALUES ($1, $2, $3, $4, true, 'x', 'x', 'x', $5)")
                .bind(id)
                .bind(org)
                .bind(event.aggregate_id)
                .bind(event.payload["n"].to_string())
                .bind(bound(now)),
        )?;
        Ok(())
    }
}

/// Notes what it gets, and fails when told.
#[derive(Default)]
struct Mail {
    sent: Mutex<Vec<(Uuid, String)>>,
    broken: AtomicBool,
    tries: AtomicU32,
}

impl Effect for Mail {
    fn name(&self) -> &'static str {
        "mail"
    }

    fn wants(&self, kind: &str) -> bool {
        kind.starts_with("lead.")
    }

    fn run<'a>(&'a self, _platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            self.tries.fetch_add(1, Ordering::Relaxed);
            if self.broken.load(Ordering::Relaxed) {
                return Err(EffectError::Later("the server is away".into()));
            }
            let mut sent = self.sent.lock().expect("the list");
            sent.push((event.aggregate_id, event.payload["n"].to_string()));
            Ok(())
        })
    }
}

impl Mail {
    fn sent_of(&self, lead: Uuid) -> Vec<String> {
        let sent = self.sent.lock().expect("the list");
        sent.iter()
            .filter(|(of, _)| *of == lead)
            .map(|(_, n)| n.clone())
            .collect()
    }
}

fn publisher(house: &House, mail: &Arc<Mail>) -> Publisher {
    let handlers = Handlers {
        subscribers: vec![Arc::new(Ledger)],
        effects: vec![mail.clone()],
    };
    Publisher::new(&house.platform, handlers)
}

async fn emit(house: &House, lead: Uuid, kind: &'static str, n: u32) {
    let by = Principal::owner();
    let emitted = house.platform.command(&by, move |unit| {
        unit.emit(Event::new(kind, "lead", lead, json!({"n": n})));
        Ok(())
    });
    emitted
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind));
}

/// Hands on until nothing is due, at most so many times.
async fn hand_on(publisher: &Publisher, kind: &str) -> usize {
    let mut claimed = 0;
    for _ in 0..100 {
        match publisher
            .step()
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"))
        {
            0 => return claimed,
            some => claimed += some,
        }
    }
    panic!("{kind}: the outbox does not empty");
}

#[tokio::test]
async fn events_of_one_lead_come_in_order_and_each_is_applied_once() {
    for house in houses().await {
        let (a, b) = (new_id(house.platform.now()), new_id(house.platform.now()));
        for n in 0..10 {
            emit(&house, a, "lead.moved", n).await;
            emit(&house, b, "lead.moved", n).await;
        }
        let mail = Arc::new(Mail::default());
        let claimed = hand_on(&publisher(&house, &mail), house.kind).await;
        assert_eq!(claimed, 20, "{}", house.kind);
        let order: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        assert_eq!(mail.sent_of(a), order, "{}", house.kind);
        assert_eq!(mail.sent_of(b), order, "{}", house.kind);
        let system = Principal::system("test");
        assert_eq!(
            house.count(&system, "SELECT count(*) FROM consents").await,
            20,
            "{}",
            house.kind
        );
        assert_eq!(house.count(&system, "SELECT count(*) FROM events WHERE status = 'published' AND published_at IS NOT NULL AND attempts = 1").await, 20);
        assert_eq!(
            house
                .count(&system, "SELECT count(*) FROM event_receipts")
                .await,
            40,
            "{}: one of each for each",
            house.kind
        );
    }
}

#[tokio::test]
async fn two_programs_share_the_work_and_double_nothing() {
    for house in houses().await {
        let leads: Vec<Uuid> = (0..5).map(|_| new_id(house.platform.now())).collect();
        for n in 0..8 {
            for lead in &leads {
                emit(&house, *lead, "lead.moved", n).await;
            }
        }
        let mail = Arc::new(Mail::default());
        let (one, two) = (publisher(&house, &mail), publisher(&house, &mail));
        let (one, two) = tokio::join!(hand_on(&one, house.kind), hand_on(&two, house.kind));
        // Who found nothing due while the other held the rest may end early; the rest is the other's.
        hand_on(&publisher(&house, &mail), house.kind).await;
        assert!(one + two <= 40, "{}", house.kind);
        let order: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        for lead in &leads {
            assert_eq!(mail.sent_of(*lead), order, "{}", house.kind);
        }
        assert_eq!(
            house
                .count(&Principal::system("test"), "SELECT count(*) FROM consents")
                .await,
            40,
            "{}",
            house.kind
        );
    }
}

#[tokio::test]
async fn what_cannot_go_waits_longer_each_time_and_holds_back_its_own_lead_alone() {
    for house in houses().await {
        let (a, b) = (new_id(house.platform.now()), new_id(house.platform.now()));
        emit(&house, a, "lead.moved", 1).await;
        emit(&house, a, "lead.moved", 2).await;
        let mail = Arc::new(Mail::default());
        mail.broken.store(true, Ordering::Relaxed);
        let publisher = publisher(&house, &mail);
        assert_eq!(publisher.step().await.expect(house.kind), 1);
        assert_eq!(
            publisher.step().await.expect(house.kind),
            0,
            "{}: a second is not over",
            house.kind
        );
        mail.broken.store(false, Ordering::Relaxed);
        emit(&house, b, "lead.moved", 1).await;
        hand_on(&publisher, house.kind).await;
        assert_eq!(
            (mail.sent_of(a).len(), mail.sent_of(b).len()),
            (0, 1),
            "{}",
            house.kind
        );
        house.pass(2);
        hand_on(&publisher, house.kind).await;
        assert_eq!(mail.sent_of(a), ["1", "2"], "{}", house.kind);
        let system = Principal::system("test");
        let rows = house.count(&system, "SELECT count(*) FROM consents").await;
        assert_eq!(
            rows, 3,
            "{}: the ledger, which had it, got it once",
            house.kind
        );
        assert_eq!(
            house
                .count(&system, "SELECT max(attempts)::bigint FROM events")
                .await,
            2
        );
    }
}

#[tokio::test]
async fn a_program_that_died_holding_an_event_leaves_it_to_the_next() {
    for house in houses().await {
        let lead = new_id(house.platform.now());
        emit(&house, lead, "lead.moved", 1).await;
        let mail = Arc::new(Mail::default());
        // Claimed, and never heard of again.
        house
            .system(|tx| tx.execute(sqlx::query("UPDATE events SET next_attempt_at = next_attempt_at + interval '120 seconds' WHERE status = 'pending'")))
            .await;
        let publisher = publisher(&house, &mail);
        assert_eq!(
            publisher.step().await.expect(house.kind),
            0,
            "{}: it may still be at work",
            house.kind
        );
        house.pass(121);
        assert_eq!(
            publisher.step().await.expect(house.kind),
            1,
            "{}",
            house.kind
        );
        assert_eq!(mail.sent_of(lead), ["1"]);
    }
}

#[tokio::test]
async fn what_never_goes_waits_for_a_person() {
    for house in houses().await {
        let (kind, lead) = (house.kind, new_id(house.platform.now()));
        emit(&house, lead, "lead.refused", 1).await;
        emit(&house, lead, "lead.moved", 2).await;
        let mail = Arc::new(Mail::default());
        let publisher = publisher(&house, &mail);
        hand_on(&publisher, kind).await;
        assert_eq!(
            mail.sent_of(lead),
            ["1", "2"],
            "{kind}: a failed event does not hold back the others"
        );
        let owner = Principal::owner();
        let paging = Paging::of(None, None).expect("a page");
        let page = failed(&house.platform, &owner, paging).await.expect(kind);
        assert_eq!(page.items.len(), 1, "{kind}");
        let (event, reason) = &page.items[0];
        assert!(
            reason
                .as_deref()
                .is_some_and(|reason| reason.contains("ledger: ")),
            "{kind}: {reason:?}"
        );
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        assert_eq!(
            retry(&house.platform, &agent, None, event.id)
                .await
                .expect_err("no")
                .fault(),
            Some(FORBIDDEN)
        );
        let none = retry(&house.platform, &owner, None, Uuid::nil()).await;
        assert_eq!(none.expect_err("no such event").fault(), Some(NOT_FOUND));
        retry(&house.platform, &owner, None, event.id)
            .await
            .expect(kind);
        hand_on(&publisher, kind).await;
        assert_eq!(
            mail.sent_of(lead).len(),
            2,
            "{kind}: who had it does not get it twice"
        );
        let who = house.count(&Principal::system("test"), "SELECT count(*) FROM audit_log WHERE entity_type = 'event' AND actor_id <> 'system'").await;
        assert_eq!(who, 1, "{kind}: who asked stands in the log");
    }
}

#[tokio::test]
async fn an_event_that_fails_for_half_a_day_waits_for_a_person_too() {
    for house in houses().await {
        let lead = new_id(house.platform.now());
        emit(&house, lead, "lead.moved", 1).await;
        let mail = Arc::new(Mail::default());
        mail.broken.store(true, Ordering::Relaxed);
        let publisher = publisher(&house, &mail);
        for _ in 0..ATTEMPTS_MAX {
            assert_eq!(publisher.step().await.expect(house.kind), 1);
            house.pass(3_700);
        }
        assert_eq!(
            publisher.step().await.expect(house.kind),
            0,
            "{}",
            house.kind
        );
        assert_eq!(mail.tries.load(Ordering::Relaxed), ATTEMPTS_MAX);
        assert_eq!(
            house
                .count(
                    &Principal::system("test"),
                    "SELECT count(*) FROM events WHERE status = 'failed'"
                )
                .await,
            1
        );
    }
}

#[tokio::test]
async fn the_publisher_is_nudged_and_ends_when_told() {
    for house in houses().await {
        let mail = Arc::new(Mail::default());
        let (halt, stop) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(publisher(&house, &mail).run(stop));
        let lead = new_id(house.platform.now());
        emit(&house, lead, "lead.moved", 1).await;
        wait_until(|| async { mail.sent_of(lead).len() == 1 }).await;
        halt.send_replace(true);
        task.await.expect("it ends");
    }
}

/// Looks again and again; a test that waits for more than half a minute hangs.
async fn wait_until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), looking).await;
    waited.expect("it comes to pass");
}

#[tokio::test]
async fn other_processes_get_events_from_nats_once_and_in_order() {
    let Some(server) = services::nats() else {
        return;
    };
    let url = format!("nats://127.0.0.1:{}", server.port);
    for (n, house) in houses().await.into_iter().enumerate() {
        let lead = new_id(house.platform.now());
        for n in 0..5 {
            emit(&house, lead, "lead.moved", n).await;
        }
        let handlers = Handlers {
            subscribers: Vec::new(),
            effects: vec![Arc::new(Nats::at(&url))],
        };
        let publisher = Publisher::new(&house.platform, handlers);
        assert_eq!(hand_on(&publisher, house.kind).await, 5, "{}", house.kind);
        // The receipts are lost, as by a crash behind the sending: everything is sent again.
        house
            .system(|tx| {
                tx.execute(sqlx::query("DELETE FROM event_receipts"))?;
                tx.execute(sqlx::query("UPDATE events SET status = 'pending', next_attempt_at = time WHERE source_seq IS NULL"))
            })
            .await;
        assert_eq!(hand_on(&publisher, house.kind).await, 5, "{}", house.kind);
        let client = async_nats::connect(&url).await.expect("NATS");
        let context = jetstream::new(client);
        let mut stream = context
            .get_stream("SIAGA_EVENTS")
            .await
            .expect("the stream");
        let info = stream.info().await.expect("its state");
        assert_eq!(
            info.state.messages,
            5 * (n as u64 + 1),
            "{}: sent twice, kept once",
            house.kind
        );
        let mut got = Vec::new();
        for sequence in 5 * n as u64 + 1..=5 * (n as u64 + 1) {
            let message = stream.get_raw_message(sequence).await.expect("a message");
            assert_eq!(message.subject.as_str(), "siaga.events.lead.moved");
            let body: serde_json::Value = serde_json::from_slice(&message.payload).expect("JSON");
            assert_eq!(body["aggregate_id"], lead.to_string());
            got.push(body["payload"]["n"].as_u64().expect("a number"));
        }
        assert_eq!(got, [0, 1, 2, 3, 4], "{}", house.kind);
    }
}

#[tokio::test]
async fn events_wait_while_nats_is_away() {
    let Some(server) = services::nats() else {
        return;
    };
    let port = server.port;
    drop(server);
    for house in houses().await {
        let lead = new_id(house.platform.now());
        emit(&house, lead, "lead.moved", 1).await;
        let handlers = Handlers {
            subscribers: Vec::new(),
            effects: vec![Arc::new(Nats::at(&format!(
                "nats://user:secret@127.0.0.1:{port}"
            )))],
        };
        let publisher = Publisher::new(&house.platform, handlers);
        assert_eq!(publisher.step().await.expect(house.kind), 1);
        let reason: (String, String) = house
            .system(|tx| {
                tx.one(sqlx::query_as(
                    "SELECT status, last_error FROM events WHERE source_seq IS NULL",
                ))
            })
            .await;
        assert_eq!(reason.0, "pending", "{}", house.kind);
        assert!(
            reason.1.contains("nats: ") && !reason.1.contains("secret"),
            "{}: {}",
            house.kind,
            reason.1
        );
    }
}

/// A server that does not answer: it takes its time and gives nothing.
struct Slow {
    house: Arc<House>,
    tries: AtomicU32,
}

impl Effect for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn wants(&self, kind: &str) -> bool {
        kind.starts_with("lead.")
    }

    fn run<'a>(&'a self, _platform: &'a Platform, _event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            self.tries.fetch_add(1, Ordering::Relaxed);
            self.house.pass(10);
            Err(EffectError::Later("no answer in time".into()))
        })
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_costs_one_wait_a_round_and_not_one_an_event() {
    for house in houses().await {
        let house = Arc::new(house);
        for n in 0..5 {
            emit(&house, new_id(house.platform.now()), "lead.moved", n).await;
        }
        let mail = Arc::new(Mail::default());
        let slow = Arc::new(Slow {
            house: Arc::clone(&house),
            tries: AtomicU32::new(0),
        });
        let handlers = Handlers {
            subscribers: vec![Arc::new(Ledger)],
            effects: vec![slow.clone(), mail.clone()],
        };
        let publisher = Publisher::new(&house.platform, handlers);
        assert_eq!(publisher.step().await.expect(house.kind), 5);
        assert_eq!(slow.tries.load(Ordering::Relaxed), 1, "{}", house.kind);
        assert_eq!(
            mail.sent.lock().expect("the list").len(),
            5,
            "{}: the others had theirs",
            house.kind
        );
        let system = Principal::system("test");
        assert_eq!(
            house
                .count(
                    &system,
                    "SELECT count(*) FROM events WHERE status = 'pending'"
                )
                .await,
            5,
            "{}: it is tried again",
            house.kind
        );
    }
}
