//! API keys of a person: make, list, revoke.

use serde_json::json;
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::api_key::{KEYS_MAX, check, make};
use super::factor::person_of;
use super::faults::TOO_MANY;
use super::limit::TIERS;
use super::service::Identity;
use super::store;
use crate::audit::{Action, Change};
use crate::ids::new_id;
use crate::people::Principal;
use crate::refusal::{NOT_FOUND, Refusal};
use crate::values::bound;

/// A key as its owner sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    /// Key of the row.
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// How it begins, behind `sk_`.
    pub prefix: String,
    /// What it may.
    pub scopes: Vec<String>,
    /// How often.
    pub tier: String,
    /// When it was made.
    pub created_at: Ts,
    /// When it was used last, to the minute.
    pub used_at: Option<Ts>,
    /// When it ends.
    pub expires_at: Ts,
}

/// A key that was just made. It has no Debug.
pub struct NewApiKey {
    /// The row.
    pub row: ApiKey,
    /// The key, shown once.
    pub text: String,
}

impl Identity {
    /// Makes a key. Staff need a confirmed session for it, since the key needs no second factor afterwards.
    ///
    /// # Errors
    /// A field is wrong; there are as many as one may have; the database's.
    pub async fn make_key(
        &self,
        by: &Principal,
        name: String,
        scopes: Vec<String>,
        days: Option<u16>,
    ) -> Result<NewApiKey, Refusal> {
        let user = person_of(by)?;
        if by.role.is_staff() {
            by.with_mfa()?;
        }
        let now = self.platform.now();
        let expires_at = check(by, &name, &scopes, days, &self.settings.permissions, now)?;
        let made = make();
        let row = ApiKey {
            id: new_id(now),
            name: name.trim().to_owned(),
            prefix: made.name.clone(),
            scopes,
            tier: "standard".to_owned(),
            created_at: now,
            used_at: None,
            expires_at,
        };
        let (mut stored, org, digest) = (row, by.org, made.digest);
        let row = self
            .platform
            .command(by, move |unit| {
                // Two at once are counted one after the other, and whoever ends the keys of a person waits for this one.
                store::hold_sessions(unit.tx(), user)?;
                let live: i64 = unit.tx().scalar(
                    sqlx::query_scalar("SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2").bind(user).bind(bound(now)),
                )?;
                if live >= KEYS_MAX {
                    return Err(TOO_MANY.because("revoke one first"));
                }
                let tier: String = unit.tx().scalar(sqlx::query_scalar("SELECT tier FROM users WHERE id = $1").bind(user))?;
                if TIERS.contains(&tier.as_str()) {
                    stored.tier = tier;
                }
                unit.tx().execute(
                    sqlx::query(
                        "INSERT INTO api_keys (id, user_id, org_id, name, prefix, digest, scopes, tier, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                    )
                    .bind(stored.id)
                    .bind(user)
                    .bind(org)
                    .bind(&stored.name)
                    .bind(&stored.prefix)
                    .bind(&digest[..])
                    .bind(&stored.scopes)
                    .bind(&stored.tier)
                    .bind(bound(now))
                    .bind(bound(stored.expires_at)),
                )?;
                unit.audit(Change::new(Action::Create, "api_key", stored.id).about(user).field("scopes", json!(null), json!(stored.scopes)));
                Ok(stored)
            })
            .await?;
        Ok(NewApiKey {
            row,
            text: made.text,
        })
    }

    /// The keys of `by` that were not revoked.
    ///
    /// # Errors
    /// The database's.
    pub async fn api_keys(&self, by: &Principal) -> Result<Vec<ApiKey>, Refusal> {
        type Row = (
            Uuid,
            String,
            String,
            Vec<String>,
            String,
            i64,
            Option<i64>,
            i64,
        );
        let user = person_of(by)?;
        let rows: Vec<Row> = self
            .platform
            .read(by, move |tx| {
                Ok(tx.all(
                    sqlx::query_as(
                        "SELECT id, name, prefix, scopes, tier, (extract(epoch FROM created_at) * 1000000)::bigint,
                             (extract(epoch FROM used_at) * 1000000)::bigint, (extract(epoch FROM expires_at) * 1000000)::bigint
                         FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id DESC LIMIT 100",
                    )
                    .bind(user),
                )?)
            })
            .await?;
        let key = |(id, name, prefix, scopes, tier, made, used, expires): Row| ApiKey {
            id,
            name,
            prefix,
            scopes,
            tier,
            created_at: store::ts(made),
            used_at: used.map(store::ts),
            expires_at: store::ts(expires),
        };
        Ok(rows.into_iter().map(key).collect())
    }

    /// Revokes a key of `by`; streams that it opened end.
    ///
    /// # Errors
    /// There is none such; the database's.
    pub async fn revoke_key(&self, by: &Principal, id: Uuid) -> Result<(), Refusal> {
        let user = person_of(by)?;
        self.platform
            .command(by, move |unit| {
                let now = unit.now();
                let revoked = unit.tx().execute(
                    sqlx::query("UPDATE api_keys SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL").bind(id).bind(user).bind(bound(now)),
                )?;
                if revoked == 0 {
                    return Err(NOT_FOUND.because("there is no such key, or not for you"));
                }
                unit.audit(Change::new(Action::Delete, "api_key", id).about(user));
                Ok(())
            })
            .await?;
        self.tell_ends(&[id]).await;
        Ok(())
    }
}
