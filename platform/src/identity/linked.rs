//! Accounts at providers that a person linked from their own session: the one way in which a provider signs staff in.

use std::sync::Arc;

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::factor::{may_add, person_of};
use super::faults::{LAST_FACTOR, PROVIDER_TAKEN, SESSION_ENDED, TOO_MANY};
use super::service::Identity;
use super::sign_in::Visit;
use super::store;
use crate::audit::{Action, Change};
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::{Principal, Who};
use crate::refusal::{NOT_FOUND, Refusal};
use crate::unit::Unit;
use crate::values::bound;

/// Linked accounts of one person.
const LINKED_MAX: i64 = 10;

/// A linked account as its owner sees it; what the provider calls it is kept as a keyed hash alone.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedRow {
    /// Key.
    pub id: Uuid,
    /// The provider's name in addresses.
    pub provider: String,
    /// The provider's name for people; its other one where it is no longer set up.
    pub title: String,
    /// When it was linked.
    pub created_at: Ts,
    /// When it signed its owner in last.
    pub used_at: Option<Ts>,
}

/// For whom a visit to a provider links what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub user: Uuid,
    /// The session that asked; it has to be open still when the visit ends.
    pub session: Uuid,
}

impl Identity {
    /// The address at the provider to send the browser of `by` to, so that the account there is linked.
    ///
    /// # Errors
    /// The session is not confirmed by a second factor, where its person has one or is staff; there are as many as one may have;
    /// there is no such provider, or it does not answer; the database's.
    pub async fn begin_link(
        &self,
        by: &Principal,
        session: Uuid,
        name: &str,
        visit: &Visit,
    ) -> Result<String, Refusal> {
        let user = person_of(by)?;
        if by.role.is_staff() {
            by.with_mfa()?;
        }
        let keyring = Arc::clone(self.platform.keyring());
        let (who, sends) = (by.clone(), self.sends());
        self.platform
            .command(&Principal::system("identity.linked"), move |unit| {
                let person = store::person(unit.tx(), &keyring, user)?;
                may_add(unit, &who, &person, sends)?;
                has_room(unit, user)
            })
            .await?;
        self.visit_provider(name, Some(Owner { user, session }), visit)
            .await
    }

    /// The linked accounts of `by`.
    ///
    /// # Errors
    /// The database's.
    pub async fn linked(&self, by: &Principal) -> Result<Vec<LinkedRow>, Refusal> {
        let user = person_of(by)?;
        let rows: Vec<(Uuid, String, i64, Option<i64>)> = self
            .platform
            .read(&Principal::system("identity.linked"), move |tx| {
                Ok(tx.all(
                    sqlx::query_as(
                        "SELECT id, provider, (extract(epoch FROM created_at) * 1000000)::bigint, (extract(epoch FROM used_at) * 1000000)::bigint
                         FROM provider_identities WHERE user_id = $1 ORDER BY id LIMIT 100",
                    )
                    .bind(user),
                )?)
            })
            .await?;
        let titles = self.providers();
        let row = |(id, provider, made, used): (Uuid, String, i64, Option<i64>)| {
            let known = titles.iter().find(|(name, _)| *name == provider);
            LinkedRow {
                id,
                title: known.map_or_else(|| provider.clone(), |(_, title)| title.clone()),
                provider,
                created_at: store::ts(made),
                used_at: used.map(store::ts),
            }
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Takes a linked account away: it signs nobody in any more. Sessions that it opened stay.
    ///
    /// # Errors
    /// The session is not confirmed; it is the only way to sign in; there is none such.
    pub async fn unlink(&self, by: &Principal, id: Uuid) -> Result<(), Refusal> {
        let user = person_of(by)?;
        if by.role.is_staff() {
            by.with_mfa()?;
        }
        let keyring = Arc::clone(self.platform.keyring());
        let (who, sends) = (by.clone(), self.sends());
        self.platform
            .command(&by.elevated(), move |unit| {
                // Two that are taken away at once would each leave the other as the way in.
                store::hold_sessions(unit.tx(), user)?;
                let person = store::person(unit.tx(), &keyring, user)?;
                may_add(unit, &who, &person, sends)?;
                let gone: Option<(String,)> = unit.tx().optional(
                    sqlx::query_as("DELETE FROM provider_identities WHERE id = $1 AND user_id = $2 RETURNING provider")
                        .bind(id)
                        .bind(user),
                )?;
                let (provider,) = gone.ok_or_else(|| {
                    NOT_FOUND.because("there is no such linked account, or not for you")
                })?;
                let signs_in: bool = unit.tx().scalar(
                    sqlx::query_scalar(
                        "SELECT EXISTS (SELECT FROM credentials WHERE user_id = $1) OR EXISTS (SELECT FROM provider_identities WHERE user_id = $1)",
                    )
                    .bind(user),
                )?;
                if !signs_in {
                    return Err(LAST_FACTOR.because("set a password first: nothing else signs you in"));
                }
                unit.audit(
                    Change::new(Action::Delete, "provider_identity", id)
                        .about(user)
                        .field("provider", provider.as_str(), Value::Null),
                );
                let facts = json!({"user_id": user, "provider": provider});
                unit.emit(Event::new("user.provider_unlinked", "user", user, facts).about(user));
                Ok(())
            })
            .await
    }

    /// Keeps what a visit found as one of its owner's accounts.
    pub(super) async fn keep_link(
        &self,
        owner: Owner,
        provider: String,
        subject: Vec<u8>,
        visit: &Visit,
    ) -> Result<(), Refusal> {
        let by = Principal {
            who: Who::For(owner.user),
            ..visit.principal("identity.linked")
        };
        let keyring = Arc::clone(self.platform.keyring());
        self.platform
            .command(&by, move |unit| {
                store::hold_sessions(unit.tx(), owner.user)?;
                let person = store::person(unit.tx(), &keyring, owner.user)?;
                person.standing.may_sign_in()?;
                is_open(unit, owner, person.role.is_staff())?;
                insert(unit, owner.user, &provider, &subject)
            })
            .await
    }
}

fn has_room(unit: &mut Unit<'_, '_>, user: Uuid) -> Result<(), Refusal> {
    let held: i64 = unit.tx().scalar(
        sqlx::query_scalar("SELECT count(*) FROM provider_identities WHERE user_id = $1")
            .bind(user),
    )?;
    match held < LINKED_MAX {
        true => Ok(()),
        false => Err(TOO_MANY.because("take one away first")),
    }
}

/// Whoever signed out meanwhile, or lost the session, links nothing by it.
fn is_open(unit: &mut Unit<'_, '_>, owner: Owner, staff: bool) -> Result<(), Refusal> {
    let open: bool = unit.tx().scalar(
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM sessions WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND (confirmed_at IS NOT NULL OR NOT $3))",
        )
        .bind(owner.session)
        .bind(owner.user)
        .bind(staff),
    )?;
    match open {
        true => Ok(()),
        false => Err(SESSION_ENDED.because("sign in and link the account again")),
    }
}

fn insert(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    provider: &str,
    subject: &[u8],
) -> Result<(), Refusal> {
    let now = unit.now();
    let known: Option<(Uuid,)> = unit.tx().optional(
        sqlx::query_as(
            "SELECT user_id FROM provider_identities WHERE provider = $1 AND subject_index = $2",
        )
        .bind(provider)
        .bind(subject),
    )?;
    match known {
        Some((owner,)) if owner == user => return Ok(()),
        Some(_) => return Err(taken()),
        None => has_room(unit, user)?,
    }
    let id = new_id(now);
    let added = unit.tx().execute(
        sqlx::query("INSERT INTO provider_identities (id, user_id, provider, subject_index, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(id)
            .bind(user)
            .bind(provider)
            .bind(subject)
            .bind(bound(now)),
    );
    added.map_err(|error| {
        Refusal::from(error).on_duplicate("idx_provider_identities_subject", taken)
    })?;
    unit.audit(
        Change::new(Action::Create, "provider_identity", id)
            .about(user)
            .field("provider", Value::Null, provider),
    );
    let facts = json!({"user_id": user, "provider": provider});
    unit.emit(Event::new("user.provider_linked", "user", user, facts).about(user));
    Ok(())
}

fn taken() -> Refusal {
    PROVIDER_TAKEN.because("sign in with it there, or choose another account at the provider")
}
