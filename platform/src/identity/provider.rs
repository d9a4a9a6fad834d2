//! Signing in with a provider: OpenID Connect, the code flow with PKCE. Providers are what the operator configures
//! (Google, LinkedIn, a company's own); the program brings the way to reach them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use siaga_risk::units::{HOUR_NS, SECOND_NS, Ts};
use tokio_rustls::TlsConnector;
use uuid::Uuid;
use webauthn_rs::prelude::Url;

use super::faults::{CHALLENGE_OVER, EMAIL_TAKEN, NOT_SET_UP, PROVIDER};
use super::linked::Owner;
use super::messenger::Channel;
use super::service::Identity;
use super::session::{End, challenge_open};
use super::sign_in::{Proceeded, SignedIn, Visit, proceed};
use super::token::times;
use super::{address, codes, jws, register, store};
use crate::audit::{Action, Change};
use crate::crypto::blind;
use crate::db::Tx;
use crate::http::{self, AddressFault, Service};
use crate::ids::{HOUSE, new_id};
use crate::outbox::Event;
use crate::people::Role;
use crate::refusal::Refusal;
use crate::unit::Unit;
use crate::values::bound;

/// What a provider says of itself is read again after this.
const DISCOVERED_NS: u64 = HOUR_NS;
/// Clocks of providers differ from ours by less, seconds.
const LEEWAY_S: u64 = 60;

/// A provider, as configured.
#[derive(Clone)]
pub struct ProviderSettings {
    /// In addresses: `google`.
    pub name: String,
    /// For people: `Google`.
    pub title: String,
    /// `https://accounts.google.com`.
    pub issuer: String,
    /// What the provider knows this desk as.
    pub client_id: String,
    /// Shown to the provider alone.
    pub client_secret: String,
}

/// A request to a provider.
pub struct WebRequest {
    /// Always https.
    pub url: String,
    /// A form to post, or nothing for a GET.
    pub form: Option<String>,
}

/// Its answer.
pub struct WebAnswer {
    /// HTTP status.
    pub status: u16,
    /// At most a megabyte; the door refuses more.
    pub body: Vec<u8>,
}

/// What is waited for.
pub type Exchange<'a> = Pin<Box<dyn Future<Output = Result<WebAnswer, String>> + Send + 'a>>;

/// The way to providers: TLS, no redirects, a timeout, a bound on the answer.
pub trait WebDoor: Send + Sync + 'static {
    /// Asks. The error is for the log and holds no secret.
    fn ask(&self, request: WebRequest) -> Exchange<'_>;
}

/// Providers answer within this time.
const WEB_TIME: Duration = Duration::from_secs(10);
/// Bytes of a provider's answer: keys and tokens take a few thousand.
const WEB_BYTES_MAX: usize = 1024 * 1024;

/// Providers over the network.
pub struct Web {
    tls: TlsConnector,
}

impl Web {
    /// With the certificate authorities of the system.
    ///
    /// # Errors
    /// [`AddressFault::Roots`].
    pub fn open() -> Result<Self, AddressFault> {
        Ok(Self {
            tls: http::authorities()?,
        })
    }

    async fn exchange(&self, request: WebRequest) -> Result<WebAnswer, String> {
        let service = Service::with(&request.url, || Ok(self.tls.clone()))
            .map_err(|fault| fault.to_string())?;
        let built = match request.form {
            None => Request::get(service.path())
                .header(ACCEPT, "application/json")
                .body(Full::default()),
            Some(form) => Request::post(service.path())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Full::new(Bytes::from(form))),
        };
        let built = built.map_err(|error| error.to_string())?;
        let (status, body) = service.send(built, WEB_TIME, WEB_BYTES_MAX).await?;
        Ok(WebAnswer {
            status: status.as_u16(),
            body: body.to_vec(),
        })
    }
}

impl WebDoor for Web {
    fn ask(&self, request: WebRequest) -> Exchange<'_> {
        Box::pin(self.exchange(request))
    }
}

/// A program that reaches nobody.
pub(super) struct NoWeb;

impl WebDoor for NoWeb {
    fn ask(&self, _request: WebRequest) -> Exchange<'_> {
        Box::pin(async { Err("the program has no way to providers".to_owned()) })
    }
}

/// What a provider sent its user back with.
#[derive(Clone, Debug)]
pub struct Returned {
    /// Names the visit.
    pub state: String,
    /// Is exchanged for tokens.
    pub code: String,
}

/// How a visit ended. It has no Debug: an opened session is secret.
pub enum Finished {
    /// Somebody is signed in, or has to confirm first.
    SignedIn(SignedIn),
    /// The account is linked to whoever began the visit.
    Linked,
    /// It is not, and why; their session goes on.
    NotLinked(Refusal),
}

/// What a provider says of itself.
pub(super) struct Discovered {
    authorize: Url,
    token: String,
    keys: Vec<jws::Jwk>,
    read_at: Ts,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

/// What waits for the user's return; sealed.
#[derive(Deserialize, Serialize)]
struct Visiting {
    provider: String,
    nonce: String,
    verifier: String,
}

#[derive(Debug, Deserialize)]
struct IdClaims {
    iss: String,
    sub: String,
    aud: serde_json::Value,
    azp: Option<String>,
    exp: u64,
    nbf: Option<u64>,
    iat: u64,
    nonce: Option<String>,
    email: Option<String>,
    /// LinkedIn writes it as text.
    email_verified: Option<serde_json::Value>,
    name: Option<String>,
}

/// Who somebody is at a provider.
#[derive(Clone, Debug, PartialEq)]
struct Identified {
    subject: String,
    /// Canonical, and verified by the provider.
    email: String,
    name: String,
}

impl IdClaims {
    fn judge(
        self,
        settings: &ProviderSettings,
        nonce: &str,
        now: Ts,
    ) -> Result<Identified, &'static str> {
        let now_s = now.0 / SECOND_NS;
        if self.iss.trim_end_matches('/') != settings.issuer.trim_end_matches('/') {
            return Err("another issuer");
        }
        let audiences: Vec<&str> = match &self.aud {
            serde_json::Value::String(one) => vec![one],
            serde_json::Value::Array(many) => many.iter().filter_map(|one| one.as_str()).collect(),
            _ => Vec::new(),
        };
        if !audiences.contains(&settings.client_id.as_str())
            || (audiences.len() > 1 && self.azp.as_deref() != Some(settings.client_id.as_str()))
        {
            return Err("made for another program");
        }
        if times(Some(self.exp), self.nbf, now_s, LEEWAY_S).is_err() || self.iat > now_s + LEEWAY_S
        {
            return Err("not of now");
        }
        if self.nonce.as_deref() != Some(nonce) {
            return Err("made for another visit");
        }
        let verified = match &self.email_verified {
            Some(serde_json::Value::Bool(verified)) => *verified,
            Some(serde_json::Value::String(text)) => text == "true",
            _ => false,
        };
        let email = self
            .email
            .filter(|_| verified)
            .ok_or("without a verified address")?;
        let email = address::email(&email).map_err(|_| "with an address that is not taken here")?;
        let name = register::name(self.name.as_deref().unwrap_or(&email))
            .unwrap_or_else(|_| email.clone());
        Ok(Identified {
            subject: self.sub,
            email,
            name,
        })
    }
}

impl Identity {
    /// Names and titles of the providers.
    pub fn providers(&self) -> Vec<(String, String)> {
        self.settings
            .providers
            .iter()
            .map(|provider| (provider.name.clone(), provider.title.clone()))
            .collect()
    }

    fn provider(&self, name: &str) -> Result<&ProviderSettings, Refusal> {
        let found = self
            .settings
            .providers
            .iter()
            .find(|provider| provider.name == name);
        found.ok_or_else(|| NOT_SET_UP.because("there is no such provider here"))
    }

    /// Where the provider sends people back to.
    fn callback(&self, name: &str) -> Result<String, Refusal> {
        let public = self
            .settings
            .public_url
            .as_deref()
            .ok_or_else(|| NOT_SET_UP.because("providers need the desk's public address"))?;
        Ok(format!(
            "{}/api/v1/auth/oidc/{name}/callback",
            public.trim_end_matches('/')
        ))
    }

    /// The address at the provider to send a browser to.
    ///
    /// # Errors
    /// There is no such provider; it does not answer; the database's.
    pub async fn begin_provider(&self, name: &str, visit: &Visit) -> Result<String, Refusal> {
        self.visit_provider(name, None, visit).await
    }

    /// The address of a visit that signs in, or links what it finds for `owner`.
    pub(super) async fn visit_provider(
        &self,
        name: &str,
        owner: Option<Owner>,
        visit: &Visit,
    ) -> Result<String, Refusal> {
        let settings = self.provider(name)?.clone();
        let callback = self.callback(name)?;
        let discovered = self.discover(&settings).await?;
        let (state, nonce, verifier) = (codes::token(), codes::token(), codes::token());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut url = discovered.authorize.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &callback)
            .append_pair("scope", "openid email profile")
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let visiting = json!(Visiting {
            provider: settings.name,
            nonce,
            verifier
        })
        .to_string();
        let client = visit.client;
        let owner = owner.map_or((None, None), |owner| {
            (Some(owner.user), Some(owner.session))
        });
        self.platform
            .command(&visit.principal("identity.provider"), move |unit| {
                store::keep_challenge(unit, "provider", &state, owner, client, Some(&visiting))
            })
            .await?;
        Ok(url.into())
    }

    /// Signs in whom the provider sent back, or links the account there to whoever began the visit in a session of theirs. An
    /// address that nobody has makes a new client. An account whose address was never confirmed loses its password, factors, linked
    /// accounts and keys first: they may be somebody else's.
    ///
    /// # Errors
    /// The visit is over; the provider's answer is not believed; the account is suspended or of staff; the database's.
    pub async fn finish_provider(
        &self,
        name: &str,
        returned: Returned,
        visit: &Visit,
    ) -> Result<Finished, Refusal> {
        let settings = self.provider(name)?.clone();
        let callback = self.callback(name)?;
        let keyring = Arc::clone(self.platform.keyring());
        let state = returned.state.clone();
        let (visiting, owner) = self
            .platform
            .command(&visit.principal("identity.provider"), move |unit| {
                let now = unit.now();
                let held = store::challenge_for_update(unit.tx(), &keyring, "provider", &state)?;
                challenge_open(held.made, held.tries, held.used, now)?;
                store::touch_challenge(unit.tx(), &state, true, now)?;
                let owner = held.user.zip(held.session);
                serde_json::from_str::<Visiting>(held.state.as_deref().unwrap_or_default())
                    .map(|visiting| {
                        (
                            visiting,
                            owner.map(|(user, session)| Owner { user, session }),
                        )
                    })
                    .map_err(|_| CHALLENGE_OVER.because("begin again"))
            })
            .await?;
        if visiting.provider != settings.name {
            return Err(PROVIDER.because("begin again"));
        }
        let identified = self
            .identify(&settings, &callback, &returned.code, &visiting)
            .await;
        if let Some(owner) = owner {
            let kept = match identified {
                Ok(identified) => {
                    let keyring = self.platform.keyring();
                    let subject = subject_index(keyring, &settings.name, &identified.subject);
                    self.keep_link(owner, settings.name, subject, visit).await
                }
                Err(refusal) => Err(refusal),
            };
            return Ok(kept.map_or_else(Finished::NotLinked, |()| Finished::Linked));
        }
        let identified = identified?;
        let keyring = Arc::clone(self.platform.keyring());
        let client = visit.client;
        let sends = (self.serves(Channel::Email), self.serves(Channel::Sms));
        let (done, ended): (Proceeded, Vec<Uuid>) = self
            .platform
            .command(&visit.principal("identity.provider"), move |unit| {
                if let Some(user) = known_as(unit.tx(), &keyring, &settings.name, &identified)? {
                    store::hold_sessions(unit.tx(), user)?;
                }
                let (user, ended) = link(unit, &keyring, &settings.name, &identified)?;
                let person = store::person(unit.tx(), &keyring, user)?;
                person.standing.may_sign_in()?;
                Ok((proceed(unit, person, client, sends)?, ended))
            })
            .await?;
        self.tell_ends(&ended).await;
        Ok(Finished::SignedIn(self.opened(done).await?))
    }

    async fn ask(&self, url: &str, form: Option<String>) -> Result<Vec<u8>, Refusal> {
        let failed = |why: String| {
            tracing::warn!("a provider of sign-in: {why}");
            PROVIDER.because("the provider does not answer as it should; try again, or sign in with your password")
        };
        if !url.starts_with("https://") {
            return Err(failed("its address is not https".to_owned()));
        }
        let answer = self
            .settings
            .web
            .ask(WebRequest {
                url: url.to_owned(),
                form,
            })
            .await
            .map_err(failed)?;
        if answer.status != 200 {
            return Err(failed(format!("status {}", answer.status)));
        }
        Ok(answer.body)
    }

    async fn discover(&self, settings: &ProviderSettings) -> Result<Arc<Discovered>, Refusal> {
        let now = self.platform.now();
        let mut held = self.discovered.lock().await;
        if let Some(known) = held.get(&settings.name)
            && now.since(known.read_at) < DISCOVERED_NS
        {
            return Ok(Arc::clone(known));
        }
        let strange = |what: &str| {
            tracing::warn!("the provider {}: {what}", settings.name);
            PROVIDER
                .because("the provider does not answer as it should; sign in with your password")
        };
        let issuer = settings.issuer.trim_end_matches('/');
        let body = self
            .ask(&format!("{issuer}/.well-known/openid-configuration"), None)
            .await?;
        let metadata: Metadata = serde_json::from_slice(&body)
            .map_err(|_| strange("its configuration is not understood"))?;
        if metadata.issuer.trim_end_matches('/') != issuer {
            return Err(strange("its configuration names another issuer"));
        }
        let keys: Keys = serde_json::from_slice(&self.ask(&metadata.jwks_uri, None).await?)
            .map_err(|_| strange("its keys are not understood"))?;
        let authorize = Url::parse(&metadata.authorization_endpoint)
            .ok()
            .filter(|url| url.scheme() == "https");
        let discovered = Arc::new(Discovered {
            authorize: authorize.ok_or_else(|| strange("its address is not https"))?,
            token: metadata.token_endpoint,
            // Keys of kinds that are not used here may have other members.
            keys: keys
                .keys
                .into_iter()
                .filter_map(|key| serde_json::from_value(key).ok())
                .collect(),
            read_at: now,
        });
        held.insert(settings.name.clone(), Arc::clone(&discovered));
        Ok(discovered)
    }

    async fn identify(
        &self,
        settings: &ProviderSettings,
        callback: &str,
        code: &str,
        visiting: &Visiting,
    ) -> Result<Identified, Refusal> {
        let discovered = self.discover(settings).await?;
        let mut form = Url::parse("https://form.invalid/")
            .map_err(|error| store::unexpected(error.to_string()))?;
        form.query_pairs_mut()
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", callback)
            .append_pair("client_id", &settings.client_id)
            .append_pair("client_secret", &settings.client_secret)
            .append_pair("code_verifier", &visiting.verifier);
        let body = self
            .ask(&discovered.token, form.query().map(str::to_owned))
            .await?;
        let refused = |why: &str| {
            tracing::warn!("the identity token of {}: {why}", settings.name);
            PROVIDER.because(
                "what the provider said is not believed; try again, or sign in with your password",
            )
        };
        let tokens: Tokens = serde_json::from_slice(&body).map_err(|_| refused("there is none"))?;
        let payload = jws::verify(&tokens.id_token, |kid| {
            let named = discovered
                .keys
                .iter()
                .find(|key| kid.is_none() || key.kid.as_deref() == kid);
            named.and_then(jws::Jwk::key)
        });
        let payload = payload.map_err(|fault| refused(&fault.to_string()))?;
        let claims: IdClaims =
            serde_json::from_slice(&payload).map_err(|_| refused("its claims are not complete"))?;
        claims
            .judge(settings, &visiting.nonce, self.platform.wall())
            .map_err(refused)
    }
}

/// What an account at a provider is found by.
fn subject_index(keyring: &crate::crypto::Keyring, provider: &str, subject: &str) -> Vec<u8> {
    let name = format!("{provider} {subject}");
    blind(keyring, "provider_identities.subject", &name).to_vec()
}

/// Whom an identity of a provider signs in, as long as nothing is locked.
fn known_as(
    tx: &mut Tx<'_>,
    keyring: &crate::crypto::Keyring,
    provider: &str,
    who: &Identified,
) -> Result<Option<Uuid>, Refusal> {
    let subject = subject_index(keyring, provider, &who.subject);
    let linked: Option<(Uuid,)> = tx.optional(
        sqlx::query_as(
            "SELECT user_id FROM provider_identities WHERE provider = $1 AND subject_index = $2",
        )
        .bind(provider)
        .bind(&subject[..]),
    )?;
    if let Some((user,)) = linked {
        return Ok(Some(user));
    }
    Ok(store::by_email(tx, keyring, &who.email)?.map(|(user, _)| user))
}

/// The user behind an identity of a provider, and the sessions that ended for it.
fn link(
    unit: &mut Unit<'_, '_>,
    keyring: &crate::crypto::Keyring,
    provider: &str,
    who: &Identified,
) -> Result<(Uuid, Vec<Uuid>), Refusal> {
    let now = unit.now();
    let subject = subject_index(keyring, provider, &who.subject);
    let known: Option<(Uuid,)> = unit.tx().optional(
        sqlx::query_as("UPDATE provider_identities SET used_at = $3 WHERE provider = $1 AND subject_index = $2 RETURNING user_id")
            .bind(provider)
            .bind(&subject[..])
            .bind(bound(now)),
    )?;
    if let Some((user,)) = known {
        return Ok((user, Vec::new()));
    }
    let mut ended = Vec::new();
    let user = match store::by_email(unit.tx(), keyring, &who.email)? {
        Some((user, _)) => {
            let person = store::person(unit.tx(), keyring, user)?;
            if person.role.is_staff() {
                return Err(EMAIL_TAKEN.because("an account of staff is not opened by a provider that was never linked; sign in with your password"));
            }
            if !store::factors(unit.tx(), user)?.email {
                let password = unit.tx().execute(
                    sqlx::query("DELETE FROM credentials WHERE user_id = $1").bind(user),
                )?;
                if password > 0 {
                    unit.audit(Change::new(Action::Delete, "credential", user).about(user));
                }
                ended = store::end_sessions(unit.tx(), user, None, End::Revoked, now)?;
                ended.extend(store::drop_ways_in(unit, user)?);
            }
            user
        }
        None => {
            let new = store::NewUser {
                org: HOUSE,
                email: &who.email,
                name: &who.name,
                phone: None,
                role: Role::EndUser,
                team: None,
                locale: "id",
            };
            let user = store::add_user(unit, &new)?;
            unit.audit(
                Change::new(Action::Create, "user", user)
                    .about(user)
                    .field("role", json!(null), Role::EndUser.name())
                    .field("provider", json!(null), provider),
            );
            unit.emit(
                Event::new(
                    "user.registered",
                    "user",
                    user,
                    json!({"user_id": user, "role": Role::EndUser.name()}),
                )
                .about(user),
            );
            user
        }
    };
    unit.tx().execute(
        sqlx::query("INSERT INTO provider_identities (id, user_id, provider, subject_index, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $5)")
            .bind(new_id(now))
            .bind(user)
            .bind(provider)
            .bind(&subject[..])
            .bind(bound(now)),
    )?;
    if store::confirm_contact(
        unit.tx(),
        keyring,
        user,
        "email",
        store::EMAIL,
        &who.email,
        now,
    )? {
        super::contact::confirmed(unit, user, super::contact::Contact::Email);
    }
    let person = store::person(unit.tx(), keyring, user)?;
    super::contact::activate(unit, &person)?;
    unit.audit(
        Change::new(Action::Create, "provider_identity", user)
            .about(user)
            .field("provider", json!(null), provider),
    );
    let facts = json!({"user_id": user, "provider": provider});
    unit.emit(Event::new("user.provider_linked", "user", user, facts).about(user));
    Ok((user, ended))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ProviderSettings {
        ProviderSettings {
            name: "google".into(),
            title: "Google".into(),
            issuer: "https://accounts.google.com".into(),
            client_id: "desk".into(),
            client_secret: "s".into(),
        }
    }

    fn judged(change: impl FnOnce(&mut serde_json::Value)) -> Result<Identified, &'static str> {
        let mut claims = json!({
            "iss": "https://accounts.google.com", "sub": "42", "aud": "desk", "exp": 2_000, "iat": 1_000, "nonce": "n",
            "email": "Sari@Contoh.id", "email_verified": true, "name": "Sari  Dewi"
        });
        change(&mut claims);
        let claims: IdClaims = serde_json::from_value(claims).map_err(|_| "not read")?;
        claims.judge(&settings(), "n", Ts(1_500 * SECOND_NS))
    }

    #[test]
    fn an_identity_is_believed_when_it_is_of_this_visit_and_the_address_is_verified() {
        let expected = Identified {
            subject: "42".into(),
            email: "sari@contoh.id".into(),
            name: "Sari Dewi".into(),
        };
        assert_eq!(judged(|_| {}), Ok(expected.clone()));
        assert_eq!(
            judged(|c| c["email_verified"] = json!("true")),
            Ok(expected.clone()),
            "as LinkedIn writes it"
        );
        assert_eq!(
            judged(|c| {
                c["aud"] = json!(["desk", "other"]);
                c["azp"] = json!("desk");
            }),
            Ok(expected)
        );
        let wrong: [(&str, serde_json::Value); 10] = [
            ("iss", json!("https://evil.example")),
            ("aud", json!("other")),
            ("aud", json!(["desk", "other"])),
            ("exp", json!(1_440)),
            ("iat", json!(1_561)),
            ("nbf", json!(1_561)),
            ("nonce", json!("another")),
            ("email_verified", json!(false)),
            ("email_verified", json!(null)),
            ("email", json!("sаri@contoh.id")),
        ];
        for (name, value) in wrong {
            assert!(
                judged(|claims| claims[name] = value.clone()).is_err(),
                "{name} {value}"
            );
        }
    }
}
