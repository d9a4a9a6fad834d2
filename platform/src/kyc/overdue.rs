//! Terms that are over: a case that waits for its reader or reviewer longer than its working hours, a dispute that nobody resolved
//! in time.
//! Each is told once for each deadline, to everybody who may decide it.

use serde_json::json;
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crm::notice;
use crate::db::Tx;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::{Platform, Unit};
use crate::values::{bound, from_micros};

/// Terms told by one unit of work: a slice of the embedded database. The next are told a minute later.
const SLICE: i64 = 20;

/// Reviewers that are told: more do not make it faster.
const TOLD_MAX: i64 = 50;

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Case,
    Dispute,
}

/// A term that is over.
struct Over {
    id: Uuid,
    case: Uuid,
    user: Uuid,
    due: Ts,
}

/// Tells whose terms are over. Returns how many; called by a job every minute.
///
/// # Errors
/// The database.
pub async fn call(platform: &Platform) -> Result<u64, Refusal> {
    let platform = platform.background();
    let system = Principal::system("kyc.overdue");
    let now = platform.now();
    let orgs: Vec<(Uuid,)> = platform
        .read(&system, move |tx| {
            Ok(tx.all(
                sqlx::query_as(
                    "SELECT org_id FROM kyc_cases WHERE status IN ('REVIEW_REQUIRED', 'PROCESSING_OCR') AND due_at <= $1 AND (called_at IS NULL OR called_at < due_at)
                     UNION SELECT org_id FROM kyc_disputes WHERE status = 'open' AND due_at <= $1 AND (called_at IS NULL OR called_at < due_at)
                     LIMIT 100",
                )
                .bind(bound(now)),
            )?)
        })
        .await?;
    let mut told = 0;
    for (org,) in orgs {
        let by = system.clone().within(org);
        for what in [What::Case, What::Dispute] {
            told += platform
                .command(&by, move |unit| call_for(unit, what))
                .await?;
        }
    }
    Ok(told)
}

fn call_for(unit: &mut Unit<'_, '_>, what: What) -> Result<u64, Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    // Two programs on one database share the work, and a row that somebody decides at this moment is left to them.
    let sql = match what {
        What::Case => {
            "UPDATE kyc_cases SET called_at = $2 WHERE id IN (
                 SELECT id FROM kyc_cases WHERE org_id = $1 AND status IN ('REVIEW_REQUIRED', 'PROCESSING_OCR') AND due_at <= $2
                     AND (called_at IS NULL OR called_at < due_at)
                 ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
             RETURNING id, id, user_id, (extract(epoch FROM due_at) * 1000000)::bigint"
        }
        What::Dispute => {
            "UPDATE kyc_disputes SET called_at = $2 WHERE id IN (
                 SELECT id FROM kyc_disputes WHERE org_id = $1 AND status = 'open' AND due_at <= $2 AND (called_at IS NULL OR called_at < due_at)
                 ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
             RETURNING id, kyc_case_id, user_id, (extract(epoch FROM due_at) * 1000000)::bigint"
        }
    };
    let rows: Vec<(Uuid, Uuid, Uuid, i64)> = unit
        .tx()
        .all(sqlx::query_as(sql).bind(org).bind(bound(now)).bind(SLICE))?;
    if rows.is_empty() {
        return Ok(0);
    }
    let reviewers = deciders(unit.tx(), org, "kyc")?;
    for (id, case, user, due) in &rows {
        let over = Over {
            id: *id,
            case: *case,
            user: *user,
            due: from_micros(*due),
        };
        tell(unit, what, &over, &reviewers)?;
    }
    Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
}

/// Who may decide in an area of a house and is there to do it. As the system.
pub(crate) fn deciders(tx: &mut Tx<'_>, org: Uuid, area: &str) -> Result<Vec<Uuid>, Refusal> {
    let rows: Vec<(Uuid,)> = tx.all(
        sqlx::query_as(
            "SELECT u.id FROM users AS u WHERE u.org_id = $1 AND u.role <> 'end_user' AND u.status = 'active' AND NOT u.on_leave
                 AND app_scope_of(u.id, $2, 'write') = 'all' ORDER BY u.id LIMIT $3",
        )
        .bind(org)
        .bind(area)
        .bind(TOLD_MAX),
    )?;
    Ok(rows.into_iter().map(|(user,)| user).collect())
}

fn tell(
    unit: &mut Unit<'_, '_>,
    what: What,
    over: &Over,
    reviewers: &[Uuid],
) -> Result<(), Refusal> {
    let due_us = over.due.0 / 1_000;
    let (kind, entity, word) = match what {
        What::Case => ("kyc.review_overdue", "kyc_case", "review"),
        What::Dispute => ("kyc.dispute_overdue", "kyc_dispute", "dispute"),
    };
    tracing::warn!(id = %over.id, due_us, "a term of KYC is over: {word}");
    unit.audit(
        Change::new(Action::Update, entity, over.id)
            .about(over.user)
            .field("overdue", false, true),
    );
    let facts = json!({ "user_id": over.user, "case_id": over.case, "id": over.id, "what": word, "due_us": due_us });
    let told = format!("{kind} {} {due_us}", over.id);
    for reviewer in reviewers {
        notice::tell(
            unit,
            *reviewer,
            "sla",
            None,
            &json!({ "case_id": over.case, "id": over.id, "what": word, "due_us": due_us }),
            &told,
        )?;
    }
    unit.emit(Event::new(kind, entity, over.id, facts).about(over.user));
    Ok(())
}
