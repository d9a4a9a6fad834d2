//! An account at a provider signs staff in once its owner linked it from a confirmed session, and nobody else's does.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use siaga_platform::db::Actor;
use siaga_platform::identity::faults::{EMAIL_TAKEN, LAST_FACTOR, PROVIDER_TAKEN, SESSION_ENDED};
use siaga_platform::identity::signing::Signer;
use siaga_platform::identity::{
    Exchange, Finished, Identity, Opened, ProviderSettings, Returned, Settings, SignedIn,
    WebAnswer, WebDoor, WebRequest,
};
use siaga_platform::people::Principal;
use siaga_platform::refusal::{Fault, NEEDS_MFA, NOT_FOUND};
use siaga_platform::unit::Platform;
use siaga_risk::units::SECOND_NS;

use crate::house::{House, api, from};
use crate::side_by_side::{KEY, OPEN_SESSIONS, PERSON};

const ISSUER: &str = "https://provider.example";
/// The administrator's address here.
const HEAD: &str = "kepala@contoh.id";

/// A provider that signs whatever the test says of somebody.
struct Provider {
    signer: Signer,
    claims: Mutex<Value>,
}

impl WebDoor for Provider {
    fn ask(&self, request: WebRequest) -> Exchange<'_> {
        Box::pin(async move {
            let body = match request.url.strip_prefix(ISSUER) {
                Some("/.well-known/openid-configuration") => json!({
                    "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/authorize"),
                    "token_endpoint": format!("{ISSUER}/token"), "jwks_uri": format!("{ISSUER}/keys"),
                }),
                Some("/keys") => json!({ "keys": [self.signer.jwk()] }),
                Some("/token") => {
                    let claims = self.claims.lock().expect("not poisoned").clone();
                    let token = self.signer.token(&claims).expect("signed");
                    json!({ "id_token": token })
                }
                other => return Err(format!("nothing is at {other:?}")),
            };
            let body = body.to_string().into_bytes();
            Ok(WebAnswer { status: 200, body })
        })
    }
}

/// Identity with the provider, over the house's database.
struct Desk<'a> {
    house: &'a House,
    provider: Arc<Provider>,
    identity: Identity,
}

impl<'a> Desk<'a> {
    fn of(house: &'a House) -> Desk<'a> {
        Desk::over(house, house.identity.platform().clone())
    }

    fn over(house: &'a House, platform: Platform) -> Desk<'a> {
        let (signer, _) = Signer::generate("p1".into(), house.now()).expect("a key");
        let provider = Arc::new(Provider {
            signer,
            claims: Mutex::default(),
        });
        let settings = Settings {
            public_url: Some("https://desk.example".into()),
            providers: vec![ProviderSettings {
                name: "google".into(),
                title: "Google".into(),
                issuer: ISSUER.into(),
                client_id: "desk".into(),
                client_secret: "s".into(),
            }],
            web: provider.clone(),
            ..house.identity.settings().clone()
        };
        let identity = Identity::new(platform, settings).expect("set up");
        Desk {
            house,
            provider,
            identity,
        }
    }

    async fn who(&self, opened: &Opened, mfa: bool) -> Principal {
        let seen = self.identity.who(&opened.access, None, None).await;
        let seen = seen.unwrap_or_else(|refusal| panic!("{}: {refusal}", self.house.kind));
        Principal {
            mfa,
            ..seen.principal
        }
    }

    /// Comes back from the provider as its user `subject`.
    async fn come_back(&self, url: &str, subject: &str, email: &str) -> Result<Finished, Fault> {
        let of = |name: &str| {
            let pair = url
                .split(['?', '&'])
                .find_map(|pair| pair.strip_prefix(name));
            pair.expect("in the address").to_owned()
        };
        let now = self.house.now().0 / SECOND_NS;
        *self.provider.claims.lock().expect("not poisoned") = json!({
            "iss": ISSUER, "sub": subject, "aud": "desk", "exp": now + 600, "iat": now, "nonce": of("nonce="),
            "email": email, "email_verified": true, "name": "Ibu Ketua",
        });
        let returned = Returned {
            state: of("state="),
            code: "c".into(),
        };
        let finished = self
            .identity
            .finish_provider("google", returned, &api())
            .await;
        finished.map_err(|refusal| refusal.fault().expect("a refusal"))
    }

    async fn sign_in(&self, subject: &str, email: &str) -> Result<Finished, Fault> {
        let url = self.identity.begin_provider("google", &api()).await;
        self.come_back(&url.expect("an address"), subject, email)
            .await
    }

    async fn link(&self, by: &Principal, opened: &Opened, subject: &str) -> Option<Fault> {
        let url = self
            .identity
            .begin_link(by, opened.session, "google", &api())
            .await;
        let url = url.unwrap_or_else(|refusal| panic!("{}: {refusal}", self.house.kind));
        match self.come_back(&url, subject, "lain@provider.example").await {
            Ok(Finished::Linked) => None,
            Ok(Finished::NotLinked(refusal)) => refusal.fault(),
            Ok(Finished::SignedIn(_)) => panic!("{}: nobody is signed in by it", self.house.kind),
            Err(fault) => panic!("{}: {fault:?}", self.house.kind),
        }
    }

    async fn run(&self, statement: &'static str) {
        let done = self
            .house
            .database
            .db
            .write(&Actor::SYSTEM, move |tx| tx.execute(sqlx::query(statement)))
            .await;
        done.unwrap_or_else(|error| panic!("{}: {error}", self.house.kind));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_are_signed_in_by_the_account_they_linked_and_by_no_other() {
    for house in House::all().await {
        let (desk, kind) = (Desk::of(&house), house.kind);
        let opened = house.administrator().await;
        let unconfirmed = desk.who(&opened, false).await;
        let head = desk.who(&opened, true).await;
        let refused = desk
            .identity
            .begin_link(&unconfirmed, opened.session, "google", &api())
            .await;
        let refused = refused.err().and_then(|refusal| refusal.fault());
        assert_eq!(refused, Some(NEEDS_MFA), "{kind}");
        let never_linked = desk.sign_in("42", HEAD).await.err();
        assert_eq!(never_linked, Some(EMAIL_TAKEN), "{kind}");
        assert_eq!(
            desk.link(&head, &opened, "42").await,
            Some(SESSION_ENDED),
            "{kind}: the session itself is not confirmed"
        );
        desk.run("UPDATE sessions SET confirmed_at = now()").await;
        assert_eq!(desk.link(&head, &opened, "42").await, None, "{kind}");
        assert_eq!(
            desk.link(&head, &opened, "42").await,
            None,
            "{kind}: twice is once"
        );
        let rows = desk.identity.linked(&head).await.expect(kind);
        let [row] = rows.as_slice() else {
            panic!("{kind}: {rows:?}");
        };
        assert_eq!(
            (row.provider.as_str(), row.title.as_str(), row.used_at),
            ("google", "Google", None),
            "{kind}"
        );
        // Under another address at the provider than here.
        match desk.sign_in("42", "lain@provider.example").await {
            Ok(Finished::SignedIn(SignedIn::Open(again))) => {
                assert_eq!(again.person.id, opened.person.id, "{kind}");
            }
            _ => panic!("{kind}: the account that was linked signs its owner in"),
        }
        let other = desk.sign_in("43", HEAD).await.err();
        assert_eq!(other, Some(EMAIL_TAKEN), "{kind}: another account does not");
        let sari = house.register("sari").await;
        let client = desk.who(&sari, false).await;
        assert_eq!(
            desk.link(&client, &sari, "42").await,
            Some(PROVIDER_TAKEN),
            "{kind}"
        );
        let stranger = desk.identity.unlink(&client, row.id).await.err();
        assert_eq!(
            stranger.and_then(|refusal| refusal.fault()),
            Some(NOT_FOUND),
            "{kind}"
        );
        desk.identity.unlink(&head, row.id).await.expect(kind);
        let told = house
            .identity
            .platform()
            .read(&Principal::system("test"), |tx| {
                let rows: Vec<(String,)> = tx.all(sqlx::query_as(
                    "SELECT type FROM events WHERE type LIKE 'user.provider%' AND subject_id = (payload ->> 'user_id')::uuid AND payload ->> 'provider' = 'google' ORDER BY id",
                ))?;
                Ok(rows)
            })
            .await;
        let told: Vec<String> = told
            .expect(kind)
            .into_iter()
            .map(|(event,)| event)
            .collect();
        assert_eq!(
            told,
            ["user.provider_linked", "user.provider_unlinked"],
            "{kind}: linking twice is once"
        );
        let gone = desk.sign_in("42", HEAD).await.err();
        assert_eq!(gone, Some(EMAIL_TAKEN), "{kind}");
        house.database.db.close().await;
    }
}

/// Whoever registered another's address first and linked an account of theirs is not signed in by it once its owner came: by a new
/// password, by a provider, or by the secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_linked_account_goes_with_whoever_held_the_address_first() {
    for house in House::all().await {
        let (desk, kind) = (Desk::of(&house), house.kind);
        let mut squatted = Vec::new();
        for (name, subject) in [("sari", "66"), ("tono", "67")] {
            let opened = house.register(name).await;
            let squatter = desk.who(&opened, false).await;
            let linked = desk.link(&squatter, &opened, subject).await;
            assert_eq!(linked, None, "{kind}: {name}");
            squatted.push((opened.person.id, subject));
        }
        let (visit, new) = (api(), "Gajah-Hijau-91!");
        let asked = desk.identity.forgot_password("sari@contoh.id", &visit);
        asked.await.expect(kind);
        let sent = house.code("sari@contoh.id");
        let reset = desk
            .identity
            .reset_password("sari@contoh.id", sent, new.into(), &visit);
        reset.await.expect(kind);
        match desk.sign_in("68", "tono@contoh.id").await {
            Ok(Finished::SignedIn(SignedIn::Open(tono))) => {
                assert_eq!(tono.person.id, squatted[1].0, "{kind}: it is his address");
            }
            _ => panic!("{kind}: whose address the provider verified is signed in"),
        }
        for (account, subject) in &squatted {
            let email = format!("maling{subject}@provider.example");
            match desk.sign_in(subject, &email).await {
                Ok(Finished::SignedIn(SignedIn::Open(thief))) => {
                    assert_ne!(thief.person.id, *account, "{kind}: {subject}");
                }
                _ => panic!("{kind}: {subject} is somebody new"),
            }
        }
        let opened = house.administrator().await;
        let head = desk.who(&opened, true).await;
        desk.run("UPDATE sessions SET confirmed_at = now()").await;
        assert_eq!(desk.link(&head, &opened, "42").await, None, "{kind}");
        house.administrator().await;
        let gone = desk.sign_in("42", HEAD).await.err();
        assert_eq!(gone, Some(EMAIL_TAKEN), "{kind}: let in anew");
        let ended = house
            .identity
            .platform()
            .read(&Principal::system("test"), |tx| {
                let rows: Vec<(String,)> = tx.all(sqlx::query_as(
                    "SELECT entity_type FROM audit_log WHERE action = 'delete' AND actor_id = 'system' AND entity_type IN ('credential', 'provider_identity') ORDER BY id",
                ))?;
                Ok(rows)
            })
            .await;
        let ended: Vec<String> = ended.expect(kind).into_iter().map(|(row,)| row).collect();
        assert_eq!(
            ended,
            [
                "provider_identity",
                "credential",
                "provider_identity",
                "provider_identity"
            ],
            "{kind}: sari's by a password, tono's by a provider, the administrator's by the secret"
        );
        house.database.db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_links_nothing_and_the_last_way_in_stays() {
    for house in House::all().await {
        let (desk, kind) = (Desk::of(&house), house.kind);
        let opened = house.register("sari").await;
        let sari = desk.who(&opened, false).await;
        let url = desk
            .identity
            .begin_link(&sari, opened.session, "google", &api())
            .await;
        desk.run("UPDATE sessions SET ended_at = now(), ended_by = 'signed_out'")
            .await;
        let late = desk
            .come_back(&url.expect(kind), "77", "lain@provider.example")
            .await;
        match late {
            Ok(Finished::NotLinked(refusal)) => {
                assert_eq!(refusal.fault(), Some(SESSION_ENDED), "{kind}");
            }
            _ => panic!("{kind}: whoever signed out links nothing"),
        }
        // Who came by the provider has no password.
        let Ok(Finished::SignedIn(SignedIn::Open(tono))) =
            desk.sign_in("78", "tono@contoh.id").await
        else {
            panic!("{kind}: a new client");
        };
        let confirmed = desk.who(&tono, true).await;
        let rows = desk.identity.linked(&confirmed).await.expect(kind);
        assert_eq!(rows.len(), 1, "{kind}");
        let last = desk.identity.unlink(&confirmed, rows[0].id).await.err();
        assert_eq!(
            last.and_then(|refusal| refusal.fault()),
            Some(LAST_FACTOR),
            "{kind}"
        );
        let linked = desk.link(&confirmed, &tono, "79").await;
        assert_eq!(linked, None, "{kind}");
        let rows = desk.identity.linked(&confirmed).await.expect(kind);
        let (one, two) = tokio::join!(
            desk.identity.unlink(&confirmed, rows[0].id),
            desk.identity.unlink(&confirmed, rows[1].id)
        );
        let refused: Vec<Fault> = [one, two]
            .into_iter()
            .filter_map(|done| done.err()?.fault())
            .collect();
        assert_eq!(
            refused,
            [LAST_FACTOR],
            "{kind}: two at once leave one way in"
        );
        house.database.db.close().await;
    }
}

/// A squatter's account at a provider is linked, or signs in, while the owner of the address sets a password: neither outlives that.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_provider_outlives_a_reset_beside_it() {
    const LINKED: &str = "SELECT count(*) FROM provider_identities WHERE user_id = $1";
    let (visit, afar, elsewhere) = (api(), from("198.51.100.7"), "maling@provider.example");
    for house in House::side_by_side().await {
        let kind = house.kind;
        let desk = Desk::over(&house, house.identity.platform().background());
        for (name, linking) in [("sari", true), ("tono", false)] {
            let opened = house.register(name).await;
            let (user, email) = (opened.person.id, format!("{name}@contoh.id"));
            let squatter = desk.who(&opened, false).await;
            let begun = desk
                .identity
                .begin_link(&squatter, opened.session, "google", &visit)
                .await;
            let begun = begun.expect(kind);
            if !linking {
                let linked = desk.come_back(&begun, name, elsewhere).await;
                assert!(matches!(linked, Ok(Finished::Linked)), "{kind}");
            }
            let asked = desk.identity.forgot_password(&email, &visit);
            asked.await.expect(kind);
            let sent = house.code(&email);
            let held = match linking {
                true => house.hold_row(KEY, user).await,
                false => house.hold_row(PERSON, user).await,
            };
            let coming = async {
                match linking {
                    true => desk.come_back(&begun, name, elsewhere).await,
                    false => desk.sign_in(name, elsewhere).await,
                }
            };
            let new = "Gajah-Hijau-91!".to_owned();
            let resetting = desk.identity.reset_password(&email, sent, new, &afar);
            let (came, reset) = house.queued(held, coming, resetting).await;
            match came {
                Ok(Finished::Linked) => assert!(linking, "{kind}"),
                Ok(Finished::SignedIn(_)) => assert!(!linking, "{kind}"),
                _ => panic!("{kind}: it came before the reset"),
            }
            reset.expect(kind);
            let left = (
                house.count_of(LINKED, user).await,
                house.count_of(OPEN_SESSIONS, user).await,
            );
            assert_eq!(left, (0, 0), "{kind}: {name}");
        }
    }
}
