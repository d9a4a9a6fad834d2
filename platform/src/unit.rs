//! The one way to write: a unit is one transaction that holds the change, its audit rows and its events.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use siaga_risk::units::Ts;
use tokio::sync::watch;
use uuid::Uuid;

use crate::audit::{self, Change};
use crate::cache::{self, Cache, Key, SEARCHES};
use crate::core_door::CoreDoor;
use crate::crypto::{Keyring, Sealed, SubjectKey};
use crate::db::{Db, DbError, Tx};
use crate::news::{self, News, Part};
use crate::outbox::{self, Event};
use crate::people::Principal;
use crate::refusal::{CONFLICT, ERASED, KEY_REUSED, Refusal};
use crate::spread::{self, Word};
use crate::subjects::{self, Ended, KeyClass};
use crate::values::bound;

/// What remembered answers are bound to.
const ANSWER: &str = "idempotency_keys.answer";

/// The other programs are told no more often that what can be found changed: each word is a transaction.
const TELL_EVERY: Duration = Duration::from_millis(50);

/// What every engine works with; cloning is cheap.
#[derive(Clone)]
pub struct Platform {
    db: Db,
    keyring: Arc<Keyring>,
    clock: Arc<dyn Fn() -> Ts + Send + Sync>,
    /// What others' clocks show; the program's own never goes back and may be ahead.
    wall: Arc<dyn Fn() -> Ts + Send + Sync>,
    core: Arc<dyn CoreDoor>,
    cache: Cache,
    /// Counts units that wrote events, so that the publisher looks at once.
    nudge: watch::Sender<u64>,
    /// Counts units that changed something of a part of the house.
    news: Arc<News>,
}

impl Platform {
    /// The platform over a database that is migrated, with a cache in the process.
    pub fn new(
        db: Db,
        keyring: Arc<Keyring>,
        clock: Arc<dyn Fn() -> Ts + Send + Sync>,
        core: Arc<dyn CoreDoor>,
    ) -> Self {
        Self {
            db,
            keyring,
            wall: Arc::clone(&clock),
            clock,
            core,
            cache: Cache::new(None),
            nudge: watch::Sender::new(0),
            news: Arc::default(),
        }
    }

    /// The program's now. Handlers and jobs read it once and pass it on; decisions take it as an argument.
    pub fn now(&self) -> Ts {
        (self.clock)()
    }

    /// The same platform where others' clocks show this time: authenticator apps and providers count by it.
    pub fn with_wall(self, wall: Arc<dyn Fn() -> Ts + Send + Sync>) -> Self {
        Self { wall, ..self }
    }

    /// The time of day as others have it.
    pub fn wall(&self) -> Ts {
        (self.wall)()
    }

    /// The door to the database, for what is no unit: consumers and jobs of the ground.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The keys.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// The core.
    pub fn core(&self) -> &Arc<dyn CoreDoor> {
        &self.core
    }

    /// The same platform with this cache.
    pub fn with_cache(self, cache: Cache) -> Self {
        Self { cache, ..self }
    }

    /// What is read often.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Moves when events were written.
    pub fn nudges(&self) -> watch::Receiver<u64> {
        self.nudge.subscribe()
    }

    /// Moves when something of this part changed, by this program's own hand.
    pub fn news(&self, part: Part) -> u64 {
        self.news.version(part)
    }

    /// The same platform for work nobody waits for.
    pub fn background(&self) -> Self {
        Self {
            db: self.db.background(),
            ..self.clone()
        }
    }

    /// Reads for `by`, who sees what row-level security lets them.
    ///
    /// # Errors
    /// What `work` returned, or the database.
    pub async fn read<T, F>(&self, by: &Principal, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, Refusal> + Send + 'static,
    {
        let actor = by.db_actor();
        let read = self
            .db
            .read(&actor, move |tx| work(tx).map_err(DbError::from));
        Ok(read.await?)
    }

    /// Writes for `by`: what `work` did, its audit rows and its events are committed together, or
    /// nothing is. To count something and refuse all the same (a wrong password), return the refusal
    /// inside of `Ok`.
    ///
    /// # Errors
    /// What `work` returned, or the database.
    pub async fn command<T, F>(&self, by: &Principal, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&mut Unit<'_, '_>) -> Result<T, Refusal> + Send + 'static,
    {
        let (now, wall) = (self.now(), self.wall());
        let (owned, keyring) = (by.clone(), Arc::clone(&self.keyring));
        let actor = by.db_actor();
        let written = self.db.write(&actor, move |tx| {
            let mut unit = Unit::new(tx, owned, (now, wall), keyring);
            let value = work(&mut unit)?;
            let wrote = unit.finish()?;
            Ok((value, wrote))
        });
        let (value, wrote) = written.await?;
        self.tell(wrote).await;
        Ok(value)
    }

    /// Tells what is committed, to the end: whoever asked may be gone before the cache has answered.
    async fn tell(&self, wrote: Wrote) {
        let Wrote {
            wakes,
            touched,
            people,
            findable,
        } = wrote;
        for part in touched {
            self.news.tell(part);
        }
        if wakes {
            self.nudge
                .send_modify(|count| *count = count.wrapping_add(1));
        }
        if people.is_empty() && !findable {
            return;
        }
        let platform = self.clone();
        let forgetting = tokio::spawn(async move {
            for person in people {
                platform.cache.forget(&Key::Profile(person)).await;
            }
            if findable {
                platform.forget_searches().await;
            }
        });
        if let Err(error) = forgetting.await {
            tracing::warn!("a change was not forgotten by the cache to the end: {error}");
        }
    }

    /// What can be found changed: nobody gets an answer of before. With a second level the programs share its
    /// word for that; without one the others are told.
    async fn forget_searches(&self) {
        self.cache.forget_searches().await;
        if self.cache.is_shared() || !self.db.is_server() || !self.cache.begin_telling() {
            return;
        }
        let platform = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(TELL_EVERY).await;
            platform.cache.end_telling();
            let word = [Word::Forget(SEARCHES.to_owned())];
            if let Err(error) = spread::say(&platform, &word).await {
                tracing::debug!("a change of what can be found was not told: {error}");
            }
        });
    }

    /// As [`Platform::command`], once per key: a repeated request gets the first answer again.
    ///
    /// # Errors
    /// As [`Platform::command`]; [`KEY_REUSED`] when the key came with another request.
    pub async fn command_once<T, F>(
        &self,
        by: &Principal,
        once: Option<Once>,
        work: F,
    ) -> Result<T, Refusal>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnOnce(&mut Unit<'_, '_>) -> Result<T, Refusal> + Send + 'static,
    {
        self.command_once_for(by, by, once, work).await
    }

    /// As [`Platform::command_once`], for what the program does as itself at somebody's word: `asker` is whose key it is.
    ///
    /// # Errors
    /// As [`Platform::command_once`].
    pub async fn command_once_for<T, F>(
        &self,
        acting: &Principal,
        asker: &Principal,
        once: Option<Once>,
        work: F,
    ) -> Result<T, Refusal>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnOnce(&mut Unit<'_, '_>) -> Result<T, Refusal> + Send + 'static,
    {
        let Some(once) = once else {
            return self.command(acting, work).await;
        };
        let asker = asker.clone();
        self.command(acting, move |unit| {
            if let Some(answer) = unit.remembered(&asker, &once)? {
                return Ok(answer);
            }
            let value = work(unit)?;
            unit.remember(&asker, &once, &value)?;
            Ok(value)
        })
        .await
    }
}

/// A request that happens once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The `Idempotency-Key` header.
    pub key: String,
    /// Method and path pattern.
    pub route: &'static str,
    /// SHA-256 of the request's body and of what the path names.
    pub request: [u8; 32],
}

/// What has to be told behind the commit.
struct Wrote {
    /// The publisher should look.
    wakes: bool,
    /// What changed something.
    touched: Vec<Part>,
    /// Whose profiles are old.
    people: Vec<Uuid>,
    /// Something that can be found changed.
    findable: bool,
}

/// An open unit.
pub struct Unit<'t, 'c> {
    tx: &'t mut Tx<'c>,
    by: Principal,
    now: Ts,
    wall: Ts,
    keyring: Arc<Keyring>,
    keys: HashMap<(Uuid, KeyClass), SubjectKey>,
    changes: Vec<Change>,
    events: Vec<Event>,
    /// Something became due without an event of this unit.
    wakes: bool,
    /// Something that can be found changed.
    findable: bool,
}

impl<'t, 'c> Unit<'t, 'c> {
    fn new(
        tx: &'t mut Tx<'c>,
        by: Principal,
        (now, wall): (Ts, Ts),
        keyring: Arc<Keyring>,
    ) -> Self {
        Self {
            tx,
            by,
            now,
            wall,
            keyring,
            keys: HashMap::new(),
            changes: Vec::new(),
            events: Vec::new(),
            wakes: false,
            findable: false,
        }
    }

    /// The transaction.
    pub fn tx(&mut self) -> &mut Tx<'c> {
        self.tx
    }

    /// Who acts.
    pub fn by(&self) -> &Principal {
        &self.by
    }

    /// When: one instant for the whole unit.
    pub fn now(&self) -> Ts {
        self.now
    }

    /// When, as others' clocks have it.
    pub fn wall(&self) -> Ts {
        self.wall
    }

    /// The keys, for blind indexes.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    pub(crate) fn keyring_shared(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring)
    }

    /// Puts an audit row at the end of the transaction.
    pub fn audit(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Puts an event into the outbox.
    pub fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Has the publisher look at once, though this unit emits nothing.
    pub(crate) fn wake(&mut self) {
        self.wakes = true;
    }

    /// Has searches of before forgotten: an entry changed, or who sees it.
    pub(crate) fn findable_changed(&mut self) {
        self.findable = true;
    }

    /// The key of a subject, made at its first use. Destroyed when the person's data are erased.
    ///
    /// # Errors
    /// [`ERASED`] when it was destroyed, [`crate::refusal::SEAL`] when the keyring does not open it.
    pub fn key(&mut self, subject: Uuid) -> Result<SubjectKey, Refusal> {
        self.key_of(subject, KeyClass::Personal)
    }

    /// The key of what the law says to keep (documents and decisions of KYC, cases of AML), made at its
    /// first use. It outlives an erasure until the term is over.
    ///
    /// # Errors
    /// As [`Unit::key`].
    pub fn statutory_key(&mut self, subject: Uuid) -> Result<SubjectKey, Refusal> {
        self.key_of(subject, KeyClass::Statutory)
    }

    fn key_of(&mut self, subject: Uuid, class: KeyClass) -> Result<SubjectKey, Refusal> {
        if let Some(key) = self.keys.get(&(subject, class)) {
            return Ok(key.clone());
        }
        let key = match subjects::held(self.tx, &self.keyring, subject, class)? {
            Some(key) => key,
            None => subjects::make(
                self.tx,
                &self.keyring,
                self.by.org,
                subject,
                class,
                self.now,
            )?,
        };
        self.keys.insert((subject, class), key.clone());
        Ok(key)
    }

    /// Destroys a key of a subject: what is sealed under it is unreadable from the commit on, in every
    /// copy. Only the system may. True when there was one.
    ///
    /// # Errors
    /// The database.
    pub(crate) fn destroy_key(&mut self, subject: Uuid, class: KeyClass) -> Result<bool, Refusal> {
        self.keys.remove(&(subject, class));
        Ok(subjects::destroy(self.tx, subject, class, self.now)?)
    }

    /// Ends the key of what the law says to keep, where nothing needs it any more: at once, or with the last hold on the subject. Only the
    /// system may.
    ///
    /// # Errors
    /// The database.
    pub(crate) fn end_statutory_key(&mut self, subject: Uuid) -> Result<Ended, Refusal> {
        self.keys.remove(&(subject, KeyClass::Statutory));
        Ok(subjects::end_statutory(self.tx, subject, self.now)?)
    }

    /// The answer that was given to this request before. Holds off others with the same key to the end of the unit.
    ///
    /// # Errors
    /// [`KEY_REUSED`] when the key came with another request; the database.
    pub(crate) fn remembered<T: DeserializeOwned>(
        &mut self,
        asker: &Principal,
        once: &Once,
    ) -> Result<Option<T>, Refusal> {
        // Two requests with one key at the same moment: the second waits here for the first.
        self.tx.execute(
            sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind(format!(
                "{} {} {}",
                asker.audit_name(),
                once.route,
                once.key
            )),
        )?;
        let row: Option<(Vec<u8>, Vec<u8>)> = self.tx.optional(
            sqlx::query_as("SELECT request_hash, answer_sealed FROM idempotency_keys WHERE user_id = $1 AND route = $2 AND key = $3")
                .bind(asker.audit_name())
                .bind(once.route)
                .bind(&once.key),
        )?;
        match row {
            None => Ok(None),
            Some((request, _)) if request != once.request => {
                Err(KEY_REUSED.field("Idempotency-Key", "use a new key for a new request"))
            }
            Some((_, answer)) => {
                let key = self.key(asked_by(asker)?)?;
                let answer = key.open(ANSWER, &Sealed::from_bytes(answer));
                let answer = answer.map_err(|error| {
                    DbError::Unexpected(format!("a remembered answer: {error}"))
                })?;
                let answer = serde_json::from_str(&answer);
                let answer = answer.map_err(|error| {
                    DbError::Unexpected(format!("a remembered answer: {error}"))
                })?;
                Ok(Some(answer))
            }
        }
    }

    /// Keeps the answer to a request for when it comes again.
    ///
    /// # Errors
    /// The database.
    pub(crate) fn remember<T: Serialize>(
        &mut self,
        asker: &Principal,
        once: &Once,
        value: &T,
    ) -> Result<(), Refusal> {
        let answer = serde_json::to_string(value);
        let answer = answer
            .map_err(|error| DbError::Unexpected(format!("an answer to remember: {error}")))?;
        let sealed = self.key(asked_by(asker)?)?.seal(ANSWER, &answer);
        self.tx.execute(
            sqlx::query("INSERT INTO idempotency_keys (user_id, key, route, request_hash, answer_sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(asker.audit_name())
                .bind(&once.key)
                .bind(once.route)
                .bind(&once.request[..])
                .bind(sealed.as_bytes())
                .bind(bound(self.now)),
        )?;
        Ok(())
    }

    /// Writes events and audit rows.
    fn finish(mut self) -> Result<Wrote, Refusal> {
        let changes = std::mem::take(&mut self.changes);
        let touched = news::touched(&changes, &self.events);
        let mut rows = Vec::with_capacity(changes.len());
        for change in changes {
            let key = match change.subject {
                Some(subject) => Some(self.key(subject)).transpose(),
                None => Ok(None),
            };
            // The record of an erasure names a subject whose key is gone.
            let key = match key {
                Err(refusal) if refusal.fault() == Some(ERASED) => None,
                other => other?,
            };
            rows.push(audit::Row::sealed(change, key.as_ref()));
        }
        let ip_key = match self.by.user() {
            Some(user) if self.by.ip.is_some() && !rows.is_empty() => match self.key(user) {
                Ok(key) => Some(key),
                Err(Refusal::Said(_)) => None,
                // The transaction takes nothing more: what follows would hide why.
                Err(error) => return Err(error),
            },
            _ => None,
        };
        outbox::put(self.tx, &self.by, &self.events, self.now)?;
        audit::write(self.tx, &self.by, ip_key.as_ref(), &rows, self.now)?;
        Ok(Wrote {
            wakes: self.wakes || !self.events.is_empty(),
            touched,
            people: cache::people_of(&self.events),
            findable: self.findable,
        })
    }
}

/// Whose key a remembered answer is sealed under.
fn asked_by(asker: &Principal) -> Result<Uuid, Refusal> {
    let user = asker.user();
    user.ok_or_else(|| CONFLICT.because("the program itself needs no Idempotency-Key"))
}

/// The stored key of a subject; `None` when it has none yet.
///
/// # Errors
/// [`ERASED`] when it was destroyed, [`crate::refusal::SEAL`] when the keyring does not open it.
pub fn subject_key(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    subject: Uuid,
) -> Result<Option<SubjectKey>, Refusal> {
    subjects::stored(tx, keyring, subject, KeyClass::Personal)
}

/// The stored keys of many subjects, by one statement: who has none, or had it destroyed, is not among them.
///
/// # Errors
/// [`crate::refusal::SEAL`] when the keyring does not open one; the database.
pub fn subject_keys(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    subjects: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, SubjectKey>, Refusal> {
    let subjects: Vec<Uuid> = subjects.into_iter().collect();
    subjects::stored_of_all(tx, keyring, &subjects, KeyClass::Personal)
}

/// As [`subject_key`], of what the law says to keep.
///
/// # Errors
/// As [`subject_key`].
pub fn statutory_key(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    subject: Uuid,
) -> Result<Option<SubjectKey>, Refusal> {
    subjects::stored(tx, keyring, subject, KeyClass::Statutory)
}
