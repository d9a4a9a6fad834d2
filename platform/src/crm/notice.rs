//! What people of sales are told: once for each cause.

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::ids::new_id;
use crate::outbox::Event;
use crate::page::{Cursor, Page, Paging};
use crate::people::Principal;
use crate::refusal::{FORBIDDEN, NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit};
use crate::values::{bound, from_micros, micros};

use super::lead::Lead;

/// Notices that are counted as not read; more are not told apart.
pub const UNREAD_MAX: i64 = 10_000;

/// Something that was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its key.
    pub id: Uuid,
    /// `score`, `merged`, `assigned`, `sla`, `left`, `hot`, `contact`.
    pub kind: String,
    /// About which lead.
    pub lead: Option<Uuid>,
    /// Numbers and states.
    pub detail: Value,
    /// When.
    pub at: Ts,
    /// When it was read.
    pub read: Option<Ts>,
}

/// Tells `user` once; `told` names the cause.
///
/// # Errors
/// The database.
pub fn tell(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    kind: &'static str,
    lead: Option<Uuid>,
    detail: &Value,
    told: &str,
) -> Result<(), Refusal> {
    let (id, org, now) = (new_id(unit.now()), unit.by().org, unit.now());
    let written = unit.tx().execute(
        sqlx::query(
            "INSERT INTO crm_notices (id, org_id, user_id, kind, lead_id, detail, told, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(org)
        .bind(user)
        .bind(kind)
        .bind(lead)
        .bind(detail)
        .bind(told)
        .bind(bound(now)),
    )?;
    if written == 1 {
        let facts = json!({"notice_id": id, "user_id": user, "kind": kind, "lead_id": lead});
        unit.emit(Event::new("crm.notice", "crm_notice", id, facts).about(user));
    }
    Ok(())
}

/// Who leads the team of a lead: its manager, else the owner of the house. Who left, or has another role now, reads nothing.
///
/// # Errors
/// The database.
pub fn managers(unit: &mut Unit<'_, '_>, lead: &Lead) -> Result<Vec<Uuid>, Refusal> {
    let rows: Vec<(Uuid,)> = unit.tx().all(
        sqlx::query_as(
            "SELECT m.id FROM organizations AS o JOIN users AS m
                 ON m.id = coalesce((SELECT t.manager_id FROM teams AS t JOIN users AS u ON u.id = t.manager_id WHERE t.id = $1 AND u.status = 'active' AND u.role IN ('sales_manager', 'super_admin')), o.owner_id)
             WHERE o.id = $2",
        )
        .bind(lead.team)
        .bind(lead.org),
    )?;
    Ok(rows.into_iter().map(|(user,)| user).collect())
}

type Row = (Uuid, String, Option<Uuid>, Value, i64, Option<i64>);

/// What `by` was told, newest first.
///
/// # Errors
/// The database.
pub async fn list(
    platform: &Platform,
    by: &Principal,
    unread: bool,
    paging: Paging,
) -> Result<Page<Notice>, Refusal> {
    by.in_person()?;
    let user = by
        .user()
        .ok_or_else(|| FORBIDDEN.because("notices are for people"))?;
    let after = paging
        .after
        .map_or((i64::MAX, Uuid::max()), |cursor| (cursor.key, cursor.id));
    let rows: Vec<Row> = platform
        .read(by, move |tx| {
            let query = sqlx::query_as(
                "SELECT id, kind, lead_id, detail, (extract(epoch FROM created_at) * 1000000)::bigint, (extract(epoch FROM read_at) * 1000000)::bigint
                 FROM crm_notices WHERE user_id = $1 AND (NOT $2 OR read_at IS NULL) AND (created_at, id) < ($3, $4)
                 ORDER BY created_at DESC, id DESC LIMIT $5",
            );
            let query = query.bind(user).bind(unread).bind(micros(after.0)).bind(after.1).bind(paging.fetch());
            Ok(tx.all(query)?)
        })
        .await?;
    let page = paging.cut(rows, |row| Cursor {
        key: row.4,
        id: row.0,
    });
    Ok(page.map(|(id, kind, lead, detail, at, read)| Notice {
        id,
        kind,
        lead,
        detail,
        at: from_micros(at),
        read: read.map(from_micros),
    }))
}

/// How many notices `by` has not read, counted up to [`UNREAD_MAX`].
///
/// # Errors
/// The database.
pub async fn unread(platform: &Platform, by: &Principal) -> Result<i64, Refusal> {
    by.in_person()?;
    let user = by
        .user()
        .ok_or_else(|| FORBIDDEN.because("notices are for people"))?;
    platform
        .read(by, move |tx| {
            let query = sqlx::query_scalar(
                "SELECT count(*) FROM (SELECT 1 FROM crm_notices WHERE user_id = $1 AND read_at IS NULL LIMIT $2) AS n",
            );
            Ok(tx.scalar(query.bind(user).bind(UNREAD_MAX))?)
        })
        .await
}

/// Marks a notice of `by` as read.
///
/// # Errors
/// [`NOT_FOUND`].
pub async fn read(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    notice: Uuid,
) -> Result<(), Refusal> {
    by.in_person()?;
    platform
        .command_once(by, once, move |unit| {
            let now = unit.now();
            let changed = unit.tx().execute(
                sqlx::query("UPDATE crm_notices SET read_at = coalesce(read_at, $2) WHERE id = $1")
                    .bind(notice)
                    .bind(bound(now)),
            )?;
            if changed == 0 {
                return Err(NOT_FOUND.because("it does not exist, or not for you"));
            }
            unit.audit(
                Change::new(Action::Update, "crm_notice", notice).field("read", false, true),
            );
            Ok(())
        })
        .await
}
