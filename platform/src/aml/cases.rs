//! Cases in the database: opened by alerts, worked on by people.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::case::{self, CaseKind, Cause, Decided, Facts, Status, has_move, reasoned};
use super::faults::CASE_MOVE;
use super::permissions::{AML_READ, AML_WORK};
use super::rules::{Rule, Severity};
use super::sanctions::decode;
use super::seal::{self, key_of, open, seal};
use crate::aml::lists::Entry;
use crate::audit::{Action, Change};
use crate::crypto::mask_name;
use crate::db::Tx;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::page::{Cursor, Page, Paging};
use crate::people::{Principal, Sight, Target};
use crate::refusal::{INVALID, NOT_FOUND, Refusal, STALE};
use crate::unit::{Once, Platform, Unit, subject_key};
use crate::values::{bound, from_micros};

mod file;

use file::hits;
pub use file::{AlertRow, CaseFile, HitRow, Said, file};

/// Parts of a case that are shown at once.
const PARTS_MAX: i64 = 500;

/// An alert to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAlert {
    /// Which rule.
    pub rule: Rule,
    /// What it is about: the same is told once.
    pub key: String,
    /// In words; names nobody.
    pub detail: String,
    /// Numbers and keys.
    pub facts: Value,
}

/// The case of a kind that is under way about a client, opened when there is none. Acts as the system: two alerts at the same
/// moment meet in one case.
pub(super) fn open_case(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    kind: CaseKind,
    severity: Severity,
) -> Result<Uuid, Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    if let Some(reopened) = reopen(unit, user, kind, severity)? {
        return Ok(reopened);
    }
    let id = new_id(now);
    let (found, number, is_new): (Uuid, i64, bool) = unit.tx().one(
        sqlx::query_as(
            "INSERT INTO aml_cases (id, org_id, kind, user_id, severity, created_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (org_id, user_id, kind) WHERE status IN ('open', 'investigating', 'escalated') DO UPDATE SET
                 severity = CASE WHEN excluded.severity = 'high' OR aml_cases.severity = 'high' THEN 'high'
                                 WHEN excluded.severity = 'medium' OR aml_cases.severity = 'medium' THEN 'medium' ELSE 'low' END,
                 revision = aml_cases.revision + 1
             RETURNING id, number, id = $1",
        )
        .bind(id)
        .bind(org)
        .bind(kind.name())
        .bind(user)
        .bind(severity.name())
        .bind(bound(now)),
    )?;
    if is_new {
        unit.audit(
            Change::new(Action::Create, "aml_case", found)
                .about(user)
                .field("kind", Value::Null, kind.name()),
        );
        unit.emit(
            Event::new("aml.case_opened", "aml_case", found, json!({ "user_id": user, "kind": kind.name(), "severity": severity.name(), "number": number }))
                .about(user),
        );
    }
    Ok(found)
}

/// Opens the case that was cleared last once more, when that was within [`case::REOPEN_NS`] and none is under way.
fn reopen(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    kind: CaseKind,
    severity: Severity,
) -> Result<Option<Uuid>, Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    let since = Ts(now.0.saturating_sub(case::REOPEN_NS));
    let found: Option<(Uuid, i64)> = unit.tx().optional(
        sqlx::query_as(
            "SELECT c.id, c.number FROM aml_cases c WHERE c.org_id = $1 AND c.user_id = $2 AND c.kind = $3 AND c.status = 'cleared' AND c.closed_at >= $4
                 AND NOT EXISTS (SELECT FROM aml_cases l WHERE l.org_id = $1 AND l.user_id = $2 AND l.kind = $3
                                 AND l.status IN ('open', 'investigating', 'escalated'))
             ORDER BY c.closed_at DESC, c.id DESC LIMIT 1 FOR UPDATE OF c",
        )
        .bind(org)
        .bind(user)
        .bind(kind.name())
        .bind(bound(since)),
    )?;
    let Some((id, number)) = found else {
        return Ok(None);
    };
    let why = "something new was seen after it was cleared";
    let to = case::next(
        Status::Cleared,
        Status::Open,
        Cause::Alert,
        Facts::default(),
        why,
    )?;
    unit.tx().execute(
        sqlx::query(
            "UPDATE aml_cases SET status = $2, closed_at = NULL, assigned_to = NULL, escalated_by = NULL, revision = revision + 1,
                 severity = CASE WHEN $3 = 'high' OR severity = 'high' THEN 'high'
                                 WHEN $3 = 'medium' OR severity = 'medium' THEN 'medium' ELSE 'low' END WHERE id = $1",
        )
        .bind(id)
        .bind(to.name())
        .bind(severity.name()),
    )?;
    write_step(unit, id, user, Status::Cleared, to, why)?;
    unit.audit(
        Change::new(Action::Update, "aml_case", id)
            .about(user)
            .field("status", Status::Cleared.name(), to.name()),
    );
    let facts = json!({ "user_id": user, "kind": kind.name(), "severity": severity.name(), "number": number, "reopened": true });
    unit.emit(Event::new("aml.case_opened", "aml_case", id, facts).about(user));
    Ok(Some(id))
}

/// Adds an alert to a case; false when the same was told before.
pub(super) fn add_alert(
    unit: &mut Unit<'_, '_>,
    case: Uuid,
    user: Uuid,
    kind: CaseKind,
    alert: &NewAlert,
) -> Result<bool, Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    let added = unit.tx().execute(
        sqlx::query(
            "INSERT INTO aml_alerts (id, org_id, case_id, user_id, rule, key, detail, facts, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (user_id, rule, key) DO NOTHING",
        )
        .bind(new_id(now))
        .bind(org)
        .bind(case)
        .bind(user)
        .bind(alert.rule.name())
        .bind(&alert.key)
        .bind(&alert.detail)
        .bind(&alert.facts)
        .bind(bound(now)),
    )?;
    if added == 0 {
        return Ok(false);
    }
    unit.tx().execute(
        sqlx::query("UPDATE aml_cases SET alerts = alerts + 1 WHERE id = $1").bind(case),
    )?;
    unit.emit(
        Event::new(
            "aml.alert_raised",
            "aml_case",
            case,
            json!({ "user_id": user, "kind": kind.name(), "rule": alert.rule.name() }),
        )
        .about(user),
    );
    Ok(true)
}

/// Whether a case under way stops a client's money: one of sanctions stops all of it, a grave one of monitoring stops what
/// goes out. So does a case of sanctions that was found true.
pub(super) fn stops(tx: &mut Tx<'_>, user: Uuid, goes_out: bool) -> Result<bool, Refusal> {
    let stopped = tx.scalar(
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM aml_cases WHERE user_id = $1 AND (
                 (kind = 'sanctions' AND status IN ('open', 'investigating', 'escalated', 'confirmed', 'reported'))
                 OR ($2 AND kind = 'transactions' AND severity = 'high' AND status IN ('open', 'investigating', 'escalated', 'confirmed'))))",
        )
        .bind(user)
        .bind(goes_out),
    )?;
    Ok(stopped)
}

/// Whether a case is open about a client: what KYC asks before it approves. As the system.
///
/// # Errors
/// The database.
pub fn is_watched(tx: &mut Tx<'_>, user: Uuid) -> Result<bool, Refusal> {
    let watched = tx.scalar(
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM aml_cases WHERE user_id = $1
                 AND (status IN ('open', 'investigating', 'escalated') OR (kind = 'sanctions' AND status IN ('confirmed', 'reported'))))",
        )
        .bind(user),
    )?;
    Ok(watched)
}

/// A case in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRow {
    /// Its key.
    pub id: Uuid,
    /// Its number for people.
    pub number: i64,
    /// What it is about.
    pub kind: String,
    /// Where it is.
    pub status: String,
    /// The client.
    pub user: Uuid,
    /// Their name, or masked.
    pub client: String,
    /// How bad.
    pub severity: String,
    /// Who works on it.
    pub assigned_to: Option<Uuid>,
    /// Who asked for a second person.
    pub escalated_by: Option<String>,
    /// How many alerts.
    pub alerts: i64,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
    /// For changes.
    pub revision: i64,
    /// Where a person may move it.
    pub moves: Vec<String>,
}

type Row = (
    Uuid,
    i64,
    String,
    String,
    Uuid,
    String,
    Option<Uuid>,
    Option<String>,
    i64,
    i64,
    i64,
    i64,
    Option<Vec<u8>>,
);

const CASE: &str = "SELECT c.id, c.number, c.kind, c.status, c.user_id, c.severity, c.assigned_to, c.escalated_by, c.alerts,
    (extract(epoch FROM c.created_at) * 1000000)::bigint, (extract(epoch FROM c.updated_at) * 1000000)::bigint, c.revision, u.name_sealed
    FROM aml_cases c LEFT JOIN users u ON u.id = c.user_id
    WHERE ($1::uuid IS NULL OR c.id = $1) AND ($2::text IS NULL OR c.status = $2) AND ($3::text IS NULL OR c.kind = $3)
        AND ($4::bigint IS NULL OR ((extract(epoch FROM c.created_at) * 1000000)::bigint, c.id) < ($4, $5))
    ORDER BY c.created_at DESC, c.id DESC LIMIT $6";

fn row(
    tx: &mut Tx<'_>,
    keyring: &crate::crypto::Keyring,
    sight: Sight,
    row: Row,
) -> Result<CaseRow, Refusal> {
    let (
        id,
        number,
        kind,
        status,
        user,
        severity,
        assigned_to,
        escalated_by,
        alerts,
        created_at,
        updated_at,
        revision,
        name,
    ) = row;
    let key = match subject_key(tx, keyring, user) {
        Err(refusal) if refusal.fault() == Some(crate::refusal::ERASED) => None,
        other => other?,
    };
    let name = open(key.as_ref(), "users.name", name)?;
    let from = Status::parse(&status);
    let moves = Status::ALL
        .into_iter()
        .filter(|to| from.is_some_and(|from| has_move(from, *to, Cause::Person)));
    Ok(CaseRow {
        id,
        number,
        kind,
        status,
        user,
        client: if sight == Sight::Masked {
            mask_name(&name)
        } else {
            name
        },
        severity,
        assigned_to,
        escalated_by,
        alerts,
        created_at,
        updated_at,
        revision,
        moves: moves.map(|to| to.name().to_owned()).collect(),
    })
}

fn case_by_id(
    tx: &mut Tx<'_>,
    keyring: &crate::crypto::Keyring,
    sight: Sight,
    id: Uuid,
) -> Result<CaseRow, Refusal> {
    let found: Option<Row> = tx.optional(
        sqlx::query_as(CASE)
            .bind(Some(id))
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(None::<i64>)
            .bind(None::<Uuid>)
            .bind(1i64),
    )?;
    let found = found.ok_or_else(|| NOT_FOUND.because("there is no such case"))?;
    row(tx, keyring, sight, found)
}

/// Cases, newest first.
///
/// # Errors
/// Not permitted; a status or kind that is none.
pub async fn list(
    platform: &Platform,
    by: &Principal,
    status: Option<String>,
    kind: Option<String>,
    paging: Paging,
) -> Result<Page<CaseRow>, Refusal> {
    let (_, sight) = by.scope(AML_READ)?;
    if status
        .as_deref()
        .is_some_and(|status| Status::parse(status).is_none())
    {
        return Err(INVALID.field("status", "no case is ever that"));
    }
    if kind
        .as_deref()
        .is_some_and(|kind| CaseKind::parse(kind).is_none())
    {
        return Err(INVALID.field("kind", "give sanctions or transactions"));
    }
    let keyring = Arc::clone(platform.keyring());
    platform
        .read(by, move |tx| {
            let rows: Vec<Row> = tx.all(
                sqlx::query_as(CASE)
                    .bind(None::<Uuid>)
                    .bind(status)
                    .bind(kind)
                    .bind(paging.after.map(|cursor| cursor.key))
                    .bind(paging.after.map(|cursor| cursor.id))
                    .bind(paging.fetch()),
            )?;
            let mut items = Vec::with_capacity(rows.len());
            for found in rows {
                items.push(row(tx, &keyring, sight, found)?);
            }
            Ok(paging.cut(items, |case| Cursor {
                key: case.created_at,
                id: case.id,
            }))
        })
        .await
}

/// A case that is about to change: its user, status, who escalated it, revision.
pub(super) struct Held {
    pub user: Uuid,
    pub kind: CaseKind,
    pub status: Status,
    pub escalated_by: Option<String>,
    pub revision: i64,
}

/// Locks a case for the rest of the unit.
pub(super) fn held(unit: &mut Unit<'_, '_>, id: Uuid) -> Result<Held, Refusal> {
    let found: Option<(Uuid, Uuid, String, String, Option<String>, i64)> = unit.tx().optional(
        sqlx::query_as("SELECT org_id, user_id, kind, status, escalated_by, revision FROM aml_cases WHERE id = $1 FOR UPDATE").bind(id),
    )?;
    let (org, user, kind, status, escalated_by, revision) =
        found.ok_or_else(|| NOT_FOUND.because("there is no such case"))?;
    unit.by().may(AML_WORK, &Target::in_org(org))?;
    let (kind, status) = (CaseKind::parse(&kind), Status::parse(&status));
    let (kind, status) = kind
        .zip(status)
        .ok_or_else(|| CASE_MOVE.because("the case is in a state this program does not know"))?;
    Ok(Held {
        user,
        kind,
        status,
        escalated_by,
        revision,
    })
}

fn fresh(held: &Held, revision: i64) -> Result<(), Refusal> {
    if held.revision == revision {
        Ok(())
    } else {
        Err(STALE.because("somebody else changed the case; look again"))
    }
}

/// Moves a case by hand.
///
/// # Errors
/// Not permitted; no such case; it changed; the table or the hits say no.
pub async fn move_case(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    id: Uuid,
    to: Status,
    reason: String,
    revision: i64,
) -> Result<CaseRow, Refusal> {
    let (_, sight) = by.scope(AML_WORK)?;
    platform
        .command_once(by, once, move |unit| {
            let held = held(unit, id)?;
            fresh(&held, revision)?;
            step(unit, id, &held, to, Cause::Person, &reason)
        })
        .await?;
    as_it_stands(platform, by, sight, id).await
}

/// A case behind a change. It has its client's name, which no remembered answer keeps beyond the client's end.
async fn as_it_stands(
    platform: &Platform,
    by: &Principal,
    sight: Sight,
    id: Uuid,
) -> Result<CaseRow, Refusal> {
    let keyring = Arc::clone(platform.keyring());
    platform
        .read(by, move |tx| case_by_id(tx, &keyring, sight, id))
        .await
}

/// Takes a step of a held case and writes it down.
pub(super) fn step(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    held: &Held,
    to: Status,
    cause: Cause,
    reason: &str,
) -> Result<(), Refusal> {
    let (hits_open, hits_same, report_live): (i64, i64, bool) = unit.tx().one(
        sqlx::query_as(
            "SELECT count(*) FILTER (WHERE decision = 'open'), count(*) FILTER (WHERE decision = 'same'),
                 EXISTS (SELECT FROM aml_reports AS r WHERE r.case_id = $1 AND r.status <> 'filed')
             FROM aml_hits WHERE case_id = $1",
        )
        .bind(id),
    )?;
    let me = unit.by().audit_name();
    let facts = Facts {
        hits_open: hits_open.unsigned_abs(),
        hits_same: hits_same.unsigned_abs(),
        escalated_it: held.escalated_by.as_deref() == Some(me.as_str()),
        report_live,
    };
    let next = case::next(held.status, to, cause, facts, reason)?;
    let now = unit.now();
    let moved = unit.tx().execute(
        sqlx::query(
            "UPDATE aml_cases SET status = $2, closed_at = $3, revision = revision + 1,
                 escalated_by = CASE WHEN $2 = 'escalated' THEN $4 ELSE escalated_by END WHERE id = $1",
        )
        .bind(id)
        .bind(next.name())
        .bind((!next.is_live()).then(|| bound(now)))
        .bind(&me),
    );
    moved.map_err(Refusal::from).map_err(|error| {
        error.on_duplicate("idx_aml_cases_live", || {
            CASE_MOVE.because("another case about the client is under way; go on in that one")
        })
    })?;
    write_step(unit, id, held.user, held.status, next, reason.trim())?;
    unit.audit(
        Change::new(Action::Update, "aml_case", id)
            .about(held.user)
            .field("status", held.status.name(), next.name()),
    );
    let kind = match (held.status.is_live(), next.is_live()) {
        (true, true) => "aml.case_moved",
        (false, true) => "aml.case_opened",
        (_, false) => "aml.case_closed",
    };
    let mut facts = json!({ "user_id": held.user, "kind": held.kind.name(), "from": held.status.name(), "to": next.name() });
    if kind == "aml.case_opened" {
        facts["reopened"] = Value::Bool(true);
    }
    // What was found true locks until a second person has cleared it.
    if next == Status::Cleared {
        let query = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM aml_steps WHERE case_id = $1 AND from_status = 'confirmed')",
        );
        if unit.tx().scalar::<bool>(query.bind(id))? {
            facts["taken_back"] = Value::Bool(true);
        }
    }
    unit.emit(Event::new(kind, "aml_case", id, facts).about(held.user));
    Ok(())
}

fn write_step(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    user: Uuid,
    from: Status,
    to: Status,
    reason: &str,
) -> Result<(), Refusal> {
    let (now, org, me) = (unit.now(), unit.by().org, unit.by().audit_name());
    let sealed = seal(unit, user, seal::REASON, reason)?;
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO aml_steps (id, org_id, case_id, user_id, from_status, to_status, reason_sealed, made_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(new_id(now))
        .bind(org)
        .bind(id)
        .bind(user)
        .bind(from.name())
        .bind(to.name())
        .bind(sealed.as_bytes())
        .bind(&me)
        .bind(bound(now)),
    )?;
    Ok(())
}

/// Gives a case to somebody who may work on it, or to nobody.
///
/// # Errors
/// Not permitted; no such case; it changed; the other may not work on cases.
pub async fn assign(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    id: Uuid,
    to: Option<Uuid>,
    revision: i64,
) -> Result<CaseRow, Refusal> {
    let (_, sight) = by.scope(AML_WORK)?;
    platform
        .command_once(by, once, move |unit| {
            let held = held(unit, id)?;
            fresh(&held, revision)?;
            if !held.status.is_live() {
                return Err(CASE_MOVE.because("the case is closed"));
            }
            if let Some(to) = to {
                let works: bool = unit.tx().scalar(
                    sqlx::query_scalar("SELECT app_scope_of($1, 'aml', 'write') = 'all'").bind(to),
                )?;
                if !works {
                    return Err(INVALID.field("user_id", "this person does not work on cases"));
                }
            }
            unit.tx().execute(
                sqlx::query(
                    "UPDATE aml_cases SET assigned_to = $2, revision = revision + 1 WHERE id = $1",
                )
                .bind(id)
                .bind(to),
            )?;
            unit.audit(
                Change::new(Action::Update, "aml_case", id)
                    .about(held.user)
                    .field(
                        "assigned_to",
                        Value::Null,
                        to.map_or(Value::Null, |to| Value::from(to.to_string())),
                    ),
            );
            Ok(())
        })
        .await?;
    as_it_stands(platform, by, sight, id).await
}

/// Writes a note.
///
/// # Errors
/// Not permitted; no such case; no text.
pub async fn note(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    id: Uuid,
    text: String,
) -> Result<Said, Refusal> {
    by.scope(AML_WORK)?;
    reasoned(&text)?;
    let text = text.trim().to_owned();
    let written = text.clone();
    let (key, me, at) = platform
        .command_once(by, once, move |unit| {
            let held = held(unit, id)?;
            let (now, org, me) = (unit.now(), unit.by().org, unit.by().audit_name());
            let key = new_id(now);
            let sealed = seal(unit, held.user, seal::NOTE, &written)?;
            unit.tx().execute(
                sqlx::query("INSERT INTO aml_notes (id, org_id, case_id, user_id, text_sealed, author, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
                    .bind(key)
                    .bind(org)
                    .bind(id)
                    .bind(held.user)
                    .bind(sealed.as_bytes())
                    .bind(&me)
                    .bind(bound(now)),
            )?;
            unit.audit(Change::new(Action::Create, "aml_note", key).about(held.user));
            // Whoever asks again says the text again: it is not kept twice.
            Ok((key, me, now.0))
        })
        .await?;
    Ok(Said {
        id: key,
        states: None,
        text,
        by: me,
        at: Ts(at),
    })
}

/// Decides whether a hit is the client. One that is not is excepted until the entry says something else. What was found to be the
/// client is taken back by another person, in a case that is under way again.
///
/// # Errors
/// Not permitted; no such hit; decided before, or the case is closed; one person would take back their own word.
pub async fn decide_hit(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    case: Uuid,
    hit: Uuid,
    is_client: bool,
    reason: String,
) -> Result<HitRow, Refusal> {
    by.scope(AML_WORK)?;
    reasoned(&reason)?;
    platform
        .command_once(by, once, move |unit| {
            let held = held(unit, case)?;
            if !held.status.is_live() {
                return Err(CASE_MOVE.because("the case is closed"));
            }
            let (now, me) = (unit.now(), unit.by().audit_name());
            // Behind the lock of its case nobody decides on it meanwhile.
            type Tuple = (String, String, String, String, Option<String>);
            let found: Option<Tuple> = unit.tx().optional(
                sqlx::query_as(
                    "SELECT source, uid, entry_digest, decision, decided_by FROM aml_hits WHERE id = $1 AND case_id = $2",
                )
                .bind(hit)
                .bind(case),
            )?;
            let (source, uid, digest, before, decided_by) =
                found.ok_or_else(|| NOT_FOUND.because("there is no such hit"))?;
            let standing = match before.as_str() {
                "open" => Decided::Open,
                "same" => Decided::Same {
                    by_me: decided_by.as_deref() == Some(me.as_str()),
                },
                _ => Decided::Other,
            };
            case::decide(standing, is_client)?;
            let decision = if is_client { "same" } else { "other" };
            let sealed = seal(unit, held.user, seal::REASON, reason.trim())?;
            unit.tx().execute(
                sqlx::query(
                    "UPDATE aml_hits SET decision = $2, reason_sealed = $3, decided_by = $4, decided_at = $5 WHERE id = $1",
                )
                .bind(hit)
                .bind(decision)
                .bind(sealed.as_bytes())
                .bind(&me)
                .bind(bound(now)),
            )?;
            if !is_client {
                super::whitelist::except(unit, held.user, &source, &uid, &digest, reason.trim())?;
            }
            unit.audit(
                Change::new(Action::Update, "aml_hit", hit)
                    .about(held.user)
                    .field("decision", before, decision)
                    .field("decided_by", decided_by.map_or(Value::Null, Value::from), me.as_str()),
            );
            let keyring = unit.keyring_shared();
            let key = key_of(unit.tx(), &keyring, held.user)?;
            let found = hits(unit.tx(), key.as_ref(), case, Some(hit))?.pop();
            found.ok_or_else(|| NOT_FOUND.because("there is no such hit"))
        })
        .await
}
