//! The SQL of identity. Everything here acts as the system: no policy lets a person near these rows.

mod count;
mod factor;
mod person;
mod session;

pub(super) use count::*;
pub(super) use factor::*;
pub(super) use person::*;
pub(super) use session::*;

use siaga_risk::units::Ts;
use zeroize::Zeroizing;

use super::signing;
use crate::audit::{Action, Change};
use crate::crypto::Sealed;
use crate::db::{DbError, Tx};
use crate::ids::HOUSE;
use crate::refusal::{Refusal, SEAL};
use crate::unit::Unit;
use crate::values::bound;

/// What private keys are sealed for.
const SIGNING_FIELD: &str = "signing_keys.private";

/// An instant as statements give it: microseconds of UTC.
pub(super) fn ts(micros: i64) -> Ts {
    Ts(u64::try_from(micros)
        .unwrap_or_default()
        .saturating_mul(1_000))
}

/// An instant as `bigint`.
pub(super) fn micros(ts: Ts) -> i64 {
    i64::try_from(ts.0 / 1_000).unwrap_or(i64::MAX)
}

/// Whether somebody with a password administers the house.
pub(super) fn is_claimed(tx: &mut Tx<'_>) -> Result<bool, Refusal> {
    let claimed = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM credentials AS c JOIN users AS u ON u.id = c.user_id WHERE u.role = 'super_admin')",
    );
    Ok(tx.scalar(claimed)?)
}

/// A signing key as it is stored.
pub(super) struct KeyRow {
    pub kid: String,
    pub made: Ts,
    pub der: Zeroizing<Vec<u8>>,
}

/// The signing keys, oldest first.
pub(super) fn signing_keys(unit: &mut Unit<'_, '_>) -> Result<Vec<KeyRow>, Refusal> {
    let rows: Vec<(String, Vec<u8>, i64)> = unit.tx().all(sqlx::query_as(
        "SELECT kid, private_sealed, (extract(epoch FROM created_at) * 1000000)::bigint FROM signing_keys ORDER BY created_at, kid LIMIT 100",
    ))?;
    let key = unit.key(HOUSE)?;
    let mut keys = Vec::with_capacity(rows.len());
    for (kid, sealed, made) in rows {
        let der = key
            .open_bytes(SIGNING_FIELD, &Sealed::from_bytes(sealed))
            .map_err(|error| {
                tracing::error!("the signing key {kid}: {error}");
                SEAL.because("tell the desk; the keyring does not open the keys of sign-in")
            })?;
        keys.push(KeyRow {
            kid,
            made: ts(made),
            der: Zeroizing::new(der),
        });
    }
    Ok(keys)
}

/// Stores a new signing key unless another process just did, sweeps those that nobody believes any more, and gives what is there.
pub(super) fn add_signing_key(
    unit: &mut Unit<'_, '_>,
    kid: &str,
    der: &[u8],
) -> Result<Vec<KeyRow>, Refusal> {
    unit.tx().execute(sqlx::query(
        "SELECT pg_advisory_xact_lock(hashtextextended('identity.signing_keys', 0))",
    ))?;
    let now = unit.now();
    let rows = signing_keys(unit)?;
    let made: Vec<Ts> = rows.iter().map(|row| row.made).collect();
    if !signing::is_due(&made, now) {
        return Ok(rows);
    }
    let sealed = unit.key(HOUSE)?.seal_bytes(SIGNING_FIELD, der);
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO signing_keys (kid, private_sealed, created_at) VALUES ($1, $2, $3)",
        )
        .bind(kid)
        .bind(sealed.as_bytes())
        .bind(bound(now)),
    )?;
    let gone = signing::published(&made, now).start;
    for row in rows.iter().take(gone) {
        unit.tx()
            .execute(sqlx::query("DELETE FROM signing_keys WHERE kid = $1").bind(&row.kid))?;
    }
    unit.audit(Change::new(Action::Create, "signing_key", kid));
    signing_keys(unit)
}

/// A fault of ours in stored data.
pub(super) fn unexpected(what: impl Into<String>) -> Refusal {
    Refusal::Db(DbError::Unexpected(what.into()))
}
