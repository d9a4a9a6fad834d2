//! Accounts that others want: by the mailbox alone, by a stolen session, by locking their owner out; and what is on record of it.

use siaga_platform::db::Actor;
use siaga_platform::identity::faults::{CHALLENGE_OVER, CODE_WRONG, LOCKED_OUT, TOO_OFTEN};
use siaga_platform::identity::permissions::DESK_READ;
use siaga_platform::identity::{
    Contact, Correction, Method, Opened, Proof, RoleChange, SignedIn, Waiting, totp,
};
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::NEEDS_MFA;
use uuid::Uuid;

use crate::house::{House, PASSWORD, api, done, fault, from};
use crate::sessions::unbase32;

/// The password of whoever comes second.
pub const ANOTHER: &str = "Gajah-Hijau-91!";

pub async fn principal(house: &House, opened: &Opened) -> Principal {
    let seen = house.identity.who(&opened.access, None, None).await;
    done(house, seen).principal
}

pub fn code(house: &House, secret: &[u8]) -> String {
    let step = totp::counter(house.now().0 / 1_000_000_000, totp::STEP_S);
    totp::hotp(totp::Hash::Sha1, secret, step, totp::DIGITS)
}

/// Sets an app up in a session; its secret. The next code of it is another one.
pub async fn with_app(house: &House, by: &Principal, session: Uuid) -> Vec<u8> {
    let begun = house.identity.begin_totp(by).await;
    let secret = unbase32(&done(house, begun).secret);
    let shown = code(house, &secret);
    let confirmed = house.identity.confirm_totp(by, session, shown).await;
    done(house, confirmed);
    house.pass(60);
    secret
}

/// Sets a password by a code that is sent to the address.
pub async fn reset(house: &House, email: &str) {
    let asked = house.identity.forgot_password(email, &api()).await;
    done(house, asked);
    let sent = house.code(email);
    let set = house
        .identity
        .reset_password(email, sent, ANOTHER.into(), &api())
        .await;
    done(house, set);
}

/// A sign-in that waits for its second factor.
pub async fn waiting(house: &House, email: &str, password: &str) -> Waiting {
    let signed_in = house.identity.sign_in(email, password.into(), &api()).await;
    match done(house, signed_in) {
        SignedIn::Confirm(waiting) => waiting,
        SignedIn::Open(_) => panic!("{}: {email} is asked for a second factor", house.kind),
    }
}

/// Texts of a statement about a person, in its order.
async fn texts(house: &House, sql: &'static str, user: Uuid) -> Vec<String> {
    let read = house
        .identity
        .platform()
        .read(&Principal::system("test"), move |tx| {
            let rows: Vec<(String,)> = tx.all(sqlx::query_as(sql).bind(user))?;
            Ok(rows)
        })
        .await;
    let rows = done(house, read);
    rows.into_iter().map(|(text,)| text).collect()
}

/// The first administrator confirms no address, and neither may somebody who is made staff: a mailbox alone opens the account of neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_no_second_factor_of_staff() {
    for house in House::all().await {
        let head = house.administrator().await;
        let sari = house.register("sari").await;
        let owner = Principal::owner();
        let before = house.identity.person(&owner, sari.person.id).await;
        let change = RoleChange {
            role: Role::Dealer,
            team: Some(None),
            revision: done(&house, before).revision,
        };
        let given = house
            .identity
            .give_role(&owner, None, sari.person.id, change)
            .await;
        done(&house, given);
        let signed_in = house
            .identity
            .sign_in("sari@contoh.id", PASSWORD.into(), &api())
            .await;
        let SignedIn::Open(dealer) = done(&house, signed_in) else {
            panic!("{}: she has no second factor yet", house.kind);
        };
        for (email, opened) in [("kepala@contoh.id", head), ("sari@contoh.id", *dealer)] {
            let by = principal(&house, &opened).await;
            let secret = with_app(&house, &by, opened.session).await;
            reset(&house, email).await;
            let asked = waiting(&house, email, ANOTHER).await;
            assert_eq!(
                asked.methods,
                [Method::Totp, Method::Recovery],
                "{}: {email}",
                house.kind
            );
            let proof = Proof::Code(Method::Totp, code(&house, &secret));
            let confirmed = house.identity.confirm(asked.challenge, proof, &api()).await;
            done(&house, confirmed);
        }
    }
}

/// A session in a thief's hands brings neither a number nor an address of theirs where its owner has anything to confirm with.
#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_session_moves_no_contact_of_who_can_confirm() {
    for house in House::all().await {
        let (opened, kind) = (house.register("sari").await, house.kind);
        let stolen = principal(&house, &opened).await;
        let sent = house.code("sari@contoh.id");
        let confirmed = house
            .identity
            .confirm_contact(&stolen, Contact::Email, sent, &api())
            .await;
        let number = Correction {
            phone: Some("+62 822 2222 2222".into()),
            revision: done(&house, confirmed).revision,
            ..Correction::default()
        };
        let ask = async |by: &Principal| {
            let (email, visit) = ("maling@contoh.id", api());
            let asked = house
                .identity
                .ask_new_address(by, email, PASSWORD.into(), &visit);
            fault(asked.await)
        };
        let moved = house.identity.correct(&stolen, number.clone()).await;
        assert_eq!(fault(moved), Some(NEEDS_MFA), "{kind}");
        assert_eq!(ask(&stolen).await, Some(NEEDS_MFA), "{kind}");
        let herself = Principal {
            mfa: true,
            ..stolen
        };
        let moved = done(&house, house.identity.correct(&herself, number).await);
        assert_eq!(moved.phone.as_deref(), Some("+6282222222222"), "{kind}");
        assert_eq!(ask(&herself).await, None, "{kind}");
    }
}

/// Text messages cost: neither another number nor a code that was used up brings the next one before its minute is over.
#[tokio::test(flavor = "multi_thread")]
async fn another_number_is_no_way_around_the_minute_between_codes() {
    for house in House::all().await {
        let (opened, kind) = (house.register("sari").await, house.kind);
        let by = principal(&house, &opened).await;
        let send = async || {
            let visit = api();
            let sent = house
                .identity
                .send_contact_code(&by, Contact::Phone, &visit);
            fault(sent.await)
        };
        assert_eq!(send().await, None, "{kind}");
        let number = Correction {
            phone: Some("+62 811 1111 1111".into()),
            revision: opened.person.revision,
            ..Correction::default()
        };
        done(&house, house.identity.correct(&by, number).await);
        assert_eq!(send().await, Some(TOO_OFTEN), "{kind}: another number");
        assert_eq!(house.letters("+6281111111111"), 0, "{kind}");
        house.pass(60);
        assert_eq!(send().await, None, "{kind}");
        let sent = house.code("+6281111111111");
        let confirmed = house
            .identity
            .confirm_contact(&by, Contact::Phone, sent, &api())
            .await;
        done(&house, confirmed);
        assert_eq!(send().await, Some(TOO_OFTEN), "{kind}: a used code");
        house.pass(60);
        assert_eq!(send().await, None, "{kind}");
    }
}

/// Strangers guess at the code for a new password until its owner is locked out: an administrator lets them in, and the secret the
/// administrator, whose second factor is locked too.
#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_locked_is_opened() {
    for house in House::all().await {
        let (sari, head, kind) = (
            house.register("sari").await,
            house.administrator().await,
            house.kind,
        );
        let by = principal(&house, &head).await;
        with_app(&house, &by, head.session).await;
        let afar = from("198.51.100.7");
        for email in ["sari@contoh.id", "kepala@contoh.id"] {
            for _ in 0..5 {
                let guess = house
                    .identity
                    .reset_password(email, "000000".into(), ANOTHER.into(), &afar)
                    .await;
                assert_eq!(fault(guess), Some(CODE_WRONG), "{kind}: {email}");
            }
            let asked = house.identity.forgot_password(email, &api()).await;
            done(&house, asked);
            let locked = house
                .identity
                .reset_password(email, house.code(email), ANOTHER.into(), &api())
                .await;
            assert_eq!(fault(locked), Some(LOCKED_OUT), "{kind}: {email}");
        }
        let owner = Principal::owner();
        let unlocked = house.identity.unlock(&owner, None, sari.person.id).await;
        done(&house, unlocked);
        let asked = waiting(&house, "kepala@contoh.id", PASSWORD).await;
        for _ in 0..5 {
            let wrong = Proof::Code(Method::Totp, "00000x".into());
            let refused = house
                .identity
                .confirm(asked.challenge.clone(), wrong, &api())
                .await;
            assert_eq!(fault(refused), Some(CODE_WRONG), "{kind}");
        }
        let again = house.administrator().await;
        let by = principal(&house, &again).await;
        let secret = with_app(&house, &by, again.session).await;
        for email in ["sari@contoh.id", "kepala@contoh.id"] {
            reset(&house, email).await;
        }
        let asked = waiting(&house, "kepala@contoh.id", ANOTHER).await;
        let right = Proof::Code(Method::Totp, code(&house, &secret));
        let confirmed = house.identity.confirm(asked.challenge, right, &api()).await;
        done(&house, confirmed);
    }
}

/// Whoever was half signed in with the old password does not come in by it after it was changed.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_sign_in_ends_with_the_password_it_began_with() {
    for house in House::all().await {
        let (opened, kind) = (house.register("sari").await, house.kind);
        let her = principal(&house, &opened).await;
        let sent = house.code("sari@contoh.id");
        let confirmed = house
            .identity
            .confirm_contact(&her, Contact::Email, sent, &api())
            .await;
        done(&house, confirmed);
        let used = house.identity.use_contact(&her, Contact::Email, true).await;
        done(&house, used);
        let half = waiting(&house, "sari@contoh.id", PASSWORD).await;
        let sent = house
            .identity
            .send_confirmation(half.challenge.clone(), Method::Email, &api())
            .await;
        done(&house, sent);
        let (old, new) = (PASSWORD.into(), ANOTHER.into());
        let changed = house
            .identity
            .change_password(&her, opened.session, old, new, &api())
            .await;
        done(&house, changed);
        let proof = Proof::Code(Method::Email, house.code("sari@contoh.id"));
        let refused = house.identity.confirm(half.challenge, proof, &api()).await;
        assert_eq!(fault(refused), Some(CHALLENGE_OVER), "{kind}");
    }
}

/// The record says who changed how somebody signs in, from where and by which request.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_factors_names_who_made_it() {
    for house in House::all().await {
        let (opened, kind) = (house.register("sari").await, house.kind);
        let (sari, identity) = (opened.person.id, &house.identity);
        let seen = identity
            .who(&opened.access, api().ip, Some("wish-7".into()))
            .await;
        let her = done(&house, seen).principal;
        with_app(&house, &her, opened.session).await;
        let her = Principal { mfa: true, ..her };
        done(&house, identity.renew_recovery_codes(&her).await);
        let sent = house.code("sari@contoh.id");
        let visit = api();
        let confirmed = identity.confirm_contact(&her, Contact::Email, sent, &visit);
        done(&house, confirmed.await);
        let used = identity.use_contact(&her, Contact::Email, true).await;
        done(&house, used);
        let passkey = Uuid::from_u128(0x7);
        let added = house
            .database
            .db
            .write(&Actor::SYSTEM, move |tx| {
                tx.execute(
                    sqlx::query(
                        "INSERT INTO passkeys (id, user_id, credential_id, name, passkey, created_at) VALUES ($1, $2, '\\x07', 'a key', '{}', now())",
                    )
                    .bind(passkey)
                    .bind(sari),
                )
            })
            .await;
        assert_eq!(added.expect("a row"), 1, "{kind}");
        done(&house, identity.drop_passkey(&her, passkey).await);
        done(&house, identity.drop_totp(&her).await);
        let (old, new) = (PASSWORD.into(), ANOTHER.into());
        let changed = identity.change_password(&her, opened.session, old, new, &visit);
        done(&house, changed.await);
        let told = "SELECT action || ' ' || entity_type FROM audit_log WHERE subject_id = $1 AND actor_id = $1::text AND ip_sealed IS NOT NULL
             AND request_id = 'wish-7' ORDER BY id";
        assert_eq!(
            texts(&house, told, sari).await,
            [
                "create totp_secret",
                "update recovery_codes",
                "update user",
                "update user",
                "update user",
                "delete passkey",
                "delete totp_secret",
                "update credential",
            ],
            "{kind}"
        );
    }
}

/// What ends of an account that somebody else registered is on record, each of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_squatter_loses_is_on_record() {
    for house in House::all().await {
        let (opened, kind) = (house.register("sari").await, house.kind);
        let squatter = principal(&house, &opened).await;
        with_app(&house, &squatter, opened.session).await;
        let scopes = vec![DESK_READ.name.to_owned()];
        let made = house
            .identity
            .make_key(&squatter, "robot".into(), scopes, None)
            .await;
        done(&house, made);
        reset(&house, "sari@contoh.id").await;
        let ended = "SELECT entity_type FROM audit_log WHERE subject_id = $1 AND action = 'delete' AND actor_id = 'system' ORDER BY id";
        assert_eq!(
            texts(&house, ended, opened.person.id).await,
            ["totp_secret", "recovery_codes", "api_key"],
            "{kind}"
        );
    }
}

/// The owner's code confirms an address that nobody had confirmed: the record, and so the person's export, says of none that it was lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_no_loss_of_the_address_that_it_confirms() {
    for house in House::all().await {
        let (opened, kind) = (house.register("sari").await, house.kind);
        reset(&house, "sari@contoh.id").await;
        let told = "SELECT coalesce(old_value ->> 'confirmed', 'nothing') || ' to ' || coalesce(new_value ->> 'confirmed', 'nothing')
             FROM audit_log WHERE subject_id = $1 AND entity_type = 'user' AND new_value ? 'confirmed' ORDER BY id";
        let rows = texts(&house, told, opened.person.id).await;
        assert_eq!(rows, ["nothing to email"], "{kind}");
        let confirmed = "SELECT what FROM confirmed_contacts WHERE user_id = $1";
        let rows = texts(&house, confirmed, opened.person.id).await;
        assert_eq!(rows, ["email"], "{kind}");
    }
}
