//! PostgreSQL inside the program, for trial and demonstration: nothing to install, one backend, and
//! it survives the death of the process but not of the machine (it does not sync). So a database
//! that does not open is set aside, and what cannot be rebuilt is restored from the platform dump.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr as _;
use std::sync::Arc;

use pglite_oxide::{PgliteServer, extensions};
use siaga_platform::db::{Connector, Db, DbError};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use tempfile::TempDir;

use super::dump::{self, DumpError, Restored};
use super::migrate::{self, MigrateError};

/// What `doctor`, `/readyz?verbose` and README say of it.
pub const NOTICE: &str = "embedded: for trial and demonstration; production takes a PostgreSQL URL";

/// Longest path of a Unix socket the kernel takes, with its terminating zero left out.
const SOCKET_PATH_MAX: usize = 107;

/// Name PostgreSQL clients expect of a socket for this port.
const SOCKET_NAME: &str = ".s.PGSQL.5432";
const SOCKET_PORT: u16 = 5432;

/// The backend's only role and its database.
const USER: &str = "postgres";
const DATABASE: &str = "template1";

/// Most damaged databases kept aside: a tenth one says that something else is wrong.
const SET_ASIDE_MAX: u32 = 9;

/// An open embedded database.
pub struct Opened {
    /// The door to it.
    pub db: Db,
    /// What the migrations did.
    pub migrated: migrate::Report,
    /// Set when the database on disk did not open and another was made in its place.
    pub recovery: Option<Recovery>,
}

/// What was lost and what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Why the old one did not open.
    pub cause: String,
    /// Where it was put.
    pub set_aside: PathBuf,
    /// What the dump brought back; `None` when there was no dump.
    pub restored: Option<Restored>,
}

/// Why there is no embedded database.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("another process uses the database in {0}; stop it, or choose another data directory")]
    InUse(PathBuf),
    /// The directory cannot be used.
    #[error("the database directory {path} cannot be used: {error}")]
    Directory {
        /// The path.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It did not start, and a fresh one does not either.
    #[error(
        "the embedded database does not start: {0}; check the free space and the rights of its directory and of the user's cache directory"
    )]
    Start(DbError),
    /// It started and its schema could not be brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A fresh one was made and the dump could not be read back.
    #[error("the database was set aside and its dump could not be restored: {0}")]
    Restore(DumpError),
}

/// Opens (or makes) the database in `dir/postgres` and migrates it. A database that does not open is
/// moved to `dir/postgres.damaged-N` and what `dump_file` holds is restored into a fresh one.
///
/// # Errors
/// [`OpenError`]. When a fresh database does not start either, the old one is put back untouched.
pub async fn open(dir: &Path, dump_file: &Path) -> Result<Opened, OpenError> {
    let lock = take_lock(dir)?;
    let root = dir.join("postgres");
    let existed = root.exists();
    let first = launch(dir, &root, &lock).await;
    let (db, recovery) = match first {
        Ok(db) => (db, None),
        Err(error) if !existed => return Err(OpenError::Start(error)),
        Err(cause) => {
            let set_aside = set_aside(&root)?;
            match launch(dir, &root, &lock).await {
                Ok(db) => (db, Some((cause.to_string(), set_aside))),
                Err(error) => {
                    let _ = std::fs::remove_dir_all(&root);
                    rename(&set_aside, &root)?;
                    return Err(OpenError::Start(error));
                }
            }
        }
    };
    let migrated = migrate::run(&db).await?;
    let recovery = match recovery {
        None => None,
        Some((cause, set_aside)) => Some(Recovery {
            cause,
            set_aside,
            restored: dump::restore(&db, dump_file)
                .await
                .map_err(OpenError::Restore)?,
        }),
    };
    Ok(Opened {
        db,
        migrated,
        recovery,
    })
}

/// Starts the database of `dir` as it is: no schema is made, nothing is set aside.
///
/// # Errors
/// [`OpenError::InUse`], [`OpenError::Directory`], [`OpenError::Start`].
pub async fn start(dir: &Path) -> Result<Db, OpenError> {
    let lock = take_lock(dir)?;
    launch(dir, &dir.join("postgres"), &lock)
        .await
        .map_err(OpenError::Start)
}

impl std::fmt::Display for Recovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Recovery {
            cause,
            set_aside,
            restored,
        } = self;
        write!(
            f,
            "the embedded database did not open ({cause}) and stands now in {}; ",
            set_aside.display()
        )?;
        match restored {
            Some(restored) => write!(
                f,
                "a fresh one holds {} rows of platform data as of {}: later changes are missing",
                restored.rows, restored.at
            )?,
            None => write!(
                f,
                "there was no dump: the platform's own rows and the audit log are missing; names and notes are copied \
                 again from the desk's files"
            )?,
        }
        write!(
            f,
            "; the read model is empty until it is rebuilt from the output log (siaga rebuild)"
        )
    }
}

/// Starts PostgreSQL and proves with a first transaction that it answers.
async fn launch(dir: &Path, root: &Path, lock: &Arc<Lock>) -> Result<Db, DbError> {
    let db = Db::single(Box::new(Embedded {
        server: None,
        sockets: sockets(dir)?,
        root: root.to_owned(),
        _lock: Arc::clone(lock),
    }))?;
    // Reading every catalog row that names a table finds a torn catalog before a request does.
    let probe = db
        .own(|tx| {
            tx.scalar(sqlx::query_scalar::<_, i64>(
                "SELECT count(*) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid",
            ))
        })
        .await;
    match probe {
        Ok(_) => Ok(db),
        Err(error) => {
            db.close().await;
            Err(error)
        }
    }
}

/// The kernel's lock on a file: it goes with the process, so no stale one can be left behind.
struct Lock(File);

impl Drop for Lock {
    /// Given back by name: a program that is being started still has a copy of the open file, and
    /// with it the lock, until its own code runs.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock of the database directory was not given back");
        }
    }
}

fn take_lock(dir: &Path) -> Result<Arc<Lock>, OpenError> {
    let failed = |error| OpenError::Directory {
        path: dir.to_owned(),
        error,
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    close_to_others(dir).map_err(failed)?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("postgres.lock"))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Arc::new(Lock(file))),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The embedded backend asks for no password: only the directory's rights keep others out.
#[cfg(unix)]
fn close_to_others(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn set_aside(root: &Path) -> Result<PathBuf, OpenError> {
    let aside = |n: u32| root.with_file_name(format!("postgres.damaged-{n}"));
    let free = (1..=SET_ASIDE_MAX).map(aside).find(|path| !path.exists());
    let path = free.ok_or_else(|| OpenError::Directory {
        path: root.to_owned(),
        error: std::io::Error::other(format!(
            "{SET_ASIDE_MAX} damaged databases stand beside it already; look for a failing disk, then remove them"
        )),
    })?;
    rename(root, &path)?;
    Ok(path)
}

fn rename(from: &Path, to: &Path) -> Result<(), OpenError> {
    std::fs::rename(from, to).map_err(|error| OpenError::Directory {
        path: from.to_owned(),
        error,
    })
}

/// Where the socket stands: the database directory, or a private one when that path is too long.
enum Sockets {
    Beside(PathBuf),
    Private(TempDir),
}

impl Sockets {
    fn path(&self) -> &Path {
        match self {
            Sockets::Beside(path) => path,
            Sockets::Private(dir) => dir.path(),
        }
    }
}

fn sockets(dir: &Path) -> Result<Sockets, DbError> {
    let unavailable = |error: std::io::Error| DbError::Unavailable(error.to_string());
    let dir = std::path::absolute(dir).map_err(unavailable)?;
    if dir.join(SOCKET_NAME).as_os_str().len() <= SOCKET_PATH_MAX {
        return Ok(Sockets::Beside(dir));
    }
    let private = tempfile::Builder::new()
        .prefix("siaga")
        .tempdir()
        .map_err(unavailable)?;
    Ok(Sockets::Private(private))
}

/// The embedded server, started at the first connection and again when it died.
struct Embedded {
    server: Option<PgliteServer>,
    sockets: Sockets,
    root: PathBuf,
    /// Held as long as the server may run.
    _lock: Arc<Lock>,
}

impl Connector for Embedded {
    fn connect(
        &mut self,
    ) -> Pin<Box<dyn Future<Output = Result<PgConnection, DbError>> + Send + '_>> {
        Box::pin(async move {
            if let Some(server) = &self.server {
                match dial(server).await {
                    Ok(connection) => return Ok(connection),
                    Err(error) => tracing::warn!("the embedded database is started again: {error}"),
                }
                self.stop();
            }
            let server = self.launch()?;
            let connection = dial(&server).await;
            self.server = Some(server);
            connection
        })
    }
}

impl Embedded {
    /// Starting blocks and may itself run futures: it gets a thread of its own.
    fn launch(&self) -> Result<PgliteServer, DbError> {
        let builder = PgliteServer::builder()
            .path(&self.root)
            .username(USER)
            .database(DATABASE)
            .extensions([extensions::VECTOR, extensions::PG_TRGM]);
        #[cfg(unix)]
        let builder = builder.unix(self.sockets.path().join(SOCKET_NAME));
        let started = std::thread::Builder::new()
            .name("database-start".into())
            .spawn(move || builder.start())
            .map_err(|error| DbError::Unavailable(error.to_string()))?
            .join();
        match started {
            Ok(Ok(server)) => Ok(server),
            Ok(Err(error)) => Err(DbError::Unavailable(format!("{error:#}"))),
            Err(_) => Err(DbError::Unavailable(
                "the embedded database panicked while starting".into(),
            )),
        }
    }

    fn stop(&mut self) {
        if let Some(server) = self.server.take()
            && let Err(error) = server.shutdown()
        {
            tracing::warn!("the embedded database did not stop cleanly: {error:#}");
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn dial(server: &PgliteServer) -> Result<PgConnection, DbError> {
    options(server)?
        .application_name("siaga")
        .connect()
        .await
        .map_err(|error| DbError::Unavailable(error.to_string()))
}

/// Where the server listens. A socket's address as a URL has no host, which sqlx does not read.
fn options(server: &PgliteServer) -> Result<PgConnectOptions, DbError> {
    #[cfg(unix)]
    if let Some(folder) = server.socket_path().and_then(Path::parent) {
        return Ok(PgConnectOptions::new_without_pgpass()
            .socket(folder)
            .port(SOCKET_PORT)
            .ssl_mode(PgSslMode::Disable)
            .username(USER)
            .database(DATABASE));
    }
    PgConnectOptions::from_str(&server.database_url())
        .map_err(|error| DbError::Unavailable(error.to_string()))
}
