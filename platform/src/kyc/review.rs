use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::Kyc;
use super::document::Status;
use super::faults::{DISPUTED, NOT_IN_REVIEW, NOT_SCREENED};
use super::permissions::{OVERRIDE, REVIEW};
use super::rows::{self, Case, Document};
use super::scan::{moved, recheck};
use super::state::{ATTEMPTS_MAX, Event as Step, Reason, State, next};
use crate::aml::cases::is_watched;
use crate::aml::screen::was_screened;
use crate::audit::{Action, Change};
use crate::people::Principal;
use crate::refusal::{INVALID, Refusal};
use crate::unit::{Once, Unit};
use crate::values::bound;

/// Longest note of a reviewer, characters.
pub const NOTES_CHARS_MAX: usize = 2_000;

/// About what a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// All documents of the running attempt.
    Case(Uuid),
    /// One document.
    Document(Uuid),
}

/// What a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Accept.
    Approve,
    /// Refuse: the attempt has failed.
    Reject,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// About what.
    pub on: On,
    /// Which.
    pub verb: Verb,
    /// In the reviewer's words; needed to reject.
    pub notes: String,
    /// Why it is rejected.
    pub reason: Reason,
    /// The case's revision that the reviewer saw.
    pub revision: Option<i64>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Where the case is.
    pub state: State,
    /// Where the document is, or all of them.
    pub document: Status,
    /// A notice to the client was put into the outbox.
    pub notified: bool,
    /// Another person has to approve too.
    pub awaiting_second: bool,
    /// Attempts that are left.
    pub attempts_left: u8,
    /// The case's revision.
    pub revision: i64,
}

/// Decides about a case or one of its documents.
///
/// # Errors
/// Not allowed, not in review, barred, another person has to, or the case changed.
pub async fn decide(
    kyc: &Kyc,
    by: &Principal,
    once: Option<Once>,
    decision: Decision,
) -> Result<Decided, Refusal> {
    let notes = note(&decision.notes, decision.verb == Verb::Reject)?;
    let who = by.clone();
    let elevated = by.elevated();
    let decided = kyc.platform.command_once(&elevated, once, move |unit| {
        let (mut case, document) = open(unit, decision.on)?;
        who.may(REVIEW, &case.target())?;
        who.with_mfa()?;
        let reviewer = person(&who)?;
        rows::seen(case.revision, decision.revision)?;
        undisputed(unit, &case)?;
        match (decision.verb, document) {
            (Verb::Approve, Some(document)) => {
                approve_one(unit, &mut case, &document, reviewer, &notes)
            }
            (Verb::Approve, None) => approve(unit, &mut case, reviewer, &notes),
            (Verb::Reject, document) => {
                let refused = Refused {
                    document,
                    reason: decision.reason,
                };
                reject(unit, &mut case, refused, reviewer, &notes)
            }
        }
    });
    decided.await
}

/// Gives a blocked client one more attempt.
///
/// # Errors
/// Not allowed, not blocked, or the case changed.
pub async fn reopen(
    kyc: &Kyc,
    by: &Principal,
    once: Option<Once>,
    case: Uuid,
    reason: &str,
    revision: Option<i64>,
) -> Result<Decided, Refusal> {
    let notes = note(reason, true)?;
    let who = by.clone();
    let elevated = by.elevated();
    let reopened = kyc.platform.command_once(&elevated, once, move |unit| {
        let mut case = rows::lock_case(unit.tx(), case)?;
        who.may(OVERRIDE, &case.target())?;
        who.with_mfa()?;
        let reviewer = person(&who)?;
        rows::seen(case.revision, revision)?;
        if reviewer == case.user() {
            return Err(
                crate::refusal::FOUR_EYES.because("your own case is opened by another person")
            );
        }
        undisputed(unit, &case)?;
        let before = case.standing.state;
        rows::put_review(unit, &case, reviewer, "override", None, &notes)?;
        let failed = case.standing.attempt;
        case.standing = next(&case.standing, Step::Override)?.standing;
        rows::carry(unit, &case, failed)?;
        case.reason = None;
        rows::save_case(unit, &mut case)?;
        moved(unit, &case, before);
        Ok(decided(&case, Status::Pending, true, false))
    });
    reopened.await
}

/// A note of a person: trimmed, not too long, without control characters.
pub(super) fn note(text: &str, needed: bool) -> Result<String, Refusal> {
    let text = text.trim();
    if needed && text.is_empty() {
        return Err(INVALID.field("notes", "say why"));
    }
    let control = text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    if control || text.chars().count() > NOTES_CHARS_MAX {
        return Err(INVALID.field(
            "notes",
            format!("use at most {NOTES_CHARS_MAX} characters, without control characters"),
        ));
    }
    Ok(text.to_owned())
}

/// The program decides nothing here.
pub(super) fn person(by: &Principal) -> Result<Uuid, Refusal> {
    by.user()
        .ok_or_else(|| crate::refusal::FORBIDDEN.because("a person has to decide this"))
}

fn open(unit: &mut Unit<'_, '_>, on: On) -> Result<(Case, Option<Document>), Refusal> {
    match on {
        On::Case(id) => Ok((rows::lock_case(unit.tx(), id)?, None)),
        On::Document(id) => {
            let case = rows::document(unit.tx(), id)?.case;
            let case = rows::lock_case(unit.tx(), case)?;
            // Read behind the lock: another decision may have changed it meanwhile.
            let document = rows::document(unit.tx(), id)?;
            Ok((case, Some(document)))
        }
    }
}

/// What is disputed is decided by the resolution of the dispute.
pub(super) fn undisputed(unit: &mut Unit<'_, '_>, case: &Case) -> Result<(), Refusal> {
    let open: bool = unit.tx().scalar(
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM kyc_disputes WHERE user_id = $1 AND status = 'open')",
        )
        .bind(case.user()),
    )?;
    if open {
        return Err(DISPUTED.because("resolve the dispute first"));
    }
    Ok(())
}

fn approve_one(
    unit: &mut Unit<'_, '_>,
    case: &mut Case,
    document: &Document,
    by: Uuid,
    notes: &str,
) -> Result<Decided, Refusal> {
    // Says whether this person may at all before anything is marked.
    next(&case.standing, Step::Approve { by })?;
    counts(case, document)?;
    rows::mark(unit, document.id, Status::Approved, Some(by))?;
    unit.audit(
        Change::new(Action::Update, "kyc_document", document.id)
            .about(case.user())
            .field("status", document.status.name(), "approved"),
    );
    let documents = rows::current(unit.tx(), case.id, case.standing.attempt)?;
    let whole = documents
        .iter()
        .all(|one| one.status == Status::Approved && one.reviewed_by == Some(by));
    if whole {
        return approve(unit, case, by, notes);
    }
    rows::save_case(unit, case)?;
    Ok(decided(case, Status::Approved, false, false))
}

fn approve(
    unit: &mut Unit<'_, '_>,
    case: &mut Case,
    by: Uuid,
    notes: &str,
) -> Result<Decided, Refusal> {
    let before = case.standing.state;
    if before == State::ReviewRequired {
        // What was found when the documents came may not hold any more: one has run out, another client handed in the same, or
        // compliance opened a case whose event has not come yet.
        case.watched = is_watched(unit.tx(), case.user())?;
        recheck(unit, case)?;
    }
    let after = next(&case.standing, Step::Approve { by })?;
    rows::put_review(unit, case, by, "approve", None, notes)?;
    // Nobody is cleared by lists that nobody looked into, nor by a search for another name than the documents have now.
    let since = case.submitted.max(case.typed).unwrap_or(Ts(0));
    if !was_screened(unit.tx(), case.user(), since)? {
        return Err(NOT_SCREENED.because("try again in a moment, or have compliance screen the client; without lists, take them first: siaga sanctions refresh"));
    }
    case.standing = after.standing;
    if after.awaiting_second {
        // The second person looks at every document too.
        rows::mark_all(unit, case, Status::Review, Some(by))?;
        rows::save_case(unit, case)?;
        unit.audit(
            Change::new(Action::Update, "kyc_case", case.id)
                .about(case.user())
                .field("first_reviewer", Value::Null, json!(by)),
        );
        return Ok(decided(case, Status::Review, false, true));
    }
    case.decided_by = Some(by);
    case.reason = None;
    rows::mark_all(unit, case, Status::Approved, Some(by))?;
    rows::save_case(unit, case)?;
    let now = unit.now();
    unit.tx().execute(
        sqlx::query("INSERT INTO kyc_accounts (user_id, org_id, team_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO NOTHING")
            .bind(case.user())
            .bind(case.org)
            .bind(case.team)
            .bind(bound(now)),
    )?;
    unit.audit(
        Change::new(Action::Update, "user", case.user())
            .about(case.user())
            .field("verified", false, true),
    );
    moved(unit, case, before);
    Ok(decided(case, Status::Approved, true, false))
}

/// What counts no more is not decided about.
fn counts(case: &Case, document: &Document) -> Result<(), Refusal> {
    if document.attempt != case.standing.attempt || document.status == Status::Replaced {
        return Err(NOT_IN_REVIEW.because("another document has taken the place of this one"));
    }
    Ok(())
}

/// What a person refuses: one document, or all of the attempt.
struct Refused {
    document: Option<Document>,
    reason: Reason,
}

fn reject(
    unit: &mut Unit<'_, '_>,
    case: &mut Case,
    refused: Refused,
    by: Uuid,
    notes: &str,
) -> Result<Decided, Refusal> {
    let (before, reason) = (case.standing.state, refused.reason);
    let after = next(&case.standing, Step::Reject { by, reason })?;
    rows::put_review(unit, case, by, "reject", Some(reason), notes)?;
    match refused.document {
        // The others go on into the next attempt.
        Some(document) => {
            counts(case, &document)?;
            rows::mark(unit, document.id, Status::Rejected, Some(by))?;
        }
        None => rows::mark_all(unit, case, Status::Rejected, Some(by))?,
    }
    case.standing = after.standing;
    case.reason = after.reason;
    case.decided_by = Some(by);
    rows::save_case(unit, case)?;
    moved(unit, case, before);
    Ok(decided(case, Status::Rejected, true, false))
}

fn decided(case: &Case, document: Status, notified: bool, awaiting_second: bool) -> Decided {
    Decided {
        state: case.standing.state,
        document,
        notified,
        awaiting_second,
        attempts_left: ATTEMPTS_MAX - case.standing.failed.min(ATTEMPTS_MAX),
        revision: case.revision,
    }
}
