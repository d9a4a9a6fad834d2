use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::request::{self, Request, Row, SUBJECT_READ, Status, columns, of_row};
use super::{Done, Erased, Keys, Store, documents, lists, notes};
use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{ERASED, HELD, NOT_FOUND, Refusal};
use crate::subjects::{self, Ended, KeyClass};
use crate::unit::{Platform, Unit};
use crate::values::bound;

/// Requests read at once by the job.
const ROUND: i64 = 100;

/// Why the key of what the law keeps outlives an erasure that kept nothing else.
const HOLD_STANDS: &str = "a legal hold on the person is in force: its reason is sealed under the key, which ends with the last hold";

/// All data of a subject as JSON, and the record that they were given out.
///
/// # Errors
/// Not allowed, erased, or the database.
pub async fn export(
    platform: &Platform,
    by: &Principal,
    stores: &[Arc<dyn Store>],
    subject: Uuid,
) -> Result<Value, Refusal> {
    request::may(platform, by, SUBJECT_READ, subject).await?;
    let (by, stores) = (by.elevated(), stores.to_vec());
    // Before the unit, which nobody else should have to wait for.
    let mut long = Vec::with_capacity(stores.len());
    for store in &stores {
        long.push(lists::read(platform, &by, store.as_ref(), subject).await?);
    }
    platform
        .command(&by, move |unit| {
            let keys = keys_of(unit, subject)?;
            let mut all = Map::new();
            for (store, lists) in stores.iter().zip(long) {
                let held = with(store.export(unit.tx(), &keys, subject)?, lists);
                if !held.is_null() {
                    all.insert(store.name().to_owned(), held);
                }
            }
            if all.is_empty() {
                return Err(NOT_FOUND.because("nothing is kept about this person"));
            }
            let now = unit.now();
            unit.tx().execute(
                sqlx::query(
                    "UPDATE subject_requests SET status = 'done', done_at = $2 WHERE subject_id = $1 AND kind = 'export' AND status = 'open'",
                )
                .bind(subject)
                .bind(bound(now)),
            )?;
            let change = Change::new(Action::Access, "subject", subject).about(subject);
            unit.audit(change.field("export", Value::Null, stores.len()));
            Ok(json!({"subject": subject, "made_us": now.0 / 1_000, "data": all}))
        })
        .await
}

/// What a store exports, with its lists.
fn with(held: Value, lists: Map<String, Value>) -> Value {
    let mut all = match held {
        Value::Object(fields) => fields,
        held if lists.is_empty() => return held,
        _ => Map::new(),
    };
    all.extend(lists);
    Value::Object(all)
}

/// Does one erasure; a hold or a store that refuses leaves it held with the reason.
///
/// # Errors
/// The database.
pub async fn erase(
    platform: &Platform,
    stores: &[Arc<dyn Store>],
    request: &Request,
) -> Result<Status, Refusal> {
    let by = Principal::system("erasure").within(request.org);
    let (owned, list) = (request.clone(), stores.to_vec());
    let done = platform
        .command(&by, move |unit| erase_now(unit, &list, &owned))
        .await;
    match done {
        Ok(()) => Ok(Status::Done),
        Err(Refusal::Said(said)) => {
            let (id, reason) = (request.id, said.detail);
            let held = platform.command(&by, move |unit| {
                let update = sqlx::query("UPDATE subject_requests SET status = 'held', reason = $2 WHERE id = $1 AND status IN ('open', 'held')");
                unit.tx().execute(update.bind(id).bind(reason))?;
                Ok(())
            });
            held.await?;
            Ok(Status::Held)
        }
        Err(error) => Err(error),
    }
}

/// Does what is open; returns how many were done. Called by a job. One that fails does not keep the others waiting.
///
/// # Errors
/// The list of requests cannot be read; what is left is done the next time.
pub async fn erase_due(platform: &Platform, stores: &[Arc<dyn Store>]) -> Result<u64, Refusal> {
    const OPEN: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM subject_requests WHERE kind = 'erasure' AND status IN ('open', 'held') AND id > $1 ORDER BY id LIMIT $2"
    );
    let (system, platform) = (Principal::system("erasure"), platform.background());
    let (mut done, mut behind) = (0, Uuid::nil());
    loop {
        let after = behind;
        let open = platform.read(&system, move |tx| {
            Ok(tx.all::<Row>(sqlx::query_as(OPEN).bind(after).bind(ROUND))?)
        });
        let open = open.await?;
        let Some(last) = open.last() else {
            return Ok(done);
        };
        behind = last.0;
        for request in open.into_iter().map(of_row) {
            let ended = erase(&platform, stores, &request).await;
            match ended {
                Ok(Status::Done) => {
                    done += 1;
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(request = %request.id, "an erasure is tried again: {error}")
                }
            }
            if request.due <= platform.now() {
                tracing::error!(request = %request.id, "an erasure is not done after {} days", request::DAYS_MAX);
            }
        }
    }
}

fn erase_now(
    unit: &mut Unit<'_, '_>,
    stores: &[Arc<dyn Store>],
    request: &Request,
) -> Result<(), Refusal> {
    let subject = request.subject;
    let waits: Option<(String,)> = unit.tx().optional(
        sqlx::query_as("SELECT status FROM subject_requests WHERE id = $1 AND status IN ('open', 'held') FOR UPDATE").bind(request.id),
    )?;
    if waits.is_none() {
        // Another program of this database was faster.
        return Ok(());
    }
    let held: bool = unit
        .tx()
        .scalar(sqlx::query_scalar("SELECT app_held('erasure', $1)").bind(subject))?;
    if held {
        return Err(HELD.because(
            "a legal hold keeps this person's data; it is tried again when the hold is lifted",
        ));
    }
    // While it can still be read who the person is.
    let words = words_of(unit, stores, subject)?;
    let mut lines: Vec<(&'static str, Erased)> = Vec::with_capacity(stores.len() + 5);
    for store in stores {
        lines.push((store.name(), store.erase(unit, subject)?));
    }
    // Units that write about the person now hold the key: they are waited for here, and none seals anything afterwards. The key comes
    // behind the rows, as in every unit, so that no two wait for each other.
    let gone = unit.destroy_key(subject, KeyClass::Personal)?;
    // What those units wrote goes too.
    for (store, (_, line)) in stores.iter().zip(&mut lines) {
        let written_since = store.erase(unit, subject)?;
        if line.done == Done::NothingFound {
            *line = written_since;
        }
    }
    lines.push((notes::NAME, notes::erase(unit, &words)?));
    lines.push((documents::NAME, documents::erase(unit, &words)?));
    lines.push(("cache", forgotten()));
    let kept = lines.iter().any(|(_, line)| line.done == Done::KeptByLaw);
    lines.push((
        "key.personal",
        Erased::rows(Done::KeyDestroyed, u64::from(gone)),
    ));
    if !kept {
        let line = match unit.end_statutory_key(subject)? {
            Ended::Destroyed => Erased::rows(Done::KeyDestroyed, 1),
            Ended::WithHolds => Erased::kept(1, HOLD_STANDS),
            Ended::Nothing => Erased::rows(Done::KeyDestroyed, 0),
        };
        lines.push(("key.statutory", line));
    }
    let now = unit.now();
    for (store, line) in &lines {
        unit.tx().execute(
            sqlx::query("INSERT INTO erasure_ledger (request_id, store, action, items, reason, done_at) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(request.id)
                .bind(*store)
                .bind(line.done.name())
                .bind(i64::try_from(line.items).unwrap_or(i64::MAX))
                .bind(line.reason.as_deref())
                .bind(bound(now)),
        )?;
    }
    let update = sqlx::query(
        "UPDATE subject_requests SET status = 'done', reason = NULL, done_at = $2 WHERE id = $1",
    );
    unit.tx()
        .execute(update.bind(request.id).bind(bound(now)))?;
    unit.audit(Change::new(Action::Delete, "subject", subject).field(
        "stores",
        Value::Null,
        lines.len(),
    ));
    let payload = json!({"subject_id": subject});
    unit.emit(Event::new("subject.erased", "subject", subject, payload).about(subject));
    Ok(())
}

/// The person's profile goes from the cache behind the commit, and what searches found of them is looked at anew.
fn forgotten() -> Erased {
    Erased {
        done: Done::Deleted,
        items: 0,
        reason: Some(
            "copies are forgotten with the end of the data, and none outlives the hour".into(),
        ),
    }
}

/// A store, what was done there, to how many rows, and why something was kept.
pub type LedgerRow = (String, String, i64, Option<String>);

/// What an erasure did in each store.
///
/// # Errors
/// The database.
pub fn ledger(tx: &mut Tx<'_>, request: Uuid) -> Result<Vec<LedgerRow>, Refusal> {
    // The ledger itself belongs to no organisation; the request it is of does.
    let known: bool = tx.scalar(
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM subject_requests WHERE id = $1)")
            .bind(request),
    )?;
    if !known {
        return Err(NOT_FOUND.because("there is no such request, or not for you"));
    }
    let query = sqlx::query_as(
        "SELECT store, action, items, reason FROM erasure_ledger WHERE request_id = $1 ORDER BY store LIMIT 100",
    );
    Ok(tx.all(query.bind(request))?)
}

/// The keys that are left of a subject.
fn keys_of(unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Keys, Refusal> {
    let keyring = unit.keyring_shared();
    let mut stored = |class| unless_erased(subjects::stored(unit.tx(), &keyring, subject, class));
    Ok(Keys {
        personal: stored(KeyClass::Personal)?,
        statutory: stored(KeyClass::Statutory)?,
    })
}

/// What names the person, as the stores know it. A store that cannot be read holds no erasure back.
fn words_of(
    unit: &mut Unit<'_, '_>,
    stores: &[Arc<dyn Store>],
    subject: Uuid,
) -> Result<notes::Words, Refusal> {
    let keys = keys_of(unit, subject)?;
    let mut words = notes::Words::default();
    for store in stores {
        if !notes::KNOWING.contains(&store.name()) {
            continue;
        }
        match store.export(unit.tx(), &keys, subject) {
            Ok(held) => words.gather(&held),
            Err(Refusal::Said(said)) => {
                tracing::warn!(
                    store = store.name(),
                    "what names a person whose data end is not known here: {}",
                    said.detail
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(words)
}

/// Reads a key for an export: one that was destroyed has nothing left to open.
fn unless_erased<T>(found: Result<Option<T>, Refusal>) -> Result<Option<T>, Refusal> {
    match found {
        Err(refusal) if refusal.fault() == Some(ERASED) => Ok(None),
        found => found,
    }
}
