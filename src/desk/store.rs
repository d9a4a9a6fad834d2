//! The read model beside the desk: opened in the background, filled from the output log.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use siaga_platform::consumer::Consumer;
use siaga_platform::source::LogSource;
use siaga_risk::journal::OutputConsumers;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::gateway::core::StoreStatus;
use crate::store::db::{Db, PoolOptions};
use crate::store::{dump, migrate, rebuild};

/// Connections of the pool to a server: enough for the API's bursts on two cores.
const CONNECTIONS_MAX: u32 = 16;

/// What the store's task works with.
pub struct StoreTask {
    pub data: PathBuf,
    pub url: Option<String>,
    pub consumers: OutputConsumers,
    /// Rises with the output log.
    pub nudge: watch::Receiver<u64>,
    pub stop: watch::Receiver<bool>,
    pub status: Arc<RwLock<StoreStatus>>,
    pub db: Arc<RwLock<Option<Db>>>,
    pub clock: Arc<Clock>,
}

impl StoreTask {
    /// Opens the database and keeps the read model up to date until told to stop. A database that
    /// cannot be opened is said on every surface; the desk goes on without it.
    pub async fn run(self) {
        let kind = if self.url.is_some() {
            "postgresql"
        } else {
            "embedded"
        };
        self.say(kind, false, "opening".into());
        let db = match self.open().await {
            Ok(db) => db,
            Err(error) => {
                tracing::error!(%error, "the database cannot be used; prices, orders and alerts go on without it");
                self.say(kind, false, error);
                return;
            }
        };
        self.say(kind, true, self.description());
        *self.db.write().unwrap_or_else(PoisonError::into_inner) = Some(db.clone());
        let dumping = (kind == "embedded").then(|| self.dump(&db));
        let mut tasks = tokio::task::JoinSet::new();
        for projection in rebuild::projections() {
            let name = projection.name();
            let log = Box::new(LogSource::new(&self.consumers, name));
            match Consumer::open(&db, projection, log).await {
                Ok(consumer) => {
                    let (nudge, stop) = (self.nudge.clone(), self.stop.clone());
                    tasks.spawn(async move { (name, consumer.run(nudge, stop, |_| {}).await) });
                }
                Err(error) => self.say(kind, false, format!("{name}: {error}")),
            }
        }
        while let Some(ended) = tasks.join_next().await {
            if let Ok((name, Err(error))) = ended {
                tracing::error!(name, %error, "a reader of the output log ended; run siaga rebuild");
                self.say(kind, false, format!("{name}: {error}"));
            }
        }
        if let Some(dumping) = dumping
            && let Ok(Err(error)) = dumping.await
        {
            tracing::error!(%error, "the platform's data could not be dumped");
        }
        *self.db.write().unwrap_or_else(PoisonError::into_inner) = None;
        db.close().await;
    }

    async fn open(&self) -> Result<Db, String> {
        match &self.url {
            Some(url) => {
                let options = PoolOptions {
                    url: url.clone(),
                    connections_max: CONNECTIONS_MAX,
                };
                let db = Db::server(&options).map_err(|error| error.to_string())?;
                let report = migrate::run(&db).await.map_err(|error| error.to_string())?;
                tracing::info!(applied = report.applied.len(), "the database is ready");
                Ok(db)
            }
            None => open_embedded(&self.data).await,
        }
    }

    fn dump(&self, db: &Db) -> tokio::task::JoinHandle<Result<(), dump::DumpError>> {
        let (db, path, clock, stop) = (
            db.clone(),
            dump_path(&self.data),
            self.clock.clone(),
            self.stop.clone(),
        );
        tokio::spawn(async move { dump::keep(&db, &path, || timestamp(&clock), stop).await })
    }

    fn description(&self) -> String {
        if self.url.is_some() {
            "ready".into()
        } else {
            "ready; for trial and demonstration, production takes a PostgreSQL URL".into()
        }
    }

    fn say(&self, kind: &str, ok: bool, detail: String) {
        let mut status = self.status.write().unwrap_or_else(PoisonError::into_inner);
        *status = StoreStatus {
            kind: kind.to_owned(),
            ok,
            detail,
        };
    }
}

/// Opens the embedded database of a data directory.
///
/// # Errors
/// Why not, as text for people.
#[cfg(feature = "embedded-postgres")]
pub async fn open_embedded(data: &std::path::Path) -> Result<Db, String> {
    let opened = crate::store::embedded::open(&data.join("store"), &dump_path(data))
        .await
        .map_err(|error| error.to_string())?;
    if let Some(recovery) = &opened.recovery {
        tracing::warn!(?recovery, "the database did not open and was set aside");
    }
    Ok(opened.db)
}

/// This build has none.
///
/// # Errors
/// Always.
#[cfg(not(feature = "embedded-postgres"))]
pub async fn open_embedded(_data: &std::path::Path) -> Result<Db, String> {
    Err("this build has no embedded database: set store.url".into())
}

fn dump_path(data: &std::path::Path) -> PathBuf {
    data.join("platform.dump")
}

fn timestamp(clock: &Clock) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(clock.now().0)).unwrap_or(Timestamp::UNIX_EPOCH)
}
