//! The store at work: its consumers of the output log, the dump of platform data and the upkeep.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use siaga_alerts::engine::Engine;
use siaga_alerts::text::{Names, Numbers};
use siaga_platform::consumer::{ConsumeError, Consumer, Projection, read_cursor};
use siaga_platform::db::{Actor, Db, Tx};
use siaga_platform::events::CoreEvents;
use siaga_platform::source::{LogSource, OutputSource as _};
use siaga_risk::event::OutputKey;
use siaga_risk::journal::{JournalError, OutputConsumers};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::open::Store;
use super::projection::{
    self, AlertHistory, Held, Holders, Holdings, Kept, Pieces, ReadModel, read_engine,
};
use super::{dump, upkeep};

/// Name of the alerts' cursor, whatever names their texts.
const ALERTS: &str = AlertHistory::<Numbers>::NAME;

/// How far each consumer is, or why it stands still.
pub type Progress = BTreeMap<&'static str, Result<OutputKey, String>>;

/// What the store needs of the program.
pub struct Supplies<N> {
    /// The output log.
    pub log: OutputConsumers,
    /// Grows with the log.
    pub grown: watch::Receiver<u64>,
    /// True when the program stops.
    pub stop: watch::Receiver<bool>,
    /// Names for the texts of alerts.
    pub names: N,
    /// The alert engine as the alert desk kept it, or a fresh one: used where the database has none.
    pub engine: Engine,
    /// What is open in the core: used where the database does not know who holds what.
    pub holdings: Arc<Holdings>,
    /// The program's clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// How old bars of one second may become, hours.
    pub keep_second_hours: u32,
}

/// The running consumers.
pub struct Running {
    tasks: JoinSet<()>,
    progress: watch::Receiver<Progress>,
}

impl Running {
    /// How far the consumers are; changes with every batch.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Waits until everything in the log is applied after `stop` turned true.
    pub async fn finish(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Starts the consumers of the read model, of the events, of the alerts and of what holders are told, the dumps and the
/// upkeep.
///
/// A consumer that has to be rebuilt does not start, says so in [`Running::progress`], and keeps nobody else back.
///
/// # Errors
/// The database did not answer.
pub async fn start<N>(store: &Store, supplies: Supplies<N>) -> Result<Running, ConsumeError>
where
    N: Names + Send + Sync + 'static,
{
    let Supplies {
        log,
        grown,
        stop,
        names,
        engine,
        holdings,
        now,
        keep_second_hours,
    } = supplies;
    let db = &store.db;
    let (told, progress) = watch::channel(Progress::new());
    let told = Arc::new(told);
    let mut tasks = JoinSet::new();
    let projections: [(_, Result<Prepared, ConsumeError>); 3] = [
        (ReadModel::NAME, Ok(Prepared::stateless(ReadModel))),
        (CoreEvents.name(), Ok(Prepared::stateless(CoreEvents))),
        (
            AlertHistory::<N>::NAME,
            alert_history(db, &log, engine, names)
                .await
                .map(|alerts| Prepared {
                    kept: alerts.kept(),
                    projection: Arc::new(alerts),
                }),
        ),
    ];
    let mut opened = Vec::with_capacity(projections.len() + 1);
    for (name, prepared) in projections {
        let consumer = match prepared {
            Ok(Prepared { projection, kept }) => {
                let source = Held::new(LogSource::new(&log, name), kept, OutputKey::default());
                Consumer::open(db, projection, Box::new(source)).await
            }
            Err(error) => Err(error),
        };
        opened.push((name, consumer));
    }
    opened.push((Holders::NAME, holders(db, &log, holdings).await));
    for (name, opened) in opened {
        let tell = Tell(name, Arc::clone(&told));
        match opened {
            Ok(consumer) => {
                tell.at(consumer.cursor());
                tasks.spawn(consume(consumer, grown.clone(), stop.clone(), tell));
            }
            Err(ConsumeError::Source(error)) => tell.stopped(&error),
            Err(error) => return Err(error),
        }
    }
    let (kept_up, clock, until) = (db.clone(), Arc::clone(&now), stop.clone());
    tasks.spawn(async move {
        upkeep::keep(&kept_up, keep_second_hours, move || clock(), until).await;
    });
    if let Some(file) = store.dump_file.clone() {
        let db = db.clone();
        tasks.spawn(async move {
            if let Err(error) = dump::keep(&db, &file, || now(), stop).await {
                tracing::warn!("the last dump of platform data failed: {error}");
            }
        });
    }
    Ok(Running { tasks, progress })
}

/// The consumer that tells holders; a database that does not know who holds what learns it of the core first.
async fn holders(
    db: &Db,
    log: &OutputConsumers,
    holdings: Arc<Holdings>,
) -> Result<Consumer, ConsumeError> {
    let mut source = Pieces(LogSource::new(log, Holders::NAME));
    projection::begin(db, &mut source, holdings).await?;
    Consumer::open(db, Arc::new(Holders), Box::new(source)).await
}

async fn consume(
    consumer: Consumer,
    grown: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    tell: Tell,
) {
    let ran = consumer.run(grown, stop, |step| match step {
        Ok(key) => tell.at(key),
        Err(error) => tell.stands(error),
    });
    if let Err(error) = ran.await {
        tell.stopped(&error);
    }
}

/// Where one consumer says how far it is.
struct Tell(&'static str, Arc<watch::Sender<Progress>>);

impl Tell {
    fn at(&self, key: OutputKey) {
        self.1
            .send_modify(|progress| drop(progress.insert(self.0, Ok(key))));
    }

    fn stopped(&self, error: &dyn std::error::Error) {
        tracing::warn!("the consumer {} of the output log stopped: {error}", self.0);
        self.stands(error);
    }

    fn stands(&self, error: &dyn std::error::Error) {
        let why = error.to_string();
        self.1
            .send_modify(|progress| drop(progress.insert(self.0, Err(why))));
    }
}

/// A projection and how far its own state is kept.
struct Prepared {
    projection: Arc<dyn Projection>,
    kept: Kept,
}

impl Prepared {
    /// One whose rows are all it has: the log may forget what they hold.
    fn stateless(projection: impl Projection) -> Self {
        Self {
            projection: Arc::new(projection),
            kept: Kept::all(),
        }
    }
}

/// Readers of the log that the store will be, so that nothing is trimmed before they are there.
///
/// # Errors
/// The log has too many readers.
pub fn reserve(log: &OutputConsumers) -> Result<(), JournalError> {
    for name in [ReadModel::NAME, CoreEvents.name(), ALERTS, Holders::NAME] {
        log.set_cursor(name, log.from())?;
    }
    Ok(())
}

/// Brings an engine to where the tables are. The one the database keeps is behind them by less than
/// a start can fold; without one the desk's may serve, and at last one that begins with the log:
/// then alerts raised before keep the rows they have.
///
/// # Errors
/// The database or the log; [`Trimmed`](siaga_platform::source::SourceError::Trimmed) when a rebuild is needed.
pub async fn alert_history<N>(
    db: &Db,
    log: &OutputConsumers,
    desk: Engine,
    names: N,
) -> Result<AlertHistory<N>, ConsumeError>
where
    N: Names + Send + Sync + 'static,
{
    let work = |tx: &mut Tx<'_>| Ok((read_cursor(tx, ALERTS)?, read_engine(tx)?));
    let (cursor, kept) = db.background().read(&Actor::SYSTEM, work).await?;
    let mut source = LogSource::new(log, ALERTS);
    let from = source.from();
    if from > cursor {
        // It is gone for good. The log hears of it as well, and tells who must be rebuilt.
        source.applied(cursor)?;
    }
    // An engine ahead of the tables would pass over changes that nobody has written.
    let desk = Some(desk).filter(|engine| engine.applied() <= cursor);
    let known = [kept, desk]
        .into_iter()
        .flatten()
        .find(|engine| engine.applied() >= from);
    match known {
        Some(engine) => Ok(AlertHistory::open(engine, &mut source, cursor, names)?),
        None => {
            if from != OutputKey::default() {
                tracing::warn!(
                    "no alert engine reaches back to the output log: alerts raised before it are not followed"
                );
            }
            let fresh = Engine::default();
            Ok(AlertHistory::resume(fresh, &mut source, cursor, names)?)
        }
    }
}
