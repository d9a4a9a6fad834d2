//! Somebody leaves: one transaction ends their account, gives their leads back and on, hands their deals and tasks to the manager,
//! and archives what they could read of conversations (E3.60).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::outbox::Event;
use crate::people::{Principal, Target};
use crate::refusal::{NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit};
use crate::values::bound;

use super::assignment;
use super::faults::NOT_LEAVING;
use super::permissions::USER_LEAVE;
use super::stage::check_reason;
use super::store;

/// What became of somebody's work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Who left.
    pub user: Uuid,
    /// Leads that went into the pool.
    pub leads_to_pool: u64,
    /// Of these, and of those that waited before, given to others at once.
    pub leads_reassigned: u64,
    /// Deals that the manager has now.
    pub deals_moved: u64,
    /// Tasks that the manager has now, or who got the lead.
    pub tasks_moved: u64,
    /// The manager; `None` where the team has none and the house no owner.
    pub manager: Option<Uuid>,
}

/// Ends somebody's work for the house. `by` needs a second factor, and never is the one who leaves.
///
/// # Errors
/// Forbidden, not found, or [`NOT_LEAVING`].
pub async fn leave(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    user: Uuid,
    reason: String,
) -> Result<Left, Refusal> {
    by.scope(USER_LEAVE)?;
    by.with_mfa()?;
    check_reason(Some(&reason), true)?;
    platform
        .command_once(by, once, move |unit| leave_in(unit, user, reason.trim()))
        .await
}

fn leave_in(unit: &mut Unit<'_, '_>, user: Uuid, reason: &str) -> Result<Left, Refusal> {
    store::lock_assignment(unit)?;
    let org = unit.by().org;
    let row: Option<(String, String, Option<Uuid>, i64)> = unit.tx().optional(
        sqlx::query_as("SELECT status, role, team_id, revision FROM users WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE")
            .bind(user)
            .bind(org),
    )?;
    let (status, role, team, _) =
        row.ok_or_else(|| NOT_FOUND.because("there is nobody with this key"))?;
    let target = Target {
        org,
        owner: Some(user),
        team,
        referrer: None,
    };
    unit.by().may(USER_LEAVE, &target)?;
    if unit.by().user() == Some(user) {
        return Err(NOT_LEAVING.because("somebody else has to do this"));
    }
    if !matches!(role.as_str(), "sales_agent" | "sales_manager")
        || matches!(status.as_str(), "suspended" | "deleted")
    {
        return Err(
            NOT_LEAVING.because("only active people of sales leave this way; others are suspended")
        );
    }
    let manager = manager(unit, user, team)?;
    // The account ends first: from here on the database gives them no lead.
    unit.tx().execute(
        sqlx::query("UPDATE users SET status = 'suspended', revision = revision + 1 WHERE id = $1")
            .bind(user),
    )?;
    unit.tx().execute(
        sqlx::query("UPDATE sales_agents SET accepting = false WHERE user_id = $1").bind(user),
    )?;
    let leads = pool_leads(unit, user)?;
    let deals_moved = unit.tx().execute(
        sqlx::query("UPDATE lead_deals SET owner_id = $2, revision = revision + 1 WHERE owner_id = $1 AND status = 'open'")
            .bind(user)
            .bind(manager),
    )?;
    // A task goes with its lead to whoever gets that, and to the manager where nobody does.
    let tasks: Vec<(Uuid,)> = unit.tx().all(
        sqlx::query_as("UPDATE tasks SET assignee_id = NULL, revision = revision + 1 WHERE assignee_id = $1 AND status <> 'done' RETURNING id")
            .bind(user),
    )?;
    let tasks: Vec<Uuid> = tasks.into_iter().map(|(id,)| id).collect();
    let now = unit.now();
    unit.tx().execute(
        sqlx::query("UPDATE conversation_access SET archived_at = $2 WHERE user_id = $1 AND archived_at IS NULL")
            .bind(user)
            .bind(bound(now)),
    )?;
    let leads_reassigned = assignment::drain_except(unit, Some(user))?;
    unit.tx().execute(
        sqlx::query(
            "UPDATE tasks SET assignee_id = $2 WHERE id = ANY ($1) AND assignee_id IS NULL",
        )
        .bind(&tasks)
        .bind(manager),
    )?;
    let tasks_moved = u64::try_from(tasks.len()).unwrap_or(u64::MAX);
    let left = Left {
        user,
        leads_to_pool: leads,
        leads_reassigned,
        deals_moved,
        tasks_moved,
        manager,
    };
    if let Some(manager) = manager {
        let detail =
            json!({"user_id": user, "leads": leads, "deals": deals_moved, "tasks": tasks_moved});
        super::notice::tell(
            unit,
            manager,
            "left",
            None,
            &detail,
            &format!("left {user} {}", now.0),
        )?;
    }
    let change = Change::new(Action::Update, "user", user).about(user);
    unit.audit(
        change
            .field("status", status.as_str(), "suspended")
            .field("leads_to_pool", Value::Null, left.leads_to_pool)
            .field("deals_moved", Value::Null, left.deals_moved)
            .field("manager_id", Value::Null, json!(manager))
            .personal("reason", None, Some(reason)),
    );
    unit.emit(
        Event::new(
            "user.status_changed",
            "user",
            user,
            json!({"user_id": user, "from": status, "to": "suspended"}),
        )
        .about(user),
    );
    let facts = json!({"user_id": user, "leads_to_pool": leads, "deals_moved": deals_moved, "manager_id": manager});
    unit.emit(Event::new("user.left", "user", user, facts).about(user));
    Ok(left)
}

/// The manager of the team, unless that is who leaves or has another role now; then the owner of the house.
fn manager(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    team: Option<Uuid>,
) -> Result<Option<Uuid>, Refusal> {
    let org = unit.by().org;
    let row: Option<(Option<Uuid>, Option<Uuid>)> = unit.tx().optional(
        sqlx::query_as(
            "SELECT (SELECT t.manager_id FROM teams AS t JOIN users AS m ON m.id = t.manager_id WHERE t.id = $2 AND m.status = 'active'
                 AND m.role IN ('sales_manager', 'super_admin')), o.owner_id
             FROM organizations AS o WHERE o.id = $1",
        )
        .bind(org)
        .bind(team),
    )?;
    let (manager, owner) = row.unwrap_or((None, None));
    Ok([manager, owner]
        .into_iter()
        .flatten()
        .find(|found| *found != user))
}

/// Gives back what they still worked on; clients they made keep their team and are the manager's by the deals.
fn pool_leads(unit: &mut Unit<'_, '_>, user: Uuid) -> Result<u64, Refusal> {
    let rows: Vec<(Uuid,)> = unit.tx().all(
        sqlx::query_as(
            "UPDATE leads SET assigned_to = NULL, revision = revision + 1 WHERE assigned_to = $1 AND status <> 'merged' RETURNING id",
        )
        .bind(user),
    )?;
    let mut given = 0;
    for (id,) in rows {
        let lead = store::find(unit.tx(), id)?;
        assignment::told(unit, &lead, Some(user), None, None)?;
        given += u64::from(lead.stage.is_worked() && lead.status == super::stage::Status::Open);
    }
    Ok(given)
}
