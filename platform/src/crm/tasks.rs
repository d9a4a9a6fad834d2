//! Follow-up tasks (N4.21, N4.34).

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crypto::{Sealed, SubjectKey};
use crate::ids::new_id;
use crate::outbox::Event;
use crate::page::{Cursor, Page, Paging};
use crate::people::Principal;
use crate::refusal::{FORBIDDEN, INVALID, NOT_FOUND, Refusal, STALE};
use crate::unit::{Once, Platform, Unit, subject_keys};
use crate::values::{bound, from_micros, micros};

use super::faults::NOT_OPEN;
use super::permissions::{TASK_READ, TASK_WRITE};
use super::stage::Status;
use super::store;
use super::urgency::Urgency;
use super::view::key_of;
use super::work::{NOTE_MAX, TITLE_MAX, typed};

/// Priorities, most important first.
pub const PRIORITIES: [&str; 4] = ["critical", "high", "medium", "low"];

/// States of a task.
pub const STATES: [&str; 4] = ["todo", "in_progress", "review", "done"];

/// A follow-up task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its key.
    pub id: Uuid,
    /// About which lead.
    pub lead: Uuid,
    /// What is to do; `None` when it was erased.
    pub title: Option<String>,
    /// More about it.
    pub description: Option<String>,
    /// Of [`PRIORITIES`].
    pub priority: String,
    /// Of [`STATES`].
    pub status: String,
    /// When it has to be done.
    pub due: Ts,
    /// Who does it.
    pub assignee: Option<Uuid>,
    /// Who asked.
    pub creator: Option<Uuid>,
    /// When it was made.
    pub created: Ts,
    /// When it changed.
    pub updated: Ts,
    /// Counts changes.
    pub revision: i64,
}

type Row = (
    Uuid,
    Uuid,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    String,
    String,
    i64,
    Option<Uuid>,
    Option<Uuid>,
    i64,
    i64,
    i64,
    Uuid,
);

macro_rules! task_columns {
    () => {
        "t.id, t.lead_id, t.title_sealed, t.description_sealed, t.priority, t.status, (extract(epoch FROM t.due_date) * 1000000)::bigint, \
         t.assignee_id, t.creator_id, (extract(epoch FROM t.created_at) * 1000000)::bigint, (extract(epoch FROM t.updated_at) * 1000000)::bigint, \
         t.revision, l.subject_id"
    };
}

fn task(row: Row, key: Option<&SubjectKey>) -> Task {
    let (
        id,
        lead,
        title,
        description,
        priority,
        status,
        due,
        assignee,
        creator,
        created,
        updated,
        revision,
        _,
    ) = row;
    let open = |field: &str, sealed: Option<Vec<u8>>| {
        key.zip(sealed)
            .and_then(|(key, sealed)| key.open(field, &Sealed::from_bytes(sealed)).ok())
    };
    Task {
        id,
        lead,
        title: open("tasks.title", title),
        description: open("tasks.description", description),
        priority,
        status,
        due: from_micros(due),
        assignee,
        creator,
        created: from_micros(created),
        updated: from_micros(updated),
        revision,
    }
}

/// Which tasks a list brings; done ones never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// About this lead.
    pub lead: Option<Uuid>,
    /// Of this person.
    pub assignee: Option<Uuid>,
    /// So urgent.
    pub urgency: Option<Urgency>,
}

/// A page of tasks, by the instant they are due.
///
/// # Errors
/// Forbidden.
pub async fn list(
    platform: &Platform,
    by: &Principal,
    filter: Filter,
    paging: Paging,
) -> Result<Page<Task>, Refusal> {
    by.scope(TASK_READ)?;
    let (org, now, keyring) = (
        by.org,
        platform.now(),
        std::sync::Arc::clone(platform.keyring()),
    );
    platform
        .read(by, move |tx| {
            let (from, to) = filter.urgency.map_or((Ts(0), Ts(u64::MAX)), |urgency| urgency.window(now));
            let (at, id) = paging.after.map_or((0, Uuid::nil()), |cursor| (cursor.key, cursor.id));
            let query = sqlx::query_as(concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks AS t JOIN leads AS l ON l.id = t.lead_id
                 WHERE t.org_id = $1 AND t.status <> 'done' AND ($2::uuid IS NULL OR t.lead_id = $2 OR l.merged_into = $2)
                     AND ($3::uuid IS NULL OR t.assignee_id = $3) AND t.due_date >= $4 AND t.due_date < $5 AND (t.due_date, t.id) > ($6, $7)
                 ORDER BY t.due_date, t.id LIMIT $8"
            ));
            let query = query
                .bind(org)
                .bind(filter.lead)
                .bind(filter.assignee)
                .bind(micros(Cursor::micros(from)))
                .bind(micros(Cursor::micros(to)))
                .bind(micros(at))
                .bind(id)
                .bind(paging.fetch());
            let rows: Vec<Row> = tx.all(query)?;
            let page = paging.cut(rows, |row| Cursor { key: row.6, id: row.0 });
            let keys = subject_keys(tx, &keyring, page.items.iter().map(|row| row.12))?;
            let items = page.items.into_iter().map(|row| {
                let key = keys.get(&row.12);
                task(row, key)
            });
            Ok(Page {
                items: items.collect(),
                next: page.next,
            })
        })
        .await
}

/// One task.
///
/// # Errors
/// Not found.
pub async fn one(platform: &Platform, by: &Principal, id: Uuid) -> Result<Task, Refusal> {
    by.scope(TASK_READ)?;
    let keyring = std::sync::Arc::clone(platform.keyring());
    platform
        .read(by, move |tx| {
            let query = sqlx::query_as(concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks AS t JOIN leads AS l ON l.id = t.lead_id WHERE t.id = $1"
            ));
            let row: Option<Row> = tx.optional(query.bind(id))?;
            let row = row.ok_or_else(|| NOT_FOUND.because("it does not exist, or not for you"))?;
            let key = key_of(tx, &keyring, row.12)?;
            Ok(task(row, key.as_ref()))
        })
        .await
}

/// A task that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// About which lead.
    pub lead: Uuid,
    /// What is to do.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// Of [`PRIORITIES`].
    pub priority: String,
    /// When it has to be done.
    pub due: Ts,
    /// Who does it; the lead's agent when absent.
    pub assignee: Option<Uuid>,
}

fn check_priority(priority: &str) -> Result<(), Refusal> {
    if PRIORITIES.contains(&priority) {
        Ok(())
    } else {
        Err(INVALID.field("priority", format!("use {}", PRIORITIES.join(", "))))
    }
}

/// Makes a task.
///
/// # Errors
/// Forbidden, not found, or a field that is wrong.
pub async fn add(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    new: NewTask,
) -> Result<Uuid, Refusal> {
    let title = typed(&new.title, "title", TITLE_MAX)?;
    let description = new
        .description
        .as_deref()
        .filter(|text| !text.trim().is_empty());
    let description = description
        .map(|text| typed(text, "description", NOTE_MAX))
        .transpose()?;
    check_priority(&new.priority)?;
    platform
        .command_once(by, once, move |unit| {
            let lead = store::for_update(unit.tx(), new.lead)?;
            unit.by().may(TASK_WRITE, &lead.target())?;
            if lead.status == Status::Merged {
                return Err(NOT_OPEN.because("it is part of another lead; use that one"));
            }
            let assignee = new.assignee.or(lead.assigned_to).or(unit.by().user());
            check_assignee(unit, assignee)?;
            let key = unit.key(lead.subject)?;
            let (id, creator) = (new_id(unit.now()), unit.by().user());
            let sealed = description.as_deref().map(|text| key.seal("tasks.description", text).as_bytes().to_vec());
            unit.tx().execute(
                sqlx::query(
                    "INSERT INTO tasks (id, org_id, lead_id, assignee_id, creator_id, title_sealed, description_sealed, priority, due_date)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                )
                .bind(id)
                .bind(lead.org)
                .bind(lead.id)
                .bind(assignee)
                .bind(creator)
                .bind(key.seal("tasks.title", &title).as_bytes())
                .bind(sealed)
                .bind(&new.priority)
                .bind(bound(new.due)),
            )?;
            store::history(unit, &lead, "task", &json!({"task_id": id, "status": "todo", "priority": new.priority, "assignee": assignee}), Some(&title))?;
            let change = Change::new(Action::Create, "task", id).about(lead.subject);
            unit.audit(change.field("lead_id", Value::Null, json!(lead.id)).personal("title", None, Some(&title)));
            let facts = json!({"lead_id": lead.id, "task_id": id, "assignee": assignee});
            unit.emit(Event::new("task.created", "task", id, facts).about(lead.subject));
            Ok(id)
        })
        .await
}

/// Only people of the house who work are given tasks.
fn check_assignee(unit: &mut Unit<'_, '_>, assignee: Option<Uuid>) -> Result<(), Refusal> {
    let Some(assignee) = assignee else {
        return Ok(());
    };
    let org = unit.by().org;
    let row: Option<(Uuid,)> = unit.tx().optional(
        sqlx::query_as("SELECT u.id FROM users AS u JOIN roles AS r ON r.name = u.role WHERE u.id = $1 AND u.org_id = $2 AND r.staff AND u.status = 'active'")
            .bind(assignee)
            .bind(org),
    )?;
    match row {
        Some(_) => Ok(()),
        None => Err(INVALID.field("assignee", "name an active person of the house")),
    }
}

/// What is to be changed of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskChange {
    /// Of [`STATES`].
    pub status: Option<String>,
    /// Of [`PRIORITIES`].
    pub priority: Option<String>,
    /// When it has to be done.
    pub due: Option<Ts>,
    /// Who does it.
    pub assignee: Option<Uuid>,
    /// The revision that was seen.
    pub revision: i64,
}

/// Changes a task: whoever may write its lead, and whoever has to do it.
///
/// # Errors
/// Forbidden, not found, stale, or a field that is wrong.
pub async fn change(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    id: Uuid,
    change: TaskChange,
) -> Result<(), Refusal> {
    if let Some(priority) = &change.priority {
        check_priority(priority)?;
    }
    if change
        .status
        .as_deref()
        .is_some_and(|status| !STATES.contains(&status))
    {
        return Err(INVALID.field("status", format!("use {}", STATES.join(", "))));
    }
    platform
        .command_once(by, once, move |unit| {
            let row: Option<(Uuid, Option<Uuid>, String, i64)> = unit.tx().optional(
                sqlx::query_as("SELECT lead_id, assignee_id, status, revision FROM tasks WHERE id = $1 FOR UPDATE").bind(id),
            )?;
            let (lead, assignee, before, standing) = row.ok_or_else(|| NOT_FOUND.because("it does not exist, or not for you"))?;
            let lead = store::find(unit.tx(), lead)?;
            let mine = assignee.is_some() && assignee == unit.by().user();
            if mine {
                unit.by().may(TASK_WRITE, &unit.by().own())?;
            } else {
                unit.by().may(TASK_WRITE, &lead.target())?;
            }
            if mine && change.assignee.is_some_and(|to| Some(to) != assignee) && unit.by().may(TASK_WRITE, &lead.target()).is_err() {
                return Err(FORBIDDEN.because("whoever works the lead gives its tasks to others"));
            }
            if standing != change.revision {
                return Err(STALE.because("read the task again; somebody changed it"));
            }
            check_assignee(unit, change.assignee)?;
            unit.tx().execute(
                sqlx::query(
                    "UPDATE tasks SET status = coalesce($2, status), priority = coalesce($3, priority), due_date = coalesce($4, due_date),
                         assignee_id = coalesce($5, assignee_id), revision = revision + 1
                     WHERE id = $1",
                )
                .bind(id)
                .bind(&change.status)
                .bind(&change.priority)
                .bind(change.due.map(bound))
                .bind(change.assignee),
            )?;
            let after = change.status.clone().unwrap_or_else(|| before.clone());
            let audit = Change::new(Action::Update, "task", id).about(lead.subject);
            unit.audit(audit.field("status", before.as_str(), after.as_str()));
            let facts = json!({"lead_id": lead.id, "task_id": id, "status": after, "assignee": change.assignee.or(assignee)});
            unit.emit(Event::new("task.changed", "task", id, facts).about(lead.subject));
            Ok(())
        })
        .await
}
