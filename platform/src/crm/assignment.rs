//! Leads are given to agents. The choice is [`super::assign`]; that nobody gets more than they may is held by the database.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crypto::Sealed;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{FORBIDDEN, INVALID, NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit, subject_keys};
use crate::values::bound;

use super::assign::{Agent, CAP, Rule, Wanted, choose};
use super::capture::interests;
use super::faults::{LEAD_CAP, NOT_AVAILABLE, NOT_OPEN};
use super::lead::{Lead, territory_of};
use super::permissions::{AGENT_READ, AGENT_WRITE, CRM_CONFIGURE, LEAD_ASSIGN};
use super::stage::{Hand, Status, check_reason};
use super::store;
use super::view::key_of;

/// Leads given by one unit, a slice of the embedded database. Each assignment's own event gives the next ones.
const DRAIN_MAX: i64 = 20;

/// Agents of a house that are looked at.
pub(super) const AGENTS_MAX: i64 = 1_000;

/// Territories and skills of an agent.
const LIST_MAX: usize = 50;

type AgentRow = (
    Uuid,
    bool,
    i32,
    i32,
    i64,
    Vec<String>,
    Vec<String>,
    Option<Uuid>,
);

/// Gives leads of the pool to agents who have room, oldest first. Gives how many.
///
/// # Errors
/// The database.
pub fn drain(unit: &mut Unit<'_, '_>) -> Result<u64, Refusal> {
    drain_except(unit, None)
}

/// As [`drain`], to everybody but one.
///
/// # Errors
/// The database.
pub fn drain_except(unit: &mut Unit<'_, '_>, except: Option<Uuid>) -> Result<u64, Refusal> {
    store::lock_assignment(unit)?;
    let org = unit.by().org;
    let rule = rule(unit)?;
    let (mut agents, teams) = agents(unit)?;
    if !agents.iter().any(Agent::has_room) {
        return Ok(0);
    }
    let pool: Vec<(Uuid, Uuid, Option<String>, Vec<String>)> = unit.tx().all(
        sqlx::query_as(
            "SELECT l.id, l.subject_id, l.data ->> 'city', l.interests FROM leads AS l
             WHERE l.org_id = $1 AND l.assigned_to IS NULL AND l.status = 'open' AND l.stage <> 'active'
             ORDER BY l.created_at, l.id LIMIT $2 FOR UPDATE SKIP LOCKED",
        )
        .bind(org)
        .bind(DRAIN_MAX),
    )?;
    let mut given = 0;
    for (lead, subject, city, interests) in pool {
        let territory = match (rule, city) {
            (Rule::Territory, Some(city)) => territory(unit, subject, &city)?,
            _ => None,
        };
        let wanted = Wanted {
            territory,
            interests,
            except,
        };
        while let Some(chosen) = choose(rule, &wanted, &agents) {
            let team = teams
                .iter()
                .find(|(user, _)| *user == chosen)
                .and_then(|(_, team)| *team);
            let done = put(unit, lead, chosen, team)?;
            let next = agents.iter().map(|agent| agent.turn).max().unwrap_or(0) + 1;
            let Some(agent) = agents.iter_mut().find(|agent| agent.user == chosen) else {
                break;
            };
            if done {
                (agent.active, agent.turn) = (agent.active + 1, next);
                let lead = store::find(unit.tx(), lead)?;
                told(unit, &lead, None, Some(chosen), None)?;
                given += 1;
                break;
            }
            // Left or filled up since they were read.
            agent.available = false;
        }
        if !agents.iter().any(Agent::has_room) {
            break;
        }
    }
    Ok(given)
}

/// The territory of a lead's sealed city. One that does not open is told where it is read, and keeps no other lead waiting.
fn territory(
    unit: &mut Unit<'_, '_>,
    subject: Uuid,
    city: &str,
) -> Result<Option<String>, Refusal> {
    let keyring = unit.keyring_shared();
    match key_of(unit.tx(), &keyring, subject) {
        Ok(Some(key)) => Ok(territory_of(&key, city).ok().flatten()),
        Ok(None) | Err(Refusal::Said(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes one assignment so that a refusal by the cap undoes nothing else. False when it was refused.
fn put(unit: &mut Unit<'_, '_>, lead: Uuid, to: Uuid, team: Option<Uuid>) -> Result<bool, Refusal> {
    let written = unit.tx().attempt(|tx| {
        tx.execute(
            sqlx::query("UPDATE leads SET assigned_to = $2, team_id = coalesce($3, team_id), revision = revision + 1 WHERE id = $1")
                .bind(lead)
                .bind(to)
                .bind(team),
        )
    })?;
    match written {
        Ok(rows) => Ok(rows == 1),
        Err(error) => match store::refused(error) {
            refusal if matches!(refusal.fault(), Some(fault) if fault == LEAD_CAP || fault == NOT_AVAILABLE) => {
                Ok(false)
            }
            refusal => Err(refusal),
        },
    }
}

/// Whether an agent is there and has room for one more lead.
///
/// # Errors
/// The database.
pub(super) fn has_room(unit: &mut Unit<'_, '_>, agent: Uuid) -> Result<bool, Refusal> {
    Ok(unit.tx().scalar(
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM sales_agents WHERE user_id = $1 AND available AND accepting AND active_leads < cap)")
            .bind(agent),
    )?)
}

/// The rule of the organisation.
fn rule(unit: &mut Unit<'_, '_>) -> Result<Rule, Refusal> {
    let org = unit.by().org;
    let row: Option<(String,)> = unit
        .tx()
        .optional(sqlx::query_as("SELECT rule FROM crm_settings WHERE org_id = $1").bind(org))?;
    Ok(row
        .and_then(|(name,)| Rule::parse(&name))
        .unwrap_or(Rule::RoundRobin))
}

/// The team of each agent.
type Teams = Vec<(Uuid, Option<Uuid>)>;

fn agents(unit: &mut Unit<'_, '_>) -> Result<(Vec<Agent>, Teams), Refusal> {
    let org = unit.by().org;
    let rows: Vec<AgentRow> = unit.tx().all(
        sqlx::query_as(
            "SELECT a.user_id, a.available AND a.accepting, a.active_leads, a.cap, a.turn, a.territories, a.skills, u.team_id
             FROM sales_agents AS a JOIN users AS u ON u.id = a.user_id WHERE a.org_id = $1 ORDER BY a.user_id LIMIT $2",
        )
        .bind(org)
        .bind(AGENTS_MAX),
    )?;
    let teams = rows.iter().map(|row| (row.0, row.7)).collect();
    let agents = rows.into_iter().map(
        |(user, available, active, cap, turn, territories, skills, _)| Agent {
            user,
            available,
            active: u32::try_from(active).unwrap_or(CAP),
            cap: u32::try_from(cap).unwrap_or(0),
            turn,
            territories,
            skills,
        },
    );
    Ok((agents.collect(), teams))
}

/// The records of an assignment: history, who may read the conversation, open tasks, the agent's notice, audit, event.
pub(super) fn told(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    from: Option<Uuid>,
    to: Option<Uuid>,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let now = unit.now();
    store::history(
        unit,
        lead,
        "assigned",
        &json!({"from": from, "to": to}),
        reason,
    )?;
    unit.tx().execute(
        sqlx::query("UPDATE conversation_access SET archived_at = $3 WHERE lead_id = $1 AND user_id IS DISTINCT FROM $2 AND archived_at IS NULL")
            .bind(lead.id)
            .bind(to)
            .bind(bound(now)),
    )?;
    if let Some(to) = to {
        unit.tx().execute(
            sqlx::query("INSERT INTO conversation_access (id, org_id, lead_id, user_id, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
                .bind(new_id(now))
                .bind(lead.org)
                .bind(lead.id)
                .bind(to)
                .bind(bound(now)),
        )?;
        unit.tx().execute(
            sqlx::query(
                "UPDATE tasks SET assignee_id = $2, revision = revision + 1
                 WHERE lead_id = $1 AND status <> 'done' AND (assignee_id IS NULL OR assignee_id = $3)",
            )
            .bind(lead.id)
            .bind(to)
            .bind(from),
        )?;
        let told = format!("assigned {} {}", lead.id, lead.revision);
        super::notice::tell(
            unit,
            to,
            "assigned",
            Some(lead.id),
            &json!({"score": lead.score, "stage": lead.stage.name()}),
            &told,
        )?;
    }
    unit.findable_changed();
    unit.tx().execute(
        sqlx::query("UPDATE search_entries SET owner_id = $2, team_id = $3 WHERE entity_type = 'lead' AND entity_id = $1")
            .bind(lead.id)
            .bind(to)
            .bind(lead.team),
    )?;
    let change = Change::new(Action::Update, "lead", lead.id).about(lead.subject);
    unit.audit(
        change
            .field("assigned_to", json!(from), json!(to))
            .personal("reason", None, reason),
    );
    let facts = json!({"lead_id": lead.id, "from": from, "to": to, "assigned_to": to, "stage": lead.stage.name()});
    unit.emit(Event::new("lead.assigned", "lead", lead.id, facts).about(lead.subject));
    Ok(())
}

/// Whether people of `team` are given leads by `by`: administrators reach everybody, managers their teams.
pub(super) fn leads_team(by: &Principal, hand: Hand, team: Option<Uuid>) -> bool {
    hand == Hand::Admin || team.is_some_and(|team| by.teams.contains(&team))
}

/// Whether `by` distributes leads at all.
pub(super) fn manages(by: &Principal) -> Result<Hand, Refusal> {
    if by.user().is_none() {
        return Ok(Hand::Admin);
    }
    match Hand::of(by.role) {
        Some(hand) if hand >= Hand::Manager => Ok(hand),
        _ => Err(FORBIDDEN.because("managers distribute leads")),
    }
}

/// Gives a lead to an agent, or to the pool.
///
/// # Errors
/// Forbidden, not found, [`NOT_OPEN`], [`LEAD_CAP`] or [`NOT_AVAILABLE`].
pub async fn assign(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    lead: Uuid,
    to: Option<Uuid>,
    reason: Option<String>,
) -> Result<(), Refusal> {
    check_reason(reason.as_deref(), false)?;
    platform
        .command_once(by, once, move |unit| {
            store::lock_assignment(unit)?;
            let mut lead = store::for_update(unit.tx(), lead)?;
            unit.by().may(LEAD_ASSIGN, &lead.target())?;
            let hand = manages(unit.by())?;
            if lead.status != Status::Open {
                return Err(
                    NOT_OPEN.because(format!("it is {}; open it again first", lead.status.name()))
                );
            }
            let from = lead.assigned_to;
            if from == to {
                return Ok(());
            }
            if let Some(to) = to {
                lead.team = team_of(unit, to, hand)?.or(lead.team);
            }
            lead.assigned_to = to;
            store::save_untouched(unit, &mut lead)?;
            told(unit, &lead, from, to, reason.as_deref().map(str::trim))
        })
        .await
}

/// The team of an agent whom `by` may give leads.
fn team_of(unit: &mut Unit<'_, '_>, agent: Uuid, hand: Hand) -> Result<Option<Uuid>, Refusal> {
    let org = unit.by().org;
    let row: Option<(Option<Uuid>,)> = unit.tx().optional(
        sqlx::query_as("SELECT u.team_id FROM sales_agents AS a JOIN users AS u ON u.id = a.user_id WHERE a.user_id = $1 AND a.org_id = $2")
            .bind(agent)
            .bind(org),
    )?;
    match row.map(|(team,)| team) {
        Some(team) if leads_team(unit.by(), hand, team) => Ok(team),
        _ => Err(NOT_FOUND.because("there is no such agent, or none of yours")),
    }
}

/// An agent as people see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// As the choice sees them.
    pub agent: Agent,
    /// Their team.
    pub team: Option<Uuid>,
    /// Away for a while.
    pub on_leave: bool,
    /// Takes leads when available.
    pub accepting: bool,
    /// Their name.
    pub name: Option<String>,
}

/// Everybody who is given leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seats {
    /// Them.
    pub seats: Vec<Seat>,
    /// Leads that wait for one of them.
    pub pool: i64,
    /// How they are chosen.
    pub rule: Rule,
}

type SeatRow = (
    Uuid,
    bool,
    bool,
    bool,
    i32,
    i32,
    i64,
    Vec<String>,
    Vec<String>,
    Option<Uuid>,
    Option<Vec<u8>>,
);

/// Who takes leads.
///
/// # Errors
/// Forbidden.
pub async fn seats(platform: &Platform, by: &Principal) -> Result<Seats, Refusal> {
    by.scope(AGENT_READ)?;
    let (org, keyring) = (by.org, std::sync::Arc::clone(platform.keyring()));
    platform
        .read(by, move |tx| {
            let rows: Vec<SeatRow> = tx.all(
                sqlx::query_as(
                    "SELECT a.user_id, a.available, u.on_leave, a.accepting, a.active_leads, a.cap, a.turn, a.territories, a.skills, u.team_id, u.name_sealed
                     FROM sales_agents AS a JOIN users AS u ON u.id = a.user_id WHERE a.org_id = $1 ORDER BY a.user_id LIMIT $2",
                )
                .bind(org)
                .bind(AGENTS_MAX),
            )?;
            let keys = subject_keys(tx, &keyring, rows.iter().map(|row| row.0))?;
            let mut seats = Vec::with_capacity(rows.len());
            for (user, available, on_leave, accepting, active, cap, turn, territories, skills, team, name) in rows {
                let name = keys.get(&user).zip(name).and_then(|(key, name)| key.open("users.name", &Sealed::from_bytes(name)).ok());
                let agent = Agent {
                    user,
                    available,
                    active: u32::try_from(active).unwrap_or(CAP),
                    cap: u32::try_from(cap).unwrap_or(0),
                    turn,
                    territories,
                    skills,
                };
                seats.push(Seat {
                    agent,
                    team,
                    on_leave,
                    accepting,
                    name,
                });
            }
            let pool = tx.scalar(
                sqlx::query_scalar(
                    "SELECT count(*) FROM leads WHERE org_id = $1 AND assigned_to IS NULL AND status = 'open' AND stage <> 'active'",
                )
                .bind(org),
            )?;
            let rule: Option<(String,)> = tx.optional(sqlx::query_as("SELECT rule FROM crm_settings WHERE org_id = $1").bind(org))?;
            let rule = rule.and_then(|(name,)| Rule::parse(&name)).unwrap_or(Rule::RoundRobin);
            Ok(Seats { seats, pool, rule })
        })
        .await
}

/// What is said of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatChange {
    /// Cities they work, as people write them.
    pub territories: Vec<String>,
    /// Interests they know.
    pub skills: Vec<String>,
    /// Most active leads, at most [`CAP`].
    pub cap: u32,
    /// Takes leads now.
    pub accepting: bool,
}

/// Makes somebody of sales one who is given leads, or changes what is said of them.
///
/// # Errors
/// Forbidden, not found, or a field that is wrong.
pub async fn seat(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    user: Uuid,
    change: SeatChange,
) -> Result<(), Refusal> {
    let hand = manages(by)?;
    if change.cap > CAP {
        return Err(INVALID.field("cap", format!("use 0 to {CAP}")));
    }
    if change.territories.len() > LIST_MAX {
        return Err(INVALID.field("territories", format!("use at most {LIST_MAX}")));
    }
    let skills = interests(&change.skills)?;
    let territories: Vec<String> = change
        .territories
        .iter()
        .filter_map(|city| super::contact::territory(city))
        .collect();
    let cap = i32::try_from(change.cap).unwrap_or(0);
    platform
        .command_once(by, once, move |unit| {
            let org = unit.by().org;
            store::lock_assignment(unit)?;
            let row: Option<(Option<Uuid>,)> = unit.tx().optional(
                sqlx::query_as("SELECT team_id FROM users WHERE id = $1 AND org_id = $2 AND role IN ('sales_agent', 'sales_manager', 'super_admin')")
                    .bind(user)
                    .bind(org),
            )?;
            let team = row.map(|(team,)| team).ok_or_else(|| NOT_FOUND.because("there is nobody of sales with this key"))?;
            let target = crate::people::Target {
                org,
                owner: Some(user),
                team,
                referrer: None,
            };
            unit.by().may(AGENT_WRITE, &target)?;
            if !leads_team(unit.by(), hand, team) {
                return Err(NOT_FOUND.because("there is nobody of your teams with this key"));
            }
            unit.tx().execute(
                sqlx::query(
                    "INSERT INTO sales_agents (user_id, org_id, cap, accepting, territories, skills) VALUES ($1, $2, $3, $4, $5, $6)
                     ON CONFLICT (user_id) DO UPDATE SET cap = $3, accepting = $4, territories = $5, skills = $6",
                )
                .bind(user)
                .bind(org)
                .bind(cap)
                .bind(change.accepting)
                .bind(&territories)
                .bind(&skills),
            )?;
            let audit = Change::new(Action::Update, "sales_agent", user).about(user);
            unit.audit(audit.field("cap", Value::Null, cap).field("accepting", Value::Null, change.accepting));
            unit.emit(Event::new("crm.agent_changed", "sales_agent", user, json!({"user_id": user})).about(user));
            Ok(())
        })
        .await
}

/// Sets how agents are chosen.
///
/// # Errors
/// Forbidden.
pub async fn set_rule(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    rule: Rule,
) -> Result<(), Refusal> {
    by.may(CRM_CONFIGURE, &by.own())?;
    platform
        .command_once(by, once, move |unit| {
            let org = unit.by().org;
            let before = self::rule(unit)?;
            unit.tx().execute(
                sqlx::query("INSERT INTO crm_settings (org_id, rule) VALUES ($1, $2) ON CONFLICT (org_id) DO UPDATE SET rule = $2")
                    .bind(org)
                    .bind(rule.name()),
            )?;
            unit.audit(Change::new(Action::Update, "crm_setting", org).field("rule", before.name(), rule.name()));
            unit.emit(Event::new("crm.settings_changed", "crm_setting", org, json!({"rule": rule.name()})));
            Ok(())
        })
        .await
}

/// Gives what waits, for an organisation; a job of the program.
///
/// # Errors
/// The database.
pub async fn drain_pool(platform: &Platform, org: Uuid) -> Result<u64, Refusal> {
    let program = Principal::system("crm.pool").within(org);
    platform.command(&program, drain).await
}
