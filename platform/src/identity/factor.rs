//! Setting up and taking away an authenticator app and recovery codes.

use std::sync::Arc;

use qrcode::QrCode;
use qrcode::render::svg;
use serde_json::json;
use uuid::Uuid;

use super::confirm::{Method, judge_totp};
use super::faults::{CODE_WRONG, LAST_FACTOR, NO_FACTOR};
use super::messenger::Channel;
use super::person::Person;
use super::service::Identity;
use super::{store, totp};
use crate::audit::{Action, Change};
use crate::crypto::random;
use crate::people::Principal;
use crate::refusal::{CONFLICT, Refusal};
use crate::unit::Unit;

/// Least width and height of the picture, pixels: telephones read it from an arm's length.
const PICTURE_PIXELS: u32 = 220;

/// A secret for an app, shown once. It has no Debug.
pub struct TotpSecret {
    /// For typing.
    pub secret: String,
    /// For links.
    pub uri: String,
    /// For the camera.
    pub qr_svg: String,
}

impl Identity {
    /// By which ways codes can be sent: mail, telephone.
    pub(super) fn sends(&self) -> (bool, bool) {
        (self.serves(Channel::Email), self.serves(Channel::Sms))
    }

    /// A new secret; it counts when a code of it was given. One that counts has to be taken away first.
    ///
    /// # Errors
    /// There is one already; there are other factors and the session is not confirmed; the database's.
    pub async fn begin_totp(&self, by: &Principal) -> Result<TotpSecret, Refusal> {
        let user = person_of(by)?;
        let keyring = Arc::clone(self.platform.keyring());
        let secret: [u8; totp::SECRET_BYTES] = random();
        let (who, sends) = (by.clone(), self.sends());
        let account = self
            .platform
            .command(&Principal::system("identity.factors"), move |unit| {
                let person = store::person(unit.tx(), &keyring, user)?;
                may_add(unit, &who, &person, sends)?;
                if !store::begin_totp(unit, user, &secret)? {
                    return Err(CONFLICT.because("an app is set up; take it away first"));
                }
                Ok(person.email.unwrap_or_else(|| user.to_string()))
            })
            .await?;
        let uri = totp::uri(&secret, &self.settings.title, &account);
        let picture = QrCode::new(uri.as_bytes())
            .map_err(|error| store::unexpected(format!("a picture of the secret: {error}")))?;
        let qr_svg = picture
            .render::<svg::Color>()
            .min_dimensions(PICTURE_PIXELS, PICTURE_PIXELS)
            .build();
        Ok(TotpSecret {
            secret: totp::base32(&secret),
            uri,
            qr_svg,
        })
    }

    /// The first code of a new secret: it counts from now on, the session is confirmed, and there are recovery codes.
    ///
    /// # Errors
    /// The code is wrong; nothing was begun; there are other factors and the session is not confirmed, or it ended; the database's.
    pub async fn confirm_totp(
        &self,
        by: &Principal,
        session: Uuid,
        code: String,
    ) -> Result<Vec<String>, Refusal> {
        let user = person_of(by)?;
        let keyring = Arc::clone(self.platform.keyring());
        let (who, sends) = (by.clone(), self.sends());
        let shown = self
            .platform
            .command(&by.elevated(), move |unit| {
                let now = unit.now();
                store::hold_open_session(unit.tx(), user, session)?;
                let person = store::person(unit.tx(), &keyring, user)?;
                may_add(unit, &who, &person, sends)?;
                let Some((secret, last)) = store::totp_for_update(unit, user, false)? else {
                    return Err(NO_FACTOR.because("begin with a new secret"));
                };
                judge_totp(unit, user, &secret, code.trim(), last)??;
                store::confirm_session(unit.tx(), session, now)?;
                unit.audit(Change::new(Action::Create, "totp_secret", user).about(user));
                store::renew_recovery_codes(unit, user)
            })
            .await?;
        self.known.invalidate(&session).await;
        Ok(shown)
    }

    /// Takes the app away.
    ///
    /// # Errors
    /// The session is not confirmed; it is the last factor of staff; there is none.
    pub async fn drop_totp(&self, by: &Principal) -> Result<(), Refusal> {
        let user = person_of(by)?;
        by.with_mfa()?;
        let staff = by.role.is_staff();
        self.platform
            .command(&by.elevated(), move |unit| {
                if staff && store::factors(unit.tx(), user)?.passkeys == 0 {
                    return Err(LAST_FACTOR.because("add a passkey first"));
                }
                if !store::drop_totp(unit.tx(), user)? {
                    return Err(NO_FACTOR.because("no app is set up"));
                }
                unit.audit(Change::new(Action::Delete, "totp_secret", user).about(user));
                Ok(())
            })
            .await
    }

    /// A new set of recovery codes; the old ones end.
    ///
    /// # Errors
    /// The session is not confirmed; there is no factor to recover.
    pub async fn renew_recovery_codes(&self, by: &Principal) -> Result<Vec<String>, Refusal> {
        let user = person_of(by)?;
        by.with_mfa()?;
        self.platform
            .command(&by.elevated(), move |unit| {
                let factors = store::factors(unit.tx(), user)?;
                if !factors.totp && factors.passkeys == 0 {
                    return Err(NO_FACTOR.because("set up an app or a passkey first"));
                }
                unit.audit(
                    Change::new(Action::Update, "recovery_codes", user)
                        .about(user)
                        .field("codes", json!(null), "renewed"),
                );
                store::renew_recovery_codes(unit, user)
            })
            .await
    }

    /// Names of the factors of `by`, and of what a code can reach.
    ///
    /// # Errors
    /// The database's.
    pub async fn factor_names(&self, by: &Principal) -> Result<Vec<&'static str>, Refusal> {
        let user = person_of(by)?;
        let factors = self
            .platform
            .read(&Principal::system("identity.factors"), move |tx| {
                store::factors(tx, user)
            })
            .await?;
        let named = [
            (factors.totp, "totp"),
            (factors.passkeys > 0, "passkey"),
            (factors.recovery > 0, "recovery"),
            (factors.email, "email"),
            (factors.phone, "phone"),
        ];
        Ok(named
            .into_iter()
            .filter(|(there, _)| *there)
            .map(|(_, name)| name)
            .collect())
    }
}

/// Who has a second factor adds another one, or changes the number that codes go to, in a confirmed session only: else a stolen session,
/// which is not confirmed, would bring a factor of its own and be confirmed by it.
pub(super) fn may_add(
    unit: &mut Unit<'_, '_>,
    by: &Principal,
    person: &Person,
    sends: (bool, bool),
) -> Result<(), Refusal> {
    let factors = store::factors(unit.tx(), person.id)?;
    match Method::in_session(person, &factors, sends).is_empty() {
        true => Ok(()),
        false => by.with_mfa(),
    }
}

/// The person, or that the program has no factors.
pub(super) fn person_of(by: &Principal) -> Result<Uuid, Refusal> {
    if by.narrowed.is_some() {
        return Err(CODE_WRONG.because("an API key does not change how its owner signs in"));
    }
    by.user()
        .ok_or_else(|| NO_FACTOR.because("the program has none"))
}
