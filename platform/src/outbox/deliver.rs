use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use siaga_risk::units::SECOND_NS;

use super::event::Stored;
use super::policy::Outcome;
use crate::db::{DbError, Tx};
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::{Platform, Unit};
use crate::values::bound;

/// An effect under way.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<(), EffectError>> + Send + 'a>>;

/// A consumer that works in the database.
pub trait Subscriber: Send + Sync + 'static {
    /// Its name in the receipts; never changed.
    fn name(&self) -> &'static str;

    /// Whether it wants events of this kind.
    fn wants(&self, kind: &str) -> bool;

    /// Applies an event, as the system in the event's organisation. Called once for each event that
    /// committed; what it emits comes behind the event.
    ///
    /// # Errors
    /// A rule's refusal ends the event as failed (a person looks); the database's is tried again.
    fn apply(&self, unit: &mut Unit<'_, '_>, event: &Stored) -> Result<(), Refusal>;
}

/// A consumer that works outside of the database.
pub trait Effect: Send + Sync + 'static {
    /// Its name in the receipts; never changed.
    fn name(&self) -> &'static str;

    /// Whether it wants events of this kind.
    fn wants(&self, kind: &str) -> bool;

    /// Does it. After a crash it may be asked again: use the event's id as the key by which the other
    /// side knows that it was done.
    fn run<'a>(&'a self, platform: &'a Platform, event: &'a Stored) -> Running<'a>;
}

/// Why an effect did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EffectError {
    /// The other side did not answer; again later.
    #[error("{0}; it is tried again")]
    Later(String),
    /// It will never go; a person looks.
    #[error("{0}")]
    Never(String),
}

impl From<Refusal> for EffectError {
    fn from(refusal: Refusal) -> Self {
        match &refusal {
            Refusal::Db(error) if error.may_retry() || matches!(error, DbError::Closed) => {
                EffectError::Later(refusal.to_string())
            }
            _ => EffectError::Never(refusal.to_string()),
        }
    }
}

/// Everybody who wants events, in the order in which they get them.
#[derive(Clone, Default)]
pub struct Handlers {
    /// First these.
    pub subscribers: Vec<Arc<dyn Subscriber>>,
    /// Then these.
    pub effects: Vec<Arc<dyn Effect>>,
}

/// An effect that took so long to fail is not asked again in the same round: one server that does not answer
/// would keep everybody's events waiting, its time limit for each of them.
const STUCK_NS: u64 = SECOND_NS;

/// Hands one event to all who want it and have it not yet, but for effects that are `stuck`. Says how that
/// ended, and the first reason.
pub(super) async fn deliver(
    platform: &Platform,
    handlers: &Handlers,
    event: &Stored,
    stuck: &mut Vec<&'static str>,
) -> (Outcome, Option<String>) {
    let had = match receipts(platform, event).await {
        Ok(had) => had,
        Err(refusal) => return (Outcome::Later, Some(refusal.to_string())),
    };
    let missing = |name: &str| !had.iter().any(|had| had == name);
    let (mut outcome, mut reason) = (Outcome::Taken, None);
    let mut note = |name: &str, error: EffectError| {
        let worse = match &error {
            EffectError::Later(_) => Outcome::Later,
            EffectError::Never(_) => Outcome::Never,
        };
        // Whoever may still succeed keeps the event alive.
        if outcome != Outcome::Later {
            outcome = worse;
        }
        reason.get_or_insert_with(|| format!("{name}: {error}"));
    };
    for subscriber in &handlers.subscribers {
        if subscriber.wants(&event.kind)
            && missing(subscriber.name())
            && let Err(refusal) = apply(platform, Arc::clone(subscriber), event).await
        {
            note(subscriber.name(), refusal.into());
        }
    }
    for effect in &handlers.effects {
        if !effect.wants(&event.kind) || !missing(effect.name()) {
            continue;
        }
        if stuck.contains(&effect.name()) {
            note(
                effect.name(),
                EffectError::Later("it does not answer now".into()),
            );
            continue;
        }
        let began = platform.now();
        let done = match effect.run(platform, event).await {
            Ok(()) => receive(platform, effect.name(), event)
                .await
                .map_err(EffectError::from),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            if matches!(error, EffectError::Later(_)) && platform.now().since(began) >= STUCK_NS {
                stuck.push(effect.name());
            }
            note(effect.name(), error);
        }
    }
    (outcome, reason)
}

async fn receipts(platform: &Platform, event: &Stored) -> Result<Vec<String>, Refusal> {
    let id = event.id;
    let system = Principal::system("outbox");
    let rows = platform.read(&system, move |tx| {
        let query =
            sqlx::query_as("SELECT consumer FROM event_receipts WHERE event_id = $1 LIMIT 1000");
        Ok(tx.all::<(String,)>(query.bind(id))?)
    });
    Ok(rows.await?.into_iter().map(|(name,)| name).collect())
}

/// Applies an event once: the receipt is taken first, and a second one finds it there.
async fn apply(
    platform: &Platform,
    subscriber: Arc<dyn Subscriber>,
    event: &Stored,
) -> Result<(), Refusal> {
    let by = Principal::system(subscriber.name()).within(event.org);
    let event = event.clone();
    platform
        .command(&by, move |unit| {
            let now = unit.now();
            if take_receipt(unit.tx(), subscriber.name(), &event, now)? {
                subscriber.apply(unit, &event)?;
            }
            Ok(())
        })
        .await
}

async fn receive(platform: &Platform, name: &'static str, event: &Stored) -> Result<(), Refusal> {
    let by = Principal::system(name).within(event.org);
    let event = event.clone();
    platform
        .command(&by, move |unit| {
            let now = unit.now();
            take_receipt(unit.tx(), name, &event, now)?;
            Ok(())
        })
        .await
}

/// True when this transaction is the first to have the event.
fn take_receipt(
    tx: &mut Tx<'_>,
    name: &'static str,
    event: &Stored,
    now: siaga_risk::units::Ts,
) -> Result<bool, DbError> {
    let taken = tx.execute(
        sqlx::query("INSERT INTO event_receipts (consumer, event_id, applied_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(event.id)
            .bind(bound(now)),
    )?;
    Ok(taken == 1)
}
