//! Steps of a movement between its request and its booking.

use serde_json::{Value, json};
use uuid::Uuid;

use super::request::{CashRow, by_id};
use super::state::{CashKind, Status, Step, next};
use crate::aml::case::reasoned;
use crate::aml::faults::CASH_MOVE;
use crate::aml::permissions::{CASH_DECIDE, CASH_HOLD, CASH_REQUEST};
use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::outbox::Event;
use crate::people::{Permission, Principal, Target};
use crate::refusal::{NOT_FOUND, Refusal, STALE};
use crate::unit::{Once, Platform, Unit};
use crate::values::bound;

/// What somebody asks to be done with a movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub id: Uuid,
    /// What; never [`Step::Confirm`], see [`super::confirm`].
    pub step: Step,
    /// Why; needed to reject, hold and release.
    pub reason: String,
    /// The state that the person saw; a client's leaves out what they are not told of.
    pub revision: i64,
}

/// A movement that is about to change.
pub(super) struct Held {
    pub org: Uuid,
    pub user: Uuid,
    pub account: i64,
    pub kind: CashKind,
    pub amount: i64,
    pub status: Status,
    pub requested_by: String,
    pub was_sent: bool,
    pub booking: i64,
    pub revision: i64,
    /// Where it was before it was held.
    pub held_from: Option<Status>,
    /// Changes of `revision` that its client is not told of.
    pub untold: i64,
}

/// Locks a movement for the rest of the unit.
pub(super) fn held(unit: &mut Unit<'_, '_>, id: Uuid) -> Result<Held, Refusal> {
    type Tuple = (
        Uuid,
        Uuid,
        i64,
        String,
        i64,
        String,
        String,
        bool,
        i64,
        i64,
        Option<String>,
        i64,
    );
    let found: Option<Tuple> = unit.tx().optional(
        sqlx::query_as(
            "SELECT org_id, user_id, account, kind, amount, status, requested_by, core_reference IS NOT NULL, booking, revision, held_from, untold
             FROM cash_requests WHERE id = $1 FOR UPDATE",
        )
        .bind(id),
    )?;
    let (
        org,
        user,
        account,
        kind,
        amount,
        status,
        requested_by,
        was_sent,
        booking,
        revision,
        held_from,
        untold,
    ) = found.ok_or_else(|| NOT_FOUND.because("there is no such request"))?;
    let known = CashKind::parse(&kind).zip(Status::parse(&status));
    let (kind, status) = known
        .ok_or_else(|| CASH_MOVE.because("the request is in a state this program does not know"))?;
    Ok(Held {
        org,
        user,
        account,
        kind,
        amount,
        status,
        requested_by,
        was_sent,
        booking,
        revision,
        held_from: held_from.as_deref().and_then(Status::parse),
        untold,
    })
}

/// Keeps what the client is told of a movement that is about to be held; of one that is held again after an approval, what was kept then.
///
/// # Errors
/// The database.
pub(in crate::aml) fn keep_told(tx: &mut Tx<'_>, id: Uuid) -> Result<(), Refusal> {
    tx.execute(
        sqlx::query(
            "UPDATE cash_requests SET held_from = status, held_approved_by = approved_by, held_decided_at = decided_at
             WHERE id = $1 AND held_from IS DISTINCT FROM 'approved'",
        )
        .bind(id),
    )?;
    Ok(())
}

/// What a step takes.
pub(super) fn needed(step: Step) -> Permission {
    match step {
        Step::Approve | Step::Confirm | Step::Reject => CASH_DECIDE,
        Step::Cancel => CASH_REQUEST,
        Step::Hold | Step::Release => CASH_HOLD,
    }
}

/// Why a movement could not be locked: the database lets its client change it only while nobody has decided on it, and hides from
/// a lock what they may read.
fn not_held(unit: &mut Unit<'_, '_>, asked: &Asked) -> Result<Refusal, Refusal> {
    let seen: Option<(String, bool, i64)> = unit.tx().optional(
        sqlx::query_as(
            "SELECT status, core_reference IS NOT NULL, revision FROM cash_requests WHERE id = $1",
        )
        .bind(asked.id),
    )?;
    let Some((status, was_sent, revision)) = seen else {
        return Ok(NOT_FOUND.because("there is no such request"));
    };
    let stale = || STALE.because("somebody else changed the request; look again");
    if revision != asked.revision {
        return Ok(stale());
    }
    let step = Status::parse(&status).map(|from| next(from, asked.step, false, was_sent));
    Ok(match step {
        Some(Err(refusal)) => refusal,
        _ => stale(),
    })
}

/// Approves, rejects, cancels, holds or releases a movement.
///
/// # Errors
/// Not permitted; no such movement; it changed; its state has no such step; one person does both.
pub async fn take_step(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    asked: Asked,
) -> Result<CashRow, Refusal> {
    if asked.step == Step::Confirm {
        return Err(CASH_MOVE.because("a movement is confirmed by the desk's booking"));
    }
    let permission = needed(asked.step);
    let (_, sight) = by.scope(permission)?;
    if matches!(asked.step, Step::Reject | Step::Hold | Step::Release) {
        reasoned(&asked.reason)?;
    }
    let person = by.clone();
    // Compliance reads money and does not decide on it; the database lets the program hold for it. A client reaches their own request
    // in the database while nobody holds it.
    let acts = match asked.step {
        Step::Hold | Step::Release | Step::Cancel => by.elevated(),
        _ => by.clone(),
    };
    platform
        .command_once(&acts, once, move |unit| {
            let held = match held(unit, asked.id) {
                Err(refusal) if refusal.fault() == Some(NOT_FOUND) => {
                    return Err(not_held(unit, &asked)?);
                }
                held => held?,
            };
            person.may(permission, &Target::of(held.org, held.user))?;
            // Of a hold a client learns nothing, from what is refused no more than from what they read.
            let (from, revision) = match person.role.is_staff() {
                true => (held.status, held.revision),
                false => (
                    held.status.told(held.held_from),
                    held.revision - held.untold,
                ),
            };
            if revision != asked.revision {
                return Err(STALE.because("somebody else changed the request; look again"));
            }
            let me = person.audit_name();
            let is_requester = held.requested_by == me || person.user() == Some(held.user);
            let to = next(from, asked.step, is_requester, held.was_sent)?;
            write(unit, &asked, &held, to, &me)?;
            let keyring = unit.keyring_shared();
            by_id(unit.tx(), &keyring, &person, sight, asked.id)
        })
        .await
}

fn write(
    unit: &mut Unit<'_, '_>,
    asked: &Asked,
    held: &Held,
    to: Status,
    me: &str,
) -> Result<(), Refusal> {
    let now = unit.now();
    let approver = (to == Status::Approved).then_some(me);
    let is_untold = match asked.step {
        Step::Hold | Step::Release => true,
        // Its client was told of the first approval, and of nothing since.
        Step::Approve => held.held_from == Some(Status::Approved),
        Step::Confirm | Step::Reject | Step::Cancel => false,
    };
    if asked.step == Step::Hold {
        keep_told(unit.tx(), asked.id)?;
    }
    unit.tx().execute(
        sqlx::query(
            "UPDATE cash_requests SET status = $2, approved_by = $3, decided_at = $4, revision = revision + 1, untold = untold + $5
             WHERE id = $1",
        )
        .bind(asked.id)
        .bind(to.name())
        .bind(approver)
        .bind(bound(now))
        .bind(i64::from(is_untold)),
    )?;
    let reason = asked.reason.trim();
    unit.audit(
        Change::new(Action::Update, "cash_request", asked.id)
            .about(held.user)
            .field("status", held.status.name(), to.name())
            .field("by", Value::Null, me)
            .personal("reason", None, (!reason.is_empty()).then_some(reason)),
    );
    let kind = match asked.step {
        Step::Approve => "cash.approved",
        Step::Reject => "cash.rejected",
        Step::Cancel => "cash.cancelled",
        Step::Hold => "cash.held",
        Step::Release | Step::Confirm => "cash.released",
    };
    let event = Event::new(
        kind,
        "cash_request",
        asked.id,
        json!({ "user_id": held.user, "kind": held.kind.name() }),
    )
    .about(held.user);
    unit.emit(match u32::try_from(held.account) {
        Ok(account) => event.account(account),
        Err(_) => event,
    });
    Ok(())
}
