//! Whose trading accounts are whose: the core knows numbers alone, the directory of accounts names the owner.

use uuid::Uuid;

use crate::people::Principal;
use crate::refusal::{CONFLICT, NOT_FOUND, Refusal};
use crate::unit::Platform;

/// Accounts of one person that are listed: a client has one of each kind.
pub const OWN_MAX: i64 = 20;

/// Numbers of the accounts of `by`, in their order.
///
/// # Errors
/// The database's.
pub async fn own(platform: &Platform, by: &Principal) -> Result<Vec<u32>, Refusal> {
    let Some(user) = by.user() else {
        return Ok(Vec::new());
    };
    let rows = platform.read(by, move |tx| {
        let query = sqlx::query_as(
            "SELECT account FROM accounts_directory WHERE user_id = $1 ORDER BY account LIMIT $2",
        );
        Ok(tx.all::<(i64,)>(query.bind(user).bind(OWN_MAX))?)
    });
    let rows = rows.await?;
    Ok(rows
        .into_iter()
        .filter_map(|(account,)| u32::try_from(account).ok())
        .collect())
}

/// Passes when the account is one of `by`'s; one of others is answered as if it did not exist.
///
/// # Errors
/// It is not; the database's.
pub async fn is_own(platform: &Platform, by: &Principal, account: u32) -> Result<(), Refusal> {
    let user: Option<Uuid> = by.user();
    let known = platform.read(by, move |tx| {
        let query = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM accounts_directory WHERE account = $1 AND user_id = $2)",
        );
        Ok(tx.scalar::<bool>(query.bind(i64::from(account)).bind(user))?)
    });
    match known.await? {
        true => Ok(()),
        false => Err(NOT_FOUND.because("there is no such account, or not for you")),
    }
}

/// The account of a client who asks for one. An approval of KYC opens it, so whoever is approved has one or gets it within
/// seconds, and asking opens no second one.
///
/// # Errors
/// They are not approved, or it is being opened; the database's.
pub async fn opened(platform: &Platform, by: &Principal) -> Result<u32, Refusal> {
    if let Some(account) = own(platform, by).await?.first() {
        return Ok(*account);
    }
    let user = by.user();
    let verified = platform.read(by, move |tx| {
        let query = sqlx::query_as("SELECT verified FROM users WHERE id = $1");
        Ok(tx.optional::<(bool,)>(query.bind(user))?)
    });
    Err(CONFLICT.because(match verified.await? {
        Some((true,)) => "the account is being opened: ask again in a moment",
        _ => "an account is opened when your documents are approved: POST /api/v1/kyc/upload",
    }))
}
