//! A house with people in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use siaga_platform::core_door::NoCore;
use siaga_platform::crypto::{Keyring, blind};
use siaga_platform::db::{Actor, Db, DbError, Tx};
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::people::{Principal, Role, Who};
use siaga_platform::unit::Platform;
use siaga_risk::ids::ActorId;
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

use crate::support::{Database, migrated};

/// 15 November 2026, 08:00 UTC.
pub const MORNING: u64 = 1_794_729_600 * SECOND_NS;

/// A platform of this test alone, at a time that the test sets.
pub struct House {
    pub kind: &'static str,
    pub platform: Platform,
    clock: Arc<AtomicU64>,
    pub database: Database,
}

/// One for every kind of database.
pub async fn houses() -> Vec<House> {
    let databases = migrated().await;
    databases.into_iter().map(House::new).collect()
}

impl House {
    fn new(database: Database) -> Self {
        let clock = Arc::new(AtomicU64::new(MORNING));
        let hands = Arc::clone(&clock);
        // Every reading is later than the one before, as the program's are.
        let now = Arc::new(move || Ts(hands.fetch_add(1_000, Ordering::Relaxed)));
        let keyring = Arc::new(Keyring::generate("k1"));
        Self {
            kind: database.kind,
            platform: Platform::new(database.db.clone(), keyring, now, Arc::new(NoCore)),
            clock,
            database,
        }
    }

    pub fn db(&self) -> &Db {
        &self.database.db
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds * SECOND_NS, Ordering::Relaxed);
    }

    /// An organisation beside the house.
    pub async fn organisation(&self, slug: &'static str) -> Uuid {
        let id = new_id(self.platform.now());
        self.system(move |tx| {
            let query =
                sqlx::query("INSERT INTO organizations (id, name, slug) VALUES ($1, $2, $2)");
            tx.execute(query.bind(id).bind(slug))
        })
        .await;
        id
    }

    /// A team of an organisation.
    pub async fn team(&self, org: Uuid, name: &'static str, manager: Option<Uuid>) -> Uuid {
        let id = new_id(self.platform.now());
        self.system(move |tx| {
            let query = sqlx::query(
                "INSERT INTO teams (id, org_id, name, manager_id) VALUES ($1, $2, $3, $4)",
            );
            tx.execute(query.bind(id).bind(org).bind(name).bind(manager))
        })
        .await;
        id
    }

    /// A person with a sealed address, who may sign in.
    pub async fn person(
        &self,
        org: Uuid,
        role: Role,
        team: Option<Uuid>,
        name: &'static str,
    ) -> Principal {
        let id = new_id(self.platform.now());
        let system = Principal::system("test").within(org);
        let made = self.platform.command(&system, move |unit| {
            let key = unit.key(id)?;
            let email = format!("{}@contoh.id", name.to_lowercase());
            let index = blind(unit.keyring(), "users.email", &email);
            let (sealed, named) = (key.seal("users.email", &email), key.seal("users.name", name));
            unit.tx().execute(
                sqlx::query("INSERT INTO users (id, org_id, email_sealed, email_index, name_sealed, role, team_id, status) VALUES ($1, $2, $3, $4, $5, $6, $7, 'active')")
                    .bind(id)
                    .bind(org)
                    .bind(sealed.as_bytes())
                    .bind(&index[..])
                    .bind(named.as_bytes())
                    .bind(role.name())
                    .bind(team),
            )?;
            let member = new_id(unit.now());
            unit.tx().execute(
                sqlx::query("INSERT INTO org_members (id, org_id, user_id, role) VALUES ($1, $2, $3, 'member')")
                    .bind(member)
                    .bind(org)
                    .bind(id),
            )?;
            Ok(())
        });
        made.await
            .unwrap_or_else(|error| panic!("{}: {error}", self.kind));
        Principal {
            who: Who::User(id),
            org,
            role,
            teams: team.into_iter().collect(),
            actor: ActorId(0),
            mfa: true,
            narrowed: None,
            ip: Some("203.0.113.7".parse().expect("an address")),
            request: Some("r-1".into()),
        }
    }

    /// A client of the house.
    pub async fn client(&self, name: &'static str) -> Principal {
        self.person(HOUSE, Role::EndUser, None, name).await
    }

    /// Runs SQL as the system.
    pub async fn system<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    ) -> T {
        let done = self.db().write(&Actor::SYSTEM, work).await;
        done.unwrap_or_else(|error| panic!("{}: {error}", self.kind))
    }

    /// Counts by a query of one number, as this person sees it.
    pub async fn count(&self, by: &Principal, sql: &'static str) -> i64 {
        let actor = by.db_actor();
        let counted = self
            .db()
            .read(&actor, move |tx| tx.scalar(sqlx::query_scalar(sql)));
        counted
            .await
            .unwrap_or_else(|error| panic!("{}: {sql}: {error}", self.kind))
    }

    /// Tries a statement as this person: the rows it changed, or the SQLSTATE of the refusal.
    pub async fn attempt(&self, by: &Principal, sql: String) -> Result<u64, String> {
        let actor = by.db_actor();
        let tried = self
            .db()
            .write(&actor, move |tx| tx.execute(Tx::composed(sql)));
        tried
            .await
            .map_err(|error| error.sqlstate().unwrap_or_else(|| error.to_string()))
    }

    /// Does as the owner of the database what nobody else can: whoever has its password.
    pub async fn intrude(&self, sql: String) {
        let done = self.db().own(move |tx| tx.script(sql)).await;
        done.unwrap_or_else(|error| panic!("{}: {error}", self.kind));
    }
}
