//! Keys of subjects in the database.

use std::collections::HashMap;

use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::crypto::{Keyring, Sealed, SubjectKey, Wrapped};
use crate::db::{DbError, Tx};
use crate::people::Principal;
use crate::refusal::{ERASED, Refusal, SEAL};
use crate::unit::Platform;
use crate::values::bound;

/// Keys wrapped anew by one transaction.
const REWRAP_BATCH: i64 = 100;

/// What a key seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyClass {
    /// What the person may have erased.
    Personal,
    /// What the law says to keep for its term.
    Statutory,
}

impl KeyClass {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            KeyClass::Personal => "personal",
            KeyClass::Statutory => "statutory",
        }
    }
}

const STORED: &str =
    "SELECT wrapped, wrapped_under FROM subject_keys WHERE subject_id = $1 AND class = $2";
const HELD: &str = "SELECT wrapped, wrapped_under FROM subject_keys WHERE subject_id = $1 AND class = $2 FOR SHARE";

/// The key for reading.
pub(crate) fn stored(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    subject: Uuid,
    class: KeyClass,
) -> Result<Option<SubjectKey>, Refusal> {
    read(tx, keyring, subject, class, STORED)
}

/// The keys of many for reading, by one statement. Who has none, or had it destroyed, is not among them.
pub(crate) fn stored_of_all(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    subjects: &[Uuid],
    class: KeyClass,
) -> Result<HashMap<Uuid, SubjectKey>, Refusal> {
    let rows: Vec<(Uuid, Vec<u8>, String)> = tx.all(
        sqlx::query_as(
            "SELECT subject_id, wrapped, wrapped_under FROM subject_keys
             WHERE subject_id = ANY ($1) AND class = $2 AND wrapped IS NOT NULL AND wrapped_under IS NOT NULL",
        )
        .bind(subjects.to_vec())
        .bind(class.name()),
    )?;
    let opened = rows
        .into_iter()
        .map(|(subject, bytes, under)| Ok((subject, unwrapped(keyring, subject, bytes, under)?)));
    opened.collect()
}

/// The key for writing: an erasure waits for this transaction, so that nothing is written of somebody behind their end.
pub(crate) fn held(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    subject: Uuid,
    class: KeyClass,
) -> Result<Option<SubjectKey>, Refusal> {
    read(tx, keyring, subject, class, HELD)
}

fn read(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    subject: Uuid,
    class: KeyClass,
    sql: &'static str,
) -> Result<Option<SubjectKey>, Refusal> {
    let row: Option<(Option<Vec<u8>>, Option<String>)> =
        tx.optional(sqlx::query_as(sql).bind(subject).bind(class.name()))?;
    let Some((wrapped, under)) = row else {
        return Ok(None);
    };
    let Some((bytes, under)) = wrapped.zip(under) else {
        return Err(ERASED.because("the key of the person was destroyed"));
    };
    unwrapped(keyring, subject, bytes, under).map(Some)
}

fn unwrapped(
    keyring: &Keyring,
    subject: Uuid,
    bytes: Vec<u8>,
    under: String,
) -> Result<SubjectKey, Refusal> {
    let wrapped = Wrapped {
        sealed: Sealed::from_bytes(bytes),
        under,
    };
    SubjectKey::unwrap(keyring, subject, &wrapped).map_err(|error| {
        tracing::error!("the key of subject {subject}: {error}");
        SEAL.because("tell the desk; the keyring does not open the person's key")
    })
}

pub(crate) fn make(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    org: Uuid,
    subject: Uuid,
    class: KeyClass,
    now: Ts,
) -> Result<SubjectKey, Refusal> {
    let (key, wrapped) = SubjectKey::make(keyring, subject);
    let made = tx.execute(
        sqlx::query(
            "INSERT INTO subject_keys (subject_id, class, org_id, wrapped, wrapped_under, created_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (subject_id, class) DO NOTHING",
        )
        .bind(subject)
        .bind(class.name())
        .bind(org)
        .bind(wrapped.sealed.as_bytes())
        .bind(&wrapped.under)
        .bind(bound(now)),
    )?;
    if made == 1 {
        return Ok(key);
    }
    // Another unit made it at the same moment.
    held(tx, keyring, subject, class)?
        .ok_or_else(|| SEAL.because("the key of the person is not for you to use"))
}

pub(crate) fn destroy(
    tx: &mut Tx<'_>,
    subject: Uuid,
    class: KeyClass,
    now: Ts,
) -> Result<bool, DbError> {
    let gone = tx.execute(
        sqlx::query(
            "UPDATE subject_keys SET wrapped = NULL, wrapped_under = NULL, destroyed_at = $3
             WHERE subject_id = $1 AND class = $2 AND wrapped IS NOT NULL",
        )
        .bind(subject)
        .bind(class.name())
        .bind(bound(now)),
    )?;
    Ok(gone > 0)
}

/// What became of the key of what the law keeps, when nothing needed it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It is destroyed.
    Destroyed,
    /// A hold on the person is in force: it ends with the last one.
    WithHolds,
    /// There was none.
    Nothing,
}

/// Destroys the key of what the law keeps, or has it end with the holds whose reasons are sealed under it.
pub(crate) fn end_statutory(tx: &mut Tx<'_>, subject: Uuid, now: Ts) -> Result<Ended, DbError> {
    const LOCK: &str = "SELECT subject_id FROM subject_keys WHERE subject_id = $1 AND class = $2 AND wrapped IS NOT NULL FOR UPDATE";
    const HOLDS: &str =
        "SELECT EXISTS (SELECT FROM legal_holds WHERE subject_id = $1 AND lifted_at IS NULL)";
    const MARK: &str =
        "UPDATE subject_keys SET ends_with_holds = true WHERE subject_id = $1 AND class = $2";
    let class = KeyClass::Statutory;
    // Who places a hold has the key: they are waited for, and their hold is seen by the statement behind this one.
    let locked: Option<(Uuid,)> =
        tx.optional(sqlx::query_as(LOCK).bind(subject).bind(class.name()))?;
    if locked.is_none() {
        return Ok(Ended::Nothing);
    }
    if tx.scalar::<bool>(sqlx::query_scalar(HOLDS).bind(subject))? {
        tx.execute(sqlx::query(MARK).bind(subject).bind(class.name()))?;
        return Ok(Ended::WithHolds);
    }
    destroy(tx, subject, class, now)?;
    Ok(Ended::Destroyed)
}

/// A key under an older key-encryption key.
type Old = (Uuid, String, Vec<u8>, String);

const FREE: &str = "SELECT subject_id, class, wrapped, wrapped_under FROM subject_keys
     WHERE wrapped IS NOT NULL AND wrapped_under <> $1 ORDER BY subject_id LIMIT $2 FOR UPDATE SKIP LOCKED";
const ANY: &str = "SELECT subject_id, class, wrapped, wrapped_under FROM subject_keys
     WHERE wrapped IS NOT NULL AND wrapped_under <> $1 ORDER BY subject_id LIMIT 1 FOR UPDATE";

/// Wraps the next keys that are not under the active key-encryption key; returns how many. Zero means
/// that the older ones may be retired.
///
/// # Errors
/// A key that the keyring does not open, or the database.
pub async fn rewrap(platform: &Platform) -> Result<u64, Refusal> {
    let (system, platform) = (Principal::system("keys"), platform.background());
    let rewrapped = platform.command(&system, |unit| {
        let now = unit.now();
        let active = unit.keyring().active();
        // Keys that units hold now are left for later, so that nobody waits for a batch of others.
        let mut rows: Vec<Old> = unit.tx().all(sqlx::query_as(FREE).bind(&active).bind(REWRAP_BATCH))?;
        if rows.is_empty() {
            // Nothing but held ones may be left: waited for one by one, since zero says that there are none.
            rows = unit.tx().all(sqlx::query_as(ANY).bind(&active))?;
        }
        let mut count = 0;
        for (subject, class, bytes, under) in rows {
            let wrapped = Wrapped {
                sealed: Sealed::from_bytes(bytes),
                under,
            };
            let anew = unit.keyring().rewrap(subject, &wrapped);
            let anew = anew.map_err(|error| SEAL.because(format!("the key of subject {subject}: {error}")))?;
            let Some(anew) = anew else {
                continue;
            };
            let update = sqlx::query(
                "UPDATE subject_keys SET wrapped = $3, wrapped_under = $4, rewrapped_at = $5 WHERE subject_id = $1 AND class = $2",
            );
            let update = update.bind(subject).bind(class).bind(anew.sealed.as_bytes()).bind(&anew.under);
            unit.tx().execute(update.bind(bound(now)))?;
            count += 1;
        }
        Ok(count)
    });
    rewrapped.await
}
