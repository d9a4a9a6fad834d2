//! Clients who were seen not to be an entry. An exception holds for the entry as it was, and ends when it changes.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::case::reasoned;
use super::permissions::{AML_READ, AML_WORK};
use super::seal::{self, key_of, open, seal};
use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::{Principal, Target};
use crate::refusal::{NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit};
use crate::values::{bound, from_micros};

/// Exceptions of a client that are shown at once.
const SHOWN_MAX: i64 = 200;

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excepted {
    /// Its key.
    pub id: Uuid,
    /// The source.
    pub source: String,
    /// The entry's key.
    pub uid: String,
    /// The entry as it was.
    pub digest: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: siaga_risk::units::Ts,
    /// When it ended, microseconds.
    pub ended_at: Option<i64>,
    /// Why it ended.
    pub ended_because: Option<String>,
}

/// Excepts a client from an entry as it stands. One that holds for an older form gives way.
pub(super) fn except(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    source: &str,
    uid: &str,
    digest: &str,
    reason: &str,
) -> Result<(), Refusal> {
    let (now, org, me) = (unit.now(), unit.by().org, unit.by().audit_name());
    let sealed = seal(unit, user, seal::REASON, reason)?;
    unit.tx().execute(
        sqlx::query(
            "UPDATE sanctions_whitelist SET ended_at = $4, ended_because = 'entry_changed' WHERE user_id = $1 AND source = $2 AND uid = $3 AND ended_at IS NULL",
        )
        .bind(user)
        .bind(source)
        .bind(uid)
        .bind(bound(now)),
    )?;
    let id = new_id(now);
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO sanctions_whitelist (id, org_id, user_id, source, uid, entry_digest, reason_sealed, added_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id)
        .bind(org)
        .bind(user)
        .bind(source)
        .bind(uid)
        .bind(digest)
        .bind(sealed.as_bytes())
        .bind(&me)
        .bind(bound(now)),
    )?;
    unit.audit(
        Change::new(Action::Create, "sanctions_whitelist", id)
            .about(user)
            .field("entry", serde_json::Value::Null, format!("{source}:{uid}")),
    );
    Ok(())
}

type Row = (
    Uuid,
    Uuid,
    Uuid,
    String,
    String,
    String,
    Option<Vec<u8>>,
    String,
    i64,
    Option<i64>,
    Option<String>,
);

const EXCEPTED: &str = "SELECT id, org_id, user_id, source, uid, entry_digest, reason_sealed, added_by,
    (extract(epoch FROM created_at) * 1000000)::bigint, (extract(epoch FROM ended_at) * 1000000)::bigint, ended_because
    FROM sanctions_whitelist WHERE ($1::uuid IS NULL OR user_id = $1) AND ($2::uuid IS NULL OR id = $2) ORDER BY created_at DESC, id DESC LIMIT $3";

fn shown(tx: &mut Tx<'_>, keyring: &crate::crypto::Keyring, row: Row) -> Result<Excepted, Refusal> {
    let (id, _, user, source, uid, digest, reason, by, at, ended_at, ended_because) = row;
    let key = key_of(tx, keyring, user)?;
    Ok(Excepted {
        id,
        source,
        uid,
        digest,
        reason: open(key.as_ref(), seal::REASON, reason)?,
        by,
        at: from_micros(at),
        ended_at,
        ended_because,
    })
}

/// Exceptions of a client, ended ones too, newest first.
///
/// # Errors
/// Not permitted.
pub async fn of_client(
    platform: &Platform,
    by: &Principal,
    user: Uuid,
) -> Result<Vec<Excepted>, Refusal> {
    by.scope(AML_READ)?;
    let org = by.org;
    // Who works on cases sees no users; whether this one is a client of the house is all that is asked.
    let client = "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND org_id = $2)";
    let known: bool = platform
        .read(&by.elevated(), move |tx| {
            Ok(tx.scalar(sqlx::query_scalar(client).bind(user).bind(org))?)
        })
        .await?;
    if !known {
        return Err(NOT_FOUND.because("there is no such client, or not for you"));
    }
    let keyring = Arc::clone(platform.keyring());
    platform
        .read(by, move |tx| {
            let rows: Vec<Row> = tx.all(
                sqlx::query_as(EXCEPTED)
                    .bind(Some(user))
                    .bind(None::<Uuid>)
                    .bind(SHOWN_MAX),
            )?;
            let mut all = Vec::with_capacity(rows.len());
            for row in rows {
                all.push(shown(tx, &keyring, row)?);
            }
            Ok(all)
        })
        .await
}

/// Ends an exception by hand.
///
/// # Errors
/// Not permitted; no such exception that holds; no reason.
pub async fn revoke(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    id: Uuid,
    reason: String,
) -> Result<Excepted, Refusal> {
    by.scope(AML_WORK)?;
    reasoned(&reason)?;
    platform
        .command_once(by, once, move |unit| {
            let found: Option<(Uuid, Uuid)> = unit
                .tx()
                .optional(sqlx::query_as("SELECT org_id, user_id FROM sanctions_whitelist WHERE id = $1 AND ended_at IS NULL FOR UPDATE").bind(id))?;
            let (org, user) = found.ok_or_else(|| NOT_FOUND.because("there is no such exception that holds"))?;
            unit.by().may(AML_WORK, &Target::in_org(org))?;
            let now = unit.now();
            unit.tx().execute(
                sqlx::query("UPDATE sanctions_whitelist SET ended_at = $2, ended_because = 'revoked' WHERE id = $1").bind(id).bind(bound(now)),
            )?;
            unit.audit(
                Change::new(Action::Update, "sanctions_whitelist", id)
                    .about(user)
                    .field("ended_because", serde_json::Value::Null, "revoked")
                    .personal("reason", None, Some(reason.trim())),
            );
            // Looked for again at once: the entry is on the list as before.
            unit.emit(Event::new("sanctions.exception_revoked", "sanctions_whitelist", id, json!({ "user_id": user })).about(user));
            Ok(())
        })
        .await?;
    let keyring = Arc::clone(platform.keyring());
    platform
        .read(by, move |tx| {
            let row: Row = tx.one(
                sqlx::query_as(EXCEPTED)
                    .bind(None::<Uuid>)
                    .bind(Some(id))
                    .bind(1i64),
            )?;
            shown(tx, &keyring, row)
        })
        .await
}
