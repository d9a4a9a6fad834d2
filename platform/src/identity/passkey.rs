//! Passkeys (WebAuthn): registering, confirming with, and taking away.

use std::sync::Arc;

use serde_json::Value;
use siaga_risk::units::Ts;
use uuid::Uuid;
use webauthn_rs::prelude::{
    Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn,
};

use super::factor::{may_add, person_of};
use super::faults::{CODE_WRONG, LAST_FACTOR, NO_FACTOR, NOT_SET_UP, TOO_MANY};
use super::service::Identity;
use super::session::challenge_open;
use super::sign_in::Client;
use super::{codes, store};
use crate::audit::{Action, Change};
use crate::ids::new_id;
use crate::people::Principal;
use crate::refusal::{CONFLICT, INVALID, NOT_FOUND, Refusal};
use crate::unit::Unit;
use crate::values::bound;

/// Passkeys of one person.
const PASSKEYS_MAX: i64 = 10;
/// Longest name.
const NAME_CHARS_MAX: usize = 60;

/// A passkey as its owner sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct PasskeyRow {
    /// Key.
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Ts,
    /// When it was used last.
    pub used_at: Option<Ts>,
}

impl Identity {
    pub(super) fn webauthn(&self) -> Result<&Webauthn, Refusal> {
        self.webauthn.as_ref().ok_or_else(|| {
            NOT_SET_UP.because("passkeys need the desk's public address; tell the desk")
        })
    }

    /// What the browser's `navigator.credentials.create` needs, and the name of the ceremony.
    ///
    /// # Errors
    /// Passkeys are not set up; there are as many as one may have; there are other factors and the session is not
    /// confirmed; the database's.
    pub async fn begin_passkey(&self, by: &Principal) -> Result<(String, Value), Refusal> {
        let user = person_of(by)?;
        let webauthn = self.webauthn()?.clone();
        let keyring = Arc::clone(self.platform.keyring());
        let (who, sends) = (by.clone(), self.sends());
        self.platform
            .command(&Principal::system("identity.passkeys"), move |unit| {
                let person = store::person(unit.tx(), &keyring, user)?;
                may_add(unit, &who, &person, sends)?;
                let held = passkeys(unit, user)?;
                if i64::try_from(held.len()).unwrap_or(i64::MAX) >= PASSKEYS_MAX {
                    return Err(TOO_MANY.because("take one away first"));
                }
                let known = held
                    .iter()
                    .map(|(_, passkey)| passkey.cred_id().clone())
                    .collect();
                let account = person.email.unwrap_or_else(|| user.to_string());
                let name = person.name.unwrap_or_else(|| account.clone());
                let begun = webauthn.start_passkey_registration(user, &account, &name, Some(known));
                let (options, state) =
                    begun.map_err(|error| store::unexpected(format!("a passkey: {error}")))?;
                let ceremony = codes::token();
                store::keep_challenge(
                    unit,
                    "passkey",
                    &ceremony,
                    (Some(user), None),
                    Client::Browser,
                    Some(&text(&state)?),
                )?;
                Ok((ceremony, value(&options)?))
            })
            .await
    }

    /// Keeps the passkey that the browser made; the session counts as confirmed, since the key was just shown.
    ///
    /// # Errors
    /// The ceremony is over or another person's; the answer does not fit; the key is known; there are other factors and
    /// the session is not confirmed, or it ended.
    pub async fn finish_passkey(
        &self,
        by: &Principal,
        session: Uuid,
        ceremony: String,
        name: String,
        credential: Value,
    ) -> Result<PasskeyRow, Refusal> {
        let user = person_of(by)?;
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
            return Err(INVALID.field("name", format!("use 1 to {NAME_CHARS_MAX} characters")));
        }
        let credential: RegisterPublicKeyCredential = serde_json::from_value(credential)
            .map_err(|_| CODE_WRONG.field("credential", "give what the browser gave"))?;
        let webauthn = self.webauthn()?.clone();
        let keyring = Arc::clone(self.platform.keyring());
        let (who, sends) = (by.clone(), self.sends());
        let row = self
            .platform
            .command(&by.elevated(), move |unit| {
                let now = unit.now();
                store::hold_open_session(unit.tx(), user, session)?;
                let person = store::person(unit.tx(), &keyring, user)?;
                may_add(unit, &who, &person, sends)?;
                let held = store::challenge_for_update(unit.tx(), &keyring, "passkey", &ceremony)?;
                challenge_open(held.made, held.tries, held.used, now)?;
                if held.user != Some(user) {
                    return Err(NOT_FOUND.because("begin again"));
                }
                store::touch_challenge(unit.tx(), &ceremony, true, now)?;
                let state: PasskeyRegistration = parsed(held.state.as_deref().unwrap_or_default())?;
                let passkey = webauthn.finish_passkey_registration(&credential, &state).map_err(|error| {
                    tracing::info!("a passkey was refused: {error}");
                    CODE_WRONG.because("the answer of the device does not fit; begin again")
                })?;
                let id = new_id(now);
                let credential_id: &[u8] = passkey.cred_id().as_ref();
                let added = unit.tx().execute(
                    sqlx::query("INSERT INTO passkeys (id, user_id, credential_id, name, passkey, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
                        .bind(id)
                        .bind(user)
                        .bind(credential_id)
                        .bind(&name)
                        .bind(value(&passkey)?)
                        .bind(bound(now)),
                );
                added.map_err(|error| Refusal::from(error).on_duplicate("passkeys_credential_id_key", || CONFLICT.because("this passkey is known")))?;
                store::confirm_session(unit.tx(), session, now)?;
                unit.audit(Change::new(Action::Create, "passkey", id).about(user));
                Ok(PasskeyRow { id, name, created_at: now, used_at: None })
            })
            .await?;
        self.known.invalidate(&session).await;
        Ok(row)
    }

    /// The passkeys of `by`.
    ///
    /// # Errors
    /// The database's.
    pub async fn passkeys(&self, by: &Principal) -> Result<Vec<PasskeyRow>, Refusal> {
        let user = person_of(by)?;
        let rows: Vec<(Uuid, String, i64, Option<i64>)> = self
            .platform
            .read(&Principal::system("identity.passkeys"), move |tx| {
                Ok(tx.all(
                    sqlx::query_as(
                        "SELECT id, name, (extract(epoch FROM created_at) * 1000000)::bigint, (extract(epoch FROM used_at) * 1000000)::bigint
                         FROM passkeys WHERE user_id = $1 ORDER BY id LIMIT 100",
                    )
                    .bind(user),
                )?)
            })
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, name, made, used)| PasskeyRow {
                id,
                name,
                created_at: store::ts(made),
                used_at: used.map(store::ts),
            })
            .collect())
    }

    /// Takes a passkey away.
    ///
    /// # Errors
    /// The session is not confirmed; it is the last factor of staff; there is none such.
    pub async fn drop_passkey(&self, by: &Principal, id: Uuid) -> Result<(), Refusal> {
        let user = person_of(by)?;
        by.with_mfa()?;
        let staff = by.role.is_staff();
        self.platform
            .command(&by.elevated(), move |unit| {
                if unit.tx().execute(
                    sqlx::query("DELETE FROM passkeys WHERE id = $1 AND user_id = $2")
                        .bind(id)
                        .bind(user),
                )? == 0
                {
                    return Err(NOT_FOUND.because("there is no such passkey, or not for you"));
                }
                let left = store::factors(unit.tx(), user)?;
                if staff && !left.totp && left.passkeys == 0 {
                    return Err(LAST_FACTOR.because("set up an app or another passkey first"));
                }
                unit.audit(Change::new(Action::Delete, "passkey", id).about(user));
                Ok(())
            })
            .await
    }
}

/// The passkeys of a person, locked.
fn passkeys(unit: &mut Unit<'_, '_>, user: Uuid) -> Result<Vec<(Uuid, Passkey)>, Refusal> {
    let rows: Vec<(Uuid, Value)> = unit.tx().all(
        sqlx::query_as(
            "SELECT id, passkey FROM passkeys WHERE user_id = $1 ORDER BY id LIMIT 100 FOR UPDATE",
        )
        .bind(user),
    )?;
    let read = rows
        .into_iter()
        .map(|(id, passkey)| serde_json::from_value(passkey).map(|passkey| (id, passkey)));
    read.collect::<Result<_, _>>()
        .map_err(|error| store::unexpected(format!("a stored passkey: {error}")))
}

/// Begins a confirmation; the options for the browser and the state that waits.
pub(super) fn begin_authentication(
    unit: &mut Unit<'_, '_>,
    webauthn: &Webauthn,
    user: Uuid,
) -> Result<(Value, String), Refusal> {
    let held: Vec<Passkey> = passkeys(unit, user)?
        .into_iter()
        .map(|(_, passkey)| passkey)
        .collect();
    if held.is_empty() {
        return Err(NO_FACTOR.because("there is no passkey"));
    }
    let (options, state) = webauthn
        .start_passkey_authentication(&held)
        .map_err(|error| store::unexpected(format!("a passkey: {error}")))?;
    Ok((value(&options)?, text(&state)?))
}

/// Ends a confirmation; the counter of the passkey is kept, so that a copy of it is told.
pub(super) fn finish_authentication(
    unit: &mut Unit<'_, '_>,
    webauthn: &Webauthn,
    user: Uuid,
    credential: &PublicKeyCredential,
    state: &str,
) -> Result<Result<(), Refusal>, Refusal> {
    let now = unit.now();
    let state: PasskeyAuthentication = parsed(state)?;
    let result = match webauthn.finish_passkey_authentication(credential, &state) {
        Ok(result) => result,
        Err(error) => {
            tracing::info!("a passkey was refused: {error}");
            return Ok(Err(
                CODE_WRONG.because("the answer of the device does not fit; begin again")
            ));
        }
    };
    for (id, mut passkey) in passkeys(unit, user)? {
        if passkey.update_credential(&result).is_some() {
            unit.tx().execute(
                sqlx::query("UPDATE passkeys SET passkey = $2, used_at = $3 WHERE id = $1")
                    .bind(id)
                    .bind(value(&passkey)?)
                    .bind(bound(now)),
            )?;
            return Ok(Ok(()));
        }
    }
    Ok(Err(CODE_WRONG.because("this passkey was taken away")))
}

fn value(of: &impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(of).map_err(|error| store::unexpected(format!("a passkey: {error}")))
}

fn text(of: &impl serde::Serialize) -> Result<String, Refusal> {
    serde_json::to_string(of).map_err(|error| store::unexpected(format!("a passkey: {error}")))
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|_| CODE_WRONG.because("begin again"))
}
