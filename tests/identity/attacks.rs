//! Ways in that were tried and are shut.

use std::sync::Arc;

use siaga_platform::identity::faults::{
    CODE_WRONG, LOCKED_OUT, REFRESH_REUSED, TOKEN_INVALID, WRONG_CREDENTIALS,
};
use siaga_platform::identity::permissions::DESK_READ;
use siaga_platform::identity::{
    Client, Contact, Identity, Method, Proof, RoleChange, SignedIn, Visit, totp,
};
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{FORBIDDEN, NEEDS_MFA, NOT_FOUND};
use siaga_platform::{erasure, handlers, retention};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::house::{House, PASSWORD, api, done, fault};
use crate::sessions::unbase32;

/// The password of whoever comes second.
const ANOTHER: &str = "Gajah-Hijau-91!";

fn code(house: &House, secret: &[u8]) -> String {
    totp::hotp(
        totp::Hash::Sha1,
        secret,
        totp::counter(house.now().0 / 1_000_000_000, totp::STEP_S),
        totp::DIGITS,
    )
}

/// A desk whose own clock is an hour ahead of the wall, as after a start that found its journal there: apps count by the wall.
#[tokio::test(flavor = "multi_thread")]
async fn codes_of_an_app_count_by_the_wall_clock() {
    for house in House::all().await {
        let (shown, own) = (house.now().0 - 3_600 * 1_000_000_000, house.now().0);
        let platform = house.identity.platform().clone();
        let platform = platform.with_wall(Arc::new(move || Ts(shown)));
        let desk = Identity::new(platform, house.identity.settings().clone()).expect("set up");
        let sari = house.register("sari").await;
        let seen = done(&house, desk.who(&sari.access, None, None).await);
        let secret = unbase32(&done(&house, desk.begin_totp(&seen.principal).await).secret);
        let of = |ns: u64| {
            let step = totp::counter(ns / 1_000_000_000, totp::STEP_S);
            totp::hotp(totp::Hash::Sha1, &secret, step, totp::DIGITS)
        };
        let confirm = async |code: String| {
            let confirmed = desk.confirm_totp(&seen.principal, sari.session, code);
            fault(confirmed.await)
        };
        assert_eq!(confirm(of(own)).await, Some(CODE_WRONG), "{}", house.kind);
        assert_eq!(confirm(of(shown)).await, None, "{}", house.kind);
    }
}

/// Whoever registers another's address first, with an app and a key of their own, has nothing left when the owner of the mailbox comes.
#[tokio::test(flavor = "multi_thread")]
async fn who_registered_anothers_address_keeps_no_way_in() {
    for house in House::all().await {
        let squatter = house.register("sari").await;
        let seen = done(
            &house,
            house.identity.who(&squatter.access, None, None).await,
        );
        let key = done(
            &house,
            house
                .identity
                .make_key(
                    &seen.principal,
                    "robot".into(),
                    vec![DESK_READ.name.into()],
                    None,
                )
                .await,
        );
        let secret =
            unbase32(&done(&house, house.identity.begin_totp(&seen.principal).await).secret);
        done(
            &house,
            house
                .identity
                .confirm_totp(&seen.principal, squatter.session, code(&house, &secret))
                .await,
        );
        done(
            &house,
            house
                .identity
                .forgot_password("sari@contoh.id", &api())
                .await,
        );
        let sent = house.code("sari@contoh.id");
        done(
            &house,
            house
                .identity
                .reset_password("sari@contoh.id", sent, ANOTHER.into(), &api())
                .await,
        );
        assert_eq!(
            fault(house.identity.who(&key.text, None, None).await),
            Some(TOKEN_INVALID),
            "{}: the key",
            house.kind
        );
        assert!(
            house
                .identity
                .who(&squatter.access, None, None)
                .await
                .is_err(),
            "{}: the session",
            house.kind
        );
        assert_eq!(
            fault(
                house
                    .identity
                    .sign_in("sari@contoh.id", PASSWORD.into(), &api())
                    .await
            ),
            Some(WRONG_CREDENTIALS),
            "{}",
            house.kind
        );
        let opened = done(
            &house,
            house
                .identity
                .sign_in("sari@contoh.id", ANOTHER.into(), &api())
                .await,
        );
        assert!(
            matches!(opened, SignedIn::Open(_)),
            "{}: no code of the other's app is asked for",
            house.kind
        );
    }
}

/// A session without a second factor brings none of its own where the person has one; confirmed, it does.
#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_session_is_not_confirmed_by_a_factor_of_its_own() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let seen = done(&house, house.identity.who(&opened.access, None, None).await);
        done(
            &house,
            house
                .identity
                .confirm_contact(
                    &seen.principal,
                    Contact::Email,
                    house.code("sari@contoh.id"),
                    &api(),
                )
                .await,
        );
        assert_eq!(
            fault(house.identity.begin_totp(&seen.principal).await),
            Some(NEEDS_MFA),
            "{}",
            house.kind
        );
        let waiting = done(
            &house,
            house
                .identity
                .begin_confirmation(&seen.principal, opened.session)
                .await,
        );
        done(
            &house,
            house
                .identity
                .send_confirmation(waiting.challenge.clone(), Method::Email, &api())
                .await,
        );
        let proof = Proof::Code(Method::Email, house.code("sari@contoh.id"));
        // What the last request says of itself moves no token of a program into cookies, nor one of a browser into a body.
        let browser = Visit {
            client: Client::Browser,
            ..api()
        };
        match done(
            &house,
            house
                .identity
                .confirm(waiting.challenge, proof, &browser)
                .await,
        ) {
            SignedIn::Open(confirmed) => {
                assert_eq!(confirmed.client, Client::Api, "{}", house.kind)
            }
            SignedIn::Confirm(_) => panic!("{}: it was confirmed", house.kind),
        }
        let seen = done(&house, house.identity.who(&opened.access, None, None).await);
        assert!(seen.principal.mfa, "{}", house.kind);
        done(&house, house.identity.begin_totp(&seen.principal).await);
    }
}

/// A client's key does not become a dealer's when its owner becomes one.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_with_the_role_it_was_made_under() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let seen = done(&house, house.identity.who(&opened.access, None, None).await);
        let key = done(
            &house,
            house
                .identity
                .make_key(
                    &seen.principal,
                    "robot".into(),
                    vec![DESK_READ.name.into()],
                    None,
                )
                .await,
        );
        let mut ends = house.identity.ends();
        let owner = Principal::owner();
        let person = done(
            &house,
            house.identity.person(&owner, opened.person.id).await,
        );
        let change = RoleChange {
            role: Role::Dealer,
            team: Some(None),
            revision: person.revision,
        };
        done(
            &house,
            house
                .identity
                .give_role(&owner, None, opened.person.id, change)
                .await,
        );
        assert_eq!(
            fault(house.identity.who(&key.text, None, None).await),
            Some(TOKEN_INVALID),
            "{}",
            house.kind
        );
        let told = [
            ends.try_recv().expect("the session"),
            ends.try_recv().expect("the key"),
        ];
        assert_eq!(
            told,
            [opened.session, key.row.id],
            "{}: streams of both end",
            house.kind
        );
    }
}

/// A key does what it was made for, of its owner's own things too.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_its_owner() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let seen = done(&house, house.identity.who(&opened.access, None, None).await);
        let key = done(
            &house,
            house
                .identity
                .make_key(
                    &seen.principal,
                    "robot".into(),
                    vec![DESK_READ.name.into()],
                    None,
                )
                .await,
        );
        let by_key = done(&house, house.identity.who(&key.text, None, None).await);
        assert_eq!(
            (by_key.session, by_key.key),
            (None, Some(key.row.id)),
            "{}",
            house.kind
        );
        let (platform, stores) = (house.identity.platform(), handlers::engines().stores);
        let told =
            fault(erasure::export(platform, &by_key.principal, &stores, opened.person.id).await);
        assert_eq!(
            told,
            Some(FORBIDDEN),
            "{}: nobody's data leave by a key for prices",
            house.kind
        );
        assert_eq!(fault(by_key.principal.in_person()), Some(FORBIDDEN));
        let owner = house
            .identity
            .person(&by_key.principal, opened.person.id)
            .await;
        let owner = done(&house, owner);
        assert_ne!(
            owner.email, opened.person.email,
            "{}: whose it is, and no address of theirs",
            house.kind
        );
        assert!(
            erasure::export(platform, &seen.principal, &stores, opened.person.id)
                .await
                .is_ok(),
            "{}: she herself",
            house.kind
        );
    }
}

/// Whoever administers another organisation reads and ends nobody of this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_subject_of_another_organisation_does_not_exist() {
    for house in House::all().await {
        let sari = house.register("sari").await.person.id;
        let stranger = Principal {
            org: Uuid::from_u128(0x77),
            ..Principal::owner()
        };
        let (platform, stores) = (house.identity.platform(), handlers::engines().stores);
        assert_eq!(
            fault(erasure::export(platform, &stranger, &stores, sari).await),
            Some(NOT_FOUND),
            "{}",
            house.kind
        );
        assert_eq!(
            fault(erasure::request(platform, &stranger, sari, erasure::Kind::Erasure).await),
            Some(NOT_FOUND),
            "{}",
            house.kind
        );
        assert_eq!(
            fault(erasure::list(platform, &stranger, sari).await),
            Some(NOT_FOUND),
            "{}",
            house.kind
        );
        let held = retention::place(
            platform,
            &stranger,
            "erasure".into(),
            Some(sari),
            "a case".into(),
        )
        .await;
        assert_eq!(fault(held), Some(NOT_FOUND), "{}", house.kind);
    }
}

/// An administrator's password without the second factor ends no session but its own.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_sign_in_ends_nobody_elses_session() {
    for house in House::all().await {
        let sari = house.register("sari").await;
        let opened = house.administrator().await;
        let half = done(&house, house.identity.who(&opened.access, None, None).await).principal;
        assert_eq!(
            fault(house.identity.end_session(&half, sari.session).await),
            Some(NOT_FOUND),
            "{}",
            house.kind
        );
        let whole = Principal { mfa: true, ..half };
        done(
            &house,
            house.identity.end_session(&whole, sari.session).await,
        );
    }
}

/// An address that nobody has is answered as one that somebody has, in words and in work.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_says_whether_there_is_such_an_address() {
    for house in House::all().await {
        house.register("sari").await;
        let mut told = Vec::new();
        for email in ["sari@contoh.id", "nobody@contoh.id"] {
            let reset = house
                .identity
                .reset_password(email, "000000".into(), ANOTHER.into(), &api())
                .await
                .expect_err("refused");
            let weak = house
                .identity
                .reset_password(email, "000000".into(), "short".into(), &api())
                .await
                .expect_err("refused");
            let wrong = house
                .identity
                .sign_in(email, ANOTHER.into(), &api())
                .await
                .err()
                .expect("refused");
            assert_eq!(reset.fault(), Some(CODE_WRONG), "{}", house.kind);
            told.push([reset.to_string(), weak.to_string(), wrong.to_string()]);
        }
        assert_eq!(told[0], told[1], "{}", house.kind);
        let counted = house
            .identity
            .platform()
            .read(&Principal::system("test"), |tx| {
                Ok(tx.scalar(sqlx::query_scalar::<_, i64>("SELECT count(*) FROM audit_log WHERE entity_type = 'session' AND entity_id = 'none'"))?)
            })
            .await;
        assert_eq!(
            done(&house, counted),
            2,
            "{}: both attempts are noted",
            house.kind
        );
    }
}

/// A new code each minute is not five guesses each minute.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_a_code_that_confirms_an_address_are_five() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let seen = done(&house, house.identity.who(&opened.access, None, None).await);
        let home = crate::house::from("192.0.2.99");
        let guess = |code: &str| {
            house
                .identity
                .confirm_contact(&seen.principal, Contact::Email, code.to_owned(), &home)
        };
        for _ in 0..5 {
            assert_eq!(
                fault(guess("00000x").await),
                Some(CODE_WRONG),
                "{}",
                house.kind
            );
        }
        house.pass(61);
        done(
            &house,
            house
                .identity
                .send_contact_code(&seen.principal, Contact::Email, &api())
                .await,
        );
        assert_eq!(
            fault(guess(&house.code("sari@contoh.id")).await),
            Some(LOCKED_OUT),
            "{}",
            house.kind
        );
        house.pass(15 * 60);
        done(
            &house,
            house
                .identity
                .send_contact_code(&seen.principal, Contact::Email, &api())
                .await,
        );
        done(&house, guess(&house.code("sari@contoh.id")).await);
    }
}

/// The tabs of a browser that refresh at the same moment stay in one session, which ends whole when a copy shows.
#[tokio::test(flavor = "multi_thread")]
async fn refreshes_at_once_leave_one_family() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let refreshing: Vec<_> = (0..8)
            .map(|_| {
                let (identity, token) = (house.identity.clone(), opened.refresh.clone());
                tokio::spawn(async move { identity.refresh(token, &api()).await })
            })
            .collect();
        let mut renewed = Vec::new();
        for refreshed in refreshing {
            let refreshed = done(&house, refreshed.await.expect("no panic"));
            assert_eq!(refreshed.session, opened.session, "{}", house.kind);
            renewed.push(refreshed);
        }
        house.pass(11);
        assert_eq!(
            fault(house.identity.refresh(opened.refresh, &api()).await),
            Some(REFRESH_REUSED),
            "{}",
            house.kind
        );
        for refreshed in renewed {
            assert_eq!(
                fault(house.identity.refresh(refreshed.refresh, &api()).await),
                Some(REFRESH_REUSED),
                "{}",
                house.kind
            );
        }
    }
}

/// One code of the app opens one session, however many show it at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_app_at_once_is_taken_once() {
    for house in House::all().await {
        let opened = house.administrator().await;
        let seen = done(&house, house.identity.who(&opened.access, None, None).await);
        let secret =
            unbase32(&done(&house, house.identity.begin_totp(&seen.principal).await).secret);
        done(
            &house,
            house
                .identity
                .confirm_totp(&seen.principal, opened.session, code(&house, &secret))
                .await,
        );
        house.pass(60);
        let mut showing = Vec::new();
        // Fewer than lock, so that what refuses is the code alone.
        for _ in 0..4 {
            let SignedIn::Confirm(waiting) = done(
                &house,
                house
                    .identity
                    .sign_in("kepala@contoh.id", PASSWORD.into(), &api())
                    .await,
            ) else {
                panic!("{}: a second factor is asked for", house.kind);
            };
            let (identity, proof) = (
                house.identity.clone(),
                Proof::Code(Method::Totp, code(&house, &secret)),
            );
            showing.push(tokio::spawn(async move {
                identity
                    .confirm(waiting.challenge, proof, &api())
                    .await
                    .is_ok()
            }));
        }
        let mut taken = 0;
        for shown in showing {
            taken += usize::from(shown.await.expect("no panic"));
        }
        assert_eq!(taken, 1, "{}", house.kind);
    }
}

/// Ten who ask for a code at the same moment get one letter.
#[tokio::test(flavor = "multi_thread")]
async fn one_letter_is_sent_however_many_ask() {
    for house in House::all().await {
        house.register("sari").await;
        let before = house.letters("sari@contoh.id");
        let asking: Vec<_> = (0..10)
            .map(|_| {
                let identity = house.identity.clone();
                tokio::spawn(
                    async move { identity.forgot_password("sari@contoh.id", &api()).await },
                )
            })
            .collect();
        for asked in asking {
            done(&house, asked.await.expect("no panic"));
        }
        assert_eq!(
            house.letters("sari@contoh.id"),
            before + 1,
            "{}",
            house.kind
        );
    }
}
