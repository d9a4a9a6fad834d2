//! What opens a way in beside what ends all of them: whichever comes first, nothing of before stays.

use siaga_platform::db::{DbError, Tx};
use siaga_platform::identity::faults::SESSION_ENDED;
use siaga_platform::identity::permissions::DESK_READ;
use siaga_platform::identity::{Method, Opened, Proof, RoleChange, SignedIn};
use siaga_platform::people::{Principal, Role};
use uuid::Uuid;

use crate::house::{House, PASSWORD, api, done, fault, from};
use crate::sessions::unbase32;
use crate::takeovers::{ANOTHER, code, principal, reset, waiting, with_app};

const EMAIL: &str = "sari@contoh.id";
/// Holds off whoever notes a sign-in, which is done behind the session that it opens.
pub const PERSON: &str = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE";
/// Holds off whoever seals something of the person, which is done behind all the rest.
pub const KEY: &str = "SELECT subject_id FROM subject_keys WHERE subject_id = $1 FOR UPDATE";
/// Holds off whoever shows a code of their app, behind the challenge that it answers.
const APP: &str = "SELECT user_id FROM totp_secrets WHERE user_id = $1 FOR UPDATE";
pub const OPEN_SESSIONS: &str =
    "SELECT count(*) FROM sessions WHERE user_id = $1 AND ended_at IS NULL";

/// A code for a new password.
async fn asked(house: &House) -> String {
    let asked = house.identity.forgot_password(EMAIL, &api()).await;
    done(house, asked);
    house.code(EMAIL)
}

/// Somebody with an app, a sign-in of theirs that waits, and the code that it waits for.
async fn half_signed_in(house: &House) -> (Opened, Principal, String, Proof) {
    let opened = house.register("sari").await;
    let by = principal(house, &opened).await;
    let secret = with_app(house, &by, opened.session).await;
    let half = waiting(house, EMAIL, PASSWORD).await;
    let proof = Proof::Code(Method::Totp, code(house, &secret));
    (opened, by, half.challenge, proof)
}

/// Whoever registered the address first confirms a sign-in while its owner sets a password.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_confirmed_beside_a_reset_leaves_no_session() {
    for house in House::side_by_side().await {
        let (opened, _, challenge, proof) = half_signed_in(&house).await;
        let (user, sent) = (opened.person.id, asked(&house).await);
        let (identity, visit, afar) = (house.patient(), api(), from("198.51.100.7"));
        let held = house.hold_row(PERSON, user).await;
        let confirming = identity.confirm(challenge, proof, &visit);
        let resetting = identity.reset_password(EMAIL, sent, ANOTHER.into(), &afar);
        let (confirmed, set) = house.queued(held, confirming, resetting).await;
        done(&house, confirmed);
        done(&house, set);
        assert_eq!(
            house.count_of(OPEN_SESSIONS, user).await,
            0,
            "{}",
            house.kind
        );
    }
}

/// The same by the password alone, which was right when it was compared.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_beside_a_reset_leaves_no_session() {
    for house in House::side_by_side().await {
        let user = house.register("sari").await.person.id;
        let sent = asked(&house).await;
        let (identity, visit, afar) = (house.patient(), api(), from("198.51.100.7"));
        let held = house.hold_row(PERSON, user).await;
        let signing_in = identity.sign_in(EMAIL, PASSWORD.into(), &visit);
        let resetting = identity.reset_password(EMAIL, sent, ANOTHER.into(), &afar);
        let (signed_in, set) = house.queued(held, signing_in, resetting).await;
        let signed_in = done(&house, signed_in);
        assert!(matches!(signed_in, SignedIn::Open(_)), "{}", house.kind);
        done(&house, set);
        assert_eq!(
            house.count_of(OPEN_SESSIONS, user).await,
            0,
            "{}",
            house.kind
        );
    }
}

/// An API key that is made while the ways in end is one of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_made_beside_a_reset_ends() {
    const KEYS: &str = "SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL";
    for house in House::side_by_side().await {
        let opened = house.register("sari").await;
        let (user, squatter) = (opened.person.id, principal(&house, &opened).await);
        let sent = asked(&house).await;
        let (identity, afar) = (house.patient(), from("198.51.100.7"));
        let held = house.hold_row(KEY, user).await;
        let scopes = vec![DESK_READ.name.to_owned()];
        let making = identity.make_key(&squatter, "robot".into(), scopes, None);
        let resetting = identity.reset_password(EMAIL, sent, ANOTHER.into(), &afar);
        let (made, set) = house.queued(held, making, resetting).await;
        done(&house, made);
        done(&house, set);
        assert_eq!(house.count_of(KEYS, user).await, 0, "{}", house.kind);
    }
}

/// A sign-in locks its challenge and then its person, a change of the person the other way round: neither is broken off for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_and_another_address_do_not_wait_for_each_other() {
    for house in House::side_by_side().await {
        let (opened, by, challenge, proof) = half_signed_in(&house).await;
        let (user, new, visit) = (opened.person.id, "sari.dewi@contoh.id", api());
        let her = Principal { mfa: true, ..by };
        let wanted = house
            .identity
            .ask_new_address(&her, new, PASSWORD.into(), &visit)
            .await;
        done(&house, wanted);
        let (identity, sent) = (house.patient(), house.code(new));
        let held = house.hold_row(APP, user).await;
        let confirming = identity.confirm(challenge, proof, &visit);
        let taking = identity.take_new_address(&her, opened.session, sent, &visit);
        let (confirmed, taken) = house.queued(held, confirming, taking).await;
        done(&house, confirmed);
        assert_eq!(done(&house, taken).email.as_deref(), Some(new));
        let open = house.count_of(OPEN_SESSIONS, user).await;
        assert_eq!(open, 1, "{}: the one that asked", house.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_and_another_role_do_not_wait_for_each_other() {
    for house in House::side_by_side().await {
        let (opened, _, challenge, proof) = half_signed_in(&house).await;
        let (user, visit, owner) = (opened.person.id, api(), Principal::owner());
        let before = done(&house, house.identity.person(&owner, user).await);
        let change = RoleChange {
            role: Role::Dealer,
            team: Some(None),
            revision: before.revision,
        };
        let identity = house.patient();
        let held = house.hold_row(APP, user).await;
        let confirming = identity.confirm(challenge, proof, &visit);
        let giving = identity.give_role(&owner, None, user, change);
        let (confirmed, given) = house.queued(held, confirming, giving).await;
        done(&house, confirmed);
        assert_eq!(done(&house, given).role, Role::Dealer, "{}", house.kind);
        assert_eq!(
            house.count_of(OPEN_SESSIONS, user).await,
            0,
            "{}",
            house.kind
        );
    }
}

/// A password that was right when it was compared sets no other one behind whoever set one meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_counts_no_more_is_changed_by_nobody() {
    for house in House::side_by_side().await {
        let opened = house.register("sari").await;
        let (user, squatter) = (opened.person.id, principal(&house, &opened).await);
        let (identity, visit) = (house.patient(), api());
        // As a reset does, to its end.
        let held = house
            .hold(move |tx: &mut Tx<'_>| set_meanwhile(tx, user))
            .await;
        let (old, new) = (PASSWORD.into(), ANOTHER.into());
        let changing = identity.change_password(&squatter, opened.session, old, new, &visit);
        let letting = async {
            house.blocked(1).await;
            held.let_go().await;
        };
        let (changed, ()) = tokio::join!(changing, letting);
        assert_eq!(fault(changed), Some(SESSION_ENDED), "{}", house.kind);
        let theirs =
            "SELECT count(*) FROM credentials WHERE user_id = $1 AND password_hash = 'hers'";
        assert_eq!(house.count_of(theirs, user).await, 1, "{}", house.kind);
    }
}

fn set_meanwhile(tx: &mut Tx<'_>, user: Uuid) -> Result<(), DbError> {
    let one = format!("identity.sessions {user}");
    tx.execute(sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind(one))?;
    for sql in [
        "UPDATE sessions SET ended_at = now(), ended_by = 'revoked' WHERE user_id = $1",
        "UPDATE credentials SET password_hash = 'hers' WHERE user_id = $1",
    ] {
        tx.execute(sqlx::query(sql).bind(user))?;
    }
    Ok(())
}

/// What a session asked for before it ended is not done behind its end: neither another address, nor an app.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_changes_no_way_in() {
    for house in House::all().await {
        let (opened, kind, visit) = (house.register("sari").await, house.kind, api());
        let (identity, new) = (&house.identity, "maling@contoh.id");
        let squatter = principal(&house, &opened).await;
        let wanted = identity.ask_new_address(&squatter, new, PASSWORD.into(), &visit);
        done(&house, wanted.await);
        reset(&house, EMAIL).await;
        let sent = house.code(new);
        let taken = identity.take_new_address(&squatter, opened.session, sent, &visit);
        assert_eq!(fault(taken.await), Some(SESSION_ENDED), "{kind}");
        // She has confirmed her address: a session of hers that may add an app has given a code.
        let confirmed = Principal {
            mfa: true,
            ..squatter
        };
        let begun = done(&house, identity.begin_totp(&confirmed).await);
        let shown = code(&house, &unbase32(&begun.secret));
        let set_up = identity.confirm_totp(&confirmed, opened.session, shown);
        assert_eq!(fault(set_up.await), Some(SESSION_ENDED), "{kind}");
        let signed_in = identity.sign_in(EMAIL, ANOTHER.into(), &visit).await;
        assert!(signed_in.is_ok(), "{kind}: she comes in");
    }
}
