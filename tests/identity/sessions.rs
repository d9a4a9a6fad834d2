//! A person's sessions from sign-in to end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use siaga_platform::identity::faults::{
    CODE_USED, REFRESH_REUSED, SESSION_ENDED, SESSION_IDLE, SESSION_REPLACED, TOKEN_EXPIRED,
    TOKEN_INVALID,
};
use siaga_platform::identity::permissions::DESK_READ;
use siaga_platform::identity::{Contact, Method, Proof, SignedIn, Visit, totp};
use siaga_platform::spread::{self, Word};
use siaga_risk::units::Ts;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use crate::house::{House, PASSWORD, api, fault};

/// Nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// The tabs of a browser ask at once and go on; a copy that comes later ends the session for both.
#[tokio::test(flavor = "multi_thread")]
async fn a_copied_refresh_token_ends_the_session() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let visit = api();
        let refresh = |token: &str| house.identity.refresh(token.to_owned(), &visit);
        let first = match refresh(&opened.refresh).await {
            Ok(renewed) => renewed,
            Err(refusal) => panic!("{}: {refusal}", house.kind),
        };
        house.pass(9);
        let again = refresh(&opened.refresh).await;
        assert_eq!(
            again.ok().map(|renewed| renewed.refresh),
            Some(first.refresh.clone()),
            "{}: another tab gets the same token",
            house.kind
        );
        house.pass(2);
        assert_eq!(
            fault(refresh(&opened.refresh).await),
            Some(REFRESH_REUSED),
            "{}",
            house.kind
        );
        assert_eq!(
            fault(refresh(&first.refresh).await),
            Some(REFRESH_REUSED),
            "{}: the owner, too",
            house.kind
        );
        assert_eq!(
            fault(house.identity.who(&first.access, None, None).await),
            Some(REFRESH_REUSED),
            "{}",
            house.kind
        );
    }
}

/// Whoever takes a token within the grace holds the token that its owner holds, and the second of them to come with it
/// ends the session.
#[tokio::test(flavor = "multi_thread")]
async fn a_thief_who_is_quick_is_found_at_the_next_refresh() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let visit = api();
        let refresh = async |token: &str| {
            let renewed = house.identity.refresh(token.to_owned(), &visit).await;
            renewed.map(|renewed| renewed.refresh)
        };
        let Ok(owners) = refresh(&opened.refresh).await else {
            panic!("{}: not refreshed", house.kind);
        };
        house.pass(5);
        let thiefs = refresh(&opened.refresh).await.ok();
        assert_eq!(thiefs.as_ref(), Some(&owners), "{}: no branch", house.kind);
        house.pass(10 * 60);
        let next = refresh(&owners).await.ok();
        assert!(next.is_some(), "{}", house.kind);
        house.pass(3);
        // Late by the first token's time, and early by this one's: still the one line.
        assert_eq!(refresh(&owners).await.ok(), next, "{}", house.kind);
        house.pass(60);
        assert_eq!(
            fault(refresh(&owners).await),
            Some(REFRESH_REUSED),
            "{}: the thief comes second",
            house.kind
        );
        assert_eq!(
            fault(refresh(&next.unwrap_or_default()).await),
            Some(REFRESH_REUSED),
            "{}",
            house.kind
        );
    }
}

/// Tabs of a browser that come with a token whose successor was used already get the newest one.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_tab_gets_the_newest_token() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let visit = api();
        let refresh = async |token: &str| {
            let renewed = house.identity.refresh(token.to_owned(), &visit).await;
            renewed.map(|renewed| renewed.refresh).ok()
        };
        let second = refresh(&opened.refresh).await.unwrap_or_default();
        house.pass(2);
        let third = refresh(&second).await;
        assert!(third.is_some(), "{}", house.kind);
        house.pass(2);
        assert_eq!(refresh(&opened.refresh).await, third, "{}", house.kind);
        house.pass(10 * 60);
        assert!(
            refresh(&third.unwrap_or_default()).await.is_some(),
            "{}",
            house.kind
        );
    }
}

/// What a stream was opened by may end in another process, by time, or because nobody asks for anything any more.
#[tokio::test(flavor = "multi_thread")]
async fn streams_end_with_sessions_and_keys_wherever_those_end() {
    for house in House::all().await {
        let [looking, asking, elsewhere] = [
            house.register("sari").await,
            house.register("budi").await,
            house.register("dewi").await,
        ];
        let seen = house
            .identity
            .who(&looking.access, None, None)
            .await
            .expect("signed in");
        let scopes = vec![DESK_READ.name.into()];
        let key = house
            .identity
            .make_key(&seen.principal, "robot".into(), scopes, Some(1))
            .await
            .unwrap_or_else(|refusal| panic!("{}: {refusal}", house.kind));
        let sessions = [looking.session, asking.session, elsewhere.session];
        let held = |at: Ts| {
            let mut held: BTreeMap<Uuid, Ts> = sessions.into_iter().map(|id| (id, Ts(0))).collect();
            held.insert(key.row.id, Ts(0));
            held.insert(asking.session, at);
            held
        };
        let mut ends = house.identity.ends();
        let mut told = || {
            let mut told = Vec::new();
            while let Ok(end) = ends.try_recv() {
                told.push(end);
            }
            told.sort_unstable();
            told
        };
        let look = async |at: Ts| match house.identity.look_after(&held(at)).await {
            Ok(over) => over,
            Err(refusal) => panic!("{}: {refusal}", house.kind),
        };
        assert_eq!(look(Ts(0)).await, 0, "{}: all stand", house.kind);
        let other = house.another_process();
        let by = other
            .who(&elsewhere.access, None, None)
            .await
            .expect("signed in");
        let signed_out = other.end_session(&by.principal, elsewhere.session).await;
        assert!(signed_out.is_ok(), "{}", house.kind);
        assert_eq!(look(Ts(0)).await, 1, "{}", house.kind);
        assert_eq!(told(), [elsewhere.session], "{}", house.kind);
        house.pass(20 * 60);
        let asked = house.now();
        look(asked).await;
        house.pass(15 * 60);
        look(asked).await;
        let mut over = told();
        over.retain(|id| *id != elsewhere.session);
        assert_eq!(over, [looking.session], "{}: who only looks", house.kind);
        assert_eq!(
            fault(house.identity.who(&looking.access, None, None).await),
            Some(TOKEN_EXPIRED),
            "{}",
            house.kind
        );
        house.pass(24 * 3_600);
        look(house.now()).await;
        assert!(told().contains(&key.row.id), "{}: over by time", house.kind);
    }
}

/// Programs on one server tell each other what ended, so nobody goes on for the seconds until the next look.
#[tokio::test(flavor = "multi_thread")]
async fn another_program_hears_at_once_that_a_session_ended() {
    for house in House::all().await {
        if !house.database.db.is_server() {
            continue;
        }
        let other = Arc::new(house.another_process());
        let (stop, stopped) = watch::channel(false);
        let hearing = tokio::spawn(spread::hear(
            other.platform().clone(),
            Arc::clone(&other),
            stopped,
        ));
        let mut ends = other.ends();
        // It hears once its connection stands: said until then.
        let probe = Word::End(Uuid::from_u128(7));
        let heard = timeout(PATIENCE, async {
            loop {
                let said = spread::say(house.identity.platform(), std::slice::from_ref(&probe));
                assert!(said.await.is_ok());
                if timeout(Duration::from_millis(100), ends.recv())
                    .await
                    .is_ok()
                {
                    return;
                }
            }
        });
        assert!(heard.await.is_ok(), "nothing was heard");
        let opened = house.register("sari").await;
        let by = other
            .who(&opened.access, None, None)
            .await
            .expect("signed in");
        let ended = house.identity.end_session(&by.principal, opened.session);
        assert!(ended.await.is_ok());
        let told = timeout(PATIENCE, async {
            while ends.recv().await.expect("it hears") != opened.session {}
        });
        assert!(told.await.is_ok(), "its streams end");
        assert_eq!(
            fault(other.who(&opened.access, None, None).await),
            Some(SESSION_ENDED)
        );
        stop.send_replace(true);
        hearing.await.expect("it ends");
    }
}

/// A token lives a quarter of an hour, a session half an hour behind its last request.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_sessions_end_by_time() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        assert!(house.identity.who(&opened.access, None, None).await.is_ok());
        house.pass(15 * 60 + 10);
        assert_eq!(
            fault(house.identity.who(&opened.access, None, None).await),
            Some(TOKEN_EXPIRED),
            "{}",
            house.kind
        );
        let Ok(renewed) = house.identity.refresh(opened.refresh, &api()).await else {
            panic!("{}: not refreshed", house.kind);
        };
        house.pass(30 * 60);
        assert_eq!(
            fault(house.identity.refresh(renewed.refresh, &api()).await),
            Some(SESSION_IDLE),
            "{}",
            house.kind
        );
        let changed = format!("{}x", renewed.access);
        assert_eq!(
            fault(house.identity.who(&changed, None, None).await),
            Some(TOKEN_INVALID),
            "{}",
            house.kind
        );
    }
}

/// A tab that is left open asks for news and new tokens by itself: that is nobody's presence, and the last act of a person counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_tab_at_which_nobody_sits_is_idle() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let poll = async |access: &str| {
            let seen = house.identity.who_at(access, None, None, None, true);
            fault(seen.await)
        };
        let alone = Visit {
            unattended: true,
            ..api()
        };
        assert!(house.identity.who(&opened.access, None, None).await.is_ok());
        house.pass(2);
        // Within the seconds for which a session is believed unread.
        assert!(house.identity.who(&opened.access, None, None).await.is_ok());
        let (mut access, mut refresh) = (opened.access, opened.refresh);
        for _ in 0..2 {
            house.pass(14 * 60);
            assert_eq!(poll(&access).await, None, "{}", house.kind);
            let renewed = match house.identity.refresh(refresh, &alone).await {
                Ok(renewed) => renewed,
                Err(refusal) => panic!("{}: {refusal}", house.kind),
            };
            (access, refresh) = (renewed.access, renewed.refresh);
        }
        house.pass(2 * 60 - 1);
        assert_eq!(
            poll(&access).await,
            None,
            "{}: one second is left of half an hour",
            house.kind
        );
        house.pass(6);
        assert_eq!(
            poll(&access).await,
            Some(SESSION_IDLE),
            "{}: nobody asked for any of it",
            house.kind
        );
    }
}

/// The fourth sign-in ends the oldest session, which is told why.
#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_session_is_told_that_it_was_replaced() {
    for house in House::all().await {
        let oldest = house.register("sari").await;
        for _ in 0..3 {
            house.pass(1);
            assert!(
                house
                    .identity
                    .sign_in("sari@contoh.id", PASSWORD.into(), &api())
                    .await
                    .is_ok()
            );
        }
        assert_eq!(
            fault(house.identity.who(&oldest.access, None, None).await),
            Some(SESSION_REPLACED),
            "{}",
            house.kind
        );
    }
}

/// An administrator sets an app up, signs in with it, and a code is worth one sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_app_is_taken_once() {
    for house in House::all().await {
        let opened = house.administrator().await;
        assert!(opened.enrol, "{}: staff need a second factor", house.kind);
        let seen = house
            .identity
            .who(&opened.access, None, None)
            .await
            .expect("signed in");
        assert!(seen.enrol && !seen.principal.mfa);
        let secret = match house.identity.begin_totp(&seen.principal).await {
            Ok(secret) => unbase32(&secret.secret),
            Err(refusal) => panic!("{}: {refusal}", house.kind),
        };
        let code = |at: u64| {
            totp::hotp(
                totp::Hash::Sha1,
                &secret,
                totp::counter(at, totp::STEP_S),
                totp::DIGITS,
            )
        };
        let now_s = || house.now().0 / 1_000_000_000;
        let codes = house
            .identity
            .confirm_totp(&seen.principal, opened.session, code(now_s()))
            .await
            .expect("confirmed");
        assert_eq!(codes.len(), 10);
        assert!(
            house
                .identity
                .who(&opened.access, None, None)
                .await
                .expect("signed in")
                .principal
                .mfa,
            "{}",
            house.kind
        );
        house.pass(60);
        let waiting = async || match house
            .identity
            .sign_in("kepala@contoh.id", PASSWORD.into(), &api())
            .await
        {
            Ok(SignedIn::Confirm(waiting)) => waiting,
            _ => panic!("{}: a second factor is asked for", house.kind),
        };
        let asked = waiting().await;
        assert_eq!(asked.methods, [Method::Totp, Method::Recovery]);
        let used = code(now_s());
        assert!(
            house
                .identity
                .confirm(
                    asked.challenge,
                    Proof::Code(Method::Totp, used.clone()),
                    &api()
                )
                .await
                .is_ok(),
            "{}",
            house.kind
        );
        let again = house
            .identity
            .confirm(
                waiting().await.challenge,
                Proof::Code(Method::Totp, used),
                &api(),
            )
            .await;
        assert_eq!(fault(again), Some(CODE_USED), "{}", house.kind);
        let paper = Proof::Code(Method::Recovery, codes[0].to_lowercase());
        assert!(
            house
                .identity
                .confirm(waiting().await.challenge, paper.clone(), &api())
                .await
                .is_ok(),
            "{}",
            house.kind
        );
        assert!(
            house
                .identity
                .confirm(waiting().await.challenge, paper, &api())
                .await
                .is_err(),
            "{}: paper is used up",
            house.kind
        );
    }
}

/// Who registered confirms the address; a forgotten password ends every session.
#[tokio::test(flavor = "multi_thread")]
async fn codes_by_mail_confirm_and_let_in_anew() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let seen = house
            .identity
            .who(&opened.access, None, None)
            .await
            .expect("signed in");
        let person = house
            .identity
            .confirm_contact(
                &seen.principal,
                Contact::Email,
                house.code("sari@contoh.id"),
                &api(),
            )
            .await
            .expect("right");
        assert_eq!(person.standing.name(), "active", "{}", house.kind);
        house
            .identity
            .forgot_password("SARI@contoh.id", &api())
            .await
            .expect("sent");
        let code = house.code("sari@contoh.id");
        house
            .identity
            .reset_password(
                "sari@contoh.id",
                code.clone(),
                "Gajah-Hijau-91!".into(),
                &api(),
            )
            .await
            .expect("set");
        assert_eq!(
            fault(house.identity.who(&opened.access, None, None).await),
            Some(SESSION_ENDED),
            "{}",
            house.kind
        );
        assert!(
            house
                .identity
                .reset_password("sari@contoh.id", code, "Macan-Putih-12!".into(), &api())
                .await
                .is_err(),
            "{}: once",
            house.kind
        );
        assert!(
            house
                .identity
                .sign_in("sari@contoh.id", "Gajah-Hijau-91!".into(), &api())
                .await
                .is_ok(),
            "{}",
            house.kind
        );
    }
}

/// A key may what it was made for, and ends when it is revoked.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_is_narrowed_and_revoked() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let seen = house
            .identity
            .who(&opened.access, None, None)
            .await
            .expect("signed in");
        let Ok(made) = house
            .identity
            .make_key(
                &seen.principal,
                "robot".into(),
                vec![DESK_READ.name.into()],
                None,
            )
            .await
        else {
            panic!("{}: not made", house.kind);
        };
        let by_key = house
            .identity
            .who(&made.text, None, None)
            .await
            .expect("a key");
        assert_eq!(
            by_key.principal.narrowed.as_deref(),
            Some(&[DESK_READ.name.to_owned()][..]),
            "{}",
            house.kind
        );
        assert!(!by_key.principal.mfa && by_key.session.is_none());
        assert!(
            house
                .identity
                .make_key(
                    &by_key.principal,
                    "another".into(),
                    vec![DESK_READ.name.into()],
                    None
                )
                .await
                .is_err()
        );
        house
            .identity
            .revoke_key(&seen.principal, made.row.id)
            .await
            .expect("revoked");
        assert_eq!(
            fault(house.identity.who(&made.text, None, None).await),
            Some(TOKEN_INVALID),
            "{}",
            house.kind
        );
    }
}

pub fn unbase32(text: &str) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0u32);
    for letter in text.bytes() {
        let value = if letter.is_ascii_uppercase() {
            letter - b'A'
        } else {
            letter - b'2' + 26
        };
        bits = (bits << 5) | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(((bits >> held) & 0xff) as u8);
        }
    }
    bytes
}
