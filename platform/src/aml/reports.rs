//! Reports of suspicious activity in the database.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::case::{Cause, reasoned};
use super::cases::{held, step};
use super::faults::{CASE_MOVE, REPORT_MOVE};
use super::permissions::{AML_READ, SAR_APPROVE, SAR_DRAFT};
use super::report::{NARRATIVE_MAX, Status, Step, next};
use super::seal::{self, key_of, open, seal};
use crate::audit::{Action, Change};
use crate::crypto::Keyring;
use crate::db::Tx;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::{Principal, Target};
use crate::refusal::{INVALID, NOT_FOUND, Refusal, STALE};
use crate::unit::{Once, Platform, Unit};
use crate::values::bound;

/// Longest number the authority gives, characters.
const REFERENCE_MAX: usize = 100;

/// Alerts that a draft quotes.
const QUOTED_MAX: i64 = 100;

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Its key.
    pub id: Uuid,
    /// Its case.
    pub case: Uuid,
    /// Where it is.
    pub status: String,
    /// What it says.
    pub narrative: String,
    /// The authority's number.
    pub reference: Option<String>,
    /// By whom.
    pub drafted_by: String,
    /// By whom.
    pub submitted_by: Option<String>,
    /// By whom.
    pub approved_by: Option<String>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub filed_at: Option<i64>,
    /// For changes.
    pub revision: i64,
    /// Steps that its state has.
    pub moves: Vec<String>,
}

type Row = (
    Uuid,
    Uuid,
    Uuid,
    String,
    Option<Vec<u8>>,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    i64,
    Option<i64>,
    i64,
);

const REPORT: &str = "SELECT id, case_id, user_id, status, narrative_sealed, reference, drafted_by, submitted_by, approved_by,
    (extract(epoch FROM created_at) * 1000000)::bigint, (extract(epoch FROM filed_at) * 1000000)::bigint, revision
    FROM aml_reports WHERE ($1::uuid IS NULL OR id = $1) AND ($2::uuid IS NULL OR case_id = $2) ORDER BY id DESC LIMIT 100";

fn shown(tx: &mut Tx<'_>, keyring: &Keyring, row: Row) -> Result<ReportRow, Refusal> {
    let (
        id,
        case,
        user,
        status,
        narrative,
        reference,
        drafted_by,
        submitted_by,
        approved_by,
        created_at,
        filed_at,
        revision,
    ) = row;
    let key = key_of(tx, keyring, user)?;
    let from = Status::parse(&status);
    let moves = Step::ALL
        .into_iter()
        .filter(|step| from.is_some_and(|from| next(from, *step, false).is_ok()));
    Ok(ReportRow {
        id,
        case,
        status,
        narrative: open(key.as_ref(), seal::NARRATIVE, narrative)?,
        reference,
        drafted_by,
        submitted_by,
        approved_by,
        created_at,
        filed_at,
        revision,
        moves: moves.map(|step| step.name().to_owned()).collect(),
    })
}

fn read(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    id: Option<Uuid>,
    case: Option<Uuid>,
) -> Result<Vec<ReportRow>, Refusal> {
    let rows: Vec<Row> = tx.all(sqlx::query_as(REPORT).bind(id).bind(case))?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        all.push(shown(tx, keyring, row)?);
    }
    Ok(all)
}

fn by_id(tx: &mut Tx<'_>, keyring: &Keyring, id: Uuid) -> Result<ReportRow, Refusal> {
    read(tx, keyring, Some(id), None)?
        .pop()
        .ok_or_else(|| NOT_FOUND.because("there is no such report"))
}

/// A report.
///
/// # Errors
/// Not permitted; no such report for this person.
pub async fn one(platform: &Platform, by: &Principal, id: Uuid) -> Result<ReportRow, Refusal> {
    by.scope(AML_READ)?;
    let keyring = Arc::clone(platform.keyring());
    platform.read(by, move |tx| by_id(tx, &keyring, id)).await
}

/// Reports of a case, newest first.
///
/// # Errors
/// Not permitted.
pub async fn of_case(
    platform: &Platform,
    by: &Principal,
    case: Uuid,
) -> Result<Vec<ReportRow>, Refusal> {
    by.scope(AML_READ)?;
    let keyring = Arc::clone(platform.keyring());
    platform
        .read(by, move |tx| read(tx, &keyring, None, Some(case)))
        .await
}

/// Drafts a report from what its case rests on.
///
/// # Errors
/// Not permitted; no such case; it was cleared; a report of it is under way.
pub async fn draft(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    case: Uuid,
) -> Result<ReportRow, Refusal> {
    by.scope(SAR_DRAFT)?;
    platform
        .command_once(by, once, move |unit| {
            let held = held(unit, case)?;
            if matches!(held.status, super::case::Status::Cleared | super::case::Status::Reported) {
                return Err(CASE_MOVE.because(format!("the case is {}", held.status.name())));
            }
            let alerts: Vec<(String, String)> = unit.tx().all(
                sqlx::query_as("SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), detail FROM aml_alerts WHERE case_id = $1 ORDER BY id LIMIT $2")
                    .bind(case)
                    .bind(QUOTED_MAX),
            )?;
            let text = narrative(held.kind.name(), &alerts);
            let sealed = seal(unit, held.user, seal::NARRATIVE, &text)?;
            let (now, org, me) = (unit.now(), unit.by().org, unit.by().audit_name());
            let id = new_id(now);
            let made = unit.tx().execute(
                sqlx::query(
                    "INSERT INTO aml_reports (id, org_id, case_id, user_id, narrative_sealed, drafted_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(id)
                .bind(org)
                .bind(case)
                .bind(held.user)
                .bind(sealed.as_bytes())
                .bind(&me)
                .bind(bound(now)),
            );
            made.map_err(Refusal::from)
                .map_err(|error| error.on_duplicate("idx_aml_reports_live", || REPORT_MOVE.because("a report of this case is under way")))?;
            unit.audit(Change::new(Action::Create, "aml_report", id).about(held.user));
            let keyring = unit.keyring_shared();
            by_id(unit.tx(), &keyring, id)
        })
        .await
}

/// The first text of a report: what was seen, when. Who it is about stands in the case.
fn narrative(kind: &str, alerts: &[(String, String)]) -> String {
    let mut text = format!("What was seen ({kind}):\n");
    for (at, detail) in alerts {
        text.push_str(&format!("- {at} UTC: {detail}\n"));
    }
    text.push_str("\nWhy it is suspicious:\n\nWhat the house did:\n");
    text
}

/// What is done with a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub id: Uuid,
    /// What.
    pub step: Step,
    /// The new narrative, the reason of a return, or the authority's number.
    pub text: String,
    /// The state that the person saw.
    pub revision: i64,
}

/// Edits, submits, returns, approves or files a report. Filing moves its case to reported.
///
/// # Errors
/// Not permitted; no such report; it changed; its state has no such step; one person does both.
pub async fn take_step(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    asked: Asked,
) -> Result<ReportRow, Refusal> {
    let permission = match asked.step {
        Step::Edit | Step::Submit => SAR_DRAFT,
        Step::Return | Step::Approve | Step::File => SAR_APPROVE,
    };
    by.scope(permission)?;
    match asked.step {
        Step::Edit
            if asked.text.trim().is_empty() || asked.text.chars().count() > NARRATIVE_MAX =>
        {
            return Err(INVALID.field("narrative", format!("give 1 to {NARRATIVE_MAX} characters")));
        }
        Step::File
            if asked.text.trim().is_empty() || asked.text.chars().count() > REFERENCE_MAX =>
        {
            return Err(INVALID.field("reference", format!("give 1 to {REFERENCE_MAX} characters")));
        }
        Step::Return => reasoned(&asked.text)?,
        _ => {}
    }
    platform
        .command_once(by, once, move |unit| {
            type Tuple = (Uuid, Uuid, Uuid, String, String, Vec<String>, Option<String>, i64);
            let found: Option<Tuple> = unit.tx().optional(
                sqlx::query_as(
                    "SELECT org_id, case_id, user_id, status, drafted_by, editors, submitted_by, revision FROM aml_reports WHERE id = $1 FOR UPDATE",
                )
                .bind(asked.id),
            )?;
            let (org, case, user, status, drafted_by, editors, submitted_by, revision) =
                found.ok_or_else(|| NOT_FOUND.because("there is no such report"))?;
            unit.by().may(permission, &Target::in_org(org))?;
            if revision != asked.revision {
                return Err(STALE.because("somebody else changed the report; look again"));
            }
            let from = Status::parse(&status).ok_or_else(|| REPORT_MOVE.because("the report is in a state this program does not know"))?;
            let me = unit.by().audit_name();
            let is_author = drafted_by == me || editors.contains(&me) || submitted_by.as_deref() == Some(me.as_str());
            let to = next(from, asked.step, is_author)?;
            write(unit, &asked, user, to, &me)?;
            unit.audit(Change::new(Action::Update, "aml_report", asked.id).about(user).field("status", from.name(), to.name()));
            if asked.step == Step::File {
                let held = held(unit, case)?;
                let reason = format!("report filed under {}", asked.text.trim());
                // Filed about a case nobody had begun to work on: it goes through the same table.
                step(unit, case, &held, super::case::Status::Reported, Cause::Filed, &reason)?;
                unit.emit(Event::new("aml.report_filed", "aml_report", asked.id, json!({ "user_id": user, "case_id": case })).about(user));
            }
            let keyring = unit.keyring_shared();
            by_id(unit.tx(), &keyring, asked.id)
        })
        .await
}

fn write(
    unit: &mut Unit<'_, '_>,
    asked: &Asked,
    user: Uuid,
    to: Status,
    me: &str,
) -> Result<(), Refusal> {
    let now = unit.now();
    let narrative = match asked.step {
        Step::Edit => Some(seal(unit, user, seal::NARRATIVE, asked.text.trim())?),
        _ => None,
    };
    unit.tx().execute(
        sqlx::query(
            "UPDATE aml_reports SET status = $2, revision = revision + 1,
                 narrative_sealed = coalesce($3, narrative_sealed),
                 editors = CASE WHEN $4 = 'edit' AND NOT $5 = ANY (editors) THEN editors || $5 ELSE editors END,
                 submitted_by = CASE WHEN $4 = 'submit' THEN $5 WHEN $4 = 'return' THEN NULL ELSE submitted_by END,
                 approved_by = CASE WHEN $4 = 'approve' THEN $5 ELSE approved_by END,
                 reference = CASE WHEN $4 = 'filed' THEN $6 ELSE reference END,
                 filed_at = CASE WHEN $4 = 'filed' THEN $7 ELSE filed_at END,
                 moved_at = CASE WHEN $4 = 'edit' THEN moved_at ELSE $7 END
             WHERE id = $1",
        )
        .bind(asked.id)
        .bind(to.name())
        .bind(narrative.as_ref().map(crate::crypto::Sealed::as_bytes))
        .bind(asked.step.name())
        .bind(me)
        .bind(asked.text.trim())
        .bind(bound(now)),
    )?;
    if asked.step == Step::Return {
        unit.audit(
            Change::new(Action::Update, "aml_report", asked.id)
                .about(user)
                .personal("returned", None, Some(asked.text.trim())),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_quotes_what_was_seen() {
        let text = narrative(
            "transactions",
            &[(
                "2026-11-02 09:15".into(),
                "11,000.00 USD in one deposit".into(),
            )],
        );
        assert!(text.contains("- 2026-11-02 09:15 UTC: 11,000.00 USD in one deposit"));
        assert!(text.contains("Why it is suspicious"));
        assert!(narrative("sanctions", &[]).starts_with("What was seen (sanctions):"));
    }
}
