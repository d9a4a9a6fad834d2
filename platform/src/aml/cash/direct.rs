//! What the desk may book on an account without a request: money of a client goes through the house's rules first.

use uuid::Uuid;

use crate::aml::faults::CASH_BY_REQUEST;
use crate::aml::permissions::CASH_DECIDE;
use crate::ids::HOUSE;
use crate::people::{Principal, Target};
use crate::refusal::Refusal;
use crate::unit::Platform;

/// Whether `by` may book a movement on an account at once. On a client's live account nobody may: who pays is looked at, rules hold, and
/// two persons decide, which is what a request is for. One that an approval of documents opens is a client's from that moment on, before
/// the directory has it. Credit of the house is none of a client's money and has no request: whoever
/// decides on money may lend it. Accounts with play money and those of the desk are the desk's.
///
/// # Errors
/// [`CASH_BY_REQUEST`]; not permitted; the database's.
pub async fn may_book(
    platform: &Platform,
    by: &Principal,
    account: u32,
    is_credit: bool,
) -> Result<(), Refusal> {
    let system = Principal::system("aml.cash");
    let owner: Option<(Uuid, Option<Uuid>)> = platform
        .read(&system, move |tx| {
            let query = sqlx::query_as(
                "SELECT user_id, org_id FROM accounts_directory WHERE account = $1 AND user_id IS NOT NULL AND account_type = 'live'
                 UNION ALL SELECT user_id, org_id FROM kyc_accounts WHERE account = $1 LIMIT 1",
            );
            Ok(tx.optional(query.bind(i64::from(account)))?)
        })
        .await?;
    let Some((user, org)) = owner else {
        return Ok(());
    };
    if !is_credit {
        return Err(CASH_BY_REQUEST.because(
            "ask for the movement at POST /api/v1/cash/requests: finance decides on it and books it",
        ));
    }
    let target = Target::of(org.unwrap_or(HOUSE), user);
    by.may(CASH_DECIDE, &target).map(drop)
}
