//! A person's sessions from sign-in to end.

use siaga_platform::identity::faults::{
    CODE_USED, REFRESH_REUSED, SESSION_ENDED, SESSION_IDLE, SESSION_REPLACED, TOKEN_EXPIRED,
    TOKEN_INVALID,
};
use siaga_platform::identity::permissions::DESK_READ;
use siaga_platform::identity::{Contact, Method, Proof, SignedIn, totp};
use siaga_platform::refusal::{Fault, Refusal};

use crate::house::{House, PASSWORD, api};

fn fault<T>(answer: Result<T, Refusal>) -> Option<Fault> {
    answer.err().and_then(|refusal| refusal.fault())
}

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
        assert!(
            refresh(&opened.refresh).await.is_ok(),
            "{}: another tab",
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
