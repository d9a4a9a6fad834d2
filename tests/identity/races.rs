//! Many at once.

use siaga_platform::db::Actor;
use siaga_platform::identity::SignedIn;
use siaga_platform::identity::faults::{
    EMAIL_TAKEN, LOCKED_OUT, SIGN_IN_UNDER_WAY, WRONG_CREDENTIALS,
};
use siaga_platform::identity::{Identity, Registration};

use crate::house::{House, PASSWORD, api, from};

async fn guess(identity: &Identity, n: u32) -> Option<u16> {
    let visit = from(&format!("198.51.100.{n}"));
    let tried = identity
        .sign_in("sari@contoh.id", format!("Salah-Sekali-{n}!"), &visit)
        .await;
    tried
        .err()
        .and_then(|refusal| refusal.fault())
        .map(|fault| fault.code)
}

/// A hundred guesses from a hundred addresses at the same moment are five guesses.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_guesses_at_once_are_five() {
    for house in House::all().await {
        house.register("sari").await;
        let guesses: Vec<_> = (1..=100)
            .map(|n| {
                let identity = house.identity.clone();
                tokio::spawn(async move { guess(&identity, n).await })
            })
            .collect();
        let mut told = Vec::new();
        for guess in guesses {
            told.push(guess.await.expect("no panic"));
        }
        let count = |code: u16| told.iter().filter(|told| **told == Some(code)).count();
        // Whoever came while the five were compared waits for them, whoever came behind them for the lock.
        let refused = count(LOCKED_OUT.code) + count(SIGN_IN_UNDER_WAY.code);
        assert_eq!(
            (count(WRONG_CREDENTIALS.code), refused),
            (5, 95),
            "{}",
            house.kind
        );
        let right = house
            .identity
            .sign_in("sari@contoh.id", PASSWORD.into(), &api())
            .await;
        assert_eq!(
            right.err().and_then(|refusal| refusal.fault()),
            Some(LOCKED_OUT),
            "{}: the right one neither",
            house.kind
        );
        house.pass(15 * 60);
        assert!(
            house
                .identity
                .sign_in("sari@contoh.id", PASSWORD.into(), &api())
                .await
                .is_ok(),
            "{}",
            house.kind
        );
    }
}

/// Ten right passwords at the same moment lock nobody out: some wait until the others are done.
#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_at_once_lock_nobody_out() {
    for house in House::all().await {
        house.register("sari").await;
        for _ in 0..3 {
            let signing_in: Vec<_> = (0..10)
                .map(|_| {
                    let identity = house.identity.clone();
                    tokio::spawn(async move {
                        identity
                            .sign_in("sari@contoh.id", PASSWORD.into(), &api())
                            .await
                            .map(drop)
                    })
                })
                .collect();
            let mut opened = 0;
            for one in signing_in {
                match one.await.expect("no panic") {
                    Ok(()) => opened += 1,
                    Err(refusal) => assert_eq!(
                        refusal.fault(),
                        Some(SIGN_IN_UNDER_WAY),
                        "{}: {refusal}",
                        house.kind
                    ),
                }
            }
            assert!(opened >= 5, "{}: {opened}", house.kind);
        }
        // Nothing of them is counted any more: four wrong ones and a right one are still room.
        for n in 1..5 {
            assert_eq!(
                guess(&house.identity, n).await,
                Some(WRONG_CREDENTIALS.code),
                "{}",
                house.kind
            );
        }
        let right = house
            .identity
            .sign_in("sari@contoh.id", PASSWORD.into(), &api())
            .await;
        assert!(right.is_ok(), "{}", house.kind);
    }
}

/// Ten who register one address at the same moment are one user.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_is_registered_once() {
    for house in House::all().await {
        let registering: Vec<_> = (0..10)
            .map(|n| {
                let identity = house.identity.clone();
                let email = if n % 2 == 0 {
                    "budi@contoh.id"
                } else {
                    "BUDI@Contoh.ID"
                };
                let registration = Registration {
                    email: email.into(),
                    password: PASSWORD.into(),
                    name: "Budi Hartono".into(),
                    phone: "081234567890".into(),
                    locale: None,
                };
                tokio::spawn(async move { identity.register(registration, &api()).await.map(drop) })
            })
            .collect();
        let mut taken = 0;
        for registered in registering {
            match registered.await.expect("no panic") {
                Ok(()) => {}
                Err(refusal) => {
                    assert_eq!(
                        refusal.fault(),
                        Some(EMAIL_TAKEN),
                        "{}: {refusal}",
                        house.kind
                    );
                    taken += 1;
                }
            }
        }
        assert_eq!(taken, 9, "{}", house.kind);
    }
}

/// A hundred sign-ins at the same moment leave at most three sessions, whatever their order.
#[tokio::test(flavor = "multi_thread")]
async fn three_sessions_are_the_most() {
    for house in House::all().await {
        house.register("sari").await;
        // Her first session is the oldest by the clock, not by chance.
        house.pass(1);
        let opening: Vec<_> = (0..100)
            .map(|_| {
                let identity = house.identity.clone();
                tokio::spawn(async move {
                    identity
                        .sign_in("sari@contoh.id", PASSWORD.into(), &api())
                        .await
                })
            })
            .collect();
        let mut tokens = Vec::new();
        for opened in opening {
            // Attempts that meet are counted before they turn out right: some may be told to wait.
            if let Ok(SignedIn::Open(opened)) = opened.await.expect("no panic") {
                tokens.push(opened.access);
            }
        }
        let mut live = 0;
        for token in &tokens {
            live += usize::from(house.identity.who(token, None, None).await.is_ok());
        }
        assert_eq!(live, tokens.len().min(3), "{}", house.kind);
        let held = house
            .database
            .db
            .read(&Actor::SYSTEM, |tx| {
                tx.scalar(sqlx::query_scalar::<_, i64>(
                    "SELECT count(*) FROM sessions WHERE ended_at IS NULL",
                ))
            })
            .await;
        let held = held.expect("counted");
        assert!((1..=3).contains(&held), "{}: {held}", house.kind);
    }
}
