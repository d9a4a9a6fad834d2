use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crypto::{Keyring, Sealed, blind};
use crate::db::Tx;
use crate::identity::codes::{Purpose, Sent, digest, keyed};
use crate::identity::faults::CHALLENGE_OVER;
use crate::identity::sign_in::Client;
use crate::outbox::Event;
use crate::refusal::{Refusal, SEAL};
use crate::unit::{Unit, subject_key};
use crate::values::{bound, count};
use crate::{identity::codes, ids};

use super::ts;

const TOTP_FIELD: &str = "totp_secrets.secret";
const NEW_ADDRESS: &str = "sent_codes.value";
const CHALLENGE: &str = "sign_in_challenge";

/// What a person can confirm with.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::identity) struct Factors {
    pub totp: bool,
    pub passkeys: i64,
    pub recovery: i64,
    /// Reached by a code before.
    pub email: bool,
    pub phone: bool,
    /// Asked for at every sign-in.
    pub email_always: bool,
    pub phone_always: bool,
}

/// The factors of a person.
pub(in crate::identity) fn factors(tx: &mut Tx<'_>, user: Uuid) -> Result<Factors, Refusal> {
    let row: (bool, i64, i64, bool, bool, bool, bool) = tx.one(
        sqlx::query_as(
            "SELECT EXISTS (SELECT FROM totp_secrets WHERE user_id = $1 AND confirmed_at IS NOT NULL),
                 (SELECT count(*) FROM passkeys WHERE user_id = $1),
                 (SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL),
                 EXISTS (SELECT FROM confirmed_contacts AS c JOIN users AS u ON u.id = c.user_id AND u.email_index = c.value_index WHERE c.user_id = $1 AND c.what = 'email'),
                 EXISTS (SELECT FROM confirmed_contacts AS c JOIN users AS u ON u.id = c.user_id AND u.phone_index = c.value_index WHERE c.user_id = $1 AND c.what = 'phone'),
                 EXISTS (SELECT FROM confirmed_contacts WHERE user_id = $1 AND what = 'email' AND as_factor),
                 EXISTS (SELECT FROM confirmed_contacts WHERE user_id = $1 AND what = 'phone' AND as_factor)",
        )
        .bind(user),
    )?;
    let (totp, passkeys, recovery, email, phone, email_always, phone_always) = row;
    Ok(Factors {
        totp,
        passkeys,
        recovery,
        email,
        phone,
        email_always: email && email_always,
        phone_always: phone && phone_always,
    })
}

/// A secret, and the step of its newest code.
pub(in crate::identity) type LockedTotp = (Vec<u8>, Option<u64>);

/// An app's secret and the step of its newest code, locked.
pub(in crate::identity) fn totp_for_update(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    confirmed: bool,
) -> Result<Option<LockedTotp>, Refusal> {
    let row: Option<(Option<Vec<u8>>, Option<i64>)> = unit.tx().optional(
        sqlx::query_as("SELECT secret_sealed, last_counter FROM totp_secrets WHERE user_id = $1 AND (confirmed_at IS NOT NULL) = $2 FOR UPDATE")
            .bind(user)
            .bind(confirmed),
    )?;
    let Some((Some(sealed), last)) = row else {
        return Ok(None);
    };
    let secret = unit
        .key(user)?
        .open_bytes(TOTP_FIELD, &Sealed::from_bytes(sealed));
    let secret =
        secret.map_err(|_| SEAL.because("the app's secret cannot be read; tell the desk"))?;
    Ok(Some((
        secret,
        last.and_then(|last| u64::try_from(last).ok()),
    )))
}

/// A new secret that is not confirmed yet; one that is confirmed stays.
pub(in crate::identity) fn begin_totp(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    secret: &[u8],
) -> Result<bool, Refusal> {
    let now = unit.now();
    let sealed = unit.key(user)?.seal_bytes(TOTP_FIELD, secret);
    let begun = unit.tx().execute(
        sqlx::query(
            "INSERT INTO totp_secrets (user_id, secret_sealed, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (user_id) DO UPDATE SET secret_sealed = excluded.secret_sealed, created_at = excluded.created_at, last_counter = NULL
             WHERE totp_secrets.confirmed_at IS NULL",
        )
        .bind(user)
        .bind(sealed.as_bytes())
        .bind(bound(now)),
    )?;
    Ok(begun == 1)
}

/// Notes the step of a code that was taken, and that the secret is confirmed.
pub(in crate::identity) fn use_totp(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    counter: u64,
) -> Result<(), Refusal> {
    let now = unit.now();
    unit.tx().execute(
        sqlx::query("UPDATE totp_secrets SET last_counter = $2, confirmed_at = coalesce(confirmed_at, $3) WHERE user_id = $1")
            .bind(user)
            .bind(count(counter))
            .bind(bound(now)),
    )?;
    Ok(())
}

/// Takes an app away.
pub(in crate::identity) fn drop_totp(tx: &mut Tx<'_>, user: Uuid) -> Result<bool, Refusal> {
    Ok(tx.execute(sqlx::query("DELETE FROM totp_secrets WHERE user_id = $1").bind(user))? == 1)
}

/// A new set of recovery codes in place of the old one; as they are shown.
pub(in crate::identity) fn renew_recovery_codes(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
) -> Result<Vec<String>, Refusal> {
    let (now, keyring) = (unit.now(), unit.keyring_shared());
    unit.tx()
        .execute(sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1").bind(user))?;
    let shown = codes::recovery_codes();
    for code in &shown {
        unit.tx().execute(
            sqlx::query("INSERT INTO recovery_codes (id, user_id, digest, created_at) VALUES ($1, $2, $3, $4)")
                .bind(ids::new_id(now))
                .bind(user)
                .bind(&recovery_digest(&keyring, user, code)[..])
                .bind(bound(now)),
        )?;
    }
    Ok(shown)
}

fn recovery_digest(keyring: &Keyring, user: Uuid, code: &str) -> [u8; 32] {
    keyed(keyring, "recovery_codes", user, &codes::recovery_form(code))
}

/// Uses a recovery code up; `false` when there is none such.
pub(in crate::identity) fn use_recovery_code(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    user: Uuid,
    code: &str,
    now: Ts,
) -> Result<bool, Refusal> {
    let used = tx.execute(
        sqlx::query("UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND digest = $2 AND used_at IS NULL")
            .bind(user)
            .bind(&recovery_digest(keyring, user, code)[..])
            .bind(bound(now)),
    )?;
    Ok(used == 1)
}

/// All ways in of a person end, but for the password: second factors, accounts at providers, API keys. They lost them and are let in anew,
/// or somebody else set them up before the owner of the address came. Each is on record; the keys that ended.
pub(in crate::identity) fn drop_ways_in(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
) -> Result<Vec<Uuid>, Refusal> {
    if drop_totp(unit.tx(), user)? {
        unit.audit(Change::new(Action::Delete, "totp_secret", user).about(user));
    }
    let codes = unit
        .tx()
        .execute(sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1").bind(user))?;
    if codes > 0 {
        unit.audit(Change::new(Action::Delete, "recovery_codes", user).about(user));
    }
    let passkeys: Vec<(Uuid,)> = unit
        .tx()
        .all(sqlx::query_as("DELETE FROM passkeys WHERE user_id = $1 RETURNING id").bind(user))?;
    for (id,) in passkeys {
        unit.audit(Change::new(Action::Delete, "passkey", id).about(user));
    }
    let contacts: Vec<(String,)> = unit.tx().all(
        sqlx::query_as("DELETE FROM confirmed_contacts WHERE user_id = $1 RETURNING what")
            .bind(user),
    )?;
    for (what,) in contacts {
        let change = Change::new(Action::Update, "user", user).about(user);
        unit.audit(change.field("confirmed", what, Value::Null));
    }
    let linked: Vec<(Uuid, String)> = unit.tx().all(
        sqlx::query_as("DELETE FROM provider_identities WHERE user_id = $1 RETURNING id, provider")
            .bind(user),
    )?;
    for (id, provider) in linked {
        let change = Change::new(Action::Delete, "provider_identity", id).about(user);
        unit.audit(change.field("provider", provider.as_str(), Value::Null));
        let facts = json!({"user_id": user, "provider": provider});
        unit.emit(Event::new("user.provider_unlinked", "user", user, facts).about(user));
    }
    let now = unit.now();
    let keys = revoke_keys(unit.tx(), user, now)?;
    for key in &keys {
        unit.audit(Change::new(Action::Delete, "api_key", key).about(user));
    }
    Ok(keys)
}

/// All API keys of a person end; those that did.
pub(in crate::identity) fn revoke_keys(
    tx: &mut Tx<'_>,
    user: Uuid,
    now: Ts,
) -> Result<Vec<Uuid>, Refusal> {
    let rows: Vec<(Uuid,)> =
        tx.all(sqlx::query_as("UPDATE api_keys SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL RETURNING id").bind(user).bind(bound(now)))?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// What is kept of a sent code.
pub(in crate::identity) fn sent_digest(
    keyring: &Keyring,
    user: Uuid,
    purpose: Purpose,
    code: &str,
) -> [u8; 32] {
    let context = format!("sent_codes.{}", purpose.name());
    keyed(keyring, &context, user, code.trim())
}

/// The code that was sent, locked.
pub(in crate::identity) fn sent_for_update(
    tx: &mut Tx<'_>,
    user: Uuid,
    purpose: Purpose,
) -> Result<Option<Sent>, Refusal> {
    let row: Option<(Vec<u8>, i64, i16)> = tx.optional(
        sqlx::query_as(
            "SELECT digest, (extract(epoch FROM created_at) * 1000000)::bigint, tries FROM sent_codes WHERE user_id = $1 AND purpose = $2 FOR UPDATE",
        )
        .bind(user)
        .bind(purpose.name()),
    )?;
    Ok(row.map(|(digest, made, tries)| Sent {
        digest,
        made: ts(made),
        tries,
    }))
}

/// Lets one request at a time send a code: where none was sent before there is no row to wait for.
pub(in crate::identity) fn lock_sending(
    tx: &mut Tx<'_>,
    user: Uuid,
    purpose: Purpose,
) -> Result<(), Refusal> {
    let name = format!("identity.sent_codes {user} {}", purpose.name());
    tx.execute(sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind(name))?;
    Ok(())
}

/// Keeps a code that is about to be sent, in place of the one before.
pub(in crate::identity) fn keep_sent(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    user: Uuid,
    purpose: Purpose,
    code: &str,
    now: Ts,
) -> Result<(), Refusal> {
    tx.execute(
        sqlx::query(
            "INSERT INTO sent_codes (user_id, purpose, digest, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (user_id, purpose) DO UPDATE SET digest = excluded.digest, tries = 0, created_at = excluded.created_at",
        )
        .bind(user)
        .bind(purpose.name())
        .bind(&sent_digest(keyring, user, purpose, code)[..])
        .bind(bound(now)),
    )?;
    Ok(())
}

/// Keeps the address that a code is sent to, beside the code.
pub(in crate::identity) fn keep_new_address(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    address: &str,
) -> Result<(), Refusal> {
    let sealed = unit.key(user)?.seal(NEW_ADDRESS, address);
    unit.tx().execute(
        sqlx::query("UPDATE sent_codes SET value_sealed = $3 WHERE user_id = $1 AND purpose = $2")
            .bind(user)
            .bind(Purpose::NewEmail.name())
            .bind(sealed.as_bytes()),
    )?;
    Ok(())
}

/// The address that the newest code of its kind was sent to.
pub(in crate::identity) fn new_address(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
) -> Result<Option<String>, Refusal> {
    let row: Option<(Option<Vec<u8>>,)> = unit.tx().optional(
        sqlx::query_as("SELECT value_sealed FROM sent_codes WHERE user_id = $1 AND purpose = $2")
            .bind(user)
            .bind(Purpose::NewEmail.name()),
    )?;
    let Some((Some(sealed),)) = row else {
        return Ok(None);
    };
    let opened = unit
        .key(user)?
        .open(NEW_ADDRESS, &Sealed::from_bytes(sealed));
    opened
        .map(Some)
        .map_err(|_| SEAL.because("the new address cannot be read; tell the desk"))
}

/// Counts a wrong try.
pub(in crate::identity) fn count_sent_try(
    tx: &mut Tx<'_>,
    user: Uuid,
    purpose: Purpose,
) -> Result<(), Refusal> {
    tx.execute(
        sqlx::query("UPDATE sent_codes SET tries = tries + 1 WHERE user_id = $1 AND purpose = $2")
            .bind(user)
            .bind(purpose.name()),
    )?;
    Ok(())
}

/// A code opens nothing any more. Its row stays: without it the next one would go out at once, to a number that costs.
pub(in crate::identity) fn spend_sent(
    tx: &mut Tx<'_>,
    user: Uuid,
    purpose: Purpose,
) -> Result<(), Refusal> {
    tx.execute(
        sqlx::query("UPDATE sent_codes SET tries = $3, value_sealed = NULL WHERE user_id = $1 AND purpose = $2")
            .bind(user)
            .bind(purpose.name())
            .bind(codes::SENT_TRIES),
    )?;
    Ok(())
}

/// Notes that a code reached the person there.
pub(in crate::identity) fn confirm_contact(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    user: Uuid,
    what: &str,
    field: &str,
    value: &str,
    now: Ts,
) -> Result<bool, Refusal> {
    let index = blind(keyring, field, value);
    let known: bool = tx.scalar(
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM confirmed_contacts WHERE user_id = $1 AND what = $2 AND value_index = $3)")
            .bind(user)
            .bind(what)
            .bind(&index[..]),
    )?;
    tx.execute(
        sqlx::query(
            "INSERT INTO confirmed_contacts (user_id, what, value_index, confirmed_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (user_id, what) DO UPDATE SET value_index = excluded.value_index, confirmed_at = excluded.confirmed_at",
        )
        .bind(user)
        .bind(what)
        .bind(&index[..])
        .bind(bound(now)),
    )?;
    Ok(!known)
}

/// A sign-in, a ceremony or a visit to a provider in between its requests.
pub(in crate::identity) struct Challenge {
    pub user: Option<Uuid>,
    pub session: Option<Uuid>,
    pub client: Client,
    pub state: Option<String>,
    pub made: Ts,
    pub tries: i16,
    pub used: bool,
}

/// Keeps a challenge; `owner` is whose key seals its state.
pub(in crate::identity) fn keep_challenge(
    unit: &mut Unit<'_, '_>,
    kind: &str,
    text: &str,
    (user, session): (Option<Uuid>, Option<Uuid>),
    client: Client,
    state: Option<&str>,
) -> Result<(), Refusal> {
    let now = unit.now();
    let sealed = match state {
        Some(state) => Some(
            unit.key(user.unwrap_or(ids::HOUSE))?
                .seal(CHALLENGE, state)
                .as_bytes()
                .to_vec(),
        ),
        None => None,
    };
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO sign_in_challenges (digest, kind, user_id, session_id, client, state_sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (digest) DO UPDATE SET state_sealed = excluded.state_sealed",
        )
        .bind(&digest(CHALLENGE, text)[..])
        .bind(kind)
        .bind(user)
        .bind(session)
        .bind(client.name())
        .bind(sealed)
        .bind(bound(now)),
    )?;
    Ok(())
}

/// Whose challenge that is, as long as nothing is locked.
pub(in crate::identity) fn challenged(
    tx: &mut Tx<'_>,
    kind: &str,
    text: &str,
) -> Result<Option<Uuid>, Refusal> {
    let row: Option<(Option<Uuid>,)> = tx.optional(
        sqlx::query_as("SELECT user_id FROM sign_in_challenges WHERE digest = $1 AND kind = $2")
            .bind(&digest(CHALLENGE, text)[..])
            .bind(kind),
    )?;
    Ok(row.and_then(|(user,)| user))
}

/// The challenge of that text, locked.
pub(in crate::identity) fn challenge_for_update(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    kind: &str,
    text: &str,
) -> Result<Challenge, Refusal> {
    type Row = (
        Option<Uuid>,
        Option<Uuid>,
        String,
        Option<Vec<u8>>,
        i64,
        i16,
        bool,
    );
    let row: Option<Row> = tx.optional(
        sqlx::query_as(
            "SELECT user_id, session_id, client, state_sealed, (extract(epoch FROM created_at) * 1000000)::bigint, tries, used_at IS NOT NULL
             FROM sign_in_challenges WHERE digest = $1 AND kind = $2 FOR UPDATE",
        )
        .bind(&digest(CHALLENGE, text)[..])
        .bind(kind),
    )?;
    let (user, session, client, sealed, made, tries, used) =
        row.ok_or_else(|| CHALLENGE_OVER.because("begin again"))?;
    let state = match sealed {
        Some(bytes) => {
            let key = subject_key(tx, keyring, user.unwrap_or(ids::HOUSE))?;
            key.and_then(|key| key.open(CHALLENGE, &Sealed::from_bytes(bytes)).ok())
        }
        None => None,
    };
    Ok(Challenge {
        user,
        session,
        client: Client::parse(&client),
        state,
        made: ts(made),
        tries,
        used,
    })
}

/// Counts a try at a challenge, or uses it up.
pub(in crate::identity) fn touch_challenge(
    tx: &mut Tx<'_>,
    text: &str,
    used: bool,
    now: Ts,
) -> Result<(), Refusal> {
    tx.execute(
        sqlx::query("UPDATE sign_in_challenges SET tries = tries + 1, used_at = CASE WHEN $2 THEN $3 ELSE used_at END WHERE digest = $1")
            .bind(&digest(CHALLENGE, text)[..])
            .bind(used)
            .bind(bound(now)),
    )?;
    Ok(())
}
