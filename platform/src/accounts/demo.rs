//! Demonstration accounts: play money at the paper broker, one a client, without documents.

use serde_json::{Value, json};
use siaga_risk::event::{Body, Cash, CashKind};
use siaga_risk::ids::{AccountId, ActorId};
use siaga_risk::terms::AccountTerms;
use siaga_risk::units::{Leverage, Money};
use siaga_risk::verdict::Reject;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::core_door::CoreRefusal;
use crate::identity::permissions::DESK_WRITE;
use crate::kyc::{self, AccountPlan};
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{CONFLICT, FORBIDDEN, Refusal};
use crate::unit::{Platform, Unit};
use crate::values::bound;

/// The program itself, in the core's inputs.
const PROGRAM: ActorId = ActorId(0);

/// The system of accounts that the desk keeps, in the directory of accounts.
const SYSTEM: &str = "siaga";

/// Numbers of demonstration accounts: behind those that approvals of KYC give (1,000,000 and up), to the core's highest.
const NUMBERS: (i64, i64) = (2_500_000, 4_194_303);

/// Numbers tried when another client gets one at the same moment.
const NUMBERS_MAX: u32 = 16;

/// The reference of the first balance: the core remembers it, so that asking twice books once.
const FIRST_BALANCE: u64 = 1;

/// What the house gives to whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoPlan {
    /// The account's terms.
    pub terms: AccountPlan,
    /// Play money, in whole units of the currency.
    pub balance: u32,
}

/// Opens the demonstration account of `by` with this balance and leverage ([`Leverage::NONE`]: its group's). Asking again opens
/// no second one and changes nothing of the first.
///
/// # Errors
/// Not permitted; the address is not confirmed, or the person is stopped; the core does not answer or refuses; the database's.
pub async fn open(
    platform: &Platform,
    by: &Principal,
    plan: &AccountPlan,
    balance: Money,
    leverage: Leverage,
) -> Result<u32, Refusal> {
    by.may(DESK_WRITE, &by.own())?;
    let user = by
        .user()
        .ok_or_else(|| FORBIDDEN.because("an account is opened for a person"))?;
    let reserved = platform
        .command(&by.elevated(), move |unit| reserve(unit, user))
        .await?;
    let (number, is_open) = reserved;
    if is_open {
        return locked_as_due(platform, user, number).await;
    }
    let terms = AccountTerms {
        id: AccountId(number),
        group: plan.group,
        link: plan.link,
        currency: plan.currency,
        accounting: plan.accounting,
        leverage,
    };
    let first = Cash {
        account: terms.id,
        kind: CashKind::Deposit,
        amount: balance,
        reference: FIRST_BALANCE,
    };
    let core = platform.core();
    core.send(PROGRAM, Body::Account(terms))
        .await
        .map_err(refused)?;
    match core.send(PROGRAM, Body::Cash(first)).await {
        Err(CoreRefusal::Refused(why)) if why.contains(Reject::AlreadyExists.name()) => {}
        sent => {
            sent.map_err(refused)?;
        }
    }
    platform
        .command(&by.elevated(), move |unit| opened(unit, user, number))
        .await?;
    locked_as_due(platform, user, number).await
}

/// The account, under review where its client's are: what locked those did not see it yet.
async fn locked_as_due(platform: &Platform, user: Uuid, number: u32) -> Result<u32, Refusal> {
    match kyc::lock_new(platform, user).await {
        Ok(()) => Ok(number),
        Err(error) => {
            tracing::warn!("a demonstration account is not locked as its client's others: {error}");
            Err(CONFLICT.because("the account is opened and not ready yet: ask again in a moment"))
        }
    }
}

/// Whether an account holds play money.
///
/// # Errors
/// The database's.
pub async fn is_demo(platform: &Platform, account: u32) -> Result<bool, Refusal> {
    let system = Principal::system("accounts.demo");
    let known = platform.read(&system, move |tx| {
        let query = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM accounts_directory WHERE account = $1 AND account_type = 'demo')",
        );
        Ok(tx.scalar::<bool>(query.bind(i64::from(account)))?)
    });
    known.await
}

fn refused(refusal: CoreRefusal) -> Refusal {
    CONFLICT.because(match refusal {
        CoreRefusal::Refused(why) => format!("the desk does not open it: {why}"),
        CoreRefusal::Later(why) => format!("{why}: ask again in a moment, one account is opened"),
    })
}

/// The number of the person's demonstration account, and whether it is open already.
fn reserve(unit: &mut Unit<'_, '_>, user: Uuid) -> Result<(u32, bool), Refusal> {
    // Whoever asks twice at the same moment waits here for the first number.
    let (status, org): (String, Uuid) = unit.tx().one(
        sqlx::query_as("SELECT status, org_id FROM users WHERE id = $1 FOR UPDATE").bind(user),
    )?;
    let known: Option<(i64, bool)> = unit.tx().optional(
        sqlx::query_as("SELECT account, opened_at IS NOT NULL FROM accounts_directory WHERE user_id = $1 AND account_type = 'demo'").bind(user),
    )?;
    if let Some((account, is_open)) = known {
        return Ok((number(account)?, is_open));
    }
    match status.as_str() {
        "active" => {}
        "pending" => return Err(CONFLICT.because("confirm your address first, and ask again")),
        _ => {
            return Err(CONFLICT.because("no account is opened while yours is stopped or reviewed"));
        }
    }
    for _ in 0..NUMBERS_MAX {
        let next: i64 = unit.tx().scalar(
            sqlx::query_scalar("SELECT coalesce(max(account) + 1, $1::bigint) FROM accounts_directory WHERE account BETWEEN $1::bigint AND $2::bigint")
                .bind(NUMBERS.0)
                .bind(NUMBERS.1),
        )?;
        if next > NUMBERS.1 {
            break;
        }
        let made = unit.tx().execute(
            sqlx::query(
                "INSERT INTO accounts_directory (account, system, outside_id, user_id, org_id, account_type) VALUES ($1, $2, $1::text, $3, $4, 'demo')
                 ON CONFLICT DO NOTHING",
            )
            .bind(next)
            .bind(SYSTEM)
            .bind(user)
            .bind(org),
        )?;
        if made == 1 {
            return Ok((number(next)?, false));
        }
    }
    Err(CONFLICT.because("no number is free for the account now: ask again, or write to the desk"))
}

fn number(account: i64) -> Result<u32, Refusal> {
    u32::try_from(account)
        .map_err(|_| CONFLICT.because("the account has no number in the core: write to the desk"))
}

fn opened(unit: &mut Unit<'_, '_>, user: Uuid, number: u32) -> Result<(), Refusal> {
    let (now, account) = (unit.now(), i64::from(number));
    let first = unit.tx().execute(
        sqlx::query(
            "UPDATE accounts_directory SET opened_at = $2 WHERE account = $1 AND opened_at IS NULL",
        )
        .bind(account)
        .bind(bound(now)),
    )?;
    if first == 0 {
        return Ok(());
    }
    unit.audit(
        Change::new(Action::Create, "account", account)
            .about(user)
            .field("user_id", Value::Null, json!(user))
            .field("account_type", Value::Null, json!("demo")),
    );
    unit.emit(
        Event::new(
            "account.opened",
            "user",
            user,
            json!({"user_id": user, "account": number, "account_type": "demo"}),
        )
        .about(user)
        .account(number),
    );
    Ok(())
}
