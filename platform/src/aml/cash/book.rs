//! The booking of an approved movement by the core.

use std::ops::ControlFlow;

use serde_json::{Value, json};
use siaga_risk::event::{Body, Cash, CashKind as CoreKind};
use siaga_risk::ids::AccountId;
use siaga_risk::units::{Money, SECOND_NS, Ts};
use siaga_risk::verdict::Reject;
use uuid::Uuid;

use super::request::{CashRow, by_id};
use super::state::{CashKind, Status, Step, next};
use super::step::{Held, held};
use crate::aml::cases::stops;
use crate::aml::faults::{BOOKING_LATER, BOOKING_REFUSED, CASH_STOPPED, CASH_UNCHECKED};
use crate::aml::permissions::CASH_DECIDE;
use crate::audit::{Action, Change};
use crate::core_door::CoreRefusal;
use crate::db::Tx;
use crate::outbox::Event;
use crate::people::{Principal, Target};
use crate::refusal::{Refusal, STALE};
use crate::unit::{Once, Platform, Unit};
use crate::values::{bound, from_micros};

/// Where the platform's references in the core begin: above every number a person would give a movement by hand.
const REFERENCES_FROM: i64 = 1 << 62;

/// The core remembers references for seven days; after six nothing is sent again, because it could be booked twice.
const SEND_AGAIN_NS: u64 = 6 * 24 * 3_600 * SECOND_NS;

/// Movements settled by one run of the job: what is left goes with the next.
const SETTLED_MAX: i64 = 50;

/// What goes to the core.
struct Booking {
    body: Body,
    /// Not sent for the first time, and so long ago that the core may have forgotten it.
    is_old: bool,
    /// Which try it is.
    number: i64,
}

/// Books an approved movement in the core. May be repeated: the core books a reference once. The checks are made at this moment,
/// not at that of the approval.
///
/// # Errors
/// Not permitted; not approved; not looked at yet; a case stops it; the core said no, or did not answer.
pub async fn confirm(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    id: Uuid,
    revision: i64,
) -> Result<CashRow, Refusal> {
    let (_, sight) = by.scope(CASH_DECIDE)?;
    by.with_mfa()?;
    let system = Principal::system("cash.book").within(by.org);
    let (person, key) = (by.clone(), once.clone());
    let begun = platform
        .command(&system, move |unit| {
            if let Some(once) = &key
                && let Some(row) = unit.remembered::<CashRow>(&person, once)?
            {
                return Ok(ControlFlow::Break(row));
            }
            let held = held(unit, id)?;
            person.may(CASH_DECIDE, &Target::of(held.org, held.user))?;
            // A booking under way is asked for again by whoever wants to know.
            if held.revision != revision && !held.was_sent {
                return Err(STALE.because("somebody else changed the request; look again"));
            }
            prepare(unit, id, &held).map(ControlFlow::Continue)
        })
        .await?;
    let Booking {
        body,
        is_old,
        number,
    } = match begun {
        ControlFlow::Break(row) => return Ok(row),
        ControlFlow::Continue(booking) => booking,
    };
    let answer = if is_old {
        Err(CoreRefusal::Refused(
            Reject::AlreadyExists.name().to_owned(),
        ))
    } else {
        platform.core().send(by.actor, body).await
    };
    let person = by.clone();
    // What the core refused is written down and refused all the same.
    platform
        .command(&system, move |unit| {
            if let Some(once) = &once
                && let Some(row) = unit.remembered::<CashRow>(&person, once)?
            {
                return Ok(Ok(row));
            }
            if let Some(refusal) = finish(unit, id, &answer, number, &person)? {
                return Ok(Err(refusal));
            }
            let keyring = unit.keyring_shared();
            let row = by_id(unit.tx(), &keyring, &person, sight, id)?;
            if let Some(once) = &once {
                unit.remember(&person, once, &row)?;
            }
            Ok(Ok(row))
        })
        .await?
}

/// Checks what has to hold at the release, and gives the movement its number in the core.
fn prepare(unit: &mut Unit<'_, '_>, id: Uuid, held: &Held) -> Result<Booking, Refusal> {
    let now = unit.now();
    next(held.status, Step::Confirm, false, held.was_sent)?;
    let reference = REFERENCES_FROM + held.booking;
    if !held.was_sent {
        if held.kind != CashKind::Correction {
            let checked: bool = unit.tx().scalar(
                sqlx::query_scalar("SELECT EXISTS (SELECT FROM cash_checks WHERE request_id = $1)")
                    .bind(id),
            )?;
            if !checked {
                return Err(
                    CASH_UNCHECKED.for_seconds(5, "it is looked at within seconds; try again")
                );
            }
            let goes_out = held.kind == CashKind::Withdrawal;
            if stops(unit.tx(), held.user, goes_out)?
                || (goes_out && is_frozen(unit.tx(), held.user)?)
            {
                // What the case is about, money, a list or a dispute, is not finance's to learn.
                return Err(CASH_STOPPED.because(
                    "compliance has to decide on the client's case first; releasing the movement alone does not do it",
                ));
            }
        }
        unit.tx().execute(
            sqlx::query("UPDATE cash_requests SET core_reference = $2, revision = revision + 1 WHERE id = $1").bind(id).bind(reference),
        )?;
    }
    // A try that the core refused was not booked: the time in which it remembers begins anew.
    let (number, sent): (i64, i64) = unit.tx().one(
        sqlx::query_as(
            "INSERT INTO cash_bookings (request_id, org_id, reference, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (request_id) DO UPDATE SET tries = cash_bookings.tries + 1,
                 created_at = CASE WHEN $5 THEN cash_bookings.created_at ELSE excluded.created_at END
             RETURNING tries, (extract(epoch FROM created_at) * 1000000)::bigint",
        )
        .bind(id)
        .bind(held.org)
        .bind(reference)
        .bind(bound(now))
        .bind(held.was_sent),
    )?;
    let (kind, amount) = match held.kind {
        CashKind::Deposit => (CoreKind::Deposit, held.amount),
        CashKind::Withdrawal => (CoreKind::Withdrawal, -held.amount),
        CashKind::Correction => (CoreKind::Correction, held.amount),
    };
    let account = u32::try_from(held.account)
        .map_err(|_| BOOKING_REFUSED.because("the account has no number in the core"))?;
    Ok(Booking {
        body: Body::Cash(Cash {
            account: AccountId(account),
            kind,
            amount: Money(amount),
            reference: reference.unsigned_abs(),
        }),
        is_old: is_old(from_micros(sent), now),
        number,
    })
}

/// Whether the client is frozen by a dispute, or suspended: what they own stays where it is.
fn is_frozen(tx: &mut Tx<'_>, user: Uuid) -> Result<bool, Refusal> {
    let query = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND status IN ('under_review', 'suspended'))",
    );
    Ok(tx.scalar(query.bind(user))?)
}

/// Confirms movements that the core has booked and whose answer was lost on its way: the program ended, or the answer came too
/// late. Returns how many; called by a job.
///
/// # Errors
/// The database.
pub async fn settle(platform: &Platform) -> Result<u64, Refusal> {
    let system = Principal::system("cash.book");
    let booked: Vec<(Uuid, Uuid)> = platform
        .read(&system, |tx| {
            Ok(tx.all(
                sqlx::query_as(
                    "SELECT r.id, r.org_id FROM cash_requests AS r
                     WHERE r.status IN ('requested', 'held', 'approved') AND r.core_reference IS NOT NULL
                         AND EXISTS (SELECT FROM cash_movements AS m WHERE m.account = r.account AND m.reference = r.core_reference AND m.leg = 0)
                     ORDER BY r.id LIMIT $1",
                )
                .bind(SETTLED_MAX),
            )?)
        })
        .await?;
    let mut settled = 0;
    for (id, org) in booked {
        let by = system.clone().within(org);
        let known = Err(CoreRefusal::Refused(
            Reject::AlreadyExists.name().to_owned(),
        ));
        let done = platform.command(&by, move |unit| {
            let by = unit.by().clone();
            finish(unit, id, &known, 0, &by)
        });
        settled += u64::from(done.await?.is_none());
    }
    Ok(settled)
}

fn is_old(first_sent: Ts, now: Ts) -> bool {
    now.0.saturating_sub(first_sent.0) > SEND_AGAIN_NS
}

/// Writes down what the core said; `Some` is its refusal. What it has booked is confirmed whatever became of the request: its
/// books are the truth.
fn finish(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    answer: &Result<u64, CoreRefusal>,
    number: i64,
    person: &Principal,
) -> Result<Option<Refusal>, Refusal> {
    let held = held(unit, id)?;
    if held.status == Status::Confirmed {
        return Ok(None);
    }
    let seq = match answer {
        Ok(seq) => i64::try_from(*seq).ok(),
        Err(CoreRefusal::Later(why)) => {
            return Ok(Some(BOOKING_LATER.for_seconds(
                2,
                format!("{why}; confirm it again, it is booked once"),
            )));
        }
        Err(CoreRefusal::Refused(why)) if why.contains(Reject::AlreadyExists.name()) => {
            let booked: Option<(i64,)> = unit.tx().optional(
                sqlx::query_as("SELECT seq FROM cash_movements WHERE account = $1 AND reference = $2 AND leg = 0 ORDER BY seq LIMIT 1")
                    .bind(held.account)
                    .bind(REFERENCES_FROM + held.booking),
            )?;
            let Some((seq,)) = booked else {
                return Ok(Some(BOOKING_LATER.for_seconds(
                    5,
                    "its booking is not in the books yet; confirm it again",
                )));
            };
            Some(seq)
        }
        Err(CoreRefusal::Refused(why)) => return unsend(unit, id, &held, number, why),
    };
    let now = unit.now();
    unit.tx().execute(
        sqlx::query("UPDATE cash_requests SET status = 'confirmed', core_seq = $2, confirmed_at = $3, revision = revision + 1 WHERE id = $1")
            .bind(id)
            .bind(seq)
            .bind(bound(now)),
    )?;
    unit.audit(
        Change::new(Action::Update, "cash_request", id)
            .about(held.user)
            .field("status", held.status.name(), Status::Confirmed.name())
            .field("by", Value::Null, person.audit_name())
            .field(
                "core_seq",
                Value::Null,
                seq.map_or(Value::Null, Value::from),
            ),
    );
    let facts = json!({ "user_id": held.user, "kind": held.kind.name(), "amount": held.amount, "core_seq": seq });
    let event = Event::new("cash.confirmed", "cash_request", id, facts).about(held.user);
    unit.emit(match u32::try_from(held.account) {
        Ok(account) => event.account(account),
        Err(_) => event,
    });
    Ok(None)
}

/// The core booked nothing: unless somebody tried again meanwhile, the movement may be rejected, or confirmed anew.
fn unsend(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    held: &Held,
    number: i64,
    why: &str,
) -> Result<Option<Refusal>, Refusal> {
    unit.tx().execute(
        sqlx::query(
            "UPDATE cash_requests SET core_reference = NULL, revision = revision + 1 WHERE id = $1 AND status = 'approved'
                 AND EXISTS (SELECT FROM cash_bookings b WHERE b.request_id = $1 AND b.tries = $2)",
        )
        .bind(id)
        .bind(number),
    )?;
    unit.audit(
        Change::new(Action::Update, "cash_request", id)
            .about(held.user)
            .field("refused", Value::Null, why),
    );
    Ok(Some(BOOKING_REFUSED.because(why.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_again_when_the_core_may_have_forgotten_it() {
        let day = 24 * 3_600 * SECOND_NS;
        assert!(!is_old(Ts(day), Ts(7 * day)));
        assert!(is_old(Ts(day), Ts(7 * day + 1)));
        assert!(!is_old(Ts(day), Ts(0)), "a clock that went back");
    }
}
