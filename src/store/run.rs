//! The store at work: its consumers of the output log and the dump of platform data.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use siaga_alerts::engine::Engine;
use siaga_alerts::text::Names;
use siaga_platform::consumer::{ConsumeError, Consumer, Projection, read_cursor};
use siaga_platform::db::{Actor, Db};
use siaga_platform::events::CoreEvents;
use siaga_platform::source::{LogSource, OutputSource as _, SourceError};
use siaga_risk::event::OutputKey;
use siaga_risk::journal::OutputConsumers;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::dump;
use super::open::Store;
use super::projection::{AlertHistory, ReadModel};

/// How far each consumer is, or why it stopped.
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
    /// The alert engine as its newest snapshot has it, or a fresh one.
    pub engine: Engine,
    /// The program's clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
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

/// Starts the consumers of the read model, of the events and of the alerts, and the dumps.
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
        now,
    } = supplies;
    let db = &store.db;
    let (told, progress) = watch::channel(Progress::new());
    let told = Arc::new(told);
    let mut tasks = JoinSet::new();
    let alerts = alert_history(db, &log, engine, names).await;
    let projections = [
        (
            ReadModel::NAME,
            Ok(Arc::new(ReadModel) as Arc<dyn Projection>),
        ),
        (
            CoreEvents.name(),
            Ok(Arc::new(CoreEvents) as Arc<dyn Projection>),
        ),
        (
            AlertHistory::<N>::NAME,
            alerts.map(|alerts| Arc::new(alerts) as Arc<dyn Projection>),
        ),
    ];
    for (name, projection) in projections {
        let opened = match projection {
            Ok(projection) => {
                Consumer::open(db, projection, Box::new(LogSource::new(&log, name))).await
            }
            Err(error) => Err(error),
        };
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

async fn consume(
    consumer: Consumer,
    grown: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    tell: Tell,
) {
    if let Err(error) = consumer.run(grown, stop, |key| tell.at(key)).await {
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
        let why = error.to_string();
        self.1
            .send_modify(|progress| drop(progress.insert(self.0, Err(why))));
    }
}

/// An engine older than the log goes on from where the log begins: alerts raised before keep their rows.
async fn alert_history<N>(
    db: &Db,
    log: &OutputConsumers,
    engine: Engine,
    names: N,
) -> Result<AlertHistory<N>, ConsumeError>
where
    N: Names + Send + Sync + 'static,
{
    let name = AlertHistory::<N>::NAME;
    let cursor = db
        .read(&Actor::SYSTEM, move |tx| read_cursor(tx, name))
        .await?;
    let mut source = LogSource::new(log, name);
    if engine.applied() >= source.from() {
        return Ok(AlertHistory::open(engine, &mut source, cursor, names)?);
    }
    if source.from() > cursor {
        return Err(ConsumeError::Source(SourceError::Trimmed {
            reader: name.to_owned(),
            cursor: cursor.seq,
        }));
    }
    tracing::warn!(
        "the alert engine's snapshot is older than the output log: alerts raised before it are not followed"
    );
    Ok(AlertHistory::resume(engine, &mut source, cursor, names)?)
}
