//! Teams: a manager reaches the leads of theirs, and is told of them. Administrators make them; a person is in one at most.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::people::administers;
use super::permissions::USER_READ;
use super::register::name;
use super::service::Identity;
use super::store;
use crate::audit::{Action, Change};
use crate::crypto::mask_name;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::{Principal, Sight};
use crate::refusal::{CONFLICT, INVALID, NOT_FOUND, Refusal, STALE};
use crate::unit::{Once, Unit};
use crate::values::bound;

/// Teams of an organisation: they are chosen from one list.
pub const TEAMS_MAX: i64 = 200;

/// What holds that no two teams of an organisation have one name.
const NAME_KEY: &str = "teams_org_id_name_key";

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Key.
    pub id: Uuid,
    /// What it is called; another of the organisation is not.
    pub name: String,
    /// Who leads it.
    pub manager: Option<Uuid>,
    /// What they are called; nothing for who was erased.
    pub manager_name: Option<String>,
    /// People in it.
    pub members: u32,
    /// Rises with every change.
    pub revision: i64,
}

/// A team that is to be.
#[derive(Clone, Debug)]
pub struct NewTeam {
    /// As typed.
    pub name: String,
    /// Who leads it.
    pub manager: Option<Uuid>,
}

/// What is to change of a team; what is `None` stays.
#[derive(Clone, Debug)]
pub struct TeamChange {
    /// As typed.
    pub name: Option<String>,
    /// Who leads it from now on, or nobody.
    pub manager: Option<Option<Uuid>>,
    /// The revision that was seen.
    pub revision: i64,
}

/// Key, name, manager, revision, people.
type Row = (Uuid, String, Option<Uuid>, i64, i64);

impl Identity {
    /// The teams of the organisation of `by`, by name.
    ///
    /// # Errors
    /// The role may not; the database's.
    pub async fn teams(&self, by: &Principal) -> Result<Vec<Team>, Refusal> {
        let (_, sight) = by.scope(USER_READ)?;
        self.teams_as(by, sight, None).await
    }

    /// Makes a team.
    ///
    /// # Errors
    /// The role may not; the name is wrong or there is one of it; the manager is none; there are too many; the database's.
    pub async fn add_team(
        &self,
        by: &Principal,
        once: Option<Once>,
        new: NewTeam,
    ) -> Result<Team, Refusal> {
        administers(by)?;
        let (named, manager) = (name(&new.name)?, new.manager);
        let id = self
            .platform
            .command_once(by, once, move |unit| add(unit, &named, manager))
            .await?;
        self.changed(by, id).await
    }

    /// Gives a team another name or manager. Saying the same again changes nothing.
    ///
    /// # Errors
    /// As [`Identity::add_team`]; there is none for `by`; somebody else changed it.
    pub async fn change_team(
        &self,
        by: &Principal,
        once: Option<Once>,
        id: Uuid,
        change: TeamChange,
    ) -> Result<Team, Refusal> {
        administers(by)?;
        if change.name.is_none() && change.manager.is_none() {
            return Err(INVALID.field("name", "say what changes: the name or the manager"));
        }
        let named = change.name.as_deref().map(name).transpose()?;
        let (manager, revision) = (change.manager, change.revision);
        self.platform
            .command_once(by, once, move |unit| {
                patch(unit, id, named.as_deref(), manager, revision)
            })
            .await?;
        self.changed(by, id).await
    }

    /// A team that was just written.
    async fn changed(&self, by: &Principal, id: Uuid) -> Result<Team, Refusal> {
        // What is known of the managers' sessions has the teams of before.
        self.known.invalidate_all();
        let teams = self.teams_as(by, Sight::Clear, Some(id)).await?;
        teams.into_iter().next().ok_or_else(nothing)
    }

    async fn teams_as(
        &self,
        by: &Principal,
        sight: Sight,
        one: Option<Uuid>,
    ) -> Result<Vec<Team>, Refusal> {
        let (org, keyring) = (by.org, Arc::clone(self.platform.keyring()));
        self.platform
            .read(by, move |tx| {
                let rows: Vec<Row> = tx.all(
                    sqlx::query_as(
                        "SELECT t.id, t.name, t.manager_id, t.revision, (SELECT count(*) FROM users AS u WHERE u.team_id = t.id AND u.status <> 'deleted')
                         FROM teams AS t WHERE t.org_id = $1 AND ($2::uuid IS NULL OR t.id = $2) ORDER BY lower(t.name), t.id LIMIT $3",
                    )
                    .bind(org)
                    .bind(one)
                    .bind(TEAMS_MAX),
                )?;
                let managers: Vec<Uuid> = rows.iter().filter_map(|row| row.2).collect();
                let names = store::staff_names(tx, &keyring, org, &managers)?;
                let names: HashMap<Uuid, String> = names.into_iter().collect();
                let team = |(id, name, manager, revision, members): Row| Team {
                    id,
                    name,
                    manager,
                    manager_name: manager.and_then(|id| names.get(&id)).map(|name| match sight {
                        Sight::Clear => name.clone(),
                        Sight::Masked => mask_name(name),
                    }),
                    members: u32::try_from(members).unwrap_or(u32::MAX),
                    revision,
                };
                Ok(rows.into_iter().map(team).collect())
            })
            .await
    }
}

fn add(unit: &mut Unit<'_, '_>, name: &str, manager: Option<Uuid>) -> Result<Uuid, Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    // One after the other, so that two at once are not one too many.
    unit.tx().execute(
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(format!("identity.teams {org}")),
    )?;
    let teams: i64 = unit
        .tx()
        .scalar(sqlx::query_scalar("SELECT count(*) FROM teams WHERE org_id = $1").bind(org))?;
    if teams >= TEAMS_MAX {
        return Err(CONFLICT.because(format!(
            "there are {TEAMS_MAX} teams and there can be no more; give one that is not needed another name"
        )));
    }
    may_lead(unit, manager)?;
    let id = new_id(now);
    let added = unit.tx().execute(
        sqlx::query(
            "INSERT INTO teams (id, org_id, name, manager_id, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(org)
        .bind(name)
        .bind(manager)
        .bind(bound(now)),
    );
    added.map_err(|error| Refusal::from(error).on_duplicate(NAME_KEY, taken))?;
    unit.audit(
        Change::new(Action::Create, "team", id)
            .field("name", Value::Null, name)
            .field("manager", Value::Null, json!(manager)),
    );
    let facts = json!({"team_id": id, "manager_id": manager});
    unit.emit(Event::new("team.added", "team", id, facts));
    Ok(id)
}

fn patch(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    name: Option<&str>,
    manager: Option<Option<Uuid>>,
    revision: i64,
) -> Result<(), Refusal> {
    let org = unit.by().org;
    let row: Option<(String, Option<Uuid>, i64)> = unit.tx().optional(
        sqlx::query_as(
            "SELECT name, manager_id, revision FROM teams WHERE id = $1 AND org_id = $2 FOR UPDATE",
        )
        .bind(id)
        .bind(org),
    )?;
    let (named, led_by, stands) = row.ok_or_else(nothing)?;
    if stands != revision {
        return Err(STALE.because("look at the team again and repeat"));
    }
    let (name, manager) = (name.unwrap_or(&named), manager.unwrap_or(led_by));
    if name == named && manager == led_by {
        return Ok(());
    }
    // Who leads it already may have another role by now, and its name changes all the same.
    if manager != led_by {
        may_lead(unit, manager)?;
    }
    let written = unit.tx().execute(
        sqlx::query(
            "UPDATE teams SET name = $2, manager_id = $3, revision = revision + 1 WHERE id = $1",
        )
        .bind(id)
        .bind(name)
        .bind(manager),
    );
    written.map_err(|error| Refusal::from(error).on_duplicate(NAME_KEY, taken))?;
    let mut change = Change::new(Action::Update, "team", id);
    if name != named {
        change = change.field("name", named.as_str(), name);
    }
    if manager != led_by {
        change = change.field("manager", json!(led_by), json!(manager));
    }
    unit.audit(change);
    let facts = json!({"team_id": id, "manager_id": manager});
    unit.emit(Event::new("team.changed", "team", id, facts));
    Ok(())
}

fn taken() -> Refusal {
    INVALID.field("name", "there is a team of this name; choose another")
}

fn nothing() -> Refusal {
    NOT_FOUND.because("there is no such team, or not for you")
}

/// Passes for whose role reaches the rows of a team: to lead one gives nothing to others.
fn may_lead(unit: &mut Unit<'_, '_>, manager: Option<Uuid>) -> Result<(), Refusal> {
    let Some(manager) = manager else {
        return Ok(());
    };
    let org = unit.by().org;
    let fits: bool = unit.tx().scalar(
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND org_id = $2 AND role IN ('sales_manager', 'super_admin') AND status IN ('pending', 'active'))",
        )
        .bind(manager)
        .bind(org),
    )?;
    match fits {
        true => Ok(()),
        false => Err(INVALID.field(
            "manager_id",
            "name a sales manager or an administrator of the house who is not suspended",
        )),
    }
}
