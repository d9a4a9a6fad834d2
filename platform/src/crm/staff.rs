//! People of sales: who may become one who is given leads, and who is away for a while.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crypto::Sealed;
use crate::outbox::Event;
use crate::people::{Principal, Target};
use crate::refusal::{NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, subject_keys};

use super::assignment::{AGENTS_MAX, leads_team, manages};
use super::permissions::AGENT_WRITE;
use super::stage::Hand;
use super::store;

/// Somebody of sales who is given no leads yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub user: Uuid,
    /// Their name.
    pub name: Option<String>,
    /// Their role.
    pub role: String,
    /// Their team.
    pub team: Option<Uuid>,
}

type Row = (Uuid, String, Option<Uuid>, Option<Vec<u8>>);

/// Whom `by` may make one who is given leads: names and teams, and nothing else of them.
///
/// # Errors
/// Forbidden.
pub async fn candidates(platform: &Platform, by: &Principal) -> Result<Vec<Candidate>, Refusal> {
    by.scope(AGENT_WRITE)?;
    let every = manages(by)? == Hand::Admin;
    let (org, teams, keyring) = (by.org, by.teams.clone(), Arc::clone(platform.keyring()));
    platform
        .read(by, move |tx| {
            let rows: Vec<Row> = tx.all(
                sqlx::query_as(
                    "SELECT u.id, u.role, u.team_id, u.name_sealed FROM users AS u
                     WHERE u.org_id = $1 AND u.role IN ('sales_agent', 'sales_manager', 'super_admin') AND u.status IN ('pending', 'active')
                         AND ($2 OR u.team_id = ANY ($3)) AND NOT EXISTS (SELECT FROM sales_agents AS a WHERE a.user_id = u.id)
                     ORDER BY u.id LIMIT $4",
                )
                .bind(org)
                .bind(every)
                .bind(teams)
                .bind(AGENTS_MAX),
            )?;
            let keys = subject_keys(tx, &keyring, rows.iter().map(|row| row.0))?;
            let mut found = Vec::with_capacity(rows.len());
            for (user, role, team, name) in rows {
                let name = keys.get(&user).zip(name).and_then(|(key, name)| {
                    key.open("users.name", &Sealed::from_bytes(name)).ok()
                });
                found.push(Candidate {
                    user,
                    name,
                    role,
                    team,
                });
            }
            Ok(found)
        })
        .await
}

/// Sets an agent on leave, or back: the database gives no lead to who is away. Leads that they have stay with them.
///
/// # Errors
/// Forbidden, or no agent of those whom `by` gives leads.
pub async fn set_leave(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    user: Uuid,
    on_leave: bool,
) -> Result<(), Refusal> {
    by.scope(AGENT_WRITE)?;
    let (hand, who) = (manages(by)?, by.clone());
    // Rows of people are changed by the program alone; the audit log names who had it done.
    platform
        .command_once(&by.elevated(), once, move |unit| {
            store::lock_assignment(unit)?;
            let row: Option<(Uuid, Option<Uuid>, bool)> = unit.tx().optional(
                sqlx::query_as(
                    "SELECT u.org_id, u.team_id, u.on_leave FROM users AS u JOIN sales_agents AS a ON a.user_id = u.id
                     WHERE u.id = $1 FOR NO KEY UPDATE OF u",
                )
                .bind(user),
            )?;
            let absent = || NOT_FOUND.because("there is no such agent, or none of yours");
            let (org, team, before) = row.ok_or_else(absent)?;
            let target = Target {
                org,
                owner: Some(user),
                team,
                referrer: None,
            };
            who.may(AGENT_WRITE, &target)?;
            if !leads_team(&who, hand, team) {
                return Err(absent());
            }
            if before == on_leave {
                return Ok(());
            }
            unit.tx().execute(
                sqlx::query("UPDATE users SET on_leave = $2, revision = revision + 1 WHERE id = $1")
                    .bind(user)
                    .bind(on_leave),
            )?;
            let change = Change::new(Action::Update, "user", user).about(user);
            unit.audit(change.field("on_leave", before, on_leave));
            let facts = json!({"user_id": user, "on_leave": on_leave});
            unit.emit(Event::new("crm.agent_changed", "sales_agent", user, facts).about(user));
            Ok(())
        })
        .await
}
