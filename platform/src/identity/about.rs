//! A person as a profile tells of them (E3.50 to E3.53): who they are, their accounts, what they said of themselves, and what they did.

use siaga_risk::units::Ts;
use uuid::Uuid;

use super::engagement::{self, Activity, Engagement, ROWS_MAX};
use super::permissions::USER_READ;
use super::person::Standing;
use super::preferences::{self, Preferences};
use super::service::Identity;
use super::store;
use crate::accounts::{self, Own};
use crate::db::Tx;
use crate::people::Principal;
use crate::refusal::{NOT_FOUND, Refusal};
use crate::unit::Platform;
use crate::values::{bound, from_micros};

/// A profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserProfile {
    /// Whose.
    pub user: Uuid,
    /// KYC was approved.
    pub verified: bool,
    /// State.
    pub standing: Standing,
    /// Tier.
    pub tier: String,
    /// Accounts, by number.
    pub accounts: Vec<Own>,
    /// What they said of themselves.
    pub preferences: Preferences,
    /// What they did.
    pub activity: Activity,
    /// What that comes to.
    pub engagement: Engagement,
}

impl Identity {
    /// The profile of a person: one's own, or of whom `by` may see.
    ///
    /// # Errors
    /// There is none for whoever asks; it is an API key that was made for less; the database's.
    pub async fn profile(&self, by: &Principal, id: Uuid) -> Result<UserProfile, Refusal> {
        let person = self.person(by, id).await?;
        if !by.is_person(id) {
            by.may(USER_READ, &person.target())?;
        }
        user_profile(&self.platform, person.org, id).await
    }
}

/// The profile of a person of an organisation, read as the program: ask first whether whoever asks may see the person.
///
/// # Errors
/// There is no such person; the database's.
pub async fn user_profile(
    platform: &Platform,
    org: Uuid,
    user: Uuid,
) -> Result<UserProfile, Refusal> {
    let (program, now) = (
        Principal::system("identity.about").within(org),
        platform.now(),
    );
    platform
        .read(&program, move |tx| {
            type Row = (bool, String, String, Option<i64>);
            let row: Option<Row> = tx.optional(
                sqlx::query_as(
                    "SELECT verified, status, tier, (extract(epoch FROM last_login_at) * 1000000)::bigint FROM users WHERE id = $1 AND org_id = $2",
                )
                .bind(user)
                .bind(org),
            )?;
            let (verified, status, tier, last) =
                row.ok_or_else(|| NOT_FOUND.because("there is no such user, or not for you"))?;
            let standing = Standing::parse(&status)
                .ok_or_else(|| store::unexpected(format!("a user has the state {status}")))?;
            let activity = activity(tx, user, last.map(from_micros), engagement::since(now))?;
            Ok(UserProfile {
                user,
                verified,
                standing,
                tier,
                accounts: accounts::of(tx, user)?,
                preferences: preferences::read(tx, user)?,
                engagement: engagement::engagement(&activity, now),
                activity,
            })
        })
        .await
}

fn activity(
    tx: &mut Tx<'_>,
    user: Uuid,
    last_sign_in: Option<Ts>,
    since: Ts,
) -> Result<Activity, Refusal> {
    let sign_ins: Vec<(i64,)> = tx.all(
        sqlx::query_as(
            "SELECT (extract(epoch FROM created_at) * 1000000)::bigint FROM sessions
             WHERE user_id = $1 AND created_at >= $2 ORDER BY created_at DESC LIMIT $3",
        )
        .bind(user)
        .bind(bound(since))
        .bind(ROWS_MAX),
    )?;
    let orders: i64 = tx.scalar(
        sqlx::query_scalar(
            "SELECT count(*) FROM accounts_directory AS a JOIN LATERAL (
                 SELECT o.placed, o.origin FROM orders AS o WHERE o.account = a.account ORDER BY o.id DESC LIMIT $3) AS o ON true
             WHERE a.user_id = $1 AND o.placed >= $2 AND o.origin = 'client'",
        )
        .bind(user)
        .bind(bound(since))
        .bind(ROWS_MAX),
    )?;
    let deposits: i64 = tx.scalar(
        sqlx::query_scalar(
            "SELECT count(*) FROM (SELECT 1 FROM cash_requests
                 WHERE user_id = $1 AND kind = 'deposit' AND status = 'confirmed' AND confirmed_at >= $2 ORDER BY created_at DESC LIMIT $3) AS newest",
        )
        .bind(user)
        .bind(bound(since))
        .bind(ROWS_MAX),
    )?;
    let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Activity {
        sign_ins: sign_ins.into_iter().map(|(at,)| from_micros(at)).collect(),
        last_sign_in,
        orders: number(orders),
        deposits: number(deposits),
    })
}
