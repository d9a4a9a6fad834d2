use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::account::settle_lock;
use super::faults::{DISPUTED, NO_DISPUTE};
use super::permissions::{DISPUTE, REVIEW};
use super::review::{note, person};
use super::rows::{self, Case};
use super::scan::{moved, recheck};
use super::state::{Event as Step, State, next};
use super::{DISPUTE_HOURS, Kyc};
use crate::audit::{Action, Change};
use crate::calendar::HOUR_NS;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::{Principal, Target};
use crate::refusal::{FOUR_EYES, Refusal};
use crate::unit::{Once, Unit};
use crate::values::bound;

/// How a dispute ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The client was right: the decision is made anew.
    Upheld,
    /// The decision stays.
    Dismissed,
}

impl Outcome {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Upheld => "upheld",
            Outcome::Dismissed => "dismissed",
        }
    }
}

/// Disputes the decision about one's own case: the account is frozen in the same transaction, trading is
/// locked through the core, and somebody has 72 hours to resolve it.
///
/// # Errors
/// There is no decision, a dispute is open already, or the database. That the core does not answer is no
/// error: the event asks it again until it does.
pub async fn dispute(
    kyc: &Kyc,
    by: &Principal,
    once: Option<Once>,
    reason: &str,
) -> Result<Uuid, Refusal> {
    by.may(DISPUTE, &by.own())?;
    let user = person(by)?;
    let reason = note(reason, true)?;
    let elevated = by.elevated();
    let opened = kyc.platform.command_once(&elevated, once, move |unit| {
        let case = rows::lock_case_of(unit.tx(), user)?
            .ok_or_else(|| NO_DISPUTE.because("nothing was decided about you yet"))?;
        if !matches!(
            case.standing.state,
            State::Approved | State::Rejected | State::Blocked
        ) {
            return Err(NO_DISPUTE.because("nothing was decided yet; wait for the answer"));
        }
        open(unit, &case, &reason)
    });
    let id = opened.await?;
    if let Err(error) = settle_lock(&kyc.platform, user).await {
        tracing::warn!("trading of a disputed client is locked by the outbox: {error}");
    }
    Ok(id)
}

fn open(unit: &mut Unit<'_, '_>, case: &Case, reason: &str) -> Result<Uuid, Refusal> {
    let now = unit.now();
    let (id, due) = (
        new_id(now),
        Ts(now.0.saturating_add(DISPUTE_HOURS * HOUR_NS)),
    );
    let before: String = unit.tx().scalar(
        sqlx::query_scalar("SELECT status FROM users WHERE id = $1 FOR UPDATE").bind(case.user()),
    )?;
    let sealed = unit.statutory_key(case.user())?.seal(rows::DISPUTE, reason);
    // The freeze itself is a trigger of this row.
    let put = unit.tx().execute(
        sqlx::query(
            "INSERT INTO kyc_disputes (id, org_id, user_id, team_id, kyc_case_id, reason_sealed, status_before, due_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id)
        .bind(case.org)
        .bind(case.user())
        .bind(case.team)
        .bind(case.id)
        .bind(sealed.as_bytes())
        .bind(&before)
        .bind(bound(due))
        .bind(bound(now)),
    );
    put.map_err(|error| {
        Refusal::from(error).on_duplicate("idx_kyc_disputes_open", || {
            DISPUTED.because("your dispute is being looked at")
        })
    })?;
    unit.audit(
        Change::new(Action::Create, "kyc_dispute", id)
            .about(case.user())
            .field("status", Value::Null, "open")
            .field("priority", Value::Null, "HIGH"),
    );
    if is_frozen_by_it(&before) {
        standing_changed(unit, case.user(), &before, "under_review");
    }
    unit.emit(
        Event::new(
            "kyc.disputed",
            "kyc_case",
            case.id,
            json!({"user_id": case.user(), "case_id": case.id, "dispute_id": id, "priority": "HIGH", "due_us": due.0 / 1_000}),
        )
        .about(case.user()),
    );
    Ok(id)
}

/// Whether a dispute freezes a person of that status: one that is suspended stays so.
fn is_frozen_by_it(status: &str) -> bool {
    matches!(status, "pending" | "active")
}

fn standing_changed(unit: &mut Unit<'_, '_>, user: Uuid, from: &str, to: &str) {
    unit.audit(
        Change::new(Action::Update, "user", user)
            .about(user)
            .field("status", from, to),
    );
    unit.emit(
        Event::new(
            "user.status_changed",
            "user",
            user,
            json!({"user_id": user, "from": from, "to": to}),
        )
        .about(user),
    );
}

/// Ends a dispute and the freeze.
///
/// # Errors
/// Not allowed, resolved already, or the person decided the case and another one has to.
pub async fn resolve(
    kyc: &Kyc,
    by: &Principal,
    once: Option<Once>,
    dispute: Uuid,
    outcome: Outcome,
    notes: &str,
) -> Result<Uuid, Refusal> {
    let notes = note(notes, true)?;
    let who = by.clone();
    let elevated = by.elevated();
    let resolved = kyc.platform.command_once(&elevated, once, move |unit| {
        let row: Option<(Uuid, Uuid, Uuid, Option<Uuid>, String, String)> = unit.tx().optional(
            sqlx::query_as("SELECT kyc_case_id, user_id, org_id, team_id, status, status_before FROM kyc_disputes WHERE id = $1 FOR UPDATE").bind(dispute),
        )?;
        let (case, user, org, team, status, before) = row.ok_or_else(rows::nothing)?;
        let target = Target {
            org,
            owner: Some(user),
            team,
            referrer: None,
        };
        who.may(REVIEW, &target)?;
        who.with_mfa()?;
        let reviewer = person(&who)?;
        let mut case = rows::lock_case(unit.tx(), case)?;
        if reviewer == user || case.decided_by == Some(reviewer) || has_decided(unit, &case, reviewer)? {
            return Err(FOUR_EYES.because("who decided the case does not judge the dispute about it"));
        }
        if status != "open" {
            return Err(NO_DISPUTE.because("it is resolved already"));
        }
        end(unit, &mut case, dispute, reviewer, outcome, &notes, &before)?;
        Ok(dispute)
    });
    resolved.await
}

/// Whether a person took part in the decision: where two approve, both have.
fn has_decided(unit: &mut Unit<'_, '_>, case: &Case, reviewer: Uuid) -> Result<bool, Refusal> {
    let query = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM kyc_reviews WHERE kyc_case_id = $1 AND attempt = $2 AND reviewer_id = $3 AND action IN ('approve', 'reject'))",
    );
    Ok(unit.tx().scalar(
        query
            .bind(case.id)
            .bind(i64::from(case.standing.attempt))
            .bind(reviewer),
    )?)
}

fn end(
    unit: &mut Unit<'_, '_>,
    case: &mut Case,
    id: Uuid,
    by: Uuid,
    outcome: Outcome,
    notes: &str,
    status_before: &str,
) -> Result<(), Refusal> {
    let (now, state) = (unit.now(), case.standing.state);
    rows::put_review(unit, case, by, outcome.name(), None, notes)?;
    if outcome == Outcome::Upheld {
        case.standing = next(&case.standing, Step::Upheld)?.standing;
        case.decided_by = None;
        case.reason = None;
        case.submitted = Some(now);
        case.due =
            Some(crate::calendar::WorkingCalendar::indonesia().deadline(now, super::REVIEW_HOURS));
        recheck(unit, case)?;
        rows::mark_all(unit, case, super::document::Status::Review, None)?;
        rows::save_case(unit, case)?;
        moved(unit, case, state);
    }
    unit.tx().execute(
        sqlx::query("UPDATE kyc_disputes SET status = 'resolved', outcome = $2, resolved_by = $3, resolved_at = $4 WHERE id = $1")
            .bind(id)
            .bind(outcome.name())
            .bind(by)
            .bind(bound(now)),
    )?;
    unit.audit(
        Change::new(Action::Update, "kyc_dispute", id)
            .about(case.user())
            .field("status", "open", "resolved")
            .field("outcome", Value::Null, outcome.name()),
    );
    if is_frozen_by_it(status_before) {
        standing_changed(unit, case.user(), "under_review", status_before);
    }
    unit.emit(
        Event::new(
            "kyc.dispute_resolved",
            "kyc_case",
            case.id,
            json!({"user_id": case.user(), "case_id": case.id, "dispute_id": id, "outcome": outcome.name()}),
        )
        .about(case.user()),
    );
    Ok(())
}
