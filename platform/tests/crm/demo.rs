//! A client tries with play money: one account, no documents, and the lead goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use siaga_platform::accounts::{self, Own, demo};
use siaga_platform::aml::cash::{self, NewCash};
use siaga_platform::core_door::{CoreDoor, CoreRefusal};
use siaga_platform::crm::Stage;
use siaga_platform::kyc::AccountPlan;
use siaga_platform::people::Principal;
use siaga_platform::refusal::{CONFLICT, FORBIDDEN, INVALID, NOT_FOUND};
use siaga_platform::unit::Platform;
use siaga_risk::event::Body;
use siaga_risk::ids::ActorId;
use siaga_risk::units::{Leverage, Money};
use siaga_risk::verdict::Reject;

use super::floor::{agent, happen, number, seen, take, told};
use crate::ground::desk::{House, houses};

/// Ten thousand dollars.
const BALANCE: Money = Money(1_000_000);

/// A core that remembers the references of money, and may be away.
#[derive(Default)]
struct Books {
    taken: Mutex<Vec<Body>>,
    is_away: AtomicBool,
}

impl CoreDoor for Books {
    fn send(
        &self,
        _actor: ActorId,
        body: Body,
    ) -> Pin<Box<dyn Future<Output = Result<u64, CoreRefusal>> + Send + '_>> {
        Box::pin(async move {
            if self.is_away.load(Ordering::Relaxed) {
                return Err(CoreRefusal::Later("no answer in time".into()));
            }
            let mut taken = self.taken.lock().expect("nobody panicked");
            if let Body::Cash(cash) = &body
                && taken.iter().any(|known| matches!(known, Body::Cash(known) if (known.account, known.reference) == (cash.account, cash.reference)))
            {
                return Err(CoreRefusal::Refused(Reject::AlreadyExists.name().to_owned()));
            }
            taken.push(body);
            Ok(taken.len() as u64)
        })
    }
}

fn with_books(house: &House) -> (Arc<Books>, Platform) {
    let books = Arc::new(Books::default());
    let (clock, door) = (house.platform.clone(), books.clone());
    let platform = Platform::new(
        house.db().clone(),
        house.platform.keyring().clone(),
        Arc::new(move || clock.now()),
        door,
    );
    (books, platform)
}

#[tokio::test]
async fn play_money_is_given_once_and_takes_the_lead_to_its_stage() {
    for house in houses().await {
        let (books, platform) = with_books(&house);
        let kind = house.kind;
        agent(&house, None, "Ayu").await;
        let client = house.client("Sari").await;
        let user = client.user().expect("a person");
        let lead = take(
            &house,
            told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari")),
        )
        .await
        .lead;
        let plan = AccountPlan::default();
        let open = || demo::open(&platform, &client, &plan, BALANCE, Leverage::of(50));
        books.is_away.store(true, Ordering::Relaxed);
        let away = open().await.expect_err(kind);
        assert_eq!(away.fault(), Some(CONFLICT), "{kind}");
        books.is_away.store(false, Ordering::Relaxed);
        let (one, two) = tokio::join!(open(), open());
        let account = one.expect(kind);
        assert_eq!(two.expect(kind), account, "{kind}");
        assert_eq!(open().await.expect(kind), account, "{kind}");
        let taken = books.taken.lock().expect("nobody panicked").clone();
        let mut deposits = Vec::new();
        for body in taken {
            match body {
                Body::Account(terms) => {
                    assert_eq!(
                        (terms.id.0, terms.link, terms.leverage),
                        (account, plan.link, Leverage::of(50)),
                        "{kind}"
                    );
                }
                Body::Cash(cash) => deposits.push((cash.account.0, cash.amount)),
                other => panic!("{kind}: {other:?}"),
            }
        }
        assert_eq!(deposits, [(account, BALANCE)], "{kind}");
        let own = accounts::own(&platform, &client).await.expect(kind);
        let play = Own {
            account,
            demo: true,
        };
        assert_eq!(own, [play], "{kind}");
        let live = accounts::opened(&platform, &client).await;
        assert_eq!(
            live.expect_err(kind).fault(),
            Some(CONFLICT),
            "{kind}: a live one takes documents"
        );
        let system = Principal::system("test");
        let told = "SELECT count(*) FROM events WHERE type = 'account.opened'";
        assert_eq!(house.count(&system, told).await, 1, "{kind}");
        let payload: String = house
            .system(|tx| {
                tx.scalar(sqlx::query_scalar(
                    "SELECT payload::text FROM events WHERE type = 'account.opened'",
                ))
            })
            .await;
        let payload = serde_json::from_str(&payload).expect("JSON");
        happen(&platform, "account.opened", user, payload).await;
        assert_eq!(seen(&house, lead).await.lead.stage, Stage::Demo, "{kind}");
    }
}

#[tokio::test]
async fn play_money_is_nobody_elses_and_never_paid_out() {
    for house in houses().await {
        let (books, platform) = with_books(&house);
        let kind = house.kind;
        let sari = house.client("Sari").await;
        let budi = house.client("Budi").await;
        let plan = AccountPlan::default();
        let open = |by| demo::open(&platform, by, &plan, BALANCE, Leverage::NONE);
        let account = open(&sari).await.expect(kind);
        let others = open(&budi).await.expect(kind);
        assert_ne!(account, others, "{kind}");
        for (number, is_demo) in [(account, true), (others, true), (7, false)] {
            let known = demo::is_demo(&platform, number).await.expect(kind);
            assert_eq!(known, is_demo, "{kind}: {number}");
        }
        let crossed = accounts::is_own(&platform, &budi, account).await;
        assert_eq!(crossed.expect_err(kind).fault(), Some(NOT_FOUND), "{kind}");
        for movement in ["deposit", "withdrawal"] {
            let asked = NewCash {
                account,
                kind: movement.into(),
                currency: "USD".into(),
                amount: 5_000,
                usd_cents: 5_000,
                method: "bank".into(),
                payer: None,
                note: String::new(),
            };
            let refused = cash::request(&platform, &sari, None, asked).await;
            assert_eq!(
                refused.expect_err(kind).fault(),
                Some(INVALID),
                "{kind}: {movement}"
            );
        }
        let sales = agent(&house, None, "Ayu").await;
        let refused = open(&sales).await.expect_err(kind);
        assert_eq!(refused.fault(), Some(FORBIDDEN), "{kind}");
        let fresh = house.client("Tono").await;
        let user = fresh.user();
        house
            .system(move |tx| {
                let query = sqlx::query("UPDATE users SET status = 'pending' WHERE id = $1");
                tx.execute(query.bind(user))
            })
            .await;
        let before = books.taken.lock().expect("nobody panicked").len();
        let refused = open(&fresh).await.expect_err(kind);
        assert_eq!(
            refused.fault(),
            Some(CONFLICT),
            "{kind}: the address is not confirmed"
        );
        let after = books.taken.lock().expect("nobody panicked").len();
        assert_eq!(before, after, "{kind}");
    }
}
