//! Administering people: invite, give a role, suspend, unlock, look at sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::codes::Purpose;
use super::contact;
use super::faults::LAST_ADMINISTRATOR;
use super::limit::TIERS;
use super::permissions::{USER_READ, USER_ROLE, USER_WRITE};
use super::person::{Person, Standing};
use super::register::{locale, name};
use super::service::Identity;
use super::session::End;
use super::sign_in::{Visit, forgive_person};
use super::{address, store};
use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::outbox::Event;
use crate::page::{Cursor, Page, Paging};
use crate::people::{Area, Principal, Role, Sight, Target};
use crate::refusal::{BAD_PAGE, CONFLICT, FORBIDDEN, INVALID, Refusal};
use crate::search;
use crate::unit::{Once, Unit};

/// Who is to join.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// As typed.
    pub email: String,
    /// As typed.
    pub name: String,
    /// As typed.
    pub phone: Option<String>,
    /// Their role.
    pub role: Role,
    /// Their team.
    pub team: Option<Uuid>,
    /// Their language.
    pub locale: Option<String>,
}

/// Which people a list brings.
#[derive(Clone, Debug, Default)]
pub struct PeopleFilter {
    /// A name, an address or a number as somebody types it.
    pub typed: Option<String>,
    /// Of this role.
    pub role: Option<Role>,
}

/// Another role.
#[derive(Clone, Copy, Debug)]
pub struct RoleChange {
    /// The role.
    pub role: Role,
    /// Their team from now on, or none; `None` keeps the one they have.
    pub team: Option<Option<Uuid>>,
    /// The revision that was seen.
    pub revision: i64,
}

/// Another state.
#[derive(Clone, Debug)]
pub struct StatusChange {
    /// The state.
    pub to: Standing,
    /// Why.
    pub reason: String,
    /// The revision that was seen.
    pub revision: i64,
}

/// Another tier.
#[derive(Clone, Debug)]
pub struct TierChange {
    /// The tier.
    pub tier: String,
    /// The revision that was seen.
    pub revision: i64,
}

/// A session as its owner or an administrator sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    /// Key.
    pub id: Uuid,
    /// `browser` or `api`.
    pub client: String,
    /// When it began.
    pub created_at: Ts,
    /// Its last request, to a few seconds.
    pub seen_at: Ts,
    /// A second factor was given.
    pub mfa: bool,
}

/// What ends of a person with a change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Nothing.
    Nothing,
    /// Their sessions.
    Sessions,
    /// Their sessions and API keys: a key made under one role would grow with the next, and needs no second factor.
    SessionsAndKeys,
}

/// Longest reason.
const REASON_CHARS_MAX: usize = 500;

impl Identity {
    /// A person.
    ///
    /// # Errors
    /// There is none for whoever asks; the database's.
    pub async fn person(&self, by: &Principal, id: Uuid) -> Result<Person, Refusal> {
        if by.is_person(id) {
            return self.own_profile(by, id).await;
        }
        let keyring = Arc::clone(self.platform.keyring());
        let who = by.clone();
        self.platform
            .read(by, move |tx| {
                let person = store::person(tx, &keyring, id)?;
                let sight = who.may(USER_READ, &person.target());
                // A key says whose it is, and was not made to tell more of them.
                if who.user() == Some(id) && sight.is_err() {
                    return Ok(person.seen(Sight::Masked));
                }
                Ok(person.seen(sight?))
            })
            .await
    }

    /// People, newest first; those that are looked for by what was typed, best first and on one page.
    ///
    /// # Errors
    /// The role may not; nothing can be looked for by what was typed; the database's.
    pub async fn people(
        &self,
        by: &Principal,
        filter: PeopleFilter,
        paging: Paging,
    ) -> Result<Page<Person>, Refusal> {
        let (_, sight) = by.scope(USER_READ)?;
        let found = match filter.typed {
            None => None,
            Some(_) if paging.after.is_some() => {
                return Err(BAD_PAGE.field("cursor", "what is searched for has one page"));
            }
            Some(typed) => Some(self.found(by, typed, filter.role).await?),
        };
        let which = store::Which {
            before: paging.after.map(|after| after.id),
            role: filter.role,
            among: found.clone(),
            limit: match found {
                Some(_) => i64::from(search::HITS_MAX),
                None => paging.fetch(),
            },
        };
        let keyring = Arc::clone(self.platform.keyring());
        let mut rows = self
            .platform
            .read(by, move |tx| store::people(tx, &keyring, which))
            .await?;
        if let Some(found) = found {
            rows.sort_by_key(|person| found.iter().position(|id| *id == person.id));
            rows.truncate(paging.limit as usize);
        }
        Ok(paging
            .cut(rows, |person| Cursor {
                key: 0,
                id: person.id,
            })
            .map(|person| person.seen(sight)))
    }

    /// The keys of people whom `by` finds by what was typed, best first; of one role, its best.
    async fn found(
        &self,
        by: &Principal,
        typed: String,
        role: Option<Role>,
    ) -> Result<Vec<Uuid>, Refusal> {
        let question = search::Question {
            query: typed,
            area: Some(Area::People),
            role,
            limit: search::HITS_MAX,
        };
        // Row-level security looks at each of them where it is read.
        let hits = search::unverified(&self.platform, by, &question).await?;
        let users = hits.into_iter().filter(|hit| hit.entity == "user");
        Ok(users.map(|hit| hit.id).collect())
    }

    /// Makes a user, who sets their password by the code that is sent; asked for again, nobody is made and no code is sent.
    ///
    /// # Errors
    /// The role may not; a field is wrong; the address is taken; the database's.
    pub async fn invite(
        &self,
        by: &Principal,
        once: Option<Once>,
        invitation: Invitation,
        visit: &Visit,
    ) -> Result<Person, Refusal> {
        administers(by)?;
        let email = address::email(&invitation.email)?;
        let phone = invitation
            .phone
            .as_deref()
            .map(address::phone)
            .transpose()?;
        let name = name(&invitation.name)?;
        let locale = locale(invitation.locale.as_deref())?;
        let (org, role, team) = (by.org, invitation.role, invitation.team);
        let who = by.clone();
        let is_new = Arc::new(AtomicBool::new(false));
        let made = Arc::clone(&is_new);
        // The key alone is remembered: what a person is called is kept under their own key and nowhere else.
        let user: Uuid = self
            .platform
            .command_once(by, once, move |unit| {
                // Staff are made by whoever may give roles.
                if role.is_staff() {
                    who.may(USER_ROLE, &Target::in_org(org))?;
                }
                in_organisation(unit.tx(), org, team)?;
                let new = store::NewUser {
                    org,
                    email: &email,
                    name: &name,
                    phone: phone.as_deref(),
                    role,
                    team,
                    locale,
                };
                let user = store::add_user(unit, &new)?;
                unit.audit(
                    Change::new(Action::Create, "user", user)
                        .about(user)
                        .field("role", json!(null), role.name())
                        .personal("email", None, Some(&email)),
                );
                unit.emit(
                    Event::new(
                        "user.invited",
                        "user",
                        user,
                        json!({"user_id": user, "role": role.name()}),
                    )
                    .about(user),
                );
                made.store(true, Ordering::Relaxed);
                Ok(user)
            })
            .await?;
        if is_new.load(Ordering::Relaxed)
            && let Err(refusal) = contact::send(self, user, Purpose::Password, visit).await
        {
            tracing::info!("no code was sent to who was invited: {refusal}");
        }
        self.written(by, user).await
    }

    /// Gives a role; the person's sessions and API keys end, since a role counts from the sign-in on.
    ///
    /// # Errors
    /// The role may not; it is their own; it is the last administrator; somebody else changed it.
    pub async fn give_role(
        &self,
        by: &Principal,
        once: Option<Once>,
        id: Uuid,
        change: RoleChange,
    ) -> Result<Person, Refusal> {
        by.with_mfa()?;
        let ended = self
            .administer(by, once, id, move |unit, who, person| {
                who.may(USER_ROLE, &person.target())?;
                not_oneself(who, id)?;
                let team = change.team.unwrap_or(person.team);
                if team != person.team {
                    in_organisation(unit.tx(), person.org, team)?;
                }
                if person.role == Role::SuperAdmin && change.role != Role::SuperAdmin {
                    another_stays(unit, id)?;
                }
                store::set_role(unit, id, change.role, team, change.revision)?;
                store::index_person(unit, person, team)?;
                unit.audit(
                    Change::new(Action::Update, "user", id).about(id).field("role", person.role.name(), change.role.name()).field("team", json!(person.team), json!(team)),
                );
                unit.emit(Event::new("user.role_changed", "user", id, json!({"user_id": id, "from": person.role.name(), "to": change.role.name()})).about(id));
                Ok(Ends::SessionsAndKeys)
            })
            .await?;
        self.tell_ends(&ended).await;
        self.written(by, id).await
    }

    /// Suspends somebody, whose sessions and API keys end, or brings them back.
    ///
    /// # Errors
    /// The role may not; it is themselves; it is the last administrator; the state does not allow it; somebody else changed it.
    pub async fn set_standing(
        &self,
        by: &Principal,
        once: Option<Once>,
        id: Uuid,
        change: StatusChange,
    ) -> Result<Person, Refusal> {
        by.with_mfa()?;
        let reason = change.reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
            return Err(INVALID.field("reason", format!("use 1 to {REASON_CHARS_MAX} characters")));
        }
        let (to, revision) = (change.to, change.revision);
        let ended = self
            .administer(by, once, id, move |unit, who, person| {
                who.may(
                    if person.role.is_staff() {
                        USER_ROLE
                    } else {
                        USER_WRITE
                    },
                    &person.target(),
                )?;
                not_oneself(who, id)?;
                if !person.standing.may_become(to) {
                    return Err(CONFLICT.field(
                        "status",
                        format!(
                            "who is {} does not become {} here",
                            person.standing.name(),
                            to.name()
                        ),
                    ));
                }
                if person.role == Role::SuperAdmin && to == Standing::Suspended {
                    another_stays(unit, id)?;
                }
                store::set_standing(unit, id, to, Some(revision))?;
                unit.audit(
                    Change::new(Action::Update, "user", id)
                        .about(id)
                        .field("status", person.standing.name(), to.name())
                        .personal("reason", None, Some(&reason)),
                );
                let facts = json!({"user_id": id, "from": person.standing.name(), "to": to.name()});
                unit.emit(Event::new("user.status_changed", "user", id, facts).about(id));
                Ok(if to == Standing::Suspended {
                    Ends::SessionsAndKeys
                } else {
                    Ends::Nothing
                })
            })
            .await?;
        self.tell_ends(&ended).await;
        self.written(by, id).await
    }

    /// Gives somebody, and the API keys they have, another tier of rates: how often they may ask, and nothing else.
    ///
    /// # Errors
    /// There is no such tier; the role may not; it is themselves; somebody else changed it.
    pub async fn set_tier(
        &self,
        by: &Principal,
        once: Option<Once>,
        id: Uuid,
        change: TierChange,
    ) -> Result<Person, Refusal> {
        by.with_mfa()?;
        if !TIERS.contains(&change.tier.as_str()) {
            return Err(INVALID.field("tier", format!("use one of {}", TIERS.join(", "))));
        }
        self.administer(by, once, id, move |unit, who, person| {
            who.may(USER_WRITE, &person.target())?;
            not_oneself(who, id)?;
            store::set_tier(unit, id, &change.tier, change.revision)?;
            unit.audit(Change::new(Action::Update, "user", id).about(id).field(
                "tier",
                person.tier.as_str(),
                change.tier.as_str(),
            ));
            let facts = json!({"user_id": id, "from": person.tier, "to": change.tier});
            unit.emit(Event::new("user.tier_changed", "user", id, facts).about(id));
            Ok(Ends::Nothing)
        })
        .await?;
        // What is known of their sessions has the old one.
        self.known.invalidate_all();
        self.written(by, id).await
    }

    /// Ends the lock of somebody who failed too often.
    ///
    /// # Errors
    /// The role may not; there is none such.
    pub async fn unlock(
        &self,
        by: &Principal,
        once: Option<Once>,
        id: Uuid,
    ) -> Result<(), Refusal> {
        by.with_mfa()?;
        let keyring = Arc::clone(self.platform.keyring());
        self.administer(by, once, id, move |unit, who, person| {
            who.may(USER_WRITE, &person.target())?;
            forgive_person(unit, &keyring, id, person.email.as_deref())?;
            unit.audit(Change::new(Action::Update, "user", id).about(id).field(
                "lock",
                json!(null),
                "ended",
            ));
            Ok(Ends::Nothing)
        })
        .await
        .map(drop)
    }

    /// Ends every session of somebody.
    ///
    /// # Errors
    /// The role may not; there is none such.
    pub async fn end_sessions_of(
        &self,
        by: &Principal,
        once: Option<Once>,
        id: Uuid,
    ) -> Result<(), Refusal> {
        by.with_mfa()?;
        let ended = self
            .administer(by, once, id, move |unit, who, person| {
                who.may(USER_WRITE, &person.target())?;
                unit.audit(
                    Change::new(Action::Delete, "session", "all")
                        .about(id)
                        .field("by", json!(null), End::Revoked.name()),
                );
                Ok(Ends::Sessions)
            })
            .await?;
        self.tell_ends(&ended).await;
        Ok(())
    }

    /// The open sessions of `by`.
    ///
    /// # Errors
    /// The database's.
    pub async fn sessions(&self, by: &Principal) -> Result<Vec<SessionRow>, Refusal> {
        let Some(user) = by.user() else {
            return Ok(Vec::new());
        };
        let rows: Vec<(Uuid, String, i64, i64, bool)> = self
            .platform
            .read(by, move |tx| {
                Ok(tx.all(
                    sqlx::query_as(
                        "SELECT id, client, (extract(epoch FROM created_at) * 1000000)::bigint, (extract(epoch FROM seen_at) * 1000000)::bigint,
                             confirmed_at IS NOT NULL FROM sessions WHERE user_id = $1 AND ended_at IS NULL ORDER BY created_at DESC LIMIT 100",
                    )
                    .bind(user),
                )?)
            })
            .await?;
        let row = |(id, client, made, seen, mfa)| SessionRow {
            id,
            client,
            created_at: store::ts(made),
            seen_at: store::ts(seen),
            mfa,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Runs `work` on a person of the organisation of `by`: as the system, since the counts and sessions it touches are
    /// nobody's to read, but audited as `by`, and only on whom `by` sees. It says what of the person ends.
    async fn administer<F>(
        &self,
        by: &Principal,
        once: Option<Once>,
        id: Uuid,
        work: F,
    ) -> Result<Vec<Uuid>, Refusal>
    where
        F: FnOnce(&mut Unit<'_, '_>, &Principal, &Person) -> Result<Ends, Refusal> + Send + 'static,
    {
        // Row-level security says whether there is such a person for `by`.
        self.person(by, id).await?;
        let (keyring, who, acting) = (
            Arc::clone(self.platform.keyring()),
            by.clone(),
            by.elevated(),
        );
        self.platform
            .command_once(&acting, once, move |unit| {
                let now = unit.now();
                store::hold_sessions(unit.tx(), id)?;
                let person = store::person(unit.tx(), &keyring, id)?;
                let ends = work(unit, &who, &person)?;
                let mut ended = match ends {
                    Ends::Nothing => Vec::new(),
                    Ends::Sessions | Ends::SessionsAndKeys => {
                        store::end_sessions(unit.tx(), id, None, End::Revoked, now)?
                    }
                };
                if ends == Ends::SessionsAndKeys {
                    ended.extend(store::revoke_keys(unit.tx(), id, now)?);
                }
                Ok(ended)
            })
            .await
    }

    /// Whom `by` has changed, as they are now.
    async fn written(&self, by: &Principal, id: Uuid) -> Result<Person, Refusal> {
        let keyring = Arc::clone(self.platform.keyring());
        self.platform
            .read(&by.elevated(), move |tx| store::person(tx, &keyring, id))
            .await
    }
}

/// Passes for who administers the people of their organisation.
pub(super) fn administers(by: &Principal) -> Result<(), Refusal> {
    by.may(USER_WRITE, &Target::in_org(by.org))?;
    by.with_mfa()
}

fn not_oneself(who: &Principal, id: Uuid) -> Result<(), Refusal> {
    match who.user() == Some(id) {
        true => Err(FORBIDDEN.because("nobody changes their own standing")),
        false => Ok(()),
    }
}

fn another_stays(unit: &mut Unit<'_, '_>, id: Uuid) -> Result<(), Refusal> {
    match store::other_administrators(unit.tx(), id)? {
        0 => Err(LAST_ADMINISTRATOR.because("make another administrator first")),
        _ => Ok(()),
    }
}

fn in_organisation(tx: &mut Tx<'_>, org: Uuid, team: Option<Uuid>) -> Result<(), Refusal> {
    match team {
        Some(team) if !store::team_exists(tx, org, team)? => {
            Err(INVALID.field("team_id", "there is no such team"))
        }
        _ => Ok(()),
    }
}
