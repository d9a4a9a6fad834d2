use serde_json::json;
use siaga_risk::event::{Body, SetReview};
use siaga_risk::ids::{AccountId, ActorId};
use siaga_risk::terms::AccountTerms;
use siaga_risk::units::Leverage;
use uuid::Uuid;

use super::Kyc;
use super::faults::UNDER_REVIEW;
use crate::audit::{Action, Change};
use crate::core_door::CoreRefusal;
use crate::db::Tx;
use crate::outbox::{EffectError, Event};
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::{Platform, Unit};
use crate::values::{bound, count};

/// The program itself, in the core's inputs.
const PROGRAM: ActorId = ActorId(0);

/// The system of accounts that the desk keeps, in the directory of accounts.
const SYSTEM: &str = "siaga";

/// Rounds of locking until what the core was told is what holds: disputes open and end minutes apart at least.
const SETTLE_MAX: u32 = 4;

/// Numbers tried when one is taken: the directory has fewer strangers in the range of new accounts.
const NUMBERS_MAX: u32 = 16;

/// Opens the trading account of a verified client, or unlocks the one they have. Asking again opens no
/// second one: the number is given before the core is asked.
///
/// # Errors
/// The core or the database does not answer, or the core refuses.
pub async fn open_account(kyc: &Kyc, user: Uuid) -> Result<(), EffectError> {
    let system = Principal::system("kyc.account");
    let reserved = kyc
        .platform
        .command(&system, move |unit| reserve(unit, user))
        .await?;
    let Some((number, org, opened)) = reserved else {
        return Err(EffectError::Never(
            "an approved client has no account to open".into(),
        ));
    };
    if opened {
        return settle_lock(&kyc.platform, user).await;
    }
    let terms = AccountTerms {
        id: AccountId(number),
        group: kyc.plan.group,
        link: kyc.plan.link,
        currency: kyc.plan.currency,
        accounting: kyc.plan.accounting,
        leverage: Leverage::NONE,
    };
    let seq = kyc
        .platform
        .core()
        .send(PROGRAM, Body::Account(terms))
        .await
        .map_err(refused)?;
    let system = system.within(org);
    kyc.platform
        .command(&system, move |unit| opened_as(unit, user, number, seq))
        .await?;
    // A dispute that came before the account locked what there was then.
    lock_new(&kyc.platform, user).await
}

/// Locks what was opened a moment ago, where the client's accounts are locked.
///
/// # Errors
/// As [`settle_lock`].
pub(crate) async fn lock_new(platform: &Platform, user: Uuid) -> Result<(), EffectError> {
    match is_locked(platform, user).await? {
        true => settle_lock(platform, user).await,
        false => Ok(()),
    }
}

fn refused(refusal: CoreRefusal) -> EffectError {
    match refusal {
        CoreRefusal::Refused(why) => EffectError::Never(why),
        CoreRefusal::Later(why) => EffectError::Later(why),
    }
}

/// The number of the client's account, their organisation, and whether it is open already.
fn reserve(unit: &mut Unit<'_, '_>, user: Uuid) -> Result<Option<(u32, Uuid, bool)>, Refusal> {
    for _ in 0..NUMBERS_MAX {
        let row: Option<(i64, Uuid, bool)> = unit.tx().optional(
            sqlx::query_as("SELECT account, org_id, opened_at IS NOT NULL FROM kyc_accounts WHERE user_id = $1 FOR UPDATE").bind(user),
        )?;
        let Some((account, org, opened)) = row else {
            return Ok(None);
        };
        let taken: bool = unit.tx().scalar(
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM accounts_directory WHERE account = $1 AND (user_id IS DISTINCT FROM $2 OR account_type = 'demo'))")
                .bind(account)
                .bind(user),
        )?;
        if opened || !taken {
            return Ok(u32::try_from(account)
                .ok()
                .map(|number| (number, org, opened)));
        }
        unit.tx().execute(
            sqlx::query("UPDATE kyc_accounts SET account = DEFAULT WHERE user_id = $1").bind(user),
        )?;
    }
    Ok(None)
}

fn opened_as(unit: &mut Unit<'_, '_>, user: Uuid, number: u32, seq: u64) -> Result<(), Refusal> {
    let now = unit.now();
    let account = i64::from(number);
    let first = unit.tx().execute(
        sqlx::query("UPDATE kyc_accounts SET core_seq = $2, opened_at = $3 WHERE user_id = $1 AND opened_at IS NULL")
            .bind(user)
            .bind(count(seq))
            .bind(bound(now)),
    )?;
    if first == 0 {
        return Ok(());
    }
    let org = unit.by().org;
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO accounts_directory AS known (account, system, outside_id, user_id, org_id) VALUES ($1, $2, $1::text, $3, $4)
             ON CONFLICT (account) DO UPDATE SET user_id = excluded.user_id, org_id = excluded.org_id",
        )
        .bind(account)
        .bind(SYSTEM)
        .bind(user)
        .bind(org),
    )?;
    unit.audit(
        Change::new(Action::Create, "account", account)
            .about(user)
            .field("user_id", serde_json::Value::Null, json!(user)),
    );
    unit.emit(
        Event::new(
            "account.opened",
            "user",
            user,
            json!({"user_id": user, "account": number, "account_type": "live"}),
        )
        .about(user)
        .account(number),
    );
    Ok(())
}

/// Whether the accounts of a client have to be under review: a dispute is open, the approval that opened one does not stand, or the
/// client was found to stand on a list of sanctions and no second person has cleared that. As the system.
fn has_cause(tx: &mut Tx<'_>, user: Uuid) -> Result<bool, Refusal> {
    let query = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM kyc_disputes WHERE user_id = $1 AND status = 'open')
             OR EXISTS (SELECT FROM kyc_accounts AS a JOIN kyc_cases AS c ON c.user_id = a.user_id
                        WHERE a.user_id = $1 AND a.opened_at IS NOT NULL AND c.status <> 'APPROVED')
             OR EXISTS (SELECT FROM aml_cases AS c WHERE c.user_id = $1 AND c.kind = 'sanctions' AND (c.status IN ('confirmed', 'reported')
                 OR (c.status IN ('open', 'investigating', 'escalated') AND EXISTS (SELECT FROM aml_steps AS s WHERE s.case_id = c.id
                     AND s.from_status = 'confirmed' AND NOT EXISTS (SELECT FROM aml_steps AS z WHERE z.case_id = c.id
                         AND z.to_status = 'cleared' AND z.created_at > s.created_at)))))",
    );
    Ok(tx.scalar(query.bind(user))?)
}

async fn is_locked(platform: &Platform, user: Uuid) -> Result<bool, Refusal> {
    let system = Principal::system("kyc.account");
    platform.read(&system, move |tx| has_cause(tx, user)).await
}

/// Whether the desk may end the review of an account: not while the platform has a cause of its own for it.
///
/// # Errors
/// It has one, or the database.
pub async fn may_end_review(platform: &Platform, account: AccountId) -> Result<(), Refusal> {
    let system = Principal::system("kyc.account");
    let locked = platform.read(&system, move |tx| {
        let query = sqlx::query_as("SELECT user_id FROM accounts_directory WHERE account = $1");
        let owner: Option<(Option<Uuid>,)> = tx.optional(query.bind(i64::from(account.0)))?;
        match owner {
            Some((Some(user),)) => has_cause(tx, user),
            _ => Ok(false),
        }
    });
    if locked.await? {
        // The desk does not learn of cases.
        return Err(UNDER_REVIEW.because("compliance has to decide about the client first"));
    }
    Ok(())
}

/// Puts every account of a client under review, where it may only close, or ends that: as their case and disputes stand now,
/// not as an event that comes late remembers them.
///
/// # Errors
/// The core or the database does not answer, or the core refuses; what changes all the time is asked for later.
pub(super) async fn settle_lock(platform: &Platform, user: Uuid) -> Result<(), EffectError> {
    let mut on = is_locked(platform, user).await?;
    for _ in 0..SETTLE_MAX {
        lock(platform, user, on).await?;
        let now = is_locked(platform, user).await?;
        if now == on {
            return Ok(());
        }
        on = now;
    }
    Err(EffectError::Later(
        "the client's standing changes while accounts are locked".into(),
    ))
}

async fn lock(platform: &Platform, user: Uuid, on: bool) -> Result<(), EffectError> {
    let system = Principal::system("kyc.account");
    let read = platform.read(&system, move |tx| {
        // What the desk said last is in the audit log, with who said it. The program's own actor is number 0. A demonstration account
        // that has a number and was never opened is nothing that the core knows.
        let query = sqlx::query_as(
            "SELECT d.account, coalesce((SELECT l.action = 'account.review_started' FROM audit_log AS l
                 WHERE l.entity_type = 'account' AND l.entity_id = d.account::text AND l.actor_id <> 'core:0'
                     AND l.action IN ('account.review_started', 'account.review_ended')
                 ORDER BY l.id DESC LIMIT 1), false)
             FROM accounts_directory AS d WHERE d.user_id = $1 AND (d.account_type = 'live' OR d.opened_at IS NOT NULL)
             ORDER BY d.account LIMIT 100",
        );
        Ok(tx.all::<(i64, bool)>(query.bind(user))?)
    });
    let mut done = Ok(());
    for (account, by_desk) in read.await? {
        let Ok(account) = u32::try_from(account) else {
            continue;
        };
        // A review that the desk set for its own reasons is the desk's to end.
        if by_desk && !on {
            continue;
        }
        let set = SetReview {
            account: AccountId(account),
            on,
            note: 0,
        };
        let sent = platform
            .core()
            .send(PROGRAM, Body::Review(set))
            .await
            .map_err(refused);
        // One account that the core does not know leaves no other one open.
        if done.is_ok() {
            done = sent.map(drop);
        }
    }
    done
}
