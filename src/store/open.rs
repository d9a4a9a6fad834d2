//! Opening the store: a server by URL, or the embedded database, migrated and ready.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
#[cfg(feature = "embedded-postgres")]
use siaga_platform::audit;
#[cfg(feature = "embedded-postgres")]
use siaga_platform::db::Actor;
use siaga_platform::db::{Db, DbError, PoolOptions};
use siaga_risk::units::Ts;

use super::dump::{self, DumpError};
use super::migrate::{self, MigrateError};
use super::ticks;

/// Connections of a server: more would not make two cores answer sooner.
const CONNECTIONS_MAX: u32 = 16;

/// Folder of the embedded database inside the data directory.
const FOLDER: &str = "store";

/// Name of the dump inside that folder.
const DUMP_FILE: &str = "platform.dump";

/// An open store.
pub struct Store {
    /// The door to it.
    pub db: Db,
    /// What `doctor` and `/readyz?verbose` say of it.
    pub about: String,
    /// What somebody has to know and do: a recovery, a skipped migration.
    pub notices: Vec<String>,
    /// Where platform data is dumped; `None` on a server, which has backups of its own.
    pub(super) dump_file: Option<PathBuf>,
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The server.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The embedded database.
    #[cfg(feature = "embedded-postgres")]
    #[error(transparent)]
    Embedded(#[from] super::embedded::OpenError),
    /// A build without the embedded database, and no URL.
    #[error(
        "this build has no embedded database; set [store] url, or build with the feature embedded-postgres"
    )]
    NotBuiltIn,
}

impl Store {
    /// Opens the database at `url`, or the embedded one inside `data_dir`; `now` names the day whose
    /// tick partitions are made.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(
        url: Option<&str>,
        data_dir: &Path,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        let store = match url {
            Some(url) => Self::open_server(url, now).await?,
            None => Self::open_embedded(data_dir, now).await?,
        };
        let ns = u64::try_from(now.as_nanosecond()).unwrap_or(0);
        siaga_platform::audit::prepare(&store.db, Ts(ns)).await?;
        Ok(store)
    }

    /// A last dump of platform data, then every connection is closed.
    ///
    /// # Errors
    /// The dump failed; the connections are closed all the same.
    pub async fn close(&self, now: Timestamp) -> Result<(), DumpError> {
        let dumped = match &self.dump_file {
            Some(file) => dump::write(&self.db, file, now).await.map(drop),
            None => Ok(()),
        };
        self.db.close().await;
        dumped
    }

    async fn open_server(url: &str, now: Timestamp) -> Result<Self, OpenError> {
        let db = Db::server(&PoolOptions {
            url: url.to_owned(),
            connections_max: CONNECTIONS_MAX,
        })?;
        let report = migrate::run(&db).await?;
        ticks::prepare(&db, now.to_zoned(jiff::tz::TimeZone::UTC).date()).await?;
        Ok(Self {
            db,
            about: format!(
                "PostgreSQL server, time series tier {:?}",
                report.capabilities.tier
            )
            .to_lowercase(),
            notices: refused(&report),
            dump_file: None,
        })
    }

    #[cfg(feature = "embedded-postgres")]
    async fn open_embedded(data_dir: &Path, now: Timestamp) -> Result<Self, OpenError> {
        let folder = data_dir.join(FOLDER);
        let dump_file = folder.join(DUMP_FILE);
        let opened = super::embedded::open(&folder, &dump_file).await?;
        let mut notices = refused(&opened.migrated);
        if let Some(recovery) = &opened.recovery {
            // Told to whoever verifies the log: rows that went with the old database are not missing for another reason.
            let heads = opened.db.read(&Actor::SYSTEM, audit::heads).await?;
            let dump = recovery.restored.as_ref().map(|restored| restored.at);
            let path = data_dir.join(audit::ANCHORS_FILE);
            if let Err(error) = audit::append_restore(&path, now, dump, &heads) {
                notices.push(format!(
                    "that the database was restored could not be noted in {}: {error}; `siaga audit verify` will not know",
                    path.display()
                ));
            }
        }
        notices.extend(opened.recovery.map(|recovery| recovery.to_string()));
        Ok(Self {
            db: opened.db,
            about: super::embedded::NOTICE.to_owned(),
            notices,
            dump_file: Some(dump_file),
        })
    }

    #[cfg(not(feature = "embedded-postgres"))]
    async fn open_embedded(data_dir: &Path, _now: Timestamp) -> Result<Self, OpenError> {
        let _unused = data_dir.join(FOLDER).join(DUMP_FILE);
        Err(OpenError::NotBuiltIn)
    }
}

/// Steps that the database offers and this user may not take.
fn refused(report: &migrate::Report) -> Vec<String> {
    let refused = report
        .skipped
        .iter()
        .filter(|(_, why)| why.contains("superuser"));
    refused
        .map(|(name, why)| format!("migration {name} was left out: {why}"))
        .collect()
}
