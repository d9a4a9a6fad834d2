//! Whose trading accounts are whose: the core knows numbers alone, the directory of accounts names the owner.

pub mod demo;
mod store;

use uuid::Uuid;

use crate::db::Tx;
use crate::people::Principal;
use crate::refusal::{CONFLICT, NOT_FOUND, Refusal};
use crate::unit::Platform;

pub use store::Trading;

/// Accounts of one person that are listed: a client has one of each kind.
pub const OWN_MAX: usize = 20;

/// An account of somebody's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its number in the core.
    pub account: u32,
    /// It holds play money.
    pub demo: bool,
}

/// The accounts of `by`, by number.
///
/// # Errors
/// The database's.
pub async fn own(platform: &Platform, by: &Principal) -> Result<Vec<Own>, Refusal> {
    let Some(user) = by.user() else {
        return Ok(Vec::new());
    };
    platform.read(by, move |tx| of(tx, user)).await
}

/// The accounts of a person, by number, as far as whoever reads may see them.
///
/// # Errors
/// The database's.
pub fn of(tx: &mut Tx<'_>, user: Uuid) -> Result<Vec<Own>, Refusal> {
    let most = i64::try_from(OWN_MAX).unwrap_or(i64::MAX);
    let query = sqlx::query_as(
        "SELECT account, account_type = 'demo' FROM accounts_directory WHERE user_id = $1 ORDER BY account LIMIT $2",
    );
    let rows: Vec<(i64, bool)> = tx.all(query.bind(user).bind(most))?;
    let row = |(account, demo): (i64, bool)| {
        let account = u32::try_from(account).ok()?;
        Some(Own { account, demo })
    };
    Ok(rows.into_iter().filter_map(row).collect())
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

/// The live account of a client who asks for one. An approval of KYC opens it, so whoever is approved has one or gets it within
/// seconds, and asking opens no second one.
///
/// # Errors
/// They are not approved, or it is being opened; the database's.
pub async fn opened(platform: &Platform, by: &Principal) -> Result<u32, Refusal> {
    let known = own(platform, by).await?;
    if let Some(live) = known.iter().find(|own| !own.demo) {
        return Ok(live.account);
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
