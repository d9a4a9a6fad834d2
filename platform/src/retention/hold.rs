use std::sync::Arc;

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crypto::{Keyring, Sealed};
use crate::db::Tx;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::page::{Cursor, Page, Paging};
use crate::people::{Area, Permission, Principal, Verb};
use crate::refusal::{ERASED, INVALID, NOT_FOUND, Refusal, SEAL};
use crate::subjects::Ended;
use crate::unit::{Once, Platform, Unit, statutory_key};
use crate::values::{bound, from_micros};

/// See holds.
pub(super) const HOLD_READ: Permission = Permission::new("hold.read", Area::Audit, Verb::Read);
/// Place and lift them.
pub(super) const HOLD_WRITE: Permission = Permission::new("hold.write", Area::Aml, Verb::Write);

/// Longest reason, characters.
const REASON_MAX: usize = 500;

/// Under which name the reason of a hold on a person is sealed. One on everybody names nobody.
const REASON: &str = "legal_holds.reason";

/// What stands for a reason that ended with the person.
const GONE: &str = "erased";

/// Reasons of before that are sealed by one run; what is left goes with the next.
const PLAIN_MAX: i64 = 1_000;

/// Keys that end with a hold in one run: one hold is of one person.
const KEYS_MAX: i64 = 100;

/// Reasons of lifted holds on whoever was erased that end in one run; what is left goes with the next.
const REASONS_MAX: i64 = 1_000;

/// What no engine names: everything, and erasures alone.
const BESIDE: [&str; 2] = ["all", "erasure"];

/// What a hold can keep: everything, erasures alone, or a kind of rows with a term.
pub fn hold_categories() -> Vec<&'static str> {
    let kinds = crate::handlers::engines().categories;
    let kinds = kinds.iter().map(|kind| kind.name());
    BESIDE.into_iter().chain(kinds).collect()
}

/// A legal hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its key.
    pub id: Uuid,
    /// The category, or `all`; `erasure` holds back erasures alone.
    pub category: String,
    /// Whose rows; `None` for everybody's.
    pub subject: Option<Uuid>,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed: Ts,
    /// When it was lifted.
    pub lifted: Option<Ts>,
}

/// Places a hold.
///
/// # Errors
/// Not allowed, a category that is none of [`hold_categories`], an empty reason, nobody of the organisation, or the database.
pub async fn place(
    platform: &Platform,
    by: &Principal,
    category: String,
    subject: Option<Uuid>,
    reason: String,
) -> Result<Uuid, Refusal> {
    place_once(platform, by, None, category, subject, reason).await
}

/// The same for a request that may come twice.
///
/// # Errors
/// As [`place`]; the key was used for another request.
pub async fn place_once(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    category: String,
    subject: Option<Uuid>,
    reason: String,
) -> Result<Uuid, Refusal> {
    by.may(HOLD_WRITE, &by.own())?;
    let known = hold_categories();
    if !known.contains(&category.as_str()) {
        return Err(INVALID.field("category", format!("use one of {}", known.join(", "))));
    }
    if reason.trim().is_empty() || reason.chars().count() > REASON_MAX {
        return Err(INVALID.field("reason", format!("use 1 to {REASON_MAX} characters")));
    }
    if let Some(subject) = subject {
        crate::erasure::may(platform, by, HOLD_WRITE, subject).await?;
    }
    platform
        .command_once(by, once, move |unit| {
            let (now, org, who) = (unit.now(), unit.by().org, unit.by().audit_name());
            let id = new_id(now);
            let sealed = match subject {
                Some(subject) => Some(seal(unit, subject, &reason)?),
                None => None,
            };
            unit.tx().execute(
                sqlx::query(
                    "INSERT INTO legal_holds (id, org_id, category, subject_id, reason, reason_sealed, placed_by, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                )
                .bind(id)
                .bind(org)
                .bind(&category)
                .bind(subject)
                .bind(if sealed.is_some() { "" } else { reason.as_str() })
                .bind(sealed.as_ref().map(Sealed::as_bytes))
                .bind(who)
                .bind(bound(now)),
            )?;
            let change = Change::new(Action::Create, "legal_hold", id).field("category", Value::Null, category.as_str());
            // Why somebody's rows are kept may say who they are.
            unit.audit(match subject {
                Some(subject) => change.about(subject).personal("reason", None, Some(&reason)),
                None => change.field("reason", Value::Null, reason.as_str()),
            });
            unit.emit(Event::new("hold.placed", "legal_hold", id, json!({"category": category})));
            Ok(id)
        })
        .await
}

/// Why somebody's rows are kept may say who they are: it ends with what the law keeps of them.
fn seal(unit: &mut Unit<'_, '_>, subject: Uuid, reason: &str) -> Result<Sealed, Refusal> {
    match unit.statutory_key(subject) {
        Ok(key) => Ok(key.seal(REASON, reason)),
        Err(refusal) if refusal.fault() == Some(ERASED) => {
            Err(INVALID.field("subject", "nothing that is kept of this person is left"))
        }
        Err(refusal) => Err(refusal),
    }
}

/// A reason as it was written.
fn opened(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    subject: Option<Uuid>,
    plain: String,
    sealed: Option<Vec<u8>>,
) -> Result<String, Refusal> {
    let Some((subject, sealed)) = subject.zip(sealed) else {
        return Ok(plain);
    };
    let key = match statutory_key(tx, keyring, subject) {
        Err(refusal) if refusal.fault() == Some(ERASED) => None,
        found => found?,
    };
    let Some(key) = key else {
        return Ok(GONE.to_owned());
    };
    key.open(REASON, &Sealed::from_bytes(sealed))
        .map_err(|error| {
            tracing::error!("{REASON}: {error}");
            SEAL.because("tell the desk; the reason of a hold does not open")
        })
}

/// Seals reasons that were written before they were sealed.
///
/// # Errors
/// The database; what was sealed stays so.
pub(super) async fn seal_plain(platform: &Platform, by: &Principal) -> Result<(), Refusal> {
    let plain: Vec<(Uuid, Uuid, Uuid, String)> = platform
        .read(by, |tx| {
            let query = sqlx::query_as(
                "SELECT id, org_id, subject_id, reason FROM legal_holds
                 WHERE subject_id IS NOT NULL AND reason_sealed IS NULL AND reason <> $1 ORDER BY id LIMIT $2",
            );
            Ok(tx.all(query.bind(GONE).bind(PLAIN_MAX))?)
        })
        .await?;
    for (id, org, subject, reason) in plain {
        // The person's key is made, where there is none, for the organisation that holds them.
        let within = by.clone().within(org);
        let done = platform.command(&within, move |unit| {
            let sealed = match seal(unit, subject, &reason) {
                Err(refusal) if refusal.fault() == Some(INVALID) => None,
                sealed => Some(sealed?),
            };
            unit.tx().execute(
                sqlx::query(
                    "UPDATE legal_holds SET reason = $2, reason_sealed = $3 WHERE id = $1 AND reason_sealed IS NULL AND reason <> $4",
                )
                .bind(id)
                .bind(if sealed.is_some() { "" } else { GONE })
                .bind(sealed.as_ref().map(Sealed::as_bytes))
                .bind(GONE),
            )?;
            Ok(())
        });
        match done.await {
            // One key that does not open keeps nothing else from its end.
            Err(Refusal::Said(said)) => {
                tracing::warn!(hold = %id, "the reason of a hold is not sealed: {}", said.detail);
            }
            done => done?,
        }
    }
    Ok(())
}

/// Ends the keys that holds alone kept, and the reasons under them, once the last of a person is lifted. Of whoever was erased, the reason
/// of each lifted hold ends also where the key stays.
///
/// # Errors
/// The database; what is left goes the next time.
pub(super) async fn end_keys(platform: &Platform, by: &Principal) -> Result<(), Refusal> {
    platform
        .command(by, |unit| {
            let due: Vec<(Uuid,)> = unit.tx().all(
                sqlx::query_as(
                    "SELECT k.subject_id FROM subject_keys AS k WHERE k.class = 'statutory' AND k.ends_with_holds AND k.wrapped IS NOT NULL
                         AND NOT EXISTS (SELECT FROM legal_holds AS h WHERE h.subject_id = k.subject_id AND h.lifted_at IS NULL)
                     ORDER BY k.subject_id LIMIT $1",
                )
                .bind(KEYS_MAX),
            )?;
            for (subject,) in due {
                if unit.end_statutory_key(subject)? != Ended::Destroyed {
                    continue;
                }
                let update = sqlx::query(
                    "UPDATE legal_holds SET reason = $2, reason_sealed = NULL WHERE subject_id = $1",
                );
                unit.tx().execute(update.bind(subject).bind(GONE))?;
                let change = Change::new(Action::Delete, "subject", subject);
                unit.audit(change.field("key", "statutory", Value::Null));
            }
            // The key stays for what the law keeps, or was made by a hold behind the erasure: what the law keeps may be sealed under it since.
            let ended: Vec<(Uuid,)> = unit.tx().all(
                sqlx::query_as(
                    "UPDATE legal_holds SET reason = $1, reason_sealed = NULL WHERE id IN (
                         SELECT h.id FROM legal_holds AS h JOIN subject_keys AS k ON k.subject_id = h.subject_id AND k.class = 'personal'
                         WHERE h.lifted_at IS NOT NULL AND h.reason_sealed IS NOT NULL AND k.wrapped IS NULL ORDER BY h.id LIMIT $2)
                     RETURNING id",
                )
                .bind(GONE)
                .bind(REASONS_MAX),
            )?;
            for (hold,) in ended {
                let change = Change::new(Action::Update, "legal_hold", hold);
                unit.audit(change.field("anonymised", false, true));
            }
            Ok(())
        })
        .await
}

/// Lifts a hold.
///
/// # Errors
/// Not allowed, no such hold, or the database.
pub async fn lift(platform: &Platform, by: &Principal, id: Uuid) -> Result<(), Refusal> {
    lift_once(platform, by, None, id).await
}

/// The same for a request that may come twice.
///
/// # Errors
/// As [`lift`]; the key was used for another request.
pub async fn lift_once(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    id: Uuid,
) -> Result<(), Refusal> {
    by.may(HOLD_WRITE, &by.own())?;
    platform
        .command_once(by, once, move |unit| {
            let (now, who) = (unit.now(), unit.by().audit_name());
            let query = sqlx::query("UPDATE legal_holds SET lifted_by = $2, lifted_at = $3 WHERE id = $1 AND lifted_at IS NULL");
            let lifted = unit.tx().execute(query.bind(id).bind(who).bind(bound(now)))?;
            if lifted == 0 {
                return Err(NOT_FOUND.because("no such hold is in force"));
            }
            unit.audit(Change::new(Action::Update, "legal_hold", id).field("lifted", false, true));
            unit.emit(Event::new("hold.lifted", "legal_hold", id, json!({})));
            Ok(())
        })
        .await?;
    // It is lifted: what fails here is done by the daily job.
    if let Err(error) = end_keys(platform, &Principal::system("retention")).await {
        tracing::warn!(hold = %id, "a key that the hold kept is left to the daily job: {error}");
    }
    Ok(())
}

/// Holds, newest first.
///
/// # Errors
/// Not allowed, or the database.
pub async fn list(
    platform: &Platform,
    by: &Principal,
    paging: Paging,
) -> Result<Page<Hold>, Refusal> {
    type Row = (
        Uuid,
        String,
        Option<Uuid>,
        String,
        Option<Vec<u8>>,
        String,
        i64,
        Option<i64>,
    );
    by.scope(HOLD_READ)?;
    let before = paging.after.map_or(Uuid::max(), |cursor| cursor.id);
    let keyring = Arc::clone(platform.keyring());
    let held = platform.read(by, move |tx| {
        let query = sqlx::query_as(
            "SELECT id, category, subject_id, reason, reason_sealed, placed_by, (extract(epoch FROM created_at) * 1000000)::bigint,
                 (extract(epoch FROM lifted_at) * 1000000)::bigint
             FROM legal_holds WHERE id < $1 ORDER BY id DESC LIMIT $2",
        );
        let rows = tx.all::<Row>(query.bind(before).bind(paging.fetch()))?;
        let mut held: Vec<(i64, Hold)> = Vec::with_capacity(rows.len());
        for (id, category, subject, plain, sealed, placed_by, placed, lifted) in rows {
            let hold = Hold {
                id,
                category,
                subject,
                reason: opened(tx, &keyring, subject, plain, sealed)?,
                placed_by,
                placed: from_micros(placed),
                lifted: lifted.map(from_micros),
            };
            held.push((placed, hold));
        }
        Ok(held)
    });
    let page = paging.cut(held.await?, |(placed, hold)| Cursor {
        key: *placed,
        id: hold.id,
    });
    Ok(page.map(|(_, hold)| hold))
}
