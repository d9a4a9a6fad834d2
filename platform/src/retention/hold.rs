use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::ids::new_id;
use crate::outbox::Event;
use crate::page::{Cursor, Page, Paging};
use crate::people::{Area, Permission, Principal, Verb};
use crate::refusal::{INVALID, NOT_FOUND, Refusal};
use crate::unit::{Once, Platform};
use crate::values::{bound, from_micros};

/// See holds.
pub(super) const HOLD_READ: Permission = Permission::new("hold.read", Area::Audit, Verb::Read);
/// Place and lift them.
pub(super) const HOLD_WRITE: Permission = Permission::new("hold.write", Area::Aml, Verb::Write);

/// Longest reason, characters.
const REASON_MAX: usize = 500;

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
            unit.tx().execute(
                sqlx::query("INSERT INTO legal_holds (id, org_id, category, subject_id, reason, placed_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
                    .bind(id)
                    .bind(org)
                    .bind(&category)
                    .bind(subject)
                    .bind(&reason)
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
        .await
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
    type Row = (Uuid, String, Option<Uuid>, String, String, i64, Option<i64>);
    by.scope(HOLD_READ)?;
    let before = paging.after.map_or(Uuid::max(), |cursor| cursor.id);
    let rows = platform.read(by, move |tx| {
        let query = sqlx::query_as(
            "SELECT id, category, subject_id, reason, placed_by, (extract(epoch FROM created_at) * 1000000)::bigint,
                 (extract(epoch FROM lifted_at) * 1000000)::bigint
             FROM legal_holds WHERE id < $1 ORDER BY id DESC LIMIT $2",
        );
        Ok(tx.all::<Row>(query.bind(before).bind(paging.fetch()))?)
    });
    let page = paging.cut(rows.await?, |row| Cursor {
        key: row.5,
        id: row.0,
    });
    Ok(page.map(
        |(id, category, subject, reason, placed_by, placed, lifted)| Hold {
            id,
            category,
            subject,
            reason,
            placed_by,
            placed: from_micros(placed),
            lifted: lifted.map(from_micros),
        },
    ))
}
