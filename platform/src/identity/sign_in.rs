//! Signing in with a password: counted, compared, and opened or left waiting for a second factor.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::json;
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::confirm::{Method, second_factor_count};
use super::contact::{confirming_count, password_code_count};
use super::faults::{LOCKED_OUT, SIGN_IN_UNDER_WAY, WRONG_CREDENTIALS};
use super::limit::household;
use super::lockout::{self, ACCOUNT, NETWORK, Rule, Wait};
use super::messenger::Channel;
use super::person::Person;
use super::service::Identity;
use super::token::Claims;
use super::{address, codes, store};
use crate::audit::{Action, Change};
use crate::crypto::{BlindIndex, Keyring, blind};
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::Unit;

/// How tokens travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// In cookies that scripts do not see.
    Browser,
    /// In bodies and headers.
    Api,
}

impl Client {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Client::Browser => "browser",
            Client::Api => "api",
        }
    }

    pub(super) fn parse(name: &str) -> Client {
        match name {
            "api" => Client::Api,
            _ => Client::Browser,
        }
    }
}

/// From where a request comes before anybody is known.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// Ties log lines, audit rows and the answer together.
    pub request: Option<String>,
    /// How tokens travel.
    pub client: Client,
    /// The page asks by itself: nobody has done anything there for a while, so that it keeps no session from being idle.
    pub unattended: bool,
}

impl Visit {
    pub(super) fn principal(&self, part: &'static str) -> Principal {
        Principal {
            ip: self.ip,
            request: self.request.clone(),
            ..Principal::system(part)
        }
    }

    fn network(&self) -> String {
        self.ip
            .map_or_else(|| "unknown".to_owned(), |ip| household(ip).to_string())
    }
}

/// A session that was opened, with what its owner gets once. It has no Debug: these are secrets.
pub struct Opened {
    /// Who.
    pub person: Person,
    /// The session.
    pub session: Uuid,
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// Goes with every write of a browser.
    pub csrf: String,
    /// The role needs a second factor, and there is none yet.
    pub enrol: bool,
    /// How the tokens of the session travel, whatever the last request said of itself.
    pub client: Client,
}

/// A sign-in that waits for a second factor.
pub struct Waiting {
    /// Names it in the next request.
    pub challenge: String,
    /// What it can be confirmed with.
    pub methods: Vec<Method>,
}

/// What a right password brings.
pub enum SignedIn {
    /// A session.
    Open(Box<Opened>),
    /// A question.
    Confirm(Waiting),
}

/// What the first unit of a sign-in finds.
struct Found {
    user: Option<(Uuid, Option<String>)>,
    /// When the attempt was begun, by which its count is found again.
    began: Ts,
}

impl Identity {
    /// Signs in with address and password.
    ///
    /// # Errors
    /// [`LOCKED_OUT`], [`SIGN_IN_UNDER_WAY`], [`WRONG_CREDENTIALS`], a suspended account; the database's.
    pub async fn sign_in(
        &self,
        email: &str,
        password: String,
        visit: &Visit,
    ) -> Result<SignedIn, Refusal> {
        let email = address::email(email).map_err(|_| wrong())?;
        let Found { user, began } = self.begin_attempt(&email, visit).await?;
        let hash = user.as_ref().and_then(|(_, hash)| hash.clone());
        let compared = hash.clone();
        let fits = match self.hasher.fits(password, hash).await {
            Ok(fits) => fits,
            Err(refusal) => {
                self.withdraw(&email, began, visit).await?;
                return Err(refusal);
            }
        };
        let (Some((user, _)), true) = (user.clone(), fits) else {
            self.note_failure(user.map(|(id, _)| id), &email, began, visit)
                .await?;
            return Err(wrong());
        };
        let keyring = Arc::clone(self.platform.keyring());
        let (account, visit_now) = (email.clone(), visit.clone());
        let sends = (self.serves(Channel::Email), self.serves(Channel::Sms));
        let done = self
            .platform
            .command(&visit.principal("identity.sign_in"), move |unit| {
                // The password may have been changed while it was compared. Whoever changes it from here on ends what is opened here.
                store::hold_sessions(unit.tx(), user)?;
                if store::password_hash(unit.tx(), user)? != compared {
                    return Err(wrong());
                }
                forgive(unit, &keyring, &account, &visit_now, began)?;
                let person = store::person(unit.tx(), &keyring, user)?;
                person.standing.may_sign_in()?;
                proceed(unit, person, visit_now.client, sends)
            })
            .await;
        match done {
            Ok(done) => self.opened(done).await,
            Err(refusal) => {
                self.count_as_wrong(&email, began, visit).await?;
                Err(refusal)
            }
        }
    }

    /// Counts the attempt before anything is compared, for the network address and for the account.
    async fn begin_attempt(&self, email: &str, visit: &Visit) -> Result<Found, Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        let (email, network) = (email.to_owned(), visit.network());
        self.platform
            .command(&visit.principal("identity.sign_in"), move |unit| {
                if let Err(refusal) = begin(unit, &keyring, &email, &network)? {
                    return Ok(Err(refusal));
                }
                let user = store::by_email(unit.tx(), &keyring, &email)?;
                let began = unit.now();
                Ok(Ok(Found { user, began }))
            })
            .await?
    }

    /// Nothing was compared: the attempt told nobody anything.
    async fn withdraw(&self, email: &str, began: Ts, visit: &Visit) -> Result<(), Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        let (email, network) = (email.to_owned(), visit.network());
        self.platform
            .command(&visit.principal("identity.sign_in"), move |unit| {
                let now = unit.now();
                for (id, _) in counts(&keyring, &email, &network) {
                    let held = store::count_for_update(unit.tx(), &id, now)?;
                    store::save_count(unit.tx(), &id, &lockout::right(&held, began))?;
                }
                Ok(())
            })
            .await
    }

    /// The password fitted, and there is no session all the same: that is no better than a wrong one.
    async fn count_as_wrong(&self, email: &str, began: Ts, visit: &Visit) -> Result<(), Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        let (email, network) = (email.to_owned(), visit.network());
        self.platform
            .command(&visit.principal("identity.sign_in"), move |unit| {
                fail(unit, &keyring, &email, &network, began)
            })
            .await
    }

    async fn note_failure(
        &self,
        user: Option<Uuid>,
        email: &str,
        began: Ts,
        visit: &Visit,
    ) -> Result<(), Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        let (email, network) = (email.to_owned(), visit.network());
        self.platform
            .command(&visit.principal("identity.sign_in"), move |unit| {
                fail(unit, &keyring, &email, &network, began)?;
                // Noted for nobody, too: how long it takes would say whether there is such an address.
                let change = Change::new(Action::Access, "session", "none").field(
                    "sign_in",
                    json!(null),
                    "wrong_password",
                );
                unit.audit(match user {
                    Some(user) => change.about(user),
                    None => change,
                });
                Ok(())
            })
            .await
    }

    /// Ends what a unit began: signs the access token and tells who made place.
    pub(super) async fn opened(&self, done: Proceeded) -> Result<SignedIn, Refusal> {
        match done {
            Proceeded::Confirm(waiting) => Ok(SignedIn::Confirm(waiting)),
            Proceeded::Open {
                person,
                session,
                enrol,
                client,
            } => {
                self.tell_ends(&session.ended).await;
                let access = self.access_token(person.id, session.id).await?;
                let csrf = self.csrf(session.id);
                Ok(SignedIn::Open(Box::new(Opened {
                    person: *person,
                    session: session.id,
                    access,
                    refresh: session.refresh,
                    csrf,
                    enrol,
                    client,
                })))
            }
        }
    }

    pub(super) async fn access_token(&self, user: Uuid, session: Uuid) -> Result<String, Refusal> {
        let now = self.platform.now();
        let claims = Claims::new(user, session, now);
        self.signed(&claims.to_json(new_id(now))).await
    }

    /// The token that a browser sends with every write: made of the session's id, so that it needs no place of its own.
    pub fn csrf(&self, session: Uuid) -> String {
        let index = blind(
            self.platform.keyring(),
            "sessions.csrf",
            &session.to_string(),
        );
        index
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// What a unit decided.
pub(super) enum Proceeded {
    Open {
        person: Box<Person>,
        session: store::NewSession,
        enrol: bool,
        client: Client,
    },
    Confirm(Waiting),
}

/// The first factor was right: opens a session, or waits for the second.
pub(super) fn proceed(
    unit: &mut Unit<'_, '_>,
    person: Person,
    client: Client,
    sends: (bool, bool),
) -> Result<Proceeded, Refusal> {
    let factors = store::factors(unit.tx(), person.id)?;
    let methods = Method::at_sign_in(&person, &factors, sends);
    if methods.is_empty() {
        return open(unit, person, client, false);
    }
    let challenge = codes::token();
    store::keep_challenge(
        unit,
        "mfa",
        &challenge,
        (Some(person.id), None),
        client,
        None,
    )?;
    Ok(Proceeded::Confirm(Waiting { challenge, methods }))
}

/// Opens a session.
pub(super) fn open(
    unit: &mut Unit<'_, '_>,
    person: Person,
    client: Client,
    confirmed: bool,
) -> Result<Proceeded, Refusal> {
    let session = store::open_session(unit, person.id, person.org, client, confirmed)?;
    unit.audit(
        Change::new(Action::Create, "session", session.id)
            .about(person.id)
            .field("client", json!(null), client.name())
            .field("confirmed", json!(null), confirmed),
    );
    for ended in &session.ended {
        unit.audit(
            Change::new(Action::Delete, "session", ended)
                .about(person.id)
                .field("by", json!(null), "a newer one"),
        );
    }
    unit.emit(
        Event::new(
            "user.signed_in",
            "user",
            person.id,
            json!({"user_id": person.id, "client": client.name()}),
        )
        .about(person.id),
    );
    let enrol = person.role.is_staff() && !confirmed;
    Ok(Proceeded::Open {
        person: Box::new(person),
        session,
        enrol,
        client,
    })
}

/// Begins an attempt; the inner refusal is committed with the count. The address before the account, as everywhere, so that two attempts
/// never wait for each other.
fn begin(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    email: &str,
    network: &str,
) -> Result<Result<(), Refusal>, Refusal> {
    let now = unit.now();
    let network = store::network_count(keyring, network);
    let account = store::account_count(keyring, email);
    let held = store::count_for_update(unit.tx(), &network, now)?;
    let from_there = match lockout::begin(NETWORK, &held, now) {
        Ok(next) => next,
        Err(wait) => return Ok(Err(not_now(wait))),
    };
    let held = store::count_for_update(unit.tx(), &account, now)?;
    match lockout::begin(ACCOUNT, &held, now) {
        Ok(next) => {
            store::save_count(unit.tx(), &network, &from_there)?;
            store::save_count(unit.tx(), &account, &next)?;
            Ok(Ok(()))
        }
        Err(wait) => {
            // Whoever goes on at a locked account fails at the address; whoever comes at the same moment as others does not.
            if matches!(wait, Wait::Locked(_)) {
                let failed = lockout::wrong(NETWORK, &from_there, now, now);
                store::save_count(unit.tx(), &network, &failed)?;
            }
            Ok(Err(not_now(wait)))
        }
    }
}

/// What an attempt counts at: the address before the account, as everywhere, so that two attempts never wait for each other.
fn counts(keyring: &Keyring, email: &str, network: &str) -> [(BlindIndex, Rule); 2] {
    [
        (store::network_count(keyring, network), NETWORK),
        (store::account_count(keyring, email), ACCOUNT),
    ]
}

/// The attempt that was begun then has failed.
fn fail(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    email: &str,
    network: &str,
    began: Ts,
) -> Result<(), Refusal> {
    let now = unit.now();
    for (id, rule) in counts(keyring, email, network) {
        let held = store::count_for_update(unit.tx(), &id, now)?;
        store::save_count(unit.tx(), &id, &lockout::wrong(rule, &held, began, now))?;
    }
    Ok(())
}

/// Counts one attempt as failed before it is tried; the inner refusal is committed with the count.
pub(super) fn count(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    email: &str,
    network: &str,
) -> Result<Result<(), Refusal>, Refusal> {
    let now = unit.now();
    for (id, rule) in counts(keyring, email, network) {
        let held = store::count_for_update(unit.tx(), &id, now)?;
        match lockout::attempt(rule, &held, now) {
            Ok(next) => store::save_count(unit.tx(), &id, &next)?,
            Err(wait) => return Ok(Err(not_now(wait))),
        }
    }
    Ok(Ok(()))
}

/// Gives the attempt that was begun then back, and forgets the account's failures.
fn forgive(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    email: &str,
    visit: &Visit,
    began: Ts,
) -> Result<(), Refusal> {
    let now: Ts = unit.now();
    let network = store::network_count(keyring, &visit.network());
    let held = store::count_for_update(unit.tx(), &network, now)?;
    store::save_count(unit.tx(), &network, &lockout::right(&held, began))?;
    let account = store::account_count(keyring, email);
    let held = store::count_for_update(unit.tx(), &account, now)?;
    store::save_count(unit.tx(), &account, &lockout::anew(&held, began))
}

/// An account's failures are forgotten.
pub(super) fn forgive_account(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    email: &str,
) -> Result<(), Refusal> {
    let now = unit.now();
    let account = store::account_count(keyring, email);
    store::count_for_update(unit.tx(), &account, now)?;
    store::save_count(unit.tx(), &account, &lockout::forgive())
}

/// Nothing that a person, or a stranger in their name, failed at is counted any more: passwords, codes and second factors.
pub(super) fn forgive_person(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    user: Uuid,
    email: Option<&str>,
) -> Result<(), Refusal> {
    if let Some(email) = email {
        forgive_account(unit, keyring, email)?;
        forgive_account(unit, keyring, &password_code_count(email))?;
    }
    forgive_account(unit, keyring, &second_factor_count(user))?;
    forgive_account(unit, keyring, &confirming_count(user))
}

pub(super) fn wrong() -> Refusal {
    WRONG_CREDENTIALS.because("check both, or ask for a new password")
}

pub(super) fn not_now(wait: Wait) -> Refusal {
    match wait {
        Wait::Locked(seconds) => LOCKED_OUT.for_seconds(seconds, "wait, or ask for a new password"),
        Wait::UnderWay => SIGN_IN_UNDER_WAY.for_seconds(1, "repeat it in a moment"),
    }
}
