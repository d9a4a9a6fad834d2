//! What a profile tells of a person, and to whom.

use siaga_platform::accounts::Own;
use siaga_platform::db::Actor;
use siaga_platform::handlers;
use siaga_platform::identity::faults::{CODE_WRONG, EMAIL_REFUSED, TOO_OFTEN, WRONG_CREDENTIALS};
use siaga_platform::identity::permissions::USER_READ;
use siaga_platform::identity::{
    Contact, Correction, Preferences, PreferencesChange, RiskAppetite, SignedIn, Standing,
    UserProfile, set_preferences,
};
use siaga_platform::people::Principal;
use siaga_platform::refusal::{CONFLICT, FORBIDDEN, INVALID, NEEDS_MFA, NOT_FOUND, Refusal, STALE};
use uuid::Uuid;

use crate::house::{House, PASSWORD, api, done, fault};

async fn principal(house: &House, access: &str) -> Principal {
    done(house, house.identity.who(access, None, None).await).principal
}

async fn say(
    house: &House,
    by: &Principal,
    risk: Option<RiskAppetite>,
    assets: &[&str],
    revision: i64,
) -> Result<Preferences, Refusal> {
    let change = PreferencesChange {
        risk_appetite: risk,
        preferred_assets: assets.iter().map(|&asset| asset.to_owned()).collect(),
        revision,
    };
    set_preferences(house.identity.platform(), by, change).await
}

async fn seen(house: &House, by: &Principal, user: Uuid) -> Result<UserProfile, Refusal> {
    house.identity.profile(by, user).await
}

async fn count(house: &House, actor: &Actor, sql: &'static str) -> i64 {
    let counted = house
        .database
        .db
        .read(actor, move |tx| {
            tx.scalar(sqlx::query_scalar::<_, i64>(sql))
        })
        .await;
    counted.expect("a count")
}

/// A client says how much she would risk and what she likes to trade. It is hers to change; the desk reads it, strangers do not.
#[tokio::test(flavor = "multi_thread")]
async fn what_people_say_of_themselves_is_theirs() {
    for house in House::all().await {
        let (sari, budi) = (house.register("sari").await, house.register("budi").await);
        let me = sari.person.id;
        let her = principal(&house, &sari.access).await;
        let stranger = principal(&house, &budi.access).await;
        let nothing = done(&house, seen(&house, &her, me).await).preferences;
        assert_eq!(nothing, Preferences::default(), "{}", house.kind);

        let low = Some(RiskAppetite::Low);
        let first = done(&house, say(&house, &her, low, &["metal"], 0).await);
        assert_eq!((first.risk_appetite, first.revision), (low, 1));
        let again = done(&house, say(&house, &her, low, &["metal"], 0).await);
        assert_eq!(
            again, first,
            "{}: said again, it changes nothing",
            house.kind
        );
        let late = say(&house, &her, None, &["metal"], 0).await;
        assert_eq!(fault(late), Some(STALE), "{}: another page did", house.kind);
        let second = done(&house, say(&house, &her, None, &["XAU/USD"], 1).await);
        assert_eq!((second.risk_appetite, second.revision), (None, 2));

        for by in [&her, &Principal::owner()] {
            let profile = done(&house, seen(&house, by, me).await);
            assert_eq!(profile.preferences, second, "{}", house.kind);
        }
        let theirs = seen(&house, &stranger, me).await;
        assert_eq!(fault(theirs), Some(NOT_FOUND), "{}", house.kind);
        // A program of hers does what it was made for: it reads no profile, and says nothing of her.
        let program = Principal {
            narrowed: Some(vec!["cash.read".into()]),
            ..her.clone()
        };
        let by_key = seen(&house, &program, me).await;
        assert_eq!(fault(by_key), Some(FORBIDDEN), "{}", house.kind);
        let by_key = say(&house, &program, low, &[], 2).await;
        assert_eq!(fault(by_key), Some(FORBIDDEN), "{}", house.kind);
        assert!(
            her.scope(USER_READ).is_err(),
            "a client sees no other people"
        );

        let told = "SELECT count(*) FROM events WHERE type = 'user.preferences_changed' AND payload::text NOT LIKE '%metal%'";
        assert_eq!(count(&house, &Actor::SYSTEM, told).await, 2);
        let logged = "SELECT count(*) FROM audit_log WHERE old_value::text LIKE '%metal%' OR new_value::text LIKE '%metal%'";
        assert_eq!(
            count(&house, &Actor::SYSTEM, logged).await,
            0,
            "{}: the log has it sealed",
            house.kind
        );
        let rows = "SELECT count(*) FROM user_preferences";
        for (actor, rows_seen) in [
            (Actor::of(me), 1),
            (Actor::of(budi.person.id), 0),
            (Actor::NOBODY, 0),
        ] {
            assert_eq!(count(&house, &actor, rows).await, rows_seen);
        }
        let changed = house
            .database
            .db
            .write(&Actor::of(budi.person.id), |tx| {
                tx.execute(sqlx::query(
                    "UPDATE user_preferences SET risk_appetite = 'high'",
                ))
            })
            .await;
        assert_eq!(changed.ok().unwrap_or(0), 0, "{}", house.kind);
    }
}

/// What she did in four weeks is counted from what is kept anyway: sessions, orders of her own, deposits that arrived.
#[tokio::test(flavor = "multi_thread")]
async fn activity_is_counted_from_what_is_there() {
    for house in House::all().await {
        let sari = house.register("sari").await;
        let me = sari.person.id;
        house.pass(86_400);
        let signed_in = house
            .identity
            .sign_in("sari@contoh.id", PASSWORD.into(), &api())
            .await;
        let SignedIn::Open(today) = done(&house, signed_in) else {
            panic!("{}: she has no second factor", house.kind);
        };
        let rows = house
            .database
            .db
            .write(&Actor::SYSTEM, move |tx| {
                tx.execute(
                    sqlx::query(
                        "INSERT INTO accounts_directory (account, system, outside_id, user_id, org_id)
                         SELECT 900001, 'siaga', '900001', id, org_id FROM users WHERE id = $1",
                    )
                    .bind(me),
                )?;
                // Two orders of hers, one that the desk's stop-out made, and one of long ago.
                tx.execute(sqlx::query(
                    "INSERT INTO orders (id, account, instrument, link, side, kind, tif, qty, reduce_only, trail, client_id, trader, desk, strategy,
                         origin, state, filled, filled_value, reason, seen, placed, changed, seq, index)
                     SELECT n, 900001, 1, 1, 'buy', 'market', 'ioc', 1, false, 0, '\\x00', 0, 0, 0,
                         CASE WHEN n = 3 THEN 'stop_out' ELSE 'client' END, 'filled', 1, 1, 0, 1,
                         to_timestamp(1795910400) - CASE WHEN n = 1 THEN interval '40 days' ELSE interval '1 hour' END, to_timestamp(1795910400), n, 0
                     FROM generate_series(1, 4) AS n",
                ))?;
                // One deposit arrived; another is asked for.
                tx.execute(
                    sqlx::query(
                        "INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, status, requested_by, created_at, confirmed_at)
                         SELECT gen_random_uuid(), org_id, id, 900001, 'deposit', 'USD', 100, 100, status, 'system', to_timestamp(1795910400), arrived
                         FROM (SELECT u.org_id, u.id, s.status, s.arrived FROM users AS u,
                             (VALUES ('confirmed', to_timestamp(1795910400)), ('requested', NULL)) AS s (status, arrived) WHERE u.id = $1) AS asked",
                    )
                    .bind(me),
                )
            })
            .await;
        assert_eq!(rows.expect("rows"), 2, "{}", house.kind);
        let her = principal(&house, &today.access).await;
        let profile = done(&house, seen(&house, &her, me).await);
        let own = Own {
            account: 900_001,
            demo: false,
        };
        assert_eq!(profile.accounts, [own], "{}", house.kind);
        assert_eq!(profile.activity.last_sign_in, Some(house.now()));
        let parts = profile
            .engagement
            .parts
            .map(|part| (part.count, part.points));
        assert_eq!(
            parts,
            [(Some(2), 4), (Some(0), 10), (Some(2), 6), (Some(1), 10)],
            "{}",
            house.kind
        );
        assert_eq!(profile.engagement.score, 30);
        assert_eq!(profile.engagement.weekly_hundredths(), 50);
    }
}

/// She moved to another number and married: she writes down what is right. The number is not proved by a code that went to the old one,
/// and a name on documents is theirs.
#[tokio::test(flavor = "multi_thread")]
async fn people_correct_what_is_kept_of_them() {
    for house in House::all().await {
        let sari = house.register("sari").await;
        let her = principal(&house, &sari.access).await;
        let (identity, visit) = (&house.identity, api());
        let sent = identity.send_contact_code(&her, Contact::Phone, &visit);
        done(&house, sent.await);
        let old_code = house.code("+6281234567890");
        let correction = Correction {
            name: Some("  Sari   Dewi ".into()),
            phone: Some("+62 811 1111 1111".into()),
            locale: Some("en".into()),
            revision: sari.person.revision,
        };
        let right = done(&house, identity.correct(&her, correction.clone()).await);
        assert_eq!(
            (
                right.name.as_deref(),
                right.phone.as_deref(),
                right.locale.as_str()
            ),
            (Some("Sari Dewi"), Some("+6281111111111"), "en"),
            "{}",
            house.kind
        );
        let again = done(&house, identity.correct(&her, correction.clone()).await);
        assert_eq!(
            again, right,
            "{}: said again, it changes nothing",
            house.kind
        );
        let confirmed = identity.confirm_contact(&her, Contact::Phone, old_code, &visit);
        assert_eq!(fault(confirmed.await), Some(CODE_WRONG), "{}", house.kind);
        let late = Correction {
            locale: Some("id".into()),
            revision: sari.person.revision,
            ..Correction::default()
        };
        let late = identity.correct(&her, late).await;
        assert_eq!(fault(late), Some(STALE), "{}", house.kind);
        let nonsense = Correction {
            phone: Some("12".into()),
            revision: right.revision,
            ..Correction::default()
        };
        assert!(identity.correct(&her, nonsense).await.is_err());

        let case = house
            .database
            .db
            .write(&Actor::SYSTEM, move |tx| {
                let query = sqlx::query(
                    "INSERT INTO kyc_cases (id, org_id, user_id, status, submitted_at, due_at, created_at)
                     SELECT gen_random_uuid(), org_id, id, 'REVIEW_REQUIRED', now(), now() + interval '3 days', now() FROM users WHERE id = $1",
                );
                tx.execute(query.bind(right.id))
            })
            .await;
        assert_eq!(case.expect("a case"), 1, "{}", house.kind);
        let another = Correction {
            name: Some("Somebody Else".into()),
            revision: right.revision,
            ..Correction::default()
        };
        let another = identity.correct(&her, another).await;
        assert_eq!(fault(another), Some(CONFLICT), "{}", house.kind);

        // Who is asked for a second factor gives it before their number changes.
        let code = house.code("sari@contoh.id");
        let active = identity.confirm_contact(&her, Contact::Email, code, &visit);
        let active = done(&house, active.await);
        done(
            &house,
            identity.use_contact(&her, Contact::Email, true).await,
        );
        let number = Correction {
            phone: Some("+62 822 2222 2222".into()),
            revision: active.revision,
            ..Correction::default()
        };
        let refused = identity.correct(&her, number.clone()).await;
        assert_eq!(fault(refused), Some(NEEDS_MFA), "{}", house.kind);
        let confirmed = Principal {
            mfa: true,
            ..her.clone()
        };
        let moved = done(&house, identity.correct(&confirmed, number).await);
        assert_eq!(moved.phone.as_deref(), Some("+6282222222222"));
        let effects = handlers::engines().handlers.effects;
        let looked_up = effects
            .iter()
            .any(|effect| effect.name() == "aml.screener" && effect.wants("user.corrected"));
        assert!(looked_up, "another name is looked up in the lists");
        let told = "SELECT count(*) FROM events WHERE type = 'user.corrected' AND payload::text NOT LIKE '%+62%'";
        assert_eq!(count(&house, &Actor::SYSTEM, told).await, 2);
    }
}

/// She signs in by another address from now on: with her password, and a code that reached her there.
#[tokio::test(flavor = "multi_thread")]
async fn another_address_is_taken_by_a_code_that_was_sent_there() {
    for house in House::all().await {
        let (sari, _budi) = (house.register("sari").await, house.register("budi").await);
        let her = principal(&house, &sari.access).await;
        let (identity, kind, visit) = (&house.identity, house.kind, api());
        let (old, new) = ("sari@contoh.id", "sari.dewi@contoh.id");
        let first_code = house.code(old);
        for (email, password, expected) in [
            (new, "Kuda-Hitam-Lari-77", WRONG_CREDENTIALS),
            ("budi@contoh.id", PASSWORD, EMAIL_REFUSED),
            (old, PASSWORD, INVALID),
        ] {
            let refused = identity.ask_new_address(&her, email, password.into(), &visit);
            assert_eq!(fault(refused.await), Some(expected), "{kind}: {email}");
        }
        let asked = identity.ask_new_address(&her, new, PASSWORD.into(), &visit);
        done(&house, asked.await);
        let again = identity.ask_new_address(&her, new, PASSWORD.into(), &visit);
        assert_eq!(fault(again.await), Some(TOO_OFTEN), "{kind}");
        let elsewhere = identity.sign_in(old, PASSWORD.into(), &visit).await;
        let SignedIn::Open(elsewhere) = done(&house, elsewhere) else {
            panic!("{kind}: she has no second factor");
        };
        let code = house.code(new);
        let wrong = if code == "000000" { "111111" } else { "000000" };
        let refused = identity.take_new_address(&her, sari.session, wrong.into(), &visit);
        assert_eq!(fault(refused.await), Some(CODE_WRONG), "{kind}");
        let letters = house.letters(old);
        let taken = identity.take_new_address(&her, sari.session, code.clone(), &visit);
        let taken = done(&house, taken.await);
        assert_eq!(taken.email.as_deref(), Some(new), "{kind}");
        assert_eq!(
            taken.standing,
            Standing::Active,
            "{kind}: a code reached her"
        );
        assert_eq!(
            house.letters(old),
            letters + 1,
            "{kind}: the old one is told"
        );
        let twice = identity.take_new_address(&her, sari.session, code, &visit);
        assert_eq!(fault(twice.await), Some(CODE_WRONG), "{kind}");
        let late = identity.confirm_contact(&her, Contact::Email, first_code, &visit);
        assert_eq!(fault(late.await), Some(CODE_WRONG), "{kind}");
        assert!(identity.who(&elsewhere.access, None, None).await.is_err());
        assert!(identity.who(&sari.access, None, None).await.is_ok());
        for (email, opens) in [(old, false), (new, true)] {
            let signed_in = identity.sign_in(email, PASSWORD.into(), &visit).await;
            assert_eq!(signed_in.is_ok(), opens, "{kind}: {email}");
        }
        let plain = "SELECT count(*) FROM events WHERE payload::text LIKE '%dewi%'";
        assert_eq!(count(&house, &Actor::SYSTEM, plain).await, 0, "{kind}");
    }
}
