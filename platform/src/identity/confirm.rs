//! Second factors: what a sign-in or an open session is confirmed with.

use std::sync::Arc;

use serde_json::json;
use siaga_risk::units::Ts;
use uuid::Uuid;
use webauthn_rs::prelude::PublicKeyCredential;

use super::codes::Tried;
use super::contact::{self, Contact};
use super::faults::{CODE_USED, CODE_WRONG, NO_FACTOR};
use super::lockout::{self, ACCOUNT};
use super::messenger::Channel;
use super::person::Person;
use super::service::Identity;
use super::session::challenge_open;
use super::sign_in::{Client, Proceeded, SignedIn, Visit, Waiting, not_now, open};
use super::totp::{self, Verdict};
use super::{codes, passkey, store};
use crate::audit::{Action, Change};
use crate::crypto::Keyring;
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::Unit;

/// By what a person confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// An authenticator app.
    Totp,
    /// A passkey.
    Passkey,
    /// A code by mail.
    Email,
    /// A code by telephone.
    Sms,
    /// A code from the paper.
    Recovery,
}

impl Method {
    /// Every one.
    pub const ALL: [Method; 5] = [
        Method::Totp,
        Method::Passkey,
        Method::Email,
        Method::Sms,
        Method::Recovery,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Method::Totp => "totp",
            Method::Passkey => "passkey",
            Method::Email => "email",
            Method::Sms => "sms",
            Method::Recovery => "recovery",
        }
    }

    /// The method of that name.
    pub fn parse(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.name() == name)
    }

    /// What a person is asked for at every sign-in; nothing = no second factor. `sends` = mail, telephone.
    pub(super) fn at_sign_in(
        person: &Person,
        factors: &store::Factors,
        sends: (bool, bool),
    ) -> Vec<Method> {
        let mut methods = Self::strong(factors);
        if !person.role.is_staff() {
            methods.extend((factors.email_always && sends.0).then_some(Method::Email));
            methods.extend((factors.phone_always && sends.1).then_some(Method::Sms));
        }
        with_recovery(methods, factors)
    }

    /// What an open session may be confirmed with. A mailbox sets passwords, so it is no second factor of staff.
    pub(super) fn in_session(
        person: &Person,
        factors: &store::Factors,
        sends: (bool, bool),
    ) -> Vec<Method> {
        let mut methods = Self::strong(factors);
        if !person.role.is_staff() {
            methods.extend((factors.email && sends.0).then_some(Method::Email));
            methods.extend((factors.phone && sends.1).then_some(Method::Sms));
        }
        with_recovery(methods, factors)
    }

    fn strong(factors: &store::Factors) -> Vec<Method> {
        let mut methods = Vec::new();
        methods.extend(factors.totp.then_some(Method::Totp));
        methods.extend((factors.passkeys > 0).then_some(Method::Passkey));
        methods
    }
}

/// A recovery code stands for a factor that was lost; without one there is nothing to recover.
fn with_recovery(mut methods: Vec<Method>, factors: &store::Factors) -> Vec<Method> {
    if !methods.is_empty() && factors.recovery > 0 {
        methods.push(Method::Recovery);
    }
    methods
}

/// What somebody shows.
#[derive(Clone)]
pub enum Proof {
    /// A code of an app, a message or the paper.
    Code(Method, String),
    /// A signature of a passkey.
    Passkey(Box<PublicKeyCredential>),
}

impl Proof {
    /// What `navigator.credentials.get` gave.
    ///
    /// # Errors
    /// It has another form.
    pub fn passkey(credential: serde_json::Value) -> Result<Proof, Refusal> {
        let read = serde_json::from_value(credential);
        read.map(|credential| Proof::Passkey(Box::new(credential)))
            .map_err(|_| CODE_WRONG.field("credential", "give what the browser gave"))
    }

    fn method(&self) -> Method {
        match self {
            Proof::Code(method, _) => *method,
            Proof::Passkey(_) => Method::Passkey,
        }
    }
}

/// What a confirmation brought.
enum Confirmed {
    /// The sign-in is complete.
    SignedIn(Proceeded),
    /// The session that asked is confirmed.
    Session(Uuid, Box<Person>, Client),
}

impl Identity {
    /// Asks an open session for a second factor: before a withdrawal, or after one was set up elsewhere.
    ///
    /// # Errors
    /// [`NO_FACTOR`]; the database's.
    pub async fn begin_confirmation(
        &self,
        by: &Principal,
        session: Uuid,
    ) -> Result<Waiting, Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        let user = by
            .user()
            .ok_or_else(|| NO_FACTOR.because("the program has none"))?;
        let sends = (self.serves(Channel::Email), self.serves(Channel::Sms));
        self.platform
            .command(&Principal::system("identity.confirm"), move |unit| {
                let person = store::person(unit.tx(), &keyring, user)?;
                let factors = store::factors(unit.tx(), user)?;
                let methods = Method::in_session(&person, &factors, sends);
                if methods.is_empty() {
                    return Err(NO_FACTOR.because("set one up first"));
                }
                let challenge = codes::token();
                let client = store::client_of(unit.tx(), user, session)?;
                store::keep_challenge(
                    unit,
                    "mfa",
                    &challenge,
                    (Some(user), Some(session)),
                    client,
                    None,
                )?;
                Ok(Waiting { challenge, methods })
            })
            .await
    }

    /// Sends a code for a sign-in or a session that waits.
    ///
    /// # Errors
    /// The challenge is over; the method is none of the person's; too soon after the last; it could not be sent.
    pub async fn send_confirmation(
        &self,
        challenge: String,
        method: Method,
        visit: &Visit,
    ) -> Result<(), Refusal> {
        let contact = match method {
            Method::Email => Contact::Email,
            Method::Sms => Contact::Phone,
            Method::Totp | Method::Passkey | Method::Recovery => {
                return Err(NO_FACTOR.because("nothing is sent for this one"));
            }
        };
        let keyring = Arc::clone(self.platform.keyring());
        let sends = (self.serves(Channel::Email), self.serves(Channel::Sms));
        let user = self
            .platform
            .command(&visit.principal("identity.confirm"), move |unit| {
                let now = unit.now();
                let held = store::challenge_for_update(unit.tx(), &keyring, "mfa", &challenge)?;
                challenge_open(held.made, held.tries, held.used, now)?;
                let user = held.user.ok_or_else(wrong_code)?;
                offered(unit, &keyring, user, held.session, method, sends)?;
                Ok(user)
            })
            .await?;
        contact::send(self, user, contact.factor(), visit).await
    }

    /// What the browser's `navigator.credentials.get` needs for a sign-in or a session that waits.
    ///
    /// # Errors
    /// The challenge is over; the person has no passkey; passkeys are not set up.
    pub async fn passkey_options(
        &self,
        challenge: String,
        visit: &Visit,
    ) -> Result<serde_json::Value, Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        let webauthn = self.webauthn()?.clone();
        self.platform
            .command(&visit.principal("identity.confirm"), move |unit| {
                let now = unit.now();
                let held = store::challenge_for_update(unit.tx(), &keyring, "mfa", &challenge)?;
                challenge_open(held.made, held.tries, held.used, now)?;
                let user = held.user.ok_or_else(wrong_code)?;
                let (options, state) = passkey::begin_authentication(unit, &webauthn, user)?;
                store::keep_challenge(
                    unit,
                    "mfa",
                    &challenge,
                    (Some(user), held.session),
                    held.client,
                    Some(&state),
                )?;
                Ok(options)
            })
            .await
    }

    /// Confirms a sign-in or a session that waits.
    ///
    /// # Errors
    /// The challenge is over; the code is wrong, used or locked; the database's.
    pub async fn confirm(
        &self,
        challenge: String,
        proof: Proof,
        visit: &Visit,
    ) -> Result<SignedIn, Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        let webauthn = self.webauthn.clone();
        let sends = (self.serves(Channel::Email), self.serves(Channel::Sms));
        let done = self
            .platform
            .command(&visit.principal("identity.confirm"), move |unit| {
                let now = unit.now();
                // Whoever sets another password meanwhile ends the challenge, or the session that comes of it.
                if let Some(user) = store::challenged(unit.tx(), "mfa", &challenge)? {
                    store::hold_sessions(unit.tx(), user)?;
                }
                let held = store::challenge_for_update(unit.tx(), &keyring, "mfa", &challenge)?;
                challenge_open(held.made, held.tries, held.used, now)?;
                let user = held.user.ok_or_else(wrong_code)?;
                offered(unit, &keyring, user, held.session, proof.method(), sends)?;
                // Counted before it is judged, and given back when right.
                if let Err(refusal) = count(unit, &keyring, user, now)? {
                    return Ok(Err(refusal));
                }
                let method = proof.method();
                let judged = judge(
                    unit,
                    &keyring,
                    user,
                    proof,
                    held.state.as_deref(),
                    webauthn.as_ref(),
                )?;
                store::touch_challenge(unit.tx(), &challenge, judged.is_ok(), now)?;
                if let Err(refusal) = judged {
                    unit.audit(
                        Change::new(Action::Access, "session", "none")
                            .about(user)
                            .field(
                                "confirm",
                                json!(null),
                                format!("{} was wrong", method.name()),
                            ),
                    );
                    return Ok(Err(refusal));
                }
                forget(unit, &keyring, user)?;
                let person = store::person(unit.tx(), &keyring, user)?;
                person.standing.may_sign_in()?;
                match held.session {
                    None => Ok(Ok(Confirmed::SignedIn(open(
                        unit,
                        person,
                        held.client,
                        true,
                    )?))),
                    Some(session) => {
                        store::confirm_session(unit.tx(), session, now)?;
                        unit.audit(
                            Change::new(Action::Update, "session", session)
                                .about(user)
                                .field("confirmed", false, method.name()),
                        );
                        Ok(Ok(Confirmed::Session(
                            session,
                            Box::new(person),
                            held.client,
                        )))
                    }
                }
            })
            .await??;
        match done {
            Confirmed::SignedIn(proceeded) => self.opened(proceeded).await,
            Confirmed::Session(session, person, client) => {
                self.known.invalidate(&session).await;
                let access = self.access_token(person.id, session).await?;
                let csrf = self.csrf(session);
                let opened = super::sign_in::Opened {
                    person: *person,
                    session,
                    access,
                    refresh: String::new(),
                    csrf,
                    enrol: false,
                    client,
                };
                Ok(SignedIn::Open(Box::new(opened)))
            }
        }
    }
}

fn wrong_code() -> Refusal {
    CODE_WRONG.because("look again, or use another factor")
}

/// Passes when the person was offered the method.
fn offered(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    user: Uuid,
    session: Option<Uuid>,
    method: Method,
    sends: (bool, bool),
) -> Result<(), Refusal> {
    let person = store::person(unit.tx(), keyring, user)?;
    let factors = store::factors(unit.tx(), user)?;
    let methods = match session {
        None => Method::at_sign_in(&person, &factors, sends),
        Some(_) => Method::in_session(&person, &factors, sends),
    };
    match methods.contains(&method) {
        true => Ok(()),
        false => Err(NO_FACTOR.because("use one of those that were offered")),
    }
}

/// Failures at the second factors of a person.
pub(super) fn second_factor_count(user: Uuid) -> String {
    format!("second factor {user}")
}

/// Failures at second factors lock as those of passwords do, on a count of their own.
fn count(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    user: Uuid,
    now: Ts,
) -> Result<Result<(), Refusal>, Refusal> {
    let id = store::account_count(keyring, &second_factor_count(user));
    let held = store::count_for_update(unit.tx(), &id, now)?;
    match lockout::attempt(ACCOUNT, &held, now) {
        Ok(next) => Ok(Ok(store::save_count(unit.tx(), &id, &next)?)),
        Err(wait) => Ok(Err(not_now(wait))),
    }
}

fn forget(unit: &mut Unit<'_, '_>, keyring: &Keyring, user: Uuid) -> Result<(), Refusal> {
    store::save_count(
        unit.tx(),
        &store::account_count(keyring, &second_factor_count(user)),
        &lockout::forgive(),
    )
}

/// Judges a proof and uses it up; the inner refusal is committed.
fn judge(
    unit: &mut Unit<'_, '_>,
    keyring: &Keyring,
    user: Uuid,
    proof: Proof,
    state: Option<&str>,
    webauthn: Option<&webauthn_rs::prelude::Webauthn>,
) -> Result<Result<(), Refusal>, Refusal> {
    let now = unit.now();
    match proof {
        Proof::Code(Method::Totp, code) => {
            let Some((secret, last)) = store::totp_for_update(unit, user, true)? else {
                return Ok(Err(wrong_code()));
            };
            judge_totp(unit, user, &secret, code.trim(), last)
        }
        Proof::Code(Method::Recovery, code) => {
            match store::use_recovery_code(unit.tx(), keyring, user, &code, now)? {
                true => Ok(Ok(())),
                false => Ok(Err(wrong_code())),
            }
        }
        Proof::Code(Method::Email, code) => {
            contact::judge(unit, keyring, user, Contact::Email.factor(), &code).map(tried)
        }
        Proof::Code(Method::Sms, code) => {
            contact::judge(unit, keyring, user, Contact::Phone.factor(), &code).map(tried)
        }
        Proof::Code(Method::Passkey, _) => Ok(Err(wrong_code())),
        Proof::Passkey(credential) => {
            let (Some(webauthn), Some(state)) = (webauthn, state) else {
                return Ok(Err(wrong_code()));
            };
            passkey::finish_authentication(unit, webauthn, user, &credential, state)
        }
    }
}

fn tried(tried: Tried) -> Result<(), Refusal> {
    match tried {
        Tried::Right => Ok(()),
        Tried::Wrong => Err(wrong_code()),
        Tried::Over => Err(CODE_WRONG.because("this code is over; ask for a new one")),
    }
}

/// Judges a code of an app and notes its step.
pub(super) fn judge_totp(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    secret: &[u8],
    code: &str,
    last: Option<u64>,
) -> Result<Result<(), Refusal>, Refusal> {
    match totp::accept(secret, code, last, unit.wall()) {
        Verdict::Accepted(counter) => Ok(Ok(store::use_totp(unit, user, counter)?)),
        Verdict::Replayed => Ok(Err(CODE_USED.because("wait for the next code of the app"))),
        Verdict::Mismatch => Ok(Err(wrong_code())),
    }
}

#[cfg(test)]
mod tests {
    use siaga_risk::ids::ActorId;

    use super::*;
    use crate::identity::person::Standing;
    use crate::people::Role;

    fn person(role: Role) -> Person {
        Person {
            id: Uuid::from_u128(1),
            org: Uuid::from_u128(2),
            actor: ActorId(7),
            email: None,
            name: None,
            phone: None,
            role,
            team: None,
            referrer: None,
            standing: Standing::Active,
            verified: false,
            tier: "standard".into(),
            locale: "id".into(),
            revision: 1,
        }
    }

    #[test]
    fn a_mailbox_is_a_second_factor_of_clients_alone_and_paper_needs_something_to_recover() {
        use Method::*;
        let all = store::Factors {
            totp: true,
            passkeys: 1,
            recovery: 3,
            email: true,
            phone: true,
            email_always: true,
            phone_always: false,
        };
        let paper = store::Factors {
            recovery: 3,
            ..Default::default()
        };
        let mail = store::Factors {
            email: true,
            recovery: 3,
            ..Default::default()
        };
        for (role, factors, sends, at_sign_in, in_session) in [
            (
                Role::EndUser,
                all,
                (true, true),
                vec![Totp, Passkey, Email, Recovery],
                vec![Totp, Passkey, Email, Sms, Recovery],
            ),
            (
                Role::EndUser,
                all,
                (false, false),
                vec![Totp, Passkey, Recovery],
                vec![Totp, Passkey, Recovery],
            ),
            (
                Role::Dealer,
                all,
                (true, true),
                vec![Totp, Passkey, Recovery],
                vec![Totp, Passkey, Recovery],
            ),
            (Role::EndUser, paper, (true, true), vec![], vec![]),
            (
                Role::EndUser,
                mail,
                (true, true),
                vec![],
                vec![Email, Recovery],
            ),
            (Role::Dealer, mail, (true, true), vec![], vec![]),
        ] {
            let person = person(role);
            assert_eq!(
                Method::at_sign_in(&person, &factors, sends),
                at_sign_in,
                "{role:?} {factors:?}"
            );
            assert_eq!(
                Method::in_session(&person, &factors, sends),
                in_session,
                "{role:?} {factors:?}"
            );
        }
    }
}
